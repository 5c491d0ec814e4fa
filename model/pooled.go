package model

import (
	"context"

	"github.com/samba-web/samba/gpu"
)

// pooledRun is a run whose machine is a pool's. Within Share its calls are
// turns, and its flights are steps of the pool's batch, one each; outside, the
// caller has the machine.
//
// The batch takes a run over before a token that is still to be absorbed, so
// within Share the last one of a prompt is held back.
type pooledRun struct {
	run
	pool *Pool
	ctx  context.Context // of the Share under way; nil: none is

	held     []uint32 // one token at most, which counts as absorbed
	drawing  drawing
	sequence *sequence // the answer under way
	asked    int       // steps of it
}

// alone calls f while nobody else uses the machine and nothing is held back.
func (r *pooledRun) alone(f func() error) error {
	return r.turn(context.Background(), func() error {
		if len(r.held) > 0 {
			if err := r.run.absorb(context.Background(), r.held); err != nil {
				return err
			}
			r.held = nil
		}
		return f()
	})
}

func (r *pooledRun) turn(ctx context.Context, f func() error) error {
	if r.ctx == nil {
		return f()
	}
	return r.pool.Do(ctx, f)
}

// release ends Share: what it has left in the batch comes back. Its error is
// that of an answer whose state is lost.
func (r *pooledRun) release() (err error) {
	if q := r.sequence; q != nil {
		r.pool.mu.Lock()
		steps := q.steps
		err = q.err
		r.pool.mu.Unlock()
		if err == nil {
			err = r.land(q.start + steps)
		}
		if steps == 0 {
			err = nil // nothing has become of it
		}
	}
	r.ctx, r.sequence = nil, nil
	return err
}

// land ends an answer, with the state after so many tokens.
func (r *pooledRun) land(absorbed int) error {
	q := r.sequence
	r.sequence = nil
	err := r.turn(context.Background(), func() error { return r.pool.finish(q, absorbed) })
	if absorbed > q.start {
		r.held = nil
	}
	return err
}

func (r *pooledRun) reset() error {
	return r.turn(context.Background(), func() error { r.held = nil; return r.run.reset() })
}

func (r *pooledRun) absorb(ctx context.Context, ids []uint32) error {
	if r.ctx == nil {
		return r.alone(func() error { return r.run.absorb(ctx, ids) })
	}
	all := append(r.held[:len(r.held):len(r.held)], ids...)
	last := len(all) - 1
	if last > 0 {
		if err := r.turn(ctx, func() error { return r.run.absorb(ctx, all[:last]) }); err != nil {
			return err
		}
	}
	r.held = all[last:]
	return nil
}

func (r *pooledRun) absorbLogits(ctx context.Context, ids []uint32) (logits []float32, err error) {
	err = r.alone(func() (err error) { logits, err = r.run.absorbLogits(ctx, ids); return err })
	return logits, err
}

func (r *pooledRun) absorbScores(ctx context.Context, ids, next []uint32) (s scores, err error) {
	err = r.alone(func() (err error) { s, err = r.run.absorbScores(ctx, ids, next); return err })
	return pooledScores{s, r}, err
}

type pooledScores struct {
	scores
	run *pooledRun
}

func (s pooledScores) wait(ctx context.Context) (values []float32, err error) {
	err = s.run.turn(context.WithoutCancel(ctx), func() (err error) { values, err = s.scores.wait(ctx); return err })
	return values, err
}

func (s pooledScores) drop() {
	_ = s.run.turn(context.Background(), func() error { s.scores.drop(); return nil })
}

func (r *pooledRun) begin(d drawing) error {
	if r.ctx == nil {
		return r.alone(func() error { return r.run.begin(d) })
	}
	r.drawing = d
	return nil
}

func (r *pooledRun) depth() int {
	switch {
	case r.ctx == nil:
		return r.run.depth()
	case r.drawing.constrained:
		return 1
	}
	return r.pool.depth
}

// pooledFlight is a step of the batch.
type pooledFlight struct {
	run      *pooledRun
	sequence *sequence
	number   int // of the answer's steps, from 1
}

func (r *pooledRun) launch(ctx context.Context, first bool, allowed []uint32) (flight, error) {
	if r.ctx == nil {
		return r.run.launch(ctx, first, allowed)
	}
	if first {
		depth := r.depth()
		r.asked, r.sequence = 0, &sequence{run: r, drawing: r.drawing, pending: r.held[0], place: -1, depth: depth, draws: make(chan draw, depth)}
	}
	r.asked++
	return &pooledFlight{r, r.sequence, r.asked}, r.pool.ask(r.sequence, allowed)
}

func (f *pooledFlight) wait(context.Context) ([]draw, error) {
	cancelled := f.run.ctx.Done()
	for {
		select {
		case d, ok := <-f.sequence.draws:
			if !ok {
				return nil, f.sequence.err
			}
			return []draw{d}, nil
		case <-cancelled:
			if why := f.run.ctx.Err(); f.run.pool.forget(f.sequence, why) {
				return nil, why
			}
			cancelled = nil // the answer ends with the token that comes next
		}
	}
}

// drop waits for nothing: what is under way belongs to nobody then.
func (f *pooledFlight) drop(context.Context) error {
	f.run.pool.mu.Lock()
	defer f.run.pool.mu.Unlock()
	f.sequence.wanted = nil
	return f.sequence.err
}

// rewind needs no tokens: the batch has kept the state after the flight.
func (r *pooledRun) rewind(ctx context.Context, f flight, absorbed []uint32) error {
	if r.ctx == nil {
		return r.run.rewind(ctx, f, absorbed)
	}
	own := f.(*pooledFlight)
	return r.land(own.sequence.start + own.number)
}

func (r *pooledRun) mark() (b bookmark, err error) {
	err = r.alone(func() (err error) { b, err = r.run.mark(); return err })
	if err != nil {
		return nil, err
	}
	return &pooledBookmark{b, r}, nil
}

type pooledBookmark struct {
	bookmark
	run *pooledRun
}

func (b *pooledBookmark) recall() error {
	return b.run.turn(context.Background(), func() error { b.run.held = nil; return b.bookmark.recall() })
}

func (b *pooledBookmark) free() {
	_ = b.run.turn(context.Background(), func() error { b.bookmark.free(); return nil })
}

func (r *pooledRun) save(ctx context.Context, into gpu.Blob) error {
	return r.alone(func() error { return r.run.save(ctx, into) })
}

func (r *pooledRun) restore(ctx context.Context, state gpu.Blob, position int, tail []uint32) error {
	return r.turn(ctx, func() error { r.held = nil; return r.run.restore(ctx, state, position, tail) })
}

func (r *pooledRun) fork() (other run, err error) {
	err = r.alone(func() (err error) { other, err = r.run.fork(); return err })
	return &pooledRun{run: other, pool: r.pool}, err
}

func (r *pooledRun) close() {
	_ = r.turn(context.Background(), func() error { r.run.close(); return nil })
}
