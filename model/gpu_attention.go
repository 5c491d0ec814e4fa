package model

import (
	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/kernel"
)

func (m *gpuMachine) attention(i int, w *attention[gpuArray, gpuWeight], gain gpuArray, a *activations[gpuArray]) {
	shape, kv := w.shape, m.state[i][attentionKV]
	if m.Slots > 0 {
		shape.Ring = batchRing(shape.Ring, shape.Window)
	}
	rope := kernel.RoPE{Shape: shape, Ring: kv, Angles: m.buffer.angles}
	// Turned on the way only where a head's halves lie in one buffer.
	if m.single() && len(w.qkv.Parts) == 1 {
		m.Linear(w.qkv, a.x, a.qkv, kernel.LinearOptions{Gain: gain, Eps: m.eps, RoPE: &rope})
	} else {
		m.normLinear(a.x, gain, w.qkv, a.qkv)
		m.RoPE(rope, a.qkv)
	}
	m.Exact = w.qkv.Exact()
	m.WindowAttention(shape, a.qkv, kv, m.buffer.partials, a.mixed)
}

// attentionPartials is how many values one token's attention needs beside the
// activations, in the layer that needs most.
func attentionPartials(device *gpu.Device, g *graph[gpuArray, gpuWeight]) (n int) {
	recorder := kernel.Recorder{Device: device}
	for _, l := range g.layers {
		if w, ok := l.mixer.(*attention[gpuArray, gpuWeight]); ok {
			n = max(n, recorder.AttentionPartials(w.shape))
		}
	}
	return n
}
