package packing

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"github.com/x448/float16"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/model/quant"
	"github.com/samba-web/samba/model/safetensors"
)

// maxShard is the size in bytes that no shard of several weights exceeds; tests change it.
var maxShard = int64(32 << 20)

// Shard is one file of the folder.
type Shard struct {
	Name    string
	Outputs []*Output
}

// Shards cuts the outputs, in order, into files of at most 32 MB; a weight that is
// larger by itself gets a file of its own.
func Shards(outputs []*Output) []Shard {
	var shards []Shard
	size := maxShard
	for _, o := range outputs {
		n := o.Bytes()
		for _, t := range o.Tensors() {
			n += int64(len(t.Name)) + 128 // its line in the header
		}
		if size+n > maxShard-64 {
			shards = append(shards, Shard{})
			size = 0
		}
		size += n
		last := &shards[len(shards)-1]
		last.Outputs = append(last.Outputs, o)
	}
	for i := range shards {
		shards[i].Name = fmt.Sprintf("model-%05d-of-%05d.safetensors", i+1, len(shards))
	}
	return shards
}

// Index is the folder's, without sizes and hashes of its files.
func Index(shards []Shard) *safetensors.Index {
	index := &safetensors.Index{WeightMap: map[string]string{}}
	index.Metadata.SHA256, index.Metadata.Size = map[string]string{}, map[string]int64{}
	for _, s := range shards {
		for _, o := range s.Outputs {
			index.Metadata.TotalSize += o.Bytes()
			for _, t := range o.Tensors() {
				index.WeightMap[t.Name] = s.Name
			}
		}
	}
	return index
}

// entry is one tensor of a shard and the output that it belongs to.
type entry struct {
	safetensors.Tensor
	of   *Output
	kind int // 0 weight, 1 scales, 2 biases
}

// entries are a shard's tensors as they lie in it: those of four bytes first, so
// that they lie at multiples of four.
func (s *Shard) entries() []entry {
	var entries []entry
	for _, size := range []int{4, 2} {
		for _, o := range s.Outputs {
			for kind, t := range o.Tensors() {
				if t.DType.Size() == size {
					entries = append(entries, entry{t, o, kind})
				}
			}
		}
	}
	return entries
}

func tensors(entries []entry) []safetensors.Tensor {
	tensors := make([]safetensors.Tensor, len(entries))
	for i, e := range entries {
		tensors[i] = e.Tensor
	}
	return tensors
}

// metadata is what a shard's header says of it.
var metadata = map[string]string{"format": "pt"}

// Size is the shard's length in bytes.
func (s *Shard) Size() (int64, error) {
	_, size, err := safetensors.Layout(tensors(s.entries()), metadata)
	return size, err
}

// Order is the shard's outputs in the order in which their rows are wanted.
func (s *Shard) Order() (outputs []*Output) {
	for _, e := range s.entries() {
		if e.kind == 0 {
			outputs = append(outputs, e.of)
		}
	}
	return outputs
}

// Writer makes a shard's bytes of rows that come in the order of Order. It keeps
// the scales and biases, which are written after the weights: of 200,064 rows of
// 2,560 weights 32 MB, which in a browser lie outside of Go's heap.
type Writer struct {
	to      *safetensors.Writer
	packed  Packed  // may be nil
	entries []entry // that are not written yet
	row     int     // of the first of them that comes next
	kept    map[*Output]*affine
}

// affine is an output's scales and biases, each of them at bytes long so far.
type affine struct {
	scales, biases gpu.Blob
	at             int64
}

// Packed hears of some rows of an output and of what they were packed to.
type Packed func(o *Output, values []float32, q []uint32, scales, biases []uint16)

// Write begins a shard: it writes the header. Packed may be nil.
func (s *Shard) Write(to io.Writer, packed Packed) (*Writer, error) {
	entries := s.entries()
	w, err := safetensors.NewWriter(to, tensors(entries), metadata)
	if err != nil {
		return nil, err
	}
	return &Writer{to: w, packed: packed, entries: entries, kept: map[*Output]*affine{}}, nil
}

// Next is the output whose rows come next; nil when the shard is whole.
func (w *Writer) Next() *Output {
	if len(w.entries) == 0 {
		return nil
	}
	return w.entries[0].of
}

// Rows takes some whole rows of Next. The error names the weight that cannot be stored.
func (w *Writer) Rows(values []float32) error {
	e := w.entries[0]
	o, in := e.of, e.of.In()
	if err := w.rows(e, values); err != nil {
		return err
	}
	w.row += len(values) / in
	if w.row < o.Shape[0] {
		return nil
	}
	w.entries, w.row = w.entries[1:], 0
	for len(w.entries) > 0 && w.entries[0].kind != 0 {
		e := w.entries[0]
		half := w.kept[e.of].scales
		if e.kind == 2 {
			half = w.kept[e.of].biases
			delete(w.kept, e.of)
		}
		for at, some := int64(0), int64(1<<18); at < half.Len(); at += some {
			if _, err := w.to.Write(half.Bytes(at, min(some, half.Len()-at))); err != nil {
				return err
			}
		}
		w.entries = w.entries[1:]
	}
	if len(w.entries) == 0 {
		return w.to.Close()
	}
	return nil
}

func (w *Writer) rows(e entry, values []float32) error {
	o, in := e.of, e.of.In()
	if o.Bits == 0 {
		data, err := encodeFloats(values, e.DType)
		if err != nil {
			return fmt.Errorf("%s, from row %d: %w", o.Name, w.row, err)
		}
		_, err = w.to.Write(data)
		return err
	}
	q, s, b, err := quant.Quantize(o.Name, values, in, o.Group, o.Bits)
	if err != nil {
		return fmt.Errorf("%w (counted from row %d)", err, w.row)
	}
	if w.packed != nil {
		w.packed(o, values, q, s, b)
	}
	kept := w.kept[o]
	if kept == nil {
		n := 2 * int64(o.Shape[0]) * int64(in/o.Group)
		kept = &affine{scales: gpu.NewBlob(n), biases: gpu.NewBlob(n)}
		w.kept[o] = kept
	}
	kept.scales.Put(kept.at, encode16(s))
	kept.biases.Put(kept.at, encode16(b))
	kept.at += 2 * int64(len(s))
	_, err = w.to.Write(encode32(q))
	return err
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
