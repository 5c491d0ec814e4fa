package kernel

import (
	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/reference"
)

// GroupNorm records RMSNorms of a row's groups, one after another, in place, and
// a product with SiLU(z) unless z is nil: buffers and shapes are those of
// reference.GroupNorm.
func (r *Recorder) GroupNorm(y, gain *gpu.Buffer, eps float64, groups int, z *gpu.Buffer, g reference.Gate) {
	width := int(gain.Size()/4) / groups
	r.want("group_norm", "y", y, r.Tokens, groups, width)
	buffers := []*gpu.Buffer{y, gain}
	if z != nil {
		r.want("group_norm", "z", z, (r.Tokens-1)*g.Stride+g.Offset+groups*width)
		buffers = append(buffers, z)
	}
	r.record(r.planner().groupNorm(groups, width, eps, z == nil, g), buffers...)
}

type groupNorm struct {
	GROUPS, WIDTH, SIZE, Z_STRIDE, Z_OFFSET int
	EPS, Z_FACTOR                           float64
	PLAIN                                   bool
}

func (groupNorm) stem() string { return "group_norm" }

func (p planner) groupNorm(groups, width int, eps float64, plain bool, g reference.Gate) plan {
	k := groupNorm{GROUPS: groups, WIDTH: width, EPS: eps, SIZE: p.meeting(256), PLAIN: plain}
	if !plain {
		k.Z_STRIDE, k.Z_OFFSET, k.Z_FACTOR = g.Stride, g.Offset, factor(g.Factor)
	}
	return plan{k, [3]uint32{uint32(p.tokens), uint32(groups), 1}}
}
