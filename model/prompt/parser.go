package prompt

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
)

// node is a statement.
type node interface{ line() int }

type at int

func (a at) line() int { return int(a) }

type (
	textNode struct {
		at
		text str
	}
	printNode struct {
		at
		value expr
	}
	setNode struct {
		at
		target target
		value  expr   // nil: what the body prints, filtered
		pipe   []pipe // of the body
		body   []node
	}
	ifNode struct {
		at
		tests  []expr // one branch each, and one more for else
		bodies [][]node
	}
	forNode struct {
		at
		target    target
		items     expr
		filter    expr // nil: none
		recursive bool
		body      []node
		otherwise []node
	}
	macroNode struct {
		at
		name     string // "": of a call block
		params   []string
		defaults []expr // nil: none
		body     []node
		// Whether the body mentions what surplus arguments are bound to.
		varargs, kwargs, caller bool
	}
	callNode struct {
		at
		call call
		body macroNode // what caller() runs
	}
	filterNode struct {
		at
		pipe []pipe
		body []node
	}
	withNode struct {
		at
		targets []target
		values  []expr
		body    []node
	}
	flowNode struct {
		at
		err error // errBreak or errContinue
	}
)

// target is what a value is given to: a name, a namespace's field, or several of either.
type target struct {
	name  string
	field string
	parts []target
}

// pipe is a filter without what it is applied to.
type pipe struct {
	at
	name string
	args arglist
}

// expr is an expression.
type expr interface{ line() int }

type (
	literal struct {
		at
		value any
	}
	name struct {
		at
		name string
	}
	sequence struct {
		at
		items []expr
		tuple bool
	}
	dictionary struct {
		at
		keys, values []expr
	}
	attribute struct {
		at
		of   expr
		name string
	}
	index struct {
		at
		of, key expr
	}
	slice struct {
		at
		of             expr
		from, to, step expr // nil: left out
	}
	call struct {
		at
		function expr
		args     arglist
	}
	filter struct {
		pipe
		of expr
	}
	test struct {
		at
		of     expr
		name   string
		args   arglist
		negate bool
	}
	unary struct {
		at
		op string
		of expr
	}
	binary struct {
		at
		op          string
		left, right expr
	}
	comparison struct {
		at
		first expr
		ops   []string
		rest  []expr
	}
	conditional struct {
		at
		then, test, otherwise expr // otherwise nil: undefined
	}
)

// arglist is what stands in a call's parentheses.
type arglist []argument

type argument struct {
	value expr
	name  string // "": by its place
	stars int    // 1: a list of arguments, 2: a mapping of named ones
}

type parser struct {
	lexemes []lexeme
	depth   int
	names   map[string]int // how often each was read so far
}

func parse(source string) ([]node, error) {
	lexemes, err := lex(source)
	if err != nil {
		return nil, err
	}
	p := &parser{lexemes: lexemes, names: map[string]int{}}
	body, _, err := p.body("")
	return body, err
}

func (p *parser) peek() lexeme { return p.lexemes[0] }

func (p *parser) next() lexeme {
	l := p.lexemes[0]
	if l.kind != kindEOF {
		p.lexemes = p.lexemes[1:]
	}
	return l
}

func (p *parser) is(texts ...string) bool {
	l := p.peek()
	return (l.kind == kindOperator || l.kind == kindName) && slices.Contains(texts, l.text)
}

func (p *parser) accept(text string) bool {
	if p.is(text) {
		p.next()
		return true
	}
	return false
}

func (p *parser) expect(text string) error {
	if !p.accept(text) {
		return fmt.Errorf("line %d: got %v, want %q", p.peek().line, p.peek(), text)
	}
	return nil
}

func (p *parser) expectKind(k kind, what string) (lexeme, error) {
	if l := p.peek(); l.kind != k {
		return l, fmt.Errorf("line %d: got %v, want %s", l.line, l, what)
	}
	return p.next(), nil
}

