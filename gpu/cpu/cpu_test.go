package cpu

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/samba-web/samba/gpu/reference"
)

// levels runs a test with every kind of inner loop that there is here.
func levels(t *testing.T, test func(t *testing.T, r *rand.Rand)) {
	for _, level := range available() {
		t.Run(level.name, func(t *testing.T) {
			level.use(t)
			test(t, rand.New(rand.NewPCG(1, 2)))
		})
	}
}

func normal(r *rand.Rand, n int, deviation float64) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(r.NormFloat64() * deviation)
	}
	return v
}

// near wants got within tolerance of want, relative to want's largest value: sums
// of n products in fp32 are off by some n^1/2 roundings of their largest terms.
func near(t *testing.T, what string, got, want []float32, tolerance float64) {
	t.Helper()
	largest := 0.0
	for _, v := range want {
		largest = max(largest, math.Abs(float64(v)))
	}
	for i := range want {
		if d := math.Abs(float64(got[i]) - float64(want[i])); !(d <= tolerance*largest) {
			t.Fatalf("%s: value %d is %g, want %g (largest %g)", what, i, got[i], want[i], largest)
		}
	}
}

func clone(v []float32) []float32 { return append([]float32(nil), v...) }

func half(r *rand.Rand, bf16 bool, deviation float64) uint16 {
	v := float32(r.NormFloat64() * deviation)
	if bf16 {
		return uint16(math.Float32bits(v) >> 16)
	}
	// Cut off, not rounded: any half will do. Small ones are subnormal.
	bits := math.Float32bits(v)
	exponent := int(bits>>23&255) - 112
	fraction := bits&0x7fffff | 0x800000
	switch sign := uint16(bits >> 16 & 0x8000); {
	case exponent >= 31:
		return sign | 0x7bff
	case exponent <= 0:
		return sign | uint16(fraction>>min(14-exponent, 31))
	default:
		return sign | uint16(exponent)<<10 | uint16(fraction>>13&1023)
	}
}

func weight(r *rand.Rand, dtype reference.DType, out, in, group int, bf16 bool) *reference.Weight {
	w := &reference.Weight{DType: dtype, Out: out, In: in, ScalesBF16: bf16}
	w.Data = make([]uint32, (out*in*dtype.Bits()+31)/32)
	for i := range w.Data {
		switch dtype {
		case reference.F32:
			w.Data[i] = math.Float32bits(float32(r.NormFloat64()))
		case reference.F16, reference.BF16:
			w.Data[i] = uint32(half(r, dtype == reference.BF16, 1)) | uint32(half(r, dtype == reference.BF16, 1e-6))<<16
		default:
			w.Data[i] = r.Uint32()
		}
	}
	if dtype.Quantized() {
		w.Group = group
		for range out * in / group {
			w.Scales = append(w.Scales, half(r, bf16, 0.1))
			w.Biases = append(w.Biases, half(r, bf16, 1))
		}
	}
	return w
}

// A product of what is no number is none, and tells so; what is far apart, or too small to
// be told from 0, does no harm to other groups.
func TestLinearNoNumbers(t *testing.T) {
	levels(t, func(t *testing.T, r *rand.Rand) {
		for _, dtype := range []reference.DType{reference.Q4, reference.Q8} {
			w := weight(r, dtype, 5, 64, 32, false)
			for _, odd := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), 1e36, -1e36, 1e-44, 0} {
				x := normal(r, 64, 1)
				x[r.IntN(32)] = float32(odd)
				want, got := make([]float32, 5), make([]float32, 5)
				reference.Linear(w, x, 64, want, 1, false)
				new(Kernels).Linear(w, x, 64, got, 1, false)
				for i, v := range got {
					finite := math.Abs(float64(v)) < math.MaxFloat32
					if want := math.Abs(float64(want[i])) < math.MaxFloat32; finite != want {
						t.Errorf("%v, %g: row %d is %g, a number %v, want %v", dtype, odd, i, v, finite, want)
					}
				}
			}
			none, y := make([]float32, 64), normal(r, 5, 1)
			new(Kernels).Linear(w, none, 64, y, 1, false)
			near(t, "of zeros", y, make([]float32, 5), 0)
		}
	})
}

