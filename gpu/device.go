// Package gpu runs recorded lists of compute dispatches on a WebGPU device:
// wgpu-native in a native process, the browser's own in a worker. It knows
// nothing of language models.
//
// Five nouns: a Device holds Buffers and Pipelines; a Program is a recorded
// list of dispatches and copies that can be run again and again; a Readback
// is bytes on their way to the host. What differs between browser and native
// stands in device_js.go and device_native.go.
//
// A Device and all that it made belong to one goroutine at a time.
package gpu

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cogentcore/webgpu/wgpu"

	"github.com/samba-web/samba/shaders"
)

// ErrLost is what every call reports, wrapped with the driver's words, once
// the device is gone: the process or tab that held the GPU crashed, the driver
// was reset, or the machine took it away.
var ErrLost = errors.New("the GPU device was lost")

// ErrNoAdapter is what Open reports, wrapped, where there is no WebGPU to be had.
var ErrNoAdapter = errors.New("no WebGPU adapter")

// Info says which machine a device runs on.
type Info struct {
	Backend  string   `json:"backend"` // "webgpu" in a browser, "vulkan", "metal", ... natively
	Vendor   string   `json:"vendor"`  // where the name does not tell
	Name     string   `json:"name"`
	Features []string `json:"features"`
	Limits   Limits   `json:"limits"`
	Variant  Variant  `json:"variant"`
}

// Variant is what kernels may use beyond WebGPU's baseline. The zero value is
// the baseline, which runs everywhere.
type Variant struct {
	Subgroup int  `json:"subgroup"` // threads of a subgroup where all have one size and shuffles work; else 0
	F16      bool `json:"f16"`      // 16-bit floats in shaders
	Matrix   bool `json:"matrix"`   // subgroup matrices of 16 x 16 x 16, f16 products summed in fp32
	CPU      bool `json:"cpu"`      // the "GPU" is a processor: barriers are dear, threads of a workgroup run in turn
}

// String names the variant for people.
func (v Variant) String() string {
	parts := []string{"baseline"}
	if v.Subgroup > 0 {
		parts = append(parts, fmt.Sprintf("subgroups of %d", v.Subgroup))
	}
	for _, p := range []struct {
		on   bool
		name string
	}{{v.F16, "f16"}, {v.Matrix, "subgroup matrices"}, {v.CPU, "on a processor"}} {
		if p.on {
			parts = append(parts, p.name)
		}
	}
	if len(parts) > 1 {
		parts = parts[1:]
	}
	return strings.Join(parts, ", ")
}

// Limits are those of WebGPU's limits that decide how a model is laid out, in bytes or counts.
type Limits struct {
	MaxBufferSize       uint64 `json:"max_buffer_size"`
	MaxBindingSize      uint64 `json:"max_storage_buffer_binding_size"`
	MaxWorkgroupsPerDim uint64 `json:"max_compute_workgroups_per_dimension"`
	MaxWorkgroupSize    uint64 `json:"max_compute_invocations_per_workgroup"`
	MaxWorkgroupStorage uint64 `json:"max_compute_workgroup_storage_size"`
}

// Device is an open WebGPU device.
type Device struct {
	host
	raw       *wgpu.Device
	queue     *wgpu.Queue
	info      Info
	pipelines map[string]*Pipeline // by stem and constants
	words     map[string]*Buffer   // by content
	allocated int64                // bytes in buffers
}

// Info describes the adapter and its limits.
func (d *Device) Info() Info { return d.info }

// Treat takes the device for one whose kernels are those of another variant:
// its features may promise more than it does well.
func (d *Device) Treat(as Variant) { d.info.Variant = as }

// Restrict lays what follows out as for a device of lower limits, where they
// are not 0: what runs within them runs on all devices that have as much.
func (d *Device) Restrict(to Limits) {
	lower := func(limit *uint64, to uint64) {
		if to > 0 {
			*limit = min(*limit, to)
		}
	}
	lower(&d.info.Limits.MaxBufferSize, to.MaxBufferSize)
	lower(&d.info.Limits.MaxBindingSize, to.MaxBindingSize)
	lower(&d.info.Limits.MaxWorkgroupsPerDim, to.MaxWorkgroupsPerDim)
}

