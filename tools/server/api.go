package server

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/samba-web/samba/wasm/protocol"
)

// api is OpenAI's HTTP API: /v1/chat/completions, /v1/completions, /v1/models.
// Its arguments are those of the npm package (www/engine/completions.ts), its
// errors have OpenAI's shape.
func (s *Server) api() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/chat/completions", func(w http.ResponseWriter, r *http.Request) { serveCompletion(s, w, r, new(chatRequest)) })
	mux.HandleFunc("POST /v1/completions", func(w http.ResponseWriter, r *http.Request) { serveCompletion(s, w, r, new(textRequest)) })
	mux.HandleFunc("GET /v1/models", func(w http.ResponseWriter, _ *http.Request) {
		answerJSON(w, http.StatusOK, map[string]any{"object": "list", "data": []any{s.aboutModel()}})
	})
	mux.HandleFunc("GET /v1/models/{model}", func(w http.ResponseWriter, r *http.Request) {
		if err := s.knows(r.PathValue("model")); err != nil {
			err.answer(w)
			return
		}
		answerJSON(w, http.StatusOK, s.aboutModel())
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		(&apiError{status: http.StatusNotFound, Type: "invalid_request_error", Message: fmt.Sprintf("There is no %s %s here.", r.Method, clip(r.URL.Path))}).answer(w)
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Cache-Control", "no-store")
		header.Add("Vary", "Origin")
		if !s.allowsOrigin(r) {
			s.metrics.refused.WithLabelValues("origin").Inc()
			(&apiError{status: http.StatusForbidden, Type: "permission_error", Message: "Pages of this origin may not ask this server."}).answer(w)
			return
		}
		if origin := r.Header.Get("Origin"); origin != "" {
			header.Set("Access-Control-Allow-Origin", origin)
			header.Set("Access-Control-Allow-Headers", r.Header.Get("Access-Control-Request-Headers"))
			header.Set("Access-Control-Allow-Methods", "GET, POST")
		}
		if r.Method == http.MethodOptions {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		holder, allowed := s.bearer("", r)
		if !allowed {
			s.metrics.refused.WithLabelValues("token").Inc()
			header.Set("WWW-Authenticate", "Bearer")
			(&apiError{status: http.StatusUnauthorized, Type: "authentication_error", Code: "invalid_api_key", Message: "This server wants a token that it knows, as Authorization: Bearer."}).answer(w)
			return
		}
		if client := s.clientOf(holder, r); r.Method == http.MethodPost && !s.limiter.allows(client) {
			s.metrics.refused.WithLabelValues("rate").Inc()
			header.Set("Retry-After", "1")
			(&apiError{status: http.StatusTooManyRequests, Type: "rate_limit_error", Code: "rate_limit_exceeded", Message: s.limiter.refusal().Error()}).answer(w)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// apiError is OpenAI's shape of an error.
type apiError struct {
	status  int
	Message string `json:"message"`
	Type    string `json:"type"`
	Param   string `json:"param,omitempty"`
	Code    string `json:"code,omitempty"`
}

func (e *apiError) Error() string { return e.Message }

// body is the error as it is sent: absent fields are null.
func (e *apiError) body() map[string]any {
	null := func(text string) any {
		if text == "" {
			return nil
		}
		return text
	}
	return map[string]any{"error": map[string]any{"message": e.Message, "type": e.Type, "param": null(e.Param), "code": null(e.Code)}}
}

func (e *apiError) answer(w http.ResponseWriter) { answerJSON(w, e.status, e.body()) }

func badRequest(param, format string, args ...any) *apiError {
	return &apiError{status: http.StatusBadRequest, Type: "invalid_request_error", Param: param, Message: fmt.Sprintf(format, args...)}
}

// ofEngine is an engine's error in OpenAI's shape.
func ofEngine(e *protocol.Error) *apiError {
	out := &apiError{status: http.StatusInternalServerError, Type: "server_error", Message: e.Message, Param: e.Param, Code: string(e.Code)}
	switch e.Code {
	case protocol.CodeBadRequest, protocol.CodeBadModel:
		out.status, out.Type, out.Code = http.StatusBadRequest, "invalid_request_error", ""
	case protocol.CodeBusy:
		out.status, out.Type = http.StatusServiceUnavailable, "overloaded_error"
	}
	return out
}

func answerJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(value)
}

func clip(text string) string {
	if len(text) > 100 {
		return strings.ToValidUTF8(text[:100], "") + "…"
	}
	return text
}

func (s *Server) aboutModel() map[string]any {
	return map[string]any{"id": s.o.Ready.Model, "object": "model", "created": started.Unix(), "owned_by": "samba"}
}

var started = time.Now()

func (s *Server) knows(name string) *apiError {
	if name == "" || name == s.o.Ready.Model {
		return nil
	}
	return &apiError{status: http.StatusNotFound, Type: "invalid_request_error", Param: "model", Code: "model_not_found",
		Message: fmt.Sprintf("The model %q is not here: this server has %q.", clip(name), s.o.Ready.Model)}
}

// commonRequest is what both kinds of completions take.
type commonRequest struct {
	Model             string             `json:"model"`
	MaxTokens         *int               `json:"max_tokens"`
	Temperature       *float64           `json:"temperature"`
	TopP              *float64           `json:"top_p"`
	TopK              *int               `json:"top_k"`
	MinP              *float64           `json:"min_p"`
	Seed              *uint64            `json:"seed"`
	RepetitionPenalty *float64           `json:"repetition_penalty"`
	PresencePenalty   *float64           `json:"presence_penalty"`
	FrequencyPenalty  *float64           `json:"frequency_penalty"`
	LogitBias         map[uint32]float64 `json:"logit_bias"`
	N                 *int               `json:"n"`
	Stop              texts              `json:"stop"`
	Stream            bool               `json:"stream"`
	StreamOptions     *struct {
		IncludeUsage       bool `json:"include_usage"`
		IncludeObfuscation bool `json:"include_obfuscation"` // ignored: nothing is padded
	} `json:"stream_options"`
	ResponseFormat *struct {
		Type       string `json:"type"`
		JSONSchema *struct {
			Schema      json.RawMessage `json:"schema"`
			Name        string          `json:"name"`
			Description string          `json:"description"`
			Strict      *bool           `json:"strict"`
		} `json:"json_schema"`
	} `json:"response_format"`

	// OpenAI's arguments that mean nothing to a server without accounts.
	User                 any `json:"user"`
	Metadata             any `json:"metadata"`
	Store                any `json:"store"`
	ServiceTier          any `json:"service_tier"`
	SafetyIdentifier     any `json:"safety_identifier"`
	PromptCacheKey       any `json:"prompt_cache_key"`
	PromptCacheRetention any `json:"prompt_cache_retention"`
}

func (r *commonRequest) common() *commonRequest { return r }

// generate is the request in the protocol's words.
func (r *commonRequest) generate() (*protocol.Generate, *apiError) {
	g := &protocol.Generate{
		MaxTokens: r.MaxTokens, Temperature: r.Temperature, TopP: r.TopP, TopK: r.TopK, MinP: r.MinP, Seed: r.Seed,
		RepetitionPenalty: r.RepetitionPenalty, PresencePenalty: r.PresencePenalty, FrequencyPenalty: r.FrequencyPenalty,
		LogitBias: r.LogitBias, N: r.N, Stop: r.Stop,
	}
	if r.StreamOptions != nil && !r.Stream {
		return nil, badRequest("stream_options", "stream_options is given without stream: true.")
	}
	if f := r.ResponseFormat; f != nil {
		switch {
		case f.Type == "text":
		case f.Type == "json_object":
			g.Schema = json.RawMessage(`{"type":"object"}`)
		case f.Type == "json_schema" && (f.JSONSchema == nil || len(f.JSONSchema.Schema) == 0):
			return nil, badRequest("response_format.json_schema.schema", "response_format.json_schema.schema is missing, want a JSON Schema.")
		case f.Type == "json_schema":
			g.Schema = f.JSONSchema.Schema
		default:
			return nil, badRequest("response_format.type", `response_format.type is %q, want "text", "json_object" or "json_schema".`, clip(f.Type))
		}
	}
	return g, nil
}

// texts is one text or a list of them.
type texts []string

func (t *texts) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		if string(data) != "null" {
			*t = texts{one}
		}
		return nil
	}
	var many []string
	if err := json.Unmarshal(data, &many); err != nil {
		return errors.New("want a string or a list of strings")
	}
	*t = many
	return nil
}

// chatRequest is the body of /v1/chat/completions.
type chatRequest struct {
	commonRequest
	Messages []struct {
		Role    string          `json:"role"`
		Content json.RawMessage `json:"content"`
		Name    string          `json:"name"` // ignored
		Refusal any             `json:"refusal"`
	} `json:"messages"`
	MaxCompletionTokens *int  `json:"max_completion_tokens"`
	Logprobs            *bool `json:"logprobs"`
	TopLogprobs         *int  `json:"top_logprobs"`
}

func (r *chatRequest) generate() (*protocol.Generate, *apiError) {
	g, failure := r.commonRequest.generate()
	if failure != nil {
		return nil, failure
	}
	if len(r.Messages) == 0 {
		return nil, badRequest("messages", "messages is empty, want at least one message.")
	}
	for i, m := range r.Messages {
		at := fmt.Sprintf("messages[%d]", i)
		content, failure := contentOf(at+".content", m.Content)
		if failure != nil {
			return nil, failure
		}
		if m.Role == "developer" {
			m.Role = "system"
		}
		g.Messages = append(g.Messages, protocol.ChatMessage{Role: m.Role, Content: content})
	}
	if r.MaxCompletionTokens != nil {
		g.MaxTokens = r.MaxCompletionTokens
	}
	switch asked := r.Logprobs != nil && *r.Logprobs; {
	case r.TopLogprobs != nil && !asked:
		return nil, badRequest("top_logprobs", "top_logprobs is given without logprobs: true.")
	case r.TopLogprobs != nil:
		g.TopLogprobs = r.TopLogprobs
	case asked:
		g.TopLogprobs = new(int)
	}
	return g, nil
}

// contentOf is a text, or parts of type text put together.
func contentOf(at string, content json.RawMessage) (string, *apiError) {
	var text string
	if json.Unmarshal(content, &text) == nil && string(content) != "null" {
		return text, nil
	}
	var parts []struct{ Type, Text string }
	if len(content) == 0 || json.Unmarshal(content, &parts) != nil || parts == nil {
		return "", badRequest(at, "%s is %s, want a string or a list of text parts.", at, clip(string(content)))
	}
	for i, part := range parts {
		if part.Type != "text" {
			return "", badRequest(fmt.Sprintf("%s[%d].type", at, i), `%s[%d].type is %q, want "text": the model reads nothing else.`, at, i, clip(part.Type))
		}
		text += part.Text
	}
	return text, nil
}

// textRequest is the body of /v1/completions.
type textRequest struct {
	commonRequest
	Prompt   texts `json:"prompt"`
	Logprobs *int  `json:"logprobs"`
	Echo     bool  `json:"echo"`
	BestOf   *int  `json:"best_of"`
}

func (r *textRequest) generate() (*protocol.Generate, *apiError) {
	g, failure := r.commonRequest.generate()
	switch {
	case failure != nil:
		return nil, failure
	case len(r.Prompt) != 1 || r.Prompt[0] == "":
		return nil, badRequest("prompt", "prompt is not one text: want a string.")
	case r.Echo:
		return nil, badRequest("echo", "echo is not possible here: put the prompt before the answer yourself.")
	case r.BestOf != nil && (r.N == nil && *r.BestOf != 1 || r.N != nil && *r.BestOf != *r.N):
		return nil, badRequest("best_of", "best_of is not possible here: ask for n answers and choose.")
	}
	g.Prompt, g.TopLogprobs = r.Prompt[0], r.Logprobs
	return g, nil
}

// completionRequest is what the two have in common, seen from outside.
type completionRequest interface {
	common() *commonRequest
	generate() (*protocol.Generate, *apiError)
	// answer makes the shapes of an answer.
	answer(head head) answer
}

// head is what every object of an answer begins with.
type head struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Created int64  `json:"created"`
	Model   string `json:"model"`
}