func (p *parser) enter(line int) error {
	if p.depth++; p.depth > maxDepth {
		return fmt.Errorf("line %d: nested deeper than %d", line, maxDepth)
	}
	return nil
}

// body parses statements up to one of the given tags, whose name it eats and
// returns; up to the end of the template where none is given.
func (p *parser) body(opened string, until ...string) (out []node, end string, err error) {
	if err := p.enter(p.peek().line); err != nil {
		return nil, "", err
	}
	defer func() { p.depth-- }()
	for {
		l := p.next()
		switch l.kind {
		case kindEOF:
			if len(until) > 0 {
				return nil, "", fmt.Errorf("line %d: %s never ends: want %s", l.line, opened, until[len(until)-1])
			}
			return out, "", nil
		case kindText:
			out = append(out, textNode{at(l.line), plain(l.text)})
		case kindPrintBegin:
			value, err := p.tuple()
			if err != nil {
				return nil, "", err
			}
			if _, err := p.expectKind(kindPrintEnd, "}}"); err != nil {
				return nil, "", err
			}
			out = append(out, printNode{at(l.line), value})
		case kindBlockBegin:
			tag, err := p.expectKind(kindName, "a tag's name")
			if err != nil {
				return nil, "", err
			}
			if slices.Contains(until, tag.text) {
				return out, tag.text, nil
			}
			n, err := p.statement(tag)
			if err != nil {
				return nil, "", err
			}
			if n != nil {
				out = append(out, n)
			}
		default:
			return nil, "", fmt.Errorf("line %d: unexpected %v", l.line, l)
		}
	}
}

func (p *parser) blockEnd() error {
	_, err := p.expectKind(kindBlockEnd, "%}")
	return err
}

// block parses the rest of a tag, the body up to its end, and that end.
func (p *parser) block(tag string) ([]node, error) {
	if err := p.blockEnd(); err != nil {
		return nil, err
	}
	body, _, err := p.body(tag, "end"+tag)
	if err != nil {
		return nil, err
	}
	return body, p.blockEnd()
}

func (p *parser) statement(tag lexeme) (_ node, err error) {
	here := at(tag.line)
	switch tag.text {
	case "if":
		return p.ifStatement(here)
	case "for":
		return p.forStatement(here)
	case "set":
		n := setNode{at: here}
		if n.target, err = p.target(true); err != nil {
			return nil, err
		}
		if p.accept("=") {
			if n.value, err = p.tuple(); err != nil {
				return nil, err
			}
			return n, p.blockEnd()
		}
		if p.is("|") {
			if n.pipe, err = p.pipes(); err != nil {
				return nil, err
			}
		}
		n.body, err = p.block("set")
		return n, err
	case "macro":
		l, err := p.expectKind(kindName, "the macro's name")
		if err != nil {
			return nil, err
		}
		n := macroNode{at: here, name: l.text}
		if err := p.signature(&n); err != nil {
			return nil, err
		}
		err = p.macroBody(&n, "macro")
		return n, err
	case "call":
		n := callNode{at: here, body: macroNode{at: here}}
		if p.is("(") { // the parameters of what caller() runs
			if err := p.signature(&n.body); err != nil {
				return nil, err
			}
		}
		value, err := p.expression()
		if err != nil {
			return nil, err
		}
		called, ok := value.(call)
		if !ok {
			return nil, fmt.Errorf("line %d: call wants the call of a macro", tag.line)
		}
		n.call = called
		err = p.macroBody(&n.body, "call")
		return n, err
	case "filter":
		n := filterNode{at: here}
		first, err := p.pipe()
		if err != nil {
			return nil, err
		}
		rest, err := p.pipes()
		if err != nil {
			return nil, err
		}
		n.pipe = append([]pipe{first}, rest...)
		n.body, err = p.block("filter")
		return n, err
	case "with":
		n := withNode{at: here}
		for p.peek().kind != kindBlockEnd {
			if len(n.targets) > 0 {
				if err := p.expect(","); err != nil {
					return nil, err
				}
			}
			t, err := p.target(false)
			if err != nil {
				return nil, err
			}
			if err := p.expect("="); err != nil {
				return nil, err
			}
			value, err := p.expression()
			if err != nil {
				return nil, err
			}
			n.targets, n.values = append(n.targets, t), append(n.values, value)
		}
		n.body, err = p.block("with")
		return n, err
	case "print":
		value, err := p.tuple()
		if err != nil {
			return nil, err
		}
		return printNode{here, value}, p.blockEnd()
	case "break":
		return flowNode{here, errBreak}, p.blockEnd()
	case "continue":
		return flowNode{here, errContinue}, p.blockEnd()
	case "generation", "endgeneration":
		// transformers marks the assistant's words with these; they print nothing.
		return nil, p.blockEnd()
	}
	return nil, fmt.Errorf("line %d: the tag %q is not supported", tag.line, tag.text)
}

