package reference

import "math"

// WindowAttention lets each of count queries attend to the Window positions
// that end with its own (Samba, section 2.2), or to all.
// qkv and the rings are as RoPE leaves them; out [count, Heads HeadDim].
func WindowAttention(s AttentionShape, qkv, keys, values, out []float32, pos, count int) {
	perKV := s.Heads / s.KVHeads
	window := pos + count
	if s.Window > 0 {
		window = min(window, s.Window)
	}
	Parallel(count*s.Heads, func(from, to int) {
		scores := make([]float64, 0, window)
		acc := make([]float64, s.HeadDim)
		for i := from; i < to; i++ {
			t, head := i/s.Heads, i%s.Heads
			q := qkv[(t*s.RowHeads()+head)*s.HeadDim:][:s.HeadDim]
			first := max(0, pos+t+1-window)
			scores = scores[:0]
			highest := math.Inf(-1)
			for j := first; j <= pos+t; j++ {
				k := keys[(j%s.Ring*s.KVHeads+head/perKV)*s.HeadDim:][:s.HeadDim]
				dot := 0.0
				for d, v := range q {
					dot += float64(v) * float64(k[d])
				}
				dot *= s.Factor()
				scores = append(scores, dot)
				highest = max(highest, dot)
			}
			clear(acc)
			sum := 0.0
			for n, score := range scores {
				p := math.Exp(score - highest)
				sum += p
				v := values[((first+n)%s.Ring*s.KVHeads+head/perKV)*s.HeadDim:][:s.HeadDim]
				for d := range acc {
					acc[d] += p * float64(v[d])
				}
			}
			for d := range acc {
				out[i*s.HeadDim+d] = float32(acc[d] / sum)
			}
		}
	})
}
