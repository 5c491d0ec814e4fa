package model

import (
	"github.com/samba-web/samba/gpu/cpu"
	"github.com/samba-web/samba/model/config"
)

// cpuMachine computes each step as it is asked for.
type cpuMachine struct {
	*cpu.Kernels
	linear linear
	config *config.Config
	ids    []uint32
	pos    int
	state  state[cpuArray]
	normed []float32 // [T, d_model]
	gateUp []float32 // [T, 2 intermediate]
}

func (m *cpuMachine) embed(table cpuWeight, x cpuArray) { m.Embedding(table, m.ids, x) }

// normLinear is y = W RMSNorm(x).
func (m *cpuMachine) normLinear(x, gain cpuArray, w cpuWeight, y cpuArray) {
	m.RMSNorm(x, gain, m.config.RMSNormEps, m.normed, len(m.ids))
	m.linear(w, m.normed, w.In, y, len(m.ids), false)
}

func (m *cpuMachine) normSwiGLU(x, gain cpuArray, w cpuWeight, h cpuArray) {
	m.normLinear(x, gain, w, m.gateUp)
	m.SwiGLU(m.gateUp, h, w.Out/2, len(m.ids))
}

func (m *cpuMachine) linearAdd(w cpuWeight, x, y cpuArray) {
	m.linear(w, x, w.In, y, len(m.ids), true)
}

func (m *cpuMachine) head(x, gain cpuArray, w cpuWeight, logits cpuArray, all bool) {
	count, from := len(m.ids), 0
	if !all {
		from = (count - 1) * len(gain)
		count = 1
	}
	m.RMSNorm(x[from:], gain, m.config.RMSNormEps, m.normed, count)
	m.linear(w, m.normed, w.In, logits, count, false)
}
