package cpu

import (
	"github.com/samba-web/samba/gpu/reference"
	"github.com/samba-web/samba/model/graph"
)

func (m *steps) Mamba2(i int, w *graph.Mamba2[array, weight], n graph.Norm[array], a *graph.Activations[array]) {
	s, state, count := w.Shape, m.state[i], len(m.ids)
	m.normLinear(a.X, n, w.InProj, a.Rows)
	m.Convolution(s.Conv(w.DConv), a.Rows, w.Conv, state[graph.Mamba2Conv], a.XBC, count)
	m.SSDScan(s, a.Rows, a.XBC, w.Params, state[graph.Mamba2SSM], a.Mixed, count)
	if w.NormFirst {
		m.gatedNorm(w, a)
	}
}

func (m *steps) FinishMamba2(w *graph.Mamba2[array, weight], a *graph.Activations[array]) {
	if !w.NormFirst {
		m.gatedNorm(w, a)
	}
	m.LinearAdd(w.OutProj, a.Mixed, a.X)
}

// gatedNorm is the norm before or behind the scan's gate.
func (m *steps) gatedNorm(w *graph.Mamba2[array, weight], a *graph.Activations[array]) {
	if w.Norm == nil {
		return
	}
	count := len(m.ids)
	var z array
	if w.NormFirst {
		z = a.Rows
	}
	m.GroupNorm(a.Mixed[:count*w.Shape.Inner()], *w.Norm, m.config.RMSNormEps, w.NormGroups, z, reference.Gate{Stride: w.Shape.Row(), Factor: w.Shape.ZFactor}, count)
}

func (m *batchSteps) Mamba2(i int, w *graph.Mamba2[array, weight], n graph.Norm[array], a *graph.Activations[array]) {
	s, conv := w.Shape, w.Shape.Conv(w.DConv)
	m.normLinear(a.X, n, w.InProj, a.Rows)
	for t, row := range m.rows {
		before, after := row.turn(i)
		copy(after[graph.Mamba2Conv], before[graph.Mamba2Conv])
		copy(after[graph.Mamba2SSM], before[graph.Mamba2SSM])
		rows, xbc := a.Rows[t*s.Row():], a.XBC[t*s.Channels():]
		m.Convolution(conv, rows, w.Conv, after[graph.Mamba2Conv], xbc, 1)
		m.SSDScan(s, rows, xbc, w.Params, after[graph.Mamba2SSM], a.Mixed[t*s.Inner():], 1)
	}
	if w.NormFirst {
		m.gatedNorm(w, a)
	}
}
