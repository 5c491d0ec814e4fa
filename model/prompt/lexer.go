package prompt

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

type kind int

const (
	kindText   kind = iota
	kindName        // also keywords
	kindString      // unquoted
	kindInt
	kindFloat
	kindOperator // and punctuation
	kindBlockBegin
	kindBlockEnd
	kindPrintBegin
	kindPrintEnd
	kindEOF
)

type lexeme struct {
	kind kind
	text string
	line int
}

func (l lexeme) String() string {
	if l.kind == kindEOF {
		return "the end of the template"
	}
	return fmt.Sprintf("%.40q", l.text)
}

var operators = []string{"==", "!=", "<=", ">=", "//", "**", "+", "-", "*", "/", "%", "~", "<", ">", "=", "(", ")", "[", "]", "{", "}", ",", ".", ":", "|"}

// lex cuts a template into text and the tokens of its tags. It applies
// trim_blocks (a newline after a block goes) and lstrip_blocks (blanks before
// a block at a line's start go), and the tags' own - and + signs.
func lex(source string) ([]lexeme, error) {
	source = strings.ReplaceAll(strings.ReplaceAll(source, "\r\n", "\n"), "\r", "\n")
	// Jinja drops one newline at the end (keep_trailing_newline is off).
	source = strings.TrimSuffix(source, "\n")
	var out []lexeme
	line := 1
	tagged, trimNext, trimNewline := false, false, false
	for len(source) > 0 {
		at := tagStart(source)
		text := source
		if at >= 0 {
			text = source[:at]
		}
		plain := text
		if trimNext {
			plain = strings.TrimLeft(plain, spaces)
		} else if trimNewline {
			plain = strings.TrimPrefix(plain, "\n")
		}
		atLineStart := !tagged || strings.Contains(text, "\n")
		trimNext, trimNewline = false, false
		if at < 0 {
			if plain != "" {
				out = append(out, lexeme{kindText, plain, line})
			}
			break
		}
		tagged = true
		tag := source[at : at+2]
		sign := byte(0)
		if len(source) > at+2 {
			sign = source[at+2]
		}
		switch {
		case sign == '-':
			plain = strings.TrimRight(plain, spaces)
		case sign != '+' && tag != "{{" && atLineStart:
			// lstrip_blocks: blanks since the last newline, if there is nothing else.
			cut := strings.LastIndexByte(plain, '\n') + 1
			if strings.Trim(plain[cut:], " \t") == "" {
				plain = plain[:cut]
			}
		}
		if plain != "" {
			out = append(out, lexeme{kindText, plain, line})
		}
		line += strings.Count(text, "\n")
		source = source[at+2:]
		if sign == '-' || sign == '+' {
			source = source[1:]
		}
		if tag == "{%" {
			if inside, rest, marks, ok := rawBlock(source); ok {
				// What stands in a raw block is text, whatever it looks like.
				if marks.open == '-' {
					inside = strings.TrimLeft(inside, spaces)
				} else if marks.open != '+' {
					inside = strings.TrimPrefix(inside, "\n")
				}
				if marks.end == '-' {
					inside = strings.TrimRight(inside, spaces)
				} else if cut := strings.LastIndexByte(inside, '\n') + 1; marks.end != '+' && cut > 0 && strings.Trim(inside[cut:], " \t") == "" {
					inside = inside[:cut]
				}
				if inside != "" {
					out = append(out, lexeme{kindText, inside, line})
				}
				line += strings.Count(source[:len(source)-len(rest)], "\n")
				source, trimNext, trimNewline = rest, marks.close == '-', marks.close != '+'
				continue
			}
			if opensRaw(source) {
				return nil, fmt.Errorf("line %d: raw never ends: want endraw", line)
			}
		}
		if tag == "{#" {
			end := strings.Index(source, "#}")
			if end < 0 {
				return nil, fmt.Errorf("line %d: a comment never ends: want #}", line)
			}
			line += strings.Count(source[:end], "\n")
			trimNext = strings.HasSuffix(source[:end], "-")
			trimNewline = !strings.HasSuffix(source[:end], "+")
			source = source[end+2:]
			continue
		}
		begin, end, close := kindBlockBegin, kindBlockEnd, "%}"
		if tag == "{{" {
			begin, end, close = kindPrintBegin, kindPrintEnd, "}}"
		}
		out = append(out, lexeme{begin, tag, line})
		rest, lexemes, sign, err := lexTag(source, close, &line)
		if err != nil {
			return nil, err
		}
		out = append(append(out, lexemes...), lexeme{end, close, line})
		source = rest
		trimNext = sign == '-'
		trimNewline = tag == "{%" && sign != '+'
	}
	return append(out, lexeme{kindEOF, "", line}), nil
}

