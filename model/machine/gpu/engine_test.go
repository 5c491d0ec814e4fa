package gpu

import (
	"context"
	"errors"
	"testing"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/model/config"
	"github.com/samba-web/samba/model/graph"
)

// An engine takes as much for its matrix units as was counted: the largest layer and the widest input in fp16, however
// large the vocabulary.
func TestHalves(t *testing.T) {
	device, err := gpu.Open(context.Background())
	if errors.Is(err, gpu.ErrNoAdapter) {
		t.Skipf("needs a WebGPU adapter: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(device.Close)
	const chunk = 1024
	c := &config.Config{
		ModelType: "samba", NumHiddenLayers: 2, LayerTypes: []string{config.Mamba, config.SlidingAttention},
		HiddenSize: 2304, NumHeads: 18, NumKVHeads: 18, HeadDim: 128, IntermediateSize: 6144, VocabSize: 256000, SlidingWindow: 2048,
		DState: 16, DConv: 4, Expand: 2, DTRank: 144, RMSNormEps: 1e-5, TieEmbeddings: true,
		Quantization: &config.Quantization{Bits: 4, GroupSize: 64},
	}
	device.Treat(gpu.Variant{Subgroup: 32, F16: true, Matrix: true})
	x, w := 2*int64(chunk)*int64(c.IntermediateSize), 2*int64(2*c.IntermediateSize)*int64(c.HiddenSize)
	if n := HalvesBytes(c, device, chunk); n != x+w {
		t.Errorf("%d bytes are counted, want %d of x and %d of W", n, x, w)
	}
	s := phantoms{device: device, quantization: c.Quantization, linears: map[string]config.TensorSpec{}}
	for _, spec := range c.TensorSpecs() {
		if spec.IsLinear() {
			s.linears[spec.Name] = spec
		}
	}
	g, err := graph.Assemble(c, s, map[string][]float32{}, graph.RingsFor(chunk, false))
	if err != nil {
		t.Fatal(err)
	}
	e, err := newEngine(c, device, s, g, chunk)
	if err != nil {
		t.Fatal(err)
	}
	if h := e.scratch.halves; int64(h.X.Size()) != x || int64(h.W.Size()) != w {
		t.Errorf("an engine takes %d and %d bytes, want %d and %d", h.X.Size(), h.W.Size(), x, w)
	}
}
