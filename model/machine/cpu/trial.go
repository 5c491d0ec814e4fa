package cpu

import (
	"context"

	"github.com/samba-web/samba/gpu/reference"
	"github.com/samba-web/samba/model/config"
	"github.com/samba-web/samba/model/graph"
)

// Repeated is a model on the processor whose linear weights hold the first period rows
// of larger ones, which repeat them: what a device's self-test is compared with.
type Repeated struct{ run *Run }

// NewRepeated takes a graph whose weights are as wide as they are called, for at most
// chunk tokens at once. rounds tells whether the device, for this many tokens, rounds what
// a weight multiplies to 8 bits.
func NewRepeated(c *config.Config, weights map[string]*reference.Weight, vectors map[string][]float32, period, chunk int, rings graph.Rings,
	rounds func(w *reference.Weight, tokens int) bool) (*Repeated, error) {
	s := &Store{weights: weights}
	g, err := graph.Assemble(c, s, vectors, rings)
	if err != nil {
		return nil, err
	}
	e := &Engine{config: c, store: s, graph: g, chunk: chunk}
	e.linear = func(w *reference.Weight, x []float32, xStride int, y []float32, count int, add bool) {
		if rounds(w, count) {
			x, xStride = reference.Rounded(x, xStride, w.In, count), w.In
		}
		e.periodic(period, w, x, xStride, y, count, add)
	}
	r, err := e.newRun()
	return &Repeated{r}, err
}

// Absorb takes tokens and returns the logits after the last of them.
func (t *Repeated) Absorb(ctx context.Context, ids []uint32) ([]float32, error) {
	if err := t.run.Absorb(ctx, ids); err != nil {
		return nil, err
	}
	return t.run.logits(), nil
}

// Draw samples the token that comes next from logits, which it changes.
func (t *Repeated) Draw(s reference.Sampling, logits []float32) uint32 {
	return t.run.engine.kernels.Sample(s, logits, nil, uint32(t.run.pos))
}

// periodic is Linear for weights that hold the first rows of larger ones.
func (e *Engine) periodic(period int, w *reference.Weight, x []float32, xStride int, y []float32, count int, add bool) {
	few := *w
	few.Out, few.Bias = min(period, w.Out), nil
	factor := float32(1)
	if w.Factor != 0 {
		factor = w.Factor
	}
	part := make([]float32, count*few.Out)
	e.kernels.Linear(&few, x, xStride, part, count, false)
	for t := range count {
		for r := range w.Out {
			v := part[t*few.Out+r%few.Out]
			if w.Bias != nil {
				v += factor * w.Bias[r]
			}
			if add {
				v += y[t*w.Out+r]
			}
			y[t*w.Out+r] = v
		}
	}
}
