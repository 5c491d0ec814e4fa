package cpu

import (
	"math"
	"unsafe"

	"github.com/samba-web/samba/gpu/reference"
)

// few is how many tokens are multiplied one by one: each then gets the bits that
// it gets alone. For more of them it is quicker to make a row fp32 first.
const few = 8

// blockRows is how many rows few of simd.wat multiplies between two looks at the
// scales: what they become, and the rows themselves, stay in the nearest cache.
const blockRows = 32

// product is what a linear layer's product works in.
type product struct {
	planes         []int16   // tokens' x in whole numbers, as fix of simd.wat leaves it
	units          []float32 // for matvec_q4 and matvec_q8
	scales, biases []float32 // of a row
	rows           []float32 // four, in fp32
	sums           []float32 // of tokens, before bias and factor
}

// Linear is reference.Linear.
func (m *Kernels) Linear(w *reference.Weight, x []float32, xStride int, y []float32, count int, add bool) {
	if w.Bias == nil && w.Factor == 0 {
		m.linear(w, x, xStride, y, count, add)
		return
	}
	sums := y
	if add {
		m.product.sums = grown(m.product.sums, count*w.Out)
		sums = m.product.sums
	}
	m.linear(w, x, xStride, sums, count, false)
	factor := w.Factor
	if factor == 0 {
		factor = 1
	}
	if w.Bias != nil {
		for t := range count {
			for r, bias := range w.Bias[:w.Out] {
				sums[t*w.Out+r] += bias
			}
		}
	}
	to := y[:count*w.Out] // at once: a head has 100,000 rows or more
	for i, v := range sums[:len(to)] {
		if v *= factor; add {
			v += to[i]
		}
		to[i] = v
	}
}

// linear is Linear without bias and factor.
func (m *Kernels) linear(w *reference.Weight, x []float32, xStride int, y []float32, count int, add bool) {
	_, _ = x[:(count-1)*xStride+w.In], y[:count*w.Out] // SIMD checks nothing
	if simd > 0 {
		if w.DType.Quantized() && count <= few {
			m.oneByOne(w, x, xStride, y, count, add)
			return
		}
		m.job.product(w, y, count, add, xStride, address(x))
		m.share(jobMany, w.Out, 4, w.In*count, 16*(w.In+3)+8*w.In/max(w.Group, 1))
		return
	}
	reference.Parallel(w.Out, func(from, to int) {
		new(product).together(w, from, to, x, xStride, y, count, add)
	})
}

// oneByOne multiplies tokens with quantized weights as they are.
func (m *Kernels) oneByOne(w *reference.Weight, x []float32, xStride int, y []float32, count int, add bool) {
	p, groups, bits := &m.product, w.In/w.Group, w.DType.Bits()
	size := 2 * w.In
	p.planes, p.units = grown(p.planes, count*size), grown(p.units, 2*count*groups)
	for t := range count {
		fix(&x[t*xStride], w.In, w.Group, bits, &p.planes[t*size], &p.units[2*t*groups])
	}
	m.job.product(w, y, count, add, xStride, address(p.planes), address(p.units))
	m.share(jobFew, w.Out, blockRows, w.In*count, 8*blockRows*groups)
}

// widen makes n of w's scales and biases fp32, from one on.
func (p *product) widen(w *reference.Weight, from, n int) {
	p.scales, p.biases = grown(p.scales, n), grown(p.biases, n)
	dtype := reference.F16
	if w.ScalesBF16 {
		dtype = reference.BF16
	}
	Widen(dtype, w.Scales[from:from+n], p.scales)
	Widen(dtype, w.Biases[from:from+n], p.biases)
}

