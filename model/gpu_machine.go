package model

import (
	"github.com/samba-web/samba/gpu/kernel"
)

// gpuMachine records the steps of a run of Tokens tokens.
type gpuMachine struct {
	kernel.Recorder
	eps    float64
	buffer *gpuScratch
	state  state[gpuArray]
}

// gpuScratch are the buffers that every run of an engine shares beside the activations.
type gpuScratch struct {
	ids, normed, gateUp gpuArray
	angles              gpuArray      // nil without RoPE
	history             gpuArray      // of the run; the embedding writes it
	partials            gpuArray      // of one token's attention; nil where none needs any
	weights             gpuArray      // of the vocabulary, for the sampler; nil where registers hold them
	halves              kernel.Halves // none without matrix units
}

func (m *gpuMachine) embed(table gpuWeight, x gpuArray) {
	m.Embedding(table, m.buffer.ids, x, m.buffer.history)
}

// single tells whether there is one token, whose layers take fewer kernels.
func (m *gpuMachine) single() bool { return m.Tokens == 1 && m.Slots == 0 }

// normLinear is y = W RMSNorm(x).
func (m *gpuMachine) normLinear(x, gain gpuArray, w gpuWeight, y gpuArray) {
	if m.single() {
		m.Linear(w, x, y, kernel.LinearOptions{Gain: gain, Eps: m.eps})
		return
	}
	m.RMSNorm(x, gain, m.buffer.normed, m.eps)
	m.Linear(w, m.buffer.normed, y, kernel.LinearOptions{})
}

func (m *gpuMachine) normSwiGLU(x, gain gpuArray, w gpuWeight, h gpuArray) {
	// Fused only where gate and up lie in one buffer.
	if m.single() && len(w.Parts) == 1 {
		m.Linear(w, x, h, kernel.LinearOptions{Gain: gain, Eps: m.eps, SwiGLU: true})
		return
	}
	m.normLinear(x, gain, w, m.buffer.gateUp)
	m.SwiGLU(m.buffer.gateUp, h, w.Out/2)
}

func (m *gpuMachine) linearAdd(w gpuWeight, x, y gpuArray) {
	m.Linear(w, x, y, kernel.LinearOptions{Add: true})
}

func (m *gpuMachine) head(x, gain gpuArray, w gpuWeight, logits gpuArray, all bool) {
	if all || m.Slots > 0 { // each row of a batch is the last of its sequence
		m.normLinear(x, gain, w, logits)
		return
	}
	m.Linear(w, x, logits, kernel.LinearOptions{Gain: gain, Eps: m.eps, Last: true})
}
