package grammar

import (
	"errors"
	"fmt"
	"slices"
)

// maxMasks is how many sets of allowed tokens are kept for states that come again.
const maxMasks = 64

// Grammar is a schema made ready. It belongs to one goroutine at a time.
type Grammar struct {
	pool  *pool
	start expr
	vocab *Vocabulary
	masks map[expr][]uint32
}

// Compile reads a JSON Schema. What is wrong with it is a *SchemaError.
func Compile(schema []byte, v *Vocabulary) (g *Grammar, err error) {
	defer catch(&err)
	p := newPool()
	start, err := p.compile(schema)
	if err != nil {
		return nil, err
	}
	return &Grammar{pool: p, start: start, vocab: v, masks: map[expr][]uint32{}}, nil
}

// catch turns the panic that ends what takes too long into an error.
func catch(err *error) {
	switch r := recover(); r {
	case nil:
	case errTooMuch:
		*err = &SchemaError{"schema", errTooMuch.Error()}
	default:
		panic(r)
	}
}

// Worn says that much of the room for what is worked out is used: better
// compile the schema anew for the next answer.
func (g *Grammar) Worn() bool { return len(g.pool.nodes) > maxNodes/2 }

// Matcher follows one answer.
type Matcher struct {
	grammar *Grammar
	state   expr
}

// Match starts an answer.
func (g *Grammar) Match() *Matcher { return &Matcher{grammar: g, state: g.start} }

// Allowed is the set of tokens that may come next, a bit each, at least one.
// It must not be changed.
func (m *Matcher) Allowed() (set []uint32, err error) {
	defer catch(&err)
	g := m.grammar
	if set := g.masks[m.state]; set != nil {
		return set, nil
	}
	g.pool.work = 0
	set = make([]uint32, (g.vocab.size+31)/32)
	g.vocab.walk(g.pool, m.state, set)
	if g.pool.nullable(m.state) {
		for _, id := range g.vocab.ends {
			set[id/32] |= 1 << (id % 32)
		}
	}
	if !slices.ContainsFunc(set, func(word uint32) bool { return word != 0 }) {
		return nil, errors.New("the model has no token that could go on with the answer as the schema wants it")
	}
	if len(g.masks) >= maxMasks {
		clear(g.masks)
	}
	g.masks[m.state] = set
	return set, nil
}

// Advance takes the token that was chosen, which must be allowed and not end the text.
func (m *Matcher) Advance(text []byte) (err error) {
	defer catch(&err)
	p := m.grammar.pool
	p.work = 0
	state := m.state
	for _, b := range text {
		if state = p.row(state).at(b); state == none {
			return fmt.Errorf("the token %q breaks the schema", text)
		}
	}
	m.state = state
	return nil
}

// Finished says whether the answer is whole and nothing more may come; a model
// without a token that ends its text is through as soon as it is whole.
func (m *Matcher) Finished() bool {
	p := m.grammar.pool
	return p.nullable(m.state) && (m.state == empty || len(m.grammar.vocab.ends) == 0)
}
