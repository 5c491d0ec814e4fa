// Package reference holds the plain Go twin of every kernel in shaders/, one
// file a stem. It is what kernels are tested against, and the path that runs a
// model where there is no WebGPU.
//
// Twins sum in float64, so that a difference beyond fp32's rounding is the
// kernel's. Slices are row-major; shapes stand in each function's comment. A
// slice too short for its shape panics: callers check shapes first.
package reference

import (
	"math"
	"runtime"
	"sync"
)

// SiLU is v * sigmoid(v).
func SiLU(v float64) float64 { return v / (1 + math.Exp(-v)) }

// Parallel splits [0, n) among the processors and waits for all of them.
func Parallel(n int, f func(from, to int)) {
	workers := min(runtime.GOMAXPROCS(0), n)
	if workers <= 1 {
		f(0, n)
		return
	}
	var wait sync.WaitGroup
	for w := range workers {
		wait.Go(func() { f(n*w/workers, n*(w+1)/workers) })
	}
	wait.Wait()
}
