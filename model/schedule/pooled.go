package schedule

import (
	"context"
	"errors"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/model/machine"
)

// PooledRun is a run whose machine is a pool's. Within Share its calls are
// turns, and its flights are steps of the pool's batch, one each; outside, the
// caller has the machine.
//
// The batch takes a run over before a token that is still to be absorbed, so
// within Share the last one of a prompt is held back.
type PooledRun struct {
	inner machine.Run
	pool  *Pool
	ctx   context.Context // of the Share under way; nil: none is

	held     []uint32 // one token at most, which counts as absorbed
	drawing  machine.Drawing
	sequence *sequence // the answer under way
	asked    int       // steps of it
}

// alone calls f while no other uses the machine and nothing is held back.
func (r *PooledRun) alone(f func() error) error {
	return r.turn(context.Background(), func() error {
		if len(r.held) > 0 {
			if err := r.inner.Absorb(context.Background(), r.held); err != nil {
				return err
			}
			r.held = nil
		}
		return f()
	})
}

func (r *PooledRun) turn(ctx context.Context, f func() error) error {
	if r.ctx == nil {
		return f()
	}
	return r.pool.Do(ctx, f)
}

// Share calls f, in which the run's methods take turns with other users of the
// machine. lost is not nil where an answer's state is lost with it. A panic of f
// is an error, which gives the place up as any other does.
func (r *PooledRun) Share(ctx context.Context, f func() error) (err, lost error) {
	r.ctx = ctx
	returned := false
	err = guarded(func() error {
		err := f()
		returned = true
		return err
	})
	lost = r.release()
	if !returned {
		lost = err
	}
	return err, lost
}

