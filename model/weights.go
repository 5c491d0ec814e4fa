package model

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"slices"
	"strings"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/reference"
	"github.com/samba-web/samba/model/safetensors"
)

// piece is one of the tensors that make a linear weight.
type piece int

const (
	pieceData piece = iota
	pieceScales
	pieceBiases
)

// linearFormat is how a linear weight [out, in] is stored, as far as the
// tensors that have arrived tell: all of it after the last of them.
type linearFormat struct {
	dtype      reference.DType
	out, in    int
	group      int
	scalesBF16 bool
}

// putter takes the tensors of linear weights as they arrive.
type putter interface {
	put(name string, p piece, f linearFormat, blob gpu.Blob, begin, n int64) error
}

// isLinear tells the weights that are multiplied with from the small tensors
// that are read value by value.
func isLinear(spec TensorSpec) bool {
	return strings.HasSuffix(spec.Name, "_proj.weight") || spec.Name == EmbedTokens || spec.Name == LMHead
}

// maxHeader bounds a shard's header: names and shapes of a thousand layers.
const maxHeader = 16 << 20

// loadWeights reads all shards of a source: linear weights go to the putter,
// the values of small tensors come back by name.
func loadWeights(ctx context.Context, c *Config, src Source, to putter, onProgress func(Progress)) (map[string][]float32, error) {
	index, err := readIndex(ctx, src)
	if err != nil {
		return nil, err
	}
	l := &loader{specs: map[string]TensorSpec{}, seen: map[string]bool{}, parts: map[string]linearParts{}, vectors: map[string][]float32{}, to: to}
	for _, spec := range c.TensorSpecs() {
		l.specs[spec.Name] = spec
	}
	files := index.Files()
	progress := Progress{Phase: PhaseDownload, Shards: len(files)}
	for _, n := range index.Metadata.Size {
		progress.Total += n
	}
	if progress.Total == 0 {
		progress.Total = index.Metadata.TotalSize
	}
	// The next shard is on its way while this one goes to the machine.
	type arrival struct {
		blob gpu.Blob
		err  error
	}
	fetching, stop := context.WithCancel(ctx)
	defer stop()
	fetch := func(file string, loaded func(int64)) <-chan arrival {
		done := make(chan arrival, 1)
		go func() {
			blob, err := src.Shard(fetching, file, index.Metadata.Size[file], index.Metadata.SHA256[file], loaded)
			done <- arrival{blob, err}
		}()
		return done
	}
	reports := newReports(progress, onProgress)
	next := fetch(files[0], reports.of(files[0]))
	for i, file := range files {
		a := <-next
		if a.err != nil {
			return nil, a.err
		}
		if i+1 < len(files) {
			next = fetch(files[i+1], reports.of(files[i+1]))
		}
		if err := l.shard(a.blob); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		reports.arrived(file, a.blob.Len())
	}
	return l.vectors, l.finish(c)
}

// readIndex reads the folder's index, or makes one for a folder with a single
// model.safetensors.
func readIndex(ctx context.Context, src Source) (*safetensors.Index, error) {
	data, err := src.ReadFile(ctx, safetensors.IndexName)
	if errors.Is(err, fs.ErrNotExist) {
		return &safetensors.Index{WeightMap: map[string]string{"": "model.safetensors"}}, nil
	}
	if err != nil {
		return nil, err
	}
	return safetensors.ParseIndex(data)
}

// linearParts is what has been seen of a linear weight.
type linearParts struct {
	dtype          reference.DType
	bits, group    int
	scales, biases safetensors.DType
}

type loader struct {
	specs   map[string]TensorSpec
	seen    map[string]bool
	parts   map[string]linearParts
	vectors map[string][]float32
	to      putter
}

func (l *loader) shard(blob gpu.Blob) error {
	size := blob.Len()
	end, err := safetensors.HeaderEnd(blob.Bytes(0, min(8, size)), size)
	if err != nil {
		return err
	}
	if end > maxHeader {
		return fmt.Errorf("the header has %d bytes, want at most %d", end, maxHeader)
	}
	header, err := safetensors.ParseHeader(blob.Bytes(0, end), size)
	if err != nil {
		return err
	}
	for _, t := range header.Tensors {
		if err := l.tensor(t, blob); err != nil {
			return fmt.Errorf("%s: %w", t.Name, err)
		}
	}
	return nil
}

func (l *loader) tensor(t safetensors.Tensor, blob gpu.Blob) error {
	name, part := t.Name, pieceData
	for suffix, p := range map[string]piece{".scales": pieceScales, ".biases": pieceBiases} {
		if base, ok := strings.CutSuffix(t.Name, suffix); ok {
			name, part = base+".weight", p
		}
	}
	spec, known := l.specs[name]
	switch {
	case !known || part != pieceData && !isLinear(spec):
		return errors.New("the model that config.json describes has no such tensor")
	case l.seen[t.Name]:
		return errors.New("two shards hold it")
	}
	l.seen[t.Name] = true
	if !isLinear(spec) {
		values, err := floats(t, blob)
		if err != nil {
			return err
		}
		if !slices.Equal(squeeze(t.Shape), squeeze(spec.Shape)) {
			return fmt.Errorf("shape %v, config.json wants %v", t.Shape, spec.Shape)
		}
		l.vectors[name] = values
		return nil
	}
	f, err := l.format(spec, part, t)
	if err != nil {
		return err
	}
	return l.to.put(name, part, f, blob, t.Begin, t.Bytes())
}

