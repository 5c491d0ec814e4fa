package quant

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/x448/float16"
	"pgregory.net/rapid"
)

var formats = func() (list []struct{ bits, group int }) {
	for _, bits := range []int{4, 8} {
		for _, group := range []int{32, 64, 128} {
			list = append(list, struct{ bits, group int }{bits, group})
		}
	}
	return list
}()

// The layout, by hand: MLX's convention, first value in the lowest bits.
func TestLayout(t *testing.T) {
	for _, f := range formats {
		levels := 1<<f.bits - 1
		w := make([]float32, 2*f.group) // one row of two groups
		for i := range w {
			w[i] = float32(i * 7 % (levels + 1))
		}
		w[0], w[1], w[f.group], w[f.group+1] = 0, float32(levels), 0, float32(levels)
		q, scales, biases, err := Quantize("w", w, 2*f.group, f.group, f.bits)
		if err != nil {
			t.Fatal(err)
		}
		one, zero := float16.Fromfloat32(1).Bits(), uint16(0)
		if diff := cmp.Diff([]uint16{one, one}, scales); diff != "" {
			t.Errorf("%v: scales: %s", f, diff)
		}
		if diff := cmp.Diff([]uint16{zero, zero}, biases); diff != "" {
			t.Errorf("%v: biases: %s", f, diff)
		}
		perWord := 32 / f.bits
		want := make([]uint32, len(w)/perWord)
		for i, v := range w {
			want[i/perWord] |= uint32(v) << (i % perWord * f.bits)
		}
		if diff := cmp.Diff(want, q); diff != "" {
			t.Errorf("%v: words: %s", f, diff)
		}
	}
}

// Any 16-bit grid of codes survives a round trip: what was packed once is
// found again when it is packed again from its own values.
func TestGridIsAFixedPoint(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.SampledFrom(formats).Draw(t, "format")
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		// A power of two as scale and a whole multiple as bias are exact in F16.
		scale := math.Exp2(float64(rapid.IntRange(-10, 3).Draw(t, "exponent")))
		bias := -scale * float64(rapid.IntRange(0, 255).Draw(t, "bias"))
		w := make([]float32, 3*f.group)
		for i := range w {
			w[i] = float32(scale*float64(rng.IntN(1<<f.bits)) + bias)
		}
		for g := 0; g < len(w); g += f.group { // both ends of every group are taken
			w[g], w[g+1] = float32(bias), float32(scale*float64(int(1)<<f.bits-1)+bias)
		}
		q, scales, biases, err := Quantize("w", w, f.group, f.group, f.bits)
		if err != nil {
			t.Fatal(err)
		}
		got := make([]float32, len(w))
		Dequantize(q, scales, biases, f.bits, f.group, f.group, got)
		if diff := cmp.Diff(w, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

// bound is the squared error that a group cannot exceed: half a step for each
// weight, where the step spans the range from the F16 below the lowest weight.
func bound(w []float32, bits int) float64 {
	lo, hi := w[0], w[0]
	for _, v := range w {
		lo, hi = min(lo, v), max(hi, v)
	}
	step := roundUp((float64(hi) - roundDown(float64(lo)).value) / float64(int(1)<<bits-1)).value
	if lo == hi {
		step = math.Abs(float64(lo))/(1<<20) + 1.2e-7 // F16 squared, or half of F16's least number
	}
	// float32's rounding of scale*q + bias comes on top.
	half := step/2 + math.Max(math.Abs(float64(lo)), math.Abs(float64(hi)))*1.2e-7
	return half * half * float64(len(w))
}

func TestErrorBound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.SampledFrom(formats).Draw(t, "format")
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		kind := rapid.SampledFrom([]string{"normal", "shifted", "outlier", "tiny", "huge", "constant", "subnormal"}).Draw(t, "kind")
		out, in := rapid.IntRange(1, 5).Draw(t, "out"), f.group*rapid.IntRange(1, 3).Draw(t, "groups")
		w := make([]float32, out*in)
		for i := range w {
			v := rng.NormFloat64()
			switch kind {
			case "normal":
				v *= 0.02
			case "shifted":
				v = 1 + v*1e-4
			case "outlier":
				v *= 0.02
				if i%97 == 0 {
					v *= 200
				}
			case "tiny":
				v *= 1e-6
			case "huge":
				v = math.Max(-1, math.Min(1, v)) * 65504
			case "constant":
				v = float64(i/f.group) * 0.1
			case "subnormal":
				v *= 1e-40
			}
			w[i] = float32(v)
		}
		q, scales, biases, err := Quantize("w", w, in, f.group, f.bits)
		if err != nil {
			t.Fatal(err)
		}
		got := make([]float32, len(w))
		Dequantize(q, scales, biases, f.bits, f.group, in, got)
		for g := 0; g < len(w); g += f.group {
			sum := 0.0
			for i := g; i < g+f.group; i++ {
				d := float64(got[i]) - float64(w[i])
				sum += d * d
			}
			if limit := bound(w[g:g+f.group], f.bits); !(sum <= limit) {
				t.Fatalf("%s: group %d: squared error %g, want at most %g", kind, g/f.group, sum, limit)
			}
		}
	})
}

