package kernel

import (
	"fmt"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/reference"
	"github.com/samba-web/samba/shaders"
)

// LinearOptions say what a linear layer does beside the product. The zero
// value is y = W x, with W's bias and factor, and tokens one after another.
type LinearOptions struct {
	XStride int         // values between two tokens' x; 0: In
	Add     bool        // y += what else y would be
	Gain    *gpu.Buffer // x passes through RMSNorm with this gain first; one token only
	Eps     float64     // of that norm
	SwiGLU  bool        // W holds gate's rows, then up's: y = SiLU(gate) * up; one token only, W in one part
	Conv    *Conv       // W is in_proj, some of whose rows go on through the convolution, not a gated one; one token only
	RoPE    *RoPE       // W is attention's projection, whose heads go on to be turned; one token only, W in one part
	Last    bool        // only the chunk's last token, whatever Tokens is
}

// Conv is a causal convolution of d_inner channels: Params [d_inner, d_conv]
// weights, then [d_inner] biases; State [d_inner, d_conv-1]. They lie from Offset
// on in rows of Stride values, 0 for Mamba's 2 d_inner. Gated and Carry: see
// causal_conv1d.wgsl; of Mamba's state SelectiveScan takes care.
type Conv struct {
	Params, State  *gpu.Buffer
	DInner, DConv  int
	Stride, Offset int
	Gated, Carry   bool
}

// ConvOf is the convolution of a shape, which carries its own state.
func ConvOf(s reference.ConvShape, params, state *gpu.Buffer) Conv {
	return Conv{Params: params, State: state, DInner: s.Channels, DConv: s.DConv, Stride: s.Stride, Offset: s.Offset, Gated: s.Gated, Carry: true}
}

func (c Conv) stride() int {
	if c.Stride == 0 {
		return 2 * c.DInner
	}
	return c.Stride
}

// RoPE says where an attention layer's heads go: Ring is [2, ring, kv_heads,
// head_dim], keys first; Angles are reference.AngleTables, nil for none. Norm
// [2, head_dim], nil for none, is the gains of an RMSNorm that each head of q
// and, the second, of k passes through first.
type RoPE struct {
	Shape        reference.AttentionShape
	Ring, Angles *gpu.Buffer
	Norm         *gpu.Buffer
	Eps          float64 // of that norm
}

// Linear records y[t, r] = Factor (sum_k W[r, k] x[t, k] + Bias[r]): by matvec.wgsl for one
// token, by one of the matmul kernels for more and for a batch.
func (r *Recorder) Linear(w *Weight, x, y *gpu.Buffer, o LinearOptions) {
	if o.XStride == 0 {
		o.XStride = w.In
	}
	if o.RoPE != nil && (w.Bias != nil || o.RoPE.Norm != nil) {
		// A head's norm takes all of it, where matvec has pairs of values; a bias would be one binding more than every GPU has.
		rope := *o.RoPE
		o.RoPE = nil
		r.Linear(w, x, y, o)
		r.RoPE(rope, y)
		return
	}
	one := r.Slots == 0 && (r.Tokens == 1 || o.Last)
	if !one && r.matmulBlocks(w, x, y, o) {
		return
	}
	for _, p := range w.Parts {
		if one {
			r.matvec(w, p, x, y, o)
		} else if !r.matmulBatch(w, p, x, y, o) {
			r.matmul(w, p, x, y, o)
		}
	}
}

// matvecShape is how threads share a product: see matvec.wgsl.
type matvecShape struct{ size, lanes, rows int }

