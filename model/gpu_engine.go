package model

import (
	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/kernel"
	"github.com/samba-web/samba/gpu/reference"
	"github.com/samba-web/samba/model/config"
)

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
	spare       Spare
}

// NewGPUEngine takes a model whose weights are in the store. Its runs absorb at most
// chunk tokens at once.
func NewGPUEngine(c *config.Config, s *gpuStore, vectors map[string][]float32, chunk int, spare Spare) (*gpuEngine, error) {
	g, err := assemble(c, s, vectors, func(window int) int { return Ring(window, chunk) })
	if err != nil {
		return nil, err
	}
	e, err := newGPUEngine(c, s.device, s, g, chunk)
	if err != nil {
		return nil, err
	}
	e.store, e.spare = s, spare
	return e, nil
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
		if e.scratch.halves.W, err = s.array(HalvesOfW, int(w/4)); err != nil {
			return nil, err
		}
	}
	if n := attentionPartials(device, g); n > 0 {
		if e.scratch.partials, err = s.array("attention's splits", n); err != nil {
			return nil, err
		}
	}
	return e, nil
}

func (e *gpuEngine) NewRun() (Run, error) { return e.newRun() }

// Weight is a linear weight as it lies on the device.
func (e *gpuEngine) Weight(name string) gpuWeight { return e.store.weights[name] }

func (e *gpuEngine) Stored(name string) (bits, group int) {
	w := e.store.weights[name]
	if !w.DType.Quantized() {
		return w.DType.Bits(), 0
	}
	return w.DType.Bits(), w.Group
}

func (e *gpuEngine) Allocated() int64 { return e.device.Allocated() }

func (e *gpuEngine) Close() { e.store.Free() }

// halvesSize is how many bytes of kernel.Halves a model's weights and a chunk take. A layer's weight has room for all
// of its rows; the head's, which multiplies a chunk only where somebody asks for all logits, comes in slices.
func halvesSize(c *config.Config, device *gpu.Device, chunk int, weight func(spec config.TensorSpec) gpuWeight) (x, w uint64) {
	recorder := kernel.Recorder{Device: device, Tokens: chunk}
	for _, spec := range c.TensorSpecs() {
		if !spec.IsLinear() {
			continue
		}
		rows := spec.Shape[0]
		if spec.Name == config.EmbedTokens || spec.Name == config.LMHead {
			rows = 1
		}
		ofX, ofW := recorder.HalvesSize(weight(spec), rows)
		x, w = max(x, ofX), max(w, ofW)
	}
	return x, w
}

// HalvesBytes is how many bytes of kernel.Halves a model will take, by what its
// config says of its weights.
func HalvesBytes(c *config.Config, device *gpu.Device, chunk int) int64 {
	// Weights of more than 16 bits would take none.
	x, w := halvesSize(c, device, chunk, func(spec config.TensorSpec) gpuWeight {
		w := &kernel.Weight{DType: reference.F16, Out: spec.Shape[0], In: spec.Shape[1]}
		if q := c.Quantization; q != nil {
			w.DType, _ = Storage(spec.Name, w.In, q.Bits, q.GroupSize)
		}
		return w
	})
	return int64(x + w)
}

// HalvesOfW is the label of the buffer that holds one weight at a time in fp16.
const HalvesOfW = "W in fp16"
