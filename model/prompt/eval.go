package prompt

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode"
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
	ctx   context.Context
	out   writer
	steps int
	depth int
	size  int // bytes of strings made
	work  int // see maxWork
	heard int // of work, when ctx was asked last
	now   func() time.Time
}

// fault is an error that already names its line.
type fault struct {
	line int
	err  error
}

// Error is one line, whatever names the template gave its filters and tests.
func (f fault) Error() string {
	said := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, f.err.Error())
	return fmt.Sprintf("line %d: %s", f.line, said)
}
func (f fault) Unwrap() error { return f.err }

func located(line int, err error) error {
	var f fault
	if err == nil || errors.As(err, &f) || err == errBreak || err == errContinue {
		return err
	}
	return fault{line, err}
}

// step counts what the template does.
func (e *evaluator) step(line int) error { return located(line, e.take(1)) }

// take counts several steps, and hears of a cancel now and then.
func (e *evaluator) take(steps int) error {
	before := e.steps
	if e.steps += steps; e.steps > maxSteps {
		return fmt.Errorf("the template took more than %d steps", maxSteps)
	}
	if before == 0 || before/1024 != e.steps/1024 {
		return e.ctx.Err()
	}
	return nil
}

// grow counts the strings that are made: a template that doubles one in a loop
// must not take all memory.
func (e *evaluator) grow(s str) (str, error) {
	if e.size += s.size(); e.size > 4*maxOutput || s.size() > maxOutput {
		return str{}, tooMuchText()
	}
	return s, nil
}

func tooMuchText() error {
	return fmt.Errorf("the template makes more than %d bytes of text", maxOutput)
}

// What is counted for a value besides its text, and for a string that becomes
// an item of a list, which takes that many bytes.
const (
	valueCost = 8
	itemCost  = 48
)

// charge counts the work of going through whole values, whatever they hold. It
// also keeps recursive code from values nested too deeply.
func (e *evaluator) charge(values ...any) error {
	for _, v := range values {
		e.work += weigh(v, maxWork-e.work, 0)
	}
	return e.afford(0)
}

// afford counts work of a known amount, and hears of a cancel in between.
func (e *evaluator) afford(n int) error {
	if e.work += n; e.work > maxWork {
		return fmt.Errorf("the template goes through more than %d bytes, or through values nested deeper than %d", maxWork, maxDepth)
	}
	if e.work-e.heard > 1<<20 {
		e.heard = e.work
		return e.ctx.Err()
	}
	return nil
}

// weigh counts bytes and items, up to a little above limit.
func weigh(v any, limit, depth int) int {
	if depth > maxDepth {
		return limit + 1
	}
	n := valueCost
	all := func(items []any) {
		for _, item := range items {
			if n > limit {
				break
			}
			n += weigh(item, limit-n, depth+1)
		}
	}
	switch v := v.(type) {
	case str:
		n += v.size()
	case list:
		all(v)
	case tuple:
		all(v)
	case *dict:
		for _, key := range v.keys {
			if n > limit {
				break
			}
			n += weigh(key, limit-n, depth+1)
			n += weigh(v.of(key), limit-n, depth+1)
		}
	case *namespace:
		n += weigh(&v.dict, limit-n, depth+1)
	case *loop: // its attributes lead to its neighbours
		all(v.all[max(v.at-1, 0):min(v.at+2, len(v.all))])
	}
	return n
}

// walk is items, paid for.
func (e *evaluator) walk(v any) ([]any, error) {
	cost := 0
	switch v := v.(type) {
	case str:
		cost = itemCost * len(v.s)
	case list:
		cost = len(v)
	case tuple:
		cost = len(v)
	case *dict:
		cost = len(v.keys)
	}
	if err := e.afford(cost); err != nil {
		return nil, err
	}
	return items(v)
}

func (e *evaluator) write(s str) error {
	if e.out.size()+s.size() > maxOutput {
		return fmt.Errorf("the prompt grows beyond %d bytes", maxOutput)
	}
	e.out.add(s)
	return nil
}

