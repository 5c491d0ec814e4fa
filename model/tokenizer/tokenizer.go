package tokenizer

import (
	"strings"
	"sync"
	"unicode/utf8"
)

// Tokenizer encodes and decodes text. It is safe for concurrent use.
type Tokenizer struct {
	vocab      *vocabulary
	respelt    map[uint32]string // added tokens that decode as the normalizer spells them
	model      *bpe
	raw        *matchSet // added tokens looked for in the text as given
	normalized *matchSet // and in the normalized text
	normalize  normalizer
	steps      []step
	before     []uint32 // what addSpecial puts before the text
	after      []uint32 // and after it
	decoder    []decoderStep
	scratch    sync.Pool // *encoder
}

// encoder is the scratch space of one Encode call.
type encoder struct {
	pieces pieces
	word   word
}

// Encode returns the token ids of text, with the tokens that the file's
// template puts around a text (such as <s>) if addSpecial. Special tokens
// written out in the text are recognised either way. Invalid UTF-8 counts as U+FFFD.
func (t *Tokenizer) Encode(text string, addSpecial bool) []uint32 {
	return t.encode(text, addSpecial, false)
}

// EncodeMore returns the token ids of text that goes on where other text ended:
// as Encode does, but nothing is put before its beginning.
func (t *Tokenizer) EncodeMore(text string) []uint32 { return t.encode(text, false, true) }

func (t *Tokenizer) encode(text string, addSpecial, more bool) []uint32 {
	e, _ := t.scratch.Get().(*encoder)
	if e == nil {
		e = &encoder{}
	}
	defer t.scratch.Put(e)
	if !utf8.ValidString(text) {
		text = string(appendLossy(nil, []byte(text)))
	}
	e.pieces.machine.allow(len(text))

	out := make([]uint32, 0, len(text)/4+8)
	if addSpecial {
		out = append(out, t.before...)
	}
	t.raw.split(text, func(part string, start int, token *addedToken) {
		if token != nil {
			out = append(out, uint32(token.ID))
			return
		}
		e.pieces.machine.more = more && start == 0
		part = t.normalize.apply(&e.pieces.machine, part)
		t.normalized.split(part, func(part string, inner int, token *addedToken) {
			if token != nil {
				out = append(out, uint32(token.ID))
				return
			}
			e.pieces.machine.more = more && start == 0 && inner == 0
			e.pieces.reset(part, start == 0 && inner == 0)
			for _, s := range t.steps {
				s.apply(&e.pieces)
			}
			for _, s := range e.pieces.spans {
				out = t.model.encode(out, &e.word, e.pieces.text[s.start:s.end])
			}
		})
	})
	if addSpecial {
		out = append(out, t.after...)
	}
	return out
}

// Decode returns the text of ids, without special tokens if skipSpecial.
// Ids that no token has are left out; bytes that are not UTF-8 become U+FFFD.
func (t *Tokenizer) Decode(ids []uint32, skipSpecial bool) string {
	s := t.stream(skipSpecial, true)
	var text strings.Builder
	for _, id := range ids {
		text.WriteString(s.Push(id))
	}
	text.WriteString(s.Flush())
	return text.String()
}

// VocabSize is one more than the largest id, and so the least number of rows
// that a model's embedding must have.
func (t *Tokenizer) VocabSize() int { return t.vocab.size() }

// ID returns the id of the token that the file spells so, such as "<s>" or "Ġthe".
func (t *Tokenizer) ID(token string) (uint32, bool) {
	id, ok := t.vocab.lookup([]byte(token))
	return id, ok
}

// Token returns the token of an id, as the file spells it.
func (t *Tokenizer) Token(id uint32) (string, bool) {
	if !t.vocab.has(id) {
		return "", false
	}
	return string(t.vocab.bytes(id)), true
}

// IsSpecial says whether decoding with skipSpecial leaves the token out.
func (t *Tokenizer) IsSpecial(id uint32) bool {
	return t.vocab.has(id) && t.vocab.flags[id]&special != 0
}
