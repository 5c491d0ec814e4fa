package gpu

import (
	"github.com/samba-web/samba/gpu/kernel"
	"github.com/samba-web/samba/gpu/reference"
	"github.com/samba-web/samba/model/graph"
)

func (m *steps) Mamba(i int, w *graph.Mamba[buffer, weight], n graph.Norm[buffer], a *graph.Activations[buffer]) {
	s, state := w.Shape, m.state[i]
	conv := kernel.Conv{Params: w.Conv, State: state[graph.MambaConv], DInner: s.DInner, DConv: s.DConv}
	y := a.Mixed
	if w.Memory {
		y = a.Memory
	}
	if m.single() {
		// The convolution leaves its result in x's half of xz.
		in, o := m.norm(a.X, n)
		if m.Apart {
			m.Linear(w.InProj, in, a.XZ, o)
			m.ConvRows(conv, a.XZ, nil)
		} else {
			o.Conv = &conv
			m.Linear(w.InProj, in, a.XZ, o)
		}
		m.Linear(w.XProj, a.XZ, a.DBC, kernel.LinearOptions{XStride: 2 * s.DInner})
		m.normDBC(w, a)
		m.SelectiveStateUpdate(s, w.DTProj, a.DBC, a.XZ, w.Params, state[graph.MambaSSM], y)
	} else {
		m.normLinear(a.X, n, w.InProj, a.XZ)
		m.CausalConv1D(conv, a.XZ, a.Conv)
		m.Linear(w.XProj, a.Conv, a.DBC, kernel.LinearOptions{Halved: true})
		m.normDBC(w, a)
		m.Linear(w.DTProj, a.DBC, y, kernel.LinearOptions{XStride: s.DTRank + 2*s.DState})
		m.SelectiveScan(s, y, a.Conv, a.XZ, a.DBC, w.Params, state[graph.MambaSSM], state[graph.MambaConv])
	}
	if w.Memory {
		m.Gate(a.XZ, reference.Gate{Stride: 2 * s.DInner, Offset: s.DInner}, a.Memory, a.Mixed, s.DInner)
	}
}

// normDBC passes dt, B and C through their norms, where the model has some.
func (m *steps) normDBC(w *graph.Mamba[buffer, weight], a *graph.Activations[buffer]) {
	if !w.Norms {
		return
	}
	var gains buffer
	if w.Gains != nil {
		gains = *w.Gains
	}
	m.NormDBC(w.Shape, a.DBC, gains, w.NormsEps)
}
