package model

import (
	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/kernel"
)

// gpuDrawing is what a run draws its tokens with. Steps are recorded once for
// each set of features, and what a feature needs is there from its first use
// on: answers without any pay for none.
type gpuDrawing struct {
	drawing
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

func (d *drawing) features() drawingFeatures { return drawingFeatures{d.adjusted, d.logprobs} }

type drawingPrograms struct {
	sample *gpu.Program // head and sampler
	step   *gpu.Program // absorb the pending token, head and sampler
}

func (r *gpuRun) begin(d drawing) error {
	g := &r.drawn
	g.drawing = d
	r.emitted = 0
	device, vocab := r.engine.device, r.engine.config.VocabSize
	if err := device.Write(g.sampling, 0, kernel.SamplingBytes(d.sampling)); err != nil {
		return err
	}
	if d.adjusted || d.logprobs {
		if err := g.allocate(&r.store, vocab); err != nil {
			return err
		}
		a := d.adjustment
		if d.constrained {
			a.Allowed = []uint32{} // each launch brings them
		}
		if err := device.Write(g.adjustment, 0, kernel.AdjustmentBytes(a, d.top)); err != nil {
			return err
		}
	}
	if d.adjusted {
		bias := make([]byte, 4*vocab)
		if d.adjustment.Bias != nil {
			bias = floatBytes(d.adjustment.Bias)
		}
		if err := device.Write(g.bias, 0, bias); err != nil {
			return err
		}
		counts := make([]byte, 4*vocab)
		if d.adjustment.Counts != nil { // an answer that goes on
			counts = words(d.adjustment.Counts...)
		}
		if err := device.Write(g.counts, 0, counts); err != nil {
			return err
		}
	}
	return r.recordDrawing(d.features())
}

func (g *gpuDrawing) allocate(s *gpuStore, vocab int) (err error) {
	for _, b := range []struct {
		to   *gpuArray
		name string
		n    int
	}{
		{&g.adjustment, "adjustment", 4}, {&g.bias, "bias", vocab}, {&g.counts, "counts", vocab}, {&g.allowed, "allowed", (vocab + 31) / 32},
		{&g.raw, "raw logits", vocab}, {&g.rows, "logprobs", outRing * kernel.LogprobsRow(MaxTopLogprobs)},
	} {
		if *b.to == nil {
			if *b.to, err = s.array(b.name, b.n); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *gpuRun) recordDrawing(f drawingFeatures) error {
	g := &r.drawn
	if g.use = g.programs[f]; g.use != nil {
		return nil
	}
	graph, a, vocab := r.engine.graph, r.engine.activations, r.engine.config.VocabSize
	draw := func(m *gpuMachine) {
		m.head(a.x, graph.norm, graph.head, a.logits, false)
		if f.logprobs {
			m.Program.Copy(a.logits, 0, g.raw, 0, a.logits.Size())
		}
		if f.adjusted {
			m.Adjust(a.logits, g.adjustment, g.bias, g.counts, g.allowed, r.scratch.ids, vocab)
		}
		m.Sample(a.logits, g.sampling, r.scratch.history, r.scratch.ids, r.out, r.scratch.weights, vocab, penaltyTail)
		if f.logprobs {
			m.Logprobs(g.raw, g.adjustment, r.scratch.ids, g.rows, vocab, outRing, MaxTopLogprobs)
		}
	}
	p := &drawingPrograms{
		sample: r.record(1, draw),
		step: r.record(1, func(m *gpuMachine) {
			graph.forward(m, a, r.state)
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

// allow uploads the set of tokens that the next flight may sample.
func (g *gpuDrawing) allow(device *gpu.Device, allowed []uint32) error {
	return device.Write(g.allowed, 0, words(allowed...))
}

func (g *gpuDrawing) free() {
	for _, p := range g.programs {
		p.free()
	}
	g.programs, g.use = nil, nil
}

// gpuBookmark is a copy of all that a run's steps change.
type gpuBookmark struct {
	run        *gpuRun
	store      gpuStore
	save, back *gpu.Program
	pos        int
}

func (r *gpuRun) mark() (bookmark, error) {
	device := r.engine.device
	b := &gpuBookmark{run: r, store: gpuStore{device: device}, save: device.NewProgram(), back: device.NewProgram(), pos: r.pos}
	for _, from := range append(r.engine.graph.overwritten(r.state), r.scratch.history) {
		if from == nil {
			continue
		}
		to, err := b.store.array("bookmark", int(from.Size()/4))
		if err != nil {
			b.free()
			return nil, err
		}
		b.save.Copy(from, 0, to, 0, from.Size())
		b.back.Copy(to, 0, from, 0, from.Size())
	}
	if err := device.Run(b.save); err != nil {
		b.free()
		return nil, err
	}
	return b, nil
}

func (b *gpuBookmark) recall() error {
	b.run.pos = b.pos
	return b.run.engine.device.Run(b.back)
}

func (b *gpuBookmark) free() { b.store.free() }
