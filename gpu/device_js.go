//go:build js

package gpu

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"errors"
	"fmt"
	"sync"
	"syscall/js"
	"time"

	"github.com/cogentcore/webgpu/wgpu"
)

// replay.js is bundled with the worker; a page that runs Go tests has no
// bundle, and no content security policy that would forbid this eval.
//
//go:embed replay.js
var replay string

type host struct {
	device  js.Value // the real GPUDevice
	shim    js.Value // what the binding takes for it; see replay.js
	scratch js.Value // a Uint8Array through which small uploads go
	settled js.Value // a promise: what stood before the last Settle has left the host
	done    []js.Func

	mu      sync.Mutex
	failure error
	lost    chan struct{}
}

type (
	handle    struct{ value js.Value }
	recording struct{ commands *wgpu.CommandBuffer }
)

// Blob is bytes on their way to or from the device: of a weights file, of a
// saved state. In the browser they never enter Go's heap; natively they are a
// slice. The zero value has none.
type Blob struct{ array js.Value }

// NewBlob makes n zero bytes.
func NewBlob(n int64) Blob { return Blob{js.Global().Get("Uint8Array").New(n)} }

// BlobFromJS wraps a Uint8Array, which must not change while the blob is in use.
func BlobFromJS(array js.Value) Blob { return Blob{array} }

// BlobOf copies bytes out of Go's heap.
func BlobOf(data []byte) Blob {
	array := js.Global().Get("Uint8Array").New(len(data))
	js.CopyBytesToJS(array, data)
	return Blob{array}
}

// BlobRepeating makes n bytes: head, then block over and over.
func BlobRepeating(head, block []byte, n int64) Blob {
	array := js.Global().Get("Uint8Array").New(n)
	js.CopyBytesToJS(array, head)
	start := int64(len(head))
	for filled := start + int64(js.CopyBytesToJS(array.Call("subarray", start), block)); filled < n; {
		copied := min(filled-start, n-filled)
		array.Call("copyWithin", filled, start, start+copied)
		filled += copied
	}
	return Blob{array}
}

// Len is the number of bytes.
func (b Blob) Len() int64 {
	if b.array.IsUndefined() {
		return 0
	}
	return int64(b.array.Get("byteLength").Float())
}

// Heap returns the bytes where they are in Go's heap already.
func (b Blob) Heap() ([]byte, bool) { return nil, false }

// JS is the Uint8Array.
func (b Blob) JS() js.Value { return b.array }

// Slice is n bytes from offset on, shared with b.
func (b Blob) Slice(offset, n int64) Blob { return Blob{b.array.Call("subarray", offset, offset+n)} }

// Clone copies the bytes.
func (b Blob) Clone() Blob { return Blob{b.array.Call("slice")} }

// Put writes data at offset.
func (b Blob) Put(offset int64, data []byte) {
	js.CopyBytesToJS(b.array.Call("subarray", offset), data)
}

// SHA256 is the bytes' hash: the browser computes it, where the page is from a
// secure origin.
func (b Blob) SHA256(ctx context.Context) (sum [sha256.Size]byte, err error) {
	crypto := js.Global().Get("crypto")
	if !crypto.Truthy() || !crypto.Get("subtle").Truthy() {
		return sumPieces(b), nil
	}
	digest, err := await(ctx, crypto.Get("subtle").Call("digest", "SHA-256", b.array), nil)
	if err != nil {
		return sum, fmt.Errorf("hashing %d bytes: %w", b.Len(), err)
	}
	js.CopyBytesToGo(sum[:], js.Global().Get("Uint8Array").New(digest))
	return sum, nil
}

// Bytes returns n bytes from offset on, for the host to read.
func (b Blob) Bytes(offset, n int64) []byte {
	out := make([]byte, n)
	js.CopyBytesToGo(out, b.array.Call("subarray", offset, offset+n))
	return out
}

// CopyTo fills to with the bytes from offset on.
func (b Blob) CopyTo(to []byte, offset int64) {
	js.CopyBytesToGo(to, b.array.Call("subarray", offset, offset+int64(len(to))))
}

// await waits for a promise without holding up the browser's event loop.
func await(ctx context.Context, promise js.Value, lost <-chan struct{}) (js.Value, error) {
	type answer struct {
		value js.Value
		err   error
	}
	answered := make(chan answer, 1)
	resolve := js.FuncOf(func(_ js.Value, args []js.Value) any {
		var v js.Value
		if len(args) > 0 {
			v = args[0]
		}
		answered <- answer{value: v}
		return nil
	})
	reject := js.FuncOf(func(_ js.Value, args []js.Value) any {
		answered <- answer{err: fmt.Errorf("%s", js.Global().Get("String").Invoke(args[0]).String())}
		return nil
	})
	promise.Call("then", resolve, reject)
	select {
	case a := <-answered:
		resolve.Release()
		reject.Release()
		return a.value, a.err
	// The promise may still answer: the two functions stay for it.
	case <-lost:
		return js.Undefined(), ErrLost
	case <-ctx.Done():
		return js.Undefined(), ctx.Err()
	}
}

