package kernel

import (
	"fmt"
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
				r.Tokens, r.tunedAttention, r.Restrict = tokens, tile, restrict
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
