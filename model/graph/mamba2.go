package graph

import (
	"github.com/samba-web/samba/gpu/reference"
	"github.com/samba-web/samba/model/config"
)

// Mamba2 is Mamba-2's mixer; see config.Mamba2.
type Mamba2[V, W any] struct {
	Shape      reference.SSDShape
	DConv      int
	InProj     W // rows z, x, B, C, dt
	OutProj    W
	Conv       V // over x, B and C: weights [channels, d_conv], then biases
	Params     V // A_log, D, dt_bias [heads] each
	Norm       *V
	NormGroups int  // of the gated RMSNorm, whose gains are Norm; 0: there is none
	NormFirst  bool // it comes before the gate
}

// The places of its arrays in a layer's state.
const (
	Mamba2Conv = iota // conv_state [channels, d_conv-1]
	Mamba2SSM         // ssm_state [d_inner, d_state]
	mamba2KV          // keys and values of the attention beside it
)

type mamba2Activations[V any] struct {
	Rows V // in_proj's [T, d_inner + channels + heads]
	XBC  V // what the convolution makes of x, B and C [T, channels]
	both V // what the attention beside it makes [T, heads head_dim]
}

type mamba2Step[V, W any] interface {
	// Mamba2: a.Mixed = layer i's mixer of Norm(x) as far as the gate; a's Rows and XBC lie between.
	Mamba2(i int, w *Mamba2[V, W], n Norm[V], a *Activations[V])
	// FinishMamba2: x += what the last projection makes of a.Mixed, behind the norm where that follows the gate.
	FinishMamba2(w *Mamba2[V, W], a *Activations[V])
}

func newMamba2[V, W any](b *builder[V, W], i int) Mixer[V, W] { return b.mamba2(i) }

func (b *builder[V, W]) mamba2(i int) *Mamba2[V, W] {
	at := func(name string) string { return config.LayerTensor(i, "mixer."+name) }
	c, m := b.config, b.config.SSM
	w := &Mamba2[V, W]{
		Shape: reference.SSDShape{
			Heads: m.Heads, HeadDim: m.HeadDim, DState: c.DState, Groups: m.Groups, DTMin: m.TimeStepMin, DTMax: m.TimeStepMax,
			ZFactor: m.SectionScales[0], DTFactor: m.SectionScales[4], Ungated: m.NormGroups > 0 && m.NormFirst,
		},
		DConv: c.DConv, InProj: b.linear(at("in_proj"), m.InScale),
		Params:     b.vector(at("A_log"), at("D"), at("dt_bias")),
		NormGroups: m.NormGroups, NormFirst: m.NormFirst,
		OutProj: b.linear(at("out_proj"), or1(m.OutScale)*or1(c.ResidualScale)),
	}
	if m.TimeStepMin == 0 && m.TimeStepMax > 1e30 {
		w.Shape.DTMax = 0 // no limits
	}
	// The factors of x, B and C belong to the convolution, which alone reads them.
	inner, states := w.Shape.Inner(), m.Groups*c.DState
	w.Conv = b.conv(at("conv1d"), w.Shape.Channels(), func(channel int) float64 {
		switch {
		case channel < inner:
			return or1(m.SectionScales[1])
		case channel < inner+states:
			return or1(m.SectionScales[2])
		}
		return or1(m.SectionScales[3])
	})
	if m.NormGroups > 0 {
		gains := b.vector(at("norm.weight"))
		w.Norm = &gains
	}
	return w
}

func allocateMamba2[V any](a *Activations[V], c *config.Config, array func(name string, width int) V) (mixed int) {
	a.Rows = array("z, x, B, C, dt", c.DInner()+c.SSMChannels()+c.SSM.Heads)
	a.XBC = array("x, B, C", c.SSMChannels())
	return c.DInner()
}

func (w *Mamba2[V, W]) carry(m Machine[V, W], i int, n Norm[V], a *Activations[V]) {
	m.Mamba2(i, w, n, a)
}

func (w *Mamba2[V, W]) finish(m Machine[V, W], a *Activations[V]) {
	m.FinishMamba2(w, a)
}

func (w *Mamba2[V, W]) handed(a *Activations[V]) []Handed[V] {
	return []Handed[V]{{a.Mixed, w.Shape.Inner()}}
}

func (w *Mamba2[V, W]) carried() []Carried {
	return []Carried{
		Mamba2Conv: {Name: "conv_state", Values: w.Shape.Channels() * (w.DConv - 1)},
		Mamba2SSM:  {Name: "ssm_state", Values: w.Shape.Inner() * w.Shape.DState},
	}
}

func (w *Mamba2[V, W]) cost(_, tokens, _ int) (state, ops int64) {
	channels, inner, states, before := int64(w.Shape.Channels()), int64(w.Shape.Inner()), int64(w.Shape.DState), int64(w.DConv-1)
	// Both states are read and written. The convolution; and h = decay h + dt B x, y = C h: five for each state.
	return 2 * 4 * (channels*before + inner*states), int64(tokens) * (2*channels*(before+1) + 5*inner*states)
}

// parallel is Mamba-2 and attention of one norm, added up; see config.Mamba2Attention.
type parallel[V, W any] struct {
	*Mamba2[V, W]
	attention *Attention[V, W]
}

func newParallel[V, W any](b *builder[V, W], i int) Mixer[V, W] {
	p := &parallel[V, W]{b.mamba2(i), b.attention(i)}
	p.attention.Layer, p.attention.KV = i, mamba2KV
	return p
}

func allocateParallel[V any](a *Activations[V], c *config.Config, array func(name string, width int) V) (mixed int) {
	mixed = max(allocateMamba2(a, c, array), allocateAttention(a, c, array))
	a.both = array("attention beside", c.NumHeads*c.HeadDim)
	return mixed
}

func (p *parallel[V, W]) carry(m Machine[V, W], i int, n Norm[V], a *Activations[V]) {
	p.attention.carry(m, i, n, a)
	p.Mamba2.carry(m, i, n, a)
}

func (p *parallel[V, W]) finish(m Machine[V, W], a *Activations[V]) {
	m.Attend(p.attention, a, a.both)
	p.Mamba2.finish(m, a)
	m.LinearAdd(p.attention.OProj, a.both, a.X)
}

func (p *parallel[V, W]) handed(a *Activations[V]) []Handed[V] {
	return append(p.Mamba2.handed(a), p.attention.handed(a)...)
}

func (p *parallel[V, W]) carried() []Carried {
	return append(p.Mamba2.carried(), p.attention.carried()...)
}

func (p *parallel[V, W]) cost(pos, tokens, finished int) (state, ops int64) {
	state, ops = p.Mamba2.cost(pos, tokens, finished)
	more, moreOps := p.attention.cost(pos, tokens, finished)
	return state + more, ops + moreOps
}
