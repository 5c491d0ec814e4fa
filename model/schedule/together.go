package schedule

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/model/machine"
)

// Company counts the answers that are being written. One alone has the machine as if
// there were no others; two or more are decoded together.
type Company struct{ answers atomic.Int32 }

// Enter says that an answer begins, and returns what says that it has ended.
func (c *Company) Enter() (leave func()) {
	c.answers.Add(1)
	return func() { c.answers.Add(-1) }
}

// Several tells whether there are two or more.
func (c *Company) Several() bool { return c.answers.Load() > 1 }

// Together is an engine whose runs may be used by several goroutines at once, each
// run by one at a time. An answer starts alone, in flights of its run. While the company
// has another one it is decoded in a batch with it, and alone again when that has ended:
// it changes over between two flights. Prompts are read in between, chunk by chunk.
type Together struct {
	machine.Engine
	company *Company
	vocab   int
	most    func() int   // answers that are decoded together
	turn    sync.Mutex   // held while the machine is given work
	last    *togetherRun // that gave it any, beside batches

	mu     sync.Mutex
	pool   *Pool // nil: not needed yet, or not to be had
	places int   // that it is to have; 0: not asked for yet
	closed bool
}

// NewTogether takes the engine over. most says how many answers are decoded together at
// most, once two are there: where it is one, answers take turns.
func NewTogether(engine machine.Engine, company *Company, vocab int, most func() int) *Together {
	return &Together{Engine: engine, company: company, vocab: vocab, most: most}
}

// Alone is the engine that a Together has, or the one that is none.
func Alone(e machine.Engine) machine.Engine {
	if t, ok := e.(*Together); ok {
		return t.Engine
	}
	return e
}

func (t *Together) NewRun() (machine.Run, error) {
	t.turn.Lock()
	defer t.turn.Unlock()
	inner, err := t.Engine.NewRun()
	if err != nil {
		return nil, err
	}
	return &togetherRun{inner: inner, of: t}, nil
}

// Close ends answers that are decoded together with gpu.ErrLost.
func (t *Together) Close() {
	t.mu.Lock()
	pool := t.pool
	t.pool, t.closed = nil, true
	t.mu.Unlock()
	if pool != nil {
		pool.Close()
	}
	t.turn.Lock()
	defer t.turn.Unlock()
	t.Engine.Close()
}

// shared is the pool; nil where there is none to be had.
func (t *Together) shared() *Pool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.places == 0 {
		t.places = max(1, min(t.most(), MaxSlots))
	}
	for t.pool == nil && !t.closed && t.places > 1 {
		t.turn.Lock()
		pool, err := newPool(t.Engine, t.vocab, t.places, &t.turn)
		t.turn.Unlock()
		if err != nil { // less will do
			t.places /= 2
			continue
		}
		t.pool = pool
	}
	return t.pool
}

// togetherRun is a run of a Together.
type togetherRun struct {
	inner machine.Run
	of    *Together

	drawing machine.Drawing
	tokens  []uint32 // drawn since Begin; the last one is pending
	ahead   []*togetherFlight
	batch   *sequence // nil: the answer is written alone
	pool    *Pool     // that has batch
	barred  bool      // from the batch, which has no room for this answer
	left    bool      // the run came back from the batch: it does not know of the pending token
	shifted bool      // the next flight is the first after the pending token was absorbed
}

// togetherFlight is a flight of the run alone, or a step of a batch.
type togetherFlight struct {
	run     *togetherRun
	inner   machine.Flight // alone; nil: not begun yet
	first   bool           // as it was launched
	shifted bool           // it starts after the pending token was absorbed, not before
	allowed []uint32
	guesses *machine.Guesses // nil: single steps
	batch   *sequence
	number  int // tokens drawn with it
}

// alone calls f while no other gives the machine work, and what the run goes on from is
// in its place.
func (r *togetherRun) alone(f func() error) error {
	t := r.of
	t.turn.Lock()
	defer t.turn.Unlock()
	if before := t.last; before != r {
		t.last = nil
		if before != nil {
			if s, ok := before.inner.(machine.Sharer); ok {
				if err := s.SetAside(); err != nil {
					return err
				}
			}
		}
		if s, ok := r.inner.(machine.Sharer); ok {
			if err := s.TakeBack(); err != nil {
				return err
			}
		}
		t.last = r
	}
	return f()
}

// ends is alone for what ends the answer that was being written.
func (r *togetherRun) ends(f func() error) error {
	if err := r.leave(); err != nil {
		return err
	}
	r.tokens, r.ahead, r.left, r.shifted, r.barred = nil, nil, false, false, false
	return r.alone(f)
}

// leave brings the run back from the batch, if it is there, in the state after all
// tokens but the pending one.
func (r *togetherRun) leave() error {
	if r.batch == nil {
		return nil
	}
	r.pool.mu.Lock()
	absorbed := r.batch.start + r.batch.steps
	r.pool.mu.Unlock()
	return r.finish(r.batch, absorbed)
}

