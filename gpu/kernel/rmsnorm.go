package kernel

import (
	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/shaders"
)

// RMSNorm records y[t, i] = x[t, i] / sqrt(mean_j x[t, j]^2 + eps) * gain[i].
func (r *Recorder) RMSNorm(x, gain, y *gpu.Buffer, eps float64) {
	width := int(gain.Size() / 4)
	r.want("rmsnorm", "x", x, r.Tokens, width)
	r.want("rmsnorm", "y", y, r.Tokens, width)
	size := 256
	if r.variant().CPU {
		size = 8 // threads take turns at every barrier there
	}
	r.dispatch("rmsnorm", shaders.Constants{"WIDTH": width, "EPS": eps, "SIZE": size, "VECTORS": width%4 == 0}, [3]uint32{uint32(r.Tokens), 1, 1}, x, gain, y)
}