// Allocated is the number of bytes in buffers that have not been freed.
func (d *Device) Allocated() int64 { return d.allocated }

// Buffer is a storage buffer on the device.
type Buffer struct {
	device *Device // nil: a phantom
	raw    *wgpu.Buffer
	js     handle
	size   uint64
	label  string
}

// Size is the number of bytes that were asked for, rounded up to 4.
func (b *Buffer) Size() uint64 { return b.size }

// NewBuffer allocates size bytes, zeroed. The label names the buffer in errors.
func (d *Device) NewBuffer(label string, size uint64) (*Buffer, error) {
	size = max((size+3)&^3, 4)
	if limit := d.info.Limits.MaxBufferSize; size > limit {
		return nil, fmt.Errorf("%s needs a buffer of %d bytes, this GPU allows %d: choose a model of fewer bits or a smaller chunk", label, size, limit)
	}
	raw, js, err := d.createBuffer(&wgpu.BufferDescriptor{
		Label: label,
		Size:  size,
		Usage: wgpu.BufferUsageStorage | wgpu.BufferUsageCopySrc | wgpu.BufferUsageCopyDst,
	})
	if err != nil {
		return nil, fmt.Errorf("%s (%d bytes): %w", label, size, err)
	}
	d.allocated += int64(size)
	return &Buffer{device: d, raw: raw, js: js, size: size, label: label}, nil
}

// Phantom is a buffer that has a size and nothing else: recordings that only
// prepare kernels ask for no more.
func Phantom(label string, size uint64) *Buffer { return &Buffer{size: size, label: label} }

// Free gives the buffer's memory back at once. A freed buffer, or none, stays free.
func (b *Buffer) Free() {
	if b == nil || b.raw == nil {
		return
	}
	b.raw.Destroy()
	b.raw.Release()
	b.raw = nil
	b.device.allocated -= int64(b.size)
}

// Words returns a buffer that holds the given words and is never written
// again: every call with the same words returns the same one. It lives as long
// as the device.
func (d *Device) Words(values ...uint32) (*Buffer, error) {
	data := make([]byte, 0, 4*len(values))
	for _, v := range values {
		data = binary.LittleEndian.AppendUint32(data, v)
	}
	if b := d.words[string(data)]; b != nil {
		return b, nil
	}
	b, err := d.NewBuffer("words", uint64(len(data)))
	if err != nil {
		return nil, err
	}
	d.words[string(data)] = b
	return b, d.Write(b, 0, data)
}

func (b *Buffer) check(offset, n uint64) error {
	if b.raw == nil {
		return fmt.Errorf("%s: the buffer has been freed", b.label)
	}
	if offset%4 != 0 || offset > b.size || n > b.size-offset {
		return fmt.Errorf("%s: bytes %d to %d, want a multiple of 4 within %d", b.label, offset, offset+n, b.size)
	}
	return nil
}

// Span is a stretch of a buffer, in bytes, multiples of 4, and its place in the
// blob that it is read into.
type Span struct {
	Buffer       *Buffer
	Offset, Size uint64
	At           int64
}

// total is the number of bytes of all spans.
func total(spans []Span) (n uint64, err error) {
	for _, s := range spans {
		if err := s.Buffer.check(s.Offset, s.Size); err != nil {
			return 0, err
		}
		n += s.Size
	}
	return n, nil
}

// Read starts to copy n bytes from offset on, both multiples of 4, as the
// buffer stands when all that was submitted before has run.
func (d *Device) Read(b *Buffer, offset, n uint64) (*Readback, error) {
	return d.Gather(Span{Buffer: b, Offset: offset, Size: n})
}

