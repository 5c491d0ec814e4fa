package dialect

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/samba-web/samba/model/grammar"
)

// Bounds on what stands between marks.
const (
	maxCalls = 128
	maxDepth = 64
)

// readCalls reads what stands between marks; ok is false where it is not calls of known tools.
func readCalls(body string, form grammar.Form, known func(string) bool) (calls []Call, ok bool) {
	if calls, ok = readJSON(body); !ok && form == grammar.PythonForm {
		calls, ok = readPython(body)
	}
	if !ok || len(calls) == 0 || len(calls) > maxCalls {
		return nil, false
	}
	for _, c := range calls {
		if !known(c.Name) {
			return nil, false
		}
	}
	return calls, true
}

// readJSON reads an object with a name and arguments, or a list of such.
func readJSON(body string) (calls []Call, ok bool) {
	body = strings.Trim(body, space)
	var list []json.RawMessage
	if !strings.HasPrefix(body, "[") {
		list = []json.RawMessage{json.RawMessage(body)}
	} else if json.Unmarshal([]byte(body), &list) != nil {
		return nil, false
	}
	for _, one := range list {
		var c struct {
			Name       *string         `json:"name"`
			Arguments  json.RawMessage `json:"arguments"`
			Parameters json.RawMessage `json:"parameters"`
		}
		if json.Unmarshal(one, &c) != nil || c.Name == nil {
			return nil, false
		}
		arguments := c.Arguments
		if arguments == nil {
			arguments = c.Parameters
		}
		var text string
		switch {
		case arguments == nil || string(arguments) == "null":
			arguments = json.RawMessage("{}")
		case json.Unmarshal(arguments, &text) == nil: // written as OpenAI's API has them
			arguments = json.RawMessage(strings.Trim(text, space))
		}
		var compact bytes.Buffer
		if json.Compact(&compact, arguments) != nil || compact.Bytes()[0] != '{' {
			return nil, false
		}
		calls = append(calls, Call{*c.Name, compact.String()})
	}
	return calls, true
}

// readPython reads [f(x=1), g(y="z")], with or without the brackets.
func readPython(body string) (calls []Call, ok bool) {
	p := &python{rest: body}
	listed := p.take("[")
	for {
		name := p.name(true)
		if name == "" || !p.take("(") {
			return nil, false
		}
		p.out.Reset()
		whole := p.several('{', '}', ")", func() bool {
			argument := p.name(false)
			if argument == "" || !p.take("=") {
				return false
			}
			p.write(argument)
			p.out.WriteByte(':')
			return p.value(0)
		})
		if !whole {
			return nil, false
		}
		calls = append(calls, Call{name, p.out.String()})
		if !p.take(",") {
			break
		}
		if listed && strings.HasPrefix(strings.TrimLeft(p.rest, space), "]") {
			break
		}
	}
	if listed && !p.take("]") || strings.Trim(p.rest, space) != "" {
		return nil, false
	}
	return calls, true
}

// python reads Python's literals and writes them as JSON.
type python struct {
	rest string
	out  strings.Builder
}

// take takes a sign, and white space before it.
func (p *python) take(sign string) bool {
	rest, ok := strings.CutPrefix(strings.TrimLeft(p.rest, space), sign)
	if ok {
		p.rest = rest
	}
	return ok
}

// name takes a name, of a tool with the letters that OpenAI allows besides.
func (p *python) name(tool bool) string {
	p.rest = strings.TrimLeft(p.rest, space)
	n := 0
	for ; n < len(p.rest); n++ {
		c := p.rest[n]
		letter := c == '_' || c|0x20 >= 'a' && c|0x20 <= 'z' || c >= 0x80
		if !letter && !(c >= '0' && c <= '9' && (n > 0 || tool)) && !(tool && (c == '-' || c == '.')) {
			break
		}
	}
	name := p.rest[:n]
	p.rest = p.rest[n:]
	if !utf8.ValidString(name) {
		return ""
	}
	return name
}

// write writes a string as JSON.
func (p *python) write(text string) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.Encode(text) // of a string it cannot fail
	p.out.Write(bytes.TrimRight(b.Bytes(), "\n"))
}

