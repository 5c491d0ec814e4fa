// Package schedule says which run has the machine, and what becomes of it when the
// machine goes: a Pool deals out turns and steps among many runs, Recovery brings runs
// back after their device was lost. Both wrap machine.Run.
package schedule

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"

	"github.com/samba-web/samba/model/machine"
)

// MaxSlots is the most sequences that a Pool decodes together.
const MaxSlots = 64

// A pool is so patient unless it is told otherwise.
const patience = 64

// Pool serves many runs of one engine, and is safe for concurrent use: each run
// still belongs to one caller at a time, but not all of them together.
//
// One goroutine has the machine. It alternates between turns, which are whatever
// needs the machine alone (a chunk of somebody's prompt, a copy of a state), and
// steps, in which all answers that are under way get their next token together.
// Both are served in the order in which they came. The callers' goroutines make
// text of tokens, and ask for further ones ahead of those that come: who is slow
// misses steps, and no other does.
type Pool struct {
	engine   machine.Engine
	vocab    int // tokens
	batch    machine.Batch
	depth    int // steps that an answer asks for ahead
	Patience int // for how many tokens a sequence keeps its place while others wait for one

	machine *sync.Mutex // held while the machine is given work

	turns  chan turn
	asked  chan struct{} // holds a value when steps have been asked for
	closed chan struct{}
	ended  chan struct{} // the machine is free
	close  sync.Once

	mu      sync.Mutex
	over    bool        // nothing is asked for any more
	waiting []*sequence // for a place, in order
	places  []*sequence // nil: free
}

type turn struct {
	do   func() error
	done chan error
}

// sequence is an answer under way. What the pool's goroutine and the caller's
// both use is guarded by the pool's mu.
type sequence struct {
	run     machine.Run // the engine's own
	drawing machine.Drawing
	start   int      // tokens that the state had absorbed before the first step
	pending uint32   // drawn last, or the prompt's last token
	drawn   []uint32 // all of them, where penalties count them
	steps   int      // landed
	depth   int      // steps that it asks for ahead
	place   int      // -1: none
	turn    int      // steps at which it got its place
	leaving bool     // it gives its place up once it has caught up
	guest   bool     // its run can go on alone: it is shown out where the batch has no room for it
	evicted bool     // it is shown out once it has looked at all that was drawn
	looked  int      // steps that a guest has looked at, and goes on

	wanted [][]uint32        // steps asked for and not launched, with the tokens that each may draw
	under  int               // steps under way
	draws  chan machine.Draw // landed; closed after a failure
	err    error
}

// NewPool takes the engine over: until the pool is closed its runs alone use the
// machine. slots is how many sequences are decoded together at most.
func NewPool(engine machine.Engine, vocab, slots int) (*Pool, error) {
	return newPool(engine, vocab, slots, new(sync.Mutex))
}

// newPool is NewPool; others may use the machine, too, who hold that mutex.
func newPool(engine machine.Engine, vocab, slots int, machine *sync.Mutex) (*Pool, error) {
	if slots < 1 || slots > MaxSlots {
		return nil, fmt.Errorf("%d sequences at once, want 1 to %d", slots, MaxSlots)
	}
	b, err := engine.NewBatch(slots)
	if err != nil {
		return nil, err
	}
	p := &Pool{
		machine: machine, engine: engine, vocab: vocab, batch: b, depth: b.Ahead() + 1, Patience: patience,
		turns: make(chan turn), asked: make(chan struct{}, 1), closed: make(chan struct{}), ended: make(chan struct{}),
		places: make([]*sequence, slots),
	}
	go p.work()
	return p, nil
}

// NewRun starts an empty conversation. Its methods are called within Do or Share.
func (p *Pool) NewRun() (r *PooledRun, err error) {
	err = p.Do(context.Background(), func() error {
		inner, err := p.engine.NewRun()
		r = &PooledRun{inner: inner, pool: p}
		return err
	})
	return r, err
}

// StateBytes is what is allocated for sequences' states beside the runs' own.
func (p *Pool) StateBytes() int64 { return p.batch.StateBytes() }

