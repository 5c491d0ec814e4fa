package families

import "github.com/samba-web/samba/model/config"

// falconH1 is TII's hybrid whose every layer has Mamba-2 and attention side by
// side. Source: transformers' FalconH1ForCausalLM. MLX multiplies the factors
// into the weights when it converts, and leaves config.json as it was.
var falconH1 = Family{
	Types: []string{"falcon_h1"},
	config: func(f *fields) *config.Config {
		d, heads := f.size("hidden_size"), f.size("num_attention_heads")
		theta := f.theta(10000)
		c := &config.Config{
			HiddenSize: d, NumHiddenLayers: f.size("num_hidden_layers"), VocabSize: f.size("vocab_size"),
			IntermediateSize: f.size("intermediate_size"),
			NumHeads:         heads, NumKVHeads: f.integer("num_key_value_heads", heads),
			RopeTheta:     &theta,
			AttentionBias: f.flag("attention_bias", false), AttentionOutBias: f.flag("attention_bias", false), MLPBias: f.flag("mlp_bias", false),
			RMSNormEps: f.number("rms_norm_eps", 1e-5), TieEmbeddings: f.flag("tie_word_embeddings", false),
			MaxPositions: f.integer("max_position_embeddings", 0),
			DConv:        f.integer("mamba_d_conv", 4), NoConvBias: !f.flag("mamba_conv_bias", true),
			MambaBias: f.flag("mamba_proj_bias", false), MambaOutBias: f.flag("projectors_bias", false),
		}
		if c.HeadDim = f.integer("head_dim", 0); c.HeadDim == 0 {
			c.HeadDim = f.share("hidden_size", "num_attention_heads")
		}
		inner := f.integer("mamba_d_ssm", f.integer("mamba_expand", 2)*d)
		f.mamba2(c, inner, mamba2Fields{"mamba_n_heads", "mamba_d_head", "mamba_d_state", "mamba_n_groups", 128, 256, 1})
		if f.flag("mamba_rms_norm", false) {
			c.SSM.NormGroups, c.SSM.NormFirst = c.SSM.Groups, f.flag("mamba_norm_before_gate", true)
		}
		f.refuse("rope_scaling", "scaled positions are not carried")
		f.refuse("hidden_act", "the engine has silu alone", "silu", "swish")
		f.falconFactors(c)
		if f.err != nil {
			return c
		}
		c.SetLayers(func(int) (string, bool) { return config.Mamba2Attention, true })
		return c
	},
	tensors: func(c *config.Config, f *fields, n *Names) {
		n.tensor(config.EmbedTokens, "model.embed_tokens.weight")
		n.tensor(config.FinalNorm, "model.final_layernorm.weight")
		n.head(c, "lm_head")
		for i := range c.LayerTypes {
			at := layer("model.", i)
			n.tensor(config.LayerTensor(i, "mixer_norm.weight"), at+"input_layernorm.weight")
			n.tensor(config.LayerTensor(i, "mlp_norm.weight"), at+"pre_ff_layernorm.weight")
			n.mamba2(i, at+"mamba.")
			n.attention(c, i, at+"self_attn.", "o_proj")
			n.mlp(c, i, at+"feed_forward.", "gate_proj", "up_proj", "down_proj")
		}
	},
}

// Unfolded is what samba convert leaves in the config.json of a packed folder:
// the factors are still there, and not in the weights, as they are where MLX packed.
const Unfolded = "samba_convert"

// falconFactors reads the dozen multipliers, or, of a folder that MLX packed,
// what is left of them.
func (f *fields) falconFactors(c *config.Config) {
	head, embedding := f.number("lm_head_multiplier", 1), f.number("embedding_multiplier", 1)
	if f.has("quantization") && !f.has(Unfolded) {
		if key := f.number("key_multiplier", 1); key != 1 {
			f.lack("key_multiplier", key, "MLX's converter loses this factor, so the folder's weights are wrong: take the one that its authors published")
		}
		if c.LogitsScale = 1; c.TieEmbeddings {
			c.LogitsScale = head / embedding
		}
		return
	}
	c.LogitsScale, c.EmbeddingScale = head, embedding
	c.KeyScale, c.AttentionInScale, c.AttentionOutScale = f.number("key_multiplier", 1), f.number("attention_in_multiplier", 1), f.number("attention_out_multiplier", 1)
	c.SSM.InScale, c.SSM.OutScale = f.number("ssm_in_multiplier", 1), f.number("ssm_out_multiplier", 1)
	copy(c.SSM.SectionScales[:], f.numbers("ssm_multipliers", 5))
	if m := f.numbers("mlp_multipliers", 2); m != nil {
		c.GateScale, c.DownScale = m[0], m[1]
	}
}
