// Package cpu is the kernels for a processor: the same functions as package
// reference, in fp32 and as fast as Go gets them. In a browser their inner loops
// are WebAssembly SIMD (simd.wat), which works on Go's own memory; where SIMD is
// missing, and natively, they are plain Go, with a goroutine for each processor.
//
// Whatever a function computes for one token or row does not depend on how many
// goroutines there are.
package cpu

import (
	"math"

	"github.com/samba-web/samba/gpu/reference"
)

//go:generate node assemble.mjs

// Kernels are the functions with the memory that they work in. They belong to
// one goroutine at a time.
type Kernels struct {
	product product
	sampler sampler
	scores  []float32           // of one head
	second  []float32           // what the second of a pair of heads makes
	turns   []float64           // cos and sin of a position's angles
	steps   []float32           // decay and dt of a head's tokens
	rates   map[*float32]rates  // by the layer's params
	angles  map[angleKey]angles // by shape
}

// rates are what a scan needs of A_log, which does not change: A = -exp(A_log).
type rates []float32

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
	for t := range count {
		softplus(&dtY[t*s.DInner : (t+1)*s.DInner][0], &dtBias[0], s.DInner)
	}
	scan(&dtY[0], &x[:count*s.DInner][0], &dbc[s.DTRank], &dbc[s.DTRank+s.DState], 4*width, &a[0], &d[0], &ssmState[:len(a)][0], s.DInner, s.DState, count)
	for t := range count {
		if s.Ungated {
			break
		}
		y := dtY[t*s.DInner : (t+1)*s.DInner]
		siluMul(&xz[(2*t+1)*s.DInner : (2*t+2)*s.DInner][0], &y[0], &y[0], s.DInner)
	}
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
	perKV := s.Heads / s.KVHeads
	for t := range count {
		for head := range s.Heads {
			q := qkv[(t*s.RowHeads()+head)*s.HeadDim:][:s.HeadDim]
			m.attend(s, q, keys, head/perKV, values, head/perKV, out[(t*s.Heads+head)*s.HeadDim:][:s.HeadDim], pos+t)
		}
	}
}

// DifferentialAttention is reference.DifferentialAttention.
func (m *Kernels) DifferentialAttention(s reference.AttentionShape, qkv, keys, values, params, out []float32, pos, count int) {
	if simd == 0 || s.HeadDim%4 != 0 {
		reference.DifferentialAttention(s, qkv, keys, values, params, out, pos, count)
		return
	}
	wide, perKV := 2*s.HeadDim, s.Heads/s.KVHeads
	m.second = grown(m.second, wide)
	for t := range count {
		for j := range s.Heads / 2 {
			q := qkv[(t*s.RowHeads()+2*j)*s.HeadDim:][:wide]
			own, kv := out[(t*s.Heads+2*j)*s.HeadDim:][:wide], 2*(j/perKV)
			m.attend(s, q[:s.HeadDim], keys, kv, values, kv, own, pos+t)
			m.attend(s, q[s.HeadDim:], keys, kv+1, values, kv, m.second, pos+t)
			for i, v := range m.second {
				own[i] -= params[wide] * v
			}
			reference.RMSNorm(own, params[:wide], reference.DifferentialEps, own, 1)
		}
	}
}

// attend is a query's attention at pos to a key head, of the values from a value
// head on, as many as out has.
func (m *Kernels) attend(s reference.AttentionShape, q, keys []float32, keyHead int, values []float32, valueHead int, out []float32, pos int) {
	first := 0
	if s.Window > 0 {
		first = max(0, pos+1-s.Window)
	}
	n, row := pos+1-first, s.KVHeads*s.HeadDim
	padded := (n + 3) &^ 3
	m.scores = grown(m.scores, padded+4)
	scale := float32(s.Factor())
	// The ring holds them in one piece, or in two.
	begin := first % s.Ring
	whole := min(n, s.Ring-begin)
	keys, values = keys[keyHead*s.HeadDim:], values[valueHead*s.HeadDim:]
	dots(&q[0], &keys[begin*row], 4*row, whole, s.HeadDim, scale, &m.scores[0])
	if whole < n {
		dots(&q[0], &keys[0], 4*row, n-whole, s.HeadDim, scale, &m.scores[whole])
	}
	for i := n; i < padded; i++ {
		m.scores[i] = float32(math.Inf(-1))
	}
	softmax(&m.scores[0], padded)
	clear(out)
	mix(&m.scores[0], &values[begin*row], 4*row, whole, len(out), &out[0])
	if whole < n {
		mix(&m.scores[whole], &values[0], 4*row, n-whole, len(out), &out[0])
	}
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

// SSDScan is reference.SSDScan.
func (m *Kernels) SSDScan(s reference.SSDShape, rows, xbc, params, state, y []float32, count int) {
	if simd == 0 || s.DState%4 != 0 {
		reference.SSDScan(s, rows, xbc, params, state, y, count)
		return
	}
	inner, channels, width := s.Inner(), s.Channels(), s.Row()
	_, _, _ = xbc[:count*channels], state[:inner*s.DState], y[:count*inner] // SIMD checks nothing
	m.steps = grown(m.steps, 2*count)
	for head := range s.Heads {
		a := -math.Exp(float64(params[head]))
		for t := range count {
			dt := s.DT(rows[t*width+inner+channels+head], params[2*s.Heads+head])
			m.steps[2*t], m.steps[2*t+1] = float32(math.Exp(dt*a)), float32(dt)
		}
		c := head * s.HeadDim
		b := inner + head/(s.Heads/s.Groups)*s.DState
		ssd(&xbc[c], &xbc[b], &xbc[b+s.Groups*s.DState], 4*channels, &m.steps[0], params[s.Heads+head], &state[c*s.DState],
			&y[c], 4*inner, s.HeadDim, s.DState, count)
	}
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
