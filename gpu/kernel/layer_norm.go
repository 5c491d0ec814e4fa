package kernel

import (
	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/shaders"
)

// LayerNorm records y[t, i] = (x[t, i] - mean) / sqrt(variance + eps) * gain[i] +
// bias[i].
func (r *Recorder) LayerNorm(x, gain, bias, y *gpu.Buffer, eps float64) {
	width := int(gain.Size() / 4)
	r.want("layer_norm", "bias", bias, width)
	r.want("layer_norm", "x", x, r.Tokens, width)
	r.want("layer_norm", "y", y, r.Tokens, width)
	size := 256
	if r.variant().CPU {
		size = 8 // threads take turns at every barrier there
	}
	r.dispatch("layer_norm", shaders.Constants{"WIDTH": width, "EPS": eps, "SIZE": size}, [3]uint32{uint32(r.Tokens), 1, 1}, x, gain, bias, y)
}
