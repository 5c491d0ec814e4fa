package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/samba-web/samba/model/sampling"
	"github.com/samba-web/samba/wasm/protocol"
)

// What a request's JSON has at most of fields beside each other: far more than clients send.
const maxFields = 200

// readBody reads a request's JSON and returns the names of what was left out.
//
// null stands for an argument that is not there. A field that nothing here
// knows is left out: clients send what their servers count, log or cache by.
// One that would change the answer is refused by its name, and so is one that
// looks like an argument written wrongly.
func readBody(w http.ResponseWriter, r *http.Request, most int64, held *lease, into any) (ignored []string, failure *apiError) {
	data, failure := readAll(w, r, most, held)
	if failure != nil {
		return nil, failure
	}
	var given map[string]glance
	if err := json.Unmarshal(data, &given); err != nil || given == nil {
		return nil, badRequest("", "The request is no JSON object.")
	}
	if len(given) > maxFields { // each is held against all that are known
		return nil, badRequest("", "The request has %d fields, want at most %d.", len(given), maxFields)
	}
	known := fieldsOf(reflect.TypeOf(into).Elem())
	for _, name := range slices.Sorted(maps.Keys(given)) {
		value := given[name]
		neutral, changes := decisive[name]
		switch {
		case slices.Contains(known, name), value.isOne(nil):
		case changes && value.isOne(neutral):
		case changes:
			return nil, badRequest(name, "%s is not an argument here, and it would change the answer: leave it out.", name)
		default:
			if meant := resembling(name, known); meant != "" {
				return nil, badRequest(clip(name), "%s is not an argument here: is %s meant?", clip(name), meant)
			}
			if plainName(name) && len(ignored) < 16 {
				ignored = append(ignored, name)
			}
		}
	}
	err := json.Unmarshal(data, into)
	var kind *json.UnmarshalTypeError
	switch {
	case err == nil:
		return ignored, nil
	case errors.As(err, &kind):
		field := strings.TrimPrefix(strings.TrimPrefix(kind.Field, "commonRequest."), "Settings.")
		return nil, badRequest(clip(field), "%s is a JSON %s, which does not fit.", clip(field), kind.Value)
	}
	return nil, badRequest("", "The request does not fit: %s.", clip(strings.TrimPrefix(err.Error(), "json: ")))
}

// readAll reads a body, of which more than a little is counted before it is read.
func readAll(w http.ResponseWriter, r *http.Request, most int64, held *lease) ([]byte, *apiError) {
	tooLarge := &apiError{status: http.StatusRequestEntityTooLarge, Type: "invalid_request_error", Message: fmt.Sprintf("The request is larger than %d bytes.", most)}
	expected := r.ContentLength
	if expected > most {
		return nil, tooLarge
	}
	if expected < 0 {
		expected = most
	}
	if err := held.grow(expected); err != nil {
		return nil, busy(err)
	}
	body := http.MaxBytesReader(w, r.Body, most)
	var data []byte
	var err error
	if r.ContentLength >= 0 {
		data = make([]byte, r.ContentLength)
		_, err = io.ReadFull(body, data)
	} else {
		data, err = io.ReadAll(body)
	}
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return nil, tooLarge
	}
	if err != nil {
		return nil, badRequest("", "The request could not be read to its end.")
	}
	held.shrink(int64(len(data)))
	return data, nil
}

// glance is a JSON value as far as it is short.
type glance string

func (g *glance) UnmarshalJSON(data []byte) error {
	const long = 64
	if len(data) <= long {
		*g = glance(data)
	} else {
		*g = "..."
	}
	return nil
}

// isOne tells whether a value is null or one of some: numbers by what they are.
func (g glance) isOne(of []string) bool {
	if g == "" || g == "null" {
		return true
	}
	n, err := strconv.ParseFloat(string(g), 64)
	for _, text := range of {
		if m, other := strconv.ParseFloat(text, 64); string(g) == text || err == nil && other == nil && n == m {
			return true
		}
	}
	return false
}

