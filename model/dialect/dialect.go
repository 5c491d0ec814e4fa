// Package dialect knows how families of models write what is not the answer's
// text: thoughts, and calls of tools.
//
//	chat template ─▶ Of ─▶ Dialect ─┬▶ Prompt: the conversation as the template takes it
//	                                ├▶ Grammar: what may be written
//	          generated text ───────┴▶ Parser ─▶ content, reasoning, tool calls
//
// Which dialect a model writes shows in its chat template, which spells the marks
// for the calls of earlier turns. What a model writes is hostile input: what is no
// call is content, and no text is lost.
package dialect

import (
	"strings"

	"github.com/samba-web/samba/model/grammar"
)

// Dialect is how a family writes. Its zero value writes no calls.
type Dialect struct {
	Family      string // whose it is, as errors and tests name it; empty: it writes no calls
	Open, Close string // the marks around calls; Close may be empty
	Form        grammar.Form
	Thinks      bool // the template speaks of thoughts

	effort        bool // the template knows reasoning_effort
	toolsInSystem bool // it takes the tools as a field of the system message
	forgets       bool // it leaves out the calls of earlier turns
}

// The marks around thoughts, the same in every family.
const (
	ThinkOpen  = "<think>"
	ThinkClose = "</think>"
)

// families in the order in which templates are asked for their marks: the mark
// that tells a family comes before one that others have, too.
var families = []struct {
	sign string
	Dialect
}{
	{"<|tool_list_start|>", lfm2},
	{"<|tool_response_start|>", lfm2},
	{"<|tool_call_start|>", lfm2},
	{"<function=", Dialect{}}, // calls as XML
	{"<tool_calls>", Dialect{Family: "Jamba", Open: "<tool_calls>", Close: "</tool_calls>", Form: grammar.ListForm}},
	{"<|/tool_call|>", Dialect{Family: "Phi", Open: "<|tool_call|>", Close: "<|/tool_call|>", Form: grammar.ListForm}},
	{"<|tool|>", Dialect{Family: "Phi", Open: "<|tool_call|>", Close: "<|/tool_call|>", Form: grammar.ListForm}},
	{"<|tool_call|>", Dialect{Family: "Granite 3", Open: "<|tool_call|>", Form: grammar.ListForm}},
	{"<tool_call>", Dialect{Family: "Hermes", Open: "<tool_call>", Close: "</tool_call>", Form: grammar.ObjectForm}}, // and Granite 4, Falcon-H1
}

// lfm2's templates spell no calls at all: what tells it is its lists and results, or its tokens.
var lfm2 = Dialect{Family: "LFM2", Open: "<|tool_call_start|>", Close: "<|tool_call_end|>", Form: grammar.PythonForm}

// Of finds the dialect of a chat template; control says whether the model has a control token.
func Of(template string, control func(token string) bool) (d Dialect) {
	for _, f := range families {
		if strings.Contains(template, f.sign) {
			d = f.Dialect
			break
		}
	}
	if d.Family == "" && control(lfm2.Open) {
		d = lfm2
	}
	if !strings.Contains(template, "tools") {
		d = Dialect{}
	}
	for _, sign := range []string{ThinkOpen, ThinkClose, "enable_thinking", "thinking"} {
		d.Thinks = d.Thinks || strings.Contains(template, sign)
	}
	d.effort = strings.Contains(template, "reasoning_effort")
	d.forgets = !strings.Contains(template, "tool_calls")
	d.toolsInSystem = strings.Contains(template, "<|tool|>") && (strings.Contains(template, "['tools']") || strings.Contains(template, "message.tools"))
	return d
}

// Calls says whether the model can be given tools.
func (d Dialect) Calls() bool { return d.Family != "" }

// Marks are the texts that a parser must see although the model may have control tokens for them.
func (d Dialect) Marks() []string {
	marks := []string{ThinkOpen, ThinkClose}
	for _, m := range []string{d.Open, d.Close} {
		if m != "" {
			marks = append(marks, m)
		}
	}
	return marks
}

// Thinking says where a prompt leaves the answer: within a thought that it has
// opened, behind one that it has closed, or neither.
func Thinking(prompt string) (within, behind bool) {
	end := strings.TrimRight(prompt, " \n\t")
	return strings.HasSuffix(end, ThinkOpen), strings.HasSuffix(end, ThinkClose)
}
