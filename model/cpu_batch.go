package model

import (
	"context"
	"slices"

	"github.com/samba-web/samba/gpu/reference"
)

// cpuBatch decodes runs together in plain Go: a linear layer makes each row of
// its weights ready once for all of them.
type cpuBatch struct {
	engine      *cpuEngine
	activations *activations[cpuArray]
	machine     cpuBatchMachine
	places      []*cpuPlace
}

// cpuPlace is a run that takes part. Its keys and values stay where they are; of
// what is recurrent there are the last states, that after n tokens at n%StateDepth.
type cpuPlace struct {
	run     *cpuRun
	states  [StateDepth]state[cpuArray] // nil in the places of keys and values
	pos     int                         // tokens absorbed
	tail    []uint32                    // the last of them, StateDepth more than penalties look back on
	drawing drawing
	pending uint32
}

// cpuBatchMachine computes one token of each of several runs.
type cpuBatchMachine struct {
	cpuMachine
	rows []*cpuPlace
}

func (e *cpuEngine) NewBatch(places int) (Batch, error) {
	a, err := newActivations(e.config, e.store, places)
	if err != nil {
		return nil, err
	}
	a.logits = make([]float32, places*e.config.VocabSize)
	b := &cpuBatch{engine: e, activations: a, places: make([]*cpuPlace, places)}
	b.machine.cpuMachine = e.machine(places, nil)
	return b, nil
}

// StateBytes counts what each place is given when it is first taken.
func (b *cpuBatch) StateBytes() (bytes int64) {
	for _, c := range b.engine.graph.carried {
		if c.recurrent() {
			bytes += int64(4 * len(b.places) * StateDepth * c.values)
		}
	}
	return bytes
}

func (b *cpuBatch) newPlace() *cpuPlace {
	s := &cpuPlace{}
	for i := range s.states {
		s.states[i], _ = shapeState(b.engine.graph, func(c carried) (cpuArray, error) {
			if !c.recurrent() {
				return nil, nil
			}
			return b.engine.store.array(c.name, c.values)
		})
	}
	return s
}

// copyRecurrent copies what is recurrent of a state.
func (e *cpuEngine) copyRecurrent(to, from state[cpuArray]) {
	for _, c := range e.graph.carried {
		if c.recurrent() {
			copy(*to.of(c), *from.of(c))
		}
	}
}

func (b *cpuBatch) Join(place int, r Run, d Drawing, pending uint32, drawn int) (position int, err error) {
	s := b.places[place]
	if s == nil {
		s = b.newPlace()
		b.places[place] = s
	}
	s.run = r.(*cpuRun)
	s.pos, s.tail, s.pending = s.run.pos, slices.Clone(s.run.tail), pending
	s.drawing = newDrawing(d, b.engine.config.VocabSize)
	b.engine.copyRecurrent(s.states[s.pos%StateDepth], s.run.state)
	if drawn > 0 {
		s.drawing.Adjustment.Counts[pending]++
	}
	return s.pos, nil
}

func (b *cpuBatch) Step(places []int, allowed [][]uint32) (BatchStep, error) {
	m := &b.machine
	m.ids, m.rows = m.ids[:0], m.rows[:0]
	for _, place := range places {
		s := b.places[place]
		if err := s.run.makeRoom(context.Background(), s.pos+1); err != nil {
			return nil, err
		}
		m.ids, m.rows = append(m.ids, s.pending), append(m.rows, s)
	}
	g, a := b.engine.graph, b.activations
	g.forward(m, a)
	m.head(a.x, g.norm, g.head, a.logits, true)
	f := make(cpuBatchStep, len(places))
	for t, s := range m.rows {
		s.tail = append(s.tail, s.pending)
		s.tail = s.tail[max(0, len(s.tail)-PenaltyTail-StateDepth):]
		s.pos++
		logits := a.logits[t*b.engine.config.VocabSize:][:b.engine.config.VocabSize]
		f[t] = s.drawing.draw(logits, lastOf(s.tail), s.pos, allowed[t])
		if s.pending = f[t].Token; s.pending == reference.NoToken {
			s.pending = 0 // as on a GPU: the others' step needs a token
		}
		s.drawing.Adjustment.Counts[s.pending]++
	}
	return f, nil
}

// lastOf is what penalties look back on.
func lastOf(tail []uint32) []uint32 { return tail[max(0, len(tail)-PenaltyTail):] }

func (b *cpuBatch) Leave(place, absorbed int) error {
	s := b.places[place]
	b.engine.copyRecurrent(s.run.state, s.states[absorbed%StateDepth])
	s.run.tail = slices.Clone(lastOf(s.tail[:len(s.tail)-(s.pos-absorbed)]))
	s.run.pos, s.run = absorbed, nil
	return nil
}

// Ahead: what is computed is there at once.
func (b *cpuBatch) Ahead() int { return 1 }

func (b *cpuBatch) Close() {}

type cpuBatchStep []Draw

func (f cpuBatchStep) Drop() {}

func (f cpuBatchStep) Wait(context.Context) ([]Draw, error) { return f, nil }
