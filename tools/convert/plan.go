package convert

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/samba-web/samba/model/config"
	"github.com/samba-web/samba/model/safetensors"
)

// maxShard is the size that no shard of several tensors exceeds.
const maxShard = 32 << 20

// part is a run of rows of a source tensor. A vector has rows of one element.
type part struct {
	name       string
	t          tensor
	from, rows int
}

// output is one weight of the model to be written: where its rows come from
// and how they are stored.
type output struct {
	name  string // X.weight; quantized, X.scales and X.biases belong to it
	shape []int
	parts []part
	dtype safetensors.DType // F32, F16, or U32 for a quantized weight
	bits  int               // of a quantized weight
	group int

	indivisible bool // not quantized, because groups do not divide its rows
}

// in is the number of elements of a row.
func (o *output) in() int {
	in := 1
	for _, d := range o.shape[1:] {
		in *= d
	}
	return in
}

// tensors are the entries that the output becomes, without offsets.
func (o *output) tensors() []safetensors.Tensor {
	if o.bits == 0 {
		return []safetensors.Tensor{{Name: o.name, DType: o.dtype, Shape: o.shape}}
	}
	stem := strings.TrimSuffix(o.name, ".weight")
	rows, in := o.shape[0], o.shape[1]
	return []safetensors.Tensor{
		{Name: o.name, DType: safetensors.U32, Shape: []int{rows, in * o.bits / 32}},
		{Name: stem + ".scales", DType: safetensors.F16, Shape: []int{rows, in / o.group}},
		{Name: stem + ".biases", DType: safetensors.F16, Shape: []int{rows, in / o.group}},
	}
}

func (o *output) bytes() int64 {
	total := int64(0)
	for _, t := range o.tensors() {
		n := int64(t.DType.Size())
		for _, d := range t.Shape {
			n *= int64(d)
		}
		total += n
	}
	return total
}

// encode chooses how an output, which is that tensor of the model or some rows
// of it, is stored: in bits, or where that is 4 in the bits that wider has for
// the last part of the tensor's name. Norms, convolutions and the SSM's own
// tensors stay F32.
func (o *output) encode(spec config.TensorSpec, bits, group int, wider map[string]int) {
	o.dtype = safetensors.F32
	if bits == 32 || !spec.IsLinear() {
		return
	}
	o.dtype = safetensors.F16
	if bits == 16 {
		return
	}
	if o.in()%group != 0 {
		o.indivisible = true
		return
	}
	o.dtype, o.bits, o.group = safetensors.U32, bits, group
	if bits == 4 {
		stem := strings.TrimSuffix(spec.Name, ".weight")
		if more := wider[stem[strings.LastIndexByte(stem, '.')+1:]]; more != 0 {
			o.bits = more
		}
	}
}

// planner matches a config's tensors with the source's.
type planner struct {
	config *config.Config
	src    *source
	used   map[string]bool
}

// plan lists the model's weights in the order in which a token meets them. The
// error names the tensor that is missing, misshapen or left over.
func plan(c *config.Config, src *source, bits, group int, wider map[string]int) ([]*output, error) {
	p := &planner{c, src, map[string]bool{}}
	theirs := p.has("transformer.wte.weight")
	if !theirs && !p.has(config.EmbedTokens) {
		return nil, fmt.Errorf("%s: neither %s nor %s is in it: it is no Samba checkpoint", src.path, "transformer.wte.weight", config.EmbedTokens)
	}
	if theirs {
		if err := p.untie(); err != nil {
			return nil, err
		}
	}
	blocks := p.blocks()
	var outputs []*output
	for _, spec := range c.TensorSpecs() {
		o := &output{name: spec.Name, shape: spec.Shape}
		var err error
		if theirs {
			o.parts, err = p.reference(spec, blocks)
		} else {
			o.parts, err = p.rows(spec.Name, spec.Shape)
		}
		if err != nil {
			return nil, err
		}
		o.encode(spec, bits, group, wider)
		outputs = append(outputs, o)
	}
	for _, name := range slices.Sorted(maps.Keys(src.tensors)) {
		if !p.used[name] {
			return nil, fmt.Errorf("%s: the config has no place for its tensor %s: pass the config it was trained with", src.path, name)
		}
	}
	return outputs, nil
}

func (p *planner) has(name string) bool { return p.src.tensors[name] != nil }

// rows takes a whole tensor; it may have dimensions of 1 that ours has not.
func (p *planner) rows(name string, want []int) ([]part, error) {
	t, ok := p.src.tensors[name]
	if !ok {
		return nil, fmt.Errorf("%s: the tensor %s is missing, which the config asks for with shape %v", p.src.path, name, want)
	}
	p.used[name] = true
	if q, ok := t.(*packed); ok && len(want) == 2 {
		if err := q.fit(want[1]); err != nil {
			return nil, fmt.Errorf("%s: %w", p.src.path, err)
		}
	}
	if !slices.Equal(squeeze(t.shape()), squeeze(want)) {
		return nil, fmt.Errorf("%s: %s has shape %v, want %v: the config disagrees with the weights", p.src.path, name, t.shape(), want)
	}
	return []part{{name, t, 0, want[0]}}, nil
}

func squeeze(shape []int) []int {
	return slices.DeleteFunc(slices.Clone(shape), func(n int) bool { return n == 1 })
}

