package gpu

import (
	"github.com/samba-web/samba/model/graph"
	"github.com/samba-web/samba/model/machine"

	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"strings"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/kernel"
	"github.com/samba-web/samba/gpu/reference"
	"github.com/samba-web/samba/model/config"
	"github.com/samba-web/samba/model/folder"
	cpumachine "github.com/samba-web/samba/model/machine/cpu"
	"github.com/x448/float16"
)

// ErrWrong is what Load reports, wrapped, where a device's kernels compute
// wrong numbers: there are drivers that do, and no error tells it.
var ErrWrong = errors.New("the GPU computes wrong numbers")

// ErrUntried is what Try reports where the device is too full for it.
var ErrUntried = errors.New("the GPU has no room for the self-test beside the model")

// A trial's linear weights repeat this many rows: the processor multiplies with
// those alone, so that a trial of any model takes it milliseconds. The number
// divides no tile of a kernel, so that a row in a wrong place shows.
const trialPeriod = 38

// A trial reads this many tokens in one chunk, then one more: more than a tile of
// attention's has queries or keys.
const trialTokens = 43

// What a trial's logits may be off by, as a share of the largest: fp32's
// rounding through two layers; where keys and values are kept in f16, theirs; where
// products are of f16, f16's; and where x is rounded to 8 bits, what comes of numbers that
// the twin rounds another way, for all that was off by less before (0.04 was seen).
const trialTolerance, trialToleranceKeys, trialToleranceF16, trialToleranceBytes = 5e-4, 3e-3, 3e-2, 8e-2

// Try runs the kernels that the model has been loaded for, in its own shapes,
// on random weights: one layer of each kind, for a chunk of tokens and for a
// single one, then the sampler. It compares what they compute with what the
// processor does.
func (e *Engine) Try(ctx context.Context) error {
	t := newTrial(e.config, e.device, e.chunk, e.halfKeys)
	t.formats, _ = t.formatsOf(e.store) // all are known
	return t.run(ctx, 0)
}

// trial makes random weights, for both machines at once, and runs a model of them on both.
type trial struct {
	trialConfig
	device   *gpu.Device
	chunk    int // the model's
	halfKeys bool
	formats  map[string]folder.LinearFormat // of its weights: those of the model's that they stand for
	random   *rand.Rand
	gpu      *Store
	cpu      map[string]*reference.Weight
	leave    func(f func() error) error // calls f, which does not use the device
	wait     func(f func() error) error // calls f, which waits for the device
}

func newTrial(c *config.Config, device *gpu.Device, chunk int, halfKeys bool) *trial {
	call := func(f func() error) error { return f() }
	return &trial{
		trialConfig: configForTrial(c), device: device, chunk: chunk, halfKeys: halfKeys,
		random: rand.New(rand.NewPCG(1, 0)), gpu: NewStore(device), cpu: map[string]*reference.Weight{}, leave: call, wait: call,
	}
}

