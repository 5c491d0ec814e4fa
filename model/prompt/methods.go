package prompt

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// method is a method of a value, nil for one that is not here. Python's methods
// that would change a list or mapping are not, as in Jinja's immutable sandbox.
func (e *evaluator) method(of any, name string) any {
	var f func(e *evaluator, of any, a *arguments) (any, error)
	switch of.(type) {
	case str:
		if m := strMethods[name]; m != nil {
			f = func(e *evaluator, of any, a *arguments) (any, error) { return m(e, of.(str), a) }
		}
	case list, tuple:
		f = listMethods[name]
		if _, isTuple := of.(tuple); isTuple && name == "copy" {
			f = nil
		}
	case *dict:
		f = dictMethods[name]
	}
	if f == nil {
		return nil
	}
	return function(func(a *arguments) (any, error) {
		if s, ok := of.(str); ok { // arguments are charged where functions are called
			if err := e.afford(len(s.s) + s.work(name)); err != nil {
				return nil, err
			}
		}
		out, err := f(e, of, a)
		if err != nil {
			return nil, err
		}
		if s, ok := out.(str); ok {
			return e.grow(s)
		}
		return out, nil
	})
}

type listMethod = func(e *evaluator, of any, a *arguments) (any, error)

var dictMethods = map[string]listMethod{
	"items": func(e *evaluator, of any, a *arguments) (any, error) {
		d := of.(*dict)
		if _, err := a.bind("items", 0); err != nil {
			return nil, err
		}
		return d.pairs(), e.take(len(d.keys))
	},
	"keys": func(_ *evaluator, of any, a *arguments) (any, error) {
		_, err := a.bind("keys", 0)
		return list(of.(*dict).keys), err
	},
	"values": func(e *evaluator, of any, a *arguments) (any, error) {
		d := of.(*dict)
		if _, err := a.bind("values", 0); err != nil {
			return nil, err
		}
		out := make(list, len(d.keys))
		for i, key := range d.keys {
			out[i] = d.of(key)
		}
		return out, e.take(len(d.keys))
	},
	"copy": func(_ *evaluator, of any, a *arguments) (any, error) {
		_, err := a.bind("copy", 0)
		return of, err
	},
	"get": func(e *evaluator, of any, a *arguments) (any, error) {
		p, err := a.bind("get", 1, "key", "default")
		if err != nil {
			return nil, err
		}
		if v, ok := of.(*dict).get(p[0]); ok {
			return v, nil
		}
		return orElse(p[1], nil), nil
	},
}

var listMethods = map[string]listMethod{
	"copy": func(_ *evaluator, of any, a *arguments) (any, error) {
		_, err := a.bind("copy", 0)
		return of, err
	},
	"count": func(e *evaluator, of any, a *arguments) (any, error) {
		p, err := a.bind("count", 1, "value")
		if err == nil {
			err = e.charge(of)
		}
		if err != nil {
			return nil, err
		}
		n := 0
		all, _ := items(of)
		for _, item := range all {
			if equal(item, p[0]) {
				n++
			}
		}
		return n, nil
	},
	"index": func(e *evaluator, of any, a *arguments) (any, error) {
		p, err := a.bind("index", 1, "value", "start", "stop")
		if err == nil {
			err = e.charge(of)
		}
		if err != nil {
			return nil, err
		}
		all, _ := items(of)
		from, to, err := bounds("index", p[1], p[2], len(all))
		if err != nil {
			return nil, err
		}
		for i := from; i < to; i++ {
			if equal(all[i], p[0]) {
				return i, nil
			}
		}
		return nil, errors.New("index: the value is not in the list")
	},
}

// bounds are the optional start and stop of what looks through n things.
// A start beyond the end stays beyond it.
func bounds(of string, start, stop any, n int) (from, to int, err error) {
	to = n
	for _, b := range []struct {
		v  any
		to *int
	}{{start, &from}, {stop, &to}} {
		if b.v == nil {
			continue
		}
		i, err := wantInt(of, b.v, *b.to)
		if err != nil {
			return 0, 0, err
		}
		if i < 0 {
			i = max(i+n, 0)
		}
		*b.to = i
	}
	to = min(to, n)
	return from, to, nil
}

type strMethod = func(e *evaluator, s str, a *arguments) (any, error)

// strMethods are those of Python's str, but for encode, maketrans and translate.
var strMethods map[string]strMethod

