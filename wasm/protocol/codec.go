package protocol

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/model"
	"github.com/samba-web/samba/model/sampling"
)

// What a client may ask for at most. Far above what a page sends; low enough
// that a hostile client cannot exhaust the engine with one message.
const (
	MaxMessageBytes = 64 << 20
	maxTurns        = 1 << 16
	maxCalls        = 128 // of one message
	maxStops        = 16
	maxStopBytes    = 1 << 10
	maxNewTokens    = 1 << 30
	maxLogitsIDs    = 1 << 22
	maxSeed         = sampling.MaxSeed
	maxBiases       = 1 << 16
	maxLaps         = 1 << 12
	maxTop          = model.MaxTopLogprobs
)

// Frame is a message on the wire.
type Frame struct {
	JSON []byte
	Data []byte   // the binary attachment; nil without one
	Blob gpu.Blob // or the attachment where it need not enter Go's heap: to and from a page
}

// attachment is what the frame carries.
func (f *Frame) attachment() gpu.Blob {
	if f.Blob.Len() > 0 {
		return f.Blob
	}
	return gpu.BlobOf(f.Data)
}

// Encode makes the frame that answers, or asks, under the given id. The type
// and the length of the attachment are filled in here and nowhere else.
func Encode(id uint32, m Message, data []byte) (Frame, error) {
	text, err := encode(id, m, len(data))
	return Frame{JSON: text, Data: data}, err
}

// encodeBlob is Encode for what need not enter Go's heap where it is not there already.
func encodeBlob(id uint32, m Message, blob gpu.Blob) (Frame, error) {
	if data, here := blob.Heap(); here {
		return Encode(id, m, data)
	}
	text, err := encode(id, m, int(blob.Len()))
	return Frame{JSON: text, Blob: blob}, err
}

func encode(id uint32, m Message, attached int) ([]byte, error) {
	*m.header() = Header{Type: m.Type(), ID: id, Binary: attached}
	text, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("message %s: %w", m.Type(), err)
	}
	return text, nil
}

// DecodeRequest reads a client's message strictly: unknown types and fields,
// wrong kinds of values and values out of range are errors that name the field.
// The id is returned even then, as far as it could be read, so that the error
// can be answered.
func DecodeRequest(f Frame) (id uint32, m Message, err error) {
	return decode(f, Requests)
}

// DecodeReply reads an engine's message just as strictly; tools are clients too.
func DecodeReply(f Frame) (id uint32, m Message, err error) {
	return decode(f, Replies)
}

func decode(f Frame, kinds []Kind) (id uint32, m Message, err error) {
	if len(f.JSON) > MaxMessageBytes {
		return 0, nil, fmt.Errorf("message of %d bytes, want at most %d", len(f.JSON), MaxMessageBytes)
	}
	if !utf8.Valid(f.JSON) {
		return 0, nil, errors.New("message is not valid UTF-8")
	}
	var h Header
	if err := json.Unmarshal(f.JSON, &h); err != nil {
		return h.ID, nil, fmt.Errorf("message: %w", plain(err))
	}
	for _, kind := range kinds {
		if kind.Type() == h.Type {
			m = reflect.New(reflect.TypeOf(kind.Message).Elem()).Interface().(Message)
		}
	}
	if m == nil {
		return h.ID, nil, fmt.Errorf("message type %q, want %s", clip(h.Type), names(kinds))
	}
	d := json.NewDecoder(bytes.NewReader(f.JSON))
	d.DisallowUnknownFields()
	if err := d.Decode(m); err != nil {
		return h.ID, nil, fmt.Errorf("message %s: %w", h.Type, plain(err))
	}
	if _, err := d.Token(); err != io.EOF {
		return h.ID, nil, fmt.Errorf("message %s: something follows its JSON object", h.Type)
	}
	if attached := len(f.Data) + int(f.Blob.Len()); h.Binary != 0 && h.Binary != attached {
		return h.ID, nil, fmt.Errorf("message %s: binary is %d, but %d bytes were attached", h.Type, h.Binary, attached)
	}
	if v, ok := m.(interface{ validate() error }); ok {
		if err := v.validate(); err != nil {
			return h.ID, nil, fmt.Errorf("message %s: %w", h.Type, err)
		}
	}
	return h.ID, m, nil
}

