package kernel

import (
	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/reference"
)

// doubled is the shape that the attention kernels see: of differential attention
// each query head twice, once for each half of its pair's values
// (shared/attention.wgsl).
func doubled(s reference.AttentionShape) reference.AttentionShape {
	if s.Differential {
		s.Heads, s.KVHeads = 2*s.Heads, 2*s.KVHeads
	}
	return s
}

// DifferentialAttention records reference.DifferentialAttention of a shape that
// is Differential: WindowAttention to heads [tokens, 2 heads, head_dim], which is
// scratch, then what makes pairs of them. params [2 head_dim + 1].
func (r *Recorder) DifferentialAttention(s reference.AttentionShape, qkv, kv, partials, heads, params, out *gpu.Buffer) {
	r.WindowAttention(s, qkv, kv, partials, heads)
	r.want("diff_combine", "gains and lambda", params, 2*s.HeadDim+1)
	r.want("diff_combine", "out", out, r.Tokens, s.Heads, s.HeadDim)
	r.record(r.planner().diffCombine(s), heads, params, out)
}

type diffCombine struct {
	HEADS, KV_HEADS, HEAD_DIM, SIZE int
	EPS                             float64
}

func (diffCombine) stem() string { return "diff_combine" }

func (p planner) diffCombine(s reference.AttentionShape) plan {
	return plan{diffCombine{HEADS: s.Heads, KV_HEADS: s.KVHeads, HEAD_DIM: s.HeadDim, EPS: reference.DifferentialEps, SIZE: p.meeting(64)},
		[3]uint32{uint32(s.Heads / 2), uint32(p.tokens), 1}}
}
