package kernel_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/samba-web/samba/gpu/kernel"
	"github.com/samba-web/samba/gpu/reference"
)

// What the published families need beside Samba's own kernels.

func TestNormDBC(t *testing.T) {
	for _, tokens := range []int{1, 5} {
		eachVariant(t, tokens, func(b *bench) {
			for i, s := range []reference.ScanShape{{DInner: 3, DTRank: 160, DState: 16}, {DInner: 2, DTRank: 1, DState: 3}, {DInner: 1, DTRank: 67, DState: 130}} {
				width := s.DTRank + 2*s.DState
				want := b.floats(tokens*width, 2)
				dbc := b.buffer("dbc", want)
				params := b.floats(s.DInner*(s.DState+2)+width, 1)
				gain := params[s.DInner*(s.DState+2):]
				if i == 1 {
					gain = nil
				}
				reference.NormDBC(s, want, gain, 1e-6, tokens)
				b.NormDBC(s, kernel.DBCNorm{Eps: 1e-6, Gained: gain != nil}, dbc, b.buffer("params", params))
				b.run()
				b.near(fmt.Sprintf("%+v", s), b.readFloats(dbc), want, 1e-6)
			}
		})
	}
}

// dbcNorm draws whether dt, B and C pass through norms, and whether those have gains, behind the others of params: the
// twin and what the kernel is told.
func (b *bench) dbcNorm(s reference.ScanShape, params []float32) (norm func(dbc []float32), told *kernel.DBCNorm) {
	b.Helper()
	n := kernel.DBCNorm{Eps: 1e-6}
	gains := []float32(nil)
	switch b.IntN(3) {
	case 0:
		return func([]float32) {}, nil
	case 1:
		n.Gained, gains = true, params[s.DInner*(s.DState+2):]
	}
	return func(dbc []float32) { reference.NormDBC(s, dbc, gains, n.Eps, 1) }, &n
}

// finish gives both twins of a weight a bias and a factor.
func (b *bench) finish(w *reference.Weight, k *kernel.Weight) {
	b.Helper()
	if b.IntN(4) > 0 {
		w.Bias = b.floats(w.Out, 5)
		k.Bias = b.buffer("bias", w.Bias)
	}
	w.Factor = 0.2 + b.Float32()
	k.Factor = float64(w.Factor)
}

// Biases and factors behind every kind of product: a token, its last projections and what becomes of them, chunks,
// batches; in parts, too.
func TestLinearBiasAndFactor(t *testing.T) {
	for _, tokens := range []int{1, 20} {
		eachVariant(t, tokens, func(b *bench) {
			tolerance := 1e-5
			if b.Restrict.Matrix && tokens > 1 {
				tolerance = 2e-3 // as TestMatmul's
			}
			for i, dtype := range []reference.DType{reference.Q4, reference.F32, reference.Q8} {
				if b.Slots = 0; i == 2 {
					b.Slots = tokens // each a token of its own
				}
				out, in := 70+b.IntN(70), 192
				w, k := b.weight(dtype, out, in, 64, partRows, false)
				b.finish(w, k)
				x, y := b.floats(tokens*in, 1), b.floats(tokens*out, 1)
				want, add := slices.Clone(y), b.IntN(2) == 0
				reference.Linear(w, x, in, want, tokens, add)
				if b.cursor(0, tokens); b.Slots > 0 {
					batch := newBatch(b, tokens)
					batch.take(batch.Perm(tokens))
				}
				target := b.buffer("y", y)
				b.Linear(k, b.buffer("x", x), target, kernel.LinearOptions{Add: add})
				b.run()
				b.near(fmt.Sprintf("%v, batch %v, add %v", dtype, b.Slots > 0, add), b.readFloats(target), want, tolerance)
			}
		})
	}
}

