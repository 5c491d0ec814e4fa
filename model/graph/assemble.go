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
	// Linear gives back the weight whose tensors have been put.
	Linear(name string) (W, error)
}

// builder takes tensors out of a store, and remembers the first that is missing.
type builder[V, W any] struct {
	config  *config.Config
	store   Store[V, W]
	vectors map[string][]float32
	ring    func(window int) int
	failure error
}

// vector takes small tensors, one after another, as one array.
func (b *builder[V, W]) vector(names ...string) V {
	var all []float32
	for _, name := range names {
		all = append(all, b.vectors[name]...)
		delete(b.vectors, name)
	}
	v, err := b.store.Vector(names[0], all)
	if b.failure == nil {
		b.failure = err
	}
	return v
}

func (b *builder[V, W]) linear(name string) W {
	w, err := b.store.Linear(name)
	if b.failure == nil {
		b.failure = err
	}
	return w
}

// Assemble builds the graph from loaded tensors. ring is the number of
// positions of the KV rings for a layer's window.
func Assemble[V, W any](c *config.Config, s Store[V, W], vectors map[string][]float32, ring func(window int) int) (*Graph[V, W], error) {
	b := &builder[V, W]{config: c, store: s, vectors: vectors, ring: ring}
	g := &Graph[V, W]{embedTokens: b.linear(config.EmbedTokens)}
	for i, name := range c.LayerTypes {
		kind, err := kindOf[V, W](name)
		if err != nil {
			return nil, err
		}
		l := Layer[V, W]{norm: b.vector(config.LayerTensor(i, "mixer_norm.weight")), Mixer: kind.mixer(b, i)}
		for at, carried := range l.Mixer.carried() {
			carried.layer, carried.at = i, at
			g.Carried = append(g.Carried, carried)
		}
		if c.HasMLP(i) {
			l.mlp = &MLP[V, W]{
				norm:   b.vector(config.LayerTensor(i, "mlp_norm.weight")),
				gateUp: b.linear(config.LayerTensor(i, "mlp.gate_up_proj.weight")),
				down:   b.linear(config.LayerTensor(i, "mlp.down_proj.weight")),
			}
		}
		g.Layers = append(g.Layers, l)
	}
	g.Norm = b.vector(config.FinalNorm)
	g.Head = g.embedTokens
	if !c.TieEmbeddings {
		g.Head = b.linear(config.LMHead)
	}
	return g, b.failure
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
func Sketch(c *config.Config, ring func(window int) int) *Graph[noArray, noWeight] {
	g, _ := Assemble(c, paper{}, nil, ring) // paper takes everything
	return g
}

// paper is a store that keeps nothing. Its types are the processor's: a third pair
// would be compiled a third time.
type paper struct{}

type (
	noArray  = []float32
	noWeight = *reference.Weight
)

func (paper) Array(string, int) (noArray, error)        { return nil, nil }
func (paper) Vector(string, []float32) (noArray, error) { return nil, nil }
func (paper) Linear(string) (noWeight, error)           { return nil, nil }

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