// finish ends a stay in the batch, with the state after this many tokens.
func (r *togetherRun) finish(q *sequence, absorbed int) error {
	r.batch, r.left = nil, true
	return ofPool(r.alone(func() error { return r.pool.finish(q, absorbed) }))
}

// ofPool is an error of the pool as a run has it: the pool is closed under an answer when
// the device is lost, and who was shown out of it stands where it was.
func ofPool(err error) error {
	switch {
	case errors.Is(err, errNoPlace):
		return nil
	case errors.Is(err, ErrClosed):
		return fmt.Errorf("%w: its engine was closed", gpu.ErrLost)
	}
	return err
}

func (r *togetherRun) Reset() error { return r.ends(r.inner.Reset) }

func (r *togetherRun) Absorb(ctx context.Context, ids []uint32) error {
	return r.ends(func() error { return r.inner.Absorb(ctx, ids) })
}

func (r *togetherRun) AbsorbLogits(ctx context.Context, ids []uint32) (logits []float32, err error) {
	err = r.ends(func() (err error) { logits, err = r.inner.AbsorbLogits(ctx, ids); return err })
	return logits, err
}

func (r *togetherRun) AbsorbScores(ctx context.Context, ids, next []uint32) (s machine.Scores, err error) {
	err = r.ends(func() (err error) { s, err = r.inner.AbsorbScores(ctx, ids, next); return err })
	return s, err
}

func (r *togetherRun) Begin(d machine.Drawing) error {
	r.drawing = d
	d.Adjustment.Counts = slices.Clone(d.Adjustment.Counts) // which a machine may go on counting in
	return r.ends(func() error { return r.inner.Begin(d) })
}

// wants tells whether the answer should be decoded in the batch now.
func (r *togetherRun) wants() bool {
	return len(r.tokens) > 0 && !r.barred && r.of.company.Several() && r.of.shared() != nil
}

// Depth lets no more flights go where the answer is about to change over.
func (r *togetherRun) Depth() int {
	switch wants := r.wants(); {
	case len(r.ahead) > 0 && wants != (r.batch != nil):
		return 0
	case !wants:
		return r.inner.Depth()
	case r.drawing.Constrained:
		return 1
	}
	// No more than alone: what brings a run back after a loss launches all of them alone.
	return machine.FlightsAhead
}

func (r *togetherRun) Launch(ctx context.Context, first bool, allowed []uint32) (machine.Flight, error) {
	if len(r.ahead) == 0 && !first {
		if err := r.changeOver(ctx); err != nil {
			return nil, err
		}
	}
	f := &togetherFlight{run: r, first: first, allowed: allowed}
	r.ahead = append(r.ahead, f)
	var err error
	if q := r.batch; q != nil {
		f.batch, f.number = q, len(r.tokens)+len(r.ahead)
		err = ofPool(r.pool.ask(q, allowed))
	} else {
		err = r.send(ctx)
	}
	if err != nil {
		r.ahead = r.ahead[:len(r.ahead)-1]
		return nil, err
	}
	return f, nil
}

// MostGuesses is none in the batch, where other answers' tokens are a step's rows, none where
// the answer is about to change over, and none before it has gone on from its pending token.
func (r *togetherRun) MostGuesses() (n int) {
	if r.batch != nil || r.left || r.shifted || r.wants() {
		return 0
	}
	if err := r.alone(func() error { n = r.inner.MostGuesses(); return nil }); err != nil {
		return 0
	}
	return n
}

// LaunchGuessed is of a run that has just said that it takes guesses: it is alone.
func (r *togetherRun) LaunchGuessed(ctx context.Context, g machine.Guesses) (machine.Flight, error) {
	f := &togetherFlight{run: r, guesses: &g}
	if g.Allowed != nil {
		f.allowed = g.Allowed[0]
	}
	r.ahead = append(r.ahead, f)
	if err := r.send(ctx); err != nil {
		r.ahead = r.ahead[:len(r.ahead)-1]
		return nil, err
	}
	return f, nil
}

