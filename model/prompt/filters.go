package prompt

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The filters that look at a list's items, but not into them.
var shallow = []string{"length", "count", "first", "last", "list", "reverse", "default", "d", "items", "map", "select", "reject", "selectattr", "rejectattr", "batch", "slice", "safe", "attr"}

// filters are Jinja's, but for pprint, random, urlize, wordwrap, xmlattr and
// filesizeformat, which chat templates have no use for. Set by init: filters call filters.
var filters map[string]func(e *evaluator, v any, a *arguments) (any, error)

// filter applies value | name(args).
func (e *evaluator) filter(name string, v any, a *arguments) (any, error) {
	f := filters[name]
	if f == nil {
		return nil, fmt.Errorf("the filter %.40s is not supported", name)
	}
	if s, isString := v.(str); isString {
		if err := e.afford(s.work(name)); err != nil {
			return nil, err
		}
	}
	var cost []any
	if _, isString := v.(str); isString || !slices.Contains(shallow, name) {
		cost = append(cost, v)
	}
	cost = append(cost, a.all...)
	for _, n := range a.named {
		cost = append(cost, n.value)
	}
	if err := e.charge(cost...); err != nil {
		return nil, err
	}
	out, err := f(e, v, a)
	if err != nil {
		return nil, err
	}
	if s, ok := out.(str); ok {
		return e.grow(s)
	}
	return out, nil
}

// thorough are the filters and methods that look at a string character by character.
var thorough = []string{"upper", "lower", "title", "capitalize", "casefold", "swapcase", "istitle", "expandtabs", "escape", "e", "forceescape", "urlencode", "striptags", "wordcount", "unique", "sort", "min", "max", "groupby"}

// work is what a filter or method of that name costs besides going through the string once.
func (t str) work(name string) int {
	if slices.Contains(thorough, name) {
		return 15 * len(t.s)
	}
	return 0
}

