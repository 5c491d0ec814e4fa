package reference

import (
	"math"
	"slices"
)

// Logprob is a token and the natural logarithm of its probability.
type Logprob struct {
	Token uint32
	Value float32
}

// Logprobs returns that of token, and those of the top likeliest tokens, ties
// by id: the twin of logprobs.wgsl.
func Logprobs(logits []float32, token uint32, top int) (own float32, likeliest []Logprob) {
	peak := float64(slices.Max(logits))
	sum := 0.0
	for _, l := range logits {
		sum += math.Exp(float64(l) - peak)
	}
	all := peak + math.Log(sum)
	value := func(i uint32) float32 { return float32(float64(logits[i]) - all) }
	order := make([]uint32, len(logits))
	for i := range order {
		order[i] = uint32(i)
	}
	if top > 0 {
		slices.SortStableFunc(order, func(a, b uint32) int {
			switch {
			case logits[a] > logits[b]:
				return -1
			case logits[a] < logits[b]:
				return 1
			}
			return 0
		})
	}
	for _, i := range order[:min(top, len(order))] {
		likeliest = append(likeliest, Logprob{i, value(i)})
	}
	return value(token), likeliest
}
