package kernel

import (
	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/shaders"
)

// CausalConv1D records Mamba's convolution with SiLU: xz [tokens, 2 dInner] to
// out [tokens, dInner], inputs before the chunk from convState [dInner, dConv-1].
func (r *Recorder) CausalConv1D(xz, weight, bias, convState, out *gpu.Buffer, dInner, dConv int) {
	r.want("causal_conv1d", "xz", xz, r.Tokens, 2*dInner)
	r.want("causal_conv1d", "weight", weight, dInner, dConv)
	r.want("causal_conv1d", "bias", bias, dInner)
	r.want("causal_conv1d", "conv_state", convState, dInner, dConv-1)
	r.want("causal_conv1d", "out", out, r.Tokens, dInner)
	r.dispatch("causal_conv1d", shaders.Constants{"D_INNER": dInner, "D_CONV": dConv},
		[3]uint32{blocks(dInner, 64), uint32(r.Tokens), 1}, xz, weight, bias, convState, out, r.Cursor)
}
