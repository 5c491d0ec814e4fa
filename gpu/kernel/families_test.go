package kernel_test

import (
	"fmt"
	"testing"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/reference"
)

// What the published families need beside Samba's own kernels.

func TestNormDBC(t *testing.T) {
	for _, tokens := range []int{1, 5} {
		eachVariant(t, tokens, func(b *bench) {
			for i, s := range []reference.ScanShape{{DTRank: 160, DState: 16}, {DTRank: 1, DState: 3}, {DTRank: 67, DState: 130}} {
				width := s.DTRank + 2*s.DState
				want := b.floats(tokens*width, 2)
				dbc := b.buffer("dbc", want)
				var gain []float32
				var gpuGain *gpu.Buffer
				if i != 1 {
					gain = b.floats(width, 1)
					gpuGain = b.buffer("gains", gain)
				}
				reference.NormDBC(s, want, gain, 1e-6, tokens)
				b.NormDBC(s, dbc, gpuGain, 1e-6)
				b.run()
				b.near(fmt.Sprintf("%+v", s), b.readFloats(dbc), want, 1e-6)
			}
		})
	}
}