func TestLinear(t *testing.T) {
	levels(t, func(t *testing.T, r *rand.Rand) {
		var k Kernels
		check := func(dtype reference.DType, out, in, group, count int, bf16 bool) {
			w := weight(r, dtype, out, in, group, bf16)
			stride := in + r.IntN(5)
			x := normal(r, (count-1)*stride+in, math.Pow(10, float64(r.IntN(7)-3)))
			x[r.IntN(len(x))] *= 1000 // an outlier, as residual streams have them
			for _, add := range []bool{false, true} {
				want := normal(r, out*count, 1)
				got := clone(want)
				reference.Linear(w, x, stride, want, count, add)
				k.Linear(w, x, stride, got, count, add)
				// Each weight is rounded once, each sum once a term: 2^-24 of some times n^1/2, within n.
				near(t, fmt.Sprintf("%v [%d, %d] group %d, %d tokens, add %v", dtype, out, in, group, count, add), got, want, 3e-6)
			}
		}
		for _, count := range []int{1, 2, 3, few, few + 1, 31} {
			for _, group := range []int{32, 64, 128} {
				for _, dtype := range []reference.DType{reference.Q4, reference.Q8} {
					check(dtype, 1+r.IntN(70), group*(1+r.IntN(5)), group, count, r.IntN(2) == 0)
				}
			}
			for _, dtype := range []reference.DType{reference.F32, reference.F16, reference.BF16} {
				check(dtype, 1+r.IntN(9), 1+r.IntN(200), 0, count, false)
			}
		}
		check(reference.Q4, blockRows, 64, 64, 1, false)
		check(reference.Q8, blockRows+1, 64, 64, 1, false)
		check(reference.F32, 1, 1, 0, 1, false)
		check(reference.F16, 5, 3, 0, 2, false)
	})
}

// What a token gets must not depend on how many are multiplied with it, up to few.
func TestLinearAlone(t *testing.T) {
	levels(t, func(t *testing.T, r *rand.Rand) {
		var k Kernels
		for _, dtype := range []reference.DType{reference.Q4, reference.Q8, reference.F16} {
			w := weight(r, dtype, 37, 128, 64, false)
			x := normal(r, few*w.In, 1)
			all, one := make([]float32, few*w.Out), make([]float32, w.Out)
			k.Linear(w, x, w.In, all, few, false)
			for i := range few {
				k.Linear(w, x[i*w.In:], w.In, one, 1, false)
				for j, v := range one {
					if all[i*w.Out+j] != v {
						t.Fatalf("%v: token %d, row %d: %g among others, %g alone", dtype, i, j, all[i*w.Out+j], v)
					}
				}
			}
		}
	})
}

// Extremes of the fixed-point numbers: zeros, subnormals, the largest floats.
func TestLinearExtremes(t *testing.T) {
	levels(t, func(t *testing.T, r *rand.Rand) {
		var k Kernels
		w := weight(r, reference.Q8, 3, 64, 32, false)
		for _, size := range []float32{0, 1e-45, 1e-38, 1e30} {
			x := normal(r, 64, 1)
			for i := range x {
				x[i] *= size
			}
			want, got := make([]float32, 3), make([]float32, 3)
			reference.Linear(w, x, 64, want, 1, false)
			k.Linear(w, x, 64, got, 1, false)
			for i := range want {
				if d := math.Abs(float64(got[i] - want[i])); d > 1e-5*math.Abs(float64(want[i]))+float64(size)*1e-3+1e-35 {
					t.Errorf("x about %g: %g, want %g", size, got[i], want[i])
				}
			}
		}
	})
}

func TestSwiGLU(t *testing.T) {
	levels(t, func(t *testing.T, r *rand.Rand) {
		for _, width := range []int{1, 4, 7, 64} {
			in := normal(r, 2*3*width, 30) // past where exp ends
			want, got := make([]float32, 3*width), make([]float32, 3*width)
			reference.SwiGLU(in, want, width, 3)
			new(Kernels).SwiGLU(in, got, width, 3)
			near(t, fmt.Sprint("width ", width), got, want, 1e-6)
		}
	})
}

