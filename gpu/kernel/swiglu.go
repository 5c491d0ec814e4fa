package kernel

import (
	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/shaders"
)

// SwiGLU records h[t, i] = SiLU(g[t, i]) * u[t, i], gateUp [tokens, 2 width].
func (r *Recorder) SwiGLU(gateUp, h *gpu.Buffer, width int) {
	r.want("swiglu", "gate_up", gateUp, r.Tokens, 2*width)
	r.want("swiglu", "h", h, r.Tokens, width)
	r.dispatch("swiglu", shaders.Constants{"WIDTH": width}, [3]uint32{blocks(width, 64), uint32(r.Tokens), 1}, gateUp, h, r.Cursor)
}
