package machine

import (
	"encoding/binary"
	"math"
)

// Words are 32-bit numbers as machines hold them, lowest byte first.
func Words(values ...uint32) []byte {
	out := make([]byte, 4*len(values))
	for i, v := range values {
		binary.LittleEndian.PutUint32(out[4*i:], v)
	}
	return out
}

// ReadWords is Words the other way around.
func ReadWords(data []byte) []uint32 {
	out := make([]uint32, len(data)/4)
	for i := range out {
		out[i] = binary.LittleEndian.Uint32(data[4*i:])
	}
	return out
}

// FloatBytes are fp32 values, little-endian.
func FloatBytes(values []float32) []byte {
	data := make([]byte, 4*len(values))
	for i, v := range values {
		binary.LittleEndian.PutUint32(data[4*i:], math.Float32bits(v))
	}
	return data
}

// Finite tells whether values, as FloatBytes has them, are all numbers: no NaN, no infinity.
func Finite(data []byte) bool {
	const exponent = 0x7f800000
	for ; len(data) >= 4; data = data[4:] {
		if binary.LittleEndian.Uint32(data)&exponent == exponent {
			return false
		}
	}
	return true
}

// FiniteHalves is Finite of fp16 values.
func FiniteHalves(data []byte) bool {
	const exponent = 0x7c00
	for ; len(data) >= 2; data = data[2:] {
		if binary.LittleEndian.Uint16(data)&exponent == exponent {
			return false
		}
	}
	return true
}

// Floats reads little-endian fp32 values.
func Floats(data []byte) []float32 {
	out := make([]float32, len(data)/4)
	for i := range out {
		out[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
	}
	return out
}
