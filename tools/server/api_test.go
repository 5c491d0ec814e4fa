package server

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// post asks the HTTP API and returns the status and the body.
func post(t *testing.T, h *host, path, body string, headers ...string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "POST", h.web.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

// streamed is the text of a chat's stream.
func streamed(stream string) (text string) {
	for line := range strings.Lines(stream) {
		var chunk struct {
			Choices []struct{ Delta struct{ Content string } }
		}
		if data, ok := strings.CutPrefix(line, "data: "); ok && json.Unmarshal([]byte(data), &chunk) == nil {
			for _, c := range chunk.Choices {
				text += c.Delta.Content
			}
		}
	}
	return text
}

// The stream says what the whole answer says, and both what the WebSocket's client hears.
func TestCompletionsAgree(t *testing.T) {
	h := start(t, nil)
	want := strings.ReplaceAll(undisturbed(t, generate(5, 30, "hello"))[0], cut, "")
	const body = `{"messages":[{"role":"user","content":"hello"}],"seed":5,"temperature":1,"max_tokens":30,"top_k":null`
	status, text := post(t, h, "/v1/chat/completions", body+`}`)
	var whole struct {
		Object  string
		Choices []struct {
			Message      struct{ Role, Content string }
			FinishReason string `json:"finish_reason"`
		}
		Usage map[string]any
	}
	if err := json.Unmarshal([]byte(text), &whole); status != 200 || err != nil || len(whole.Choices) != 1 {
		t.Fatalf("%d %s: %v", status, text, err)
	}
	if got := whole.Choices[0]; got.Message.Content != want || got.FinishReason != "length" || whole.Object != "chat.completion" {
		t.Errorf("%+v, want %q", got, want)
	}
	_, stream := post(t, h, "/v1/chat/completions", body+`,"stream":true,"stream_options":{"include_usage":true}}`)
	got, lines := streamed(stream), strings.Split(strings.TrimSpace(stream), "\n\n")
	for len(lines) > 0 && strings.HasPrefix(lines[0], ":") {
		lines = lines[1:]
	}
	if got != want || lines[len(lines)-1] != "data: [DONE]" || !strings.Contains(lines[len(lines)-2], `"completion_tokens":30`) || !strings.Contains(lines[0], `"usage":null`) {
		t.Errorf("the stream says %q, want %q:\n%s", got, want, stream)
	}
}

func TestErrorsHaveOpenAIsShape(t *testing.T) {
	h := start(t, func(o *Options) { o.MaxMessage = 2000 })
	for _, c := range []struct {
		path, body string
		status     int
		param      any
		words      string
	}{
		{"/v1/chat/completions", `{`, 400, nil, "no JSON object"},
		{"/v1/chat/completions", `[]`, 400, nil, "no JSON object"},
		{"/v1/chat/completions", `{}`, 400, "messages", "messages is empty"},
		{"/v1/chat/completions", `{"messages":[{"role":"user"}]}`, 400, "messages[0].content", "want a string"},
		{"/v1/chat/completions", `{"messages":[{"role":"user","content":[{"type":"image_url"}]}]}`, 400, "messages[0].content[0].type", "reads nothing else"},
		{"/v1/chat/completions", `{"messages":[{"content":"a"}]}`, 400, "messages[0].role", "missing"},
		{"/v1/chat/completions", `{"messages":[{"role":"user","content":"a"}],"temperature":-1}`, 400, "temperature", "temperature is -1"},
		{"/v1/chat/completions", `{"messages":[{"role":"user","content":"a"}],"temprature":1}`, 400, "temprature", "is temperature meant"},
		{"/v1/chat/completions", `{"messages":[{"role":"user","content":"a"}],"temperature":"hot"}`, 400, "temperature", "does not fit"},
		{"/v1/chat/completions", `{"messages":[{"role":"user","content":"a"}],"tools":[{"type":"function","function":{"name":"f"}}]}`, 400, "tools", "not possible with this model"},
		{"/v1/chat/completions", `{"messages":[{"role":"user","content":"a"}],"model":"gpt-4o"}`, 404, "model", `"tiny"`},
		{"/v1/chat/completions", `{"messages":[{"role":"user","content":"a"}],"max_tokens":5000}`, 400, "max_tokens", "at most"},
		{"/v1/chat/completions", `{"messages":[{"role":"user","content":"a"}],"response_format":{"type":"xml"}}`, 400, "response_format.type", `"xml"`},
		{"/v1/chat/completions", `{"messages":[{"role":"user","content":"` + strings.Repeat("a", 2000) + `"}]}`, 413, nil, "larger than 2000 bytes"},
		{"/v1/completions", `{"prompt":["a","b"]}`, 400, "prompt", "want a string"},
		{"/v1/completions", `{"prompt":"a","suffix":"b"}`, 400, "suffix", "not possible with this model"},
		{"/v1/chat/completions", `{"messages":[{"role":"user","content":"a"}],"suffix":"b"}`, 400, "suffix", ""},
		{"/v1/completions", `{"prompt":"` + strings.Repeat("a", 1500) + `"}`, 400, "prompt", "1500 tokens"},
		{"/v1/embeddings", `{}`, 404, nil, "There is no POST"},
	} {
		status, text := post(t, h, c.path, c.body)
		var got struct {
			Error struct {
				Message, Type string
				Param         any
			}
		}
		if err := json.Unmarshal([]byte(text), &got); err != nil || status != c.status || got.Error.Param != c.param ||
			!strings.Contains(got.Error.Message, c.words) || got.Error.Type == "" {
			t.Errorf("%s %.100s: %d %s, want %d, %v, %q", c.path, c.body, status, text, c.status, c.param, c.words)
		}
	}
	if status, text := post(t, h, "/v1/chat/completions", `{"messages":[]}`, "Content-Type", "text/plain"); status != 415 {
		t.Errorf("a form's type: %d %s", status, text)
	}
}

func TestWhoMayAsk(t *testing.T) {
	h := start(t, func(o *Options) {
		o.Tokens, o.Origins, o.PerMinute = []string{"open sesame", "second"}, []string{"https://friend.example"}, 3
	})
	const body = `{"prompt":"a","max_tokens":1}`
	statuses := func(headers ...string) int {
		status, _ := post(t, h, "/v1/completions", body, headers...)
		return status
	}
	got := []int{
		statuses(), statuses("Authorization", "Bearer wrong"), statuses("Authorization", "Bearer open sesame"),
		statuses("Authorization", "bearer second", "Origin", "https://friend.example"),
		statuses("Authorization", "Bearer second", "Origin", "https://foe.example"),
		statuses("Authorization", "Bearer second", "Origin", h.web.URL),
	}
	if diff := cmp.Diff([]int{401, 401, 200, 200, 403, 200}, got); diff != "" {
		t.Errorf("statuses (-want +got):\n%s", diff)
	}
	for range 2 {
		statuses("Authorization", "Bearer open sesame")
	}
	if status := statuses("Authorization", "Bearer open sesame"); status != 429 {
		t.Errorf("the fourth request within a minute: %d", status)
	}
}

// runNode runs a program of a folder that uses npm packages, if they are installed there.
func runNode(t *testing.T, folder, program, needs string, arguments ...string) {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is missing")
	}
	if folder, err = filepath.Abs(folder); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(folder, "node_modules", needs)); err != nil {
		t.Skipf("the npm package %s is not installed: npm ci in %s", needs, folder)
	}
	cmd := exec.CommandContext(t.Context(), node, append([]string{filepath.Join(folder, program)}, arguments...)...)
	cmd.Dir = folder
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// OpenAI's own client finds what it expects.
func TestOpenAIPackage(t *testing.T) {
	h := start(t, func(o *Options) { o.Tokens = []string{"key"} })
	runNode(t, "../../www", "test/openai.mjs", "openai", h.web.URL+"/v1")
}

