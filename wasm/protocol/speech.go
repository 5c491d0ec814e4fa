package protocol

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/samba-web/samba/model"
	"github.com/samba-web/samba/model/dialect"
	"github.com/samba-web/samba/model/grammar"
	"github.com/samba-web/samba/model/tokenizer"
)

// FinishToolCalls is why an answer ended that calls tools.
const FinishToolCalls = "tool_calls"

// ofDialect blames the request for what its model cannot do.
func ofDialect(err error) error {
	var d *dialect.Error
	if errors.As(err, &d) {
		return fault{CodeBadRequest, fieldError{d.Param, d.Text}}
	}
	return err
}

// request is what a template is given, in the dialect's words.
func (o *TemplateOptions) request() dialect.Request {
	return dialect.Request{Tools: o.Tools, Documents: o.Documents, Effort: o.ReasoningEffort, Thinking: o.EnableThinking, Variables: o.ChatTemplateKwargs}
}

// planOf reads what a template is given.
func (e *Engine) planOf(o TemplateOptions) (*dialect.Plan, error) {
	plan, err := e.model.Dialect().Plan(o.request())
	return plan, ofDialect(err)
}

// plan reads what is asked of tools, thoughts and the answer's form.
func (e *Engine) plan(m *Generate) (*dialect.Plan, error) {
	if len(m.Messages) == 0 && len(m.Tools) > 0 && string(m.Tools) != "[]" {
		return nil, fault{CodeBadRequest, wrong("tools", " need messages: a text is continued as it stands")}
	}
	request := m.TemplateOptions.request()
	request.Choice, request.Parallel, request.Budget, request.Schema = m.ToolChoice, m.ParallelToolCalls, m.ReasoningBudget, m.Schema
	plan, err := e.model.Dialect().Plan(request)
	return plan, ofDialect(err)
}

// grammarOf is what an answer to a prompt must obey; nil: nothing. It is the answer's
// until done is called.
func (e *Engine) grammarOf(plan *dialect.Plan, m *Generate, text tokenizer.Prompt) (g *grammar.Grammar, done func(), err error) {
	var answer *grammar.Answer
	if len(m.Messages) > 0 {
		answer = plan.Answer(ending(text))
	} else if len(m.Schema) > 0 {
		answer = &grammar.Answer{Schema: m.Schema}
	}
	if answer == nil {
		return nil, func() {}, nil
	}
	written, err := json.Marshal(answer)
	if err != nil { // the one thing in it that may be no JSON
		return nil, nil, fault{CodeBadRequest, wrong("schema", " is no JSON")}
	}
	key := string(written)
	e.mu.Lock()
	if e.asked == key {
		g, e.grammar = e.grammar, nil
	}
	e.mu.Unlock()
	if g == nil || g.Worn() {
		if g, err = e.model.Grammar(*answer); err != nil {
			return nil, nil, err
		}
	}
	return g, func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.grammar, e.asked = g, key
	}, nil
}

// ending is as much of a prompt's end as says whether it leaves the answer within a thought.
func ending(text tokenizer.Prompt) string {
	return tokenizer.Prompt(text[max(0, len(text)-256):]).String()
}

func turnsOf(messages []ChatMessage) []dialect.Turn {
	turns := make([]dialect.Turn, len(messages))
	for i, m := range messages {
		turns[i] = dialect.Turn{Role: m.Role, Content: m.Content, Reasoning: m.ReasoningContent, CallID: m.ToolCallID, Name: m.Name}
		for _, c := range m.ToolCalls {
			turns[i].Calls = append(turns[i].Calls, dialect.TurnCall{ID: c.ID, Call: dialect.Call{Name: c.Function.Name, Arguments: c.Function.Arguments}})
		}
	}
	return turns
}

// speech takes the answers to messages apart.
type speech struct {
	plan     *dialect.Plan
	prompt   string // its end
	name     []byte // tells the request from others
	seed     *uint64
	choices  map[int]*spoken
	thoughts int // tokens, of all choices
	calling  bool
}

type spoken struct {
	parser *dialect.Parser
	calls  int
}

// newSpeech is nil where a text is continued: all of what comes is text then.
func newSpeech(plan *dialect.Plan, m *Generate, text tokenizer.Prompt, position int) *speech {
	if len(m.Messages) == 0 {
		return nil
	}
	name := sha256.Sum256(fmt.Appendf([]byte(text), "%d", position))
	return &speech{plan: plan, prompt: ending(text), name: name[:], seed: m.Seed, choices: map[int]*spoken{}}
}

// part tells a piece's thought and calls from its text.
func (s *speech) part(piece *Text) {
	if s == nil {
		return
	}
	c := s.choices[piece.Choice]
	if c == nil {
		c = &spoken{parser: s.plan.Parser(s.prompt)}
		s.choices[piece.Choice] = c
	}
	if c.parser.Thinking() {
		s.thoughts += piece.Tokens
	}
	found := c.parser.Push(piece.Text)
	if piece.FinishReason != "" {
		last := c.parser.Flush()
		found.Reasoning += last.Reasoning
		found.Content += last.Content
		found.Calls = append(found.Calls, last.Calls...)
	}
	piece.Text, piece.Reasoning = found.Content, found.Reasoning
	for _, call := range found.Calls {
		piece.ToolCalls = append(piece.ToolCalls, ToolCall{ID: s.callID(piece.Choice, c.calls), Kind: "function", Function: CalledFunction{call.Name, call.Arguments}})
		c.calls++
	}
	if s.calling = c.calls > 0 && piece.FinishReason == model.FinishStop; s.calling {
		piece.FinishReason = FinishToolCalls
	}
}

// callID is the same where a request that was cut off is served again.
func (s *speech) callID(choice, call int) string {
	seed := uint64(0)
	if s.seed != nil {
		seed = *s.seed
	}
	sum := sha256.Sum256(fmt.Appendf(s.name[:len(s.name):len(s.name)], " %d %d %d", seed, choice, call))
	return "call_" + hex.EncodeToString(sum[:12])
}

// finish tells of the whole what the pieces told.
func (s *speech) finish(done *Done) {
	if s == nil {
		return
	}
	done.Usage.ReasoningTokens = s.thoughts
	if s.calling {
		done.FinishReason = FinishToolCalls
	}
}
