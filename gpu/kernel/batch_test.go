package kernel_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/samba-web/samba/gpu/kernel"
	"github.com/samba-web/samba/gpu/reference"
)

// batch is a bench for one token each of several sequences: some of the places, in any order.
type batch struct {
	*bench
	rows      []int // the sequence of each row
	positions []int // of each sequence
}

func newBatch(b *bench, slots int) *batch {
	b.Slots, b.Tokens = slots, slots
	x := &batch{bench: b, positions: make([]int, slots)}
	for i := range x.positions {
		x.positions[i] = b.IntN(200)
	}
	x.deal()
	return x
}

// deal draws who takes part.
func (b *batch) deal() { b.take(b.Perm(b.Slots)[:1+b.IntN(b.Slots)]) }

// take lets sequences take part, a row each.
func (b *batch) take(sequences []int) {
	b.rows = sequences
	rows, positions, _, words := kernel.BatchCursor(b.Slots)
	cursor := make([]uint32, words)
	cursor[1] = uint32(len(b.rows))
	for t, slot := range b.rows {
		cursor[rows+t] = uint32(slot)
	}
	for slot, pos := range b.positions {
		cursor[positions+slot] = uint32(pos)
	}
	b.Recorder.Cursor = b.words("cursor", cursor)
}

// The product of few rows, and the same bits for a row whatever the others are.
func TestBatchLinear(t *testing.T) {
	eachProduct(t, 1, func(inner *bench, dtype reference.DType) {
		if testing.Short() && dtype != reference.F16 && dtype != reference.Q4 {
			inner.Skip("left out by -short: TestMatmul reads such weights by the same text")
		}
		b := newBatch(inner, 9) // enough for matrix units
		all := [][2]int{{67, 192}}
		if !dtype.Quantized() {
			all = [][2]int{{67, 30}, {3, 1}}
		}
		for i, shape := range all {
			out, in := shape[0], shape[1]
			stride := in + b.IntN(5)
			w, k := b.weight(dtype, out, in, groupOf(in), partRows, b.IntN(2) == 0 && dtype.Quantized())
			x, y := b.floats(b.Slots*stride, 1), b.floats(b.Slots*out, 1)
			o := kernel.LinearOptions{Add: i == 0, XStride: stride}
			b.Tokens = b.Slots
			b.deal()
			n := len(b.rows)
			want := slices.Clone(y)
			reference.Linear(w, x, stride, want, n, o.Add)
			target := b.buffer("y", y)
			b.Linear(k, b.buffer("x", x), target, o)
			b.run()
			got := b.readFloats(target)
			tolerance := 1e-5
			if b.Restrict.Matrix && dtype.Quantized() {
				tolerance = 2e-3 // as TestMatmul's
			}
			b.near(fmt.Sprintf("%v, %d rows", shape, n), got, want, tolerance)
			// The last row alone, in the first one's place.
			from := (n - 1) * stride
			b.Recorder.Cursor = b.words("cursor", append([]uint32{0, 1}, make([]uint32, 3*b.Slots+2)...))
			b.Tokens = 1
			alone := b.buffer("y", slices.Concat(y[(n-1)*out:], y[:(n-1)*out]))
			b.Linear(k, b.buffer("x", slices.Concat(x[from:], x[:from])), alone, o)
			b.run()
			if !slices.Equal(b.readFloats(alone)[:out], got[(n-1)*out:n*out]) {
				b.Errorf("%v: row %d has other bits alone", shape, n-1)
			}
		}
	})
}

