package gpu

import (
	"fmt"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/kernel"
	"github.com/samba-web/samba/gpu/reference"
	"github.com/samba-web/samba/model/config"
	"github.com/samba-web/samba/model/folder"
	"github.com/samba-web/samba/model/graph"
	"github.com/samba-web/samba/model/machine"
)

// Prepare starts to compile the kernels that prefill and decode will need,
// while the weights are still on their way: how a quantized model is stored
// follows from its config. What it guesses wrong, and what
// other models need, compiles when it is recorded.
func Prepare(device *gpu.Device, c *config.Config, chunk int, halfKeys bool) {
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
	g, err := graph.Assemble(c, s, vectors, graph.RingsFor(chunk, halfKeys))
	if err != nil {
		return
	}
	e, err := newEngine(c, device, s, g, chunk)
	if err != nil {
		return
	}
	state, err := graph.NewState(g, s)
	if err != nil {
		return
	}
	e.scratch.history, _ = s.Array("history", historySize)
	sampling, _ := s.Array("sampling", 8)
	out, _ := s.Array("out", outRing)
	cursor, _ := s.Array("cursor", 4)
	for _, tokens := range []int{1, chunk} {
		r := &steps{eps: c.RMSNormEps, buffer: &e.scratch, state: state}
		r.Recorder = kernel.Recorder{Device: device, Program: device.NewProgram(), Cursor: cursor, Tokens: tokens, Halves: e.scratch.halves, Prepare: true}
		g.Forward(r, e.activations)
		if tokens == 1 {
			r.Head(e.activations.X, g.Norm, g.Head, e.activations.Logits, false)
			r.Sample(e.activations.Logits, sampling, e.scratch.history, e.scratch.ids, out, e.scratch.parts, c.VocabSize, machine.PenaltyTail)
		}
	}
	if device.Info().Variant.CPU {
		return // which takes no guesses
	}
	guesses, _ := s.Array("guesses", guessRing)
	for rows := 2; rows <= machine.MostGuesses+1; rows *= 2 {
		r := &steps{eps: c.RMSNormEps, buffer: &e.scratch, state: state}
		r.Recorder = kernel.Recorder{Device: device, Program: device.NewProgram(), Cursor: cursor, Tokens: rows, Apart: true, Prepare: true}
		r.PlaceGuesses(guesses, e.scratch.ids, c.VocabSize)
		g.Forward(r, e.activations)
		r.Head(e.activations.X, g.Norm, g.Head, e.activations.Logits, false)
		r.Sample(e.activations.Logits, sampling, e.scratch.history, nil, guesses, e.scratch.parts, c.VocabSize, machine.PenaltyTail)
		r.JudgeGuesses(guesses, e.scratch.ids, out, nil)
		for _, carried := range g.Carried {
			if carried.Recurrent() {
				array := *state.Of(carried)
				r.TakeState(array, array)
			}
		}
	}
}

// phantoms is a store without memory.
type phantoms struct {
	device       *gpu.Device
	quantization *config.Quantization
	linears      map[string]config.TensorSpec
}

func (s phantoms) Array(name string, n int) (buffer, error) {
	return gpu.Phantom(name, 4*uint64(n)), nil
}

func (s phantoms) Vector(name string, values []float32) (buffer, error) {
	return s.Array(name, len(values))
}

func (s phantoms) Linear(name string, bias []float32, factor float64) (weight, error) {
	spec, known := s.linears[name]
	if !known {
		return nil, fmt.Errorf("%s: no linear weight of this config", name)
	}
	f := foreseen(s.quantization, spec)
	w := &kernel.Weight{DType: f.DType, Out: f.Out, In: f.In, Group: f.Group, Factor: factor}
	if bias != nil {
		w.Bias, _ = s.Array("bias", len(bias))
	}
	var err error
	w.Parts, err = parts(s.device.Info().Limits, name, w.Out, w.In, max(w.DType.Bits(), reference.Q8.Bits()))
	return w, err
}

// foreseen is how a linear weight of a quantized model is stored by what its config says.
func foreseen(q *config.Quantization, spec config.TensorSpec) folder.LinearFormat {
	f := folder.LinearFormat{Out: spec.Shape[0], In: spec.Shape[1]}
	if f.DType = folder.Foreseen(q, spec.Name, f.In); f.DType.Quantized() {
		f.Group = q.GroupSize
	}
	return f
}
