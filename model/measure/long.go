package measure

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/samba-web/samba/model"
	"github.com/samba-web/samba/model/machine"
	"github.com/samba-web/samba/model/progress"
)

// LongOptions say what Long does.
type LongOptions struct {
	Prompt   int    // random tokens to read; at least 1
	Generate int    // tokens to write after them
	Batch    int    // sequences that are written together; 0: one
	Laps     []int  // after how many tokens to tell where the run stands, ascending: of those written, or read where none are
	Seed     uint64 // of the prompt, and of the sampler
	Trace    bool   // laps bring the tokens of the first sequence, the last one the logits that follow them

	EveryLayer bool // run all layers for all of a prompt's tokens, those that carry no state, too

	OnProgress func(progress.Progress)
}

// Lap is where a long run stands.
type Lap struct {
	Tokens  int     `json:"tokens"`  // read so far, or written by each sequence
	Seconds float64 `json:"seconds"` // that they took
	Counted Cost    `json:"counted"` // the least that they needed, all sequences together
	Memory  Memory  `json:"memory"`  // now

	// Where a trace is wanted: the tokens since the lap before, those of the prompt included; and what follows the last.
	IDs    []uint32  `json:"ids,omitempty"`
	Logits []float32 `json:"logits,omitempty"`
}

// Memory is what an engine takes, in bytes.
type Memory struct {
	State    int64 `json:"state"`              // the conversations', all that is allocated for them
	GPU      int64 `json:"gpu"`                // in the engine's buffers on the device, those included; 0 in plain Go
	Heap     int64 `json:"heap"`               // WebAssembly's memory; natively Go's heap in use
	JS       int64 `json:"js,omitempty"`       // JavaScript's heap, where the browser tells; the page adds it
	Resident int64 `json:"resident,omitempty"` // of the process, or of all the browser's, where the system tells
}

// longRun is one under way.
type longRun struct {
	LongOptions
	model    *model.Model
	sessions []*model.Session
	pool     *model.Pool // nil: one sequence
	onLap    func(Lap) error
	laps     []int // to come
	least    tally
	started  time.Time
	told     time.Time
	last     Lap
}

// Long reads a long prompt, or writes a long text after a short one, from an
// empty state, as Generate does it for everybody, and tells on the way how long
// it took and what memory it has. It has sessions of its own.
//
// What a session cannot hold ends it with ErrNoRoom, after the laps until then.
func Long(ctx context.Context, m *model.Model, o LongOptions, onLap func(Lap) error) error {
	r := &longRun{LongOptions: o, model: m, laps: o.Laps, onLap: onLap}
	r.Batch = max(r.Batch, 1)
	if r.Generate == 0 && r.Batch > 1 {
		return errors.New("several sequences are only written together, not read")
	}
	random := rand.New(rand.NewPCG(o.Seed, 0))
	ids := make([]uint32, o.Prompt)
	for i := range ids {
		ids[i] = random.Uint32N(uint32(m.Config().VocabSize))
	}
	defer func() {
		for _, s := range r.sessions {
			s.Close()
		}
	}()
	newSession, alone := m.NewSession, func(f func() error) error { return f() }
	if r.Batch > 1 {
		pool, err := m.NewPool(r.Batch)
		if err != nil {
			return err
		}
		defer pool.Close()
		r.pool = pool
		newSession, alone = pool.NewSession, func(f func() error) error { return pool.Do(ctx, f) }
	}
	for range r.Batch {
		s, err := newSession()
		if err != nil {
			return err
		}
		s.EveryLayer(r.EveryLayer)
		r.sessions = append(r.sessions, s)
	}
	if err := alone(func() error { return r.warmUp(ctx, ids) }); err != nil {
		return err
	}
	if r.Generate == 0 {
		return r.read(ctx, ids)
	}
	return r.write(ctx, ids)
}

// warmUp does a little of everything, so that pipelines are compiled.
func (r *longRun) warmUp(ctx context.Context, ids []uint32) error {
	s := r.sessions[0]
	request := model.Request{Prompt: ids[:min(len(ids), 2*r.model.Chunk()+1)], MaxTokens: 2 * machine.FlightsAhead * machine.MaxSteps, PastEnd: true, Sampling: r.model.Defaults()}
	if _, err := s.Generate(ctx, request, func(model.Chunk) error { return nil }); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := s.Reset(); err != nil {
		return err
	}
	return s.Settle(ctx)
}

