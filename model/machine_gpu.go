package model

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/kernel"
	"github.com/samba-web/samba/gpu/reference"
	"github.com/samba-web/samba/model/config"
)

const (
	// Decode steps of one submit at most, and submits under way at once: enough
	// that a fast GPU never waits for the host.
	maxSteps     = 8
	flightsAhead = 2

	// A flight that takes longer than the second of these is made shorter, so that
	// text flows and little runs ahead in vain on a slow machine; one that takes
	// less than the first is made longer. Firefox answers no map in less than
	// 100 ms, whatever the GPU did: the first is above that.
	quick, slow = 150 * time.Millisecond, 400 * time.Millisecond

	historySize = 2 * penaltyTail // what runs ahead must not overwrite what a rewind needs
	outRing     = 64              // sampled tokens on their way to the host

	halvesOfW = "W in fp16" // the buffer's label
)

type (
	gpuArray  = *gpu.Buffer
	gpuWeight = *kernel.Weight
)

// gpuStore keeps tensors on the device.
type gpuStore struct {
	device  *gpu.Device
	weights map[string]*kernel.Weight
	halves  map[groupPiece]*groups // scales or biases that are not whole, or whose twins are not
	buffers []*gpu.Buffer          // arrays and vectors
}

// groupPiece is one of the two tensors that a quantized weight's groups are stored in.
type groupPiece struct {
	name  string
	piece piece
}

// groups are the scales or the biases of a weight, part by part.
type groups struct {
	buffers []*gpu.Buffer
	left    int64 // bytes to come
}

func (g *groups) free() {
	if g == nil {
		return
	}
	for _, b := range g.buffers {
		b.Free()
	}
}

func (s *gpuStore) array(name string, n int) (gpuArray, error) {
	b, err := s.device.NewBuffer(name, 4*uint64(n))
	if err != nil {
		return nil, err
	}
	s.buffers = append(s.buffers, b)
	return b, nil
}

func (s *gpuStore) vector(name string, values []float32) (gpuArray, error) {
	b, err := s.array(name, len(values))
	if err != nil {
		return nil, err
	}
	return b, s.device.Write(b, 0, floatBytes(values))
}

func floatBytes(values []float32) []byte {
	data := make([]byte, 4*len(values))
	for i, v := range values {
		binary.LittleEndian.PutUint32(data[4*i:], math.Float32bits(v))
	}
	return data
}

func (s *gpuStore) linear(name string) (gpuWeight, error) {
	if w := s.weights[name]; w != nil {
		return w, nil
	}
	return nil, fmt.Errorf("%s: not loaded", name)
}

// place makes room for one tensor of a linear weight, in parts of rows where
// the device binds less than the whole.
func (s *gpuStore) place(name string, piece piece, f linearFormat, n int64) error {
	w := s.weights[name]
	if w == nil {
		w = &kernel.Weight{Out: f.out, In: f.in}
		// Scales may come before the data that says how many bits there are: quantized rows are counted as of 8.
		bits := reference.Q8.Bits()
		if piece == pieceData && !f.dtype.Quantized() {
			bits = f.dtype.Bits()
		}
		var err error
		if w.Parts, err = parts(s.device.Info().Limits, name, f.out, f.in, bits); err != nil {
			return err
		}
		s.weights[name] = w
	}
	w.DType, w.Group, w.ScalesBF16 = f.dtype, f.group, f.scalesBF16
	var buffers []*gpu.Buffer
	for _, p := range w.Parts {
		b, err := s.device.NewBuffer(name, uint64(n*int64(p.Rows)/int64(f.out)))
		if err != nil {
			return err
		}
		buffers = append(buffers, b)
	}
	if piece == pieceData {
		for i, b := range buffers {
			w.Parts[i].Data.Free() // there is one if the file comes again
			w.Parts[i].Data = b
		}
		return nil
	}
	if s.halves == nil {
		s.halves = map[groupPiece]*groups{}
	}
	s.halves[groupPiece{name, piece}].free()
	s.halves[groupPiece{name, piece}] = &groups{buffers: buffers, left: n}
	return nil
}