func (p *parser) ifStatement(here at) (node, error) {
	n := ifNode{at: here}
	for {
		test, err := p.tuple()
		if err != nil {
			return nil, err
		}
		if err := p.blockEnd(); err != nil {
			return nil, err
		}
		body, end, err := p.body("if", "elif", "else", "endif")
		if err != nil {
			return nil, err
		}
		n.tests, n.bodies = append(n.tests, test), append(n.bodies, body)
		if end == "elif" {
			continue
		}
		if end == "else" {
			if err := p.blockEnd(); err != nil {
				return nil, err
			}
			if body, _, err = p.body("else", "endif"); err != nil {
				return nil, err
			}
			n.bodies = append(n.bodies, body)
		}
		return n, p.blockEnd()
	}
}

func (p *parser) forStatement(here at) (node, error) {
	n := forNode{at: here}
	var err error
	if n.target, err = p.target(false); err != nil {
		return nil, err
	}
	if err := p.expect("in"); err != nil {
		return nil, err
	}
	// Not whole expressions: their "if" would take the loop's filter.
	if n.items, err = p.commas(p.or); err != nil {
		return nil, err
	}
	if p.accept("if") {
		if n.filter, err = p.expression(); err != nil {
			return nil, err
		}
	}
	n.recursive = p.accept("recursive")
	if err := p.blockEnd(); err != nil {
		return nil, err
	}
	var end string
	if n.body, end, err = p.body("for", "else", "endfor"); err != nil {
		return nil, err
	}
	if end == "else" {
		if err := p.blockEnd(); err != nil {
			return nil, err
		}
		if n.otherwise, _, err = p.body("else", "endfor"); err != nil {
			return nil, err
		}
	}
	return n, p.blockEnd()
}

// signature parses a macro's parameters.
func (p *parser) signature(n *macroNode) error {
	if err := p.expect("("); err != nil {
		return err
	}
	for !p.accept(")") {
		l, err := p.expectKind(kindName, "a parameter's name")
		if err != nil {
			return err
		}
		var otherwise expr
		if p.accept("=") {
			if otherwise, err = p.expression(); err != nil {
				return err
			}
		}
		n.params, n.defaults = append(n.params, l.text), append(n.defaults, otherwise)
		if !p.accept(",") && !p.is(")") {
			return p.expect(")")
		}
	}
	return nil
}

// macroBody parses a macro's body, and sees whether it mentions what surplus arguments are bound to.
func (p *parser) macroBody(n *macroNode, tag string) (err error) {
	varargs, kwargs, caller := p.names["varargs"], p.names["kwargs"], p.names["caller"]
	n.body, err = p.block(tag)
	n.varargs, n.kwargs, n.caller = p.names["varargs"] > varargs, p.names["kwargs"] > kwargs, p.names["caller"] > caller
	return err
}

