package gpu

import (
	"github.com/samba-web/samba/gpu/kernel"
	"github.com/samba-web/samba/gpu/reference"
	"github.com/samba-web/samba/model/graph"
)

func (m *steps) Mamba2(i int, w *graph.Mamba2[buffer, weight], n graph.Norm[buffer], a *graph.Activations[buffer]) {
	s, state := w.Shape, m.state[i]
	m.normLinear(a.X, n, w.InProj, a.Rows)
	m.convolve(kernel.ConvOf(s.Conv(w.DConv), w.Conv, state[graph.Mamba2Conv]), a.Rows, a.XBC)
	m.SSDScan(s, a.Rows, a.XBC, w.Params, state[graph.Mamba2SSM], a.Mixed)
	if w.Norm == nil {
		return
	}
	var z buffer
	if w.NormFirst {
		z = a.Rows
	}
	m.GroupNorm(a.Mixed, *w.Norm, m.eps, w.NormGroups, z, reference.Gate{Stride: s.Row(), Factor: s.ZFactor})
}
