package kernel

import "github.com/samba-web/samba/gpu"

// LayerNorm records y[t, i] = (x[t, i] - mean) / sqrt(variance + eps) * gain[i] +
// bias[i]; params [2, width] is the gains, then the biases.
func (r *Recorder) LayerNorm(x, params, y *gpu.Buffer, eps float64) {
	width := int(params.Size() / 8)
	r.want("layer_norm", "x", x, r.Tokens, width)
	r.want("layer_norm", "y", y, r.Tokens, width)
	r.record(r.planner().layerNorm(width, eps), x, params, y)
}

type layerNorm struct {
	WIDTH, SIZE int
	EPS         float64
}

func (layerNorm) stem() string { return "layer_norm" }

func (p planner) layerNorm(width int, eps float64) plan {
	return plan{layerNorm{WIDTH: width, EPS: eps, SIZE: p.meeting(256)}, [3]uint32{uint32(p.tokens), 1, 1}}
}
