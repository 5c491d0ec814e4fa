package families

import (
	"fmt"
	"math"
	"slices"

	"github.com/samba-web/samba/model/config"
)

// granite is IBM's hybrid of Mamba-2 and full attention, as far as it is
// dense. Source: transformers' GraniteMoeHybridForCausalLM; MLX splits and
// renames the MLP.
var granite = Family{
	Types: []string{"granitemoehybrid"},
	config: func(f *fields) *config.Config {
		d, heads := f.size("hidden_size"), f.size("num_attention_heads")
		inner := f.integer("mamba_expand", 2) * d
		c := &config.Config{
			HiddenSize: d, NumHiddenLayers: f.size("num_hidden_layers"), VocabSize: f.size("vocab_size"),
			IntermediateSize: f.size("shared_intermediate_size"),
			NumHeads:         heads, NumKVHeads: f.integer("num_key_value_heads", heads), HeadDim: f.share("hidden_size", "num_attention_heads"),
			AttentionBias: f.flag("attention_bias", false), AttentionOutBias: f.flag("attention_bias", false),
			RMSNormEps: f.number("rms_norm_eps", 1e-6), TieEmbeddings: f.flag("tie_word_embeddings", false),
			MaxPositions:   f.integer("max_position_embeddings", 0),
			EmbeddingScale: f.number("embedding_multiplier", 1), ResidualScale: f.number("residual_multiplier", 1),
			AttentionScale: f.number("attention_multiplier", 1), LogitsScale: f.inverse("logits_scaling", 1),
			DConv: f.integer("mamba_d_conv", 4), NoConvBias: !f.flag("mamba_conv_bias", true), MambaBias: f.flag("mamba_proj_bias", false),
		}
		f.mamba2(c, inner, mamba2Fields{"mamba_n_heads", "mamba_d_head", "mamba_d_state", "mamba_n_groups", 128, 256, 1})
		c.SSM.NormGroups = 1 // whatever mamba_n_groups
		if f.text("position_embedding_type", "nope") == "rope" {
			theta := f.theta(10000)
			c.RopeTheta = &theta
		}
		f.refuse("rope_scaling", "scaled positions are not carried")
		f.refuse("num_local_experts", "experts are not carried: take a dense model of the family, such as granite-4.0-h-micro, -1b or -350m", 0.0)
		f.refuse("hidden_act", "the engine has silu alone", "silu", "swish")
		kinds := f.texts("layer_types")
		if len(kinds) != c.NumHiddenLayers {
			f.fail("layer_types", "an entry for each of num_hidden_layers")
		}
		if f.err != nil {
			return c
		}
		c.SetLayers(func(i int) (string, bool) {
			if slices.Contains(attentionNames, kinds[i]) {
				return config.FullAttention, true
			}
			return config.Mamba2, true
		})
		return c
	},
	tensors: func(c *config.Config, f *fields, n *Names) {
		n.tensor(config.EmbedTokens, "model.embed_tokens.weight")
		n.tensor(config.FinalNorm, "model.norm.weight")
		n.head(c, "lm_head")
		for i, kind := range c.LayerTypes {
			at := layer("model.", i)
			n.tensor(config.LayerTensor(i, "mixer_norm.weight"), at+"input_layernorm.weight")
			n.tensor(config.LayerTensor(i, "mlp_norm.weight"), at+"post_attention_layernorm.weight")
			if kind == config.Mamba2 {
				n.mamba2(i, at+"mamba.")
			} else {
				n.attention(c, i, at+"self_attn.", "o_proj")
			}
			n.module(config.LayerTensor(i, "mlp.gate_up_proj"), at+"shared_mlp.input_linear")
			n.module(config.LayerTensor(i, "mlp.down_proj"), at+"shared_mlp.output_linear")
			n.mlp(c, i, at+"mlp.", "gate_proj", "up_proj", "down_proj")
		}
	},
}

// mamba2Fields are the fields of a family that say a Mamba-2 mixer's shape, and
// what stands for each where it is missing.
type mamba2Fields struct {
	heads, dim, state, groups                 string
	defaultHeads, defaultState, defaultGroups int
}

// mamba2 reads a Mamba-2 mixer's shape. inner is its channels, which heads of
// "auto" channels share evenly; 0: as many as heads of the given channels make.
func (f *fields) mamba2(c *config.Config, inner int, names mamba2Fields) {
	c.DState = f.integer(names.state, names.defaultState)
	c.SSM = config.SSM{Heads: f.integer(names.heads, names.defaultHeads), Groups: f.integer(names.groups, names.defaultGroups)}
	if v, ok := f.values[names.dim].(string); !f.has(names.dim) || ok && v == "auto" {
		c.SSM.HeadDim = inner / max(c.SSM.Heads, 1)
	} else {
		c.SSM.HeadDim = f.integer(names.dim, 0)
	}
	c.Inner = c.SSM.Heads * c.SSM.HeadDim
	if inner != 0 && c.Inner != inner && f.err == nil {
		f.fail(names.heads, fmt.Sprintf("heads whose channels make %d together", inner))
	}
	c.SSM.TimeStepMax = math.Inf(1)
	if limit := f.numbers("time_step_limit", 2); limit != nil {
		c.SSM.TimeStepMin, c.SSM.TimeStepMax = limit[0], limit[1]
		if !(limit[0] >= 0 && limit[0] < limit[1]) {
			f.fail("time_step_limit", "two numbers, the first 0 or more and below the second")
		}
	}
}

// mamba2 names the tensors of a Mamba-2 mixer.
func (n *Names) mamba2(i int, at string) {
	for _, name := range []string{"A_log", "D", "dt_bias", "conv1d.weight", "conv1d.bias", "norm.weight"} {
		n.tensor(config.LayerTensor(i, "mixer."+name), at+name)
	}
	for _, name := range []string{"in_proj", "out_proj"} {
		n.module(config.LayerTensor(i, "mixer."+name), at+name)
	}
}
