//go:build !js

package protocol

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/samba-web/samba/model/sampling"
)

// tools are two whose arguments leave a model little choice.
const tools = `[
	{"type": "function", "function": {"name": "find", "parameters": {"type": "object", "properties": {"word": {"enum": ["a", "b"]}}, "required": ["word"]}}},
	{"type": "function", "function": {"name": "add", "parameters": {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1, "maximum": 3}}, "required": ["n"], "additionalProperties": false}}}
]`

// spokenAnswer is what came of a generate: the choices' texts, thoughts and calls put together.
type spokenAnswer struct {
	text, thought, reason string
	calls                 []ToolCall
}

// ask sends a generate and puts the first choice together.
func (c *client) ask(id uint32, g *Generate) (spokenAnswer, Message) {
	c.t.Helper()
	c.send(id, g)
	var out spokenAnswer
	for {
		switch m := c.next().m.(type) {
		case *Text:
			out.text += m.Text
			out.thought += m.Reasoning
			out.calls = append(out.calls, m.ToolCalls...)
			out.reason = m.FinishReason
		case *Progress:
		default:
			return out, m
		}
	}
}

// An agent's loop: a turn calls one tool, the next another, the third answers.
func TestAgent(t *testing.T) {
	c := connect(t)
	c.load(1, "tools/samba-mha")
	messages := []ChatMessage{{Role: "user", Content: "hello"}}
	named := func(name string) json.RawMessage {
		return json.RawMessage(`{"type": "function", "function": {"name": "` + name + `"}}`)
	}
	ids := map[string]bool{}
	for i, turn := range []struct {
		name   string
		choice json.RawMessage
	}{{"find", named("find")}, {"add", named("add")}} {
		got, end := c.ask(uint32(2+i), &Generate{
			TemplateOptions: TemplateOptions{Tools: json.RawMessage(tools), EnableThinking: new(bool)}, Messages: messages, ToolChoice: turn.choice, ParallelToolCalls: new(bool), Settings: sampling.Settings{MaxTokens: ptr(200), Seed: ptr(uint64(4))},
		})
		done, ok := end.(*Done)
		if !ok || done.FinishReason != FinishToolCalls || got.reason != FinishToolCalls || len(got.calls) != 1 || got.text != "" {
			t.Fatalf("turn %d: %+v, %+v", i, got, end)
		}
		call := got.calls[0]
		var arguments map[string]any
		if err := json.Unmarshal([]byte(call.Function.Arguments), &arguments); err != nil || len(arguments) != 1 || call.Function.Name != turn.name || call.Kind != "function" || ids[call.ID] {
			t.Fatalf("turn %d: %+v: %v", i, call, err)
		}
		ids[call.ID] = true
		messages = append(messages, ChatMessage{Role: "assistant", ToolCalls: got.calls}, ChatMessage{Role: "tool", ToolCallID: call.ID, Content: "2"})
	}
	got, end := c.ask(4, &Generate{
		TemplateOptions: TemplateOptions{Tools: json.RawMessage(tools), EnableThinking: new(bool)}, Messages: messages, ToolChoice: json.RawMessage(`"none"`), Settings: sampling.Settings{MaxTokens: ptr(200), Seed: ptr(uint64(4))},
		Schema: json.RawMessage(`{"enum": ["yes", "no"]}`),
	})
	if done, ok := end.(*Done); !ok || done.FinishReason != "stop" || got.text != `"yes"` && got.text != `"no"` || got.calls != nil {
		t.Fatalf("the answer: %+v, %+v", got, end)
	}
	c.send(5, &Tokenize{TemplateOptions: TemplateOptions{Tools: json.RawMessage(tools)}, Messages: messages[:3]})
	if text := last[*Tokens](c, 5).Text; !strings.HasPrefix(text, "tool find\ntool add\nuser: hello\nassistant: <tool_call>{\"name\": \"find\", \"arguments\": {\"word\": ") || !strings.HasSuffix(text, "}}</tool_call>\ntool: 2\nbot: ") {
		t.Errorf("the prompt was %q", text)
	}
}

