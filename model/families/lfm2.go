package families

import (
	"slices"

	"github.com/samba-web/samba/model/config"
)

// lfm2 is Liquid AI's hybrid of short gated convolutions and attention with
// normed queries and keys. Source: transformers' Lfm2ForCausalLM.
var lfm2 = Family{
	Types: []string{"lfm2"},
	config: func(f *fields) *config.Config {
		d, heads := f.size("hidden_size"), f.size("num_attention_heads")
		theta := f.theta(1e6)
		c := &config.Config{
			HiddenSize: d, NumHiddenLayers: f.size("num_hidden_layers"), VocabSize: f.size("vocab_size"),
			IntermediateSize: f.lfm2Width(),
			NumHeads:         heads, NumKVHeads: f.integer("num_key_value_heads", heads), HeadDim: f.share("hidden_size", "num_attention_heads"), QKNorm: true,
			RopeTheta:  &theta,
			RMSNormEps: f.number("norm_eps", 1e-5), TieEmbeddings: f.flag("tie_embedding", f.flag("tie_word_embeddings", true)),
			MaxPositions: f.integer("max_position_embeddings", 0),
			DConv:        f.integer("conv_L_cache", 3), Inner: d, NoConvBias: !f.flag("conv_bias", false), MambaBias: f.flag("conv_bias", false),
		}
		f.refuse("rope_scaling", "scaled positions are not carried")
		kinds := f.texts("layer_types")
		attends := f.integers("full_attn_idxs")
		if kinds != nil && len(kinds) != c.NumHiddenLayers {
			f.fail("layer_types", "an entry for each of num_hidden_layers")
		}
		if f.err != nil {
			return c
		}
		c.SetLayers(func(i int) (string, bool) {
			full := attends == nil || slices.Contains(attends, i)
			if kinds != nil {
				full = slices.Contains(attentionNames, kinds[i])
			}
			if full {
				return config.FullAttention, true
			}
			return config.ShortConv, true
		})
		return c
	},
	tensors: func(c *config.Config, f *fields, n *Names) {
		n.tensor(config.EmbedTokens, "model.embed_tokens.weight")
		n.tensor(config.FinalNorm, "model.embedding_norm.weight")
		n.head(c, "lm_head")
		for i, kind := range c.LayerTypes {
			at := layer("model.", i)
			n.tensor(config.LayerTensor(i, "mixer_norm.weight"), at+"operator_norm.weight")
			n.tensor(config.LayerTensor(i, "mlp_norm.weight"), at+"ffn_norm.weight")
			if kind == config.ShortConv {
				n.module(config.LayerTensor(i, "mixer.in_proj"), at+"conv.in_proj")
				n.module(config.LayerTensor(i, "mixer.conv1d"), at+"conv.conv")
				n.module(config.LayerTensor(i, "mixer.out_proj"), at+"conv.out_proj")
			} else {
				n.attention(c, i, at+"self_attn.", "out_proj")
				n.tensor(config.LayerTensor(i, "mixer.q_norm.weight"), at+"self_attn.q_layernorm.weight")
				n.tensor(config.LayerTensor(i, "mixer.k_norm.weight"), at+"self_attn.k_layernorm.weight")
			}
			n.mlp(c, i, at+"feed_forward.", "w1", "w3", "w2")
		}
	},
}

// lfm2Width is the MLP's width, which the family's class computes.
func (f *fields) lfm2Width() int {
	width := f.integer("block_ff_dim", f.integer("intermediate_size", 0))
	if f.flag("block_auto_adjust_ff_dim", true) {
		multiple := max(f.integer("block_multiple_of", 256), 1)
		width = int(float64(2*width/3) * f.number("block_ffn_dim_multiplier", 1))
		width = (width + multiple - 1) / multiple * multiple
	}
	return width
}