// What a block of layers makes of a batch's x, where each kernel may leave its outcome for the product that reads it.
func TestBatchBlocks(t *testing.T) {
	eachVariant(t, 1, func(inner *bench) {
		b := newBatch(inner, []int{9, 19}[inner.IntN(2)])
		tolerance := 2e-5
		if b.Restrict.Matrix {
			tolerance = 4e-3 // of fp16 products, one after another
		}
		linear := func(out, in int) (*reference.Weight, *kernel.Weight) {
			return b.weight(reference.F16, out, in, 0, out, false)
		}
		n, some := b.Slots, len(b.rows)

		// SwiGLU and what is added to x; h's width divides no tile.
		const width, hidden = 96, 112
		up, gpuUp := linear(2*hidden, width)
		down, gpuDown := linear(width, hidden)
		x, gain := b.floats(n*width, 1), b.floats(width, 1)
		normed, gateUp, h := make([]float32, n*width), make([]float32, n*2*hidden), make([]float32, n*hidden)
		reference.RMSNorm(x, gain, 1e-5, normed, some)
		reference.Linear(up, normed, width, gateUp, some, false)
		reference.SwiGLU(gateUp, h, hidden, some)
		gpuX, gpuNormed, gpuH := b.buffer("x", x), b.buffer("normed", b.floats(n*width, 1)), b.buffer("h", b.floats(n*hidden, 1))
		b.RMSNorm(gpuX, b.buffer("gain", gain), gpuNormed, 1e-5)
		if b.Gates(gpuUp) != b.Restrict.Matrix {
			b.Errorf("SwiGLU joins its product: %v", b.Gates(gpuUp))
		}
		if b.Gates(gpuUp) {
			b.Linear(gpuUp, gpuNormed, gpuH, kernel.LinearOptions{SwiGLU: true})
		} else {
			gpuGateUp := b.buffer("gate and up", b.floats(n*2*hidden, 1))
			b.Linear(gpuUp, gpuNormed, gpuGateUp, kernel.LinearOptions{})
			b.SwiGLU(gpuGateUp, gpuH, hidden)
		}
		b.Linear(gpuDown, gpuH, gpuX, kernel.LinearOptions{Add: true})
		b.run()
		reference.Linear(down, h, hidden, x, some, true)
		b.near("h", b.readFloats(gpuH), h[:some*hidden], tolerance)
		b.near("MLP", b.readFloats(gpuX), x, tolerance)

		// Mamba: each product reads what another kernel made.
		s := reference.ScanShape{DInner: 96, DState: 16, DConv: 4, DTRank: 16}
		wide := s.DTRank + 2*s.DState
		xProj, gpuXProj := linear(wide, s.DInner)
		dtProj, gpuDTProj := linear(s.DInner, s.DTRank)
		outProj, gpuOutProj := linear(width, s.DInner)
		params, weights := b.floats(s.DInner*(s.DState+2), 0.5), b.floats(s.DInner*(s.DConv+1), 0.5)
		convState, ssmState := make([]float32, n*kernel.BatchDepth*s.DInner*(s.DConv-1)), make([]float32, n*kernel.BatchDepth*s.DInner*s.DState)
		xz := b.floats(n*2*s.DInner, 1)
		conv := kernel.Conv{Params: b.buffer("conv", weights), State: b.buffer("conv_state", convState), DInner: s.DInner, DConv: s.DConv}
		gpuXZ, gpuConv, gpuDBC, gpuY := b.buffer("xz", xz), b.buffer("out", b.floats(n*s.DInner, 1)), b.buffer("dbc", b.floats(n*wide, 1)), b.buffer("dt", b.floats(n*s.DInner, 1))
		gpuOut := b.buffer("y", b.floats(n*width, 1))
		b.CausalConv1D(conv, gpuXZ, gpuConv)
		b.Linear(gpuXProj, gpuConv, gpuDBC, kernel.LinearOptions{Halved: true})
		b.Linear(gpuDTProj, gpuDBC, gpuY, kernel.LinearOptions{XStride: wide})
		b.SelectiveScan(s, gpuY, gpuConv, gpuXZ, gpuDBC, b.buffer("params", params), b.buffer("ssm_state", ssmState), conv.State)
		b.Linear(gpuOutProj, gpuY, gpuOut, kernel.LinearOptions{})
		b.run()
		convolved, dbc, y, out := make([]float32, some*s.DInner), make([]float32, some*wide), make([]float32, some*s.DInner), make([]float32, some*width)
		for t := range some { // none of which has a past
			state := make([]float32, s.DInner*max(s.DConv-1, s.DState))
			reference.CausalConv1D(xz[t*2*s.DInner:], weights, weights[s.DInner*s.DConv:], state, convolved[t*s.DInner:], s.DInner, s.DConv, 1)
		}
		reference.Linear(xProj, convolved, s.DInner, dbc, some, false)
		reference.Linear(dtProj, dbc, wide, y, some, false)
		for t := range some {
			reference.SelectiveScan(s, y[t*s.DInner:], convolved[t*s.DInner:], xz[t*2*s.DInner:], dbc[t*wide:], params, make([]float32, s.DInner*s.DState), make([]float32, s.DInner*(s.DConv-1)), 1)
		}
		reference.Linear(outProj, y, s.DInner, out, some, false)
		b.near("dt, B, C", b.readFloats(gpuDBC), dbc, tolerance)
		b.near("Mamba", b.readFloats(gpuOut), out, tolerance)

		// Two that read the same, the first of which leaves its own outcome; and what is there is forgotten when it is computed again.
		first, gpuFirst := linear(width, width)
		second, gpuSecond := linear(width, width)
		last, gpuLast := linear(width, width)
		a, c := make([]float32, some*width), make([]float32, some*width)
		gpuA, gpuC := b.buffer("a", b.floats(n*width, 1)), b.buffer("c", b.floats(n*width, 1))
		reference.RMSNorm(x, gain, 1e-5, normed, some)
		reference.Linear(first, normed, width, a, some, false)
		reference.Linear(second, normed, width, a, some, true)
		reference.Linear(last, a, width, c, some, false)
		b.RMSNorm(b.buffer("x", x), b.buffer("gain", gain), gpuNormed, 1e-5)
		b.Linear(gpuFirst, gpuNormed, gpuA, kernel.LinearOptions{Halved: true})
		b.Linear(gpuSecond, gpuNormed, gpuA, kernel.LinearOptions{Add: true})
		b.Linear(gpuLast, gpuA, gpuC, kernel.LinearOptions{})
		b.run()
		b.near("after two", b.readFloats(gpuC), c, tolerance)
	})
}