func init() {
	// ofText makes a filter of a text without arguments.
	ofText := func(name string, f func(s str) any) func(*evaluator, any, *arguments) (any, error) {
		return func(_ *evaluator, v any, a *arguments) (any, error) {
			if _, err := a.bind(name, 0); err != nil {
				return nil, err
			}
			return f(text(v)), nil
		}
	}
	escape := ofText("escape", func(s str) any {
		return s.rewrite(func(r []rune, i int) string { return htmlEscapes.Replace(string(r[i])) })
	})
	safe := func(_ *evaluator, v any, a *arguments) (any, error) {
		_, err := a.bind("safe", 0)
		return text(v), err
	}
	count := func(_ *evaluator, v any, a *arguments) (any, error) {
		if _, err := a.bind("length", 0); err != nil {
			return nil, err
		}
		return length(v)
	}
	otherwise := func(_ *evaluator, v any, a *arguments) (any, error) {
		p, err := a.bind("default", 0, "default_value", "boolean")
		if err != nil {
			return nil, err
		}
		if _, missing := v.(undefined); missing || flag(p[1]) && !truth(v) {
			return orElse(p[0], str{}), nil
		}
		return v, nil
	}
	filters = map[string]func(*evaluator, any, *arguments) (any, error){
		"length": count, "count": count, "default": otherwise, "d": otherwise,
		"escape": escape, "e": escape, "forceescape": escape, "safe": safe,
		"upper":      ofText("upper", func(s str) any { return upper(s) }),
		"lower":      ofText("lower", func(s str) any { return lower(s) }),
		"capitalize": ofText("capitalize", func(s str) any { return capitalize(s) }),
		"title":      ofText("title", func(s str) any { return headline(s) }),
		"string":     ofText("string", func(s str) any { return s }),
		"urlencode":  urlencode,
		"wordcount": ofText("wordcount", func(s str) any {
			n := 0
			for range strings.FieldsFuncSeq(s.s, func(r rune) bool { return r != '_' && !unicode.IsLetter(r) && !unicode.IsNumber(r) }) {
				n++
			}
			return n
		}),
		"striptags": ofText("striptags", func(s str) any { return striptags(s) }),
		"trim": func(e *evaluator, v any, a *arguments) (any, error) {
			p, err := a.bind("trim", 0, "chars")
			if err != nil {
				return nil, err
			}
			in, err := charset("trim", p[0])
			return text(v).trim(true, true, in), err
		},
		"center": func(e *evaluator, v any, a *arguments) (any, error) {
			p, err := a.bind("center", 0, "width")
			if err != nil {
				return nil, err
			}
			width, err := wantInt("center", p[0], 80)
			if err != nil {
				return nil, err
			}
			return e.pad(text(v), width, " ", centred)
		},
		"replace": func(e *evaluator, v any, a *arguments) (any, error) {
			p, err := a.bind("replace", 2, "old", "new", "count")
			if err != nil {
				return nil, err
			}
			n := -1
			if p[2] != any(nil) {
				if n, err = wantInt("replace", p[2], -1); err != nil {
					return nil, err
				}
			}
			return e.replace(text(v), text(p[0]), text(p[1]), n)
		},
		"format": func(e *evaluator, v any, a *arguments) (any, error) {
			if len(a.named) > 0 {
				if len(a.all) > 0 {
					return nil, errors.New("format takes arguments by place or by name, not both")
				}
				d := newDict()
				for _, n := range a.named {
					d.put(n.name, n.value)
				}
				return e.printf(text(v), tuple{d}, d)
			}
			return e.printf(text(v), tuple(a.all), tuple(a.all))
		},
		"indent":   indentFilter,
		"truncate": truncate,
		"int":      toInt,
		"float": func(_ *evaluator, v any, a *arguments) (any, error) {
			p, err := a.bind("float", 0, "default")
			if err != nil {
				return nil, err
			}
			if f, ok := toFloat(v); ok {
				return f, nil
			}
			return orElse(p[0], 0.0), nil
		},
		"abs": func(_ *evaluator, v any, a *arguments) (any, error) {
			if _, err := a.bind("abs", 0); err != nil {
				return nil, err
			}
			switch n := v.(type) {
			case bool:
				whole, _ := integer(n)
				return whole, nil
			case int:
				if n < 0 {
					return arithmetic("-", 0, n)
				}
				return n, nil
			case float64:
				return math.Abs(n), nil
			}
			return nil, fmt.Errorf("abs wants a number, got a %s", typeName(v))
		},
		"round":  round,
		"tojson": tojson,
		"items": func(_ *evaluator, v any, a *arguments) (any, error) {
			if _, err := a.bind("items", 0); err != nil {
				return nil, err
			}
			switch d := v.(type) {
			case *dict:
				return d.pairs(), nil
			case undefined:
				return list{}, nil
			}
			return nil, fmt.Errorf("items wants a mapping, got a %s", typeName(v))
		},
		"attr": func(e *evaluator, v any, a *arguments) (any, error) {
			p, err := a.bind("attr", 1, "name")
			if err != nil {
				return nil, err
			}
			name, err := wantStr("attr", p[0], "")
			if err != nil {
				return nil, err
			}
			if _, ok := v.(*dict); !ok {
				return e.attribute(v, name.s)
			}
			if m := e.method(v, name.s); m != nil { // a mapping's fields are no attributes
				return m, nil
			}
			return undefined{name.s}, nil
		},
	}
	for name, f := range listFilters {
		filters[name] = func(e *evaluator, v any, a *arguments) (any, error) {
			all, err := e.walk(v)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			return f(e, all, a, v)
		}
	}
}

var htmlEscapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;", "'", "&#39;")

// charset is the characters that trim takes away: white space, or those of a string.
func charset(of string, chars any) (func(rune) bool, error) {
	if !given(chars) || chars == nil {
		return isSpace, nil
	}
	s, err := wantStr(of, chars, "")
	return func(r rune) bool { return strings.ContainsRune(s.s, r) }, err
}

// isSpace is Python's str.isspace.
func isSpace(r rune) bool { return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f }

