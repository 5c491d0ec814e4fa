package cpu

import (
	"github.com/samba-web/samba/model/graph"
)

func (m *steps) ShortConv(i int, w *graph.ShortConv[array, weight], n graph.Norm[array], a *graph.Activations[array]) {
	m.normLinear(a.X, n, w.InProj, a.BCX)
	m.Convolution(w.Shape, a.BCX, w.Conv, m.state[i][graph.ShortConvState], a.Mixed, len(m.ids))
}

func (m *batchSteps) ShortConv(i int, w *graph.ShortConv[array, weight], n graph.Norm[array], a *graph.Activations[array]) {
	m.normLinear(a.X, n, w.InProj, a.BCX)
	for t, row := range m.rows {
		before, after := row.turn(i)
		copy(after[graph.ShortConvState], before[graph.ShortConvState])
		m.Convolution(w.Shape, a.BCX[t*w.Shape.Stride:], w.Conv, after[graph.ShortConvState], a.Mixed[t*w.Shape.Channels:], 1)
	}
}
