package graph

import (
	"github.com/samba-web/samba/gpu/reference"
	"github.com/samba-web/samba/model/config"
)

// ShortConv is a causal convolution between two gates; see config.ShortConv.
type ShortConv[V, W any] struct {
	Shape   reference.ConvShape
	InProj  W // rows B, C, x
	Conv    V // weights [d_model, width], then biases
	outProj W
}

// ShortConvState is the place of its array in a layer's state: [d_model, width-1].
const ShortConvState = 0

type shortConvActivations[V any] struct {
	BCX V // in_proj's rows [T, 3 d_model]
}

type shortConvStep[V, W any] interface {
	// ShortConv: a.Mixed = layer i's mixer but its last projection, of Norm(x); a's BCX lies between.
	ShortConv(i int, w *ShortConv[V, W], n Norm[V], a *Activations[V])
}

func newShortConv[V, W any](b *builder[V, W], i int) Mixer[V, W] {
	at := config.LayerTensor(i, "mixer.")
	d := b.config.HiddenSize
	return &ShortConv[V, W]{
		Shape:   reference.ConvShape{Channels: d, DConv: b.config.DConv, Stride: 3 * d, Gated: true},
		InProj:  b.linear(at+"in_proj", 0),
		Conv:    b.conv(at+"conv1d", d, nil),
		outProj: b.linear(at+"out_proj", b.config.ResidualScale),
	}
}

func allocateShortConv[V any](a *Activations[V], c *config.Config, array func(name string, width int) V) (mixed int) {
	a.BCX = array("B, C, x", 3*c.HiddenSize)
	return c.HiddenSize
}

func (w *ShortConv[V, W]) carry(m Machine[V, W], i int, n Norm[V], a *Activations[V]) {
	m.ShortConv(i, w, n, a)
}

func (w *ShortConv[V, W]) finish(m Machine[V, W], a *Activations[V]) {
	m.LinearAdd(w.outProj, a.Mixed, a.X)
}

func (w *ShortConv[V, W]) handed(a *Activations[V]) []Handed[V] {
	return []Handed[V]{{a.Mixed, w.Shape.Channels}}
}

func (w *ShortConv[V, W]) carried() []Carried {
	return []Carried{ShortConvState: {Name: "conv_state", Values: w.Shape.Channels * (w.Shape.DConv - 1)}}
}

func (w *ShortConv[V, W]) cost(_, tokens, _ int) (state, ops int64) {
	channels, width := int64(w.Shape.Channels), int64(w.Shape.DConv)
	return 2 * 4 * channels * (width - 1), int64(tokens) * channels * (2*width + 2)
}
