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

// ConvShape says where a convolution that carries its own state finds its
// inputs: Channels values from Offset on in rows of Stride. Gated is LFM2's
// short convolution: a row holds B, C and v, Channels values each; the inputs
// are B v, and C multiplies what comes out in SiLU's stead.
type ConvShape struct {
	Channels, DConv int
	Stride, Offset  int
	Gated           bool
}

// Convolution is CausalConv1D wherever its inputs lie, and carries state
// [Channels, DConv-1] forward:
//
//	out[t, c] = SiLU(bias[c] + sum_k weight[c, k] * in[t-(DConv-1)+k, c])
//
// rows [count, Stride]; params is weights [Channels, DConv], then biases
// [Channels]; out [count, Channels]. A factor of inputs, of which only this
// convolution knows, belongs to its weights.
func Convolution(s ConvShape, rows, params, state, out []float32, count int) {
	kept := s.DConv - 1
	in := make([]float64, kept+count)
	for c := range s.Channels {
		for k := range kept {
			in[k] = float64(state[c*kept+k])
		}
		for t := range count {
			in[kept+t] = float64(s.input(rows, t, c))
		}
		for t := range count {
			sum := float64(params[s.Channels*s.DConv+c])
			for k := range s.DConv {
				sum += float64(params[c*s.DConv+k]) * in[t+k]
			}
			if s.Gated {
				sum *= float64(rows[t*s.Stride+s.Channels+c])
			} else {
				sum = SiLU(sum)
			}
			out[t*s.Channels+c] = float32(sum)
		}
		for k := range kept {
			state[c*kept+k] = float32(in[count+k])
		}
	}
}

// input is what token t feeds channel c.
func (s ConvShape) input(rows []float32, t, c int) float32 {
	if s.Gated {
		return rows[t*s.Stride+c] * rows[t*s.Stride+2*s.Channels+c]
	}
	return rows[t*s.Stride+s.Offset+c]
}