// release ends Share: what it has left in the batch comes back. Its error is
// that of an answer whose state is lost.
func (r *PooledRun) release() (err error) {
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

// land ends an answer, with the state after this many tokens.
func (r *PooledRun) land(absorbed int) error {
	q := r.sequence
	r.sequence = nil
	err := r.turn(context.Background(), func() error { return r.pool.finish(q, absorbed) })
	if absorbed > q.start {
		r.held = nil
	}
	return err
}

func (r *PooledRun) Reset() error {
	return r.turn(context.Background(), func() error { r.held = nil; return r.inner.Reset() })
}

func (r *PooledRun) Absorb(ctx context.Context, ids []uint32) error {
	if r.ctx == nil {
		return r.alone(func() error { return r.inner.Absorb(ctx, ids) })
	}
	all := append(r.held[:len(r.held):len(r.held)], ids...)
	last := len(all) - 1
	if last > 0 {
		if err := r.turn(ctx, func() error { return r.inner.Absorb(ctx, all[:last]) }); err != nil {
			return err
		}
	}
	r.held = all[last:]
	return nil
}

func (r *PooledRun) AbsorbLogits(ctx context.Context, ids []uint32) (logits []float32, err error) {
	err = r.alone(func() (err error) { logits, err = r.inner.AbsorbLogits(ctx, ids); return err })
	return logits, err
}

func (r *PooledRun) AbsorbScores(ctx context.Context, ids, next []uint32) (s machine.Scores, err error) {
	err = r.alone(func() (err error) { s, err = r.inner.AbsorbScores(ctx, ids, next); return err })
	return pooledScores{s, r}, err
}

type pooledScores struct {
	inner machine.Scores
	run   *PooledRun
}

func (s pooledScores) Wait(ctx context.Context) (values []float32, err error) {
	err = s.run.turn(context.WithoutCancel(ctx), func() (err error) { values, err = s.inner.Wait(ctx); return err })
	return values, err
}

func (s pooledScores) Drop() {
	_ = s.run.turn(context.Background(), func() error { s.inner.Drop(); return nil })
}

func (r *PooledRun) Begin(d machine.Drawing) error {
	if r.ctx == nil {
		return r.alone(func() error { return r.inner.Begin(d) })
	}
	r.drawing = d
	return nil
}

func (r *PooledRun) Depth() int {
	switch {
	case r.ctx == nil:
		return r.inner.Depth()
	case r.drawing.Constrained:
		return 1
	}
	return r.pool.depth
}

// MostGuesses is none within Share: other answers' tokens are a step's rows there.
func (r *PooledRun) MostGuesses() int {
	if r.ctx != nil {
		return 0
	}
	return r.inner.MostGuesses()
}

func (r *PooledRun) LaunchGuessed(ctx context.Context, g machine.Guesses) (machine.Flight, error) {
	return r.inner.LaunchGuessed(ctx, g)
}

// pooledFlight is a step of the batch.
type pooledFlight struct {
	run      *PooledRun
	sequence *sequence
	number   int // of the answer's steps, from 1
}

func (r *PooledRun) Launch(ctx context.Context, first bool, allowed []uint32) (machine.Flight, error) {
	if r.ctx == nil {
		return r.inner.Launch(ctx, first, allowed)
	}
	if first {
		depth := r.Depth()
		r.asked, r.sequence = 0, &sequence{run: r.inner, drawing: r.drawing, pending: r.held[0], place: -1, depth: depth, draws: make(chan machine.Draw, depth)}
	}
	r.asked++
	return &pooledFlight{r, r.sequence, r.asked}, r.pool.ask(r.sequence, allowed)
}

func (f *pooledFlight) Wait(context.Context) ([]machine.Draw, error) {
	cancelled := f.run.ctx.Done()
	for {
		select {
		case d, ok := <-f.sequence.draws:
			if !ok {
				return nil, f.sequence.err
			}
			return []machine.Draw{d}, nil
		case <-cancelled:
			if why := f.run.ctx.Err(); f.run.pool.forget(f.sequence, why) {
				return nil, why
			}
			cancelled = nil // the answer ends with the token that comes next
		}
	}
}

// Drop waits for nothing: what is under way belongs to no answer then.
func (f *pooledFlight) Drop(context.Context) error {
	f.run.pool.mu.Lock()
	defer f.run.pool.mu.Unlock()
	f.sequence.wanted = nil
	return f.sequence.err
}

// Rewind needs no tokens: the batch has kept the state after the flight.
func (f *pooledFlight) Rewind(context.Context, []uint32) error {
	return f.run.land(f.sequence.start + f.number)
}

func (r *PooledRun) Mark() (b machine.Bookmark, err error) {
	err = r.alone(func() (err error) { b, err = r.inner.Mark(); return err })
	if err != nil {
		return nil, err
	}
	return &pooledBookmark{b, r}, nil
}

type pooledBookmark struct {
	inner machine.Bookmark
	run   *PooledRun
}

func (b *pooledBookmark) Recall() error {
	return b.run.turn(context.Background(), func() error { b.run.held = nil; return b.inner.Recall() })
}

func (b *pooledBookmark) Free() {
	_ = b.run.turn(context.Background(), func() error { b.inner.Free(); return nil })
}

func (r *PooledRun) Save(ctx context.Context, into gpu.Blob) error {
	return r.alone(func() error { return r.inner.Save(ctx, into) })
}

func (r *PooledRun) Restore(ctx context.Context, state gpu.Blob, position int, tail []uint32) error {
	return r.turn(ctx, func() error {
		err := r.inner.Restore(ctx, state, position, tail)
		if !errors.Is(err, machine.ErrNoRoom) { // else nothing has changed
			r.held = nil
		}
		return err
	})
}

func (r *PooledRun) Fork() (machine.Run, error) { return r.ForkPooled() }

// ForkPooled is Fork: the second run is the pool's, too.
func (r *PooledRun) ForkPooled() (*PooledRun, error) {
	other := &PooledRun{pool: r.pool}
	err := r.alone(func() (err error) { other.inner, err = r.inner.Fork(); return err })
	return other, err
}

// StateBytes is asked for without the machine.
func (r *PooledRun) StateBytes() int64 { return r.inner.StateBytes() }

func (r *PooledRun) Settle(ctx context.Context) error {
	return r.alone(func() error { return r.inner.Settle(ctx) })
}

// Profiler is used within Do.
func (r *PooledRun) Profiler() machine.Profiler { return r.inner.Profiler() }

// EveryLayer is used within Do.
func (r *PooledRun) EveryLayer(on bool) { r.inner.EveryLayer(on) }

func (r *PooledRun) Close() {
	_ = r.turn(context.Background(), func() error { r.inner.Close(); return nil })
}
