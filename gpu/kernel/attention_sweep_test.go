package kernel

import (
	"fmt"
	"slices"
	"testing"

	"github.com/samba-web/samba/gpu/reference"
)

// A chunk of 1,024 tokens behind as many others, in a window that hides none of them.
func BenchmarkAttention(b *testing.B) {
	d := open(b)
	const pos, tokens, window = 1024, 1024, 2048
	for _, s := range []reference.AttentionShape{
		{Heads: 12, KVHeads: 12, HeadDim: 128}, {Heads: 18, KVHeads: 18, HeadDim: 128}, {Heads: 32, KVHeads: 4, HeadDim: 64},
	} {
		s.Window, s.Ring = window, window+tokens
		qkv, kv := zeros(b, d, tokens*(s.Heads+2*s.KVHeads)*s.HeadDim), zeros(b, d, 2*s.Ring*s.KVHeads*s.HeadDim)
		out := zeros(b, d, tokens*s.Heads*s.HeadDim)
		// What the result takes: each query's keys, once for the scores and once for the values.
		flops := 4 * float64(s.Heads) * float64(s.HeadDim) * tokens * (pos + (tokens+1)/2.0)
		try := func(name string, tile matrixTile, restrict *Variant) {
			took := perDispatch(b, d, 20, 120, 3, func(r *Recorder, _ int) {
				r.Tokens, r.tuned.attention, r.Restrict = tokens, tile, restrict
				if err := d.Write(r.Cursor, 0, []byte{0, pos >> 8, 0, 0, 0, tokens >> 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}); err != nil {
					b.Fatal(err)
				}
				r.WindowAttention(s, qkv, kv, nil, out)
			})
			fmt.Printf("attention %d of %2d/%-2d x %3d at %d %-12s %8.1f us %7.2f TFLOP/s\n", tokens, s.Heads, s.KVHeads, s.HeadDim, pos, name,
				float64(took.Nanoseconds())/1000, flops/float64(took.Nanoseconds())/1000)
		}
		try("fp32", matrixTile{}, &Variant{})
		if !d.Info().Variant.Matrix {
			continue
		}
		for _, tile := range []matrixTile{{2, 32}, {4, 32}, {8, 32}, {2, 64}, {4, 64}, {8, 64}} {
			if tile.words(s.HeadDim) <= int(d.Info().Limits.MaxWorkgroupStorage)/4 {
				try(fmt.Sprintf("%d x %d", 16*tile.warps, tile.keys), tile, nil)
			}
		}
	}
}

// One token of one sequence and of each of 16, in a window that is full and behind thousands of tokens.
func BenchmarkTokenAttention(b *testing.B) {
	d := open(b)
	grouped, alone := reference.AttentionShape{Heads: 32, KVHeads: 4, HeadDim: 64}, reference.AttentionShape{Heads: 12, KVHeads: 12, HeadDim: 128}
	for _, c := range []struct {
		reference.AttentionShape
		sequences, keys int
		windowed        bool
	}{
		{alone, 1, 2048, true}, {grouped, 1, 2048, true}, {grouped, 1, 16384, false}, {alone, 1, 16384, false},
		{grouped, 16, 2048, true}, {grouped, 16, 16384, false}, {alone, 16, 2048, true}, {grouped, 1, 65536, false},
	} {
		s, keys := c.AttentionShape, c.keys
		s.Halves = true
		if s.Ring = keys; c.windowed {
			s.Window, s.Ring = keys, keys+BatchDepth
		}
		if uint64(4*c.sequences*2*s.Ring*s.KVHeads*headWords(s)) > d.Info().Limits.MaxBindingSize {
			continue
		}
		qkv, kv := zeros(b, d, c.sequences*(s.Heads+2*s.KVHeads)*s.HeadDim), zeros(b, d, c.sequences*2*s.Ring*s.KVHeads*headWords(s))
		out, partials := zeros(b, d, c.sequences*s.Heads*s.HeadDim), zeros(b, d, c.sequences*s.Heads*maxSplits*splitPitch(s.HeadDim))
		slots, cursor := 0, upload(b, d, []uint32{uint32(keys - 1), 1, 0, 0})
		if c.sequences > 1 {
			slots, cursor = c.sequences, batchCursor(b, d, c.sequences, c.sequences, keys-1)
		}
		bytes := float64(c.sequences * keys * 2 * s.KVHeads * headWords(s) * 4)
		try := func(name string, shape *sharing) {
			took := perDispatch(b, d, 4, 24, 4, func(r *Recorder, i int) {
				r.Slots, r.Tokens, r.Cursor, r.tuned.sharing = slots, c.sequences, cursor, shape
				r.WindowAttention(s, qkv, kv, partials, out)
			})
			fmt.Printf("attention of %2d x %d/%d x %d to %5d %-18s %8.2f us %6.0f GB/s\n", c.sequences, s.Heads, s.KVHeads, s.HeadDim, keys, name, float64(took.Nanoseconds())/1000, bytes/float64(took.Nanoseconds()))
		}
		try("rule", nil)
		full := s
		full.Window = 0
		most := sharingOf(Variant(d.Info().Variant), full, int(d.Info().Limits.MaxWorkgroupStorage)/4, 0)
		for _, group := range slices.Compact([]int{1, most.group}) {
			for slots := 1; slots <= most.slots; slots *= 2 {
				for splits := 4; splits <= maxSplits; splits *= 2 {
					if c.sequences*splits*s.KVHeads >= 64 && keys/splits >= 64 && (group == most.group || slots == 1) {
						try(fmt.Sprintf("%d x%d /%d", group, slots, splits), &sharing{group, slots, s.Heads / s.KVHeads / group, splits})
					}
				}
			}
		}
		kv.Free()
		qkv.Free()
	}
}
