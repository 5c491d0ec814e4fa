// Package prompt turns a conversation into the text that a chat model was
// trained on, by the template that stands in its tokenizer_config.json.
//
// Templates are Jinja. What published chat templates use of it is here: for,
// if, set with namespaces, macros, filters, tests, string methods, slices and
// white-space control, with trim_blocks and lstrip_blocks on, as transformers
// renders them. What is not here is refused by name, with its line.
//
// A template is a stranger's program: steps, output and depth are bounded.
package prompt

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Limits on what rendering may take. Templates of published models need a few
// thousand steps; a conversation of a million characters still fits.
const (
	maxSource = 1 << 20
	maxSteps  = 1 << 20
	maxOutput = 64 << 20
	maxWork   = 1 << 28 // bytes of text and items of lists that filters, methods and comparisons go through
	maxDepth  = 100
)

// Message is one turn of a conversation.
type Message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// Template is a parsed chat template. It can be used by many goroutines.
type Template struct {
	body     []node
	bos, eos string
	now      func() time.Time
}

// ParseConfig reads a tokenizer_config.json. A folder without a chat template
// is no error: the template is nil then.
func ParseConfig(data []byte) (*Template, error) {
	var c struct {
		Template json.RawMessage `json:"chat_template"`
		BOS      token           `json:"bos_token"`
		EOS      token           `json:"eos_token"`
	}
	if err := json.Unmarshal(data, &c); err != nil {
		return nil, err
	}
	if len(c.Template) == 0 || string(c.Template) == "null" {
		return nil, nil
	}
	var source string
	if json.Unmarshal(c.Template, &source) != nil {
		var named []struct{ Name, Template string }
		if json.Unmarshal(c.Template, &named) != nil {
			return nil, errors.New("chat_template is neither a string nor a list of named templates")
		}
		found := false
		for _, n := range named {
			if n.Name == "default" {
				source, found = n.Template, true
			}
		}
		if !found {
			return nil, errors.New(`chat_template is a list without one named "default"`)
		}
	}
	t, err := Parse(source)
	if err != nil {
		return nil, err
	}
	t.bos, t.eos = string(c.BOS), string(c.EOS)
	return t, nil
}

// token is a special token as tokenizer_config.json spells it: its text, or an
// object that holds its text, or null.
type token string

func (t *token) UnmarshalJSON(data []byte) error {
	var text *string
	if json.Unmarshal(data, &text) != nil {
		var object struct {
			Content string `json:"content"`
		}
		if json.Unmarshal(data, &object) != nil {
			return fmt.Errorf("a special token is %.40q, want a string or an object with content", data)
		}
		text = &object.Content
	}
	if text != nil {
		*t = token(*text)
	}
	return nil
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
	return &Template{body: body, now: time.Now}, nil
}

// Render writes the conversation as the model reads it; addGenerationPrompt
// ends it where the assistant's answer begins.
func (t *Template) Render(messages []Message, addGenerationPrompt bool) (string, error) {
	turns := make([]any, len(messages))
	for i, m := range messages {
		turns[i] = newDict("role", m.Role, "content", m.Content)
	}
	e := &evaluator{now: t.now}
	global := &scope{vars: map[string]any{
		"messages": turns, "add_generation_prompt": addGenerationPrompt,
		"bos_token": t.bos, "eos_token": t.eos, "tools": nil, "documents": nil,
		"true": true, "false": false, "none": nil, "True": true, "False": false, "None": nil,
	}}
	for name, f := range builtins(e) {
		global.vars[name] = f
	}
	if err := e.run(t.body, global); err != nil && !errors.Is(err, errContinue) && !errors.Is(err, errBreak) {
		return "", fmt.Errorf("chat template: %w", err)
	}
	return e.out.String(), nil
}
