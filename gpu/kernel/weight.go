package kernel

import (
	"fmt"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/reference"
	"github.com/samba-web/samba/shaders"
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
	r.dispatch("pack_affine", shaders.Constants{}, spread(blocks(groups, 128)), scales, biases, affine)
	err = r.Program.Err()
	if err == nil {
		err = d.Run(r.Program)
	}
	r.Program.Free()
	scales.Free()
	biases.Free()
	return affine, err
}

func (w *Weight) constants() shaders.Constants {
	return shaders.Constants{
		"GROUP":          max(w.Group, 1),
		w.DType.String(): true, "QUANTIZED": w.DType.Quantized(), "SCALES_BF16": w.ScalesBF16,
	}
}

// finish adds to a kernel's constants and buffers what shared/finish.wgsl reads:
// its binding is the last.
func (w *Weight) finish(r *Recorder, stem string, c shaders.Constants, buffers []*gpu.Buffer) []*gpu.Buffer {
	if w.Factor != 0 {
		c["FACTOR"] = w.Factor
	}
	if c["BIAS"] = w.Bias != nil; w.Bias == nil {
		return buffers
	}
	r.want(stem, "bias", w.Bias, w.Out)
	return append(buffers, w.Bias)
}

// buffers are the part's own bindings, in order.
func (w *Weight) buffers(p Part) []*gpu.Buffer {
	if w.DType.Quantized() {
		return []*gpu.Buffer{p.Data, p.Affine}
	}
	return []*gpu.Buffer{p.Data}
}
