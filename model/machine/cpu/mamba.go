package cpu

import (
	"github.com/samba-web/samba/gpu/reference"
	"github.com/samba-web/samba/model/graph"
)

func (m *steps) Mamba(i int, w *graph.Mamba[array, weight], n graph.Norm[array], a *graph.Activations[array]) {
	s, state, count := w.Shape, m.state[i], len(m.ids)
	m.normLinear(a.X, n, w.InProj, a.XZ)
	m.CausalConv1D(a.XZ, w.Conv, w.Conv[s.DInner*s.DConv:], state[graph.MambaConv], a.Conv, s.DInner, s.DConv, count)
	y := m.steer(w, a, count)
	m.SelectiveScan(s, y, a.Conv, a.XZ, a.DBC, w.Params, state[graph.MambaSSM], state[graph.MambaConv], count)
	m.remember(w, a, count)
}

// steer makes dt, B and C, and returns where the scan finds dt and leaves what it makes.
func (m *steps) steer(w *graph.Mamba[array, weight], a *graph.Activations[array], count int) (y array) {
	s := w.Shape
	if y = a.Mixed; w.Memory {
		y = a.Memory
	}
	m.linear(w.XProj, a.Conv, s.DInner, a.DBC, count, false)
	if w.Norms {
		var gains array
		if w.Gained {
			gains = w.Params[s.DInner*(s.DState+2):]
		}
		reference.NormDBC(s, a.DBC, gains, w.NormsEps, count)
	}
	m.linear(w.DTProj, a.DBC, s.DTRank+2*s.DState, y, count, false)
	return y
}

// remember gates what is kept for the gated memory units above.
func (m *steps) remember(w *graph.Mamba[array, weight], a *graph.Activations[array], count int) {
	if inner := w.Shape.DInner; w.Memory {
		m.Gated(a.XZ, reference.Gate{Stride: 2 * inner, Offset: inner}, a.Memory, a.Mixed, inner, count)
	}
}

func (m *batchSteps) Mamba(i int, w *graph.Mamba[array, weight], n graph.Norm[array], a *graph.Activations[array]) {
	s, count := w.Shape, len(m.rows)
	width := s.DTRank + 2*s.DState
	m.normLinear(a.X, n, w.InProj, a.XZ)
	convolve := func(t, tokens int) {
		before, _ := m.rows[t].turn(i)
		m.CausalConv1D(a.XZ[2*t*s.DInner:], w.Conv, w.Conv[s.DInner*s.DConv:], before[graph.MambaConv], a.Conv[t*s.DInner:], s.DInner, s.DConv, tokens)
	}
	if m.oneText { // whose later rows find in no state yet what the ones before leave
		convolve(0, count)
	} else {
		for t := range m.rows {
			convolve(t, 1)
		}
	}
	y := m.steer(w, a, count)
	for t, row := range m.rows {
		before, after := row.turn(i)
		copy(after[graph.MambaConv], before[graph.MambaConv])
		copy(after[graph.MambaSSM], before[graph.MambaSSM])
		m.SelectiveScan(s, y[t*s.DInner:], a.Conv[t*s.DInner:], a.XZ[2*t*s.DInner:], a.DBC[t*width:], w.Params, after[graph.MambaSSM], after[graph.MambaConv], 1)
	}
	m.remember(w, a, count)
}
