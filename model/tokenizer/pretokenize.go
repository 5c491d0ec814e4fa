package tokenizer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"unicode/utf8"
)

// pieces is a stretch of text on its way to the model, cut into pieces that
// merges never cross. Steps rewrite it in place; the spare slices take turns
// with the live ones, so that a long text costs two buffers and no garbage.
type pieces struct {
	text  []byte
	spans []span
	first bool // the stretch begins the whole input

	spareText  []byte
	spareSpans []span
	machine    machine
}

// span is a piece: the bytes [start, end) of the text.
type span struct{ start, end int }

func (p *pieces) reset(text string, first bool) {
	p.text = append(p.text[:0], text...)
	p.spans = append(p.spans[:0], span{0, len(text)})
	p.first = first
}

// rewrite replaces every piece by what each appends for it.
func (p *pieces) rewrite(each func(dst, piece []byte, index int) []byte) {
	dst, spans := p.spareText[:0], p.spareSpans[:0]
	for i, s := range p.spans {
		start := len(dst)
		dst = each(dst, p.text[s.start:s.end], i)
		spans = append(spans, span{start, len(dst)})
	}
	p.text, p.spareText = dst, p.text
	p.spans, p.spareSpans = spans, p.spans
}

// step is one pre-tokenizer.
type step interface{ apply(p *pieces) }

// matcher finds what a split cuts at; start is -1 when nothing more matches.
type matcher interface {
	find(m *machine, text []byte, from int) (start, end int)
}

// literal matches a plain string.
type literal string

func (l literal) find(_ *machine, text []byte, from int) (int, int) {
	i := bytes.Index(text[min(from, len(text)):], []byte(l))
	if i < 0 || l == "" {
		return -1, -1
	}
	return from + i, from + i + len(l)
}

// behavior says what becomes of the matches of a split.
type behavior uint8

const (
	removed            behavior = iota // matches vanish
	isolated                           // matches are pieces of their own
	mergedWithPrevious                 // a match ends the piece before it
	mergedWithNext                     // a match begins the piece after it
	contiguous                         // matches that touch are one piece
)

func (b *behavior) UnmarshalJSON(data []byte) error {
	names := []string{"Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"}
	var name string
	if err := json.Unmarshal(data, &name); err != nil {
		return err
	}
	i := slices.Index(names, name)
	if i < 0 {
		return fmt.Errorf("the split behavior %s is not known, want one of %q", quote(name), names)
	}
	*b = behavior(i)
	return nil
}

// split cuts pieces at the matches of a pattern, or, inverted, at what lies between them.
type split struct {
	matcher  matcher
	behavior behavior
	invert   bool
}

func (s *split) apply(p *pieces) {
	spans := p.spareSpans[:0]
	for _, piece := range p.spans {
		text, begin := p.text[piece.start:piece.end], len(spans)
		wasMatch := false
		add := func(start, end int, match bool) {
			match = match != s.invert
			joins := false
			switch s.behavior {
			case removed:
				if match {
					return
				}
			case contiguous:
				joins = match == wasMatch
			case mergedWithPrevious:
				joins = match && !wasMatch
			case mergedWithNext:
				// Read from the right, as the Rust tokenizers do, a match goes to
				// what follows it unless that is a match too: so what is no match
				// joins the match before it.
				joins = !match && wasMatch
			}
			wasMatch = match
			if joins && len(spans) > begin {
				spans[len(spans)-1].end = piece.start + end
			} else {
				spans = append(spans, span{piece.start + start, piece.start + end})
			}
		}
		// An empty match cuts where it stands; it may not touch the match before it.
		previous, from := 0, 0
		for from <= len(text) {
			start, end := s.matcher.find(&p.machine, text, from)
			if start < 0 {
				break
			}
			if previous != start {
				add(previous, start, false)
			}
			add(start, end, true)
			previous, from = end, end
			if start == end {
				_, size := decode(text, end)
				from += max(size, 1)
			}
		}
		if previous != len(text) {
			add(previous, len(text), false)
		}
		kept := slices.DeleteFunc(spans[begin:], func(s span) bool { return s.start == s.end })
		spans = spans[:begin+len(kept)]
	}
	p.spans, p.spareSpans = spans, p.spans
}

