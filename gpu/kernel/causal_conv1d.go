package kernel

import (
	"fmt"

	"github.com/samba-web/samba/gpu"
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
	r.recordHalved(r.planner().causalConv1D(conv), out, conv.DInner, rows, conv.Params, conv.State, out, r.Cursor)
}

type causalConv1D struct {
	cursorConstants
	halvedConstants
	D_INNER, D_CONV, STRIDE, OFFSET, RUN int
	CARRY, GATED                         bool
}

func (causalConv1D) stem() string { return "causal_conv1d" }

func (p planner) causalConv1D(c Conv) plan {
	run := 1
	if c.Carry && p.slots == 0 {
		run = max(8, c.DConv-1)
	}
	return plan{causalConv1D{
		cursorConstants: p.cursor(), halvedConstants: p.halved(p.halves(c.DInner)),
		D_INNER: c.DInner, D_CONV: c.DConv, STRIDE: c.stride(), OFFSET: c.Offset, RUN: run, CARRY: c.Carry, GATED: c.Gated,
	}, [3]uint32{blocks(c.DInner, 64), blocks(p.tokens, run), 1}}
}
