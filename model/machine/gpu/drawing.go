package gpu

import (
	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/kernel"
	"github.com/samba-web/samba/model/graph"
	"github.com/samba-web/samba/model/machine"
)

// drawing is what a run draws its tokens with. Steps are recorded once for
// each set of features, and what a feature needs is there from its first use
// on: answers without any pay for none.
type drawing struct {
	machine.Drawing
	programs map[features]*programs
	use      *programs

	sampling   buffer // as sample.wgsl reads it
	adjustment buffer // as adjust.wgsl does; nil until a drawing needs it, like all that follow
	bias       buffer // [vocab]
	counts     buffer // [vocab]
	allowed    buffer // [vocab/32]
	raw        buffer // [vocab], logits that nothing has changed
	rows       buffer // [outRing, kernel.LogprobsRow]
}

type features struct{ adjusted, logprobs bool }

func featuresOf(d machine.Drawing) features { return features{d.Adjusted, d.Logprobs} }

type programs struct {
	sample *gpu.Program // head and sampler
	first  *gpu.Program // the layers that Absorb leaves out, for the last token; head and sampler
	step   *gpu.Program // absorb the pending token, head and sampler
}

func (r *Run) Begin(d machine.Drawing) error {
	r.drawn.Drawing = d
	r.emitted, r.landed, r.unsure = 0, 0, 0
	if err := r.drawn.set(&r.store, d, r.engine.config.VocabSize, 0, 1, outRing); err != nil {
		return err
	}
	return r.recordDrawing(featuresOf(d))
}

// set writes a drawing's settings into one of this many places. rows is how many
// tokens' log probabilities there is room for.
func (g *drawing) set(s *Store, d machine.Drawing, vocab, place, places, rows int) error {
	write := func(b buffer, data []byte) error {
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
		bias = machine.FloatBytes(a.Bias)
	}
	if a.Counts != nil { // an answer that goes on
		counts = machine.Words(a.Counts...)
	}
	if err := write(g.bias, bias); err != nil {
		return err
	}
	return write(g.counts, counts)
}

func (g *drawing) allocate(s *Store, vocab, places, rows int) (err error) {
	for _, b := range []struct {
		to   *buffer
		name string
		n    int
	}{
		{&g.adjustment, "adjustment", 4 * places}, {&g.bias, "bias", vocab * places}, {&g.counts, "counts", vocab * places},
		{&g.allowed, "allowed", (vocab + 31) / 32 * places}, {&g.raw, "raw logits", vocab * places},
		{&g.rows, "logprobs", rows * kernel.LogprobsRow(machine.MaxTopLogprobs)},
	} {
		if *b.to == nil {
			if *b.to, err = s.Array(b.name, b.n); err != nil {
				return err
			}
		}
	}
	return nil
}

// record draws a token from what the run has come to, or one for each row of a
// batch. rows is as set has it.
func (g *drawing) record(m *steps, graph *graph.Graph[buffer, weight], a *graph.Activations[buffer], out buffer, vocab, rows int, f features) {
	m.Head(a.X, graph.Norm, graph.Head, a.Logits, false)
	if f.logprobs {
		m.Program.Copy(a.Logits, 0, g.raw, 0, a.Logits.Size())
	}
	if f.adjusted {
		m.Adjust(a.Logits, g.adjustment, g.bias, g.counts, g.allowed, m.buffer.ids, vocab)
	}
	m.Sample(a.Logits, g.sampling, m.buffer.history, m.buffer.ids, out, m.buffer.parts, vocab, machine.PenaltyTail)
	if f.logprobs {
		m.Logprobs(g.raw, g.adjustment, m.buffer.ids, g.rows, vocab, rows, machine.MaxTopLogprobs)
	}
}

func (r *Run) recordDrawing(f features) error {
	g := &r.drawn
	if g.use = g.programs[f]; g.use != nil {
		return nil
	}
	graph, a := r.engine.graph, r.engine.activations
	draw := func(m *steps) { g.record(m, graph, a, r.out, r.engine.config.VocabSize, outRing, f) }
	p := &programs{
		sample: r.record(1, draw),
		first: r.record(1, func(m *steps) {
			graph.Finish(m, a)
			draw(m)
		}),
		step: r.record(1, func(m *steps) {
			graph.Forward(m, a)
			draw(m)
		}),
	}
	for _, program := range []*gpu.Program{p.sample, p.first, p.step} {
		if err := program.Err(); err != nil {
			p.free()
			return err
		}
	}
	if g.programs == nil {
		g.programs = map[features]*programs{}
	}
	g.programs[f], g.use = p, p
	return nil
}

func (p *programs) free() {
	p.sample.Free()
	p.first.Free()
	p.step.Free()
}

// allow uploads the set of tokens that the next flight of a place may sample.
func (g *drawing) allow(device *gpu.Device, allowed []uint32, place int) error {
	return device.Write(g.allowed, 4*uint64(len(allowed)*place), machine.Words(allowed...))
}

func (g *drawing) free() {
	for _, p := range g.programs {
		p.free()
	}
	g.programs, g.use = nil, nil
}