// answer makes an answer's objects, whole or in chunks.
type answer interface {
	// begin are the chunks before the first text.
	begin(choices int) []any
	// text are the chunks of a piece.
	text(*protocol.Text) []any
	// usage is the last chunk.
	usage(usage any) any
	// whole is all of it.
	whole(pieces [][]*protocol.Text, usage any) any
}

func serveCompletion(s *Server, w http.ResponseWriter, r *http.Request, request completionRequest) {
	s.work.Add(1)
	defer s.work.Done()
	holder, _ := s.bearer("", r) // looked at before
	began := time.Now()
	var last protocol.Message
	defer func() {
		if last != nil {
			s.metrics.count("http", s.clientOf(holder, r), began, last)
		}
	}()
	refuse := func(e *apiError) {
		s.metrics.refused.WithLabelValues("arguments").Inc()
		e.answer(w)
	}
	if s.draining.Load() {
		w.Header().Set("Retry-After", "1")
		(&apiError{status: http.StatusServiceUnavailable, Type: "overloaded_error", Message: "This server is about to stop: ask again."}).answer(w)
		return
	}
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/json" {
		refuse(&apiError{status: http.StatusUnsupportedMediaType, Type: "invalid_request_error", Message: "Content-Type is not application/json."})
		return
	}
	connection := http.NewResponseController(w) // whose client is not waited for long, neither to speak nor to listen
	connection.SetReadDeadline(time.Now().Add(s.o.Patience))
	if failure := readBody(w, r, int64(s.o.MaxMessage), request); failure != nil {
		refuse(failure)
		return
	}
	if failure := s.knows(request.common().Model); failure != nil {
		refuse(failure)
		return
	}
	connection.SetReadDeadline(time.Time{})
	defer connection.SetWriteDeadline(time.Time{}) // the next request's answer has a time of its own
	g, failure := request.generate()
	if failure != nil {
		refuse(failure)
		return
	}
	stream := request.common().Stream
	choices := 1
	if g.N != nil {
		choices = *g.N
	}
	out := request.answer(head{Created: began.Unix(), Model: s.o.Ready.Model})
	var pieces [][]*protocol.Text
	events := &events{w: w, patience: s.o.Patience}
	usageAsked := stream && request.common().StreamOptions != nil && request.common().StreamOptions.IncludeUsage
	open := func() error {
		if !stream || events.begun {
			return nil
		}
		return events.send(out.begin(choices), usageAsked)
	}
	last, err := s.ask(r.Context(), g, func(m protocol.Message) error {
		piece, ok := m.(*protocol.Text)
		if !ok {
			return nil
		}
		if stream {
			if err := open(); err != nil {
				return err
			}
			return events.send(out.text(piece), usageAsked)
		}
		for len(pieces) <= piece.Choice {
			pieces = append(pieces, nil)
		}
		pieces[piece.Choice] = append(pieces[piece.Choice], piece)
		return nil
	})
	if r.Context().Err() != nil || err != nil {
		return // nobody is there any more
	}
	switch done := last.(type) {
	case *protocol.Error:
		if events.begun {
			events.fail(ofEngine(done))
			return
		}
		ofEngine(done).answer(w)
	case *protocol.Done:
		usage := map[string]any{
			"prompt_tokens": done.Usage.PromptTokens, "completion_tokens": done.Usage.CompletionTokens, "total_tokens": done.Usage.TotalTokens,
			"prompt_tokens_details": map[string]any{"cached_tokens": done.Usage.PromptTokens - done.Usage.PrefilledTokens},
			"timings":               done.Timings,
		}
		if !stream {
			connection.SetWriteDeadline(time.Now().Add(s.o.Patience))
			answerJSON(w, http.StatusOK, out.whole(pieces, usage))
			return
		}
		if open() == nil {
			if usageAsked {
				events.send([]any{out.usage(usage)}, false)
			}
			events.end()
		}
	}
}

