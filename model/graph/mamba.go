package graph

import (
	"slices"

	"github.com/samba-web/samba/gpu/reference"
	"github.com/samba-web/samba/model/config"
)

// Mamba is the selective state-space mixer; see config.Mamba.
type Mamba[V, W any] struct {
	Shape         reference.ScanShape
	InProj        W       // rows x, then z
	Conv          V       // weights [d_inner, d_conv], then biases
	XProj, DTProj W       // x_proj's rows: dt, B, C
	Params        V       // A_log, D, dt_bias, one after another, then the gains of the norms
	Norms         bool    // dt, B and C pass through RMSNorms of their own
	Gained        bool    // those have gains: dt's [dt_rank], B's and C's [d_state]
	NormsEps      float64 //
	Memory        bool    // what it makes before the gate is kept in Activations.Memory
	outProj       W
}

// The places of its arrays in a layer's state.
const (
	MambaConv = iota // conv_state [d_inner, d_conv-1]
	MambaSSM         // ssm_state [d_inner, d_state]
)

type mambaActivations[V any] struct {
	XZ   V // [T, 2 d_inner]
	Conv V // [T, d_inner]
	DBC  V // [T, dt_rank + 2 d_state]

	Memory V // [T, d_inner], for gated memory units
}

type mambaStep[V, W any] interface {
	// Mamba: a.Mixed = layer i's mixer but its last projection, of Norm(x); a's XZ, Conv and DBC take what lies between.
	Mamba(i int, w *Mamba[V, W], n Norm[V], a *Activations[V])
}

func newMamba[V, W any](b *builder[V, W], i int) Mixer[V, W] {
	at := func(name string) string { return config.LayerTensor(i, name) }
	c := b.config
	w := &Mamba[V, W]{
		Shape:  reference.ScanShape{DInner: c.DInner(), DState: c.DState, DConv: c.DConv, DTRank: c.DTRank},
		InProj: b.linear(at("mixer.in_proj"), 0),
		Conv:   b.conv(at("mixer.conv1d"), c.DInner(), nil),
		XProj:  b.linear(at("mixer.x_proj"), 0),
		DTProj: b.weight(at("mixer.dt_proj"), nil, 0), // the scan adds its bias
		Norms:  c.DBCNorm != "", Gained: c.DBCNorm == config.NormGained, NormsEps: c.DBCNormEps,
		outProj: b.linear(at("mixer.out_proj"), c.ResidualScale),
	}
	params := []string{at("mixer.A_log"), at("mixer.D"), at("mixer.dt_proj.bias")}
	if w.Gained {
		params = append(params, at("mixer.dt_norm.weight"), at("mixer.b_norm.weight"), at("mixer.c_norm.weight"))
	}
	w.Params = b.vector(params...)
	// The memory is the last Mamba layer's below the units that read it.
	if next := slices.Index(c.LayerTypes, config.GatedMemory); next > i && !slices.Contains(c.LayerTypes[i+1:next], config.Mamba) {
		w.Memory, w.Shape.Ungated = true, true
	}
	return w
}

func allocateMamba[V any](a *Activations[V], c *config.Config, array func(name string, width int) V) (mixed int) {
	a.XZ = array("xz", 2*c.DInner())
	a.Conv = array("convolution", c.DInner())
	a.DBC = array("dt, B, C", c.DTRank+2*c.DState)
	if c.Has(config.GatedMemory) {
		a.Memory = array("memory", c.DInner())
	}
	return c.DInner()
}

func (w *Mamba[V, W]) carry(m Machine[V, W], i int, n Norm[V], a *Activations[V]) {
	m.Mamba(i, w, n, a)
}

func (w *Mamba[V, W]) finish(m Machine[V, W], a *Activations[V]) {
	m.LinearAdd(w.outProj, a.Mixed, a.X)
}

func (w *Mamba[V, W]) handed(a *Activations[V]) []Handed[V] {
	return []Handed[V]{{a.Mixed, w.Shape.DInner}}
}

func (w *Mamba[V, W]) carried() []Carried {
	return []Carried{
		MambaConv: {Name: "conv_state", Values: w.Shape.DInner * (w.Shape.DConv - 1)},
		MambaSSM:  {Name: "ssm_state", Values: w.Shape.DInner * w.Shape.DState},
	}
}

func (w *Mamba[V, W]) cost(_, tokens, _ int) (state, ops int64) {
	inner, states, before := int64(w.Shape.DInner), int64(w.Shape.DState), int64(w.Shape.DConv-1)
	// Both states are read and written.
	// The convolution; and h = exp(dt A) h + dt B x, y = C h: seven for each state.
	return 2 * 4 * inner * (states + before), int64(tokens) * inner * (2*(before+1) + 7*states)
}
