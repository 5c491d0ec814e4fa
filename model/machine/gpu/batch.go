package gpu

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/kernel"
	"github.com/samba-web/samba/model/graph"
	"github.com/samba-web/samba/model/machine"
)

// batch decodes runs together on a device. A run's state is copied into its
// place when it joins, and back when it leaves.
type batch struct {
	engine      *Engine
	store       Store
	places      []seat
	state       graph.State[buffer] // as kernel.Recorder has them for a batch
	activations *graph.Activations[buffer]
	scratch     scratch
	cursor      buffer
	drawn       drawing
	out         buffer
	steps       map[stepKind]*gpu.Program
	room        int          // positions that full attention's buffers hold of each sequence
	bytes       atomic.Int64 // of state
}

// stepKind tells steps apart that are recorded for themselves.
type stepKind struct {
	features
	rows int // at most
}

type seat struct {
	run     *Run
	drawing machine.Drawing
	pos     int // tokens absorbed, steps under way included
}

func (e *Engine) NewBatch(places int) (machine.Batch, error) { return e.newBatch(places) }

func (e *Engine) newBatch(places int) (*batch, error) {
	b := &batch{engine: e, store: Store{device: e.device}, places: make([]seat, places), scratch: e.scratch, steps: map[stepKind]*gpu.Program{}}
	_, _, b.room = e.graph.Growing()
	if err := b.allocate(); err != nil {
		b.Close()
		return nil, err
	}
	return b, nil
}

func (b *batch) allocate() (err error) {
	e, c, n := b.engine, b.engine.config, len(b.places)
	array := func(to *buffer, name string, n int) {
		if err == nil {
			*to, err = b.store.Array(name, n)
		}
	}
	b.state, err = graph.ShapeState(e.graph, func(c graph.Carried) (buffer, error) {
		if c.Recurrent() {
			return b.store.Array(c.Label()+"s", n*machine.StateDepth*c.Values)
		}
		kv := batchRing(c.Ring, c.Window) * c.Row
		if limit := e.device.Info().Limits.MaxBindingSize; uint64(4*n*kv) > limit {
			return nil, fmt.Errorf("%d sequences at once: their keys and values need %s in one piece, this GPU binds %s: ask for %d at most",
				n, machine.Gigabytes(int64(4*n*kv)), machine.Gigabytes(int64(limit)), limit/uint64(4*kv))
		}
		return b.store.Array(c.Label()+"s", n*kv)
	})
	if err != nil {
		return err
	}
	b.bytes.Store(allocated(b.state))
	if b.activations, err = graph.NewActivations(c, &b.store, n); err != nil {
		return err
	}
	_, _, _, cursor := kernel.BatchCursor(n)
	array(&b.activations.Logits, "logits", n*c.VocabSize)
	array(&b.scratch.ids, "ids", n)
	array(&b.scratch.normed, "normed", n*c.HiddenSize)
	array(&b.scratch.gateUp, "gate and up", n*2*c.IntermediateSize)
	array(&b.scratch.history, "history", n*historySize)
	for _, shared := range []*buffer{&b.scratch.partials, &b.scratch.parts} {
		if *shared != nil {
			array(shared, "scratch", n*int((*shared).Size()/4))
		}
	}
	array(&b.cursor, "cursor", cursor)
	array(&b.drawn.sampling, "sampling", 8*n)
	array(&b.out, "out", n)
	return err
}

// batchRing is the positions of a layer's ring in a batch: there is room for steps
// that run ahead, and for no chunk.
func batchRing(ring, window int) int {
	if window > 0 {
		return window + machine.StateDepth
	}
	return ring
}

// program is a step for this many rows with such features, recorded once for each
// power of two of rows.
func (b *batch) program(f features, rows int) (*gpu.Program, error) {
	kind := stepKind{f, 1}
	for kind.rows < rows {
		kind.rows = min(2*kind.rows, len(b.places))
	}
	p := b.steps[kind]
	if p == nil {
		e, n := b.engine, len(b.places)
		m := &steps{eps: e.config.RMSNormEps, buffer: &b.scratch, state: b.state}
		m.Recorder = kernel.Recorder{Device: e.device, Program: e.device.NewProgram(), Cursor: b.cursor, Tokens: kind.rows, Slots: n, Halves: b.scratch.halves}
		e.graph.Forward(m, b.activations)
		b.drawn.record(m, e.graph, b.activations, b.out, e.config.VocabSize, kind.rows, f)
		p = m.Program
		if err := p.Err(); err != nil {
			p.Free()
			return nil, err
		}
		b.steps[kind] = p
	}
	return p, nil
}

// makeRoom lets full attention keep this many positions of each sequence.
func (b *batch) makeRoom(positions int) error {
	room, err := b.engine.grow(context.Background(), &b.store, b.state, len(b.places), b.room, positions, func() {
		for kind, p := range b.steps {
			p.Free()
			delete(b.steps, kind)
		}
	})
	if room != b.room || err != nil { // or some layers have grown
		b.room = room
		b.bytes.Store(allocated(b.state))
	}
	return err
}

func (b *batch) StateBytes() int64 { return b.bytes.Load() }

