package kernel

import "github.com/samba-web/samba/gpu"

// SquaredReLU records h[t, i] = max(h[t, i], 0)^2 in place, h [tokens, width].
func (r *Recorder) SquaredReLU(h *gpu.Buffer, width int) {
	r.want("squared_relu", "h", h, r.Tokens, width)
	r.record(r.planner().squaredReLU(width), h, r.Cursor)
}

type squaredReLU struct {
	cursorConstants
	WIDTH int
}

func (squaredReLU) stem() string { return "squared_relu" }

func (p planner) squaredReLU(width int) plan {
	return plan{squaredReLU{p.cursor(), width}, [3]uint32{blocks(width, 64), uint32(p.tokens), 1}}
}
