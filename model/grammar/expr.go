package grammar

import (
	"errors"
	"math/bits"
	"slices"
)

// expr is an expression's number in its pool. Equal expressions are one.
type expr uint32

const (
	none  expr = iota // matches nothing
	empty             // matches the empty text
)

type kind uint8

const (
	kindNone    kind = iota
	kindEmpty        //
	kindLiteral      // text
	kindClass        // one byte of set
	kindCat          // a, then b; a is no kindCat
	kindOr           // one of list, sorted, at least two
	kindAnd          // both a and b
	kindNot          // whatever a does not; only within kindAnd
	kindRepeat       // a, min to max times; max < 0: any number above
	kindRef          // the definition of number min
)

type node struct {
	kind     kind
	nullable bool // matches the empty text
	mixed    bool // holds a kindAnd, so that it may lead nowhere
	a, b     expr
	min, max int32
	text     string
	list     []expr
	set      *byteSet
	row      *row // derivatives; nil until they are asked for
}

// row holds an expression's derivatives by every byte.
type row struct {
	class *[256]uint8 // shared by rows that tell the same bytes apart
	next  []expr      // by class
}

func (r *row) at(b byte) expr { return r.next[r.class[b]] }

type byteSet [4]uint64

func (s *byteSet) add(lo, hi byte) {
	for b := int(lo); b <= int(hi); b++ {
		s[b/64] |= 1 << (b % 64)
	}
}

// Bounds on what a schema may cost.
const (
	maxNodes        = 1 << 18 // expressions of one grammar
	maxAlternatives = 1 << 14 // that one text may be the beginning of
	maxWork         = 1 << 24 // alternatives looked at for one token
	maxExplored     = 1 << 15 // states of a pattern with other constraints
)

// errTooMuch ends what would take too long; it is panicked with and caught at
// the package's surface.
var errTooMuch = errors.New("allows too many ways to go on: make it smaller or less ambiguous")

// pool holds the expressions of one grammar.
type pool struct {
	nodes    []node
	literals map[string]expr
	classes  map[byteSet]expr
	cats     map[[2]expr]expr
	ands     map[[2]expr]expr
	nots     map[expr]expr
	ors      map[string]expr
	repeats  map[[3]int64]expr
	partings map[[256]uint8]*[256]uint8
	defs     []expr // bodies of references
	dead     map[expr]bool
	work     int
}

func newPool() *pool {
	return &pool{
		nodes:    []node{{kind: kindNone}, {kind: kindEmpty, nullable: true}},
		literals: map[string]expr{}, classes: map[byteSet]expr{}, cats: map[[2]expr]expr{}, ands: map[[2]expr]expr{}, nots: map[expr]expr{},
		ors: map[string]expr{}, repeats: map[[3]int64]expr{}, partings: map[[256]uint8]*[256]uint8{}, dead: map[expr]bool{},
	}
}

func (p *pool) add(n node) expr {
	if len(p.nodes) >= maxNodes {
		panic(errTooMuch)
	}
	switch n.kind {
	case kindAnd, kindNot:
		n.mixed = true
	case kindCat, kindRepeat:
		n.mixed = p.nodes[n.a].mixed || p.nodes[n.b].mixed
	case kindOr:
		n.mixed = slices.ContainsFunc(n.list, func(e expr) bool { return p.nodes[e].mixed })
	}
	p.nodes = append(p.nodes, n)
	return expr(len(p.nodes) - 1)
}

func (p *pool) spend(n int) {
	if p.work += n; p.work > maxWork {
		panic(errTooMuch)
	}
}

func (p *pool) nullable(e expr) bool { return p.nodes[e].nullable }

func (p *pool) literal(text string) expr {
	if text == "" {
		return empty
	}
	e, ok := p.literals[text]
	if !ok {
		e = p.add(node{kind: kindLiteral, text: text})
		p.literals[text] = e
	}
	return e
}

func (p *pool) class(set byteSet) expr {
	if set == (byteSet{}) {
		return none
	}
	e, ok := p.classes[set]
	if !ok {
		e = p.add(node{kind: kindClass, set: &set})
		p.classes[set] = e
	}
	return e
}

func (p *pool) bytes(lo, hi byte) expr {
	var set byteSet
	set.add(lo, hi)
	return p.class(set)
}

// cat matches the parts one after another.
func (p *pool) cat(parts ...expr) expr {
	out := empty
	for _, e := range slices.Backward(parts) {
		out = p.join(e, out)
	}
	return out
}

func (p *pool) join(a, b expr) expr {
	switch {
	case a == none || b == none:
		return none
	case a == empty:
		return b
	case b == empty:
		return a
	}
	if n := p.nodes[a]; n.kind == kindCat {
		return p.join(n.a, p.join(n.b, b))
	}
	key := [2]expr{a, b}
	e, ok := p.cats[key]
	if !ok {
		e = p.add(node{kind: kindCat, a: a, b: b, nullable: p.nullable(a) && p.nullable(b)})
		p.cats[key] = e
	}
	return e
}

