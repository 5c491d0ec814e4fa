// Package cpu is the kernels for a processor: the same functions as package
// reference, in fp32 and as fast as Go gets them. In a browser their inner loops
// are WebAssembly SIMD (simd.wat), which works on Go's own memory, on several threads
// where that is shared (Hire); where SIMD is missing, and natively, they are plain Go,
// with a goroutine for each processor.
//
// Whatever a function computes for one token or row does not depend on how many
// goroutines or threads there are.
package cpu

import (
	"math"
	"unsafe"

	"github.com/samba-web/samba/gpu/reference"
)

//go:generate node assemble.mjs

// Kernels are the functions with the memory that they work in. They belong to
// one goroutine at a time.
type Kernels struct {
	product product
	sampler sampler
	job     job
	scratch []byte              // of all threads
	pairs   []float32           // what pairs of heads make
	turns   []float64           // cos and sin of a position's angles
	steps   []float32           // decay and dt of a head's tokens
	rates   map[*float32]rates  // by the layer's params
	angles  map[angleKey]angles // by shape
}

// rates are what a scan needs of A_log, which does not change: A = -exp(A_log).
type rates []float32

// scanCost is how many multiplications a step of a scan's state is worth: mostly those
// of an exponential.
const scanCost = 8

type angleKey struct {
	headDim int
	theta   float64
}

// angles are RoPE's frequencies, in radians for a position.
type angles []float64

// grown returns a slice of n values that may be s.
func grown[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n, n+n/4)
	}
	return s[:n]
}

// RMSNorm is reference.RMSNorm.
func (*Kernels) RMSNorm(x, gain []float32, eps float64, y []float32, count int) {
	reference.RMSNorm(x, gain, eps, y, count)
}

// Embedding is reference.Embedding.
func (*Kernels) Embedding(w *reference.Weight, ids []uint32, x []float32) {
	reference.Embedding(w, ids, x)
}

// SwiGLU is reference.SwiGLU.
func (*Kernels) SwiGLU(gateUp, h []float32, width, count int) {
	if simd == 0 || width%4 != 0 {
		reference.SwiGLU(gateUp, h, width, count)
		return
	}
	for t := range count {
		row := gateUp[2*t*width : 2*(t+1)*width]
		siluMul(&row[0], &row[width], &h[t*width : (t+1)*width][0], width)
	}
}

// CausalConv1D is reference.CausalConv1D.
func (*Kernels) CausalConv1D(xz, weight, bias, convState, out []float32, dInner, dConv, count int) {
	if simd == 0 || dInner%4 != 0 {
		reference.CausalConv1D(xz, weight, bias, convState, out, dInner, dConv, count)
		return
	}
	for t := range count {
		sum := out[t*dInner : (t+1)*dInner]
		copy(sum, bias)
		for k := range dConv {
			w := weight[k:]
			if i := t + k - (dConv - 1); i >= 0 {
				for c, v := range xz[2*i*dInner : (2*i+1)*dInner] {
					sum[c] += w[c*dConv] * v
				}
			} else {
				before := convState[t+k:]
				for c := range sum {
					sum[c] += w[c*dConv] * before[c*(dConv-1)]
				}
			}
		}
		silu(&sum[0], dInner)
	}
}

