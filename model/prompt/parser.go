package prompt

import (
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
		text string
	}
	printNode struct {
		at
		value expr
	}
	setNode struct {
		at
		targets []string
		field   string // of targets[0], a namespace
		value   expr   // nil: the body's text
		body    []node
	}
	ifNode struct {
		at
		tests  []expr // one branch each, and one more for else
		bodies [][]node
	}
	forNode struct {
		at
		targets   []string
		items     expr
		filter    expr // nil: none
		body      []node
		otherwise []node
	}
	macroNode struct {
		at
		name     string
		params   []string
		defaults map[string]expr
		body     []node
	}
	flowNode struct {
		at
		err error // errBreak or errContinue
	}
)

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
	list struct {
		at
		items []expr
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
		args     []expr
		named    map[string]expr
	}
	filter struct {
		at
		of    expr
		name  string
		args  []expr
		named map[string]expr
	}
	test struct {
		at
		of     expr
		name   string
		args   []expr
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
	conditional struct {
		at
		then, test, otherwise expr // otherwise nil: undefined
	}
)

type parser struct {
	lexemes []lexeme
	depth   int
}

func parse(source string) ([]node, error) {
	lexemes, err := lex(source)
	if err != nil {
		return nil, err
	}
	p := &parser{lexemes: lexemes}
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
			out = append(out, textNode{at(l.line), l.text})
		case kindPrintBegin:
			value, err := p.expression()
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

func (p *parser) statement(tag lexeme) (node, error) {
	here := at(tag.line)
	switch tag.text {
	case "if":
		n := ifNode{at: here}
		for {
			test, err := p.expression()
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
	case "for":
		n := forNode{at: here}
		var err error
		if n.targets, err = p.names(); err != nil {
			return nil, err
		}
		if err := p.expect("in"); err != nil {
			return nil, err
		}
		// Not a whole expression: its "if" would take the loop's filter.
		if n.items, err = p.or(); err != nil {
			return nil, err
		}
		if p.accept("if") {
			if n.filter, err = p.expression(); err != nil {
				return nil, err
			}
		}
		if p.is("recursive") {
			return nil, fmt.Errorf("line %d: recursive loops are not supported", tag.line)
		}
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
	case "set":
		n := setNode{at: here}
		var err error
		if n.targets, err = p.names(); err != nil {
			return nil, err
		}
		if p.accept(".") {
			field, err := p.expectKind(kindName, "a field's name")
			if err != nil {
				return nil, err
			}
			n.field = field.text
		}
		if p.accept("=") {
			if n.value, err = p.tuple(); err != nil {
				return nil, err
			}
			return n, p.blockEnd()
		}
		if err := p.blockEnd(); err != nil {
			return nil, err
		}
		if n.body, _, err = p.body("set", "endset"); err != nil {
			return nil, err
		}
		return n, p.blockEnd()
	case "macro":
		n := macroNode{at: here, defaults: map[string]expr{}}
		l, err := p.expectKind(kindName, "the macro's name")
		if err != nil {
			return nil, err
		}
		n.name = l.text
		if err := p.expect("("); err != nil {
			return nil, err
		}
		for !p.accept(")") {
			l, err := p.expectKind(kindName, "a parameter's name")
			if err != nil {
				return nil, err
			}
			n.params = append(n.params, l.text)
			if p.accept("=") {
				if n.defaults[l.text], err = p.expression(); err != nil {
					return nil, err
				}
			}
			if !p.accept(",") && !p.is(")") {
				return nil, p.expect(")")
			}
		}
		if err := p.blockEnd(); err != nil {
			return nil, err
		}
		if n.body, _, err = p.body("macro", "endmacro"); err != nil {
			return nil, err
		}
		return n, p.blockEnd()
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

func (p *parser) names() (out []string, err error) {
	for {
		l, err := p.expectKind(kindName, "a name")
		if err != nil {
			return nil, err
		}
		out = append(out, l.text)
		if !p.accept(",") {
			return out, nil
		}
	}
}

// tuple is an expression, or several with commas between them.
func (p *parser) tuple() (expr, error) {
	first, err := p.expression()
	if err != nil || !p.is(",") {
		return first, err
	}
	out := list{at(first.line()), []expr{first}}
	for p.accept(",") {
		item, err := p.expression()
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
	then, err := p.or()
	if err != nil || !p.is("if") {
		return then, err
	}
	p.next()
	out := conditional{at: at(then.line()), then: then}
	if out.test, err = p.or(); err != nil {
		return nil, err
	}
	if p.accept("else") {
		if out.otherwise, err = p.expression(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// chain parses operands of one level of precedence, left to right.
func (p *parser) chain(operand func() (expr, error), ops ...string) (expr, error) {
	left, err := operand()
	if err != nil {
		return nil, err
	}
	for p.is(ops...) {
		op := p.next().text
		right, err := operand()
		if err != nil {
			return nil, err
		}
		left = binary{at(left.line()), op, left, right}
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
	left, err := p.sum()
	if err != nil {
		return nil, err
	}
	for {
		op := ""
		switch {
		case p.is("==", "!=", "<", "<=", ">", ">=", "in"):
			op = p.next().text
		case p.is("not") && p.lexemes[1].text == "in":
			p.next()
			p.next()
			op = "not in"
		default:
			return left, nil
		}
		right, err := p.sum()
		if err != nil {
			return nil, err
		}
		left = binary{at(left.line()), op, left, right}
	}
}

func (p *parser) sum() (expr, error)    { return p.chain(p.concat, "+", "-") }
func (p *parser) concat() (expr, error) { return p.chain(p.product, "~") }
func (p *parser) product() (expr, error) {
	return p.chain(p.sign, "*", "/", "//", "%")
}

func (p *parser) sign() (expr, error) {
	if !p.is("-", "+") {
		return p.power()
	}
	l := p.next()
	if err := p.enter(l.line); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	of, err := p.signed()
	if err != nil {
		return nil, err
	}
	return p.tail(unary{at(l.line), l.text, of}, true)
}

// signed is what a sign stands before: filters are for the signed whole.
func (p *parser) signed() (expr, error) {
	if p.is("-", "+") {
		return p.sign()
	}
	e, err := p.primary()
	if err != nil {
		return nil, err
	}
	return p.tail(e, false)
}

func (p *parser) power() (expr, error) { return p.chain(p.filtered, "**") }

// filtered is a primary with its attributes, calls, filters and tests.
func (p *parser) filtered() (expr, error) {
	e, err := p.primary()
	if err != nil {
		return nil, err
	}
	return p.tail(e, true)
}

func (p *parser) tail(e expr, filters bool) (expr, error) {
	var err error
	for err == nil {
		here := at(p.peek().line)
		switch {
		case !filters && p.is("|", "is"):
			return e, nil
		case p.accept("."):
			l := p.next()
			if l.kind == kindNumber {
				n, _ := strconv.Atoi(l.text)
				e = index{here, e, literal{here, n}}
				continue
			}
			if l.kind != kindName {
				return nil, fmt.Errorf("line %d: got %v, want an attribute's name", l.line, l)
			}
			e = attribute{here, e, l.text}
		case p.accept("["):
			e, err = p.subscript(here, e)
		case p.accept("("):
			c := call{at: here, function: e}
			c.args, c.named, err = p.arguments()
			e = c
		case p.accept("|"):
			var l lexeme
			if l, err = p.expectKind(kindName, "a filter's name"); err != nil {
				return nil, err
			}
			f := filter{at: here, of: e, name: l.text}
			if p.accept("(") {
				f.args, f.named, err = p.arguments()
			}
			e = f
		case p.accept("is"):
			t := test{at: here, of: e, negate: p.accept("not")}
			var l lexeme
			if l, err = p.expectKind(kindName, "a test's name"); err != nil {
				return nil, err
			}
			t.name = l.text
			if p.accept("(") {
				t.args, _, err = p.arguments()
			} else if k := p.peek().kind; (k == kindString || k == kindNumber || k == kindName || p.is("[", "{")) && !p.is("and", "or", "else", "if", "is", "not", "in") {
				var arg expr
				arg, err = p.primary()
				t.args = []expr{arg}
			}
			e = t
		default:
			return e, nil
		}
	}
	return nil, err
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
func (p *parser) arguments() (args []expr, named map[string]expr, err error) {
	named = map[string]expr{}
	for !p.accept(")") {
		if l := p.peek(); l.kind == kindName && p.lexemes[1].kind == kindOperator && p.lexemes[1].text == "=" {
			p.next()
			p.next()
			if named[l.text], err = p.expression(); err != nil {
				return nil, nil, err
			}
		} else {
			value, err := p.expression()
			if err != nil {
				return nil, nil, err
			}
			args = append(args, value)
		}
		if !p.accept(",") && !p.is(")") {
			return nil, nil, p.expect(")")
		}
	}
	return args, named, nil
}

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
		return literal{here, text}, nil
	case kindNumber:
		if n, err := strconv.Atoi(l.text); err == nil {
			return literal{here, n}, nil
		}
		f, err := strconv.ParseFloat(l.text, 64)
		if err != nil {
			return nil, fmt.Errorf("line %d: %q is no number", l.line, l.text)
		}
		return literal{here, f}, nil
	case kindName:
		return name{here, l.text}, nil
	}
	switch l.text {
	case "(":
		if p.accept(")") {
			return list{at: here}, nil
		}
		e, err := p.tuple()
		if err != nil {
			return nil, err
		}
		return e, p.expect(")")
	case "[":
		out := list{at: here}
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
	case "{":
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
