package cpu

import (
	"slices"

	"github.com/samba-web/samba/gpu/cpu"
	"github.com/samba-web/samba/gpu/reference"
	"github.com/samba-web/samba/model/machine"
)

// drawing is how a run draws its tokens.
type drawing struct{ machine.Drawing }

func (r *Run) Begin(d machine.Drawing) error {
	r.drawing = newDrawing(d, r.engine.config.VocabSize)
	return nil
}

// newDrawing gives an adjustment the slices that it has none of.
func newDrawing(d machine.Drawing, vocab int) drawing {
	if d.Adjustment.Counts == nil { // else it is an answer that goes on
		d.Adjustment.Counts = make([]uint32, vocab)
	}
	if d.Adjustment.Bias == nil {
		d.Adjustment.Bias = make([]float32, vocab)
	}
	return drawing{d}
}

// draw samples the token for a position from logits, which it changes.
func (d *drawing) draw(k *cpu.Kernels, logits []float32, tail []uint32, pos int, allowed []uint32) (f machine.Draw) {
	var raw []float32
	if d.Logprobs {
		raw = slices.Clone(logits)
	}
	if d.Adjusted {
		d.Adjustment.Allowed = allowed
		reference.Adjust(d.Adjustment, logits)
	}
	f.Token = k.Sample(d.Sampling, logits, tail, uint32(pos))
	if d.Logprobs {
		f.Logprob, f.Top = reference.Logprobs(raw, f.Token, d.Top)
	}
	return f
}
