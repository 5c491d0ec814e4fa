package cpu

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/samba-web/samba/gpu/reference"
)

// The same tokens come as of the plain sampler, for any settings, vocabulary and spread of logits, ties among them. Top-p
// alone may cut elsewhere: by a token whose probability fp32 and fp64 add up to either side.
func TestSample(t *testing.T) {
	levels(t, func(t *testing.T, r *rand.Rand) {
		var m Kernels
		const rounds = 300
		apart := 0
		for range rounds {
			logits := normal(r, 1+r.IntN(3000), math.Exp(r.Float64()*6-3))
			if r.IntN(3) == 0 { // ties
				for i := range logits {
					logits[i] = float32(math.Round(float64(logits[i])))
				}
			}
			s := reference.Sampling{Temperature: float32(math.Exp(r.Float64()*4 - 2)), TopP: 1, Repetition: 1, Seed: r.Uint64()}
			if r.IntN(2) == 0 {
				s.TopP = float32(0.02 + 0.97*r.Float64())
			}
			if r.IntN(2) == 0 {
				s.TopK = 1 + r.Uint32N(uint32(len(logits)+2))
			}
			if r.IntN(4) == 0 {
				s.MinP = float32(r.Float64())
			}
			if r.IntN(8) == 0 {
				s.Temperature = 0
			}
			tail := []uint32{0, r.Uint32N(4000), 0}
			if r.IntN(2) == 0 {
				s.Repetition = 1.3
			}
			pos := r.Uint32()
			want := reference.Sample(s, slices.Clone(logits), tail, pos)
			if got := m.Sample(s, slices.Clone(logits), tail, pos); got != want {
				if s.TopP == 1 {
					t.Fatalf("%+v, %d logits: token %d, want %d", s, len(logits), got, want)
				}
				apart++
			}
		}
		if apart > rounds/50 {
			t.Errorf("%d tokens of %d are others", apart, rounds)
		}
		logits := normal(r, 9, 1)
		for _, harm := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
			logits[r.IntN(len(logits))] = float32(harm)
			if got := m.Sample(reference.Sampling{Temperature: 1, TopP: 0.5, Repetition: 1}, logits, nil, 3); got != reference.NoToken {
				t.Errorf("token %d of logits with %g, want none", got, harm)
			}
		}
	})
}
