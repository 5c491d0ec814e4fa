package kernel

import (
	"fmt"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/reference"
)

// LinearOptions say what a linear layer does beside the product. The zero
// value is y = W x, with W's bias and factor, and tokens one after another.
type LinearOptions struct {
	XStride int         // values between two tokens' x; 0: In
	Add     bool        // y += what else y would be
	Gain    *gpu.Buffer // x passes through RMSNorm with this gain first; one token only
	Eps     float64     // of that norm
	Layer   *gpu.Buffer // not nil: the norm is LayerNorm, Gain [2, In]; scratch [tokens, In], for where a kernel has no room for it
	SwiGLU  bool        // W holds gate's rows, then up's: y = SiLU(gate) * up; only where Gates says so
	Squared bool        // y = max(W x, 0)^2; one token only, and no Add
	Gated   *gpu.Buffer // m [tokens, Out]: y = SiLU(W x) * m; one token only, and no Add
	Halved  bool        // a product of a batch reads y next, of as many values as its In or more; not with Add
	Conv    *Conv       // W is in_proj, some of whose rows go on through the convolution, not a gated one; one token only
	RoPE    *RoPE       // W is attention's projection, whose heads go on to be turned; one token only, W in one part
	Splits  *Splits     // x is what SplitAttention left; Add only
	Last    bool        // only the chunk's last token, whatever Tokens is
}

