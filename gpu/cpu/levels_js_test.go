package cpu

import (
	"syscall/js"
	"testing"
)

type level struct {
	name   string
	number int
	module []byte
}

// available are the levels that this browser has; all that run the tests have both.
func available() []level {
	return []level{{"plain", none, nil}, {"strict", strict, strictModule}, {"relaxed", relaxed, relaxedModule}}
}

func (l level) use(t *testing.T) {
	if l.number > simd && l.number == relaxed {
		t.Skip("this browser has no relaxed SIMD")
	}
	before := simd
	t.Cleanup(func() { simd = before })
	simd = l.number
	if l.module == nil {
		return
	}
	bytes := js.Global().Get("Uint8Array").New(len(l.module))
	js.CopyBytesToJS(bytes, l.module)
	if !js.Global().Get("sambaSIMD").Call("start", bytes).Bool() {
		t.Fatalf("%s does not start", l.name)
	}
}

// A browser without SIMD refuses the modules; it then computes in plain Go.
func TestStart(t *testing.T) {
	if simd == none {
		t.Fatal("this browser has no SIMD")
	}
	before := [2][]byte{strictModule, relaxedModule}
	defer func() {
		strictModule, relaxedModule = before[0], before[1]
		simd = start()
	}()
	unknown := append([]byte{}, strictModule...)
	unknown[len(unknown)-3] = 0xff // no instruction
	relaxedModule = unknown
	if got := start(); got != strict {
		t.Errorf("without relaxed SIMD: level %d, want %d", got, strict)
	}
	strictModule = unknown
	if got := start(); got != none {
		t.Errorf("without SIMD: level %d, want %d", got, none)
	}
	simd = none
	if got := About(); got != "WebAssembly, plain Go" {
		t.Errorf("About: %q", got)
	}
}
