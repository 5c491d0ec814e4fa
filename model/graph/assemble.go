package graph

import (
	"slices"

	"github.com/samba-web/samba/gpu/reference"
	"github.com/samba-web/samba/model/config"
)

// Store keeps a model's tensors where a machine wants them.
type Store[V, W any] interface {
	// Array allocates n values, zeroed.
	Array(name string, n int) (V, error)
	// Vector keeps the values of a small tensor.
	Vector(name string, values []float32) (V, error)
	// Linear gives back the weight whose tensors have been put, with what becomes of its
	// products: factor (W x + bias); nil is no bias, and 0 is 1.
	Linear(name string, bias []float32, factor float64) (W, error)
}

// builder takes tensors out of a store, and remembers the first that is missing.
type builder[V, W any] struct {
	config  *config.Config
	store   Store[V, W]
	vectors map[string][]float32
	rings   Rings
	failure error
}

// take gives a small tensor's values, nil where the model has none of that name.
func (b *builder[V, W]) take(name string) []float32 {
	values := b.vectors[name]
	delete(b.vectors, name)
	return values
}

// vector takes small tensors, one after another, as one array.
func (b *builder[V, W]) vector(names ...string) V {
	var all []float32
	for _, name := range names {
		all = append(all, b.take(name)...)
	}
	return b.keep(names[0], all)
}

// keep keeps values that were made of a model's.
func (b *builder[V, W]) keep(name string, values []float32) V {
	v, err := b.store.Vector(name, values)
	if b.failure == nil {
		b.failure = err
	}
	return v
}

// linear takes a module: its weight, and its bias where the model has one.
func (b *builder[V, W]) linear(module string, factor float64) W {
	return b.weight(module, b.take(module+".bias"), factor)
}

// weight takes a module's weight alone.
func (b *builder[V, W]) weight(module string, bias []float32, factor float64) W {
	w, err := b.store.Linear(module+".weight", bias, factor)
	if b.failure == nil {
		b.failure = err
	}
	return w
}

// norm takes a norm's gains, and behind them a LayerNorm's biases.
func (b *builder[V, W]) norm(module string) Norm[V] {
	if b.config.Norm == config.LayerNorm {
		return Norm[V]{Gain: b.vector(module+".weight", module+".bias"), Layer: true}
	}
	return Norm[V]{Gain: b.vector(module + ".weight")}
}

// conv takes a convolution over channels: its weights, then its biases, 0 where it has none. Weights
// that scale says nothing of stay; it multiplies those of channel c.
func (b *builder[V, W]) conv(module string, channels int, scale func(c int) float64) V {
	weights, biases := slices.Clone(b.take(module+".weight")), b.take(module+".bias")
	if biases == nil {
		biases = make([]float32, channels)
	}
	if scale != nil {
		for i := range weights {
			weights[i] = float32(float64(weights[i]) * scale(i/(len(weights)/channels)))
		}
	}
	return b.keep(module+".weight", append(weights, biases...))
}

// or1 is a factor that was left out.
func or1(factor float64) float64 {
	if factor == 0 {
		return 1
	}
	return factor
}

// Assemble builds the graph from loaded tensors.
func Assemble[V, W any](c *config.Config, s Store[V, W], vectors map[string][]float32, rings Rings) (*Graph[V, W], error) {
	b := &builder[V, W]{config: c, store: s, vectors: vectors, rings: rings}
	g := &Graph[V, W]{width: c.HiddenSize, halves: rings.Halves, embedTokens: b.weight("embed_tokens", nil, c.EmbeddingScale)}
	for i, name := range c.LayerTypes {
		kind, err := kindOf[V, W](name)
		if err != nil {
			return nil, err
		}
		l := Layer[V, W]{Mixer: kind.mixer(b, i)}
		if name != config.NoMixer {
			l.norm = b.norm(config.LayerTensor(i, "mixer_norm"))
		}
		for at, carried := range l.Mixer.carried() {
			carried.layer, carried.at = i, at
			g.Carried = append(g.Carried, carried)
		}
		if c.HasMLP(i) {
			l.mlp = b.mlp(i)
		}
		g.Layers = append(g.Layers, l)
	}
	g.Norm = b.norm("norm")
	head := "embed_tokens"
	if !c.TieEmbeddings {
		head = "lm_head"
	}
	g.Head = b.weight(head, nil, c.LogitsScale)
	return g, b.failure
}

// mlp takes layer i's. The gate's factor a multiplies what comes of gate and up
// together, SiLU(a g) a u, and a is taken back behind.
func (b *builder[V, W]) mlp(i int) *MLP[V, W] {
	at, gate := config.LayerTensor(i, "mlp."), or1(b.config.GateScale)
	m := &MLP[V, W]{norm: b.norm(config.LayerTensor(i, "mlp_norm")), squared: b.config.Activation == config.SquaredReLU}
	if m.squared {
		m.gateUp = b.linear(at+"up_proj", 0)
	} else {
		m.gateUp = b.linear(at+"gate_up_proj", b.config.GateScale)
	}
	m.down = b.linear(at+"down_proj", or1(b.config.DownScale)*or1(b.config.ResidualScale)/gate)
	return m
}

// Supports is nil where there are mixers for all of a model's layers.
func Supports(c *config.Config) error {
	for _, name := range c.LayerTypes {
		if _, err := kindOf[noArray, noWeight](name); err != nil {
			return err
		}
	}
	return nil
}

// Sketch is the graph of a model, one that is supported, without weights: for what
// its shapes alone tell.
func Sketch(c *config.Config, rings Rings) *Graph[noArray, noWeight] {
	g, _ := Assemble(c, paper{}, nil, rings) // paper takes everything
	return g
}

// paper is a store that keeps nothing. Its types are the processor's: a third pair
// would be compiled a third time.
type paper struct{}

type (
	noArray  = []float32
	noWeight = *reference.Weight
)

func (paper) Array(string, int) (noArray, error)                  { return nil, nil }
func (paper) Vector(string, []float32) (noArray, error)           { return nil, nil }
func (paper) Linear(string, []float32, float64) (noWeight, error) { return nil, nil }

// Activations are the values between the steps, for one run of tokens.
type Activations[V any] struct {
	X      V // residual stream [T, d_model]
	Mixed  V // what a mixer's last projection takes: [T, d_inner] or [T, heads head_dim]
	mlp    V // [T, intermediate]
	Logits V // [vocab]
	mixerActivations[V]
}

// NewActivations allocates what lies between the steps of a run of at most
// tokens tokens.
func NewActivations[V, W any](c *config.Config, s Store[V, W], tokens int) (*Activations[V], error) {
	var failure error
	allocate := func(name string, n int) V {
		v, err := s.Array(name, n)
		if failure == nil {
			failure = err
		}
		return v
	}
	array := func(name string, width int) V { return allocate(name, tokens*width) }
	a := &Activations[V]{X: array("residual stream", c.HiddenSize), mlp: array("MLP", c.IntermediateSize)}
	mixed := 0
	for _, k := range kinds[V, W]() {
		if slices.ContainsFunc(k.names, c.Has) {
			mixed = max(mixed, k.allocate(a, c, array))
		}
	}
	a.Mixed = array("mixer", mixed)
	a.Logits = allocate("logits", c.VocabSize)
	return a, failure
}