// fieldError is what is wrong with one field of a message. Its text begins with the field's name.
type fieldError struct{ field, text string }

func (e fieldError) Error() string { return e.field + e.text }

// FieldOf names the field of a message that an error is about; it is empty where there is none.
func FieldOf(err error) string {
	var field fieldError
	errors.As(err, &field)
	return field.field
}

// wrong makes a fieldError: wrong("stop[0]", " has %d bytes", 0).
func wrong(field, format string, args ...any) error {
	return fieldError{field, fmt.Sprintf(format, args...)}
}

// first returns the first error that is one.
func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// MaxThreads bounds Load.Threads.
const MaxThreads = 64

func (m *Load) validate() error {
	if m.URL == "" {
		return wrong("url", " is missing")
	}
	if m.Threads < 0 || m.Threads > MaxThreads {
		return wrong("threads", " is %d, want 1 to %d, or none for as many as suit", m.Threads, MaxThreads)
	}
	switch m.Backend {
	case "", BackendAuto, BackendWebGPU, BackendCPU, BackendRemote:
		return nil
	}
	return wrong("backend", " is %q, want %q, %q, %q or %q", clip(m.Backend), BackendAuto, BackendWebGPU, BackendCPU, BackendRemote)
}

func (m *Hello) validate() error {
	for field, text := range map[string]string{"token": m.Token, "session": m.Session, "secret": m.Secret} {
		if len(text) > maxStopBytes {
			return wrong(field, " has %d bytes, want at most %d", len(text), maxStopBytes)
		}
	}
	if (m.Session == "") != (m.Secret == "") {
		return wrong("session", " and secret go together")
	}
	return nil
}

func (m *Generate) validate() error {
	switch {
	case len(m.Messages) == 0 && m.Prompt == "" && m.Suffix == "":
		return wrong("messages", " and prompt are both empty, want one of them")
	case m.Suffix != "" && (len(m.Messages) > 0 || m.Append):
		return wrong("suffix", " is for a prompt that is the whole text before it")
	}
	if err := turns(m.Messages, "prompt", m.Prompt, m.ControlTokens); err != nil {
		return err
	}
	if m.Open && (len(m.Messages) == 0 || m.Append) {
		return wrong("open", " needs messages that are the whole conversation")
	}
	if len(m.Stop) > maxStops {
		return wrong("stop", " has %d entries, want at most %d", len(m.Stop), maxStops)
	}
	for i, stop := range m.Stop {
		if stop == "" || len(stop) > maxStopBytes {
			return wrong(fmt.Sprintf("stop[%d]", i), " has %d bytes, want 1 to %d", len(stop), maxStopBytes)
		}
	}
	if len(m.LogitBias) > maxBiases {
		return wrong("logit_bias", " has %d entries, want at most %d", len(m.LogitBias), maxBiases)
	}
	if name, text := m.Settings.Check(); name != "" {
		return fieldError{name, text}
	}
	return first(within("top_logprobs", m.TopLogprobs, 0, maxTop), within("reasoning_budget", m.ReasoningBudget, 0, maxNewTokens))
}

// turns checks a conversation, which must not come together with the text.
func turns(messages []ChatMessage, name, text string, controlTokens bool) error {
	switch {
	case len(messages) > 0 && text != "":
		return wrong("messages", " and %s are both given, want one of them", name)
	case len(messages) > 0 && controlTokens:
		return wrong("control_tokens", " is for a %s: what messages spell is text", name)
	case len(messages) > maxTurns:
		return wrong("messages", " has %d entries, want at most %d", len(messages), maxTurns)
	}
	for i, turn := range messages {
		if turn.Role == "" {
			return wrong(fmt.Sprintf("messages[%d].role", i), " is missing")
		}
		if len(turn.ToolCalls) > maxCalls {
			return wrong(fmt.Sprintf("messages[%d].tool_calls", i), " has %d entries, want at most %d", len(turn.ToolCalls), maxCalls)
		}
	}
	return nil
}

func (m *Absorb) validate() error {
	if len(m.Messages) == 0 && m.Prompt == "" {
		return wrong("messages", " and prompt are both empty, want one of them")
	}
	return turns(m.Messages, "prompt", m.Prompt, m.ControlTokens)
}

func (m *Fork) validate() error {
	if m.Into == 0 || m.Into == m.Session {
		return wrong("into", " is %d, want the number of another session, from 1", m.Into)
	}
	return nil
}

