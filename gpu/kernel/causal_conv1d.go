package kernel

import (
	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/shaders"
)

// CausalConv1D records Mamba's convolution with SiLU: xz [tokens, 2 d_inner] to
// out [tokens, d_inner]. The state is read only: SelectiveScan carries it on.
func (r *Recorder) CausalConv1D(conv Conv, xz, out *gpu.Buffer) {
	r.want("causal_conv1d", "xz", xz, r.Tokens, 2*conv.DInner)
	r.want("causal_conv1d", "weights and biases", conv.Params, conv.DInner, conv.DConv+1)
	r.want("causal_conv1d", "conv_state", conv.State, r.states(), conv.DInner, conv.DConv-1)
	r.want("causal_conv1d", "out", out, r.Tokens, conv.DInner)
	r.dispatch("causal_conv1d", shaders.Constants{"D_INNER": conv.DInner, "D_CONV": conv.DConv},
		[3]uint32{blocks(conv.DInner, 64), uint32(r.Tokens), 1}, xz, conv.Params, conv.State, out, r.Cursor)
}
