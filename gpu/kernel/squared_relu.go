package kernel

import (
	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/shaders"
)

// SquaredReLU records h[t, i] = max(h[t, i], 0)^2 in place, h [tokens, width].
func (r *Recorder) SquaredReLU(h *gpu.Buffer, width int) {
	r.want("squared_relu", "h", h, r.Tokens, width)
	r.dispatch("squared_relu", shaders.Constants{"WIDTH": width}, [3]uint32{blocks(width, 64), uint32(r.Tokens), 1}, h, r.Cursor)
}
