package cpu

import (
	"math/rand/v2"
	"testing"

	"github.com/samba-web/samba/gpu/reference"
)

// The product that most of a model's time goes into.
func BenchmarkLinear(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, dtype := range []reference.DType{reference.Q4, reference.Q8, reference.F16} {
		for _, count := range []int{1, 64} {
			w := weight(r, dtype, 1024, 1024, 64, false)
			x, y := normal(r, count*w.In, 1), make([]float32, count*w.Out)
			var k Kernels
			b.Run(dtype.String()+map[int]string{1: "/one", 64: "/64"}[count], func(b *testing.B) {
				for b.Loop() {
					k.Linear(w, x, w.In, y, count, false)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(count)/float64(w.Out*w.In), "ns/weight")
			})
		}
	}
}

// Drawing a token from a large vocabulary, from logits as sure as a trained model's and as unsure as random weights'.
func BenchmarkSample(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	for name, spread := range map[string]float64{"sure": 4, "unsure": 0.1} {
		logits := normal(r, 100352, spread)
		s := reference.Sampling{Temperature: 0.7, TopP: 0.95, Repetition: 1, Seed: 3}
		var k Kernels
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				k.Sample(s, logits, nil, 5)
			}
		})
	}
}
