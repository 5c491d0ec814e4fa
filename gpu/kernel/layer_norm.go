package kernel

import "github.com/samba-web/samba/gpu"

// LayerNorm records y[t, i] = (x[t, i] - mean) / sqrt(variance + eps) * gain[i] +
// bias[i]; params [2, width] is the gains, then the biases.
func (r *Recorder) LayerNorm(x, params, y *gpu.Buffer, eps float64) {
	width := int(params.Size() / 8)
	r.want("layer_norm", "x", x, r.Tokens, width)
	r.want("layer_norm", "y", y, r.Tokens, width)
	r.record(r.planner().layerNorm(r.Tokens, width, eps, false), x, params, y)
}

// lastLayerNorm is LayerNorm of a chunk's last token alone, whose place the device knows.
func (r *Recorder) lastLayerNorm(x, params, y *gpu.Buffer, eps float64) {
	width := int(params.Size() / 8)
	r.want("layer_norm", "x", x, r.Tokens, width)
	r.want("layer_norm", "y", y, 1, width)
	r.record(r.planner().layerNorm(1, width, eps, true), x, params, y, r.Cursor)
}

type layerNorm struct {
	cursorConstants // no batch's: only LAST reads it
	WIDTH, SIZE     int
	EPS             float64
	LAST            bool
}

func (layerNorm) stem() string { return "layer_norm" }

func (p planner) layerNorm(tokens, width int, eps float64, last bool) plan {
	return plan{layerNorm{WIDTH: width, EPS: eps, SIZE: p.meeting(256), LAST: last}, [3]uint32{uint32(tokens), 1, 1}}
}
