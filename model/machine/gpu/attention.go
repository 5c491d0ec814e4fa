package gpu

import (
	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/kernel"
	"github.com/samba-web/samba/gpu/reference"
	"github.com/samba-web/samba/model/graph"
)

// keys are a layer's keys and values, and its shape with as many positions as there are of them.
func (m *steps) keys(w *graph.Attention[buffer, weight]) (shape reference.AttentionShape, kv buffer) {
	shape = w.Shape
	if m.Slots > 0 {
		shape.Ring = batchRing(shape.Ring, shape.Window)
	}
	return shape, m.state[w.Layer][w.KV]
}

func (m *steps) QKV(w *graph.Attention[buffer, weight], n graph.Norm[buffer], a *graph.Activations[buffer]) {
	shape, kv := m.keys(w)
	rope := kernel.RoPE{Shape: shape, Ring: kv, Angles: m.buffer.angles}
	if w.HeadNorm != nil {
		rope.Norm, rope.Eps = *w.HeadNorm, m.eps
	}
	in, o := m.norm(a.X, n)
	switch {
	case shape.Cross:
		m.Linear(w.QKV, in, a.QKV, o)
	case m.Single() && len(w.QKV.Parts) == 1: // turned on the way only where a head's halves lie in one buffer
		o.RoPE = &rope
		m.Linear(w.QKV, in, a.QKV, o)
	default:
		m.Linear(w.QKV, in, a.QKV, o)
		m.RoPE(rope, a.QKV)
	}
}

func (m *steps) Attend(w *graph.Attention[buffer, weight], a *graph.Activations[buffer], out buffer) {
	shape, kv := m.keys(w)
	m.Exact = w.QKV.Exact()
	if w.Pairs != nil {
		m.DifferentialAttention(shape, a.QKV, kv, m.buffer.partials, a.Heads, *w.Pairs, out)
		return
	}
	if m.Single() {
		if splits := m.SplitAttention(w.OProj, shape, a.QKV, kv, m.buffer.partials); splits != nil {
			m.split.of, m.split.splits = out, splits
			return
		}
	}
	m.WindowAttention(shape, a.QKV, kv, m.buffer.partials, out)
}

// attentionPartials is how many values one token's attention needs beside the
// activations, in the layer that needs most.
func attentionPartials(device *gpu.Device, g *graph.Graph[buffer, weight]) (n int) {
	recorder := kernel.Recorder{Device: device}
	for _, shape := range g.Attention() {
		n = max(n, recorder.AttentionPartials(shape))
	}
	return n
}
