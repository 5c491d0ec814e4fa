package kernel

import (
	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/reference"
)

// Gate records out[t, i] = SiLU(z[t, i]) * m[t, i], m and out [tokens, width].
func (r *Recorder) Gate(z *gpu.Buffer, g reference.Gate, m, out *gpu.Buffer, width int) {
	r.want("gate", "z", z, (r.Tokens-1)*g.Stride+g.Offset+width)
	r.want("gate", "m", m, r.Tokens, width)
	r.want("gate", "out", out, r.Tokens, width)
	r.record(r.planner().gate(g, width), z, m, out, r.Cursor)
}

type gate struct {
	cursorConstants
	STRIDE, OFFSET, WIDTH int
	FACTOR                float64
}

func (gate) stem() string { return "gate" }

func (p planner) gate(g reference.Gate, width int) plan {
	return plan{gate{cursorConstants: p.cursor(), STRIDE: g.Stride, OFFSET: g.Offset, WIDTH: width, FACTOR: factor(g.Factor)},
		[3]uint32{blocks(width, 64), uint32(p.tokens), 1}}
}
