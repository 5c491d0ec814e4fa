package gpu

import (
	"context"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/kernel"
	"github.com/samba-web/samba/model/machine"
)

// profiler times a run's kernels.
type profiler struct{ run *Run }

func (r *Run) Profiler() machine.Profiler { return profiler{r} }

func (r *Run) EveryLayer(on bool) { r.every = on }

func (p profiler) Variant() string { return p.run.engine.device.Info().Variant.String() }

func (p profiler) Roofline(ctx context.Context) (kernel.Roofline, error) {
	return kernel.MeasureRoofline(ctx, p.run.engine.device)
}

func (p profiler) Launches(chunk int) (decode, prefill int) {
	return p.run.drawn.use.step.Dispatches(), p.run.chunkProgram(chunk, p.run.every).Dispatches()
}

func (p profiler) CanTime() bool { return p.run.engine.device.CanTime() }

func (p profiler) TimeChunk(ctx context.Context, ids []uint32, pos, passes int) (machine.Times, error) {
	return p.time(ctx, p.run.chunkProgram(len(ids), p.run.every), ids, pos, passes)
}

func (p profiler) TimeStep(ctx context.Context, id uint32, pos, passes int) (machine.Times, error) {
	return p.time(ctx, p.run.drawn.use.step, []uint32{id}, pos, passes)
}

func (p profiler) time(ctx context.Context, program *gpu.Program, ids []uint32, pos, passes int) (machine.Times, error) {
	return timePasses(ctx, p.run.engine.device, program, passes, func() error {
		p.run.pos = pos
		return p.run.upload(ids)
	})
}

func (p profiler) TimeBatch(ctx context.Context, sequences, position, passes int) (machine.Times, error) {
	e := p.run.engine
	b, err := e.newBatch(sequences)
	if err != nil {
		return machine.Times{}, err
	}
	defer b.Close()
	if err := b.makeRoom(position + 1); err != nil {
		return machine.Times{}, err
	}
	program, err := b.program(features{}, sequences)
	if err != nil {
		return machine.Times{}, err
	}
	rows, positions, _, length := kernel.BatchCursor(sequences)
	cursor := make([]uint32, length)
	cursor[1] = uint32(sequences)
	for i := range sequences {
		cursor[rows+i], cursor[positions+i] = uint32(i), uint32(position)
	}
	return timePasses(ctx, e.device, program, passes, func() error { return e.device.Write(b.cursor, 0, machine.Words(cursor...)) })
}

// timePasses times a program's kernels, each pass from the same place.
func timePasses(ctx context.Context, device *gpu.Device, p *gpu.Program, passes int, prepare func() error) (machine.Times, error) {
	all := machine.Times{Passes: passes}
	for range passes {
		if err := prepare(); err != nil {
			return machine.Times{}, err
		}
		times, err := device.Time(ctx, p)
		if err != nil {
			return machine.Times{}, err
		}
		all.Dispatches = append(all.Dispatches, times...)
		if err := prepare(); err != nil {
			return machine.Times{}, err
		}
		span, err := device.Span(ctx, p)
		if err != nil {
			return machine.Times{}, err
		}
		all.Span += span / float64(passes)
	}
	return all, nil
}
