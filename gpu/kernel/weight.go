package kernel

import (
	"fmt"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/reference"
)

// Weight is a linear layer's matrix W [Out, In] on the device, in one part or,
// where the device binds less than the whole, in several.
type Weight struct {
	DType      reference.DType
	Out, In    int
	Group      int
	ScalesBF16 bool
	Parts      []Part

	// What becomes of the product, Factor (W x + Bias): see reference.Weight.
	Bias   *gpu.Buffer // [Out], of all parts; nil: none
	Factor float64     // of embeddings, too; 0: 1
}

// Part is the rows Row0 to Row0+Rows-1 of a Weight. Affine [Rows, In/Group],
// as PackAffine leaves it, is nil unless the weight is quantized.
type Part struct {
	Row0, Rows   int
	Data, Affine *gpu.Buffer
}

// Exact tells whether the values have more bits than fp16: their products stay in fp32 then.
func (w *Weight) Exact() bool { return w.DType == reference.F32 || w.DType == reference.BF16 }

// Free gives back the device memory of W; a bias is its owner's.
func (w *Weight) Free() {
	for _, p := range w.Parts {
		p.Data.Free()
		p.Affine.Free()
	}
}

// PackAffine returns groups' scales and biases side by side, as the kernels
// read them, and frees the two buffers of 16-bit values that it is given.
func PackAffine(d *gpu.Device, scales, biases *gpu.Buffer, groups int) (*gpu.Buffer, error) {
	affine, err := d.NewBuffer("scales and biases", 4*uint64(groups))
	if err != nil {
		return nil, err
	}
	r := Recorder{Device: d, Program: d.NewProgram()}
	if have := min(scales.Size(), biases.Size()); have < 2*uint64(groups) {
		r.Program.Fail(fmt.Errorf("kernel pack_affine: %d bytes of scales or biases for %d groups", have, groups))
	}
	r.record(plan{packAffine{}, spread(blocks(groups, 128))}, scales, biases, affine)
	err = r.Program.Err()
	if err == nil {
		err = d.Run(r.Program)
	}
	r.Program.Free()
	scales.Free()
	biases.Free()
	return affine, err
}

type packAffine struct{}

func (packAffine) stem() string { return "pack_affine" }

// buffers are the part's own bindings, in order.
func (w *Weight) buffers(p Part) []*gpu.Buffer {
	if w.DType.Quantized() {
		return []*gpu.Buffer{p.Data, p.Affine}
	}
	return []*gpu.Buffer{p.Data}
}
