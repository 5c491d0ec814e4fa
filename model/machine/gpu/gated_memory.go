package gpu

import (
	"github.com/samba-web/samba/gpu/reference"
	"github.com/samba-web/samba/model/graph"
)

func (m *steps) GatedMemory(w *graph.GatedMemory[buffer, weight], n graph.Norm[buffer], a *graph.Activations[buffer]) {
	m.normLinear(a.X, n, w.InProj, a.Gate)
	m.Gate(a.Gate, reference.Gate{Stride: w.Width}, a.Memory, a.Mixed, w.Width)
}
