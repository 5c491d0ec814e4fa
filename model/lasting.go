package model

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/samba-web/samba/gpu"
)

// A device that is lost this often within lossWindow will be lost again.
const (
	maxLosses  = 3
	lossWindow = time.Minute
)

// rebuild replaces an engine whose device was lost by a new one on a new
// device, weights and all. Runs that find themselves on an older generation
// than the model's rebuild nothing: another one has done it.
func (m *Model) rebuild(ctx context.Context, generation int, lost error) error {
	for m.generation == generation {
		now := time.Now()
		m.losses = slices.DeleteFunc(append(m.losses, now), func(at time.Time) bool { return now.Sub(at) > lossWindow })
		if len(m.losses) >= maxLosses {
			return fmt.Errorf("%w; that was the third time within a minute, so it is not tried again: close other programs and tabs that use the GPU, or choose a smaller model, then load it anew", lost)
		}
		m.engine.close()
		err := m.renew(ctx)
		if err == nil {
			m.generation++
			return nil
		}
		if !errors.Is(err, gpu.ErrLost) {
			return fmt.Errorf("%w, and getting it back failed: %w", lost, err)
		}
		lost = err
	}
	return nil
}

// lastingRun is a run that outlives its device: it keeps a copy of its state off
// the device, and what was absorbed since, and how, and does that again on a new
// device when the old one is lost. The same kernels on the same chunks give the
// same bits, so that the tokens to come are those that would have come.
type lastingRun struct {
	run
	model      *Model
	generation int
	failed     error // it could not be revived

	way     way
	drawing *drawing          // nil: nothing is drawn since the last absorption
	counts  map[uint32]uint32 // of the tokens drawn since begin
	last    uint32            // of them
	pending bool              // it is not absorbed
	ahead   []*lastingFlight  // under way, in order
}

// A way that has this many chunks (decode steps mostly), or tokens, is begun
// anew from a copy of the state, but not before the time that the last copy took
// has passed this many times: copies take a hundredth of it at most, and so much
// is computed again at most. Tests have shorter ones.
var (
	maxWayChunks = 4096
	maxWayTokens = 1 << 16
	copyPause    = time.Duration(100)
)

// way is how to come to a state, flights under way not counted: from a copy, or
// from nothing. What a way has never changes, it only grows: a copy of the
// struct is a place on it.
type way struct {
	from   *copied
	tokens []uint32 // absorbed since
	chunks []uint16 // lengths, in order, of the runs of tokens that were absorbed at once
}

// copied is a state off the device.
type copied struct {
	state    gpu.Blob
	position int
	tail     []uint32
	made     time.Time
	took     time.Duration // 0: it was there anyway
}

// here is the way so far; what is appended to it afterwards goes elsewhere.
func (w way) here() way { return way{w.from, slices.Clip(w.tokens), slices.Clip(w.chunks)} }

func (w *way) note(ids ...uint32) {
	w.tokens = append(w.tokens, ids...)
	w.chunks = append(w.chunks, uint16(len(ids)))
}

func (w *way) long() bool {
	if len(w.chunks) < maxWayChunks && len(w.tokens) < maxWayTokens {
		return false
	}
	return w.from == nil || time.Since(w.from.made) >= copyPause*w.from.took
}

// end is where the way has come to, but for the state.
func (w *way) end() *copied {
	c := &copied{position: len(w.tokens), tail: w.tokens}
	if w.from != nil {
		c.position += w.from.position
		c.tail = slices.Concat(w.from.tail, w.tokens)
	}
	c.tail = slices.Clone(c.tail[max(0, len(c.tail)-penaltyTail):])
	return c
}

func (m *Model) lasting(r run) run {
	if m.renew == nil {
		return r
	}
	return &lastingRun{run: r, model: m, generation: m.generation}
}

// lastingFlight is a flight that can be launched again.
type lastingFlight struct {
	flight
	run        *lastingRun
	generation int
	first      bool
	shifted    bool // it starts after the pending token was absorbed, not before
	allowed    []uint32
	start      way
}

func (r *lastingRun) note(ids ...uint32) { r.way.note(ids...) }

// land ends an answer: what was drawn counts no more.
func (r *lastingRun) land() { r.drawing, r.counts, r.pending, r.ahead = nil, nil, false, nil }

// due tells whether the way has become so long that it is begun anew. Full
// attention's never is: its state has no fixed size, and grows as the way does.
func (r *lastingRun) due() bool { return r.way.long() && r.model.StateSize() > 0 }

// shorten begins the way anew where that is due. No flight is under way.
func (r *lastingRun) shorten(ctx context.Context) error {
	if !r.due() {
		return nil
	}
	end, started := r.way.end(), time.Now()
	end.state = gpu.NewBlob(r.model.StateSize() - stateHeader)
	err := r.run.save(context.WithoutCancel(ctx), end.state)
	if err == nil {
		end.made = time.Now()
		end.took = end.made.Sub(started)
		r.anew(end)
	}
	return err
}