// capture runs statements and returns what they print.
func (e *evaluator) capture(body []node, s *scope) (str, error) {
	outer := e.out
	e.out = writer{}
	err := e.run(body, s)
	printed := e.out.str()
	e.out = outer
	if err != nil {
		return str{}, err
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
		if n.value != nil {
			v, err := e.eval(n.value, s)
			if err != nil {
				return err
			}
			return e.bind(n.target, v, s)
		}
		v, err := e.printed(n.body, n.pipe, s)
		if err != nil {
			return err
		}
		return e.bind(n.target, v, s)
	case forNode:
		v, err := e.eval(n.items, s)
		if err != nil {
			return err
		}
		return e.loop(n, v, s, 1)
	case macroNode:
		s.vars[n.name] = e.macro(n, s)
		return nil
	case callNode:
		v, err := e.call(n.call, s, &named{"caller", e.macro(n.body, s)})
		if err != nil {
			return err
		}
		if err := e.charge(v); err != nil {
			return err
		}
		return e.write(text(v))
	case filterNode:
		v, err := e.printed(n.body, n.pipe, s)
		if err != nil {
			return err
		}
		return e.write(text(v))
	case withNode:
		inner := s.inner()
		for i, x := range n.values {
			v, err := e.eval(x, s)
			if err != nil {
				return err
			}
			if err := e.bind(n.targets[i], v, inner); err != nil {
				return err
			}
		}
		return e.run(n.body, inner)
	case flowNode:
		return n.err
	}
	return fmt.Errorf("unknown statement %T", n)
}

// printed is what statements print, filtered.
func (e *evaluator) printed(body []node, pipes []pipe, s *scope) (v any, err error) {
	if v, err = e.capture(body, s.inner()); err != nil {
		return nil, err
	}
	for _, f := range pipes {
		args, err := e.arguments(f.args, s)
		if err != nil {
			return nil, err
		}
		if v, err = e.filter(f.name, v, args); err != nil {
			return nil, located(f.line(), err)
		}
	}
	return v, nil
}

// bind gives a value, or the items of one, to names.
func (e *evaluator) bind(t target, v any, s *scope) error {
	switch {
	case t.field != "":
		found, _ := s.find(t.name)
		ns, ok := found.(*namespace)
		if !ok {
			return fmt.Errorf("%s is a %s, want a namespace to set %s of", t.name, typeName(found), t.field)
		}
		ns.put(t.field, v)
		return nil
	case len(t.parts) == 0:
		s.vars[t.name] = v
		return nil
	}
	parts, err := e.walk(v)
	if err != nil || len(parts) != len(t.parts) {
		return fmt.Errorf("a %s does not hold a value for each of %d names", typeName(v), len(t.parts))
	}
	for i, part := range t.parts {
		if err := e.bind(part, parts[i], s); err != nil {
			return err
		}
	}
	return nil
}

// loop is what a template sees of a for loop from within.
type loop struct {
	all      []any
	at       int
	depth    int
	changed  []any                               // what changed was asked with last
	recourse func(v any, depth int) (str, error) // runs the loop on other items; nil: it is not recursive
}