// readBody reads a request's JSON strictly: what nothing would heed is refused by its name.
func readBody(w http.ResponseWriter, r *http.Request, most int64, into any) *apiError {
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return &apiError{status: http.StatusRequestEntityTooLarge, Type: "invalid_request_error", Message: fmt.Sprintf("The request is larger than %d bytes.", most)}
	}
	if err != nil {
		return badRequest("", "The request could not be read to its end.")
	}
	// null stands for an argument that is left out, known or not.
	var given map[string]json.RawMessage
	if err := json.Unmarshal(data, &given); err != nil || given == nil {
		return badRequest("", "The request is no JSON object.")
	}
	for name, value := range given {
		if bytes.Equal(value, []byte("null")) {
			delete(given, name)
		}
	}
	data, _ = json.Marshal(given) // of what was just read
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	err = d.Decode(into)
	var kind *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &kind):
		field := strings.TrimPrefix(kind.Field, "commonRequest.")
		return badRequest(clip(field), "%s is a JSON %s, which does not fit.", clip(field), kind.Value)
	}
	text := strings.TrimPrefix(err.Error(), "json: ")
	if name, ok := strings.CutPrefix(text, "unknown field "); ok {
		name = strings.Trim(name, `"`)
		return badRequest(clip(name), "%s is not an argument here.", clip(name))
	}
	return badRequest("", "The request does not fit: %s.", clip(text))
}

