package reference

import (
	"math"
	"slices"
)

// Score is scores[t] = log softmax(logits[t, :])[next[t]], with logits
// [len(next), vocab].
func Score(logits []float32, next []uint32, scores []float32) {
	vocab := len(logits) / len(next)
	Parallel(len(next), func(from, to int) {
		for t := from; t < to; t++ {
			row := logits[t*vocab : (t+1)*vocab]
			peak := float64(slices.Max(row))
			sum := 0.0
			for _, l := range row {
				sum += math.Exp(float64(l) - peak)
			}
			scores[t] = float32(float64(row[next[t]]) - peak - math.Log(sum))
		}
	})
}