// SelectiveScan is reference.SelectiveScan.
func (m *Kernels) SelectiveScan(s reference.ScanShape, dtY, x, xz, dbc, params, ssmState, convState []float32, count int) {
	if simd == 0 || s.DState%4 != 0 || s.DInner%4 != 0 {
		reference.SelectiveScan(s, dtY, x, xz, dbc, params, ssmState, convState, count)
		return
	}
	a := m.rates[&params[0]]
	if a == nil {
		a = make(rates, s.DInner*s.DState)
		for i := range a {
			a[i] = float32(-math.Exp(float64(params[i])))
		}
		if m.rates == nil {
			m.rates = map[*float32]rates{}
		}
		m.rates[&params[0]] = a
	}
	d, dtBias := params[s.DInner*s.DState:], params[s.DInner*(s.DState+1):][:s.DInner]
	width := s.DTRank + 2*s.DState
	dbc = dbc[:count*width]
	z := []float32(nil)
	if !s.Ungated {
		z = xz[s.DInner:]
	}
	_, _, _, _ = dtY[:count*s.DInner], x[:count*s.DInner], xz[:2*count*s.DInner], ssmState[:len(a)] // SIMD checks nothing
	m.job.set([]unsafe.Pointer{address(dtY), address(x), address(dbc[s.DTRank:]), address(dbc[s.DTRank+s.DState:]), address(a), address(d), address(ssmState), address(dtBias), address(z)},
		s.DInner, s.DState, count, 4*width)
	m.share(jobChannels, s.DInner, 4, scanCost*s.DState*count, 0)
	// The convolution's last inputs: those before this run move down, its own follow.
	kept := s.DConv - 1
	for c := range s.DInner {
		last := convState[c*kept : (c+1)*kept]
		copy(last, last[min(count, kept):])
		for k := max(0, kept-count); k < kept; k++ {
			last[k] = xz[2*(count-kept+k)*s.DInner+c]
		}
	}
}

// HeadNorm is reference.HeadNorm.
func (*Kernels) HeadNorm(s reference.AttentionShape, qkv, norm []float32, eps float64, count int) {
	reference.HeadNorm(s, qkv, norm, eps, count)
}

// RoPE is reference.RoPE.
func (m *Kernels) RoPE(s reference.AttentionShape, qkv, keys, values []float32, pos, count int) {
	half := s.HeadDim / 2
	m.turns = grown(m.turns, 2*half)
	at := m.frequencies(s)
	for t := range count {
		for i, frequency := range at {
			m.turns[2*i+1], m.turns[2*i] = math.Sincos(float64(pos+t) * frequency)
		}
		slot := (pos + t) % s.Ring * s.KVHeads
		for head := range s.Heads + 2*s.KVHeads {
			v := qkv[(t*(s.Heads+2*s.KVHeads)+head)*s.HeadDim:][:s.HeadDim]
			target := v
			switch {
			case head >= s.Heads+s.KVHeads:
				copy(values[(slot+head-s.Heads-s.KVHeads)*s.HeadDim:], v)
				continue
			case head >= s.Heads:
				target = keys[(slot+head-s.Heads)*s.HeadDim:][:s.HeadDim]
			}
			if s.Theta <= 0 {
				copy(target, v)
				continue
			}
			for i := range half {
				cos, sin := m.turns[2*i], m.turns[2*i+1]
				a, b := float64(v[i]), float64(v[i+half])
				target[i], target[i+half] = float32(a*cos-b*sin), float32(a*sin+b*cos)
			}
		}
	}
}

func (m *Kernels) frequencies(s reference.AttentionShape) angles {
	if s.Theta <= 0 {
		return nil
	}
	key := angleKey{s.HeadDim, s.Theta}
	at := m.angles[key]
	if at == nil {
		at = make(angles, s.HeadDim/2)
		for i := range at {
			at[i] = math.Pow(s.Theta, -2*float64(i)/float64(s.HeadDim))
		}
		if m.angles == nil {
			m.angles = map[angleKey]angles{}
		}
		m.angles[key] = at
	}
	return at
}

// WindowAttention is reference.WindowAttention.
func (m *Kernels) WindowAttention(s reference.AttentionShape, qkv, keys, values, out []float32, pos, count int) {
	if simd == 0 || s.HeadDim%4 != 0 {
		reference.WindowAttention(s, qkv, keys, values, out, pos, count)
		return
	}
	m.attend(s, qkv, keys, values, out, pos, count)
}

