package model

import "fmt"

// carried is an array that a conversation carries through one layer. There are two
// sorts. A recurrent state is overwritten by each step, and of one size. Keys and
// values have a row for each position, in two halves, all keys and then all
// values: those of a window lie in a ring, position p at p % ring; those of full
// attention grow.
type carried struct {
	name      string // as buffers and profiles show it
	layer, at int    // where it is in a state: state[layer][at]
	values    int    // at first

	row    int // of keys and values: what a position takes of both; 0: recurrent
	window int // positions that are looked back on; 0: all
	ring   int // positions at first
}

func (c carried) recurrent() bool { return c.row == 0 }

// grows tells full attention's keys and values.
func (c carried) grows() bool { return c.row > 0 && c.window == 0 }

func (c carried) label() string { return fmt.Sprintf("layers.%d %s", c.layer, c.name) }

// state is what a conversation carries through the layers: for each of them its
// mixer's arrays. Its size does not depend on how long the conversation is, but
// with full attention.
type state[V any] [][]V

// of is one of its arrays.
func (s state[V]) of(c carried) *V { return &s[c.layer][c.at] }

// newState allocates the state of one conversation, zeroed.
func newState[V, W any](g *graph[V, W], s store[V, W]) (state[V], error) {
	return shapeState(g, func(c carried) (V, error) { return s.array(c.label(), c.values) })
}

// shapeState makes each array of a state.
func shapeState[V, W any](g *graph[V, W], array func(c carried) (V, error)) (state[V], error) {
	made := make(state[V], len(g.layers))
	for _, c := range g.carried {
		v, err := array(c)
		if err != nil {
			return made, err
		}
		made[c.layer] = append(made[c.layer], v)
	}
	return made, nil
}

// overwritten are the arrays of a state whose past a step does not keep: all but
// the keys and values of full attention.
func (g *graph[V, W]) overwritten(s state[V]) (arrays []V) {
	for _, c := range g.carried {
		if !c.grows() {
			arrays = append(arrays, *s.of(c))
		}
	}
	return arrays
}

// recurrent are the arrays of a state that each step overwrites as a whole.
func (g *graph[V, W]) recurrent(s state[V]) (arrays []V) {
	for _, c := range g.carried {
		if c.recurrent() {
			arrays = append(arrays, *s.of(c))
		}
	}
	return arrays
}

// growing counts the values that a position takes in all layers of full attention
// together, and in the largest, 0 without such layers; and the positions that a new
// state has room for.
func (g *graph[V, W]) growing() (values, largest, room int) {
	for _, c := range g.carried {
		if c.grows() {
			values, largest, room = values+c.row, max(largest, c.row), c.ring
		}
	}
	return values, largest, room
}

// span is a stretch of one of a run's arrays, in values, and its place in a saved
// state's payload.
type span[V any] struct {
	array V
	from  int
	at, n int
}

// spans lists what of a state is saved at a position. Rings differ in size from
// machine to machine, and where a position lies in them.
func (g *graph[V, W]) spans(s state[V], position int) []span[V] {
	var spans []span[V]
	at := 0
	for _, c := range g.carried {
		add := func(from, n int) {
			spans = append(spans, span[V]{*s.of(c), from, at, n})
			at += n
		}
		if c.recurrent() {
			add(0, c.values)
			continue
		}
		row := c.row / 2
		first := max(0, position-c.window)
		for half := range 2 {
			at += (c.window - (position - first)) * row // there were none
			for pos := first; pos < position; {
				slot := pos % c.ring
				n := min(position-pos, c.ring-slot)
				add((half*c.ring+slot)*row, n*row)
				pos += n
			}
		}
	}
	return spans
}
