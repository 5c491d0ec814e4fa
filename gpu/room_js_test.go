package gpu

import (
	"context"
	"errors"
	"syscall/js"
	"testing"
)

// A browser that has no room says so in an error scope; nothing is held then,
// and the device works on.
func TestNoRoom(t *testing.T) {
	d, err := Open(context.Background())
	if errors.Is(err, ErrNoAdapter) {
		t.Skipf("needs a WebGPU adapter: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	var live int
	create := d.device.Get("createBuffer")
	counted := js.FuncOf(func(this js.Value, args []js.Value) any {
		live++
		buffer := create.Call("call", d.device, args[0])
		destroy := buffer.Get("destroy")
		buffer.Set("destroy", js.FuncOf(func(js.Value, []js.Value) any { live--; return destroy.Call("call", buffer) }))
		return buffer
	})
	pop := js.FuncOf(func(js.Value, []js.Value) any {
		d.device.Get("constructor").Get("prototype").Get("popErrorScope").Call("call", d.device)
		return js.Global().Get("Promise").Call("resolve", map[string]any{"message": "out of memory"})
	})
	d.device.Set("createBuffer", counted)
	d.device.Set("popErrorScope", pop)
	if ok, err := d.HasRoom(context.Background(), 700<<20); ok || err != nil || live != 0 {
		t.Errorf("room: %v, %v, with %d buffers left", ok, err, live)
	}
	d.device.Delete("createBuffer")
	d.device.Delete("popErrorScope")
	if ok, err := d.HasRoom(context.Background(), 1<<20); !ok || err != nil {
		t.Errorf("no room for a megabyte: %v", err)
	}
}
