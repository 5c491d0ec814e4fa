package kernel

import (
	"fmt"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/shaders"
)

// CausalConv1D records the convolution: rows [tokens, stride], in_proj's
// result, to out [tokens, d_inner]. Unless conv.Carry is set, the state is read
// only: SelectiveScan carries it on.
func (r *Recorder) CausalConv1D(conv Conv, rows, out *gpu.Buffer) {
	stride := conv.stride()
	if !conv.Gated && conv.Offset+conv.DInner > stride || conv.Gated && 3*conv.DInner > stride {
		r.Program.Fail(fmt.Errorf("kernel causal_conv1d: %d channels from %d on in rows of %d values", conv.DInner, conv.Offset, stride))
	}
	r.want("causal_conv1d", "rows", rows, r.Tokens, stride)
	r.want("causal_conv1d", "weights and biases", conv.Params, conv.DInner, conv.DConv+1)
	r.want("causal_conv1d", "conv_state", conv.State, r.states(), conv.DInner, conv.DConv-1)
	r.want("causal_conv1d", "out", out, r.Tokens, conv.DInner)
	run := 1
	if conv.Carry && r.Slots == 0 {
		run = max(8, conv.DConv-1)
	}
	r.dispatch("causal_conv1d", shaders.Constants{
		"D_INNER": conv.DInner, "D_CONV": conv.DConv, "STRIDE": stride, "OFFSET": conv.Offset, "RUN": run, "CARRY": conv.Carry, "GATED": conv.Gated,
	}, [3]uint32{blocks(conv.DInner, 64), blocks(r.Tokens, run), 1}, rows, conv.Params, conv.State, out, r.Cursor)
}
