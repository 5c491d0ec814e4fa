package gpu

import (
	"context"
	"encoding/binary"
	"time"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/kernel"
	"github.com/samba-web/samba/model/graph"
	"github.com/samba-web/samba/model/machine"
)

const (
	// A flight that takes longer than the second of these is made shorter, so that
	// text flows and little runs ahead in vain on a slow machine; one that takes
	// less than the first is made longer. Firefox answers no map in less than
	// 100 ms, whatever the GPU did: the first is above that.
	quick, slow = 150 * time.Millisecond, 400 * time.Millisecond

	historySize = 2 * machine.PenaltyTail // what runs ahead must not overwrite what a rewind needs
	outRing     = 64                      // sampled tokens on their way to the host
)

// Run is one conversation on a device.
type Run struct {
	engine    *Engine
	store     Store // of this run alone
	state     graph.State[buffer]
	snapshots [machine.FlightsAhead]snapshot
	scratch   scratch
	cursor    buffer
	drawn     drawing
	out       buffer
	logits    buffer // [chunk, vocab], once somebody asks for all logits
	next      buffer // [chunk] tokens, and how likely they were, once somebody asks for scores
	scores    buffer

	guessed map[guessedKind]*guessedPrograms
	absorbs map[int]*gpu.Program // by number of tokens: the layers that carry state
	wholes  map[int]*gpu.Program // all layers
	heads   map[int]*gpu.Program // logits of all of them
	scorers map[int]*gpu.Program // scores from those

	pace *gpu.Readback // comes when the last chunk has been absorbed

	unfinished bool // the last token of a chunk has yet to pass the layers that carry no state
	every      bool // Absorb runs all layers

	aside     buffer // the last chunk's last row, and the pending token, while other runs have their places
	isAside   bool
	lastChunk int // tokens that were absorbed at once

	pos      int // tokens absorbed, flights under way included: of guesses, all
	at       int // tokens absorbed, those flights not
	room     int // positions that full attention's buffers hold
	emitted  int // tokens drawn since Begin, flights under way included: of guesses, all
	landed   int // tokens drawn, those flights not
	unsure   int // flights of guesses under way
	launched int
	Steps    int // of the next flight: 1, 2, 4, ... MaxSteps
}

// snapshot is the part of the state that a step overwrites. Key and value
// rings are not in it: they have room for what runs ahead.
type snapshot struct {
	save, restore *gpu.Program
}

func (e *Engine) newRun() (*Run, error) {
	r := &Run{
		engine: e, scratch: e.scratch, Steps: 1,
		store:   Store{device: e.device},
		guessed: map[guessedKind]*guessedPrograms{}, absorbs: map[int]*gpu.Program{}, wholes: map[int]*gpu.Program{}, heads: map[int]*gpu.Program{}, scorers: map[int]*gpu.Program{},
	}
	if err := r.allocate(); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

func (r *Run) allocate() (err error) {
	if r.state, err = graph.NewState(r.engine.graph, &r.store); err != nil {
		return err
	}
	_, _, r.room = r.engine.graph.Growing()
	for _, b := range []struct {
		to   *buffer
		name string
		n    int
	}{{&r.cursor, "cursor", 4}, {&r.drawn.sampling, "sampling", 8}, {&r.scratch.history, "history", historySize}, {&r.out, "out", outRing}} {
		if *b.to, err = r.store.Array(b.name, b.n); err != nil {
			return err
		}
	}
	for i := range r.snapshots {
		s := &r.snapshots[i]
		s.save, s.restore = r.engine.device.NewProgram(), r.engine.device.NewProgram()
		for _, from := range r.engine.graph.Recurrent(r.state) {
			to, err := r.store.Array("snapshot", int(from.Size()/4))
			if err != nil {
				return err
			}
			s.save.Copy(from, 0, to, 0, from.Size())
			s.restore.Copy(to, 0, from, 0, from.Size())
		}
	}
	return r.Begin(machine.Drawing{})
}

func (r *Run) record(tokens int, f func(m *steps)) *gpu.Program {
	m := &steps{eps: r.engine.config.RMSNormEps, buffer: &r.scratch, state: r.state}
	m.Recorder = kernel.Recorder{Device: r.engine.device, Program: r.engine.device.NewProgram(), Cursor: r.cursor, Tokens: tokens, Halves: r.scratch.halves}
	f(m)
	return m.Program
}

// program returns the recorded run of that many tokens. Few lengths occur: the
// chunk, and each prompt's tail, of which the last ones are kept.
func (r *Run) program(cache map[int]*gpu.Program, tokens int, f func(m *steps)) *gpu.Program {
	p := cache[tokens]
	if p == nil {
		if len(cache) >= 16 {
			for n, old := range cache {
				if n != r.engine.chunk {
					old.Free()
					delete(cache, n)
				}
			}
		}
		p = r.record(tokens, f)
		cache[tokens] = p
	}
	return p
}

func (r *Run) Reset() error {
	// The rings need no clearing: attention reads no position before 0.
	for _, v := range r.engine.graph.Recurrent(r.state) {
		if err := r.engine.device.Write(v, 0, make([]byte, v.Size())); err != nil {
			return err
		}
	}
	r.pos, r.at = 0, 0
	return nil
}

func (r *Run) setCursor(count int) error {
	return r.engine.device.Write(r.cursor, 0, machine.Words(uint32(r.pos), uint32(count), uint32(r.emitted), 0))
}

func (r *Run) upload(ids []uint32) error {
	if err := r.setCursor(len(ids)); err != nil {
		return err
	}
	return r.engine.device.Write(r.scratch.ids, 0, machine.Words(ids...))
}

func (r *Run) Absorb(ctx context.Context, ids []uint32) error {
	if err := r.submit(ctx, ids, r.every); err != nil {
		return err
	}
	// Wait for the chunk before this one: the machine always has work, progress is one chunk from true, a cancel
	// acts soon, and weak drivers are not given minutes of work in one go.
	before := r.pace
	var err error
	if r.pace, err = r.engine.device.Read(r.cursor, 0, 4); err != nil || before == nil {
		return err
	}
	_, err = before.Wait(context.WithoutCancel(ctx))
	return err
}

// chunkProgram absorbs that many tokens: through every layer, or through those that carry
// state, after which the last token's activations are where Finish finds a single one's.
func (r *Run) chunkProgram(tokens int, every bool) *gpu.Program {
	g, a := r.engine.graph, r.engine.activations
	if every {
		return r.program(r.wholes, tokens, func(m *steps) { g.Forward(m, a) })
	}
	return r.program(r.absorbs, tokens, func(m *steps) {
		g.Carry(m, a)
		if tokens == 1 {
			return
		}
		for _, h := range g.Handed(a) { // by way of another buffer: none is copied within itself
			row := 4 * uint64(h.Width)
			m.Program.Copy(h.Array, uint64(tokens-1)*row, r.scratch.last, 0, row)
			m.Program.Copy(r.scratch.last, 0, h.Array, 0, row)
		}
	})
}

// submit starts to absorb ids.
func (r *Run) submit(ctx context.Context, ids []uint32, every bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := r.makeRoom(ctx, r.pos+len(ids)); err != nil {
		return err
	}
	p := r.chunkProgram(len(ids), every)
	if err := r.upload(ids); err != nil {
		return err
	}
	r.pos += len(ids)
	r.at = r.pos
	r.unfinished = !every
	r.lastChunk = len(ids)
	return r.engine.device.Run(p)
}

// SetAside is of machine.Sharer.
func (r *Run) SetAside() (err error) {
	if r.aside == nil {
		values := 1
		for _, h := range r.engine.graph.Handed(r.engine.activations) {
			values += h.Width
		}
		if r.aside, err = r.store.Array("set aside", values); err != nil {
			return err
		}
	}
	r.isAside = true
	return r.moveAside(func(p *gpu.Program, shared buffer, at uint64, aside, n uint64) { p.Copy(shared, at, r.aside, aside, n) })
}

// TakeBack is of machine.Sharer.
func (r *Run) TakeBack() error {
	if !r.isAside {
		return nil
	}
	r.isAside = false
	return r.moveAside(func(p *gpu.Program, shared buffer, at uint64, aside, n uint64) { p.Copy(r.aside, aside, shared, at, n) })
}

// moveAside copies what the first flight after a chunk takes: of the chunk's last token, what the layers
// that it has yet to pass take of those below, or what the sampler reads where it is through all.
func (r *Run) moveAside(copied func(p *gpu.Program, shared buffer, at uint64, aside, n uint64)) error {
	p := r.engine.device.NewProgram()
	defer p.Free()
	at, handed := uint64(0), r.engine.graph.Handed(r.engine.activations)
	from := uint64(0)
	if !r.unfinished {
		handed, from = handed[:1], uint64(max(r.lastChunk-1, 0))
	}
	for _, h := range handed {
		row := 4 * uint64(h.Width)
		copied(p, h.Array, from*row, at, row)
		at += row
	}
	copied(p, r.scratch.ids, 0, at, 4)
	return r.engine.device.Run(p)
}

func (r *Run) AbsorbLogits(ctx context.Context, ids []uint32) ([]float32, error) {
	if err := r.submitLogits(ctx, ids); err != nil {
		return nil, err
	}
	readback, err := r.engine.device.Read(r.logits, 0, 4*uint64(len(ids)*r.engine.config.VocabSize))
	if err != nil {
		return nil, err
	}
	data, err := readback.Wait(ctx)
	return machine.Floats(data), err
}

// submitLogits starts to absorb ids and to compute the logits of all of them.
func (r *Run) submitLogits(ctx context.Context, ids []uint32) error {
	if err := r.submit(ctx, ids, true); err != nil {
		return err
	}
	e := r.engine
	if r.logits == nil {
		b, err := r.store.Array("logits of a chunk", e.chunk*e.config.VocabSize)
		if err != nil {
			return err
		}
		r.logits = b
	}
	return e.device.Run(r.program(r.heads, len(ids), func(m *steps) {
		m.Head(e.activations.X, e.graph.Norm, e.graph.Head, r.logits, true)
	}))
}

func (r *Run) AbsorbScores(ctx context.Context, ids, next []uint32) (machine.Scores, error) {
	if err := r.submitLogits(ctx, ids); err != nil {
		return nil, err
	}
	device := r.engine.device
	if r.scores == nil {
		var err error
		if r.next, err = r.store.Array("next tokens", r.engine.chunk); err != nil {
			return nil, err
		}
		if r.scores, err = r.store.Array("scores", r.engine.chunk); err != nil {
			return nil, err
		}
	}
	if err := device.Write(r.next, 0, machine.Words(next...)); err != nil {
		return nil, err
	}
	if err := device.Run(r.program(r.scorers, len(ids), func(m *steps) {
		m.Score(r.logits, r.next, r.scores, r.engine.config.VocabSize)
	})); err != nil {
		return nil, err
	}
	readback, err := device.Read(r.scores, 0, 4*uint64(len(ids)))
	return scores{readback}, err
}

// scores are on their way to the host.
type scores struct{ readback *gpu.Readback }

func (s scores) Wait(ctx context.Context) ([]float32, error) {
	data, err := s.readback.Wait(ctx)
	return machine.Floats(data), err
}

func (s scores) Drop() { s.readback.Drop() }

func (r *Run) Depth() int {
	if r.drawn.Constrained {
		return 1 // the host must see a token before it knows which may follow
	}
	return machine.FlightsAhead
}

// firstSample draws from the last token that was absorbed, once it is through all layers.
func (r *Run) firstSample() (*gpu.Program, error) {
	if !r.unfinished {
		return r.drawn.use.sample, r.engine.device.Write(r.cursor, 8, machine.Words(0))
	}
	r.unfinished = false
	return r.drawn.use.first, r.engine.device.Write(r.cursor, 0, machine.Words(uint32(r.pos-1), 1, 0, 0))
}

type flight struct {
	run      *Run
	snapshot *snapshot
	pos      int // tokens absorbed at its start; known when it lands
	steps    int // tokens that it draws; of guesses, at most
	first    bool
	guessed  bool
	launched time.Time
	readback *gpu.Readback
	logprobs *gpu.Readback // nil where the drawing asks for none
	whole    bool          // readback is what readWhole reads
}

func (r *Run) Launch(ctx context.Context, first bool, allowed []uint32) (machine.Flight, error) {
	steps := r.Steps
	if r.drawn.Constrained {
		steps = 1
		if err := r.drawn.allow(r.engine.device, allowed, 0); err != nil {
			return nil, err
		}
	}
	// A flight's tokens must not wrap around the ring.
	for r.unsure == 0 && r.emitted%outRing+steps > outRing {
		steps /= 2
	}
	if err := r.makeRoom(ctx, r.pos+steps); err != nil {
		return nil, err
	}
	f := &flight{run: r, snapshot: &r.snapshots[r.launched%machine.FlightsAhead], steps: steps, first: first, launched: time.Now()}
	r.launched++
	programs := []*gpu.Program{f.snapshot.save}
	absorbed := steps
	if first {
		// The cursor still stands at the chunk that was absorbed last, and the sampler moves it past that.
		sample, err := r.firstSample()
		if err != nil {
			return nil, err
		}
		programs = append(programs, sample)
		absorbed--
	}
	for range absorbed {
		programs = append(programs, r.drawn.use.step)
	}
	if err := r.engine.device.Run(programs...); err != nil {
		return nil, err
	}
	from := r.emitted % outRing
	r.pos += absorbed
	r.emitted += steps
	if r.unsure > 0 { // it is not known where in the ring they come to lie
		return f, f.readWhole()
	}
	var err error
	if f.readback, err = r.engine.device.Read(r.out, 4*uint64(from), 4*uint64(steps)); err == nil && r.drawn.Logprobs {
		row := 4 * uint64(kernel.LogprobsRow(machine.MaxTopLogprobs))
		f.logprobs, err = r.engine.device.Read(r.drawn.rows, uint64(from)*row, uint64(steps)*row)
	}
	return f, err
}

func (f *flight) Wait(ctx context.Context) ([]machine.Draw, error) {
	var draws []machine.Draw
	var err error
	if f.whole {
		draws, err = f.drawsOfWhole(ctx)
	} else {
		draws, err = readDraws(ctx, f.readback, f.logprobs, f.run.engine.config.VocabSize, f.steps, func(int) (bool, int) { return true, f.run.drawn.Top })
	}
	if err != nil {
		return nil, err
	}
	f.land(len(draws))
	if f.guessed {
		return draws, nil
	}
	switch took := time.Since(f.launched); {
	case took < quick:
		f.run.Steps = min(2*f.run.Steps, machine.MaxSteps)
	case took > slow:
		f.run.Steps = max(f.run.Steps/2, 1)
	}
	return draws, nil
}

// readDraws waits for n tokens and, where they are under way, for their log
// probabilities; wanted tells whose are asked for, and of how many of the likeliest.
func readDraws(ctx context.Context, tokens, logprobs *gpu.Readback, vocab, n int, wanted func(i int) (bool, int)) ([]machine.Draw, error) {
	data, err := tokens.Wait(ctx)
	if err != nil {
		return nil, err
	}
	var rows []byte
	if logprobs != nil {
		if rows, err = logprobs.Wait(ctx); err != nil {
			return nil, err
		}
	}
	draws := make([]machine.Draw, n)
	for i := range draws {
		draws[i].Token = kernel.Drawn(binary.LittleEndian.Uint32(data[4*i:]), vocab)
		if on, top := wanted(i); on && rows != nil {
			row := rows[4*i*kernel.LogprobsRow(machine.MaxTopLogprobs):]
			draws[i].Logprob, draws[i].Top = kernel.ReadLogprobs(row, machine.MaxTopLogprobs, top)
		}
	}
	return draws, nil
}

func (f *flight) Drop(ctx context.Context) error {
	_, err := f.Wait(ctx)
	return err
}

// Rewind restores the flight's start and steps through the absorbed tokens
// again: the same kernels on the same state give the same bits.
func (f *flight) Rewind(ctx context.Context, absorbed []uint32) error {
	r := f.run
	if err := r.engine.device.Run(f.snapshot.restore); err != nil {
		return err
	}
	r.pos, r.at = f.pos, f.pos
	for _, id := range absorbed {
		if err := r.submit(ctx, []uint32{id}, false); err != nil {
			return err
		}
	}
	return nil
}

// Settle reads something that comes after all the rest.
func (r *Run) Settle(ctx context.Context) error {
	done, err := r.engine.device.Read(r.cursor, 0, 4)
	if err == nil {
		_, err = done.Wait(ctx)
	}
	return err
}

func (r *Run) StateBytes() int64 { return allocated(r.state) }

// allocated is the size of a state's buffers.
func allocated(state graph.State[buffer]) (n int64) {
	for _, arrays := range state {
		for _, v := range arrays {
			n += int64(v.Size())
		}
	}
	return n
}

func (r *Run) Close() {
	if r.pace != nil {
		r.pace.Drop()
	}
	for _, cache := range []map[int]*gpu.Program{r.absorbs, r.wholes, r.heads, r.scorers} {
		for _, p := range cache {
			p.Free()
		}
	}
	r.forgetGuessed()
	r.drawn.free()
	r.store.Free()
}
