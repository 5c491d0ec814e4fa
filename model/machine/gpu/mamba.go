package gpu

import (
	"github.com/samba-web/samba/gpu/kernel"
	"github.com/samba-web/samba/model/graph"
)

func (m *steps) Mamba(i int, w *graph.Mamba[buffer, weight], gain buffer, a *graph.Activations[buffer]) {
	s, state := w.Shape, m.state[i]
	conv := kernel.Conv{Params: w.Conv, State: state[graph.MambaConv], DInner: s.DInner, DConv: s.DConv}
	if m.single() {
		// The convolution leaves its result in x's half of xz.
		m.Linear(w.InProj, a.X, a.XZ, kernel.LinearOptions{Gain: gain, Eps: m.eps, Conv: &conv})
		m.Linear(w.XProj, a.XZ, a.DBC, kernel.LinearOptions{})
		m.SelectiveStateUpdate(s, w.DTProj, a.DBC, a.XZ, w.Params, state[graph.MambaSSM], a.Mixed)
		return
	}
	m.normLinear(a.X, gain, w.InProj, a.XZ)
	m.CausalConv1D(conv, a.XZ, a.Conv)
	m.Linear(w.XProj, a.Conv, a.DBC, kernel.LinearOptions{})
	m.Linear(w.DTProj, a.DBC, a.Mixed, kernel.LinearOptions{XStride: s.DTRank + 2*s.DState})
	m.SelectiveScan(s, a.Mixed, a.Conv, a.XZ, a.DBC, w.Params, state[graph.MambaSSM], state[graph.MambaConv])
}
