//go:build js

package cpu

import (
	_ "embed"
	"fmt"
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
	about := "WebAssembly, " + [...]string{none: "plain Go", strict: "SIMD", relaxed: "relaxed SIMD"}[simd]
	if n := working(); n > 1 {
		about += fmt.Sprintf(", %d threads", n)
	}
	return about
}

// What follows is simd.wat's, which says what it does; share is simd.js's own.

//go:wasmimport simd silu
func simdSilu(v unsafe.Pointer, n int32)

//go:wasmimport simd silu_mul
func simdSiluMul(g, u, out unsafe.Pointer, n int32)

//go:wasmimport simd softmax
func simdSoftmax(scores unsafe.Pointer, n int32)

//go:wasmimport simd widen
func simdWiden(bf16 int32, from, to unsafe.Pointer, n int32)

//go:wasmimport simd fix
func simdFix(x unsafe.Pointer, in, group, bits int32, planes, units unsafe.Pointer)

//go:wasmimport simd share
func simdShare(kind int32, j unsafe.Pointer, count, step int32)

//go:wasmimport simd quantize
func simdQuantize(w unsafe.Pointer, groups, group, bits int32, cuts unsafe.Pointer, count, refits int32, pairs, q, scales, biases unsafe.Pointer) int32

func at[T any](v *T) unsafe.Pointer { return unsafe.Pointer(v) }

func silu(v *float32, n int)            { simdSilu(at(v), int32(n)) }
func siluMul(g, u, out *float32, n int) { simdSiluMul(at(g), at(u), at(out), int32(n)) }
func softmax(scores *float32, n int)    { simdSoftmax(at(scores), int32(n)) }

func widen(dtype reference.DType, from *uint16, to *float32, n int) {
	simdWiden(int32(bit(dtype == reference.BF16)), at(from), at(to), int32(n))
}

func fix(x *float32, in, group, bits int, planes *int16, units *float32) {
	simdFix(at(x), int32(in), int32(group), int32(bits), at(planes), at(units))
}

func share(kind int, j *job, count, step int) {
	simdShare(int32(kind), at(j), int32(count), int32(step))
}

func quantize(w *float32, groups, group, bits int, cuts *float64, count, refits int, pairs *float64, q *uint32, scales, biases *uint16) bool {
	return simdQuantize(at(w), int32(groups), int32(group), int32(bits), at(cuts), int32(count), int32(refits), at(pairs), at(q), at(scales), at(biases)) == 0
}
