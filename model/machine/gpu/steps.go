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
	split  struct { // the outcome of an attention that lies in partials until its last projection reads it
		of     buffer
		splits *kernel.Splits
	}
}

// scratch are the buffers that every run of an engine shares beside the activations.
type scratch struct {
	ids, normed, gateUp buffer
	last                buffer        // a token's activations on their way to the first row
	angles              buffer        // nil without RoPE
	history             buffer        // of the run; the embedding writes it
	partials            buffer        // of one token's attention; nil where none needs any
	parts               buffer        // of the vocabulary's logits, of one token, for the sampler
	halves              kernel.Halves // none where no product brings its operands to fp16 or 8 bits first
}

func (m *steps) Embed(table weight, x buffer) {
	m.Embedding(table, m.buffer.ids, x, m.buffer.history)
}

// norm leaves what linear layers take in the place of x, and tells them to do the rest: a single token's norm
// is theirs.
func (m *steps) norm(x buffer, n graph.Norm[buffer]) (buffer, kernel.LinearOptions) {
	switch {
	case m.Single():
		return x, m.joined(n)
	case n.Layer:
		m.LayerNorm(x, n.Gain, m.buffer.normed, m.eps)
	default:
		m.RMSNorm(x, n.Gain, m.buffer.normed, m.eps)
	}
	return m.buffer.normed, kernel.LinearOptions{}
}

// joined tells a linear layer to do the norm of its x.
func (m *steps) joined(n graph.Norm[buffer]) kernel.LinearOptions {
	o := kernel.LinearOptions{Gain: n.Gain, Eps: m.eps}
	if n.Layer {
		o.Layer = m.buffer.normed
	}
	return o
}

// normLinear is y = W Norm(x).
func (m *steps) normLinear(x buffer, n graph.Norm[buffer], w weight, y buffer) {
	in, o := m.norm(x, n)
	m.Linear(w, in, y, o)
}

func (m *steps) NormSwiGLU(x buffer, n graph.Norm[buffer], w weight, h buffer) {
	in, o := m.norm(x, n)
	if o.SwiGLU = m.Gates(w); o.SwiGLU {
		m.Linear(w, in, h, o)
		return
	}
	m.Linear(w, in, m.buffer.gateUp, o)
	m.SwiGLU(m.buffer.gateUp, h, w.Out/2)
}

func (m *steps) NormSquaredReLU(x buffer, n graph.Norm[buffer], w weight, h buffer) {
	in, o := m.norm(x, n)
	o.Squared = m.Single()
	m.Linear(w, in, h, o)
	if !o.Squared {
		m.SquaredReLU(h, w.Out)
	}
}

func (m *steps) LinearAdd(w weight, x, y buffer) {
	o := kernel.LinearOptions{Add: true}
	if m.split.splits != nil && m.split.of == x {
		o.Splits, m.split.splits = m.split.splits, nil
		x = m.buffer.partials
	}
	m.Linear(w, x, y, o)
}

func (m *steps) Head(x buffer, n graph.Norm[buffer], w weight, logits buffer, all bool) {
	if all || m.Slots > 0 { // each row of a batch is the last of its sequence
		m.normLinear(x, n, w, logits)
		return
	}
	o := m.joined(n)
	o.Last = true
	m.Linear(w, x, logits, o)
}