func toFloat(v any) (float64, bool) {
	if s, ok := v.(str); ok {
		plain := strings.ToLower(strings.TrimFunc(s.s, isSpace))
		if strings.ContainsAny(plain, "xp") && !strings.HasPrefix(strings.TrimLeft(plain, "+-"), "inf") {
			return 0, false // Go reads hexadecimal floats
		}
		f, err := strconv.ParseFloat(plain, 64)
		return f, err == nil || errors.Is(err, strconv.ErrRange)
	}
	return number(v)
}

func toInt(_ *evaluator, v any, a *arguments) (any, error) {
	p, err := a.bind("int", 0, "default", "base")
	if err != nil {
		return nil, err
	}
	base, err := wantInt("int", p[1], 10)
	if err != nil {
		return nil, err
	}
	if base != 0 && (base < 2 || base > 36) {
		return nil, fmt.Errorf("int's base is %d, want 0 or 2 to 36", base)
	}
	if s, ok := v.(str); ok {
		digits := strings.ToLower(strings.TrimFunc(s.s, isSpace))
		if prefix := map[int]string{2: "0b", 8: "0o", 16: "0x"}[base]; prefix != "" {
			sign := ""
			if strings.HasPrefix(digits, "-") || strings.HasPrefix(digits, "+") {
				sign, digits = digits[:1], digits[1:]
			}
			digits = sign + strings.TrimPrefix(digits, prefix)
		}
		if n, err := strconv.ParseInt(digits, base, strconv.IntSize); err == nil {
			return int(n), nil
		}
		if n, err := strconv.ParseInt(strings.ReplaceAll(digits, "_", ""), base, strconv.IntSize); err == nil && base == 10 && !strings.HasPrefix(digits, "_") && !strings.HasSuffix(digits, "_") && !strings.Contains(digits, "__") {
			return int(n), nil
		}
	}
	if f, ok := toFloat(v); ok && math.Abs(f) < 1<<63 {
		if n, whole := v.(int); whole {
			return n, nil
		}
		return int(f), nil
	}
	return orElse(p[0], 0), nil
}

func round(_ *evaluator, v any, a *arguments) (any, error) {
	p, err := a.bind("round", 0, "precision", "method")
	if err != nil {
		return nil, err
	}
	precision, err := wantInt("round", p[0], 0)
	if err != nil {
		return nil, err
	}
	method, err := wantStr("round", p[1], "common")
	if err != nil {
		return nil, err
	}
	f, ok := number(v)
	if !ok {
		return nil, fmt.Errorf("round wants a number, got a %s", typeName(v))
	}
	if precision < -300 || precision > 300 {
		return nil, fmt.Errorf("round's precision is %d, want -300 to 300", precision)
	}
	scale := math.Pow(10, float64(precision))
	switch method.s {
	case "ceil":
		return math.Ceil(f*scale) / scale, nil
	case "floor":
		return math.Floor(f*scale) / scale, nil
	case "common":
	default:
		return nil, fmt.Errorf("round's method is %s, want common, ceil or floor", asked(method))
	}
	if n, whole := integer(v); whole && precision >= 0 {
		if _, isFloat := v.(float64); !isFloat {
			return n, nil
		}
	}
	var out float64
	if precision >= 0 { // to the nearest decimal, halves to the even one, as Python has it
		out, err = strconv.ParseFloat(strconv.FormatFloat(f, 'f', precision, 64), 64)
		if err != nil {
			return f, nil
		}
	} else {
		out = math.RoundToEven(f*scale) / scale
	}
	if _, isFloat := v.(float64); !isFloat {
		return int(math.RoundToEven(out)), nil
	}
	return out, nil
}

