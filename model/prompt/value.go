package prompt

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Values are nil (none), undefined, bool, int, float64, str, list, tuple, *dict,
// *namespace, *loop and function. None of them changes but namespaces.

// undefined is the value of a name or attribute that is not there. It is
// false, prints nothing, and remembers what was asked for.
type undefined struct{ what string }

type (
	list  []any
	tuple []any
)

// dict keeps its keys in order, as Python's does.
type dict struct {
	keys   []any
	values map[any]any // by hashed key
}

func newDict() *dict { return &dict{values: map[any]any{}} }

// record is a dict of names that the template's author knows.
func record(pairs ...any) *dict {
	d := newDict()
	for i := 0; i < len(pairs); i += 2 {
		d.put(pairs[i].(string), pairs[i+1])
	}
	return d
}

// hashed is a comparable value that equal keys have in common.
func hashed(key any) (any, error) {
	switch k := key.(type) {
	case str:
		return k.s, nil
	case bool:
		if k {
			return 1, nil
		}
		return 0, nil
	case float64:
		if n, ok := integer(k); ok {
			return n, nil
		}
		return k, nil
	case int, nil:
		return k, nil
	case tuple:
		return struct{ tuple string }{repr(k).s}, nil
	}
	return nil, fmt.Errorf("a %s cannot be the key of a mapping", typeName(key))
}

func (d *dict) set(key, value any) error {
	h, err := hashed(key)
	if err != nil {
		return err
	}
	if _, ok := d.values[h]; !ok {
		d.keys = append(d.keys, key)
	}
	d.values[h] = value
	return nil
}

// put sets a name that the template's author knows.
func (d *dict) put(name string, value any) {
	if _, ok := d.values[name]; !ok {
		d.keys = append(d.keys, plain(name))
	}
	d.values[name] = value
}

func (d *dict) get(key any) (any, bool) {
	h, err := hashed(key)
	if err != nil {
		return nil, false
	}
	v, ok := d.values[h]
	return v, ok
}

// of is the value of a key that the dict has.
func (d *dict) of(key any) any {
	v, _ := d.get(key)
	return v
}

// pairs are the dict's items.
func (d *dict) pairs() list {
	out := make(list, len(d.keys))
	for i, key := range d.keys {
		out[i] = tuple{key, d.of(key)}
	}
	return out
}

// namespace is what {% set ns.x = ... %} may write to.
type namespace struct{ dict }

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
	case str:
		return v.s != ""
	case list:
		return len(v) > 0
	case tuple:
		return len(v) > 0
	case *dict:
		return len(v.keys) > 0
	}
	return true
}

// text is how Jinja prints a value.
func text(v any) str {
	switch v := v.(type) {
	case undefined:
		return str{}
	case str:
		return v
	}
	return repr(v)
}

// repr is Python's repr.
func repr(v any) str {
	var w writer
	writeRepr(&w, v)
	return w.str()
}

func writeRepr(w *writer, v any) {
	from := w.b.Len()
	sequence := func(open string, items []any, end string) {
		w.put(open, false)
		for i, item := range items {
			if i > 0 {
				w.put(", ", false)
			}
			writeRepr(w, item)
		}
		w.put(end, false)
		w.container(from)
	}
	switch v := v.(type) {
	case nil:
		w.put("None", false)
	case undefined:
		w.put("Undefined", false)
	case bool:
		w.put(strings.ToTitle(strconv.FormatBool(v)[:1])+strconv.FormatBool(v)[1:], false)
	case int:
		w.put(strconv.Itoa(v), false)
	case float64:
		w.put(floatText(v), false)
	case str:
		w.put(quoteRepr(v.s), len(v.said) > 0)
	case list:
		sequence("[", v, "]")
	case tuple:
		if len(v) == 1 {
			sequence("(", v, ",)")
		} else {
			sequence("(", v, ")")
		}
	case *dict:
		w.put("{", false)
		for i, key := range v.keys {
			if i > 0 {
				w.put(", ", false)
			}
			writeRepr(w, key)
			w.put(": ", false)
			writeRepr(w, v.of(key))
		}
		w.put("}", false)
		w.container(from)
	case *namespace:
		w.put("<Namespace ", false)
		writeRepr(w, &v.dict)
		w.put(">", false)
		w.container(from)
	default:
		w.put("<"+typeName(v)+">", false)
	}
}