// Open asks the browser for its fastest adapter with all its limits.
func Open(ctx context.Context) (*Device, error) {
	navigator := js.Global().Get("navigator")
	if navigator.IsUndefined() || navigator.Get("gpu").IsUndefined() {
		return nil, fmt.Errorf("%w: this browser has no WebGPU here (it needs a recent Chrome, Edge, Safari or Firefox, and https or localhost)", ErrNoAdapter)
	}
	adapter, err := await(ctx, navigator.Get("gpu").Call("requestAdapter", map[string]any{"powerPreference": "high-performance"}), nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrNoAdapter, err)
	}
	if adapter.IsNull() || adapter.IsUndefined() {
		return nil, fmt.Errorf("%w: the browser has WebGPU but finds no GPU that it trusts; update the graphics driver or see chrome://gpu", ErrNoAdapter)
	}
	limits := adapter.Get("limits")
	required := map[string]any{}
	for _, name := range []string{"maxBufferSize", "maxStorageBufferBindingSize", "maxComputeWorkgroupStorageSize",
		"maxComputeInvocationsPerWorkgroup", "maxComputeWorkgroupSizeX", "maxStorageBuffersPerShaderStage"} {
		required[name] = limits.Get(name)
	}
	features := []any{}
	for _, name := range []string{featureSubgroups, featureF16, featureMatrix, "timestamp-query"} {
		if adapter.Get("features").Call("has", name).Bool() {
			features = append(features, name)
		}
	}
	device, err := await(ctx, adapter.Call("requestDevice", map[string]any{"requiredLimits": required, "requiredFeatures": features}), nil)
	if err != nil {
		return nil, fmt.Errorf("%w: the adapter gives no device: %v", ErrNoAdapter, err)
	}
	if js.Global().Get("sambaReplay").IsUndefined() {
		js.Global().Call("eval", replay)
	}
	shim := js.Global().Get("sambaReplay").Call("wrap", device)
	raw := wgpu.NewDevice(shim)
	d := &Device{raw: &raw, queue: raw.GetQueue(), pipelines: map[string]*Pipeline{}, words: map[string]*Buffer{}}
	d.device, d.shim, d.lost = device, shim, make(chan struct{})
	d.scratch = js.Global().Get("Uint8Array").New(1 << 16)

	about := adapter.Get("info")
	d.info = Info{Backend: "webgpu"}
	if about.Truthy() {
		d.info.Vendor = about.Get("vendor").String()
		d.info.Name = about.Get("description").String()
		if d.info.Name == "" {
			d.info.Name = about.Get("architecture").String()
		}
	}
	adapter.Get("features").Call("forEach", d.keep(func(args []js.Value) {
		d.info.Features = append(d.info.Features, args[0].String())
	}))
	limit := func(name string) uint64 { return uint64(device.Get("limits").Get(name).Float()) }
	d.info.Limits = Limits{
		MaxBufferSize:       limit("maxBufferSize"),
		MaxBindingSize:      limit("maxStorageBufferBindingSize"),
		MaxWorkgroupsPerDim: limit("maxComputeWorkgroupsPerDimension"),
		MaxWorkgroupSize:    limit("maxComputeInvocationsPerWorkgroup"),
		MaxWorkgroupStorage: limit("maxComputeWorkgroupStorageSize"),
		MaxStorageBuffers:   limit("maxStorageBuffersPerShaderStage"),
	}
	d.info.Variant = variantOf(device, about)
	// The binding reports no errors: the browser tells them to these two.
	device.Get("lost").Call("then", d.keep(func(args []js.Value) {
		d.fail(fmt.Errorf("%w: %s", ErrLost, args[0].Get("message").String()))
		close(d.lost)
	}))
	device.Call("addEventListener", "uncapturederror", d.keep(func(args []js.Value) {
		d.fail(fmt.Errorf("the browser's WebGPU: %s", args[0].Get("error").Get("message").String()))
	}))
	return d, nil
}

const (
	featureSubgroups = "subgroups"
	featureF16       = "shader-f16"
	featureMatrix    = "chromium-experimental-subgroup-matrix"
)