// readTogether lets all sequences read all but the prompt's last token, so that
// they start to write at once, however long it is; before it they write a little.
func (r *longRun) readTogether(ctx context.Context, pool *model.Pool, ids []uint32) error {
	if err := r.warmUpTogether(ctx, pool, ids[:min(len(ids), 16)]); err != nil {
		return err
	}
	for i, s := range r.sessions {
		err := pool.Share(ctx, s, func() error {
			return s.Prefill(ctx, ids[:len(ids)-1], func(done, total int) {
				if r.OnProgress != nil {
					r.OnProgress(progress.Progress{Phase: progress.PhasePrefill, Loaded: int64(i*total + done), Total: int64(r.Batch * total)})
				}
			})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// warmUpTogether lets all sequences write a little.
func (r *longRun) warmUpTogether(ctx context.Context, pool *model.Pool, ids []uint32) error {
	failures := make([]error, r.Batch)
	var wait sync.WaitGroup
	for i, s := range r.sessions {
		wait.Go(func() {
			request := model.Request{Prompt: ids, MaxTokens: machine.MaxSteps, PastEnd: true, Sampling: r.model.Defaults()}
			if _, failures[i] = pool.Generate(ctx, s, request, func(model.Chunk) error { return nil }); failures[i] == nil {
				failures[i] = pool.Do(ctx, s.Reset)
			}
		})
	}
	wait.Wait()
	return errors.Join(failures...)
}

func (r *longRun) read(ctx context.Context, ids []uint32) error {
	s := r.sessions[0]
	r.least = tallied(r.Laps, len(ids), r.reading)
	r.started = time.Now()
	for done := 0; done < len(ids); {
		lap := len(ids)
		if len(r.laps) > 0 {
			lap = min(lap, r.laps[0])
		}
		err := s.Prefill(ctx, ids[done:lap], func(n, _ int) {
			r.tell(done+n, len(ids), func(c Cost) float64 { return float64(c.Ops) })
		})
		if err == nil {
			err = s.Settle(ctx)
		}
		if err != nil {
			return err
		}
		done = lap
		if len(r.laps) > 0 && done == r.laps[0] {
			if err := r.onLap(r.lap(done)); err != nil {
				return err
			}
		}
	}
	return nil
}

// write lets all sequences write. Their laps are the last one's.
func (r *longRun) write(ctx context.Context, ids []uint32) error {
	r.least = tallied(r.Laps, r.Generate, r.writing)
	generate := func(s *model.Session, q model.Request, emit func(model.Chunk) error) (model.Result, error) {
		return s.Generate(ctx, q, emit)
	}
	if r.Batch > 1 {
		generate = func(s *model.Session, q model.Request, emit func(model.Chunk) error) (model.Result, error) {
			return r.pool.Generate(ctx, s, q, emit)
		}
		if err := r.readTogether(ctx, r.pool, ids); err != nil {
			return err
		}
	}
	var mu sync.Mutex
	var wait sync.WaitGroup
	arrived := make([]int, len(r.Laps)) // sequences, by lap
	failures := make([]error, r.Batch)
	first := 0 // sequences that have written a token
	trace := slices.Clone(ids)
	finished := Lap{} // the last one waits for its logits
	for i, s := range r.sessions {
		wait.Go(func() {
			tokens, next := 0, 0
			sampling := r.model.Defaults()
			sampling.Seed = r.Seed + uint64(i)
			request := model.Request{Prompt: ids, MaxTokens: r.Generate + 1, PastEnd: true, Sampling: sampling}
			result, err := generate(s, request, func(c model.Chunk) error {
				mu.Lock()
				defer mu.Unlock()
				if c.Tokens == 0 {
					return nil
				}
				tokens++
				if r.Trace && i == 0 {
					trace = append(trace, c.Token)
				}
				// The first token comes with the prompt: the clock runs from it on, the last sequence's.
				if tokens == 1 {
					if first++; first == r.Batch {
						r.started = time.Now()
					}
					return nil
				}
				if i == 0 {
					r.tell(tokens-1, r.Generate, func(c Cost) float64 { return float64(c.Bytes) })
				}
				if next == len(r.Laps) || tokens-1 < r.Laps[next] {
					return nil
				}
				next++
				if arrived[next-1]++; arrived[next-1] < r.Batch {
					return nil
				}
				lap := r.lap(tokens - 1)
				if r.Trace {
					lap.IDs, trace = trace, nil
					if len(r.laps) == 0 {
						finished = lap
						return nil
					}
				}
				return r.onLap(lap)
			})
			if err == nil && result.FinishReason == model.FinishCancelled {
				err = context.Canceled
			}
			failures[i] = err
		})
	}
	wait.Wait()
	if r.Batch > 1 && len(r.laps) == 0 {
		return nil // whether there is room for a copy of each sequence outside the batch is not what was measured
	}
	err := errors.Join(failures...)
	if err != nil || finished.Tokens == 0 {
		return err
	}
	// The state has not absorbed the last token yet.
	last := finished.IDs[len(finished.IDs)-1]
	if err := r.sessions[0].Logits(ctx, []uint32{last}, 1, func(row []float32) error { finished.Logits = row; return nil }); err != nil {
		return err
	}
	return r.onLap(finished)
}

func (r *longRun) lap(tokens int) Lap {
	r.laps = r.laps[1:]
	lap := Lap{Tokens: tokens, Seconds: time.Since(r.started).Seconds(), Counted: r.least.upTo(tokens), Memory: memory()}
	for _, s := range r.sessions {
		lap.Memory.State += s.StateBytes()
	}
	if r.pool != nil {
		lap.Memory.State += r.pool.StateBytes()
	}
	lap.Memory.GPU = r.model.Allocated()
	r.last = lap
	return lap
}

// tell reports progress now and then. Time left is told by what is left to be
// done: full attention slows down.
func (r *longRun) tell(done, total int, of func(Cost) float64) {
	if r.OnProgress == nil || time.Since(r.told) < 200*time.Millisecond && done < total {
		return
	}
	r.told = time.Now()
	p := progress.Progress{Phase: progress.PhaseBench, Loaded: int64(done), Total: int64(total)}
	if seconds := time.Since(r.started).Seconds(); !r.started.IsZero() && seconds > 1 {
		if counted := of(r.least.upTo(done)); counted > 0 {
			p.SecondsLeft = seconds * max(0, of(r.least.upTo(total))-counted) / counted
		}
		if since := seconds - r.last.Seconds; since > 0 {
			p.Rate = float64((done-r.last.Tokens)*r.Batch) / since
		}
	}
	r.OnProgress(p)
}

func (c Cost) plus(d Cost) Cost { return Cost{c.Bytes + d.Bytes, c.State + d.State, c.Ops + d.Ops} }

// reading counts a prompt's tokens from one on to another, a chunk each.
func (r *longRun) reading(from, to int) (t tally) {
	for at := from; at < to; at += r.model.Chunk() {
		end := min(at+r.model.Chunk(), to)
		t = append(t, least{end, readingCost(r.model, at, end, r.EveryLayer)})
	}
	return t
}

// readingCost counts a prompt's tokens from one on to another, in chunks: nothing is drawn.
func readingCost(m *model.Model, from, to int, everyLayer bool) (sum Cost) {
	for ; from < to; from += m.Chunk() {
		p := Pass{Pos: from, Tokens: min(m.Chunk(), to-from)}
		if everyLayer {
			p.Finished = p.Tokens
		}
		sum = sum.plus(CostOf(m, p))
	}
	return sum
}

// writing counts steps of all sequences after the prompt: what they read grows
// evenly, but for a window that fills.
func (r *longRun) writing(from, to int) (t tally) {
	const pieces = 8
	for i := range pieces {
		a, b := from+(to-from)*i/pieces, from+(to-from)*(i+1)/pieces
		if b == a {
			continue
		}
		step, batch := CostOf(r.model, Step(r.Prompt+(a+b)/2)), int64(r.Batch)
		step = Cost{step.Bytes + (batch-1)*step.State, batch * step.State, batch * step.Ops}
		n := int64(b - a)
		t = append(t, least{b, Cost{n * step.Bytes, n * step.State, n * step.Ops}})
	}
	return t
}

// tally is what a run needs at least up to so many tokens, ascending. It is counted before
// the clock starts: SambaY's count for one step takes a browser 10 ms, as long as four of its tokens.
type tally []least

type least struct {
	tokens int
	cost   Cost
}

// tallied adds up what piece by piece is counted from each lap to the next, and to the end.
func tallied(laps []int, end int, count func(from, to int) tally) (t tally) {
	from, sum := 0, Cost{}
	for _, lap := range append(slices.Clone(laps), end) {
		if lap <= from {
			continue
		}
		for _, piece := range count(from, lap) {
			sum = sum.plus(piece.cost)
			t = append(t, least{piece.tokens, sum})
		}
		from = lap
	}
	return t
}

// upTo is what so many tokens need, within a piece as if it grew evenly.
func (t tally) upTo(tokens int) Cost {
	before := least{}
	for _, l := range t {
		if l.tokens >= tokens {
			share := float64(tokens-before.tokens) / float64(l.tokens-before.tokens)
			between := func(a, b int64) int64 { return a + int64(share*float64(b-a)) }
			return Cost{between(before.cost.Bytes, l.cost.Bytes), between(before.cost.State, l.cost.State), between(before.cost.Ops, l.cost.Ops)}
		}
		before = l
	}
	return before.cost
}

// LapsEvery are laps of this many tokens each; less than half of one at the end
// belongs to the one before.
func LapsEvery(tokens, total int) (laps []int) {
	for at := tokens; total-at >= (tokens+1)/2; at += tokens {
		laps = append(laps, at)
	}
	return append(laps, total)
}
