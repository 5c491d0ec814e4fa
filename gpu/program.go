package gpu

import (
	"fmt"

	"github.com/cogentcore/webgpu/wgpu"
)

// Program is a recorded list of dispatches and copies. Running it again costs
// one submit and no set-up; each entry sees what the entries before it wrote.
type Program struct {
	device   *Device
	ops      []op
	recorded recording
	err      error
}

// op is a dispatch (pipeline set) or a copy.
type op struct {
	pipeline *Pipeline
	group    *wgpu.BindGroup
	grid     [3]uint32
	buffers  []*Buffer // for timing's labels

	source, target *Buffer
	from, to, size uint64
}

// NewProgram starts an empty recording.
func (d *Device) NewProgram() *Program { return &Program{device: d} }

// Err is the first error of the recording.
func (p *Program) Err() error { return p.err }

// Fail makes the recording report err if it has none yet.
func (p *Program) Fail(err error) {
	if p.err == nil {
		p.err = err
	}
}

// Dispatch records one launch of grid workgroups, the buffers bound in the
// ascending order of the kernel's binding numbers.
func (p *Program) Dispatch(pipeline *Pipeline, grid [3]uint32, buffers ...*Buffer) {
	if p.err != nil {
		return
	}
	if len(buffers) != len(pipeline.slots) {
		p.err = fmt.Errorf("kernel %s: %d buffers for %d bindings", pipeline.stem, len(buffers), len(pipeline.slots))
		return
	}
	for _, n := range grid {
		if limit := p.device.info.Limits.MaxWorkgroupsPerDim; n == 0 || uint64(n) > limit {
			p.err = fmt.Errorf("kernel %s: grid %v, want 1 to %d workgroups in each direction", pipeline.stem, grid, limit)
			return
		}
	}
	entries := make([]wgpu.BindGroupEntry, len(buffers))
	for i, b := range buffers {
		if limit := p.device.info.Limits.MaxBindingSize; b.size > limit {
			p.err = fmt.Errorf("kernel %s: %s has %d bytes, this GPU binds at most %d", pipeline.stem, b.label, b.size, limit)
			return
		}
		entries[i] = wgpu.BindGroupEntry{Binding: pipeline.slots[i], Buffer: b.raw, Size: b.size}
	}
	group, err := p.device.raw.CreateBindGroup(&wgpu.BindGroupDescriptor{Layout: pipeline.layout, Entries: entries})
	if err != nil {
		p.err = fmt.Errorf("kernel %s: %w", pipeline.stem, err)
		return
	}
	p.ops = append(p.ops, op{pipeline: pipeline, group: group, grid: grid, buffers: buffers})
}

// Copy records a copy of n bytes between two buffers; offsets and n are
// multiples of 4.
func (p *Program) Copy(source *Buffer, from uint64, target *Buffer, to, n uint64) {
	if p.err != nil {
		return
	}
	if p.err = source.check(from, n); p.err == nil {
		p.err = target.check(to, n)
	}
	p.ops = append(p.ops, op{source: source, target: target, from: from, to: to, size: n})
}

// encode writes the list to an encoder: dispatches between two copies share a pass.
func (p *Program) encode(encoder *wgpu.CommandEncoder) error {
	var pass *wgpu.ComputePassEncoder
	end := func() {
		if pass != nil {
			pass.End()
			pass.Release()
			pass = nil
		}
	}
	for _, o := range p.ops {
		if o.pipeline == nil {
			end()
			if err := encoder.CopyBufferToBuffer(o.source.raw, o.from, o.target.raw, o.to, o.size); err != nil {
				return err
			}
			continue
		}
		if pass == nil {
			pass = encoder.BeginComputePass(nil)
		}
		pass.SetPipeline(o.pipeline.raw)
		pass.SetBindGroup(0, o.group, nil)
		pass.DispatchWorkgroups(o.grid[0], o.grid[1], o.grid[2])
	}
	end()
	return nil
}

// Free gives back what the recording holds beside its buffers.
func (p *Program) Free() {
	for _, o := range p.ops {
		if o.group != nil {
			o.group.Release()
		}
	}
	p.ops, p.recorded = nil, recording{}
}