func init() {
	simple := func(name string, f func(s str) any) strMethod {
		return func(_ *evaluator, s str, a *arguments) (any, error) {
			if _, err := a.bind(name, 0); err != nil {
				return nil, err
			}
			return f(s), nil
		}
	}
	// each holds where there are characters and every one passes.
	each := func(name string, passes func(rune) bool) strMethod {
		return simple(name, func(s str) any {
			return s.s != "" && strings.IndexFunc(s.s, func(r rune) bool { return !passes(r) }) < 0
		})
	}
	trim := func(name string, left, right bool) strMethod {
		return func(_ *evaluator, s str, a *arguments) (any, error) {
			if err := a.unnamed(name); err != nil {
				return nil, err
			}
			p, err := a.bind(name, 0, "chars")
			if err != nil {
				return nil, err
			}
			in, err := charset(name, p[0])
			return s.trim(left, right, in), err
		}
	}
	affix := func(name string, has func(s, affix string) bool) strMethod {
		return func(_ *evaluator, s str, a *arguments) (any, error) {
			p, err := a.bind(name, 1, "affix", "start", "end")
			if err != nil {
				return nil, err
			}
			part, inside, err := s.part(name, p[1], p[2])
			if err != nil {
				return nil, err
			}
			of, isTuple := p[0].(tuple)
			if !isTuple {
				of = tuple{p[0]}
			}
			for _, one := range of {
				a, err := wantStr(name, one, "")
				if err != nil {
					return nil, err
				}
				if inside && has(part.s, a.s) {
					return true, nil
				}
			}
			return false, nil
		}
	}
	find := func(name string, index func(s, part string) int, fails bool) strMethod {
		return func(_ *evaluator, s str, a *arguments) (any, error) {
			p, err := a.bind(name, 1, "sub", "start", "end")
			if err != nil {
				return nil, err
			}
			sub, err := wantStr(name, p[0], "")
			if err != nil {
				return nil, err
			}
			n := utf8.RuneCountInString(s.s)
			from, to, err := bounds(name, p[1], p[2], n)
			if err != nil {
				return nil, err
			}
			at := -1
			if from <= to {
				part := s.s[byteAt(s.s, from):byteAt(s.s, to)]
				if at = index(part, sub.s); at >= 0 {
					at = from + utf8.RuneCountInString(part[:at])
				}
			}
			if at < 0 && fails {
				return nil, fmt.Errorf("%s: the string has no %s", name, asked(sub))
			}
			return at, nil
		}
	}
	partition := func(name string, index func(s, part string) int, last bool) strMethod {
		return func(_ *evaluator, s str, a *arguments) (any, error) {
			p, err := a.bind(name, 1, "sep")
			if err != nil {
				return nil, err
			}
			sep, err := wantStr(name, p[0], "")
			if err != nil || sep.s == "" {
				return nil, fmt.Errorf("%s wants a string that is not empty", name)
			}
			at := index(s.s, sep.s)
			switch {
			case at >= 0:
				end := at + len(sep.s)
				return tuple{s.cut(0, at), s.cut(at, end), s.cut(end, len(s.s))}, nil
			case last:
				return tuple{str{}, str{}, s}, nil
			}
			return tuple{s, str{}, str{}}, nil
		}
	}
	split := func(name string, right bool) strMethod {
		return func(e *evaluator, s str, a *arguments) (any, error) {
			p, err := a.bind(name, 0, "sep", "maxsplit")
			if err != nil {
				return nil, err
			}
			n, err := wantInt(name, p[1], -1)
			if err != nil {
				return nil, err
			}
			var parts []str
			if sep := orElse(p[0], nil); sep == nil {
				if err := e.afford(itemCost * countFields(s.s, n)); err != nil {
					return nil, err
				}
				parts = fields(s, n, right)
			} else {
				by, err := wantStr(name, sep, "")
				if err != nil || by.s == "" {
					return nil, fmt.Errorf("%s wants a string that is not empty, or none", name)
				}
				count := strings.Count(s.s, by.s)
				if n >= 0 {
					count = min(count, n)
				}
				if err := e.afford(itemCost * count); err != nil {
					return nil, err
				}
				parts = splitAt(s, by.s, count, right)
			}
			return strings_(parts), nil
		}
	}
	pad := func(name string, where side) strMethod {
		return func(e *evaluator, s str, a *arguments) (any, error) {
			p, err := a.bind(name, 1, "width", "fillchar")
			if err != nil {
				return nil, err
			}
			width, err := wantInt(name, p[0], 0)
			if err != nil {
				return nil, err
			}
			fill, err := wantStr(name, p[1], " ")
			if err != nil || utf8.RuneCountInString(fill.s) != 1 {
				return nil, fmt.Errorf("%s wants one character to fill with", name)
			}
			return e.pad(s, width, fill.s, where)
		}
	}
	strMethods = map[string]strMethod{
		"upper": simple("upper", func(s str) any { return upper(s) }), "lower": simple("lower", func(s str) any { return lower(s) }),
		"title":      simple("title", func(s str) any { return title(s) }),
		"capitalize": simple("capitalize", func(s str) any { return capitalize(s) }),
		"casefold": simple("casefold", func(s str) any {
			return s.rewrite(func(r []rune, i int) string { return strings.ToLower(upperRune(r[i])) })
		}),
		"swapcase": simple("swapcase", func(s str) any {
			return s.rewrite(func(r []rune, i int) string {
				if unicode.IsUpper(r[i]) {
					return lowerRune(r, i)
				}
				return upperRune(r[i])
			})
		}),
		"strip": trim("strip", true, true), "lstrip": trim("lstrip", true, false), "rstrip": trim("rstrip", false, true),
		"startswith": affix("startswith", strings.HasPrefix), "endswith": affix("endswith", strings.HasSuffix),
		"find": find("find", strings.Index, false), "rfind": find("rfind", strings.LastIndex, false),
		"index": find("index", strings.Index, true), "rindex": find("rindex", strings.LastIndex, true),
		"partition": partition("partition", strings.Index, false), "rpartition": partition("rpartition", strings.LastIndex, true),
		"split": split("split", false), "rsplit": split("rsplit", true),
		"center": pad("center", centredRight), "ljust": pad("ljust", atRight), "rjust": pad("rjust", atLeft),
		"isalpha": each("isalpha", unicode.IsLetter), "isdecimal": each("isdecimal", unicode.IsDigit),
		"isdigit": each("isdigit", isDigit), "isnumeric": each("isnumeric", unicode.IsNumber),
		"isalnum": each("isalnum", func(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }),
		"isspace": each("isspace", isSpace),
		"isascii": simple("isascii", func(s str) any {
			return strings.IndexFunc(s.s, func(r rune) bool { return r >= utf8.RuneSelf }) < 0
		}),
		"isprintable": simple("isprintable", func(s str) any {
			return strings.IndexFunc(s.s, func(r rune) bool { return !unicode.IsPrint(r) }) < 0
		}),
		"isidentifier": simple("isidentifier", func(s str) any { return s.s != "" && nameLength(s.s) == len(s.s) }),
		"islower":      simple("islower", func(s str) any { return isCase(s.s, unicode.IsLower) }),
		"isupper":      simple("isupper", func(s str) any { return isCase(s.s, unicode.IsUpper) }),
		"istitle": simple("istitle", func(s str) any {
			return strings.IndexFunc(s.s, cased) >= 0 && title(s).s == s.s
		}),
		"count": func(_ *evaluator, s str, a *arguments) (any, error) {
			p, err := a.bind("count", 1, "sub", "start", "end")
			if err != nil {
				return nil, err
			}
			sub, err := wantStr("count", p[0], "")
			if err != nil {
				return nil, err
			}
			part, inside, err := s.part("count", p[1], p[2])
			if err != nil || !inside {
				return 0, err
			}
			return strings.Count(part.s, sub.s), nil
		},
		"replace": func(e *evaluator, s str, a *arguments) (any, error) {
			p, err := a.bind("replace", 2, "old", "new", "count")
			if err != nil {
				return nil, err
			}
			from, err := wantStr("replace", p[0], "")
			if err != nil {
				return nil, err
			}
			to, err := wantStr("replace", p[1], "")
			if err != nil {
				return nil, err
			}
			n, err := wantInt("replace", p[2], -1)
			if err != nil {
				return nil, err
			}
			return e.replace(s, from, to, n)
		},
		"removeprefix": func(_ *evaluator, s str, a *arguments) (any, error) {
			p, err := a.bind("removeprefix", 1, "prefix")
			if err != nil {
				return nil, err
			}
			affix, err := wantStr("removeprefix", p[0], "")
			if err == nil && strings.HasPrefix(s.s, affix.s) {
				s = s.cut(len(affix.s), len(s.s))
			}
			return s, err
		},
		"removesuffix": func(_ *evaluator, s str, a *arguments) (any, error) {
			p, err := a.bind("removesuffix", 1, "suffix")
			if err != nil {
				return nil, err
			}
			affix, err := wantStr("removesuffix", p[0], "")
			if err == nil && strings.HasSuffix(s.s, affix.s) {
				s = s.cut(0, len(s.s)-len(affix.s))
			}
			return s, err
		},
		"splitlines": func(e *evaluator, s str, a *arguments) (any, error) {
			p, err := a.bind("splitlines", 0, "keepends")
			if err == nil {
				err = e.afford(itemCost * countLines(s.s))
			}
			if err != nil {
				return nil, err
			}
			return strings_(splitlines(s, flag(p[0]))), nil
		},
		"join": func(e *evaluator, s str, a *arguments) (any, error) {
			p, err := a.bind("join", 1, "iterable")
			if err != nil {
				return nil, err
			}
			all, err := e.walk(p[0])
			if err != nil {
				return nil, err
			}
			for _, item := range all {
				if _, err := wantStr("join", item, ""); err != nil {
					return nil, err
				}
			}
			return e.join(all, s, nil)
		},
		"zfill": func(e *evaluator, s str, a *arguments) (any, error) {
			p, err := a.bind("zfill", 1, "width")
			if err != nil {
				return nil, err
			}
			width, err := wantInt("zfill", p[0], 0)
			if err != nil {
				return nil, err
			}
			if s.s == "" || s.s[0] != '-' && s.s[0] != '+' {
				return e.pad(s, width, "0", atLeft)
			}
			digits, err := e.pad(s.cut(1, len(s.s)), width-1, "0", atLeft)
			if err != nil {
				return nil, err
			}
			var w writer
			w.add(s.cut(0, 1))
			w.add(digits.(str))
			return w.str(), nil
		},
		"expandtabs": func(e *evaluator, s str, a *arguments) (any, error) {
			p, err := a.bind("expandtabs", 0, "tabsize")
			if err != nil {
				return nil, err
			}
			size, err := wantInt("expandtabs", p[0], 8)
			if err != nil {
				return nil, err
			}
			if n := strings.Count(s.s, "\t"); n > 0 && size > maxOutput/n {
				return nil, tooMuchText()
			}
			column := 0
			return s.rewrite(func(r []rune, i int) string {
				switch {
				case r[i] == '\t' && size > 0:
					n := size - column%size
					column += n
					return strings.Repeat(" ", n)
				case r[i] == '\t':
					return ""
				case r[i] == '\n' || r[i] == '\r':
					column = 0
				default:
					column++
				}
				return string(r[i])
			}), nil
		},
		"format": func(e *evaluator, s str, a *arguments) (any, error) { return e.format(s, a) },
		"format_map": func(e *evaluator, s str, a *arguments) (any, error) {
			p, err := a.bind("format_map", 1, "mapping")
			if err != nil {
				return nil, err
			}
			d, ok := p[0].(*dict)
			if !ok {
				return nil, fmt.Errorf("format_map wants a mapping, got a %s", typeName(p[0]))
			}
			args := &arguments{}
			for _, key := range d.keys {
				args.named = append(args.named, named{text(key).s, d.of(key)})
			}
			return e.format(s, args)
		},
	}
}

