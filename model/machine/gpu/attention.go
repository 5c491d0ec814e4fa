package gpu

import (
	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/kernel"
	"github.com/samba-web/samba/model/graph"
)

func (m *steps) Attention(i int, w *graph.Attention[buffer, weight], gain buffer, a *graph.Activations[buffer]) {
	shape, kv := w.Shape, m.state[i][graph.AttentionKV]
	if m.Slots > 0 {
		shape.Ring = batchRing(shape.Ring, shape.Window)
	}
	rope := kernel.RoPE{Shape: shape, Ring: kv, Angles: m.buffer.angles}
	// Turned on the way only where a head's halves lie in one buffer.
	if m.single() && len(w.QKV.Parts) == 1 {
		m.Linear(w.QKV, a.X, a.QKV, kernel.LinearOptions{Gain: gain, Eps: m.eps, RoPE: &rope})
	} else {
		m.normLinear(a.X, gain, w.QKV, a.QKV)
		m.RoPE(rope, a.QKV)
	}
	m.Exact = w.QKV.Exact()
	m.WindowAttention(shape, a.QKV, kv, m.buffer.partials, a.Mixed)
}

// attentionPartials is how many values one token's attention needs beside the
// activations, in the layer that needs most.
func attentionPartials(device *gpu.Device, g *graph.Graph[buffer, weight]) (n int) {
	recorder := kernel.Recorder{Device: device}
	for _, l := range g.Layers {
		if w, ok := l.Mixer.(*graph.Attention[buffer, weight]); ok {
			n = max(n, recorder.AttentionPartials(w.Shape))
		}
	}
	return n
}
