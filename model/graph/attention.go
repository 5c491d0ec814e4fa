package graph

import (
	"math"

	"github.com/samba-web/samba/gpu/reference"
	"github.com/samba-web/samba/model/config"
)

// Attention is grouped-query attention over a window, or where that is 0 over all
// positions; see config.SlidingAttention and config.FullAttention. Differential
// attention makes pairs of heads, and cross attention reads another layer's keys
// and values; see config.CrossAttention.
type Attention[V, W any] struct {
	Shape      reference.AttentionShape
	QKV, OProj W
	HeadNorm   *V  // gains of q's and of k's heads [2, head_dim]; nil: none
	Pairs      *V  // reference.DifferentialParams; nil where heads are no pairs
	Layer, KV  int // where its keys and values lie: state[Layer][KV]
}

// AttentionKV is the place of its array in a layer's state: keys, then values,
// [2, ring, kv_heads, head_dim], fp32 or as reference.PackHeads has them.
const AttentionKV = 0

type attentionActivations[V any] struct {
	QKV   V // [T, (heads + 2 kv_heads) head_dim]
	Heads V // of differential attention: [T, 2 heads head_dim]
}

type attentionStep[V, W any] interface {
	// QKV: a.QKV = W Norm(x), queries and keys turned by their positions; keys and values are kept.
	QKV(w *Attention[V, W], n Norm[V], a *Activations[V])
	// Attend: out = what a.QKV's queries make of the values that are kept; a's Heads lie between.
	Attend(w *Attention[V, W], a *Activations[V], out V)
}

func newAttention[V, W any](b *builder[V, W], i int) Mixer[V, W] {
	w := b.attention(i)
	w.Layer, w.KV = i, AttentionKV
	if b.config.LayerTypes[i] == config.CrossAttention {
		w.Shape.Cross = true
		for w.Layer = i - 1; w.Layer > 0 && b.config.LayerTypes[w.Layer] != config.FullAttention; {
			w.Layer--
		}
	}
	return w
}

func (b *builder[V, W]) attention(i int) *Attention[V, W] {
	c := b.config
	at := config.LayerTensor(i, "mixer.")
	window := c.Window(c.LayerTypes[i])
	w := &Attention[V, W]{
		Shape: reference.AttentionShape{
			Heads: c.NumHeads, KVHeads: c.NumKVHeads, HeadDim: c.HeadDim, Window: window, Ring: b.rings.Positions(window), Differential: c.Differential,
			Halves: b.rings.Halves,
		},
		QKV:   b.linear(at+"qkv_proj", c.AttentionInScale),
		OProj: b.linear(at+"o_proj", or1(c.AttentionOutScale)*or1(c.ResidualScale)),
	}
	if c.AttentionScale != 0 || or1(c.KeyScale) != 1 {
		w.Shape.Scale = or1(c.KeyScale) / math.Sqrt(float64(c.HeadDim))
		if c.AttentionScale != 0 {
			w.Shape.Scale = c.AttentionScale * or1(c.KeyScale)
		}
	}
	if c.RopeTheta != nil {
		w.Shape.Theta = *c.RopeTheta
	}
	if c.QKNorm {
		gains := b.vector(at+"q_norm.weight", at+"k_norm.weight")
		w.HeadNorm = &gains
	}
	if c.Differential {
		pairs := b.keep(at+"subln.weight", reference.DifferentialParams(b.take(at+"lambda_q1"), b.take(at+"lambda_k1"), b.take(at+"lambda_q2"), b.take(at+"lambda_k2"),
			b.take(at+"subln.weight"), i))
		w.Pairs = &pairs
	}
	return w
}

func allocateAttention[V any](a *Activations[V], c *config.Config, array func(name string, width int) V) (mixed int) {
	a.QKV = array("qkv", c.QKVRows())
	if c.Differential {
		a.Heads = array("heads of pairs", 2*c.NumHeads*c.HeadDim)
	}
	return c.NumHeads * c.HeadDim
}

// Attention is the shapes of all layers' attention.
func (g *Graph[V, W]) Attention() (shapes []reference.AttentionShape) {
	for _, l := range g.Layers {
		switch w := l.Mixer.(type) {
		case *Attention[V, W]:
			shapes = append(shapes, w.Shape)
		case *parallel[V, W]:
			shapes = append(shapes, w.attention.Shape)
		}
	}
	return shapes
}

func (w *Attention[V, W]) carry(m Machine[V, W], _ int, n Norm[V], a *Activations[V]) {
	m.QKV(w, n, a)
}

func (w *Attention[V, W]) finish(m Machine[V, W], a *Activations[V]) {
	m.Attend(w, a, a.Mixed)
	m.LinearAdd(w.OProj, a.Mixed, a.X)
}

func (w *Attention[V, W]) handed(a *Activations[V]) []Handed[V] {
	return []Handed[V]{{a.QKV, w.Shape.RowHeads() * w.Shape.HeadDim}}
}

func (w *Attention[V, W]) carried() []Carried {
	if w.Shape.Cross {
		return nil
	}
	row := 2 * w.Shape.KVHeads * w.Shape.HeadDim
	if w.Shape.Halves {
		row /= 2
	}
	return []Carried{AttentionKV: {Name: "kv_ring", Values: w.Shape.Ring * row, Row: row, Ring: w.Shape.Ring, Window: w.Shape.Window, head: w.Shape.HeadDim}}
}

func (w *Attention[V, W]) cost(pos, tokens, finished int) (state, ops int64) {
	n, before, window := int64(tokens), int64(pos), int64(w.Shape.Window)
	if window == 0 {
		window = before + n
	}
	keys := int64(0)
	for t := n - int64(finished); t < n; t++ {
		keys += min(before+t+1, window)
	}
	row := 2 * int64(w.Shape.KVHeads) * int64(w.Shape.HeadDim) * 4 // a key and a value, fp32
	if w.Shape.Halves {
		row /= 2
	}
	// The new keys are written, those that the window holds read where any token attends.
	state = n * row
	if finished > 0 {
		state += min(before, window-1) * row
	}
	return state, 4 * keys * int64(w.Shape.Heads) * int64(w.Shape.HeadDim)
}
