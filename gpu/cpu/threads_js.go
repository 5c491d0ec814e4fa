package cpu

import (
	"sync"
	"syscall/js"
	"time"
)

// Help is helpers that were hired.
type Help struct{ ready chan struct{} }

var hiring struct {
	sync.Mutex
	holders int
	threads int // with the program's own
	help    *Help
}

// startMayTake is how long a model waits for its helpers: they go on to start without it.
const startMayTake = 3 * time.Second

// Hire starts helpers that compute beside this program, so that there are as many threads;
// 0: as many as suit. They share its memory, so that there are none unless simd.js found that
// to be shared, and none where the browser starts none: nothing but time depends on them.
// Whoever hires while there are helpers has those. Dismiss ends them.
func Hire(threads int) *Help {
	hiring.Lock()
	defer hiring.Unlock()
	if hiring.holders++; hiring.holders > 1 {
		return hiring.help
	}
	h := &Help{ready: make(chan struct{})}
	hiring.help = h
	if simd == none {
		close(h.ready)
		return h
	}
	var then js.Func
	then = js.FuncOf(func(js.Value, []js.Value) any {
		close(h.ready)
		then.Release()
		return nil
	})
	started := js.Global().Get("sambaSIMD").Call("hire", threads)
	hiring.threads = started.Get("threads").Int()
	started.Get("ready").Call("then", then)
	return h
}

// Wait returns when the helpers are there, or a while has passed.
func (h *Help) Wait() {
	select {
	case <-h.ready:
	case <-time.After(startMayTake):
	}
}

// Dismiss is called once for each Hire, by those who do not compute any more.
func (*Help) Dismiss() {
	hiring.Lock()
	defer hiring.Unlock()
	if hiring.holders--; hiring.holders == 0 && simd > none {
		hiring.threads = 1
		js.Global().Get("sambaSIMD").Call("dismiss")
	}
}

// runners is how many threads there may be.
func runners() int { return max(1, hiring.threads) }

// working is how many do compute.
func working() int {
	if simd == none {
		return 1
	}
	return js.Global().Get("sambaSIMD").Call("threads").Int()
}
