package kernel_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/kernel"
	"github.com/samba-web/samba/gpu/reference"
)

// Differential attention over a window, over everything, and of queries alone to another layer's keys; a token, chunks
// around the window's edges, and a batch.
func TestDifferentialAttention(t *testing.T) {
	const chunk = 17
	for _, s := range []reference.AttentionShape{
		{Heads: 8, KVHeads: 4, HeadDim: 64, Window: 12},
		{Heads: 4, KVHeads: 4, HeadDim: 6, Ring: 150},
		{Heads: 12, KVHeads: 4, HeadDim: 16, Ring: 300, Cross: true},
	} {
		if s.Differential = true; s.Window > 0 {
			s.Ring = s.Window + chunk
		}
		if testing.Short() && s.HeadDim > 6 {
			continue
		}
		eachVariant(t, chunk, func(b *bench) {
			if b.Restrict.Subgroup > 0 && !b.Restrict.Matrix {
				b.Skip("subgroups alone change nothing here")
			}
			lambda := func() []float32 { return b.floats(s.HeadDim, 0.1) }
			params := reference.DifferentialParams(lambda(), lambda(), lambda(), lambda(), b.floats(2*s.HeadDim, 1), 3)
			gpuParams := b.buffer("params", params)
			size, width := s.Ring*s.KVHeads*s.HeadDim, s.RowHeads()*s.HeadDim
			s.Halves = b.IntN(2) == 0
			kv := b.floats(2*size, 1)
			ring, keys, values := b.ring(s, kv), kv[:size], kv[size:]
			for _, at := range [][2]int{{0, 1}, {1, chunk}, {11, 1}, {12, 1}, {13, 2}, {40, chunk - 1}, {130, 1}} {
				pos, count := at[0], at[1]
				b.Slots, b.Tokens = 0, count
				b.cursor(pos, count)
				qkv, want := b.floats(count*width, 1), make([]float32, count*s.Heads*s.HeadDim)
				gpuQKV, out := b.buffer("qkv", qkv), b.buffer("out", b.floats(len(want), 1))
				if !s.Cross {
					b.RoPE(kernel.RoPE{Shape: s, Ring: ring}, gpuQKV)
					reference.RoPE(s, qkv, keys, values, pos, count)
				}
				b.differ(s, gpuQKV, ring, gpuParams, out)
				b.run()
				b.nearRing(fmt.Sprintf("%+v, %d at %d: keys and values", s, count, pos), s, ring, kv, 2e-6)
				reference.DifferentialAttention(s, qkv, keys, values, params, want, pos, count)
				tolerance := 2e-5
				if b.Restrict.Matrix && count > 1 {
					tolerance = 4e-3 // TestWindowAttentionMatrix's, of a difference
				}
				b.near(fmt.Sprintf("%+v, %d at %d", s, count, pos), b.readFloats(out), want, tolerance)
			}
			b.Slots = 2
			batch := newBatch(b, 2)
			batch.positions = []int{3, 140}
			batch.take([]int{1, 0})
			kvs, qkv, want := b.floats(2*2*size, 1), b.floats(2*width, 1), make([]float32, 2*s.Heads*s.HeadDim)
			out := b.buffer("out", b.floats(len(want), 1))
			b.differ(s, b.buffer("qkv", qkv), b.ring(s, kvs), gpuParams, out)
			b.run()
			for t, slot := range batch.rows {
				own := kvs[2*slot*size:]
				reference.DifferentialAttention(s, qkv[t*width:][:width], own[:size], own[size:][:size], params, want[t*s.Heads*s.HeadDim:], batch.positions[slot], 1)
			}
			b.near("a batch", b.readFloats(out), want, 2e-5)
		})
	}
}

func (b *bench) differ(s reference.AttentionShape, qkv, ring, params, out *gpu.Buffer) {
	partials := b.buffer("partials", b.floats(1+b.Tokens*b.AttentionPartials(s), 1))
	heads := b.buffer("heads", b.floats(b.Tokens*2*s.Heads*s.HeadDim, 1))
	b.DifferentialAttention(s, qkv, ring, partials, heads, params, out)
}

func TestLayerNorm(t *testing.T) {
	for _, tokens := range []int{1, 5} {
		eachVariant(t, tokens, func(b *bench) {
			for _, width := range []int{1, 63, 200, 2560} {
				x, gain, bias, want := b.floats(tokens*width, 2), b.floats(width, 1), b.floats(width, 1), make([]float32, tokens*width)
				for i := range x {
					x[i] += 30 // a mean far from 0
				}
				reference.LayerNorm(x, gain, bias, 1e-5, want, tokens)
				y := b.buffer("y", b.floats(tokens*width, 1))
				b.LayerNorm(b.buffer("x", x), b.buffer("gains and biases", append(gain, bias...)), y, 1e-5)
				b.run()
				b.near(fmt.Sprint(width), b.readFloats(y), want, 2e-5) // x - mean has lost four bits
			}
		})
	}
}

