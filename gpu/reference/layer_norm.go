package reference

import "math"

// LayerNorm is y[t, i] = (x[t, i] - mean) / sqrt(variance + eps) * gain[i] +
// bias[i], mean and variance over a token's values; x and y [count, len(gain)].
func LayerNorm(x, gain, bias []float32, eps float64, y []float32, count int) {
	width := len(gain)
	for t := range count {
		row := x[t*width : (t+1)*width]
		mean, variance := 0.0, 0.0
		for _, v := range row {
			mean += float64(v) / float64(width)
		}
		for _, v := range row {
			variance += (float64(v) - mean) * (float64(v) - mean) / float64(width)
		}
		scale := 1 / math.Sqrt(variance+eps)
		for i, v := range row {
			y[t*width+i] = float32((float64(v)-mean)*scale*float64(gain[i]) + float64(bias[i]))
		}
	}
}
