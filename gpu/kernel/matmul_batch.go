package kernel

import "github.com/samba-web/samba/gpu"

// batchShape is how matmul_batch deals a batch's product to subgroups: see there.
type batchShape struct{ fn, gk, steps int }

// words of workgroup memory that it takes
func (s batchShape) words() int { return s.gk * (8*(16*s.steps+8)*(1+s.fn) + 256) }

// leastBatch is how many sequences go by matrix units at least: there any number
// up to 16 takes what some ten take without, whose time grows with them.
const leastBatch = 8

// shapeBatch chooses it; false where the product does not go by matrix units.
// How many take part does not count: a row has the same bits whoever else does.
// Few rows of W have many subgroups share the walk along k, many rows share x.
// Measured on an H100 with 16 sequences (BenchmarkBatchLinear).
func (r *Recorder) shapeBatch(w *Weight, o LinearOptions) (s batchShape, ok bool) {
	v := r.variant()
	if !v.Matrix || v.CPU || r.Slots < leastBatch || w.Exact() || w.In%8 != 0 || o.XStride%4 != 0 {
		return s, false
	}
	switch {
	case r.tunedBatch != nil:
		s = *r.tunedBatch
	case w.Out < 512:
		s = batchShape{fn: 1, gk: 8, steps: 2}
	case w.Out < 4096:
		s = batchShape{fn: 1, gk: 8, steps: 4}
	case w.Out < 16384:
		s = batchShape{fn: 2, gk: 4, steps: 2}
	default:
		s = batchShape{fn: 2, gk: 2, steps: 2}
	}
	for s.gk > 1 && (s.words() > r.storage() || s.gk*v.Subgroup > int(r.Device.Info().Limits.MaxWorkgroupSize)) {
		s.gk /= 2
	}
	return s, 32*s.steps%v.Subgroup == 0
}

// matmulBatch records a part's product on matrix units, or nothing where it cannot.
func (r *Recorder) matmulBatch(w *Weight, p Part, x, y *gpu.Buffer, o LinearOptions) bool {
	s, ok := r.shapeBatch(w, o)
	if !ok {
		return false
	}
	r.want("matmul_batch", "x", x, (r.Tokens-1)*o.XStride+w.In)
	r.want("matmul_batch", "y", y, r.Tokens, w.Out)
	subgroup := r.variant().Subgroup
	turns, words := 32*s.steps/subgroup, w.DType.Bits()/4
	c := w.constants()
	c["ADD"], c["VECTORS"] = o.Add, true
	c["SUBGROUP"], c["FN"], c["GK"], c["STEPS"] = subgroup, s.fn, s.gk, s.steps
	c["WORDS"], c["X_TURNS"], c["W_TURNS"], c["W_WORDS"] = words, turns, turns*s.fn, turns*s.fn*words
	r.dispatch("matmul_batch", c, [3]uint32{blocks(p.Rows, 16*s.fn), blocks(r.Tokens, 16), 1},
		w.finish(r, "matmul_batch", c, append(w.buffers(p), x, y, r.Cursor, r.sizes(w, p, o, matmulSlice{rows: p.Rows})))...)
	return true
}
