package kernel

import (
	"github.com/samba-web/samba/gpu"
)

// batchShape is how matmul_batch deals a batch's product to subgroups: see
// there. turned: pairs of weights are written in an order that each thread
// begins elsewhere, for banks' sake.
type batchShape struct {
	fn, gk, steps, buffers int
	turned                 bool
}

// words of workgroup memory that it takes
func (s batchShape) words() int { return s.gk * (s.buffers*s.fn*s.steps*16*24/2 + 256) }

// span is how many weights of a row a thread brings at a time.
func (s batchShape) span(subgroup int) int { return 8 * 32 * s.steps / subgroup }

// leastBatch is how many sequences go by matrix units at least: there any number
// up to 16 takes what some ten take without, whose time grows with them.
const leastBatch = 8

// shapeBatch chooses it; false where the product does not go by matrix units.
// How many take part does not count: a row has the same bits whatever others do.
// Few rows of W have many subgroups share the walk along k, many rows share x.
// BenchmarkBatchLinear measures it.
func (p planner) shapeBatch(w *Weight, o LinearOptions) (s batchShape, ok bool) {
	if !p.halves(w.In) || w.Exact() || p.Subgroup%16 != 0 {
		return s, false
	}
	switch {
	case p.tuned.batch != nil:
		s = *p.tuned.batch
	case w.Out < 512:
		s = batchShape{fn: 1, gk: 16, steps: 2, buffers: 1, turned: true}
	case w.Out < 4096:
		s = batchShape{fn: 1, gk: 8, steps: 4, buffers: 1, turned: true}
	default:
		s = batchShape{fn: 2, gk: 8, steps: 2, buffers: 1, turned: true}
	}
	if o.SwiGLU {
		s.fn = max(s.fn, 2)
	}
	// A thread's weights lie in one row, of one group.
	for s.steps > 1 && (w.In%s.span(p.Subgroup) != 0 || w.DType.Quantized() && w.Group%s.span(p.Subgroup) != 0) {
		s.steps /= 2
	}
	for s.gk > 1 && (s.words() > p.storage || s.gk*p.Subgroup > p.size) {
		s.gk /= 2
	}
	return s, 32*s.steps%p.Subgroup == 0 && s.words() <= p.storage && (!w.DType.Quantized() || w.Group%s.span(p.Subgroup) == 0)
}

// Gates tells whether Linear can make SwiGLU of W's product.
func (r *Recorder) Gates(w *Weight) bool {
	p := r.planner()
	if p.one() {
		return len(w.Parts) == 1
	}
	_, ok := p.shapeBatch(w, LinearOptions{SwiGLU: true})
	return ok && len(w.Parts) == 1
}

type matmulBatch struct {
	cursorConstants
	weightConstants
	finishConstants
	halvedConstants
	SUBGROUP, FN, GK, STEPS, BUFFERS, SPAN, WORDS, VALUES, EACH, OUTS, OWN int
	ADD, GATED, FOURS, PAIRS, TURNED, DOUBLE                               bool
}

func (matmulBatch) stem() string { return "matmul_batch" }

// matmulBatch plans a part's product on matrix units.
func (p planner) matmulBatch(s batchShape, w *Weight, part Part, o LinearOptions) plan {
	span, words, values, outs, rows := s.span(p.Subgroup)/8, w.DType.Bits()/4, 4, s.fn, part.Rows
	for span*words%values != 0 {
		values /= 2
	}
	if o.SwiGLU {
		outs, rows = outs/2, rows/2
	}
	halved := (o.SwiGLU || o.Halved) && p.halves(rows) && len(w.Parts) == 1
	return plan{matmulBatch{
		cursorConstants: p.cursor(), weightConstants: w.constants(), finishConstants: w.finish(),
		halvedConstants: halvedConstants{halved, int(blocks(p.tokens, 16))}, // x lies there in any case
		SUBGROUP:        p.Subgroup, FN: s.fn, GK: s.gk, STEPS: s.steps, BUFFERS: s.buffers,
		SPAN: span, WORDS: words, VALUES: values, EACH: span * words / values,
		OUTS: outs, OWN: int(blocks(256, s.gk*p.Subgroup)),
		ADD: o.Add, GATED: o.SwiGLU, FOURS: values == 4, PAIRS: values == 2, TURNED: s.turned, DOUBLE: s.buffers == 2,
	}, [3]uint32{blocks(rows, 16*outs), blocks(p.tokens, 16), 1}}
}

// halvedConstants are those of shared/halved.wgsl.
type halvedConstants struct {
	HALVED       bool
	TOKEN_BLOCKS int
}

func (c halvedConstants) leavesHalves() bool { return c.HALVED }

func (p planner) halved(there bool) (c halvedConstants) {
	if there {
		c = halvedConstants{true, int(blocks(p.tokens, 16))}
	}
	return c
}

// halves tells whether values of this width lie in fp16, too, where products of a batch read them.
func (p planner) halves(width int) bool {
	bytes := 512 * uint64(width/16) * uint64(blocks(p.tokens, 16))
	return p.Matrix && !p.CPU && p.slots >= leastBatch && width%16 == 0 && bytes <= min(p.room.x, p.room.w)
}

// lying tells whose values lie in Halves for products of a batch: in X and in
// W, by turns where a product makes the next one's x. A kernel that is no
// product may change any values, so that nothing is known behind it but what
// it has left there itself.
type lying [2]laid

// laid are a batch's rows: width values each, every stride values of a buffer.
type laid struct {
	buffer        *gpu.Buffer
	stride, width int
}

// places is where x lies, or is to be brought to, and where what a product makes of it can go. there: x is in its place.
func (l lying) places(x laid) (in, out int, there bool) {
	if l[1] == x {
		return 1, 0, true
	}
	return 0, 1, l[0] == x
}

// half is one of Halves' two.
func (r *Recorder) half(i int) *gpu.Buffer {
	if i == 0 {
		return r.Halves.X
	}
	return r.Halves.W
}

// recordHalved records a kernel that is no product: its y [tokens, width] goes to Halves, too, where its plan says so.
func (r *Recorder) recordHalved(p plan, y *gpu.Buffer, width int, buffers ...*gpu.Buffer) {
	there := p.kernel.(interface{ leavesHalves() bool }).leavesHalves()
	if there {
		buffers = append(buffers, r.Halves.X)
	}
	r.record(p, buffers...)
	if there {
		r.lying[0] = laid{y, width, width}
	}
}
