package protocol

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"strings"
	"unicode/utf8"

	"github.com/samba-web/samba/model"
	"github.com/samba-web/samba/model/tokenizer"
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
	// Report hears of faults that are the server's own, whose words clients are not told.
	Report func(error)
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
	case *Generate, *Absorb: // ask for it when they have been looked at
		return nil, nil
	}
	if UsesState(j.request.Type()) {
		e.session, err = e.Shared.Session(j.ctx, j.id)
	}
	return nil, err
}

// admit refuses a prompt that is longer than the server's owner wants, tells the
// client of one that is not, and readies the state for it.
func (e *Engine) admit(ctx context.Context, id uint32, text tokenizer.Prompt, messages []ChatMessage) error {
	n, err := e.Shared.count(ctx, text, len(messages) == 0)
	if err != nil {
		return err
	}
	if most := e.Shared.MaxPrompt; most > 0 && n > most {
		field := "messages"
		if len(messages) == 0 {
			field = "prompt"
		}
		more := ""
		if len(text) > countedAtOnce {
			more = "more than "
		}
		return fault{CodeBadRequest, wrong(field, " has %s%d tokens, this server takes at most %d", more, n, most)}
	}
	if err := e.send(id, &Progress{Phase: model.PhasePrefill, Total: int64(n)}, nil); err != nil {
		return err
	}
	e.session, err = e.Shared.Session(ctx, id)
	return err
}

// encoders bounds how many of a server's texts are cut into tokens at once: a
// text takes many times its size meanwhile.
var encoders = make(chan struct{}, runtime.GOMAXPROCS(0))

// cutting waits until a text may be cut into tokens.
func cutting(ctx context.Context) (leave func(), err error) {
	if err := ctx.Err(); err != nil { // or those who have gone would have their turns, too
		return nil, err
	}
	select {
	case encoders <- struct{}{}:
		return func() { <-encoders }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// countedAtOnce is how many bytes of a text are cut into tokens before it is
// looked whether there are too many.
const countedAtOnce = 64 << 10

// count is how many tokens a text has, or more than MaxPrompt: then the rest has
// not been looked at. Long texts are counted piece by piece, which may be wrong by
// one token between two of them.
func (s *Shared) count(ctx context.Context, text tokenizer.Prompt, begin bool) (n int, err error) {
	leave, err := cutting(ctx)
	if err != nil {
		return 0, err
	}
	defer leave()
	for piece := tokenizer.Prompt(""); text != "" && (s.MaxPrompt == 0 || n <= s.MaxPrompt) && ctx.Err() == nil; begin = false {
		piece, text = cutAt(text, countedAtOnce)
		n += len(s.Model.Tokenizer().EncodePrompt(piece, begin))
	}
	return n, ctx.Err()
}

// cutAt cuts a prompt of more than this many bytes before the last blank among them, or where a character ends; no
// control token is cut in two.
func cutAt(text tokenizer.Prompt, most int) (piece, rest tokenizer.Prompt) {
	if len(text) <= most {
		return text, ""
	}
	at := strings.LastIndexAny(string(text[:most]), " \n")
	if at <= 0 {
		for at = most; at > 0 && !utf8.RuneStart(text[at]); at-- {
		}
	}
	if at == 0 {
		at = most
	}
	return text.Cut(at)
}

// limit brings an answer's length into the bounds that the server's owner wants.
func (s *Shared) limit(r *model.Request, maxTokens *int) error {
	if s.MaxTokens == 0 {
		return nil
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

// Ask serves one request of a client that has no connection, and hands the
// replies before the last to on. What is wrong with the request is told by an
// *Error, too; err is on's.
func (e *Engine) Ask(ctx context.Context, request Message, on func(Message) error) (last Message, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	caller := &caller{on: on, end: cancel}
	e.conn, e.model = caller, e.Shared.Model
	if v, ok := request.(interface{ validate() error }); ok {
		if err := v.validate(); err != nil {
			return e.explain(fault{CodeBadRequest, err}), nil
		}
	}
	last, err = e.serve(&job{ctx: ctx, id: 1, request: request})
	switch {
	case caller.failure != nil:
		return nil, caller.failure
	case err != nil:
		return e.explain(err), nil
	}
	return last, nil
}

// caller is the connection of a client that asks once.
type caller struct {
	on      func(Message) error
	end     context.CancelFunc
	failure error // of on
}

func (c *caller) Receive(ctx context.Context) (Frame, error) { return Frame{}, io.EOF }

func (c *caller) Send(frame Frame) error {
	_, m, err := DecodeReply(frame)
	if err == nil {
		if err = c.on(m); err != nil {
			c.failure = err
			c.end()
		}
	}
	return err
}

// LoadShared loads a model that is to be shared; close gives it back. Turns,
// Session and the limits are the server's to set.
func LoadShared(ctx context.Context, home Home, load *Load, onProgress func(*Progress)) (s *Shared, close func(), err error) {
	e := &Engine{Home: home, conn: hearer(onProgress), working: map[uint32]bool{0: true}}
	answer, err := e.serve(&job{ctx: ctx, request: load})
	if err != nil {
		return nil, nil, err
	}
	ready := answer.(*Ready)
	ready.Adapter, ready.Backend = ready.Adapter+", "+ready.Backend, BackendRemote
	if e.device == nil {
		ready.Adapter = "its processor"
	}
	e.held[0].session.Close()
	e.held = nil
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
