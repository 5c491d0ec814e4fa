package families

import (
	"fmt"
	"strings"

	"github.com/samba-web/samba/model/config"
)

// nemotron is NVIDIA's hybrid, whose layers are one mixer each, Mamba-2,
// attention without positions, or an MLP, as far as it is dense. Source:
// transformers' NemotronHForCausalLM; the time step's limits are those of
// time_step_limit, as MLX has them.
var nemotron = Family{
	Types: []string{"nemotron_h"},
	config: func(f *fields) *config.Config {
		c := &config.Config{
			HiddenSize: f.size("hidden_size"), NumHiddenLayers: f.size("num_hidden_layers"), VocabSize: f.size("vocab_size"),
			IntermediateSize: f.size("intermediate_size"), Activation: config.SquaredReLU,
			NumHeads: f.size("num_attention_heads"), NumKVHeads: f.size("num_key_value_heads"), HeadDim: f.integer("head_dim", 128),
			AttentionBias: f.flag("attention_bias", false), AttentionOutBias: f.flag("attention_bias", false), MLPBias: f.flag("mlp_bias", false),
			RMSNormEps: f.number("layer_norm_epsilon", 1e-5), TieEmbeddings: f.flag("tie_word_embeddings", false),
			MaxPositions: f.integer("max_position_embeddings", 0),
			DConv:        f.integer("conv_kernel", 4), NoConvBias: !f.flag("use_conv_bias", true), MambaBias: f.flag("mamba_proj_bias", f.flag("use_bias", false)),
		}
		f.mamba2(c, 0, mamba2Fields{"mamba_num_heads", "mamba_head_dim", "ssm_state_size", "n_groups", 128, 128, 8})
		c.SSM.NormGroups = c.SSM.Groups
		f.refuse("mlp_hidden_act", "the family's squared ReLU alone is carried", "relu2")
		f.refuse("mamba_hidden_act", "the engine has silu alone", "silu", "swish")
		kinds := f.pattern()
		if f.err == nil && len(kinds) != c.NumHiddenLayers {
			f.fail("num_hidden_layers", "as many as the pattern of layers has")
		}
		if f.err != nil {
			return c
		}
		c.SetLayers(func(i int) (string, bool) {
			switch kinds[i] {
			case 'M':
				return config.Mamba2, false
			case '*':
				return config.FullAttention, false
			}
			return config.NoMixer, true
		})
		return c
	},
	tensors: func(c *config.Config, f *fields, n *Names) {
		for _, root := range []string{"backbone.", "model."} {
			n.tensor(config.EmbedTokens, root+"embeddings.weight")
			n.tensor(config.EmbedTokens, root+"embedding.weight")
			n.tensor(config.FinalNorm, root+"norm_f.weight")
			for i, kind := range c.LayerTypes {
				at := layer(root, i)
				switch kind {
				case config.NoMixer:
					n.tensor(config.LayerTensor(i, "mlp_norm.weight"), at+"norm.weight")
					n.module(config.LayerTensor(i, "mlp.up_proj"), at+"mixer.up_proj")
					n.module(config.LayerTensor(i, "mlp.down_proj"), at+"mixer.down_proj")
					continue
				case config.Mamba2:
					n.mamba2(i, at+"mixer.")
				default:
					n.attention(c, i, at+"mixer.", "o_proj")
				}
				n.tensor(config.LayerTensor(i, "mixer_norm.weight"), at+"norm.weight")
			}
		}
		n.head(c, "lm_head")
		tied := n.ignored
		n.ignored = func(name string) bool {
			return strings.HasPrefix(name, "mtp.") || tied != nil && tied(name) // what predicts several tokens at once
		}
	},
}

// pattern is the kinds of layers, a letter each: M, * or -.
func (f *fields) pattern() string {
	pattern, from := f.text("hybrid_override_pattern", ""), "hybrid_override_pattern"
	if pattern == "" {
		letters := map[string]string{"linear_attention": "M", "mamba": "M", "full_attention": "*", "attention": "*", "mlp": "-", "moe": "E"}
		for _, from = range []string{"layers_block_type", "layer_types"} {
			for _, kind := range f.texts(from) {
				if letters[kind] == "" {
					f.lack(from, kind, "no such layer is known: want mamba, attention or mlp")
				}
				pattern += letters[kind]
			}
			if pattern != "" {
				break
			}
		}
	}
	if at := strings.IndexByte(pattern, 'E'); at >= 0 {
		f.lack(from, f.values[from], fmt.Sprintf("layer %d has experts, which are not carried: take a dense model of the family", at))
	} else if strings.Trim(pattern, "M*-") != "" {
		f.lack(from, pattern, "want one of M, * and - for each layer")
	}
	return pattern
}