// prefix puts a text before pieces that do not begin with it already.
type prefix struct {
	text  string
	first bool // only before the piece that begins the whole input
}

func (s *prefix) apply(p *pieces) {
	p.rewrite(func(dst, piece []byte, index int) []byte {
		if len(piece) > 0 && !bytes.HasPrefix(piece, []byte(s.text)) && (!s.first || p.first && index == 0) && !(p.machine.more && index == 0) {
			dst = append(dst, s.text...)
		}
		return append(dst, piece...)
	})
}

// replaceSpaces writes every space as another character.
type replaceSpaces struct{ by string }

func (s *replaceSpaces) apply(p *pieces) {
	p.rewrite(func(dst, piece []byte, _ int) []byte {
		for _, c := range piece {
			if c == ' ' {
				dst = append(dst, s.by...)
			} else {
				dst = append(dst, c)
			}
		}
		return dst
	})
}

// mapBytes writes every byte as a printable character, GPT-2's byte alphabet.
type mapBytes struct{}

func (mapBytes) apply(p *pieces) {
	p.rewrite(func(dst, piece []byte, _ int) []byte {
		for _, c := range piece {
			dst = utf8.AppendRune(dst, byteAlphabet[c])
		}
		return dst
	})
}

// byteAlphabet is GPT-2's: printable Latin-1 stands for itself, the other bytes
// for U+0100 onwards. byteOf is its inverse, -1 for characters outside it.
var byteAlphabet, byteOf = func() (alphabet [256]rune, inverse [324]int16) {
	for i := range inverse {
		inverse[i] = -1
	}
	other := rune(256)
	for i := range alphabet {
		r := rune(i)
		if !(r >= '!' && r <= '~' || r >= 0xA1 && r <= 0xAC || r >= 0xAE) {
			r = other
			other++
		}
		alphabet[i], inverse[r] = r, int16(i)
	}
	return alphabet, inverse
}()

// inByteAlphabet spells a text in it.
func inByteAlphabet(text string) string {
	var out []byte
	for _, c := range []byte(text) {
		out = utf8.AppendRune(out, byteAlphabet[c])
	}
	return string(out)
}

// The split of GPT-2, which ByteLevel brings along.
var gpt2Pattern = sync.OnceValue(func() *pattern {
	return mustCompile(`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`)
})

// patternJSON is {"String": ".."} or {"Regex": ".."}.
type patternJSON struct {
	String *string
	Regex  *string
}

func (p *patternJSON) matcher() (matcher, error) {
	switch {
	case p == nil || (p.String == nil) == (p.Regex == nil):
		return nil, errors.New(`pattern: want {"String": ..} or {"Regex": ..}`)
	case p.String != nil:
		return literal(*p.String), nil
	}
	return compile(*p.Regex)
}

// metaspaceJSON is common to the pre-tokenizer and the decoder of that name.
type metaspaceJSON struct {
	Replacement    string  `json:"replacement"`
	PrependScheme  *string `json:"prepend_scheme"`
	AddPrefixSpace *bool   `json:"add_prefix_space"` // of older files
	Split          *bool   `json:"split"`
}

// scheme returns always, first or never.
func (m *metaspaceJSON) scheme() (string, error) {
	if utf8.RuneCountInString(m.Replacement) != 1 {
		return "", fmt.Errorf("Metaspace: replacement %s: want one character", quote(m.Replacement))
	}
	scheme := "always"
	if m.PrependScheme != nil {
		scheme = *m.PrependScheme
	} else if m.AddPrefixSpace != nil && !*m.AddPrefixSpace {
		scheme = "never"
	}
	if scheme != "always" && scheme != "first" && scheme != "never" {
		return "", fmt.Errorf("Metaspace: prepend_scheme %s: want always, first or never", quote(scheme))
	}
	return scheme, nil
}

