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
// what a step overwrites there are the last states, that after n tokens at n%stateDepth.
type cpuPlace struct {
	run     *cpuRun
	states  [stateDepth][]layerState[cpuArray]
	pos     int      // tokens absorbed
	tail    []uint32 // the last of them, stateDepth more than penalties look back on
	drawing drawing
	pending uint32
}

// cpuBatchMachine computes one token of each of several runs.
type cpuBatchMachine struct {
	cpuMachine
	rows []*cpuPlace
}

func (e *cpuEngine) newBatch(places int) (batch, error) {
	a, err := newActivations(e.config, e.store, places)
	if err != nil {
		return nil, err
	}
	a.logits = make([]float32, places*e.config.VocabSize)
	b := &cpuBatch{engine: e, activations: a, places: make([]*cpuPlace, places)}
	b.machine.cpuMachine = e.machine(places, nil)
	return b, nil
}

// stateBytes counts what each place is given when it is first taken.
func (b *cpuBatch) stateBytes() (bytes int64) {
	for _, l := range b.engine.graph.layers {
		if w := l.mamba; w != nil {
			bytes += int64(4 * len(b.places) * stateDepth * w.shape.DInner * (w.shape.DConv - 1 + w.shape.DState))
		}
	}
	return bytes
}

func (b *cpuBatch) join(place int, r run, d drawing, pending uint32, drawn int) (position int, err error) {
	s := b.places[place]
	if s == nil {
		s = &cpuPlace{}
		for i := range s.states {
			s.states[i] = make([]layerState[cpuArray], len(b.engine.graph.layers))
			for j, l := range r.(*cpuRun).state {
				s.states[i][j] = layerState[cpuArray]{conv: slices.Clone(l.conv), ssm: slices.Clone(l.ssm)}
			}
		}
		b.places[place] = s
	}
	s.run = r.(*cpuRun)
	s.pos, s.tail, s.drawing, s.pending = s.run.pos, slices.Clone(s.run.tail), d, pending
	s.drawing.fill(b.engine.config.VocabSize)
	for i, l := range s.run.state {
		at := s.states[s.pos%stateDepth][i]
		copy(at.conv, l.conv)
		copy(at.ssm, l.ssm)
	}
	if drawn > 0 {
		s.drawing.adjustment.Counts[pending]++
	}
	return s.pos, nil
}

func (b *cpuBatch) step(places []int, allowed [][]uint32) (flight, error) {
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
		s.tail = s.tail[max(0, len(s.tail)-penaltyTail-stateDepth):]
		s.pos++
		logits := a.logits[t*b.engine.config.VocabSize:][:b.engine.config.VocabSize]
		f[t] = s.drawing.draw(logits, lastOf(s.tail), s.pos, allowed[t])
		if s.pending = f[t].token; s.pending == reference.NoToken {
			s.pending = 0 // as on a GPU: the others' step needs a token
		}
		s.drawing.adjustment.Counts[s.pending]++
	}
	return f, nil
}

// lastOf is what penalties look back on.
func lastOf(tail []uint32) []uint32 { return tail[max(0, len(tail)-penaltyTail):] }

func (m *cpuBatchMachine) mamba(i int, w *mambaWeights[cpuArray, cpuWeight], gain cpuArray, a *activations[cpuArray]) {
	s, count := w.shape, len(m.rows)
	width := s.DTRank + 2*s.DState
	m.normLinear(a.x, gain, w.inProj, a.xz)
	for t, row := range m.rows {
		m.CausalConv1D(a.xz[2*t*s.DInner:], w.conv, w.conv[s.DInner*s.DConv:], row.states[row.pos%stateDepth][i].conv, a.conv[t*s.DInner:], s.DInner, s.DConv, 1)
	}
	m.linear(w.xProj, a.conv, s.DInner, a.dbc, count, false)
	m.linear(w.dtProj, a.dbc, width, a.mixed, count, false)
	for t, row := range m.rows {
		before, after := row.states[row.pos%stateDepth][i], row.states[(row.pos+1)%stateDepth][i]
		copy(after.conv, before.conv)
		copy(after.ssm, before.ssm)
		m.SelectiveScan(s, a.mixed[t*s.DInner:], a.conv[t*s.DInner:], a.xz[2*t*s.DInner:], a.dbc[t*width:], w.params, after.ssm, after.conv, 1)
	}
}

func (m *cpuBatchMachine) attention(i int, w *attentionWeights[cpuArray, cpuWeight], gain cpuArray, a *activations[cpuArray]) {
	m.normLinear(a.x, gain, w.qkv, a.qkv)
	for t, row := range m.rows {
		shape, keys, values := ring(row.run.state[i].kv, w.shape)
		qkv, out := a.qkv[t*w.qkv.Out:], a.mixed[t*w.oProj.In:]
		m.RoPE(shape, qkv, keys, values, row.pos, 1)
		m.WindowAttention(shape, qkv, keys, values, out, row.pos, 1)
	}
}

func (b *cpuBatch) leave(place, absorbed int) error {
	s := b.places[place]
	for i, l := range s.run.state {
		at := s.states[absorbed%stateDepth][i]
		copy(l.conv, at.conv)
		copy(l.ssm, at.ssm)
	}
	s.run.tail = slices.Clone(lastOf(s.tail[:len(s.tail)-(s.pos-absorbed)]))
	s.run.pos, s.run = absorbed, nil
	return nil
}

// ahead: what is computed is there at once.
func (b *cpuBatch) ahead() int { return 1 }

func (b *cpuBatch) close() {}

type cpuBatchStep []draw

func (f cpuBatchStep) drop(context.Context) error { return nil }

func (f cpuBatchStep) wait(context.Context) ([]draw, error) { return f, nil }
