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
		values, grows := int64(0), false
		for _, carried := range g.Carried {
			values += int64(carried.Values)
			grows = grows || carried.Grows()
		}
		if want := c.StateValues(); values != want || grows != (want == 0) {
			t.Errorf("%s: carries %d values (grows: %v), config says %d", name, values, grows, want)
		}
	}
	if err := Supports(shape("telepathy")); err == nil || !strings.Contains(err.Error(), `"telepathy"`) {
		t.Errorf("%v, want a sentence", err)
	}
}

// Spans lay a window's positions out oldest first, whatever the ring's size and wherever they lie in it.
func TestSpans(t *testing.T) {
	c := shape(config.SlidingAttention)
	row := c.NumKVHeads * c.HeadDim
	for _, ring := range []int{5, 7, 12} {
		g := Sketch(c, func(int) int { return ring })
		state, _ := NewState(g, paper{})
		for _, position := range []int{0, 1, 4, 5, 6, 13, 100} {
			first := max(0, position-c.SlidingWindow)
			var got, want []string
			for _, s := range g.Spans(state, position) {
				for i := 0; i < s.N; i += row {
					half := (s.From + i) / (ring * row)
					got = append(got, fmt.Sprintf("%d: half %d, slot %d", s.At+i, half, (s.From+i)/row-half*ring))
				}
			}
			for half := range 2 {
				for pos := first; pos < position; pos++ {
					at := (half*c.SlidingWindow + c.SlidingWindow - (position - pos)) * row
					want = append(want, fmt.Sprintf("%d: half %d, slot %d", at, half, pos%ring))
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("ring of %d at %d: %v, want %v", ring, position, got, want)
			}
		}
	}
}
