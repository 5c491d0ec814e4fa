package grammar

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// raw matches one character from lo to hi that stands in a JSON string as it is.
func (p *pool) raw(lo, hi rune) expr {
	var parts []expr
	for _, block := range [][2]rune{
		{0x20, 0x21}, {0x23, 0x5b}, {0x5d, 0x7f}, // all of ASCII but controls, " and \
		{0x80, 0x7ff}, {0x800, 0xd7ff}, {0xe000, 0xffff}, {0x10000, 0x10ffff},
	} {
		if from, to := max(lo, block[0]), min(hi, block[1]); from <= to {
			parts = append(parts, p.sequence([]byte(string(from)), []byte(string(to))))
		}
	}
	return p.or(parts...)
}

// sequence matches the UTF-8 of the characters from lo to hi, which have the same length.
func (p *pool) sequence(lo, hi []byte) expr {
	if len(lo) == 0 {
		return empty
	}
	all := func(text []byte, b byte) bool {
		for _, c := range text {
			if c != b {
				return false
			}
		}
		return true
	}
	if lo[0] == hi[0] {
		return p.join(p.bytes(lo[0], lo[0]), p.sequence(lo[1:], hi[1:]))
	}
	least, most := []byte{0x80, 0x80, 0x80}[:len(lo)-1], []byte{0xbf, 0xbf, 0xbf}[:len(lo)-1]
	var parts []expr
	from, to := lo[0], hi[0]
	if !all(lo[1:], 0x80) {
		parts = append(parts, p.join(p.bytes(from, from), p.sequence(lo[1:], most)))
		from++
	}
	if !all(hi[1:], 0xbf) {
		parts = append(parts, p.join(p.bytes(to, to), p.sequence(least, hi[1:])))
		to--
	}
	if from <= to {
		parts = append(parts, p.join(p.bytes(from, to), p.sequence(least, most)))
	}
	return p.or(parts...)
}