// strings_ makes a list of strings.
func strings_(parts []str) list {
	out := make(list, len(parts))
	for i, part := range parts {
		out[i] = part
	}
	return out
}

// part is the characters from a place up to another, for methods that may look at a part only.
// It is not inside the string where it would begin after its end: there not even nothing is found.
func (t str) part(of string, start, stop any) (part str, inside bool, err error) {
	if !given(start) && !given(stop) {
		return t, true, nil
	}
	from, to, err := bounds(of, start, stop, utf8.RuneCountInString(t.s))
	if err != nil || from > to {
		return str{}, false, err
	}
	return t.cut(byteAt(t.s, from), byteAt(t.s, to)), true, nil
}

func (e *evaluator) replace(s, from, to str, n int) (any, error) {
	count := strings.Count(s.s, from.s)
	if n >= 0 {
		count = min(count, n)
	}
	if count > 0 && to.size() > maxOutput/count {
		return nil, tooMuchText()
	}
	var w writer
	at := 0
	for i := range count {
		next := at
		switch {
		case from.s != "":
			next += strings.Index(s.s[at:], from.s)
		case i > 0: // between characters
			next += byteAt(s.s[at:], 1)
		}
		w.add(s.cut(at, next))
		w.add(to)
		at = next + len(from.s)
	}
	w.add(s.cut(at, len(s.s)))
	return w.str(), nil
}