func (m *Drop) validate() error {
	if m.Session == 0 {
		return wrong("session", " is 0: the first session stays as long as the model, send reset to empty it")
	}
	return nil
}

func (m *Score) validate() error {
	if n := len(m.IDs); n < 2 || n > maxLogitsIDs {
		return wrong("ids", " has %d entries, want 2 to %d", n, maxLogitsIDs)
	}
	return nil
}

func (m *Logits) validate() error {
	if n := len(m.IDs); n == 0 || n > maxLogitsIDs {
		return wrong("ids", " has %d entries, want 1 to %d", n, maxLogitsIDs)
	}
	return within("chunk", &m.Chunk, 0, 1<<20)
}

func (m *Tokenize) validate() error { return turns(m.Messages, "text", m.Text, m.ControlTokens) }

func (m *Detokenize) validate() error {
	if n := len(m.IDs); n > maxLogitsIDs {
		return wrong("ids", " has %d entries, want at most %d", n, maxLogitsIDs)
	}
	return nil
}

func (m *Bench) validate() error {
	if m.Seed > maxSeed {
		return wrong("seed", " is %d, want at most %d", m.Seed, uint64(maxSeed))
	}
	return first(
		within("prompt", &m.Prompt, 1, maxLogitsIDs),
		within("generate", &m.Generate, 1, maxLogitsIDs),
		within("runs", &m.Runs, 1, 1000),
		within("batch", &m.Batch, 0, model.MaxSlots),
	)
}

func (m *LongRun) validate() error {
	if m.Seed > maxSeed {
		return wrong("seed", " is %d, want at most %d", m.Seed, uint64(maxSeed))
	}
	if len(m.Laps) > maxLaps {
		return wrong("laps", " has %d entries, want at most %d", len(m.Laps), maxLaps)
	}
	last, most := 0, m.Prompt
	if m.Generate > 0 {
		most = m.Generate
	}
	for i, at := range m.Laps {
		if at <= last || at > most {
			return wrong(fmt.Sprintf("laps[%d]", i), " is %d, want more than %d and at most %d", at, last, most)
		}
		last = at
	}
	return first(
		within("prompt", &m.Prompt, 1, maxLogitsIDs),
		within("generate", &m.Generate, 0, maxNewTokens),
		within("batch", &m.Batch, 0, model.MaxSlots),
	)
}

// within refuses a number that is out of range; one left out is fine.
func within(name string, got *int, low, high int) error {
	if got == nil || (*got >= low && *got <= high) {
		return nil
	}
	return wrong(name, " is %v, want %v to %v", *got, low, high)
}

// plain rewords encoding/json's errors for people who do not know our structs.
func plain(err error) error {
	var kind *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &kind) && kind.Field != "":
		return wrong(clip(fieldName(kind.Field)), " is a JSON %s, want %s", kind.Value, wanted(kind.Type))
	case errors.As(err, &kind):
		return fmt.Errorf("got a JSON %s, want an object", kind.Value)
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return errors.New("the JSON ends too early")
	case errors.As(err, &syntax):
		return fmt.Errorf("no JSON after byte %d: %s", syntax.Offset, clip(syntax.Error()))
	}
	return errors.New(clip(strings.TrimPrefix(err.Error(), "json: ")))
}

// fieldName is a field as JSON has it, which does not know what is embedded in our structs.
func fieldName(path string) string {
	for _, embedded := range []string{"Header.", "Settings.", "TemplateOptions."} {
		path = strings.TrimPrefix(path, embedded)
	}
	return path
}

func wanted(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Slice:
		return "an array"
	case reflect.Struct, reflect.Map:
		return "an object"
	case reflect.Uint32, reflect.Uint64:
		return "a whole number, not negative and not too large"
	case reflect.Int, reflect.Int64:
		return "a whole number"
	case reflect.Float64:
		return "a number"
	}
	return t.String()
}

func names(kinds []Kind) string {
	list := make([]string, len(kinds))
	for i, kind := range kinds {
		list[i] = kind.Type()
	}
	return strings.Join(list, ", ")
}

// clip keeps what a client sent from filling an error message.
func clip(s string) string {
	const most = 200
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// SeqOf is a message's place among the replies to its request; 0 outside of servers.
func SeqOf(m Message) int { return m.header().Seq }
