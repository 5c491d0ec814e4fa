package config

// Mamba is the selective state-space model of Gu and Dao (arXiv 2312.00752).
const Mamba = "mamba"

var mamba = kind{
	name: Mamba,
	fields: func(c *Config) []field {
		return []field{
			{"mamba_d_state", c.DState, 256}, {"mamba_d_conv", c.DConv, 16},
			{"mamba_expand", max(c.Expand, min(c.Inner, 1)), 16}, {"the number of Mamba channels", c.DInner(), 16 * maxWidth}, {"mamba_dt_rank", c.DTRank, maxWidth},
		}
	},
	// in_proj holds x's rows, then z's; x_proj dt's, then B's, then C's.
	tensors: func(c *Config, add func(name string, shape ...int)) {
		d, inner := c.HiddenSize, c.DInner()
		linear(add, "mixer.in_proj", c.MambaBias, 2*inner, d)
		c.conv(add, inner)
		add("mixer.x_proj.weight", c.DTRank+2*c.DState, inner)
		if c.DBCNorm == NormGained {
			add("mixer.dt_norm.weight", c.DTRank)
			add("mixer.b_norm.weight", c.DState)
			add("mixer.c_norm.weight", c.DState)
		}
		linear(add, "mixer.dt_proj", true, inner, c.DTRank)
		add("mixer.A_log", inner, c.DState)
		add("mixer.D", inner)
		linear(add, "mixer.out_proj", c.MambaBias, d, inner)
	},
	state: func(c *Config) int { return c.DInner() * (c.DConv - 1 + c.DState) },
}

// DInner is the number of Mamba channels.
func (c *Config) DInner() int {
	if c.Inner > 0 {
		return c.Inner
	}
	return c.Expand * c.HiddenSize
}

// conv adds a causal convolution over channels.
func (c *Config) conv(add func(name string, shape ...int), channels int) {
	add("mixer.conv1d.weight", channels, c.DConv)
	if !c.NoConvBias {
		add("mixer.conv1d.bias", channels)
	}
}
