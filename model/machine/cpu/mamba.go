package cpu

import (
	"github.com/samba-web/samba/model/graph"
	"github.com/samba-web/samba/model/machine"
)

func (m *steps) Mamba(i int, w *graph.Mamba[array, weight], gain array, a *graph.Activations[array]) {
	s, state, count := w.Shape, m.state[i], len(m.ids)
	m.normLinear(a.X, gain, w.InProj, a.XZ)
	m.CausalConv1D(a.XZ, w.Conv, w.Conv[s.DInner*s.DConv:], state[graph.MambaConv], a.Conv, s.DInner, s.DConv, count)
	m.linear(w.XProj, a.Conv, s.DInner, a.DBC, count, false)
	m.linear(w.DTProj, a.DBC, s.DTRank+2*s.DState, a.Mixed, count, false)
	m.SelectiveScan(s, a.Mixed, a.Conv, a.XZ, a.DBC, w.Params, state[graph.MambaSSM], state[graph.MambaConv], count)
}

func (m *batchSteps) Mamba(i int, w *graph.Mamba[array, weight], gain array, a *graph.Activations[array]) {
	s, count := w.Shape, len(m.rows)
	width := s.DTRank + 2*s.DState
	m.normLinear(a.X, gain, w.InProj, a.XZ)
	for t, row := range m.rows {
		state := row.states[row.pos%machine.StateDepth][i]
		m.CausalConv1D(a.XZ[2*t*s.DInner:], w.Conv, w.Conv[s.DInner*s.DConv:], state[graph.MambaConv], a.Conv[t*s.DInner:], s.DInner, s.DConv, 1)
	}
	m.linear(w.XProj, a.Conv, s.DInner, a.DBC, count, false)
	m.linear(w.DTProj, a.DBC, width, a.Mixed, count, false)
	for t, row := range m.rows {
		before, after := row.states[row.pos%machine.StateDepth][i], row.states[(row.pos+1)%machine.StateDepth][i]
		copy(after[graph.MambaConv], before[graph.MambaConv])
		copy(after[graph.MambaSSM], before[graph.MambaSSM])
		m.SelectiveScan(s, a.Mixed[t*s.DInner:], a.Conv[t*s.DInner:], a.XZ[2*t*s.DInner:], a.DBC[t*width:], w.Params, after[graph.MambaSSM], after[graph.MambaConv], 1)
	}
}
