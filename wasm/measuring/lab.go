// Package measuring lets an engine measure itself. It stands apart from package protocol, so that visitors, who
// measure nothing, do not download it.
package measuring

import (
	"context"

	"github.com/samba-web/samba/model"
	"github.com/samba-web/samba/model/measure"
	"github.com/samba-web/samba/wasm/protocol"
)

// Lab is the part of a home that makes it a protocol.Measurer.
type Lab struct{}

// Bench is of protocol.Measurer.
func (Lab) Bench(ctx context.Context, s *model.Session, m *protocol.Bench, onProgress func(model.Progress)) (*protocol.Benched, error) {
	report, err := measure.Bench(ctx, s, measure.BenchOptions{
		Prompt: m.Prompt, Generate: m.Generate, Runs: m.Runs, Seed: m.Seed, Roofline: m.Roofline, Kernels: m.Kernels, Batch: m.Batch, EveryLayer: m.EveryLayer, Guesses: m.Guesses,
		OnProgress: onProgress,
	})
	if err != nil {
		return nil, err
	}
	return &protocol.Benched{Report: *report}, nil
}

// LongRun is of protocol.Measurer.
func (Lab) LongRun(ctx context.Context, m *model.Model, r *protocol.LongRun, onProgress func(model.Progress), onLap func(*protocol.Lapped) error) error {
	return measure.Long(ctx, m, measure.LongOptions{
		Prompt: r.Prompt, Generate: r.Generate, Batch: r.Batch, Laps: r.Laps, Seed: r.Seed, Trace: r.Trace, EveryLayer: r.EveryLayer,
		OnProgress: onProgress,
	}, func(lap measure.Lap) error { return onLap(&protocol.Lapped{Lap: lap}) })
}
