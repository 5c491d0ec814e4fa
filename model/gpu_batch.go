package model

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/kernel"
)

// gpuBatch decodes runs together on a device. A run's state is copied into its
// place when it joins, and back when it leaves.
type gpuBatch struct {
	engine      *gpuEngine
	store       gpuStore
	places      []gpuPlace
	state       state[gpuArray] // as kernel.Recorder has them for a batch
	activations *activations[gpuArray]
	scratch     gpuScratch
	cursor      gpuArray
	drawn       gpuDrawing
	out         gpuArray
	steps       map[stepKind]*gpu.Program
	room        int          // positions that full attention's buffers hold of each sequence
	bytes       atomic.Int64 // of state
}

// stepKind tells steps apart that are recorded for themselves.
type stepKind struct {
	drawingFeatures
	rows int // at most
}

type gpuPlace struct {
	run     *gpuRun
	drawing Drawing
	pos     int // tokens absorbed, steps under way included
}

func (e *gpuEngine) NewBatch(places int) (Batch, error) { return e.newBatch(places) }

func (e *gpuEngine) newBatch(places int) (*gpuBatch, error) {
	b := &gpuBatch{engine: e, store: gpuStore{device: e.device}, places: make([]gpuPlace, places), scratch: e.scratch, steps: map[stepKind]*gpu.Program{}}
	_, _, b.room = e.graph.growing()
	if err := b.allocate(); err != nil {
		b.Close()
		return nil, err
	}
	return b, nil
}

func (b *gpuBatch) allocate() (err error) {
	e, c, n := b.engine, b.engine.config, len(b.places)
	array := func(to *gpuArray, name string, n int) {
		if err == nil {
			*to, err = b.store.array(name, n)
		}
	}
	b.state, err = shapeState(e.graph, func(c carried) (gpuArray, error) {
		if c.recurrent() {
			return b.store.array(c.label()+"s", n*StateDepth*c.values)
		}
		kv := batchRing(c.ring, c.window) * c.row
		if limit := e.device.Info().Limits.MaxBindingSize; uint64(4*n*kv) > limit {
			return nil, fmt.Errorf("%d sequences at once: their keys and values need %s in one piece, this GPU binds %s: ask for %d at most",
				n, Gigabytes(int64(4*n*kv)), Gigabytes(int64(limit)), limit/uint64(4*kv))
		}
		return b.store.array(c.label()+"s", n*kv)
	})
	if err != nil {
		return err
	}
	b.bytes.Store(allocated(b.state))
	if b.activations, err = newActivations(c, &b.store, n); err != nil {
		return err
	}
	_, _, _, cursor := kernel.BatchCursor(n)
	array(&b.activations.logits, "logits", n*c.VocabSize)
	array(&b.scratch.ids, "ids", n)
	array(&b.scratch.normed, "normed", n*c.HiddenSize)
	array(&b.scratch.gateUp, "gate and up", n*2*c.IntermediateSize)
	array(&b.scratch.history, "history", n*historySize)
	for _, shared := range []*gpuArray{&b.scratch.partials, &b.scratch.weights} {
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
		return window + StateDepth
	}
	return ring
}

