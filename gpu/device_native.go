//go:build !js

package gpu

// #include <stdlib.h>
// #include <string.h>
// // Leaves a block of size zeroed bytes for this thread's next malloc of that size.
// static void leave_zeros(size_t size) { void *p = malloc(size); memset(p, 0, size); free(p); }
import "C"

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"runtime"

	"github.com/cogentcore/webgpu/wgpu"
)

type (
	host      struct{ instance *wgpu.Instance }
	handle    struct{}
	recording struct{}
)

// Blob is bytes on their way to or from the device: of a weights file, of a
// saved state. In the browser they never enter Go's heap; natively they are a
// slice. The zero value has none.
type Blob struct{ data []byte }

// NewBlob makes n zero bytes.
func NewBlob(n int64) Blob { return Blob{make([]byte, n)} }

// BlobOf wraps bytes, which must not change while the blob is in use.
func BlobOf(data []byte) Blob { return Blob{data} }

// BlobRepeating makes n bytes: head, then block over and over.
func BlobRepeating(head, block []byte, n int64) Blob {
	data := make([]byte, n)
	start := copy(data, head)
	for filled := start + copy(data[start:], block); filled < len(data); {
		filled += copy(data[filled:], data[start:filled])
	}
	return Blob{data}
}

// Len is the number of bytes.
func (b Blob) Len() int64 { return int64(len(b.data)) }

// Bytes returns n bytes from offset on, for the host to read.
func (b Blob) Bytes(offset, n int64) []byte { return b.data[offset : offset+n] }

// CopyTo fills to with the bytes from offset on.
func (b Blob) CopyTo(to []byte, offset int64) { copy(to, b.data[offset:]) }

// Heap returns the bytes where they are in Go's heap already.
func (b Blob) Heap() ([]byte, bool) { return b.data, true }

// Slice is n bytes from offset on, shared with b.
func (b Blob) Slice(offset, n int64) Blob { return Blob{b.data[offset : offset+n : offset+n]} }

// Clone copies the bytes.
func (b Blob) Clone() Blob { return Blob{bytes.Clone(b.data)} }

// Put writes data at offset.
func (b Blob) Put(offset int64, data []byte) { copy(b.data[offset:], data) }

// SHA256 is the bytes' hash.
func (b Blob) SHA256(context.Context) ([sha256.Size]byte, error) { return sumPieces(b), nil }

// Open opens the first adapter, the fastest kind preferred. Which driver that
// is can be chosen by the platform's own means, such as VK_DRIVER_FILES.
func Open(ctx context.Context) (*Device, error) {
	wgpu.SetLogLevel(wgpu.LogLevelError)
	// The instance tries OpenGL, too, whose Wayland client complains on stderr where there is no desktop. A
	// descriptor without OpenGL is no way out: the binding passes uninitialised fields of it on.
	if os.Getenv("XDG_RUNTIME_DIR") == "" {
		os.Setenv("XDG_RUNTIME_DIR", os.TempDir())
	}
	instance := wgpu.CreateInstance(nil)
	adapter, err := instance.RequestAdapter(&wgpu.RequestAdapterOptions{PowerPreference: wgpu.PowerPreferenceHighPerformance})
	if err != nil {
		return nil, fmt.Errorf("%w: no Vulkan, Metal or D3D12 driver answers (on Debian: apt-get install mesa-vulkan-drivers)", ErrNoAdapter)
	}
	defer adapter.Release()
	limits := adapter.GetLimits()
	raw, err := requestDevice(adapter, limits.Limits)
	if err != nil {
		return nil, fmt.Errorf("%w: the adapter gives no device: %v", ErrNoAdapter, err)
	}
	about := adapter.GetInfo()
	d := &Device{raw: raw, queue: raw.GetQueue(), pipelines: map[string]*Pipeline{}, words: map[string]*Buffer{}}
	d.instance = instance
	d.info = Info{
		Backend: about.BackendType.String(),
		// The binding's VendorName and Name are numbers; what it calls the driver is the adapter's name.
		Name: about.DriverDescription,
		Limits: Limits{
			MaxBufferSize:       min(limits.Limits.MaxBufferSize, 1<<40),
			MaxBindingSize:      limits.Limits.MaxStorageBufferBindingSize,
			MaxWorkgroupsPerDim: uint64(limits.Limits.MaxComputeWorkgroupsPerDimension),
			MaxWorkgroupSize:    uint64(limits.Limits.MaxComputeInvocationsPerWorkgroup),
			MaxWorkgroupStorage: uint64(limits.Limits.MaxComputeWorkgroupStorageSize),
			MaxStorageBuffers:   uint64(limits.Limits.MaxStorageBuffersPerShaderStage),
		},
		// This wgpu's shader compiler knows neither f16 nor subgroups.
		Variant: Variant{CPU: about.AdapterType == wgpu.AdapterTypeCPU},
	}
	return d, nil
}

// requestDevice asks for all of the adapter's limits. Two fields of them the
// binding (v0.23.0) takes from memory that nobody has set, and what it finds
// there may be refused: maxPushConstantSize, which is replaced here, and
// maxNonSamplerBindings, for which zeros are left where it will allocate.
func requestDevice(adapter *wgpu.Adapter, limits wgpu.Limits) (*wgpu.Device, error) {
	const extras = 24 // sizeof(WGPURequiredLimitsExtras)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	limits.MaxPushConstantSize = 0
	C.leave_zeros(extras)
	return adapter.RequestDevice(&wgpu.DeviceDescriptor{RequiredLimits: &wgpu.RequiredLimits{Limits: limits}})
}

