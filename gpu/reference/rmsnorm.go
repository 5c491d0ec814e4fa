package reference

import "math"

// RMSNorm is y[t, i] = x[t, i] / sqrt(mean_j x[t, j]^2 + eps) * gain[i], with
// x and y [count, len(gain)].
func RMSNorm(x, gain []float32, eps float64, y []float32, count int) {
	width := len(gain)
	for t := range count {
		row := x[t*width : (t+1)*width]
		sum := 0.0
		for _, v := range row {
			sum += float64(v) * float64(v)
		}
		scale := 1 / math.Sqrt(sum/float64(width)+eps)
		for i, v := range row {
			y[t*width+i] = float32(float64(v) * scale * float64(gain[i]))
		}
	}
}
