package model

import (
	"github.com/samba-web/samba/gpu/reference"
	"github.com/samba-web/samba/model/config"
)

// mamba is the selective state-space mixer; see config.Mamba.
type mamba[V, W any] struct {
	shape         reference.ScanShape
	inProj        W // rows x, then z
	conv          V // weights [d_inner, d_conv], then biases
	xProj, dtProj W // x_proj's rows: dt, B, C
	params        V // A_log, D, dt_bias, one after another
	outProj       W
}

// mambaState are the places of its arrays in a layer's state.
const (
	mambaConv = iota // conv_state [d_inner, d_conv-1]
	mambaSSM         // ssm_state [d_inner, d_state]
)

type mambaActivations[V any] struct {
	xz   V // [T, 2 d_inner]
	conv V // [T, d_inner]
	dbc  V // [T, dt_rank + 2 d_state]
}

type mambaStep[V, W any] interface {
	// mamba: a.mixed = layer i's mixer but its last projection, of RMSNorm(x); a's xz, conv and dbc take what lies between.
	mamba(i int, w *mamba[V, W], gain V, a *activations[V])
}

func newMamba[V, W any](b *builder[V, W], i int) mixer[V, W] {
	at := func(name string) string { return config.LayerTensor(i, name) }
	c := b.config
	return &mamba[V, W]{
		shape:   reference.ScanShape{DInner: c.DInner(), DState: c.DState, DConv: c.DConv, DTRank: c.DTRank},
		inProj:  b.linear(at("mixer.in_proj.weight")),
		conv:    b.vector(at("mixer.conv1d.weight"), at("mixer.conv1d.bias")),
		xProj:   b.linear(at("mixer.x_proj.weight")),
		dtProj:  b.linear(at("mixer.dt_proj.weight")),
		params:  b.vector(at("mixer.A_log"), at("mixer.D"), at("mixer.dt_proj.bias")),
		outProj: b.linear(at("mixer.out_proj.weight")),
	}
}

func allocateMamba[V any](a *activations[V], c *config.Config, array func(name string, width int) V) (mixed int) {
	a.xz = array("xz", 2*c.DInner())
	a.conv = array("convolution", c.DInner())
	a.dbc = array("dt, B, C", c.DTRank+2*c.DState)
	return c.DInner()
}

func (w *mamba[V, W]) forward(m machine[V, W], i int, gain V, a *activations[V]) {
	m.mamba(i, w, gain, a)
	m.linearAdd(w.outProj, a.mixed, a.x)
}

func (w *mamba[V, W]) carried() []carried {
	return []carried{
		mambaConv: {name: "conv_state", values: w.shape.DInner * (w.shape.DConv - 1)},
		mambaSSM:  {name: "ssm_state", values: w.shape.DInner * w.shape.DState},
	}
}

func (w *mamba[V, W]) cost(_, tokens int) (state, ops int64) {
	inner, states, before := int64(w.shape.DInner), int64(w.shape.DState), int64(w.shape.DConv-1)
	// Both states are read and written.
	// The convolution; and h = exp(dt A) h + dt B x, y = C h: seven for each state.
	return 2 * 4 * inner * (states + before), int64(tokens) * inner * (2*(before+1) + 7*states)
}
