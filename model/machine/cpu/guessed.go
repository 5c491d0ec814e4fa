package cpu

import (
	"context"
	"slices"

	"github.com/samba-web/samba/model/graph"
	"github.com/samba-web/samba/model/machine"
)

// guessing is what a run needs to absorb its pending token and guesses in one step: the
// step of a batch whose rows are one text's next tokens. A batch's rows have the bits that
// each would have alone, so that the draws are those of single steps.
type guessing struct {
	activations *graph.Activations[array]
	machine     batchSteps
	states      []graph.State[array] // that after n tokens at n%len(states)
}

func (r *Run) MostGuesses() int { return machine.MostGuesses }

func (r *Run) newGuessing() (*guessing, error) {
	const rows = 1 + machine.MostGuesses
	e := r.engine
	a, err := graph.NewActivations(e.config, e.store, rows)
	if err != nil {
		return nil, err
	}
	a.Logits = make([]float32, rows*e.config.VocabSize)
	return &guessing{activations: a, machine: batchSteps{steps: e.machine(rows, nil), oneText: true}, states: e.newStates(rows + 1)}, nil
}

func (r *Run) LaunchGuessed(ctx context.Context, g machine.Guesses) (machine.Flight, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	ids := append([]uint32{r.pending}, g.Tokens[:g.Rows-1]...)
	if err := r.makeRoom(ctx, r.pos+len(ids)); err != nil {
		return nil, err
	}
	if r.guessing == nil {
		var err error
		if r.guessing, err = r.newGuessing(); err != nil {
			return nil, err
		}
	}
	own, e := r.guessing, r.engine
	e.copyRecurrent(own.states[r.pos%len(own.states)], r.state)
	m := &own.machine
	m.ids, m.rows = ids, m.rows[:0]
	for t := range ids {
		m.rows = append(m.rows, &seat{run: r, states: own.states, pos: r.pos + t})
	}
	e.graph.Forward(m, own.activations)
	m.Head(own.activations.X, e.graph.Norm, e.graph.Head, own.activations.Logits, true)

	f := &guessedFlight{run: r, pos: r.pos, tail: slices.Clone(r.tail)}
	for t, id := range ids {
		var allowed []uint32
		if r.drawing.Constrained {
			allowed = g.Allowed[t]
		}
		f.tail = append(f.tail, id)
		r.drawing.Adjustment.Counts[id]++
		logits := own.activations.Logits[t*e.config.VocabSize:][:e.config.VocabSize]
		f.draws = append(f.draws, r.drawing.draw(&r.engine.kernels, logits, lastOf(f.tail), f.pos+t+1, allowed))
		r.pending = f.draws[t].Token
		if t+1 == len(ids) || r.pending != ids[t+1] {
			break
		}
	}
	r.stand(f, len(f.draws))
	return f, nil
}

// stand leaves the run where this many of a flight's tokens have been absorbed.
func (r *Run) stand(f *guessedFlight, absorbed int) {
	r.pos = f.pos + absorbed
	r.tail = slices.Clone(lastOf(f.tail[:len(f.tail)-len(f.draws)+absorbed]))
	states := r.guessing.states
	r.engine.copyRecurrent(r.state, states[r.pos%len(states)])
}

// guessedFlight has landed already.
type guessedFlight struct {
	run   *Run
	pos   int      // tokens absorbed at its start
	tail  []uint32 // the tokens that penalties look back on, and those that the flight absorbed
	draws []machine.Draw
}

func (f *guessedFlight) Wait(context.Context) ([]machine.Draw, error) { return f.draws, nil }

func (f *guessedFlight) Drop(context.Context) error { return nil }

func (f *guessedFlight) Rewind(_ context.Context, absorbed []uint32) error {
	f.run.stand(f, len(absorbed))
	return nil
}
