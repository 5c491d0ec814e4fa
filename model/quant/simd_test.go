package quant

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What a browser's SIMD packs is what plain Go does, to the bit: weights as models have them, constant groups, zeros of
// both signs, subnormals, F16's largest, outliers, ties; odd numbers of groups. Elsewhere both are the same code.
func TestQuantizeIsTheTwin(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	for _, f := range formats {
		for _, groups := range []int{1, 2, 401} {
			w := make([]float32, groups*f.group)
			for g := range groups {
				one, kind, size := w[g*f.group:(g+1)*f.group], g%10, math.Pow(2, float64(r.IntN(20)-14))
				for i := range one {
					v := r.NormFloat64() * size
					switch kind {
					case 1: // constant, or zeros of both signs
						v = size * 1.1
						if g%3 == 0 {
							v = math.Copysign(0, r.NormFloat64())
						}
					case 2: // very small ones, below fp32's normal range, too
						v *= math.Pow(2, float64(-20-r.IntN(120)))
					case 3:
						v = float64(r.IntN(3)-1) * 65504
					case 4:
						if i == 0 {
							v *= 40
						}
					case 5: // as rounded ones have it: many equal, ties at codes' middles
						v = math.Round(v/size*4) * size / 8
					case 6:
						v += 100 * size
					case 7: // constant and small
						v = size * math.Pow(2, -16)
					case 8: // around zero from one side, which rounds to -0
						v = -math.Abs(v) * math.Pow(2, -22)
					}
					one[i] = float32(min(max(v, -65504), 65504))
				}
			}
			q, scales, biases, err := Quantize("w", w, len(w), f.group, f.bits)
			if err != nil {
				t.Fatal(err)
			}
			wantQ, wantScales, wantBiases := make([]uint32, len(q)), make([]uint16, groups), make([]uint16, groups)
			fitAll(w, len(w), f.group, f.bits, wantQ, wantScales, wantBiases)
			for g := range groups {
				words := f.group * f.bits / 32
				same := scales[g] == wantScales[g] && biases[g] == wantBiases[g]
				if diff := cmp.Diff(wantQ[g*words:(g+1)*words], q[g*words:(g+1)*words]); diff != "" || !same {
					t.Fatalf("%+v: group %d, of kind %d: scale and bias %04x %04x, want %04x %04x: %s", f, g, g%10, scales[g], biases[g], wantScales[g], wantBiases[g], diff)
				}
			}
		}
	}
}
