package kernel

import (
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
}

// Part is the rows Row0 to Row0+Rows-1 of a Weight. Scales and Biases are nil
// unless the weight is quantized.
type Part struct {
	Row0, Rows           int
	Data, Scales, Biases *gpu.Buffer
}

// Free gives back the device memory.
func (w *Weight) Free() {
	for _, p := range w.Parts {
		p.Data.Free()
		p.Scales.Free()
		p.Biases.Free()
	}
}

func (w *Weight) constants() shaders.Constants {
	return shaders.Constants{
		"GROUP":          max(w.Group, 1),
		w.DType.String(): true, "QUANTIZED": w.DType.Quantized(), "SCALES_BF16": w.ScalesBF16,
	}
}

// buffers are the part's own bindings, in order.
func (w *Weight) buffers(p Part) []*gpu.Buffer {
	if w.DType.Quantized() {
		return []*gpu.Buffer{p.Data, p.Scales, p.Biases}
	}
	return []*gpu.Buffer{p.Data}
}