// run is the trial, once the formats are known. rest is how many bytes of the model are not on the device yet.
func (t *trial) run(ctx context.Context, rest int64) error {
	defer t.gpu.Free()
	c, device := &t.Config, t.device
	if ok, err := device.HasRoom(ctx, rest+t.bytes()); err != nil {
		return err
	} else if !ok {
		return ErrUntried
	}
	vectors := map[string][]float32{}
	for _, spec := range c.TensorSpecs() {
		if !spec.IsLinear() {
			vectors[spec.Name] = t.Vector(spec)
		} else if err := t.Linear(spec); err != nil {
			return err
		}
	}
	gpuGraph, err := graph.Assemble(c, t.gpu, maps.Clone(vectors), graph.Rings{Halves: t.halfKeys, Positions: func(window int) int {
		if window == 0 {
			return machine.Ring(window, t.chunk)
		}
		return max(machine.Ring(window, t.chunk), window+trialTokens) // chunks may be shorter
	}})
	if err != nil {
		return err
	}
	few := graph.Rings{Positions: func(int) int { return 2 * trialTokens }} // no more than the trial's own keys
	e, err := newEngine(c, device, t.gpu, gpuGraph, trialTokens)
	if err != nil {
		return err
	}
	// Rounded alike: a scan's random weights may make fifty times as much of what 8 bits round.
	twin, err := cpumachine.NewRepeated(c, t.cpu, vectors, trialPeriod, trialTokens, few, func(w *reference.Weight, tokens int) bool {
		r := kernel.Recorder{Device: device, Tokens: tokens, Halves: e.scratch.halves}
		return r.Rounds(&kernel.Weight{DType: w.DType, Out: w.Out, In: w.In, Group: w.Group})
	})
	if err != nil {
		return err
	}
	ids := make([]uint32, trialTokens)
	for i := range ids {
		ids[i] = t.random.Uint32N(uint32(min(trialPeriod, c.VocabSize)))
	}
	sampling := reference.Sampling{Temperature: 1, TopP: 1, Repetition: 1, Seed: 1}
	logits, tokens, err := t.onGPU(ctx, e, ids, sampling)
	if err != nil {
		return err
	}
	tolerance := trialTolerance
	if t.halfKeys {
		tolerance = trialToleranceKeys
	}
	switch {
	case device.Info().Variant.Matrix:
		tolerance = trialToleranceF16
	case e.scratch.halves.X != nil:
		tolerance = trialToleranceBytes
	}
	for step, what := range []string{"a chunk of tokens", "a single token"} {
		var want []float32
		if err := t.leave(func() (err error) { want, err = twin.Absorb(ctx, ids); return err }); err != nil {
			return err
		}
		got := logits[step*c.VocabSize:][:c.VocabSize]
		if err := compare(got, want, tolerance); err != nil {
			return fmt.Errorf("%w: in its self-test, after %s, %w", ErrWrong, what, err)
		}
		if token := twin.Draw(sampling, got); token != tokens[step] {
			return fmt.Errorf("%w: in its self-test the sampler drew token %d, not %d", ErrWrong, tokens[step], token)
		}
		ids = []uint32{tokens[step] % trialPeriod} // whose row is the same
	}
	return nil
}

func compare(got, want []float32, tolerance float64) error {
	largest := 0.0
	for _, v := range want {
		largest = max(largest, math.Abs(float64(v)))
	}
	for i, v := range want {
		if d := math.Abs(float64(got[i]) - float64(v)); !(d <= tolerance*largest) {
			return fmt.Errorf("logit %d was %.4g, not %.4g", i, got[i], v)
		}
	}
	return nil
}

// trialConfig has one layer of each kind of a model's.
type trialConfig struct {
	config.Config
	origin []int // which of the model's layers each one is like
}

func configForTrial(c *config.Config) trialConfig {
	t := trialConfig{Config: *c}
	t.LayerTypes, t.MLPLayers = nil, nil
	type kind struct {
		mixer string
		mlp   bool
	}
	seen := map[kind]bool{}
	for i, mixer := range c.LayerTypes {
		if k := (kind{mixer, c.HasMLP(i)}); !seen[k] {
			seen[k] = true
			t.LayerTypes, t.MLPLayers = append(t.LayerTypes, mixer), append(t.MLPLayers, k.mlp)
			t.origin = append(t.origin, i)
		}
	}
	t.NumHiddenLayers = len(t.LayerTypes)
	return t
}

// foresee is how the trial's weights are stored by what the config says; nil: it does not say, as no other's but ours
// does for each of them.
func (t *trial) foresee() map[string]folder.LinearFormat {
	if t.Quantization == nil || t.ModelType != config.ModelType {
		return nil
	}
	formats := map[string]folder.LinearFormat{}
	for _, spec := range t.TensorSpecs() {
		if spec.IsLinear() {
			formats[spec.Name] = foreseen(t.Quantization, spec)
		}
	}
	return formats
}

