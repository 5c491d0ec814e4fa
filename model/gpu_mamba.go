package model

import "github.com/samba-web/samba/gpu/kernel"

func (m *gpuMachine) mamba(i int, w *mamba[gpuArray, gpuWeight], gain gpuArray, a *activations[gpuArray]) {
	s, state := w.shape, m.state[i]
	conv := kernel.Conv{Params: w.conv, State: state[mambaConv], DInner: s.DInner, DConv: s.DConv}
	if m.single() {
		// The convolution leaves its result in x's half of xz.
		m.Linear(w.inProj, a.x, a.xz, kernel.LinearOptions{Gain: gain, Eps: m.eps, Conv: &conv})
		m.Linear(w.xProj, a.xz, a.dbc, kernel.LinearOptions{})
		m.SelectiveStateUpdate(s, w.dtProj, a.dbc, a.xz, w.params, state[mambaSSM], a.mixed)
		return
	}
	m.normLinear(a.x, gain, w.inProj, a.xz)
	m.CausalConv1D(conv, a.xz, a.conv)
	m.Linear(w.xProj, a.conv, a.dbc, kernel.LinearOptions{})
	m.Linear(w.dtProj, a.dbc, a.mixed, kernel.LinearOptions{XStride: s.DTRank + 2*s.DState})
	m.SelectiveScan(s, a.mixed, a.conv, a.xz, a.dbc, w.params, state[mambaSSM], state[mambaConv])
}
