package prompt

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// The filters that look at a list's items, but not into them.
var shallow = []string{"length", "count", "first", "last", "list", "reverse", "default", "d", "items", "map", "select", "reject", "selectattr", "rejectattr"}

// filter applies value | name(args).
func (e *evaluator) filter(name string, v any, args []any, named map[string]any) (any, error) {
	arg := func(i int, key string, otherwise any) any {
		if i < len(args) {
			return args[i]
		}
		if value, ok := named[key]; ok {
			return value
		}
		return otherwise
	}
	cost := []any{v}
	if _, ok := v.(string); !ok && slices.Contains(shallow, name) {
		cost = nil
	}
	if err := e.charge(append(cost, args...)...); err != nil {
		return nil, err
	}
	switch name {
	case "trim":
		if chars, ok := arg(0, "chars", nil).(string); ok {
			return strings.Trim(text(v), chars), nil
		}
		return strings.TrimFunc(text(v), unicode.IsSpace), nil
	case "length", "count":
		return length(v)
	case "upper":
		return strings.ToUpper(text(v)), nil
	case "lower":
		return strings.ToLower(text(v)), nil
	case "capitalize":
		return capitalize(text(v)), nil
	case "title":
		return title(text(v)), nil
	case "string":
		return text(v), nil
	case "safe", "escape", "e":
		if name != "safe" {
			return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;", "'", "&#39;").Replace(text(v)), nil
		}
		return v, nil
	case "int":
		if s, ok := v.(string); ok {
			n, err := strconv.Atoi(strings.TrimSpace(s))
			if err != nil {
				return arg(0, "default", 0), nil
			}
			return n, nil
		}
		if f, ok := number(v); ok && math.Abs(f) < 1<<53 {
			return int(f), nil
		}
		return arg(0, "default", 0), nil
	case "float":
		if s, ok := v.(string); ok {
			if f, err := strconv.ParseFloat(strings.TrimSpace(s), 64); err == nil {
				return f, nil
			}
		}
		if f, ok := number(v); ok {
			return f, nil
		}
		return arg(0, "default", 0.0), nil
	case "abs":
		switch n := v.(type) {
		case int:
			return max(n, -n), nil
		case float64:
			return math.Abs(n), nil
		}
		return nil, fmt.Errorf("abs wants a number, got a %s", typeName(v))
	case "default", "d":
		_, missing := v.(undefined)
		if missing || truth(arg(1, "boolean", false)) && !truth(v) {
			return arg(0, "default_value", ""), nil
		}
		return v, nil
	case "replace":
		from, ok1 := arg(0, "old", nil).(string)
		to, ok2 := arg(1, "new", nil).(string)
		if !ok1 || !ok2 {
			return nil, errors.New("replace wants two strings")
		}
		return e.replace(text(v), from, to, -1)
	case "tojson":
		indent, _ := integer(arg(0, "indent", 0))
		if indent < 0 || indent > 16 {
			return nil, fmt.Errorf("tojson's indent is %d, want 0 to 16", indent)
		}
		var b strings.Builder
		if err := toJSON(&b, v, indent, 0); err != nil {
			return nil, err
		}
		return e.grow(b.String())
	case "indent":
		width, _ := integer(arg(0, "width", 4))
		if width < 0 || width > 100 {
			return nil, fmt.Errorf("indent's width is %d, want 0 to 100", width)
		}
		lines := strings.Split(text(v), "\n")
		for i := range lines {
			if (i > 0 || truth(arg(1, "first", false))) && (lines[i] != "" || truth(arg(2, "blank", false))) {
				lines[i] = strings.Repeat(" ", width) + lines[i]
			}
		}
		return e.grow(strings.Join(lines, "\n"))
	case "items":
		if d, ok := v.(*dict); ok {
			return pairs(d), nil
		}
		if _, missing := v.(undefined); missing {
			return []any(nil), nil
		}
		return nil, fmt.Errorf("items wants a mapping, got a %s", typeName(v))
	}
	all, err := []any(nil), error(nil)
	if slices.Contains(listFilters, name) {
		all, err = e.walk(v)
	}
	if err != nil {
		if _, missing := v.(undefined); !missing {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	switch name {
	case "list":
		return all, nil
	case "first":
		if len(all) == 0 {
			return undefined{"the first item"}, nil
		}
		return all[0], nil
	case "last":
		if len(all) == 0 {
			return undefined{"the last item"}, nil
		}
		return all[len(all)-1], nil
	case "join":
		parts := make([]string, len(all))
		for i, item := range all {
			if key, ok := arg(1, "attribute", nil).(string); ok {
				item, _ = e.attribute(item, key)
			}
			parts[i] = text(item)
		}
		return e.grow(strings.Join(parts, text(arg(0, "d", ""))))
	case "reverse":
		out := slices.Clone(all)
		slices.Reverse(out)
		if _, ok := v.(string); ok {
			return e.filter("join", out, nil, nil)
		}
		return out, nil
	case "unique":
		var out []any
		for _, item := range all {
			if found, _ := contains(out, item); !found {
				out = append(out, item)
			}
			if e.steps += len(out); e.steps > maxSteps {
				return nil, fmt.Errorf("the template took more than %d steps", maxSteps)
			}
		}
		return out, nil
	case "map":
		out := make([]any, len(all))
		for i, item := range all {
			var err error
			if key, ok := named["attribute"].(string); ok {
				out[i], err = e.attribute(item, key)
			} else if name, ok := arg(0, "filter", nil).(string); ok {
				out[i], err = e.filter(name, item, args[1:], nil)
			} else {
				err = errors.New("map wants an attribute or a filter's name")
			}
			if err != nil {
				return nil, err
			}
		}
		return out, nil
	case "select", "reject", "selectattr", "rejectattr":
		return e.selection(name, all, args)
	}
	return nil, fmt.Errorf("the filter %s is not supported", name)
}

var listFilters = []string{"list", "first", "last", "join", "reverse", "unique", "map", "select", "reject", "selectattr", "rejectattr"}

// selection keeps the items that pass a test, of themselves or of an attribute.
func (e *evaluator) selection(name string, all []any, args []any) (any, error) {
	attribute := ""
	if strings.HasSuffix(name, "attr") {
		ok := false
		if len(args) > 0 {
			attribute, ok = args[0].(string)
		}
		if !ok {
			return nil, fmt.Errorf("%s wants an attribute's name", name)
		}
		args = args[1:]
	}
	var out []any
	for _, item := range all {
		v := item
		if attribute != "" {
			var err error
			if v, err = e.attribute(item, attribute); err != nil {
				return nil, err
			}
		}
		yes := truth(v)
		if len(args) > 0 {
			var err error
			if yes, err = e.passes(text(args[0]), v, args[1:]); err != nil {
				return nil, err
			}
		}
		if yes == strings.HasPrefix(name, "select") {
			out = append(out, item)
		}
	}
	return out, nil
}

// passes applies value is name(args).
func (e *evaluator) passes(name string, v any, args []any) (bool, error) {
	if len(args) > 0 || name == "lower" || name == "upper" {
		if err := e.charge(append([]any{v}, args...)...); err != nil {
			return false, err
		}
	}
	return passes(name, v, args)
}

func passes(name string, v any, args []any) (bool, error) {
	_, missing := v.(undefined)
	switch name {
	case "defined":
		return !missing, nil
	case "undefined":
		return missing, nil
	case "none":
		return v == nil, nil
	case "string":
		_, ok := v.(string)
		return ok, nil
	case "mapping":
		_, ok := v.(*dict)
		return ok, nil
	case "sequence", "iterable":
		_, err := items(v)
		return err == nil, nil
	case "boolean":
		_, ok := v.(bool)
		return ok, nil
	case "true", "false":
		b, ok := v.(bool)
		return ok && b == (name == "true"), nil
	case "integer":
		_, ok := v.(int)
		return ok, nil
	case "float":
		_, ok := v.(float64)
		return ok, nil
	case "number":
		_, isBool := v.(bool)
		_, ok := number(v)
		return ok && !isBool, nil
	case "callable":
		_, ok := v.(function)
		return ok, nil
	case "odd", "even":
		n, ok := integer(v)
		if !ok {
			return false, fmt.Errorf("%s wants a whole number, got a %s", name, typeName(v))
		}
		return (n%2 != 0) == (name == "odd"), nil
	case "lower":
		return text(v) == strings.ToLower(text(v)), nil
	case "upper":
		return text(v) == strings.ToUpper(text(v)), nil
	}
	if len(args) == 1 {
		switch name {
		case "equalto", "eq", "sameas":
			return equal(v, args[0]), nil
		case "ne":
			return !equal(v, args[0]), nil
		case "in":
			return contains(args[0], v)
		case "lt", "lessthan", "le", "gt", "greaterthan", "ge":
			a, ok1 := number(v)
			b, ok2 := number(args[0])
			if !ok1 || !ok2 {
				return false, fmt.Errorf("%s wants numbers", name)
			}
			below := name[0] == 'l'
			return a == b && strings.HasSuffix(name, "e") || a < b && below || a > b && !below, nil
		case "divisibleby":
			a, ok1 := integer(v)
			b, ok2 := integer(args[0])
			if !ok1 || !ok2 || b == 0 {
				return false, errors.New("divisibleby wants whole numbers, the second not 0")
			}
			return a%b == 0, nil
		}
	}
	return false, fmt.Errorf("the test %s is not supported", name)
}

func pairs(d *dict) []any {
	out := make([]any, len(d.keys))
	for i, key := range d.keys {
		out[i] = []any{key, d.values[key]}
	}
	return out
}

func dictMethod(d *dict, name string) any {
	switch name {
	case "items":
		return function(func([]any, map[string]any) (any, error) { return pairs(d), nil })
	case "keys":
		return function(func([]any, map[string]any) (any, error) { return items(d) })
	case "values":
		return function(func([]any, map[string]any) (any, error) {
			out := make([]any, len(d.keys))
			for i, key := range d.keys {
				out[i] = d.values[key]
			}
			return out, nil
		})
	case "get":
		return function(func(args []any, _ map[string]any) (any, error) {
			if len(args) == 0 {
				return nil, errors.New("get wants a key")
			}
			if v, ok := d.values[text(args[0])]; ok {
				return v, nil
			}
			if len(args) > 1 {
				return args[1], nil
			}
			return nil, nil
		})
	}
	return nil
}

// stringMethod is a method of Python's str, nil for one that is not here.
func (e *evaluator) stringMethod(s, name string) any {
	method := func(f func(args []any) (any, error)) any {
		return function(func(args []any, _ map[string]any) (any, error) { return f(args) })
	}
	str := func(args []any, i int) (string, bool) {
		if i >= len(args) {
			return "", false
		}
		v, ok := args[i].(string)
		return v, ok
	}
	trim := func(byChars func(string, string) string, bySpace func(string, func(rune) bool) string) any {
		return method(func(args []any) (any, error) {
			if chars, ok := str(args, 0); ok {
				return byChars(s, chars), nil
			}
			return bySpace(s, unicode.IsSpace), nil
		})
	}
	affix := func(has func(string, string) bool) any {
		return method(func(args []any) (any, error) {
			if len(args) == 1 {
				if all, ok := args[0].([]any); ok {
					return slices.ContainsFunc(all, func(v any) bool { a, ok := v.(string); return ok && has(s, a) }), nil
				}
			}
			a, ok := str(args, 0)
			if !ok {
				return nil, fmt.Errorf("%s wants a string", name)
			}
			return has(s, a), nil
		})
	}
	switch name {
	case "strip":
		return trim(strings.Trim, strings.TrimFunc)
	case "lstrip":
		return trim(strings.TrimLeft, strings.TrimLeftFunc)
	case "rstrip":
		return trim(strings.TrimRight, strings.TrimRightFunc)
	case "startswith":
		return affix(strings.HasPrefix)
	case "endswith":
		return affix(strings.HasSuffix)
	case "upper":
		return method(func([]any) (any, error) { return strings.ToUpper(s), nil })
	case "lower":
		return method(func([]any) (any, error) { return strings.ToLower(s), nil })
	case "title":
		return method(func([]any) (any, error) { return title(s), nil })
	case "capitalize":
		return method(func([]any) (any, error) { return capitalize(s), nil })
	case "isdigit":
		return method(func([]any) (any, error) {
			return s != "" && strings.IndexFunc(s, func(r rune) bool { return !unicode.IsDigit(r) }) < 0, nil
		})
	case "count", "find":
		return method(func(args []any) (any, error) {
			a, ok := str(args, 0)
			if !ok {
				return nil, fmt.Errorf("%s wants a string", name)
			}
			if name == "count" {
				return strings.Count(s, a), nil
			}
			at := strings.Index(s, a)
			if at > 0 {
				at = len([]rune(s[:at]))
			}
			return at, nil
		})
	case "replace":
		return method(func(args []any) (any, error) {
			from, ok1 := str(args, 0)
			to, ok2 := str(args, 1)
			n := -1
			if len(args) > 2 {
				n, _ = integer(args[2])
			}
			if !ok1 || !ok2 {
				return nil, errors.New("replace wants two strings")
			}
			return e.replace(s, from, to, n)
		})
	case "split", "rsplit":
		return method(func(args []any) (any, error) {
			parts := 0
			if separator, ok := str(args, 0); ok && separator != "" {
				parts = strings.Count(s, separator)
			} else {
				for range strings.FieldsSeq(s) {
					parts++
				}
			}
			if err := e.afford(itemCost * parts); err != nil {
				return nil, err
			}
			return split(s, args, name == "rsplit"), nil
		})
	case "splitlines":
		return method(func([]any) (any, error) {
			if err := e.afford(itemCost * strings.Count(s, "\n")); err != nil {
				return nil, err
			}
			var out []any
			for line := range strings.Lines(s) {
				out = append(out, strings.TrimRight(line, "\r\n"))
			}
			return out, nil
		})
	case "join":
		return method(func(args []any) (any, error) {
			if len(args) != 1 {
				return nil, errors.New("join wants a list")
			}
			return e.filter("join", args[0], []any{s}, nil)
		})
	}
	return nil
}

func (e *evaluator) replace(s, from, to string, n int) (any, error) {
	count := strings.Count(s, from)
	if count > 0 && len(to) > maxOutput/count {
		return nil, fmt.Errorf("the template makes more than %d bytes of text", maxOutput)
	}
	return e.grow(strings.Replace(s, from, to, n))
}

// split is Python's: by white space without an argument, at most n times with two.
func split(s string, args []any, fromRight bool) any {
	separator, bySeparator := "", false
	if len(args) > 0 {
		separator, bySeparator = args[0].(string)
	}
	n := -1
	if len(args) > 1 {
		n, _ = integer(args[1])
	}
	var parts []string
	switch {
	case !bySeparator || separator == "":
		parts = strings.Fields(s)
	case n < 0:
		parts = strings.Split(s, separator)
	case fromRight:
		for ; n > 0; n-- {
			at := strings.LastIndex(s, separator)
			if at < 0 {
				break
			}
			parts = append(parts, s[at+len(separator):])
			s = s[:at]
		}
		parts = append(parts, s)
		slices.Reverse(parts)
	default:
		parts = strings.SplitN(s, separator, n+1)
	}
	out := make([]any, len(parts))
	for i, part := range parts {
		out[i] = part
	}
	return out
}

func capitalize(s string) string {
	r := []rune(strings.ToLower(s))
	if len(r) > 0 {
		r[0] = unicode.ToUpper(r[0])
	}
	return string(r)
}

// title raises the first letter of each word, as Python does.
func title(s string) string {
	previous := false
	return strings.Map(func(r rune) rune {
		defer func() { previous = unicode.IsLetter(r) }()
		if previous {
			return unicode.ToLower(r)
		}
		return unicode.ToUpper(r)
	}, s)
}