// The convolution and the scan carry the states of those that take part and of no other.
func TestBatchScan(t *testing.T) {
	for _, s := range []reference.ScanShape{{DInner: 130, DState: 16, DConv: 4, DTRank: 5}, {DInner: 64, DState: 3, DConv: 2, DTRank: 4}} {
		b := newBatch(newBench(t, 1), 5)
		params, weights := b.floats(s.DInner*(s.DState+2), 0.5), b.floats(s.DInner*(s.DConv+1), 0.5)
		wideConv, wideSSM := s.DInner*(s.DConv-1), s.DInner*s.DState
		convState, ssmState := b.floats(b.Slots*kernel.BatchDepth*wideConv, 1), b.floats(b.Slots*kernel.BatchDepth*wideSSM, 1)
		gpuSSM, gpuParams := b.buffer("ssm_state", ssmState), b.buffer("params", params)
		conv := kernel.Conv{Params: b.buffer("conv", weights), State: b.buffer("conv_state", convState), DInner: s.DInner, DConv: s.DConv}
		for range 4 {
			b.deal()
			wide := s.DTRank + 2*s.DState
			xz, y, dbc := b.floats(b.Slots*2*s.DInner, 1), b.floats(b.Slots*s.DInner, 1), b.floats(b.Slots*wide, 1)
			out, gpuY, gpuXZ := b.buffer("out", b.floats(b.Slots*s.DInner, 1)), b.buffer("dt", y), b.buffer("xz", xz)
			b.CausalConv1D(conv, gpuXZ, out)
			b.SelectiveScan(s, gpuY, out, gpuXZ, b.buffer("dbc", dbc), gpuParams, gpuSSM, conv.State)
			b.run()
			convolved := make([]float32, len(b.rows)*s.DInner)
			for t, slot := range b.rows {
				own := func(values []float32, width int) []float32 { return values[t*width:][:width] }
				before, after := slot*kernel.BatchDepth+b.positions[slot]%kernel.BatchDepth, slot*kernel.BatchDepth+(b.positions[slot]+1)%kernel.BatchDepth
				conv, ssm := convState[after*wideConv:][:wideConv], ssmState[after*wideSSM:][:wideSSM]
				copy(conv, convState[before*wideConv:])
				copy(ssm, ssmState[before*wideSSM:])
				reference.CausalConv1D(own(xz, 2*s.DInner), weights, weights[s.DInner*s.DConv:], conv, own(convolved, s.DInner), s.DInner, s.DConv, 1)
				reference.SelectiveScan(s, own(y, s.DInner), own(convolved, s.DInner), own(xz, 2*s.DInner), own(dbc, wide), params, ssm, conv, 1)
				b.positions[slot]++
			}
			b.near("convolution", b.readFloats(out), convolved, 1e-6)
			b.near("y", b.readFloats(gpuY), y, 2e-5)
			b.near("ssm_state", b.readFloats(gpuSSM), ssmState, 2e-5)
			b.near("conv_state", b.readFloats(conv.State), convState, 0)
		}
	}
}