// formatsOf is how the model's weights are stored that those of the trial stand for; not ok: that is not known of all yet.
func (t *trial) formatsOf(s *Store) (formats map[string]folder.LinearFormat, ok bool) {
	formats = map[string]folder.LinearFormat{}
	for _, spec := range t.TensorSpecs() {
		if !spec.IsLinear() {
			continue
		}
		name := spec.Name
		if layer, rest, ok := t.cut(name); ok {
			name = config.LayerTensor(t.origin[layer], rest)
		}
		w := s.weights[name]
		if w == nil || w.DType.Quantized() != (w.Group > 0) { // its scales are in another shard than its data
			return nil, false
		}
		formats[spec.Name] = folder.LinearFormat{DType: w.DType, Out: spec.Shape[0], In: spec.Shape[1], Group: w.Group, ScalesBF16: w.ScalesBF16}
	}
	return formats, true
}

// cut takes the layer off a tensor's name; not ok: it is no layer's.
func (t *trial) cut(name string) (layer int, rest string, ok bool) {
	for layer = range t.origin {
		if rest, ok = strings.CutPrefix(name, config.LayerTensor(layer, "")); ok {
			return layer, rest, true
		}
	}
	return 0, name, false
}

// bytes is about what the trial takes on the device.
func (t *trial) bytes() (n int64) {
	for _, f := range t.formats {
		n += int64(f.Out) * int64(f.In) * int64(f.DType.Bits()+1) / 8
	}
	for _, carried := range graph.Sketch(&t.Config, graph.Rings{Positions: func(window int) int { return window }}).Carried {
		if !carried.Recurrent() {
			n += 6 * int64(carried.Values) // ring and more
		}
	}
	x, w := halvesSize(&t.Config, t.device, trialTokens, func(spec config.TensorSpec) weight {
		f := t.formats[spec.Name]
		return &kernel.Weight{DType: f.DType, Out: f.Out, In: f.In, Group: f.Group}
	})
	return n + int64(x+w) + 16<<20
}

// Linear makes a weight of rows that repeat.
func (t *trial) Linear(spec config.TensorSpec) error {
	f := t.formats[spec.Name]
	out, in := f.Out, f.In
	rows := min(trialPeriod, out)
	w := &reference.Weight{DType: f.DType, Out: out, In: in, Group: f.Group, ScalesBF16: f.ScalesBF16}
	// Rows of variance 1/in keep what they multiply at its size.
	deviation := 1 / math.Sqrt(float64(in))
	half := func(v float64) uint16 {
		if f.DType == reference.BF16 || f.ScalesBF16 {
			return uint16(math.Float32bits(float32(v)) >> 16)
		}
		return float16.Fromfloat32(float32(v)).Bits()
	}
	w.Data = make([]uint32, (rows*in*f.DType.Bits()+31)/32)
	for i := range w.Data {
		switch f.DType {
		case reference.F32:
			w.Data[i] = math.Float32bits(float32(t.random.NormFloat64() * deviation))
		case reference.F16, reference.BF16:
			w.Data[i] = uint32(half(t.random.NormFloat64()*deviation)) | uint32(half(t.random.NormFloat64()*deviation))<<16
		default:
			w.Data[i] = t.random.Uint32()
		}
	}
	pieces := [][]byte{folder.PieceData: machine.Words(w.Data...)}
	if f.DType.Quantized() {
		levels := float64(int(1)<<f.DType.Bits() - 1)
		for range rows * in / f.Group {
			scale := deviation * math.Sqrt(12) / levels * (0.5 + t.random.Float64())
			w.Scales, w.Biases = append(w.Scales, half(scale)), append(w.Biases, half(-scale*levels/2*(0.8+0.4*t.random.Float64())))
		}
		pieces = append(pieces, halfBytes(w.Scales), halfBytes(w.Biases))
	}
	t.cpu[spec.Name] = w
	for p, data := range pieces {
		if err := t.gpu.repeat(spec.Name, folder.Piece(p), f, data, int64(out)*int64(len(data))/int64(rows)); err != nil {
			return err
		}
	}
	return nil
}

func halfBytes(values []uint16) []byte {
	out := make([]byte, 2*len(values))
	for i, v := range values {
		binary.LittleEndian.PutUint16(out[2*i:], v)
	}
	return out
}