// send starts flights of the run alone, in order, as many as it has under way at once:
// there may be more where the answer was in the batch, or on another machine, before.
func (r *togetherRun) send(ctx context.Context) error {
	for _, f := range r.ahead[:min(len(r.ahead), r.inner.Depth())] {
		if f.inner == nil {
			if err := f.launch(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// launch starts a flight of the run alone.
func (f *togetherFlight) launch(ctx context.Context) error {
	r := f.run
	f.batch, f.shifted = nil, r.shifted
	return r.alone(func() (err error) {
		if f.guesses != nil && !r.shifted {
			f.inner, err = r.inner.LaunchGuessed(ctx, *f.guesses)
			return err
		}
		f.inner, err = r.inner.Launch(ctx, f.first || r.shifted, f.allowed)
		r.shifted = r.shifted && err != nil
		return err
	})
}

// changeOver joins the batch or leaves it. No flight is under way.
func (r *togetherRun) changeOver(ctx context.Context) error {
	switch wants := r.wants(); {
	case wants && r.batch == nil && !r.shifted:
		r.pool = r.of.shared()
		n := len(r.tokens)
		r.batch = &sequence{run: r.inner, drawing: r.drawing, pending: r.tokens[n-1], steps: n, place: -1, depth: machine.FlightsAhead, guest: true}
		r.batch.draws, r.left = make(chan machine.Draw, r.batch.depth), false
		if r.drawing.Adjusted {
			r.batch.drawn = slices.Clone(r.tokens)
		}
	case !wants && (r.batch != nil || r.left):
		if err := r.leave(); err != nil {
			return err
		}
		return r.goOn(ctx)
	}
	return nil
}

// goOn lets an answer that was in the batch go on alone: drawing from the pending
// token's own step is the same as going on from it.
func (r *togetherRun) goOn(ctx context.Context) error {
	d := r.drawing
	d.Adjustment.Counts = make([]uint32, r.of.vocab)
	copy(d.Adjustment.Counts, r.drawing.Adjustment.Counts)
	for _, id := range r.tokens {
		d.Adjustment.Counts[id]++
	}
	err := r.alone(func() error {
		if err := r.inner.Absorb(context.WithoutCancel(ctx), r.tokens[len(r.tokens)-1:]); err != nil {
			return err
		}
		return r.inner.Begin(d)
	})
	r.left, r.shifted = false, err == nil
	return err
}

func (f *togetherFlight) Wait(ctx context.Context) ([]machine.Draw, error) {
	r := f.run
	draws, err := f.wait(ctx)
	if err != nil {
		return nil, err
	}
	r.ahead = r.ahead[1:]
	for _, d := range draws {
		r.tokens = append(r.tokens, d.Token)
	}
	return draws, nil
}

func (f *togetherFlight) wait(ctx context.Context) ([]machine.Draw, error) {
	r := f.run
	if f.batch != nil {
		r.pool.lookedAt(f.batch, f.number-1)
		if d, ok := <-f.batch.draws; ok {
			return []machine.Draw{d}, nil
		}
		if !errors.Is(f.batch.err, errNoPlace) {
			return nil, ofPool(f.batch.err)
		}
		// The batch has no room for an answer of this length: its own run may have.
		r.barred, r.batch = true, nil
		for _, other := range r.ahead {
			other.batch = nil
		}
		if err := r.goOn(ctx); err != nil {
			return nil, err
		}
	}
	if err := r.send(ctx); err != nil {
		return nil, err
	}
	return f.inner.Wait(ctx)
}

// Drop waits for nothing in a batch: what is under way belongs to no answer then.
func (f *togetherFlight) Drop(ctx context.Context) error {
	if f.batch == nil {
		if f.inner == nil { // not begun
			return nil
		}
		return f.inner.Drop(ctx)
	}
	pool := f.run.pool
	pool.mu.Lock()
	defer pool.mu.Unlock()
	f.batch.wanted = nil
	return ofPool(f.batch.err)
}

func (f *togetherFlight) Rewind(ctx context.Context, absorbed []uint32) error {
	r := f.run
	r.ahead = nil
	if q := f.batch; q != nil {
		return r.finish(q, q.start+f.number)
	}
	if f.shifted {
		absorbed = absorbed[1:] // the pending token stands before its start
	}
	return r.alone(func() error { return f.inner.Rewind(ctx, absorbed) })
}

func (r *togetherRun) Mark() (b machine.Bookmark, err error) {
	err = r.ends(func() (err error) { b, err = r.inner.Mark(); return err })
	return &togetherBookmark{b, r}, err
}

type togetherBookmark struct {
	inner machine.Bookmark
	run   *togetherRun
}

func (b *togetherBookmark) Recall() error { return b.run.ends(b.inner.Recall) }

func (b *togetherBookmark) Free() {
	if b.inner != nil {
		b.run.of.turn.Lock()
		defer b.run.of.turn.Unlock()
		b.inner.Free()
	}
}

// Save comes between two flights of an answer, too.
func (r *togetherRun) Save(ctx context.Context, into gpu.Blob) error {
	if err := r.leave(); err != nil {
		return err
	}
	return r.alone(func() error { return r.inner.Save(ctx, into) })
}

func (r *togetherRun) Restore(ctx context.Context, state gpu.Blob, position int, tail []uint32) error {
	return r.ends(func() error { return r.inner.Restore(ctx, state, position, tail) })
}

func (r *togetherRun) Fork() (machine.Run, error) {
	other := &togetherRun{of: r.of}
	err := r.alone(func() (err error) { other.inner, err = r.inner.Fork(); return err })
	return other, err
}

func (r *togetherRun) StateBytes() int64 { return r.inner.StateBytes() }

func (r *togetherRun) Settle(ctx context.Context) error { return r.inner.Settle(ctx) }

func (r *togetherRun) Profiler() machine.Profiler { return r.inner.Profiler() }

func (r *togetherRun) EveryLayer(on bool) { r.inner.EveryLayer(on) }

func (r *togetherRun) Close() {
	_ = r.leave()
	t := r.of
	t.turn.Lock()
	defer t.turn.Unlock()
	if t.last == r {
		t.last = nil
	}
	r.inner.Close()
}

// Pooled tells whether answers have been decoded together.
func (t *Together) Pooled() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.pool != nil
}