// events are server-sent events.
type events struct {
	w        http.ResponseWriter
	patience time.Duration
	begun    bool
}

func (e *events) write(data []byte) error {
	c := http.NewResponseController(e.w)
	if !e.begun {
		e.begun = true
		e.w.Header().Set("Content-Type", "text/event-stream")
		e.w.Header().Set("X-Accel-Buffering", "no") // nginx hands on what comes
		e.w.WriteHeader(http.StatusOK)
	}
	c.SetWriteDeadline(time.Now().Add(e.patience)) // who does not read is not waited for
	if _, err := fmt.Fprintf(e.w, "data: %s\n\n", data); err != nil {
		return err
	}
	return c.Flush()
}

// send writes chunks; usage says whether each has the field, null but in the last.
func (e *events) send(chunks []any, usage bool) error {
	for _, chunk := range chunks {
		data, err := json.Marshal(chunk)
		if err != nil {
			return err
		}
		if usage {
			data = append(data[:len(data)-1], `,"usage":null}`...)
		}
		if err := e.write(data); err != nil {
			return err
		}
	}
	return nil
}

func (e *events) fail(failure *apiError) {
	data, _ := json.Marshal(failure.body())
	e.write(data)
}

func (e *events) end() { e.write([]byte("[DONE]")) }

