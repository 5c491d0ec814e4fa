package model

import (
	"context"
	"testing"

	"github.com/samba-web/samba/gpu"
	gpumachine "github.com/samba-web/samba/model/machine/gpu"
)

// On what a browser without experimental features says of an NVIDIA GPU, a prompt's large products are those of 8 bits:
// each has a kernel more, which rounds x; those with few rows have not. Their logits are those of the same weights, but
// for that rounding, and the device passes its trial.
func TestStockAdapter(t *testing.T) {
	device := testDevice(t)
	if device.Info().Backend != "webgpu" {
		t.Skip("needs WGSL's packed_4x8_integer_dot_product, which wgpu-native does not know")
	}
	c := samba()
	c.NumHiddenLayers, c.LayerTypes = 2, c.LayerTypes[:2]
	c.HiddenSize, c.IntermediateSize, c.HeadDim = 512, 576, 512/c.NumHeads
	random := testRandom(t)
	src, ids := randomModel(t, random, c, 4), randomIDs(random, 90, c.VocabSize)
	launches := func(v gpu.Variant) (n int, logits []float32, m *Model) {
		device.Treat(v)
		m = loadTest(t, src, Options{Chunk: 64, Device: device})
		s := newSession(t, m)
		s.EveryLayer(true)
		_, n = s.Profiler().Launches(64)
		return n, logitsOf(t, s, ids, 0), m
	}
	without, want, _ := launches(gpu.Variant{})
	with, got, m := launches(gpu.Variant{Dots: true})
	// Mamba's in_proj and out_proj; attention's two; gate and up, and down, of each layer.
	if with-without != 8 {
		t.Errorf("a chunk has %d kernels, %d without products of 8 bits: want 8 more", with, without)
	}
	low, high := want[0], want[0]
	for _, v := range want {
		low, high = min(low, v), max(high, v)
	}
	spread := float64(high - low)
	d := worst(got, want)
	t.Logf("off by %.2g of a spread of %.3g", d, spread)
	if !(d <= 0.02*spread) || d == 0 {
		t.Errorf("logits off by %g, of a spread of %g", d, spread)
	}
	if err := m.recovery.Engine.(*gpumachine.Engine).Try(context.Background()); err != nil {
		t.Error(err)
	}
}
