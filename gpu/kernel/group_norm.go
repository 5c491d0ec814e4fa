package kernel

import (
	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/reference"
	"github.com/samba-web/samba/shaders"
)

// GroupNorm records RMSNorms of a row's groups, one after another, in place, and
// a product with SiLU(z) unless z is nil: buffers and shapes are those of
// reference.GroupNorm.
func (r *Recorder) GroupNorm(y, gain *gpu.Buffer, eps float64, groups int, z *gpu.Buffer, g reference.Gate) {
	width := int(gain.Size()/4) / groups
	r.want("group_norm", "y", y, r.Tokens, groups, width)
	c := shaders.Constants{"GROUPS": groups, "WIDTH": width, "EPS": eps, "SIZE": 256, "PLAIN": z == nil}
	if r.variant().CPU {
		c["SIZE"] = 8 // threads take turns at every barrier there
	}
	buffers := []*gpu.Buffer{y, gain}
	if z != nil {
		r.want("group_norm", "z", z, (r.Tokens-1)*g.Stride+g.Offset+groups*width)
		c["Z_STRIDE"], c["Z_OFFSET"] = g.Stride, g.Offset
		factor(c, "Z_FACTOR", g.Factor)
		buffers = append(buffers, z)
	}
	r.dispatch("group_norm", c, [3]uint32{uint32(r.Tokens), uint32(groups), 1}, buffers...)
}
