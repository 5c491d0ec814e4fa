package reference

import "math"

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
