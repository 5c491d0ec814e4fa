package model

func (m *cpuMachine) mamba(i int, w *mamba[cpuArray, cpuWeight], gain cpuArray, a *activations[cpuArray]) {
	s, state, count := w.shape, m.state[i], len(m.ids)
	m.normLinear(a.x, gain, w.inProj, a.xz)
	m.CausalConv1D(a.xz, w.conv, w.conv[s.DInner*s.DConv:], state[mambaConv], a.conv, s.DInner, s.DConv, count)
	m.linear(w.xProj, a.conv, s.DInner, a.dbc, count, false)
	m.linear(w.dtProj, a.dbc, s.DTRank+2*s.DState, a.mixed, count, false)
	m.SelectiveScan(s, a.mixed, a.conv, a.xz, a.dbc, w.params, state[mambaSSM], state[mambaConv], count)
}

func (m *cpuBatchMachine) mamba(i int, w *mamba[cpuArray, cpuWeight], gain cpuArray, a *activations[cpuArray]) {
	s, count := w.shape, len(m.rows)
	width := s.DTRank + 2*s.DState
	m.normLinear(a.x, gain, w.inProj, a.xz)
	for t, row := range m.rows {
		state := row.states[row.pos%StateDepth][i]
		m.CausalConv1D(a.xz[2*t*s.DInner:], w.conv, w.conv[s.DInner*s.DConv:], state[mambaConv], a.conv[t*s.DInner:], s.DInner, s.DConv, 1)
	}
	m.linear(w.xProj, a.conv, s.DInner, a.dbc, count, false)
	m.linear(w.dtProj, a.dbc, width, a.mixed, count, false)
	for t, row := range m.rows {
		before, after := row.states[row.pos%StateDepth][i], row.states[(row.pos+1)%StateDepth][i]
		copy(after[mambaConv], before[mambaConv])
		copy(after[mambaSSM], before[mambaSSM])
		m.SelectiveScan(s, a.mixed[t*s.DInner:], a.conv[t*s.DInner:], a.xz[2*t*s.DInner:], a.dbc[t*width:], w.params, after[mambaSSM], after[mambaConv], 1)
	}
}
