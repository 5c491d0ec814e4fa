package config

// kinds are the mixers that a layer can hold. A new one is a file beside mamba.go
// and a line here.
var kinds = []kind{mamba, slidingAttention, fullAttention}

// kind is what config.json and the tensors have to say of one kind of mixer.
type kind struct {
	name string // in layer_types
	// fields are those of config.json that the kind needs, with their ranges.
	fields func(c *Config) []field
	// tensors adds those of one layer's mixer, in the order in which a token meets them.
	tensors func(c *Config, add func(name string, shape ...int))
	// state is how many values a saved state has of one layer; 0: their number grows with the text.
	state func(c *Config) int
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

// Kinds lists the names that layer_types may hold.
func Kinds() (names []string) {
	for _, k := range kinds {
		names = append(names, k.name)
	}
	return names
}

// StateValues is how many values the state of a conversation has, the same at the
// first token and at the millionth. It is 0 for a model with full attention,
// whose state grows.
func (c *Config) StateValues() (total int64) {
	for _, name := range c.LayerTypes {
		n := kindOf(name).state(c)
		if n == 0 {
			return 0
		}
		total += int64(n)
	}
	return total
}
