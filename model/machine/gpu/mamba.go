package gpu

import (
	"github.com/samba-web/samba/gpu/kernel"
	"github.com/samba-web/samba/gpu/reference"
	"github.com/samba-web/samba/model/graph"
)

func (m *steps) Mamba(i int, w *graph.Mamba[buffer, weight], n graph.Norm[buffer], a *graph.Activations[buffer]) {
	s, state := w.Shape, m.state[i]
	conv := kernel.Conv{Params: w.Conv, State: state[graph.MambaConv], DInner: s.DInner, DConv: s.DConv}
	var norm *kernel.DBCNorm
	if w.Norms {
		norm = &kernel.DBCNorm{Eps: w.NormsEps, Gained: w.Gained}
	}
	y := a.Mixed
	if w.Memory {
		y = a.Memory
	}
	if m.Single() {
		m.convolved(conv, a, n, w.InProj, a.XZ) // in x's half of xz
		m.Linear(w.XProj, a.XZ, a.DBC, kernel.LinearOptions{XStride: 2 * s.DInner})
		m.SelectiveStateUpdate(s, w.DTProj, norm, a.DBC, a.XZ, w.Params, state[graph.MambaSSM], y)
	} else {
		m.normLinear(a.X, n, w.InProj, a.XZ)
		m.CausalConv1D(conv, a.XZ, a.Conv)
		m.Linear(w.XProj, a.Conv, a.DBC, kernel.LinearOptions{Halved: true})
		if norm != nil {
			m.NormDBC(s, *norm, a.DBC, w.Params)
		}
		m.Linear(w.DTProj, a.DBC, y, kernel.LinearOptions{XStride: s.DTRank + 2*s.DState})
		m.SelectiveScan(s, y, a.Conv, a.XZ, a.DBC, w.Params, state[graph.MambaSSM], state[graph.MambaConv])
	}
	if w.Memory {
		m.Gate(a.XZ, reference.Gate{Stride: 2 * s.DInner, Offset: s.DInner}, a.Memory, a.Mixed, s.DInner)
	}
}

// convolved leaves in rows what a layer makes of Norm(x), some of it behind the convolution: of single tokens.
func (m *steps) convolved(conv kernel.Conv, a *graph.Activations[buffer], n graph.Norm[buffer], w weight, rows buffer) {
	in, o := m.norm(a.X, n)
	if m.Apart {
		m.Linear(w, in, rows, o)
		m.ConvRows(conv, rows, nil)
		return
	}
	o.Conv = &conv
	m.Linear(w, in, rows, o)
}
