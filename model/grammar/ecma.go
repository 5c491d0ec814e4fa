package grammar

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Patterns are ECMAScript's regular expressions with the flag u, as JSON Schema
// has them, and what Python and Rust write beside that: (?P<name>), \A, \z, \Z
// and (?i) at the beginning.

// pat is a part of a pattern.
type pat interface{}

type (
	patSet    []rune // one character of ranges: from, to, from, to ...
	patSeq    []pat
	patAlt    []pat
	patRepeat struct {
		of       pat
		min, max int // max < 0: any number
	}
	patLook struct {
		of       pat
		negative bool
	}
	patStart    struct{}
	patEnd      struct{}
	patBoundary struct{ not bool }
)

// maxPatternDepth bounds how deep groups nest.
const maxPatternDepth = 100

// patternParser reads a pattern.
type patternParser struct {
	source string // what is left
	fold   bool   // letters stand for both of their cases
	depth  int
	known  map[string]patSet // sets that came before, by their letter and name
}

func parsePattern(source string) (pat, error) {
	p := &patternParser{source: source, known: map[string]patSet{}}
	if rest, ok := strings.CutPrefix(source, "(?i)"); ok {
		p.source, p.fold = rest, true
	}
	out, err := p.alternatives()
	if err == nil && p.source != "" {
		err = errors.New("has a ) too many")
	}
	if err != nil {
		return nil, fmt.Errorf("is no regular expression of ECMAScript's syntax: it %w", err)
	}
	return out, nil
}

func (p *patternParser) accept(text string) bool {
	rest, ok := strings.CutPrefix(p.source, text)
	p.source = rest
	return ok
}

func (p *patternParser) alternatives() (pat, error) {
	if p.depth++; p.depth > maxPatternDepth {
		return nil, fmt.Errorf("has groups nested deeper than %d", maxPatternDepth)
	}
	defer func() { p.depth-- }()
	var out patAlt
	for {
		var seq patSeq
		for p.source != "" && p.source[0] != '|' && p.source[0] != ')' {
			term, err := p.term()
			if err != nil {
				return nil, err
			}
			seq = append(seq, term)
		}
		out = append(out, seq)
		if !p.accept("|") {
			break
		}
	}
	if len(out) == 1 {
		return out[0], nil
	}
	return out, nil
}

func (p *patternParser) term() (pat, error) {
	out, err := p.atom()
	if err != nil {
		return nil, err
	}
	low, high := 1, 1
	switch {
	case p.accept("*"):
		low, high = 0, -1
	case p.accept("+"):
		low, high = 1, -1
	case p.accept("?"):
		low, high = 0, 1
	case strings.HasPrefix(p.source, "{"):
		if low, high, err = p.counts(); err != nil {
			return nil, err
		}
	default:
		return out, nil
	}
	p.accept("?") // what is found is the same whether it is found lazily
	switch out.(type) {
	case patStart, patEnd, patBoundary, patLook:
		return nil, errors.New("repeats an assertion")
	}
	if p.source != "" && strings.IndexByte("*+?{", p.source[0]) >= 0 {
		return nil, errors.New("repeats a repetition")
	}
	return patRepeat{out, low, high}, nil
}

// counts reads {n}, {n,} and {n,m}.
func (p *patternParser) counts() (low, high int, err error) {
	inside, rest, ok := strings.Cut(p.source[1:], "}")
	from, to, isRange := strings.Cut(inside, ",")
	number := func(text string) int {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 || n > 1<<20 || text[0] == '+' {
			ok = false
		}
		return n
	}
	if low = number(from); !isRange {
		high = low
	} else if high = -1; to != "" {
		high = number(to)
	}
	if !ok || high >= 0 && high < low {
		return 0, 0, fmt.Errorf("has %s, want counts such as {2}, {2,} or {2,5} up to %d", clip(p.source[:min(len(p.source), 12)]), 1<<20)
	}
	p.source = rest
	return low, high, nil
}

func (p *patternParser) atom() (pat, error) {
	r, size := utf8.DecodeRuneInString(p.source)
	rest := p.source[size:]
	switch r {
	case '^':
		p.source = rest
		return patStart{}, nil
	case '$':
		p.source = rest
		return patEnd{}, nil
	case '.':
		p.source = rest
		return complement(patSet{'\n', '\n', '\r', '\r', 0x2028, 0x2029}), nil
	case '(':
		return p.group()
	case '[':
		return p.class()
	case '\\':
		return p.escape()
	case '*', '+', '?':
		return nil, fmt.Errorf("repeats nothing with %c", r)
	case '{':
		return nil, errors.New(`has a { that counts nothing, want \{`)
	}
	p.source = rest
	return p.folded(patSet{r, r}), nil
}

