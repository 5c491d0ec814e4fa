package kernel

import (
	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/shaders"
)

// RoPE records the turn of q in qkv and the store of turned keys and of values
// in their ring, behind the norm of q's and k's heads where there is one.
func (r *Recorder) RoPE(o RoPE, qkv *gpu.Buffer) {
	heads := o.Shape.Heads + 2*o.Shape.KVHeads
	r.want("rope", "qkv", qkv, r.Tokens, heads, o.Shape.HeadDim)
	c := shaders.Constants{}
	r.rope("rope", c, o)
	buffers := []*gpu.Buffer{qkv, o.Ring, r.Cursor}
	if o.Angles != nil {
		buffers = append(buffers, o.Angles)
	}
	grid := [3]uint32{blocks(heads*o.Shape.HeadDim/2, 64), uint32(r.Tokens), 1}
	if c["NORM"] = o.Norm != nil; o.Norm != nil {
		r.want("rope", "gains", o.Norm, 2, o.Shape.HeadDim)
		c["EPS"] = o.Eps
		buffers = append(buffers, o.Norm)
		grid[0] = uint32(heads)
	}
	r.dispatch("rope", c, grid, buffers...)
}