// anew begins the way at a copy of the state. In a browser the copy before it is
// outside Go's heap, whose collector would not hurry for it.
func (r *lastingRun) anew(c *copied) {
	r.way = way{from: c}
	if runtime.GOOS == "js" {
		go runtime.GC()
	}
}

// persist calls f until it does not fail by a lost device. Before f is called
// again the run has been brought to the state that its notes tell.
func (r *lastingRun) persist(ctx context.Context, f func() error) error {
	for r.failed == nil {
		err := gpu.ErrLost
		if r.generation == r.model.generation {
			err = f()
		}
		if err == nil || !errors.Is(err, gpu.ErrLost) {
			return err
		}
		r.failed = r.revive(context.WithoutCancel(ctx), err)
	}
	return r.failed
}

// revive computes the state again, on a new device where no other run has got
// one yet. What is under way is launched again.
func (r *lastingRun) revive(ctx context.Context, lost error) error {
	for errors.Is(lost, gpu.ErrLost) {
		if err := r.model.rebuild(ctx, r.generation, lost); err != nil {
			return err
		}
		r.generation = r.model.generation
		r.run.close()
		r.run, lost = r.model.engine.newRun()
		if lost == nil {
			lost = r.replay(ctx)
		}
	}
	return lost
}

func (r *lastingRun) replay(ctx context.Context) error {
	if r.pending && len(r.ahead) > 0 {
		// Drawing from the pending token's own step is the same as going on from it.
		r.note(r.last)
		r.pending = false
	}
	if err := r.way.walk(ctx, r.run, r.model.onProgress); err != nil {
		return err
	}
	if r.drawing == nil {
		return nil
	}
	d := *r.drawing
	d.adjustment.Counts = make([]uint32, r.model.config.VocabSize)
	for id, n := range r.counts {
		d.adjustment.Counts[id] = n
	}
	if err := r.run.begin(d); err != nil {
		return err
	}
	for i, f := range r.ahead {
		if i == 0 && !f.first {
			f.first, f.shifted = true, true
		}
		if err := f.launch(ctx); err != nil {
			return err
		}
	}
	return nil
}

// walk brings a fresh run to the way's end.
func (w way) walk(ctx context.Context, r run, tell func(Progress)) error {
	if w.from != nil {
		if err := r.restore(ctx, w.from.state, w.from.position, w.from.tail); err != nil {
			return err
		}
	}
	at := 0
	for i, n := range w.chunks {
		if err := r.absorb(ctx, w.tokens[at:at+int(n)]); err != nil {
			return err
		}
		at += int(n)
		if tell != nil && (i%64 == 0 || at == len(w.tokens)) {
			tell(Progress{Phase: PhaseRebuild, Loaded: int64(at), Total: int64(len(w.tokens))})
		}
	}
	return nil
}

func (r *lastingRun) reset() error {
	r.land()
	r.way = way{}
	return r.persist(context.Background(), func() error { return r.run.reset() })
}

func (r *lastingRun) absorb(ctx context.Context, ids []uint32) error {
	r.land()
	err := r.persist(ctx, func() error {
		if err := r.shorten(ctx); err != nil {
			return err
		}
		return r.run.absorb(ctx, ids)
	})
	if err == nil {
		r.note(ids...)
	}
	return err
}

func (r *lastingRun) absorbLogits(ctx context.Context, ids []uint32) (logits []float32, err error) {
	r.land()
	err = r.persist(ctx, func() (err error) {
		if err = r.shorten(ctx); err == nil {
			logits, err = r.run.absorbLogits(ctx, ids)
		}
		return err
	})
	if err == nil {
		r.note(ids...)
	}
	return logits, err
}

// lastingScores are asked for again in a run of their own: that which asked is
// further on by then.
type lastingScores struct {
	scores
	run        *lastingRun
	generation int
	ids, next  []uint32
	start      way
}

