package prompt

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

type kind int

const (
	kindText   kind = iota
	kindName        // also keywords
	kindString      // unquoted
	kindNumber
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
			plain = strings.TrimLeft(plain, " \t\n\r\f\v")
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
			plain = strings.TrimRight(plain, " \t\n\r\f\v")
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
	depth := 0 // of braces: a dict's }} does not close a print
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
			n := 1
			for n < len(source) && (source[n] >= '0' && source[n] <= '9' || source[n] == '_' || source[n] == '.' && n+1 < len(source) && source[n+1] >= '0' && source[n+1] <= '9') {
				n++
			}
			out = append(out, lexeme{kindNumber, strings.ReplaceAll(source[:n], "_", ""), *line})
			source = source[n:]
		case isNameByte(c):
			n := 1
			for n < len(source) && (isNameByte(source[n]) || source[n] >= '0' && source[n] <= '9') {
				n++
			}
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
			case "{":
				depth++
			case "}":
				depth--
			}
			out = append(out, lexeme{kindOperator, found, *line})
			source = source[len(found):]
		}
	}
}

func isNameByte(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
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
			escapes := map[byte]string{'n': "\n", 't': "\t", 'r': "\r", '\\': "\\", '\'': "'", '"': "\"", 'b': "\b", 'f': "\f", '\n': ""}
			if text, ok := escapes[source[i]]; ok {
				b.WriteString(text)
				continue
			}
			digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[source[i]]
			var r rune
			if digits == 0 || i+digits >= len(source) {
				b.WriteByte('\\')
				b.WriteByte(source[i])
				continue
			}
			if _, err := fmt.Sscanf(source[i+1:i+1+digits], "%x", &r); err != nil {
				return "", 0, fmt.Errorf("bad escape %q in a string", source[i-1:i+1+digits])
			}
			b.WriteRune(r)
			i += digits
		default:
			b.WriteByte(c)
		}
	}
	return "", 0, fmt.Errorf("a string never ends: want %c", source[0])
}