func quoteRepr(s string) string {
	quote := '\''
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		quote = '"'
	}
	var b strings.Builder
	b.WriteRune(quote)
	for _, r := range s {
		switch {
		case r == quote || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r < 0x100:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	b.WriteRune(quote)
	return b.String()
}

// floatText is Python's repr of a float.
func floatText(f float64) string {
	switch {
	case math.IsInf(f, 0):
		return strings.TrimPrefix(strings.ToLower(strconv.FormatFloat(f, 'g', -1, 64)), "+")
	case math.IsNaN(f):
		return "nan"
	case f != 0 && (math.Abs(f) < 1e-4 || math.Abs(f) >= 1e16):
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
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
	case str:
		return "string"
	case list:
		return "list"
	case tuple:
		return "tuple"
	case *dict:
		return "mapping"
	case *namespace:
		return "namespace"
	case *loop:
		return "loop"
	}
	return "function"
}

func equal(a, b any) bool {
	if x, ok := number(a); ok {
		y, ok := number(b)
		if m, whole := a.(int); whole && ok {
			if n, whole := b.(int); whole {
				return m == n
			}
		}
		return ok && x == y
	}
	switch a := a.(type) {
	case list:
		b, ok := b.(list)
		return ok && slices.EqualFunc(a, b, equal)
	case tuple:
		b, ok := b.(tuple)
		return ok && slices.EqualFunc(a, b, equal)
	case *dict:
		b, ok := b.(*dict)
		if !ok || len(a.keys) != len(b.keys) {
			return false
		}
		for _, key := range a.keys {
			if other, ok := b.get(key); !ok || !equal(a.of(key), other) {
				return false
			}
		}
		return true
	case str:
		b, ok := b.(str)
		return ok && a.s == b.s
	case nil:
		return b == nil
	case undefined:
		_, ok := b.(undefined)
		return ok
	}
	return false
}

// compare orders numbers, strings, lists and tuples among their like.
func compare(a, b any) (int, error) {
	if x, ok := number(a); ok {
		if y, ok := number(b); ok {
			if m, whole := a.(int); whole {
				if n, whole := b.(int); whole {
					return cmpOf(m < n, m > n), nil
				}
			}
			return cmpOf(x < y, x > y), nil
		}
	}
	sequence := func(a, b []any) (int, error) {
		for i := range min(len(a), len(b)) {
			if !equal(a[i], b[i]) {
				return compare(a[i], b[i])
			}
		}
		return len(a) - len(b), nil
	}
	switch x := a.(type) {
	case str:
		if y, ok := b.(str); ok {
			return strings.Compare(x.s, y.s), nil
		}
	case list:
		if y, ok := b.(list); ok {
			return sequence(x, y)
		}
	case tuple:
		if y, ok := b.(tuple); ok {
			return sequence(x, y)
		}
	}
	return 0, fmt.Errorf("a %s and a %s have no order", typeName(a), typeName(b))
}

func cmpOf(less, more bool) int {
	switch {
	case less:
		return -1
	case more:
		return 1
	}
	return 0
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

// arithmetic is what Python makes of two numbers.
func arithmetic(op string, left, right any) (any, error) {
	a, _ := number(left)
	b, _ := number(right)
	if b == 0 && (op == "/" || op == "//" || op == "%") {
		return nil, errors.New("division by zero")
	}
	m, whole1 := integer(left)
	n, whole2 := integer(right)
	_, float1 := left.(float64)
	_, float2 := right.(float64)
	if whole1 && whole2 && !float1 && !float2 && op != "/" && !(op == "**" && n < 0) {
		return whole(op, m, n)
	}
	switch op {
	case "+":
		return a + b, nil
	case "-":
		return a - b, nil
	case "*":
		return a * b, nil
	case "/":
		return a / b, nil
	case "//":
		return math.Floor(a / b), nil
	case "%":
		rest := math.Mod(a, b)
		if rest != 0 && (rest < 0) != (b < 0) {
			rest += b
		}
		return rest, nil
	case "**":
		if a == 0 && b < 0 {
			return nil, errors.New("division by zero")
		}
		out := math.Pow(a, b)
		if math.IsNaN(out) && !math.IsNaN(a) && !math.IsNaN(b) {
			return nil, errors.New("** of a negative number and a fraction is no number")
		}
		return out, nil
	}
	return nil, fmt.Errorf("%s does not go between numbers", op)
}

// whole is arithmetic of whole numbers, whose outcome must have 64 bits.
func whole(op string, m, n int) (any, error) {
	out, fits := 0, true
	switch op {
	case "+":
		out = m + n
		fits = (out > m) == (n > 0)
	case "-":
		out = m - n
		fits = (out < m) == (n > 0)
	case "*":
		out, fits = times(m, n)
	case "//", "%":
		quotient, rest := m/n, m%n
		// Go's rest has the sign of what is divided, Python's the divisor's.
		if rest != 0 && (rest < 0) != (n < 0) {
			quotient, rest = quotient-1, rest+n
		}
		if out = rest; op == "//" {
			out, fits = quotient, m != math.MinInt || n != -1
		}
	case "**":
		if n > 64 { // 0, 1 and -1 stay what they are, all others have grown too large before
			n = 64 + n%2
		}
		out = 1
		for i := 0; i < n && fits; i++ {
			out, fits = times(out, m)
		}
	default:
		return nil, fmt.Errorf("%s does not go between numbers", op)
	}
	if !fits {
		return nil, errors.New("a whole number grows beyond 64 bits")
	}
	return out, nil
}

// times is the product of two numbers, and whether it has 64 bits.
func times(m, n int) (int, bool) {
	out := m * n
	return out, n == 0 || out/n == m && (m != math.MinInt || n != -1)
}

// items are what a for loop walks.
func items(v any) ([]any, error) {
	switch v := v.(type) {
	case list:
		return v, nil
	case tuple:
		return v, nil
	case *dict:
		return v.keys, nil
	case str:
		return v.chars(), nil
	case undefined:
		return nil, nil
	}
	return nil, fmt.Errorf("a %s cannot be walked through", typeName(v))
}

func contains(container, v any) (bool, error) {
	switch c := container.(type) {
	case str:
		s, ok := v.(str)
		if !ok {
			return false, fmt.Errorf("a string holds strings, not a %s", typeName(v))
		}
		return strings.Contains(c.s, s.s), nil
	case list:
		return slices.ContainsFunc(c, func(item any) bool { return equal(item, v) }), nil
	case tuple:
		return slices.ContainsFunc(c, func(item any) bool { return equal(item, v) }), nil
	case *dict:
		_, found := c.get(v)
		return found, nil
	case undefined:
		return false, nil
	}
	return false, fmt.Errorf("a %s holds nothing", typeName(container))
}

// fromJSON reads what a client sent: all of its strings were said.
func fromJSON(data []byte) (any, error) {
	d := json.NewDecoder(strings.NewReader(string(data)))
	d.UseNumber()
	v, err := readJSON(d, 0)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("something follows the JSON")
	}
	return v, nil
}

func readJSON(d *json.Decoder, depth int) (any, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	if depth > maxDepth {
		return nil, fmt.Errorf("JSON nests deeper than %d", maxDepth)
	}
	switch t := token.(type) {
	case string:
		return said(t), nil
	case json.Number:
		if n, err := strconv.Atoi(t.String()); err == nil {
			return n, nil
		}
		f, err := t.Float64()
		return f, err
	case json.Delim:
		all, object := list{}, newDict()
		for d.More() {
			var key any
			if t == '{' {
				if key, err = readJSON(d, depth); err != nil {
					return nil, err
				}
			}
			v, err := readJSON(d, depth+1)
			if err != nil {
				return nil, err
			}
			if t == '{' {
				object.set(key, v)
			} else {
				all = append(all, v)
			}
		}
		if _, err := d.Token(); err != nil {
			return nil, err
		}
		if t == '{' {
			return object, nil
		}
		return all, nil
	case bool:
		return t, nil
	}
	return nil, nil
}
