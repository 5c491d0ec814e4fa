package families

import (
	"slices"

	"github.com/samba-web/samba/model/config"
)

// jamba is AI21's hybrid of Mamba, with RMSNorms on dt, B and C, and full
// attention without positions, as far as it is dense. Source: transformers'
// JambaForCausalLM.
var jamba = Family{
	Types: []string{"jamba"},
	config: func(f *fields) *config.Config {
		d, heads := f.size("hidden_size"), f.size("num_attention_heads")
		c := &config.Config{
			HiddenSize: d, NumHiddenLayers: f.size("num_hidden_layers"), VocabSize: f.size("vocab_size"),
			IntermediateSize: f.size("intermediate_size"),
			NumHeads:         heads, NumKVHeads: f.integer("num_key_value_heads", heads), HeadDim: f.share("hidden_size", "num_attention_heads"),
			DState: f.integer("mamba_d_state", 16), DConv: f.integer("mamba_d_conv", 4), Expand: f.integer("mamba_expand", 2),
			DTRank: f.rank("mamba_dt_rank", d), NoConvBias: !f.flag("mamba_conv_bias", true), MambaBias: f.flag("mamba_proj_bias", false),
			RMSNormEps: f.number("rms_norm_eps", 1e-6), TieEmbeddings: f.flag("tie_word_embeddings", false),
			MaxPositions: f.integer("max_position_embeddings", 0),
		}
		c.DBCNorm, c.DBCNormEps = config.NormGained, c.RMSNormEps
		f.refuse("hidden_act", "the engine has silu alone", "silu", "swish")
		if period, offset := f.integer("expert_layer_period", 2), f.integer("expert_layer_offset", 1); f.integer("num_experts", 16) > 1 && offset < c.NumHiddenLayers && period > 0 {
			f.refuse("num_experts", "experts are not carried: take a dense model of the family, such as Jamba Reasoning 3B", 1.0)
			if !f.has("num_experts") {
				f.lack("num_experts", "16, as it is missing", "experts are not carried")
			}
		}
		kinds := f.texts("layers_block_type")
		period, offset := f.integer("attn_layer_period", 8), f.integer("attn_layer_offset", 4)
		if kinds == nil && period < 1 {
			f.fail("attn_layer_period", "1 or more")
		}
		if kinds != nil && len(kinds) != c.NumHiddenLayers {
			f.fail("layers_block_type", "an entry for each of num_hidden_layers")
		}
		if f.err != nil {
			return c
		}
		c.SetLayers(func(i int) (string, bool) {
			attends := kinds == nil && i%period == offset
			if kinds != nil {
				attends = slices.Contains(attentionNames, kinds[i])
			}
			if attends {
				return config.FullAttention, true
			}
			return config.Mamba, true
		})
		return c
	},
	tensors: func(c *config.Config, f *fields, n *Names) {
		n.tensor(config.EmbedTokens, "model.embed_tokens.weight")
		n.tensor(config.FinalNorm, "model.final_layernorm.weight")
		n.head(c, "lm_head")
		for i, kind := range c.LayerTypes {
			at := layer("model.", i)
			n.tensor(config.LayerTensor(i, "mixer_norm.weight"), at+"input_layernorm.weight")
			n.tensor(config.LayerTensor(i, "mlp_norm.weight"), at+"pre_ff_layernorm.weight")
			if kind == config.Mamba {
				n.mamba(i, at+"mamba.")
				for _, name := range []string{"dt", "b", "c"} {
					n.tensor(config.LayerTensor(i, "mixer."+name+"_norm.weight"), at+"mamba."+name+"_layernorm.weight")
				}
			} else {
				n.attention(c, i, at+"self_attn.", "o_proj")
			}
			n.mlp(c, i, at+"feed_forward.", "gate_proj", "up_proj", "down_proj")
		}
	},
}

// attentionNames are what layer lists call attention over everything: hubs, and
// what transformers 5 saves.
var attentionNames = []string{"attention", "full_attention"}

// attention names the projections of grouped-query attention.
func (n *Names) attention(c *config.Config, i int, at, out string) {
	heads, keys := c.NumHeads*c.HeadDim, c.NumKVHeads*c.HeadDim
	n.rows(config.LayerTensor(i, "mixer.qkv_proj"), row{at + "q_proj", heads}, row{at + "k_proj", keys}, row{at + "v_proj", keys})
	n.module(config.LayerTensor(i, "mixer.o_proj"), at+out)
}

// mlp names the projections of a gated MLP.
func (n *Names) mlp(c *config.Config, i int, at, gate, up, down string) {
	n.rows(config.LayerTensor(i, "mlp.gate_up_proj"), row{at + gate, c.IntermediateSize}, row{at + up, c.IntermediateSize})
	n.module(config.LayerTensor(i, "mlp.down_proj"), at+down)
}
