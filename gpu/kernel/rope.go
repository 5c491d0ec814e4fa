package kernel

import (
	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/shaders"
)

// RoPE records the turn of q in qkv and the store of turned keys and of values
// in their ring.
func (r *Recorder) RoPE(o RoPE, qkv *gpu.Buffer) {
	heads := o.Shape.Heads + 2*o.Shape.KVHeads
	r.want("rope", "qkv", qkv, r.Tokens, heads, o.Shape.HeadDim)
	c := shaders.Constants{}
	r.rope("rope", c, o)
	buffers := []*gpu.Buffer{qkv, o.Ring, r.Cursor}
	if o.Angles != nil {
		buffers = append(buffers, o.Angles)
	}
	r.dispatch("rope", c, [3]uint32{blocks(heads*o.Shape.HeadDim/2, 64), uint32(r.Tokens), 1}, buffers...)
}
