package kernel

import (
	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/reference"
	"github.com/samba-web/samba/shaders"
)

func attentionConstants(s reference.AttentionShape) shaders.Constants {
	return shaders.Constants{"HEADS": s.Heads, "KV_HEADS": s.KVHeads, "HEAD_DIM": s.HeadDim, "RING": s.Ring}
}

// RoPE records the turn of q in qkv and the store of turned keys and values in
// their rings. angles are reference.AngleTables on the device, nil for none.
func (r *Recorder) RoPE(s reference.AttentionShape, qkv, keys, values, angles *gpu.Buffer) {
	heads := s.Heads + 2*s.KVHeads
	r.want("rope", "qkv", qkv, r.Tokens, heads, s.HeadDim)
	r.want("rope", "keys", keys, s.Ring, s.KVHeads, s.HeadDim)
	r.want("rope", "values", values, s.Ring, s.KVHeads, s.HeadDim)
	c := attentionConstants(s)
	c["NOPE"] = angles == nil
	buffers := []*gpu.Buffer{qkv, keys, values, r.Cursor}
	if angles != nil {
		r.want("rope", "angles", angles, 4*256, s.HeadDim)
		buffers = append(buffers, angles)
	}
	r.dispatch("rope", c, [3]uint32{blocks(heads*s.HeadDim/2, 64), uint32(r.Tokens), 1}, buffers...)
}