// variantOf reads what the device offers and the adapter says of itself.
func variantOf(device, about js.Value) (v Variant) {
	has := func(name string) bool { return device.Get("features").Call("has", name).Bool() }
	v.F16 = has(featureF16)
	if !about.Truthy() {
		return v
	}
	v.CPU = about.Get("isFallbackAdapter").Truthy()
	// Every browser that knows the feature has the function, but some GPUs take four instructions for it: only those count
	// where it was seen to pay.
	languages := js.Global().Get("navigator").Get("gpu").Get("wgslLanguageFeatures")
	v.Dots = about.Get("vendor").String() == "nvidia" && languages.Truthy() && languages.Call("has", "packed_4x8_integer_dot_product").Bool()
	if smallest := about.Get("subgroupMinSize"); has(featureSubgroups) && smallest.Truthy() && smallest.Equal(about.Get("subgroupMaxSize")) {
		v.Subgroup = smallest.Int()
	}
	// Kernels take one shape of matrices only: the one that NVIDIA, AMD and Intel share.
	if configs := about.Get("subgroupMatrixConfigs"); v.F16 && v.Subgroup > 0 && has(featureMatrix) && configs.Truthy() {
		for i := range configs.Length() {
			c := configs.Index(i)
			v.Matrix = v.Matrix || c.Get("componentType").String() == "f16" && c.Get("resultComponentType").String() == "f32" &&
				c.Get("M").Int() == 16 && c.Get("N").Int() == 16 && c.Get("K").Int() == 16
		}
	}
	return v
}

func (d *Device) keep(f func(args []js.Value)) js.Func {
	wrapped := js.FuncOf(func(_ js.Value, args []js.Value) any { f(args); return nil })
	d.done = append(d.done, wrapped)
	return wrapped
}

// fail keeps the first failure; a lost device overrides what led to it.
func (d *Device) fail(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.failure == nil || errors.Is(err, ErrLost) {
		d.failure = err
	}
}

// lossDelay is how long the news of a lost device may take after what fails
// because of it: Firefox rejects maps and finds buffers invalid first.
const lossDelay = 2 * time.Second

func (d *Device) check() error {
	failure := func() error {
		d.mu.Lock()
		defer d.mu.Unlock()
		return d.failure
	}
	if err := failure(); err == nil || errors.Is(err, ErrLost) {
		return err
	}
	d.awaitLoss()
	return failure()
}

func (d *Device) awaitLoss() {
	select {
	case <-d.lost:
	case <-time.After(lossDelay):
	}
}

// Ready waits until the kernels that were asked for are compiled.
func (d *Device) Ready(ctx context.Context) error {
	if _, err := await(ctx, d.shim.Call("prepared"), d.lost); err != nil {
		return err
	}
	return d.check()
}

// Close gives the device and all its memory back.
func (d *Device) Close() { d.device.Call("destroy") }

func (d *Device) createBuffer(descriptor *wgpu.BufferDescriptor) (*wgpu.Buffer, handle, error) {
	b, err := d.raw.CreateBuffer(descriptor)
	return b, handle{d.shim.Get("last")}, err
}

// Write uploads data to the buffer at a byte offset that is a multiple of 4;
// a last word that data fills only in part is filled with zeros.
func (d *Device) Write(b *Buffer, offset uint64, data []byte) error {
	if err := b.check(offset, (uint64(len(data))+3)&^3); err != nil {
		return err
	}
	// The binding's own WriteBuffer reads WebAssembly memory through a view that a growing heap invalidates.
	for len(data) > 0 {
		n := js.CopyBytesToJS(d.scratch, data)
		padded := (n + 3) &^ 3
		if padded > n {
			d.scratch.Call("fill", 0, n, padded)
		}
		d.device.Get("queue").Call("writeBuffer", b.js.value, offset, d.scratch, 0, padded)
		data = data[n:]
		offset += uint64(n)
	}
	return d.check()
}

// WriteBlob uploads n bytes of a blob from its byte `from` on, as Write does.
func (d *Device) WriteBlob(b *Buffer, offset uint64, blob Blob, from, n int64) error {
	if from < 0 || n < 0 || from > blob.Len()-n {
		return fmt.Errorf("%s: bytes %d to %d of a file of %d", b.label, from, from+n, blob.Len())
	}
	if err := b.check(offset, uint64(n+3)&^3); err != nil {
		return err
	}
	whole := n &^ 3
	if whole > 0 {
		d.device.Get("queue").Call("writeBuffer", b.js.value, offset, blob.array, from, whole)
	}
	if whole < n {
		return d.Write(b, offset+uint64(whole), blob.Bytes(from+whole, n-whole))
	}
	return d.check()
}

