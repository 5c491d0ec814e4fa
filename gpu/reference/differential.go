package reference

import "math"

// DifferentialEps is that of differential attention's norm, whatever the
// model's is.
const DifferentialEps = 1e-5

// DifferentialParams are a layer's own numbers as DifferentialAttention reads
// them: the norm's gains [2 HeadDim] times 1 - start, then lambda =
// exp(q1.k1) - exp(q2.k2) + start with start = 0.8 - 0.6 exp(-0.3 layer), layers
// counted from 0.
func DifferentialParams(q1, k1, q2, k2, gain []float32, layer int) []float32 {
	start := 0.8 - 0.6*math.Exp(-0.3*float64(layer))
	dot := func(a, b []float32) (sum float64) {
		for i := range a {
			sum += float64(a[i]) * float64(b[i])
		}
		return sum
	}
	out := make([]float32, 0, len(gain)+1)
	for _, g := range gain {
		out = append(out, float32(float64(g)*(1-start)))
	}
	return append(out, float32(math.Exp(dot(q1, k1))-math.Exp(dot(q2, k2))+start))
}

// DifferentialAttention is WindowAttention in pairs of heads (Ye et al.,
// section 2.1; SambaY): query heads 2j and 2j+1 attend to key heads 2g and 2g+1, g
// = j / (Heads/KVHeads), and both take the values of heads 2g and 2g+1 side by
// side. Of the two outcomes
//
//	out[t, j, :] = RMSNorm(o1 - lambda o2) * gain
//
// params [2 HeadDim + 1] are DifferentialParams; out [count, Heads/2, 2 HeadDim].
func DifferentialAttention(s AttentionShape, qkv, keys, values, params, out []float32, pos, count int) {
	window, wide := pos+count, 2*s.HeadDim
	if s.Window > 0 {
		window = min(window, s.Window)
	}
	lambda := float64(params[wide])
	Parallel(count*s.Heads/2, func(from, to int) {
		row := make([]float32, wide)
		for i := from; i < to; i++ {
			t, j := i/(s.Heads/2), i%(s.Heads/2)
			g := j / (s.Heads / s.KVHeads)
			first := max(0, pos+t+1-window)
			var o [2][]float64
			for stripe := range o {
				q := qkv[(t*s.RowHeads()+2*j+stripe)*s.HeadDim:][:s.HeadDim]
				scores := make([]float64, 0, window)
				highest := math.Inf(-1)
				for at := first; at <= pos+t; at++ {
					k := keys[(at%s.Ring*s.KVHeads+2*g+stripe)*s.HeadDim:]
					dot := 0.0
					for d, v := range q {
						dot += float64(v) * float64(k[d])
					}
					scores = append(scores, dot*s.Factor())
					highest = max(highest, dot*s.Factor())
				}
				o[stripe] = make([]float64, wide)
				sum := 0.0
				for _, score := range scores {
					sum += math.Exp(score - highest)
				}
				for n, score := range scores {
					v := values[((first+n)%s.Ring*s.KVHeads+2*g)*s.HeadDim:]
					for d := range o[stripe] {
						o[stripe][d] += math.Exp(score-highest) / sum * float64(v[d])
					}
				}
			}
			for d := range row {
				row[d] = float32(o[0][d] - lambda*o[1][d])
			}
			normalize(row, params[:wide], DifferentialEps, out[i*wide:])
		}
	})
}