// program is a step for so many rows with such features, recorded once for each
// power of two of rows.
func (b *gpuBatch) program(f drawingFeatures, rows int) (*gpu.Program, error) {
	kind := stepKind{f, 1}
	for kind.rows < rows {
		kind.rows = min(2*kind.rows, len(b.places))
	}
	p := b.steps[kind]
	if p == nil {
		e, n := b.engine, len(b.places)
		m := &gpuMachine{eps: e.config.RMSNormEps, buffer: &b.scratch, state: b.state}
		m.Recorder = kernel.Recorder{Device: e.device, Program: e.device.NewProgram(), Cursor: b.cursor, Tokens: kind.rows, Slots: n}
		e.graph.forward(m, b.activations)
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

// makeRoom lets full attention keep so many positions of each sequence.
func (b *gpuBatch) makeRoom(positions int) error {
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

func (b *gpuBatch) StateBytes() int64 { return b.bytes.Load() }

// move copies the state after so many tokens between a run and a place.
func (b *gpuBatch) move(place int, r *gpuRun, position int, out bool) error {
	p := b.engine.device.NewProgram()
	defer p.Free()
	copied := func(run gpuArray, from uint64, places gpuArray, at, n uint64) {
		if out {
			p.Copy(places, at, run, from, n)
		} else {
			p.Copy(run, from, places, at, n)
		}
	}
	for _, c := range b.engine.graph.carried {
		own, all := *r.state.of(c), *b.state.of(c)
		if c.recurrent() {
			copied(own, 0, all, uint64(place*StateDepth+position%StateDepth)*own.Size(), own.Size())
			continue
		}
		row, first := 4*c.row, 0
		theirs, ours := int(own.Size())/row, int(all.Size())/row/len(b.places) // positions
		if !c.grows() {
			first = max(0, position-c.window)
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

func (b *gpuBatch) Join(place int, r Run, d Drawing, pending uint32, drawn int) (position int, err error) {
	own, n := r.(*gpuRun), len(b.places)
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
		to        gpuArray
		at, value int
	}{{b.scratch.ids, place, int(pending)}, {b.cursor, positions + place, own.pos}, {b.cursor, sampled + place, drawn}} {
		if err := b.engine.device.Write(w.to, 4*uint64(w.at), Words(uint32(w.value))); err != nil {
			return 0, err
		}
	}
	b.places[place] = gpuPlace{own, d, own.pos}
	return own.pos, nil
}

func (b *gpuBatch) Step(places []int, allowed [][]uint32) (BatchStep, error) {
	device := b.engine.device
	var f drawingFeatures
	cursor := []uint32{0, uint32(len(places)), 0, 0}
	for i, place := range places {
		own := &b.places[place]
		if err := b.makeRoom(own.pos + 1); err != nil {
			return nil, err
		}
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
	if err := device.Write(b.cursor, 0, Words(cursor...)); err != nil {
		return nil, err
	}
	if err := device.Run(p); err != nil {
		return nil, err
	}
	step := &gpuBatchStep{vocab: b.engine.config.VocabSize}
	for _, place := range places {
		step.drawings = append(step.drawings, b.places[place].drawing)
	}
	if step.tokens, err = device.Read(b.out, 0, 4*uint64(len(places))); err == nil && f.logprobs {
		step.logprobs, err = device.Read(b.drawn.rows, 0, uint64(4*len(places)*kernel.LogprobsRow(MaxTopLogprobs)))
	}
	return step, err
}

func (b *gpuBatch) Leave(place, absorbed int) error {
	r := b.places[place].run
	b.places[place] = gpuPlace{}
	if err := r.makeRoom(context.Background(), absorbed); err != nil {
		return err
	}
	r.pos = absorbed
	return b.move(place, r, absorbed, true)
}

func (b *gpuBatch) Ahead() int { return FlightsAhead }

func (b *gpuBatch) Close() {
	for _, p := range b.steps {
		p.Free()
	}
	b.store.Free()
}

type gpuBatchStep struct {
	vocab    int
	drawings []Drawing // of its rows
	tokens   *gpu.Readback
	logprobs *gpu.Readback // nil where no row asks for them
}

func (s *gpuBatchStep) Drop() {
	s.tokens.Drop()
	if s.logprobs != nil {
		s.logprobs.Drop()
	}
}

func (s *gpuBatchStep) Wait(ctx context.Context) ([]Draw, error) {
	return readDraws(ctx, s.tokens, s.logprobs, s.vocab, len(s.drawings), func(i int) (bool, int) {
		return s.drawings[i].Logprobs, s.drawings[i].Top
	})
}