func (p *patternParser) group() (pat, error) {
	p.source = p.source[1:]
	look, negative := false, false
	switch {
	case p.accept("?:"):
	case p.accept("?="):
		look = true
	case p.accept("?!"):
		look, negative = true, true
	case strings.HasPrefix(p.source, "?<=") || strings.HasPrefix(p.source, "?<!"):
		return nil, errors.New("looks behind, which is not supported")
	case p.accept("?<") || p.accept("?P<"):
		name, rest, ok := strings.Cut(p.source, ">")
		if !ok || name == "" || strings.ContainsAny(name, "()[]{}|\\") {
			return nil, errors.New("has a group whose name does not end")
		}
		p.source = rest
	case strings.HasPrefix(p.source, "?"):
		return nil, fmt.Errorf("has (%s, which is not supported", clip(p.source[:min(len(p.source), 3)]))
	}
	out, err := p.alternatives()
	if err != nil {
		return nil, err
	}
	if !p.accept(")") {
		return nil, errors.New("has a ( that never ends")
	}
	if look {
		return patLook{out, negative}, nil
	}
	return out, nil
}

// maxRanges bounds the ends of ranges that a class holds before they are put in order: some four times those of Unicode's
// largest properties.
const maxRanges = 1 << 13

// class reads what stands in brackets.
func (p *patternParser) class() (pat, error) {
	p.source = p.source[1:]
	negative := p.accept("^")
	var out patSet
	added := map[*rune]bool{}
	for !p.accept("]") {
		from, isSet, err := p.member()
		if err != nil {
			return nil, err
		}
		if !isSet && len(p.source) > 1 && p.source[0] == '-' && p.source[1] != ']' {
			p.source = p.source[1:]
			to, isSet, err := p.member()
			if err != nil {
				return nil, err
			}
			if isSet || to[0] < from[0] {
				return nil, errors.New("has a range of characters whose end is before its beginning")
			}
			from[1] = to[1]
		}
		if isSet && len(from) > 0 { // the same set again adds nothing
			if added[&from[0]] {
				continue
			}
			added[&from[0]] = true
		}
		if out = append(out, from...); len(out) > maxRanges {
			if out = union(out); len(out) > maxRanges/2 {
				return nil, fmt.Errorf("has a class of more than %d ranges of characters", maxRanges/4)
			}
		}
	}
	if out = p.folded(out); negative {
		return complement(out), nil
	}
	return union(out), nil
}

// member reads one character of a class, or a set such as \d.
func (p *patternParser) member() (_ patSet, isSet bool, err error) {
	if p.source == "" {
		return nil, false, errors.New("has a [ that never ends")
	}
	if p.accept(`\b`) {
		return patSet{'\b', '\b'}, false, nil
	}
	if p.source[0] != '\\' {
		r, size := utf8.DecodeRuneInString(p.source)
		p.source = p.source[size:]
		return patSet{r, r}, false, nil
	}
	if len(p.source) > 1 && strings.IndexByte("dDwWsSpP", p.source[1]) >= 0 {
		set, err := p.set()
		return set, true, err
	}
	r, err := p.character()
	return patSet{r, r}, false, err
}

// escape reads what stands behind a \ outside brackets.
func (p *patternParser) escape() (pat, error) {
	if len(p.source) > 1 {
		switch c := p.source[1]; {
		case c == 'b' || c == 'B':
			p.source = p.source[2:]
			return patBoundary{c == 'B'}, nil
		case c == 'A':
			p.source = p.source[2:]
			return patStart{}, nil
		case c == 'z' || c == 'Z':
			p.source = p.source[2:]
			return patEnd{}, nil
		case strings.IndexByte("dDwWsSpP", c) >= 0:
			return p.set()
		case c >= '1' && c <= '9' || c == 'k':
			return nil, errors.New("refers back to a group, which is not supported")
		}
	}
	r, err := p.character()
	return p.folded(patSet{r, r}), err
}