// put uploads a stretch of a tensor straight from the file's bytes.
func (s *gpuStore) put(name string, piece piece, at int64, blob gpu.Blob, from, n int64) error {
	w, half := s.weights[name], s.halves[groupPiece{name, piece}]
	begin := int64(0) // of the part
	for i := range w.Parts {
		b := w.Parts[i].Data
		if piece != pieceData {
			b = half.buffers[i]
		}
		end := begin + int64(b.Size())
		if first, last := max(at, begin), min(at+n, end); first < last {
			if err := s.device.WriteBlob(b, uint64(first-begin), blob, from+first-at, last-first); err != nil {
				return err
			}
		}
		begin = end
	}
	if piece == pieceData {
		return nil
	}
	half.left -= n
	return s.pack(name)
}

// pack joins a weight's scales and biases once both are whole.
func (s *gpuStore) pack(name string) error {
	w, scales, biases := s.weights[name], s.halves[groupPiece{name, pieceScales}], s.halves[groupPiece{name, pieceBiases}]
	if scales == nil || biases == nil || scales.left > 0 || biases.left > 0 {
		return nil
	}
	for i := range w.Parts {
		p := &w.Parts[i]
		affine, err := kernel.PackAffine(s.device, scales.buffers[i], biases.buffers[i], p.Rows*w.In/w.Group)
		if err != nil {
			return err
		}
		p.Affine.Free() // there is one if the file comes again
		p.Affine = affine
	}
	delete(s.halves, groupPiece{name, pieceScales})
	delete(s.halves, groupPiece{name, pieceBiases})
	return nil
}

func (s *gpuStore) settle(ctx context.Context) error { return s.device.Settle(ctx) }

func (s *gpuStore) free() {
	for _, w := range s.weights {
		w.Free()
	}
	for _, h := range s.halves {
		h.free()
	}
	for _, b := range s.buffers {
		b.Free()
	}
	s.weights, s.halves, s.buffers = nil, nil, nil
}

// gpuMachine records the steps of a run of Tokens tokens.
type gpuMachine struct {
	kernel.Recorder
	eps    float64
	buffer *gpuScratch
	state  []layerState[gpuArray]
}

// gpuScratch are the buffers that every run of an engine shares beside the activations.
type gpuScratch struct {
	ids, normed, gateUp gpuArray
	angles              gpuArray      // nil without RoPE
	history             gpuArray      // of the run; the embedding writes it
	partials            gpuArray      // of one token's attention; nil where none needs any
	weights             gpuArray      // of the vocabulary, for the sampler; nil where registers hold them
	halves              kernel.Halves // none without matrix units
}

func (m *gpuMachine) embed(table gpuWeight, x gpuArray) {
	m.Embedding(table, m.buffer.ids, x, m.buffer.history)
}

// single tells whether there is one token, whose layers take fewer kernels.
func (m *gpuMachine) single() bool { return m.Tokens == 1 && m.Slots == 0 }

// normLinear is y = W RMSNorm(x).
func (m *gpuMachine) normLinear(x, gain gpuArray, w gpuWeight, y gpuArray) {
	if m.single() {
		m.Linear(w, x, y, kernel.LinearOptions{Gain: gain, Eps: m.eps})
		return
	}
	m.RMSNorm(x, gain, m.buffer.normed, m.eps)
	m.Linear(w, m.buffer.normed, y, kernel.LinearOptions{})
}

func (m *gpuMachine) normSwiGLU(x, gain gpuArray, w gpuWeight, h gpuArray) {
	// Fused only where gate and up lie in one buffer.
	if m.single() && len(w.Parts) == 1 {
		m.Linear(w, x, h, kernel.LinearOptions{Gain: gain, Eps: m.eps, SwiGLU: true})
		return
	}
	m.normLinear(x, gain, w, m.buffer.gateUp)
	m.SwiGLU(m.buffer.gateUp, h, w.Out/2)
}

func (m *gpuMachine) linearAdd(w gpuWeight, x, y gpuArray) {
	m.Linear(w, x, y, kernel.LinearOptions{Add: true})
}

