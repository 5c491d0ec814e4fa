package convert

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/samba-web/samba/model/config"
	"github.com/samba-web/samba/model/packing"
)

// planner matches a config's tensors with the source's.
type planner struct {
	config *config.Config
	src    *source
	used   map[string]bool
}

// plan lists the model's weights in the order in which a token meets them. The
// error names the tensor that is missing, misshapen or left over.
func plan(c *config.Config, src *source, f packing.Format) ([]*packing.Output, error) {
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
	var outputs []*packing.Output
	for _, spec := range c.TensorSpecs() {
		o := &packing.Output{Name: spec.Name, Shape: spec.Shape}
		var err error
		if theirs {
			o.Parts, err = p.reference(spec, blocks)
		} else {
			o.Parts, err = p.rows(spec.Name, spec.Shape)
		}
		if err != nil {
			return nil, err
		}
		o.Encode(spec, f)
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
func (p *planner) rows(name string, want []int) ([]packing.Part, error) {
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
	if err := packing.CheckShape(name, t.shape(), want); err != nil {
		return nil, fmt.Errorf("%s: %w", p.src.path, err)
	}
	return []packing.Part{{Name: name, Rows: want[0]}}, nil
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
func (p *planner) reference(spec config.TensorSpec, blocks []block) ([]packing.Part, error) {
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
func (p *planner) qkv(name string, want []int) ([]packing.Part, error) {
	if _, err := p.rows(name, want); err != nil {
		return nil, err
	}
	c := p.config
	perGroup := c.NumHeads / c.NumKVHeads
	var queries, keys, values []packing.Part
	for g := range c.NumKVHeads {
		row := g * (perGroup + 2) * c.HeadDim
		queries = append(queries, packing.Part{Name: name, From: row, Rows: perGroup * c.HeadDim})
		keys = append(keys, packing.Part{Name: name, From: row + perGroup*c.HeadDim, Rows: c.HeadDim})
		values = append(values, packing.Part{Name: name, From: row + (perGroup+1)*c.HeadDim, Rows: c.HeadDim})
	}
	return slices.Concat(queries, keys, values), nil
}