// shapeMatvec deals steps of a row to lanes and outputs to lane groups. More
// rows a group read x less often, large workgroups stage it less often; more
// lanes keep more of the GPU busy where outputs are few. Measured on an H100
// (BenchmarkMatvec). pair: an output takes two rows of W.
func (v Variant) shapeMatvec(outputs, steps int, pair bool) matvecShape {
	s := matvecShape{size: 256, lanes: 16, rows: 2}
	switch {
	case v.CPU:
		s = matvecShape{size: 16, lanes: 1, rows: 8}
	case outputs < 512:
		s = matvecShape{size: 128, lanes: 128, rows: 1}
		for s.lanes > 16 && s.lanes > steps/4 {
			s.lanes /= 2
		}
	case outputs < 2048 && pair:
		s.lanes = 32
	case outputs < 2048:
		s = matvecShape{size: 512, lanes: 32, rows: 1}
	case outputs < 4096 && !pair:
		s = matvecShape{size: 512, lanes: 32, rows: 2}
	}
	if pair {
		s.rows = max(s.rows/2, 1)
	}
	return s
}

func (r *Recorder) matvec(w *Weight, p Part, x, y *gpu.Buffer, o LinearOptions) {
	outputs := p.Rows
	pair := o.SwiGLU || o.RoPE != nil
	if pair {
		outputs /= 2
	}
	c := w.constants()
	c["IN"], c["OUT"] = w.In, outputs
	c["X_STRIDE"], c["ROW0"] = o.XStride, p.Row0
	c["NORM"], c["ADD"], c["SWIGLU"], c["LAST"] = o.Gain != nil, o.Add, o.SwiGLU, o.Last
	c["CONV"], c["ROPE"], c["PAIRED"] = o.Conv != nil, o.RoPE != nil, pair
	c["EPS"] = o.Eps
	aligned := w.In%4 == 0 && o.XStride%4 == 0
	c["ALIGNED"] = aligned
	values := 1
	switch {
	case w.DType == reference.Q4:
		values = 32
	case w.DType == reference.Q8:
		values = 16
	case aligned:
		values = 4
	}
	v := r.variant()
	s := v.shapeMatvec(outputs, w.In/values, pair)
	if r.tunedMatvec != nil {
		s = *r.tunedMatvec
	}
	for s.size > int(r.Device.Info().Limits.MaxWorkgroupSize) {
		s.size /= 2
	}
	n := s.rows
	if pair {
		n *= 2
	}
	// Lanes beyond a subgroup meet in workgroup memory.
	subgroup, warp := 1, 1
	if v.Subgroup > 0 && s.lanes > 1 && s.size%v.Subgroup == 0 {
		subgroup, warp = min(v.Subgroup, s.lanes), v.Subgroup
	}
	// Staged: x in workgroup memory, where that has room for it beside the sums.
	staged := aligned && !v.CPU && 4*(w.In+max(values, 4)+s.size/subgroup*n+s.size/warp) <= int(r.Device.Info().Limits.MaxWorkgroupStorage)
	sums := n
	if o.Gain != nil && !staged {
		sums++
	}
	c["VALUES"], c["QUADS"], c["SIZE"], c["LANES"] = values, max(values/4, 1), s.size, s.lanes
	c["ROWS"], c["N"], c["SUMS"], c["STAGED"] = s.rows, n, sums, staged
	c["SUBGROUP"], c["WARP"], c["SUBGROUPS"], c["SHARED"] = subgroup, warp, subgroup > 1, s.lanes > subgroup
	r.want("matvec", "x", x, w.In)
	buffers := append(w.buffers(p), x, y)
	if o.Gain != nil {
		buffers = append(buffers, o.Gain)
	}
	switch {
	case o.Conv != nil:
		r.want("matvec", "y", y, w.Out)
		r.want("matvec", "convolution", o.Conv.Params, o.Conv.DInner, o.Conv.DConv+1)
		r.want("matvec", "conv_state", o.Conv.State, o.Conv.DInner, o.Conv.DConv-1)
		if o.Conv.Gated || o.Conv.Offset+o.Conv.DInner > w.Out {
			r.Program.Fail(fmt.Errorf("kernel matvec: a convolution of %d channels from row %d on, gated %v, in a layer of %d rows", o.Conv.DInner, o.Conv.Offset, o.Conv.Gated, w.Out))
		}
		c["D_INNER"], c["D_CONV"], c["TAPS"], c["OFFSET"] = o.Conv.DInner, o.Conv.DConv, o.Conv.DConv-1, o.Conv.Offset
		buffers = append(buffers, o.Conv.Params, o.Conv.State)
	case o.RoPE != nil:
		r.want("matvec", "y", y, o.RoPE.Shape.Heads, o.RoPE.Shape.HeadDim)
		buffers = append(buffers, r.Cursor, o.RoPE.Ring)
		r.rope("matvec", c, *o.RoPE)
		if o.RoPE.Angles != nil {
			buffers = append(buffers, o.RoPE.Angles)
		}
	default:
		r.want("matvec", "y", y, p.Row0+outputs)
	}
	if o.Last {
		buffers = append(buffers, r.Cursor)
	}
	buffers = w.finish(r, "matvec", c, buffers)
	r.dispatch("matvec", c, spread(blocks(outputs, s.size/s.lanes*s.rows)), buffers...)
}

