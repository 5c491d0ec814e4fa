// Package gpu records a model's steps as programs of WGSL kernels and runs them on a
// device, ahead of the host.
package gpu

import (
	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/kernel"
	"github.com/samba-web/samba/gpu/reference"
	"github.com/samba-web/samba/model/config"
	"github.com/samba-web/samba/model/folder"
	"github.com/samba-web/samba/model/graph"
	"github.com/samba-web/samba/model/machine"
)

// Engine is a model on a device. Its runs share the activations: one at a
// time is under way.
type Engine struct {
	config      *config.Config
	device      *gpu.Device
	store       *Store
	halfKeys    bool
	graph       *graph.Graph[buffer, weight]
	activations *graph.Activations[buffer]
	scratch     scratch
	chunk       int
	spare       machine.Spare
	guessing    *guessing // nil until something is guessed
}

// NewEngine takes a model whose weights are in the store. Its runs absorb at most
// chunk tokens at once. halfKeys: keys and values are kept in fp16.
func NewEngine(c *config.Config, s *Store, vectors map[string][]float32, chunk int, halfKeys bool, spare machine.Spare) (*Engine, error) {
	g, err := graph.Assemble(c, s, vectors, graph.RingsFor(chunk, halfKeys))
	if err != nil {
		return nil, err
	}
	e, err := newEngine(c, s.device, s, g, chunk)
	if err != nil {
		return nil, err
	}
	e.store, e.spare, e.halfKeys = s, spare, halfKeys
	return e, nil
}

func newEngine(c *config.Config, device *gpu.Device, s graph.Store[buffer, weight], g *graph.Graph[buffer, weight], chunk int) (*Engine, error) {
	e := &Engine{config: c, device: device, graph: g, chunk: chunk}
	var err error
	if e.activations, err = graph.NewActivations(c, s, chunk); err != nil {
		return nil, err
	}
	widest := 0
	for _, h := range g.Handed(e.activations) {
		widest = max(widest, h.Width)
	}
	for _, b := range []struct {
		to   *buffer
		name string
		n    int
	}{
		{&e.scratch.ids, "ids", chunk},
		{&e.scratch.normed, "normed", chunk * c.HiddenSize},
		{&e.scratch.gateUp, "gate and up", chunk * 2 * c.IntermediateSize},
		{&e.scratch.last, "last token", widest},
		{&e.scratch.parts, "sampler's parts", kernel.SampleParts(c.VocabSize)},
	} {
		if *b.to, err = s.Array(b.name, b.n); err != nil {
			return nil, err
		}
	}
	if c.RopeTheta != nil {
		if e.scratch.angles, err = s.Vector("angles", reference.AngleTables(c.HeadDim, *c.RopeTheta)); err != nil {
			return nil, err
		}
	}
	x, w := halvesSize(c, device, chunk, func(spec config.TensorSpec) weight {
		w, _ := s.Linear(spec.Name, nil, 0) // there is one: the graph has it
		return w
	})
	if x > 0 {
		if e.scratch.halves.X, err = s.Array("x in fp16 or 8 bits", int(x/4)); err != nil {
			return nil, err
		}
		if e.scratch.halves.W, err = s.Array(HalvesOfW, int(w/4)); err != nil {
			return nil, err
		}
	}
	if n := attentionPartials(device, g); n > 0 {
		if e.scratch.partials, err = s.Array("attention's splits", n); err != nil {
			return nil, err
		}
	}
	return e, nil
}

func (e *Engine) NewRun() (machine.Run, error) { return e.newRun() }

// Weight is a linear weight as it lies on the device.
func (e *Engine) Weight(name string) weight { return e.store.weights[name] }

func (e *Engine) Stored(name string) (bits, group int) {
	w := e.store.weights[name]
	if !w.DType.Quantized() {
		return w.DType.Bits(), 0
	}
	return w.DType.Bits(), w.Group
}

func (e *Engine) Allocated() int64 { return e.device.Allocated() }

func (e *Engine) Close() { e.store.Free() }

// halvesSize is how many bytes of kernel.Halves a model's weights and a chunk take. A layer's weight has room for all
// of its rows; the head's, which multiplies a chunk only where somebody asks for all logits, comes in slices.
func halvesSize(c *config.Config, device *gpu.Device, chunk int, weight func(spec config.TensorSpec) weight) (x, w uint64) {
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
	x, w := halvesSize(c, device, chunk, func(spec config.TensorSpec) weight {
		w := &kernel.Weight{DType: reference.F16, Out: spec.Shape[0], In: spec.Shape[1]}
		if q := c.Quantization; q != nil {
			w.DType = folder.Foreseen(q, spec.Name, w.In)
			w.Group = q.GroupSize
		}
		return w
	})
	return int64(x + w)
}

// HalvesOfW is the label of the buffer that holds one weight at a time in fp16; of x in 8 bits it holds the units.
const HalvesOfW = "W in fp16, or x's units"