// Do calls f while no other uses the machine: for what is done with a run
// in one go, and for closing it. f must not use the pool.
func (p *Pool) Do(ctx context.Context, f func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	t := turn{f, make(chan error, 1)}
	select {
	case <-p.ended:
		return ErrClosed
	default:
	}
	select {
	case p.turns <- t:
		return <-t.done
	case <-ctx.Done():
		return ctx.Err()
	case <-p.ended:
		return ErrClosed
	}
}

// ErrClosed is what calls to a pool report after Close.
var ErrClosed = errors.New("the pool of sessions has been closed")

// Close breaks off what is under way, with an error to those who wait for it. The
// runs are the caller's to close, before the pool or after.
func (p *Pool) Close() {
	p.close.Do(func() { close(p.closed) })
	<-p.ended
}

// poolStep is a step under way.
type poolStep struct {
	step machine.BatchStep
	rows []*sequence
}

// work is the goroutine that has the machine.
func (p *Pool) work() {
	defer close(p.ended)
	defer p.batch.Close()
	var under []poolStep
	for {
		var launched poolStep
		err := guarded(p.holding(func() (err error) { launched, err = p.launch(); return err }))
		if launched.step != nil {
			under = append(under, launched)
		}
		if err == nil && len(under) > 0 && (launched.step == nil || len(under) == p.batch.Ahead()) {
			first := under[0]
			under = under[1:]
			err = guarded(func() error { return p.land(first) })
		}
		if err != nil {
			p.fail(err, under)
			under = nil
		}
		var t turn
		if len(under) > 0 || launched.step != nil {
			select {
			case <-p.closed:
			case t = <-p.turns:
			default:
			}
		} else {
			select {
			case <-p.closed:
			case t = <-p.turns:
			case <-p.asked:
			}
		}
		select {
		case <-p.closed:
			if t.do != nil {
				t.done <- ErrClosed
			}
			p.fail(ErrClosed, under)
			return
		default:
		}
		if t.do != nil {
			t.done <- guarded(p.holding(t.do))
		}
	}
}

// holding makes f one that holds the machine.
func (p *Pool) holding(f func() error) func() error {
	return func() error {
		p.machine.Lock()
		defer p.machine.Unlock()
		return f()
	}
}

// guarded turns a panic into an error: one caller's fault is not all the others'.
func guarded(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the machine failed: %v\n%s", r, debug.Stack())
		}
	}()
	return f()
}

// launch gives free places to those that wait and starts a step of all that
// have asked for one.
func (p *Pool) launch() (s poolStep, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.seat(); err != nil {
		return s, err
	}
	var places []int
	var allowed [][]uint32
	for place, q := range p.places {
		switch {
		case q == nil:
		case q.evicted && q.under == 0 && q.looked == q.steps:
			if err := p.unseat(q, q.start+q.steps); err != nil {
				return s, err
			}
			q.end(errNoPlace)
		case len(q.wanted) > 0 && !q.leaving && !q.evicted:
			places, allowed = append(places, place), append(allowed, q.wanted[0])
			s.rows = append(s.rows, q)
		}
	}
	if len(places) == 0 {
		return s, nil
	}
	s.step, err = p.batch.Step(places, allowed)
	var full *machine.PlaceError
	if errors.As(err, &full) && p.places[full.Place].guest {
		// Nothing was begun: the others' step is next.
		p.places[full.Place].evicted = true
		p.nudge()
		return poolStep{}, nil
	}
	for _, q := range s.rows {
		q.wanted = q.wanted[1:]
		q.under++
	}
	return s, err
}

// errNoPlace ends the stay of a guest that the batch has no room for.
var errNoPlace = errors.New("the batch has no room for this answer")

// lookedAt notes that a guest goes on after this many tokens.
func (p *Pool) lookedAt(q *sequence, steps int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if q.looked = steps; q.evicted {
		p.nudge()
	}
}

// nudge has the pool look for what can be done.
func (p *Pool) nudge() {
	select {
	case p.asked <- struct{}{}:
	default:
	}
}

