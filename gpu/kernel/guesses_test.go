package kernel_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/samba-web/samba/gpu/kernel"
	"github.com/samba-web/samba/gpu/reference"
)

// Tokens that go apart have the bits that each has alone.
func TestApartIsAlone(t *testing.T) {
	const tokens = 5
	eachVariant(t, tokens, func(b *bench) {
		// One type and shape of each variant: drawn by the seed, since compilation takes long.
		dtype := []reference.DType{reference.Q4, reference.Q8, reference.F16, reference.F32}[b.IntN(4)]
		shape := shapes(dtype)[b.IntN(len(shapes(dtype)))]
		out, in := shape[0], shape[1]
		parts, option, width := partRows, kernel.LinearOptions{Add: true}, 2*out
		if b.IntN(2) == 0 {
			parts, width, option = 2*out, out, kernel.LinearOptions{SwiGLU: true, Gain: b.buffer("gain", b.floats(in, 0.3)), Eps: 1e-5}
		}
		if b.IntN(2) == 0 {
			option.Gain, option.Eps, option.Layer = b.buffer("gain", b.floats(2*in, 0.3)), 1e-5, b.buffer("normed", b.floats(tokens*in, 1))
		}
		_, w := b.weight(dtype, 2*out, in, groupOf(in), parts, !option.SwiGLU)
		x, y := b.floats(tokens*in, 0.3), b.floats(tokens*width, 1)
		b.cursor(3, tokens)
		b.Apart = true
		together := b.buffer("y", y)
		b.Linear(w, b.buffer("x", x), together, option)
		b.run()
		got := b.read(together)
		b.Tokens, b.Apart = 1, false
		for i := range tokens {
			alone := b.buffer("y", y[i*width:][:width])
			b.Linear(w, b.buffer("x", x[i*in:][:in]), alone, option)
			b.run()
			if want := b.read(alone); !bytes.Equal(got[4*i*width:][:4*width], want) {
				b.Errorf("%v %v: token %d has other bits than alone", dtype, shape, i)
			}
		}
	})
}

// Attention whose splits the last projection joins has the bits for tokens that go apart that it has for each alone.
func TestJoinedApart(t *testing.T) {
	const tokens, out = 3, 37
	eachVariant(t, tokens, func(b *bench) {
		s := reference.AttentionShape{Heads: 4, KVHeads: 2, HeadDim: 64, Window: 200, Ring: 210}
		in, pos := s.Heads*s.HeadDim, 150+b.IntN(300)
		_, w := b.weight(reference.Q4, out, in, 64, out, false)
		x, y := b.floats(tokens*(s.Heads+2*s.KVHeads)*s.HeadDim, 1), b.floats(tokens*out, 1)
		kv := b.buffer("kv", b.floats(2*s.Ring*s.KVHeads*s.HeadDim, 1))
		project := func(x, y []float32, pos int, count int) []byte {
			b.Tokens, b.Apart = count, count > 1
			b.cursor(pos, count)
			partials, to := b.buffer("partials", make([]float32, count*b.AttentionPartials(s))), b.buffer("y", y)
			splits := b.SplitAttention(w, s, b.buffer("qkv", x), kv, partials)
			if splits == nil {
				if !b.Restrict.CPU {
					b.Error("the projection joins no splits")
				}
				return nil
			}
			b.Linear(w, partials, to, kernel.LinearOptions{Splits: splits, Add: true})
			b.run()
			return b.read(to)
		}
		got := project(x, y, pos, tokens)
		for i := range tokens {
			width := len(x) / tokens
			if want := project(x[i*width:][:width], y[i*out:][:out], pos+i, 1); got != nil && !bytes.Equal(got[4*i*out:][:4*out], want) {
				b.Errorf("token %d has other bits than alone", i)
			}
		}
	})
}

