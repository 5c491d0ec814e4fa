package tokenizer

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// normalizer rewrites text before it is cut into pieces.
type normalizer func(m *machine, text string) string

func (n normalizer) apply(m *machine, text string) string {
	if n == nil {
		return text
	}
	return n(m, text)
}

// parseNormalizer turns the normalizer of a tokenizer.json into a function, nil for none.
func parseNormalizer(raw json.RawMessage) (normalizer, error) {
	if isNull(raw) {
		return nil, nil
	}
	var j struct {
		Type        string            `json:"type"`
		Normalizers []json.RawMessage `json:"normalizers"`
		Prepend     string            `json:"prepend"`
		Pattern     *patternJSON      `json:"pattern"`
		Content     string            `json:"content"`
		StripLeft   bool              `json:"strip_left"`
		StripRight  bool              `json:"strip_right"`
	}
	if err := json.Unmarshal(raw, &j); err != nil {
		return nil, fmt.Errorf("normalizer: %w", err)
	}
	form := func(f norm.Form) (normalizer, error) {
		return func(_ *machine, text string) string { return f.String(text) }, nil
	}
	switch j.Type {
	case "Sequence":
		if len(j.Normalizers) > maxSteps {
			return nil, fmt.Errorf("normalizer: a sequence has more than %d steps", maxSteps)
		}
		var list []normalizer
		for _, part := range j.Normalizers {
			n, err := parseNormalizer(part)
			if err != nil {
				return nil, err
			}
			if n != nil {
				list = append(list, n)
			}
		}
		return func(m *machine, text string) string {
			// No honest sequence grows a text like this. One within another has the other's limit.
			if m.limit == 0 {
				m.limit = maxAffix * (len(text) + 1)
				defer func() { m.limit = 0 }()
			}
			for _, n := range list {
				if len(text) > m.limit {
					break
				}
				text = n(m, text)
			}
			return text
		}, nil
	case "NFC":
		return form(norm.NFC)
	case "NFD":
		return form(norm.NFD)
	case "NFKC":
		return form(norm.NFKC)
	case "NFKD":
		return form(norm.NFKD)
	case "Prepend":
		if len(j.Prepend) > maxAffix {
			return nil, fmt.Errorf("normalizer: Prepend: a text of %d bytes, want at most %d", len(j.Prepend), maxAffix)
		}
		return func(m *machine, text string) string {
			if text == "" || m.more {
				return text
			}
			return j.Prepend + text
		}, nil
	case "Replace":
		match, err := j.Pattern.matcher()
		if err == nil && len(j.Content) > maxAffix {
			err = fmt.Errorf("a content of %d bytes, want at most %d", len(j.Content), maxAffix)
		}
		if err != nil {
			return nil, fmt.Errorf("normalizer: Replace: %w", err)
		}
		if plain, ok := match.(literal); ok {
			return func(_ *machine, text string) string {
				if plain == "" {
					return text
				}
				return strings.ReplaceAll(text, string(plain), j.Content)
			}, nil
		}
		return func(m *machine, text string) string { return replaceMatches(m, match, text, j.Content) }, nil
	case "Strip":
		return func(_ *machine, text string) string {
			if j.StripLeft {
				text = strings.TrimLeftFunc(text, unicode.IsSpace)
			}
			if j.StripRight {
				text = strings.TrimRightFunc(text, unicode.IsSpace)
			}
			return text
		}, nil
	}
	return nil, fmt.Errorf("normalizer: type %s is not supported", quote(j.Type))
}

// maxAffix bounds what a file can insert for each character of a text, and so
// how much a hostile one can swell it.
const maxAffix = 64

func replaceMatches(m *machine, match matcher, text, content string) string {
	src := []byte(text)
	var dst []byte
	copied, from := 0, 0
	for from <= len(src) {
		start, end := match.find(m, src, from)
		if start < 0 {
			break
		}
		dst = append(append(dst, src[copied:start]...), content...)
		copied, from = end, end
		if start == end {
			_, size := decode(src, end)
			from += max(size, 1)
		}
	}
	return string(append(dst, src[copied:]...))
}
