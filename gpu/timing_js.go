//go:build js

package gpu

import (
	"context"
	"fmt"
	"syscall/js"
)

// CanTime tells whether Time works here.
func (d *Device) CanTime() bool {
	return d.device.Get("features").Call("has", "timestamp-query").Bool()
}

// timed runs programs and answers with the seconds of each dispatch, or of each pass.
func (d *Device) timed(ctx context.Context, each string, programs []*Program) ([]float64, error) {
	if !d.CanTime() {
		return nil, ErrNoTiming
	}
	// The queue of replay.js answers one submit with a promise of its times.
	d.shim.Set("timed", each)
	err := d.Run(programs...)
	promise := d.shim.Get("timed")
	d.shim.Set("timed", js.Null())
	if err != nil {
		return nil, err
	}
	times, err := await(ctx, promise, d.lost)
	if err == nil {
		err = d.check()
	}
	if err != nil {
		return nil, fmt.Errorf("timing: %w", err)
	}
	seconds := make([]float64, times.Length())
	for i := range seconds {
		seconds[i] = times.Index(i).Float() * 1e-9
	}
	return seconds, nil
}
