package kernel

import (
	"fmt"
	"testing"

	"github.com/samba-web/samba/gpu/reference"
)

// Mamba-2's scan at Granite 4.0 H's shapes, beside the least that it could take: what it moves at 2.5 TB/s, and three
// operations for each state and token at 20 T a second.
func BenchmarkSSDScan(b *testing.B) {
	d := open(b)
	for _, s := range []reference.SSDShape{
		{Heads: 48, HeadDim: 32, DState: 128, Groups: 1}, // 350M
		{Heads: 64, HeadDim: 64, DState: 128, Groups: 1}, // micro
		{Heads: 96, HeadDim: 80, DState: 128, Groups: 8}, // Nemotron 3 Nano 4B
	} {
		for _, tokens := range []int{2048, 1} {
			rows, xbc, y := zeros(b, d, tokens*s.Row()), zeros(b, d, tokens*s.Channels()), zeros(b, d, tokens*s.Inner())
			params, state := zeros(b, d, 3*s.Heads), zeros(b, d, s.Inner()*s.DState)
			cursor := upload(b, d, []uint32{0, uint32(tokens), 0, 0})
			bytes := 4 * float64(tokens*(2*s.Inner()+s.Channels()+s.Heads)+2*s.Inner()*s.DState)
			least := max(bytes/2.5e6, 3*float64(tokens*s.Inner()*s.DState)/20e6)
			try := func(name string, shape *ssdShape) {
				took := perDispatch(b, d, 2, 8, 4, func(r *Recorder, _ int) {
					r.Tokens, r.Cursor, r.tuned.ssd = tokens, cursor, shape
					r.SSDScan(s, rows, xbc, params, state, y)
				})
				fmt.Printf("scan of %4d x %d x %d, %d states %-14s %8.2f us, least %6.2f us\n", tokens, s.Heads, s.HeadDim, s.DState, name, float64(took.Nanoseconds())/1000, least)
			}
			try("rule", nil)
			for _, lanes := range []int{4, 8, 16, 32} {
				for _, channels := range []int{4, 8, 16} {
					for _, tile := range []int{8, 16, 32} {
						if lanes*channels <= 256 && (tokens > 1 || tile == 8) {
							try(fmt.Sprintf("%d x %d /%d", lanes, channels, tile), &ssdShape{lanes, channels, tile})
						}
					}
				}
			}
		}
	}
}