// A thought comes by itself and within its budget; the next turn's prompt leaves it out, as the template says.
func TestThought(t *testing.T) {
	c := connect(t)
	c.load(1, "tools/samba-mha")
	yes := true
	got, end := c.ask(2, &Generate{
		TemplateOptions: TemplateOptions{EnableThinking: &yes}, Messages: []ChatMessage{{Role: "user", Content: "hello"}}, ReasoningBudget: ptr(6), Settings: sampling.Settings{MaxTokens: ptr(60), Seed: ptr(uint64(3))},
		Schema: json.RawMessage(`{"enum": ["yes", "no"]}`),
	})
	done, ok := end.(*Done)
	if !ok || done.FinishReason != "stop" || got.text != `"yes"` && got.text != `"no"` || len(got.thought) == 0 || len(got.thought) > 6 {
		t.Fatalf("%+v, %+v", got, end)
	}
	if n := done.Usage.ReasoningTokens; n < 6 || n > 6+len("</think>") || n >= done.Usage.CompletionTokens {
		t.Errorf("%d of %d tokens were thought", n, done.Usage.CompletionTokens)
	}
	c.send(3, &Tokenize{Messages: []ChatMessage{{Role: "user", Content: "a"}, {Role: "assistant", Content: "b", ReasoningContent: "c"}}})
	if text := last[*Tokens](c, 3).Text; text != "user: a\nassistant: b\nbot: " {
		t.Errorf("the prompt is %q", text)
	}
	// Without a schema, and not thought at all.
	got, end = c.ask(4, &Generate{TemplateOptions: TemplateOptions{ReasoningEffort: "none"}, Messages: []ChatMessage{{Role: "user", Content: "hello"}}, Settings: sampling.Settings{MaxTokens: ptr(6), Seed: ptr(uint64(3))}})
	if done, ok := end.(*Done); !ok || got.thought != "" || got.text == "" || done.Usage.ReasoningTokens != 0 {
		t.Errorf("%+v, %+v", got, end)
	}
}

func TestSpeechRefused(t *testing.T) {
	c := connect(t)
	c.load(1, "talking/samba-mha")
	say := []ChatMessage{{Role: "user", Content: "hello"}}
	for param, g := range map[string]*Generate{
		"tools":                  {TemplateOptions: TemplateOptions{Tools: json.RawMessage(tools)}, Messages: say},
		"reasoning_effort":       {TemplateOptions: TemplateOptions{ReasoningEffort: "high"}, Messages: say},
		"reasoning_budget":       {Messages: say, ReasoningBudget: ptr(-1)},
		"chat_template_kwargs":   {TemplateOptions: TemplateOptions{ChatTemplateKwargs: json.RawMessage(`[]`)}, Messages: say},
		"tool_choice":            {Messages: say, ToolChoice: json.RawMessage(`"required"`)},
		"messages[0].tool_calls": {Messages: []ChatMessage{{Role: "assistant", ToolCalls: []ToolCall{{ID: "1", Kind: "function"}}}}},
	} {
		if _, end := c.ask(2, g); end.(*Error).Code != CodeBadRequest || end.(*Error).Param != param {
			t.Errorf("%s: %+v", param, end)
		}
	}
	c.load(3, "tools/samba-mha")
	_, end := c.ask(4, &Generate{Messages: say, TemplateOptions: TemplateOptions{Tools: json.RawMessage(`[{"type": "function", "function": {"name": "a", "parameters": {"type": "object", "properties": {"x": {"if": 1}}}}}]`)}})
	if e, ok := end.(*Error); !ok || e.Param != "tools[0].function.parameters.properties.x.if" {
		t.Errorf("%+v", end)
	}
}
