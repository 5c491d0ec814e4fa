package graph

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/samba-web/samba/model/config"
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
		g := Sketch(shape(test.kinds...), func(window int) int { return window })
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
		g, err := Assemble(c, store, vectors, func(window int) int { return window })
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
				perToken += int64(carried.Row)
			} else {
				fixed += int64(carried.Values)
			}
		}
		if wantFixed, wantPerToken := c.StateValues(); fixed != wantFixed || perToken != wantPerToken {
			t.Errorf("%s: carries %d values and %d a token, config says %d and %d", name, fixed, perToken, wantFixed, wantPerToken)
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
	g := Sketch(c, func(int) int { return 5 })
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
