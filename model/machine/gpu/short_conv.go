package gpu

import (
	"github.com/samba-web/samba/gpu/kernel"
	"github.com/samba-web/samba/model/graph"
)

func (m *steps) ShortConv(i int, w *graph.ShortConv[buffer, weight], n graph.Norm[buffer], a *graph.Activations[buffer]) {
	m.normLinear(a.X, n, w.InProj, a.BCX)
	m.convolve(kernel.ConvOf(w.Shape, w.Conv, m.state[i][graph.ShortConvState]), a.BCX, a.Mixed)
}

// convolve is a convolution that carries its own state.
func (m *steps) convolve(c kernel.Conv, rows, out buffer) {
	if m.Apart {
		m.ConvRows(c, rows, out)
		return
	}
	m.CausalConv1D(c, rows, out)
}