// DifferentialAttention is reference.DifferentialAttention.
func (m *Kernels) DifferentialAttention(s reference.AttentionShape, qkv, keys, values, params, out []float32, pos, count int) {
	if simd == 0 || s.HeadDim%4 != 0 {
		reference.DifferentialAttention(s, qkv, keys, values, params, out, pos, count)
		return
	}
	wide := 2 * s.HeadDim
	m.pairs = grown(m.pairs, count*s.Heads*wide)
	m.attend(s, qkv, keys, values, m.pairs, pos, count)
	for i := range count * s.Heads / 2 {
		own, pair := out[i*wide:][:wide], m.pairs[2*i*wide:]
		for c := range own {
			own[c] = pair[c] - params[wide]*pair[wide+c]
		}
		reference.RMSNorm(own, params[:wide], reference.DifferentialEps, own, 1)
	}
}

// attend is the attention of each head of each token, from pos on; of a differential
// pair both heads have values of twice the width, one after another in out.
func (m *Kernels) attend(s reference.AttentionShape, qkv, keys, values, out []float32, pos, count int) {
	if s.Window > 0 && pos > s.Window {
		// SIMD counts in 31 bits. A position some times around the ring before this one has the same slots, and as
		// many of them as long as a whole window lies before it.
		pos = s.Window + (pos-s.Window)%s.Ring
	}
	n := pos + count
	if s.Window > 0 {
		n = min(n, s.Window)
	}
	row := s.KVHeads * s.HeadDim
	_, _, _ = qkv[:count*s.RowHeads()*s.HeadDim], keys[:min(pos+count, s.Ring)*row], values[:min(pos+count, s.Ring)*row] // SIMD checks nothing
	_ = out[:count*s.Heads*s.HeadDim<<bit(s.Differential)]
	m.job.set([]unsafe.Pointer{address(qkv), address(keys), address(values), address(out)},
		s.Heads, s.RowHeads(), s.HeadDim, s.Heads/s.KVHeads, s.KVHeads, s.Ring, s.Window, pos,
		int(math.Float32bits(float32(s.Factor()))), 0, bit(s.Differential))
	m.share(jobAttend, count*s.Heads, 1, 2*n*s.HeadDim, 4*(n+8))
}

// NormDBC is reference.NormDBC.
func (*Kernels) NormDBC(s reference.ScanShape, dbc, gain []float32, eps float64, count int) {
	reference.NormDBC(s, dbc, gain, eps, count)
}

// Convolution is reference.Convolution.
func (*Kernels) Convolution(s reference.ConvShape, rows, params, state, out []float32, count int) {
	if simd == 0 || s.Channels%4 != 0 {
		reference.Convolution(s, rows, params, state, out, count)
		return
	}
	if count == 1 && s.DConv == taps {
		convolveOne(s, rows, params, state, out)
		return
	}
	kept := s.DConv - 1
	// in adds weight k times the inputs of token t, t below 0 before this run, to sum.
	in := func(t, k int, sum []float32) {
		w := params[k:]
		if t < 0 {
			before := state[kept+t:]
			for c := range sum {
				sum[c] += w[c*s.DConv] * before[c*kept]
			}
			return
		}
		row := rows[t*s.Stride:]
		if s.Gated {
			v := row[2*s.Channels:]
			for c := range sum {
				sum[c] += w[c*s.DConv] * (row[c] * v[c])
			}
			return
		}
		for c, v := range row[s.Offset:][:s.Channels] {
			sum[c] += w[c*s.DConv] * v
		}
	}
	for t := range count {
		sum := out[t*s.Channels : (t+1)*s.Channels]
		copy(sum, params[s.Channels*s.DConv:])
		for k := range s.DConv {
			in(t+k-kept, k, sum)
		}
		if !s.Gated {
			silu(&sum[0], s.Channels)
			continue
		}
		for c, v := range rows[t*s.Stride+s.Channels:][:s.Channels] {
			sum[c] *= v
		}
	}
	for c := range s.Channels {
		last := state[c*kept : (c+1)*kept]
		copy(last, last[min(count, kept):])
		for k := max(0, kept-count); k < kept; k++ {
			row := rows[(count-kept+k)*s.Stride:]
			if last[k] = row[s.Offset+c]; s.Gated {
				last[k] = row[c] * row[2*s.Channels+c]
			}
		}
	}
}