func tojson(e *evaluator, v any, a *arguments) (any, error) {
	// As transformers has it, not as Jinja: nothing is escaped for HTML.
	p, err := a.bind("tojson", 0, "ensure_ascii", "indent", "separators", "sort_keys")
	if err != nil {
		return nil, err
	}
	j := &jsonStyle{ascii: flag(p[0]), item: ", ", value: ": ", sorted: flag(p[3])}
	switch indent := p[1].(type) {
	case absent, nil:
	case str:
		j.lines, j.indent = true, indent.s
	default:
		n, err := wantInt("tojson's indent", indent, 0)
		if err != nil {
			return nil, err
		}
		if n > 100 {
			return nil, fmt.Errorf("tojson's indent is %d, want at most 100", n)
		}
		j.lines, j.indent = true, strings.Repeat(" ", max(n, 0))
	}
	if len(j.indent) > 100 {
		return nil, fmt.Errorf("tojson's indent has %d bytes, want at most 100", len(j.indent))
	}
	if j.lines {
		j.item = ","
	}
	if given(p[2]) && p[2] != any(nil) {
		pair, err := items(p[2])
		if err != nil || len(pair) != 2 {
			return nil, errors.New("tojson's separators want two strings")
		}
		for i, to := range []*string{&j.item, &j.value} {
			s, ok := pair[i].(str)
			if !ok || len(s.s) > 100 {
				return nil, errors.New("tojson's separators want two strings of at most 100 bytes")
			}
			*to = s.s
		}
	}
	// What the style adds to each item, at most at the deepest level.
	if style := len(j.indent)*maxDepth + len(j.item) + len(j.value); style > 16 {
		if err := e.afford(weigh(v, maxWork, 0) / valueCost * min(style, 256)); err != nil {
			return nil, err
		}
	}
	var w writer
	if err := w.toJSON(v, j, 0); err != nil {
		return nil, err
	}
	return w.str(), nil
}

func indentFilter(e *evaluator, v any, a *arguments) (any, error) {
	p, err := a.bind("indent", 0, "width", "first", "blank")
	if err != nil {
		return nil, err
	}
	by, isText := p[0].(str)
	if !isText {
		width, err := wantInt("indent", p[0], 4)
		if err != nil {
			return nil, err
		}
		if width > 1000 {
			return nil, fmt.Errorf("indent's width is %d, want at most 1000", width)
		}
		by = plain(strings.Repeat(" ", max(width, 0)))
	}
	n := countLines(text(v).s) + 1
	if by.size() > maxOutput/n {
		return nil, tooMuchText()
	}
	if err := e.afford(itemCost * n); err != nil {
		return nil, err
	}
	lines := splitlines(text(v).with("\n"), false)
	var w writer
	for i, line := range lines {
		if i > 0 {
			w.put("\n", false)
		}
		if i == 0 && flag(p[1]) || i > 0 && (line.s != "" || flag(p[2])) {
			w.add(by)
		}
		w.add(line)
	}
	return w.str(), nil
}

// with is the string and a text behind it.
func (t str) with(s string) str { return str{t.s + s, t.said} }

func truncate(e *evaluator, v any, a *arguments) (any, error) {
	p, err := a.bind("truncate", 0, "length", "killwords", "end", "leeway")
	if err != nil {
		return nil, err
	}
	n, err := wantInt("truncate", p[0], 255)
	if err != nil {
		return nil, err
	}
	end, err := wantStr("truncate", p[2], "...")
	if err != nil {
		return nil, err
	}
	leeway := any(5)
	if given(p[3]) && p[3] != any(nil) {
		leeway = p[3]
	}
	spare, err := wantInt("truncate", leeway, 5)
	if err != nil {
		return nil, err
	}
	s, tail := text(v), utf8.RuneCountInString(end.s)
	if n < tail || spare < 0 {
		return nil, fmt.Errorf("truncate's length is %d, want at least the %d of its end, and its leeway at least 0", n, tail)
	}
	if utf8.RuneCountInString(s.s) <= n+spare {
		return s, nil
	}
	s = s.cut(0, byteAt(s.s, n-tail))
	if !flag(p[1]) {
		if at := strings.LastIndexByte(s.s, ' '); at >= 0 {
			s = s.cut(0, at)
		}
	}
	var w writer
	w.add(s)
	w.add(end)
	return w.str(), nil
}

