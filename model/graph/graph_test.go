package graph

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/model/config"
	"github.com/samba-web/samba/model/machine"
)

// recorder is a store that notes what is asked for.
type recorder struct{ names []string }

func (r *recorder) Array(string, int) (noArray, error) { return nil, nil }
func (r *recorder) Vector(name string, _ []float32) (noArray, error) {
	r.names = append(r.names, name)
	return nil, nil
}
func (r *recorder) Linear(name string, _ []float32, _ float64) (noWeight, error) {
	r.names = append(r.names, name)
	return nil, nil
}

func shape(kinds ...string) *config.Config {
	return &config.Config{
		ModelType: config.ModelType, HiddenSize: 8, NumHiddenLayers: len(kinds), LayerTypes: kinds, NumHeads: 2, NumKVHeads: 1, HeadDim: 4,
		SlidingWindow: 5, IntermediateSize: 16, DState: 3, DConv: 4, Expand: 2, DTRank: 1, RMSNormEps: 1e-5, VocabSize: 10,
	}
}

// Layers at the end that carry no state are told by what they carry, whatever their kinds, and take of those below what
// the kinds among them read.
func TestTail(t *testing.T) {
	for _, test := range []struct {
		kinds  []string
		tail   int
		handed int
	}{
		{[]string{config.Mamba, config.SlidingAttention}, 2, 2},
		{[]string{config.Mamba, config.NoMixer, config.NoMixer}, 1, 2},
		{[]string{config.Mamba, config.FullAttention, config.CrossAttention}, 2, 2},
		{[]string{config.SlidingAttention, config.Mamba, config.FullAttention, config.GatedMemory, config.CrossAttention}, 3, 3},
		{[]string{config.Mamba, config.GatedMemory, config.Mamba}, 3, 2},
	} {
		g := Sketch(shape(test.kinds...), exact(false))
		if got, handed := g.Tail(), len(g.Handed(new(Activations[noArray]))); got != test.tail || handed != test.handed {
			t.Errorf("%v: the tail begins at layer %d and takes %d activations, want %d and %d", test.kinds, got, handed, test.tail, test.handed)
		}
	}
}

// Each kind that a config.json of ours may name has a mixer, which takes all of the tensors that config lists for it, and
// no other, and carries a state of the size that config says. Another kind is refused in a sentence.
func TestKinds(t *testing.T) {
	for _, name := range config.Kinds() {
		c := shape(name)
		if err := c.Validate(); err != nil {
			t.Fatal(err)
		}
		if err := Supports(c); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		store, vectors := &recorder{}, map[string][]float32{}
		for _, spec := range c.TensorSpecs() {
			if !spec.IsLinear() {
				vectors[spec.Name] = make([]float32, spec.Values())
			}
		}
		g, err := Assemble(c, store, vectors, exact(true))
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range c.TensorSpecs() {
			if _, left := vectors[spec.Name]; left || spec.IsLinear() && !slices.Contains(store.names, spec.Name) {
				t.Errorf("%s: the graph leaves %s", name, spec.Name)
			}
		}
		for _, asked := range store.names {
			if !slices.ContainsFunc(c.TensorSpecs(), func(s config.TensorSpec) bool { return s.Name == asked }) {
				t.Errorf("%s: the graph takes %s, which config does not list", name, asked)
			}
		}
		fixed, perToken := int64(0), int64(0)
		for _, carried := range g.Carried {
			if carried.Grows() {
				perToken += 4 * int64(carried.Row)
			} else {
				fixed += 4 * int64(carried.Values)
			}
		}
		if wantFixed, wantPerToken := c.StateBytes(true); fixed != wantFixed || perToken != wantPerToken {
			t.Errorf("%s: carries %d bytes and %d a token, config says %d and %d", name, fixed, perToken, wantFixed, wantPerToken)
		}
	}
	if err := Supports(shape("telepathy")); err == nil || !strings.Contains(err.Error(), `"telepathy"`) {
		t.Errorf("%v, want a sentence", err)
	}
}

// Spans lay a window's positions out oldest first, whatever the ring's size and wherever they lie in it; of full
// attention all positions, whatever there is room for.
func TestSpans(t *testing.T) {
	t.Run("window", func(t *testing.T) { testSpans(t, config.SlidingAttention, 5, 7, 12) })
	t.Run("all", func(t *testing.T) { testSpans(t, config.FullAttention, 100, 128) })
}

