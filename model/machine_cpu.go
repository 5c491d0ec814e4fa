package model

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"unsafe"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/cpu"
	"github.com/samba-web/samba/gpu/reference"
	"github.com/samba-web/samba/model/config"
)

type (
	cpuArray  = []float32
	cpuWeight = *reference.Weight
)

// cpuStore keeps tensors in Go's heap.
type cpuStore struct{ weights map[string]*reference.Weight }

func (s *cpuStore) array(_ string, n int) (cpuArray, error) { return make([]float32, n), nil }

func (s *cpuStore) vector(_ string, values []float32) (cpuArray, error) { return values, nil }

func (s *cpuStore) linear(name string) (cpuWeight, error) {
	if w := s.weights[name]; w != nil {
		return w, nil
	}
	return nil, fmt.Errorf("%s: not loaded", name)
}

func (s *cpuStore) place(name string, piece piece, f linearFormat, n int64) error {
	w := s.weights[name]
	if w == nil {
		w = &reference.Weight{Out: f.out, In: f.in}
		s.weights[name] = w
	}
	w.DType, w.Group, w.ScalesBF16 = f.dtype, f.group, f.scalesBF16
	switch piece {
	case pieceData:
		w.Data = make([]uint32, (n+3)/4)
	case pieceScales:
		w.Scales = make([]uint16, n/2)
	case pieceBiases:
		w.Biases = make([]uint16, n/2)
	}
	return nil
}

// put copies bytes to where they stay: machines that run this hold numbers as
// model files do, lowest byte first.
func (s *cpuStore) put(name string, piece piece, at int64, blob gpu.Blob, from, n int64) error {
	w := s.weights[name]
	var to []byte
	switch piece {
	case pieceData:
		to = unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(w.Data))), 4*len(w.Data))
	case pieceScales:
		to = unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(w.Scales))), 2*len(w.Scales))
	case pieceBiases:
		to = unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(w.Biases))), 2*len(w.Biases))
	}
	blob.CopyTo(to[at:at+n], from)
	return nil
}

func (s *cpuStore) settle(context.Context) error { return nil }

func halves(data []byte) []uint16 {
	out := make([]uint16, len(data)/2)
	for i := range out {
		out[i] = binary.LittleEndian.Uint16(data[2*i:])
	}
	return out
}

// cpuMachine computes each step as it is asked for.
type cpuMachine struct {
	*cpu.Kernels
	linear linear
	config *config.Config
	ids    []uint32
	pos    int
	state  []layerState[cpuArray]
	normed []float32 // [T, d_model]
	gateUp []float32 // [T, 2 intermediate]
}

func (m *cpuMachine) embed(table cpuWeight, x cpuArray) { m.Embedding(table, m.ids, x) }

// normLinear is y = W RMSNorm(x).
func (m *cpuMachine) normLinear(x, gain cpuArray, w cpuWeight, y cpuArray) {
	m.RMSNorm(x, gain, m.config.RMSNormEps, m.normed, len(m.ids))
	m.linear(w, m.normed, w.In, y, len(m.ids), false)
}

func (m *cpuMachine) normSwiGLU(x, gain cpuArray, w cpuWeight, h cpuArray) {
	m.normLinear(x, gain, w, m.gateUp)
	m.SwiGLU(m.gateUp, h, w.Out/2, len(m.ids))
}

func (m *cpuMachine) linearAdd(w cpuWeight, x, y cpuArray) {
	m.linear(w, x, w.In, y, len(m.ids), true)
}

func (m *cpuMachine) mamba(i int, w *mambaWeights[cpuArray, cpuWeight], gain cpuArray, a *activations[cpuArray]) {
	s, state, count := w.shape, m.state[i], len(m.ids)
	m.normLinear(a.x, gain, w.inProj, a.xz)
	m.CausalConv1D(a.xz, w.conv, w.conv[s.DInner*s.DConv:], state.conv, a.conv, s.DInner, s.DConv, count)
	m.linear(w.xProj, a.conv, s.DInner, a.dbc, count, false)
	m.linear(w.dtProj, a.dbc, s.DTRank+2*s.DState, a.mixed, count, false)
	m.SelectiveScan(s, a.mixed, a.conv, a.xz, a.dbc, w.params, state.ssm, state.conv, count)
}

