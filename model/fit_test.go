package model

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/samba-web/samba/model/randomweights"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/model/config"
	"github.com/samba-web/samba/model/folder"
	gpumachine "github.com/samba-web/samba/model/machine/gpu"
)

// Where a device binds 16 MiB at most, larger weights lie in parts of rows, of
// every kind of storage, and compute the same.
func TestSplitByRows(t *testing.T) {
	const limit = 16 << 20
	device := testDevice(t)
	device.Restrict(gpu.Limits{MaxBindingSize: limit, MaxBufferSize: limit})
	random := testRandom(t)
	cases := []struct{ bits, vocab int }{{16, 40001}, {32, 20000}, {8, 70000}}
	if testing.Short() {
		cases = cases[:1]
	}
	for _, test := range cases {
		t.Run(fmt.Sprintf("%d bits", test.bits), func(t *testing.T) {
			c := testConfig(config.Mamba, config.SlidingAttention)
			c.HiddenSize, c.VocabSize, c.TieEmbeddings = 256, test.vocab, false
			src := randomModel(t, random, c, test.bits)
			m := loadTest(t, src, Options{Chunk: 4, Device: device})
			table := m.recovery.Engine.(*gpumachine.Engine).Weight(config.EmbedTokens)
			if len(table.Parts) < 2 {
				t.Fatalf("the embedding of %d rows lies in %d part", table.Out, len(table.Parts))
			}
			ids := append(randomIDs(random, 6, c.VocabSize), uint32(c.VocabSize-1), 0, uint32(table.Parts[1].Row0), uint32(table.Parts[1].Row0-1))
			want := allLogits(t, loadTest(t, src, Options{Chunk: 4}), ids, 0)
			for _, chunk := range []int{4, 1} {
				if d := worst(allLogits(t, m, ids, chunk), want); d > rounding(device, test.bits) {
					t.Errorf("chunks of %d: logits off by %g, want at most %g", chunk, d, rounding(device, test.bits))
				}
			}
		})
	}
}

// counting is a folder that tells whether weights were asked for.
type counting struct {
	memory
	asked bool
}

func (c *counting) Weights(ctx context.Context, files []folder.File, arrived func(folder.Arrived), take func(folder.Block) error) error {
	c.asked = true
	return c.memory.Weights(ctx, files, arrived, take)
}

// A model that does not fit is refused from its config and index alone, with
// the bits that would.
func TestDoesNotFit(t *testing.T) {
	c := samba()
	c.HiddenSize, c.IntermediateSize, c.HeadDim = 256, 768, 64
	src := &counting{memory: randomModel(t, testRandom(t), c, 16)}
	probe := &Model{config: c, chunk: 64}
	state := probe.stateSize(nil)
	for bits, want := range map[int]string{8: "at 8 bits it would need", 4: "at 4 bits it would need", 2: "choose a smaller model"} {
		memory := state + 1<<16
		if bits > 2 {
			memory = state + WeightBytes(c, bits)
		}
		_, err := Load(context.Background(), src, Options{Chunk: 64, Memory: memory})
		if fitting := bits &^ 2; FittingBits(err) != fitting {
			t.Errorf("it would fit in %d bits, want %d", FittingBits(err), fitting)
		}
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "does not fit") || src.asked {
			t.Errorf("%v, want a sentence with %q and no weights asked for (%v)", err, want, src.asked)
		}
	}
	if _, err := Load(context.Background(), src, Options{Chunk: 64, Memory: 1 << 30}); err != nil || !src.asked {
		t.Errorf("%v where it fits", err)
	}
}

// Keys and values in fp16 are part of what makes a model fit in fewer bits.
func TestFitsWithHalfKeys(t *testing.T) {
	c := samba()
	c.SlidingWindow = 4096
	src := randomModel(t, testRandom(t), c, 16)
	o := Options{Chunk: 64, Device: testDevice(t), HalfKeys: true}
	packed := (&Model{config: c, chunk: o.Chunk}).packed(4, o)
	state, whole := packed.stateSize(o.Device), (&Model{config: c, chunk: o.Chunk}).stateSize(o.Device)
	if state > whole*3/4 {
		t.Errorf("a state of %d bytes with weights of 4 bits, %d with those of 16: want about half", state, whole)
	}
	o.Memory = WeightBytes(c, 4) + state
	if _, err := Load(t.Context(), src, o); FittingBits(err) != 4 {
		t.Errorf("%v, want that it fits in 4 bits", err)
	}
}

// Asking for room gives back what it tried.
func TestHasRoom(t *testing.T) {
	device := testDevice(t)
	for range 3 {
		if ok, err := device.HasRoom(context.Background(), 300<<20); !ok || err != nil {
			t.Fatalf("no room for 300 MiB: %v", err)
		}
	}
}

// Where there are matrix units, the largest layer and the widest input in fp16 count before anything is downloaded,
// however large the vocabulary, and where there are products of 8 bits the widest input in those; elsewhere they are nothing. (That an engine takes as much, the room of the GPU tests.)
func TestHalvesAreCounted(t *testing.T) {
	device := testDevice(t)
	c, err := randomweights.Config("1.3B")
	if err != nil {
		t.Fatal(err)
	}
	c.VocabSize, c.Quantization = 256000, &config.Quantization{Bits: 4, GroupSize: 64}
	m := &Model{config: c, chunk: 1024}
	counted := func(v gpu.Variant) int64 {
		device.Treat(v)
		return m.stateSize(device) - m.stateSize(nil)
	}
	if n := counted(gpu.Variant{Subgroup: 32}); n != 0 {
		t.Errorf("%d bytes without matrix units, want none", n)
	}
	if n := counted(gpu.Variant{Subgroup: 32, F16: true, Matrix: true, CPU: true}); n != 0 {
		t.Errorf("%d bytes on a processor, want none", n)
	}
	if n, want := counted(gpu.Variant{Subgroup: 32, Dots: true}), int64(m.chunk)*int64(c.IntermediateSize)*(32+8)/32; n != want {
		t.Errorf("%d bytes where products are of 8 bits, want %d: of x, and 8 for every 32 of it", n, want)
	}
	x, w := 2*int64(m.chunk)*int64(c.IntermediateSize), 2*int64(2*c.IntermediateSize)*int64(c.HiddenSize)
	if n := counted(gpu.Variant{Subgroup: 32, F16: true, Matrix: true}); n != x+w {
		t.Errorf("%d bytes, want %d of x and %d of W", n, x, w)
	}
}
