package model

import "fmt"

// TensorSpec is one tensor that a model of a given Config must have.
type TensorSpec struct {
	Name  string
	Shape []int // row-major; linear weights are [out, in]
}

// EmbedTokens and LMHead name the two tables of a token's row; with tied
// embeddings only the first is stored.
const (
	EmbedTokens = "embed_tokens.weight"
	FinalNorm   = "norm.weight"
	LMHead      = "lm_head.weight"
)

// Overrides4 stay at 8 bits when all else has 4: what each token reads or
// what steers the state's time steps hurts most when rounded.
var Overrides4 = map[string]int{"embed_tokens": 8, "lm_head": 8, "x_proj": 8, "dt_proj": 8}

// LayerTensor names a tensor of layer i, such as LayerTensor(3, "mixer.A_log").
func LayerTensor(i int, name string) string { return fmt.Sprintf("layers.%d.%s", i, name) }

// TensorSpecs lists every tensor of the model in the order in which a token
// meets them, under the names of our model folders, with unquantized shapes.
//
// A fused qkv_proj holds all query heads, then all key heads, then all value
// heads; gate_up_proj holds the gate's rows, then up's.
func (c *Config) TensorSpecs() []TensorSpec {
	d, inner := c.HiddenSize, c.DInner()
	specs := []TensorSpec{{EmbedTokens, []int{c.VocabSize, d}}}
	for i, kind := range c.LayerTypes {
		add := func(name string, shape ...int) {
			specs = append(specs, TensorSpec{LayerTensor(i, name), shape})
		}
		add("mixer_norm.weight", d)
		if kind == LayerMamba {
			add("mixer.in_proj.weight", 2*inner, d)
			add("mixer.conv1d.weight", inner, c.DConv)
			add("mixer.conv1d.bias", inner)
			add("mixer.x_proj.weight", c.DTRank+2*c.DState, inner)
			add("mixer.dt_proj.weight", inner, c.DTRank)
			add("mixer.dt_proj.bias", inner)
			add("mixer.A_log", inner, c.DState)
			add("mixer.D", inner)
			add("mixer.out_proj.weight", d, inner)
		} else {
			add("mixer.qkv_proj.weight", c.QKVRows(), d)
			add("mixer.o_proj.weight", d, c.NumHeads*c.HeadDim)
		}
		if c.HasMLP(i) {
			add("mlp_norm.weight", d)
			add("mlp.gate_up_proj.weight", 2*c.IntermediateSize, d)
			add("mlp.down_proj.weight", d, c.IntermediateSize)
		}
	}
	specs = append(specs, TensorSpec{FinalNorm, []int{d}})
	if !c.TieEmbeddings {
		specs = append(specs, TensorSpec{LMHead, []int{c.VocabSize, d}})
	}
	return specs
}