func (m *cpuMachine) attention(i int, w *attentionWeights[cpuArray, cpuWeight], gain cpuArray, a *activations[cpuArray]) {
	m.normLinear(a.x, gain, w.qkv, a.qkv)
	shape, keys, values := ring(m.state[i].kv, w.shape)
	m.RoPE(shape, a.qkv, keys, values, m.pos, len(m.ids))
	m.WindowAttention(shape, a.qkv, keys, values, a.mixed, m.pos, len(m.ids))
}

// ring takes keys and values apart, and says how many there are room for.
func ring(kv cpuArray, s reference.AttentionShape) (shape reference.AttentionShape, keys, values cpuArray) {
	keys, values = kv[:len(kv)/2], kv[len(kv)/2:]
	s.Ring = len(keys) / (s.KVHeads * s.HeadDim)
	return s, keys, values
}

func (m *cpuMachine) head(x, gain cpuArray, w cpuWeight, logits cpuArray, all bool) {
	count, from := len(m.ids), 0
	if !all {
		from = (count - 1) * len(gain)
		count = 1
	}
	m.RMSNorm(x[from:], gain, m.config.RMSNormEps, m.normed, count)
	m.linear(w, m.normed, w.In, logits, count, false)
}

// cpuEngine is a model on the processor.
type cpuEngine struct {
	config *config.Config
	store  *cpuStore
	graph  *graph[cpuArray, cpuWeight]
	chunk  int
	spare  spare

	kernels cpu.Kernels
	linear  linear // nil: the kernels' own
}

// linear is cpu.Kernels.Linear, or what stands for it.
type linear func(w *reference.Weight, x []float32, xStride int, y []float32, count int, add bool)

func (e *cpuEngine) newRun() (run, error) {
	a, err := newActivations(e.config, e.store, e.chunk)
	if err != nil {
		return nil, err
	}
	state, err := newState(e.graph, e.store)
	if err != nil {
		return nil, err
	}
	return &cpuRun{
		engine: e, activations: a, state: state, room: e.graph.firstRoom(),
		machine: e.machine(e.chunk, state),
	}, nil
}

// machine computes runs of at most tokens tokens.
func (e *cpuEngine) machine(tokens int, state []layerState[cpuArray]) cpuMachine {
	m := cpuMachine{
		Kernels: &e.kernels, linear: e.linear, config: e.config, state: state,
		normed: make([]float32, tokens*e.config.HiddenSize),
		gateUp: make([]float32, tokens*2*e.config.IntermediateSize),
	}
	if m.linear == nil {
		m.linear = m.Linear
	}
	return m
}

func (e *cpuEngine) close() {}

// cpuRun is one conversation on the processor. It never runs ahead: a
// flight is one token, sampled when it is asked for.
type cpuRun struct {
	engine      *cpuEngine
	activations *activations[cpuArray]
	state       []layerState[cpuArray]
	machine     cpuMachine
	tail        []uint32 // the last penaltyTail tokens
	pos         int      // tokens absorbed
	room        int      // positions that full attention's arrays hold
	drawing     drawing
	pending     uint32
}

func (r *cpuRun) reset() error {
	for _, l := range r.state {
		for _, v := range [][]float32{l.conv, l.ssm, l.kv} {
			clear(v)
		}
	}
	r.pos, r.tail = 0, r.tail[:0]
	return nil
}

func (r *cpuRun) absorb(ctx context.Context, ids []uint32) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := r.makeRoom(ctx, r.pos+len(ids)); err != nil {
		return err
	}
	r.machine.ids, r.machine.pos = ids, r.pos
	r.engine.graph.forward(&r.machine, r.activations)
	r.pos += len(ids)
	r.tail = append(r.tail, ids...)
	r.tail = r.tail[max(0, len(r.tail)-penaltyTail):]
	return nil
}

