package model

import (
	"context"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/kernel"
)

// gpuProfiler times a run's kernels.
type gpuProfiler struct{ run *gpuRun }

func (r *gpuRun) Profiler() Profiler { return gpuProfiler{r} }

func (p gpuProfiler) Variant() string { return p.run.engine.device.Info().Variant.String() }

func (p gpuProfiler) Roofline(ctx context.Context) (kernel.Roofline, error) {
	return kernel.MeasureRoofline(ctx, p.run.engine.device)
}

func (p gpuProfiler) Launches(chunk int) (decode, prefill int) {
	return p.run.drawn.use.step.Dispatches(), p.run.chunkProgram(chunk).Dispatches()
}

func (p gpuProfiler) CanTime() bool { return p.run.engine.device.CanTime() }

func (p gpuProfiler) TimeChunk(ctx context.Context, ids []uint32, pos, passes int) ([]gpu.DispatchTime, error) {
	return p.time(ctx, p.run.chunkProgram(len(ids)), ids, pos, passes)
}

func (p gpuProfiler) TimeStep(ctx context.Context, id uint32, pos, passes int) ([]gpu.DispatchTime, error) {
	return p.time(ctx, p.run.drawn.use.step, []uint32{id}, pos, passes)
}

func (p gpuProfiler) time(ctx context.Context, program *gpu.Program, ids []uint32, pos, passes int) ([]gpu.DispatchTime, error) {
	return timePasses(ctx, p.run.engine.device, program, passes, func() error {
		p.run.pos = pos
		return p.run.upload(ids)
	})
}

func (p gpuProfiler) TimeBatch(ctx context.Context, sequences, position, passes int) ([]gpu.DispatchTime, error) {
	e := p.run.engine
	b, err := e.newBatch(sequences)
	if err != nil {
		return nil, err
	}
	defer b.Close()
	if err := b.makeRoom(position + 1); err != nil {
		return nil, err
	}
	program, err := b.program(drawingFeatures{}, sequences)
	if err != nil {
		return nil, err
	}
	rows, positions, _, length := kernel.BatchCursor(sequences)
	cursor := make([]uint32, length)
	cursor[1] = uint32(sequences)
	for i := range sequences {
		cursor[rows+i], cursor[positions+i] = uint32(i), uint32(position)
	}
	return timePasses(ctx, e.device, program, passes, func() error { return e.device.Write(b.cursor, 0, Words(cursor...)) })
}

// timePasses times a program's kernels, each pass from the same place.
func timePasses(ctx context.Context, device *gpu.Device, p *gpu.Program, passes int, prepare func() error) ([]gpu.DispatchTime, error) {
	var all []gpu.DispatchTime
	for range passes {
		if err := prepare(); err != nil {
			return nil, err
		}
		times, err := device.Time(ctx, p)
		if err != nil {
			return nil, err
		}
		all = append(all, times...)
	}
	return all, nil
}
