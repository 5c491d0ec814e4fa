package protocol

import (
	"context"
	"fmt"
	"io"

	"github.com/samba-web/samba/model"
)

// Shared is what a server lends the engines of its clients, each of which
// serves one of them: the model, time on the machine, and the client's state.
type Shared struct {
	Model *model.Model
	Ready *Ready // what a client is told that asks for the model
	Turns Turns
	// Session readies the client's state for the request of that id, which uses
	// it. It is the engine's until the message that ends the request is sent.
	Session func(ctx context.Context, id uint32) (*model.Session, error)
	// The most tokens of a prompt and of an answer; 0: any number.
	MaxPrompt, MaxTokens int
}

// Turns deals out time on the machine; see model.Pool.
type Turns interface {
	// Generate answers with a session as its own method does, taking turns with other answers.
	Generate(ctx context.Context, s *model.Session, r model.Request, emit func(model.Chunk) error) (model.Result, error)
	// Share calls f, in which the session's methods take turns with other answers.
	Share(ctx context.Context, s *model.Session, f func() error) error
	// Do has the machine to itself.
	Do(ctx context.Context, f func() error) error
}

// UsesState tells whether requests of a type read or change the conversation's state.
func UsesState(kind string) bool {
	switch kind {
	case "load", "tokenize", "detokenize", "cancel", "hello", "ping":
		return false
	}
	return true
}

// borrow readies the state for a request, or serves it where that needs none
// of an engine's own.
func (e *Engine) borrow(j job) (answer Message, err error) {
	switch request := j.request.(type) {
	case *Load:
		if request.Backend != BackendRemote {
			return nil, fault{CodeForbidden, fmt.Errorf("load: this server has a model of its own, ask for it with the backend %q", BackendRemote)}
		}
		ready := *e.Shared.Ready
		return &ready, nil
	case *Logits, *Score, *Bench, *LongRun:
		return nil, fault{CodeForbidden, fmt.Errorf("%s: a server whose machine others share does not measure", request.Type())}
	case *Fork, *Drop:
		return nil, fault{CodeForbidden, fmt.Errorf("%s: this server keeps one session for a client", request.Type())}
	}
	if UsesState(j.request.Type()) {
		e.session, err = e.Shared.Session(j.ctx, j.id)
	}
	return nil, err
}

// allows refuses what is longer than the server's owner wants.
func (s *Shared) allows(r *model.Request, messages []ChatMessage, maxTokens *int) error {
	if err := s.reads(r.Text, messages); err != nil || s.MaxTokens == 0 {
		return err
	}
	choices := max(r.Choices, 1)
	if maxTokens == nil {
		r.MaxTokens = min(r.MaxTokens, s.MaxTokens/choices)
	}
	if n := r.MaxTokens * choices; n == 0 || n > s.MaxTokens {
		return fault{CodeBadRequest, wrong("max_tokens", " is %d for %d answers, this server gives %d tokens at most", r.MaxTokens, choices, s.MaxTokens)}
	}
	return nil
}

// reads refuses a prompt that is longer than that.
func (s *Shared) reads(text string, messages []ChatMessage) error {
	if s.MaxPrompt == 0 {
		return nil
	}
	if n := len(s.Model.Tokenizer().Encode(text, len(messages) == 0)); n > s.MaxPrompt {
		field := "messages"
		if len(messages) == 0 {
			field = "prompt"
		}
		return fault{CodeBadRequest, wrong(field, " has %d tokens, this server takes at most %d", n, s.MaxPrompt)}
	}
	return nil
}

// LoadShared loads a model that is to be shared; close gives it back. Turns,
// Session and the limits are the server's to set.
func LoadShared(ctx context.Context, home Home, load *Load, onProgress func(*Progress)) (s *Shared, close func(), err error) {
	e := &Engine{Home: home, conn: hearer(onProgress)}
	answer, err := e.serve(&job{ctx: ctx, request: load})
	if err != nil {
		return nil, nil, err
	}
	ready := answer.(*Ready)
	ready.Adapter, ready.Backend = ready.Adapter+", "+ready.Backend, BackendRemote
	if e.device == nil {
		ready.Adapter = "its processor"
	}
	e.session.Close()
	e.session = nil
	return &Shared{Model: e.model, Ready: ready}, e.unload, nil
}

// hearer is the connection of an engine that only loads.
type hearer func(*Progress)

func (h hearer) Receive(ctx context.Context) (Frame, error) { return Frame{}, io.EOF }

func (h hearer) Send(f Frame) error {
	if _, m, err := DecodeReply(f); err == nil && h != nil {
		if p, ok := m.(*Progress); ok {
			h(p)
		}
	}
	return nil
}
