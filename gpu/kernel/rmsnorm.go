package kernel

import "github.com/samba-web/samba/gpu"

// RMSNorm records y[t, i] = x[t, i] / sqrt(mean_j x[t, j]^2 + eps) * gain[i].
func (r *Recorder) RMSNorm(x, gain, y *gpu.Buffer, eps float64) {
	width := int(gain.Size() / 4)
	r.want("rmsnorm", "x", x, r.Tokens, width)
	r.want("rmsnorm", "y", y, r.Tokens, width)
	r.recordHalved(r.planner().rmsnorm(width, eps), y, width, x, gain, y)
}

type rmsnorm struct {
	halvedConstants
	WIDTH, SIZE int
	EPS         float64
	VECTORS     bool
}

func (rmsnorm) stem() string { return "rmsnorm" }

func (p planner) rmsnorm(width int, eps float64) plan {
	return plan{rmsnorm{halvedConstants: p.halved(p.halves(width)), WIDTH: width, EPS: eps, SIZE: p.meeting(256), VECTORS: width%4 == 0}, [3]uint32{uint32(p.tokens), 1, 1}}
}
