package reference

import "math"

// BytesGroup is how many neighbours of a token's x share a unit in 8 bits.
const BytesGroup = 32

// ToBytes rounds values that share a unit to whole numbers of it, the largest to 127 of them: the twin of bytes_x.
func ToBytes(values []float32, numbers []int8) (unit float32) {
	largest := 0.0
	for _, v := range values {
		largest = max(largest, math.Abs(float64(v)))
	}
	u := max(largest/127, 0x1p-120)
	for i, v := range values {
		numbers[i] = int8(math.RoundToEven(float64(v) / u))
	}
	return float32(u)
}

// Rounded is x [count, in] of tokens that lie xStride apart, as ToBytes rounds it; Linear with that is the twin of
// matmul_bytes. in is a multiple of 32.
func Rounded(x []float32, xStride, in, count int) []float32 {
	rounded := make([]float32, count*in)
	var numbers [BytesGroup]int8
	for at := 0; at < len(rounded); at += BytesGroup {
		unit := ToBytes(x[at/in*xStride+at%in:][:BytesGroup], numbers[:])
		for i, n := range numbers {
			rounded[at+i] = unit * float32(n)
		}
	}
	return rounded
}
