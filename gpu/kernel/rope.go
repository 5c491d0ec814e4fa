package kernel

import (
	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/reference"
)

// RoPE records the turn of q in qkv and the store of turned keys and of values
// in their ring, behind the norm of q's and k's heads where there is one.
func (r *Recorder) RoPE(o RoPE, qkv *gpu.Buffer) {
	heads := o.Shape.Heads + 2*o.Shape.KVHeads
	r.want("rope", "qkv", qkv, r.Tokens, heads, o.Shape.HeadDim)
	r.wantRoPE("rope", o)
	buffers := []*gpu.Buffer{qkv, o.Ring, r.Cursor}
	if o.Angles != nil {
		buffers = append(buffers, o.Angles)
	}
	if o.Norm != nil {
		r.want("rope", "gains", o.Norm, 2, o.Shape.HeadDim)
		buffers = append(buffers, o.Norm)
	}
	r.record(r.planner().rope(o), buffers...)
}

func (r *Recorder) wantRoPE(stem string, o RoPE) {
	s := o.Shape
	r.want(stem, "KV ring", o.Ring, r.planner().places(), 2, s.Ring, s.KVHeads, headWords(s))
	if o.Angles != nil {
		r.want(stem, "angles", o.Angles, 4*256, s.HeadDim)
	}
}

// ropeConstants are those of shared/rope.wgsl.
type ropeConstants struct {
	HEADS, KV_HEADS, HEAD_DIM, RING int
	FULL, NOPE, HALVES              bool
}

func (o RoPE) constants() ropeConstants {
	s := o.Shape
	c := ropeConstants{HEADS: s.Heads, KV_HEADS: s.KVHeads, HEAD_DIM: s.HeadDim, NOPE: o.Angles == nil, HALVES: s.Halves}
	c.FULL, c.RING, _ = ring(s)
	return c
}

// headWords is how many words the KV ring has of a key or a value of one head.
func headWords(s reference.AttentionShape) int {
	if s.Halves {
		return s.HeadDim / 2
	}
	return s.HeadDim
}

// ring tells a kernel how positions lie in the KV ring, and how many a query sees.
// Full attention's ring grows, and no kernel is compiled again for that.
func ring(s reference.AttentionShape) (full bool, ring, window int) {
	if s.Window == 0 {
		return true, 0, 0
	}
	return false, s.Ring, s.Window
}

type rope struct {
	cursorConstants
	ropeConstants
	NORM bool
	EPS  float64
	SIZE int
}

func (rope) stem() string { return "rope" }

func (p planner) rope(o RoPE) plan {
	k := rope{cursorConstants: p.cursor(), ropeConstants: o.constants(), SIZE: 64}
	heads := o.Shape.Heads + 2*o.Shape.KVHeads
	groups := blocks(heads*o.Shape.HeadDim/2, k.SIZE)
	if o.Norm != nil {
		k.NORM, k.EPS = true, o.Eps
		groups = uint32(heads)
	}
	return plan{k, [3]uint32{groups, uint32(p.tokens), 1}}
}