// repeat makes n bytes of data over and over.
func (s *Store) repeat(name string, p folder.Piece, f folder.LinearFormat, data []byte, n int64) error {
	rows := folder.Rows{Count: f.Out}
	if err := s.Place(name, p, f, rows, n); err != nil {
		return err
	}
	const upload = 1 << 20
	for block := data; len(data) < upload && int64(len(data)) < n; {
		data = append(data[:len(data):len(data)], block...)
	}
	blob := gpu.BlobOf(data)
	for at := int64(0); at < n; at += int64(len(data)) {
		if err := s.Put(name, p, rows, at, blob, 0, min(n-at, int64(len(data)))); err != nil {
			return err
		}
	}
	return nil
}

// Vector makes the values of a small tensor, about as large as a model's.
func (t *trial) Vector(spec config.TensorSpec) []float32 {
	n := 1
	for _, d := range spec.Shape {
		n *= d
	}
	values := make([]float32, n)
	_, kind, _ := t.cut(spec.Name)
	for i := range values {
		v := t.random.NormFloat64()
		switch kind {
		case "mixer.A_log": // of each state, or of each head
			v = math.Log(float64(i%spec.Shape[len(spec.Shape)-1]%16+1)) + 0.1*v
		case "mixer.dt_proj.bias", "mixer.dt_bias":
			v -= 1 // softplus: about 0.3, so that the recurrence weighs as much as what passes it by
		case "mixer.D":
			v *= 0.1
		case "mixer.conv1d.weight", "mixer.conv1d.bias":
			v *= 0.3
		default: // norms' gains; biases, and what differential attention weighs by
			if v *= 0.1; strings.HasSuffix(spec.Name, ".weight") {
				v++
			}
		}
		values[i] = float32(v)
	}
	return values
}

// onGPU absorbs ids, samples a token, absorbs that and samples again. It returns
// the logits of both steps and the tokens.
func (t *trial) onGPU(ctx context.Context, e *Engine, ids []uint32, sampling reference.Sampling) (logits []float32, tokens [2]uint32, err error) {
	r, err := e.newRun()
	if err != nil {
		return nil, tokens, err
	}
	defer r.Close()
	if err := r.Begin(machine.Drawing{Sampling: sampling}); err != nil {
		return nil, tokens, err
	}
	if err := r.makeRoom(ctx, len(ids)+1); err != nil {
		return nil, tokens, err
	}
	trace, err := r.store.Array("logits of a trial", 2*e.config.VocabSize)
	if err != nil {
		return nil, tokens, err
	}
	keep := func(step int) *gpu.Program {
		p := e.device.NewProgram()
		size := 4 * uint64(e.config.VocabSize)
		p.Copy(e.activations.Logits, 0, trace, uint64(step)*size, size)
		return p
	}
	first, second := keep(0), keep(1)
	defer first.Free()
	defer second.Free()
	r.chunkProgram(len(ids), true) // with every layer, so that every kind's kernels for chunks are tried
	if err := t.wait(func() error { return e.device.Ready(ctx) }); err != nil {
		return nil, tokens, err
	}
	if err := r.submit(ctx, ids, true); err != nil {
		return nil, tokens, err
	}
	if err := e.device.Run(r.drawn.use.sample, first, r.drawn.use.step, second); err != nil {
		return nil, tokens, err
	}
	// Both are on their way at once: Firefox takes 100 ms for each.
	drawn, err := e.device.Read(r.out, 0, 8)
	if err != nil {
		return nil, tokens, err
	}
	kept, err := e.device.Read(trace, 0, trace.Size())
	if err != nil {
		drawn.Drop()
		return nil, tokens, err
	}
	var data, two []byte
	if err := t.wait(func() (err error) { data, err = kept.Wait(ctx); return err }); err != nil {
		drawn.Drop()
		return nil, tokens, err
	}
	if err := t.wait(func() (err error) { two, err = drawn.Wait(ctx); return err }); err != nil {
		return nil, tokens, err
	}
	for i := range tokens {
		tokens[i] = kernel.Drawn(binary.LittleEndian.Uint32(two[4*i:]), e.config.VocabSize)
	}
	return machine.Floats(data), tokens, nil
}