// The rows of Mamba's convolution and scan, from a state in the midst of others: what each row makes, and every state behind it.
func TestMambaRows(t *testing.T) {
	const tokens = 4
	eachVariant(t, tokens, func(b *bench) {
		for _, s := range []reference.ScanShape{{DInner: 128, DState: 16, DConv: 4, DTRank: 32}, {DInner: 66, DState: 3, DConv: 2, DTRank: 5}} {
			taps, width := s.DConv-1, s.DTRank+2*s.DState
			dtProj, gpuDTProj := b.weight(reference.F16, s.DInner, s.DTRank, 32, partRows, true)
			conv, params := b.floats(s.DInner*(s.DConv+1), 0.5), b.floats(s.DInner*(s.DState+2)+width, 0.5)
			norm, gpuNorm := b.dbcNorm(s, params)
			convStates, ssmStates := b.floats((tokens+1)*s.DInner*taps, 1), b.floats((tokens+1)*s.DInner*s.DState, 1)
			xz, dbc := b.floats(tokens*2*s.DInner, 1), b.floats(tokens*width, 0.3)
			before := b.IntN(tokens + 1)
			b.Cursor = b.words("cursor", []uint32{7, tokens, 0, uint32(before)})
			b.Apart = true
			rows, y := b.buffer("xz", xz), b.buffer("y", b.floats(tokens*s.DInner, 1))
			gpuConv := kernel.Conv{Params: b.buffer("conv", conv), State: b.buffer("conv_states", convStates), DInner: s.DInner, DConv: s.DConv}
			gpuSSM, taken := b.buffer("ssm_states", ssmStates), b.buffer("state", b.floats(s.DInner*s.DState, 1))
			b.TakeState(gpuSSM, taken)
			b.ConvRows(gpuConv, rows, nil)
			b.SelectiveStateUpdate(s, gpuDTProj, gpuNorm, b.buffer("dbc", dbc), rows, b.buffer("params", params), gpuSSM, y)
			b.run()
			convState, ssmState := slices.Clone(convStates[before*s.DInner*taps:][:s.DInner*taps]), slices.Clone(ssmStates[before*s.DInner*s.DState:][:s.DInner*s.DState])
			b.near("the state that was taken", b.readFloats(taken), ssmState, 0)
			gotXZ, gotY, gotConv, gotSSM := b.readFloats(rows), b.readFloats(y), b.readFloats(gpuConv.State), b.readFloats(gpuSSM)
			for i := range tokens {
				what := func(name string) string { return fmt.Sprintf("%+v, row %d: %s", s, i, name) }
				row, x, want := xz[i*2*s.DInner:][:2*s.DInner], make([]float32, s.DInner), make([]float32, s.DInner)
				reference.CausalConv1D(row, conv, conv[s.DInner*s.DConv:], convState, x, s.DInner, s.DConv, 1)
				b.near(what("x after the convolution"), gotXZ[i*2*s.DInner:], x, 2e-5)
				norm(dbc[i*width:][:width])
				reference.Linear(dtProj, dbc[i*width:], s.DTRank, want, 1, false)
				reference.SelectiveScan(s, want, x, row, dbc[i*width:], params, ssmState, convState, 1)
				b.near(what("y"), gotY[i*s.DInner:][:s.DInner], want, 5e-5)
				b.near(what("conv_state"), gotConv[(i+1)*s.DInner*taps:], convState, 0)
				b.near(what("ssm_state"), gotSSM[(i+1)*s.DInner*s.DState:], ssmState, 5e-5)
			}
		}
	})
}

// A step's guesses come from their positions in the ring, and as many of the draws count as are right in a row.
func TestGuesses(t *testing.T) {
	b := newBench(t, 8)
	b.Apart = true
	const ring, outRing, vocab = 32, 16, 50
	for round := range 12 {
		b.Tokens = 2 << b.IntN(3)
		pos, emitted := b.IntN(100), 1+b.IntN(100)
		guesses, ids, drawn := make([]uint32, ring), make([]uint32, b.Tokens), make([]uint32, b.Tokens)
		out, counts := make([]uint32, outRing), make([]uint32, vocab)
		for _, values := range [][]uint32{guesses, ids, drawn, out, counts} {
			for i := range values {
				values[i] = b.Uint32N(vocab)
			}
		}
		placed := slices.Clone(ids)
		reference.PlaceGuesses(guesses, placed, pos)
		for i := range min(b.IntN(b.Tokens+1), b.Tokens-1) {
			drawn[i] = placed[i+1]
		}
		words := make([]uint32, b.Tokens) // as the sampler leaves them
		for i, id := range drawn {
			words[i] = id + 1
		}
		if round == 0 { // nothing was drawn, and nothing is a guess's match for that
			words[0], drawn[0], placed[1], guesses[(pos+1)%ring] = 0, vocab, 0, 0
		}
		n := reference.JudgeGuesses(drawn, placed)
		b.Cursor = b.words("cursor", []uint32{uint32(pos), 1, uint32(emitted), 0})
		gpuIDs, gpuOut, gpuCounts := b.words("ids", ids), b.words("out", out), b.words("counts", counts)
		b.PlaceGuesses(b.words("guesses", guesses), gpuIDs, vocab)
		b.run()
		if got := b.readWords(gpuIDs); !slices.Equal(got, placed) {
			t.Errorf("ids %v, want %v", got, placed)
		}
		if got := b.readWords(b.Cursor)[1]; int(got) != b.Tokens {
			t.Errorf("%d tokens, want %d", got, b.Tokens)
		}
		b.JudgeGuesses(b.words("drawn", words), gpuIDs, gpuOut, gpuCounts)
		b.run()
		for i := range n {
			out[(emitted+i)%outRing] = words[i]
			counts[placed[i]]++
		}
		placed[0] = max(words[n-1], 1) - 1
		if got := b.readWords(gpuIDs); got[0] != placed[0] {
			t.Errorf("the next step begins with %d, want %d", got[0], placed[0])
		}
		if got := b.readWords(gpuOut); !slices.Equal(got, out) {
			t.Errorf("out %v, want %v", got, out)
		}
		if got := b.readWords(gpuCounts); !slices.Equal(got, counts) {
			t.Errorf("counts %v, want %v", got, counts)
		}
		if got, want := b.readWords(b.Cursor), []uint32{uint32(pos + n), 1, uint32(emitted + n), uint32(n)}; !slices.Equal(got, want) {
			t.Errorf("cursor %v, want %v", got, want)
		}
	}
}
