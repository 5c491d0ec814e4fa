package config

// Mamba-2 (Dao and Gu, arXiv 2405.21060): A, D and dt by head, B and C by group
// of heads, from the convolution. Mamba2Attention has full attention of the same
// norm beside it, the two added up (Falcon-H1).
const (
	Mamba2          = "mamba2"
	Mamba2Attention = "mamba2+full_attention"
)

var mamba2 = kind{
	name: Mamba2, published: true,
	fields: func(c *Config) []field {
		return []field{
			{"the number of states", c.DState, 256}, {"the convolution's width", c.DConv, 16},
			{"the number of Mamba heads", c.SSM.Heads, 1024}, {"the channels of a Mamba head", c.SSM.HeadDim, 1024},
			{"the number of groups of Mamba heads", c.SSM.Groups, max(c.SSM.Heads, 1)},
		}
	},
	// in_proj holds z's rows, then x's, B's, C's and dt's.
	tensors: func(c *Config, add func(name string, shape ...int)) {
		inner, heads, channels := c.DInner(), c.SSM.Heads, c.SSMChannels()
		linear(add, "mixer.in_proj", c.MambaBias, inner+channels+heads, c.HiddenSize)
		c.conv(add, channels)
		add("mixer.dt_bias", heads)
		add("mixer.A_log", heads)
		add("mixer.D", heads)
		if c.SSM.NormGroups > 0 {
			add("mixer.norm.weight", inner)
		}
		linear(add, "mixer.out_proj", c.MambaBias || c.MambaOutBias, c.HiddenSize, inner)
	},
	state: func(c *Config) int { return c.SSMChannels()*(c.DConv-1) + c.DInner()*c.DState },
}

var mamba2Attention = kind{
	name: Mamba2Attention, published: true,
	fields: func(c *Config) []field { return append(mamba2.fields(c), attentionFields(c)...) },
	tensors: func(c *Config, add func(name string, shape ...int)) {
		mamba2.tensors(c, add)
		fullAttention.tensors(c, add)
	},
	state: mamba2.state,
	token: keyAndValue,
}

// SSMChannels is what passes Mamba-2's convolution: x, B and C.
func (c *Config) SSMChannels() int { return c.DInner() + 2*c.SSM.Groups*c.DState }