// Each sequence attends to its own ring, wherever it stands.
func TestBatchAttention(t *testing.T) {
	for i, s := range []reference.AttentionShape{
		{Heads: 6, KVHeads: 2, HeadDim: 64, Window: 300, Ring: 309, Theta: 10000},
		{Heads: 3, KVHeads: 1, HeadDim: 130, Window: 7, Ring: 7},
		{Heads: 4, KVHeads: 1, HeadDim: 16, Ring: 900, Theta: 10000}, // full attention
	} {
		if i > 0 && testing.Short() {
			break
		}
		eachVariant(t, 1, func(inner *bench) {
			if inner.Restrict.Subgroup > 0 {
				inner.Skip("subgroups change nothing here")
			}
			b := newBatch(inner, []int{9, 4, 3}[i])
			ring, width := s.Ring*s.KVHeads*s.HeadDim, (s.Heads+2*s.KVHeads)*s.HeadDim
			s.Halves = b.IntN(2) == 0
			kv := b.floats(b.Slots*2*ring, 1)
			rope := kernel.RoPE{Shape: s, Ring: b.ring(s, kv)}
			if s.Theta > 0 {
				rope.Angles = b.buffer("angles", reference.AngleTables(s.HeadDim, s.Theta))
			}
			partials := b.buffer("partials", b.floats(1+b.Slots*b.AttentionPartials(s), 1))
			for _, positions := range [][]int{{0, 1, s.Window - 1, s.Window}, {s.Window + 1, 2 * s.Ring, 4, 70_000}} {
				if s.Window == 0 {
					positions = []int{0, 1, 5, 300, 899}
				}
				for slot := range b.Slots {
					b.positions[slot] = positions[slot%len(positions)]
				}
				b.deal()
				qkv, want := b.floats(b.Slots*width, 1), make([]float32, len(b.rows)*s.Heads*s.HeadDim)
				gpuQKV, out := b.buffer("qkv", qkv), b.buffer("out", b.floats(b.Slots*s.Heads*s.HeadDim, 1))
				b.RoPE(rope, gpuQKV)
				b.WindowAttention(s, gpuQKV, rope.Ring, partials, out)
				o, gpuO := b.weight(reference.F16, 5, s.Heads*s.HeadDim, 0, 5, false)
				projected := b.buffer("projected", b.floats(5*b.Slots, 1))
				b.Linear(gpuO, out, projected, kernel.LinearOptions{})
				b.run()
				for t, slot := range b.rows {
					keys, values := kv[2*slot*ring:][:ring], kv[(2*slot+1)*ring:][:ring]
					reference.RoPE(s, qkv[t*width:][:width], keys, values, b.positions[slot], 1)
				}
				b.nearRing("rings", s, rope.Ring, kv, 2e-6)
				for t, slot := range b.rows {
					keys, values := kv[2*slot*ring:][:ring], kv[(2*slot+1)*ring:][:ring]
					reference.WindowAttention(s, qkv[t*width:][:width], keys, values, want[t*s.Heads*s.HeadDim:], b.positions[slot], 1)
				}
				b.near(fmt.Sprintf("attention at %v", b.positions), b.readFloats(out), want, 1e-5)
				last := make([]float32, 5*len(b.rows))
				reference.Linear(o, want, s.Heads*s.HeadDim, last, len(b.rows), false)
				b.near("its projection", b.readFloats(projected), last, 2e-3)
			}
		})
	}
}

