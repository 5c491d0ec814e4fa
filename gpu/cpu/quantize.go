package cpu

// Quantize packs w, groups of group weights one after another, in bits each, as
// package model/quant does, whose plain Go is the twin: cuts are the parts of a
// group's range that are tried, refits the turns of least squares at most. q has a
// word for 32/bits weights, scales and biases an fp16 for each group. False where
// nothing was done, since there is no SIMD or a weight cannot be stored.
func Quantize(w []float32, group, bits int, cuts []float64, refits int, q []uint32, scales, biases []uint16) bool {
	groups := len(scales)
	if simd == 0 || groups == 0 {
		return false
	}
	pairs := make([]float64, 2*group)
	_, _, _ = w[groups*group-1], q[groups*group*bits/32-1], biases[groups-1]
	return quantize(&w[0], groups, group, bits, &cuts[0], len(cuts), refits, &pairs[0], &q[0], &scales[0], &biases[0])
}