// taps is how wide the convolution of published Mamba models is.
const taps = 4

// convolveOne is Convolution of a single token, taps wide, in one pass with the sums in the same order.
func convolveOne(s reference.ConvShape, row, params, state, out []float32) {
	n := s.Channels
	in, sum, bias := row[s.Offset:][:n], out[:n], params[n*taps:][:n]
	var factor, gate []float32
	if s.Gated {
		in, gate, factor = row[:n], row[n:][:n], row[2*n:][:n]
	}
	for c, v := range in {
		if s.Gated {
			v *= factor[c]
		}
		w, last := params[c*taps:][:taps], state[c*(taps-1):][:taps-1]
		sum[c] = bias[c] + w[0]*last[0] + w[1]*last[1] + w[2]*last[2] + w[3]*v
		last[0], last[1], last[2] = last[1], last[2], v
	}
	if !s.Gated {
		silu(&sum[0], n)
		return
	}
	for c, v := range gate {
		sum[c] *= v
	}
}

// SSDScan is reference.SSDScan.
func (m *Kernels) SSDScan(s reference.SSDShape, rows, xbc, params, state, y []float32, count int) {
	if simd == 0 || s.DState%4 != 0 {
		reference.SSDScan(s, rows, xbc, params, state, y, count)
		return
	}
	inner, channels, width := s.Inner(), s.Channels(), s.Row()
	_, _, _ = xbc[:count*channels], state[:inner*s.DState], y[:count*inner] // SIMD checks nothing
	m.steps = grown(m.steps, 2*count*s.Heads)
	for head := range s.Heads {
		a, steps := -math.Exp(float64(params[head])), m.steps[2*head*count:]
		for t := range count {
			dt := s.DT(rows[t*width+inner+channels+head], params[2*s.Heads+head])
			steps[2*t], steps[2*t+1] = float32(math.Exp(dt*a)), float32(dt)
		}
	}
	m.job.set([]unsafe.Pointer{address(xbc), address(xbc[inner:]), address(m.steps), address(params[s.Heads:]), address(state), address(y)},
		s.HeadDim, s.DState, count, 4*channels, 4*inner, s.Heads/s.Groups, 4*s.Groups*s.DState)
	m.share(jobHeads, s.Heads, 1, 2*s.HeadDim*s.DState*count, 0)
	if s.Ungated {
		return
	}
	for t := range count {
		own := y[t*inner : (t+1)*inner]
		m.gate(rows[t*width:][:inner], s.ZFactor, own, own)
	}
}

// gate is out = SiLU(factor z) * m, element by element; factor 0 is 1.
func (*Kernels) gate(z []float32, factor float64, m, out []float32) {
	if simd == 0 || len(m)%4 != 0 || factor != 0 && factor != 1 {
		reference.Gated(z, reference.Gate{Factor: factor}, m, out, len(m), 1)
		return
	}
	siluMul(&z[0], &m[0], &out[0], len(m))
}

// GroupNorm is reference.GroupNorm.
func (*Kernels) GroupNorm(y, gain []float32, eps float64, groups int, z []float32, g reference.Gate, count int) {
	reference.GroupNorm(y, gain, eps, groups, z, g, count)
}

// Gated is reference.Gated.
func (m *Kernels) Gated(z []float32, g reference.Gate, memory, out []float32, width, count int) {
	for t := range count {
		m.gate(z[t*g.Stride+g.Offset:][:width], g.Factor, memory[t*width:][:width], out[t*width:][:width])
	}
}

// SquaredReLU is reference.SquaredReLU.
func (*Kernels) SquaredReLU(h []float32) { reference.SquaredReLU(h) }

// LayerNorm is reference.LayerNorm.
func (*Kernels) LayerNorm(x, gain, bias []float32, eps float64, y []float32, count int) {
	reference.LayerNorm(x, gain, bias, eps, y, count)
}
