package model

import "github.com/samba-web/samba/gpu/reference"

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
	// mamba: a.mixed = layer i's mixer but its last projection, of RMSNorm(x); a's xz, conv and dbc take what lies between.
	mamba(i int, w *mambaWeights[V, W], gain V, a *activations[V])
	// attention: the same for attention over the window; a's qkv lies between.
	attention(i int, w *attentionWeights[V, W], gain V, a *activations[V])
	// head: logits = W RMSNorm(x), of all tokens or of the last alone.
	head(x, gain V, w W, logits V, all bool)
}

// layer is one mixer and its MLP. Exactly one of mamba and attention is set;
// mlp is nil where the mixer has none.
type layer[V, W any] struct {
	norm      V
	mamba     *mambaWeights[V, W]
	attention *attentionWeights[V, W]
	mlp       *mlpWeights[V, W]
}

type mambaWeights[V, W any] struct {
	shape         reference.ScanShape
	inProj        W // rows x, then z
	conv          V // weights [d_inner, d_conv], then biases
	xProj, dtProj W // x_proj's rows: dt, B, C
	params        V // A_log, D, dt_bias, one after another
	outProj       W
}

type attentionWeights[V, W any] struct {
	shape      reference.AttentionShape
	qkv, oProj W
}

type mlpWeights[V, W any] struct {
	norm         V
	gateUp, down W
}

// graph is a model's weights in the order in which a token meets them.
type graph[V, W any] struct {
	embedTokens W
	layers      []layer[V, W]
	norm        V
	head        W
}

// layerState is what a conversation carries through one layer: its size does
// not depend on how long the conversation is, but with full attention.
type layerState[V any] struct {
	conv, ssm V // Mamba: [d_inner, d_conv-1], [d_inner, d_state]
	kv        V // attention: keys, then values, [2, ring, kv_heads, head_dim]; see room.go for full attention's
}

// overwritten are the arrays of a state, of those layers that have them, whose
// past a step does not keep: all but the keys and values of full attention.
func (g *graph[V, W]) overwritten(state []layerState[V]) (arrays []V) {
	for i, l := range g.layers {
		arrays = append(arrays, state[i].conv, state[i].ssm)
		if !l.full() {
			arrays = append(arrays, state[i].kv)
		}
	}
	return arrays
}

// full tells whether the layer's mixer is full attention.
func (l *layer[V, W]) full() bool { return l.attention != nil && l.attention.shape.Window == 0 }

// activations are the values between the steps, for one run of tokens.
type activations[V any] struct {
	x      V // residual stream [T, d_model]
	xz     V // [T, 2 d_inner]
	conv   V // [T, d_inner]
	dbc    V // [T, dt_rank + 2 d_state]
	mixed  V // what a mixer's last projection takes: [T, d_inner] or [T, heads head_dim]
	qkv    V // [T, (heads + 2 kv_heads) head_dim]
	mlp    V // [T, intermediate]
	logits V // [vocab]
}

// forward is the whole of Samba but the head: x += mixer(RMSNorm(x)), then
// x += mlp(RMSNorm(x)), layer by layer.
func (g *graph[V, W]) forward(m machine[V, W], a *activations[V]) {
	m.embed(g.embedTokens, a.x)
	for i, l := range g.layers {
		if w := l.mamba; w != nil {
			m.mamba(i, w, l.norm, a)
			m.linearAdd(w.outProj, a.mixed, a.x)
		}
		if w := l.attention; w != nil {
			m.attention(i, w, l.norm, a)
			m.linearAdd(w.oProj, a.mixed, a.x)
		}
		if w := l.mlp; w != nil {
			m.normSwiGLU(a.x, w.norm, w.gateUp, a.mlp)
			m.linearAdd(w.down, a.mlp, a.x)
		}
	}
}
