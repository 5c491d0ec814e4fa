package dialect

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/samba-web/samba/model/grammar"
	"github.com/samba-web/samba/model/prompt"
)

// Request is what a client asks of tools, thoughts and the answer's form, in the
// words of OpenAI's API.
type Request struct {
	Tools     json.RawMessage // a list; nil or empty: none
	Choice    json.RawMessage // tool_choice; nil: auto
	Parallel  *bool           // parallel_tool_calls; nil: yes
	Effort    string          // reasoning_effort; empty: as the model likes
	Thinking  *bool           // enable_thinking; nil: as the template likes
	Budget    *int            // tokens that a thought may take; nil: any
	Variables json.RawMessage // chat_template_kwargs, an object; nil: none
	Documents json.RawMessage // a list; nil: none
	Schema    json.RawMessage // of the answer; nil: any text
}

// Error says what is wrong with a request: Param names the part.
type Error struct{ Param, Text string }

func (e *Error) Error() string { return e.Param + e.Text }

func wrong(param, format string, args ...any) error {
	return &Error{param, fmt.Sprintf(format, args...)}
}

// Bounds on a request.
const (
	maxTools  = 128
	maxName   = 64
	maxValues = 1 << 16 // in all JSON that the template is given: what takes two bytes to send takes a hundred there
)

// budgets are for templates that know no reasoning_effort: tokens of a thought.
var budgets = map[string]int{"minimal": 128, "low": 512, "medium": 2048}

var efforts = []string{"none", "minimal", "low", "medium", "high", "xhigh", "max"}

// Plan is how a request is met.
type Plan struct {
	dialect  Dialect
	request  Request
	tools    []tool
	callable []tool
	must     bool
	parallel bool
	thinking *bool
	budget   *int
	values   int // of JSON that the template is given
}

type tool struct {
	Type     string `json:"type"`
	Function *struct {
		Name       string          `json:"name"`
		Parameters json.RawMessage `json:"parameters"`
	} `json:"function"`
	path string
}

// Plan reads a request. What is wrong with it, or more than the model's template
// can, is an *Error; what is wrong with a schema shows when the grammar is made.
func (d Dialect) Plan(r Request) (*Plan, error) {
	p := &Plan{dialect: d, request: r, parallel: r.Parallel == nil || *r.Parallel, thinking: r.Thinking, budget: r.Budget}
	if err := p.count(); err != nil {
		return nil, err
	}
	if err := p.readTools(); err != nil {
		return nil, err
	}
	if err := p.choose(); err != nil {
		return nil, err
	}
	return p, p.think()
}

// count refuses more than the template can be given, before anything is made of it.
func (p *Plan) count() error {
	if items, _ := sizeOf(p.request.Tools); items > maxTools {
		return wrong("tools", " are %d, want at most %d", items, maxTools)
	}
	for _, part := range []struct {
		param string
		raw   json.RawMessage
	}{{"tools", p.request.Tools}, {"documents", p.request.Documents}, {"chat_template_kwargs", p.request.Variables}} {
		_, values := sizeOf(part.raw)
		if p.values += values; p.values > maxValues {
			return wrong(part.param, tooMany, maxValues)
		}
	}
	return nil
}

const tooMany = " and what stands before hold more than %d values of JSON, which is the most that a chat template is given"

// sizeOf counts what stands in JSON without reading it: the items of the list or
// object that it is, and the values in it, keys included.
func sizeOf(raw json.RawMessage) (items, values int) {
	depth, quoted, empty := 0, false, true
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		switch {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted, empty = !quoted, false
		case quoted, c == ' ', c == '\t', c == '\n', c == '\r':
		case c == '[', c == '{':
			depth, values, empty = depth+1, values+1, depth == 0
		case c == ']', c == '}':
			depth--
		case c == ',', c == ':':
			if values++; depth == 1 && c == ',' {
				items++
			}
		default:
			empty = false
		}
	}
	if !empty {
		items++
	}
	return items, values
}