var words = map[string]string{"True": "true", "False": "false", "None": "null", "true": "true", "false": "false", "null": "null"}

func (p *python) value(depth int) bool {
	p.rest = strings.TrimLeft(p.rest, space)
	if p.rest == "" || depth > maxDepth {
		return false
	}
	switch c := p.rest[0]; {
	case c == '"' || c == '\'':
		text, ok := p.text(c)
		if ok {
			p.write(text)
		}
		return ok
	case c == '[' || c == '(':
		p.rest = p.rest[1:]
		end := map[byte]string{'[': "]", '(': ")"}[c]
		return p.several('[', ']', end, func() bool { return p.value(depth + 1) })
	case c == '{':
		p.rest = p.rest[1:]
		return p.several('{', '}', "}", func() bool {
			p.rest = strings.TrimLeft(p.rest, space)
			if p.rest == "" || p.rest[0] != '"' && p.rest[0] != '\'' {
				return false
			}
			key, ok := p.text(p.rest[0])
			if !ok || !p.take(":") {
				return false
			}
			p.write(key)
			p.out.WriteByte(':')
			return p.value(depth + 1)
		})
	case c == '-' || c == '+' || c == '.' || c >= '0' && c <= '9':
		return p.number()
	}
	word, ok := words[p.name(false)]
	p.out.WriteString(word)
	return ok
}

// several takes items up to a bracket, a comma between them and perhaps behind the last.
func (p *python) several(open, shut byte, end string, item func() bool) bool {
	p.out.WriteByte(open)
	for first := true; !p.take(end); first = false {
		if !first {
			if !p.take(",") {
				return false
			}
			if p.take(end) {
				break
			}
			p.out.WriteByte(',')
		}
		if !item() {
			return false
		}
	}
	p.out.WriteByte(shut)
	return true
}

// number takes a number that JSON can have; 1_000, .5 and 5. are Python's alone.
func (p *python) number() bool {
	n := 0
	for n < len(p.rest) && strings.IndexByte("+-.0123456789eE_", p.rest[n]) >= 0 {
		n++
	}
	text := strings.TrimPrefix(strings.ReplaceAll(p.rest[:n], "_", ""), "+")
	p.rest = p.rest[n:]
	if json.Valid([]byte(text)) {
		p.out.WriteString(text)
		return true
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return false
	}
	spelt, err := json.Marshal(v)
	p.out.Write(spelt)
	return err == nil
}

// text takes a string, with Python's escapes and JSON's.
func (p *python) text(quote byte) (string, bool) {
	var b strings.Builder
	for i := 1; i < len(p.rest); i++ {
		c := p.rest[i]
		if c == quote {
			p.rest = p.rest[i+1:]
			return strings.ToValidUTF8(b.String(), "\ufffd"), true
		}
		if c != '\\' {
			b.WriteByte(c)
			continue
		}
		if i++; i >= len(p.rest) {
			break
		}
		if at := strings.IndexByte(`abfnrtv`, p.rest[i]); at >= 0 {
			b.WriteByte("\a\b\f\n\r\t\v"[at])
			continue
		}
		digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[p.rest[i]]
		if digits == 0 {
			if strings.IndexByte("\\'\"/", p.rest[i]) < 0 {
				b.WriteByte('\\') // Python leaves what is no escape as it stands
			}
			b.WriteByte(p.rest[i])
			continue
		}
		r, ok := hex(p.rest, i+1, digits)
		if !ok {
			return "", false
		}
		i += digits
		if low, ok := hex(p.rest, i+3, 4); digits == 4 && r >= 0xd800 && r < 0xdc00 && ok && low >= 0xdc00 && low < 0xe000 && p.rest[i+1:i+3] == `\u` {
			r = 0x10000 + (r-0xd800)<<10 + low - 0xdc00
			i += 6
		}
		b.WriteRune(r)
	}
	return "", false
}

// hex reads that many digits from a place on.
func hex(text string, at, digits int) (rune, bool) {
	if at+digits > len(text) {
		return 0, false
	}
	n, err := strconv.ParseUint(text[at:at+digits], 16, 32)
	if err != nil || n > utf8.MaxRune {
		return 0, false
	}
	return rune(n), true
}