func (e *evaluator) loop(n forNode, v any, s *scope, depth int) error {
	all, err := e.walk(v)
	if err != nil {
		return err
	}
	if n.filter != nil {
		var kept []any
		for _, item := range all {
			inner := s.inner()
			if err := e.bind(n.target, item, inner); err != nil {
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
		return e.run(n.otherwise, s.inner())
	}
	l := &loop{all: all, depth: depth}
	if n.recursive {
		l.recourse = func(v any, depth int) (str, error) {
			outer := e.out
			e.out = writer{}
			err := e.loop(n, v, s, depth)
			printed := e.out.str()
			e.out = outer
			if err != nil {
				return str{}, err
			}
			return e.grow(printed)
		}
	}
	for i, item := range all {
		inner := s.inner()
		if err := e.bind(n.target, item, inner); err != nil {
			return err
		}
		here := *l
		here.at = i
		inner.vars["loop"] = &here
		if err := e.step(n.line()); err != nil {
			return err
		}
		err := e.run(n.body, inner)
		l.changed = here.changed
		switch err {
		case nil, errContinue:
		case errBreak:
			return nil
		default:
			return err
		}
	}
	return nil
}

// attribute is what stands behind loop's dot.
func (l *loop) attribute(name string) any {
	n := len(l.all)
	neighbour := func(i int) any {
		if i < 0 || i >= n {
			return undefined{"loop." + name}
		}
		return l.all[i]
	}
	switch name {
	case "index":
		return l.at + 1
	case "index0":
		return l.at
	case "revindex":
		return n - l.at
	case "revindex0":
		return n - l.at - 1
	case "first":
		return l.at == 0
	case "last":
		return l.at == n-1
	case "length":
		return n
	case "depth":
		return l.depth
	case "depth0":
		return l.depth - 1
	case "previtem":
		return neighbour(l.at - 1)
	case "nextitem":
		return neighbour(l.at + 1)
	case "cycle":
		return function(func(a *arguments) (any, error) {
			if err := a.unnamed("loop.cycle"); err != nil {
				return nil, err
			}
			if len(a.all) == 0 {
				return nil, errors.New("loop.cycle wants values to take in turn")
			}
			return a.all[l.at%len(a.all)], nil
		})
	case "changed":
		return function(func(a *arguments) (any, error) {
			if err := a.unnamed("loop.changed"); err != nil {
				return nil, err
			}
			same := l.changed != nil && slices.EqualFunc(l.changed, a.all, equal)
			l.changed = append([]any{}, a.all...)
			return !same, nil
		})
	}
	return undefined{"loop." + name}
}

func (e *evaluator) macro(n macroNode, s *scope) function {
	called := "macro " + n.name
	if n.name == "" {
		called = "caller"
	}
	return func(a *arguments) (any, error) {
		inner := s.inner()
		rest := &arguments{}
		for _, given := range a.named {
			if !slices.Contains(n.params, given.name) {
				rest.named = append(rest.named, given)
			}
		}
		if len(a.all) > len(n.params) {
			rest.all = a.all[len(n.params):]
		}
		for i, param := range n.params {
			v, isNamed := a.byName(param)
			switch {
			case i < len(a.all) && isNamed:
				return nil, fmt.Errorf("%s got %s twice", called, param)
			case i < len(a.all):
				v = a.all[i]
			case isNamed:
			case n.defaults[i] != nil:
				var err error
				if v, err = e.eval(n.defaults[i], inner); err != nil {
					return nil, err
				}
			default:
				v = undefined{param}
			}
			inner.vars[param] = v
		}
		if n.caller {
			v, given := rest.byName("caller")
			if !given {
				v = undefined{"caller"}
			}
			inner.vars["caller"] = v
			rest.named = slices.DeleteFunc(rest.named, func(n named) bool { return n.name == "caller" })
		}
		if n.kwargs {
			d := newDict()
			for _, given := range rest.named {
				d.put(given.name, given.value)
			}
			inner.vars["kwargs"], rest.named = d, nil
		}
		if n.varargs {
			inner.vars["varargs"], rest.all = tuple(rest.all), nil
		}
		switch {
		case len(rest.named) > 0:
			return nil, fmt.Errorf("%s has no argument %.40s", called, rest.named[0].name)
		case len(rest.all) > 0:
			return nil, fmt.Errorf("%s takes %d arguments, got %d", called, len(n.params), len(a.all))
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

func (e *evaluator) value(x expr, s *scope) (any, error) {
	switch x := x.(type) {
	case literal:
		return x.value, nil
	case name:
		if v, ok := s.find(x.name); ok {
			return v, nil
		}
		return undefined{x.name}, nil
	case sequence:
		out := make([]any, len(x.items))
		for i, item := range x.items {
			var err error
			if out[i], err = e.eval(item, s); err != nil {
				return nil, err
			}
		}
		if x.tuple {
			return tuple(out), nil
		}
		return list(out), nil
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
			if err := d.set(k, v); err != nil {
				return nil, err
			}
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
		return e.item(of, key)
	case slice:
		return e.slice(x, s)
	case call:
		return e.call(x, s, nil)
	case filter:
		of, err := e.eval(x.of, s)
		if err != nil {
			return nil, err
		}
		args, err := e.arguments(x.args, s)
		if err != nil {
			return nil, err
		}
		return e.filter(x.name, of, args)
	case test:
		of, err := e.eval(x.of, s)
		if err != nil {
			return nil, err
		}
		args, err := e.arguments(x.args, s)
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
		switch n := of.(type) {
		case bool, int:
			whole, _ := integer(n)
			if x.op == "-" {
				return arithmetic("-", 0, whole)
			}
			return whole, nil
		case float64:
			if x.op == "-" {
				return -n, nil
			}
			return n, nil
		}
		return nil, fmt.Errorf("%s wants a number, got a %s", x.op, typeName(of))
	case binary:
		left, err := e.eval(x.left, s)
		if err != nil {
			return nil, err
		}
		if x.op == "and" && !truth(left) || x.op == "or" && truth(left) {
			return left, nil
		}
		right, err := e.eval(x.right, s)
		if err != nil || x.op == "and" || x.op == "or" {
			return right, err
		}
		return e.binary(x.op, left, right)
	case comparison:
		left, err := e.eval(x.first, s)
		for i := 0; err == nil && i < len(x.ops); i++ {
			var right any
			if right, err = e.eval(x.rest[i], s); err != nil {
				break
			}
			var yes bool
			if yes, err = e.compare(x.ops[i], left, right); !yes {
				return false, err
			}
			left = right
		}
		return true, err
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

// call calls what an expression names, with one more argument if given.
func (e *evaluator) call(x call, s *scope, more *named) (any, error) {
	f, err := e.eval(x.function, s)
	if err != nil {
		return nil, err
	}
	args, err := e.arguments(x.args, s)
	if err != nil {
		return nil, err
	}
	if more != nil {
		args.named = append(args.named, *more)
	}
	if err := e.charge(args.all...); err != nil {
		return nil, err
	}
	for _, n := range args.named {
		if err := e.charge(n.value); err != nil {
			return nil, err
		}
	}
	switch callee := f.(type) {
	case function:
		return callee(args)
	case *loop:
		if callee.recourse == nil {
			return nil, errors.New("the loop is not recursive, so it cannot be called")
		}
		v, err := args.bind("loop", 1, "items")
		if err != nil {
			return nil, err
		}
		if e.depth++; e.depth > maxDepth { // each nests several of Go's own calls
			return nil, fmt.Errorf("the template nests deeper than %d", maxDepth)
		}
		defer func() { e.depth-- }()
		return callee.recourse(v[0], callee.depth+1)
	case undefined:
		return nil, fmt.Errorf("%s is undefined, so it cannot be called", callee.what)
	}
	return nil, fmt.Errorf("a %s cannot be called", typeName(f))
}

// arguments evaluates what stands in a call's parentheses.
func (e *evaluator) arguments(xs arglist, s *scope) (*arguments, error) {
	out := &arguments{}
	for _, x := range xs {
		v, err := e.eval(x.value, s)
		if err != nil {
			return nil, err
		}
		switch {
		case x.stars == 1:
			all, err := e.walk(v)
			if err != nil {
				return nil, err
			}
			out.all = append(out.all, all...)
		case x.stars == 2:
			d, ok := v.(*dict)
			if !ok {
				return nil, fmt.Errorf("** wants a mapping of arguments, got a %s", typeName(v))
			}
			if err := e.take(len(d.keys)); err != nil {
				return nil, err
			}
			for _, key := range d.keys {
				name, ok := key.(str)
				if !ok {
					return nil, fmt.Errorf("the name of an argument is a %s, want a string", typeName(key))
				}
				out.named = append(out.named, named{name.s, d.of(key)})
			}
		case x.name != "":
			out.named = append(out.named, named{x.name, v})
		default:
			out.all = append(out.all, v)
		}
	}
	if len(out.named) > 1 {
		seen := map[string]bool{}
		for _, n := range out.named {
			if seen[n.name] {
				return nil, fmt.Errorf("the argument %.40s is given twice", n.name)
			}
			seen[n.name] = true
		}
	}
	return out, nil
}

func (e *evaluator) compare(op string, left, right any) (bool, error) {
	if err := e.charge(left, right); err != nil {
		return false, err
	}
	switch op {
	case "==":
		return equal(left, right), nil
	case "!=":
		return !equal(left, right), nil
	case "in", "not in":
		yes, err := contains(right, left)
		return yes == (op == "in"), err
	}
	order, err := compare(left, right)
	switch op {
	case "<":
		return order < 0, err
	case "<=":
		return order <= 0, err
	case ">":
		return order > 0, err
	}
	return order >= 0, err
}

func (e *evaluator) binary(op string, left, right any) (any, error) {
	if op == "~" {
		if err := e.charge(left, right); err != nil {
			return nil, err
		}
		return e.concat(text(left), text(right))
	}
	switch a := left.(type) {
	case str:
		if b, ok := right.(str); ok && op == "+" {
			return e.concat(a, b)
		}
		if op == "%" {
			if err := e.charge(left, right); err != nil {
				return nil, err
			}
			args, isTuple := right.(tuple)
			if !isTuple {
				args = tuple{right}
			}
			return e.printf(a, args, right)
		}
	case list:
		if b, ok := right.(list); ok && op == "+" {
			if err := e.take(len(a) + len(b)); err != nil {
				return nil, err
			}
			return append(append(list{}, a...), b...), nil
		}
	case tuple:
		if b, ok := right.(tuple); ok && op == "+" {
			if err := e.take(len(a) + len(b)); err != nil {
				return nil, err
			}
			return append(append(tuple{}, a...), b...), nil
		}
	}
	if op == "*" {
		_, float1 := left.(float64)
		_, float2 := right.(float64)
		if n, whole := integer(right); whole && !float2 {
			if out, ok, err := e.repeat(left, n); ok {
				return out, err
			}
		}
		if n, whole := integer(left); whole && !float1 {
			if out, ok, err := e.repeat(right, n); ok {
				return out, err
			}
		}
	}
	_, ok1 := number(left)
	_, ok2 := number(right)
	if !ok1 || !ok2 {
		return nil, fmt.Errorf("%s does not go between a %s and a %s", op, typeName(left), typeName(right))
	}
	return arithmetic(op, left, right)
}

func (e *evaluator) concat(a, b str) (any, error) {
	var w writer
	w.b.Grow(len(a.s) + len(b.s))
	w.add(a)
	w.add(b)
	return e.grow(w.str())
}

// repeat puts a string or a sequence together n times; ok is false for other values.
func (e *evaluator) repeat(v any, n int) (out any, ok bool, err error) {
	n = max(n, 0)
	sequence := func(v []any) []any {
		if n > 0 && len(v) > maxSteps/n {
			err = e.take(maxSteps + 1)
			return nil
		}
		err = e.take(len(v) * n)
		return slices.Repeat(v, n)
	}
	switch v := v.(type) {
	case str:
		if n > 0 && v.size() > maxOutput/n {
			return nil, true, tooMuchText()
		}
		if len(v.said) == 0 {
			out, err = e.grow(plain(strings.Repeat(v.s, n)))
			return out, true, err
		}
		var w writer
		for range n {
			w.add(v)
		}
		out, err = e.grow(w.str())
		return out, true, err
	case list:
		return list(sequence(v)), true, err
	case tuple:
		return tuple(sequence(v)), true, err
	}
	return nil, false, nil
}

// attribute is what stands behind a dot: a method, or a field.
func (e *evaluator) attribute(of any, name string) (any, error) {
	if m := e.method(of, name); m != nil {
		return m, nil
	}
	switch v := of.(type) {
	case *namespace:
		if field, ok := v.get(plain(name)); ok {
			return field, nil
		}
	case *dict:
		if field, ok := v.get(plain(name)); ok {
			return field, nil
		}
	case *loop:
		return v.attribute(name), nil
	case undefined:
		return nil, fmt.Errorf("%s is undefined, so it has no %s", v.what, name)
	}
	return undefined{name}, nil
}

// item is what stands in brackets: an item, or a method.
func (e *evaluator) item(of, key any) (any, error) {
	at := func(n int) (int, bool) {
		i, ok := key.(int)
		if b, isBool := key.(bool); isBool {
			i, ok = integer(b)
		}
		if i < 0 {
			i += n
		}
		return i, ok && i >= 0 && i < n
	}
	switch v := of.(type) {
	case undefined:
		return nil, fmt.Errorf("%s is undefined, so it has no item %s", v.what, asked(key))
	case *dict:
		if err := e.charge(key); err != nil {
			return nil, err
		}
		if field, ok := v.get(key); ok {
			return field, nil
		}
	case list:
		if i, ok := at(len(v)); ok {
			return v[i], nil
		}
	case tuple:
		if i, ok := at(len(v)); ok {
			return v[i], nil
		}
	case str:
		if _, isNumber := number(key); isNumber {
			if err := e.afford(len(v.s)); err != nil {
				return nil, err
			}
			if i, ok := at(utf8.RuneCountInString(v.s)); ok {
				from := byteAt(v.s, i)
				return v.cut(from, byteAt(v.s[from:], 1)+from), nil
			}
		}
	}
	if name, ok := key.(str); ok {
		return e.attribute(of, name.s)
	}
	return undefined{"item " + asked(key)}, nil
}

// byteAt is where the character of a place begins.
func byteAt(s string, char int) int {
	at := 0
	for ; char > 0 && at < len(s); char-- {
		_, size := utf8.DecodeRuneInString(s[at:])
		at += size
	}
	return at
}

// asked gives a key as an error names it.
func asked(key any) string {
	if s, ok := key.(str); ok {
		return fmt.Sprintf("%.40q", s.s)
	}
	if n, ok := key.(int); ok {
		return fmt.Sprint(n)
	}
	return "of a " + typeName(key)
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
		_, isFloat := v.(float64)
		n, ok := integer(v)
		if !ok || isFloat {
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
	n := 0
	switch v := of.(type) {
	case list:
		n = len(v)
	case tuple:
		n = len(v)
	case str:
		if err := e.afford(len(v.s)); err != nil {
			return nil, err
		}
		n = utf8.RuneCountInString(v.s)
	case undefined:
		return nil, fmt.Errorf("%s is undefined, so it has no slice", v.what)
	default:
		return nil, fmt.Errorf("a %s cannot be sliced", typeName(of))
	}
	low, high := 0, n
	if step < 0 {
		low, high = -1, n-1
	}
	start, end := low, high
	if step < 0 {
		start, end = high, low
	}
	for _, b := range []struct {
		x  expr
		to *int
	}{{x.from, &start}, {x.to, &end}} {
		i, given, err := bound(b.x, *b.to)
		if err != nil {
			return nil, err
		}
		if given {
			if i < 0 {
				i = max(i, math.MinInt/2) + n
			}
			*b.to = max(low, min(i, high))
		}
	}
	if v, ok := of.(str); ok && step == 1 {
		start, end = byteAt(v.s, start), byteAt(v.s, max(end, start))
		return e.grow(v.cut(start, end))
	}
	all, err := e.walk(of)
	if err != nil {
		return nil, err
	}
	var out []any
	for i := start; step > 0 && i < end || step < 0 && i > end; i += step {
		out = append(out, all[i])
		if step > n || step < -n {
			break
		}
	}
	switch of.(type) {
	case str:
		var w writer
		for _, char := range out {
			w.add(char.(str))
		}
		return e.grow(w.str())
	case tuple:
		return tuple(out), nil
	}
	return list(out), nil
}

// length counts characters, not bytes.
func length(v any) (int, error) {
	switch v := v.(type) {
	case str:
		return utf8.RuneCountInString(v.s), nil
	case list:
		return len(v), nil
	case tuple:
		return len(v), nil
	case *dict:
		return len(v.keys), nil
	case undefined:
		return 0, nil
	}
	return 0, fmt.Errorf("a %s has no length", typeName(v))
}
