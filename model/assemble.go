package model

import (
	"slices"

	"github.com/samba-web/samba/model/config"
)

// store keeps a model's tensors where a machine wants them.
type store[V, W any] interface {
	// array allocates n values, zeroed.
	array(name string, n int) (V, error)
	// vector keeps the values of a small tensor.
	vector(name string, values []float32) (V, error)
	// linear gives back the weight whose tensors have been put.
	linear(name string) (W, error)
}

// builder takes tensors out of a store, and remembers the first that is missing.
type builder[V, W any] struct {
	config  *config.Config
	store   store[V, W]
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
	v, err := b.store.vector(names[0], all)
	if b.failure == nil {
		b.failure = err
	}
	return v
}

func (b *builder[V, W]) linear(name string) W {
	w, err := b.store.linear(name)
	if b.failure == nil {
		b.failure = err
	}
	return w
}

// assemble builds the graph from loaded tensors. ring is the number of
// positions of the KV rings for a layer's window.
func assemble[V, W any](c *config.Config, s store[V, W], vectors map[string][]float32, ring func(window int) int) (*graph[V, W], error) {
	b := &builder[V, W]{config: c, store: s, vectors: vectors, ring: ring}
	g := &graph[V, W]{embedTokens: b.linear(config.EmbedTokens)}
	for i, name := range c.LayerTypes {
		l := layer[V, W]{norm: b.vector(config.LayerTensor(i, "mixer_norm.weight")), mixer: kindOf[V, W](name).mixer(b, i)}
		for at, carried := range l.mixer.carried() {
			carried.layer, carried.at = i, at
			g.carried = append(g.carried, carried)
		}
		if c.HasMLP(i) {
			l.mlp = &mlp[V, W]{
				norm:   b.vector(config.LayerTensor(i, "mlp_norm.weight")),
				gateUp: b.linear(config.LayerTensor(i, "mlp.gate_up_proj.weight")),
				down:   b.linear(config.LayerTensor(i, "mlp.down_proj.weight")),
			}
		}
		g.layers = append(g.layers, l)
	}
	g.norm = b.vector(config.FinalNorm)
	g.head = g.embedTokens
	if !c.TieEmbeddings {
		g.head = b.linear(config.LMHead)
	}
	return g, b.failure
}

// sketch is a model's graph without weights, for what its shapes alone tell.
func sketch(c *config.Config, ring func(window int) int) *graph[none, none] {
	g, _ := assemble(c, paper{}, nil, ring) // paper takes everything
	return g
}

type none = struct{}

// paper is a store that keeps nothing.
type paper struct{}

func (paper) array(string, int) (none, error)        { return none{}, nil }
func (paper) vector(string, []float32) (none, error) { return none{}, nil }
func (paper) linear(string) (none, error)            { return none{}, nil }

// activations are the values between the steps, for one run of tokens.
type activations[V any] struct {
	x      V // residual stream [T, d_model]
	mixed  V // what a mixer's last projection takes: [T, d_inner] or [T, heads head_dim]
	mlp    V // [T, intermediate]
	logits V // [vocab]
	mixerActivations[V]
}

// newActivations allocates what lies between the steps of a run of at most
// tokens tokens.
func newActivations[V, W any](c *config.Config, s store[V, W], tokens int) (*activations[V], error) {
	var failure error
	allocate := func(name string, n int) V {
		v, err := s.array(name, n)
		if failure == nil {
			failure = err
		}
		return v
	}
	array := func(name string, width int) V { return allocate(name, tokens*width) }
	a := &activations[V]{x: array("residual stream", c.HiddenSize), mlp: array("MLP", c.IntermediateSize)}
	mixed := 0
	for _, k := range kinds[V, W]() {
		if slices.ContainsFunc(k.names, c.Has) {
			mixed = max(mixed, k.allocate(a, c, array))
		}
	}
	a.mixed = array("mixer", mixed)
	a.logits = allocate("logits", c.VocabSize)
	return a, failure
}
