package cpu

import (
	"math"
	"math/bits"

	"github.com/samba-web/samba/gpu/reference"
)

// sampler is what drawing a token works in.
type sampler struct {
	kept  []float32 // logits that top-k leaves
	mass  []float32 // and how likely they are
	sifts []float32 // what cut turns about
}

// Sample is reference.Sample. Vocabularies of 200,000 tokens are neither sorted nor
// given logarithms token by token. The probabilities that top-p adds up are of fp32.
func (m *Kernels) Sample(s reference.Sampling, logits []float32, tail []uint32, pos uint32) uint32 {
	best := reference.Likeliest(s, logits, tail)
	if best == reference.NoToken || s.Temperature < reference.LeastTemperature {
		return best
	}
	bound := m.sampler.bound(s, logits, logits[best])
	stream := reference.Stream(s.Seed, pos)
	top, token := math.Inf(-1), 0
	for i, l := range logits {
		if l < bound {
			continue
		}
		noise := stream.Noise(i)
		score := float64(l) / float64(s.Temperature)
		// With u = 1 - v, -log(-log u) is below -log v, and v at least (2^NoiseBits - noise) / 2^(NoiseBits+1): few
		// tokens can still be the highest.
		if score+math.Ln2*float64(reference.NoiseBits+2-bits.Len32(1<<reference.NoiseBits-noise)) <= top {
			continue
		}
		uniform := (float64(noise) + 0.5) / (1 << reference.NoiseBits)
		if score -= math.Log(-math.Log(uniform)); score > top {
			top, token = score, i
		}
	}
	return uint32(token)
}

// bound is reference.Bound.
func (m *sampler) bound(s reference.Sampling, logits []float32, peak float32) float32 {
	bound := float32(math.Inf(-1))
	if s.TopK > 0 && int(s.TopK) < len(logits) {
		m.sifts = append(m.sifts[:0], logits...)
		bound = cut(m.sifts, true, float64(s.TopK))
	}
	if s.TopP < 1 {
		kept := logits
		if !math.IsInf(float64(bound), -1) {
			m.kept = m.kept[:0]
			for _, l := range logits {
				if l >= bound {
					m.kept = append(m.kept, l)
				}
			}
			kept = m.kept
		}
		m.mass = grown(m.mass, len(kept))
		for i, l := range kept {
			m.mass[i] = (l - peak) / s.Temperature
		}
		m.mass = likelihoods(m.mass)
		all := 0.0
		for _, p := range m.mass {
			all += float64(p)
		}
		// All that are below this have together half of what top-p leaves out, at most: the cut is above.
		faint := float32((1 - float64(s.TopP)) * all / float64(2*len(kept)))
		m.sifts = m.sifts[:0]
		for _, p := range m.mass {
			if p >= faint {
				m.sifts = append(m.sifts, p)
			}
		}
		least := cut(m.sifts, false, float64(s.TopP)*all)
		lowest := peak
		for i, p := range m.mass {
			if p >= least && kept[i] < lowest {
				lowest = kept[i]
			}
		}
		bound = max(bound, lowest)
	}
	if s.MinP > 0 {
		bound = max(bound, min(peak, peak+s.Temperature*float32(math.Log(float64(s.MinP)))))
	}
	return bound
}

// likelihoods makes what is in proportion to probabilities of logits, the highest of which is 0.
func likelihoods(v []float32) []float32 {
	if simd == 0 {
		for i, l := range v {
			v[i] = float32(math.Exp(float64(l)))
		}
		return v
	}
	n := len(v)
	for len(v)%4 != 0 {
		v = append(v, -math.MaxFloat32)
	}
	softmax(&v[0], len(v))
	return v[:n]
}

// cut finds the lowest of the values that come, highest first, to this weight, and
// changes their order. They are their own weights, or each has a weight of 1.
func cut(v []float32, counted bool, want float64) float32 {
	weight := func(x float32) float64 {
		if counted {
			return 1
		}
		return float64(x)
	}
	last := v[0]
	for len(v) > 0 {
		// The middle of three is a fair guess at the middle of all.
		a, b, c := v[0], v[len(v)/2], v[len(v)-1]
		last = max(min(a, b), min(max(a, b), c))
		above, below, at := 0, len(v), 0 // higher than last before above, lower from below on
		sum := 0.0
		for at < below {
			switch x := v[at]; {
			case x > last:
				sum += weight(x)
				v[at], v[above] = v[above], x
				above++
				at++
			case x < last:
				below--
				v[at], v[below] = v[below], x
			default:
				at++
			}
		}
		equal := float64(below-above) * weight(last)
		switch {
		case sum >= want:
			v = v[:above]
		case sum+equal >= want:
			return last
		default:
			want -= sum + equal
			v = v[below:]
		}
	}
	return last
}
