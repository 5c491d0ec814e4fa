//go:build js

// Package worker is the engine's place in a page: a Web Worker with one client, the page,
// whose messages come and go by postMessage. The worker (www/engine/worker.ts)
// provides globalThis.samba:
//
//	listen(f)                  f(json, data) is called for every message of the page
//	post(json, data)           sends one; data is a Uint8Array or null
//	breathe()                  a promise for when the browser has looked at its events
//	recall(key), remember(key, value)
//	                           promises: a small fact kept from one visit to the next, "" if there is none
//	read(url, cancel)          a promise of a small file's Uint8Array
//	weights(folder, files, arrived, cancel)
//	                           a promise of an object with next(), a promise of the next block or null, and end()
//	keep(folder, name, files, arrived, cancel)
//	                           a promise of an object that keeps files as they are made; see www/engine/keeping.ts
//
// where arrived(bytes, total, file, note) hears of what is there and cancel is
// an AbortSignal; see www/engine/load.ts.
package worker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"sync"
	"syscall/js"
	"time"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/model/folder"
	"github.com/samba-web/samba/wasm/protocol"
)

// Serve answers the page's messages as long as the worker lives. The engine's home is Home, or one that has it and
// can do more.
func Serve(home protocol.Home) {
	// Weights for the processor lie in Go's heap, which must not double before it is cleared up.
	debug.SetMemoryLimit(3 << 30)
	if host().IsUndefined() {
		fmt.Fprintln(os.Stderr, "globalThis.samba is missing: this program runs in the worker of www/engine")
		os.Exit(1)
	}
	engine := protocol.Engine{Home: home}
	if err := engine.Serve(context.Background(), newPort(host())); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// host is what the worker provides.
func host() js.Value { return js.Global().Get("samba") }

// Home is a worker of a page: models lie on web servers, the GPU is the browser's.
type Home struct{}

// Source opens the model folder at an http or https address.
func (Home) Source(url string) (folder.Source, error) { return newFolder(host(), url) }

// Device opens the browser's GPU.
func (Home) Device(ctx context.Context) (*gpu.Device, error) {
	if js.Global().Get("navigator").Get("gpu").IsUndefined() {
		return nil, protocol.Fault(protocol.CodeNoWebGPU, errors.New(
			"this browser has no WebGPU here; it needs a recent Chrome, Edge, Safari or Firefox, and an address that starts with https or localhost"))
	}
	return gpu.Open(ctx)
}

// Recall is of protocol.Memory. What cannot be kept is found out again.
func (Home) Recall(_ context.Context, key string) string {
	value, err := await(host().Call("recall", key))
	if err != nil || value.Type() != js.TypeString {
		return ""
	}
	return value.String()
}

// Remember is of protocol.Memory.
func (Home) Remember(_ context.Context, key, value string) {
	await(host().Call("remember", key, value))
}

// patience is how long the engine may work before the browser gets to see its
// events, a cancel among them. On a GPU it waits often anyway; the processor does not.
const patience = 15 * time.Millisecond

// port is the page's end of the worker.
type port struct {
	worker js.Value

	mu      sync.Mutex
	waiting []protocol.Frame
	arrived chan struct{} // holds one value while waiting has messages
	rested  time.Time
}

func newPort(worker js.Value) *port {
	p := &port{worker: worker, arrived: make(chan struct{}, 1), rested: time.Now()}
	worker.Call("listen", js.FuncOf(func(_ js.Value, args []js.Value) any {
		frame := protocol.Frame{JSON: []byte(args[0].String())}
		if data := args[1]; data.Truthy() {
			frame.Blob = gpu.BlobFromJS(data)
		}
		// This function must not block: the queue has no bound of its own, the engine's has.
		p.mu.Lock()
		p.waiting = append(p.waiting, frame)
		p.mu.Unlock()
		select {
		case p.arrived <- struct{}{}:
		default:
		}
		return nil
	}))
	return p
}

// Receive waits for the page's next message. A worker never sees its page go:
// it is ended with it.
func (p *port) Receive(ctx context.Context) (protocol.Frame, error) {
	for {
		p.mu.Lock()
		if len(p.waiting) > 0 {
			frame := p.waiting[0]
			p.waiting = p.waiting[1:]
			p.mu.Unlock()
			return frame, nil
		}
		p.mu.Unlock()
		select {
		case <-p.arrived:
		case <-ctx.Done():
			return protocol.Frame{}, io.EOF
		}
	}
}

// Send posts a message. The attachment is copied out of Go's heap once, if it
// is there, and then moved, not copied, to the page.
func (p *port) Send(f protocol.Frame) error {
	data := js.Null()
	switch {
	case len(f.Data) > 0:
		data = gpu.BlobOf(f.Data).JS()
	case f.Blob.Len() > 0:
		data = f.Blob.JS()
	}
	p.worker.Call("post", string(f.JSON), data)
	p.mu.Lock()
	tired := time.Since(p.rested) > patience
	p.mu.Unlock()
	if !tired {
		return nil
	}
	_, err := await(p.worker.Call("breathe"))
	p.mu.Lock()
	p.rested = time.Now()
	p.mu.Unlock()
	return err
}
