package gpu

import (
	"github.com/samba-web/samba/gpu/reference"
	"github.com/samba-web/samba/model/graph"
)

func (m *steps) GatedMemory(w *graph.GatedMemory[buffer, weight], n graph.Norm[buffer], a *graph.Activations[buffer]) {
	if m.Single() {
		in, o := m.norm(a.X, n)
		o.Gated = a.Memory
		m.Linear(w.InProj, in, a.Mixed, o)
		return
	}
	m.normLinear(a.X, n, w.InProj, a.Gate)
	m.Gate(a.Gate, reference.Gate{Stride: w.Width}, a.Memory, a.Mixed, w.Width)
}