func urlencode(e *evaluator, v any, a *arguments) (any, error) {
	if _, err := a.bind("urlencode", 0); err != nil {
		return nil, err
	}
	if _, isText := v.(str); !isText {
		if _, err := items(v); err == nil {
			return nil, errors.New("urlencode of a mapping or list is not supported")
		}
	}
	return text(v).rewrite(func(r []rune, i int) string {
		if c := r[i]; c < utf8.RuneSelf && (unicode.IsLetter(c) || unicode.IsDigit(c) || strings.ContainsRune("_.-~/", c)) {
			return string(c)
		}
		var b strings.Builder
		for _, c := range []byte(string(r[i])) {
			fmt.Fprintf(&b, "%%%02X", c)
		}
		return b.String()
	}), nil
}

func striptags(s str) str {
	var w writer
	at := 0
	for at < len(s.s) {
		open := strings.IndexByte(s.s[at:], '<')
		if open < 0 {
			break
		}
		open += at
		end := 0
		if strings.HasPrefix(s.s[open:], "<!--") {
			if n := strings.Index(s.s[open+4:], "-->"); n >= 0 {
				end = open + 4 + n + 3
			}
		}
		if end == 0 {
			n := strings.IndexByte(s.s[open:], '>')
			if n < 0 {
				break
			}
			end = open + n + 1
		}
		w.add(s.cut(at, open))
		at = end
	}
	w.add(s.cut(at, len(s.s)))
	return joined(fields(w.str(), -1, false), " ")
}

// joined puts strings together with a text between them.
func joined(parts []str, between string) str {
	var w writer
	for i, part := range parts {
		if i > 0 {
			w.put(between, false)
		}
		w.add(part)
	}
	return w.str()
}

