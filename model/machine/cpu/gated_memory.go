package cpu

import (
	"github.com/samba-web/samba/gpu/reference"
	"github.com/samba-web/samba/model/graph"
)

func (m *steps) GatedMemory(w *graph.GatedMemory[array, weight], n graph.Norm[array], a *graph.Activations[array]) {
	m.normLinear(a.X, n, w.InProj, a.Gate)
	m.Gated(a.Gate, reference.Gate{Stride: w.Width}, a.Memory, a.Mixed, w.Width, len(m.ids))
}