func TestMamba(t *testing.T) {
	levels(t, func(t *testing.T, r *rand.Rand) {
		var k Kernels
		for _, s := range []reference.ScanShape{{DInner: 8, DState: 16, DConv: 4, DTRank: 3}, {DInner: 20, DState: 4, DConv: 2, DTRank: 1}, {DInner: 6, DState: 5, DConv: 3, DTRank: 2}, {DInner: 4, DState: 8, DConv: 1, DTRank: 2}} {
			conv, params := normal(r, s.DInner*(s.DConv+1), 0.5), normal(r, s.DInner*(s.DState+2), 1)
			state, ssm := normal(r, s.DInner*(s.DConv-1), 1), normal(r, s.DInner*s.DState, 1)
			state2, ssm2 := clone(state), clone(ssm)
			for _, count := range []int{1, 2, 1, 7, 3} { // the state goes on from one to the next
				xz, dbc, dt := normal(r, count*2*s.DInner, 2), normal(r, count*(s.DTRank+2*s.DState), 1), normal(r, count*s.DInner, 5)
				y, x := clone(dt), make([]float32, count*s.DInner)
				y2, x2 := clone(dt), make([]float32, count*s.DInner)
				reference.CausalConv1D(xz, conv, conv[s.DInner*s.DConv:], state, x, s.DInner, s.DConv, count)
				k.CausalConv1D(xz, conv, conv[s.DInner*s.DConv:], state2, x2, s.DInner, s.DConv, count)
				what := fmt.Sprintf("%+v, %d tokens", s, count)
				near(t, what+": convolution", x2, x, 1e-6)
				reference.SelectiveScan(s, y, x, xz, dbc, params, ssm, state, count)
				k.SelectiveScan(s, y2, x2, xz, dbc, params, ssm2, state2, count)
				near(t, what+": scan", y2, y, 1e-5)
				near(t, what+": ssm_state", ssm2, ssm, 1e-5)
				near(t, what+": conv_state", state2, state, 0)
			}
		}
	})
}

func TestMamba2(t *testing.T) {
	levels(t, func(t *testing.T, r *rand.Rand) {
		var k Kernels
		for i, s := range []reference.SSDShape{
			{Heads: 3, HeadDim: 32, DState: 128, Groups: 1},
			{Heads: 4, HeadDim: 5, DState: 12, Groups: 2, DTFactor: 0.5, ZFactor: 0.35, DTMin: 0.01, DTMax: 0.4},
			{Heads: 2, HeadDim: 4, DState: 3, Groups: 1, Ungated: true},
		} {
			conv := s.Conv(taps - i)
			params, weights := normal(r, 3*s.Heads, 0.5), normal(r, conv.Channels*(conv.DConv+1), 0.5)
			state, tail := normal(r, s.Inner()*s.DState, 1), normal(r, conv.Channels*(conv.DConv-1), 1)
			state2, tail2 := clone(state), clone(tail)
			for _, count := range []int{1, 2, 1, 7, 3} { // the state goes on from one to the next
				rows := normal(r, count*s.Row(), 2)
				x, x2 := make([]float32, count*conv.Channels), make([]float32, count*conv.Channels)
				y, y2 := make([]float32, count*s.Inner()), make([]float32, count*s.Inner())
				reference.Convolution(conv, rows, weights, tail, x, count)
				k.Convolution(conv, rows, weights, tail2, x2, count)
				what := fmt.Sprintf("%+v, %d tokens", s, count)
				near(t, what+": convolution", x2, x, 2e-6)
				near(t, what+": conv_state", tail2, tail, 0)
				reference.SSDScan(s, rows, x, params, state, y, count)
				k.SSDScan(s, rows, x, params, state2, y2, count)
				near(t, what+": scan", y2, y, 1e-5)
				near(t, what+": ssm_state", state2, state, 1e-5)
			}
		}
	})
}

func TestShortConvolution(t *testing.T) {
	levels(t, func(t *testing.T, r *rand.Rand) {
		for _, width := range []int{3, taps} {
			s := reference.ConvShape{Channels: 20, DConv: width, Stride: 60, Gated: true}
			params, state := normal(r, s.Channels*(width+1), 0.5), normal(r, s.Channels*(width-1), 1)
			state2 := clone(state)
			for _, count := range []int{1, 2, 1, 7, 3} {
				rows := normal(r, count*s.Stride, 1)
				want, got := make([]float32, count*s.Channels), make([]float32, count*s.Channels)
				reference.Convolution(s, rows, params, state, want, count)
				new(Kernels).Convolution(s, rows, params, state2, got, count)
				near(t, fmt.Sprint(width, " wide, ", count, " tokens"), got, want, 2e-6)
				near(t, "conv_state", state2, state, 1e-6)
			}
		}
	})
}

func TestLinearBiasAndFactor(t *testing.T) {
	levels(t, func(t *testing.T, r *rand.Rand) {
		var k Kernels
		for _, dtype := range []reference.DType{reference.Q4, reference.F32} {
			for _, count := range []int{1, few + 1} {
				w := weight(r, dtype, 37, 64, 32, false)
				w.Bias, w.Factor = normal(r, w.Out, 5), 0.3
				x := normal(r, count*w.In, 1)
				for _, add := range []bool{false, true} {
					want := normal(r, w.Out*count, 1)
					got := clone(want)
					reference.Linear(w, x, w.In, want, count, add)
					k.Linear(w, x, w.In, got, count, add)
					near(t, fmt.Sprintf("%v, %d tokens, add %v", dtype, count, add), got, want, 3e-6)
				}
			}
		}
	})
}

