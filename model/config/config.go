// Package config is a model on paper: its shape as config.json has it, and the
// names and shapes of the tensors that follow from it. It knows no weights and no
// machine, and imports nothing of the engine.
package config

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
)

// ModelType is what our own config.json says.
const ModelType = "samba"

// Limits on what a config may ask for: far above every published model, far
// below what would overflow an int or exhaust a machine before the weights'
// own shapes are checked.
const (
	maxWidth  = 1 << 16
	maxLayers = 1 << 10
	maxVocab  = 1 << 20
	maxWindow = 1 << 20
)

// Config is a Samba model's shape, as config.json spells it. Every layer is a
// mixer (Mamba or attention) followed by an MLP, each pre-norm with a residual:
//
//	x += mixer(RMSNorm(x)); x += mlp(RMSNorm(x))
type Config struct {
	ModelType        string   `json:"model_type"`
	HiddenSize       int      `json:"hidden_size"`             // d_model
	NumHiddenLayers  int      `json:"num_hidden_layers"`       // mixers
	LayerTypes       []string `json:"layer_types"`             // a kind of mixer per layer, see kinds.go
	MLPLayers        []bool   `json:"mlp_layers,omitempty"`    // false: no MLP after that mixer (the reference's mamba_swa_mlp); empty: all true
	NumHeads         int      `json:"num_attention_heads"`     // query heads
	NumKVHeads       int      `json:"num_key_value_heads"`     // key and value heads; divides NumHeads
	HeadDim          int      `json:"head_dim"`                // even
	SlidingWindow    int      `json:"sliding_window"`          // keys a query sees, itself included
	IntermediateSize int      `json:"intermediate_size"`       // MLP width
	DState           int      `json:"mamba_d_state"`           // SSM states per channel
	DConv            int      `json:"mamba_d_conv"`            // width of the causal convolution
	Expand           int      `json:"mamba_expand"`            // d_inner = Expand * HiddenSize
	DTRank           int      `json:"mamba_dt_rank"`           //
	RMSNormEps       float64  `json:"rms_norm_eps"`            //
	RopeTheta        *float64 `json:"rope_theta"`              // null: no RoPE
	TieEmbeddings    bool     `json:"tie_word_embeddings"`     //
	VocabSize        int      `json:"vocab_size"`              // rows of the embedding, padding included
	MaxPositions     int      `json:"max_position_embeddings"` // training length; the engine itself has no such limit

	Quantization *Quantization `json:"quantization,omitempty"`

	// What published models have besides; our own config.json says none of it,
	// and zero changes nothing. A scale of 0 is 1.
	Inner        int  `json:"-"` // d_inner, where it is not Expand * HiddenSize
	NoConvBias   bool `json:"-"` // the convolution has no biases
	MambaBias    bool `json:"-"` // in_proj and out_proj have biases
	MambaOutBias bool `json:"-"` // out_proj alone has

	DBCNorm    string  `json:"-"` // RMSNorms that dt, B and C pass through: one of the Norm constants below
	DBCNormEps float64 `json:"-"` //

	AttentionBias    bool    `json:"-"` // query, key and value projections have biases
	AttentionOutBias bool    `json:"-"` // o_proj has
	AttentionScale   float64 `json:"-"` // of the products of queries and keys; 0: 1/sqrt(head_dim)
	KeyScale         float64 `json:"-"` // of keys, before RoPE
	QKNorm           bool    `json:"-"` // queries and keys pass through RMSNorm, head by head, before RoPE
	Differential     bool    `json:"-"` // differential attention: heads in pairs

	AttentionInScale, AttentionOutScale float64 `json:"-"`

	MLPBias              bool    `json:"-"`
	Activation           string  `json:"-"` // "" is SwiGLU, or SquaredReLU
	GateScale, DownScale float64 `json:"-"` // of gate's and down's products

	EmbeddingScale, ResidualScale, LogitsScale float64 `json:"-"`

	Norm string `json:"-"` // "" is RMSNorm, or LayerNorm
	SSM  SSM    `json:"-"`
}

// SSM is the shape of a Mamba-2 mixer: Inner is Heads * HeadDim channels,
// B and C come in groups of heads.
type SSM struct {
	Heads, HeadDim, Groups   int
	NormGroups               int     // groups of the gated RMSNorm; 0: there is none
	NormFirst                bool    // it comes before the gate
	TimeStepMin, TimeStepMax float64 // dt is held between them

	InScale, OutScale float64
	SectionScales     [5]float64 // of in_proj's z, x, B, C and dt
}

// RMSNorms on dt, B and C, in DBCNorm.
const (
	NormPlain  = "plain"  // without gains
	NormGained = "gained" // with
)

// Other kinds of norm and activation.
const (
	LayerNorm   = "layer_norm"
	SquaredReLU = "squared_relu" // down(relu(up x)^2)
)

// SetLayers sets each layer's mixer, and whether an MLP follows it.
func (c *Config) SetLayers(kind func(i int) (mixer string, mlp bool)) {
	all := true
	c.LayerTypes, c.MLPLayers = nil, nil
	for i := range min(c.NumHiddenLayers, maxLayers) {
		mixer, mlp := kind(i)
		c.LayerTypes, c.MLPLayers = append(c.LayerTypes, mixer), append(c.MLPLayers, mlp)
		all = all && mlp
	}
	if all {
		c.MLPLayers = nil
	}
}

