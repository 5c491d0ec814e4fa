package dialect

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/samba-web/samba/model/grammar"
	"github.com/samba-web/samba/model/prompt"
)

// write writes earlier calls as the model did, for templates that leave them out.
// The marks are the template's own words: what stands between them was said.
func (d Dialect) write(calls []TurnCall) (out []prompt.Piece) {
	if d.Form == grammar.ObjectForm {
		for i, c := range calls {
			if i > 0 {
				out = append(out, prompt.Piece{Text: "\n"})
			}
			out = append(out, prompt.Piece{Text: d.Open + "\n"}, prompt.Piece{Text: object(c), Said: true}, prompt.Piece{Text: "\n" + d.Close})
		}
		return out
	}
	var list []string
	for _, c := range calls {
		if d.Form == grammar.PythonForm {
			list = append(list, c.Name+"("+keywords(c.Arguments)+")")
		} else {
			list = append(list, object(c))
		}
	}
	return []prompt.Piece{{Text: d.Open + "["}, {Text: strings.Join(list, ", "), Said: true}, {Text: "]" + d.Close}}
}

func object(c TurnCall) string {
	name, _ := json.Marshal(c.Name) // of a string it cannot fail
	arguments := strings.Trim(c.Arguments, space)
	if !json.Valid([]byte(arguments)) {
		arguments = "{}"
	}
	return `{"name": ` + string(name) + `, "arguments": ` + arguments + `}`
}

// keywords writes a JSON object as the arguments of a Python call.
func keywords(arguments string) string {
	return members(json.RawMessage(arguments), 0, func(name string) string { return name + "=" })
}

// literal writes a JSON value as Python does.
func literal(value json.RawMessage, depth int) string {
	value = bytes.TrimSpace(value)
	if len(value) == 0 || depth > maxDepth {
		return "None"
	}
	switch value[0] {
	case '[':
		var items []json.RawMessage
		if json.Unmarshal(value, &items) != nil {
			return "None"
		}
		out := make([]string, len(items))
		for i, item := range items {
			out[i] = literal(item, depth+1)
		}
		return "[" + strings.Join(out, ", ") + "]"
	case '{':
		return "{" + members(value, depth+1, func(name string) string {
			p := &python{}
			p.write(name)
			return p.out.String() + ": "
		}) + "}"
	case 't':
		return "True"
	case 'f':
		return "False"
	case 'n':
		return "None"
	}
	return string(value) // JSON's numbers and strings are Python's
}

// members writes an object's members in order, each behind what key makes of its name.
func members(object json.RawMessage, depth int, key func(name string) string) string {
	d := json.NewDecoder(bytes.NewReader(object))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return ""
	}
	var out []string
	for d.More() {
		name, err := d.Token()
		if err != nil {
			break
		}
		var value json.RawMessage
		if d.Decode(&value) != nil {
			break
		}
		out = append(out, key(name.(string))+literal(value, depth))
	}
	return strings.Join(out, ", ")
}