// The search must pay: on bell-shaped weights at 4 bits it beats plain
// rounding over the full range.
func TestSearchBeatsPlainRounding(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	w := make([]float32, 256*64)
	for i := range w {
		w[i] = float32(rng.NormFloat64() * 0.02)
	}
	q, scales, biases, err := Quantize("w", w, 64, 64, 4)
	if err != nil {
		t.Fatal(err)
	}
	got := make([]float32, len(w))
	Dequantize(q, scales, biases, 4, 64, 64, got)
	var searched, plain, norm float64
	for g := 0; g < len(w); g += 64 {
		lo, hi := w[g], w[g]
		for _, v := range w[g : g+64] {
			lo, hi = min(lo, v), max(hi, v)
		}
		step := (hi - lo) / 15
		for i := g; i < g+64; i++ {
			p := lo + step*float32(math.Round(float64((w[i]-lo)/step)))
			plain += float64((p - w[i]) * (p - w[i]))
			searched += float64((got[i] - w[i]) * (got[i] - w[i]))
			norm += float64(w[i] * w[i])
		}
	}
	t.Logf("squared error %.3g, plain rounding %.3g: %.1f %% less", searched, plain, 100*(1-searched/plain))
	if searched > 0.88*plain {
		t.Errorf("squared error %g, want at most 88 %% of plain rounding's %g", searched, plain)
	}
	// Measure says the same.
	var e Error
	e.Add(Measure(w[:64*64], q[:64*8], scales[:64], biases[:64], 4, 64, 64))
	e.Add(Measure(w[64*64:], q[64*8:], scales[64:], biases[64:], 4, 64, 64))
	rounding, nearest := e.Relative()
	if math.Abs(rounding/math.Sqrt(searched/norm)-1) > 1e-3 || math.Abs(nearest/math.Sqrt(plain/norm)-1) > 1e-2 {
		t.Errorf("measured %g and %g, want %g and %g", rounding, nearest, math.Sqrt(searched/norm), math.Sqrt(plain/norm))
	}
}

func TestZerosAndConstants(t *testing.T) {
	for _, v := range []float32{0, float32(math.Copysign(0, -1)), 1, -3, 0.1, -0.3333333, 65504, -65504, 1e-9} {
		w := make([]float32, 64)
		for i := range w {
			w[i] = v
		}
		for _, bits := range []int{4, 8} {
			q, scales, biases, err := Quantize("w", w, 64, 64, bits)
			if err != nil {
				t.Fatal(err)
			}
			got := make([]float32, 64)
			Dequantize(q, scales, biases, bits, 64, 64, got)
			if diff := math.Abs(float64(got[63]) - float64(v)); diff > math.Abs(float64(v))*1e-6+6e-8 {
				t.Errorf("%d bits: a group of %g became %g", bits, v, got[63])
			}
		}
	}
}

func TestRefuses(t *testing.T) {
	for _, bad := range []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)), 65600, -1e30} {
		w := make([]float32, 4*64)
		w[2*64+5] = bad
		w[3*64] = bad // the first is named, whichever thread finds it
		_, _, _, err := Quantize("layers.3.mixer.in_proj.weight", w, 64, 64, 4)
		if err == nil || !strings.Contains(err.Error(), "layers.3.mixer.in_proj.weight: the weight at row 2, column 5") {
			t.Errorf("%g: got error %v, want one that names tensor and place", bad, err)
		}
	}
	for _, c := range []struct{ n, in, group, bits int }{
		{64, 64, 64, 3}, {64, 64, 16, 4}, {96, 96, 64, 4}, {65, 64, 64, 4}, {0, 0, 64, 4}, {64, -64, 64, 4},
	} {
		if _, _, _, err := Quantize("w", make([]float32, c.n), c.in, c.group, c.bits); err == nil {
			t.Errorf("%+v was accepted", c)
		}
	}
}

// Rows do not know of one another: any cut into blocks of rows gives the same
// bytes, which is what lets the converter stream.
func TestRowsAreIndependent(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	w := make([]float32, 7*128)
	for i := range w {
		w[i] = float32(rng.NormFloat64())
	}
	q, scales, biases, err := Quantize("w", w, 128, 32, 4)
	if err != nil {
		t.Fatal(err)
	}
	var q2 []uint32
	var s2, b2 []uint16
	for r := 0; r < 7; r += 2 {
		to := min(r+2, 7)
		q, s, b, err := Quantize("w", w[r*128:to*128], 128, 32, 4)
		if err != nil {
			t.Fatal(err)
		}
		q2, s2, b2 = append(q2, q...), append(s2, s...), append(b2, b...)
	}
	if !cmp.Equal(q, q2) || !cmp.Equal(scales, s2) || !cmp.Equal(biases, b2) {
		t.Error("blocks of rows give other bytes than the whole")
	}
}

func BenchmarkQuantize(b *testing.B) {
	rng := rand.New(rand.NewPCG(3, 4))
	w := make([]float32, 1<<20)
	for i := range w {
		w[i] = float32(rng.NormFloat64())
	}
	for _, bits := range []int{4, 8} {
		b.Run(fmt.Sprintf("%d bits", bits), func(b *testing.B) {
			b.SetBytes(int64(4 * len(w)))
			for b.Loop() {
				if _, _, _, err := Quantize("w", w, 1024, 64, bits); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
