package reference

// Linear is y[t, r] = Factor (sum_k W[r, k] x[t, k] + Bias[r]) for count tokens:
// the twin of the matvec and matmul kernels. x holds In values of each token at multiples of
// xStride, y takes Out at multiples of Out; add adds to what y holds.
func Linear(w *Weight, x []float32, xStride int, y []float32, count int, add bool) {
	Parallel(w.Out, func(from, to int) {
		row := make([]float32, w.In)
		for r := from; r < to; r++ {
			w.Row(r, row)
			for t := range count {
				in := x[t*xStride : t*xStride+w.In]
				sum := 0.0
				for k, v := range row {
					sum += float64(v) * float64(in[k])
				}
				if w.Bias != nil {
					sum += float64(w.Bias[r])
				}
				sum *= orOne(float64(w.Factor))
				if add {
					y[t*w.Out+r] += float32(sum)
				} else {
					y[t*w.Out+r] = float32(sum)
				}
			}
		}
	})
}
