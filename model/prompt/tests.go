package prompt

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"unicode"
)

// comparisons are the tests that compare with an argument.
var comparisons = map[string]string{
	"eq": "==", "equalto": "==", "==": "==", "ne": "!=", "!=": "!=", "lt": "<", "lessthan": "<", "<": "<", "le": "<=", "<=": "<=",
	"gt": ">", "greaterthan": ">", ">": ">", "ge": ">=", ">=": ">=", "in": "in",
}

// tests are those without an argument.
var tests = map[string]func(v any) bool{
	"defined":   func(v any) bool { _, missing := v.(undefined); return !missing },
	"undefined": func(v any) bool { _, missing := v.(undefined); return missing },
	"none":      func(v any) bool { return v == nil },
	"string":    func(v any) bool { _, ok := v.(str); return ok },
	"mapping":   func(v any) bool { _, ok := v.(*dict); return ok },
	"sequence": func(v any) bool {
		_, err := length(v)
		return err == nil
	},
	"iterable": func(v any) bool {
		switch v.(type) {
		case str, list, tuple, *dict, undefined, *loop:
			return true
		}
		return false
	},
	"boolean": func(v any) bool { _, ok := v.(bool); return ok },
	"true":    func(v any) bool { b, ok := v.(bool); return ok && b },
	"false":   func(v any) bool { b, ok := v.(bool); return ok && !b },
	"integer": func(v any) bool { _, ok := v.(int); return ok },
	"float":   func(v any) bool { _, ok := v.(float64); return ok },
	"number":  func(v any) bool { _, ok := number(v); return ok },
	"callable": func(v any) bool {
		switch v := v.(type) {
		case function, undefined: // which fails when it is called
			return true
		case *loop:
			return v.recourse != nil
		}
		return false
	},
	"escaped": func(any) bool { return false },
	"lower":   func(v any) bool { return isCase(text(v).s, unicode.IsLower) },
	"upper":   func(v any) bool { return isCase(text(v).s, unicode.IsUpper) },
}

// passes applies value is name(args).
func (e *evaluator) passes(name string, v any, a *arguments) (bool, error) {
	if op := comparisons[name]; op != "" {
		p, err := a.bind(name, 1, "other")
		if err != nil {
			return false, err
		}
		return e.compare(op, v, p[0])
	}
	if f := tests[name]; f != nil {
		if _, err := a.bind(name, 0); err != nil {
			return false, err
		}
		if name == "lower" || name == "upper" {
			if err := e.charge(v); err != nil {
				return false, err
			}
		}
		return f(v), nil
	}
	switch name {
	case "sameas":
		p, err := a.bind(name, 1, "other")
		if err != nil {
			return false, err
		}
		if err := e.charge(v); err != nil {
			return false, err
		}
		return same(v, p[0]), nil
	case "odd", "even":
		if _, err := a.bind(name, 0); err != nil {
			return false, err
		}
		n, ok := number(v)
		if !ok {
			return false, fmt.Errorf("%s wants a number, got a %s", name, typeName(v))
		}
		rest := math.Mod(n, 2)
		return name == "even" && rest == 0 || name == "odd" && math.Abs(rest) == 1, nil
	case "divisibleby":
		p, err := a.bind(name, 1, "num")
		if err != nil {
			return false, err
		}
		m, ok1 := integer(v)
		n, ok2 := integer(p[0])
		if !ok1 || !ok2 || n == 0 {
			return false, errors.New("divisibleby wants whole numbers, the second not 0")
		}
		return m%n == 0, nil
	case "filter", "test":
		p, err := a.bind(name, 0)
		if err != nil || len(p) > 0 {
			return false, err
		}
		s, ok := v.(str)
		if !ok {
			return false, fmt.Errorf("%s wants a name, got a %s", name, typeName(v))
		}
		if name == "filter" {
			return filters[s.s] != nil, nil
		}
		known := tests[s.s] != nil || comparisons[s.s] != ""
		for _, other := range []string{"sameas", "odd", "even", "divisibleby", "filter", "test"} {
			known = known || s.s == other
		}
		return known, nil
	}
	return false, fmt.Errorf("the test %.40s is not supported", name)
}

// same is Python's is: values that do not change are the same where they are
// equal and of one type, others where they are one.
func same(a, b any) bool {
	switch x := a.(type) {
	case list:
		y, ok := b.(list)
		return ok && len(x) == len(y) && (len(x) == 0 || &x[0] == &y[0])
	case tuple:
		y, ok := b.(tuple)
		return ok && len(x) == len(y) && (len(x) == 0 || &x[0] == &y[0])
	case *dict:
		y, ok := b.(*dict)
		return ok && x == y
	case *namespace:
		y, ok := b.(*namespace)
		return ok && x == y
	case str:
		y, ok := b.(str)
		return ok && x.s == y.s
	}
	return typeName(a) == typeName(b) && repr(a).s == repr(b).s && equal(a, b)
}

// isCase is Python's str.islower and isupper: there are letters with a case, and all of them have this one.
func isCase(s string, is func(rune) bool) bool {
	return strings.IndexFunc(s, is) >= 0 && strings.IndexFunc(s, func(r rune) bool { return cased(r) && !is(r) }) < 0
}

func cased(r rune) bool { return unicode.IsUpper(r) || unicode.IsLower(r) || unicode.IsTitle(r) }
