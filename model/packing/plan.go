// Package packing turns a folder of unpacked weights into the one that samba convert
// writes of it in 4 or 8 bits, to the byte: for the converter, which writes it to a
// disk, and for a load, which packs the weights as their bytes come (source.go).
//
//	config, tensors ─▶ Plan:   which rows of which tensors make each of the folder's, and how they are stored
//	                ─▶ Shards: files of some 32 MB, in the order in which a token meets the weights
//	rows            ─▶ Writer: a shard's bytes, front to back, from whole rows as they come
package packing

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/samba-web/samba/model/config"
	"github.com/samba-web/samba/model/families"
	"github.com/samba-web/samba/model/safetensors"
)

// Version changes whenever the same weights give other bytes.
const Version = 2

// Format is how linear weights are stored.
type Format struct {
	Bits  int            // 4, 8, 16 or 32
	Group int            // weights that share a scale: 32, 64 or 128
	Wider map[string]int // where Bits is 4: bits of modules by the last part of their names
}

// Tensor is one of the folder that is packed.
type Tensor struct {
	Shape []int
	DType safetensors.DType // ""; no float's, such as one that is packed already
}

// Part is a run of rows of a tensor there. A vector has rows of one element.
type Part struct {
	Name       string
	From, Rows int
}

// Output is one weight of the folder to be written: where its rows come from
// and how they are stored.
type Output struct {
	Name  string // X.weight; quantized, X.scales and X.biases belong to it
	Shape []int
	Parts []Part
	DType safetensors.DType // F32, F16, BF16, or U32 for a quantized weight
	Bits  int               // of a quantized weight, else 0
	Group int

	Indivisible bool // not quantized, because groups do not divide its rows
}

// In is the number of elements of a row.
func (o *Output) In() int {
	in := 1
	for _, d := range o.Shape[1:] {
		in *= d
	}
	return in
}

// Tensors are the entries that the output becomes, without offsets.
func (o *Output) Tensors() []safetensors.Tensor {
	if o.Bits == 0 {
		return []safetensors.Tensor{{Name: o.Name, DType: o.DType, Shape: o.Shape}}
	}
	stem := strings.TrimSuffix(o.Name, ".weight")
	rows, in := o.Shape[0], o.Shape[1]
	return []safetensors.Tensor{
		{Name: o.Name, DType: safetensors.U32, Shape: []int{rows, in * o.Bits / 32}},
		{Name: stem + ".scales", DType: safetensors.F16, Shape: []int{rows, in / o.Group}},
		{Name: stem + ".biases", DType: safetensors.F16, Shape: []int{rows, in / o.Group}},
	}
}

// Bytes is what its tensors take.
func (o *Output) Bytes() int64 {
	total := int64(0)
	for _, t := range o.Tensors() {
		n := int64(t.DType.Size())
		for _, d := range t.Shape {
			n *= int64(d)
		}
		total += n
	}
	return total
}

// Encode chooses how an output, which is that tensor of the model or some rows
// of it, is stored. Norms, convolutions and the SSM's own tensors stay F32.
func (o *Output) Encode(spec config.TensorSpec, f Format) {
	o.DType = safetensors.F32
	if f.Bits == 32 || !spec.IsLinear() {
		return
	}
	o.DType = safetensors.F16
	if f.Bits == 16 {
		return
	}
	if o.In()%f.Group != 0 {
		o.Indivisible = true
		return
	}
	o.DType, o.Bits, o.Group = safetensors.U32, f.Bits, f.Group
	if f.Bits == 4 {
		stem := strings.TrimSuffix(spec.Name, ".weight")
		if more := f.Wider[stem[strings.LastIndexByte(stem, '.')+1:]]; more != 0 {
			o.Bits = more
		}
	}
}

