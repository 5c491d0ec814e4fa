package gpu

import (
	"github.com/samba-web/samba/gpu/kernel"
	"github.com/samba-web/samba/gpu/reference"
	"github.com/samba-web/samba/model/graph"
)

func (m *steps) Mamba2(i int, w *graph.Mamba2[buffer, weight], n graph.Norm[buffer], a *graph.Activations[buffer]) {
	s, state := w.Shape, m.state[i]
	conv, xbc := kernel.ConvOf(s.Conv(w.DConv), w.Conv, state[graph.Mamba2Conv]), a.XBC
	// A compiler may multiply a factor of in_proj (falcon_h1's) and the convolution's weights first, where one kernel has
	// both; rows of guesses, which have two, would get other bits.
	if m.Single() && (w.InProj.Factor == 0 || w.InProj.Factor == 1) {
		m.convolved(conv, a, n, w.InProj, a.Rows)
		xbc = nil // the convolution has left it in rows
	} else {
		m.normLinear(a.X, n, w.InProj, a.Rows)
		m.convolve(conv, a.Rows, xbc)
	}
	m.SSDScan(s, a.Rows, xbc, w.Params, state[graph.Mamba2SSM], a.Mixed)
	if w.NormFirst {
		m.gatedNorm(w, a)
	}
}

func (m *steps) FinishMamba2(w *graph.Mamba2[buffer, weight], a *graph.Activations[buffer]) {
	o := kernel.LinearOptions{Add: true}
	switch {
	case w.Norm == nil || w.NormFirst:
	case m.Single() && w.NormGroups == 1: // an RMSNorm like any other
		o.Gain, o.Eps = *w.Norm, m.eps
	default:
		m.gatedNorm(w, a)
	}
	m.Linear(w.OutProj, a.Mixed, a.X, o)
}

// gatedNorm is the norm before or behind the scan's gate.
func (m *steps) gatedNorm(w *graph.Mamba2[buffer, weight], a *graph.Activations[buffer]) {
	if w.Norm == nil {
		return
	}
	var z buffer
	if w.NormFirst {
		z = a.Rows
	}
	m.GroupNorm(a.Mixed, *w.Norm, m.eps, w.NormGroups, z, reference.Gate{Stride: w.Shape.Row(), Factor: w.Shape.ZFactor})
}
