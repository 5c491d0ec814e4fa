package config

import "slices"

// kinds are the mixers that a layer can hold. A new one is a file beside mamba.go
// and a line here.
var kinds = []kind{mamba, slidingAttention, fullAttention, mamba2, mamba2Attention, shortConv, gatedMemory, crossAttention, noMixer}

// kind is what config.json and the tensors have to say of one kind of mixer.
type kind struct {
	name      string // in layer_types
	published bool   // only models of published families have it: it is not for our own config.json
	// fields are those of config.json that the kind needs, with their ranges.
	fields func(c *Config) []field
	// tensors adds those of one layer's mixer, in the order in which a token meets them.
	tensors func(c *Config, add func(name string, shape ...int))
	// state is how many values a state has of one layer, beside those that grow with the text.
	state func(c *Config) int
	// window is how many it has of keys and values, whatever was read; nil: none.
	window func(c *Config) int
	// token is how many values it keeps of each token that was read; nil: none.
	token func(c *Config) int
}

// field is a number in config.json, which must lie within 1 and max.
type field struct {
	name     string
	got, max int
}

func kindOf(name string) *kind {
	for i := range kinds {
		if kinds[i].name == name {
			return &kinds[i]
		}
	}
	return nil
}

// Kinds lists the names that our own layer_types may hold.
func Kinds() (names []string) {
	for _, k := range kinds {
		if !k.published {
			names = append(names, k.name)
		}
	}
	return names
}

// StateBytes is the size of a conversation's state: fixed, the same at the first token and
// at the millionth, and with full attention perToken more for each token that was read.
// halves: keys and values are fp16, not fp32.
func (c *Config) StateBytes(halves bool) (fixed, perToken int64) {
	width := int64(4)
	if halves {
		width = 2
	}
	for _, name := range c.LayerTypes {
		k := kindOf(name)
		fixed += 4 * int64(k.state(c))
		if k.window != nil {
			fixed += width * int64(k.window(c))
		}
		if k.token != nil {
			perToken += width * int64(k.token(c))
		}
	}
	return fixed, perToken
}

// HalfKeys tells whether keys and values may be kept in fp16: where weights were rounded to 8
// bits or fewer, and heads hold whole words of two. See "Why are keys and values fp16?" in the README of model.
func (c *Config) HalfKeys() bool {
	return c.Quantization != nil && c.HeadDim%2 == 0 && slices.ContainsFunc(c.LayerTypes, func(name string) bool { k := kindOf(name); return k.window != nil || k.token != nil })
}

// NoMixer is a layer that is an MLP alone.
const NoMixer = "none"

var noMixer = kind{
	name: NoMixer, published: true,
	fields:  func(*Config) []field { return nil },
	tensors: func(*Config, func(string, ...int)) {},
	state:   func(*Config) int { return 0 },
}

// linear adds a linear layer's weight [out, in], and its bias where it has one.
func linear(add func(name string, shape ...int), name string, bias bool, out, in int) {
	add(name+".weight", out, in)
	if bias {
		add(name+".bias", out)
	}
}