// HasRoom tells whether this many bytes can be allocated beside what is: browsers
// tell no sizes, so it is tried, and given back at once.
func (d *Device) HasRoom(ctx context.Context, n int64) (bool, error) {
	const piece = 256 << 20
	d.device.Call("pushErrorScope", "out-of-memory")
	var buffers []js.Value
	for left := n; left > 0; left -= piece {
		size := min((left+3)&^3, piece, int64(d.info.Limits.MaxBufferSize)&^3)
		buffers = append(buffers, d.device.Call("createBuffer", map[string]any{
			"label": "room", "size": size, "usage": uint32(wgpu.BufferUsageStorage | wgpu.BufferUsageCopyDst)}))
	}
	failure, err := await(ctx, d.device.Call("popErrorScope"), d.lost)
	for _, b := range buffers {
		b.Call("destroy")
	}
	if err != nil {
		return false, err
	}
	// The browser takes a buffer's memory back when the queue has come past its end.
	if _, err := await(ctx, d.queued(), d.lost); err != nil {
		return false, err
	}
	return failure.IsNull(), d.check()
}

// queued is a promise that the queue has done all that it holds, writes among it.
func (d *Device) queued() js.Value {
	queue := d.device.Get("queue")
	queue.Call("submit", []any{})
	return queue.Call("onSubmittedWorkDone")
}

// Settle waits until what was written before the last call of Settle has left
// the host's memory, so that one upload runs beside the next one's arrival.
func (d *Device) Settle(ctx context.Context) error {
	before := d.settled
	d.settled = d.queued()
	d.settled.Call("catch", js.Global().Get("Boolean"))
	if before.Truthy() {
		if _, err := await(ctx, before, d.lost); err != nil {
			return err
		}
	}
	return d.check()
}

// Run submits the programs, one after another, and returns without waiting.
func (d *Device) Run(programs ...*Program) error {
	lists := make([]*wgpu.CommandBuffer, len(programs))
	for i, p := range programs {
		if p.err != nil {
			return p.err
		}
		if p.recorded.commands == nil {
			encoder, err := d.raw.CreateCommandEncoder(nil)
			if err != nil {
				return err
			}
			if err := p.encode(encoder); err != nil {
				return err
			}
			if p.recorded.commands, err = encoder.Finish(nil); err != nil {
				return err
			}
		}
		lists[i] = p.recorded.commands
	}
	d.queue.Submit(lists...)
	return d.check()
}

// Readback is a copy of buffers' bytes on its way to the host.
type Readback struct {
	device  *Device
	staging js.Value
	mapped  js.Value // the promise
	size    uint64
	spans   []Span
}

// Gather starts to copy the spans as their buffers stand when all that was
// submitted before has run.
func (d *Device) Gather(spans ...Span) (*Readback, error) {
	n, err := total(spans)
	if err != nil {
		return nil, err
	}
	staging := d.device.Call("createBuffer", map[string]any{
		"label": "readback", "size": n, "usage": uint32(wgpu.BufferUsageMapRead | wgpu.BufferUsageCopyDst)})
	encoder := d.device.Call("createCommandEncoder")
	at := uint64(0)
	for _, s := range spans {
		encoder.Call("copyBufferToBuffer", s.Buffer.js.value, s.Offset, staging, at, s.Size)
		at += s.Size
	}
	d.device.Get("queue").Call("submit", []any{encoder.Call("finish")})
	mapped := staging.Call("mapAsync", uint32(wgpu.MapModeRead))
	// A lost device or a destroyed buffer rejects maps that nobody waits for any more: that is no error of the page.
	mapped.Call("catch", js.Global().Get("Boolean"))
	return &Readback{d, staging, mapped, n, spans}, nil
}

// Wait returns the bytes. One of it and WaitInto can be called, once.
func (r *Readback) Wait(ctx context.Context) ([]byte, error) {
	out := make([]byte, r.size)
	return out, r.wait(ctx, func(bytes js.Value) { js.CopyBytesToGo(out, bytes) })
}

// WaitInto puts each span's bytes where it belongs in a blob.
func (r *Readback) WaitInto(ctx context.Context, blob Blob) error {
	return r.wait(ctx, func(bytes js.Value) {
		at := uint64(0)
		for _, s := range r.spans {
			blob.array.Call("set", bytes.Call("subarray", at, at+s.Size), s.At)
			at += s.Size
		}
	})
}

func (r *Readback) wait(ctx context.Context, take func(bytes js.Value)) error {
	defer r.Drop()
	_, err := await(ctx, r.mapped, r.device.lost)
	if err == nil && r.staging.Get("mapState").String() != "mapped" {
		err = errors.New("the buffer is not mapped any more") // lost between its map and now
	}
	if err != nil && ctx.Err() == nil && !errors.Is(err, ErrLost) {
		r.device.awaitLoss()
	}
	// An error of the device explains a failed map better than the map's own, and spoils a map that went well.
	if failure := r.device.check(); failure != nil {
		return failure
	}
	if err != nil {
		return fmt.Errorf("reading back %d bytes: %w", r.size, err)
	}
	take(js.Global().Get("Uint8Array").New(r.staging.Call("getMappedRange")))
	return nil
}

// Drop gives up bytes that nobody will wait for.
func (r *Readback) Drop() { r.staging.Call("destroy") }