// chatLogprob is a token's log probability as chats have it.
type chatLogprob struct {
	Token       string         `json:"token"`
	Bytes       []int          `json:"bytes"`
	Logprob     float64        `json:"logprob"`
	TopLogprobs *[]chatLogprob `json:"top_logprobs,omitempty"`
}

func tokenText(list []int) string {
	out := make([]byte, len(list))
	for i, b := range list {
		out[i] = byte(b)
	}
	return strings.ToValidUTF8(string(out), "\ufffd")
}

func chatLogprobs(tokens []protocol.TokenLogprob) []chatLogprob {
	out := []chatLogprob{}
	for _, t := range tokens {
		top := []chatLogprob{}
		for _, other := range t.Top {
			top = append(top, chatLogprob{Token: tokenText(other.Bytes), Bytes: other.Bytes, Logprob: other.Logprob})
		}
		out = append(out, chatLogprob{tokenText(t.Bytes), t.Bytes, t.Logprob.Logprob, &top})
	}
	return out
}

type chatAnswer struct {
	head
	logprobs bool
}

func (r *chatRequest) answer(h head) answer {
	h.ID = "chatcmpl-" + rand.Text()
	return &chatAnswer{h, r.Logprobs != nil && *r.Logprobs}
}

type chunk struct {
	head
	Choices []any `json:"choices"`
	Usage   any   `json:"usage,omitempty"`
}

func (a *chatAnswer) chunk(index int, delta map[string]any, reason any, logprobs any) any {
	h := a.head
	h.Object = "chat.completion.chunk"
	return chunk{head: h, Choices: []any{map[string]any{"index": index, "delta": delta, "finish_reason": reason, "logprobs": logprobs}}}
}

func (a *chatAnswer) begin(choices int) (chunks []any) {
	for i := range choices {
		chunks = append(chunks, a.chunk(i, map[string]any{"role": "assistant", "content": ""}, nil, nil))
	}
	return chunks
}