// move copies the state after this many tokens between a run and a place.
func (b *batch) move(place int, r *Run, position int, out bool) error {
	p := b.engine.device.NewProgram()
	defer p.Free()
	copied := func(run buffer, from uint64, places buffer, at, n uint64) {
		if out {
			p.Copy(places, at, run, from, n)
		} else {
			p.Copy(run, from, places, at, n)
		}
	}
	for _, c := range b.engine.graph.Carried {
		own, all := *r.state.Of(c), *b.state.Of(c)
		if c.Recurrent() {
			copied(own, 0, all, uint64(place*machine.StateDepth+position%machine.StateDepth)*own.Size(), own.Size())
			continue
		}
		row, first := 4*c.Row, 0
		theirs, ours := int(own.Size())/row, int(all.Size())/row/len(b.places) // positions
		if !c.Grows() {
			first = max(0, position-c.Window)
		}
		for pos := first; pos < position; {
			from, to := pos%theirs, pos%ours
			n := min(position-pos, theirs-from, ours-to)
			for half := range 2 {
				copied(own, uint64((half*theirs+from)*row/2), all, uint64(((2*place+half)*ours+to)*row/2), uint64(n*row/2))
			}
			pos += n
		}
	}
	history := r.scratch.history.Size()
	copied(r.scratch.history, 0, b.scratch.history, uint64(place)*history, history)
	return b.engine.device.Run(p)
}

func (b *batch) Join(place int, r machine.Run, d machine.Drawing, pending uint32, drawn int) (position int, err error) {
	own, n := r.(*Run), len(b.places)
	if err := b.makeRoom(own.pos + 1); err != nil {
		return 0, err
	}
	if err := b.drawn.set(&b.store, d, b.engine.config.VocabSize, place, n, n); err != nil {
		return 0, err
	}
	if err := b.move(place, own, own.pos, false); err != nil {
		return 0, err
	}
	_, positions, sampled, _ := kernel.BatchCursor(n)
	for _, w := range []struct {
		to        buffer
		at, value int
	}{{b.scratch.ids, place, int(pending)}, {b.cursor, positions + place, own.pos}, {b.cursor, sampled + place, drawn}} {
		if err := b.engine.device.Write(w.to, 4*uint64(w.at), machine.Words(uint32(w.value))); err != nil {
			return 0, err
		}
	}
	b.places[place] = seat{own, d, own.pos}
	return own.pos, nil
}

func (b *batch) Step(places []int, allowed [][]uint32) (machine.BatchStep, error) {
	device := b.engine.device
	var f features
	cursor := []uint32{0, uint32(len(places)), 0, 0}
	for _, place := range places {
		if err := b.makeRoom(b.places[place].pos + 1); err != nil {
			return nil, ofPlace(place, err)
		}
	}
	for i, place := range places {
		own := &b.places[place]
		own.pos++
		d := &own.drawing
		f.adjusted, f.logprobs = f.adjusted || d.Adjusted, f.logprobs || d.Logprobs
		cursor = append(cursor, uint32(place))
		if d.Constrained {
			if err := b.drawn.allow(device, allowed[i], place); err != nil {
				return nil, err
			}
		}
	}
	p, err := b.program(f, len(places))
	if err != nil {
		return nil, err
	}
	if err := device.Write(b.cursor, 0, machine.Words(cursor...)); err != nil {
		return nil, err
	}
	if err := device.Run(p); err != nil {
		return nil, err
	}
	step := &batchStep{vocab: b.engine.config.VocabSize}
	for _, place := range places {
		step.drawings = append(step.drawings, b.places[place].drawing)
	}
	if step.tokens, err = device.Read(b.out, 0, 4*uint64(len(places))); err == nil && f.logprobs {
		step.logprobs, err = device.Read(b.drawn.rows, 0, uint64(4*len(places)*kernel.LogprobsRow(machine.MaxTopLogprobs)))
	}
	return step, err
}

// ofPlace names the place that finds no room.
func ofPlace(place int, err error) error {
	if errors.Is(err, machine.ErrNoRoom) {
		return &machine.PlaceError{Place: place, Err: err}
	}
	return err
}

func (b *batch) Leave(place, absorbed int) error {
	r := b.places[place].run
	b.places[place] = seat{}
	if err := r.makeRoom(context.Background(), absorbed); err != nil {
		return err
	}
	r.pos, r.at = absorbed, absorbed
	return b.move(place, r, absorbed, true)
}

func (b *batch) Ahead() int { return machine.FlightsAhead }

func (b *batch) Close() {
	for _, p := range b.steps {
		p.Free()
	}
	b.store.Free()
}

type batchStep struct {
	vocab    int
	drawings []machine.Drawing // of its rows
	tokens   *gpu.Readback
	logprobs *gpu.Readback // nil where no row asks for them
}

func (s *batchStep) Drop() {
	s.tokens.Drop()
	if s.logprobs != nil {
		s.logprobs.Drop()
	}
}

func (s *batchStep) Wait(ctx context.Context) ([]machine.Draw, error) {
	return readDraws(ctx, s.tokens, s.logprobs, s.vocab, len(s.drawings), func(i int) (bool, int) {
		return s.drawings[i].Logprobs, s.drawings[i].Top
	})
}
