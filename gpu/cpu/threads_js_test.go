package cpu

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"syscall/js"
	"testing"
	"time"
	"unsafe"

	"github.com/samba-web/samba/gpu/reference"
)

// How many threads compute changes no bit: all kinds of jobs, large enough to be shared.
func TestThreads(t *testing.T) {
	for _, level := range available() {
		if level.number == none {
			continue // plain Go has no threads here
		}
		t.Run(level.name, func(t *testing.T) {
			level.use(t)
			seed := rand.Uint64()
			one := oddJobs(new(Kernels), rand.New(rand.NewPCG(seed, 1)))
			for _, threads := range []int{2, 3} {
				h := Hire(threads)
				if <-h.ready; working() != threads {
					t.Errorf("%d threads work, want %d", working(), threads)
				}
				for i, v := range oddJobs(new(Kernels), rand.New(rand.NewPCG(seed, 1))) {
					if math.Float32bits(v) != math.Float32bits(one[i]) {
						h.Dismiss()
						t.Fatalf("seed %d: value %d is %g on one thread, %g on %d", seed, i, one[i], v, threads)
					}
				}
				h.Dismiss()
			}
		})
	}
}

// A helper that ends in the middle of its part is missed in time: the call that waits for it fails, and so do later
// calls. No part is done twice, or left out.
func TestHelperGoes(t *testing.T) {
	if simd == none {
		t.Skip("needs threads, and plain Go has none here")
	}
	host, global := js.Global().Get("sambaSIMD"), js.Global()
	works, patience, report := host.Get("helper"), host.Get("patience"), global.Get("reportError")
	defer host.Set("helper", works)
	defer host.Set("patience", patience)
	defer global.Set("reportError", report)
	host.Set("patience", 1)
	reported := 0
	hear := js.FuncOf(func(js.Value, []js.Value) any { reported++; return nil })
	defer hear.Release()
	global.Set("reportError", hear)

	// It takes a part as soon as there is one.
	const script = `onmessage = ({ data: { meeting } }) => {
		const TURN = 16, READY = 48;
		Atomics.add(meeting, READY, 1);
		postMessage("ready");
		for (;;) {
			const now = Atomics.load(meeting, TURN);
			if (now !== 0 && (now & 255) < 4 && Atomics.compareExchange(meeting, TURN, now, now + 1) === now) return close();
		}
	}`
	address := global.Get("URL").Call("createObjectURL", global.Get("Blob").New([]any{script}))
	goes := js.FuncOf(func(js.Value, []js.Value) any { return global.Get("Worker").New(address) })
	defer goes.Release()
	host.Set("helper", goes)
	h := Hire(2)
	<-h.ready
	j := new(job)
	j.numbers[6] = 1 // heads, without channels
	share := func() (err any) {
		defer func() { err = recover() }()
		host.Get("imports").Call("share", jobHeads, int(uintptr(unsafe.Pointer(j))), 4, 1)
		return nil
	}
	var err any
	for began := time.Now(); err == nil && time.Since(began) < 20*time.Second; {
		err = share()
	}
	if err == nil || !strings.Contains(fmt.Sprint(err), "is gone with a part of the work") {
		t.Errorf("a helper is gone: %v", err)
	}
	began := time.Now()
	if err := share(); err == nil || time.Since(began) > time.Second {
		t.Errorf("then, after %v: %v, want an error at once", time.Since(began), err)
	}
	if reported != 2 {
		t.Errorf("%d errors reported, want 2", reported)
	}
	h.Dismiss()

	host.Set("helper", works)
	h = Hire(2)
	<-h.ready
	oddJobs(new(Kernels), rand.New(rand.NewPCG(1, 2)))
	h.Dismiss()
}