func (a *chatAnswer) text(piece *protocol.Text) []any {
	var logprobs any
	if a.logprobs {
		logprobs = map[string]any{"content": chatLogprobs(piece.Logprobs), "refusal": nil}
	}
	chunks := []any{a.chunk(piece.Choice, map[string]any{"content": piece.Text}, nil, logprobs)}
	if piece.FinishReason != "" {
		chunks = append(chunks, a.chunk(piece.Choice, map[string]any{}, piece.FinishReason, nil))
	}
	return chunks
}

func (a *chatAnswer) usage(usage any) any {
	h := a.head
	h.Object = "chat.completion.chunk"
	return chunk{head: h, Choices: []any{}, Usage: usage}
}

func (a *chatAnswer) whole(pieces [][]*protocol.Text, usage any) any {
	h := a.head
	h.Object = "chat.completion"
	choices := []any{}
	for i, list := range pieces {
		text, tokens, reason := gather(list)
		var logprobs any
		if a.logprobs {
			logprobs = map[string]any{"content": chatLogprobs(tokens), "refusal": nil}
		}
		choices = append(choices, map[string]any{
			"index": i, "message": map[string]any{"role": "assistant", "content": text, "refusal": nil}, "finish_reason": reason, "logprobs": logprobs,
		})
	}
	return chunk{head: h, Choices: choices, Usage: usage}
}

func gather(pieces []*protocol.Text) (text string, tokens []protocol.TokenLogprob, reason string) {
	var b strings.Builder
	for _, piece := range pieces {
		b.WriteString(piece.Text)
		tokens = append(tokens, piece.Logprobs...)
		reason = piece.FinishReason
	}
	return b.String(), tokens, reason
}

type textAnswer struct {
	head
	logprobs bool
	offsets  map[int]int // UTF-16 units of each choice's text so far, as JavaScript counts
}

func (r *textRequest) answer(h head) answer {
	h.ID, h.Object = "cmpl-"+rand.Text(), "text_completion"
	return &textAnswer{h, r.Logprobs != nil, map[int]int{}}
}

func (a *textAnswer) begin(int) []any { return nil }

// textLogprobs are log probabilities as completions have them.
type textLogprobs struct {
	Tokens        []string             `json:"tokens"`
	TokenLogprobs []float64            `json:"token_logprobs"`
	TopLogprobs   []map[string]float64 `json:"top_logprobs"`
	TextOffset    []int                `json:"text_offset"`
}

func (a *textAnswer) add(to *textLogprobs, piece *protocol.Text) {
	for _, t := range piece.Logprobs {
		top := map[string]float64{}
		for _, other := range t.Top {
			top[tokenText(other.Bytes)] = other.Logprob
		}
		to.Tokens = append(to.Tokens, tokenText(t.Bytes))
		to.TokenLogprobs = append(to.TokenLogprobs, t.Logprob.Logprob)
		to.TopLogprobs = append(to.TopLogprobs, top)
		to.TextOffset = append(to.TextOffset, a.offsets[piece.Choice])
	}
	a.offsets[piece.Choice] += len(utf16.Encode([]rune(piece.Text)))
}

func (a *textAnswer) choice(index int, text string, reason string, logprobs *textLogprobs) any {
	choice := map[string]any{"index": index, "text": text, "finish_reason": nil, "logprobs": nil}
	if reason != "" {
		choice["finish_reason"] = reason
	}
	if a.logprobs {
		choice["logprobs"] = logprobs
	}
	return choice
}

func (a *textAnswer) text(piece *protocol.Text) []any {
	var logprobs textLogprobs
	a.add(&logprobs, piece)
	return []any{chunk{head: a.head, Choices: []any{a.choice(piece.Choice, piece.Text, piece.FinishReason, &logprobs)}}}
}

func (a *textAnswer) usage(usage any) any { return chunk{head: a.head, Choices: []any{}, Usage: usage} }

func (a *textAnswer) whole(pieces [][]*protocol.Text, usage any) any {
	choices := []any{}
	for i, list := range pieces {
		text, _, reason := gather(list)
		var logprobs textLogprobs
		for _, piece := range list {
			a.add(&logprobs, piece)
		}
		choices = append(choices, a.choice(i, text, reason, &logprobs))
	}
	return chunk{head: a.head, Choices: choices, Usage: usage}
}