// sumPieces hashes a blob a piece at a time, through Go's heap.
func sumPieces(b Blob) (sum [sha256.Size]byte) {
	const piece = 1 << 20
	h := sha256.New()
	for at := int64(0); at < b.Len(); at += piece {
		h.Write(b.Bytes(at, min(piece, b.Len()-at)))
	}
	h.Sum(sum[:0])
	return sum
}

// Pipeline is a compiled kernel.
type Pipeline struct {
	raw    *wgpu.ComputePipeline
	layout *wgpu.BindGroupLayout
	stem   string
	slots  []uint32 // binding numbers in ascending order
}

// bindings calls each with the number of every storage buffer that a kernel's text binds.
func bindings(source string, each func(slot uint32, writes bool)) {
	for {
		_, rest, found := strings.Cut(source, "@group(0) @binding(")
		if !found {
			return
		}
		source = rest
		number, rest, _ := strings.Cut(source, ")")
		slot, err := strconv.ParseUint(number, 10, 32)
		kind, ok := strings.CutPrefix(rest, " var<storage, ")
		if err != nil || !ok {
			continue
		}
		if strings.HasPrefix(kind, "read>") || strings.HasPrefix(kind, "read_write>") {
			each(uint32(slot), strings.HasPrefix(kind, "read_write>"))
		}
	}
}

// Kernels is how many kernels have been asked for.
func (d *Device) Kernels() int { return len(d.pipelines) }

// Pipeline compiles the kernel stem with the given constants, a struct as
// shaders.Specialize takes it, once for each distinct specialisation. In browsers
// it compiles in the background.
func (d *Device) Pipeline(stem string, constants any) (*Pipeline, error) {
	key := stem + fmt.Sprint(constants)
	if p := d.pipelines[key]; p != nil {
		return p, nil
	}
	source, err := shaders.Specialize(stem, constants)
	if err != nil {
		return nil, err
	}
	p := &Pipeline{stem: stem}
	// Layouts are spelt out rather than derived: the browser's wrapper cannot ask a pipeline for its own.
	var entries []wgpu.BindGroupLayoutEntry
	bindings(source, func(slot uint32, writes bool) {
		kind := wgpu.BufferBindingTypeReadOnlyStorage
		if writes {
			kind = wgpu.BufferBindingTypeStorage
		}
		entries = append(entries, wgpu.BindGroupLayoutEntry{
			Binding:    slot,
			Visibility: wgpu.ShaderStageCompute,
			Buffer:     wgpu.BufferBindingLayout{Type: kind},
		})
		p.slots = append(p.slots, slot)
	})
	slices.Sort(p.slots) // a file that is included may bind behind what follows it
	module, err := d.raw.CreateShaderModule(&wgpu.ShaderModuleDescriptor{
		Label:          stem,
		WGSLDescriptor: &wgpu.ShaderModuleWGSLDescriptor{Code: source},
	})
	if err != nil {
		return nil, fmt.Errorf("kernel %s: %w", stem, err)
	}
	defer module.Release()
	p.layout, err = d.raw.CreateBindGroupLayout(&wgpu.BindGroupLayoutDescriptor{Entries: entries})
	if err != nil {
		return nil, fmt.Errorf("kernel %s: %w", stem, err)
	}
	layout, err := d.raw.CreatePipelineLayout(&wgpu.PipelineLayoutDescriptor{BindGroupLayouts: []*wgpu.BindGroupLayout{p.layout}})
	if err != nil {
		return nil, fmt.Errorf("kernel %s: %w", stem, err)
	}
	defer layout.Release()
	p.raw, err = d.raw.CreateComputePipeline(&wgpu.ComputePipelineDescriptor{
		Layout:  layout,
		Compute: wgpu.ProgrammableStageDescriptor{Module: module, EntryPoint: "main"},
	})
	if err != nil {
		return nil, fmt.Errorf("kernel %s: %w", stem, err)
	}
	d.pipelines[key] = p
	return p, nil
}