// Widen makes fp32 of F16 or BF16; to has as many values as from, at least.
func Widen(dtype reference.DType, from []uint16, to []float32) {
	if simd > 0 && len(from) > 0 {
		_ = to[:len(from)] // SIMD checks nothing
		widen(dtype, &from[0], &to[0], len(from))
		return
	}
	if dtype == reference.BF16 {
		for i, h := range from {
			to[i] = reference.FromBF16(h)
		}
		return
	}
	for i, h := range from {
		if h&0x7c00 == 0x7c00 {
			to[i] = reference.FromF16(h)
			continue
		}
		// Exponent and fraction in their places; 2^112 makes good the exponent's bias.
		v := math.Float32frombits(uint32(h&0x7fff)<<13) * 0x1p112
		to[i] = math.Float32frombits(math.Float32bits(v) | uint32(h&0x8000)<<16)
	}
}

// together multiplies tokens with rows from to to, four of which become fp32 at
// once.
func (p *product) together(w *reference.Weight, from, to int, x []float32, xStride int, y []float32, count int, add bool) {
	p.rows = grown(p.rows, 4*w.In)
	for r := from; r < to; r += 4 {
		rows := min(4, to-r)
		for i := range rows {
			p.expand(w, r+i, p.rows[i*w.In:][:w.In])
		}
		for i := range rows {
			row := p.rows[i*w.In:][:w.In]
			for t := range count {
				v := dot(row, x[t*xStride:])
				if add {
					v += y[t*w.Out+r+i]
				}
				y[t*w.Out+r+i] = v
			}
		}
	}
}

// dot is the sum of row[k] x[k], in four sums that a processor adds to side by side.
func dot(row, x []float32) float32 {
	x = x[:len(row)]
	var a, b, c, d float32
	k := 0
	for ; k+4 <= len(row); k += 4 {
		w, v := row[k:k+4:k+4], x[k:k+4:k+4]
		a += w[0] * v[0]
		b += w[1] * v[1]
		c += w[2] * v[2]
		d += w[3] * v[3]
	}
	for ; k < len(row); k++ {
		a += row[k] * x[k]
	}
	return (a + b) + (c + d)
}

// expand makes row r fp32.
func (p *product) expand(w *reference.Weight, r int, out []float32) {
	at := unsafe.Pointer(unsafe.SliceData(w.Data))
	switch w.DType {
	case reference.F32:
		copy(out, unsafe.Slice((*float32)(at), len(w.Data))[r*w.In:])
	case reference.F16, reference.BF16:
		Widen(w.DType, unsafe.Slice((*uint16)(at), 2*len(w.Data))[r*w.In:][:w.In], out)
	default:
		groups := w.In / w.Group
		p.widen(w, r*groups, groups)
		bits := w.DType.Bits()
		row := w.Data[r*w.In*bits/32:][:w.In*bits/32]
		per := w.Group * bits / 32 // words of a group
		for g, scale := range p.scales {
			words, to, bias := row[g*per:(g+1)*per], out[g*w.Group:(g+1)*w.Group], p.biases[g]
			if bits == 8 {
				spread8(words, scale, bias, to)
			} else {
				spread4(words, scale, bias, to)
			}
		}
	}
}

// spread8 makes a group of 8 bits fp32.
func spread8(words []uint32, scale, bias float32, to []float32) {
	for _, w := range words {
		v := to[:4:4]
		v[0] = scale*float32(int32(w&255)) + bias
		v[1] = scale*float32(int32(w>>8&255)) + bias
		v[2] = scale*float32(int32(w>>16&255)) + bias
		v[3] = scale*float32(int32(w>>24)) + bias
		to = to[4:]
	}
}

// spread4 makes a group of 4 bits fp32.
func spread4(words []uint32, scale, bias float32, to []float32) {
	for _, w := range words {
		v := to[:8:8]
		v[0] = scale*float32(int32(w&15)) + bias
		v[1] = scale*float32(int32(w>>4&15)) + bias
		v[2] = scale*float32(int32(w>>8&15)) + bias
		v[3] = scale*float32(int32(w>>12&15)) + bias
		v[4] = scale*float32(int32(w>>16&15)) + bias
		v[5] = scale*float32(int32(w>>20&15)) + bias
		v[6] = scale*float32(int32(w>>24&15)) + bias
		v[7] = scale*float32(int32(w>>28)) + bias
		to = to[8:]
	}
}
