package reference

// CausalConv1D is Mamba's depthwise convolution with SiLU:
//
//	out[t, c] = SiLU(bias[c] + sum_k weight[c, k] * in[t-(dConv-1)+k, c])
//
// xz [count, 2 dInner] holds the inputs in the first half of each row;
// convState [dInner, dConv-1] holds the inputs before this chunk, oldest first,
// and is left alone: SelectiveScan carries it forward.
func CausalConv1D(xz, weight, bias, convState, out []float32, dInner, dConv, count int) {
	for t := range count {
		for c := range dInner {
			sum := float64(bias[c])
			for k := range dConv {
				sum += float64(weight[c*dConv+k]) * float64(convInput(xz, convState, t+k, c, dInner, dConv))
			}
			out[t*dInner+c] = float32(SiLU(sum))
		}
	}
}

// convInput is input i of channel c, counted from the oldest in convState.
func convInput(xz, convState []float32, i, c, dInner, dConv int) float32 {
	if i >= dConv-1 {
		return xz[(i-(dConv-1))*2*dInner+c]
	}
	return convState[c*(dConv-1)+i]
}
