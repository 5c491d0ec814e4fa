package reference

import "math"

// DType is how a linear weight is stored.
type DType int

// The storage types of shaders/shared/weight.wgsl.
const (
	F32 DType = iota
	F16
	BF16
	Q8 // MLX affine groups: w = scale*q + bias
	Q4
)

func (t DType) String() string { return [...]string{"F32", "F16", "BF16", "Q8", "Q4"}[t] }

// Bits is the number of bits of one weight.
func (t DType) Bits() int { return [...]int{32, 16, 16, 8, 4}[t] }

// Quantized tells whether weights come in groups with scales and biases.
func (t DType) Quantized() bool { return t == Q8 || t == Q4 }

// Weight is a linear layer's matrix W [Out, In], row-major, and what becomes of
// its product: Factor (W x + Bias). A factor of one section of a layer needs no
// more: SiLU(a g) u is made by Factor a, and 1/a in the layer behind; a factor of
// keys belongs to the attention's Scale.
type Weight struct {
	DType      DType
	Out, In    int
	Group      int      // weights of a row that share a scale and a bias, if quantized
	Data       []uint32 // packed, the first value of a word in its lowest bits
	Scales     []uint16 // [Out, In/Group], F16, or BF16 if ScalesBF16
	Biases     []uint16
	ScalesBF16 bool
	Bias       []float32 // [Out]; nil: none
	Factor     float32   // of embeddings, too; 0: 1
}

// FromF16 widens an IEEE half.
func FromF16(h uint16) float32 {
	sign := uint32(h>>15) << 31
	exponent, fraction := uint32(h>>10)&31, uint32(h)&1023
	switch exponent {
	case 0: // zero or subnormal: fraction * 2^-24
		v := float32(fraction) / (1 << 24)
		return math.Float32frombits(math.Float32bits(v) | sign)
	case 31:
		return math.Float32frombits(sign | 0x7f800000 | fraction<<13)
	}
	return math.Float32frombits(sign | (exponent+112)<<23 | fraction<<13)
}

// FromBF16 widens a bfloat16.
func FromBF16(h uint16) float32 { return math.Float32frombits(uint32(h) << 16) }

// Row writes row r of W to out [In].
func (w *Weight) Row(r int, out []float32) {
	start := r * w.In
	switch w.DType {
	case F32:
		for i := range out[:w.In] {
			out[i] = math.Float32frombits(w.Data[start+i])
		}
	case F16, BF16:
		widen := FromF16
		if w.DType == BF16 {
			widen = FromBF16
		}
		for i := range out[:w.In] {
			at := start + i
			out[i] = widen(uint16(w.Data[at/2] >> (16 * (at % 2))))
		}
	default:
		bits := w.DType.Bits()
		per, mask := 32/bits, uint32(1)<<bits-1
		widen := FromF16
		if w.ScalesBF16 {
			widen = FromBF16
		}
		for g := range w.In / w.Group {
			at := r*(w.In/w.Group) + g
			scale, bias := widen(w.Scales[at]), widen(w.Biases[at])
			for i := g * w.Group; i < (g+1)*w.Group; i++ {
				q := w.Data[(start+i)/per] >> (bits * ((start + i) % per)) & mask
				out[i] = float32(scale*float32(q)) + bias
			}
		}
	}
}