func (m *gpuMachine) mamba(i int, w *mambaWeights[gpuArray, gpuWeight], gain gpuArray, a *activations[gpuArray]) {
	s, state := w.shape, m.state[i]
	conv := kernel.Conv{Params: w.conv, State: state.conv, DInner: s.DInner, DConv: s.DConv}
	if m.single() {
		// The convolution leaves its result in x's half of xz.
		m.Linear(w.inProj, a.x, a.xz, kernel.LinearOptions{Gain: gain, Eps: m.eps, Conv: &conv})
		m.Linear(w.xProj, a.xz, a.dbc, kernel.LinearOptions{})
		m.SelectiveStateUpdate(s, w.dtProj, a.dbc, a.xz, w.params, state.ssm, a.mixed)
		return
	}
	m.normLinear(a.x, gain, w.inProj, a.xz)
	m.CausalConv1D(conv, a.xz, a.conv)
	m.Linear(w.xProj, a.conv, a.dbc, kernel.LinearOptions{})
	m.Linear(w.dtProj, a.dbc, a.mixed, kernel.LinearOptions{XStride: s.DTRank + 2*s.DState})
	m.SelectiveScan(s, a.mixed, a.conv, a.xz, a.dbc, w.params, state.ssm, state.conv)
}

func (m *gpuMachine) attention(i int, w *attentionWeights[gpuArray, gpuWeight], gain gpuArray, a *activations[gpuArray]) {
	shape, kv := w.shape, m.state[i].kv
	if m.Slots > 0 {
		shape = batchRing(shape)
	}
	rope := kernel.RoPE{Shape: shape, Ring: kv, Angles: m.buffer.angles}
	// Turned on the way only where a head's halves lie in one buffer.
	if m.single() && len(w.qkv.Parts) == 1 {
		m.Linear(w.qkv, a.x, a.qkv, kernel.LinearOptions{Gain: gain, Eps: m.eps, RoPE: &rope})
	} else {
		m.normLinear(a.x, gain, w.qkv, a.qkv)
		m.RoPE(rope, a.qkv)
	}
	m.Exact = w.qkv.Exact()
	m.WindowAttention(shape, a.qkv, kv, m.buffer.partials, a.mixed)
}

func (m *gpuMachine) head(x, gain gpuArray, w gpuWeight, logits gpuArray, all bool) {
	if all || m.Slots > 0 { // each row of a batch is the last of its sequence
		m.normLinear(x, gain, w, logits)
		return
	}
	m.Linear(w, x, logits, kernel.LinearOptions{Gain: gain, Eps: m.eps, Last: true})
}

// gpuEngine is a model on a device. Its runs share the activations: one at a
// time is under way.
type gpuEngine struct {
	config      *config.Config
	device      *gpu.Device
	store       *gpuStore
	graph       *graph[gpuArray, gpuWeight]
	activations *activations[gpuArray]
	scratch     gpuScratch
	chunk       int
	spare       spare
}

func newGPUEngine(c *config.Config, device *gpu.Device, s store[gpuArray, gpuWeight], g *graph[gpuArray, gpuWeight], chunk int) (*gpuEngine, error) {
	e := &gpuEngine{config: c, device: device, graph: g, chunk: chunk}
	var err error
	if e.activations, err = newActivations(c, s, chunk); err != nil {
		return nil, err
	}
	for _, b := range []struct {
		to   *gpuArray
		name string
		n    int
	}{
		{&e.scratch.ids, "ids", chunk},
		{&e.scratch.normed, "normed", chunk * c.HiddenSize},
		{&e.scratch.gateUp, "gate and up", chunk * 2 * c.IntermediateSize},
	} {
		if *b.to, err = s.array(b.name, b.n); err != nil {
			return nil, err
		}
	}
	if c.RopeTheta != nil {
		if e.scratch.angles, err = s.vector("angles", reference.AngleTables(c.HeadDim, *c.RopeTheta)); err != nil {
			return nil, err
		}
	}
	variant := kernel.Variant(device.Info().Variant)
	if n := kernel.SampleScratch(device, variant, c.VocabSize); n > 0 {
		if e.scratch.weights, err = s.array("sampler's weights", n); err != nil {
			return nil, err
		}
	}
	x, w := halvesSize(c, device, chunk, func(spec config.TensorSpec) gpuWeight {
		w, _ := s.linear(spec.Name) // there is one: the graph has it
		return w
	})
	if x > 0 {
		if e.scratch.halves.X, err = s.array("x in fp16", int(x/4)); err != nil {
			return nil, err
		}
		if e.scratch.halves.W, err = s.array(halvesOfW, int(w/4)); err != nil {
			return nil, err
		}
	}
	partials, recorder := 0, kernel.Recorder{Device: device}
	for _, l := range g.layers {
		if l.attention != nil {
			partials = max(partials, recorder.AttentionPartials(l.attention.shape))
		}
	}
	if partials > 0 {
		if e.scratch.partials, err = s.array("attention's splits", partials); err != nil {
			return nil, err
		}
	}
	return e, nil
}