// From one token of each sequence to its next: embedding, history, adjustment, draw, log probability, cursor.
func TestBatchDraw(t *testing.T) {
	eachVariant(t, 1, func(inner *bench) {
		b := newBatch(inner, 5)
		const vocab, width, historySize, tail, top = 5000, 8, 64, 24, 5 // too many for a processor's registers only
		table, gpuTable := b.weight(reference.F32, vocab, width, 0, vocab, false)
		parts := b.buffer("parts", b.floats(b.Slots*kernel.SampleParts(vocab), 1))
		ids, history, counts := make([]uint32, b.Slots), make([]uint32, b.Slots*historySize), make([]uint32, b.Slots*vocab)
		for i := range history {
			history[i] = uint32(b.IntN(50))
		}
		var samplings, adjustments []byte
		bias := b.floats(b.Slots*vocab, 1)
		settings := make([]reference.Sampling, b.Slots)
		adjust := make([]reference.Adjustment, b.Slots)
		allowed := make([]uint32, b.Slots*((vocab+31)/32))
		for i := range allowed {
			allowed[i] = b.Uint32()
		}
		for slot := range b.Slots {
			ids[slot] = uint32(b.IntN(vocab))
			settings[slot] = reference.Sampling{Temperature: float32(b.IntN(2)), TopP: 1, Repetition: 1 + b.Float32(), TopK: uint32(b.IntN(9)), Seed: b.Uint64()}
			adjust[slot] = reference.Adjustment{Presence: b.Float32(), Frequency: b.Float32(), Bias: bias[slot*vocab:][:vocab], Counts: counts[slot*vocab:][:vocab]}
			if slot%2 == 0 {
				adjust[slot].Allowed = allowed[slot*((vocab+31)/32):][:(vocab+31)/32]
			}
			samplings = append(samplings, kernel.SamplingBytes(settings[slot])...)
			adjustments = append(adjustments, kernel.AdjustmentBytes(adjust[slot], slot)...)
		}
		gpuIDs, gpuHistory, gpuCounts := b.words("ids", ids), b.words("history", history), b.words("counts", counts)
		gpuAdjustments, gpuSamplings := b.bytes("adjustments", adjustments), b.bytes("samplings", samplings)
		gpuBias, gpuAllowed := b.buffer("bias", bias), b.words("allowed", allowed)
		b.deal()
		for step := range 2 {
			logits := b.floats(b.Slots*vocab, 3)
			x, gpuLogits, raw := b.buffer("x", b.floats(b.Slots*width, 1)), b.buffer("logits", logits), b.buffer("raw", logits)
			out, rows := b.words("out", make([]uint32, b.Slots)), b.words("rows", make([]uint32, b.Slots*kernel.LogprobsRow(top)))
			b.Embedding(gpuTable, gpuIDs, x, gpuHistory)
			b.Adjust(gpuLogits, gpuAdjustments, gpuBias, gpuCounts, gpuAllowed, gpuIDs, vocab)
			b.Sample(gpuLogits, gpuSamplings, gpuHistory, gpuIDs, out, parts, vocab, tail)
			b.Logprobs(raw, gpuAdjustments, gpuIDs, rows, vocab, 1, top)
			b.run()
			_, positions, sampled, _ := kernel.BatchCursor(b.Slots)
			cursor, tokens := b.readWords(b.Recorder.Cursor), b.readWords(out)
			gotIDs, gotRows, gotX := b.readWords(gpuIDs), b.read(rows), b.readFloats(x)
			for t, slot := range b.rows {
				embedded := make([]float32, width)
				reference.Embedding(table, ids[slot:slot+1], embedded)
				if !slices.Equal(gotX[t*width:][:width], embedded) {
					b.Errorf("row %d: not the embedding of %d", t, ids[slot])
				}
				pos := b.positions[slot]
				history[slot*historySize+pos%historySize] = ids[slot]
				last := make([]uint32, min(tail, pos+1))
				for i := range last {
					last[i] = history[slot*historySize+(pos-i)%historySize]
				}
				if step > 0 {
					adjust[slot].Counts[ids[slot]]++
				}
				own := logits[t*vocab:][:vocab]
				plain := slices.Clone(own)
				reference.Adjust(adjust[slot], own)
				want, got := reference.Sample(settings[slot], own, last, uint32(pos+1)), kernel.Drawn(tokens[t], vocab)
				if got != want && !b.close(settings[slot], own, got, want, uint32(pos+1)) {
					b.Errorf("step %d, sequence %d %+v: token %d (logit %v), want %d (logit %v)", step, slot, settings[slot], got, own[got], want, own[want])
				}
				value, likeliest := kernel.ReadLogprobs(gotRows[4*t*kernel.LogprobsRow(top):], top, slot)
				wantValue, wantLikeliest := reference.Logprobs(plain, got, slot)
				if math.Abs(float64(value-wantValue)) > 1e-4 || slot > 0 && likeliest[slot-1].Token != wantLikeliest[slot-1].Token {
					b.Errorf("step %d, sequence %d: log probability %v, %v, want %v, %v", step, slot, value, likeliest, wantValue, wantLikeliest)
				}
				ids[slot], b.positions[slot] = got, pos+1
				if cursor[sampled+slot] != uint32(step+1) {
					b.Errorf("step %d, sequence %d: %d tokens sampled", step, slot, cursor[sampled+slot])
				}
			}
			for slot, pos := range b.positions {
				if cursor[positions+slot] != uint32(pos) || gotIDs[slot] != ids[slot] {
					b.Errorf("step %d: sequence %d stands at %d with %d, want %d with %d", step, slot, cursor[positions+slot], gotIDs[slot], pos, ids[slot])
				}
			}
			if got := b.readWords(gpuHistory); !slices.Equal(got, history) {
				b.Errorf("step %d: other histories", step)
			}
			if got := b.readWords(gpuCounts); !slices.Equal(got, counts) {
				b.Errorf("step %d: other counts", step)
			}
		}
	})
}