func TestAttention(t *testing.T) {
	levels(t, func(t *testing.T, r *rand.Rand) {
		var k Kernels
		for _, s := range []reference.AttentionShape{
			{Heads: 4, KVHeads: 2, HeadDim: 32, Ring: 23, Window: 9, Theta: 10000},
			{Heads: 3, KVHeads: 1, HeadDim: 4, Ring: 40, Window: 17},
			{Heads: 2, KVHeads: 2, HeadDim: 20, Ring: 17, Window: 1, Theta: 500},
			{Heads: 2, KVHeads: 2, HeadDim: 6, Ring: 17, Window: 5, Theta: 500},
			{Heads: 4, KVHeads: 2, HeadDim: 16, Ring: 40, Theta: 500}, // full attention
		} {
			row := s.KVHeads * s.HeadDim
			keys, values := make([]float32, s.Ring*row), make([]float32, s.Ring*row)
			keys2, values2 := clone(keys), clone(values)
			pos := 0
			for i, count := range []int{1, 2, 8, 1, 1, 5, 8, 8, 1, 1, 1, 5} { // around the ring
				if s.Window > 0 && i > 8 { // and so far on that 31 bits do not hold it
					pos += 1 << 30 / s.Ring * s.Ring
				}
				qkv := normal(r, count*(s.Heads+2*s.KVHeads)*s.HeadDim, 2)
				qkv2 := clone(qkv)
				want, got := make([]float32, count*s.Heads*s.HeadDim), make([]float32, count*s.Heads*s.HeadDim)
				reference.RoPE(s, qkv, keys, values, pos, count)
				k.RoPE(s, qkv2, keys2, values2, pos, count)
				what := fmt.Sprintf("%+v at %d, %d tokens", s, pos, count)
				near(t, what+": queries", qkv2, qkv, 1e-7)
				near(t, what+": keys", keys2, keys, 1e-7)
				near(t, what+": values", values2, values, 0)
				reference.WindowAttention(s, qkv, keys, values, want, pos, count)
				k.WindowAttention(s, qkv2, keys2, values2, got, pos, count)
				near(t, what, got, want, 1e-5)
				pos += count
			}
		}
	})
}

func TestDifferentialAttention(t *testing.T) {
	levels(t, func(t *testing.T, r *rand.Rand) {
		var k Kernels
		for _, s := range []reference.AttentionShape{
			{Heads: 8, KVHeads: 4, HeadDim: 32, Ring: 23, Window: 9},
			{Heads: 4, KVHeads: 4, HeadDim: 6, Ring: 40},
			{Heads: 4, KVHeads: 2, HeadDim: 16, Ring: 40, Cross: true},
		} {
			s.Differential = true
			row := s.KVHeads * s.HeadDim
			keys, values, params := normal(r, s.Ring*row, 1), normal(r, s.Ring*row, 1), normal(r, 2*s.HeadDim+1, 1)
			for _, at := range [][2]int{{0, 1}, {1, 7}, {8, 1}, {9, 3}, {30, 5}, {3<<30 + 5, 4}} {
				pos, count := at[0], at[1]
				if s.Window == 0 && pos+count > s.Ring {
					continue
				}
				qkv := normal(r, count*s.RowHeads()*s.HeadDim, 2)
				want, got := make([]float32, count*s.Heads*s.HeadDim), make([]float32, count*s.Heads*s.HeadDim)
				reference.DifferentialAttention(s, qkv, keys, values, params, want, pos, count)
				k.DifferentialAttention(s, qkv, keys, values, params, got, pos, count)
				near(t, fmt.Sprintf("%+v at %d, %d tokens", s, pos, count), got, want, 2e-5)
			}
		}
	})
}

// Every half there is, infinities and NaNs included.
func TestWiden(t *testing.T) {
	levels(t, func(t *testing.T, _ *rand.Rand) {
		all, got := make([]uint16, 1<<16-1), make([]float32, 1<<16-1) // no multiple of 4
		for i := range all {
			all[i] = uint16(i)
		}
		for dtype, one := range map[reference.DType]func(uint16) float32{reference.F16: reference.FromF16, reference.BF16: reference.FromBF16} {
			Widen(dtype, all, got)
			for i, v := range got {
				if want := one(all[i]); math.Float32bits(v) != math.Float32bits(want) && !(v != v && want != want) {
					t.Fatalf("%v %#04x is %g, want %g", dtype, all[i], v, want)
				}
			}
		}
	})
}