// target parses one name, or several with commas between them.
func (p *parser) target(fields bool) (target, error) {
	first, err := p.oneTarget(fields)
	if err != nil || !p.is(",") {
		return first, err
	}
	out := target{parts: []target{first}}
	for p.accept(",") {
		if p.is("in", "=") {
			break
		}
		next, err := p.oneTarget(fields)
		if err != nil {
			return out, err
		}
		out.parts = append(out.parts, next)
	}
	return out, nil
}

func (p *parser) oneTarget(fields bool) (out target, err error) {
	if l := p.peek(); p.accept("(") {
		if err := p.enter(l.line); err != nil {
			return out, err
		}
		defer func() { p.depth-- }()
		if out, err = p.target(fields); err != nil {
			return out, err
		}
		return out, p.expect(")")
	}
	l, err := p.expectKind(kindName, "a name")
	if err != nil {
		return out, err
	}
	out.name = l.text
	if fields && p.accept(".") {
		field, err := p.expectKind(kindName, "a field's name")
		if err != nil {
			return out, err
		}
		out.field = field.text
	}
	return out, nil
}

// pipes parses filters, each behind a bar.
func (p *parser) pipes() (out []pipe, err error) {
	for p.accept("|") {
		f, err := p.pipe()
		if err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	return out, nil
}

// pipe parses a filter, the bar before it already eaten.
func (p *parser) pipe() (pipe, error) {
	l, err := p.expectKind(kindName, "a filter's name")
	if err != nil {
		return pipe{}, err
	}
	f := pipe{at: at(l.line), name: l.text}
	for p.accept(".") {
		l, err := p.expectKind(kindName, "a filter's name")
		if err != nil {
			return f, err
		}
		f.name += "." + l.text
	}
	if p.accept("(") {
		f.args, err = p.arguments()
	}
	return f, err
}

// tuple is an expression, or several with commas between them.
func (p *parser) tuple() (expr, error) { return p.commas(p.expression) }

func (p *parser) commas(one func() (expr, error)) (expr, error) {
	first, err := one()
	if err != nil || !p.is(",") {
		return first, err
	}
	out := sequence{at(first.line()), []expr{first}, true}
	for p.accept(",") {
		if k := p.peek().kind; k == kindPrintEnd || k == kindBlockEnd || p.is(")", "if", "recursive") {
			break
		}
		item, err := one()
		if err != nil {
			return nil, err
		}
		out.items = append(out.items, item)
	}
	return out, nil
}

func (p *parser) expression() (expr, error) {
	if err := p.enter(p.peek().line); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	value, err := p.or()
	for err == nil && p.accept("if") {
		c := conditional{at: at(value.line()), then: value}
		if c.test, err = p.or(); err == nil && p.accept("else") {
			c.otherwise, err = p.expression()
		}
		value = c
	}
	return value, err
}

// chain parses operands of one level of precedence, left to right.
func (p *parser) chain(operand func() (expr, error), ops ...string) (expr, error) {
	left, err := operand()
	if err != nil {
		return nil, err
	}
	for n := 0; p.is(ops...); n++ {
		op := p.next()
		if n == maxChain { // each nests the one before it
			return nil, fmt.Errorf("line %d: more than %d of %q in a row", op.line, maxChain, op.text)
		}
		right, err := operand()
		if err != nil {
			return nil, err
		}
		left = binary{at(left.line()), op.text, left, right}
	}
	return left, nil
}

func (p *parser) or() (expr, error)  { return p.chain(p.and, "or") }
func (p *parser) and() (expr, error) { return p.chain(p.not, "and") }

func (p *parser) not() (expr, error) {
	if !p.is("not") {
		return p.comparison()
	}
	l := p.next()
	if err := p.enter(l.line); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	of, err := p.not()
	return unary{at(l.line), "not", of}, err
}

func (p *parser) comparison() (expr, error) {
	first, err := p.sum()
	if err != nil {
		return nil, err
	}
	c := comparison{at: at(first.line()), first: first}
	for {
		op := ""
		switch {
		case p.is("==", "!=", "<", "<=", ">", ">=", "in"):
			op = p.next().text
		case p.is("not") && p.lexemes[1].text == "in":
			p.next()
			p.next()
			op = "not in"
		case len(c.ops) == 0:
			return first, nil
		default:
			return c, nil
		}
		right, err := p.sum()
		if err != nil {
			return nil, err
		}
		c.ops, c.rest = append(c.ops, op), append(c.rest, right)
	}
}

func (p *parser) sum() (expr, error)     { return p.chain(p.concat, "+", "-") }
func (p *parser) concat() (expr, error)  { return p.chain(p.product, "~") }
func (p *parser) product() (expr, error) { return p.chain(p.power, "*", "/", "//", "%") }
func (p *parser) power() (expr, error) {
	return p.chain(func() (expr, error) { return p.unary(true) }, "**")
}

// unary is a primary with its signs, attributes and calls, and with its filters
// and tests, which are for the signed whole.
func (p *parser) unary(filters bool) (expr, error) {
	l := p.peek()
	var value expr
	var err error
	if p.is("-", "+") {
		p.next()
		if err := p.enter(l.line); err != nil {
			return nil, err
		}
		value, err = p.unary(false)
		p.depth--
		value = unary{at(l.line), l.text, value}
	} else {
		value, err = p.primary()
	}
	if err == nil {
		value, err = p.postfix(value)
	}
	if err == nil && filters {
		value, err = p.filtered(value)
	}
	return value, err
}

// postfix parses attributes, subscripts and calls behind a value.
func (p *parser) postfix(e expr) (expr, error) {
	var err error
	for n := 0; err == nil; n++ {
		here := at(p.peek().line)
		if n == maxChain {
			return nil, fmt.Errorf("line %d: more than %d attributes and calls in a row", here, maxChain)
		}
		switch {
		case p.accept("."):
			l := p.next()
			switch l.kind {
			case kindInt:
				n, _ := strconv.Atoi(l.text)
				e = index{here, e, literal{here, n}}
			case kindName:
				e = attribute{here, e, l.text}
			default:
				return nil, fmt.Errorf("line %d: got %v, want an attribute's name", l.line, l)
			}
		case p.accept("["):
			e, err = p.subscript(here, e)
		case p.accept("("):
			c := call{at: here, function: e}
			c.args, err = p.arguments()
			e = c
		default:
			return e, nil
		}
	}
	return nil, err
}

// filtered parses filters, tests and calls behind a value.
func (p *parser) filtered(e expr) (expr, error) {
	for n := 0; ; n++ {
		here := at(p.peek().line)
		if n == maxChain {
			return nil, fmt.Errorf("line %d: more than %d filters in a row", here, maxChain)
		}
		switch {
		case p.accept("|"):
			f, err := p.pipe()
			if err != nil {
				return nil, err
			}
			e = filter{f, e}
		case p.accept("is"):
			t, err := p.test(here, e)
			if err != nil {
				return nil, err
			}
			e = t
		case p.accept("("):
			args, err := p.arguments()
			if err != nil {
				return nil, err
			}
			e = call{here, e, args}
		default:
			return e, nil
		}
	}
}

func (p *parser) test(here at, of expr) (expr, error) {
	t := test{at: here, of: of, negate: p.accept("not")}
	l, err := p.expectKind(kindName, "a test's name")
	if err != nil {
		return nil, err
	}
	t.name = l.text
	if p.accept("(") {
		t.args, err = p.arguments()
		return t, err
	}
	k := p.peek().kind
	if (k == kindString || k == kindInt || k == kindFloat || k == kindName || p.is("[", "{")) && !p.is("and", "or", "else", "if", "is", "not", "in", "recursive") {
		var value expr
		if value, err = p.primary(); err == nil {
			value, err = p.postfix(value)
		}
		t.args = arglist{{value: value}}
	}
	return t, err
}

func (p *parser) subscript(here at, of expr) (expr, error) {
	s := slice{at: here, of: of}
	parts := []*expr{&s.from, &s.to, &s.step}
	colons := 0
	for !p.is("]") {
		if p.accept(":") {
			if colons++; colons > 2 {
				return nil, fmt.Errorf("line %d: a slice has at most two colons", p.peek().line)
			}
			continue
		}
		value, err := p.expression()
		if err != nil {
			return nil, err
		}
		*parts[colons] = value
		if !p.is(":", "]") {
			return nil, p.expect("]")
		}
	}
	p.next()
	if colons > 0 {
		return s, nil
	}
	if s.from == nil {
		return nil, fmt.Errorf("line %d: an index is missing", here.line())
	}
	return index{here, of, s.from}, nil
}

// arguments parses what stands between ( and ), the ( already eaten.
func (p *parser) arguments() (args arglist, err error) {
	for !p.accept(")") {
		a := argument{}
		switch l := p.peek(); {
		case p.accept("**"):
			a.stars = 2
		case p.accept("*"):
			a.stars = 1
		case l.kind == kindName && p.lexemes[1].kind == kindOperator && p.lexemes[1].text == "=":
			a.name = l.text
			p.next()
			p.next()
		}
		if a.value, err = p.expression(); err != nil {
			return nil, err
		}
		if len(args) > 0 && a.name == "" && a.stars < 2 && (args[len(args)-1].name != "" || args[len(args)-1].stars == 2) {
			return nil, fmt.Errorf("line %d: an argument without a name stands behind one with a name", a.value.line())
		}
		args = append(args, a)
		if !p.accept(",") && !p.is(")") {
			return nil, p.expect(")")
		}
	}
	return args, nil
}

// constants are the names that stand for themselves.
var constants = map[string]any{"true": true, "false": false, "none": nil, "True": true, "False": false, "None": nil}

func (p *parser) primary() (expr, error) {
	l := p.next()
	here := at(l.line)
	switch l.kind {
	case kindString:
		text := l.text
		// Literals side by side are one.
		for p.peek().kind == kindString {
			text += p.next().text
		}
		return literal{here, plain(text)}, nil
	case kindInt:
		n, err := strconv.ParseInt(l.text, 0, strconv.IntSize)
		if err != nil {
			n, err = strconv.ParseInt(l.text, 10, strconv.IntSize) // 007
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %.40q is no number that has 64 bits", l.line, l.text)
		}
		return literal{here, int(n)}, nil
	case kindFloat:
		f, err := strconv.ParseFloat(l.text, 64)
		if err != nil && !errors.Is(err, strconv.ErrRange) { // 1e400 is infinite
			return nil, fmt.Errorf("line %d: %.40q is no number", l.line, l.text)
		}
		return literal{here, f}, nil
	case kindName:
		if value, ok := constants[l.text]; ok {
			return literal{here, value}, nil
		}
		p.names[l.text]++
		return name{here, l.text}, nil
	}
	switch {
	case l.kind != kindOperator:
	case l.text == "(":
		if p.accept(")") {
			return sequence{at: here, tuple: true}, nil
		}
		e, err := p.tuple()
		if err != nil {
			return nil, err
		}
		return e, p.expect(")")
	case l.text == "[":
		out := sequence{at: here}
		for !p.accept("]") {
			item, err := p.expression()
			if err != nil {
				return nil, err
			}
			out.items = append(out.items, item)
			if !p.accept(",") && !p.is("]") {
				return nil, p.expect("]")
			}
		}
		return out, nil
	case l.text == "{":
		out := dictionary{at: here}
		for !p.accept("}") {
			key, err := p.expression()
			if err != nil {
				return nil, err
			}
			if err := p.expect(":"); err != nil {
				return nil, err
			}
			value, err := p.expression()
			if err != nil {
				return nil, err
			}
			out.keys, out.values = append(out.keys, key), append(out.values, value)
			if !p.accept(",") && !p.is("}") {
				return nil, p.expect("}")
			}
		}
		return out, nil
	}
	return nil, fmt.Errorf("line %d: got %v, want a value", l.line, l)
}
