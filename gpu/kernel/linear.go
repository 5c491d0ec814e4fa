package kernel

import (
	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/reference"
)

// LinearOptions say what a linear layer does beside the product. The zero
// value is y = W x with tokens one after another.
type LinearOptions struct {
	XStride int         // values between two tokens' x; 0: In
	Add     bool        // y += W x
	Gain    *gpu.Buffer // x passes through RMSNorm with this gain first; one token only
	Eps     float64     // of that norm
	SwiGLU  bool        // W holds gate's rows, then up's: y = SiLU(gate) * up; one token only, W in one part
	Last    bool        // only the chunk's last token, whatever Tokens is
}

// Linear records y[t, r] = sum_k W[r, k] x[t, k]: by matvec.wgsl for one
// token, by matmul.wgsl for more.
func (r *Recorder) Linear(w *Weight, x, y *gpu.Buffer, o LinearOptions) {
	if o.XStride == 0 {
		o.XStride = w.In
	}
	for _, p := range w.Parts {
		if r.Tokens == 1 || o.Last {
			r.matvec(w, p, x, y, o)
		} else {
			r.matmul(w, p, x, y, o)
		}
	}
}

const matvecSize, matvecLanes = 64, 16

func (r *Recorder) matvec(w *Weight, p Part, x, y *gpu.Buffer, o LinearOptions) {
	rows := p.Rows
	if o.SwiGLU {
		rows /= 2
	}
	c := w.constants()
	c["IN"], c["OUT"] = w.In, rows
	c["X_STRIDE"], c["ROW0"] = o.XStride, p.Row0
	c["NORM"], c["ADD"], c["SWIGLU"], c["LAST"] = o.Gain != nil, o.Add, o.SwiGLU, o.Last
	c["EPS"] = o.Eps
	c["SIZE"], c["LANES"] = matvecSize, matvecLanes
	aligned := w.In%4 == 0 && o.XStride%4 == 0
	c["ALIGNED"] = aligned
	switch {
	case w.DType == reference.Q4:
		c["VALUES"] = 32
	case w.DType == reference.Q8:
		c["VALUES"] = 16
	case aligned:
		c["VALUES"] = 4
	default:
		c["VALUES"] = 1
	}
	r.want("matvec", "x", x, w.In)
	r.want("matvec", "y", y, p.Row0+rows)
	buffers := append(w.buffers(p), x, y)
	if o.Gain != nil {
		buffers = append(buffers, o.Gain)
	}
	if o.Last {
		buffers = append(buffers, r.Cursor)
	}
	// Vocabularies make more workgroups than one direction of the grid may have.
	groups := blocks(rows, matvecSize/matvecLanes)
	wide := min(groups, 1<<15)
	r.dispatch("matvec", c, [3]uint32{wide, (groups + wide - 1) / wide, 1}, buffers...)
}

func (r *Recorder) matmul(w *Weight, p Part, x, y *gpu.Buffer, o LinearOptions) {
	c := w.constants()
	c["ADD"] = o.Add
	sizes, err := r.Device.Words(uint32(w.In), uint32(p.Rows), uint32(o.XStride), uint32(w.Out), uint32(p.Row0))
	if err != nil {
		r.Program.Fail(err)
		return
	}
	r.want("matmul", "x", x, (r.Tokens-1)*o.XStride+w.In)
	r.want("matmul", "y", y, r.Tokens, w.Out)
	r.dispatch("matmul", c, [3]uint32{blocks(p.Rows, 64), blocks(r.Tokens, 32), 1},
		append(w.buffers(p), x, y, r.Cursor, sizes)...)
}
