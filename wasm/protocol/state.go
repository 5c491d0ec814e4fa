package protocol

import (
	"context"
	"strings"
	"unicode/utf16"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/model"
	"github.com/samba-web/samba/model/dialect"
	"github.com/samba-web/samba/model/tokenizer"
)

// maxForks is how many sessions a client may have beside the first.
const maxForks = 64

// sessionOf finds a session by its number.
func (e *Engine) sessionOf(number uint32) (*model.Session, error) {
	if e.Shared != nil && number == 0 {
		return e.session, nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if h := e.held[number]; h != nil {
		return h.session, nil
	}
	return nil, noSession(number)
}

func noSession(number uint32) error {
	return fault{CodeBadRequest, wrong("session", " is %d, but there is none of that number: fork one into it first", number)}
}

// alone has the machine to itself, which a server's clients share.
func (e *Engine) alone(ctx context.Context, f func() error) error {
	if e.Shared != nil {
		return e.Shared.Turns.Do(ctx, f)
	}
	return f()
}

// keep takes a session in under a number.
func (e *Engine) keep(number uint32, s *model.Session) {
	e.mu.Lock()
	if e.held == nil {
		e.held = map[uint32]*held{}
	}
	old := e.held[number]
	e.held[number] = &held{session: s, at: s.Position()}
	e.mu.Unlock()
	if old != nil {
		old.session.Close()
	}
}

func (e *Engine) absorb(ctx context.Context, id uint32, m *Absorb) (Message, error) {
	plan, err := e.planOf(m.TemplateOptions)
	if err != nil {
		return nil, err
	}
	text, err := e.prompt(ctx, m.Type(), plan, m.Messages, m.Prompt, m.ControlTokens, false)
	if err == nil && m.Open && len(m.Messages) > 0 {
		text, err = e.unfinished(ctx, plan, m.Messages)
	}
	if err == nil && e.Shared != nil {
		err = e.admit(ctx, id, text, m.Messages)
	}
	if err != nil {
		return nil, err
	}
	session, err := e.sessionOf(m.Session)
	if err != nil {
		return nil, err
	}
	var result model.Result
	read := func() (err error) {
		result, err = session.Read(ctx, text, len(m.Messages) == 0, e.reading(id))
		return err
	}
	if e.Shared != nil {
		err = e.Shared.Turns.Share(ctx, session, read)
	} else {
		err = read()
	}
	if err != nil {
		return nil, ofPrompt(err)
	}
	answer := ended(session, &result)
	held := text[:result.TextBytes].String()
	if n := len(m.Messages); n > 0 { // of the last content, which holds no control token
		content := m.Messages[n-1].Content
		held = ""
		if at := strings.LastIndex(string(text), content); at >= 0 {
			held = content[:min(max(result.TextBytes-at, 0), len(content))]
		}
	}
	answer.Read = len(utf16.Encode([]rune(held)))
	return answer, nil
}

// unfinished renders messages up to where the last one's content ends: what the
// template writes after it differs with what follows it.
func (e *Engine) unfinished(ctx context.Context, plan *dialect.Plan, messages []ChatMessage) (tokenizer.Prompt, error) {
	var ways [2]tokenizer.Prompt
	for i, more := range []string{"a", "b"} {
		last := messages[len(messages)-1]
		last.Content += more
		var err error
		if ways[i], err = e.render(ctx, plan, append(messages[:len(messages)-1:len(messages)-1], last), false); err != nil {
			return "", err
		}
	}
	return ways[0].Shared(ways[1]), nil
}

func (e *Engine) save(j *job, m *Save) (Message, error) {
	session, err := e.sessionOf(m.Session)
	if err != nil {
		return nil, err
	}
	err = e.alone(j.ctx, func() (err error) { j.state, err = session.Save(j.ctx); return err })
	if err != nil {
		return nil, err
	}
	return &Saved{Position: session.Position(), Hash: e.model.Hash()}, nil
}

func (e *Engine) restore(ctx context.Context, m *Restore, state gpu.Blob) (Message, error) {
	session, err := e.sessionOf(m.Session)
	made := err != nil
	if made {
		if session, err = e.room(m.Session, e.model.NewSession); err != nil {
			return nil, err
		}
	}
	if err := e.alone(ctx, func() error { return session.Restore(ctx, state) }); err != nil {
		if made {
			session.Close()
		}
		return nil, err
	}
	if made {
		e.keep(m.Session, session)
	}
	return ended(session, new(model.Result)), nil
}

// room makes a session where the client may have one more of that number.
func (e *Engine) room(number uint32, make func() (*model.Session, error)) (*model.Session, error) {
	e.mu.Lock()
	full := e.held[number] == nil && len(e.held) > maxForks
	e.mu.Unlock()
	if e.Shared != nil || full {
		return nil, fault{CodeBadRequest, wrong("session", " %d would be one more than the %d that a client may have: drop one first", number, maxForks)}
	}
	return make()
}

// reset empties a session's state, or makes an empty one.
func (e *Engine) reset(ctx context.Context, m *Reset) (Message, error) {
	session, err := e.sessionOf(m.Session)
	if err != nil && m.Session != 0 {
		if session, err = e.room(m.Session, e.model.NewSession); err == nil {
			e.keep(m.Session, session)
		}
	} else if err == nil {
		err = e.alone(ctx, session.Reset)
	}
	if err != nil {
		return nil, err
	}
	return ended(session, new(model.Result)), nil
}

func (e *Engine) fork(m *Fork) (Message, error) {
	session, err := e.sessionOf(m.Session)
	if err != nil {
		return nil, err
	}
	copied, err := e.room(m.Into, session.Fork)
	if err != nil {
		return nil, err
	}
	e.keep(m.Into, copied)
	return ended(copied, new(model.Result)), nil
}

func (e *Engine) drop(m *Drop) (Message, error) {
	e.mu.Lock()
	h := e.held[m.Session]
	if m.Session != 0 {
		delete(e.held, m.Session)
	}
	e.mu.Unlock()
	if h != nil && m.Session != 0 {
		h.session.Close()
	}
	return ended(e.first(), new(model.Result)), nil
}

// nextTurns renders what stands after an answer that messages follow: its end,
// then them, up to where the next answer begins.
func (e *Engine) nextTurns(ctx context.Context, plan *dialect.Plan, messages []ChatMessage) (tokenizer.Prompt, error) {
	const answer = "\u2402the answer\u2403" // what no template writes itself
	text, err := e.render(ctx, plan, append([]ChatMessage{{Role: "user", Content: "?"}, {Role: "assistant", Content: answer}}, messages...), true)
	if err != nil {
		return "", err
	}
	_, after, ok := strings.Cut(string(text), answer)
	if !ok {
		return "", fault{CodeBadRequest, wrong("append", " is not possible: the model's chat template does not write answers as they were given")}
	}
	return tokenizer.Prompt(after), nil
}
