package families

import "github.com/samba-web/samba/model/config"

// phi4flash is SambaY, Microsoft's decoder-decoder hybrid: Samba with
// differential attention below, gated memory units and attention to one layer's
// keys and values above. Source: the authors' modeling code and ArchScale.
var phi4flash = Family{
	Types: []string{"phi4flash"},
	config: func(f *fields) *config.Config {
		d, heads, layers := f.size("hidden_size"), f.size("num_attention_heads"), f.size("num_hidden_layers")
		c := &config.Config{
			HiddenSize: d, NumHiddenLayers: layers, VocabSize: f.size("vocab_size"), IntermediateSize: f.size("intermediate_size"),
			NumHeads: heads, NumKVHeads: f.size("num_key_value_heads"), HeadDim: f.share("hidden_size", "num_attention_heads"),
			Differential: true, AttentionBias: true, AttentionOutBias: true, MLPBias: f.flag("mlp_bias", false),
			Norm: config.LayerNorm, RMSNormEps: f.number("layer_norm_eps", 1e-5), TieEmbeddings: f.flag("tie_word_embeddings", true),
			MaxPositions: f.integer("max_position_embeddings", 0), SlidingWindow: f.phiWindow(),
			DState: f.integer("mamba_d_state", 16), DConv: f.integer("mamba_d_conv", 4), Expand: f.integer("mamba_expand", 2), DTRank: f.rank("mamba_dt_rank", d),
			NoConvBias: !f.flag("mamba_conv_bias", true), MambaBias: f.flag("mamba_proj_bias", false),
		}
		f.refuse("mb_per_layer", "a Mamba layer at every second place alone is carried", 2.0)
		f.refuse("lm_head_bias", "a bias of the output layer is not carried", false)
		f.refuse("hidden_act", "the engine has silu alone", "silu", "swish")
		if layers%4 != 0 {
			f.fail("num_hidden_layers", "a multiple of 4")
		}
		if heads%2 != 0 || c.NumKVHeads%2 != 0 {
			f.fail("num_attention_heads", "even numbers of heads and of key and value heads: they come in pairs")
		}
		if f.err != nil {
			return c
		}
		half := layers / 2
		c.SetLayers(func(i int) (string, bool) {
			switch {
			case i%2 == 0 && i < half+2:
				return config.Mamba, true
			case i%2 == 0:
				return config.GatedMemory, true
			case i < half:
				return config.SlidingAttention, true
			case i == half+1:
				return config.FullAttention, true
			}
			return config.CrossAttention, true
		})
		return c
	},
	tensors: func(c *config.Config, f *fields, n *Names) {
		n.tensor(config.EmbedTokens, "model.embed_tokens.weight")
		n.module("norm", "model.final_layernorm")
		n.head(c, "lm_head")
		for i, kind := range c.LayerTypes {
			at := layer("model.", i)
			n.module(config.LayerTensor(i, "mixer_norm"), at+"input_layernorm")
			n.module(config.LayerTensor(i, "mlp_norm"), at+"post_attention_layernorm")
			n.module(config.LayerTensor(i, "mlp.gate_up_proj"), at+"mlp.fc1")
			n.module(config.LayerTensor(i, "mlp.down_proj"), at+"mlp.fc2")
			switch kind {
			case config.Mamba:
				n.mamba(i, at+"attn.")
			case config.GatedMemory:
				n.module(config.LayerTensor(i, "mixer.in_proj"), at+"attn.in_proj")
				n.module(config.LayerTensor(i, "mixer.out_proj"), at+"attn.out_proj")
			default:
				n.module(config.LayerTensor(i, "mixer.qkv_proj"), at+"attn.Wqkv")
				n.module(config.LayerTensor(i, "mixer.o_proj"), at+"attn.out_proj")
				for _, name := range []string{"lambda_q1", "lambda_k1", "lambda_q2", "lambda_k2", "subln.weight"} {
					n.tensor(config.LayerTensor(i, "mixer."+name), at+"attn.inner_cross_attn."+name)
				}
			}
		}
	},
}

// phiWindow is the window, which a re-saved file holds for each layer.
func (f *fields) phiWindow() int {
	list, ok := f.values["sliding_window"].([]any)
	if !ok {
		return f.size("sliding_window")
	}
	window := 0
	for _, v := range list {
		n, isNumber := float(v)
		if v != nil && (!isNumber || n != float64(int(n)) || window != 0 && int(n) != window) {
			f.fail("sliding_window", "one whole number, or a list of it and null")
			return 0
		}
		if v != nil {
			window = int(n)
		}
	}
	return window
}