var (
	wordChars  = patSet{'0', '9', 'A', 'Z', '_', '_', 'a', 'z'}
	digitChars = patSet{'0', '9'}
	spaceChars = patSet{'\t', '\r', ' ', ' ', 0xa0, 0xa0, 0x1680, 0x1680, 0x2000, 0x200a, 0x2028, 0x2029, 0x202f, 0x202f, 0x205f, 0x205f, 0x3000, 0x3000, 0xfeff, 0xfeff}
)

// set reads \d, \w, \s, \p{...} and their opposites.
func (p *patternParser) set() (patSet, error) {
	c := p.source[1]
	p.source = p.source[2:]
	spelt := string(c)
	var table *unicode.RangeTable
	if c|0x20 == 'p' {
		name, rest, ok := strings.Cut(p.source, "}")
		name, open := strings.CutPrefix(name, "{")
		if !ok || !open {
			return nil, fmt.Errorf(`has \%c without a {name}`, c)
		}
		p.source = rest
		if table = property(name); table == nil {
			return nil, fmt.Errorf(`has \%c{%s}, which is not known here`, c, clip(name))
		}
		spelt += name
	}
	if known, ok := p.known[spelt]; ok {
		return known, nil
	}
	var out patSet
	switch c | 0x20 {
	case 'd':
		out = digitChars
	case 'w':
		out = p.folded(wordChars)
	case 's':
		out = spaceChars
	case 'p':
		out = p.folded(ranges(table))
	}
	if c < 'a' {
		out = complement(out)
	}
	p.known[spelt] = out
	return out, nil
}

// property finds one of Unicode's: a category, a script, or some others.
func property(name string) *unicode.RangeTable {
	key, value, isPair := strings.Cut(name, "=")
	if isPair {
		switch key {
		case "Script", "sc", "Script_Extensions", "scx":
			return unicode.Scripts[value]
		case "General_Category", "gc":
			name = value
		default:
			return nil
		}
	}
	if full, ok := unicode.CategoryAliases[name]; ok {
		name = full
	}
	if table := unicode.Categories[name]; table != nil {
		return table
	}
	if isPair {
		return nil
	}
	switch name {
	case "Any":
		return &unicode.RangeTable{R16: []unicode.Range16{{Lo: 0, Hi: 0xffff, Stride: 1}}, R32: []unicode.Range32{{Lo: 0x10000, Hi: unicode.MaxRune, Stride: 1}}}
	case "ASCII":
		return &unicode.RangeTable{R16: []unicode.Range16{{Lo: 0, Hi: 0x7f, Stride: 1}}}
	}
	return unicode.Properties[name]
}

func ranges(t *unicode.RangeTable) (out patSet) {
	add := func(lo, hi, stride rune) {
		if stride == 1 {
			out = append(out, lo, hi)
			return
		}
		for r := lo; r <= hi; r += stride {
			out = append(out, r, r)
		}
	}
	for _, r := range t.R16 {
		add(rune(r.Lo), rune(r.Hi), rune(r.Stride))
	}
	for _, r := range t.R32 {
		add(rune(r.Lo), rune(r.Hi), rune(r.Stride))
	}
	return union(out)
}