// parsePreTokenizer turns the pre_tokenizer of a tokenizer.json into steps.
func parsePreTokenizer(raw json.RawMessage) ([]step, error) {
	if isNull(raw) {
		return nil, nil
	}
	var j struct {
		metaspaceJSON
		Type             string            `json:"type"`
		PreTokenizers    []json.RawMessage `json:"pretokenizers"`
		UseRegex         *bool             `json:"use_regex"`
		Pattern          *patternJSON      `json:"pattern"`
		Behavior         *behavior         `json:"behavior"`
		Invert           bool              `json:"invert"`
		IndividualDigits bool              `json:"individual_digits"`
		Delimiter        string            `json:"delimiter"`
	}
	if err := json.Unmarshal(raw, &j); err != nil {
		return nil, fmt.Errorf("pre_tokenizer: %w", err)
	}
	cut := func(source string, b behavior, invert bool) ([]step, error) {
		p, err := compile(source)
		return []step{&split{matcher: p, behavior: b, invert: invert}}, err
	}
	switch j.Type {
	case "Sequence":
		var steps []step
		for _, part := range j.PreTokenizers {
			s, err := parsePreTokenizer(part)
			if err != nil {
				return nil, err
			}
			if steps = append(steps, s...); len(steps) > maxSteps {
				return nil, fmt.Errorf("pre_tokenizer: a sequence has more than %d steps", maxSteps)
			}
		}
		// Each ByteLevel doubles the text that the one before it made.
		if first := slices.Index(steps, step(mapBytes{})); first >= 0 && slices.Contains(steps[first+1:], step(mapBytes{})) {
			return nil, errors.New("pre_tokenizer: more than one ByteLevel in a Sequence is not supported")
		}
		return steps, nil
	case "ByteLevel":
		var steps []step
		if j.AddPrefixSpace == nil || *j.AddPrefixSpace {
			steps = append(steps, &prefix{text: " "})
		}
		if j.UseRegex == nil || *j.UseRegex {
			steps = append(steps, &split{matcher: gpt2Pattern(), behavior: isolated})
		}
		return append(steps, mapBytes{}), nil
	case "Split":
		m, err := j.Pattern.matcher()
		if err == nil && j.Behavior == nil {
			err = errors.New("behavior is missing")
		}
		if err != nil {
			return nil, fmt.Errorf("pre_tokenizer: Split: %w", err)
		}
		return []step{&split{matcher: m, behavior: *j.Behavior, invert: j.Invert}}, nil
	case "Digits":
		if j.IndividualDigits {
			return cut(`\p{N}`, isolated, false)
		}
		return cut(`\p{N}`, contiguous, false)
	case "Punctuation":
		b := isolated
		if j.Behavior != nil {
			b = *j.Behavior
		}
		return cut("[\\p{P}$+<=>^`|~]", b, false)
	case "Whitespace":
		return cut(`[\w`+joiners+`]+|[^\w\s`+joiners+`]+`, removed, true)
	case "WhitespaceSplit":
		return cut(`\s`, removed, false)
	case "CharDelimiterSplit":
		return []step{&split{matcher: literal(j.Delimiter), behavior: removed}}, nil
	case "Metaspace":
		scheme, err := j.scheme()
		if err != nil {
			return nil, fmt.Errorf("pre_tokenizer: %w", err)
		}
		steps := []step{&replaceSpaces{by: j.Replacement}}
		if scheme != "never" {
			steps = append(steps, &prefix{text: j.Replacement, first: scheme == "first"})
		}
		if j.Split == nil || *j.Split {
			steps = append(steps, &split{matcher: literal(j.Replacement), behavior: mergedWithNext})
		}
		return steps, nil
	}
	return nil, fmt.Errorf("pre_tokenizer: type %s is not supported", quote(j.Type))
}

// maxSteps bounds the parts of a Sequence; published files have at most 6.
const maxSteps = 64

func isNull(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }
