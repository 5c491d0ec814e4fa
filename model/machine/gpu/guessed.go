package gpu

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/kernel"
	"github.com/samba-web/samba/gpu/reference"
	"github.com/samba-web/samba/model/graph"
	"github.com/samba-web/samba/model/machine"
)

// guessing is what an engine's runs need to absorb guesses: rows of what a single step has
// one of. Runs share it as they share the activations.
type guessing struct {
	rows        int   // of a step at most; 1: it takes none
	failed      error // why
	activations graph.Activations[buffer]
	scratch     scratch
	rowStates   graph.State[buffer] // what is recurrent: before a step's rows, and after each
	guesses     buffer              // [guessRing] by position
	drawn       buffer              // [rows]
	allowed     buffer              // [rows, vocab/32]; nil until a drawing needs it, like raw
	raw         buffer              // [rows, vocab]
}

const (
	guessRing = 256
	// mostRowStates bounds what the states after each row take. A large one is written so often that
	// nothing would be gained.
	mostRowStates = 256 << 20
)

// guessedKind tells programs apart that are recorded for themselves.
type guessedKind struct {
	features
	rows int
}

type guessedPrograms struct{ begin, step, end *gpu.Program }

func (p *guessedPrograms) free() {
	for _, p := range []*gpu.Program{p.begin, p.step, p.end} {
		p.Free()
	}
}

func (r *Run) forgetGuessed() {
	for kind, p := range r.guessed {
		p.free()
		delete(r.guessed, kind)
	}
}

// MostGuesses finds out once for an engine whether rows leave the bits that single steps leave.
func (r *Run) MostGuesses() int {
	e := r.engine
	if e.guessing == nil {
		e.guessing = &guessing{rows: 1}
		g, err := e.newGuessing()
		if err == nil && g.rows > 1 {
			e.guessing = g
			err = r.agrees(context.Background())
		}
		if err != nil {
			g.rows, g.failed = 1, err
			e.guessing = g
		}
	}
	return e.guessing.rows - 1
}

// newGuessing makes room for as many rows as do not take too much.
func (e *Engine) newGuessing() (*guessing, error) {
	g, c := &guessing{rows: 1}, e.config
	values, rows := 0, machine.MostGuesses+1
	for _, s := range e.graph.Carried {
		if s.Recurrent() {
			values += s.Values
		}
	}
	for rows > 1 && (4*(rows+1)*values > mostRowStates || rows > e.chunk) {
		rows /= 2
	}
	bytes := int64(4 * ((rows+1)*values + 3*rows*c.VocabSize + rows*kernel.SampleParts(c.VocabSize))) // logits, raw ones and the sampler's parts, and logits of single steps while both are held together
	if free, err := e.spare(context.Background(), bytes, 0); rows == 1 || err != nil || !free {
		return g, err
	}
	var err error
	array := func(to *buffer, name string, n int) {
		if err == nil {
			*to, err = e.store.Array(name, n)
		}
	}
	g.rowStates, err = graph.ShapeState(e.graph, func(s graph.Carried) (buffer, error) {
		if !s.Recurrent() {
			return nil, nil
		}
		return e.store.Array(s.Label()+" of guesses", (rows+1)*s.Values)
	})
	g.activations, g.scratch = *e.activations, e.scratch
	array(&g.activations.Logits, "logits of guesses", rows*c.VocabSize)
	for _, shared := range []*buffer{&g.scratch.partials, &g.scratch.parts} {
		if *shared != nil {
			array(shared, "scratch of guesses", rows*int((*shared).Size()/4))
		}
	}
	array(&g.guesses, "guesses", guessRing)
	array(&g.drawn, "drawn after guesses", rows)
	if err == nil {
		g.rows = rows
	}
	return g, err
}

// programsOf records a run's steps of this many rows: what goes before a flight's steps, one, and what goes behind them.
func (r *Run) programsOf(f features, rows int) (*guessedPrograms, error) {
	kind := guessedKind{f, rows}
	if p := r.guessed[kind]; p != nil {
		return p, nil
	}
	e, g := r.engine, r.engine.guessing
	for _, b := range []struct {
		need bool
		to   *buffer
		name string
		n    int
	}{{f.logprobs, &g.raw, "raw logits of guesses", g.rows * e.config.VocabSize}, {f.adjusted, &g.allowed, "allowed after guesses", g.rows * ((e.config.VocabSize + 31) / 32)}} {
		if b.need && *b.to == nil {
			var err error
			if *b.to, err = e.store.Array(b.name, b.n); err != nil {
				return nil, err
			}
		}
	}
	p := &guessedPrograms{begin: e.device.NewProgram(), step: e.device.NewProgram(), end: e.device.NewProgram()}
	own := g.scratch
	own.history = r.scratch.history
	m := &steps{eps: e.config.RMSNormEps, buffer: &own, state: slices.Clone(r.state)}
	m.Recorder = kernel.Recorder{Device: e.device, Cursor: r.cursor, Tokens: rows, Apart: true}
	for i, arrays := range m.state {
		m.state[i] = slices.Clone(arrays)
	}
	m.Program = p.end
	for _, c := range e.graph.Carried {
		if c.Recurrent() {
			state, states := *r.state.Of(c), *g.rowStates.Of(c)
			p.begin.Copy(state, 0, states, 0, state.Size())
			m.TakeState(states, state)
			*m.state.Of(c) = states
		}
	}
	m.Program = p.step
	m.PlaceGuesses(g.guesses, own.ids, e.config.VocabSize)
	e.graph.Forward(m, &g.activations)
	r.recordRows(m, f)
	for _, program := range []*gpu.Program{p.begin, p.step, p.end} {
		if err := program.Err(); err != nil {
			p.free()
			return nil, err
		}
	}
	r.guessed[kind] = p
	return p, nil
}

// recordRows draws a token after each row and sees which of them count.
func (r *Run) recordRows(m *steps, f features) {
	e, g, drawn := r.engine, r.engine.guessing, &r.drawn
	logits, vocab := g.activations.Logits, e.config.VocabSize
	m.Head(g.activations.X, e.graph.Norm, e.graph.Head, logits, false)
	if f.logprobs {
		m.Program.Copy(logits, 0, g.raw, 0, logits.Size())
	}
	var counts buffer
	if f.adjusted {
		counts = drawn.counts
		m.Adjust(logits, drawn.adjustment, drawn.bias, counts, g.allowed, m.buffer.ids, vocab)
	}
	m.Sample(logits, drawn.sampling, m.buffer.history, nil, g.drawn, m.buffer.parts, vocab, machine.PenaltyTail)
	if f.logprobs {
		m.Logprobs(g.raw, drawn.adjustment, g.drawn, drawn.rows, vocab, outRing, machine.MaxTopLogprobs)
	}
	m.JudgeGuesses(g.drawn, m.buffer.ids, r.out, counts)
}

func (r *Run) LaunchGuessed(ctx context.Context, g machine.Guesses) (machine.Flight, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	own, device, tokens := r.engine.guessing, r.engine.device, g.Rows*g.Steps
	if err := r.makeRoom(ctx, r.pos+tokens); err != nil {
		return nil, err
	}
	p, err := r.programsOf(featuresOf(r.drawn.Drawing), g.Rows)
	if err != nil {
		return nil, err
	}
	for at := 0; at < len(g.Tokens); {
		slot := (g.At + at) % guessRing
		some := g.Tokens[at:min(len(g.Tokens), at+guessRing-slot)]
		if err := device.Write(own.guesses, 4*uint64(slot), machine.Words(some...)); err != nil {
			return nil, err
		}
		at += len(some)
	}
	if r.drawn.Constrained {
		if err := device.Write(own.allowed, 0, machine.Words(slices.Concat(g.Allowed[:g.Rows]...)...)); err != nil {
			return nil, err
		}
	}
	f := &flight{run: r, snapshot: &r.snapshots[r.launched%machine.FlightsAhead], steps: tokens, guessed: true, launched: time.Now()}
	r.launched++
	programs := []*gpu.Program{f.snapshot.save, p.begin}
	for range g.Steps {
		programs = append(programs, p.step)
	}
	if err := device.Write(r.cursor, 12, machine.Words(0)); err != nil {
		return nil, err
	}
	if err := device.Run(append(programs, p.end)...); err != nil {
		return nil, err
	}
	r.pos += tokens
	r.emitted += tokens
	r.unsure++
	return f, f.readWhole()
}

// readWhole reads all of the ring of drawn tokens, and how many there have been by the flight's end.
func (f *flight) readWhole() (err error) {
	r := f.run
	f.whole = true
	spans := []gpu.Span{{Buffer: r.cursor, Offset: 8, Size: 4}, {Buffer: r.out, Size: r.out.Size(), At: 4}}
	if f.readback, err = r.engine.device.Gather(spans...); err == nil && r.drawn.Logprobs {
		f.logprobs, err = r.engine.device.Read(r.drawn.rows, 0, r.drawn.rows.Size())
	}
	return err
}

// drawsOfWhole waits for what readWhole reads. The flights before have landed.
func (f *flight) drawsOfWhole(ctx context.Context) ([]machine.Draw, error) {
	r := f.run
	data, err := f.readback.Wait(ctx)
	if err != nil {
		return nil, err
	}
	var rows []byte
	if f.logprobs != nil {
		if rows, err = f.logprobs.Wait(ctx); err != nil {
			return nil, err
		}
	}
	n := int(binary.LittleEndian.Uint32(data)) - r.landed
	if n < 1 || n > f.steps {
		// A driver that leaves the cursor as it was has computed nothing else either.
		return []machine.Draw{{Token: reference.NoToken}}, nil
	}
	draws := make([]machine.Draw, n)
	for i := range draws {
		at := (r.landed + i) % outRing
		draws[i].Token = kernel.Drawn(binary.LittleEndian.Uint32(data[4+4*at:]), r.engine.config.VocabSize)
		if rows != nil {
			row := rows[4*at*kernel.LogprobsRow(machine.MaxTopLogprobs):]
			draws[i].Logprob, draws[i].Top = kernel.ReadLogprobs(row, machine.MaxTopLogprobs, r.drawn.Top)
		}
	}
	return draws, nil
}