// listFilters are those of lists, mappings' keys and strings' characters. v is what all was made of.
var listFilters = map[string]func(e *evaluator, all []any, a *arguments, v any) (any, error){
	"list": func(_ *evaluator, all []any, a *arguments, _ any) (any, error) {
		_, err := a.bind("list", 0)
		return list(all), err
	},
	"first": func(_ *evaluator, all []any, a *arguments, _ any) (any, error) {
		if _, err := a.bind("first", 0); err != nil {
			return nil, err
		}
		if len(all) == 0 {
			return undefined{"the first item"}, nil
		}
		return all[0], nil
	},
	"last": func(_ *evaluator, all []any, a *arguments, _ any) (any, error) {
		if _, err := a.bind("last", 0); err != nil {
			return nil, err
		}
		if len(all) == 0 {
			return undefined{"the last item"}, nil
		}
		return all[len(all)-1], nil
	},
	"join": func(e *evaluator, all []any, a *arguments, _ any) (any, error) {
		p, err := a.bind("join", 0, "d", "attribute")
		if err != nil {
			return nil, err
		}
		of, err := e.getter("join", p[1], absent{})
		if err != nil {
			return nil, err
		}
		return e.join(all, text(orElse(p[0], str{})), of)
	},
	"reverse": func(e *evaluator, all []any, a *arguments, v any) (any, error) {
		if _, err := a.bind("reverse", 0); err != nil {
			return nil, err
		}
		out := slices.Clone(all)
		slices.Reverse(out)
		if _, ok := v.(str); ok {
			return e.join(out, str{}, nil)
		}
		return list(out), nil
	},
	"unique": func(e *evaluator, all []any, a *arguments, _ any) (any, error) {
		p, err := a.bind("unique", 0, "case_sensitive", "attribute")
		if err != nil {
			return nil, err
		}
		keys, err := e.keys("unique", all, p[1], flag(p[0]))
		if err != nil {
			return nil, err
		}
		out, seen := list{}, map[any]bool{}
		for i, item := range all {
			h, err := hashed(keys[i])
			if err != nil {
				return nil, err
			}
			if !seen[h] {
				seen[h] = true
				out = append(out, item)
			}
		}
		return out, nil
	},
	"sort": func(e *evaluator, all []any, a *arguments, _ any) (any, error) {
		p, err := a.bind("sort", 0, "reverse", "case_sensitive", "attribute")
		if err != nil {
			return nil, err
		}
		keys, err := e.keys("sort", all, p[2], flag(p[1]))
		if err != nil {
			return nil, err
		}
		out, err := e.sorted(all, keys, flag(p[0]))
		return list(out), err
	},
	"dictsort": func(e *evaluator, all []any, a *arguments, v any) (any, error) {
		p, err := a.bind("dictsort", 0, "case_sensitive", "by", "reverse")
		if err != nil {
			return nil, err
		}
		d, ok := v.(*dict)
		if !ok {
			return nil, fmt.Errorf("dictsort wants a mapping, got a %s", typeName(v))
		}
		by, err := wantStr("dictsort", p[1], "key")
		if err != nil {
			return nil, err
		}
		at := slices.Index([]string{"key", "value"}, by.s)
		if at < 0 {
			return nil, fmt.Errorf("dictsort's by is %s, want key or value", asked(by))
		}
		pairs := d.pairs()
		keys, err := e.keys("dictsort", pairs, at, flag(p[0]))
		if err != nil {
			return nil, err
		}
		out, err := e.sorted(pairs, keys, flag(p[2]))
		return list(out), err
	},
	"min": func(e *evaluator, all []any, a *arguments, _ any) (any, error) { return e.extreme("min", all, a, -1) },
	"max": func(e *evaluator, all []any, a *arguments, _ any) (any, error) { return e.extreme("max", all, a, 1) },
	"sum": func(e *evaluator, all []any, a *arguments, _ any) (any, error) {
		p, err := a.bind("sum", 0, "attribute", "start")
		if err != nil {
			return nil, err
		}
		of, err := e.getter("sum", p[0], absent{})
		if err != nil {
			return nil, err
		}
		sum := orElse(p[1], 0)
		for _, item := range all {
			if of != nil {
				if item, err = of(item); err != nil {
					return nil, err
				}
			}
			if _, isText := sum.(str); isText {
				return nil, errors.New("sum does not add strings: want join")
			}
			if sum, err = e.binary("+", sum, item); err != nil {
				return nil, err
			}
		}
		return sum, nil
	},
	"map": func(e *evaluator, all []any, a *arguments, _ any) (any, error) {
		f, err := e.mapping(a)
		if err != nil {
			return nil, err
		}
		out := make(list, len(all))
		for i, item := range all {
			if err := e.take(1); err != nil {
				return nil, err
			}
			if out[i], err = f(item); err != nil {
				return nil, err
			}
		}
		return out, nil
	},
	"select": func(e *evaluator, all []any, a *arguments, _ any) (any, error) {
		return e.selection("select", all, a, false, true)
	},
	"reject": func(e *evaluator, all []any, a *arguments, _ any) (any, error) {
		return e.selection("reject", all, a, false, false)
	},
	"selectattr": func(e *evaluator, all []any, a *arguments, _ any) (any, error) {
		return e.selection("selectattr", all, a, true, true)
	},
	"rejectattr": func(e *evaluator, all []any, a *arguments, _ any) (any, error) {
		return e.selection("rejectattr", all, a, true, false)
	},
	"groupby": func(e *evaluator, all []any, a *arguments, _ any) (any, error) {
		p, err := a.bind("groupby", 1, "attribute", "default", "case_sensitive")
		if err != nil {
			return nil, err
		}
		of, err := e.getter("groupby", p[0], p[1])
		if err != nil {
			return nil, err
		}
		exact, folded := make([]any, len(all)), make([]any, len(all))
		for i, item := range all {
			if exact[i], err = of(item); err != nil {
				return nil, err
			}
			if folded[i] = exact[i]; !flag(p[2]) {
				folded[i] = ignoreCase(exact[i])
			}
		}
		order := make([]any, len(all))
		for i := range order {
			order[i] = i
		}
		if order, err = e.sorted(order, folded, false); err != nil {
			return nil, err
		}
		out := list{}
		for n, at := range order {
			i := at.(int)
			if n == 0 || !equal(folded[i], folded[order[n-1].(int)]) {
				out = append(out, tuple{exact[i], list{}})
			}
			group := out[len(out)-1].(tuple)
			group[1] = append(group[1].(list), all[i])
		}
		return out, nil
	},
	"batch": func(e *evaluator, all []any, a *arguments, _ any) (any, error) {
		p, err := a.bind("batch", 1, "linecount", "fill_with")
		if err != nil {
			return nil, err
		}
		n, err := wantInt("batch", p[0], 0)
		if err != nil || n < 1 {
			return nil, errors.New("batch wants a whole number from 1")
		}
		out := list{}
		for row := range slices.Chunk(all, n) {
			row := slices.Clone(row)
			if fill := orElse(p[1], nil); fill != nil {
				if err := e.take(n - len(row)); err != nil {
					return nil, err
				}
				for len(row) < n {
					row = append(row, fill)
				}
			}
			out = append(out, list(row))
		}
		return out, nil
	},
	"slice": func(e *evaluator, all []any, a *arguments, _ any) (any, error) {
		p, err := a.bind("slice", 1, "slices", "fill_with")
		if err != nil {
			return nil, err
		}
		n, err := wantInt("slice", p[0], 0)
		if err != nil || n < 1 {
			return nil, errors.New("slice wants a whole number from 1")
		}
		if err := e.take(n); err != nil {
			return nil, err
		}
		out, at := list{}, 0
		for i := range n {
			size := len(all) / n
			long := i < len(all)%n
			if long {
				size++
			}
			column := slices.Clone(all[at : at+size])
			at += size
			if fill := orElse(p[1], nil); fill != nil && !long {
				column = append(column, fill)
			}
			out = append(out, list(column))
		}
		return out, nil
	},
}

