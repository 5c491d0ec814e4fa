package kernel

import (
	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/reference"
	"github.com/samba-web/samba/shaders"
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
	size := 64
	if r.variant().CPU {
		size = 8 // threads take turns at every barrier there
	}
	r.dispatch("diff_combine", shaders.Constants{"HEADS": s.Heads, "KV_HEADS": s.KVHeads, "HEAD_DIM": s.HeadDim, "EPS": reference.DifferentialEps, "SIZE": size},
		[3]uint32{uint32(s.Heads / 2), uint32(r.Tokens), 1}, heads, params, out)
}
