package server

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"
	"sync"
	"time"
	"unicode/utf16"

	"github.com/samba-web/samba/wasm/protocol"
)

// api is OpenAI's HTTP API: /v1/chat/completions, /v1/completions, /v1/models.
// Its arguments are those of the npm package (www/engine/completions.ts), its
// errors have OpenAI's shape.
func (s *Server) api() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/chat/completions", func(w http.ResponseWriter, r *http.Request) { s.serveCompletion(w, r, new(chatRequest)) })
	mux.HandleFunc("POST /v1/completions", func(w http.ResponseWriter, r *http.Request) { s.serveCompletion(w, r, new(textRequest)) })
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
			(&apiError{status: http.StatusForbidden, Type: "permission_error", Message: "Pages of this origin may not ask this server: its owner can let them by --origins."}).answer(w)
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
		_, holder, allowed := s.bearer("", r)
		if !allowed {
			s.metrics.refused.WithLabelValues("token").Inc()
			header.Set("WWW-Authenticate", "Bearer")
			(&apiError{status: http.StatusUnauthorized, Type: "authentication_error", Code: "invalid_api_key", Message: "This server wants a token that it knows, as Authorization: Bearer."}).answer(w)
			return
		}
		if client := s.clientOf(holder, r); r.Method == http.MethodPost && !s.limiter.allows(client) {
			s.metrics.refused.WithLabelValues("rate").Inc()
			(&apiError{status: http.StatusTooManyRequests, Type: "rate_limit_error", Code: "rate_limit_exceeded", Message: s.limiter.refusal().Error(), retry: true}).answer(w)
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
	retry   bool   // in a moment
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

func (e *apiError) answer(w http.ResponseWriter) {
	if e.retry {
		w.Header().Set("Retry-After", retryAfter)
	}
	answerJSON(w, e.status, e.body())
}

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
		out.status, out.Type, out.retry = http.StatusServiceUnavailable, "overloaded_error", true
	}
	return out
}

// busy is a refusal for now.
func busy(why error) *apiError {
	e := &apiError{status: http.StatusServiceUnavailable, Type: "overloaded_error", Message: why.Error(), retry: true}
	if errors.Is(why, errShare) {
		e.status, e.Type, e.Code = http.StatusTooManyRequests, "rate_limit_error", "rate_limit_exceeded"
	}
	return e
}

// refuseBusy is busy for what is no API.
func refuseBusy(w http.ResponseWriter, why error) {
	w.Header().Set("Retry-After", retryAfter)
	http.Error(w, why.Error(), busy(why).status)
}

const retryAfter = "2" // seconds

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
	return map[string]any{"id": s.engine.Load().Ready.Model, "object": "model", "created": started.Unix(), "owned_by": "samba"}
}

var started = time.Now()