// squeeze drops dimensions of 1: a convolution's [d_inner, 1, d_conv] is as good as [d_inner, d_conv].
func squeeze(shape []int) []int {
	return slices.DeleteFunc(slices.Clone(shape), func(n int) bool { return n == 1 })
}

// format checks one tensor of a linear weight against the config and against
// the weight's other tensors.
func (l *loader) format(spec TensorSpec, part piece, t safetensors.Tensor) (linearFormat, error) {
	out, in := spec.Shape[0], spec.Shape[1]
	f := linearFormat{out: out, in: in}
	if len(t.Shape) != 2 || t.Shape[0] != out {
		return f, fmt.Errorf("shape %v, config.json wants %v rows", t.Shape, spec.Shape)
	}
	p := l.parts[spec.Name]
	width := t.Shape[1]
	if part == pieceData {
		switch t.DType {
		case safetensors.F32, safetensors.F16, safetensors.BF16:
			p.dtype = map[safetensors.DType]reference.DType{
				safetensors.F32: reference.F32, safetensors.F16: reference.F16, safetensors.BF16: reference.BF16}[t.DType]
			if width != in {
				return f, fmt.Errorf("shape %v, config.json wants %v", t.Shape, spec.Shape)
			}
		case safetensors.U32:
			switch width * 32 {
			case in * 4:
				p.dtype, p.bits = reference.Q4, 4
			case in * 8:
				p.dtype, p.bits = reference.Q8, 8
			default:
				return f, fmt.Errorf("shape %v holds neither 4 nor 8 bits for each of %d weights in a row", t.Shape, in)
			}
		default:
			return f, fmt.Errorf("stored as %s, want F32, F16, BF16 or, quantized, U32", t.DType)
		}
	} else {
		if t.DType != safetensors.F16 && t.DType != safetensors.BF16 {
			return f, fmt.Errorf("stored as %s, want F16 or BF16", t.DType)
		}
		if width == 0 || in%width != 0 || !slices.Contains([]int{32, 64, 128}, in/width) {
			return f, fmt.Errorf("shape %v makes no groups of 32, 64 or 128 of %d weights in a row", t.Shape, in)
		}
		if p.group != 0 && p.group != in/width {
			return f, fmt.Errorf("groups of %d, its twin has groups of %d", in/width, p.group)
		}
		p.group = in / width
		if part == pieceScales {
			p.scales = t.DType
		} else {
			p.biases = t.DType
		}
		if p.scales != "" && p.biases != "" && p.scales != p.biases {
			return f, fmt.Errorf("scales are %s, biases %s, want one type", p.scales, p.biases)
		}
	}
	l.parts[spec.Name] = p
	f.dtype, f.group = p.dtype, p.group
	f.scalesBF16 = p.scales == safetensors.BF16 || p.biases == safetensors.BF16
	return f, nil
}

// finish reports the first tensor that is missing.
func (l *loader) finish(c *Config) error {
	for _, spec := range c.TensorSpecs() {
		want := []string{spec.Name}
		if p := l.parts[spec.Name]; p.bits != 0 || p.group != 0 {
			base := strings.TrimSuffix(spec.Name, ".weight")
			want = append(want, base+".scales", base+".biases")
			if l.seen[spec.Name] && p.bits == 0 {
				return fmt.Errorf("%s: has scales, but is stored as plain %s", spec.Name, p.dtype)
			}
		}
		for _, name := range want {
			if !l.seen[name] {
				return fmt.Errorf("%s: no shard holds it, but config.json wants it", name)
			}
		}
	}
	return nil
}

// floats widens a small tensor's values to fp32.
func floats(t safetensors.Tensor, blob gpu.Blob) ([]float32, error) {
	const most = 1 << 26
	if t.Bytes() > most {
		return nil, fmt.Errorf("%d bytes, want at most %d", t.Bytes(), most)
	}
	data := blob.Bytes(t.Begin, t.Bytes())
	switch t.DType {
	case safetensors.F32:
		out := make([]float32, len(data)/4)
		for i := range out {
			out[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
		}
		return out, nil
	case safetensors.F16, safetensors.BF16:
		widen := reference.FromF16
		if t.DType == safetensors.BF16 {
			widen = reference.FromBF16
		}
		out := make([]float32, len(data)/2)
		for i, h := range halves(data) {
			out[i] = widen(h)
		}
		return out, nil
	}
	return nil, fmt.Errorf("stored as %s, want F32, F16 or BF16", t.DType)
}