// Every kind of product does its x's LayerNorm on the way, or by a kernel before it where it has no room: of one
// token, of the last of a chunk, of tokens that go apart. Means far from 0, and of one value that stands out.
func TestMatvecLayerNorm(t *testing.T) {
	const rows = 3
	eachVariant(t, rows, func(b *bench) {
		own := b.IntN(4)
		for i, shape := range [][2]int{{70, 192}, {33, 2560}, {9, 13}, {600, 64}} {
			if testing.Short() && i != own {
				continue // a browser's software GPU takes seconds to compile one
			}
			dtype := []reference.DType{reference.Q4, reference.Q8, reference.F32, reference.Q4}[i]
			out, in := shape[0], shape[1]
			w, k := b.weight(dtype, out, in, groupOf(in), out, false)
			x, gain, bias, normed, want := b.floats(rows*in, 2), b.floats(in, 1), b.floats(in, 1), make([]float32, rows*in), make([]float32, rows*out)
			for t := range rows {
				mean := []float32{0.5, -20, 5}[t]
				for i := range in {
					x[t*in+i] += mean
				}
			}
			x[2*in+in/2] = 300
			reference.LayerNorm(x, gain, bias, 1e-5, normed, rows)
			reference.Linear(w, normed, in, want, rows, false)
			for _, how := range []string{"one", "last", "apart"} {
				from, count := 0, rows
				b.cursor(3, rows)
				b.Tokens, b.Apart = rows, how == "apart"
				o := kernel.LinearOptions{Gain: b.buffer("gain", append(slices.Clone(gain), bias...)), Eps: 1e-5, Last: how == "last"}
				scratch := b.floats(rows*in, 1)
				if o.Layer = b.buffer("normed", scratch); how == "last" {
					from, count = rows-1, 1
				} else if how == "one" {
					b.Tokens, count = 1, 1
				}
				y := b.buffer("y", b.floats(count*out, 1))
				b.Linear(k, b.buffer("x", x), y, o)
				b.run()
				b.near(fmt.Sprintf("%v %v, %s", dtype, shape, how), b.readFloats(y), want[from*out:][:count*out], 3e-5) // x - mean has lost four bits
				b.near("what is before it, "+how, b.readFloats(o.Layer)[:from*in], scratch[:from*in], 0)
			}
		}
	})
}

// The scan's y before its gate, of a chunk and of a token.
func TestUngatedScan(t *testing.T) {
	s := reference.ScanShape{DInner: 66, DState: 16, DConv: 4, DTRank: 5, Ungated: true}
	b := newBench(t, 9)
	dtProj, gpuDTProj := b.weight(reference.F32, s.DInner, s.DTRank, 0, partRows, false)
	params, convState, ssmState := b.floats(s.DInner*(s.DState+2), 0.5), b.floats(s.DInner*3, 1), b.floats(s.DInner*s.DState, 1)
	gpuParams, gpuConv, gpuSSM := b.buffer("params", params), b.buffer("conv_state", convState), b.buffer("ssm_state", ssmState)
	for _, count := range []int{9, 1, 2} {
		b.Tokens = count
		b.cursor(0, count)
		xz, x := b.floats(count*2*s.DInner, 1), b.floats(count*s.DInner, 1)
		dbc, want := b.floats(count*(s.DTRank+2*s.DState), 1), make([]float32, count*s.DInner)
		reference.Linear(dtProj, dbc, s.DTRank+2*s.DState, want, count, false)
		y := b.buffer("y", want)
		if count == 1 {
			copy(xz, x) // where one token's convolution leaves it
			b.SelectiveStateUpdate(s, gpuDTProj, nil, b.buffer("dbc", dbc), b.buffer("xz", xz), gpuParams, gpuSSM, y)
		} else {
			b.SelectiveScan(s, y, b.buffer("x", x), b.buffer("xz", xz), b.buffer("dbc", dbc), gpuParams, gpuSSM, gpuConv)
		}
		b.run()
		reference.SelectiveScan(s, want, x, xz, dbc, params, ssmState, convState, count)
		b.near(fmt.Sprintf("%d tokens", count), b.readFloats(y), want, 2e-5)
		b.near("ssm_state", b.readFloats(gpuSSM), ssmState, 2e-5)
	}
}