// splitAt cuts a string at n separators, the first or the last ones.
func splitAt(s str, separator string, n int, right bool) []str {
	var parts []str
	if right {
		end := len(s.s)
		for range n {
			at := strings.LastIndex(s.s[:end], separator)
			parts = append(parts, s.cut(at+len(separator), end))
			end = at
		}
		parts = append(parts, s.cut(0, end))
		slices.Reverse(parts)
		return parts
	}
	at := 0
	for range n {
		next := at + strings.Index(s.s[at:], separator)
		parts = append(parts, s.cut(at, next))
		at = next + len(separator)
	}
	return append(parts, s.cut(at, len(s.s)))
}

// fields cuts a string at white space, at most n times if n is not negative.
func fields(s str, n int, right bool) []str {
	var parts []str
	rest := s.trim(true, true, isSpace)
	for rest.s != "" {
		at := strings.IndexFunc(rest.s, isSpace)
		if right {
			at = strings.LastIndexFunc(rest.s, isSpace)
		}
		if at < 0 || n >= 0 && len(parts) == n {
			break
		}
		if right {
			_, size := utf8.DecodeRuneInString(rest.s[at:])
			parts = append(parts, rest.cut(at+size, len(rest.s)))
			rest = rest.cut(0, at).trim(false, true, isSpace)
		} else {
			parts = append(parts, rest.cut(0, at))
			rest = rest.cut(at, len(rest.s)).trim(true, false, isSpace)
		}
	}
	if rest.s != "" {
		// What is left keeps the white space at the far end.
		if n >= 0 && len(parts) == n {
			if right {
				rest = s.cut(0, strings.Index(s.s, rest.s)+len(rest.s))
			} else {
				rest = s.cut(strings.LastIndex(s.s, rest.s), len(s.s))
			}
		}
		parts = append(parts, rest)
	}
	if right {
		slices.Reverse(parts)
	}
	return parts
}

