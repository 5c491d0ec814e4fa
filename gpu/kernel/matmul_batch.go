package kernel

// batchShape is how matmul_batch deals a batch's product to subgroups: see there.
type batchShape struct{ fn, gk, steps int }

// words of workgroup memory that it takes
func (s batchShape) words() int { return s.gk * (8*(16*s.steps+8)*(1+s.fn) + 256) }

// leastBatch is how many sequences go by matrix units at least: there any number
// up to 16 takes what some ten take without, whose time grows with them.
const leastBatch = 8

// shapeBatch chooses it; false where the product does not go by matrix units.
// How many take part does not count: a row has the same bits whatever others do.
// Few rows of W have many subgroups share the walk along k, many rows share x.
// Measured on an H100 with 16 sequences (BenchmarkBatchLinear).
func (p planner) shapeBatch(w *Weight, o LinearOptions) (s batchShape, ok bool) {
	if !p.Matrix || p.CPU || p.slots < leastBatch || w.Exact() || w.In%8 != 0 || o.XStride%4 != 0 {
		return s, false
	}
	switch {
	case p.tuned.batch != nil:
		s = *p.tuned.batch
	case w.Out < 512:
		s = batchShape{fn: 1, gk: 8, steps: 2}
	case w.Out < 4096:
		s = batchShape{fn: 1, gk: 8, steps: 4}
	case w.Out < 16384:
		s = batchShape{fn: 2, gk: 4, steps: 2}
	default:
		s = batchShape{fn: 2, gk: 2, steps: 2}
	}
	for s.gk > 1 && (s.words() > p.storage || s.gk*p.Subgroup > p.size) {
		s.gk /= 2
	}
	return s, 32*s.steps%p.Subgroup == 0
}

type matmulBatch struct {
	matmulConstants
	SUBGROUP, FN, GK, STEPS, WORDS, X_TURNS, W_TURNS, W_WORDS int
}

func (matmulBatch) stem() string { return "matmul_batch" }

// matmulBatch plans a part's product on matrix units.
func (p planner) matmulBatch(s batchShape, w *Weight, part Part, o LinearOptions) plan {
	turns, words := 32*s.steps/p.Subgroup, w.DType.Bits()/4
	return plan{matmulBatch{
		matmulConstants: p.matmulConstants(w, o),
		SUBGROUP:        p.Subgroup, FN: s.fn, GK: s.gk, STEPS: s.steps,
		WORDS: words, X_TURNS: turns, W_TURNS: turns * s.fn, W_WORDS: turns * s.fn * words,
	}, [3]uint32{blocks(part.Rows, 16*s.fn), blocks(p.tokens, 16), 1}}
}
