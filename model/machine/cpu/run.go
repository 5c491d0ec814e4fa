// Package cpu computes a model in plain Go, each step as it is asked for. It is what the
// GPU is held to.
package cpu

import (
	"context"

	"github.com/samba-web/samba/gpu/cpu"
	"github.com/samba-web/samba/gpu/reference"
	"github.com/samba-web/samba/model/config"
	"github.com/samba-web/samba/model/graph"
	"github.com/samba-web/samba/model/machine"
)

// Engine is a model on the processor.
type Engine struct {
	config *config.Config
	store  *Store
	graph  *graph.Graph[array, weight]
	chunk  int
	spare  machine.Spare

	kernels cpu.Kernels
	linear  linear // nil: the kernels' own
}

// linear is cpu.Kernels.Linear, or what stands for it.
type linear func(w *reference.Weight, x []float32, xStride int, y []float32, count int, add bool)

// NewEngine takes a model whose weights are in the store, which it frees when it is
// closed. Its runs absorb at most chunk tokens at once.
func NewEngine(c *config.Config, s *Store, vectors map[string][]float32, chunk int, spare machine.Spare) (*Engine, error) {
	g, err := graph.Assemble(c, s, vectors, graph.RingsFor(chunk, false))
	if err != nil {
		return nil, err
	}
	s.help.Wait()
	return &Engine{config: c, store: s, graph: g, chunk: chunk, spare: spare}, nil
}

func (e *Engine) NewRun() (machine.Run, error) { return e.newRun() }

func (e *Engine) newRun() (*Run, error) {
	a, err := graph.NewActivations(e.config, e.store, e.chunk)
	if err != nil {
		return nil, err
	}
	state, err := graph.NewState(e.graph, e.store)
	if err != nil {
		return nil, err
	}
	_, _, room := e.graph.Growing()
	return &Run{engine: e, activations: a, state: state, room: room, machine: e.machine(e.chunk, state)}, nil
}

// machine computes runs of at most tokens tokens.
func (e *Engine) machine(tokens int, state graph.State[array]) steps {
	m := steps{
		Kernels: &e.kernels, linear: e.linear, config: e.config, state: state,
		normed: make([]float32, tokens*e.config.HiddenSize),
		gateUp: make([]float32, tokens*2*e.config.IntermediateSize),
	}
	if m.linear == nil {
		m.linear = m.Linear
	}
	return m
}

func (e *Engine) Stored(name string) (bits, group int) {
	w := e.store.weights[name]
	if !w.DType.Quantized() {
		return w.DType.Bits(), 0
	}
	return w.DType.Bits(), w.Group
}

func (e *Engine) Allocated() int64 { return 0 }

func (e *Engine) Close() { e.store.Free() }

// Run is one conversation on the processor. It never runs ahead: a
// flight is one token, sampled when it is asked for.
type Run struct {
	engine      *Engine
	activations *graph.Activations[array]
	state       graph.State[array]
	machine     steps
	tail        []uint32 // the last PenaltyTail tokens
	pos         int      // tokens absorbed
	room        int      // positions that full attention's arrays hold
	drawing     drawing
	pending     uint32
	unfinished  bool      // the last token has yet to pass the layers that carry no state
	every       bool      // Absorb runs all layers
	guessing    *guessing // nil until something is guessed
}

func (r *Run) Reset() error {
	for _, arrays := range r.state {
		for _, v := range arrays {
			clear(v)
		}
	}
	r.pos, r.tail = 0, r.tail[:0]
	return nil
}

func (r *Run) Absorb(ctx context.Context, ids []uint32) error { return r.absorb(ctx, ids, r.every) }

// absorb takes tokens through every layer, or through those that carry state.
func (r *Run) absorb(ctx context.Context, ids []uint32, every bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := r.makeRoom(ctx, r.pos+len(ids)); err != nil {
		return err
	}
	r.machine.ids, r.machine.pos = ids, r.pos
	r.engine.graph.Carry(&r.machine, r.activations)
	if r.unfinished = !every; every {
		r.engine.graph.Finish(&r.machine, r.activations)
	}
	r.pos += len(ids)
	r.tail = append(r.tail, ids...)
	r.tail = r.tail[max(0, len(r.tail)-machine.PenaltyTail):]
	return nil
}

// finish takes the last token that was absorbed through the layers that carry no state.
func (r *Run) finish() {
	if !r.unfinished {
		return
	}
	g, a := r.engine.graph, r.activations
	last := len(r.machine.ids) - 1
	for _, h := range g.Handed(a) {
		copy(h.Array[:h.Width], h.Array[last*h.Width:])
	}
	r.machine.ids, r.machine.pos = r.machine.ids[last:], r.pos-1
	g.Finish(&r.machine, a)
	r.unfinished = false
}

// logits are those after the last token, until the next call.
func (r *Run) logits() []float32 {
	r.finish()
	g, a := r.engine.graph, r.activations
	r.machine.Head(a.X, g.Norm, g.Head, a.Logits, false)
	return a.Logits
}

func (r *Run) AbsorbLogits(ctx context.Context, ids []uint32) ([]float32, error) {
	if err := r.absorb(ctx, ids, true); err != nil {
		return nil, err
	}
	g := r.engine.graph
	logits := make([]float32, len(ids)*r.engine.config.VocabSize)
	r.machine.Head(r.activations.X, g.Norm, g.Head, logits, true)
	return logits, nil
}

func (r *Run) AbsorbScores(ctx context.Context, ids, next []uint32) (machine.Scores, error) {
	logits, err := r.AbsorbLogits(ctx, ids)
	if err != nil {
		return nil, err
	}
	out := make(scores, len(ids))
	reference.Score(logits, next, out)
	return out, nil
}

// scores are there already.
type scores []float32

func (s scores) Wait(context.Context) ([]float32, error) { return s, nil }

func (s scores) Drop() {}

func (r *Run) Launch(ctx context.Context, first bool, allowed []uint32) (machine.Flight, error) {
	d := &r.drawing
	if !first {
		if err := r.Absorb(ctx, []uint32{r.pending}); err != nil {
			return nil, err
		}
		d.Adjustment.Counts[r.pending]++
	}
	f := d.draw(&r.engine.kernels, r.logits(), r.tail, r.pos, allowed)
	r.pending = f.Token
	return flight(f), nil
}

func (r *Run) Depth() int { return 1 }

type flight machine.Draw

func (f flight) Wait(context.Context) ([]machine.Draw, error) {
	return []machine.Draw{machine.Draw(f)}, nil
}

func (f flight) Drop(context.Context) error { return nil }

// Rewind has nothing to undo: the state is where the flight's token left it.
func (f flight) Rewind(context.Context, []uint32) error { return nil }

func (r *Run) StateBytes() (n int64) {
	for _, arrays := range r.state {
		for _, v := range arrays {
			n += 4 * int64(len(v))
		}
	}
	return n
}

// Settle: what was asked for is computed.
func (r *Run) Settle(context.Context) error { return nil }

func (r *Run) Profiler() machine.Profiler { return nil }

func (r *Run) EveryLayer(on bool) { r.every = on }

func (r *Run) Close() {}
