package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/samba-web/samba/wasm/protocol"
)

// What real clients send is taken: nulls, numbers for "any", what other servers count by, messages as they came.
func TestWhatClientsSend(t *testing.T) {
	h := start(t, nil)
	const messages = `"messages":[{"role":"user","content":"a"}],"max_tokens":1,`
	for _, body := range []string{
		`"temperature":null,"seed":null,"stop":null,"n":null,"stream":null,"logit_bias":null,"response_format":null,"tools":null,"color":null`,
		`"seed":-1`, `"max_tokens":-1,"stop":["a","b","c"]`, `"max_completion_tokens":null`, `"user":"me","store":true,"metadata":{"a":"b"}`, `"stream_options":{}`,
		`"tools":[],"tool_choice":"auto","parallel_tool_calls":true`, `"tool_choice":"none","functions":[]`, `"logit_bias":{},"n":1,"logprobs":false,"top_logprobs":0`,
		`"service_tier":"auto","prompt_cache_key":"x","safety_identifier":"y","modalities":["text"],"prediction":null`, `"cache_prompt":true,"request_id":"7","color":{"deep":[1,2]}`,
		`"stream_options":{"include_usage":true,"include_obfuscation":false,"more":1}`, `"best_of":1,"echo":false,"min_tokens":0,"repeat_penalty":1.0`, `"response_format":{"type":"text"}`,
		`"messages":[{"role":"user","content":"a","name":"me","id":"1","createdAt":5},{"role":"assistant","content":"b","refusal":null,"annotations":[],"audio":null,"tool_calls":[],"function_call":null,"parsed":null,"reasoning_content":"hm"},{"role":"user","content":[{"type":"text","text":"c","cache_control":{"type":"ephemeral"}}]}]`,
		`"messages":[{"role":"user","content":"a"},{"role":"assistant","content":null},{"role":"user","content":"b"}]`,
	} {
		if status, text := post(t, h, "/v1/chat/completions", "{"+messages+body+"}"); status != 200 {
			t.Errorf("%s: %d %s", body, status, text)
		}
	}
	for body, param := range map[string]string{
		`"tools":[{"type":"function"}]`: "tools[0].function", `"tools":[{"type":"function","function":{"name":"f"}}]`: "tools", `"tool_choice":"required"`: "tool_choice", `"reasoning_effort":"high"`: "reasoning_effort", `"mirostat":2`: "mirostat",
		`"repeat_penalty":1.3`: "repeat_penalty", `"n_predict":5`: "n_predict", `"seed":-2`: "seed", `"Temperature":1`: "Temperature", `"topP":0.5`: "topP", `"max_token":3`: "max_token",
		`"messages":[{"role":"assistant","content":null,"tool_calls":[{"id":"1","function":{"name":"f","arguments":"{}"}}]}]`: "messages[0].tool_calls", `"messages":[{"role":"user","content":null}]`: "messages[0].content",
		`"messages":[{"role":"assistant","tool_calls":[{"id":"1"}]}]`: "messages[0].tool_calls[0].function.name", `"messages":[{"role":"assistant","tool_calls":[{"type":"custom"}]}]`: "messages[0].tool_calls[0].type",
		`"messages":[{"role":"user","content":"a","tool_calls":[{"function":{"name":"f"}}]}]`: "messages[0].tool_calls", `"reasoning_budget":-2`: "reasoning_budget",
		`"messages":[{"role":"user","content":"a"},{"role":"tool","content":"b","tool_call_id":"1"}]`: "messages[1].tool_call_id", `"max_tokens":-2`: "max_tokens",
	} {
		status, text := post(t, h, "/v1/chat/completions", "{"+messages+body+"}")
		var got struct{ Error struct{ Param string } }
		if json.Unmarshal([]byte(text), &got); status != 400 || got.Error.Param != param {
			t.Errorf("%s: %d %s, want %s named", body, status, text, param)
		}
	}
	answer, err := http.Post(h.web.URL+"/v1/completions", "application/json", strings.NewReader(`{"prompt":"a","max_tokens":1,"color":"red","no\nheader":1,"cache_prompt":true}`))
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if got := answer.Header.Get("Samba-Ignored"); answer.StatusCode != 200 || got != "cache_prompt, color" {
		t.Errorf("%d, left out: %q", answer.StatusCode, got)
	}
}

// What a request takes to be read is bounded by what a client needs, not by how little it can be written in.
func TestSmallPartsAreBounded(t *testing.T) {
	many := func(n int, f func(i int) string) string {
		parts := make([]string, n)
		for i := range parts {
			parts[i] = f(i)
		}
		return strings.Join(parts, ",")
	}
	read := func(body string) *apiError {
		request := httptest.NewRequest("POST", "/", strings.NewReader(body))
		_, failure := readBody(httptest.NewRecorder(), request, 1<<20, &lease{of: newQuota(1<<20, 1, 1)}, new(chatRequest))
		return failure
	}
	empty := func(int) string { return "{}" }
	for _, c := range []struct{ body, words string }{
		{`{` + many(maxFields+1, func(i int) string { return fmt.Sprintf(`"color%d":1`, i) }) + `}`, "201 fields, want at most 200"},
		{`{"messages":[` + many(maxTurns+1, empty) + `]}`, "more than 32768 messages"},
		{`{"messages":[{"tool_calls":[` + many(maxCalls+1, empty) + `]}]}`, "more than 1024 tool_calls"},
		{`{"messages":"a"}`, "JSON string"},
		{`{"messages":[7]}`, "JSON number"},
	} {
		if failure := read(c.body); failure == nil || failure.status != 400 || !strings.Contains(failure.Message, c.words) {
			t.Errorf("%.40s: %v, want %q", c.body, failure, c.words)
		}
	}
	parts := new(content)
	if err := parts.UnmarshalJSON([]byte("[" + many(maxParts+1, empty) + "]")); err != nil || !strings.Contains(parts.wrong, "at most 32768 text parts") {
		t.Errorf("too many parts: %v, %.40q", err, parts.wrong)
	}
	if failure := read(`{"messages":[` + many(maxTurns, empty) + `]}`); failure != nil {
		t.Error(failure)
	}
}

// FuzzArguments reads anything as a request's body: it becomes a request that the protocol can tell, or an error with a sentence.
func FuzzArguments(f *testing.F) {
	f.Add(`{"messages":[{"role":"user","content":[{"type":"text","text":"a"}],"tool_calls":[]}],"seed":-1,"tools":[]}`)
	f.Add(`{"prompt":["a"],"logit_bias":{"1":2},"stop":"x","temprature":1}`)
	f.Add(`{"messages":[{"content":null},null,7],"response_format":{"type":"json_schema","json_schema":{"schema":{}}}}`)
	f.Fuzz(func(t *testing.T, body string) {
		for _, into := range []completionRequest{new(chatRequest), new(textRequest)} {
			held := &lease{of: newQuota(1<<20, 1, 1)}
			w := httptest.NewRecorder()
			ignored, failure := readBody(w, httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body)), 1<<16, held, into)
			var g *protocol.Generate
			if failure == nil {
				g, failure = into.generate()
			}
			if failure != nil {
				if failure.Message == "" || failure.status < 400 {
					t.Errorf("%+v", failure)
				}
				continue
			}
			if _, err := protocol.Encode(1, g, nil); err != nil {
				t.Error(err)
			}
			if held.bytes != int64(len(body)) {
				t.Errorf("%d bytes are held of %d", held.bytes, len(body))
			}
			for _, name := range ignored {
				if !plainName(name) {
					t.Errorf("%q would stand in a header", name)
				}
			}
		}
	})
}