// seat deals out places. One that others wait for is given up after a while,
// when all that was drawn there has been looked at: its state is then known to
// be wanted.
func (p *Pool) seat() error {
	short := len(p.waiting)
	for place, q := range p.places {
		if q == nil {
			short--
		} else if q.leaving = short > 0 && q.steps-q.turn >= p.Patience; q.leaving {
			short--
			if len(q.wanted) == q.depth {
				if err := p.unseat(q, q.start+q.steps); err != nil {
					return err
				}
				p.waiting = append(p.waiting, q)
			}
		}
		if len(p.waiting) == 0 {
			continue
		}
		if p.places[place] != nil {
			continue
		}
		q := p.waiting[0] // and stays in the line until it has the place: whatever fails, somebody ends its answer
		d := q.drawing
		if d.Adjusted && q.steps > 0 {
			counts := make([]uint32, p.vocab)
			copy(counts, d.Adjustment.Counts)
			d.Adjustment.Counts = counts
			for _, id := range q.drawn[:len(q.drawn)-1] {
				d.Adjustment.Counts[id]++
			}
		}
		position, err := p.batch.Join(place, q.run, d, q.pending, q.steps)
		if errors.Is(err, machine.ErrNoRoom) { // the others have theirs
			p.waiting = p.waiting[1:]
			if q.guest {
				err = errNoPlace
			}
			q.end(err)
			continue
		}
		if err != nil {
			return err
		}
		p.waiting = p.waiting[1:]
		q.start = position - q.steps
		q.place, q.turn, p.places[place] = place, q.steps, q
	}
	return nil
}

// unseat takes a sequence's place, and leaves its run in the state after this many tokens. Where it fails the sequence
// still has the place, and its answer is ended with all others'.
func (p *Pool) unseat(q *sequence, absorbed int) error {
	if err := p.batch.Leave(q.place, absorbed); err != nil {
		return err
	}
	p.vacate(q)
	return nil
}

func (p *Pool) vacate(q *sequence) {
	p.places[q.place] = nil
	q.place, q.leaving = -1, false
}

// land waits for a step and hands out what it drew.
func (p *Pool) land(s poolStep) error {
	draws, err := s.step.Wait(context.Background())
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, q := range s.rows {
		q.under--
		q.steps++
		q.pending = draws[i].Token
		if q.drawing.Adjusted {
			q.drawn = append(q.drawn, draws[i].Token)
		}
		q.draws <- draws[i] // there is room for as many as are asked for ahead
	}
	return nil
}

// fail ends all answers.
func (p *Pool) fail(err error, under []poolStep) {
	if errors.Is(err, machine.ErrNoRoom) { // in a batch: no run is brought back to where it stood
		err = fmt.Errorf("%v; what was decoded together with it ends, too", err)
	}
	for _, s := range under {
		_ = guarded(func() error { s.step.Drop(); return nil })
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.over = errors.Is(err, ErrClosed)
	for place, q := range p.places {
		if q != nil {
			q.end(err)
			p.places[place] = nil
		}
	}
	for _, q := range p.waiting {
		q.end(err)
	}
	p.waiting = nil
}

func (q *sequence) end(err error) {
	q.place, q.err = -1, err
	close(q.draws)
}

// ask asks for one more step of a sequence.
func (p *Pool) ask(q *sequence, allowed []uint32) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case q.err != nil:
		return q.err
	case p.over: // between a prompt and its answer
		return ErrClosed
	}
	if len(q.wanted) == 0 && q.place < 0 {
		p.waiting = append(p.waiting, q)
	}
	q.wanted = append(q.wanted, allowed)
	p.nudge()
	return nil
}

// forget takes a sequence that waits for its first place out of the line, and
// tells whether it was there.
func (p *Pool) forget(q *sequence, why error) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if q.err != nil || q.place >= 0 || q.steps > 0 {
		return false
	}
	p.leave(q)
	q.end(why)
	return true
}

// leave takes a sequence out of the line.
func (p *Pool) leave(q *sequence) {
	q.wanted = nil
	if at := slices.Index(p.waiting, q); at >= 0 {
		p.waiting = slices.Delete(p.waiting, at, at+1)
	}
}

// finish ends a sequence's answer and leaves its run in the state after this many
// tokens. It has the machine.
func (p *Pool) finish(q *sequence, absorbed int) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.leave(q)
	if q.err != nil || q.place < 0 { // without a place it has left the state already
		return q.err
	}
	defer func() {
		if q.place >= 0 { // it goes, whatever Leave says
			p.vacate(q)
		}
	}()
	return p.unseat(q, absorbed)
}
