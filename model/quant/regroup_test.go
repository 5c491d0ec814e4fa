package quant

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// What is packed in wider codes and smaller groups reads back as before, bit for bit.
func TestRegroup(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	const rows, in = 3, 256
	w := make([]float32, rows*in)
	for i := range w {
		w[i] = float32(random.NormFloat64())
	}
	for _, c := range []struct{ bits, group, toBits, toGroup int }{{4, 64, 8, 64}, {4, 128, 4, 32}, {4, 128, 8, 64}, {8, 64, 8, 32}, {8, 32, 8, 32}} {
		q, scales, biases, err := Quantize("w", w, in, c.group, c.bits)
		if err != nil {
			t.Fatal(err)
		}
		want, got := make([]float32, len(w)), make([]float32, len(w))
		Dequantize(q, scales, biases, c.bits, c.group, in, want)
		q, scales, biases, err = Regroup(q, scales, biases, c.bits, c.group, in, c.toBits, c.toGroup)
		if err != nil {
			t.Fatal(err)
		}
		Dequantize(q, scales, biases, c.toBits, c.toGroup, in, got)
		if !slices.Equal(got, want) {
			t.Errorf("%+v: not what it was", c)
		}
	}
	for _, c := range []struct{ bits, group, toBits, toGroup int }{{8, 64, 4, 64}, {4, 32, 4, 64}} {
		if _, _, _, err := Regroup(nil, nil, nil, c.bits, c.group, in, c.toBits, c.toGroup); err == nil || !strings.Contains(err.Error(), "without loss") {
			t.Errorf("%+v: %v", c, err)
		}
	}
}
