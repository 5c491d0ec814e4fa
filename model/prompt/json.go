package prompt

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
)

// jsonStyle is how Python's json.dumps writes.
type jsonStyle struct {
	ascii       bool   // all else as \uXXXX
	lines       bool   // items on lines of their own
	indent      string // before each line, once for each level
	item, value string // what stands between items, and between a key and its value
	sorted      bool   // keys in order
}

// toJSON writes a value as json.dumps does. What was said stays so, quotes and brackets included.
func (w *writer) toJSON(v any, j *jsonStyle, level int) error {
	from := w.b.Len()
	newline := func(level int) {
		if j.lines {
			w.put("\n"+strings.Repeat(j.indent, level), false)
		}
	}
	defer w.container(from)
	switch v := v.(type) {
	case nil:
		w.put("null", false)
	case bool:
		w.put(strconv.FormatBool(v), false)
	case int:
		w.put(strconv.Itoa(v), false)
	case float64:
		w.put(jsonFloat(v), false)
	case str:
		w.put(jsonString(v.s, j.ascii), len(v.said) > 0)
	case list:
		return w.jsonItems(v, j, level, newline)
	case tuple:
		return w.jsonItems(v, j, level, newline)
	case *dict:
		keys := v.keys
		if j.sorted {
			var failed error
			keys = slices.Clone(keys)
			slices.SortStableFunc(keys, func(a, b any) int {
				order, err := compare(a, b)
				if err != nil {
					failed = err
				}
				return order
			})
			if failed != nil {
				return failed
			}
		}
		w.put("{", false)
		for i, key := range keys {
			if i > 0 {
				w.put(j.item, false)
			}
			newline(level + 1)
			name, err := jsonKey(key)
			if err != nil {
				return err
			}
			w.put(jsonString(name.s, j.ascii), len(name.said) > 0)
			w.put(j.value, false)
			if err := w.toJSON(v.of(key), j, level+1); err != nil {
				return err
			}
		}
		if len(keys) > 0 {
			newline(level)
		}
		w.put("}", false)
	default:
		return fmt.Errorf("a %s has no JSON", typeName(v))
	}
	return nil
}

func (w *writer) jsonItems(items []any, j *jsonStyle, level int, newline func(int)) error {
	w.put("[", false)
	for i, item := range items {
		if i > 0 {
			w.put(j.item, false)
		}
		newline(level + 1)
		if err := w.toJSON(item, j, level+1); err != nil {
			return err
		}
	}
	if len(items) > 0 {
		newline(level)
	}
	w.put("]", false)
	return nil
}

// jsonKey is how a key is spelt, which JSON has as a string.
func jsonKey(key any) (str, error) {
	switch k := key.(type) {
	case str:
		return k, nil
	case nil:
		return plain("null"), nil
	case bool:
		return plain(strconv.FormatBool(k)), nil
	case int:
		return plain(strconv.Itoa(k)), nil
	case float64:
		return plain(jsonFloat(k)), nil
	}
	return str{}, fmt.Errorf("a %s is no key in JSON", typeName(key))
}

func jsonFloat(f float64) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	}
	return floatText(f)
}

func jsonString(s string, ascii bool) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\b':
			b.WriteString(`\b`)
		case r == '\f':
			b.WriteString(`\f`)
		case r < 0x20 || ascii && r >= 0x7f && r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		case ascii && r >= 0x10000:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
