package families

import "github.com/samba-web/samba/model/config"

// mamba is Mamba as transformers publishes it, and Falcon-Mamba, which passes
// dt, B and C through RMSNorms without weights. Source: transformers'
// MambaForCausalLM, FalconMambaForCausalLM.
var mamba = Family{
	Types: []string{"mamba", "falcon_mamba"},
	config: func(f *fields) *config.Config {
		d := f.size("hidden_size")
		c := &config.Config{
			HiddenSize: d, NumHiddenLayers: f.size("num_hidden_layers"), VocabSize: f.size("vocab_size"),
			DState: f.integer("state_size", 16), DConv: f.integer("conv_kernel", 4), DTRank: f.rank("time_step_rank", d),
			// Falcon-Mamba says expand 16 beside the width that counts.
			Inner:         f.integer("intermediate_size", f.integer("d_inner", f.integer("expand", 2)*d)),
			RMSNormEps:    f.number("layer_norm_epsilon", 1e-5),
			TieEmbeddings: f.flag("tie_word_embeddings", true),
			NoConvBias:    !f.flag("use_conv_bias", true), MambaBias: f.flag("use_bias", false),
		}
		if f.text("model_type", "") == "falcon_mamba" {
			c.DBCNorm, c.DBCNormEps = config.NormPlain, f.number("mixer_rms_eps", 1e-6)
		}
		f.refuse("hidden_act", "the engine has silu alone", "silu", "swish")
		c.SetLayers(func(int) (string, bool) { return config.Mamba, false })
		return c
	},
	tensors: func(c *config.Config, f *fields, n *Names) {
		n.tensor(config.EmbedTokens, "backbone.embeddings.weight")
		n.tensor(config.EmbedTokens, "backbone.embedding.weight") // the oldest files
		n.tensor(config.FinalNorm, "backbone.norm_f.weight")
		n.head(c, "lm_head")
		for i := range c.LayerTypes {
			at := layer("backbone.", i)
			n.tensor(config.LayerTensor(i, "mixer_norm.weight"), at+"norm.weight")
			n.mamba(i, at+"mixer.")
		}
	},
}

// mamba names the tensors of a Mamba mixer, which all families call alike.
func (n *Names) mamba(i int, at string) {
	for _, name := range []string{"A_log", "D", "conv1d.weight", "conv1d.bias"} {
		n.tensor(config.LayerTensor(i, "mixer."+name), at+name)
	}
	for _, name := range []string{"in_proj", "x_proj", "dt_proj", "out_proj"} {
		n.module(config.LayerTensor(i, "mixer."+name), at+name)
	}
}

// head takes the output layer, which a file with a tied one may hold as well.
func (n *Names) head(c *config.Config, theirs string) {
	n.tensor(config.LMHead, theirs+".weight")
	if c.TieEmbeddings {
		n.ignored = func(name string) bool {
			return name == theirs+".weight" || name == theirs+".scales" || name == theirs+".biases"
		}
	}
}
