package prompt

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

var (
	errBreak    = errors.New("break outside a loop")
	errContinue = errors.New("continue outside a loop")
)

// scope is the names that are in sight.
type scope struct {
	vars  map[string]any
	outer *scope
}

func (s *scope) inner() *scope { return &scope{vars: map[string]any{}, outer: s} }

func (s *scope) find(name string) (any, bool) {
	for ; s != nil; s = s.outer {
		if v, ok := s.vars[name]; ok {
			return v, true
		}
	}
	return nil, false
}

// evaluator renders one conversation.
type evaluator struct {
	out   strings.Builder
	steps int
	depth int
	size  int // bytes of strings made
	work  int // see maxWork
	now   func() time.Time
}

// fault is an error that already names its line.
type fault struct {
	line int
	err  error
}

func (f fault) Error() string { return fmt.Sprintf("line %d: %v", f.line, f.err) }
func (f fault) Unwrap() error { return f.err }

func located(line int, err error) error {
	var f fault
	if err == nil || errors.As(err, &f) || err == errBreak || err == errContinue {
		return err
	}
	return fault{line, err}
}

func (e *evaluator) step(line int) error {
	if e.steps++; e.steps > maxSteps {
		return fault{line, fmt.Errorf("the template took more than %d steps", maxSteps)}
	}
	return nil
}

// grow counts the strings that are made: a template that doubles one in a loop
// must not take all memory.
func (e *evaluator) grow(s string) (string, error) {
	if e.size += len(s); e.size > 4*maxOutput || len(s) > maxOutput {
		return "", fmt.Errorf("the template makes more than %d bytes of text", maxOutput)
	}
	return s, nil
}

// What is counted for a value besides its text, and for a string that becomes
// an item of a list, which takes that many bytes.
const (
	valueCost = 8
	itemCost  = 32
)

// charge counts the work of going through whole values, whatever they hold. It
// also keeps recursive code from values nested too deeply.
func (e *evaluator) charge(values ...any) error {
	for _, v := range values {
		e.work += weigh(v, maxWork-e.work, 0)
	}
	return e.afford(0)
}

// afford counts work of a known amount.
func (e *evaluator) afford(n int) error {
	if e.work += n; e.work > maxWork {
		return fmt.Errorf("the template goes through more than %d bytes, or through values nested deeper than %d", maxWork, maxDepth)
	}
	return nil
}

// weigh counts bytes and items, up to a little above limit.
func weigh(v any, limit, depth int) int {
	if depth > maxDepth {
		return limit + 1
	}
	n := valueCost
	switch v := v.(type) {
	case string:
		n += len(v)
	case []any:
		for _, item := range v {
			if n > limit {
				break
			}
			n += weigh(item, limit-n, depth+1)
		}
	case *dict:
		for _, key := range v.keys {
			if n > limit {
				break
			}
			n += len(key) + weigh(v.values[key], limit-n, depth+1)
		}
	}
	return n
}

// walk is items, paid for.
func (e *evaluator) walk(v any) ([]any, error) {
	cost := 0
	switch v := v.(type) {
	case string:
		cost = itemCost * len(v)
	case []any:
		cost = len(v)
	case *dict:
		cost = len(v.keys)
	}
	if err := e.afford(cost); err != nil {
		return nil, err
	}
	return items(v)
}

func (e *evaluator) write(s string) error {
	if e.out.Len()+len(s) > maxOutput {
		return fmt.Errorf("the prompt grows beyond %d bytes", maxOutput)
	}
	e.out.WriteString(s)
	return nil
}

// capture runs statements and returns what they print.
func (e *evaluator) capture(body []node, s *scope) (string, error) {
	outer := e.out
	e.out = strings.Builder{}
	err := e.run(body, s)
	printed := e.out.String()
	e.out = outer
	if err != nil {
		return "", err
	}
	return e.grow(printed)
}

func (e *evaluator) run(body []node, s *scope) error {
	if e.depth++; e.depth > maxDepth {
		return fmt.Errorf("the template nests deeper than %d", maxDepth)
	}
	defer func() { e.depth-- }()
	for _, n := range body {
		if err := e.step(n.line()); err != nil {
			return err
		}
		if err := located(n.line(), e.statement(n, s)); err != nil {
			return err
		}
	}
	return nil
}