// spaces are what - at a tag takes away.
const spaces = " \t\n\r\f\v"

// rawMarks are the signs at a raw block's inner and last ends; 0: none.
type rawMarks struct{ open, end, close byte }

// cutRaw cuts spaces, a word and the end of a tag, whose sign is 0 where it has none, off a text's beginning.
func cutRaw(source, word string) (rest string, sign byte, ok bool) {
	if rest, ok = strings.CutPrefix(strings.TrimLeft(source, templateSpaces), word); !ok {
		return "", 0, false
	}
	rest = strings.TrimLeft(rest, templateSpaces)
	if rest != "" && (rest[0] == '-' || rest[0] == '+') {
		rest, sign = rest[1:], rest[0]
	}
	rest, ok = strings.CutPrefix(rest, "%}")
	return rest, sign, ok
}

// templateSpaces are those between a tag's words.
const templateSpaces = " \t\n\r\f"

// opensRaw says whether a tag, whose {% is eaten, begins a raw block.
func opensRaw(source string) bool {
	_, _, ok := cutRaw(source, "raw")
	return ok
}

// rawBlock cuts a raw block, whose {% is eaten, off the source.
func rawBlock(source string) (inside, rest string, marks rawMarks, ok bool) {
	body, open, ok := cutRaw(source, "raw")
	if !ok {
		return "", "", marks, false
	}
	for at := 0; ; at += 2 {
		next := strings.Index(body[at:], "{%")
		if next < 0 {
			return "", "", marks, false
		}
		at += next
		tag, sign := body[at+2:], byte(0)
		if tag != "" && (tag[0] == '-' || tag[0] == '+') {
			tag, sign = tag[1:], tag[0]
		}
		if rest, last, ok := cutRaw(tag, "endraw"); ok {
			return body[:at], rest, rawMarks{open, sign, last}, true
		}
	}
}

// tagStart finds the next {{, {% or {#.
func tagStart(source string) int {
	for i := 0; i+1 < len(source); i++ {
		if source[i] == '{' && (source[i+1] == '{' || source[i+1] == '%' || source[i+1] == '#') {
			return i
		}
	}
	return -1
}

// lexTag cuts the inside of a tag up to its closing mark, and tells the sign before it.
func lexTag(source, close string, line *int) (rest string, out []lexeme, sign byte, err error) {
	depth := 0 // of brackets: a dict's }} does not close a print
	for {
		trimmed := strings.TrimLeft(source, " \t\n\r")
		*line += strings.Count(source[:len(source)-len(trimmed)], "\n")
		source = trimmed
		if depth == 0 {
			if rest, ok := strings.CutPrefix(source, close); ok {
				return rest, out, 0, nil
			}
			if len(source) > 2 && (source[0] == '-' || source[0] == '+') && strings.HasPrefix(source[1:], close) {
				return source[3:], out, source[0], nil
			}
		}
		if source == "" {
			return "", nil, 0, fmt.Errorf("line %d: a tag never ends: want %s", *line, close)
		}
		c := source[0]
		switch {
		case c == '\'' || c == '"':
			text, n, err := unquote(source)
			if err != nil {
				return "", nil, 0, fmt.Errorf("line %d: %w", *line, err)
			}
			out = append(out, lexeme{kindString, text, *line})
			*line += strings.Count(source[:n], "\n")
			source = source[n:]
		case c >= '0' && c <= '9':
			k, text := kindFloat, source[:floatLength(source)]
			if text == "" {
				k, text = kindInt, source[:wholeLength(source)]
			}
			out = append(out, lexeme{k, strings.ReplaceAll(text, "_", ""), *line})
			source = source[len(text):]
		case nameLength(source) > 0:
			n := nameLength(source)
			out = append(out, lexeme{kindName, source[:n], *line})
			source = source[n:]
		default:
			found := ""
			for _, op := range operators {
				if strings.HasPrefix(source, op) {
					found = op
					break
				}
			}
			if found == "" {
				r, _ := utf8.DecodeRuneInString(source)
				return "", nil, 0, fmt.Errorf("line %d: unexpected character %q", *line, r)
			}
			switch found {
			case "{", "(", "[":
				depth++
			case "}", ")", "]":
				depth = max(depth-1, 0)
			}
			out = append(out, lexeme{kindOperator, found, *line})
			source = source[len(found):]
		}
	}
}

