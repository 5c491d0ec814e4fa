package grammar

import (
	"encoding/json"
	"slices"
	"strings"
)

// Answer says what a model may write that thinks and calls tools: a thought, then
// text or calls.
type Answer struct {
	Thought Thought
	Schema  json.RawMessage // what the text must be; nil: any text
	Calls   *Calls          // nil: none
	Must    bool            // calls and no text
	Avoid   string          // a mark that the text must not have; empty: none
}

// Thought is what stands before an answer, between marks of its own.
type Thought struct {
	Open, Close string
	Begun       bool // the prompt has the opening mark
	Never       bool // none may come, nor need
	Limited     bool // it ends after Budget tokens at most
	Budget      int
}

// Form is how calls are written between their marks.
type Form int

// The forms.
const (
	ObjectForm Form = iota // {"name": "f", "arguments": {"x": 1}}, a pair of marks for each call
	ListForm               // a list of such objects
	PythonForm             // [f(x=1), g(y="z")]
)

// Calls are the tools that may be called, and how.
type Calls struct {
	Open, Close string // marks; Close may be empty
	Form        Form
	Tools       []Tool
	Most        int // calls in one answer
}

// Tool is a function with the JSON Schema of its arguments, an object's. Path is what errors call it.
type Tool struct {
	Name       string
	Parameters json.RawMessage
	Path       string
}

// Compile makes an answer ready. What is wrong with a schema is a *SchemaError.
func Compile(a Answer, v *Vocabulary) (g *Grammar, err error) {
	defer catch(&err)
	b := &builder{newPool(), v}
	said, err := b.said(a)
	if err != nil {
		return nil, err
	}
	g = &Grammar{pool: b.pool, start: said, vocab: v, masks: map[expr][]uint32{}}
	if t := a.Thought; !t.Never && t.Close != "" {
		within := b.text(t.Close)
		// It may be free, for a text, to begin with the mark: then the text is a thought as well.
		rest := b.join(b.mark(t.Close), b.join(b.gap(), said))
		thought := b.join(within, rest)
		if t.Begun {
			g.start = thought
		} else {
			opening := b.join(b.gap(), b.mark(t.Open))
			g.start, within = b.or(said, b.join(opening, thought)), b.join(opening, within)
		}
		if t.Limited {
			g.thought, g.forced, g.budget = within, rest, t.Budget
		}
	}
	return g, nil
}

// builder puts expressions of answers together.
type builder struct {
	*pool
	vocab *Vocabulary
}

// mark matches a mark: a control token where the model has one, else its text.
func (b *builder) mark(text string) expr {
	if spelt, ok := b.vocab.marks[text]; ok {
		return b.literal(spelt)
	}
	return b.literal(text)
}

// gap matches the white space that models write beside marks.
func (b *builder) gap() expr {
	return b.or(empty, b.literal(" "), b.literal("\n"), b.literal("\n\n"))
}

// text matches any text that has none of these marks.
func (b *builder) text(without ...string) expr {
	all := b.repeat(b.bytes(0, markByte-1), 0, -1)
	parts := []expr{all}
	for _, mark := range without {
		if _, control := b.vocab.marks[mark]; !control && mark != "" {
			parts = append(parts, b.not(b.cat(all, b.literal(mark), all)))
		}
	}
	return b.both(parts...)
}

// said matches what comes after the thought.
func (b *builder) said(a Answer) (expr, error) {
	var calls expr
	var err error
	if a.Calls != nil {
		if calls, err = b.calls(a.Calls); err != nil || a.Must {
			return calls, err
		}
	}
	if a.Schema != nil {
		schema, err := b.compile(a.Schema, "schema", false)
		return b.or(schema, calls), err
	}
	if a.Calls == nil {
		return b.text(a.Avoid), nil
	}
	return b.join(b.text(a.Calls.Open), b.option(calls)), nil
}

// calls matches one call or more.
func (b *builder) calls(c *Calls) (expr, error) {
	if len(c.Tools) == 0 {
		return none, &SchemaError{"tools", "is empty, want at least one that may be called"}
	}
	var one []expr
	for _, tool := range c.Tools {
		parameters := tool.Parameters
		if len(parameters) == 0 {
			parameters = json.RawMessage(`{"type":"object","properties":{}}`)
		}
		arguments, err := b.compile(parameters, tool.Path, c.Form == PythonForm)
		if err != nil {
			return none, err
		}
		if c.Form == PythonForm {
			one = append(one, b.cat(b.literal(tool.Name+"("), arguments, b.literal(")")))
			continue
		}
		space := b.option(b.literal(" "))
		one = append(one, b.cat(b.literal(`{"name":`), space, b.literal(quoted(tool.Name)), b.literal(`,`), space, b.literal(`"arguments":`), space, arguments, b.literal("}")))
	}
	call, more := b.or(one...), max(c.Most, 1)-1
	gap := b.gap()
	if c.Form == ObjectForm {
		call = b.cat(b.mark(c.Open), gap, call, gap, b.mark(c.Close))
		return b.join(call, b.repeat(b.join(gap, call), 0, more)), nil
	}
	next := b.cat(b.literal(","), b.or(b.literal(" "), b.literal("\n"), empty), call)
	return b.cat(b.mark(c.Open), gap, b.literal("["), gap, call, b.repeat(next, 0, more), gap, b.literal("]"), gap, b.mark(c.Close)), nil
}

// arguments matches an object's members as the keyword arguments of a Python call.
func (c *compiler) arguments(v *value, path string) (expr, error) {
	if v.kind != '{' {
		return none, bad(path, "is %s, want an object", clip(v.String()))
	}
	for _, name := range append(slices.Clone(combining), "patternProperties", "propertyNames", "enum", "const") {
		if v.members[name] != nil {
			return none, bad(path+"."+name, "is not supported for this model, which writes calls as Python does: name each argument in properties")
		}
	}
	if err := c.check(v, path); err != nil {
		return none, err
	}
	v = v.modern()
	// Names come from the schema alone: an argument must be a name of Python's.
	v = v.with("additionalProperties", &value{kind: 'f'})
	names := []string{}
	if given := v.members["properties"]; given != nil {
		names = given.names
	} else {
		v = v.with("properties", &value{kind: '{', members: map[string]*value{}})
	}
	for _, name := range names {
		if !identifier(name) {
			return none, bad(path+".properties."+clip(name), "is no name that an argument of a Python call can have, as this model writes them: want letters, digits and _")
		}
	}
	return c.inside(v, path, true)
}

// identifier says whether Python takes a name for an argument.
func identifier(name string) bool {
	letters := strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == ""
	return name != "" && letters && (name[0] < '0' || name[0] > '9')
}
