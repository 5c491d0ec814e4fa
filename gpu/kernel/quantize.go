package kernel

import (
	"fmt"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/reference"
)

// Quantizing is a block of groups on their way from weights to a quantized
// matrix: Groups groups of Group consecutive weights, which become those from
// First on of the matrix.
type Quantizing struct {
	From          reference.DType // of the weights: F32, F16 or BF16
	To            reference.DType // Q4 or Q8
	Group         int
	First, Groups int
}

// Quantize records that: source holds the block's weights, one row after
// another; q and affine are a Part's Data and Affine. bad, one word that the
// caller sets to all ones, takes the index in source of the first weight that is
// not finite or beyond fp16. The twin is model/quant, to the bit.
func (r *Recorder) Quantize(o Quantizing, source, q, affine, bad *gpu.Buffer) {
	if o.From.Quantized() || !o.To.Quantized() {
		r.Program.Fail(fmt.Errorf("kernel quantize: %v to %v, want F32, F16 or BF16 to Q4 or Q8", o.From, o.To))
		return
	}
	bits := o.To.Bits()
	r.want("quantize", "weights", source, (o.Groups*o.Group*o.From.Bits()+31)/32)
	r.want("quantize", "codes", q, o.First+o.Groups, o.Group*bits/32)
	r.want("quantize", "scales and biases", affine, o.First+o.Groups)
	r.want("quantize", "the first bad weight", bad, 1)
	sizes, err := r.Device.Words(uint32(o.First), uint32(o.Groups))
	if err != nil {
		r.Program.Fail(err)
		return
	}
	r.record(r.planner().quantize(o), source, q, affine, bad, sizes)
}

type quantize struct {
	BITS, GROUP, SIZE, CUTS, REFITS int
	F32, BF16                       bool // of the weights; else F16
	Q4                              bool // of the codes; else Q8
}

func (quantize) stem() string { return "quantize" }

func (p planner) quantize(o Quantizing) plan {
	size := 64
	for size > 1 && size*o.Group > p.storage {
		size /= 2
	}
	cuts := 2
	if o.To == reference.Q4 {
		cuts = 9
	}
	return plan{quantize{
		BITS: o.To.Bits(), GROUP: o.Group, SIZE: size, CUTS: cuts, REFITS: 4,
		F32: o.From == reference.F32, BF16: o.From == reference.BF16, Q4: o.To == reference.Q4,
	}, spread(blocks(o.Groups, size))}
}