func testSpans(t *testing.T, kind string, rings ...int) {
	c := shape(kind)
	row := c.NumKVHeads * c.HeadDim
	g := Sketch(c, Rings{Positions: func(int) int { return 5 }})
	state, _ := NewState(g, paper{})
	for _, ring := range rings {
		for _, position := range []int{0, 1, 4, 5, 6, 13, 100} {
			window := c.SlidingWindow
			if kind == config.FullAttention {
				window = position
			}
			first := max(0, position-window)
			var got, want []string
			for _, s := range g.Spans(state, position, (1+position%3)*row, func(noArray) int { return 2 * ring * row }) {
				for i := 0; i < s.N; i += row {
					half := (s.From + i) / (ring * row)
					got = append(got, fmt.Sprintf("%d: half %d, slot %d", s.At+i, half, (s.From+i)/row-half*ring))
				}
			}
			for half := range 2 {
				for pos := first; pos < position; pos++ {
					at := (half*window + window - (position - pos)) * row
					want = append(want, fmt.Sprintf("%d: half %d, slot %d", at, half, pos%ring))
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("ring of %d at %d: %v, want %v", ring, position, got, want)
			}
		}
	}
}

// exact are rings with room for what is seen of them.
func exact(halves bool) Rings {
	return Rings{Positions: func(window int) int { return window }, Halves: halves}
}

// A saved state goes from fp16 keys and values to fp32 ones and back to the bit; from fp32 it is rounded; recurrent
// states stay as they are. A value that is no number is found in either form.
func TestForms(t *testing.T) {
	c := shape(config.Mamba, config.SlidingAttention, config.FullAttention)
	c.SlidingWindow = 3
	packed, plain := Sketch(c, exact(true)), Sketch(c, exact(false))
	const position = 5
	random := rand.New(rand.NewPCG(1, 2))
	state := gpu.NewBlob(plain.Saved(position))
	for at := int64(0); at < state.Len(); at += 4 {
		state.Put(at, machine.FloatBytes([]float32{float32(random.NormFloat64())}))
	}
	halves := packed.Own(state, position)
	fixed, perToken := c.StateBytes(true)
	if want := fixed + position*perToken; halves.Len() != want || want >= state.Len() {
		t.Fatalf("%d bytes, want %d", halves.Len(), want)
	}
	back := plain.Own(halves, position)
	again := packed.Own(back, position)
	if !bytes.Equal(again.Bytes(0, again.Len()), halves.Bytes(0, halves.Len())) {
		t.Error("fp16 is not the same after it was fp32")
	}
	into := gpu.NewBlob(state.Len())
	err := packed.Fill(into, position, func(own gpu.Blob) error {
		own.Put(0, halves.Bytes(0, halves.Len()))
		return nil
	})
	if err != nil || !bytes.Equal(into.Bytes(0, into.Len()), back.Bytes(0, back.Len())) {
		t.Errorf("Fill differs from Own (%v)", err)
	}
	recurrent := plain.Carried[0].Values + plain.Carried[1].Values // Mamba's two come first
	want, got := machine.Floats(state.Bytes(0, state.Len())), machine.Floats(back.Bytes(0, back.Len()))
	for i, v := range want {
		off := math.Abs(float64(got[i] - v))
		if i < recurrent && off > 0 || off > math.Abs(float64(v))/2048+1e-7 {
			t.Fatalf("value %d is %v, want %v", i, got[i], v)
		}
	}
	if !packed.Finite(halves, position, true) || !plain.Finite(back, position, false) {
		t.Error("numbers are taken for none")
	}
	halves.Put(halves.Len()-2, []byte{0, 0xfc}) // -Inf
	if packed.Finite(halves, position, true) {
		t.Error("an infinity among the values is not found")
	}
	halves.Put(0, machine.FloatBytes([]float32{float32(math.NaN())}))
	halves.Put(halves.Len()-2, []byte{0, 0})
	if packed.Finite(halves, position, true) {
		t.Error("a NaN in Mamba's state is not found")
	}
}
