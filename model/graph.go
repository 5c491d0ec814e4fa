package model

// machine computes the graph's steps for one run of tokens, or records them to
// be computed. V is a row-major fp32 array, W a linear layer's weight. T is
// the number of tokens of the run. The machine has the state that they meet.
type machine[V, W any] interface {
	// embed: x[t, :] = table[ids[t], :].
	embed(table W, x V)
	// normSwiGLU: h = SiLU(g) * u with [g | u] = W RMSNorm(x).
	normSwiGLU(x, gain V, w W, h V)
	// linearAdd: y += W x.
	linearAdd(w W, x, y V)
	// head: logits = W RMSNorm(x), of all tokens or of the last alone.
	head(x, gain V, w W, logits V, all bool)
	mixerSteps[V, W]
}

// mixer is what a layer mixes tokens with, one of the kinds in kinds.go: its
// weights, and the shape of the state that it carries from token to token.
type mixer[V, W any] interface {
	// forward is x += mixer(RMSNorm(x)) in layer i.
	forward(m machine[V, W], i int, gain V, a *activations[V])
	// carried lists the arrays of its state.
	carried() []carried
	// cost counts a pass over tokens tokens that follow pos others: the bytes of state
	// that are moved, and the operations beside its linear layers'.
	cost(pos, tokens int) (state, ops int64)
}

// layer is one mixer and its MLP, nil where it has none.
type layer[V, W any] struct {
	norm  V
	mixer mixer[V, W]
	mlp   *mlp[V, W]
}

type mlp[V, W any] struct {
	norm         V
	gateUp, down W
}

// graph is a model's weights in the order in which a token meets them.
type graph[V, W any] struct {
	embedTokens W
	layers      []layer[V, W]
	norm        V
	head        W
	carried     []carried // all layers' state, in order
}

// forward is the whole of a model but the head: x += mixer(RMSNorm(x)), then
// x += mlp(RMSNorm(x)), layer by layer.
func (g *graph[V, W]) forward(m machine[V, W], a *activations[V]) {
	m.embed(g.embedTokens, a.x)
	for i, l := range g.layers {
		l.mixer.forward(m, i, l.norm, a)
		if w := l.mlp; w != nil {
			m.normSwiGLU(a.x, w.norm, w.gateUp, a.mlp)
			m.linearAdd(w.down, a.mlp, a.x)
		}
	}
}