func (r *cpuRun) absorbLogits(ctx context.Context, ids []uint32) ([]float32, error) {
	if err := r.absorb(ctx, ids); err != nil {
		return nil, err
	}
	g := r.engine.graph
	logits := make([]float32, len(ids)*r.engine.config.VocabSize)
	r.machine.head(r.activations.x, g.norm, g.head, logits, true)
	return logits, nil
}

func (r *cpuRun) absorbScores(ctx context.Context, ids, next []uint32) (scores, error) {
	logits, err := r.absorbLogits(ctx, ids)
	if err != nil {
		return nil, err
	}
	out := make(cpuScores, len(ids))
	reference.Score(logits, next, out)
	return out, nil
}

// cpuScores are there already.
type cpuScores []float32

func (s cpuScores) wait(context.Context) ([]float32, error) { return s, nil }

func (s cpuScores) drop() {}

func (r *cpuRun) begin(d drawing) error {
	d.fill(r.engine.config.VocabSize)
	r.drawing = d
	return nil
}

// fill gives an adjustment the slices that it has none of.
func (d *drawing) fill(vocab int) {
	if d.adjustment.Counts == nil { // else it is an answer that goes on
		d.adjustment.Counts = make([]uint32, vocab)
	}
	if d.adjustment.Bias == nil {
		d.adjustment.Bias = make([]float32, vocab)
	}
}

func (r *cpuRun) launch(ctx context.Context, first bool, allowed []uint32) (flight, error) {
	d := &r.drawing
	if !first {
		if err := r.absorb(ctx, []uint32{r.pending}); err != nil {
			return nil, err
		}
		d.adjustment.Counts[r.pending]++
	}
	g := r.engine.graph
	logits := r.activations.logits
	r.machine.head(r.activations.x, g.norm, g.head, logits, false)
	f := d.draw(logits, r.tail, r.pos, allowed)
	r.pending = f.token
	return cpuFlight(f), nil
}

// draw samples the token for a position from logits, which it changes.
func (d *drawing) draw(logits []float32, tail []uint32, pos int, allowed []uint32) (f draw) {
	var raw []float32
	if d.logprobs {
		raw = slices.Clone(logits)
	}
	if d.adjusted {
		d.adjustment.Allowed = allowed
		reference.Adjust(d.adjustment, logits)
	}
	f.token = reference.Sample(d.sampling, logits, tail, uint32(pos))
	if d.logprobs {
		f.logprob, f.top = reference.Logprobs(raw, f.token, d.top)
	}
	return f
}

func (r *cpuRun) depth() int { return 1 }

// rewind has nothing to undo: the state is where the flight's token left it.
func (r *cpuRun) rewind(context.Context, flight, []uint32) error { return nil }

func (r *cpuRun) stateBytes() (n int64) {
	for _, l := range r.state {
		n += 4 * int64(len(l.conv)+len(l.ssm)+len(l.kv))
	}
	return n
}

func (r *cpuRun) close() {}

type cpuFlight draw

func (f cpuFlight) wait(context.Context) ([]draw, error) { return []draw{draw(f)}, nil }

func (f cpuFlight) drop(context.Context) error { return nil }

// cpuBookmark is a copy of all that a run's steps change.
type cpuBookmark struct {
	run    *cpuRun
	arrays [][]float32
	tail   []uint32
	pos    int
}

func (r *cpuRun) mark() (bookmark, error) {
	b := cpuBookmark{run: r, tail: slices.Clone(r.tail), pos: r.pos}
	for _, v := range r.engine.graph.overwritten(r.state) {
		b.arrays = append(b.arrays, slices.Clone(v))
	}
	return b, nil
}

func (b cpuBookmark) recall() error {
	for i, v := range b.run.engine.graph.overwritten(b.run.state) {
		copy(v, b.arrays[i])
	}
	b.run.tail, b.run.pos = append(b.run.tail[:0], b.tail...), b.pos
	return nil
}

func (b cpuBookmark) free() {}