// So do the clients that people use: OpenAI's, the AI SDK's and LangChain's.
func TestRealClients(t *testing.T) {
	h := start(t, func(o *Options) { o.Tokens = []string{"key"} })
	runNode(t, "../../www/test/clients", "clients.mjs", "@langchain/openai", h.web.URL+"/v1")
	until(t, "no request is under way", func() bool { return h.requests.sum() == 0 })
}

func TestOperators(t *testing.T) {
	h := start(t, nil)
	get := func(path string) (int, string) {
		answer, err := http.Get(h.web.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		text, _ := io.ReadAll(answer.Body)
		return answer.StatusCode, string(text)
	}
	c := &Client{URL: h.socketURL()}
	defer c.Cut()
	say(t, c, generate(1, 5, "hello"), nil)
	status, text := get("/metrics")
	for _, want := range []string{`samba_requests_total{by="websocket",end="length"} 1`, "samba_tokens_total 5", "samba_first_token_seconds_count 1",
		"samba_connections 1", "samba_clients 1", "samba_sessions_in_memory 1", "process_resident_memory_bytes"} {
		if status != 200 || !strings.Contains(text, want) {
			t.Errorf("no %q in the metrics (%d)", want, status)
		}
	}
	if status, _ := get("/readyz"); status != 200 {
		t.Errorf("ready: %d", status)
	}
	if status, text := get("/engine"); status != 200 || !strings.Contains(text, `"version":1`) {
		t.Errorf("engine: %d %s", status, text)
	}
	if status, text := get("/v1/models/tiny"); status != 200 || !strings.Contains(text, `"object":"model"`) {
		t.Errorf("model: %d %s", status, text)
	}
	h.draining.Store(true)
	if status, _ := get("/readyz"); status != 503 {
		t.Errorf("not ready: %d", status)
	}
	if status, _ := get("/healthz"); status != 200 {
		t.Errorf("healthy: %d", status)
	}
	if status, _ := post(t, h, "/v1/completions", `{"prompt":"a"}`); status != 503 {
		t.Errorf("asked while it stops: %d", status)
	}
}
