// Package prompt turns a conversation into the text that a chat model was
// trained on, by the template that stands in its folder.
//
// Templates are Jinja, as transformers sets it up: trim_blocks, lstrip_blocks
// and loop controls on, values immutable. All statements are here but those that
// join several templates, all filters but a few, and Python's methods of
// strings, lists and mappings. What is not here is refused by name, with its
// line; so is an argument that a filter, test or function does not know.
//
// The text knows which of its bytes were said: see Text.
//
// A template is a stranger's program: steps, output and depth are bounded, and
// it ends when its context does.
package prompt

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// File is where newer folders have their chat template by itself.
const File = "chat_template.jinja"

// Limits on what rendering may take. Templates of published models need a few
// thousand steps; a conversation of a million characters still fits.
const (
	maxSource = 1 << 20
	maxSteps  = 1 << 20
	maxOutput = 64 << 20
	maxWork   = 1 << 28 // bytes of text and items of lists that filters, methods and comparisons go through
	maxDepth  = 100
	maxChain  = 500 // operators, filters or attributes in a row
)

// Conversation is what a template renders.
type Conversation struct {
	Messages []Message
	// Further variables, as clients send them: lists of tools and of documents,
	// and an object of names that the template may know, such as enable_thinking.
	Tools, Documents, Variables json.RawMessage
	// Answer ends the text where the assistant's answer begins.
	Answer bool
}

// Message is one turn of a conversation.
type Message struct {
	Role    string
	Content string
	// Pieces stand for Content where not nil: those that were not said have the control tokens that they spell.
	Pieces []Piece
	// More is an object of what else the message has, such as tool_calls; a
	// content in it stands for Content: null, or a list of parts.
	More json.RawMessage
}

// Piece is a part of a message's content.
type Piece struct {
	Text string
	Said bool
}

// roles are the words that templates may put into a control token, as in
// '<|' + message.role + '|>'. Any other role was said, and makes none.
var roles = []string{
	"system", "developer", "user", "assistant", "tool", "function", "model", "bot", "human", "gpt",
	"ipython", "environment", "observation", "context", "document", "documents", "tools", "available_tools", "control", "thinking",
}

// Template is a parsed chat template. It can be used by many goroutines.
type Template struct {
	source   string
	body     []node
	specials map[string]any // bos_token and so on, by name
	tools    *Template      // takes conversations with tools; nil: this one does
	now      func() time.Time
}

// ParseConfig reads a tokenizer_config.json, and a chat_template.jinja whose
// template stands for that in it; either may be nil. A folder without a chat
// template is no error: the template is nil then.
func ParseConfig(config, jinja []byte) (*Template, error) {
	var c map[string]json.RawMessage
	if config != nil {
		if err := json.Unmarshal(config, &c); err != nil {
			return nil, err
		}
	}
	sources, err := sourcesOf(c["chat_template"])
	if jinja != nil {
		sources, err = map[string]string{"default": string(jinja)}, nil
	}
	if err != nil || sources == nil {
		return nil, err
	}
	specials := map[string]any{}
	for name, raw := range c {
		if strings.HasSuffix(name, "_token") {
			text, err := token(raw)
			if err != nil {
				return nil, err
			}
			if text != nil {
				specials[name] = plain(*text)
			}
		}
	}
	var t *Template
	for _, name := range []string{"tool_use", "default"} {
		source, ok := sources[name]
		if !ok {
			continue
		}
		parsed, err := Parse(source)
		if err != nil {
			return nil, err
		}
		parsed.specials, parsed.tools, t = specials, t, parsed
	}
	return t, nil
}

// sourcesOf reads a chat_template: a string, or a list of named ones. It is nil where there is none.
func sourcesOf(raw json.RawMessage) (map[string]string, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	var source string
	if json.Unmarshal(raw, &source) == nil {
		return map[string]string{"default": source}, nil
	}
	var named []struct{ Name, Template string }
	if json.Unmarshal(raw, &named) != nil {
		return nil, errors.New("chat_template is neither a string nor a list of named templates")
	}
	sources := map[string]string{}
	for _, n := range named {
		sources[n.Name] = n.Template
	}
	if _, ok := sources["default"]; !ok {
		return nil, errors.New(`chat_template is a list without one named "default"`)
	}
	return sources, nil
}