func (e *evaluator) statement(n node, s *scope) error {
	switch n := n.(type) {
	case textNode:
		return e.write(n.text)
	case printNode:
		v, err := e.eval(n.value, s)
		if err != nil {
			return err
		}
		if err := e.charge(v); err != nil {
			return err
		}
		return e.write(text(v))
	case ifNode:
		for i, body := range n.bodies {
			if i < len(n.tests) {
				v, err := e.eval(n.tests[i], s)
				if err != nil {
					return err
				}
				if !truth(v) {
					continue
				}
			}
			return e.run(body, s)
		}
		return nil
	case setNode:
		return e.set(n, s)
	case forNode:
		return e.loop(n, s)
	case macroNode:
		s.vars[n.name] = e.macro(n, s)
		return nil
	case flowNode:
		return n.err
	}
	return fmt.Errorf("unknown statement %T", n)
}

func (e *evaluator) set(n setNode, s *scope) error {
	var v any
	var err error
	if n.value != nil {
		v, err = e.eval(n.value, s)
	} else {
		v, err = e.capture(n.body, s.inner())
	}
	if err != nil {
		return err
	}
	if n.field == "" {
		return bind(n.targets, v, s)
	}
	target, _ := s.find(n.targets[0])
	ns, ok := target.(*namespace)
	if !ok {
		return fmt.Errorf("%s is a %s, want a namespace to set %s of", n.targets[0], typeName(target), n.field)
	}
	ns.set(n.field, v)
	return nil
}

// bind gives a value, or the items of one, to names.
func bind(names []string, v any, s *scope) error {
	if len(names) == 1 {
		s.vars[names[0]] = v
		return nil
	}
	parts, err := items(v)
	if err != nil || len(parts) != len(names) {
		return fmt.Errorf("a %s does not hold a value for each of %s", typeName(v), strings.Join(names, ", "))
	}
	for i, name := range names {
		s.vars[name] = parts[i]
	}
	return nil
}

func (e *evaluator) loop(n forNode, s *scope) error {
	v, err := e.eval(n.items, s)
	if err != nil {
		return err
	}
	if _, missing := v.(undefined); missing {
		v = []any(nil)
	}
	all, err := e.walk(v)
	if err != nil {
		return err
	}
	if n.filter != nil {
		var kept []any
		for _, item := range all {
			inner := s.inner()
			if err := bind(n.targets, item, inner); err != nil {
				return err
			}
			keep, err := e.eval(n.filter, inner)
			if err != nil {
				return err
			}
			if truth(keep) {
				kept = append(kept, item)
			}
		}
		all = kept
	}
	if len(all) == 0 {
		return e.run(n.otherwise, s)
	}
	neighbour := func(i int) any {
		if i < 0 || i >= len(all) {
			return undefined{"loop item"}
		}
		return all[i]
	}
	for i, item := range all {
		inner := s.inner()
		if err := bind(n.targets, item, inner); err != nil {
			return err
		}
		inner.vars["loop"] = newDict("index", i+1, "index0", i, "first", i == 0, "last", i == len(all)-1,
			"length", len(all), "revindex", len(all)-i, "revindex0", len(all)-i-1,
			"previtem", neighbour(i-1), "nextitem", neighbour(i+1))
		if err := e.step(n.line()); err != nil {
			return err
		}
		switch err := e.run(n.body, inner); err {
		case nil, errContinue:
		case errBreak:
			return nil
		default:
			return err
		}
	}
	return nil
}

func (e *evaluator) macro(n macroNode, s *scope) function {
	return func(args []any, named map[string]any) (any, error) {
		if len(args) > len(n.params) {
			return nil, fmt.Errorf("macro %s takes %d arguments, got %d", n.name, len(n.params), len(args))
		}
		inner := s.inner()
		for i, param := range n.params {
			switch v, given := named[param]; {
			case i < len(args):
				inner.vars[param] = args[i]
			case given:
				inner.vars[param] = v
			case n.defaults[param] != nil:
				v, err := e.eval(n.defaults[param], inner)
				if err != nil {
					return nil, err
				}
				inner.vars[param] = v
			default:
				inner.vars[param] = undefined{param}
			}
		}
		return e.capture(n.body, inner)
	}
}

func (e *evaluator) eval(x expr, s *scope) (any, error) {
	if err := e.step(x.line()); err != nil {
		return nil, err
	}
	if e.depth++; e.depth > 10*maxDepth {
		return nil, fault{x.line(), fmt.Errorf("the template nests deeper than %d", 10*maxDepth)}
	}
	v, err := e.value(x, s)
	e.depth--
	return v, located(x.line(), err)
}

