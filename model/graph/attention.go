package graph

import (
	"github.com/samba-web/samba/gpu/reference"
	"github.com/samba-web/samba/model/config"
)

// Attention is grouped-query attention over a window, or where that is 0 over all
// positions; see config.SlidingAttention and config.FullAttention.
type Attention[V, W any] struct {
	Shape      reference.AttentionShape
	QKV, OProj W
}

// AttentionKV is the place of its array in a layer's state: keys, then values,
// [2, ring, kv_heads, head_dim].
const AttentionKV = 0

type attentionActivations[V any] struct {
	QKV V // [T, (heads + 2 kv_heads) head_dim]
}

type attentionStep[V, W any] interface {
	// Attention: a.Mixed = layer i's mixer but its last projection, of RMSNorm(x); a's QKV lies between.
	Attention(i int, w *Attention[V, W], gain V, a *Activations[V])
}

func newAttention[V, W any](b *builder[V, W], i int) Mixer[V, W] {
	c := b.config
	window := c.Window(c.LayerTypes[i])
	w := &Attention[V, W]{
		Shape: reference.AttentionShape{Heads: c.NumHeads, KVHeads: c.NumKVHeads, HeadDim: c.HeadDim, Window: window, Ring: b.ring(window)},
		QKV:   b.linear(config.LayerTensor(i, "mixer.qkv_proj.weight")),
		OProj: b.linear(config.LayerTensor(i, "mixer.o_proj.weight")),
	}
	if c.RopeTheta != nil {
		w.Shape.Theta = *c.RopeTheta
	}
	return w
}

func allocateAttention[V any](a *Activations[V], c *config.Config, array func(name string, width int) V) (mixed int) {
	a.QKV = array("qkv", c.QKVRows())
	return c.NumHeads * c.HeadDim
}

func (w *Attention[V, W]) Forward(m Machine[V, W], i int, gain V, a *Activations[V]) {
	m.Attention(i, w, gain, a)
	m.LinearAdd(w.OProj, a.Mixed, a.X)
}

func (w *Attention[V, W]) carried() []Carried {
	row := 2 * w.Shape.KVHeads * w.Shape.HeadDim
	return []Carried{AttentionKV: {Name: "kv_ring", Values: w.Shape.Ring * row, Row: row, Ring: w.Shape.Ring, Window: w.Shape.Window}}
}

func (w *Attention[V, W]) Cost(pos, tokens int) (state, ops int64) {
	n, before, window := int64(tokens), int64(pos), int64(w.Shape.Window)
	if window == 0 {
		window = before + n
	}
	keys := int64(0)
	for t := range n {
		keys += min(before+t+1, window)
	}
	row := 2 * int64(w.Shape.KVHeads) * int64(w.Shape.HeadDim) * 4 // a key and a value, fp32
	// The keys that the window holds are read, the new ones written.
	return (min(before, window-1) + n) * row, 4 * keys * int64(w.Shape.Heads) * int64(w.Shape.HeadDim)
}
