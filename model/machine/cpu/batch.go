package cpu

import (
	"context"
	"slices"

	"github.com/samba-web/samba/gpu/reference"
	"github.com/samba-web/samba/model/graph"
	"github.com/samba-web/samba/model/machine"
)

// batch decodes runs together in plain Go: a linear layer makes each row of
// its weights ready once for all of them.
type batch struct {
	engine      *Engine
	activations *graph.Activations[array]
	machine     batchSteps
	places      []*seat
}

// seat is a run that takes part. Its keys and values stay where they are; of
// what is recurrent there are the last states, that after n tokens at n%len(states).
type seat struct {
	run     *Run
	states  []graph.State[array] // nil in the places of keys and values
	pos     int                  // tokens absorbed
	tail    []uint32             // the last of them, StateDepth more than penalties look back on
	drawing drawing
	pending uint32
}

// batchSteps computes one token of each of several runs.
type batchSteps struct {
	steps
	rows    []*seat
	oneText bool // the rows are the next tokens of one text, which share its states
}

func (e *Engine) NewBatch(places int) (machine.Batch, error) {
	a, err := graph.NewActivations(e.config, e.store, places)
	if err != nil {
		return nil, err
	}
	a.Logits = make([]float32, places*e.config.VocabSize)
	b := &batch{engine: e, activations: a, places: make([]*seat, places)}
	b.machine.steps = e.machine(places, nil)
	return b, nil
}

// StateBytes counts what each place is given when it is first taken.
func (b *batch) StateBytes() (bytes int64) {
	for _, c := range b.engine.graph.Carried {
		if c.Recurrent() {
			bytes += int64(4 * len(b.places) * machine.StateDepth * c.Values)
		}
	}
	return bytes
}

// newStates makes room for this many states, of what is recurrent in them.
func (e *Engine) newStates(n int) []graph.State[array] {
	states := make([]graph.State[array], n)
	for i := range states {
		states[i], _ = graph.ShapeState(e.graph, func(c graph.Carried) (array, error) {
			if !c.Recurrent() {
				return nil, nil
			}
			return e.store.Array(c.Name, c.Values)
		})
	}
	return states
}

// turn is the state before the seat's token in a layer, and the one after it.
func (s *seat) turn(layer int) (before, after []array) {
	n := len(s.states)
	return s.states[s.pos%n][layer], s.states[(s.pos+1)%n][layer]
}

// copyRecurrent copies what is recurrent of a state.
func (e *Engine) copyRecurrent(to, from graph.State[array]) {
	for _, c := range e.graph.Carried {
		if c.Recurrent() {
			copy(*to.Of(c), *from.Of(c))
		}
	}
}

func (b *batch) Join(place int, r machine.Run, d machine.Drawing, pending uint32, drawn int) (position int, err error) {
	s := b.places[place]
	if s == nil {
		s = &seat{states: b.engine.newStates(machine.StateDepth)}
		b.places[place] = s
	}
	s.run = r.(*Run)
	s.pos, s.tail, s.pending = s.run.pos, slices.Clone(s.run.tail), pending
	s.drawing = newDrawing(d, b.engine.config.VocabSize)
	b.engine.copyRecurrent(s.states[s.pos%machine.StateDepth], s.run.state)
	if drawn > 0 {
		s.drawing.Adjustment.Counts[pending]++
	}
	return s.pos, nil
}

func (b *batch) Step(places []int, allowed [][]uint32) (machine.BatchStep, error) {
	m := &b.machine
	m.ids, m.rows = m.ids[:0], m.rows[:0]
	for _, place := range places {
		s := b.places[place]
		if err := s.run.makeRoom(context.Background(), s.pos+1); err != nil {
			return nil, &machine.PlaceError{Place: place, Err: err}
		}
		m.ids, m.rows = append(m.ids, s.pending), append(m.rows, s)
	}
	g, a := b.engine.graph, b.activations
	g.Forward(m, a)
	m.Head(a.X, g.Norm, g.Head, a.Logits, true)
	f := make(batchStep, len(places))
	for t, s := range m.rows {
		s.tail = append(s.tail, s.pending)
		s.tail = s.tail[max(0, len(s.tail)-machine.PenaltyTail-machine.StateDepth):]
		s.pos++
		logits := a.Logits[t*b.engine.config.VocabSize:][:b.engine.config.VocabSize]
		f[t] = s.drawing.draw(&b.engine.kernels, logits, lastOf(s.tail), s.pos, allowed[t])
		if s.pending = f[t].Token; s.pending == reference.NoToken {
			s.pending = 0 // as on a GPU: the others' step needs a token
		}
		s.drawing.Adjustment.Counts[s.pending]++
	}
	return f, nil
}

// lastOf is what penalties look back on.
func lastOf(tail []uint32) []uint32 { return tail[max(0, len(tail)-machine.PenaltyTail):] }

func (b *batch) Leave(place, absorbed int) error {
	s := b.places[place]
	b.engine.copyRecurrent(s.run.state, s.states[absorbed%machine.StateDepth])
	s.run.tail = slices.Clone(lastOf(s.tail[:len(s.tail)-(s.pos-absorbed)]))
	s.run.pos, s.run = absorbed, nil
	return nil
}

// Ahead: what is computed is there at once.
func (b *batch) Ahead() int { return 1 }

func (b *batch) Close() {}

type batchStep []machine.Draw

func (f batchStep) Drop() {}

func (f batchStep) Wait(context.Context) ([]machine.Draw, error) { return f, nil }
