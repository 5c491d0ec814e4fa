package reference

import "math"

// RMSNorm is y[t, i] = x[t, i] / sqrt(mean_j x[t, j]^2 + eps) * gain[i], with
// x and y [count, len(gain)].
func RMSNorm(x, gain []float32, eps float64, y []float32, count int) {
	width := len(gain)
	for t := range count {
		normalize(x[t*width:(t+1)*width], gain, eps, y[t*width:])
	}
}

// normalize is RMSNorm of one row; gain nil is none, y may be x.
func normalize(x, gain []float32, eps float64, y []float32) {
	sum := 0.0
	for _, v := range x {
		sum += float64(v) * float64(v)
	}
	scale := 1 / math.Sqrt(sum/float64(len(x))+eps)
	for i, v := range x {
		factor := scale
		if gain != nil {
			factor *= float64(gain[i])
		}
		y[i] = float32(float64(v) * factor)
	}
}
