package model

import (
	"fmt"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/kernel"
	"github.com/samba-web/samba/gpu/reference"
	"github.com/samba-web/samba/model/config"
)

// Prepare starts to compile the kernels that prefill and decode will need,
// while the weights are still on their way: how samba convert stores a
// quantized model follows from its config. What it guesses wrong, and what
// other models need, compiles when it is recorded.
func Prepare(device *gpu.Device, c *config.Config, chunk int) {
	if c.Quantization == nil {
		return
	}
	s := phantoms{device: device, quantization: c.Quantization, linears: map[string]config.TensorSpec{}}
	vectors := map[string][]float32{}
	for _, spec := range c.TensorSpecs() {
		if spec.IsLinear() {
			s.linears[spec.Name] = spec
		} else {
			n := 1
			for _, d := range spec.Shape {
				n *= d
			}
			vectors[spec.Name] = make([]float32, n)
		}
	}
	g, err := assemble(c, s, vectors, func(window int) int { return Ring(window, chunk) })
	if err != nil {
		return
	}
	e, err := newGPUEngine(c, device, s, g, chunk)
	if err != nil {
		return
	}
	state, err := newState(g, s)
	if err != nil {
		return
	}
	e.scratch.history, _ = s.array("history", historySize)
	sampling, _ := s.array("sampling", 8)
	out, _ := s.array("out", outRing)
	cursor, _ := s.array("cursor", 4)
	for _, tokens := range []int{1, chunk} {
		r := &gpuMachine{eps: c.RMSNormEps, buffer: &e.scratch, state: state}
		r.Recorder = kernel.Recorder{Device: device, Program: device.NewProgram(), Cursor: cursor, Tokens: tokens, Halves: e.scratch.halves, Prepare: true}
		g.forward(r, e.activations)
		if tokens == 1 {
			r.head(e.activations.x, g.norm, g.head, e.activations.logits, false)
			r.Sample(e.activations.logits, sampling, e.scratch.history, e.scratch.ids, out, e.scratch.weights, c.VocabSize, PenaltyTail)
		}
	}
}

// phantoms is a store without memory.
type phantoms struct {
	device       *gpu.Device
	quantization *config.Quantization
	linears      map[string]config.TensorSpec
}

func (s phantoms) array(name string, n int) (gpuArray, error) {
	return gpu.Phantom(name, 4*uint64(n)), nil
}

func (s phantoms) vector(name string, values []float32) (gpuArray, error) {
	return s.array(name, len(values))
}

func (s phantoms) linear(name string) (gpuWeight, error) {
	spec, known := s.linears[name]
	if !known {
		return nil, fmt.Errorf("%s: no linear weight of this config", name)
	}
	out, in, q := spec.Shape[0], spec.Shape[1], s.quantization
	dtype, _ := Storage(name, in, q.Bits, q.GroupSize)
	w := &kernel.Weight{DType: dtype, Out: out, In: in}
	if dtype.Quantized() {
		w.Group = q.GroupSize
	}
	var err error
	w.Parts, err = parts(s.device.Info().Limits, name, out, in, max(dtype.Bits(), reference.Q8.Bits()))
	return w, err
}