func TestMatvecBiasAndFactor(t *testing.T) {
	eachVariant(t, 1, func(b *bench) {
		const in, width = 64, 70
		x, gain, normed := b.floats(in, 1), b.floats(in, 1), make([]float32, in)
		reference.RMSNorm(x, gain, 1e-5, normed, 1)
		o := kernel.LinearOptions{Gain: b.buffer("gain", gain), Eps: 1e-5}

		w, k := b.weight(reference.Q4, 2*width, in, 32, 2*width, false)
		b.finish(w, k)
		gateUp, want := make([]float32, 2*width), make([]float32, width)
		reference.Linear(w, normed, in, gateUp, 1, false)
		reference.SwiGLU(gateUp, want, width, 1)
		h := b.buffer("h", b.floats(width, 1))
		swiglu := o
		swiglu.SwiGLU = true
		b.Linear(k, b.buffer("x", x), h, swiglu)
		b.run()
		b.near("SwiGLU", b.readFloats(h), want, 1e-4)

		w, k = b.weight(reference.Q4, 2*width, in, 32, partRows, false)
		b.finish(w, k)
		conv, state := b.floats(width*5, 0.5), b.floats(width*3, 1)
		xz, convolved := make([]float32, 2*width), make([]float32, width)
		gpuConv := kernel.Conv{Params: b.buffer("conv", conv), State: b.buffer("conv_state", state), DInner: width, DConv: 4}
		reference.Linear(w, normed, in, xz, 1, false)
		reference.CausalConv1D(xz, conv, conv[width*4:], state, convolved, width, 4, 1)
		y := b.buffer("xz", b.floats(2*width, 1))
		with := o
		with.Conv = &gpuConv
		b.Linear(k, b.buffer("x", x), y, with)
		b.run()
		b.near("convolution", b.readFloats(y), append(convolved, xz[width:]...), 2e-5)
	})
}

// Embedding's factor: the tied head has another.
func TestEmbeddingFactor(t *testing.T) {
	b := newBench(t, 3)
	w, k := b.weight(reference.Q8, 100, 96, 32, partRows, false)
	w.Factor, k.Factor = 12, 12
	ids, want := []uint32{99, 0, 47}, make([]float32, 3*96)
	reference.Embedding(w, ids, want)
	b.cursor(0, 3)
	x := b.buffer("x", b.floats(3*96, 1))
	b.Embedding(k, b.words("ids", ids), x, b.words("history", make([]uint32, 8)))
	b.run()
	b.near("x", b.readFloats(x), want, 1e-6)
}

// Heads that are normed before they turn, a scale of their products that is not 1/sqrt(head_dim), a bias of the
// projection; by chunks and token by token.
func TestHeadNormAndScale(t *testing.T) {
	const chunk = 12
	for _, s := range []reference.AttentionShape{
		{Heads: 6, KVHeads: 2, HeadDim: 64, Ring: 60, Theta: 10000},
		{Heads: 2, KVHeads: 2, HeadDim: 200, Window: 9, Ring: 9 + chunk, Theta: 500, Scale: 0.015625},
		{Heads: 3, KVHeads: 1, HeadDim: 18, Ring: 60, Scale: 0.3},
	} {
		eachVariant(t, chunk, func(b *bench) {
			s.Halves = b.IntN(2) == 0
			half := s.Ring * s.KVHeads * s.HeadDim
			kv := b.floats(2*half, 1)
			keys, values := kv[:half], kv[half:]
			norm := b.floats(2*s.HeadDim, 1)
			rope := kernel.RoPE{Shape: s, Ring: b.ring(s, kv), Norm: b.buffer("gains", norm), Eps: 1e-5}
			if s.Theta > 0 {
				rope.Angles = b.buffer("angles", reference.AngleTables(s.HeadDim, s.Theta))
			}
			partials := b.buffer("partials", b.floats(1+b.AttentionPartials(s), 1))
			width := (s.Heads + 2*s.KVHeads) * s.HeadDim
			w, k := b.weight(reference.F16, width, 8, 0, width, false)
			b.finish(w, k)
			pos := 0
			for _, count := range []int{1, chunk, 1, 3, chunk - 1, 1} {
				b.Tokens = count
				b.cursor(pos, count)
				x, qkv := b.floats(count*8, 1), make([]float32, count*width)
				gpuQKV, out := b.buffer("qkv", b.floats(count*width, 1)), b.buffer("out", b.floats(count*s.Heads*s.HeadDim, 1))
				if count == 1 {
					b.Linear(k, b.buffer("x", x), gpuQKV, kernel.LinearOptions{RoPE: &rope})
				} else {
					b.Linear(k, b.buffer("x", x), gpuQKV, kernel.LinearOptions{})
					b.RoPE(rope, gpuQKV)
				}
				b.WindowAttention(s, gpuQKV, rope.Ring, partials, out)
				b.run()
				want := make([]float32, count*s.Heads*s.HeadDim)
				reference.Linear(w, x, 8, qkv, count, false)
				reference.HeadNorm(s, qkv, norm, 1e-5, count)
				reference.RoPE(s, qkv, keys, values, pos, count)
				tolerance := 2e-5
				if b.Restrict.Matrix && count > 1 {
					tolerance = 4e-3 // TestMatmul's and TestWindowAttentionMatrix'
				}
				b.nearRing(fmt.Sprintf("%+v, %d at %d: keys and values", s, count, pos), s, rope.Ring, kv, tolerance)
				reference.WindowAttention(s, qkv, keys, values, want, pos, count)
				b.near(fmt.Sprintf("%+v, %d at %d", s, count, pos), b.readFloats(out), want, tolerance)
				pos += count
			}
		})
	}
}

