package grammar

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Bounds on a schema's text.
const (
	maxBytes  = 256 << 10
	maxDepth  = 64
	maxValues = 20_000
)

// value is a JSON value that remembers the order of its members.
type value struct {
	kind    byte // '{', '[', '"', '0', 't' (true), 'f', 'n'
	text    string
	names   []string
	members map[string]*value
	items   []*value
	joint   bool // made of two schemas; it is worked out as a definition, for it may lead to itself
}

// jointKind is the kind of a list of what several schemas say under one keyword.
const jointKind = '&'

// without is an object without a member.
func (v *value) without(name string) *value {
	out := *v
	out.names = slices.DeleteFunc(slices.Clone(v.names), func(n string) bool { return n == name })
	out.members = maps.Clone(v.members)
	delete(out.members, name)
	return &out
}

// with is an object with a member, in the place of one of that name.
func (v *value) with(name string, member *value) *value {
	out := v.without(name)
	out.names = append(out.names, name)
	out.members[name] = member
	return out
}

// modern is a schema with the words of JSON Schema 2020-12 in the place of those
// of earlier drafts and of OpenAPI 3.0. A nullable that is left in it adds null.
func (v *value) modern() *value {
	if given := v.members["nullable"]; given != nil {
		named := v.members["type"]
		switch {
		case given.kind != 't':
			v = v.without("nullable")
		case named != nil:
			list := &value{kind: '[', items: []*value{named, {kind: '"', text: "null"}}}
			if named.kind == '[' {
				list.items = append(slices.Clone(named.items), list.items[1])
			}
			v = v.without("nullable").with("type", list)
		case v.members["enum"] != nil || v.members["const"] != nil: // which say whether null is among them
			v = v.without("nullable")
		}
	}
	for inclusive, exclusive := range map[string]string{"minimum": "exclusiveMinimum", "maximum": "exclusiveMaximum"} {
		switch given := v.members[exclusive]; {
		case given == nil:
		case given.kind == 'f':
			v = v.without(exclusive)
		case given.kind == 't' && v.members[inclusive] != nil:
			v = v.with(exclusive, v.members[inclusive]).without(inclusive)
		}
	}
	if items := v.members["items"]; items != nil && items.kind == '[' && v.members["prefixItems"] == nil {
		rest := v.members["additionalItems"]
		v = v.without("additionalItems").without("items").with("prefixItems", items)
		if rest != nil {
			v = v.with("items", rest)
		}
	}
	return v
}

// parse reads a schema's text.
func parse(data []byte) (*value, error) {
	if len(data) > maxBytes {
		return nil, fmt.Errorf("has %d bytes, want at most %d", len(data), maxBytes)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	left := maxValues
	v, err := read(d, 0, &left)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("is followed by something")
	}
	return v, nil
}

func read(d *json.Decoder, depth int, left *int) (*value, error) {
	token, err := d.Token()
	if err != nil {
		return nil, fmt.Errorf("is no JSON: %s", clip(err.Error()))
	}
	if depth > maxDepth {
		return nil, fmt.Errorf("nests deeper than %d levels", maxDepth)
	}
	if *left--; *left < 0 {
		return nil, fmt.Errorf("has more than %d values", maxValues)
	}
	switch t := token.(type) {
	case json.Delim:
		v := &value{kind: byte(t)}
		if t == '{' {
			v.members = map[string]*value{}
		}
		for d.More() {
			if t == '{' {
				name, err := d.Token()
				if err != nil {
					return nil, fmt.Errorf("is no JSON: %s", clip(err.Error()))
				}
				v.names = append(v.names, name.(string))
			}
			item, err := read(d, depth+1, left)
			if err != nil {
				return nil, err
			}
			if t == '[' {
				v.items = append(v.items, item)
				continue
			}
			name := v.names[len(v.names)-1]
			if v.members[name] != nil {
				return nil, fmt.Errorf("has the name %q twice in one object", clip(name))
			}
			v.members[name] = item
		}
		if _, err := d.Token(); err != nil {
			return nil, fmt.Errorf("is no JSON: %s", clip(err.Error()))
		}
		return v, nil
	case json.Number:
		return &value{kind: '0', text: string(t)}, nil
	case string:
		return &value{kind: '"', text: t}, nil
	case bool:
		if t {
			return &value{kind: 't'}, nil
		}
		return &value{kind: 'f'}, nil
	}
	return &value{kind: 'n'}, nil
}

// jsonWords are how JSON writes true, false and null.
var jsonWords = [3]string{"true", "false", "null"}

// write appends the value's JSON without white space, with these words for true, false and null.
func (v *value) write(b *strings.Builder, words *[3]string) {
	switch v.kind {
	case '{':
		b.WriteByte('{')
		for i, name := range v.names {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(quoted(name))
			b.WriteByte(':')
			v.members[name].write(b, words)
		}
		b.WriteByte('}')
	case '[':
		b.WriteByte('[')
		for i, item := range v.items {
			if i > 0 {
				b.WriteByte(',')
			}
			item.write(b, words)
		}
		b.WriteByte(']')
	case '"':
		b.WriteString(quoted(v.text))
	case '0':
		b.WriteString(v.text)
	case 't':
		b.WriteString(words[0])
	case 'f':
		b.WriteString(words[1])
	default:
		b.WriteString(words[2])
	}
}

func (v *value) String() string {
	var b strings.Builder
	v.write(&b, &jsonWords)
	return b.String()
}

// number is a number's value; ok is false for what is none or too large.
func (v *value) number() (n float64, ok bool) {
	if v == nil || v.kind != '0' {
		return 0, false
	}
	n, err := strconv.ParseFloat(v.text, 64)
	return n, err == nil
}

// count is a number that counts something; ok is false for what does not.
func (v *value) count() (n int, ok bool) {
	f, ok := v.number()
	if !ok || f < 0 || f != float64(int64(f)) {
		return 0, false
	}
	return int(min(f, 1<<30)), true
}
