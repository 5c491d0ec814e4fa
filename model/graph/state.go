package graph

import "fmt"

// Carried is an array that a conversation carries through one layer. There are two
// sorts. A recurrent state is overwritten by each step, and of one size. Keys and
// values have a row for each position, in two halves, all keys and then all
// values: those of a window lie in a ring, position p at p % ring; those of full
// attention grow.
type Carried struct {
	Name      string
	layer, at int // where it is in a state: state[layer][at]
	Values    int // at first, in words of 4 bytes, as all is counted here

	Row    int // of keys and values: what a position takes of both; 0: recurrent
	Window int // positions that are looked back on; 0: all
	Ring   int // positions at first

	head int // the values of a key or a value of one head
}

// Recurrent tells what each step overwrites as a whole.
func (c Carried) Recurrent() bool { return c.Row == 0 }

// Grows tells full attention's keys and values.
func (c Carried) Grows() bool { return c.Row > 0 && c.Window == 0 }

// Label names it in buffers and profiles.
func (c Carried) Label() string { return fmt.Sprintf("layers.%d %s", c.layer, c.Name) }

// State is what a conversation carries through the layers: for each of them its
// mixer's arrays. Its size does not depend on how long the conversation is, but
// with full attention.
type State[V any] [][]V

// Of is one of its arrays.
func (s State[V]) Of(c Carried) *V { return &s[c.layer][c.at] }

// NewState allocates the state of one conversation, zeroed.
func NewState[V, W any](g *Graph[V, W], s Store[V, W]) (State[V], error) {
	return ShapeState(g, func(c Carried) (V, error) { return s.Array(c.Label(), c.Values) })
}

// ShapeState makes a state of other arrays than a conversation's own: array makes each.
func ShapeState[V, W any](g *Graph[V, W], array func(c Carried) (V, error)) (State[V], error) {
	made := make(State[V], len(g.Layers))
	for _, c := range g.Carried {
		v, err := array(c)
		if err != nil {
			return made, err
		}
		made[c.layer] = append(made[c.layer], v)
	}
	return made, nil
}

// Overwritten are the arrays of a state whose past a step does not keep: all but
// the keys and values of full attention.
func (g *Graph[V, W]) Overwritten(s State[V]) (arrays []V) {
	for _, c := range g.Carried {
		if !c.Grows() {
			arrays = append(arrays, *s.Of(c))
		}
	}
	return arrays
}

// Recurrent are the arrays of a state that each step overwrites as a whole.
func (g *Graph[V, W]) Recurrent(s State[V]) (arrays []V) {
	for _, c := range g.Carried {
		if c.Recurrent() {
			arrays = append(arrays, *s.Of(c))
		}
	}
	return arrays
}

// Growing counts the values that a position takes in all layers of full attention
// together, and in the largest, 0 without such layers; and the positions that a new
// state has room for.
func (g *Graph[V, W]) Growing() (values, largest, room int) {
	for _, c := range g.Carried {
		if c.Grows() {
			values, largest, room = values+c.Row, max(largest, c.Row), c.Ring
		}
	}
	return values, largest, room
}

// span is a stretch of one of a run's arrays, in values, and its place in a saved
// state's payload.
type span[V any] struct {
	Array V
	From  int
	At, N int
}

// Spans lists what of a state is saved at a position, in pieces of at most `most`
// values. Rings differ in size from machine to machine, and where a position lies in
// them; values tells how many an array has room for, since full attention's grow.
func (g *Graph[V, W]) Spans(s State[V], position, most int, values func(V) int) []span[V] {
	var spans []span[V]
	at := 0
	for _, c := range g.Carried {
		array := *s.Of(c)
		add := func(from, n int) {
			for n > 0 {
				piece := min(n, most)
				spans = append(spans, span[V]{array, from, at, piece})
				from, at, n = from+piece, at+piece, n-piece
			}
		}
		if c.Recurrent() {
			add(0, c.Values)
			continue
		}
		row, ring, window := c.Row/2, values(array)/c.Row, c.Window
		if c.Grows() {
			window = position
		}
		first := max(0, position-window)
		for half := range 2 {
			at += (window - (position - first)) * row // there were none
			for pos := first; pos < position; {
				slot := pos % ring
				n := min(position-pos, ring-slot)
				add((half*ring+slot)*row, n*row)
				pos += n
			}
		}
	}
	return spans
}