// untie settles the output head. A tied checkpoint holds it twice, equal; when
// it holds two different ones, both are kept, whatever the config says.
func (p *planner) untie() error {
	head, wte := p.src.tensors["lm_head.weight"], p.src.tensors["transformer.wte.weight"]
	if head == nil || !p.config.TieEmbeddings {
		return nil
	}
	same, err := equal(head, wte)
	if err != nil {
		return err
	}
	if same {
		p.used["lm_head.weight"] = true
	} else {
		p.config.TieEmbeddings = false
	}
	return nil
}

// equal compares two tensors value by value.
func equal(a, b tensor) (bool, error) {
	if x, ok := a.(*pthTensor); ok {
		if y, ok := b.(*pthTensor); ok && x.SameAs(y.Tensor) {
			return true, nil
		}
	}
	if !slices.Equal(a.shape(), b.shape()) {
		return false, nil
	}
	count := 1
	for _, n := range a.shape() {
		count *= n
	}
	const block = 1 << 20
	x, y := make([]float32, block), make([]float32, block)
	for from := 0; from < count; from += block {
		n := min(block, count-from)
		if err := a.read(x[:n], from); err != nil {
			return false, err
		}
		if err := b.read(y[:n], from); err != nil {
			return false, err
		}
		if !slices.Equal(x[:n], y[:n]) {
			return false, nil
		}
	}
	return true, nil
}

// block is where the reference keeps one of our layers.
type block struct {
	index       int
	norm, mixer string
}

// blocks maps our layers to the reference's blocks. With mamba_swa_mlp, one
// block holds two of our layers.
func (p *planner) blocks() []block {
	var list []block
	if !p.has("transformer.h.0.norm_m.weight") {
		for i := range p.config.LayerTypes {
			list = append(list, block{i, "norm_1", "attn"})
		}
		return list
	}
	for i, kind := range p.config.LayerTypes {
		if kind == config.Mamba {
			list = append(list, block{i / 2, "norm_m", "mb"})
		} else {
			list = append(list, block{i / 2, "norm_attn", "attn"})
		}
	}
	return list
}

// reference finds the rows of one of our tensors among the reference's.
func (p *planner) reference(spec config.TensorSpec, blocks []block) ([]part, error) {
	switch spec.Name {
	case config.EmbedTokens:
		return p.rows("transformer.wte.weight", spec.Shape)
	case config.FinalNorm:
		return p.rows("transformer.ln_f.weight", spec.Shape)
	case config.LMHead:
		return p.rows("lm_head.weight", spec.Shape)
	}
	var layer int
	var name string
	if _, err := fmt.Sscanf(spec.Name, "layers.%d.%s", &layer, &name); err != nil || layer >= len(blocks) {
		return nil, fmt.Errorf("%s: the converter does not know this tensor of the model", spec.Name)
	}
	b := blocks[layer]
	at := func(name string) string { return fmt.Sprintf("transformer.h.%d.%s", b.index, name) }
	switch name {
	case "mixer_norm.weight":
		return p.rows(at(b.norm+".weight"), spec.Shape)
	case "mlp_norm.weight":
		return p.rows(at("norm_2.weight"), spec.Shape)
	case "mixer.qkv_proj.weight":
		return p.qkv(at(b.mixer+".attn.weight"), spec.Shape)
	case "mixer.o_proj.weight":
		return p.rows(at(b.mixer+".proj.weight"), spec.Shape)
	case "mlp.gate_up_proj.weight":
		if w12 := at("mlp.swiglu.w12.weight"); p.has(w12) {
			return p.rows(w12, spec.Shape)
		}
		half := []int{spec.Shape[0] / 2, spec.Shape[1]}
		gate, err := p.rows(at("mlp.swiglu.w1.weight"), half)
		if err != nil {
			return nil, err
		}
		up, err := p.rows(at("mlp.swiglu.w2.weight"), half)
		return append(gate, up...), err
	case "mlp.down_proj.weight":
		return p.rows(at("mlp.swiglu.w3.weight"), spec.Shape)
	}
	return p.rows(at(b.mixer+"."+strings.TrimPrefix(name, "mixer.")), spec.Shape)
}

// qkv sorts a fused projection's rows. The reference interleaves them by group:
// a group's queries, then its key, then its value; ours has all queries, then
// all keys, then all values.
func (p *planner) qkv(name string, want []int) ([]part, error) {
	whole, err := p.rows(name, want)
	if err != nil {
		return nil, err
	}
	t := whole[0].t
	c := p.config
	perGroup := c.NumHeads / c.NumKVHeads
	var queries, keys, values []part
	for g := range c.NumKVHeads {
		row := g * (perGroup + 2) * c.HeadDim
		queries = append(queries, part{name, t, row, perGroup * c.HeadDim})
		keys = append(keys, part{name, t, row + perGroup*c.HeadDim, c.HeadDim})
		values = append(values, part{name, t, row + (perGroup+1)*c.HeadDim, c.HeadDim})
	}
	return slices.Concat(queries, keys, values), nil
}

// shard cuts the outputs, in order, into files of at most maxShard bytes; a
// weight that is larger by itself gets a file of its own.
func shard(outputs []*output) [][]*output {
	var shards [][]*output
	size := int64(maxShard)
	for _, o := range outputs {
		n := o.bytes()
		for _, t := range o.tensors() {
			n += int64(len(t.Name)) + 128 // its line in the header
		}
		if size+n > maxShard-64 {
			shards = append(shards, nil)
			size = 0
		}
		size += n
		shards[len(shards)-1] = append(shards[len(shards)-1], o)
	}
	return shards
}