func (r *Recorder) matmul(w *Weight, p Part, x, y *gpu.Buffer, o LinearOptions) {
	c := w.constants()
	c["ADD"] = o.Add
	c["VECTORS"] = w.In%4 == 0 && o.XStride%4 == 0
	c["EIGHTS"] = w.In%8 == 0 && o.XStride%4 == 0
	r.want("matmul", "x", x, (r.Tokens-1)*o.XStride+w.In)
	r.want("matmul", "y", y, r.Tokens, w.Out)
	v := r.variant()
	buffers := w.finish(r, "matmul", c, append(w.buffers(p), x, y, r.Cursor, r.sizes(w, p, o, matmulSlice{rows: p.Rows})))
	if v.CPU || r.Slots > 0 {
		tokens, lanes, size := 8, 1, 16
		if r.Slots > 0 && p.Rows < 8192 { // few rows: the GPU is filled by tokens
			tokens = 4
		}
		if v.CPU {
			// A processor takes time for tokens that are not there. Its bits are the same: it fuses no products with sums.
			for tokens > 1 && tokens/2 >= r.Tokens {
				tokens /= 2
			}
		} else {
			lanes, size = 32, 128
			if v.Subgroup > 0 {
				lanes = min(lanes, v.Subgroup)
			}
		}
		c["TOKENS"], c["LANES"], c["SIZE"] = tokens, lanes, size
		c["SUBGROUPS"], c["SHARED"] = lanes > 1 && v.Subgroup > 0, lanes > 1 && v.Subgroup == 0
		r.dispatch("matmul_direct", c, [3]uint32{blocks(p.Rows, 4*size/lanes), blocks(r.Tokens, tokens), 1}, buffers...)
		return
	}
	r.dispatch("matmul", c, [3]uint32{blocks(p.Rows, 64), blocks(r.Tokens, 64), 1}, buffers...)
}

// sizes is what the matmul kernels read of their operands: matmul_sizes.wgsl.
func (r *Recorder) sizes(w *Weight, p Part, o LinearOptions, s matmulSlice) *gpu.Buffer {
	b, err := r.Device.Words(uint32(w.In), uint32(s.rows), uint32(o.XStride), uint32(w.Out), uint32(p.Row0+s.first),
		uint32(s.kBlocks), uint32(s.blocks), uint32(s.first))
	if err != nil {
		r.Program.Fail(err)
	}
	return b
}

func (r *Recorder) rope(stem string, c shaders.Constants, o RoPE) {
	s := o.Shape
	r.want(stem, "KV ring", o.Ring, r.places(), 2, s.Ring, s.KVHeads, s.HeadDim)
	if o.Angles != nil {
		r.want(stem, "angles", o.Angles, 4*256, s.HeadDim)
	}
	c["HEADS"], c["KV_HEADS"], c["HEAD_DIM"], c["NOPE"] = s.Heads, s.KVHeads, s.HeadDim, o.Angles == nil
	ring(c, s)
}
