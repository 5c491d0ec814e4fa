//go:build !js

package cpu

import (
	_ "embed"

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

func silu(v *float32, n int)                                    { panic(missing) }
func siluMul(g, u, out *float32, n int)                         { panic(missing) }
func softmax(scores *float32, n int)                            { panic(missing) }
func widen(_ reference.DType, from *uint16, to *float32, n int) { panic(missing) }
func fix(x *float32, in, group, bits int, _ *int16, _ *float32) { panic(missing) }
func share(kind int, j *job, count, step int)                   { panic(missing) }

func quantize(w *float32, groups, group, bits int, cuts *float64, count, refits int, pairs *float64, q *uint32, scales, biases *uint16) bool {
	panic(missing)
}
