package cpu

import (
	"github.com/samba-web/samba/gpu/cpu"
	"github.com/samba-web/samba/model/config"
	"github.com/samba-web/samba/model/graph"
)

// steps computes each step as it is asked for.
type steps struct {
	*cpu.Kernels
	linear linear
	config *config.Config
	ids    []uint32
	pos    int
	state  graph.State[array]
	normed []float32 // [T, d_model]
	gateUp []float32 // [T, 2 intermediate]
}

func (m *steps) Embed(table weight, x array) { m.Embedding(table, m.ids, x) }

// normLinear is y = W RMSNorm(x).
func (m *steps) normLinear(x, gain array, w weight, y array) {
	m.RMSNorm(x, gain, m.config.RMSNormEps, m.normed, len(m.ids))
	m.linear(w, m.normed, w.In, y, len(m.ids), false)
}

func (m *steps) NormSwiGLU(x, gain array, w weight, h array) {
	m.normLinear(x, gain, w, m.gateUp)
	m.SwiGLU(m.gateUp, h, w.Out/2, len(m.ids))
}

func (m *steps) LinearAdd(w weight, x, y array) {
	m.linear(w, x, w.In, y, len(m.ids), true)
}

func (m *steps) Head(x, gain array, w weight, logits array, all bool) {
	count, from := len(m.ids), 0
	if !all {
		from = (count - 1) * len(gain)
		count = 1
	}
	m.RMSNorm(x[from:], gain, m.config.RMSNormEps, m.normed, count)
	m.linear(w, m.normed, w.In, logits, count, false)
}