// decisive are arguments of OpenAI's API, and of other servers', that would
// change the answer, with the values by which they do not.
var decisive = map[string][]string{
	"tools": {"[]"}, "tool_choice": {`"none"`, `"auto"`}, "functions": {"[]"}, "function_call": {`"none"`, `"auto"`},
	"modalities": {`["text"]`, "[]"}, "audio": nil, "reasoning_effort": {`"none"`}, "reasoning": {"{}"}, "thinking": nil, "enable_thinking": {"false"},
	"verbosity": {`"medium"`}, "web_search_options": nil, "suffix": {`""`}, "best_of": {"1"}, "echo": {"false"},
	"max_completion_tokens": {"-1"}, "max_output_tokens": {"-1"}, "max_new_tokens": {"-1"}, "num_predict": {"-1"}, "n_predict": {"-1"},
	"min_tokens": {"0"}, "messages": {"[]"}, "prompt": {`""`}, "input": {`""`}, "instructions": {`""`}, "system": {`""`}, "documents": {"[]"},
	"logprobs": {"false"}, "top_logprobs": {"0"}, "prompt_logprobs": {"0", "false"}, "options": {"{}"}, "extra_body": {"{}"},
	"typical_p": {"1"}, "tfs_z": {"1"}, "top_a": {"0"}, "top_n_sigma": {"-1"}, "epsilon_cutoff": {"0"}, "eta_cutoff": {"0"}, "mirostat": {"0"}, "mirostat_mode": {"0"},
	"dynatemp_range": {"0"}, "xtc_probability": {"0"}, "dry_multiplier": {"0"}, "repeat_penalty": {"1"}, "length_penalty": {"1"}, "penalty_alpha": {"0"},
	"num_beams": {"1"}, "use_beam_search": {"false"}, "do_sample": {"true"}, "ignore_eos": {"false"}, "stop_token_ids": {"[]"}, "bad_words": {"[]"},
	"grammar": {`""`}, "json_schema": {"{}"}, "format": {`""`}, "guided_json": nil, "guided_regex": {`""`}, "guided_choice": {"[]"}, "guided_grammar": {`""`},
	"structured_outputs": nil, "chat_template": {`""`}, "chat_template_kwargs": {"{}"}, "add_generation_prompt": {"true"},
	"include_stop_str_in_output": {"false"}, "skip_special_tokens": {"true"}, "truncate_prompt_tokens": {"-1"},
}