func (s *Server) knows(name string) *apiError {
	if name == "" || name == s.engine.Load().Ready.Model {
		return nil
	}
	return &apiError{status: http.StatusNotFound, Type: "invalid_request_error", Param: "model", Code: "model_not_found",
		Message: fmt.Sprintf("The model %q is not here: this server has %q.", clip(name), s.engine.Load().Ready.Model)}
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

func (s *Server) serveCompletion(w http.ResponseWriter, r *http.Request, request completionRequest) {
	_, holder, _ := s.bearer("", r) // looked at before
	client, address, began := s.clientOf(holder, r), s.addressOf(r), time.Now()
	refuse := func(reason string, e *apiError) {
		s.metrics.refused.WithLabelValues(reason).Inc()
		e.answer(w)
	}
	if s.draining.Load() || !s.work.enter() {
		refuse("draining", busy(errStopping))
		return
	}
	defer s.work.leave()
	if err := s.requests.take(address, 1); err != nil {
		refuse("requests", busy(err))
		return
	}
	defer s.requests.give(address, 1)
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/json" {
		refuse("arguments", &apiError{status: http.StatusUnsupportedMediaType, Type: "invalid_request_error", Message: "Content-Type is not application/json."})
		return
	}
	held := &lease{of: s.waiting, address: address}
	defer func() { held.shrink(0) }()
	connection := http.NewResponseController(w) // whose client is not waited for long, neither to speak nor to listen
	connection.SetReadDeadline(time.Now().Add(s.o.Patience))
	ignored, failure := readBody(w, r, int64(s.o.MaxMessage), held, request)
	if failure == nil {
		failure = s.knows(request.common().Model)
	}
	var g *protocol.Generate
	if failure == nil {
		g, failure = request.generate()
	}
	if failure != nil {
		refuse("arguments", failure)
		return
	}
	if len(ignored) > 0 {
		w.Header().Set("Samba-Ignored", strings.Join(ignored, ", "))
	}
	connection.SetReadDeadline(time.Time{})
	defer connection.SetWriteDeadline(time.Time{}) // the next request's answer has a time of its own
	stream := request.common().Stream
	choices := 1
	if g.N != nil {
		choices = *g.N
	}
	out := request.answer(head{Created: began.Unix(), Model: s.engine.Load().Ready.Model})
	var pieces [][]*protocol.Text
	events := &events{w: w, patience: s.o.Patience}
	usageAsked := stream && request.common().StreamOptions != nil && request.common().StreamOptions.IncludeUsage
	spoken := false
	speak := func() error { // what stands before the first text
		if spoken {
			return nil
		}
		spoken = true
		return events.send(out.begin(choices), usageAsked)
	}
	stopBeating := func() {}
	defer func() { stopBeating() }()
	last, err := s.ask(r.Context(), address, g, func(m protocol.Message) error {
		piece, ok := m.(*protocol.Text)
		switch {
		case stream && !events.begun: // from now on the client knows that it is heard
			if err := events.comment("reading"); err != nil {
				return err
			}
			if stopBeating = events.beat(s.o.Heartbeat); !ok {
				return nil
			}
		case !ok:
			return nil
		}
		if stream {
			if err := speak(); err != nil {
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
	stopBeating()
	if last != nil {
		s.metrics.count("http", client, began, last)
	}
	fail := func(e *apiError) {
		if events.begun {
			events.fail(e)
			return
		}
		connection.SetWriteDeadline(time.Now().Add(s.o.Patience))
		e.answer(w)
	}
	done, ok := last.(*protocol.Done)
	switch {
	case r.Context().Err() != nil:
		// The client has gone, or will not say more: to leave is to end the answer, and one that listens still hears so.
		fail(&apiError{status: http.StatusBadRequest, Type: "invalid_request_error",
			Message: "The connection was closed on the client's side, which ends the answer: keep it open until the answer is there."})
	case errors.Is(err, errNoDevice), errors.Is(err, errStopping):
		fail(busy(err))
	case err != nil: // what was sent was not taken
	case !ok:
		failed, _ := last.(*protocol.Error)
		fail(ofEngine(failed))
	case stream:
		if speak() == nil {
			if usageAsked {
				events.send([]any{out.usage(usageOf(done))}, false)
			}
			events.end()
		}
	default:
		connection.SetWriteDeadline(time.Now().Add(s.o.Patience))
		answerJSON(w, http.StatusOK, out.whole(pieces, usageOf(done)))
	}
}

func usageOf(done *protocol.Done) any {
	return map[string]any{
		"prompt_tokens": done.Usage.PromptTokens, "completion_tokens": done.Usage.CompletionTokens, "total_tokens": done.Usage.TotalTokens,
		"prompt_tokens_details":     map[string]any{"cached_tokens": done.Usage.PromptTokens - done.Usage.PrefilledTokens},
		"completion_tokens_details": map[string]any{"reasoning_tokens": done.Usage.ReasoningTokens},
		"timings":                   done.Timings,
	}
}

// events are server-sent events. beat speaks in between; all else belongs to
// one goroutine at a time.
type events struct {
	w        http.ResponseWriter
	patience time.Duration
	begun    bool

	mu sync.Mutex // of what is written
}

func (e *events) write(kind, data string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	c := http.NewResponseController(e.w)
	if !e.begun {
		e.begun = true
		e.w.Header().Set("Content-Type", "text/event-stream")
		e.w.Header().Set("X-Accel-Buffering", "no") // nginx hands on what comes
		e.w.WriteHeader(http.StatusOK)
	}
	c.SetWriteDeadline(time.Now().Add(e.patience)) // who does not read is not waited for
	if _, err := fmt.Fprintf(e.w, "%s: %s\n\n", kind, data); err != nil {
		return err
	}
	return c.Flush()
}

// comment says something that clients leave out: proxies and clients give
// connections up on which nothing comes for long.
func (e *events) comment(text string) error { return e.write("", text) }

// beat sends a comment again and again until it is stopped.
func (e *events) beat(every time.Duration) (stop func()) {
	ended, ticks := make(chan struct{}), time.NewTicker(every)
	var beating sync.WaitGroup
	beating.Go(func() {
		defer ticks.Stop()
		for {
			select {
			case <-ended:
				return
			case <-ticks.C:
			}
			if e.comment("working") != nil {
				return // the answer ends when it writes, or by the request's context
			}
		}
	})
	return sync.OnceFunc(func() { close(ended); beating.Wait() })
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
		if err := e.write("data", string(data)); err != nil {
			return err
		}
	}
	return nil
}

func (e *events) fail(failure *apiError) {
	data, _ := json.Marshal(failure.body())
	e.write("data", string(data))
}

func (e *events) end() { e.write("data", "[DONE]") }

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
	calls    map[int]int // how many each choice has made
}

func (r *chatRequest) answer(h head) answer {
	h.ID = "chatcmpl-" + rand.Text()
	return &chatAnswer{h, r.Logprobs != nil && *r.Logprobs, map[int]int{}}
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
	delta := map[string]any{}
	if piece.Reasoning != "" {
		delta["reasoning_content"] = piece.Reasoning
	}
	if len(piece.ToolCalls) > 0 {
		delta["tool_calls"] = a.called(piece)
	}
	if piece.Text != "" || len(delta) == 0 {
		delta["content"] = piece.Text
	}
	chunks := []any{a.chunk(piece.Choice, delta, nil, logprobs)}
	if piece.FinishReason != "" {
		chunks = append(chunks, a.chunk(piece.Choice, map[string]any{}, piece.FinishReason, nil))
	}
	return chunks
}

// calledTool is a call in a chunk, which has its place among the answer's.
type calledTool struct {
	Index int `json:"index"`
	protocol.ToolCall
}

func (a *chatAnswer) called(piece *protocol.Text) (out []calledTool) {
	for _, c := range piece.ToolCalls {
		out = append(out, calledTool{a.calls[piece.Choice], c})
		a.calls[piece.Choice]++
	}
	return out
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
		message := map[string]any{"role": "assistant", "content": text, "refusal": nil}
		var thought strings.Builder
		var calls []protocol.ToolCall
		for _, piece := range list {
			thought.WriteString(piece.Reasoning)
			calls = append(calls, piece.ToolCalls...)
		}
		if thought.Len() > 0 {
			message["reasoning_content"] = thought.String()
		}
		if calls != nil {
			if message["tool_calls"] = calls; text == "" {
				message["content"] = nil
			}
		}
		choices = append(choices, map[string]any{"index": i, "message": message, "finish_reason": reason, "logprobs": logprobs})
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
