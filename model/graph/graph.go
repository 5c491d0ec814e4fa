// Package graph is a model as a sequence of steps, whatever machine takes them: layers
// and their mixers, one file a kind (mamba.go, attention.go; kinds.go lists them), how
// they are put together from tensors (assemble.go), and the state that a conversation
// carries through them (state.go).
package graph

import (
	"strings"

	"github.com/samba-web/samba/model/config"
)

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
	Gain  V // [d_model]; a LayerNorm's [2, d_model], gains and biases
	Layer bool
}

// Mixer is what a layer mixes tokens with, one of the kinds in kinds.go: its
// weights, and the shape of the state that it carries from token to token.
//
// It does x += mixer(Norm(x)) in two steps, since some tokens need the first alone.
type Mixer[V, W any] interface {
	// carry brings layer i's state up to date, by what it makes of Norm(x).
	carry(m Machine[V, W], i int, n Norm[V], a *Activations[V])
	// finish adds to x what carry has left in handed.
	finish(m Machine[V, W], a *Activations[V])
	// handed are the activations that finish takes of carry, beside x.
	handed(a *Activations[V]) []Handed[V]
	// carried lists the arrays of its state.
	carried() []Carried
	// cost counts a pass over tokens tokens that follow pos others, of which carry takes all and
	// finish the last finished: the bytes of state that are moved, and the operations beside its
	// linear layers'.
	cost(pos, tokens, finished int) (state, ops int64)
}

// Handed is an activation with a row of this many values for each token.
type Handed[V any] struct {
	Array V
	Width int
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
	width       int       // d_model
	halves      bool      // keys and values are fp16
}

// Forward is the whole of a model but the head: x += mixer(RMSNorm(x)), then
// x += mlp(RMSNorm(x)), layer by layer.
func (g *Graph[V, W]) Forward(m Machine[V, W], a *Activations[V]) {
	g.Carry(m, a)
	g.Finish(m, a)
}

// Carry is the part of Forward that brings the state up to date: the layers as far as
// the last one that carries any. Tokens whose logits nobody wants need no more.
func (g *Graph[V, W]) Carry(m Machine[V, W], a *Activations[V]) {
	m.Embed(g.embedTokens, a.X)
	for i, l := range g.Layers[:g.Tail()] {
		l.Mixer.carry(m, i, l.norm, a)
		if i+1 < g.Tail() {
			l.finish(m, a)
		}
	}
}

// Finish is the rest of Forward: what the last layer that carries state adds to x, and
// the layers above it. Of what Carry has left it takes Handed alone.
func (g *Graph[V, W]) Finish(m Machine[V, W], a *Activations[V]) {
	tail := g.Tail()
	if tail > 0 {
		g.Layers[tail-1].finish(m, a)
	}
	for i, l := range g.Layers[tail:] {
		l.Mixer.carry(m, tail+i, l.norm, a)
		l.finish(m, a)
	}
}

// finish is what a layer adds to x, once its mixer has carried.
func (l *Layer[V, W]) finish(m Machine[V, W], a *Activations[V]) {
	l.Mixer.finish(m, a)
	if w := l.mlp; w != nil {
		if w.squared {
			m.NormSquaredReLU(a.X, w.norm, w.gateUp, a.mlp)
		} else {
			m.NormSwiGLU(a.X, w.norm, w.gateUp, a.mlp)
		}
		m.LinearAdd(w.down, a.mlp, a.X)
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

// Handed are the activations that Finish takes of Carry.
func (g *Graph[V, W]) Handed(a *Activations[V]) []Handed[V] {
	handed := []Handed[V]{{a.X, g.width}}
	tail := g.Tail()
	if tail > 0 {
		handed = append(handed, g.Layers[tail-1].Mixer.handed(a)...)
	}
	for _, l := range g.Layers[tail:] {
		if unit, reads := l.Mixer.(*GatedMemory[V, W]); reads {
			return append(handed, Handed[V]{a.Memory, unit.Width})
		}
	}
	return handed
}

// Cost counts what the mixers of a pass over tokens tokens that follow pos others do, the
// last finished of which pass Finish, too: bytes of state, and operations beside the
// linear layers'.
func (g *Graph[V, W]) Cost(pos, tokens, finished int) (state, ops int64) {
	for i, l := range g.Layers {
		from, all, whole := pos, tokens, tokens
		switch tail := g.Tail(); {
		case i+1 == tail:
			whole = finished
		case i >= tail:
			from, all, whole = pos+tokens-finished, finished, finished
		}
		if all > 0 {
			moved, more := l.Mixer.cost(from, all, whole)
			state, ops = state+moved, ops+more
		}
	}
	return state, ops
}

// Late tells of a layer's tensor whether Finish takes it, and not Carry.
func (g *Graph[V, W]) Late(name string) bool {
	tail := g.Tail()
	for i := tail; i < len(g.Layers); i++ {
		if strings.HasPrefix(name, config.LayerTensor(i, "")) {
			return true
		}
	}
	for _, part := range []string{"mlp", "mixer.out_proj", "mixer.o_proj", "mixer.subln", "mixer.lambda"} {
		if strings.HasPrefix(name, config.LayerTensor(tail-1, part)) {
			return true
		}
	}
	return false
}
