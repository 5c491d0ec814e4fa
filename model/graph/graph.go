// Package graph is a model as a sequence of steps, whatever machine takes them: layers
// and their mixers, one file a kind (mamba.go, attention.go; kinds.go lists them), how
// they are put together from tensors (assemble.go), and the state that a conversation
// carries through them (state.go).
package graph

// Machine computes the graph's steps for one run of tokens, or records them to
// be computed. V is a row-major fp32 array, W a linear layer's weight. T is
// the number of tokens of the run. The machine has the state that they meet.
type Machine[V, W any] interface {
	// Embed: x[t, :] = table[ids[t], :].
	Embed(table W, x V)
	// NormSwiGLU: h = SiLU(g) * u with [g | u] = W Norm(x).
	NormSwiGLU(x V, n Norm[V], w W, h V)
	// NormSquaredReLU: h = max(W Norm(x), 0)^2.
	NormSquaredReLU(x V, n Norm[V], w W, h V)
	// LinearAdd: y += W x.
	LinearAdd(w W, x, y V)
	// Head: logits = W Norm(x), of all tokens or of the last alone.
	Head(x V, n Norm[V], w W, logits V, all bool)
	mixerSteps[V, W]
}

// Norm is a model's RMSNorm, or where it is Layer a LayerNorm, which has biases. The
// config says its eps.
type Norm[V any] struct {
	Gain, Bias V // [d_model]
	Layer      bool
}

// Mixer is what a layer mixes tokens with, one of the kinds in kinds.go: its
// weights, and the shape of the state that it carries from token to token.
type Mixer[V, W any] interface {
	// Forward is x += mixer(Norm(x)) in layer i.
	Forward(m Machine[V, W], i int, n Norm[V], a *Activations[V])
	// carried lists the arrays of its state.
	carried() []Carried
	// Cost counts a pass over tokens tokens that follow pos others: the bytes of state
	// that are moved, and the operations beside its linear layers'.
	Cost(pos, tokens int) (state, ops int64)
}

// Layer is one mixer and its MLP, nil where it has none.
type Layer[V, W any] struct {
	norm  Norm[V]
	Mixer Mixer[V, W]
	mlp   *MLP[V, W]
}

// MLP is a gated one, SwiGLU, or down(max(up x, 0)^2).
type MLP[V, W any] struct {
	norm         Norm[V]
	gateUp, down W // squared: up alone
	squared      bool
}

// Graph is a model's weights in the order in which a token meets them.
type Graph[V, W any] struct {
	embedTokens W
	Layers      []Layer[V, W]
	Norm        Norm[V]
	Head        W
	Carried     []Carried // all layers' state, in order
}

// Forward is the whole of a model but the head: x += mixer(RMSNorm(x)), then
// x += mlp(RMSNorm(x)), layer by layer.
func (g *Graph[V, W]) Forward(m Machine[V, W], a *Activations[V]) {
	g.Carry(m, a)
	g.Finish(m, a)
}

// Carry is the part of Forward that brings the state up to date: the layers as far as
// the last mixer that carries any. Tokens whose logits nobody wants need no more.
func (g *Graph[V, W]) Carry(m Machine[V, W], a *Activations[V]) {
	m.Embed(g.embedTokens, a.X)
	for i, l := range g.Layers[:g.Tail()] {
		l.Mixer.Forward(m, i, l.norm, a)
		if i+1 < g.Tail() {
			l.mlp.forward(m, a)
		}
	}
}

// Finish is the rest of Forward: the MLP of the last layer that carries state, and the
// layers above it. Of what Carry has left it takes Handed alone.
func (g *Graph[V, W]) Finish(m Machine[V, W], a *Activations[V]) {
	tail := g.Tail()
	if tail > 0 {
		g.Layers[tail-1].mlp.forward(m, a)
	}
	for i, l := range g.Layers[tail:] {
		l.Mixer.Forward(m, tail+i, l.norm, a)
		l.mlp.forward(m, a)
	}
}

// Tail is the first of the layers at the end that carry no state: SambaY's second half,
// say, which reads the keys, values and memory of the first; the number of layers where
// the last one carries some.
func (g *Graph[V, W]) Tail() int {
	if len(g.Carried) == 0 {
		return 0
	}
	return g.Carried[len(g.Carried)-1].layer + 1
}

// Handed are the activations that Finish takes of Carry, a row for each token.
func (g *Graph[V, W]) Handed(a *Activations[V]) []V {
	for _, l := range g.Layers[g.Tail():] {
		if _, reads := l.Mixer.(*GatedMemory[V, W]); reads {
			return []V{a.X, a.Memory}
		}
	}
	return []V{a.X}
}

// forward is x += mlp(Norm(x)), nothing where there is none.
func (w *MLP[V, W]) forward(m Machine[V, W], a *Activations[V]) {
	if w == nil {
		return
	}
	if w.squared {
		m.NormSquaredReLU(a.X, w.norm, w.gateUp, a.mlp)
	} else {
		m.NormSwiGLU(a.X, w.norm, w.gateUp, a.mlp)
	}
	m.LinearAdd(w.down, a.mlp, a.X)
}
