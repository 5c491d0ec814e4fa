package server

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	modelfolder "github.com/samba-web/samba/model/folder"
	"github.com/samba-web/samba/model/talking"
	"github.com/samba-web/samba/wasm/protocol"
)

// toolsHome has the fixture's model with a template that knows tools.
type toolsHome struct{ home }

func (toolsHome) Source(url string) (modelfolder.Source, error) {
	return talking.Tools(modelfolder.Dir("../../model/testdata/samba-mha")), nil
}

// startWithTools runs a server whose model takes tools.
func startWithTools(t *testing.T) *host {
	t.Helper()
	shared, _, err := protocol.LoadShared(context.Background(), toolsHome{}, &protocol.Load{URL: "tiny", Backend: protocol.BackendCPU}, nil)
	if err != nil {
		t.Fatal(err)
	}
	pool, err := shared.Model.NewPool(2)
	if err != nil {
		t.Fatal(err)
	}
	return start(t, func(o *Options) {
		o.Engine = &Engine{Model: shared.Model, Ready: shared.Ready, Machine: pool, Close: func() {}}
	})
}

// OpenAI's own client goes through an agent's turns.
func TestAgentByOpenAIPackage(t *testing.T) {
	runNode(t, "../../www", "test/agent.mjs", "openai", startWithTools(t).web.URL+"/v1")
}

const findAndAdd = `"tools":[{"type":"function","function":{"name":"find","parameters":{"type":"object","properties":{"word":{"enum":["a","b"]}},"required":["word"]}}},` +
	`{"type":"function","function":{"name":"add","description":null,"parameters":{"type":"object","properties":{"n":{"type":"integer","minimum":1,"maximum":3}},"required":["n"]},"strict":true}}]`

// An agent's three turns over HTTP: two calls and an answer, streamed and whole alike.
func TestAgent(t *testing.T) {
	h := startWithTools(t)
	type message struct {
		Role             string              `json:"role"`
		Content          *string             `json:"content"`
		ReasoningContent string              `json:"reasoning_content,omitempty"`
		ToolCalls        []protocol.ToolCall `json:"tool_calls,omitempty"`
		ToolCallID       string              `json:"tool_call_id,omitempty"`
	}
	messages := []message{{Role: "user", Content: ptr("hello")}}
	for i, choice := range []string{`{"type":"function","function":{"name":"find"}}`, `"required"`, `"none"`} {
		said, err := json.Marshal(messages)
		if err != nil {
			t.Fatal(err)
		}
		body := `{"messages":` + string(said) + `,` + findAndAdd + `,"tool_choice":` + choice + `,"parallel_tool_calls":false,"seed":7,"max_tokens":200,` +
			`"enable_thinking":true,"reasoning_budget":3,"response_format":{"type":"json_schema","json_schema":{"name":"a","schema":{"enum":["yes","no"]}}}`
		status, text := post(t, h, "/v1/chat/completions", body+`}`)
		var whole struct {
			Choices []struct {
				Message      message
				FinishReason string `json:"finish_reason"`
			}
			Usage struct {
				Details map[string]int `json:"completion_tokens_details"`
			}
		}
		if err := json.Unmarshal([]byte(text), &whole); status != 200 || err != nil || len(whole.Choices) != 1 {
			t.Fatalf("%d %s: %v", status, text, err)
		}
		got := whole.Choices[0]
		if n := len(got.Message.ReasoningContent); n == 0 || n > 3 || whole.Usage.Details["reasoning_tokens"] < 3 {
			t.Errorf("turn %d: %s", i, text)
		}
		_, stream := post(t, h, "/v1/chat/completions", body+`,"stream":true}`)
		var deltas struct {
			reasoning, content, reason string
			calls                      []calledTool
		}
		for line := range strings.Lines(stream) {
			var chunk struct {
				Choices []struct {
					Delta struct {
						Content          string
						ReasoningContent string       `json:"reasoning_content"`
						ToolCalls        []calledTool `json:"tool_calls"`
					}
					FinishReason string `json:"finish_reason"`
				}
			}
			if data, ok := strings.CutPrefix(line, "data: "); ok && json.Unmarshal([]byte(data), &chunk) == nil {
				for _, c := range chunk.Choices {
					deltas.reasoning += c.Delta.ReasoningContent
					deltas.content += c.Delta.Content
					deltas.calls = append(deltas.calls, c.Delta.ToolCalls...)
					deltas.reason = c.FinishReason
				}
			}
		}
		if deltas.reasoning != got.Message.ReasoningContent || deltas.reason != got.FinishReason || len(deltas.calls) != len(got.Message.ToolCalls) {
			t.Errorf("turn %d: the stream says %+v, the whole %+v", i, deltas, got)
		}
		if i == 2 {
			if c := got.Message.Content; got.FinishReason != "stop" || c == nil || *c != `"yes"` && *c != `"no"` || deltas.content != *c {
				t.Errorf("the answer is %s", text)
			}
			break
		}
		if got.FinishReason != "tool_calls" || len(got.Message.ToolCalls) != 1 || got.Message.Content != nil || deltas.content != "" || deltas.calls[0] != (calledTool{0, got.Message.ToolCalls[0]}) {
			t.Fatalf("turn %d: %s\n%s", i, text, stream)
		}
		call := got.Message.ToolCalls[0]
		var arguments struct {
			Word string
			N    int
		}
		if err := json.Unmarshal([]byte(call.Function.Arguments), &arguments); err != nil || call.Function.Name == "find" && !strings.Contains("ab", arguments.Word) || i == 0 && call.Function.Name != "find" {
			t.Errorf("turn %d: %+v", i, call)
		}
		messages = append(messages, got.Message, message{Role: "tool", ToolCallID: call.ID, Content: ptr("2")})
	}
}