// digitsLength is how many bytes the digits take that a text begins with, which single _ may part.
func digitsLength(source, digits string) (n int) {
	for n < len(source) {
		at := n
		if n > 0 && source[n] == '_' {
			at++
		}
		if at == len(source) || strings.IndexByte(digits, source[at]) < 0 {
			break
		}
		n = at + 1
	}
	return n
}

const decimals = "0123456789"

// floatLength is how many bytes the number with a point or an exponent takes that a text begins with, 0 for none.
func floatLength(source string) int {
	n := digitsLength(source, decimals)
	if n == 0 {
		return 0
	}
	fraction := 0
	if strings.HasPrefix(source[n:], ".") {
		if fraction = digitsLength(source[n+1:], decimals); fraction > 0 {
			fraction++
		}
	}
	if rest := source[n+fraction:]; rest != "" && rest[0]|0x20 == 'e' {
		sign := 1
		if len(rest) > 1 && (rest[1] == '+' || rest[1] == '-') {
			sign = 2
		}
		if exponent := digitsLength(rest[sign:], decimals); exponent > 0 {
			return n + fraction + sign + exponent
		}
	}
	if fraction > 0 {
		return n + fraction
	}
	return 0
}

// wholeLength is how many bytes the whole number takes that a text begins with, 0 for none.
func wholeLength(source string) int {
	if len(source) > 2 && source[0] == '0' {
		digits := map[byte]string{'b': "01", 'o': "01234567", 'x': "0123456789abcdefABCDEF"}[source[1]|0x20]
		at := 2
		if source[at] == '_' { // one may stand behind the letter
			at++
		}
		if n := digitsLength(source[at:], digits); n > 0 {
			return at + n
		}
	}
	return digitsLength(source, decimals)
}

// nameLength is how many bytes the name takes that a text begins with, 0 for none.
func nameLength(source string) int {
	for i, r := range source {
		if r != '_' && !unicode.IsLetter(r) && (i == 0 || !unicode.IsDigit(r) && !unicode.Is(unicode.Mn, r)) {
			return i
		}
	}
	return len(source)
}

// unquote reads a string literal and tells its length in the source.
func unquote(source string) (string, int, error) {
	var b strings.Builder
	for i := 1; i < len(source); i++ {
		switch c := source[i]; c {
		case source[0]:
			return b.String(), i + 1, nil
		case '\\':
			i++
			if i == len(source) {
				break
			}
			n, err := escape(&b, source[i:])
			if err != nil {
				return "", 0, err
			}
			i += n - 1
		default:
			b.WriteByte(c)
		}
	}
	return "", 0, fmt.Errorf("a string never ends: want %c", source[0])
}

// escapes are those of one character.
var escapes = map[byte]string{
	'n': "\n", 't': "\t", 'r': "\r", '\\': "\\", '\'': "'", '"': "\"", 'a': "\a", 'b': "\b", 'f': "\f", 'v': "\v", '\n': "",
}

// escape writes what stands behind a backslash, and tells its length.
func escape(b *strings.Builder, source string) (int, error) {
	if text, ok := escapes[source[0]]; ok {
		b.WriteString(text)
		return 1, nil
	}
	if source[0] >= '0' && source[0] <= '7' {
		n := 1
		for n < 3 && n < len(source) && source[n] >= '0' && source[n] <= '7' {
			n++
		}
		code, _ := strconv.ParseUint(source[:n], 8, 16)
		b.WriteRune(rune(code))
		return n, nil
	}
	digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[source[0]]
	if digits == 0 {
		b.WriteByte('\\')
		b.WriteByte(source[0])
		return 1, nil
	}
	code, err := strconv.ParseUint(source[1:min(1+digits, len(source))], 16, 32)
	if err != nil || len(source) <= digits || code > unicode.MaxRune {
		return 0, fmt.Errorf("bad escape %.12q in a string", "\\"+source[:min(1+digits, len(source))])
	}
	// Two halves of a surrogate pair are one character here.
	if high := rune(code); utf16.IsSurrogate(high) && len(source) >= 11 && source[5:7] == `\u` {
		if low, err := strconv.ParseUint(source[7:11], 16, 32); err == nil {
			if r := utf16.DecodeRune(high, rune(low)); r != utf8.RuneError {
				b.WriteRune(r)
				return 11, nil
			}
		}
	}
	b.WriteRune(rune(code))
	return 1 + digits, nil
}
