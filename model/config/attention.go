package config

// The two kinds of grouped-query attention: over a window of the last positions,
// and over all.
const (
	SlidingAttention = "sliding_attention"
	FullAttention    = "full_attention"

	CrossAttention = "cross_attention" // to the keys and values of the full attention below
)

var slidingAttention = kind{
	name: SlidingAttention,
	fields: func(c *Config) []field {
		return append(attentionFields(c), field{"sliding_window", c.SlidingWindow, maxWindow})
	},
	tensors: func(c *Config, add func(name string, shape ...int)) { attentionTensors(c, c.QKVRows(), add) },
	state:   func(*Config) int { return 0 },
	window:  func(c *Config) int { return c.SlidingWindow * keyAndValue(c) },
}

var fullAttention = kind{
	name:    FullAttention,
	fields:  attentionFields,
	tensors: func(c *Config, add func(name string, shape ...int)) { attentionTensors(c, c.QKVRows(), add) },
	state:   func(*Config) int { return 0 },
	token:   keyAndValue,
}

// keyAndValue is how many values a layer keeps of one position.
func keyAndValue(c *Config) int { return 2 * c.NumKVHeads * c.HeadDim }

var crossAttention = kind{
	name: CrossAttention, published: true,
	fields:  attentionFields,
	tensors: func(c *Config, add func(name string, shape ...int)) { attentionTensors(c, c.NumHeads*c.HeadDim, add) },
	state:   func(*Config) int { return 0 },
}

func attentionFields(c *Config) []field {
	return []field{
		{"num_attention_heads", c.NumHeads, 1024}, {"num_key_value_heads", c.NumKVHeads, 1024},
		{"head_dim", c.HeadDim, 1024},
	}
}

// A fused qkv_proj holds all query heads, then all key heads, then all value
// heads; cross attention has queries alone.
func attentionTensors(c *Config, rows int, add func(name string, shape ...int)) {
	linear(add, "mixer.qkv_proj", c.AttentionBias, rows, c.HiddenSize)
	if c.QKNorm {
		add("mixer.q_norm.weight", c.HeadDim)
		add("mixer.k_norm.weight", c.HeadDim)
	}
	if c.Differential {
		for _, name := range []string{"q1", "k1", "q2", "k2"} {
			add("mixer.lambda_"+name, c.HeadDim)
		}
		add("mixer.subln.weight", 2*c.HeadDim)
	}
	linear(add, "mixer.o_proj", c.AttentionOutBias, c.HiddenSize, c.NumHeads*c.HeadDim)
}

// QKVRows is the number of rows of a fused query, key and value projection.
func (c *Config) QKVRows() int { return (c.NumHeads + 2*c.NumKVHeads) * c.HeadDim }

// Window is the number of keys that a query of such a layer sees, 0 for all.
func (c *Config) Window(kind string) int {
	if kind != SlidingAttention {
		return 0
	}
	return c.SlidingWindow
}
