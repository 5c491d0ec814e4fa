// Package quant packs 2-D weights in MLX's affine convention and unpacks them.
//
// Each run of `group` consecutive weights of a row shares one scale and one
// bias, both F16; a weight is stored as a whole number q of 4 or 8 bits and
// read as
//
//	w = scale*q + bias
//
// in float32. Words of 32 bits hold 32/bits consecutive weights, the first in
// the lowest bits. Shapes, row-major: q [out, in*bits/32], scales and biases
// [out, in/group].
package quant

import (
	"fmt"
	"math"
	"sync"

	"github.com/x448/float16"

	"github.com/samba-web/samba/gpu/cpu"
	"github.com/samba-web/samba/gpu/reference"
)

// Check reports a format that is not supported or does not fit rows of in
// weights.
func Check(bits, group, in int) error {
	if bits != 4 && bits != 8 {
		return fmt.Errorf("quantization: %d bits, want 4 or 8", bits)
	}
	if group != 32 && group != 64 && group != 128 {
		return fmt.Errorf("quantization: group size %d, want 32, 64 or 128", group)
	}
	if in < 1 || in%group != 0 {
		return fmt.Errorf("quantization: rows of %d weights, want a multiple of the group size %d", in, group)
	}
	return nil
}

// Quantize packs w, row-major [out, in]. Per group it tries the full range and
// ranges shrunk towards their middle, then in turn refits scale and bias to the
// best codes by least squares and codes to those, as long as it helps, and keeps
// what gives the least squared error as the weights will be read back: with
// scale and bias rounded to F16.
//
// The same bits come out on every machine, and of simd.wat in browsers, which is
// some twenty times as fast as WebAssembly from Go: products whose rounding matters
// are rounded by a conversion, which keeps a processor from fusing them with the
// sum behind.
//
// The error names the tensor and the place of a weight that is not finite or
// that F16 cannot reach.
func Quantize(name string, w []float32, in, group, bits int) (q []uint32, scales, biases []uint16, err error) {
	if err := Check(bits, group, in); err != nil {
		return nil, nil, nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(w)%in != 0 {
		return nil, nil, nil, fmt.Errorf("%s: %d weights, want whole rows of %d", name, len(w), in)
	}
	perWord := 32 / bits
	q = make([]uint32, len(w)/perWord)
	scales = make([]uint16, len(w)/group)
	biases = make([]uint16, len(w)/group)

	if cpu.Quantize(w, group, bits, shrinks(bits), refits, q, scales, biases) {
		return q, scales, biases, nil
	}
	if bad := fitAll(w, in, group, bits, q, scales, biases); bad < len(w) {
		return nil, nil, nil, fmt.Errorf("%s: the weight at row %d, column %d is %g, want a finite number within F16's ±65504", name, bad/in, bad%in, w[bad])
	}
	return q, scales, biases, nil
}

// fitAll packs all groups, or returns the first weight that cannot be stored.
func fitAll(w []float32, in, group, bits int, q []uint32, scales, biases []uint16) (bad int) {
	perWord, cuts := 32/bits, shrinks(bits)
	bad = len(w)
	var mu sync.Mutex
	reference.Parallel(len(w)/in, func(from, to int) {
		codes := make([]uint8, group)
		for g := from * in / group; g < to*in/group; g++ {
			values := w[g*group : (g+1)*group]
			if i := firstUnfit(values); i >= 0 {
				mu.Lock()
				bad = min(bad, g*group+i)
				mu.Unlock()
				return
			}
			scales[g], biases[g] = fitGroup(values, bits, cuts, codes)
			words := q[g*group/perWord : (g+1)*group/perWord]
			clear(words)
			for i, code := range codes {
				words[i/perWord] |= uint32(code) << (bits * (i % perWord))
			}
		}
	})
	return bad
}

// Dequantize unpacks rows of in weights into out, which holds whole rows:
// out[r*in+c] = scale*q + bias, exactly as a kernel computes it. The slices
// must have the lengths that out implies; it panics otherwise, like an index
// out of range.
func Dequantize(q []uint32, scales, biases []uint16, bits, group, in int, out []float32) {
	perWord := 32 / bits
	if Check(bits, group, in) != nil || len(out)%in != 0 || len(q) != len(out)/perWord || len(scales) != len(out)/group || len(biases) != len(out)/group {
		panic(fmt.Sprintf("quant: %d words, %d scales, %d biases do not hold %d weights of %d bits in groups of %d and rows of %d",
			len(q), len(scales), len(biases), len(out), bits, group, in))
	}
	mask := uint32(1)<<bits - 1
	reference.Parallel(len(out)/in, func(from, to int) {
		for g := from * in / group; g < to*in/group; g++ {
			scale := float16.Frombits(scales[g]).Float32()
			bias := float16.Frombits(biases[g]).Float32()
			values := out[g*group : (g+1)*group]
			words := q[g*group/perWord : (g+1)*group/perWord]
			for i := range values {
				code := words[i/perWord] >> (bits * (i % perWord)) & mask
				values[i] = scale*float32(code) + bias // the product is exact: fused or not, one result
			}
		}
	})
}

// shrinks are the parts of a group's range that are tried: an outlier that is
// cut off can leave finer steps for all others. At 8 bits the steps are so fine
// that cutting hardly ever pays.
var (
	shrinks4 = []float64{1, 0.96, 0.92, 0.88, 0.84, 0.8, 0.75, 0.7, 0.65}
	shrinks8 = []float64{1, 0.99}
)

func shrinks(bits int) []float64 {
	if bits == 8 {
		return shrinks8
	}
	return shrinks4
}

// refits bounds the turns of refitting: later ones gain next to nothing.
const refits = 4

// fitGroup fills codes and returns scale and bias as F16 bits.
func fitGroup(w []float32, bits int, cuts []float64, codes []uint8) (scale, bias uint16) {
	lo, hi := w[0], w[0]
	for _, v := range w[1:] {
		lo, hi = min(lo, v), max(hi, v)
	}
	if lo == hi {
		return fitConstant(lo, codes)
	}
	levels := float64(uint(1)<<bits - 1)
	best := fit{err: math.Inf(1)}
	// The range that certainly covers every weight: bias rounded down, scale
	// rounded up. No weight is then off by more than half a step.
	b := roundDown(float64(lo))
	s := roundUp((float64(hi) - b.value) / levels)
	best.consider(w, s, b, levels)
	middle := (float64(lo) + float64(hi)) / 2
	for _, f := range cuts {
		half := float64((float64(hi) - float64(lo)) / 2 * f)
		best.consider(w, nearest(2*half/levels), nearest(middle-half), levels)
	}
	for range refits {
		before := best.err
		if s, b, ok := best.refit(w, levels); ok {
			best.consider(w, s, b, levels)
		}
		if best.err == before {
			break
		}
	}
	best.encode(w, levels, codes)
	return best.scale.bits, best.bias.bits
}

// Error is what rounding took from weights, in squares summed up.
type Error struct {
	Rounding float64 // of what is stored against the weights
	Nearest  float64 // of rounding to the nearest of equal steps over each group's whole range, for comparison
	Weights  float64 // of the weights themselves
}

// Measure tells what Quantize's result lost of w, row-major [out, in].
func Measure(w []float32, q []uint32, scales, biases []uint16, bits, group, in int) Error {
	read := make([]float32, len(w))
	Dequantize(q, scales, biases, bits, group, in, read)
	var e Error
	levels := float64(uint(1)<<bits - 1)
	for g := 0; g < len(w); g += group {
		values := w[g : g+group]
		lo, hi := values[0], values[0]
		for i, v := range values {
			d := float64(read[g+i]) - float64(v)
			e.Rounding += d * d
			e.Weights += float64(v) * float64(v)
			lo, hi = min(lo, v), max(hi, v)
		}
		nearby := fit{err: math.Inf(1)}
		nearby.consider(values, nearest((float64(hi)-float64(lo))/levels), nearest(float64(lo)), levels)
		if !math.IsInf(nearby.err, 1) {
			e.Nearest += nearby.err
		}
	}
	return e
}

// Add counts other's weights, too.
func (e *Error) Add(other Error) {
	e.Rounding += other.Rounding
	e.Nearest += other.Nearest
	e.Weights += other.Weights
}

// Relative is the root of the mean squared error as a share of the weights'
// root mean square; nearest is that of rounding to the nearest.
func (e Error) Relative() (rounding, nearest float64) {
	if e.Weights == 0 {
		return 0, 0
	}
	return math.Sqrt(e.Rounding / e.Weights), math.Sqrt(e.Nearest / e.Weights)
}

// fitConstant keeps a constant group to F16's precision squared: the bias holds
// the value, one step of the scale what the bias missed.
func fitConstant(v float32, codes []uint8) (scale, bias uint16) {
	b := nearest(float64(v))
	s := nearest(float64(v) - b.value)
	code := uint8(1)
	if s.value == 0 {
		code = 0
	}
	for i := range codes {
		codes[i] = code
	}
	return s.bits, b.bits
}

// half is an F16 number and its value.
type half struct {
	bits  uint16
	value float64
}

func halfOf(f float16.Float16) half { return half{f.Bits(), float64(f.Float32())} }

func nearest(v float64) half { return halfOf(float16.Fromfloat32(float32(v))) }

func roundDown(v float64) half {
	h := nearest(v)
	if h.value <= v {
		return h
	}
	return h.step(false)
}

func roundUp(v float64) half {
	h := nearest(v)
	if h.value >= v {
		return h
	}
	return h.step(true)
}

// step is the next F16 up or down.
func (h half) step(up bool) half {
	switch {
	case h.bits&0x7fff == 0 && up:
		return halfOf(float16.Frombits(0x0001))
	case h.bits&0x7fff == 0:
		return halfOf(float16.Frombits(0x8001))
	case (h.bits&0x8000 == 0) == up:
		return halfOf(float16.Frombits(h.bits + 1))
	default:
		return halfOf(float16.Frombits(h.bits - 1))
	}
}

func (h half) finite() bool { return h.bits&0x7c00 != 0x7c00 }

// fit is the best scale and bias so far, and their squared error.
type fit struct {
	scale, bias half
	err         float64
}

func (f *fit) consider(w []float32, s, b half, levels float64) {
	if !(s.value > 0) || !s.finite() || !b.finite() {
		return
	}
	inverse, sum := 1/s.value, 0.0
	for _, v := range w {
		d := s.value*level(float64(v), b.value, inverse, levels) + b.value - float64(v)
		if sum += float64(d * d); sum >= f.err {
			return // it grows no smaller
		}
	}
	*f = fit{s, b, sum}
}

// refit solves for the scale and bias that fit the present codes best.
func (f *fit) refit(w []float32, levels float64) (s, b half, ok bool) {
	if math.IsInf(f.err, 1) {
		return s, b, false
	}
	inverse := 1 / f.scale.value
	var n, sq, sqq, sw, sqw float64
	for _, v := range w {
		q := level(float64(v), f.bias.value, inverse, levels)
		n++
		sq += q
		sqq += q * q
		sw += float64(v)
		sqw += q * float64(v)
	}
	det := n*sqq - sq*sq
	if det <= 0 {
		return s, b, false
	}
	s = nearest((n*sqw - float64(sq*sw)) / det)
	b = nearest((sw - s.value*sq) / n)
	return s, b, true
}

func (f *fit) encode(w []float32, levels float64, codes []uint8) {
	inverse := 1 / f.scale.value
	for i, v := range w {
		codes[i] = uint8(level(float64(v), f.bias.value, inverse, levels))
	}
}

// level is the nearest code to v, clamped to the codes there are.
func level(v, bias, inverse, levels float64) float64 {
	q := (v - bias) * inverse
	if !(q > 0) {
		return 0
	}
	if q >= levels {
		return levels
	}
	return float64(int32(q + 0.5)) // the floor, as it is above zero
}

// firstUnfit is the index of the first weight that cannot be stored, or -1.
func firstUnfit(w []float32) int {
	const maxF16 = 65504
	for i, v := range w {
		if !(v >= -maxF16 && v <= maxF16) { // false for NaN
			return i
		}
	}
	return -1
}
