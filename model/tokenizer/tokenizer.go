package tokenizer

import (
	"encoding/json"
	"fmt"
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

	controls, words, normalizedWords *matchSet // those of the template's, and the others of either kind
	normalize                        normalizer
	steps                            []step
	before                           []uint32 // what addSpecial puts before the text
	after                            []uint32 // and after it
	decoder                          []decoderStep
	scratch                          sync.Pool // *encoder
}

// encoder is the scratch space of one Encode call.
type encoder struct {
	pieces pieces
	word   word
}

// Encode returns the token ids of text, with the tokens that the file's
// template puts around a text (such as <s>) if addSpecial. Special tokens
// written out in the text are recognised either way, as the Rust tokenizers do:
// what people wrote is encoded as a Prompt. Invalid UTF-8 counts as U+FFFD.
func (t *Tokenizer) Encode(text string, addSpecial bool) []uint32 {
	if !utf8.ValidString(text) {
		text = string(appendLossy(nil, []byte(text)))
	}
	e := t.encoder(len(text))
	defer t.scratch.Put(e)
	return t.around(addSpecial, len(text), func(out []uint32) []uint32 {
		return t.encode(e, out, text, true, false, false)
	})
}

func (t *Tokenizer) encoder(length int) *encoder {
	e, _ := t.scratch.Get().(*encoder)
	if e == nil {
		e = &encoder{}
	}
	e.pieces.machine.allow(length)
	return e
}

// around puts the tokens of the file's template around others.
func (t *Tokenizer) around(addSpecial bool, length int, encode func([]uint32) []uint32) []uint32 {
	out := make([]uint32, 0, length/4+8)
	if addSpecial {
		out = append(out, t.before...)
	}
	out = encode(out)
	if addSpecial {
		out = append(out, t.after...)
	}
	return out
}

// encode appends the tokens of a text, the first of all or not, that goes on
// where other text ended or does not. Of what was said, control tokens are text.
func (t *Tokenizer) encode(e *encoder, out []uint32, text string, first, more, said bool) []uint32 {
	raw, normalized := t.raw, t.normalized
	if said {
		raw, normalized = t.words, t.normalizedWords
	}
	raw.split(text, func(part string, start int, token *addedToken) {
		if token != nil {
			out = append(out, uint32(token.ID))
			return
		}
		e.pieces.machine.more = more && start == 0
		part = t.normalize.apply(&e.pieces.machine, part)
		normalized.split(part, func(part string, inner int, token *addedToken) {
			if token != nil {
				out = append(out, uint32(token.ID))
				return
			}
			e.pieces.machine.more = more && start == 0 && inner == 0
			e.pieces.reset(part, first && start == 0 && inner == 0)
			for _, s := range t.steps {
				s.apply(&e.pieces)
			}
			for _, s := range e.pieces.spans {
				out = t.model.encode(out, &e.word, e.pieces.text[s.start:s.end], said)
			}
		})
	})
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

// EndTokens reads the tokens that end a text, as the eos_token_id of a
// config.json or a generation_config.json has them: one, a list, or none.
func EndTokens(config []byte) (ids []uint32, err error) {
	var c struct {
		EOS json.RawMessage `json:"eos_token_id"`
	}
	if err := json.Unmarshal(config, &c); err != nil {
		return nil, err
	}
	if isNull(c.EOS) {
		return nil, nil
	}
	var one uint32
	if json.Unmarshal(c.EOS, &one) == nil {
		return []uint32{one}, nil
	}
	if json.Unmarshal(c.EOS, &ids) != nil {
		return nil, fmt.Errorf("eos_token_id is %.40q, want a token id or a list of them", c.EOS)
	}
	return ids, nil
}