// token reads a special token as tokenizer_config.json spells it: its text, or
// an object that holds its text, or null.
func token(raw json.RawMessage) (*string, error) {
	var text *string
	if json.Unmarshal(raw, &text) == nil {
		return text, nil
	}
	var object struct {
		Content string `json:"content"`
	}
	if json.Unmarshal(raw, &object) != nil {
		if string(raw) == "true" || string(raw) == "false" { // add_bos_token and its like
			return nil, nil
		}
		return nil, fmt.Errorf("a special token is %.40q, want a string or an object with content", raw)
	}
	return &object.Content, nil
}

// Parse parses a template. Errors name the line.
func Parse(source string) (*Template, error) {
	if len(source) > maxSource {
		return nil, fmt.Errorf("chat template: %d bytes, want at most %d", len(source), maxSource)
	}
	body, err := parse(source)
	if err != nil {
		return nil, fmt.Errorf("chat template: %w", err)
	}
	return &Template{source: source, body: body, now: time.Now}, nil
}

// Source is the template's own text, with that of the one for tools.
func (t *Template) Source() string {
	if t.tools != nil {
		return t.tools.source + t.source
	}
	return t.source
}

// Render writes the conversation as the model reads it. It ends when ctx does.
func (t *Template) Render(ctx context.Context, c Conversation) (Text, error) {
	text, _, err := t.render(ctx, c)
	if err != nil {
		return Text{}, fmt.Errorf("chat template: %w", err)
	}
	return text, nil
}

// render also tells how many steps it took, and how much work.
func (t *Template) render(ctx context.Context, c Conversation) (Text, *evaluator, error) {
	e := &evaluator{ctx: ctx, now: t.now}
	global := &scope{vars: builtins(e)}
	for name, v := range t.specials {
		global.vars[name] = v
	}
	if err := c.bind(global.vars); err != nil {
		return Text{}, e, err
	}
	if tools, ok := global.vars["tools"].(list); ok && len(tools) > 0 && t.tools != nil {
		t = t.tools
	}
	// Names that the template sets itself hide these.
	if err := e.run(t.body, global.inner()); err != nil {
		return Text{}, e, err
	}
	return Text{e.out.str()}, e, nil
}

// bind sets the names that a template knows the conversation by.
func (c *Conversation) bind(vars map[string]any) error {
	turns := make(list, len(c.Messages))
	for i, m := range c.Messages {
		role := said(m.Role)
		if slices.Contains(roles, m.Role) {
			role = plain(m.Role)
		}
		content := said(m.Content)
		if m.Pieces != nil {
			var w writer
			for _, p := range m.Pieces {
				w.put(p.Text, p.Said)
			}
			content = w.str()
		}
		turn := record("role", role, "content", content)
		if len(m.More) > 0 {
			more, err := fromJSON(m.More)
			fields, ok := more.(*dict)
			if err != nil || !ok {
				return fmt.Errorf("message %d has something besides role and content that is no JSON object", i)
			}
			for _, key := range fields.keys {
				if name := text(key).s; name != "role" {
					turn.set(key, fields.of(key))
				}
			}
		}
		turns[i] = turn
	}
	given := map[string]any{"messages": turns, "add_generation_prompt": c.Answer, "tools": nil, "documents": nil}
	for name, raw := range map[string]json.RawMessage{"tools": c.Tools, "documents": c.Documents} {
		if len(raw) == 0 {
			continue
		}
		v, err := fromJSON(raw)
		if err != nil {
			return fmt.Errorf("the %s are no JSON: %w", name, err)
		}
		if _, ok := v.(list); !ok && v != nil {
			return fmt.Errorf("the %s are a %s, want a list", name, typeName(v))
		}
		given[name] = v
	}
	if len(c.Variables) > 0 {
		v, err := fromJSON(c.Variables)
		d, ok := v.(*dict)
		if err != nil || !ok {
			return errors.New("the template's variables are no JSON object")
		}
		for _, key := range d.keys {
			name := text(key).s
			if _, taken := given[name]; taken {
				return fmt.Errorf("the template's variables cannot set %.40s", name)
			}
			vars[name] = d.of(key)
		}
	}
	for name, v := range given {
		vars[name] = v
	}
	return nil
}
