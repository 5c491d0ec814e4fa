//go:build !js

package cpu

import (
	_ "embed"
	"unsafe"

	"github.com/samba-web/samba/gpu/reference"
)

// Host is simd.js, which pages that run Go programs with this package load first.
//
//go:embed simd.js
var Host []byte

// simd is how much SIMD there is: see simd_js.go. Go has none of its own.
const simd = 0

// About says what the kernels compute with.
func About() string { return "plain Go" }

const missing = "no SIMD outside browsers"

func silu(v *float32, n int)                                        { panic(missing) }
func siluMul(g, u, out *float32, n int)                             { panic(missing) }
func softplus(v, bias *float32, n int)                              { panic(missing) }
func softmax(scores *float32, n int)                                { panic(missing) }
func widenMany(_ reference.DType, from *uint16, to *float32, n int) { panic(missing) }

func matvec(_ reference.DType, w unsafe.Pointer, scales, biases *float32, planes *int16, units, y *float32, rows, in, group int, add bool) {
	panic(missing)
}

func matmul(w *float32, wStride int, x *float32, xStride int, y *float32, yStride int, rows, tokens, n int, add bool) {
	panic(missing)
}

func expandQuantized(_ reference.DType, w *uint32, scales, biases, to *float32, n, group int) {
	panic(missing)
}

func dots(q, keys *float32, stride, n, width int, scale float32, scores *float32) { panic(missing) }

func mix(p, values *float32, stride, n, width int, out *float32) { panic(missing) }

func scan(dtY, x, b, c *float32, bcStride int, a, d, h *float32, channels, states, count int) {
	panic(missing)
}

func ssd(x, b, c *float32, stride int, steps *float32, d float32, h, y *float32, yStride, channels, states, count int) {
	panic(missing)
}

func quantize(w *float32, groups, group, bits int, cuts *float64, count, refits int, pairs *float64, q *uint32, scales, biases *uint16) bool {
	panic(missing)
}
