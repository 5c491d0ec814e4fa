package kernel

import "github.com/samba-web/samba/gpu/reference"

// bytesGroup is how many neighbours along k share a unit in 8 bits, bytesTokens how many tokens lie side by side.
const bytesGroup, bytesTokens = reference.BytesGroup, 64

// bytesShape is how matmul_bytes deals a tile of tokens and rows to threads, and
// how many groups along k lie in workgroup memory at once: see there.
type bytesShape struct{ tm, tn, gm, gn, steps, buffers int }

func (s bytesShape) tokens() int { return s.tm * s.gm } // of a workgroup's tile
func (s bytesShape) rows() int   { return s.tn * s.gn }
func (s bytesShape) size() int   { return s.gm * s.gn }

// words of workgroup memory that it takes
func (s bytesShape) words() int {
	return s.buffers * s.steps * (s.tokens() + s.rows()) * (bytesGroup/4 + 2)
}

// Products of fewer rows, or with a shorter x, stay in fp32: they take little of a
// prompt's time, and among them are those that make Mamba-1's steps, whose errors grow
// in the scan's exponentials.
const leastBytes = 512

// shapeBytes chooses it; false where the product does not go in 8 bits. Of fourteen
// shapes one was quickest at all of eight layers' on an H200 (BenchmarkBytes):
// 29.6 to 35.6 T products a second, where fp32's tiles make 10.4 to 14.6.
func (p planner) shapeBytes(w *Weight) (s bytesShape, ok bool) {
	if p.slots > 0 || p.one() || !w.DType.Quantized() || w.In%bytesGroup != 0 || w.Group%bytesGroup != 0 {
		return s, false
	}
	if p.tuned.bytes != nil {
		return *p.tuned.bytes, true
	}
	if !p.Dots || p.Matrix || p.CPU || w.Out < leastBytes || w.In < leastBytes {
		return s, false
	}
	s = bytesShape{tm: 8, tn: 4, gm: 8, gn: 16, steps: 2, buffers: 1}
	if s.words() > p.storage {
		s.steps = 1
	}
	return s, s.size() <= p.size && s.words() <= p.storage
}

// Rounds tells whether Linear rounds what w multiplies to 8 bits, as reference.Rounded does.
func (r *Recorder) Rounds(w *Weight) bool {
	p := r.planner()
	_, ok := p.bytes(w)
	return ok
}

// bytes is shapeBytes where x has room.
func (p planner) bytes(w *Weight) (s bytesShape, ok bool) {
	s, ok = p.shapeBytes(w)
	need := bytesRoom(w.In, p.tokens)
	return s, ok && need.x <= p.room.x && need.w <= p.room.w
}

// bytesRoom is what x takes in 8 bits, and what its groups' units do. Tiles of every shape have tokens enough there.
func bytesRoom(in, tokens int) room {
	groups := uint64(in/bytesGroup) * uint64(bytesBlocks(tokens)) * bytesTokens
	return room{x: groups * bytesGroup, w: 8 * groups}
}

// bytesBlocks is how many blocks of tokens x has room for.
func bytesBlocks(tokens int) uint32 { return 2 * blocks(tokens, 2*bytesTokens) }

type bytesX struct {
	cursorConstants
	VECTORS, Q4 bool
}

func (bytesX) stem() string { return "bytes_x" }

type matmulBytes struct {
	cursorConstants
	weightConstants
	finishConstants
	ADD, DOTS, DOUBLE                bool
	TM, TN, GM, GN, STEPS, BUFFERS   int
	X_EACH, W_EACH, ABOUT_X, ABOUT_W int
}

func (matmulBytes) stem() string { return "matmul_bytes" }

// matmulBytes plans a product in whole numbers of 8 bits, or nothing where it cannot be.
func (p planner) matmulBytes(w *Weight, o LinearOptions) (steps []linearStep) {
	s, ok := p.bytes(w)
	if !ok {
		return nil
	}
	for _, part := range w.Parts {
		slice := matmulSlice{rows: part.Rows}
		if steps == nil {
			round := plan{bytesX{p.cursor(), vectors(w, o), w.constants().Q4}, [3]uint32{uint32(w.In / bytesGroup), bytesBlocks(p.tokens), 1}}
			steps = append(steps, linearStep{plan: round, part: part, slice: slice})
		}
		product := plan{matmulBytes{
			cursorConstants: p.cursor(), weightConstants: w.constants(), finishConstants: w.finish(), ADD: o.Add, DOTS: p.Dots, DOUBLE: s.buffers == 2,
			TM: s.tm, TN: s.tn, GM: s.gm, GN: s.gn, STEPS: s.steps, BUFFERS: s.buffers,
			X_EACH: 2 * s.steps * s.tokens() / s.size(), W_EACH: 2 * s.steps * s.rows() / s.size(),
			ABOUT_X: int(blocks(s.steps*s.tokens(), s.size())), ABOUT_W: int(blocks(s.steps*s.rows(), s.size())),
		}, [3]uint32{blocks(part.Rows, s.rows()), blocks(p.tokens, s.tokens()), 1}}
		steps = append(steps, linearStep{plan: product, part: part, slice: slice})
	}
	return steps
}
