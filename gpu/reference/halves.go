package reference

import "github.com/x448/float16"

// largestHalf is what fp16 makes of all that is larger, so that nothing becomes infinite.
const largestHalf = 65504

// ToHalf rounds a value to fp16, to the nearest; what fp16 cannot hold becomes its largest value.
func ToHalf(v float32) uint16 {
	return float16.Fromfloat32(min(max(v, -largestHalf), largestHalf)).Bits()
}

// PackHeads rounds heads of keys or values to fp16, two of a head's elements to a word, i
// and i + headDim/2: values [heads, headDim], words [heads, headDim/2].
func PackHeads(headDim int, values []float32) []uint32 {
	half := headDim / 2
	words := make([]uint32, len(values)/2)
	for w := range words {
		at := w/half*headDim + w%half
		words[w] = uint32(ToHalf(values[at])) | uint32(ToHalf(values[at+half]))<<16
	}
	return words
}

// UnpackHeads gives the values back, which were rounded.
func UnpackHeads(headDim int, words []uint32) []float32 {
	half := headDim / 2
	values := make([]float32, 2*len(words))
	for w, word := range words {
		at := w/half*headDim + w%half
		values[at], values[at+half] = float16.Frombits(uint16(word)).Float32(), float16.Frombits(uint16(word>>16)).Float32()
	}
	return values
}