// Quantization records how the 2-D weights were packed, in MLX's convention.
type Quantization struct {
	GroupSize int            `json:"group_size"`
	Bits      int            `json:"bits"`
	Overrides map[string]int `json:"overrides,omitempty"` // name suffix → bits, where they differ
}

// Parameters is how many weights the model has, shared ones counted once.
func (c *Config) Parameters() (total int64) {
	for _, spec := range c.TensorSpecs() {
		total += int64(spec.Values())
	}
	return total
}

// HasMLP tells whether layer i's mixer is followed by an MLP.
func (c *Config) HasMLP(i int) bool { return len(c.MLPLayers) == 0 || c.MLPLayers[i] }

// Has tells whether any layer is of the given kind.
func (c *Config) Has(kind string) bool {
	for _, t := range c.LayerTypes {
		if t == kind {
			return true
		}
	}
	return false
}

// Parse reads and validates a config.json of ours; package families reads those of others.
func Parse(data []byte) (*Config, error) {
	c := new(Config)
	if err := json.Unmarshal(data, c); err != nil {
		return nil, fmt.Errorf("config.json: %w", err)
	}
	if c.ModelType != ModelType {
		return nil, fmt.Errorf("config.json: model_type is %q, want %q", c.ModelType, ModelType)
	}
	for i, t := range c.LayerTypes {
		if !slices.Contains(Kinds(), t) {
			return nil, fmt.Errorf("config.json: layer_types[%d] is %q, want %s", i, t, strings.Join(Kinds(), ", "))
		}
	}
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return c, nil
}

// Validate reports the first field that is missing, out of range or in
// contradiction with another.
func (c *Config) Validate() error {
	fields := []field{
		{"hidden_size", c.HiddenSize, maxWidth},
		{"num_hidden_layers", c.NumHiddenLayers, maxLayers},
		{"vocab_size", c.VocabSize, maxVocab},
	}
	for i := range c.LayerTypes {
		if c.HasMLP(i) {
			fields = append(fields, field{"intermediate_size", c.IntermediateSize, maxWidth})
			break
		}
	}
	for _, k := range kinds {
		if c.Has(k.name) {
			fields = append(fields, k.fields(c)...)
		}
	}
	for _, f := range fields {
		if f.got < 1 || f.got > f.max {
			return fmt.Errorf("config.json: %s is %d, want 1 to %d", f.name, f.got, f.max)
		}
	}
	if len(c.LayerTypes) != c.NumHiddenLayers {
		return fmt.Errorf("config.json: layer_types has %d entries, want num_hidden_layers = %d", len(c.LayerTypes), c.NumHiddenLayers)
	}
	for _, t := range c.LayerTypes {
		if kindOf(t) == nil {
			return fmt.Errorf("config.json: a layer is %q, which is no kind of mixer", t)
		}
	}
	if n := len(c.MLPLayers); n != 0 && n != c.NumHiddenLayers {
		return fmt.Errorf("config.json: mlp_layers has %d entries, want num_hidden_layers = %d or none", n, c.NumHiddenLayers)
	}
	if c.NumKVHeads > 0 && c.NumHeads%c.NumKVHeads != 0 {
		return fmt.Errorf("config.json: num_attention_heads %d is no multiple of num_key_value_heads %d", c.NumHeads, c.NumKVHeads)
	}
	if c.HeadDim%2 != 0 && c.RopeTheta != nil {
		return fmt.Errorf("config.json: head_dim is %d, want an even number: RoPE rotates its halves", c.HeadDim)
	}
	if !(c.RMSNormEps > 0) || c.RMSNormEps > 1 {
		return fmt.Errorf("config.json: rms_norm_eps is %g, want above 0 and at most 1", c.RMSNormEps)
	}
	for _, f := range []struct {
		name string
		got  float64
	}{
		{"the embedding's factor", c.EmbeddingScale}, {"the residual's factor", c.ResidualScale}, {"the logits' factor", c.LogitsScale},
		{"the attention's factor", c.AttentionScale},
	} {
		if math.IsNaN(f.got) || math.IsInf(f.got, 0) {
			return fmt.Errorf("config.json: %s is %g, want a finite number", f.name, f.got)
		}
	}
	if t := c.RopeTheta; t != nil && (!(*t > 1) || math.IsInf(*t, 0)) {
		return fmt.Errorf("config.json: rope_theta is %g, want above 1, or null for no RoPE", *t)
	}
	if q := c.Quantization; q != nil {
		if q.Bits != 4 && q.Bits != 8 {
			return fmt.Errorf("config.json: quantization.bits is %d, want 4 or 8", q.Bits)
		}
		if q.GroupSize != 32 && q.GroupSize != 64 && q.GroupSize != 128 {
			return fmt.Errorf("config.json: quantization.group_size is %d, want 32, 64 or 128", q.GroupSize)
		}
	}
	return nil
}