func (e *gpuEngine) close() { e.store.free() }

// gpuRun is one conversation on a device.
type gpuRun struct {
	engine    *gpuEngine
	store     gpuStore // of this run alone
	state     []layerState[gpuArray]
	snapshots [flightsAhead]snapshot
	scratch   gpuScratch
	cursor    gpuArray
	drawn     gpuDrawing
	out       gpuArray
	logits    gpuArray // [chunk, vocab], once somebody asks for all logits
	next      gpuArray // [chunk] tokens, and how likely they were, once somebody asks for scores
	scores    gpuArray

	absorbs map[int]*gpu.Program // by number of tokens
	heads   map[int]*gpu.Program // logits of all of them
	scorers map[int]*gpu.Program // scores from those

	pace *gpu.Readback // comes when the last chunk has been absorbed

	pos      int // tokens absorbed, flights under way included
	room     int // positions that full attention's buffers hold
	emitted  int
	launched int
	steps    int // of the next flight: 1, 2, 4, ... maxSteps
}

// snapshot is the part of the state that a step overwrites. Key and value
// rings are not in it: they have room for what runs ahead.
type snapshot struct {
	save, restore *gpu.Program
}

func (e *gpuEngine) newRun() (run, error) {
	r := &gpuRun{
		engine: e, scratch: e.scratch, steps: 1,
		store:   gpuStore{device: e.device},
		absorbs: map[int]*gpu.Program{}, heads: map[int]*gpu.Program{}, scorers: map[int]*gpu.Program{},
	}
	if err := r.allocate(); err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

func (r *gpuRun) allocate() (err error) {
	if r.state, err = newState(r.engine.graph, &r.store); err != nil {
		return err
	}
	r.room = r.engine.graph.firstRoom()
	for _, b := range []struct {
		to   *gpuArray
		name string
		n    int
	}{{&r.cursor, "cursor", 4}, {&r.drawn.sampling, "sampling", 8}, {&r.scratch.history, "history", historySize}, {&r.out, "out", outRing}} {
		if *b.to, err = r.store.array(b.name, b.n); err != nil {
			return err
		}
	}
	for i := range r.snapshots {
		s := &r.snapshots[i]
		s.save, s.restore = r.engine.device.NewProgram(), r.engine.device.NewProgram()
		for _, l := range r.state {
			for _, from := range []gpuArray{l.conv, l.ssm} {
				if from == nil {
					continue
				}
				to, err := r.store.array("snapshot", int(from.Size()/4))
				if err != nil {
					return err
				}
				s.save.Copy(from, 0, to, 0, from.Size())
				s.restore.Copy(to, 0, from, 0, from.Size())
			}
		}
	}
	return r.begin(drawing{})
}

func (r *gpuRun) record(tokens int, f func(m *gpuMachine)) *gpu.Program {
	m := &gpuMachine{eps: r.engine.config.RMSNormEps, buffer: &r.scratch, state: r.state}
	m.Recorder = kernel.Recorder{Device: r.engine.device, Program: r.engine.device.NewProgram(), Cursor: r.cursor, Tokens: tokens, Halves: r.scratch.halves}
	f(m)
	return m.Program
}

// program returns the recorded run of that many tokens. Few lengths occur: the
// chunk, and each prompt's tail, of which the last ones are kept.
func (r *gpuRun) program(cache map[int]*gpu.Program, tokens int, f func(m *gpuMachine)) *gpu.Program {
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

func (r *gpuRun) reset() error {
	for _, l := range r.state {
		// The rings need no clearing: attention reads no position before 0.
		for _, v := range []gpuArray{l.conv, l.ssm} {
			if v != nil {
				if err := r.engine.device.Write(v, 0, make([]byte, v.Size())); err != nil {
					return err
				}
			}
		}
	}
	r.pos = 0
	return nil
}

func (r *gpuRun) setCursor(count int) error {
	return r.engine.device.Write(r.cursor, 0, words(uint32(r.pos), uint32(count), uint32(r.emitted), 0))
}

func words(values ...uint32) []byte {
	out := make([]byte, 4*len(values))
	for i, v := range values {
		binary.LittleEndian.PutUint32(out[4*i:], v)
	}
	return out
}

func (r *gpuRun) upload(ids []uint32) error {
	if err := r.setCursor(len(ids)); err != nil {
		return err
	}
	return r.engine.device.Write(r.scratch.ids, 0, words(ids...))
}

func (r *gpuRun) absorb(ctx context.Context, ids []uint32) error {
	if err := r.submit(ctx, ids); err != nil {
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

// submit starts to absorb ids.
func (r *gpuRun) submit(ctx context.Context, ids []uint32) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := r.makeRoom(ctx, r.pos+len(ids)); err != nil {
		return err
	}
	p := r.program(r.absorbs, len(ids), func(m *gpuMachine) { r.engine.graph.forward(m, r.engine.activations) })
	if err := r.upload(ids); err != nil {
		return err
	}
	r.pos += len(ids)
	return r.engine.device.Run(p)
}

func (r *gpuRun) absorbLogits(ctx context.Context, ids []uint32) ([]float32, error) {
	if err := r.submitLogits(ctx, ids); err != nil {
		return nil, err
	}
	readback, err := r.engine.device.Read(r.logits, 0, 4*uint64(len(ids)*r.engine.config.VocabSize))
	if err != nil {
		return nil, err
	}
	data, err := readback.Wait(ctx)
	return singles(data), err
}

// submitLogits starts to absorb ids and to compute the logits of all of them.
func (r *gpuRun) submitLogits(ctx context.Context, ids []uint32) error {
	if err := r.submit(ctx, ids); err != nil {
		return err
	}
	e := r.engine
	if r.logits == nil {
		b, err := r.store.array("logits of a chunk", e.chunk*e.config.VocabSize)
		if err != nil {
			return err
		}
		r.logits = b
	}
	return e.device.Run(r.program(r.heads, len(ids), func(m *gpuMachine) {
		m.head(e.activations.x, e.graph.norm, e.graph.head, r.logits, true)
	}))
}

func (r *gpuRun) absorbScores(ctx context.Context, ids, next []uint32) (scores, error) {
	if err := r.submitLogits(ctx, ids); err != nil {
		return nil, err
	}
	device := r.engine.device
	if r.scores == nil {
		var err error
		if r.next, err = r.store.array("next tokens", r.engine.chunk); err != nil {
			return nil, err
		}
		if r.scores, err = r.store.array("scores", r.engine.chunk); err != nil {
			return nil, err
		}
	}
	if err := device.Write(r.next, 0, words(next...)); err != nil {
		return nil, err
	}
	if err := device.Run(r.program(r.scorers, len(ids), func(m *gpuMachine) {
		m.Score(r.logits, r.next, r.scores, r.engine.config.VocabSize)
	})); err != nil {
		return nil, err
	}
	readback, err := device.Read(r.scores, 0, 4*uint64(len(ids)))
	return gpuScores{readback}, err
}

// gpuScores are on their way to the host.
type gpuScores struct{ readback *gpu.Readback }

func (s gpuScores) wait(ctx context.Context) ([]float32, error) {
	data, err := s.readback.Wait(ctx)
	return singles(data), err
}

func (s gpuScores) drop() { s.readback.Drop() }

// singles reads little-endian fp32 values.
func singles(data []byte) []float32 {
	out := make([]float32, len(data)/4)
	for i := range out {
		out[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
	}
	return out
}

func (r *gpuRun) depth() int {
	if r.drawn.constrained {
		return 1 // the host must see a token before it knows which may follow
	}
	return flightsAhead
}

type gpuFlight struct {
	run      *gpuRun
	snapshot *snapshot
	pos      int // tokens absorbed at its start
	steps    int // tokens that it samples
	launched time.Time
	readback *gpu.Readback
	logprobs *gpu.Readback // nil where the drawing asks for none
}

func (r *gpuRun) launch(ctx context.Context, first bool, allowed []uint32) (flight, error) {
	steps := r.steps
	if r.drawn.constrained {
		steps = 1
		if err := r.drawn.allow(r.engine.device, allowed, 0); err != nil {
			return nil, err
		}
	}
	// A flight's tokens must not wrap around the ring: it starts at a multiple of its length.
	for r.emitted%steps != 0 {
		steps /= 2
	}
	if err := r.makeRoom(ctx, r.pos+steps); err != nil {
		return nil, err
	}
	f := &gpuFlight{run: r, snapshot: &r.snapshots[r.launched%flightsAhead], pos: r.pos, steps: steps, launched: time.Now()}
	r.launched++
	programs := []*gpu.Program{f.snapshot.save}
	absorbed := steps
	if first {
		// The cursor still stands at the chunk that was absorbed last, and the sampler moves it past that.
		programs = append(programs, r.drawn.use.sample)
		absorbed--
		if err := r.engine.device.Write(r.cursor, 8, words(0)); err != nil {
			return nil, err
		}
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
	var err error
	if f.readback, err = r.engine.device.Read(r.out, 4*uint64(from), 4*uint64(steps)); err == nil && r.drawn.logprobs {
		row := 4 * uint64(kernel.LogprobsRow(MaxTopLogprobs))
		f.logprobs, err = r.engine.device.Read(r.drawn.rows, uint64(from)*row, uint64(steps)*row)
	}
	return f, err
}

func (f *gpuFlight) wait(ctx context.Context) ([]draw, error) {
	draws, err := readDraws(ctx, f.readback, f.logprobs, f.run.engine.config.VocabSize, f.steps, func(int) (bool, int) { return true, f.run.drawn.top })
	if err != nil {
		return nil, err
	}
	switch took := time.Since(f.launched); {
	case took < quick:
		f.run.steps = min(2*f.run.steps, maxSteps)
	case took > slow:
		f.run.steps = max(f.run.steps/2, 1)
	}
	return draws, nil
}

// readDraws waits for n tokens and, where they are under way, for their log
// probabilities; wanted tells whose are asked for, and of how many of the likeliest.
func readDraws(ctx context.Context, tokens, logprobs *gpu.Readback, vocab, n int, wanted func(i int) (bool, int)) ([]draw, error) {
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
	draws := make([]draw, n)
	for i := range draws {
		draws[i].token = kernel.Drawn(binary.LittleEndian.Uint32(data[4*i:]), vocab)
		if on, top := wanted(i); on && rows != nil {
			row := rows[4*i*kernel.LogprobsRow(MaxTopLogprobs):]
			draws[i].logprob, draws[i].top = kernel.ReadLogprobs(row, MaxTopLogprobs, top)
		}
	}
	return draws, nil
}

func (f *gpuFlight) drop(ctx context.Context) error {
	_, err := f.wait(ctx)
	return err
}

// rewind restores the flight's start and steps through the absorbed tokens
// again: the same kernels on the same state give the same bits.
func (r *gpuRun) rewind(ctx context.Context, from flight, absorbed []uint32) error {
	f := from.(*gpuFlight)
	if err := r.engine.device.Run(f.snapshot.restore); err != nil {
		return err
	}
	r.pos = f.pos
	for _, id := range absorbed {
		if err := r.submit(ctx, []uint32{id}); err != nil {
			return err
		}
	}
	return nil
}

func (r *gpuRun) stateBytes() int64 { return allocated(r.state) }

// allocated is the size of a state's buffers.
func allocated(state []layerState[gpuArray]) (n int64) {
	for _, l := range state {
		for _, v := range []gpuArray{l.conv, l.ssm, l.kv} {
			if v != nil {
				n += int64(v.Size())
			}
		}
	}
	return n
}

func (r *gpuRun) close() {
	if r.pace != nil {
		r.pace.Drop()
	}
	for _, cache := range []map[int]*gpu.Program{r.absorbs, r.heads, r.scorers} {
		for _, p := range cache {
			p.Free()
		}
	}
	r.drawn.free()
	r.store.free()
}
