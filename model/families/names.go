package families

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/samba-web/samba/model/config"
)

// Place is where a tensor of a folder goes: rows of one of the engine's.
type Place struct {
	Tensor    string // as config.TensorSpecs names it
	Row, Rows int
	// Its neighbours in that tensor are packed otherwise: all are packed in that many
	// bits and groups, which loses nothing; 0 bits: they become fp32.
	Apart       bool
	Bits, Group int
}

// Names says where a folder's tensors go.
type Names struct {
	places  map[string]Place // by the folder's name
	ignored func(name string) bool

	shapes map[string][]int
	of     map[string][]string // the folder's names by the engine's tensor, sorted; made once all are known
}

// Place finds where a tensor goes. Neither known nor ignored: the model has no
// such tensor.
func (n *Names) Place(name string) (place Place, known, ignored bool) {
	place, known = n.places[name]
	return place, known, !known && n.ignored != nil && n.ignored(name)
}

// Of tells the folder's names of one of the engine's tensors.
func (n *Names) Of(tensor string) []string { return n.of[tensor] }

func newNames(c *config.Config) *Names {
	n := &Names{places: map[string]Place{}, shapes: map[string][]int{}}
	for _, spec := range c.TensorSpecs() {
		n.shapes[spec.Name] = spec.Shape
	}
	return n
}

// own has every tensor under the engine's own name.
func own(c *config.Config) *Names {
	n := newNames(c)
	for name := range n.shapes {
		n.tensor(name, name)
	}
	n.finish(nil)
	return n
}

// tensor takes a tensor as it is, where the model has it.
func (n *Names) tensor(ours, theirs string) {
	if shape := n.shapes[ours]; shape != nil {
		n.places[theirs] = Place{Tensor: ours, Rows: shape[0]}
	}
}

// module takes a linear layer as it is: its weight and, where the model has one, its bias.
func (n *Names) module(ours, theirs string) { n.rows(ours, row{theirs, 0}) }

// row is a module's rows within one of ours; 0: all of them.
type row struct {
	module string
	rows   int
}

// rows puts modules' rows one after another.
func (n *Names) rows(ours string, modules ...row) {
	for _, tensor := range []string{".weight", ".bias"} {
		at := 0
		shape := n.shapes[ours+tensor]
		if shape == nil {
			continue
		}
		for _, m := range modules {
			count := m.rows
			if count == 0 {
				count = shape[0]
			}
			n.places[m.module+tensor] = Place{Tensor: ours + tensor, Row: at, Rows: count}
			at += count
		}
	}
}

// At tells the folder's names for what begins at a row of one of the engine's tensors.
func (n *Names) At(tensor string, row int) (names []string) {
	for _, name := range n.of[tensor] {
		if n.places[name].Row == row {
			names = append(names, name)
		}
	}
	return names
}

// finish, once all places are known, lists them by tensor, and finds rows that are
// joined though they are packed in different ways.
func (n *Names) finish(q *quantization) {
	n.of = map[string][]string{}
	for _, name := range slices.Sorted(maps.Keys(n.places)) {
		tensor := n.places[name].Tensor
		n.of[tensor] = append(n.of[tensor], name)
	}
	formats := map[string][]format{}
	for name, place := range n.places {
		if module, ok := strings.CutSuffix(name, ".weight"); ok && q != nil && place.Rows < n.shapes[place.Tensor][0] {
			formats[place.Tensor] = append(formats[place.Tensor], q.of(module))
		}
	}
	for name, place := range n.places {
		all := formats[place.Tensor]
		if len(slices.Compact(slices.SortedFunc(slices.Values(all), func(a, b format) int { return cmp.Or(a.bits-b.bits, a.group-b.group) }))) < 2 || place.Rows == n.shapes[place.Tensor][0] {
			continue
		}
		place.Apart, place.Group = true, all[0].group
		for _, f := range all {
			place.Bits, place.Group = max(place.Bits, f.bits), min(place.Group, f.group)
		}
		if slices.ContainsFunc(all, func(f format) bool { return f.bits == 0 }) {
			place.Bits, place.Group = 0, 0
		}
		n.places[name] = place
	}
}

// layer is the prefix of a layer's tensors.
func layer(root string, i int) string { return fmt.Sprintf("%slayers.%d.", root, i) }