// Ready waits until the kernels that were asked for are compiled: natively they
// are when Pipeline returns.
func (d *Device) Ready(context.Context) error { return nil }

// Close gives the device and all its memory back.
func (d *Device) Close() {
	d.queue.Release()
	d.raw.Release()
	d.instance.Release()
}

func (d *Device) createBuffer(descriptor *wgpu.BufferDescriptor) (*wgpu.Buffer, handle, error) {
	b, err := d.raw.CreateBuffer(descriptor)
	return b, handle{}, err
}

// Write uploads data to the buffer at a byte offset that is a multiple of 4;
// a last word that data fills only in part is filled with zeros.
func (d *Device) Write(b *Buffer, offset uint64, data []byte) error {
	padded := (uint64(len(data)) + 3) &^ 3
	if err := b.check(offset, padded); err != nil {
		return err
	}
	whole := len(data) &^ 3
	if whole > 0 {
		if err := d.queue.WriteBuffer(b.raw, offset, data[:whole]); err != nil {
			return err
		}
	}
	if whole < len(data) {
		var last [4]byte
		copy(last[:], data[whole:])
		return d.queue.WriteBuffer(b.raw, offset+uint64(whole), last[:])
	}
	return nil
}

// WriteBlob uploads n bytes of a blob from its byte `from` on, as Write does.
func (d *Device) WriteBlob(b *Buffer, offset uint64, blob Blob, from, n int64) error {
	if from < 0 || n < 0 || from > blob.Len()-n {
		return fmt.Errorf("%s: bytes %d to %d of a file of %d", b.label, from, from+n, blob.Len())
	}
	return d.Write(b, offset, blob.data[from:from+n])
}

// HasRoom tells whether this many bytes can be allocated. Natively nobody knows
// before trying; an allocation that fails says so then.
func (d *Device) HasRoom(context.Context, int64) (bool, error) { return true, nil }

// Settle waits until what was written has left the host's memory.
func (d *Device) Settle(context.Context) error {
	d.queue.Submit()
	d.raw.Poll(true, nil)
	return nil
}

// Run submits the programs, one after another, and returns without waiting.
func (d *Device) Run(programs ...*Program) error {
	encoder, err := d.raw.CreateCommandEncoder(nil)
	if err != nil {
		return err
	}
	defer encoder.Release()
	for _, p := range programs {
		if p.err != nil {
			return p.err
		}
		if err := p.encode(encoder); err != nil {
			return err
		}
	}
	commands, err := encoder.Finish(nil)
	if err != nil {
		return err
	}
	defer commands.Release()
	d.queue.Submit(commands)
	return nil
}

// Readback is a copy of buffers' bytes on its way to the host.
type Readback struct {
	device  *Device
	staging *wgpu.Buffer
	size    uint64
	spans   []Span
	copied  wgpu.SubmissionIndex
}

// Gather starts to copy the spans as their buffers stand when all that was
// submitted before has run.
func (d *Device) Gather(spans ...Span) (*Readback, error) {
	n, err := total(spans)
	if err != nil {
		return nil, err
	}
	staging, err := d.raw.CreateBuffer(&wgpu.BufferDescriptor{Label: "readback", Size: n, Usage: wgpu.BufferUsageMapRead | wgpu.BufferUsageCopyDst})
	if err != nil {
		return nil, err
	}
	encoder, err := d.raw.CreateCommandEncoder(nil)
	if err != nil {
		return nil, err
	}
	defer encoder.Release()
	at := uint64(0)
	for _, s := range spans {
		if err := encoder.CopyBufferToBuffer(s.Buffer.raw, s.Offset, staging, at, s.Size); err != nil {
			return nil, err
		}
		at += s.Size
	}
	commands, err := encoder.Finish(nil)
	if err != nil {
		return nil, err
	}
	defer commands.Release()
	return &Readback{d, staging, n, spans, d.queue.Submit(commands)}, nil
}

// Wait returns the bytes. One of it and WaitInto can be called, once.
func (r *Readback) Wait(context.Context) ([]byte, error) {
	out := make([]byte, r.size)
	return out, r.wait(func(bytes []byte) { copy(out, bytes) })
}

// WaitInto puts each span's bytes where it belongs in a blob.
func (r *Readback) WaitInto(_ context.Context, blob Blob) error {
	return r.wait(func(bytes []byte) {
		for _, s := range r.spans {
			blob.Put(s.At, bytes[:s.Size])
			bytes = bytes[s.Size:]
		}
	})
}

func (r *Readback) wait(take func(bytes []byte)) error {
	defer r.Drop()
	var status wgpu.BufferMapAsyncStatus
	answered := false
	// Mapping starts only here: the binding's callback handle must not wait across a garbage collection.
	err := r.staging.MapAsync(wgpu.MapModeRead, 0, r.size, func(s wgpu.BufferMapAsyncStatus) { status, answered = s, true })
	if err != nil {
		return err
	}
	// What was submitted afterwards goes on meanwhile.
	r.device.raw.Poll(true, &wgpu.WrappedSubmissionIndex{Queue: r.device.queue, SubmissionIndex: r.copied})
	for !answered {
		r.device.raw.Poll(true, nil)
	}
	if status != wgpu.BufferMapAsyncStatusSuccess {
		return fmt.Errorf("%w: reading back %d bytes: %v", ErrLost, r.size, status)
	}
	take(r.staging.GetMappedRange(0, uint(r.size)))
	return r.staging.Unmap()
}

// Drop gives up bytes that nobody will wait for.
func (r *Readback) Drop() {
	r.staging.Destroy()
	r.staging.Release()
}
