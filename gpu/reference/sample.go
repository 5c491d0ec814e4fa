package reference

import (
	"math"
	"slices"
)

// Sampling are the sampler's settings. The zero value of each filter but TopP
// and Repetition, whose neutral value is 1, switches it off.
type Sampling struct {
	Temperature float32 // below LeastTemperature: the highest logit
	TopP        float32 // 1: off
	MinP        float32 // 0: off
	Repetition  float32 // 1: off
	TopK        uint32  // 0: off
	Seed        uint64
}

// LeastTemperature is the lowest that logits are divided by: quotients beyond it
// are too large for fp32 to tell apart, so that the highest logit is taken.
const LeastTemperature = 1e-6

// NoToken is what Sample draws where logits are no numbers.
const NoToken = math.MaxUint32

// No logit is as large as this.
const noNumber = 3e38

// Sample draws the token for position pos from logits, which it changes: the
// twin of sample.wgsl, with the same penalties, filters and noise. tail holds
// the last tokens, for the repetition penalty. Where one of the logits is no
// number, or none below 3e38 in size, it draws NoToken.
func Sample(s Sampling, logits []float32, tail []uint32, pos uint32) uint32 {
	best := Likeliest(s, logits, tail)
	if best == NoToken || s.Temperature < LeastTemperature {
		return best
	}
	bound := Bound(s, logits)
	stream := Stream(s.Seed, pos)
	top, token := math.Inf(-1), 0
	for i, l := range logits {
		if l < bound {
			continue
		}
		uniform := (float64(stream.Noise(i)) + 0.5) / (1 << NoiseBits)
		if score := float64(l)/float64(s.Temperature) - math.Log(-math.Log(uniform)); score > top {
			top, token = score, i
		}
	}
	return uint32(token)
}

// Likeliest applies the repetition penalty to logits and finds the highest; NoToken
// where one is no number, or none below 3e38 in size.
func Likeliest(s Sampling, logits []float32, tail []uint32) uint32 {
	if s.Repetition != 1 {
		seen := make(map[uint32]bool, len(tail))
		for _, token := range tail {
			if int(token) >= len(logits) || seen[token] {
				continue
			}
			seen[token] = true
			if l := logits[token]; l > 0 {
				logits[token] = l / s.Repetition
			} else {
				logits[token] = l * s.Repetition
			}
		}
	}
	best, highest := 0, logits[0]
	for i, l := range logits {
		if !(l > -noNumber && l < noNumber) {
			return NoToken
		}
		if l > highest {
			best, highest = i, l
		}
	}
	return uint32(best)
}

// NoiseBits is how many bits a token's noise has.
const NoiseBits = 23

// NoiseStream is where the tokens' noise at one position comes from.
type NoiseStream uint32

// Stream is a seed's noise at a position.
func Stream(seed uint64, pos uint32) NoiseStream {
	return NoiseStream(pcg(uint32(seed) ^ pcg(uint32(seed>>32)^pcg(pos))))
}

// Noise is a token's: uniform, below 2^NoiseBits.
func (n NoiseStream) Noise(token int) uint32 {
	return pcg(uint32(n)^pcg(uint32(token))) >> (32 - NoiseBits)
}

// Bound is the lowest logit that top-k, top-p and min-p keep.
func Bound(s Sampling, logits []float32) float32 {
	sorted := slices.Clone(logits)
	slices.Sort(sorted)
	slices.Reverse(sorted)
	peak := sorted[0]
	bound := float32(math.Inf(-1))
	if s.TopK > 0 && int(s.TopK) < len(sorted) {
		bound = sorted[s.TopK-1]
	}
	if s.TopP < 1 {
		mass := func(l float32) float64 { return math.Exp(float64(l-peak) / float64(s.Temperature)) }
		all := 0.0
		for _, l := range sorted {
			if l >= bound {
				all += mass(l)
			}
		}
		sum := 0.0
		for _, l := range sorted {
			sum += mass(l)
			if sum >= float64(s.TopP)*all {
				bound = max(bound, l)
				break
			}
		}
	}
	if s.MinP > 0 {
		bound = max(bound, min(peak, peak+s.Temperature*float32(math.Log(float64(s.MinP)))))
	}
	return bound
}

// pcg is the RXS-M-XS hash of 32 bits (O'Neill, PCG, section 6.3.4).
func pcg(v uint32) uint32 {
	state := v*747796405 + 2891336453
	word := ((state >> ((state >> 28) + 4)) ^ state) * 277803737
	return (word >> 22) ^ word
}
