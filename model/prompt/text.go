package prompt

import (
	"iter"
	"sort"
	"strings"
	"unicode/utf8"
)

// str is a string that remembers which of its bytes were said: they come from
// the conversation, and not from the template. The mark stays with the bytes
// through every filter, method and concatenation, as Markup's does in Jinja, but
// byte by byte: templates write control tokens and contents in one expression.
type str struct {
	s    string
	said []span // in order, neither empty nor touching
}

// span is the bytes from a place up to another.
type span struct{ from, to int }

// spanCost is what a span takes in memory.
const spanCost = 16

func plain(s string) str { return str{s: s} }

func said(s string) str {
	if s == "" {
		return str{}
	}
	return str{s, []span{{0, len(s)}}}
}

// like is a text in the place of t, and said if any of t was.
func (t str) like(s string) str {
	if len(t.said) > 0 {
		return said(s)
	}
	return plain(s)
}

// size is the memory that a string takes.
func (t str) size() int { return len(t.s) + spanCost*len(t.said) }

// cut is the bytes from a place up to another.
func (t str) cut(from, to int) str {
	out := str{s: t.s[from:to]}
	first := sort.Search(len(t.said), func(i int) bool { return t.said[i].to > from })
	for _, s := range t.said[first:] {
		if s.from >= to {
			break
		}
		out.said = append(out.said, span{max(s.from, from) - from, min(s.to, to) - from})
	}
	return out
}

// trim takes the characters of a set from its ends.
func (t str) trim(left, right bool, in func(rune) bool) str {
	from, to := 0, len(t.s)
	if left {
		from = to - len(strings.TrimLeftFunc(t.s, in))
	}
	if right {
		to = max(from, len(strings.TrimRightFunc(t.s, in)))
	}
	return t.cut(from, to)
}

// rewrite puts a text in the place of every character.
func (t str) rewrite(f func(runes []rune, i int) string) str {
	var w writer
	runes := []rune(t.s)
	at, next := 0, 0
	for i, r := range runes {
		for next < len(t.said) && t.said[next].to <= at {
			next++
		}
		w.put(f(runes, i), next < len(t.said) && t.said[next].from <= at)
		at += runeLen(t.s[at:], r)
	}
	return w.str()
}

// runeLen is how many bytes the first character takes, a broken one included.
func runeLen(s string, r rune) int {
	if r == utf8.RuneError {
		_, size := utf8.DecodeRuneInString(s)
		return size
	}
	return utf8.RuneLen(r)
}

// chars is the string's characters.
func (t str) chars() []any {
	out := make([]any, 0, utf8.RuneCountInString(t.s))
	for at := 0; at < len(t.s); {
		_, size := utf8.DecodeRuneInString(t.s[at:])
		out = append(out, t.cut(at, at+size))
		at += size
	}
	return out
}

// writer puts a str together.
type writer struct {
	b    strings.Builder
	said []span
}

func (w *writer) size() int { return w.b.Len() + spanCost*len(w.said) }

func (w *writer) str() str { return str{w.b.String(), w.said} }

func (w *writer) add(t str) {
	at := w.b.Len()
	for _, s := range t.said {
		w.mark(at+s.from, at+s.to)
	}
	w.b.WriteString(t.s)
}

// put adds a text that was said or was not.
func (w *writer) put(s string, said bool) {
	if said && s != "" {
		w.mark(w.b.Len(), w.b.Len()+len(s))
	}
	w.b.WriteString(s)
}

// mark says that the bytes from a place on were said.
func (w *writer) mark(from, to int) {
	for n := len(w.said); n > 0 && w.said[n-1].to >= from; n = len(w.said) {
		from, to = min(from, w.said[n-1].from), max(to, w.said[n-1].to)
		w.said = w.said[:n-1]
	}
	w.said = append(w.said, span{from, to})
}

// container marks all that was written since a place if any of it was said: the
// brackets around what a client sent are the client's.
func (w *writer) container(from int) {
	if n := len(w.said); n > 0 && w.said[n-1].to > from {
		w.mark(from, w.b.Len())
	}
}

// Text is a rendered conversation.
type Text struct{ str }

func (t Text) String() string { return t.s }

// Pieces are the text's stretches in order, and whether each was said: whether
// it comes from the conversation, so that what looks like a control token in it
// is none. What the template wrote itself was not.
func (t Text) Pieces() iter.Seq2[string, bool] {
	return func(yield func(string, bool) bool) {
		at := 0
		for _, s := range t.said {
			if at < s.from && !yield(t.s[at:s.from], false) || !yield(t.s[s.from:s.to], true) {
				return
			}
			at = s.to
		}
		if at < len(t.s) {
			yield(t.s[at:], false)
		}
	}
}
