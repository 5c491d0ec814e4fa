package model

import (
	"github.com/samba-web/samba/gpu/reference"
	"github.com/samba-web/samba/model/config"
)

// attention is grouped-query attention over a window, or where that is 0 over all
// positions; see config.SlidingAttention and config.FullAttention.
type attention[V, W any] struct {
	shape      reference.AttentionShape
	qkv, oProj W
}

// attentionKV is the place of its array in a layer's state: keys, then values,
// [2, ring, kv_heads, head_dim].
const attentionKV = 0

type attentionActivations[V any] struct {
	qkv V // [T, (heads + 2 kv_heads) head_dim]
}

type attentionStep[V, W any] interface {
	// attention: a.mixed = layer i's mixer but its last projection, of RMSNorm(x); a's qkv lies between.
	attention(i int, w *attention[V, W], gain V, a *activations[V])
}

func newAttention[V, W any](b *builder[V, W], i int) mixer[V, W] {
	c := b.config
	window := c.Window(c.LayerTypes[i])
	w := &attention[V, W]{
		shape: reference.AttentionShape{Heads: c.NumHeads, KVHeads: c.NumKVHeads, HeadDim: c.HeadDim, Window: window, Ring: b.ring(window)},
		qkv:   b.linear(config.LayerTensor(i, "mixer.qkv_proj.weight")),
		oProj: b.linear(config.LayerTensor(i, "mixer.o_proj.weight")),
	}
	if c.RopeTheta != nil {
		w.shape.Theta = *c.RopeTheta
	}
	return w
}

func allocateAttention[V any](a *activations[V], c *config.Config, array func(name string, width int) V) (mixed int) {
	a.qkv = array("qkv", c.QKVRows())
	return c.NumHeads * c.HeadDim
}

func (w *attention[V, W]) forward(m machine[V, W], i int, gain V, a *activations[V]) {
	m.attention(i, w, gain, a)
	m.linearAdd(w.oProj, a.mixed, a.x)
}

func (w *attention[V, W]) carried() []carried {
	row := 2 * w.shape.KVHeads * w.shape.HeadDim
	return []carried{attentionKV: {name: "kv_ring", values: w.shape.Ring * row, row: row, ring: w.shape.Ring, window: w.shape.Window}}
}

func (w *attention[V, W]) cost(pos, tokens int) (state, ops int64) {
	n, before, window := int64(tokens), int64(pos), int64(w.shape.Window)
	if window == 0 {
		window = before + n
	}
	keys := int64(0)
	for t := range n {
		keys += min(before+t+1, window)
	}
	row := 2 * int64(w.shape.KVHeads) * int64(w.shape.HeadDim) * 4 // a key and a value, fp32
	// The keys that the window holds are read, the new ones written.
	return (min(before, window-1) + n) * row, 4 * keys * int64(w.shape.Heads) * int64(w.shape.HeadDim)
}