func (r *lastingRun) absorbScores(ctx context.Context, ids, next []uint32) (scores, error) {
	r.land()
	s := &lastingScores{run: r, ids: ids, next: next}
	err := r.persist(ctx, func() (err error) {
		if err = r.shorten(ctx); err == nil {
			s.scores, err = r.run.absorbScores(ctx, ids, next)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	s.generation, s.start = r.generation, r.way.here()
	r.note(ids...)
	return s, nil
}

func (s *lastingScores) wait(ctx context.Context) (values []float32, err error) {
	err = s.run.persist(ctx, func() (err error) {
		if s.generation != s.run.generation {
			other, err := s.run.model.engine.newRun()
			if err != nil {
				return err
			}
			defer other.close()
			if err := s.start.walk(ctx, other, s.run.model.onProgress); err != nil {
				return err
			}
			if s.scores, err = other.absorbScores(ctx, s.ids, s.next); err != nil {
				return err
			}
		}
		values, err = s.scores.wait(ctx)
		return err
	})
	return values, err
}

func (r *lastingRun) begin(d drawing) error {
	r.land()
	err := r.persist(context.Background(), func() error { return r.run.begin(d) })
	r.drawing = &d
	return err
}

func (r *lastingRun) launch(ctx context.Context, first bool, allowed []uint32) (flight, error) {
	f := &lastingFlight{run: r, generation: -1, first: first, allowed: allowed}
	r.ahead = append(r.ahead, f)
	err := r.persist(ctx, func() error {
		if f.generation == r.generation { // launched by a replay
			return nil
		}
		if len(r.ahead) == 1 && !first { // the first draws from what was absorbed last, which no copy of a state has
			if err := r.shorten(ctx); err != nil {
				return err
			}
		}
		return f.launch(ctx)
	})
	if err != nil {
		r.ahead = r.ahead[:len(r.ahead)-1]
	}
	return f, err
}

// depth lets no more flights go where the way must be begun anew: it is when
// the last one has landed.
func (r *lastingRun) depth() int {
	if len(r.ahead) > 0 && r.due() {
		return 0
	}
	return r.run.depth()
}

func (f *lastingFlight) launch(ctx context.Context) (err error) {
	f.flight, err = f.run.run.launch(ctx, f.first, f.allowed)
	f.generation = f.run.generation
	return err
}

// wait is called in the order of the flights.
func (f *lastingFlight) wait(ctx context.Context) (draws []draw, err error) {
	r := f.run
	if err = r.persist(ctx, func() (err error) { draws, err = f.flight.wait(ctx); return err }); err != nil {
		return nil, err
	}
	r.ahead = r.ahead[1:]
	f.start = r.way.here()
	if r.pending {
		r.note(r.last)
	}
	for _, d := range draws[:len(draws)-1] {
		r.note(d.token)
	}
	if r.counts == nil {
		r.counts = map[uint32]uint32{}
	}
	for _, d := range draws {
		r.counts[d.token]++
	}
	r.last, r.pending = draws[len(draws)-1].token, true
	return draws, nil
}

func (f *lastingFlight) drop(ctx context.Context) error {
	_, err := f.wait(ctx)
	return err
}

func (r *lastingRun) rewind(ctx context.Context, from flight, absorbed []uint32) error {
	f := from.(*lastingFlight)
	if f.shifted {
		absorbed = absorbed[1:] // the pending token stands before its start
	}
	r.land()
	r.way = f.start
	for _, id := range absorbed {
		r.note(id)
	}
	return r.goTo(ctx, f.generation, func() error { return r.run.rewind(ctx, f.flight, absorbed) })
}

// goTo brings the run to the state that its notes tell: by a shorter way if
// that was prepared on this generation's device.
func (r *lastingRun) goTo(ctx context.Context, generation int, short func() error) error {
	before := r.generation
	return r.persist(ctx, func() error {
		switch r.generation {
		case generation:
			return short()
		case before:
			if err := r.run.reset(); err != nil {
				return err
			}
			return r.replay(ctx)
		}
		return nil // by revival
	})
}

// lastingBookmark is a copy of the state, and the way to it.
type lastingBookmark struct {
	bookmark
	run        *lastingRun
	generation int
	at         way
}

func (r *lastingRun) mark() (bookmark, error) {
	b := &lastingBookmark{run: r, at: r.way.here()}
	err := r.persist(context.Background(), func() (err error) { b.bookmark, err = r.run.mark(); return err })
	b.generation = r.generation
	return b, err
}

func (b *lastingBookmark) recall() error {
	b.run.land()
	b.run.way = b.at
	return b.run.goTo(context.Background(), b.generation, func() error { return b.bookmark.recall() })
}

func (b *lastingBookmark) free() {
	if b.bookmark != nil {
		b.bookmark.free()
	}
}

func (r *lastingRun) save(ctx context.Context, into gpu.Blob) error {
	if err := r.persist(ctx, func() error { return r.run.save(ctx, into) }); err != nil {
		return err
	}
	if len(r.ahead) == 0 && !r.pending {
		end := r.way.end()
		end.state = into.Clone()
		r.anew(end)
	}
	return nil
}

func (r *lastingRun) restore(ctx context.Context, state gpu.Blob, position int, tail []uint32) error {
	r.land()
	r.anew(&copied{state: state, position: position, tail: slices.Clone(tail)})
	return r.goTo(ctx, r.generation, func() error { return r.run.restore(ctx, state, position, tail) })
}

func (r *lastingRun) fork() (run, error) {
	other := &lastingRun{model: r.model}
	err := r.persist(context.Background(), func() (err error) { other.run, err = r.run.fork(); return err })
	other.generation, other.way = r.generation, r.way.here()
	return other, err
}
