package kernel

import (
	"github.com/samba-web/samba/gpu"
)

// Halves is room for x and W in fp16, as matmul_blocks reads them. What a
// dispatch leaves there is for the next ones only: all recordings that run one
// after another share it. A batch's products find x in either of the two,
// matmul_bytes has x in 8 bits in X, and its groups' units in W.
type Halves struct{ X, W *gpu.Buffer }

// HalvesSize is how many bytes of Halves the product of w with Tokens tokens
// takes if that many of W's rows lie there at once; 0 where it takes other kernels.
// More rows come after one another.
func (r *Recorder) HalvesSize(w *Weight, rows int) (x, wBytes uint64) {
	p := r.planner()
	limits := r.Device.Info().Limits
	most := min(limits.MaxBindingSize, limits.MaxBufferSize)
	if _, ok := p.shapeBytes(w); ok {
		if of := bytesRoom(w.In, r.Tokens); of.x <= most && of.w <= most {
			return of.x, of.w
		}
		return 0, 0 // that product stays in fp32
	}
	s, ok := p.shapeMatmul(w)
	if !ok {
		return 0, 0
	}
	return min(s.xBytes(w.In, r.Tokens), most), min(s.rowBytes(w.In)*uint64(blocks(rows, s.rows())), most)
}

// matmulShape is how matmul_blocks deals a product to subgroups: see there.
type matmulShape struct{ fm, fn, gm, gn, gk, steps int }

func (s matmulShape) tokens() int { return 16 * s.fm * s.gm } // of a workgroup's tile
func (s matmulShape) rows() int   { return 16 * s.fn * s.gn }

// kBlocks is how many blocks of 16 a walk along k has, with those that are zeros.
func (s matmulShape) kBlocks(in int) int { return int(blocks(in, 16*s.steps*s.gk)) * s.steps * s.gk }

// xBytes is what x takes in fp16, rowBytes what a tile's rows of W do.
func (s matmulShape) xBytes(in, tokens int) uint64 {
	return 32 * uint64(s.kBlocks(in)) * uint64(blocks(tokens, s.tokens())) * uint64(s.tokens())
}

func (s matmulShape) rowBytes(in int) uint64 { return 32 * uint64(s.kBlocks(in)) * uint64(s.rows()) }

// shapeMatmul chooses it; false where the product does not go by matrix units.
// Large tiles read less, small ones give more of the GPU work, and where even
// they are too few, several subgroups share the walk along k. Measured on an
// H100 with 1,024 tokens (BenchmarkMatmul). For a few tokens W's way to fp16,
// 2.5 bytes moved for a weight of 4 bits, is most of the work; where another
// kernel would do better then has not been measured.
func (p planner) shapeMatmul(w *Weight) (s matmulShape, ok bool) {
	if !p.Matrix || p.CPU || p.slots > 0 || w.Exact() {
		return s, false
	}
	switch {
	case p.tuned.matmul != nil:
		s = *p.tuned.matmul
	case w.Out < 512:
		s = matmulShape{fm: 2, fn: 2, gm: 2, gn: 1, gk: 4, steps: 1}
	case w.Out < 2048:
		s = matmulShape{fm: 4, fn: 4, gm: 2, gn: 1, gk: 2, steps: 1}
	default:
		s = matmulShape{fm: 4, fn: 2, gm: 2, gn: 2, gk: 1, steps: 2}
	}
	return s, s.gm*s.gn*s.gk*p.Subgroup <= p.size
}

// matmulSlice is rows of a part that are multiplied at once.
type matmulSlice struct{ first, rows, kBlocks, blocks int }

// slices cuts this many rows where room's end comes; none if not one tile has room.
func (s matmulShape) slices(in, rows int, room uint64) (slices []matmulSlice) {
	tiles := int(room / s.rowBytes(in))
	for first, n := 0, tiles*s.rows(); n > 0 && first < rows; first += n {
		n := min(n, rows-first)
		slices = append(slices, matmulSlice{first, n, s.kBlocks(in), int(blocks(n, s.rows())) * s.fn * s.gn})
	}
	return slices
}

type blocksX struct {
	cursorConstants
	VECTORS bool
}

func (blocksX) stem() string { return "blocks_x" }

type blocksW struct{ weightConstants }

func (blocksW) stem() string { return "blocks_w" }

type matmulBlocks struct {
	cursorConstants
	finishConstants
	ADD                                 bool
	SUBGROUP, FM, FN, GM, GN, GK, STEPS int
}

func (matmulBlocks) stem() string { return "matmul_blocks" }

// matmulBlocks plans a product on matrix units, or nothing where it cannot be.
func (p planner) matmulBlocks(w *Weight, o LinearOptions) (steps []linearStep) {
	s, ok := p.shapeMatmul(w)
	if !ok || p.room.x < s.xBytes(w.In, p.tokens) || p.room.w < s.rowBytes(w.In) {
		return nil
	}
	for _, part := range w.Parts {
		for _, slice := range s.slices(w.In, part.Rows, p.room.w) {
			if steps == nil {
				steps = append(steps, linearStep{plan: p.blocksX(s.kBlocks(w.In), int(blocks(p.tokens, s.tokens()))*s.fm*s.gm, vectors(w, o)), part: part, slice: slice})
			}
			product := plan{matmulBlocks{
				cursorConstants: p.cursor(), finishConstants: w.finish(), ADD: o.Add,
				SUBGROUP: p.Subgroup, FM: s.fm, FN: s.fn, GM: s.gm, GN: s.gn, GK: s.gk, STEPS: s.steps,
			}, [3]uint32{blocks(p.tokens, s.tokens()), blocks(slice.rows, s.rows()), 1}}
			steps = append(steps, linearStep{plan: p.blocksW(w, slice), part: part, slice: slice}, linearStep{plan: product, part: part, slice: slice})
		}
	}
	return steps
}

// blocksX plans x's way to fp16, in this many blocks along k and along tokens.
func (p planner) blocksX(kBlocks, tokenBlocks int, vectors bool) plan {
	return plan{blocksX{p.cursor(), vectors}, [3]uint32{blocks(kBlocks, 8), uint32(tokenBlocks), 1}}
}

// blocksW plans the way of a slice of W to fp16 in blocks.
func (p planner) blocksW(w *Weight, s matmulSlice) plan {
	return plan{blocksW{w.constants()}, [3]uint32{blocks(s.kBlocks, 8), uint32(s.blocks), 1}}
}
