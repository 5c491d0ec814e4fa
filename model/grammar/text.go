package grammar

import (
	"fmt"
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

// quoted is a text as a JSON string, with the escapes that JSON needs and no others.
func quoted(text string) string {
	const short = "\"\\\b\f\n\r\t"
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range text {
		if i := strings.IndexRune(short, r); i >= 0 {
			b.WriteByte('\\')
			b.WriteByte(`"\bfnrt`[i])
		} else if r < 0x20 {
			fmt.Fprintf(&b, `\u%04x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
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
