package schedule

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/model/machine"
	"github.com/samba-web/samba/model/progress"
)

// A device that is lost this often within lossWindow will be lost again.
const (
	maxLosses  = 3
	lossWindow = time.Minute
)

// Recovery is a model's engine, and how it comes back on a new device when its own
// is lost. Its runs may be used by several goroutines at once if the engine's may.
type Recovery struct {
	Engine machine.Engine // at first; see Now
	// Renew puts an engine on a new device in the lost one's place, weights and all;
	// nil: that cannot be done.
	Renew func(ctx context.Context) (machine.Engine, error)
	// Leave puts one on the processor in the place of one whose device cannot be had
	// back, is lost too often, or computes no numbers when it is renewed; nil: none may.
	Leave      func(ctx context.Context) (machine.Engine, error)
	Vocab      int                     // tokens
	StateBytes int64                   // of what a run saves; 0: a state that grows, of which no copy is made here
	OnProgress func(progress.Progress) // of what is computed again; may be nil
	Limits     ReplayLimits

	generation atomic.Int64 // how often the engine was renewed
	unsound    atomic.Int64 // times in a row that no numbers came

	mu     sync.Mutex  // held while the engine is renewed
	losses []time.Time // within lossWindow
	left   bool        // the device, for good
}

// Now is the engine that there is now. While it is renewed that is waited for.
func (c *Recovery) Now() machine.Engine {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.Engine
}

// NewRun starts a conversation, which outlives the device where the engine can be renewed.
func (c *Recovery) NewRun() (machine.Run, error) {
	c.mu.Lock()
	engine, generation := c.Engine, c.generation.Load()
	c.mu.Unlock()
	r, err := engine.NewRun()
	if err != nil || c.Renew == nil {
		return r, err
	}
	return &recoveringRun{inner: r, recovery: c, generation: generation}, nil
}

// Forgive forgets earlier losses.
func (c *Recovery) Forgive() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.losses = nil
	c.unsound.Store(0)
}

// gone tells whether a run must go on with another engine.
func gone(err error) bool {
	return errors.Is(err, gpu.ErrLost) || errors.Is(err, machine.ErrNoNumbers)
}

// renew replaces an engine whose device was lost by a new one. Runs that find
// themselves on an older generation than the engine's renew nothing: another one
// has done it.
func (c *Recovery) renew(ctx context.Context, generation int64, lost error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.generation.Load() == generation {
		now := time.Now()
		c.losses = slices.DeleteFunc(append(c.losses, now), func(at time.Time) bool { return now.Sub(at) > lossWindow })
		if errors.Is(lost, machine.ErrNoNumbers) {
			c.unsound.Add(1)
		}
		switch leaves := c.Leave != nil && !c.left; {
		case c.left, c.unsound.Load() > 1 && !leaves:
			return fmt.Errorf("%w, and no more so with the weights loaded again: they, or what is known of this conversation, hold values that are none (NaN, or infinite); begin a new conversation, and if that does not help delete the stored model and load it again", lost)
		case c.unsound.Load() > 1, len(c.losses) >= maxLosses && leaves:
			return c.leave(ctx, lost)
		case len(c.losses) >= maxLosses:
			return fmt.Errorf("%w; that was the third time within a minute, so it is not tried again: close other programs and tabs that use the GPU, or choose a smaller model, then load it again", lost)
		}
		c.Engine.Close()
		engine, err := c.Renew(ctx)
		switch {
		case err == nil:
			c.Engine = engine
			c.generation.Add(1)
			return nil
		case ctx.Err() == nil && c.Leave != nil && !errors.Is(err, gpu.ErrLost):
			return c.leave(ctx, lost)
		case !errors.Is(err, gpu.ErrLost):
			return fmt.Errorf("%w, and getting it back failed: %w", lost, err)
		}
		lost = err
	}
	return nil
}

