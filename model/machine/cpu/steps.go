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

// norm leaves Norm(x) in normed.
func (m *steps) norm(x array, n graph.Norm[array], count int) {
	if n.Layer {
		gain, bias := n.Gain[:len(n.Gain)/2], n.Gain[len(n.Gain)/2:]
		m.LayerNorm(x, gain, bias, m.config.RMSNormEps, m.normed, count)
		return
	}
	m.RMSNorm(x, n.Gain, m.config.RMSNormEps, m.normed, count)
}

// normLinear is y = W Norm(x).
func (m *steps) normLinear(x array, n graph.Norm[array], w weight, y array) {
	m.norm(x, n, len(m.ids))
	m.linear(w, m.normed, w.In, y, len(m.ids), false)
}

func (m *steps) NormSwiGLU(x array, n graph.Norm[array], w weight, h array) {
	m.normLinear(x, n, w, m.gateUp)
	m.SwiGLU(m.gateUp, h, w.Out/2, len(m.ids))
}

func (m *steps) NormSquaredReLU(x array, n graph.Norm[array], w weight, h array) {
	m.normLinear(x, n, w, h)
	m.SquaredReLU(h[:len(m.ids)*w.Out])
}

func (m *steps) LinearAdd(w weight, x, y array) {
	m.linear(w, x, w.In, y, len(m.ids), true)
}

func (m *steps) Head(x array, n graph.Norm[array], w weight, logits array, all bool) {
	count, from := len(m.ids), 0
	if !all {
		from = (count - 1) * m.config.HiddenSize
		count = 1
	}
	m.norm(x[from:], n, count)
	m.linear(w, m.normed, w.In, logits, count, false)
}
