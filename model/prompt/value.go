package prompt

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Values are nil (none), undefined, bool, int, float64, string, []any, *dict,
// *namespace and function.

// undefined is the value of a name or attribute that is not there. It is
// false, prints nothing, and remembers what was asked for.
type undefined struct{ what string }

// dict keeps its keys in order, as Python's does.
type dict struct {
	keys   []string
	values map[string]any
}

func newDict(pairs ...any) *dict {
	d := &dict{values: map[string]any{}}
	for i := 0; i < len(pairs); i += 2 {
		d.set(pairs[i].(string), pairs[i+1])
	}
	return d
}

func (d *dict) set(key string, value any) {
	if _, ok := d.values[key]; !ok {
		d.keys = append(d.keys, key)
	}
	d.values[key] = value
}

// namespace is what {% set ns.x = ... %} may write to.
type namespace struct{ dict }

// function is what a template can call.
type function func(args []any, named map[string]any) (any, error)

func truth(v any) bool {
	switch v := v.(type) {
	case nil, undefined:
		return false
	case bool:
		return v
	case int:
		return v != 0
	case float64:
		return v != 0
	case string:
		return v != ""
	case []any:
		return len(v) > 0
	case *dict:
		return len(v.keys) > 0
	}
	return true
}

// text is how Jinja prints a value.
func text(v any) string {
	switch v := v.(type) {
	case undefined:
		return ""
	case string:
		return v
	}
	return repr(v)
}

// repr is Python's repr.
func repr(v any) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case undefined:
		return "Undefined"
	case bool:
		if v {
			return "True"
		}
		return "False"
	case int:
		return strconv.Itoa(v)
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1e16 {
			return strconv.FormatFloat(v, 'f', 1, 64)
		}
		return strconv.FormatFloat(v, 'g', -1, 64)
	case string:
		quote := "'"
		if strings.Contains(v, "'") && !strings.Contains(v, `"`) {
			quote = `"`
		}
		return quote + strings.NewReplacer("\\", "\\\\", "\n", "\\n", "\r", "\\r", "\t", "\\t", quote, "\\"+quote).Replace(v) + quote
	case []any:
		parts := make([]string, len(v))
		for i, item := range v {
			parts[i] = repr(item)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case *dict:
		parts := make([]string, len(v.keys))
		for i, key := range v.keys {
			parts[i] = repr(key) + ": " + repr(v.values[key])
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	return fmt.Sprintf("<%s>", typeName(v))
}

func typeName(v any) string {
	switch v := v.(type) {
	case nil:
		return "none"
	case undefined:
		return "undefined value " + v.what
	case bool:
		return "boolean"
	case int, float64:
		return "number"
	case string:
		return "string"
	case []any:
		return "list"
	case *dict:
		return "mapping"
	case *namespace:
		return "namespace"
	}
	return "function"
}

func equal(a, b any) bool {
	if x, ok := number(a); ok {
		y, ok := number(b)
		return ok && x == y
	}
	switch a := a.(type) {
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, equal)
	case *dict:
		b, ok := b.(*dict)
		if !ok || len(a.keys) != len(b.keys) {
			return false
		}
		for _, key := range a.keys {
			if other, ok := b.values[key]; !ok || !equal(a.values[key], other) {
				return false
			}
		}
		return true
	case string:
		b, ok := b.(string)
		return ok && a == b
	case nil:
		return b == nil
	case undefined:
		_, ok := b.(undefined)
		return ok
	}
	return false
}

// number widens a number; booleans count, as in Python.
func number(v any) (float64, bool) {
	switch v := v.(type) {
	case int:
		return float64(v), true
	case float64:
		return v, true
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	}
	return 0, false
}

func integer(v any) (int, bool) {
	switch v := v.(type) {
	case int:
		return v, true
	case bool:
		n, _ := number(v)
		return int(n), true
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return int(v), true
		}
	}
	return 0, false
}

// items are what a for loop walks.
func items(v any) ([]any, error) {
	switch v := v.(type) {
	case []any:
		return v, nil
	case *dict:
		out := make([]any, len(v.keys))
		for i, key := range v.keys {
			out[i] = key
		}
		return out, nil
	case string:
		var out []any
		for _, r := range v {
			out = append(out, string(r))
		}
		return out, nil
	}
	return nil, fmt.Errorf("a %s cannot be walked through", typeName(v))
}

func contains(container, v any) (bool, error) {
	switch c := container.(type) {
	case string:
		s, ok := v.(string)
		if !ok {
			return false, fmt.Errorf("a string holds strings, not a %s", typeName(v))
		}
		return strings.Contains(c, s), nil
	case []any:
		return slices.ContainsFunc(c, func(item any) bool { return equal(item, v) }), nil
	case *dict:
		s, ok := v.(string)
		_, found := c.values[s]
		return ok && found, nil
	case undefined:
		return false, nil
	}
	return false, fmt.Errorf("a %s holds nothing", typeName(container))
}

// toJSON writes JSON as Python's json.dumps(ensure_ascii=False) does, with
// spaces after , and :, or on lines of their own.
func toJSON(b *strings.Builder, v any, indent int, level int) error {
	newline := func(level int) {
		if indent > 0 {
			b.WriteString("\n" + strings.Repeat(" ", indent*level))
		}
	}
	separator := ", "
	if indent > 0 {
		separator = ","
	}
	switch v := v.(type) {
	case nil:
		b.WriteString("null")
	case bool:
		b.WriteString(strconv.FormatBool(v))
	case int, float64:
		b.WriteString(repr(v))
	case string:
		var plain strings.Builder
		encoder := json.NewEncoder(&plain)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(v); err != nil {
			return err
		}
		// encoding/json escapes two line separators that Python leaves alone.
		b.WriteString(strings.NewReplacer(`\u2028`, "\u2028", `\u2029`, "\u2029").Replace(strings.TrimSuffix(plain.String(), "\n")))
	case []any:
		b.WriteByte('[')
		for i, item := range v {
			if i > 0 {
				b.WriteString(separator)
			}
			newline(level + 1)
			if err := toJSON(b, item, indent, level+1); err != nil {
				return err
			}
		}
		if len(v) > 0 {
			newline(level)
		}
		b.WriteByte(']')
	case *dict:
		b.WriteByte('{')
		for i, key := range v.keys {
			if i > 0 {
				b.WriteString(separator)
			}
			newline(level + 1)
			if err := toJSON(b, key, 0, 0); err != nil {
				return err
			}
			b.WriteString(": ")
			if err := toJSON(b, v.values[key], indent, level+1); err != nil {
				return err
			}
		}
		if len(v.keys) > 0 {
			newline(level)
		}
		b.WriteByte('}')
	default:
		return fmt.Errorf("a %s has no JSON", typeName(v))
	}
	return nil
}
