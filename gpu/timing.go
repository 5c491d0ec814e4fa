package gpu

import (
	"context"
	"errors"
)

// ErrNoTiming is what Time reports where the device has no timestamp queries.
var ErrNoTiming = errors.New("this device measures no GPU time: it has no timestamp queries")

// DispatchTime is what one dispatch of a program took on the GPU.
type DispatchTime struct {
	Kernel  string   // the shader's stem
	Buffers []string // labels of what it was given, in the order of its bindings
	Grid    [3]uint32
	Seconds float64
}

// Dispatches is how many kernel launches the program makes; copies do not count.
func (p *Program) Dispatches() (n int) {
	for _, o := range p.ops {
		if o.pipeline != nil {
			n++
		}
	}
	return n
}

// Span runs the programs as Run does, waits for them, and tells how many seconds
// their dispatches took of the GPU: without copies between them, and without what a
// browser takes to pass them on.
func (d *Device) Span(ctx context.Context, programs ...*Program) (float64, error) {
	passes, err := d.timed(ctx, "pass", programs)
	sum := 0.0
	for _, seconds := range passes {
		sum += seconds
	}
	return sum, err
}

// Time runs the programs as Run does, but each dispatch in a pass of its own
// between two timestamps, and waits for them. Passes of one dispatch keep
// kernels from overlapping, so their sum is above what Run takes. Browsers
// round timestamps, mostly to 0.1 ms, unless they are started with developer
// features: average over many runs.
func (d *Device) Time(ctx context.Context, programs ...*Program) ([]DispatchTime, error) {
	seconds, err := d.timed(ctx, "dispatch", programs)
	if err != nil {
		return nil, err
	}
	times := make([]DispatchTime, 0, len(seconds))
	for _, p := range programs {
		for _, o := range p.ops {
			if o.pipeline == nil {
				continue
			}
			t := DispatchTime{Kernel: o.pipeline.stem, Grid: o.grid, Seconds: seconds[len(times)]}
			for _, b := range o.buffers {
				t.Buffers = append(t.Buffers, b.label)
			}
			times = append(times, t)
		}
	}
	return times, nil
}