func (p *Plan) readTools() error {
	if raw := p.request.Tools; len(raw) > 0 {
		if err := json.Unmarshal(raw, &p.tools); err != nil {
			return wrong("tools", " do not fit, want a list of objects with type and function")
		}
	}
	if len(p.tools) == 0 {
		p.request.Tools = nil
		return nil
	}
	names := map[string]bool{}
	for i := range p.tools {
		t, at := &p.tools[i], fmt.Sprintf("tools[%d]", i)
		switch {
		case t.Type != "function":
			return wrong(at+".type", ` is %.40q, want "function": there are no other tools here`, t.Type)
		case t.Function == nil:
			return wrong(at+".function", " is missing, want a name and parameters")
		case !toolName(t.Function.Name):
			return wrong(at+".function.name", " is %.40q, want 1 to %d letters, digits, _ and -", t.Function.Name, maxName)
		case names[t.Function.Name]:
			return wrong(at+".function.name", " is %q, which another tool is called already", t.Function.Name)
		}
		names[t.Function.Name] = true
		if t.path = at + ".function.parameters"; string(t.Function.Parameters) == "null" || string(t.Function.Parameters) == "{}" {
			t.Function.Parameters = nil
		}
	}
	if !p.dialect.Calls() {
		return wrong("tools", " are not possible with this model: its chat template takes none, or writes calls in a way that is not known here")
	}
	return nil
}

func toolName(name string) bool {
	return name != "" && len(name) <= maxName && strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == ""
}

// choose reads tool_choice.
func (p *Plan) choose() error {
	var word string
	var named struct {
		Type     string `json:"type"`
		Function struct {
			Name string `json:"name"`
		} `json:"function"`
	}
	choice := p.request.Choice
	if len(choice) == 0 || string(choice) == "null" {
		choice = json.RawMessage(`"auto"`)
	}
	if json.Unmarshal(choice, &word) != nil && json.Unmarshal(choice, &named) == nil && named.Type == "function" {
		for _, t := range p.tools {
			if t.Function.Name == named.Function.Name {
				p.callable, p.must = []tool{t}, true
				return nil
			}
		}
		return wrong("tool_choice.function.name", " is %.40q, which is none of the tools", named.Function.Name)
	}
	switch word {
	case "none":
	case "auto", "required":
		p.callable, p.must = p.tools, word == "required"
		if p.must && len(p.tools) == 0 {
			return wrong("tool_choice", ` is "required", but there are no tools`)
		}
	default:
		return wrong("tool_choice", ` is %.60s, want "auto", "none", "required" or a function by its name`, choice)
	}
	return nil
}

// think reads how much is to be thought.
func (p *Plan) think() error {
	effort := p.request.Effort
	switch {
	case effort == "":
	case !slices.Contains(efforts, effort):
		return wrong("reasoning_effort", " is %.40q, want one of %s", effort, strings.Join(efforts, ", "))
	case effort == "none":
		p.thinking = new(bool)
	case !p.dialect.Thinks && !p.dialect.effort:
		return wrong("reasoning_effort", ` is %q, but the model's chat template knows no thoughts: leave it out, or take "none"`, effort)
	default:
		if p.thinking == nil {
			p.thinking = new(bool)
			*p.thinking = true
		}
		if n, ok := budgets[effort]; ok && !p.dialect.effort && p.budget == nil {
			p.budget = &n
		}
	}
	return nil
}

// Tools says which tools may be called; nil where none may.
func (p *Plan) Tools() func(name string) bool {
	if len(p.callable) == 0 {
		return nil
	}
	names := map[string]bool{}
	for _, t := range p.callable {
		names[t.Function.Name] = true
	}
	return func(name string) bool { return names[name] }
}

// Parser takes apart an answer to a prompt.
func (p *Plan) Parser(prompt string) *Parser {
	within, _ := Thinking(prompt)
	return p.dialect.Parser(within, p.Tools())
}

// Answer is what may be written after a prompt; nil: anything.
func (p *Plan) Answer(prompt string) *grammar.Answer {
	within, behind := Thinking(prompt)
	a := &grammar.Answer{Schema: p.request.Schema, Must: p.must}
	a.Thought = grammar.Thought{Open: ThinkOpen, Close: ThinkClose, Begun: within}
	silent := p.thinking != nil && !*p.thinking
	switch {
	case within && silent: // the template does not know how to leave it out
		a.Thought.Limited = true
	case within:
	case behind || silent || !p.dialect.Thinks && p.budget == nil || p.budget != nil && *p.budget == 0:
		a.Thought.Never = true
	}
	if p.budget != nil && !a.Thought.Limited && !a.Thought.Never {
		a.Thought.Limited, a.Thought.Budget = true, *p.budget
	}
	switch {
	case len(p.callable) > 0:
		a.Calls = &grammar.Calls{Open: p.dialect.Open, Close: p.dialect.Close, Form: p.dialect.Form, Most: 1}
		if p.parallel {
			a.Calls.Most = maxCalls
		}
		for _, t := range p.callable {
			a.Calls.Tools = append(a.Calls.Tools, grammar.Tool{Name: t.Function.Name, Parameters: t.Function.Parameters, Path: t.path})
		}
	case len(p.tools) > 0:
		a.Avoid = p.dialect.Open
	case a.Schema == nil && !a.Thought.Limited:
		return nil
	}
	return a
}