// leave goes on without a device.
func (c *Recovery) leave(ctx context.Context, lost error) error {
	c.left = true
	if c.OnProgress != nil {
		c.OnProgress(progress.Progress{Phase: progress.PhaseRebuild, Note: "the GPU fails: the processor goes on"})
	}
	c.Engine.Close()
	engine, err := c.Leave(ctx)
	if err != nil {
		return fmt.Errorf("%w, and the processor cannot go on: %w", lost, err)
	}
	c.Engine = engine
	c.generation.Add(1)
	return nil
}

// recoveringRun is a run that outlives its device: it keeps a copy of its state off
// the device, and what was absorbed since, and how, and does that again on a new
// device when the old one is lost. The same kernels on the same chunks give the
// same bits, so that the tokens to come are those that would have come.
type recoveringRun struct {
	inner      machine.Run
	recovery   *Recovery
	generation int64
	failed     error // it could not be revived

	log     replayLog
	drawing *machine.Drawing    // nil: nothing is drawn since the last absorption
	counts  map[uint32]uint32   // of the tokens drawn since begin
	last    uint32              // of them
	pending bool                // it is not absorbed
	ahead   []*recoveringFlight // under way, in order
}

// ReplayLimits say when a replay log is begun again from a copy of the state: when it
// has this many chunks (decode steps mostly), or tokens, but not before the time that the
// last copy took has passed Pause times. Copies take a hundredth of the time at most,
// and so much is computed again at most.
type ReplayLimits struct {
	Chunks, Tokens int
	Pause          time.Duration
}

// DefaultLimits suit conversations of people; tests have lower ones.
var DefaultLimits = ReplayLimits{Chunks: 4096, Tokens: 1 << 16, Pause: 100}