// oddJobs computes every kind of job on random numbers of odd shapes, and returns all that came of it.
func oddJobs(k *Kernels, r *rand.Rand) (all []float32) {
	for _, count := range []int{1, 3, few + 1 + r.IntN(20)} {
		for _, dtype := range []reference.DType{reference.Q4, reference.Q8, reference.F16, reference.BF16, reference.F32} {
			in, group := 1+r.IntN(900), 0
			if dtype.Quantized() {
				group = []int{32, 64, 128}[r.IntN(3)]
				in = group * (1 + r.IntN(7))
			}
			w := weight(r, dtype, 200+r.IntN(900), in, group, r.IntN(2) == 0)
			stride := in + r.IntN(5)
			y := normal(r, count*w.Out, 1)
			k.Linear(w, normal(r, count*stride, 1), stride, y, count, r.IntN(2) == 0)
			all = append(all, y...)
		}
		a := reference.AttentionShape{Heads: 6, KVHeads: 3, HeadDim: 4 * (9 + r.IntN(9)), Ring: 900 + r.IntN(9), Window: r.IntN(2) * 600, Theta: 1e4}
		row := a.KVHeads * a.HeadDim
		keys, values := normal(r, a.Ring*row, 1), normal(r, a.Ring*row, 1)
		qkv, out := normal(r, count*(a.Heads+2*a.KVHeads)*a.HeadDim, 1), make([]float32, count*a.Heads*a.HeadDim)
		k.WindowAttention(a, qkv, keys, values, out, 800+r.IntN(50), count)
		all = append(all, out...)
		a.KVHeads, a.Differential = 2, true
		a.Heads = 8
		qkv, out = normal(r, count*a.RowHeads()*a.HeadDim, 1), make([]float32, count*a.Heads*a.HeadDim)
		k.DifferentialAttention(a, qkv, keys, values, normal(r, 2*a.HeadDim+1, 1), out, 800+r.IntN(50), count)
		all = append(all, out...)

		s := reference.ScanShape{DInner: 4 * (200 + r.IntN(50)), DState: 16, DConv: 4, DTRank: 5}
		dt, x := normal(r, count*s.DInner, 1), normal(r, count*s.DInner, 1)
		ssm := normal(r, s.DInner*s.DState, 1)
		k.SelectiveScan(s, dt, x, normal(r, 2*count*s.DInner, 1), normal(r, count*(s.DTRank+2*s.DState), 1), normal(r, s.DInner*(s.DState+2), 1), ssm, normal(r, s.DInner*3, 1), count)
		all = append(append(all, dt...), ssm...)

		d := reference.SSDShape{Heads: 9, HeadDim: 33, DState: 128, Groups: 3}
		state, y := normal(r, d.Inner()*d.DState, 1), make([]float32, count*d.Inner())
		k.SSDScan(d, normal(r, count*d.Row(), 1), normal(r, count*d.Channels(), 1), normal(r, 3*d.Heads, 0.5), state, y, count)
		all = append(append(all, state...), y...)
	}
	return all
}

// What cannot start, or stops, leaves one thread: that is no error.
func TestHelpersFail(t *testing.T) {
	host := js.Global().Get("sambaSIMD")
	works := host.Get("helper")
	defer host.Set("helper", works)
	missing := js.FuncOf(func(js.Value, []js.Value) any { return js.Global().Get("Worker").New("nowhere.js") })
	defer missing.Release()
	for name, helper := range map[string]any{"none": js.Undefined(), "no function": 1, "no script": missing} {
		host.Set("helper", helper)
		h := Hire(2)
		<-h.ready // somebody says that it failed
		if got := working(); got != 1 {
			t.Errorf("%s: %d threads, want 1", name, got)
		}
		oddJobs(new(Kernels), rand.New(rand.NewPCG(1, 2)))
		h.Dismiss()
	}
	host.Set("helper", works)

	// Those who hire while there are helpers have the same; the last one ends them.
	first, second := Hire(3), Hire(2)
	<-first.ready
	<-second.ready
	first.Dismiss()
	if got := working(); got != 3 {
		t.Errorf("%d threads for the second, want 3", got)
	}
	oddJobs(new(Kernels), rand.New(rand.NewPCG(1, 2)))
	second.Dismiss()
	if got := working(); got != 1 {
		t.Errorf("%d threads when all are dismissed, want 1", got)
	}
}
