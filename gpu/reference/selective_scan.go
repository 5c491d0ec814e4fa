package reference

import "math"

// ScanShape are the sizes of a selective scan. Ungated leaves SiLU(z) out: what
// SambaY's gated memory units read.
type ScanShape struct {
	DInner, DState, DConv, DTRank int
	Ungated                       bool
}

// SelectiveScan is Mamba's recurrence for count tokens, with state h carried
// from call to call (Mamba, equation 2 and section 3.2):
//
//	dt = softplus(dtRaw + dtBias);  h = exp(dt*A) h + dt*B x;  y = (C.h + D x) * SiLU(z);  A = -exp(A_log)
//
// dtY [count, DInner] holds dtRaw and takes y; x [count, DInner]; xz [count,
// 2 DInner] with z second; dbc [count, DTRank + 2 DState]; params is A_log
// [DInner, DState], D, dtBias [DInner]; ssmState [DInner, DState]; convState
// takes the convolution's last inputs.
func SelectiveScan(s ScanShape, dtY, x, xz, dbc, params, ssmState, convState []float32, count int) {
	d, dtBias := params[s.DInner*s.DState:], params[s.DInner*(s.DState+1):]
	Parallel(s.DInner, func(from, to int) {
		a, h := make([]float64, s.DState), make([]float64, s.DState)
		last := make([]float32, s.DConv-1)
		for c := from; c < to; c++ {
			for n := range s.DState {
				a[n] = -math.Exp(float64(params[c*s.DState+n]))
				h[n] = float64(ssmState[c*s.DState+n])
			}
			for t := range count {
				dt := softplus(float64(dtY[t*s.DInner+c]) + float64(dtBias[c]))
				v := float64(x[t*s.DInner+c])
				b := dbc[t*(s.DTRank+2*s.DState)+s.DTRank:]
				sum := float64(d[c]) * v
				for n := range s.DState {
					h[n] = math.Exp(dt*a[n])*h[n] + dt*v*float64(b[n])
					sum += float64(b[s.DState+n]) * h[n]
				}
				if !s.Ungated {
					sum *= SiLU(float64(xz[(2*t+1)*s.DInner+c]))
				}
				dtY[t*s.DInner+c] = float32(sum)
			}
			for n := range s.DState {
				ssmState[c*s.DState+n] = float32(h[n])
			}
			for k := range last {
				last[k] = convInput(xz, convState, count+k, c, s.DInner, s.DConv)
			}
			copy(convState[c*(s.DConv-1):], last)
		}
	})
}

// softplus is log(1 + exp(v)); above 20 it is v to fp32's last bit.
func softplus(v float64) float64 {
	if v > 20 {
		return v
	}
	return math.Log1p(math.Exp(v))
}