// getter reads the attribute that an argument names: a name, several with dots
// between them, or a number. It is nil where none is given.
func (e *evaluator) getter(of string, attribute, otherwise any) (func(any) (any, error), error) {
	if !given(attribute) || attribute == nil {
		return nil, nil
	}
	var keys []any
	switch v := attribute.(type) {
	case int:
		keys = []any{v}
	case str:
		for part := range strings.SplitSeq(v.s, ".") {
			if n, err := strconv.Atoi(part); err == nil && n >= 0 {
				keys = append(keys, n)
			} else {
				keys = append(keys, plain(part))
			}
		}
	default:
		return nil, fmt.Errorf("%s's attribute is a %s, want its name or number", of, typeName(attribute))
	}
	if len(keys) > maxDepth {
		return nil, fmt.Errorf("%s's attribute has more than %d parts", of, maxDepth)
	}
	return func(v any) (_ any, err error) {
		if err := e.take(len(keys)); err != nil {
			return nil, err
		}
		for _, key := range keys {
			if v, err = e.item(v, key); err != nil {
				return nil, err
			}
			if _, missing := v.(undefined); missing && given(otherwise) {
				v = otherwise
			}
		}
		return v, nil
	}, nil
}

// ignoreCase makes strings lower case, for what compares them so.
func ignoreCase(v any) any {
	if s, ok := v.(str); ok {
		return lower(s)
	}
	return v
}

// keys are what items are compared by: themselves or their attribute, in Jinja's way without regard to case.
func (e *evaluator) keys(of string, all []any, attribute any, exact bool) ([]any, error) {
	var getters []func(any) (any, error)
	if s, ok := attribute.(str); ok && of == "sort" { // by one attribute, then by another
		for part := range strings.SplitSeq(s.s, ",") {
			get, err := e.getter(of, plain(part), absent{})
			if err != nil {
				return nil, err
			}
			getters = append(getters, get)
		}
	} else {
		get, err := e.getter(of, attribute, absent{})
		if err != nil {
			return nil, err
		}
		getters = append(getters, get)
	}
	out := make([]any, len(all))
	for i, item := range all {
		key := make(tuple, len(getters))
		for j, get := range getters {
			key[j] = item
			if get != nil {
				var err error
				if key[j], err = get(item); err != nil {
					return nil, err
				}
			}
			if !exact {
				key[j] = ignoreCase(key[j])
			}
		}
		if out[i] = any(key); len(key) == 1 {
			out[i] = key[0]
		}
	}
	return out, nil
}

