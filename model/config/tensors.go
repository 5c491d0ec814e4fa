package config

import (
	"fmt"
	"strings"
)

// TensorSpec is one tensor that a model of a given Config must have.
type TensorSpec struct {
	Name  string
	Shape []int // row-major; linear weights are [out, in]
}

// EmbedTokens and LMHead name the two tables of a token's row; with tied
// embeddings only the first is stored.
const (
	EmbedTokens   = "embed_tokens.weight"
	FinalNorm     = "norm.weight"
	FinalNormBias = "norm.bias" // of a LayerNorm
	LMHead        = "lm_head.weight"
)

// Overrides4 stay at 8 bits when all else has 4: what each token reads or
// what steers the state's time steps hurts most when rounded.
var Overrides4 = map[string]int{"embed_tokens": 8, "lm_head": 8, "x_proj": 8, "dt_proj": 8}

// LayerTensor names a tensor of layer i, such as LayerTensor(3, "mixer.A_log").
func LayerTensor(i int, name string) string { return fmt.Sprintf("layers.%d.%s", i, name) }

// IsLinear tells the weights that are multiplied with from the small tensors
// that are read value by value.
func (s TensorSpec) IsLinear() bool {
	return strings.HasSuffix(s.Name, "_proj.weight") || s.Name == EmbedTokens || s.Name == LMHead
}

// Values is how many numbers the tensor has.
func (s TensorSpec) Values() int {
	n := 1
	for _, d := range s.Shape {
		n *= d
	}
	return n
}

// TensorSpecs lists every tensor of the model in the order in which a token
// meets them, under the names of our model folders, with unquantized shapes.
//
// gate_up_proj holds the gate's rows, then up's; the mixers' files say what theirs hold.
func (c *Config) TensorSpecs() []TensorSpec {
	d := c.HiddenSize
	specs := []TensorSpec{{EmbedTokens, []int{c.VocabSize, d}}}
	for i, kind := range c.LayerTypes {
		add := func(name string, shape ...int) {
			specs = append(specs, TensorSpec{LayerTensor(i, name), shape})
		}
		norm := func(name string) {
			add(name+".weight", d)
			if c.Norm == LayerNorm {
				add(name+".bias", d)
			}
		}
		if kind != NoMixer {
			norm("mixer_norm")
		}
		kindOf(kind).tensors(c, add)
		if c.HasMLP(i) {
			norm("mlp_norm")
			first, rows := "mlp.gate_up_proj", 2*c.IntermediateSize
			if c.Activation == SquaredReLU {
				first, rows = "mlp.up_proj", c.IntermediateSize
			}
			linear(add, first, c.MLPBias, rows, d)
			linear(add, "mlp.down_proj", c.MLPBias, d, c.IntermediateSize)
		}
	}
	specs = append(specs, TensorSpec{FinalNorm, []int{d}})
	if c.Norm == LayerNorm {
		specs = append(specs, TensorSpec{FinalNormBias, []int{d}})
	}
	if !c.TieEmbeddings {
		specs = append(specs, TensorSpec{LMHead, []int{c.VocabSize, d}})
	}
	return specs
}
