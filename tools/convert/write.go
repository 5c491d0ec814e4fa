package convert

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"

	"github.com/samba-web/samba/model/quant"
	"github.com/samba-web/samba/model/safetensors"
	"github.com/x448/float16"
)

// blockElements is how much of a tensor is in memory at a time.
const blockElements = 2 << 20

// entry is one tensor of a shard and the output that it belongs to.
type entry struct {
	safetensors.Tensor
	of   *output
	kind int // 0 weight, 1 scales, 2 biases
}

// writeShard streams a shard to path, and returns its SHA-256 and size; rounded
// hears what quantizing took. The tensors of four bytes come first, so that they
// lie at multiples of four.
func writeShard(ctx context.Context, path string, outputs []*output, progress func(int64), rounded func(quant.Error)) (sum string, size int64, err error) {
	var entries []entry
	for _, o := range outputs {
		for kind, t := range o.tensors() {
			entries = append(entries, entry{t, o, kind})
		}
	}
	slices.SortStableFunc(entries, func(a, b entry) int { return b.DType.Size() - a.DType.Size() })
	tensors := make([]safetensors.Tensor, len(entries))
	for i, e := range entries {
		tensors[i] = e.Tensor
	}

	f, err := os.Create(path)
	if err != nil {
		return "", 0, err
	}
	defer func() {
		if closed := f.Close(); err == nil {
			err = closed
		}
	}()
	buffer := bufio.NewWriterSize(f, 1<<20)
	w, err := safetensors.NewWriter(buffer, tensors, map[string]string{"format": "pt"})
	if err != nil {
		return "", 0, err
	}
	type pair struct{ scales, biases []uint16 }
	kept := map[*output]pair{} // scales and biases arise with the weight and are written after all weights
	write := func(p []byte) error {
		_, err := w.Write(p)
		progress(int64(len(p)))
		return err
	}
	for _, e := range entries {
		switch {
		case e.kind == 1:
			err = write(encode16(kept[e.of].scales))
		case e.kind == 2:
			err = write(encode16(kept[e.of].biases))
		case e.of.bits != 0:
			p := pair{}
			err = stream(ctx, e.of, func(block []float32, row int) error {
				q, s, b, err := quant.Quantize(e.of.name, block, e.of.in(), e.of.group, e.of.bits)
				if err != nil {
					return fmt.Errorf("%w (counted from row %d)", err, row)
				}
				rounded(quant.Measure(block, q, s, b, e.of.bits, e.of.group, e.of.in()))
				p.scales, p.biases = append(p.scales, s...), append(p.biases, b...)
				return write(encode32(q))
			})
			kept[e.of] = p
		default:
			err = stream(ctx, e.of, func(block []float32, row int) error {
				data, err := encodeFloats(block, e.DType)
				if err != nil {
					return fmt.Errorf("%s, from row %d: %w", e.of.name, row, err)
				}
				return write(data)
			})
		}
		if err != nil {
			return "", 0, err
		}
	}
	if err := w.Close(); err != nil {
		return "", 0, err
	}
	if err := buffer.Flush(); err != nil {
		return "", 0, err
	}
	return w.SHA256(), w.Size(), f.Sync()
}

// stream reads an output's rows, in order, in blocks that fit in memory.
func stream(ctx context.Context, o *output, block func(values []float32, row int) error) error {
	in := o.in()
	size := max(1, blockElements/in) // rows
	buf := make([]float32, min(size, o.shape[0])*in)
	filled, row := 0, 0
	flush := func() error {
		if filled == 0 {
			return nil
		}
		err := block(buf[:filled*in], row)
		row += filled
		filled = 0
		return err
	}
	for _, p := range o.parts {
		for done := 0; done < p.rows; {
			if err := ctx.Err(); err != nil {
				return err
			}
			n := min(p.rows-done, len(buf)/in-filled)
			if err := p.t.read(buf[filled*in:(filled+n)*in], (p.from+done)*in); err != nil {
				return err
			}
			done += n
			filled += n
			if filled*in == len(buf) {
				if err := flush(); err != nil {
					return err
				}
			}
		}
	}
	for _, p := range o.parts {
		p.t.release()
	}
	return flush()
}

func encodeFloats(values []float32, dtype safetensors.DType) ([]byte, error) {
	out := make([]byte, 0, len(values)*dtype.Size())
	for i, v := range values {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return nil, fmt.Errorf("element %d is %g, want a finite number", i, v)
		}
		if dtype == safetensors.F32 {
			out = binary.LittleEndian.AppendUint32(out, math.Float32bits(v))
			continue
		}
		if dtype == safetensors.BF16 { // it came as that
			out = binary.LittleEndian.AppendUint16(out, uint16(math.Float32bits(v)>>16))
			continue
		}
		h := float16.Fromfloat32(v)
		if !h.IsFinite() {
			return nil, fmt.Errorf("element %d is %g, beyond F16's ±65504: convert with --bits 32", i, v)
		}
		out = binary.LittleEndian.AppendUint16(out, h.Bits())
	}
	return out, nil
}

func encode32(words []uint32) []byte {
	out := make([]byte, 0, 4*len(words))
	for _, w := range words {
		out = binary.LittleEndian.AppendUint32(out, w)
	}
	return out
}

func encode16(words []uint16) []byte {
	out := make([]byte, 0, 2*len(words))
	for _, w := range words {
		out = binary.LittleEndian.AppendUint16(out, w)
	}
	return out
}

// writeFile writes a small file under a temporary name first.
func writeFile(dir, name string, data []byte) error {
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path+".tmp", data, 0o644); err != nil {
		return err
	}
	return os.Rename(path+".tmp", path)
}