// or matches any of the alternatives. Those that begin alike are taken
// together, so that nesting does not multiply them.
func (p *pool) or(alternatives ...expr) expr {
	list := make([]expr, 0, len(alternatives))
	for _, e := range alternatives {
		switch n := &p.nodes[e]; n.kind {
		case kindNone:
		case kindOr:
			list = append(list, n.list...)
		default:
			list = append(list, e)
		}
	}
	p.spend(len(list))
	head := func(e expr) expr {
		if n := &p.nodes[e]; n.kind == kindCat {
			return n.a
		}
		return e
	}
	tail := func(e expr) expr {
		if n := &p.nodes[e]; n.kind == kindCat {
			return n.b
		}
		return empty
	}
	slices.SortFunc(list, func(a, b expr) int {
		if h, i := head(a), head(b); h != i {
			return int(h) - int(i)
		}
		return int(a) - int(b)
	})
	list = slices.Compact(list)
	merged := list[:0]
	for i := 0; i < len(list); {
		j := i + 1
		for j < len(list) && head(list[j]) == head(list[i]) {
			j++
		}
		if j == i+1 || head(list[i]) == empty {
			merged = append(merged, list[i])
		} else {
			tails := make([]expr, 0, j-i)
			for _, e := range list[i:j] {
				tails = append(tails, tail(e))
			}
			merged = append(merged, p.join(head(list[i]), p.or(tails...)))
		}
		i = j
	}
	switch len(merged) {
	case 0:
		return none
	case 1:
		return merged[0]
	}
	if len(merged) > maxAlternatives {
		panic(errTooMuch)
	}
	slices.Sort(merged)
	key := make([]byte, 0, 4*len(merged))
	nullable := false
	for _, e := range merged {
		key = append(key, byte(e), byte(e>>8), byte(e>>16), byte(e>>24))
		nullable = nullable || p.nullable(e)
	}
	e, ok := p.ors[string(key)]
	if !ok {
		e = p.add(node{kind: kindOr, list: slices.Clone(merged), nullable: nullable})
		p.ors[string(key)] = e
	}
	return e
}

func (p *pool) option(e expr) expr { return p.or(empty, e) }

// and matches what both match. What it becomes a part of goes through both,
// which sees to it that it stays live.
func (p *pool) and(a, b expr) expr {
	switch {
	case a == none || b == none:
		return none
	case a == b, b == p.not(none):
		return a
	case a == p.not(none):
		return b
	case a == empty || b == empty:
		if p.nullable(a) && p.nullable(b) {
			return empty
		}
		return none
	}
	key := [2]expr{min(a, b), max(a, b)}
	e, ok := p.ands[key]
	if !ok {
		e = p.add(node{kind: kindAnd, a: key[0], b: key[1], nullable: p.nullable(a) && p.nullable(b)})
		p.ands[key] = e
	}
	if p.dead[e] {
		return none
	}
	return e
}

// not matches whatever e does not, text or no text. It is only a part of an
// and, whose other part says what of that is text.
func (p *pool) not(e expr) expr {
	if n := &p.nodes[e]; n.kind == kindNot {
		return n.a
	}
	out, ok := p.nots[e]
	if !ok {
		out = p.add(node{kind: kindNot, a: e, nullable: !p.nullable(e)})
		p.nots[e] = out
	}
	return out
}

// repeat matches e low to high times; high < 0: any number above low.
func (p *pool) repeat(e expr, low, high int) expr {
	if p.nullable(e) {
		low = 0
	}
	switch {
	case high >= 0 && high < low:
		return none
	case high == 0 || e == empty || e == none && low == 0:
		return empty
	case e == none:
		return none
	case low == 1 && high == 1:
		return e
	}
	high = max(high, -1)
	key := [3]int64{int64(e), int64(low), int64(high)}
	out, ok := p.repeats[key]
	if !ok {
		out = p.add(node{kind: kindRepeat, a: e, min: int32(low), max: int32(high), nullable: low == 0})
		p.repeats[key] = out
	}
	return out
}

// ref makes a reference whose body is set later by define. Bodies never match
// the empty text.
func (p *pool) ref() expr {
	p.defs = append(p.defs, none)
	return p.add(node{kind: kindRef, min: int32(len(p.defs) - 1)})
}

func (p *pool) define(ref, body expr) { p.defs[p.nodes[ref].min] = body }

