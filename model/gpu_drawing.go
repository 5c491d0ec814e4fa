package model

import (
	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/kernel"
)

// gpuDrawing is what a run draws its tokens with. Steps are recorded once for
// each set of features, and what a feature needs is there from its first use
// on: answers without any pay for none.
type gpuDrawing struct {
	Drawing
	programs map[drawingFeatures]*drawingPrograms
	use      *drawingPrograms

	sampling   gpuArray // as sample.wgsl reads it
	adjustment gpuArray // as adjust.wgsl does; nil until a drawing needs it, like all that follow
	bias       gpuArray // [vocab]
	counts     gpuArray // [vocab]
	allowed    gpuArray // [vocab/32]
	raw        gpuArray // [vocab], logits that nothing has changed
	rows       gpuArray // [outRing, kernel.LogprobsRow]
}

type drawingFeatures struct{ adjusted, logprobs bool }

func featuresOf(d Drawing) drawingFeatures { return drawingFeatures{d.Adjusted, d.Logprobs} }

type drawingPrograms struct {
	sample *gpu.Program // head and sampler
	step   *gpu.Program // absorb the pending token, head and sampler
}

func (r *gpuRun) Begin(d Drawing) error {
	r.drawn.Drawing = d
	r.emitted = 0
	if err := r.drawn.set(&r.store, d, r.engine.config.VocabSize, 0, 1, outRing); err != nil {
		return err
	}
	return r.recordDrawing(featuresOf(d))
}

// set writes a drawing's settings into one of so many places. rows is how many
// tokens' log probabilities there is room for.
func (g *gpuDrawing) set(s *gpuStore, d Drawing, vocab, place, places, rows int) error {
	write := func(b gpuArray, data []byte) error {
		return s.device.Write(b, b.Size()/uint64(places)*uint64(place), data)
	}
	if err := write(g.sampling, kernel.SamplingBytes(d.Sampling)); err != nil {
		return err
	}
	if d.Adjusted || d.Logprobs {
		if err := g.allocate(s, vocab, places, rows); err != nil {
			return err
		}
	}
	if g.adjustment == nil {
		return nil
	}
	a := d.Adjustment
	if d.Constrained {
		a.Allowed = []uint32{} // each launch brings them
	}
	if err := write(g.adjustment, kernel.AdjustmentBytes(a, d.Top)); err != nil {
		return err
	}
	bias, counts := make([]byte, 4*vocab), make([]byte, 4*vocab)
	if a.Bias != nil {
		bias = FloatBytes(a.Bias)
	}
	if a.Counts != nil { // an answer that goes on
		counts = Words(a.Counts...)
	}
	if err := write(g.bias, bias); err != nil {
		return err
	}
	return write(g.counts, counts)
}

func (g *gpuDrawing) allocate(s *gpuStore, vocab, places, rows int) (err error) {
	for _, b := range []struct {
		to   *gpuArray
		name string
		n    int
	}{
		{&g.adjustment, "adjustment", 4 * places}, {&g.bias, "bias", vocab * places}, {&g.counts, "counts", vocab * places},
		{&g.allowed, "allowed", (vocab + 31) / 32 * places}, {&g.raw, "raw logits", vocab * places},
		{&g.rows, "logprobs", rows * kernel.LogprobsRow(MaxTopLogprobs)},
	} {
		if *b.to == nil {
			if *b.to, err = s.array(b.name, b.n); err != nil {
				return err
			}
		}
	}
	return nil
}

// record draws a token from what the run has come to, or one for each row of a
// batch. rows is as set has it.
func (g *gpuDrawing) record(m *gpuMachine, graph *graph[gpuArray, gpuWeight], a *activations[gpuArray], out gpuArray, vocab, rows int, f drawingFeatures) {
	m.head(a.x, graph.norm, graph.head, a.logits, false)
	if f.logprobs {
		m.Program.Copy(a.logits, 0, g.raw, 0, a.logits.Size())
	}
	if f.adjusted {
		m.Adjust(a.logits, g.adjustment, g.bias, g.counts, g.allowed, m.buffer.ids, vocab)
	}
	m.Sample(a.logits, g.sampling, m.buffer.history, m.buffer.ids, out, m.buffer.weights, vocab, PenaltyTail)
	if f.logprobs {
		m.Logprobs(g.raw, g.adjustment, m.buffer.ids, g.rows, vocab, rows, MaxTopLogprobs)
	}
}

func (r *gpuRun) recordDrawing(f drawingFeatures) error {
	g := &r.drawn
	if g.use = g.programs[f]; g.use != nil {
		return nil
	}
	graph, a := r.engine.graph, r.engine.activations
	draw := func(m *gpuMachine) { g.record(m, graph, a, r.out, r.engine.config.VocabSize, outRing, f) }
	p := &drawingPrograms{
		sample: r.record(1, draw),
		step: r.record(1, func(m *gpuMachine) {
			graph.forward(m, a)
			draw(m)
		}),
	}
	for _, program := range []*gpu.Program{p.sample, p.step} {
		if err := program.Err(); err != nil {
			p.free()
			return err
		}
	}
	if g.programs == nil {
		g.programs = map[drawingFeatures]*drawingPrograms{}
	}
	g.programs[f], g.use = p, p
	return nil
}

func (p *drawingPrograms) free() {
	p.sample.Free()
	p.step.Free()
}

// allow uploads the set of tokens that the next flight of a place may sample.
func (g *gpuDrawing) allow(device *gpu.Device, allowed []uint32, place int) error {
	return device.Write(g.allowed, 4*uint64(len(allowed)*place), Words(allowed...))
}

func (g *gpuDrawing) free() {
	for _, p := range g.programs {
		p.free()
	}
	g.programs, g.use = nil, nil
}