// width is how many values of y a token has.
func (o LinearOptions) width(w *Weight) int {
	if o.SwiGLU {
		return w.Out / 2
	}
	return w.Out
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
// head_dim], keys first, as reference.PackHeads has them if the shape says Halves;
// Angles are reference.AngleTables, nil for none. Norm [2, head_dim], nil for none,
// is the gains of an RMSNorm that each head of q and, the second, of k passes
// through first.
type RoPE struct {
	Shape        reference.AttentionShape
	Ring, Angles *gpu.Buffer
	Norm         *gpu.Buffer
	Eps          float64 // of that norm
}

// Linear records y[t, r] = Factor (sum_k W[r, k] x[t, k] + Bias[r]): by one of the matvec kernels for one
// token, and for tokens that go apart, by one of the matmul kernels for more and for a batch.
func (r *Recorder) Linear(w *Weight, x, y *gpu.Buffer, o LinearOptions) {
	switch {
	case o.Splits != nil:
		o.XStride = o.Splits.pitch()
	case o.XStride == 0:
		o.XStride = w.In
	}
	if o.Layer != nil && !r.planner().joinsLayerNorm(w, o) {
		x = r.layerNormed(x, o)
		o.Gain, o.Layer = nil, nil
	}
	if o.RoPE != nil && (w.Bias != nil && o.RoPE.Angles != nil || o.RoPE.Norm != nil) {
		// A head's norm takes all of it, where matvec has pairs of values; a bias and angles would be one binding more than every GPU has.
		rope := *o.RoPE
		o.RoPE = nil
		r.Linear(w, x, y, o)
		r.RoPE(rope, y)
		return
	}
	if o.SwiGLU && !r.Gates(w) {
		r.Program.Fail(fmt.Errorf("kernel swiglu: no product of %d tokens joins it", r.Tokens))
	}
	p, lies := r.planner(), r.lying
	read := laid{x, o.XStride, w.In}
	in, out, there := lies.places(read)
	p.there = there
	for i := range lies { // y gets other values
		if lies[i].buffer == y {
			lies[i] = laid{}
		}
	}
	for _, step := range p.linear(w, o) {
		r.wantLinear(step, w, x, y, o)
		buffers := r.linearBuffers(step, w, x, y, o, r.half(in), r.half(out))
		if batch, ok := step.kernel.(matmulBatch); ok {
			lies[in] = read
			if batch.HALVED {
				lies[out] = laid{y, o.width(w), o.width(w)}
			}
		}
		r.record(step.plan, buffers...)
	}
	r.lying = lies
}

// layerNormed is x behind the LayerNorm that a layer's kernel has no room for.
func (r *Recorder) layerNormed(x *gpu.Buffer, o LinearOptions) *gpu.Buffer {
	if o.Last && !r.Apart && r.Slots == 0 {
		r.lastLayerNorm(x, o.Gain, o.Layer, o.Eps)
	} else {
		r.LayerNorm(x, o.Gain, o.Layer, o.Eps)
	}
	return o.Layer
}

// joinsLayerNorm tells whether a layer for one token does the LayerNorm of what it reads: it
// needs the mean before the first product, which takes x in workgroup memory.
func (p planner) joinsLayerNorm(w *Weight, o LinearOptions) bool {
	for _, part := range w.Parts {
		if !p.matvec(w, part, o).kernel.(interface{ staged() bool }).staged() {
			return false
		}
	}
	return true
}

// linearStep is a dispatch of a linear layer: of one of W's parts, or of a slice of it.
type linearStep struct {
	plan
	part  Part
	one   bool        // for one token: by one of the matvec kernels
	slice matmulSlice // of the others
}

// linear plans a layer; XStride is set, and RoPE only where matvec has it.
func (p planner) linear(w *Weight, o LinearOptions) (steps []linearStep) {
	one := p.one() || p.slots == 0 && o.Last
	if !one {
		if steps = p.matmulBlocks(w, o); steps != nil {
			return steps
		}
		if steps = p.matmulBytes(w, o); steps != nil {
			return steps
		}
	}
	for _, part := range w.Parts {
		step := linearStep{part: part, one: one, slice: matmulSlice{rows: part.Rows}}
		if one {
			step.plan = p.matvec(w, part, o)
		} else if shape, ok := p.shapeBatch(w, o); ok {
			if !p.there && steps == nil {
				all := matmulSlice{rows: part.Rows, kBlocks: w.In / 16}
				steps = append(steps, linearStep{plan: p.blocksX(all.kBlocks, int(blocks(p.tokens, 16)), vectors(w, o)), part: part, slice: all})
			}
			step.plan = p.matmulBatch(shape, w, part, o)
		} else {
			step.plan = p.matmul(w, part, o)
		}
		steps = append(steps, step)
	}
	return steps
}

// wantLinear fails the recording if a step's buffers are smaller than it takes.
func (r *Recorder) wantLinear(step linearStep, w *Weight, x, y *gpu.Buffer, o LinearOptions) {
	stem := step.kernel.stem()
	if w.Bias != nil {
		r.want(stem, "bias", w.Bias, w.Out)
	}
	if !step.one {
		r.want(stem, "x", x, (r.Tokens-1)*o.XStride+w.In)
		r.want(stem, "y", y, r.Tokens, o.width(w))
		return
	}
	before := r.planner().rows() - 1 // tokens before the last
	if o.Layer != nil {
		r.want(stem, "gains and biases", o.Gain, 2, w.In)
	}
	if s := o.Splits; s != nil {
		r.want(stem, "splits", x, before+1, s.pitch())
	} else {
		r.want(stem, "x", x, before*o.XStride+w.In)
	}
	switch c := o.Conv; {
	case c != nil:
		r.want(stem, "y", y, w.Out)
		r.want(stem, "convolution", c.Params, c.DInner, c.DConv+1)
		r.want(stem, "conv_state", c.State, c.DInner, c.DConv-1)
		if c.Gated || c.Offset+c.DInner > w.Out {
			r.Program.Fail(fmt.Errorf("kernel %s: a convolution of %d channels from row %d on, gated %v, in a layer of %d rows", stem, c.DInner, c.Offset, c.Gated, w.Out))
		}
	case o.RoPE != nil:
		r.want(stem, "y", y, before*w.Out+o.RoPE.Shape.Heads*o.RoPE.Shape.HeadDim)
		r.wantRoPE(stem, *o.RoPE)
	default:
		rows := step.part.Rows
		if o.SwiGLU {
			rows /= 2
		}
		r.want(stem, "y", y, before*o.width(w)+step.part.Row0+rows)
		if o.Gated != nil {
			r.want(stem, "what the gate lets through", o.Gated, before*o.width(w)+step.part.Row0+rows)
		}
	}
}

// linearBuffers are a step's, in the order of its kernel's bindings. in and out are
// Halves of x and, in a batch, of y.
func (r *Recorder) linearBuffers(step linearStep, w *Weight, x, y *gpu.Buffer, o LinearOptions, in, out *gpu.Buffer) (buffers []*gpu.Buffer) {
	switch k := step.kernel.(type) {
	case blocksX:
		return []*gpu.Buffer{x, in, r.Cursor, r.sizes(w, step.part, o, step.slice)}
	case blocksW:
		return append(w.buffers(step.part), r.Halves.W, r.sizes(w, step.part, o, step.slice))
	case matmulBlocks:
		buffers = []*gpu.Buffer{r.Halves.W, r.Halves.X, y, r.Cursor, r.sizes(w, step.part, o, step.slice)}
	case bytesX:
		return []*gpu.Buffer{x, r.Halves.X, r.Cursor, r.sizes(w, step.part, o, step.slice), r.Halves.W}
	case matmulBytes:
		buffers = append(w.buffers(step.part), r.Halves.X, y, r.Cursor, r.sizes(w, step.part, o, step.slice), r.Halves.W)
	case matmulBatch:
		buffers = append(w.buffers(step.part), in, y, r.Cursor, r.sizes(w, step.part, o, step.slice))
		if k.HALVED {
			buffers = append(buffers, out)
		}
	case matmul, matmulDirect:
		buffers = append(w.buffers(step.part), x, y, r.Cursor, r.sizes(w, step.part, o, step.slice))
	default:
		buffers = append(w.buffers(step.part), x, y)
		if o.Gain != nil {
			buffers = append(buffers, o.Gain)
		}
		if o.Gated != nil {
			buffers = append(buffers, o.Gated)
		}
		if o.Conv != nil {
			buffers = append(buffers, o.Conv.Params, o.Conv.State)
		}
		if o.RoPE != nil {
			buffers = append(buffers, r.Cursor, o.RoPE.Ring)
			if o.RoPE.Angles != nil {
				buffers = append(buffers, o.RoPE.Angles)
			}
		}
		if o.Last {
			buffers = append(buffers, r.Cursor)
		}
	}
	if w.Bias != nil {
		buffers = append(buffers, w.Bias)
	}
	return buffers
}

// sizes is what the matmul kernels read of their operands: matmul_sizes.wgsl.
func (r *Recorder) sizes(w *Weight, p Part, o LinearOptions, s matmulSlice) *gpu.Buffer {
	b, err := r.Device.Words(uint32(w.In), uint32(s.rows), uint32(o.XStride), uint32(o.width(w)), uint32(p.Row0+s.first),
		uint32(s.kBlocks), uint32(s.blocks), uint32(s.first))
	if err != nil {
		r.Program.Fail(err)
	}
	return b
}

// matvecShape is how threads share a product: see shared/matvec.wgsl.
type matvecShape struct{ size, lanes, rows int }

// shapeMatvec deals steps of a row to lanes and outputs to lane groups. More
// rows a group read x less often, large workgroups stage it less often; more
// lanes keep more of the GPU busy where outputs are few. Measured on an H100
// (BenchmarkMatvec), rows of 2,048 and more on an H200, whose 132 processors
// want a workgroup or two each. pair: an output takes two rows of W.
func (p planner) shapeMatvec(outputs, steps int, pair bool) matvecShape {
	s := matvecShape{size: 256, lanes: 16, rows: 2}
	switch {
	case p.CPU:
		s = matvecShape{size: 16, lanes: 1, rows: 8}
	case outputs < 512 && steps >= 128: // a long x: many threads bring it
		s = matvecShape{size: 512, lanes: 128, rows: 1}
	case outputs < 512:
		s = matvecShape{size: 128, lanes: 128, rows: 1}
		for s.lanes > 16 && s.lanes > steps/4 {
			s.lanes /= 2
		}
	case outputs < 2048 && pair:
		s.lanes = 32
	case outputs < 2048:
		s = matvecShape{size: 512, lanes: 32, rows: 1}
	case outputs < 4096 && !pair && steps >= 128:
		s = matvecShape{size: 512, lanes: 64, rows: 2}
	case outputs < 4096 && !pair:
		s = matvecShape{size: 512, lanes: 32, rows: 2}
	case steps >= 256:
		s = matvecShape{size: 512, lanes: 32, rows: 2}
	case steps >= 64:
		s = matvecShape{size: 512, lanes: 16, rows: 2}
		if !pair && outputs < 16384 {
			s.rows = 1
		}
	}
	if pair {
		s.rows = max(s.rows/2, 1)
	}
	return s
}

// digits tells whether a matvec with staged x takes x in digits of 8 bits, and
// the shape for it: what is staged takes longer then, so that only large
// matrices gain, which took 15 to 35 % less time on an H200.
func (p planner) digits(w *Weight, rows, steps int, pair bool) (matvecShape, bool) {
	s := matvecShape{size: 512, lanes: 64, rows: 2}
	switch {
	case !p.Dots || p.Subgroup < 4 || !w.DType.Quantized() || w.In < 2048 || rows*w.In < 8<<20:
		return s, false
	case rows < 4096:
	case steps >= 256:
		s.lanes = 32
	case steps > 80:
		s = matvecShape{size: 256, lanes: 8, rows: 2}
	default:
		s = matvecShape{size: 128, lanes: 8, rows: 2}
	}
	if pair {
		s.rows = 1
	}
	return s, true
}

// matvecConstants are those of shared/matvec.wgsl. The kernels that include it
// differ by what becomes of the sums.
type matvecConstants struct {
	cursorConstants
	weightConstants
	finishConstants
	IN, OUT, X_STRIDE, Y_STRIDE, ROW0                                     int
	EPS                                                                   float64
	VALUES, QUADS, SIZE, LANES, ROWS, N, SUMS, SUBGROUP, WARP             int
	HOLDS                                                                 int
	SPLITS, COLUMNS                                                       int
	WORD_VECTORS, DIGIT_VECTORS                                           int
	ALIGNED, NORM, LAYER, LAST, STAGED, SUBGROUPS, SHARED, PAIRED, JOINED bool
	DIGITS, HELD                                                          bool
}

func (c matvecConstants) staged() bool { return c.STAGED }

type matvec struct {
	matvecConstants
	SQUARED, GATED bool
}

func (matvec) stem() string { return "matvec" }

type matvecAdd struct{ matvecConstants }

func (matvecAdd) stem() string { return "matvec_add" }

type matvecGate struct{ matvecConstants }

func (matvecGate) stem() string { return "matvec_gate" }

type matvecConv struct {
	matvecConstants
	D_INNER, D_CONV, TAPS, OFFSET int
}

func (matvecConv) stem() string { return "matvec_conv" }

type matvecRope struct {
	matvecConstants
	ropeConstants
}

func (matvecRope) stem() string { return "matvec_rope" }

// matvec plans a part's product with one token, or with each of those that go apart.
func (p planner) matvec(w *Weight, part Part, o LinearOptions) plan {
	outputs := part.Rows
	pair := o.SwiGLU || o.RoPE != nil
	if pair {
		outputs /= 2
	}
	aligned := vectors(w, o)
	values := 1
	switch {
	case w.DType == reference.Q4:
		values = 32
	case w.DType == reference.Q8:
		values = 16
	case aligned:
		values = 4
	}
	s := p.shapeMatvec(outputs, w.In/values, pair)
	byDigits, digits := p.digits(w, part.Rows, w.In/values, pair)
	if digits = digits && aligned && o.Splits == nil; digits {
		s = byDigits
	}
	if p.tuned.matvec != nil {
		s, digits = *p.tuned.matvec, p.tuned.digits
	}
	for s.size > p.size {
		s.size /= 2
	}
	n := s.rows
	if pair {
		n *= 2
	}
	// Lanes beyond a subgroup meet in workgroup memory.
	subgroup, warp := 1, 1
	if p.Subgroup > 0 && s.lanes > 1 && s.size%p.Subgroup == 0 {
		subgroup, warp = min(p.Subgroup, s.lanes), p.Subgroup
	}
	meet := 1 // words that a subgroup says of x
	if o.Layer != nil {
		meet = 4
	}
	// Staged: x in workgroup memory, where that has room for it beside the sums.
	staged := aligned && !p.CPU && w.In+max(values, 4)+s.size/subgroup*n+s.size/warp*meet <= p.storage
	sums := n
	if o.Gain != nil && !staged {
		sums++
	}
	c := matvecConstants{
		weightConstants: w.constants(), finishConstants: w.finish(),
		IN: w.In, OUT: outputs, X_STRIDE: o.XStride, Y_STRIDE: o.width(w), ROW0: part.Row0, EPS: o.Eps,
		VALUES: values, QUADS: max(values/4, 1), SIZE: s.size, LANES: s.lanes, ROWS: s.rows, N: n, SUMS: sums, SUBGROUP: subgroup, WARP: warp,
		ALIGNED: aligned, NORM: o.Gain != nil && o.Layer == nil, LAYER: o.Layer != nil, LAST: o.Last, STAGED: staged, SUBGROUPS: subgroup > 1, SHARED: s.lanes > subgroup, PAIRED: pair,
	}
	if c.DIGITS = digits && staged && subgroup > 1; c.DIGITS {
		c.WORD_VECTORS = values / 16
		c.DIGIT_VECTORS = 3 * c.WORD_VECTORS
	}
	c.HELD, c.HOLDS = staged && o.Layer == nil && !c.DIGITS && o.Splits == nil, min(int(blocks(w.In/4, s.size)), 4)
	if o.Splits != nil {
		c.JOINED, c.SPLITS, c.COLUMNS = true, o.Splits.splits, o.Splits.headDim/4
	}
	var k kernel = matvec{c, o.Squared, o.Gated != nil}
	switch {
	case o.SwiGLU:
		k = matvecGate{c}
	case o.RoPE != nil:
		k = matvecRope{c, o.RoPE.constants()}
	case o.Conv != nil:
		k = matvecConv{c, o.Conv.DInner, o.Conv.DConv, o.Conv.DConv - 1, o.Conv.Offset}
	case o.Add:
		k = matvecAdd{c}
	}
	groups := spread(blocks(outputs, s.size/s.lanes*s.rows))
	return plan{k, [3]uint32{uint32(p.rows()), groups[0], groups[1]}}
}

// matmulConstants are those of shared/matmul.wgsl.
type matmulConstants struct {
	cursorConstants
	weightConstants
	finishConstants
	ADD, VECTORS, EIGHTS bool
}

func (p planner) matmulConstants(w *Weight, o LinearOptions) matmulConstants {
	return matmulConstants{cursorConstants: p.cursor(), weightConstants: w.constants(), finishConstants: w.finish(), ADD: o.Add, VECTORS: vectors(w, o)}
}

// vectors tells whether x is read four values at a time.
func vectors(w *Weight, o LinearOptions) bool { return w.In%4 == 0 && o.XStride%4 == 0 }

type matmul struct{ matmulConstants }

func (matmul) stem() string { return "matmul" }

type matmulDirect struct {
	matmulConstants
	subgroupConstants
	TOKENS, LANES, SIZE int
}

func (matmulDirect) stem() string { return "matmul_direct" }

// matmul plans a part's product in fp32: in tiles, or, of a batch and on processors, without.
func (p planner) matmul(w *Weight, part Part, o LinearOptions) plan {
	c := p.matmulConstants(w, o)
	c.EIGHTS = w.In%8 == 0 && o.XStride%4 == 0
	// Few rows leave most of a large GPU without a tile: 32 of them for x_proj took 248 us on an H200 at 421M.
	few := p.Dots && part.Rows <= 256
	if !p.CPU && p.slots == 0 && !few {
		return plan{matmul{c}, [3]uint32{blocks(part.Rows, 64), blocks(p.tokens, 64), 1}}
	}
	tokens, lanes, size := 8, 1, 16
	if p.slots > 0 && part.Rows < 8192 { // few rows: the GPU is filled by tokens
		tokens = 4
	}
	if p.CPU {
		// A processor takes time for tokens that are not there. Its bits are the same: it fuses no products with sums.
		for tokens > 1 && tokens/2 >= p.tokens {
			tokens /= 2
		}
	} else {
		lanes, size = 32, 128
		if p.Subgroup > 0 {
			lanes = min(lanes, p.Subgroup)
		}
	}
	return plan{matmulDirect{matmulConstants: c, subgroupConstants: p.subgroups(lanes), TOKENS: tokens, LANES: lanes, SIZE: size},
		[3]uint32{blocks(part.Rows, 4*size/lanes), blocks(p.tokens, tokens), 1}}
}
