package quant

import "fmt"

// Regroup packs a matrix that is packed already as one of wider codes and
// smaller groups, and loses nothing: a code keeps its value in more bits, and a
// group's scale and bias serve each part of it. Rows of in weights; scales and
// biases are of any 16-bit type.
func Regroup(q []uint32, scales, biases []uint16, bits, group, in, toBits, toGroup int) (wider []uint32, s, b []uint16, err error) {
	for _, f := range [][2]int{{bits, group}, {toBits, toGroup}} {
		if err := Check(f[0], f[1], in); err != nil {
			return nil, nil, nil, err
		}
	}
	if toBits < bits || group%toGroup != 0 {
		return nil, nil, nil, fmt.Errorf("quantization: %d bits in groups of %d cannot become %d bits in groups of %d without loss", bits, group, toBits, toGroup)
	}
	wider = q
	if toBits != bits { // 4 to 8: a word's eight codes fill two
		wider = make([]uint32, 2*len(q))
		for i, word := range q {
			for k := range 4 {
				wider[2*i] |= word >> (4 * k) & 15 << (8 * k)
				wider[2*i+1] |= word >> (16 + 4*k) & 15 << (8 * k)
			}
		}
	}
	return wider, repeated(scales, group/toGroup), repeated(biases, group/toGroup), nil
}

// repeated has each value this many times.
func repeated(values []uint16, times int) []uint16 {
	if times == 1 {
		return values
	}
	out := make([]uint16, 0, len(values)*times)
	for _, v := range values {
		for range times {
			out = append(out, v)
		}
	}
	return out
}