// char matches one character of a JSON string in any spelling, but for halves
// of surrogate pairs.
func (p *pool) char() expr {
	var simple, hex, low byteSet
	for _, c := range []byte(`"\/bfnrt`) {
		simple.add(c, c)
	}
	hex.add('0', '9')
	hex.add('a', 'f')
	hex.add('A', 'F')
	low.add('0', '7')
	first := hex
	first['d'/64] &^= 1<<('d'%64) | 1<<('D'%64)
	var d byteSet
	d.add('d', 'd')
	d.add('D', 'D')
	digit := p.class(hex)
	return p.or(
		p.raw(0, unicode.MaxRune),
		p.cat(p.literal(`\`), p.class(simple)),
		p.cat(p.literal(`\u`), p.or(p.cat(p.class(first), digit), p.cat(p.class(d), p.class(low))), digit, digit),
	)
}

// exactly matches a character in the one spelling that JSON needs.
func (p *pool) exactly(r rune) expr {
	spelt := quoted(string(r))
	return p.literal(spelt[1 : len(spelt)-1])
}

// quoted is a text as a JSON string.
func quoted(text string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(text); err != nil {
		panic(err) // a string always has an encoding
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// among matches one character from lo to hi, in the one spelling that JSON needs.
func (p *pool) among(lo, hi rune) expr {
	parts := []expr{p.raw(lo, hi)}
	for r := lo; r <= hi && r <= '\\'; r++ {
		if r < 0x20 || r == '"' || r == '\\' {
			parts = append(parts, p.exactly(r))
		}
	}
	return p.or(parts...)
}

// pattern matches the inside of JSON strings that a regular expression finds a match in.
func (p *pool) pattern(source string) (expr, error) {
	re, err := syntax.Parse(source, syntax.Perl)
	if err != nil {
		return none, fmt.Errorf("is no regular expression of RE2's syntax: %s", clip(strings.TrimPrefix(err.Error(), "error parsing regexp: ")))
	}
	return p.unanchored(re)
}

func (p *pool) anything() expr { return p.repeat(p.among(0, unicode.MaxRune), 0, -1) }

// unanchored matches all texts that have a match of re anywhere.
func (p *pool) unanchored(re *syntax.Regexp) (expr, error) {
	switch re.Op {
	case syntax.OpCapture:
		return p.unanchored(re.Sub[0])
	case syntax.OpAlternate:
		var parts []expr
		for _, sub := range re.Sub {
			part, err := p.unanchored(sub)
			if err != nil {
				return none, err
			}
			parts = append(parts, part)
		}
		return p.or(parts...), nil
	}
	subs := []*syntax.Regexp{re}
	if re.Op == syntax.OpConcat {
		subs = re.Sub
	}
	before, after := p.anything(), p.anything()
	for len(subs) > 0 && subs[0].Op == syntax.OpBeginText {
		before, subs = empty, subs[1:]
	}
	for len(subs) > 0 && subs[len(subs)-1].Op == syntax.OpEndText {
		after, subs = empty, subs[:len(subs)-1]
	}
	parts := []expr{before}
	for _, sub := range subs {
		part, err := p.regexp(sub)
		if err != nil {
			return none, err
		}
		parts = append(parts, part)
	}
	return p.cat(append(parts, after)...), nil
}

func (p *pool) regexp(re *syntax.Regexp) (expr, error) {
	var subs []expr
	for _, sub := range re.Sub {
		e, err := p.regexp(sub)
		if err != nil {
			return none, err
		}
		subs = append(subs, e)
	}
	switch re.Op {
	case syntax.OpNoMatch:
		return none, nil
	case syntax.OpEmptyMatch:
		return empty, nil
	case syntax.OpLiteral:
		for _, r := range re.Rune {
			one := p.among(r, r)
			if re.Flags&syntax.FoldCase != 0 {
				for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
					one = p.or(one, p.among(f, f))
				}
			}
			subs = append(subs, one)
		}
		return p.cat(subs...), nil
	case syntax.OpCharClass:
		for i := 0; i < len(re.Rune); i += 2 {
			subs = append(subs, p.among(re.Rune[i], re.Rune[i+1]))
		}
		return p.or(subs...), nil
	case syntax.OpAnyChar:
		return p.among(0, unicode.MaxRune), nil
	case syntax.OpAnyCharNotNL:
		// All of ECMAScript's line ends, which are more than RE2's.
		return p.or(p.among(0, '\n'-1), p.among('\n'+1, '\r'-1), p.among('\r'+1, 0x2027), p.among(0x202a, unicode.MaxRune)), nil
	case syntax.OpCapture:
		return subs[0], nil
	case syntax.OpConcat:
		return p.cat(subs...), nil
	case syntax.OpAlternate:
		return p.or(subs...), nil
	case syntax.OpStar:
		return p.repeat(subs[0], 0, -1), nil
	case syntax.OpPlus:
		return p.repeat(subs[0], 1, -1), nil
	case syntax.OpQuest:
		return p.option(subs[0]), nil
	case syntax.OpRepeat:
		return p.repeat(subs[0], re.Min, re.Max), nil
	case syntax.OpBeginText, syntax.OpEndText:
		return none, errors.New("has ^ or $ in its midst, want them at its ends alone")
	case syntax.OpBeginLine, syntax.OpEndLine:
		return none, errors.New("has anchors at lines, which are not supported")
	case syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return none, errors.New(`has \b or \B, which are not supported`)
	}
	return none, fmt.Errorf("has %s, which is not supported", re.Op)
}

// key matches a property's name, quoted, that is none of those given. It is
// spelt without escapes, so that no other spelling of those slips through.
func (p *pool) key(except []string) expr {
	root := &names{}
	for _, name := range except {
		at := root
		for _, r := range name {
			if at.next == nil {
				at.next = map[rune]*names{}
			}
			if at.next[r] == nil {
				at.next[r] = &names{}
				at.order = append(at.order, r)
			}
			at = at.next[r]
		}
		at.whole = true
	}
	return p.cat(p.literal(`"`), p.others(root), p.literal(`"`))
}

// names is a trie of property names.
type names struct {
	next  map[rune]*names
	order []rune
	whole bool
}

// others matches what may follow so that no whole name results.
func (p *pool) others(n *names) expr {
	rest := p.repeat(p.raw(0, unicode.MaxRune), 0, -1)
	var parts []expr
	if !n.whole {
		parts = append(parts, empty)
	}
	for _, r := range n.order {
		parts = append(parts, p.join(p.raw(r, r), p.others(n.next[r])))
	}
	from := rune(0)
	for _, r := range slices.Sorted(slices.Values(n.order)) {
		if from < r {
			parts = append(parts, p.join(p.raw(from, r-1), rest))
		}
		from = r + 1
	}
	parts = append(parts, p.join(p.raw(from, unicode.MaxRune), rest))
	return p.or(parts...)
}

// clip keeps what a schema says from filling an error message.
func clip(s string) string {
	const most = 80
	if len(s) <= most {
		return s
	}
	cut := most
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}