// fieldsOf lists the names that a request's JSON may have.
func fieldsOf(t reflect.Type) (names []string) {
	for i := range t.NumField() {
		if field := t.Field(i); field.Anonymous {
			names = append(names, fieldsOf(field.Type)...)
		} else if name, _, _ := strings.Cut(field.Tag.Get("json"), ","); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// resembling finds the argument that a name is, but for a letter or two.
func resembling(name string, known []string) string {
	name = strings.ToLower(strings.ReplaceAll(name, "-", "_"))
	for _, of := range known {
		// Short names are near to each other: of those nothing may differ but the case and the lines.
		most := min(2, len(of)/4)
		if bare := strings.ReplaceAll(of, "_", ""); strings.ReplaceAll(name, "_", "") == bare || distance(name, of, most) <= most {
			return of
		}
	}
	return ""
}

// distance is the number of letters to insert, remove, replace or swap with the
// next to make one text of another, if it is at most that many.
func distance(a, b string, most int) int {
	if len(a) > len(b)+most || len(b) > len(a)+most {
		return most + 1
	}
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			change := 0
			if a[i-1] != b[j-1] {
				change = 1
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}

// plainName tells whether a name can stand in a header.
func plainName(name string) bool {
	return name != "" && len(name) <= 40 && strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == ""
}

// commonRequest is what both kinds of completions take.
type commonRequest struct {
	Model string `json:"model"`
	sampling.Settings
	Seed          *int64 `json:"seed"` // in the place of the settings' own: -1 means any
	Stop          texts  `json:"stop"`
	Stream        bool   `json:"stream"`
	StreamOptions *struct {
		IncludeUsage bool `json:"include_usage"`
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
}

func (r *commonRequest) common() *commonRequest { return r }

// generate is the request in the protocol's words.
func (r *commonRequest) generate() (*protocol.Generate, *apiError) {
	g := &protocol.Generate{Settings: r.Settings, Stop: r.Stop}
	g.MaxTokens = unlessAny(r.MaxTokens)
	if seed := unlessAny(r.Seed); seed != nil {
		if *seed < 0 {
			return nil, badRequest("seed", "seed is %d, want a whole number from 0, or -1 for any.", *seed)
		}
		g.Seed = new(uint64)
		*g.Seed = uint64(*seed)
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

// unlessEmpty leaves out what says nothing.
func unlessEmpty(value json.RawMessage) json.RawMessage {
	if text := strings.Join(strings.Fields(string(value[:min(len(value), 16)])), ""); text == "null" || text == "[]" || text == "{}" {
		return nil
	}
	return value
}

// unlessAny leaves -1 out, by which clients say that any number will do.
func unlessAny[T int | int64](n *T) *T {
	if n != nil && *n == -1 {
		return nil
	}
	return n
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
		return err // to which the field's name is added
	}
	*t = many
	return nil
}

// chatRequest is the body of /v1/chat/completions.
type chatRequest struct {
	commonRequest
	Messages            turns `json:"messages"`
	MaxCompletionTokens *int  `json:"max_completion_tokens"`
	Logprobs            *bool `json:"logprobs"`
	TopLogprobs         *int  `json:"top_logprobs"`
	// The last message is not finished: the answer goes on with it. As in vLLM.
	ContinueFinalMessage bool `json:"continue_final_message"`

	Tools              json.RawMessage `json:"tools"`
	ToolChoice         json.RawMessage `json:"tool_choice"`
	ParallelToolCalls  *bool           `json:"parallel_tool_calls"`
	ReasoningEffort    string          `json:"reasoning_effort"`
	ReasoningBudget    *int            `json:"reasoning_budget"`
	EnableThinking     *bool           `json:"enable_thinking"`
	ChatTemplateKwargs json.RawMessage `json:"chat_template_kwargs"`
	Documents          json.RawMessage `json:"documents"`
}

// Messages of a request, parts and calls of a message are more than a text of
// any model's length has. The shortest take three bytes to send, and thirty times
// as much here.
const maxTurns, maxParts, maxCalls = 1 << 15, 1 << 15, 1 << 10

// atMost reads a list of which no more is read than there may be. Of a field
// that comes twice the last counts.
func atMost[T any](data []byte, most int, what string) (all []T, err error) {
	if data[0] != '[' {
		return nil, json.Unmarshal(data, &all)
	}
	list := json.NewDecoder(bytes.NewReader(data))
	list.Token()
	for list.More() {
		if len(all) == most {
			return nil, fmt.Errorf("there are more than %d %s", most, what)
		}
		var one T
		if err := list.Decode(&one); err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

type turns []chatTurn

func (t *turns) UnmarshalJSON(data []byte) (err error) {
	*t, err = atMost[chatTurn](data, maxTurns, "messages")
	return err
}

type turnCalls []turnCall

func (c *turnCalls) UnmarshalJSON(data []byte) (err error) {
	*c, err = atMost[turnCall](data, maxCalls, "tool_calls in a message")
	return err
}

// chatTurn is a message. Clients send back what they were sent, and more.
type chatTurn struct {
	Role             string    `json:"role"`
	Content          content   `json:"content"`
	ReasoningContent string    `json:"reasoning_content"`
	Reasoning        string    `json:"reasoning"` // as some servers call it
	ToolCalls        turnCalls `json:"tool_calls"`
	ToolCallID       string    `json:"tool_call_id"`
	Name             string    `json:"name"`
	refused          string    // a field that would change what the model reads
}

// turnCall is a call that an earlier answer made.
type turnCall struct {
	ID       string `json:"id"`
	Type     string `json:"type"`
	Function struct {
		Name      string    `json:"name"`
		Arguments arguments `json:"arguments"`
	} `json:"function"`
}

// arguments are a text of JSON; some clients send the object itself.
type arguments string

func (a *arguments) UnmarshalJSON(data []byte) error {
	var text string
	if json.Unmarshal(data, &text) == nil {
		*a = arguments(text)
		return nil
	}
	if data[0] != '{' {
		return errors.New("want a text or an object")
	}
	*a = arguments(data)
	return nil
}

func (m *chatTurn) UnmarshalJSON(data []byte) error {
	type plain chatTurn
	// A request may have very many messages: there is no map for each of them.
	var given struct {
		plain
		FunctionCall glance `json:"function_call"`
		Audio        glance `json:"audio"`
		Images       glance `json:"images"`
		Prefix       glance `json:"prefix"`
	}
	if err := json.Unmarshal(data, &given); err != nil {
		return err
	}
	*m = chatTurn(given.plain)
	for _, f := range [...]struct {
		name    string
		value   glance
		neutral string // by which it changes nothing
	}{
		{"function_call", given.FunctionCall, ""}, {"audio", given.Audio, ""}, {"images", given.Images, "[]"}, {"prefix", given.Prefix, "false"},
	} {
		if !f.value.isOne([]string{f.neutral}) {
			m.refused = f.name
		}
	}
	return nil
}

// content is a text, or parts of type text put together.
type content struct {
	text  string
	given bool   // and not null
	param string // what is wrong with it: behind the content's own name
	wrong string
}

func (c *content) UnmarshalJSON(data []byte) error {
	if c.given = string(data) != "null"; !c.given {
		return nil
	}
	if data[0] == '"' {
		return json.Unmarshal(data, &c.text)
	}
	parts, err := atMost[struct{ Type, Text string }](data, maxParts, "parts")
	if err != nil {
		c.wrong = fmt.Sprintf(" is %s, want a string or a list of at most %d text parts.", clip(string(data)), maxParts)
		return nil
	}
	var all strings.Builder
	for i, part := range parts {
		if part.Type != "text" {
			c.param = fmt.Sprintf("[%d].type", i)
			c.wrong = fmt.Sprintf(` is %q, want "text": the model reads nothing else.`, clip(part.Type))
			return nil
		}
		all.WriteString(part.Text)
	}
	c.text = all.String()
	return nil
}

// turn is the message in the protocol's words.
func (m *chatTurn) turn(at string) (protocol.ChatMessage, *apiError) {
	turn := protocol.ChatMessage{Role: m.Role, Content: m.Content.text, ReasoningContent: m.ReasoningContent}
	if turn.ReasoningContent == "" {
		turn.ReasoningContent = m.Reasoning
	}
	if m.Role == "tool" {
		turn.ToolCallID, turn.Name = m.ToolCallID, m.Name
	}
	for i, c := range m.ToolCalls {
		if c.Type != "" && c.Type != "function" {
			at := fmt.Sprintf("%s.tool_calls[%d].type", at, i)
			return turn, badRequest(at, `%s is %q, want "function".`, at, clip(c.Type))
		}
		if c.Function.Name == "" {
			at := fmt.Sprintf("%s.tool_calls[%d].function.name", at, i)
			return turn, badRequest(at, "%s is missing.", at)
		}
		turn.ToolCalls = append(turn.ToolCalls, protocol.ToolCall{
			ID: c.ID, Kind: "function", Function: protocol.CalledFunction{Name: c.Function.Name, Arguments: string(c.Function.Arguments)},
		})
	}
	return turn, nil
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
		switch c := m.Content; {
		case m.refused != "":
			return nil, badRequest(at+"."+m.refused, "%s.%s is not possible here: the model reads roles and texts.", at, m.refused)
		case c.wrong != "":
			return nil, badRequest(at+".content"+c.param, "%s.content%s%s", at, c.param, c.wrong)
		case m.refused == "" && len(m.ToolCalls) > 0 && m.Role != "assistant":
			return nil, badRequest(at+".tool_calls", "%s.tool_calls is of a %s, but only an assistant calls tools.", at, clip(m.Role))
		case !c.given && m.Role != "assistant":
			return nil, badRequest(at+".content", "%s.content is missing, want a string or a list of text parts.", at)
		}
		if m.Role == "developer" {
			m.Role = "system"
		}
		turn, failure := m.turn(at)
		if failure != nil {
			return nil, failure
		}
		g.Messages = append(g.Messages, turn)
	}
	g.Open = r.ContinueFinalMessage
	g.Tools, g.Documents, g.ChatTemplateKwargs = unlessEmpty(r.Tools), unlessEmpty(r.Documents), unlessEmpty(r.ChatTemplateKwargs)
	if choice := string(r.ToolChoice); g.Tools != nil || choice != `"auto"` && choice != `"none"` {
		g.ToolChoice = unlessEmpty(r.ToolChoice)
	}
	if g.Tools != nil {
		g.ParallelToolCalls = r.ParallelToolCalls
	}
	g.ReasoningEffort, g.ReasoningBudget, g.EnableThinking = r.ReasoningEffort, unlessAny(r.ReasoningBudget), r.EnableThinking
	if r.MaxCompletionTokens != nil {
		g.MaxTokens = unlessAny(r.MaxCompletionTokens)
	}
	switch asked := r.Logprobs != nil && *r.Logprobs; {
	case r.TopLogprobs != nil && *r.TopLogprobs != 0 && !asked:
		return nil, badRequest("top_logprobs", "top_logprobs is given without logprobs: true.")
	case asked && r.TopLogprobs != nil:
		g.TopLogprobs = r.TopLogprobs
	case asked:
		g.TopLogprobs = new(int)
	}
	return g, nil
}

// textRequest is the body of /v1/completions.
type textRequest struct {
	commonRequest
	Prompt   texts `json:"prompt"`
	Logprobs *int  `json:"logprobs"`
	Echo     bool  `json:"echo"`
	BestOf   *int  `json:"best_of"`
	// Control tokens that the prompt spells are control tokens, not text.
	ControlTokens bool `json:"control_tokens"`
	// What comes after the answer.
	Suffix string `json:"suffix"`
}

func (r *textRequest) generate() (*protocol.Generate, *apiError) {
	g, failure := r.commonRequest.generate()
	switch {
	case failure != nil:
		return nil, failure
	case len(r.Prompt) != 1 || r.Prompt[0] == "" && r.Suffix == "":
		return nil, badRequest("prompt", "prompt is not one text: want a string.")
	case r.Echo:
		return nil, badRequest("echo", "echo is not possible here: put the prompt before the answer yourself.")
	case r.BestOf != nil && (r.N == nil && *r.BestOf != 1 || r.N != nil && *r.BestOf != *r.N):
		return nil, badRequest("best_of", "best_of is not possible here: ask for n answers and choose.")
	}
	g.Prompt, g.Suffix, g.ControlTokens, g.TopLogprobs = r.Prompt[0], r.Suffix, r.ControlTokens, r.Logprobs
	return g, nil
}