// Published models' ratios of query heads to key heads, no power of two among them, full attention without positions.
func TestAttentionRatios(t *testing.T) {
	const chunk = 21
	for _, s := range []reference.AttentionShape{
		{Heads: 20, KVHeads: 1, HeadDim: 128}, // Jamba 3B
		{Heads: 12, KVHeads: 4, HeadDim: 64},  // Granite 4.0 H 350M, 1B
		{Heads: 15, KVHeads: 3, HeadDim: 32},
		{Heads: 7, KVHeads: 1, HeadDim: 16, Theta: 1e11},
		{Heads: 20, KVHeads: 1, HeadDim: 32, Window: 130},
	} {
		if s.Ring = 700; s.Window > 0 {
			s.Ring = s.Window + chunk
		}
		t.Run(fmt.Sprintf("%+v", s), func(t *testing.T) {
			if testing.Short() && s.HeadDim != 16 {
				t.Skip("left out by -short: a browser's software GPU takes long for it")
			}
			eachVariant(t, chunk, func(b *bench) {
				if b.Restrict.Subgroup > 0 && !b.Restrict.Matrix {
					b.Skip("subgroups alone change nothing here")
				}
				s.Halves = b.IntN(2) == 0
				a := newAttention(b, s)
				if s.Theta > 0 {
					a.rope.Angles = b.buffer("angles", reference.AngleTables(s.HeadDim, s.Theta))
				}
				a.partials = b.buffer("partials", b.floats(1+b.AttentionPartials(s), 1))
				for _, at := range [][2]int{{0, 1}, {1, chunk}, {22, 1}, {129, 2}, {500, 1}, {600, chunk}, {621, 1}} {
					a.attend(at[0], at[1])
				}
				b.Slots = 2
				b.attendTogether(s, []int{640, 3})
			})
		})
	}
}

// attendTogether holds a batch's attention, a token of each sequence at its position, to the reference.
func (b *bench) attendTogether(s reference.AttentionShape, positions []int) {
	b.Helper()
	batch := newBatch(b, len(positions))
	batch.positions = positions
	batch.take(b.Perm(b.Slots))
	ring, width := s.Ring*s.KVHeads*s.HeadDim, (s.Heads+2*s.KVHeads)*s.HeadDim
	kv, qkv := b.floats(b.Slots*2*ring, 1), b.floats(b.Slots*width, 1)
	gpuKV, out := b.ring(s, kv), b.buffer("out", b.floats(b.Slots*s.Heads*s.HeadDim, 1))
	partials := b.buffer("partials", b.floats(1+b.Slots*b.AttentionPartials(s), 1))
	b.WindowAttention(s, b.buffer("qkv", qkv), gpuKV, partials, out)
	b.run()
	want := make([]float32, b.Slots*s.Heads*s.HeadDim)
	for t, slot := range batch.rows {
		reference.WindowAttention(s, qkv[t*width:][:width], kv[2*slot*ring:][:ring], kv[(2*slot+1)*ring:][:ring], want[t*s.Heads*s.HeadDim:], positions[slot], 1)
	}
	b.near("a batch", b.readFloats(out), want, 1e-5)
	b.Slots = 0
}
