package gpu

import (
	"github.com/samba-web/samba/gpu/kernel"
	"github.com/samba-web/samba/model/graph"
)

// steps records the steps of a run of Tokens tokens.
type steps struct {
	kernel.Recorder
	eps    float64
	buffer *scratch
	state  graph.State[buffer]
}

// scratch are the buffers that every run of an engine shares beside the activations.
type scratch struct {
	ids, normed, gateUp buffer
	angles              buffer        // nil without RoPE
	history             buffer        // of the run; the embedding writes it
	partials            buffer        // of one token's attention; nil where none needs any
	weights             buffer        // of the vocabulary, for the sampler; nil where registers hold them
	halves              kernel.Halves // none without matrix units
}

func (m *steps) Embed(table weight, x buffer) {
	m.Embedding(table, m.buffer.ids, x, m.buffer.history)
}

// single tells whether there is one token, whose layers take fewer kernels.
func (m *steps) single() bool { return m.Tokens == 1 && m.Slots == 0 }

// normLinear is y = W RMSNorm(x).
func (m *steps) normLinear(x, gain buffer, w weight, y buffer) {
	if m.single() {
		m.Linear(w, x, y, kernel.LinearOptions{Gain: gain, Eps: m.eps})
		return
	}
	m.RMSNorm(x, gain, m.buffer.normed, m.eps)
	m.Linear(w, m.buffer.normed, y, kernel.LinearOptions{})
}

func (m *steps) NormSwiGLU(x, gain buffer, w weight, h buffer) {
	// Fused only where gate and up lie in one buffer.
	if m.single() && len(w.Parts) == 1 {
		m.Linear(w, x, h, kernel.LinearOptions{Gain: gain, Eps: m.eps, SwiGLU: true})
		return
	}
	m.normLinear(x, gain, w, m.buffer.gateUp)
	m.SwiGLU(m.buffer.gateUp, h, w.Out/2)
}

func (m *steps) LinearAdd(w weight, x, y buffer) {
	m.Linear(w, x, y, kernel.LinearOptions{Add: true})
}

func (m *steps) Head(x, gain buffer, w weight, logits buffer, all bool) {
	if all || m.Slots > 0 { // each row of a batch is the last of its sequence
		m.normLinear(x, gain, w, logits)
		return
	}
	m.Linear(w, x, logits, kernel.LinearOptions{Gain: gain, Eps: m.eps, Last: true})
}