// sorted sorts items by their keys, equal ones as they stood.
func (e *evaluator) sorted(all, keys []any, reverse bool) ([]any, error) {
	order := make([]int, len(all))
	for i := range order {
		order[i] = i
	}
	var failed error
	slices.SortStableFunc(order, func(i, j int) int {
		if failed != nil {
			return 0
		}
		if failed = e.take(1); failed == nil {
			failed = e.charge(keys[i])
		}
		if failed != nil {
			return 0
		}
		order, err := compare(keys[i], keys[j])
		if failed = err; reverse {
			order = -order
		}
		return order
	})
	out := make([]any, len(all))
	for i, at := range order {
		out[i] = all[at]
	}
	return out, failed
}

// extreme is the first of the least or greatest items.
func (e *evaluator) extreme(name string, all []any, a *arguments, sign int) (any, error) {
	p, err := a.bind(name, 0, "case_sensitive", "attribute")
	if err != nil {
		return nil, err
	}
	keys, err := e.keys(name, all, p[1], flag(p[0]))
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return undefined{"the " + name + " of nothing"}, nil
	}
	best := 0
	for i := range all {
		order, err := compare(keys[i], keys[best])
		if err != nil {
			return nil, err
		}
		if order*sign > 0 {
			best = i
		}
	}
	return all[best], nil
}

// mapping is what map does to each item: take an attribute, or apply a filter.
func (e *evaluator) mapping(a *arguments) (func(any) (any, error), error) {
	if len(a.all) == 0 {
		p, err := a.bind("map", 0, "attribute", "default")
		if err != nil {
			return nil, err
		}
		get, err := e.getter("map", p[0], p[1])
		if err == nil && get == nil {
			err = errors.New("map wants an attribute or a filter's name")
		}
		return get, err
	}
	name, ok := a.all[0].(str)
	if !ok {
		return nil, fmt.Errorf("map wants a filter's name, got a %s", typeName(a.all[0]))
	}
	rest := &arguments{a.all[1:], a.named}
	return func(v any) (any, error) {
		if e.depth++; e.depth > 10*maxDepth { // map may map
			return nil, fmt.Errorf("the template nests deeper than %d", 10*maxDepth)
		}
		defer func() { e.depth-- }()
		return e.filter(name.s, v, rest)
	}, nil
}

// selection keeps the items that pass a test, of themselves or of an attribute, or do not.
func (e *evaluator) selection(name string, all []any, a *arguments, ofAttribute, pass bool) (any, error) {
	rest := &arguments{a.all, a.named}
	var get func(any) (any, error)
	if ofAttribute {
		if len(rest.all) == 0 {
			return nil, fmt.Errorf("%s wants an attribute's name", name)
		}
		var err error
		if get, err = e.getter(name, rest.all[0], absent{}); err != nil {
			return nil, err
		}
		rest.all = rest.all[1:]
	}
	testing := ""
	if len(rest.all) > 0 {
		s, ok := rest.all[0].(str)
		if !ok {
			return nil, fmt.Errorf("%s wants a test's name, got a %s", name, typeName(rest.all[0]))
		}
		testing, rest.all = s.s, rest.all[1:]
	} else if err := rest.unnamed(name); err != nil {
		return nil, err
	}
	out := list{}
	for _, item := range all {
		if err := e.take(1); err != nil {
			return nil, err
		}
		v := item
		if get != nil {
			var err error
			if v, err = get(item); err != nil {
				return nil, err
			}
		}
		yes := truth(v)
		if testing != "" {
			var err error
			if yes, err = e.passes(testing, v, rest); err != nil {
				return nil, err
			}
		}
		if yes == pass {
			out = append(out, item)
		}
	}
	return out, nil
}

// join prints values, or an attribute of each, with a text between them.
func (e *evaluator) join(all []any, between str, of func(any) (any, error)) (any, error) {
	var w writer
	for i, item := range all {
		if of != nil {
			var err error
			if item, err = of(item); err != nil {
				return nil, err
			}
		}
		if i > 0 {
			w.add(between)
		}
		if w.add(text(item)); w.size() > maxOutput {
			return nil, tooMuchText()
		}
	}
	return w.str(), nil
}