// character reads an escape of one character.
func (p *patternParser) character() (rune, error) {
	source := p.source[1:]
	if source == "" {
		return 0, errors.New(`ends in \`)
	}
	c := source[0]
	if i := strings.IndexByte("tnvfr", c); i >= 0 {
		p.source = source[1:]
		return rune("\t\n\v\f\r"[i]), nil
	}
	hex := func(from, to int) (rune, bool) {
		if to > len(source) {
			return 0, false
		}
		n, err := strconv.ParseUint(source[from:to], 16, 32)
		return rune(n), err == nil && n <= unicode.MaxRune
	}
	bad := fmt.Errorf(`has %s, which is no escape`, clip(p.source[:min(len(p.source), 8)]))
	switch {
	case c == 'c' && len(source) > 1 && (source[1]|0x20) >= 'a' && (source[1]|0x20) <= 'z':
		p.source = source[2:]
		return rune(source[1] % 32), nil
	case c == '0' && (len(source) == 1 || source[1] < '0' || source[1] > '9'):
		p.source = source[1:]
		return 0, nil
	case c == 'x':
		r, ok := hex(1, 3)
		if !ok {
			return 0, bad
		}
		p.source = source[3:]
		return r, nil
	case c == 'u' && strings.HasPrefix(source, "u{"):
		end := strings.IndexByte(source, '}')
		r, ok := hex(2, max(end, 2))
		if !ok {
			return 0, bad
		}
		p.source = source[end+1:]
		return r, nil
	case c == 'u':
		r, ok := hex(1, 5)
		if !ok {
			return 0, bad
		}
		p.source = source[5:]
		if r >= 0xd800 && r < 0xdc00 && strings.HasPrefix(p.source, `\u`) {
			source = p.source[1:]
			if low, ok := hex(1, 5); ok && low >= 0xdc00 && low < 0xe000 {
				p.source = source[5:]
				return (r-0xd800)<<10 + low - 0xdc00 + 0x10000, nil
			}
		}
		return r, nil
	case c < utf8.RuneSelf && !(c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z'):
		p.source = source[1:] // punctuation stands for itself
		return rune(c), nil
	}
	return 0, bad
}

// folded adds the other cases of letters, where they count as one.
func (p *patternParser) folded(set patSet) patSet {
	if !p.fold {
		return set
	}
	out := slices.Clone(set)
	for i := 0; i < len(set); i += 2 {
		for r := set[i]; r <= min(set[i+1], 0x1ffff); r++ { // no letter beyond has a case
			for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
				out = append(out, f, f)
			}
		}
	}
	return union(out)
}

// union sorts ranges and joins those that touch.
func union(set patSet) patSet {
	pairs := make([][2]rune, 0, len(set)/2)
	for i := 0; i < len(set); i += 2 {
		pairs = append(pairs, [2]rune{set[i], set[i+1]})
	}
	slices.SortFunc(pairs, func(a, b [2]rune) int { return int(a[0]) - int(b[0]) })
	var out patSet
	for _, p := range pairs {
		if n := len(out); n > 0 && p[0] <= out[n-1]+1 {
			out[n-1] = max(out[n-1], p[1])
		} else {
			out = append(out, p[0], p[1])
		}
	}
	return out
}

func complement(set patSet) patSet {
	var out patSet
	from := rune(0)
	sorted := union(set)
	for i := 0; i < len(sorted); i += 2 {
		if from < sorted[i] {
			out = append(out, from, sorted[i]-1)
		}
		from = sorted[i+1] + 1
	}
	if from <= unicode.MaxRune {
		out = append(out, from, unicode.MaxRune)
	}
	return out
}

// intersection is what is in both sets.
func intersection(a, b patSet) patSet {
	return complement(append(slices.Clone(complement(a)), complement(b)...))
}

// context is what stands before a place in a text.
type context uint8

const (
	atStart    context = iota // nothing
	afterWord                 // a word's character
	afterOther                // any other
	contexts
)

// rest says what must follow a part, by what stands before it then.
type rest func(context) expr

// once makes a rest that is worked out once.
func once(f rest) rest {
	var known [contexts]bool
	var is [contexts]expr
	return func(c context) expr {
		if !known[c] {
			is[c], known[c] = f(c), true
		}
		return is[c]
	}
}

// errRepeatedAssertion is panicked with where an assertion stands in what may be repeated without end.
var errRepeatedAssertion = errors.New(`has \b, ^, $ or a look-ahead within a repetition, which is not supported`)

// pattern matches the inside of JSON strings in which a pattern is found. It may
// lead nowhere, so that it goes through both.
func (p *pool) pattern(source string) (out expr, err error) {
	parsed, err := parsePattern(source)
	if err != nil {
		return none, err
	}
	defer func() {
		switch r := recover(); r {
		case nil:
		case errRepeatedAssertion:
			out, err = none, errRepeatedAssertion
		default:
			panic(r)
		}
	}()
	after := func(context) expr { return p.anything() }
	whole := p.follow(parsed, atStart, after)
	word, other := p.follow(parsed, afterWord, after), p.follow(parsed, afterOther, after)
	if whole == word && word == other {
		return p.join(p.anything(), whole), nil
	}
	if word == other {
		return p.or(whole, p.cat(p.anything(), p.oneOf(complement(nil)), word)), nil
	}
	return p.or(whole, p.cat(p.anything(), p.oneOf(wordChars), word), p.cat(p.anything(), p.oneOf(complement(wordChars)), other)), nil
}

func (p *pool) anything() expr { return p.repeat(p.among(0, unicode.MaxRune), 0, -1) }

// oneOf matches one character of a set.
func (p *pool) oneOf(set patSet) expr {
	var parts []expr
	for i := 0; i < len(set); i += 2 {
		parts = append(parts, p.among(set[i], set[i+1]))
	}
	return p.or(parts...)
}

// follow matches a part of a pattern that stands in a context, and what follows it.
func (p *pool) follow(part pat, c context, after rest) expr {
	p.spend(1)
	switch n := part.(type) {
	case patSet:
		word, other := after(afterWord), after(afterOther)
		if word == other {
			return p.join(p.oneOf(n), word)
		}
		return p.or(p.join(p.oneOf(intersection(n, wordChars)), word), p.join(p.oneOf(intersection(n, complement(wordChars))), other))
	case patSeq:
		for _, part := range slices.Backward(n) {
			next := after
			after = once(func(c context) expr { return p.follow(part, c, next) })
		}
		return after(c)
	case patAlt:
		var parts []expr
		for _, part := range n {
			parts = append(parts, p.follow(part, c, after))
		}
		return p.or(parts...)
	case patRepeat:
		return p.followRepeat(n, c, after)
	case patLook:
		ahead := p.follow(n.of, c, func(context) expr { return p.anything() })
		if n.negative {
			ahead = p.not(ahead)
		}
		return p.and(after(c), ahead)
	case patStart:
		if c == atStart {
			return after(c)
		}
		return none
	case patEnd:
		if p.nullable(after(c)) {
			return empty
		}
		return none
	case patBoundary:
		begins := p.join(p.oneOf(wordChars), p.anything())
		if (c == afterWord) != n.not { // no word goes on
			begins = p.option(p.join(p.oneOf(complement(wordChars)), p.anything()))
		}
		return p.and(after(c), begins)
	}
	panic(fmt.Sprintf("no such part of a pattern: %T", part))
}

func (p *pool) followRepeat(n patRepeat, c context, after rest) expr {
	if asserts(n.of) {
		if n.max < 0 {
			return p.followTempered(n, c, after)
		}
		if n.max > 64 {
			panic(errRepeatedAssertion)
		}
		return p.followTimes(n, 0, c, after)
	}
	body := p.repeat(p.follow(n.of, afterOther, func(context) expr { return empty }), n.min, n.max)
	word, other, here := after(afterWord), after(afterOther), after(c)
	if word == other && (here == word || !p.nullable(body)) {
		return p.join(body, word)
	}
	out := none
	if p.nullable(body) {
		out = here
	}
	if word == other {
		filled := p.and(body, p.join(p.oneOf(complement(nil)), p.anything()))
		return p.or(out, p.join(filled, word))
	}
	ends := func(set patSet) expr { return p.and(body, p.join(p.anything(), p.oneOf(set))) }
	return p.or(out, p.join(ends(wordChars), word), p.join(ends(complement(wordChars)), other))
}

// followTimes matches what is left of a counted repetition, done times so far.
func (p *pool) followTimes(n patRepeat, done int, c context, after rest) expr {
	out := none
	if done >= n.min {
		out = after(c)
	}
	if done == n.max {
		return out
	}
	return p.or(out, p.follow(n.of, c, once(func(c context) expr { return p.followTimes(n, done+1, c, after) })))
}

// followTempered matches (?:(?!x)c)* at a text's end, which is how people write
// that x comes nowhere.
func (p *pool) followTempered(n patRepeat, c context, after rest) expr {
	seq, ok := n.of.(patSeq)
	if !ok || len(seq) != 2 {
		panic(errRepeatedAssertion)
	}
	look, isLook := seq[0].(patLook)
	set, isSet := seq[1].(patSet)
	for c := range contexts {
		ok = ok && (after(c) == empty || after(c) == none) && after(c) == after(0)
	}
	if !isLook || !look.negative || !isSet || asserts(look.of) || !ok {
		panic(errRepeatedAssertion)
	}
	if after(c) == none {
		return none
	}
	ahead := p.follow(look.of, c, func(context) expr { return p.anything() })
	body := p.repeat(p.oneOf(set), n.min, -1)
	if p.nullable(ahead) { // which nothing can stand before
		return p.and(body, empty)
	}
	return p.and(body, p.not(p.join(p.anything(), ahead)))
}

// asserts tells whether a part looks at what stands around it.
func asserts(part pat) bool {
	switch n := part.(type) {
	case patSeq:
		return slices.ContainsFunc(n, asserts)
	case patAlt:
		return slices.ContainsFunc(n, asserts)
	case patRepeat:
		return asserts(n.of)
	case patSet:
		return false
	}
	return true
}