func countFields(s string, n int) int {
	count := 0
	for range strings.FieldsFuncSeq(s, isSpace) {
		if count++; n >= 0 && count > n {
			break
		}
	}
	return count
}

// lineEnd is how many bytes the line end takes that a text begins with, 0 for none.
func lineEnd(s string) int {
	if s[0] >= ' ' && s[0] < 0xc2 {
		return 0
	}
	if strings.HasPrefix(s, "\r\n") {
		return 2
	}
	r, size := utf8.DecodeRuneInString(s)
	if strings.ContainsRune("\n\r\v\f\x1c\x1d\x1e\u0085\u2028\u2029", r) && size > 0 && !(r == utf8.RuneError && size == 1) {
		return size
	}
	return 0
}

func countLines(s string) (n int) {
	for at := 0; at < len(s); {
		size := lineEnd(s[at:])
		if size > 0 {
			n++
		}
		at += max(size, 1)
	}
	return n
}

func splitlines(s str, keep bool) []str {
	var parts []str
	from := 0
	for at := 0; at < len(s.s); {
		n := lineEnd(s.s[at:])
		if n == 0 {
			at++
			continue
		}
		end := at
		if keep {
			end += n
		}
		parts = append(parts, s.cut(from, end))
		at += n
		from = at
	}
	if from < len(s.s) {
		parts = append(parts, s.cut(from, len(s.s)))
	}
	return parts
}

// side says where padding goes.
type side int

const (
	atLeft side = iota
	atRight
	centred      // the odd one at the right, as Jinja's filter has it through str.center
	centredRight // str.center's own rule
)

// pad brings a string to a width in characters.
func (e *evaluator) pad(s str, width int, fill string, where side) (any, error) {
	n := width - utf8.RuneCountInString(s.s)
	if n <= 0 {
		return s, nil
	}
	if n > maxOutput/len(fill) {
		return nil, tooMuchText()
	}
	left := 0
	switch where {
	case atLeft:
		left = n
	case centred, centredRight: // CPython's rule
		left = n/2 + n&width&1
	}
	var w writer
	w.put(strings.Repeat(fill, left), false)
	w.add(s)
	w.put(strings.Repeat(fill, n-left), false)
	return w.str(), nil
}