// row returns the derivatives of e.
func (p *pool) row(e expr) *row {
	if r := p.nodes[e].row; r != nil {
		return r
	}
	var next [256]expr
	p.derive(e, &next)
	r := p.pack(&next)
	p.nodes[e].row = r
	return r
}

func (p *pool) derive(e expr, next *[256]expr) {
	n := p.nodes[e]
	p.spend(1)
	switch n.kind {
	case kindLiteral:
		next[n.text[0]] = p.literal(n.text[1:])
	case kindClass:
		for w, word := range n.set {
			for ; word != 0; word &= word - 1 {
				next[64*w+bits.TrailingZeros64(word)] = empty
			}
		}
	case kindCat:
		p.after(p.row(n.a), n.b, next)
		if p.nullable(n.a) {
			p.merge(next, p.row(n.b))
		}
	case kindOr:
		p.alternatives(n.list, next)
	case kindAnd:
		a, b := p.row(n.a), p.row(n.b)
		for c := range next {
			if a.at(byte(c)) != none && b.at(byte(c)) != none {
				next[c] = p.and(a.at(byte(c)), b.at(byte(c)))
			}
		}
	case kindNot:
		r := p.row(n.a)
		opposite := make([]expr, len(r.next))
		for i, e := range r.next {
			opposite[i] = p.not(e)
		}
		for c := range next {
			next[c] = opposite[r.class[c]]
		}
	case kindRepeat:
		high := int(n.max)
		if high > 0 {
			high--
		}
		p.after(p.row(n.a), p.repeat(n.a, max(int(n.min)-1, 0), high), next)
	case kindRef:
		r := p.row(p.defs[n.min])
		for c := range next {
			next[c] = r.at(byte(c))
		}
	}
}

// after sets next to r's derivatives, each followed by e.
func (p *pool) after(r *row, e expr, next *[256]expr) {
	joined := make([]expr, len(r.next))
	for i, first := range r.next {
		joined[i] = p.join(first, e)
	}
	for c := range next {
		next[c] = joined[r.class[c]]
	}
}

func (p *pool) merge(next *[256]expr, r *row) {
	for c := range next {
		if other := r.at(byte(c)); other != none {
			next[c] = p.or(next[c], other)
		}
	}
}

// alternatives sets next to the derivatives of any of the list. Bytes that no
// alternative tells apart are worked out once.
func (p *pool) alternatives(list []expr, next *[256]expr) {
	p.spend(len(list))
	var by [256][]expr
	for _, e := range list {
		r := p.row(e)
		for c := range by {
			if d := r.at(byte(c)); d != none {
				by[c] = append(by[c], d)
			}
		}
	}
	for c := range by {
		switch {
		case len(by[c]) == 0:
		case c > 0 && slices.Equal(by[c], by[c-1]):
			next[c] = next[c-1]
		default:
			next[c] = p.or(by[c]...)
		}
	}
}

func (p *pool) pack(next *[256]expr) *row {
	r := &row{}
	var class [256]uint8
	for c, e := range next {
		i := slices.Index(r.next, e)
		if i < 0 {
			i = len(r.next)
			r.next = append(r.next, e)
		}
		class[c] = uint8(i) // at most 256 of them
	}
	shared := p.partings[class]
	if shared == nil {
		shared = &class
		p.partings[class] = shared
	}
	r.class = shared
	r.next = slices.Clip(r.next)
	return r
}

// both matches what all of the expressions match, and nothing that leads
// nowhere: its states are worked out at once, and those from which no end can
// be reached are struck out.
func (p *pool) both(list ...expr) expr {
	out := list[0]
	for _, e := range list[1:] {
		out = p.and(out, e)
	}
	return p.trim(out)
}

func (p *pool) trim(start expr) expr {
	if !p.nodes[start].mixed {
		return start
	}
	before := map[expr][]expr{}
	seen := map[expr]bool{start: true}
	var live []expr
	for queue := []expr{start}; len(queue) > 0; {
		e := queue[0]
		queue = queue[1:]
		if p.nullable(e) {
			live = append(live, e)
		}
		for _, next := range p.row(e).next {
			if next == none {
				continue
			}
			before[next] = append(before[next], e)
			if !seen[next] {
				if seen[next] = true; len(seen) > maxExplored {
					panic(errTooMuch)
				}
				queue = append(queue, next)
			}
		}
	}
	reached := map[expr]bool{}
	for len(live) > 0 {
		e := live[len(live)-1]
		live = live[:len(live)-1]
		if !reached[e] {
			reached[e] = true
			live = append(live, before[e]...)
		}
	}
	for e := range seen {
		if !reached[e] {
			p.dead[e] = true
			continue
		}
		r := p.nodes[e].row
		for i, next := range r.next {
			if seen[next] && !reached[next] {
				r.next[i] = none
			}
		}
	}
	if !reached[start] {
		return none
	}
	return start
}
