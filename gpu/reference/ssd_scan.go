package reference

import "math"

// SSDShape are the sizes of Mamba-2's mixer. in_proj's rows are z [Inner], x
// [Inner], B [Groups DState], C [Groups DState] and dt [Heads]; x, B and C pass
// through the convolution together, as Channels channels.
//
// DTFactor and ZFactor multiply dt and z as in_proj leaves them, 0 for 1; a
// factor of x, B or C belongs to the convolution's weights. dt is clamped to
// DTMin and DTMax if DTMax is above 0. Ungated leaves SiLU(z) out.
type SSDShape struct {
	Heads, HeadDim, DState, Groups int
	DTFactor, ZFactor              float64
	DTMin, DTMax                   float64
	Ungated                        bool
}

// Inner is the number of channels of x.
func (s SSDShape) Inner() int { return s.Heads * s.HeadDim }

// Channels is the number of channels that are convolved: x, B and C.
func (s SSDShape) Channels() int { return s.Inner() + 2*s.Groups*s.DState }

// Row is the number of in_proj's rows.
func (s SSDShape) Row() int { return s.Inner() + s.Channels() + s.Heads }

// Conv is where the convolution finds x, B and C in a row.
func (s SSDShape) Conv(dConv int) ConvShape {
	return ConvShape{Channels: s.Channels(), DConv: dConv, Stride: s.Row(), Offset: s.Inner()}
}

// SSDScan is Mamba-2's recurrence for count tokens (Transformers are SSMs,
// section 7), with state h carried from call to call; j is the head of channel
// c, g its group:
//
//	dt = softplus(dt[j] + dtBias[j]);  h[c, n] = exp(dt A[j]) h[c, n] + dt x[c] B[g, n];  A = -exp(A_log)
//	y[c] = (C[g] . h[c] + D[j] x[c]) * SiLU(z[c])
//
// rows [count, Row] holds z and dt; xbc [count, Channels] what the convolution
// made of the rest; params is A_log, D and dtBias [Heads] each; state [Inner,
// DState]; y [count, Inner].
func SSDScan(s SSDShape, rows, xbc, params, state, y []float32, count int) {
	inner, width, channels := s.Inner(), s.Row(), s.Channels()
	Parallel(inner, func(from, to int) {
		h := make([]float64, s.DState)
		for c := from; c < to; c++ {
			head := c / s.HeadDim
			group := head / (s.Heads / s.Groups)
			a := -math.Exp(float64(params[head]))
			for n := range h {
				h[n] = float64(state[c*s.DState+n])
			}
			for t := range count {
				dt := s.DT(rows[t*width+inner+channels+head], params[2*s.Heads+head])
				own := xbc[t*channels:][:channels]
				b, cs := own[inner+group*s.DState:], own[inner+(s.Groups+group)*s.DState:]
				x, decay := float64(own[c]), math.Exp(dt*a)
				sum := float64(params[s.Heads+head]) * x
				for n := range h {
					h[n] = decay*h[n] + dt*x*float64(b[n])
					sum += float64(cs[n]) * h[n]
				}
				if !s.Ungated {
					sum *= SiLU(orOne(s.ZFactor) * float64(rows[t*width+c]))
				}
				y[t*inner+c] = float32(sum)
			}
			for n := range h {
				state[c*s.DState+n] = float32(h[n])
			}
		}
	})
}

// DT is a head's step of time, of what in_proj says and of its bias.
func (s SSDShape) DT(raw, bias float32) float64 {
	dt := softplus(orOne(s.DTFactor)*float64(raw) + float64(bias))
	if s.DTMax > 0 {
		dt = min(max(dt, s.DTMin), s.DTMax)
	}
	return dt
}

func orOne(factor float64) float64 {
	if factor == 0 {
		return 1
	}
	return factor
}