// Turn is a message of a conversation.
type Turn struct {
	Role, Content string
	Reasoning     string     // what an assistant thought before it
	Calls         []TurnCall // that an assistant made
	CallID        string     // of the call whose result this is
	Name          string     // of the tool whose result this is
}

// TurnCall is a call that was made in an earlier turn.
type TurnCall struct {
	ID string
	Call
}

// callTurn is an earlier call as templates have it; some write it as JSON, in this order.
type callTurn struct {
	ID       string       `json:"id"`
	Type     string       `json:"type"`
	Function callFunction `json:"function"`
}

type callFunction struct {
	Name      string `json:"name"`
	Arguments any    `json:"arguments"`
}

// Conversation is what the template renders. Whether thoughts of earlier turns are
// left out is the template's to say.
func (p *Plan) Conversation(turns []Turn, answer bool) (prompt.Conversation, error) {
	c := prompt.Conversation{Answer: answer, Tools: p.request.Tools, Documents: p.request.Documents}
	given := map[string]json.RawMessage{}
	if raw := p.request.Variables; len(raw) > 0 && json.Unmarshal(raw, &given) != nil {
		return c, wrong("chat_template_kwargs", " is no object of names and values")
	}
	variables := make(map[string]any, len(given))
	for name, value := range given {
		variables[name] = value
	}
	if p.thinking != nil {
		variables["enable_thinking"], variables["thinking"] = *p.thinking, *p.thinking
	}
	if p.request.Effort != "" {
		variables["reasoning_effort"] = p.request.Effort
	}
	var err error
	if len(variables) > 0 {
		if c.Variables, err = json.Marshal(variables); err != nil {
			return c, err
		}
	}
	called, values := map[string]string{}, p.values
	for i, t := range turns {
		more := map[string]any{}
		for field, given := range map[string]bool{"tool_calls": len(t.Calls) > 0, "tool_call_id": t.CallID != ""} {
			if given && !p.dialect.Calls() {
				return c, wrong(fmt.Sprintf("messages[%d].%s", i, field), " is not possible with this model: its chat template knows no tools")
			}
		}
		var calls []callTurn
		for _, call := range t.Calls {
			called[call.ID] = call.Name
			var arguments any = call.Arguments
			if object := json.RawMessage(strings.Trim(call.Arguments, space)); json.Valid(object) && object[0] == '{' {
				arguments = object // templates write JSON themselves
				_, more := sizeOf(object)
				if values += more; values > maxValues {
					return c, wrong(fmt.Sprintf("messages[%d].tool_calls", i), tooMany, maxValues)
				}
			}
			calls = append(calls, callTurn{call.ID, "function", callFunction{call.Name, arguments}})
		}
		var pieces []prompt.Piece
		if calls != nil && p.dialect.forgets {
			pieces = append(p.dialect.write(t.Calls), prompt.Piece{Text: t.Content, Said: true})
		} else if calls != nil {
			more["tool_calls"] = calls
		}
		if t.Reasoning != "" {
			more["reasoning_content"] = t.Reasoning
		}
		if t.CallID != "" {
			more["tool_call_id"] = t.CallID
		}
		if t.Name == "" {
			t.Name = called[t.CallID]
		}
		if t.Name != "" && t.Role == "tool" {
			more["name"] = t.Name
		}
		m := prompt.Message{Role: t.Role, Content: t.Content, Pieces: pieces}
		if len(more) > 0 {
			if m.More, err = json.Marshal(more); err != nil {
				return c, err
			}
		}
		c.Messages = append(c.Messages, m)
	}
	if p.dialect.toolsInSystem && len(p.tools) > 0 {
		return c, p.toolsInSystem(&c)
	}
	return c, nil
}

// toolsInSystem puts the tools where templates like Phi's look for them: a text in the system message.
func (p *Plan) toolsInSystem(c *prompt.Conversation) error {
	var list []struct {
		Function json.RawMessage `json:"function"`
	}
	if err := json.Unmarshal(p.request.Tools, &list); err != nil {
		return err
	}
	functions := []json.RawMessage{}
	for _, one := range list {
		functions = append(functions, one.Function)
	}
	text, err := json.Marshal(functions)
	if err != nil {
		return err
	}
	if len(c.Messages) == 0 || c.Messages[0].Role != "system" {
		c.Messages = slices.Insert(c.Messages, 0, prompt.Message{Role: "system"})
	}
	c.Messages[0].More, err = json.Marshal(map[string]string{"tools": string(text)})
	return err
}
