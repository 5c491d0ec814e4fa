package config

// GatedMemory is SambaY's gated memory unit (Ren et al., arXiv 2507.06607): it
// reads what the last Mamba layer below made of the same token.
const GatedMemory = "gated_memory"

var gatedMemory = kind{
	name: GatedMemory, published: true,
	fields: func(*Config) []field { return nil },
	tensors: func(c *Config, add func(name string, shape ...int)) {
		linear(add, "mixer.in_proj", c.MambaBias, c.DInner(), c.HiddenSize)
		linear(add, "mixer.out_proj", c.MambaBias, c.HiddenSize, c.DInner())
	},
	state: func(*Config) int { return 0 },
}
