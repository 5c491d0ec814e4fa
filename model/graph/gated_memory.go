package graph

import "github.com/samba-web/samba/model/config"

// GatedMemory gates what the last Mamba layer below made of the same token; see
// config.GatedMemory.
type GatedMemory[V, W any] struct {
	InProj  W
	Width   int // d_inner
	outProj W
}

type gatedMemoryActivations[V any] struct {
	Gate V // [T, d_inner]
}

type gatedMemoryStep[V, W any] interface {
	// GatedMemory: a.Mixed = SiLU(W Norm(x)) * a.Memory; a's Gate lies between.
	GatedMemory(w *GatedMemory[V, W], n Norm[V], a *Activations[V])
}

func newGatedMemory[V, W any](b *builder[V, W], i int) Mixer[V, W] {
	at := config.LayerTensor(i, "mixer.")
	return &GatedMemory[V, W]{InProj: b.linear(at+"in_proj", 0), Width: b.config.DInner(), outProj: b.linear(at+"out_proj", b.config.ResidualScale)}
}

func allocateGatedMemory[V any](a *Activations[V], c *config.Config, array func(name string, width int) V) (mixed int) {
	a.Gate = array("gate", c.DInner())
	return c.DInner()
}

func (w *GatedMemory[V, W]) carry(m Machine[V, W], _ int, n Norm[V], a *Activations[V]) {
	m.GatedMemory(w, n, a)
}

func (w *GatedMemory[V, W]) finish(m Machine[V, W], a *Activations[V]) {
	m.LinearAdd(w.outProj, a.Mixed, a.X)
}

func (w *GatedMemory[V, W]) handed(a *Activations[V]) []Handed[V] {
	return []Handed[V]{{a.Mixed, w.Width}}
}

func (w *GatedMemory[V, W]) carried() []Carried { return nil }

func (w *GatedMemory[V, W]) cost(_, tokens, _ int) (state, ops int64) {
	return 0, int64(tokens) * int64(w.Width) * 5
}

// noMixer is a layer that is an MLP alone.
type noMixer[V, W any] struct{}

func newNoMixer[V, W any](*builder[V, W], int) Mixer[V, W] { return noMixer[V, W]{} }

func allocateNothing[V any](*Activations[V], *config.Config, func(name string, width int) V) (mixed int) {
	return 1
}

func (noMixer[V, W]) carry(Machine[V, W], int, Norm[V], *Activations[V]) {}

func (noMixer[V, W]) finish(Machine[V, W], *Activations[V]) {}

func (noMixer[V, W]) handed(*Activations[V]) []Handed[V] { return nil }

func (noMixer[V, W]) carried() []Carried { return nil }

func (noMixer[V, W]) cost(int, int, int) (state, ops int64) { return 0, 0 }