// land takes note of how many tokens a flight has drawn.
func (f *flight) land(drawn int) {
	r := f.run
	f.pos = r.at
	r.landed += drawn
	r.at += drawn
	if f.first {
		r.at--
	}
	if f.guessed { // what it might have drawn was counted
		r.pos -= f.steps - drawn
		r.emitted -= f.steps - drawn
		r.unsure--
	}
}

// errUnlike is what keeps an engine from taking guesses.
var errUnlike = errors.New("rows of a step leave other bits than single steps on this device")

// agrees takes the next tokens of the run one by one, and once more as rows of a step, and holds logits, states
// and tokens to each other. The kernels are the same or do the same in the same order, but what a driver makes of that
// is its own. The run is left as it was.
func (r *Run) agrees(ctx context.Context) error {
	e, g := r.engine, r.engine.guessing
	device, rows, vocab := e.device, min(g.rows, 4), e.config.VocabSize
	if err := r.makeRoom(ctx, r.pos+rows); err != nil {
		return err
	}
	p, err := r.programsOf(features{}, rows)
	if err != nil {
		return err
	}
	kept := Store{device: device}
	defer kept.Free()
	var cursor, ids, logits buffer
	for _, b := range []struct {
		to *buffer
		n  int
	}{{&cursor, 4}, {&ids, rows}, {&logits, rows * vocab}} {
		if *b.to, err = kept.Array("while guesses are tried", b.n); err != nil {
			return err
		}
	}
	keep, back := device.NewProgram(), device.NewProgram()
	defer keep.Free()
	defer back.Free()
	keep.Copy(r.cursor, 0, cursor, 0, 16)
	keep.Copy(e.scratch.ids, 0, ids, 0, ids.Size())
	back.Copy(cursor, 0, r.cursor, 0, 16)
	back.Copy(ids, 0, e.scratch.ids, 0, ids.Size())
	var ends []gpu.Span // the states, when all is done
	for _, c := range e.graph.Carried {
		if c.Recurrent() {
			state, states := *r.state.Of(c), *g.rowStates.Of(c)
			back.Copy(states, 0, state, 0, state.Size())
			ends = append(ends, gpu.Span{Buffer: state, Size: state.Size()})
		}
	}
	single := r.record(1, func(m *steps) {
		e.graph.Forward(m, e.activations)
		m.Head(e.activations.X, e.graph.Norm, e.graph.Head, e.activations.Logits, false)
		m.Sample(e.activations.Logits, r.drawn.sampling, r.scratch.history, m.buffer.ids, r.out, m.buffer.parts, vocab, machine.PenaltyTail)
	})
	defer single.Free()
	if err := device.Run(keep, p.begin); err != nil {
		return err
	}
	for i := range rows {
		row := device.NewProgram()
		defer row.Free()
		row.Copy(e.activations.Logits, 0, logits, uint64(4*i*vocab), uint64(4*vocab))
		if err := device.Run(single, row); err != nil {
			return err
		}
	}
	// What has come of it: the cursor and the tokens, the logits, the states.
	found := func(logits buffer) ([]byte, error) {
		spans := slices.Concat([]gpu.Span{{Buffer: r.cursor, Size: 12}, {Buffer: r.out, Size: r.out.Size()}, {Buffer: logits, Size: uint64(4 * rows * vocab)}}, ends)
		at := int64(0)
		for i := range spans {
			spans[i].At = at
			at += int64(spans[i].Size)
		}
		readback, err := device.Gather(spans...)
		if err != nil {
			return nil, err
		}
		return readback.Wait(ctx)
	}
	want, err := found(logits)
	if err != nil {
		return err
	}
	words := func(i int) int { return int(binary.LittleEndian.Uint32(want[4*i:])) }
	end, emitted := words(0), words(2)
	tokens := make([]uint32, guessRing)
	for i := 1; i < rows; i++ {
		drawn := words(3 + (emitted-rows+i-1)%outRing)
		tokens[(end-rows+i)%guessRing] = uint32(max(drawn, 1) - 1)
	}
	if err := device.Write(g.guesses, 0, machine.Words(tokens...)); err != nil {
		return err
	}
	if err := device.Run(back); err != nil {
		return err
	}
	if err := device.Write(r.cursor, 12, machine.Words(0)); err != nil {
		return err
	}
	if err := device.Run(p.begin, p.step, p.end); err != nil {
		return err
	}
	got, err := found(g.activations.Logits)
	if err != nil {
		return err
	}
	if err := device.Run(back); err != nil {
		return err
	}
	if !bytes.Equal(got, want) {
		return errUnlike
	}
	return nil
}
