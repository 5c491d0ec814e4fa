package model

import (
	"context"

	"github.com/samba-web/samba/gpu/cpu"
	"github.com/samba-web/samba/gpu/reference"
	"github.com/samba-web/samba/model/config"
)

// cpuEngine is a model on the processor.
type cpuEngine struct {
	config *config.Config
	store  *cpuStore
	graph  *graph[cpuArray, cpuWeight]
	chunk  int
	spare  Spare

	kernels cpu.Kernels
	linear  linear // nil: the kernels' own
}

// linear is cpu.Kernels.Linear, or what stands for it.
type linear func(w *reference.Weight, x []float32, xStride int, y []float32, count int, add bool)

// newCPUEngine takes a model whose weights are in the store. Its runs absorb at
// most chunk tokens at once.
func newCPUEngine(c *config.Config, s *cpuStore, vectors map[string][]float32, chunk int, spare Spare) (*cpuEngine, error) {
	g, err := assemble(c, s, vectors, func(window int) int { return Ring(window, chunk) })
	if err != nil {
		return nil, err
	}
	return &cpuEngine{config: c, store: s, graph: g, chunk: chunk, spare: spare}, nil
}

func (e *cpuEngine) NewRun() (Run, error) { return e.newRun() }

func (e *cpuEngine) newRun() (*cpuRun, error) {
	a, err := newActivations(e.config, e.store, e.chunk)
	if err != nil {
		return nil, err
	}
	state, err := newState(e.graph, e.store)
	if err != nil {
		return nil, err
	}
	_, _, room := e.graph.growing()
	return &cpuRun{engine: e, activations: a, state: state, room: room, machine: e.machine(e.chunk, state)}, nil
}

// machine computes runs of at most tokens tokens.
func (e *cpuEngine) machine(tokens int, state state[cpuArray]) cpuMachine {
	m := cpuMachine{
		Kernels: &e.kernels, linear: e.linear, config: e.config, state: state,
		normed: make([]float32, tokens*e.config.HiddenSize),
		gateUp: make([]float32, tokens*2*e.config.IntermediateSize),
	}
	if m.linear == nil {
		m.linear = m.Linear
	}
	return m
}

func (e *cpuEngine) Stored(name string) (bits, group int) {
	w := e.store.weights[name]
	if !w.DType.Quantized() {
		return w.DType.Bits(), 0
	}
	return w.DType.Bits(), w.Group
}

func (e *cpuEngine) Allocated() int64 { return 0 }

func (e *cpuEngine) Close() {}

// cpuRun is one conversation on the processor. It never runs ahead: a
// flight is one token, sampled when it is asked for.
type cpuRun struct {
	engine      *cpuEngine
	activations *activations[cpuArray]
	state       state[cpuArray]
	machine     cpuMachine
	tail        []uint32 // the last PenaltyTail tokens
	pos         int      // tokens absorbed
	room        int      // positions that full attention's arrays hold
	drawing     drawing
	pending     uint32
}

func (r *cpuRun) Reset() error {
	for _, arrays := range r.state {
		for _, v := range arrays {
			clear(v)
		}
	}
	r.pos, r.tail = 0, r.tail[:0]
	return nil
}

func (r *cpuRun) Absorb(ctx context.Context, ids []uint32) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := r.makeRoom(ctx, r.pos+len(ids)); err != nil {
		return err
	}
	r.machine.ids, r.machine.pos = ids, r.pos
	r.engine.graph.forward(&r.machine, r.activations)
	r.pos += len(ids)
	r.tail = append(r.tail, ids...)
	r.tail = r.tail[max(0, len(r.tail)-PenaltyTail):]
	return nil
}

func (r *cpuRun) AbsorbLogits(ctx context.Context, ids []uint32) ([]float32, error) {
	if err := r.Absorb(ctx, ids); err != nil {
		return nil, err
	}
	g := r.engine.graph
	logits := make([]float32, len(ids)*r.engine.config.VocabSize)
	r.machine.head(r.activations.x, g.norm, g.head, logits, true)
	return logits, nil
}

func (r *cpuRun) AbsorbScores(ctx context.Context, ids, next []uint32) (Scores, error) {
	logits, err := r.AbsorbLogits(ctx, ids)
	if err != nil {
		return nil, err
	}
	out := make(cpuScores, len(ids))
	reference.Score(logits, next, out)
	return out, nil
}

// cpuScores are there already.
type cpuScores []float32

func (s cpuScores) Wait(context.Context) ([]float32, error) { return s, nil }

func (s cpuScores) Drop() {}

func (r *cpuRun) Launch(ctx context.Context, first bool, allowed []uint32) (Flight, error) {
	d := &r.drawing
	if !first {
		if err := r.Absorb(ctx, []uint32{r.pending}); err != nil {
			return nil, err
		}
		d.Adjustment.Counts[r.pending]++
	}
	g := r.engine.graph
	logits := r.activations.logits
	r.machine.head(r.activations.x, g.norm, g.head, logits, false)
	f := d.draw(logits, r.tail, r.pos, allowed)
	r.pending = f.Token
	return cpuFlight(f), nil
}

func (r *cpuRun) Depth() int { return 1 }

type cpuFlight Draw

func (f cpuFlight) Wait(context.Context) ([]Draw, error) { return []Draw{Draw(f)}, nil }

func (f cpuFlight) Drop(context.Context) error { return nil }

// Rewind has nothing to undo: the state is where the flight's token left it.
func (f cpuFlight) Rewind(context.Context, []uint32) error { return nil }

func (r *cpuRun) StateBytes() (n int64) {
	for _, arrays := range r.state {
		for _, v := range arrays {
			n += 4 * int64(len(v))
		}
	}
	return n
}

// Settle: what was asked for is computed.
func (r *cpuRun) Settle(context.Context) error { return nil }

func (r *cpuRun) Profiler() Profiler { return nil }

func (r *cpuRun) Close() {}