// Plan lists a folder's own tensors in the order in which a token meets them: they
// keep their names and shapes, so that the folder that is written is one of the same
// family, packed as MLX packs. The error names the tensor that is missing,
// misshapen or left over.
func Plan(m *families.Model, tensors map[string]Tensor, f Format) ([]*Output, error) {
	used := map[string]bool{}
	var outputs []*Output
	for _, spec := range m.Config.TensorSpecs() {
		for row := 0; row < spec.Shape[0]; {
			names := m.Names.At(spec.Name, row)
			i := slices.IndexFunc(names, func(name string) bool { _, there := tensors[name]; return there })
			if i < 0 {
				return nil, fmt.Errorf("of %s are %d rows of %d there: it is missing a tensor that config.json asks for", strings.Join(m.Names.Of(spec.Name), " or "), row, spec.Shape[0])
			}
			name := names[i]
			at, _, _ := m.Names.Place(name)
			row += at.Rows
			t, shape := tensors[name], slices.Clone(spec.Shape)
			shape[0] = at.Rows
			if err := CheckShape(name, t.Shape, shape); err != nil {
				return nil, err
			}
			used[name] = true
			o := &Output{Name: name, Shape: t.Shape, Parts: []Part{{name, 0, at.Rows}}}
			if spec.IsLinear() {
				o.Shape = shape
			}
			o.Encode(spec, f)
			if o.DType == safetensors.F16 && t.DType == safetensors.BF16 {
				o.DType = safetensors.BF16 // F16 has not its range
			}
			outputs = append(outputs, o)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(tensors)) {
		_, known, ignored := m.Names.Place(name)
		switch {
		case used[name], ignored:
		case known:
			return nil, fmt.Errorf("%s holds rows that another tensor holds, too", name)
		default:
			return nil, fmt.Errorf("a %s model has no tensor %s: config.json does not describe these weights", m.Config.ModelType, name)
		}
	}
	return outputs, nil
}

// CheckShape compares a tensor's shape with the config's; it may have dimensions of
// 1 that ours has not.
func CheckShape(name string, got, want []int) error {
	squeeze := func(shape []int) []int {
		return slices.DeleteFunc(slices.Clone(shape), func(n int) bool { return n == 1 })
	}
	if !slices.Equal(squeeze(got), squeeze(want)) {
		return fmt.Errorf("%s has shape %v, want %v: the config disagrees with the weights", name, got, want)
	}
	return nil
}

// Config is the folder's config.json with what was packed: as MLX writes it for a
// published folder's text, with our own fields where the model is ours.
func Config(text []byte, m *families.Model, outputs []*Output, f Format) ([]byte, error) {
	if m.Config.ModelType == config.ModelType {
		c := *m.Config
		if slices.ContainsFunc(outputs, func(o *Output) bool { return o.Bits != 0 }) {
			c.Quantization = &config.Quantization{GroupSize: f.Group, Bits: f.Bits}
			if f.Bits == 4 {
				c.Quantization.Overrides = f.Wider
			}
		}
		return encodeJSON(c)
	}
	fields := map[string]json.RawMessage{}
	err := json.Unmarshal(families.Plain(text), &fields)
	if err != nil {
		return nil, err
	}
	delete(fields, "quantization")
	delete(fields, "quantization_config")
	if fields[families.Unfolded], err = json.Marshal(Version); err != nil {
		return nil, err
	}
	if f.Bits == 4 || f.Bits == 8 {
		entry := map[string]any{"bits": f.Bits, "group_size": f.Group, "mode": "affine"}
		for _, o := range outputs {
			module := strings.TrimSuffix(o.Name, ".weight")
			switch {
			case o.Indivisible:
				entry[module] = false
			case o.Bits != 0 && o.Bits != f.Bits:
				entry[module] = map[string]int{"bits": o.Bits, "group_size": f.Group}
			}
		}
		if fields["quantization"], err = json.Marshal(entry); err != nil {
			return nil, err
		}
	}
	return encodeJSON(fields)
}

func encodeJSON(v any) ([]byte, error) {
	data, err := json.MarshalIndent(v, "", "  ")
	return append(data, '\n'), err
}
