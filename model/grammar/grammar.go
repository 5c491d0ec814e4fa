package grammar

import (
	"errors"
	"fmt"
	"slices"
)

// maxMasks is how many sets of allowed tokens are kept for states that come again.
const maxMasks = 64

// Grammar is an Answer made ready. It belongs to one goroutine at a time.
type Grammar struct {
	pool  *pool
	start expr
	vocab *Vocabulary
	masks map[expr][]uint32

	thought expr // the beginning of an answer that is still within its thought; none where that may take as long as it likes
	forced  expr // what follows once it has had its tokens
	budget  int
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
// compile the schema again for the next answer.
func (g *Grammar) Worn() bool { return len(g.pool.nodes) > maxNodes/2 }

// Matcher follows one answer.
type Matcher struct {
	grammar *Grammar
	state   expr
	thought expr // where the thought stands; none: it is over
	tokens  int  // so far
}

// Match starts an answer.
func (g *Grammar) Match() *Matcher {
	m := &Matcher{grammar: g, state: g.start, thought: g.thought}
	m.limit()
	return m
}

// limit ends a thought that has had its tokens.
func (m *Matcher) limit() {
	if g := m.grammar; m.thought != none && g.pool.nullable(m.thought) && m.tokens >= g.budget {
		m.state, m.thought = g.forced, none
	}
}

// Take takes the token that was chosen, which must be allowed and not end the text.
func (m *Matcher) Take(id uint32) error {
	if err := m.Advance(m.grammar.vocab.token(id)); err != nil {
		return err
	}
	m.tokens++
	m.limit()
	return nil
}

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

// Advance takes the text of a token.
func (m *Matcher) Advance(text []byte) (err error) {
	defer catch(&err)
	p := m.grammar.pool
	p.work = 0
	state := m.state
	for _, b := range text {
		if state = p.row(state).at(b); state == none {
			return fmt.Errorf("the token %q breaks the schema", text)
		}
		if m.thought != none {
			m.thought = p.row(m.thought).at(b)
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
