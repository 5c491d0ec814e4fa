package config

// Mamba is the selective state-space model of Gu and Dao (arXiv 2312.00752).
const Mamba = "mamba"

var mamba = kind{
	name: Mamba,
	fields: func(c *Config) []field {
		return []field{
			{"mamba_d_state", c.DState, 256}, {"mamba_d_conv", c.DConv, 16},
			{"mamba_expand", c.Expand, 16}, {"mamba_dt_rank", c.DTRank, maxWidth},
		}
	},
	// in_proj holds x's rows, then z's; x_proj dt's, then B's, then C's.
	tensors: func(c *Config, add func(name string, shape ...int)) {
		d, inner := c.HiddenSize, c.DInner()
		add("mixer.in_proj.weight", 2*inner, d)
		add("mixer.conv1d.weight", inner, c.DConv)
		add("mixer.conv1d.bias", inner)
		add("mixer.x_proj.weight", c.DTRank+2*c.DState, inner)
		add("mixer.dt_proj.weight", inner, c.DTRank)
		add("mixer.dt_proj.bias", inner)
		add("mixer.A_log", inner, c.DState)
		add("mixer.D", inner)
		add("mixer.out_proj.weight", d, inner)
	},
	state: func(c *Config) int { return c.DInner() * (c.DConv - 1 + c.DState) },
}

// DInner is the number of Mamba channels.
func (c *Config) DInner() int { return c.Expand * c.HiddenSize }
