package conversation

import "github.com/samba-web/samba/model/tokenizer"

// Answer turns an answer's tokens into text that is safe to show: whole characters, and
// nothing that may still become a stop string. The state's text is all of it.
type Answer struct {
	tokenizer *tokenizer.Tokenizer
	stream    *tokenizer.Stream
	stopper   *tokenizer.Stopper
	marks     map[uint32]string // control tokens that are shown
	stopped   bool
	begun     bool // a token was spelt out
	silent    bool // the last one was not
}

// NewAnswer begins an answer that ends before any of these texts. Control tokens
// show nothing, but for marks, which show these texts.
func NewAnswer(t *tokenizer.Tokenizer, stop []string, marks map[uint32]string) *Answer {
	return &Answer{tokenizer: t, stream: t.Stream(true), stopper: tokenizer.NewStopper(stop), marks: marks}
}

// Add takes the next token, and returns what may be shown now. stopped: a stop
// string has come.
func (t *Answer) Add(token uint32, past *Text) (piece string, stopped bool) {
	text := t.stream.Push(token)
	past.add(token, t.tokenizer.Shown(token, text), t.tokenizer.Spell(token), !t.begun)
	t.silent = t.tokenizer.IsSpecial(token)
	t.begun = t.begun || !t.silent
	piece, t.stopped = t.stopper.Push(text + t.marks[token])
	return piece, t.stopped
}

// End takes a token that ends the text and shows nothing.
func (t *Answer) End(past *Text) {
	t.silent = true
	past.Settle()
}

// Rest is what was held back when the end comes, at this token.
func (t *Answer) Rest(token uint32, past *Text) string {
	text := t.stream.Flush()
	past.end(text, t.tokenizer.Spell(token), t.silent)
	if t.stopped {
		return ""
	}
	piece, stopped := t.stopper.Push(text)
	if stopped {
		return piece
	}
	return piece + t.stopper.Flush()
}
