package kernel

import (
	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/reference"
	"github.com/samba-web/samba/shaders"
)

// Gate records out[t, i] = SiLU(z[t, i]) * m[t, i], m and out [tokens, width].
func (r *Recorder) Gate(z *gpu.Buffer, g reference.Gate, m, out *gpu.Buffer, width int) {
	r.want("gate", "z", z, (r.Tokens-1)*g.Stride+g.Offset+width)
	r.want("gate", "m", m, r.Tokens, width)
	r.want("gate", "out", out, r.Tokens, width)
	c := shaders.Constants{"STRIDE": g.Stride, "OFFSET": g.Offset, "WIDTH": width}
	factor(c, "FACTOR", g.Factor)
	r.dispatch("gate", c, [3]uint32{blocks(width, 64), uint32(r.Tokens), 1}, z, m, out, r.Cursor)
}
