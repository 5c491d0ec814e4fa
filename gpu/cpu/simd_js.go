//go:build js

package cpu

import (
	_ "embed"
	"syscall/js"
	"unsafe"

	"github.com/samba-web/samba/gpu/reference"
)

var (
	//go:embed simd.wasm
	strictModule []byte
	//go:embed simd_relaxed.wasm
	relaxedModule []byte
)

// How much SIMD there is.
const (
	none    = iota // or no simd.js around the program
	strict         // WebAssembly's 128 bits
	relaxed        // and multiply-adds that round once
)

// simd is what this browser has; tests change it.
var simd = start()

// start has simd.js instantiate the best module that the browser takes.
func start() int {
	host := js.Global().Get("sambaSIMD")
	if host.IsUndefined() {
		return none
	}
	for level := relaxed; level > none; level-- {
		module := [][]byte{strict: strictModule, relaxed: relaxedModule}[level]
		bytes := js.Global().Get("Uint8Array").New(len(module))
		js.CopyBytesToJS(bytes, module)
		if host.Call("start", bytes).Bool() {
			return level
		}
	}
	return none
}

// About says what the kernels compute with.
func About() string {
	return "WebAssembly, " + [...]string{none: "plain Go", strict: "SIMD", relaxed: "relaxed SIMD"}[simd]
}

// What follows is simd.wat's, which says what it does. Strides are in bytes.

//go:wasmimport simd silu
func simdSilu(v unsafe.Pointer, n int32)

//go:wasmimport simd silu_mul
func simdSiluMul(g, u, out unsafe.Pointer, n int32)

//go:wasmimport simd softplus
func simdSoftplus(v, bias unsafe.Pointer, n int32)

//go:wasmimport simd softmax
func simdSoftmax(scores unsafe.Pointer, n int32)

//go:wasmimport simd widen_f16
func simdWidenF16(from, to unsafe.Pointer, n int32)

//go:wasmimport simd widen_bf16
func simdWidenBF16(from, to unsafe.Pointer, n int32)

//go:wasmimport simd expand_q8
func simdExpandQ8(w, scales, biases, to unsafe.Pointer, n, group int32)

//go:wasmimport simd expand_q4
func simdExpandQ4(w, scales, biases, to unsafe.Pointer, n, group int32)

//go:wasmimport simd matvec_q4
func simdMatvecQ4(w, scales, biases, planes, units, y unsafe.Pointer, rows, in, group, add int32)

//go:wasmimport simd matvec_q8
func simdMatvecQ8(w, scales, biases, planes, units, y unsafe.Pointer, rows, in, group, add int32)

//go:wasmimport simd matmul
func simdMatmul(w unsafe.Pointer, wStride int32, x unsafe.Pointer, xStride int32, y unsafe.Pointer, yStride, rows, tokens, n, add int32)

//go:wasmimport simd dots
func simdDots(q, keys unsafe.Pointer, stride, n, width int32, scale float32, scores unsafe.Pointer)

//go:wasmimport simd mix
func simdMix(p, values unsafe.Pointer, stride, n, width int32, out unsafe.Pointer)

//go:wasmimport simd scan
func simdScan(dtY, x, b, c unsafe.Pointer, bcStride int32, a, d, h unsafe.Pointer, channels, states, count int32)

//go:wasmimport simd ssd
func simdSSD(x, b, c unsafe.Pointer, stride int32, steps unsafe.Pointer, d float32, h, y unsafe.Pointer, yStride, channels, states, count int32)

//go:wasmimport simd quantize
func simdQuantize(w unsafe.Pointer, groups, group, bits int32, cuts unsafe.Pointer, count, refits int32, pairs, q, scales, biases unsafe.Pointer) int32

func at[T any](v *T) unsafe.Pointer { return unsafe.Pointer(v) }

func flag(on bool) int32 {
	if on {
		return 1
	}
	return 0
}

func silu(v *float32, n int)            { simdSilu(at(v), int32(n)) }
func siluMul(g, u, out *float32, n int) { simdSiluMul(at(g), at(u), at(out), int32(n)) }
func softplus(v, bias *float32, n int)  { simdSoftplus(at(v), at(bias), int32(n)) }
func softmax(scores *float32, n int)    { simdSoftmax(at(scores), int32(n)) }

func widenMany(dtype reference.DType, from *uint16, to *float32, n int) {
	if dtype == reference.BF16 {
		simdWidenBF16(at(from), at(to), int32(n))
	} else {
		simdWidenF16(at(from), at(to), int32(n))
	}
}

func expandQuantized(dtype reference.DType, w *uint32, scales, biases, to *float32, n, group int) {
	if dtype == reference.Q4 {
		simdExpandQ4(at(w), at(scales), at(biases), at(to), int32(n), int32(group))
	} else {
		simdExpandQ8(at(w), at(scales), at(biases), at(to), int32(n), int32(group))
	}
}

func matvec(dtype reference.DType, w unsafe.Pointer, scales, biases *float32, planes *int16, units, y *float32, rows, in, group int, add bool) {
	if dtype == reference.Q4 {
		simdMatvecQ4(w, at(scales), at(biases), at(planes), at(units), at(y), int32(rows), int32(in), int32(group), flag(add))
	} else {
		simdMatvecQ8(w, at(scales), at(biases), at(planes), at(units), at(y), int32(rows), int32(in), int32(group), flag(add))
	}
}

func matmul(w *float32, wStride int, x *float32, xStride int, y *float32, yStride int, rows, tokens, n int, add bool) {
	simdMatmul(at(w), int32(wStride), at(x), int32(xStride), at(y), int32(yStride), int32(rows), int32(tokens), int32(n), flag(add))
}

func dots(q, keys *float32, stride, n, width int, scale float32, scores *float32) {
	simdDots(at(q), at(keys), int32(stride), int32(n), int32(width), scale, at(scores))
}

func mix(p, values *float32, stride, n, width int, out *float32) {
	simdMix(at(p), at(values), int32(stride), int32(n), int32(width), at(out))
}

func scan(dtY, x, b, c *float32, bcStride int, a, d, h *float32, channels, states, count int) {
	simdScan(at(dtY), at(x), at(b), at(c), int32(bcStride), at(a), at(d), at(h), int32(channels), int32(states), int32(count))
}

func ssd(x, b, c *float32, stride int, steps *float32, d float32, h, y *float32, yStride, channels, states, count int) {
	simdSSD(at(x), at(b), at(c), int32(stride), at(steps), d, at(h), at(y), int32(yStride), int32(channels), int32(states), int32(count))
}

func quantize(w *float32, groups, group, bits int, cuts *float64, count, refits int, pairs *float64, q *uint32, scales, biases *uint16) bool {
	return simdQuantize(at(w), int32(groups), int32(group), int32(bits), at(cuts), int32(count), int32(refits), at(pairs), at(q), at(scales), at(biases)) == 0
}