func (e *evaluator) evalAll(xs []expr, s *scope) ([]any, error) {
	out := make([]any, len(xs))
	for i, x := range xs {
		var err error
		if out[i], err = e.eval(x, s); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (e *evaluator) evalNamed(xs map[string]expr, s *scope) (map[string]any, error) {
	out := make(map[string]any, len(xs))
	for name, x := range xs {
		var err error
		if out[name], err = e.eval(x, s); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (e *evaluator) value(x expr, s *scope) (any, error) {
	switch x := x.(type) {
	case literal:
		return x.value, nil
	case name:
		if v, ok := s.find(x.name); ok {
			return v, nil
		}
		return undefined{x.name}, nil
	case list:
		return e.evalAll(x.items, s)
	case dictionary:
		d := newDict()
		for i, key := range x.keys {
			k, err := e.eval(key, s)
			if err != nil {
				return nil, err
			}
			v, err := e.eval(x.values[i], s)
			if err != nil {
				return nil, err
			}
			if err := e.charge(k); err != nil {
				return nil, err
			}
			d.set(text(k), v)
		}
		return d, nil
	case attribute:
		of, err := e.eval(x.of, s)
		if err != nil {
			return nil, err
		}
		return e.attribute(of, x.name)
	case index:
		of, err := e.eval(x.of, s)
		if err != nil {
			return nil, err
		}
		key, err := e.eval(x.key, s)
		if err != nil {
			return nil, err
		}
		if s, ok := of.(string); ok {
			if err := e.afford(len(s)); err != nil {
				return nil, err
			}
		}
		return item(of, key)
	case slice:
		return e.slice(x, s)
	case call:
		f, err := e.eval(x.function, s)
		if err != nil {
			return nil, err
		}
		callee, ok := f.(function)
		if !ok {
			return nil, fmt.Errorf("a %s cannot be called", typeName(f))
		}
		args, err := e.evalAll(x.args, s)
		if err != nil {
			return nil, err
		}
		named, err := e.evalNamed(x.named, s)
		if err != nil {
			return nil, err
		}
		if err := e.charge(args...); err != nil {
			return nil, err
		}
		return callee(args, named)
	case filter:
		of, err := e.eval(x.of, s)
		if err != nil {
			return nil, err
		}
		args, err := e.evalAll(x.args, s)
		if err != nil {
			return nil, err
		}
		named, err := e.evalNamed(x.named, s)
		if err != nil {
			return nil, err
		}
		return e.filter(x.name, of, args, named)
	case test:
		of, err := e.eval(x.of, s)
		if err != nil {
			return nil, err
		}
		args, err := e.evalAll(x.args, s)
		if err != nil {
			return nil, err
		}
		yes, err := e.passes(x.name, of, args)
		return yes != x.negate, err
	case unary:
		of, err := e.eval(x.of, s)
		if err != nil {
			return nil, err
		}
		if x.op == "not" {
			return !truth(of), nil
		}
		if n, ok := of.(int); ok && x.op == "-" {
			return -n, nil
		}
		if f, ok := of.(float64); ok && x.op == "-" {
			return -f, nil
		}
		if _, ok := number(of); ok {
			return of, nil
		}
		return nil, fmt.Errorf("%s wants a number, got a %s", x.op, typeName(of))
	case binary:
		return e.binary(x, s)
	case conditional:
		cond, err := e.eval(x.test, s)
		if err != nil {
			return nil, err
		}
		switch {
		case truth(cond):
			return e.eval(x.then, s)
		case x.otherwise != nil:
			return e.eval(x.otherwise, s)
		}
		return undefined{"the other case of an if"}, nil
	}
	return nil, fmt.Errorf("unknown expression %T", x)
}

func (e *evaluator) binary(x binary, s *scope) (any, error) {
	left, err := e.eval(x.left, s)
	if err != nil {
		return nil, err
	}
	switch {
	case x.op == "and" && !truth(left), x.op == "or" && truth(left):
		return left, nil
	}
	right, err := e.eval(x.right, s)
	if err != nil {
		return nil, err
	}
	switch x.op {
	case "and", "or":
		return right, nil
	case "==", "!=", "in", "not in", "~", "<", "<=", ">", ">=":
		if err := e.charge(left, right); err != nil {
			return nil, err
		}
	}
	switch x.op {
	case "==":
		return equal(left, right), nil
	case "!=":
		return !equal(left, right), nil
	case "in", "not in":
		yes, err := contains(right, left)
		return yes == (x.op == "in"), err
	case "~":
		return e.grow(text(left) + text(right))
	}
	if a, ok := left.(string); ok {
		if b, ok := right.(string); ok {
			switch x.op {
			case "+":
				return e.grow(a + b)
			case "<":
				return a < b, nil
			case "<=":
				return a <= b, nil
			case ">":
				return a > b, nil
			case ">=":
				return a >= b, nil
			}
		}
		if n, ok := integer(right); ok && x.op == "*" {
			if n > 0 && len(a) > maxOutput/n {
				return nil, fmt.Errorf("the template makes more than %d bytes of text", maxOutput)
			}
			return e.grow(strings.Repeat(a, max(n, 0)))
		}
	}
	if a, ok := left.([]any); ok && x.op == "+" {
		if b, ok := right.([]any); ok {
			if e.steps += len(a) + len(b); e.steps > maxSteps {
				return nil, fmt.Errorf("the template took more than %d steps", maxSteps)
			}
			return append(append([]any{}, a...), b...), nil
		}
	}
	a, ok1 := number(left)
	b, ok2 := number(right)
	if !ok1 || !ok2 {
		return nil, fmt.Errorf("%s does not go between a %s and a %s", x.op, typeName(left), typeName(right))
	}
	switch x.op {
	case "<":
		return a < b, nil
	case "<=":
		return a <= b, nil
	case ">":
		return a > b, nil
	case ">=":
		return a >= b, nil
	}
	return arithmetic(x.op, left, right, a, b)
}

func arithmetic(op string, left, right any, a, b float64) (any, error) {
	if b == 0 && (op == "/" || op == "//" || op == "%") {
		return nil, errors.New("division by zero")
	}
	var out float64
	switch op {
	case "+":
		out = a + b
	case "-":
		out = a - b
	case "*":
		out = a * b
	case "/":
		return a / b, nil
	case "//":
		out = math.Floor(a / b)
	case "%":
		out = a - b*math.Floor(a/b)
	case "**":
		out = math.Pow(a, b)
	default:
		return nil, fmt.Errorf("%s does not go between numbers", op)
	}
	_, float1 := left.(float64)
	_, float2 := right.(float64)
	if !float1 && !float2 && math.Abs(out) < 1<<53 && out == math.Trunc(out) {
		return int(out), nil
	}
	return out, nil
}

// attribute is what stands behind a dot: a field, or a method.
func (e *evaluator) attribute(of any, name string) (any, error) {
	switch v := of.(type) {
	case *namespace:
		if field, ok := v.values[name]; ok {
			return field, nil
		}
		return undefined{name}, nil
	case *dict:
		if field, ok := v.values[name]; ok {
			return field, nil
		}
		if m := dictMethod(v, name); m != nil {
			return m, nil
		}
		return undefined{name}, nil
	case string:
		if err := e.afford(len(v)); err != nil {
			return nil, err
		}
		if m := e.stringMethod(v, name); m != nil {
			return m, nil
		}
		return nil, fmt.Errorf("the string method %s is not supported", name)
	case []any:
		return nil, fmt.Errorf("a list has no %s here: lists do not change", name)
	case undefined:
		return nil, fmt.Errorf("%s is undefined, so it has no %s", v.what, name)
	}
	return undefined{name}, nil
}

func item(of, key any) (any, error) {
	switch v := of.(type) {
	case *namespace:
		return item(&v.dict, key)
	case *dict:
		if field, ok := v.values[text(key)]; ok {
			return field, nil
		}
		return undefined{asked(key)}, nil
	case []any:
		if n, ok := integer(key); ok {
			if n < 0 {
				n += len(v)
			}
			if n >= 0 && n < len(v) {
				return v[n], nil
			}
		}
		return undefined{"item " + asked(key)}, nil
	case string:
		if n, ok := integer(key); ok {
			r := []rune(v)
			if n < 0 {
				n += len(r)
			}
			if n >= 0 && n < len(r) {
				return string(r[n]), nil
			}
		}
		return undefined{"character " + asked(key)}, nil
	case undefined:
		return nil, fmt.Errorf("%s is undefined, so it has no item %s", v.what, asked(key))
	}
	return nil, fmt.Errorf("a %s has no items", typeName(of))
}

// asked gives a key as an error names it.
func asked(key any) string {
	if s, ok := key.(string); ok {
		return fmt.Sprintf("%.40q", s)
	}
	return fmt.Sprintf("%.40s", text(key))
}

// slice is Python's of[from:to:step].
func (e *evaluator) slice(x slice, s *scope) (any, error) {
	of, err := e.eval(x.of, s)
	if err != nil {
		return nil, err
	}
	bound := func(x expr, otherwise int) (int, bool, error) {
		if x == nil {
			return otherwise, false, nil
		}
		v, err := e.eval(x, s)
		if err != nil || v == nil {
			return otherwise, false, err
		}
		n, ok := integer(v)
		if !ok {
			return 0, false, fmt.Errorf("a slice wants whole numbers, got a %s", typeName(v))
		}
		return n, true, nil
	}
	step, _, err := bound(x.step, 1)
	if err != nil {
		return nil, err
	}
	if step == 0 {
		return nil, errors.New("a slice's step is 0")
	}
	all, isString := []any(nil), false
	switch v := of.(type) {
	case []any:
		all = v
	case string:
		isString = true
		if all, err = e.walk(v); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("a %s cannot be sliced", typeName(of))
	}
	n := len(all)
	low, high := 0, n
	if step < 0 {
		low, high = -1, n-1
	}
	clamp := func(i int, given bool) int {
		if given && i < 0 {
			i += n
		}
		return max(low, min(i, high))
	}
	start, end := low, high
	if step < 0 {
		start, end = high, low
	}
	from, given, err := bound(x.from, start)
	if err != nil {
		return nil, err
	}
	if given {
		start = clamp(from, true)
	}
	to, given, err := bound(x.to, end)
	if err != nil {
		return nil, err
	}
	if given {
		end = clamp(to, true)
	}
	var out []any
	for i := start; step > 0 && i < end || step < 0 && i > end; i += step {
		out = append(out, all[i])
		if step > n || step < -n {
			break
		}
	}
	if !isString {
		return out, nil
	}
	var b strings.Builder
	for _, r := range out {
		b.WriteString(r.(string))
	}
	return e.grow(b.String())
}

// length counts characters, not bytes.
func length(v any) (int, error) {
	switch v := v.(type) {
	case string:
		return utf8.RuneCountInString(v), nil
	case []any:
		return len(v), nil
	case *dict:
		return len(v.keys), nil
	case undefined:
		return 0, nil
	}
	return 0, fmt.Errorf("a %s has no length", typeName(v))
}

// builtins are the functions that every template may call.
func builtins(e *evaluator) map[string]any {
	return map[string]any{
		"raise_exception": function(func(args []any, _ map[string]any) (any, error) {
			message := "the template refuses this conversation"
			if len(args) > 0 {
				message = fmt.Sprintf("%.200s", strings.Join(strings.Fields(text(args[0])), " "))
			}
			return nil, errors.New(message)
		}),
		"namespace": function(func(_ []any, named map[string]any) (any, error) {
			return &namespace{dict{values: maps.Clone(named)}}, nil
		}),
		"strftime_now": function(func(args []any, _ map[string]any) (any, error) {
			if len(args) != 1 {
				return nil, errors.New("strftime_now wants a format")
			}
			return strftime(e.now(), text(args[0])), nil
		}),
		"range": function(func(args []any, _ map[string]any) (any, error) {
			bounds := [3]int{0, 0, 1}
			for i, arg := range args {
				n, ok := integer(arg)
				if !ok || i > 2 {
					return nil, errors.New("range wants one to three whole numbers")
				}
				bounds[i] = n
			}
			if len(args) == 1 {
				bounds = [3]int{0, bounds[0], 1}
			}
			if len(args) == 0 || bounds[2] == 0 {
				return nil, errors.New("range wants one to three whole numbers, the last not 0")
			}
			var out []any
			for i := bounds[0]; bounds[2] > 0 && i < bounds[1] || bounds[2] < 0 && i > bounds[1]; i += bounds[2] {
				if e.steps++; e.steps > maxSteps {
					return nil, fmt.Errorf("the template took more than %d steps", maxSteps)
				}
				out = append(out, i)
			}
			return out, nil
		}),
		"dict": function(func(_ []any, named map[string]any) (any, error) {
			d := newDict()
			// The parser forgets in what order arguments were named: any fixed order will do.
			for _, key := range slices.Sorted(maps.Keys(named)) {
				d.set(key, named[key])
			}
			return d, nil
		}),
	}
}

// strftime knows the letters that dates in prompts are made of.
func strftime(t time.Time, format string) string {
	layouts := map[byte]string{
		'Y': "2006", 'y': "06", 'm': "01", 'd': "02", 'B': "January", 'b': "Jan", 'A': "Monday", 'a': "Mon",
		'H': "15", 'I': "03", 'M': "04", 'S': "05", 'p': "PM", 'j': "002", 'Z': "MST", 'z': "-0700",
	}
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			b.WriteByte(format[i])
			continue
		}
		i++
		switch layout, ok := layouts[format[i]]; {
		case ok:
			b.WriteString(t.Format(layout))
		case format[i] == '%':
			b.WriteByte('%')
		default:
			b.WriteString(format[i-1 : i+1])
		}
	}
	return b.String()
}
