package tokenizer

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// addedToken is an entry of added_tokens: text that is a token wherever it
// stands, before any merging.
type addedToken struct {
	ID         uint64 `json:"id"`
	Content    string `json:"content"`
	SingleWord bool   `json:"single_word"` // not within a word
	LStrip     bool   `json:"lstrip"`      // eats the white space before it
	RStrip     bool   `json:"rstrip"`      // eats the white space after it
	Normalized bool   `json:"normalized"`  // looked for in the normalized text
	Special    bool   `json:"special"`     // decoding may skip it
}

// controls says whether a token is the template's alone: a special one, or one
// that is spelt with more than letters, digits and spaces, such as <think>. The
// others, runs of spaces above all, are words of the vocabulary like any other.
func (t *addedToken) controls() bool {
	return t.Special || utf8.RuneCountInString(t.Content) > 1 && strings.IndexFunc(t.Content, func(r rune) bool {
		return !unicode.In(r, unicode.L, unicode.M, unicode.N) && !unicode.IsSpace(r) && r != '▁'
	}) >= 0
}

// maxContent bounds an added token's text, and with it the work a byte of input can cause.
const maxContent = 1 << 10

// matchSet finds added tokens in text: the leftmost, and of those the longest.
type matchSet struct {
	patterns []matchPattern // sorted by text
	begin    [257]int32     // patterns[begin[c]:begin[c+1]] start with byte c
}

type matchPattern struct {
	text  string
	token addedToken
}

func newMatchSet(patterns []matchPattern) *matchSet {
	s := &matchSet{}
	slices.SortStableFunc(patterns, func(a, b matchPattern) int { return cmp.Compare(a.text, b.text) })
	for _, p := range patterns {
		if p.text == "" {
			continue
		}
		if n := len(s.patterns); n > 0 && s.patterns[n-1].text == p.text {
			continue
		}
		s.patterns = append(s.patterns, p)
		s.begin[int(p.text[0])+1]++
	}
	for c := range 256 {
		s.begin[c+1] += s.begin[c]
	}
	return s
}

// longest returns the longest pattern that text begins with, nil if none does.
func (s *matchSet) longest(text string) *matchPattern {
	lo, hi := int(s.begin[text[0]]), int(s.begin[int(text[0])+1])
	var best *matchPattern
	// Patterns lo to hi share the first depth bytes with text. A pattern that is
	// just those bytes stands first among them.
	for depth := 1; lo < hi; depth++ {
		if len(s.patterns[lo].text) == depth {
			best = &s.patterns[lo]
			lo++
		}
		if depth == len(text) {
			break
		}
		list, c := s.patterns[lo:hi], text[depth]
		from, _ := slices.BinarySearchFunc(list, c, func(p matchPattern, c byte) int { return cmp.Compare(p.text[depth], c) })
		to := from
		if c < 255 {
			to, _ = slices.BinarySearchFunc(list, c+1, func(p matchPattern, c byte) int { return cmp.Compare(p.text[depth], c) })
		} else {
			to = len(list)
		}
		lo, hi = lo+from, lo+to
	}
	return best
}

// split calls each for the added tokens in text and for the text between them.
func (s *matchSet) split(text string, each func(part string, start int, token *addedToken)) {
	s.splitWithin(text, 0, len(text), func(start, end int, token *addedToken) {
		if token != nil {
			each("", start, token)
		} else {
			each(text[start:end], start, nil)
		}
	})
}

// splitWithin looks at a part of text only; what stands around it tells whether
// a token stands within a word. A token's start and end are with the white space
// that it eats.
func (s *matchSet) splitWithin(text string, from, to int, each func(start, end int, token *addedToken)) {
	done := from
	for pos := from; pos < to; {
		p := (*matchPattern)(nil)
		if s.begin[text[pos]] != s.begin[int(text[pos])+1] {
			p = s.longest(text[pos:to])
		}
		if p == nil {
			pos++
			continue
		}
		start, end := pos, pos+len(p.text)
		pos = end
		if p.token.SingleWord {
			before, n := utf8.DecodeLastRuneInString(text[:start])
			after, m := utf8.DecodeRuneInString(text[end:])
			if n > 0 && inWord(before) || m > 0 && inWord(after) {
				continue
			}
		}
		if p.token.LStrip {
			for start > done {
				r, size := utf8.DecodeLastRuneInString(text[:start])
				if !unicode.IsSpace(r) {
					break
				}
				start -= size
			}
			start = max(start, done)
		}
		if p.token.RStrip {
			for end < to {
				r, size := utf8.DecodeRuneInString(text[end:to])
				if !unicode.IsSpace(r) {
					break
				}
				end += size
			}
		}
		if done < start {
			each(done, start, nil)
		}
		each(start, end, &p.token)
		done = end
	}
	if done < to {
		each(done, to, nil)
	}
}
