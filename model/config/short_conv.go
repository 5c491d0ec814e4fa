package config

// ShortConv is LFM2's causal convolution between two gates.
const ShortConv = "short_conv"

var shortConv = kind{
	name: ShortConv, published: true,
	fields: func(c *Config) []field { return []field{{"conv_L_cache", c.DConv, 16}} },
	// in_proj holds B's rows, then C's, then x's.
	tensors: func(c *Config, add func(name string, shape ...int)) {
		linear(add, "mixer.in_proj", c.MambaBias, 3*c.HiddenSize, c.HiddenSize)
		c.conv(add, c.HiddenSize)
		linear(add, "mixer.out_proj", c.MambaBias, c.HiddenSize, c.HiddenSize)
	},
	state: func(c *Config) int { return c.HiddenSize * (c.DConv - 1) },
}