// replayLog is how to come to a state, flights under way not counted: from a copy,
// or from nothing. What a log has never changes, it only grows: a copy of the
// struct is a place in it.
type replayLog struct {
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

// here is the log so far; what is appended to it afterwards goes elsewhere.
func (l replayLog) here() replayLog {
	return replayLog{l.from, slices.Clip(l.tokens), slices.Clip(l.chunks)}
}

func (l *replayLog) note(ids ...uint32) {
	l.tokens = append(l.tokens, ids...)
	l.chunks = append(l.chunks, uint16(len(ids)))
}

func (l *replayLog) long(limits ReplayLimits) bool {
	if len(l.chunks) < limits.Chunks && len(l.tokens) < limits.Tokens {
		return false
	}
	return l.from == nil || time.Since(l.from.made) >= limits.Pause*l.from.took
}

// end is where the log has come to, but for the state.
func (l *replayLog) end() *copied {
	c := &copied{position: len(l.tokens), tail: l.tokens}
	if l.from != nil {
		c.position += l.from.position
		c.tail = slices.Concat(l.from.tail, l.tokens)
	}
	c.tail = slices.Clone(c.tail[max(0, len(c.tail)-machine.PenaltyTail):])
	return c
}

// recoveringFlight is a flight that can be launched again.
type recoveringFlight struct {
	inner      machine.Flight
	run        *recoveringRun
	generation int64
	first      bool
	shifted    bool // it starts after the pending token was absorbed, not before
	allowed    []uint32
	guesses    *machine.Guesses // nil: a flight of single steps
	start      replayLog
}

func (r *recoveringRun) note(ids ...uint32) { r.log.note(ids...) }

// land ends an answer: what was drawn counts no more.
func (r *recoveringRun) land() { r.drawing, r.counts, r.pending, r.ahead = nil, nil, false, nil }

// due tells whether the log has become so long that it is begun again from a copy.
// Full attention's never is: its state grows as the log does, and a token takes
// thousands of times as much of it.
func (r *recoveringRun) due() bool { return r.log.long(r.recovery.Limits) && r.recovery.StateBytes > 0 }

// shorten begins the log again where that is due. No flight is under way.
func (r *recoveringRun) shorten(ctx context.Context) error {
	if !r.due() {
		return nil
	}
	end, started := r.log.end(), time.Now()
	end.state = gpu.NewBlob(r.recovery.StateBytes)
	err := r.inner.Save(context.WithoutCancel(ctx), end.state)
	if err == nil {
		end.made = time.Now()
		end.took = end.made.Sub(started)
		r.restart(end)
	}
	return err
}

// restart begins the log at a copy of the state. In a browser the copy before it is
// outside Go's heap, whose collector would not hurry for it.
func (r *recoveringRun) restart(c *copied) {
	r.log = replayLog{from: c}
	if runtime.GOOS == "js" {
		go runtime.GC()
	}
}

// persist calls f until it does not fail by a lost device. Before f is called
// again the run has been brought to the state that its notes tell.
func (r *recoveringRun) persist(ctx context.Context, f func() error) error {
	for r.failed == nil {
		err := gpu.ErrLost
		if r.generation == r.recovery.generation.Load() {
			err = f()
		}
		if err == nil || !gone(err) {
			return err
		}
		r.failed = r.revive(context.WithoutCancel(ctx), err)
	}
	return r.failed
}

// revive computes the state again, on a new device where no other run has got
// one yet. What is under way is launched again.
func (r *recoveringRun) revive(ctx context.Context, lost error) error {
	for gone(lost) {
		if err := r.recovery.renew(ctx, r.generation, lost); err != nil {
			return err
		}
		r.recovery.mu.Lock()
		engine, generation := r.recovery.Engine, r.recovery.generation.Load()
		r.recovery.mu.Unlock()
		r.generation = generation
		r.inner.Close()
		r.inner, lost = engine.NewRun()
		if lost == nil {
			lost = r.replay(ctx)
		}
	}
	return lost
}

func (r *recoveringRun) replay(ctx context.Context) error {
	if r.pending && len(r.ahead) > 0 {
		// Drawing from the pending token's own step is the same as going on from it.
		r.note(r.last)
		r.pending = false
	}
	if err := r.log.walk(ctx, r.inner, r.recovery.OnProgress); err != nil {
		return err
	}
	if r.drawing == nil {
		return nil
	}
	d := *r.drawing
	d.Adjustment.Counts = make([]uint32, r.recovery.Vocab)
	for id, n := range r.counts {
		d.Adjustment.Counts[id] = n
	}
	if err := r.inner.Begin(d); err != nil {
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

// walk brings a fresh run to the log's end.
func (l replayLog) walk(ctx context.Context, r machine.Run, tell func(progress.Progress)) error {
	if l.from != nil {
		if err := r.Restore(ctx, l.from.state, l.from.position, l.from.tail); err != nil {
			return err
		}
	}
	at := 0
	for i, n := range l.chunks {
		if err := r.Absorb(ctx, l.tokens[at:at+int(n)]); err != nil {
			return err
		}
		at += int(n)
		if tell != nil && (i%64 == 0 || at == len(l.tokens)) {
			tell(progress.Progress{Phase: progress.PhaseRebuild, Loaded: int64(at), Total: int64(len(l.tokens))})
		}
	}
	return nil
}

// forget lets a run that has found no numbers begin again from others.
func (r *recoveringRun) forget() {
	if errors.Is(r.failed, machine.ErrNoNumbers) && r.generation == r.recovery.generation.Load() {
		r.failed = nil
		r.recovery.unsound.Store(0)
	}
}

func (r *recoveringRun) Reset() error {
	r.land()
	r.forget()
	r.log = replayLog{}
	return r.persist(context.Background(), func() error { return r.inner.Reset() })
}

func (r *recoveringRun) Absorb(ctx context.Context, ids []uint32) error {
	r.land()
	err := r.persist(ctx, func() error {
		if err := r.shorten(ctx); err != nil {
			return err
		}
		return r.inner.Absorb(ctx, ids)
	})
	if err == nil {
		r.note(ids...)
	}
	return err
}

func (r *recoveringRun) AbsorbLogits(ctx context.Context, ids []uint32) (logits []float32, err error) {
	r.land()
	err = r.persist(ctx, func() (err error) {
		if err = r.shorten(ctx); err == nil {
			logits, err = r.inner.AbsorbLogits(ctx, ids)
		}
		return err
	})
	if err == nil {
		r.note(ids...)
	}
	return logits, err
}

// recoveringScores are asked for again in a run of their own: that which asked is
// further on by then.
type recoveringScores struct {
	inner      machine.Scores
	run        *recoveringRun
	generation int64
	ids, next  []uint32
	start      replayLog
}

func (r *recoveringRun) AbsorbScores(ctx context.Context, ids, next []uint32) (machine.Scores, error) {
	r.land()
	s := &recoveringScores{run: r, ids: ids, next: next}
	err := r.persist(ctx, func() (err error) {
		if err = r.shorten(ctx); err == nil {
			s.inner, err = r.inner.AbsorbScores(ctx, ids, next)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	s.generation, s.start = r.generation, r.log.here()
	r.note(ids...)
	return s, nil
}

func (s *recoveringScores) Wait(ctx context.Context) (values []float32, err error) {
	err = s.run.persist(ctx, func() (err error) {
		if s.generation != s.run.generation {
			other, err := s.run.recovery.Now().NewRun()
			if err != nil {
				return err
			}
			defer other.Close()
			if err := s.start.walk(ctx, other, s.run.recovery.OnProgress); err != nil {
				return err
			}
			if s.inner, err = other.AbsorbScores(ctx, s.ids, s.next); err != nil {
				return err
			}
		}
		values, err = s.inner.Wait(ctx)
		return err
	})
	return values, err
}

func (s *recoveringScores) Drop() { s.inner.Drop() }

func (r *recoveringRun) Begin(d machine.Drawing) error {
	r.land()
	err := r.persist(context.Background(), func() error { return r.inner.Begin(d) })
	r.drawing = &d
	return err
}

func (r *recoveringRun) Launch(ctx context.Context, first bool, allowed []uint32) (machine.Flight, error) {
	return r.launch(ctx, &recoveringFlight{run: r, generation: -1, first: first, allowed: allowed})
}

// MostGuesses is none on a device that is lost: the next flight brings the run back, which a question
// cannot, since a pending token is absorbed for a flight alone.
func (r *recoveringRun) MostGuesses() int {
	if r.failed != nil || r.generation != r.recovery.generation.Load() {
		return 0
	}
	return r.inner.MostGuesses()
}

func (r *recoveringRun) LaunchGuessed(ctx context.Context, g machine.Guesses) (machine.Flight, error) {
	f := &recoveringFlight{run: r, generation: -1, guesses: &g}
	if g.Allowed != nil {
		f.allowed = g.Allowed[0]
	}
	return r.launch(ctx, f)
}

func (r *recoveringRun) launch(ctx context.Context, f *recoveringFlight) (machine.Flight, error) {
	r.ahead = append(r.ahead, f)
	err := r.persist(ctx, func() error {
		if f.generation == r.generation { // launched by a replay
			return nil
		}
		if len(r.ahead) == 1 && !f.first { // the first draws from what was absorbed last, which no copy of a state has
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

// Depth lets no more flights go where the log must be begun again: it is when
// the last one has landed.
func (r *recoveringRun) Depth() int {
	if len(r.ahead) > 0 && r.due() {
		return 0
	}
	return r.inner.Depth()
}

func (f *recoveringFlight) launch(ctx context.Context) (err error) {
	if g := f.guesses; g != nil && f.generation < 0 && !f.first {
		f.inner, err = f.run.inner.LaunchGuessed(ctx, *g)
	} else { // one that is launched again does without
		f.inner, err = f.run.inner.Launch(ctx, f.first, f.allowed)
	}
	f.generation = f.run.generation
	return err
}

// Wait is called in the order of the flights.
func (f *recoveringFlight) Wait(ctx context.Context) (draws []machine.Draw, err error) {
	r := f.run
	err = r.persist(ctx, func() (err error) {
		if draws, err = f.inner.Wait(ctx); err == nil {
			err = machine.Sound(draws)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	r.recovery.unsound.Store(0)
	r.ahead = r.ahead[1:]
	f.start = r.log.here()
	if r.pending {
		r.note(r.last)
	}
	for _, d := range draws[:len(draws)-1] {
		r.note(d.Token)
	}
	if r.counts == nil {
		r.counts = map[uint32]uint32{}
	}
	for _, d := range draws {
		r.counts[d.Token]++
	}
	r.last, r.pending = draws[len(draws)-1].Token, true
	return draws, nil
}

// Drop does not mind what was drawn: it ran ahead of the text.
func (f *recoveringFlight) Drop(ctx context.Context) error {
	err := f.run.persist(ctx, func() error { return f.inner.Drop(ctx) })
	if err == nil {
		f.run.ahead = f.run.ahead[1:]
	}
	return err
}

func (f *recoveringFlight) Rewind(ctx context.Context, absorbed []uint32) error {
	r := f.run
	if f.shifted {
		absorbed = absorbed[1:] // the pending token stands before its start
	}
	r.land()
	r.log = f.start
	for _, id := range absorbed {
		r.note(id)
	}
	return r.goTo(ctx, f.generation, func() error { return f.inner.Rewind(ctx, absorbed) })
}

// goTo brings the run to the state that its notes tell: by a shorter way if
// that was prepared on this generation's device.
func (r *recoveringRun) goTo(ctx context.Context, generation int64, short func() error) error {
	before := r.generation
	return r.persist(ctx, func() error {
		switch r.generation {
		case generation:
			return short()
		case before:
			if err := r.inner.Reset(); err != nil {
				return err
			}
			return r.replay(ctx)
		}
		return nil // by revival
	})
}

// recoveringBookmark is a copy of the state, and the log of how to come to it.
type recoveringBookmark struct {
	inner      machine.Bookmark
	run        *recoveringRun
	generation int64
	at         replayLog
}

func (r *recoveringRun) Mark() (machine.Bookmark, error) {
	b := &recoveringBookmark{run: r, at: r.log.here()}
	err := r.persist(context.Background(), func() (err error) { b.inner, err = r.inner.Mark(); return err })
	b.generation = r.generation
	return b, err
}

func (b *recoveringBookmark) Recall() error {
	b.run.land()
	b.run.log = b.at
	return b.run.goTo(context.Background(), b.generation, func() error { return b.inner.Recall() })
}

func (b *recoveringBookmark) Free() {
	if b.inner != nil {
		b.inner.Free()
	}
}

func (r *recoveringRun) Save(ctx context.Context, into gpu.Blob) error {
	if err := r.persist(ctx, func() error { return r.inner.Save(ctx, into) }); err != nil {
		return err
	}
	if len(r.ahead) == 0 && !r.pending && r.recovery.StateBytes > 0 {
		end := r.log.end()
		end.state = into.Clone()
		r.restart(end)
	}
	return nil
}

func (r *recoveringRun) Restore(ctx context.Context, state gpu.Blob, position int, tail []uint32) error {
	r.land()
	r.forget()
	before := r.log
	r.restart(&copied{state: state, position: position, tail: slices.Clone(tail)})
	err := r.goTo(ctx, r.generation, func() error { return r.inner.Restore(ctx, state, position, tail) })
	if errors.Is(err, machine.ErrNoRoom) && r.failed == nil {
		r.log = before // which the state still is
	}
	return err
}

func (r *recoveringRun) Fork() (machine.Run, error) {
	other := &recoveringRun{recovery: r.recovery}
	err := r.persist(context.Background(), func() (err error) { other.inner, err = r.inner.Fork(); return err })
	other.generation, other.log = r.generation, r.log.here()
	return other, err
}

// Logged is how long the replay log is.
func (r *recoveringRun) Logged() (chunks, tokens int) { return len(r.log.chunks), len(r.log.tokens) }

func (r *recoveringRun) StateBytes() int64 { return r.inner.StateBytes() }

// Settle, Profiler and EveryLayer are for measurements, which a loss ends.
func (r *recoveringRun) Settle(ctx context.Context) error { return r.inner.Settle(ctx) }

func (r *recoveringRun) Profiler() machine.Profiler { return r.inner.Profiler() }

func (r *recoveringRun) EveryLayer(on bool) { r.inner.EveryLayer(on) }

func (r *recoveringRun) Close() { r.inner.Close() }
