package kernel

import "github.com/samba-web/samba/gpu"

// SwiGLU records h[t, i] = SiLU(g[t, i]) * u[t, i], gateUp [tokens, 2 width].
func (r *Recorder) SwiGLU(gateUp, h *gpu.Buffer, width int) {
	r.want("swiglu", "gate_up", gateUp, r.Tokens, 2*width)
	r.want("swiglu", "h", h, r.Tokens, width)
	r.record(r.planner().swiglu(width), gateUp, h, r.Cursor)
}

type swiglu struct {
	cursorConstants
	WIDTH int
}

func (swiglu) stem() string { return "swiglu" }

func (p planner) swiglu(width int) plan {
	return plan{swiglu{p.cursor(), width}, [3]uint32{blocks(width, 64), uint32(p.tokens), 1}}
}
