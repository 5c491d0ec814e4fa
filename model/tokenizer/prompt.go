package tokenizer

import (
	"iter"
	"strings"
	"unicode/utf8"
)

// Prompt is text for a model, in which control tokens, such as <|im_end|>, are
// told from text that only spells them. Two prompts are equal if they are read
// alike, and one is the beginning of another as strings are.
//
// A control token stands between two bytes that no text has.
type Prompt string

const mark = "\xff"

// valid replaces what is no UTF-8, so that nobody can write a mark.
func valid(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	return string(appendLossy(nil, []byte(text)))
}

// Text is a prompt without control tokens, whatever the text spells.
func Text(text string) Prompt { return Prompt(valid(text)) }

// Markup is a prompt with all the control tokens that the text spells.
func (t *Tokenizer) Markup(text string) Prompt {
	return t.Prompt(func(yield func(string, bool) bool) { yield(text, false) })
}

// Prompt puts a prompt together of pieces that were said or were not: control
// tokens are those that what was not said spells by itself.
func (t *Tokenizer) Prompt(pieces iter.Seq2[string, bool]) Prompt {
	var whole strings.Builder
	var written [][2]int // what was not said, neighbours as one
	for piece, said := range pieces {
		from := whole.Len()
		whole.WriteString(valid(piece))
		if said || whole.Len() == from {
			continue
		}
		if n := len(written); n > 0 && written[n-1][1] == from {
			written[n-1][1] = whole.Len()
		} else {
			written = append(written, [2]int{from, whole.Len()})
		}
	}
	text := whole.String()
	var out strings.Builder
	done := 0
	for _, part := range written {
		t.controls.splitWithin(text, part[0], part[1], func(start, end int, token *addedToken) {
			if token != nil {
				out.WriteString(text[done:start] + mark + text[start:end] + mark)
				done = end
			}
		})
	}
	out.WriteString(text[done:])
	return Prompt(out.String())
}

// middles are the control tokens that models were trained to fill a gap by: what stands
// before it, what behind, and where the answer begins.
var middles = [][3]string{
	{"<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"}, // Granite 4
	{"<fim_prefix>", "<fim_suffix>", "<fim_middle>"},       // StarCoder's, Granite 3's
	{">>PREFIX<<", ">>SUFFIX<<", ">>MIDDLE<<"},             // Falcon's
}

// FillIn is a prompt that asks for what stands between two others; not ok: the
// tokenizer has no tokens for that.
func (t *Tokenizer) FillIn(before, after Prompt) (p Prompt, ok bool) {
	for _, names := range middles {
		var marks [3]Prompt
		ok = true
		for i, name := range names {
			id, known := t.ID(name)
			if ok = ok && known && t.vocab.controls(id); ok {
				marks[i] = t.Spell(id)
			}
		}
		if ok {
			return marks[0] + before + marks[1] + after + marks[2], true
		}
	}
	return "", false
}

// String is the prompt's text.
func (p Prompt) String() string { return strings.ReplaceAll(string(p), mark, "") }

// Shared is the beginning that two prompts have in common. It ends within no
// character and no control token.
func (p Prompt) Shared(other Prompt) Prompt {
	n := 0
	for n < min(len(p), len(other)) && p[n] == other[n] {
		n++
	}
	for n > 0 && n < len(p) && !utf8.RuneStart(p[n]) {
		n--
	}
	if strings.Count(string(p[:n]), mark)%2 != 0 {
		n = strings.LastIndex(string(p[:n]), mark)
	}
	return p[:n]
}

// Cut cuts a prompt at a byte, or before the control token that stands there.
func (p Prompt) Cut(at int) (piece, rest Prompt) {
	if strings.Count(string(p[:at]), mark)%2 != 0 {
		if before := strings.LastIndex(string(p[:at]), mark); before > 0 {
			at = before
		} else if end := strings.Index(string(p[at:]), mark); end >= 0 {
			at += end + len(mark)
		}
	}
	return p[:at], p[at:]
}

// EncodePrompt returns the token ids of a prompt, as Encode does.
func (t *Tokenizer) EncodePrompt(p Prompt, addSpecial bool) []uint32 {
	return t.around(addSpecial, len(p), func(out []uint32) []uint32 { return t.encodePrompt(out, p, false) })
}

// EncodeMore returns the token ids of what goes on where another prompt ended:
// as EncodePrompt does, but nothing is put before its beginning.
func (t *Tokenizer) EncodeMore(p Prompt) []uint32 { return t.encodePrompt(nil, p, true) }

func (t *Tokenizer) encodePrompt(out []uint32, p Prompt, more bool) []uint32 {
	e := t.encoder(len(p))
	defer t.scratch.Put(e)
	first, within := true, false
	for part := range strings.SplitSeq(string(p), mark) {
		if within {
			if id, ok := t.controlToken(part); ok {
				out = append(out, id)
			}
		} else if part != "" {
			out = t.encode(e, out, part, first, more && first, true)
		}
		first, within = false, !within
	}
	return out
}

// controlToken finds the token of what stands between two marks: its text, with
// the white space that it eats.
func (t *Tokenizer) controlToken(text string) (uint32, bool) {
	for _, text := range []string{text, strings.TrimSpace(text)} {
		if id, ok := t.vocab.lookup([]byte(text)); ok && t.vocab.controls(id) {
			return id, true
		}
	}
	return 0, false
}

// Spell is what a token is in a prompt, where others stand before it.
func (t *Tokenizer) Spell(id uint32) Prompt {
	switch {
	case !t.vocab.has(id):
		return ""
	case t.vocab.controls(id):
		return Prompt(mark + string(t.vocab.bytes(id)) + mark)
	}
	return Prompt(t.Bytes(id))
}

// Shown is what text becomes in a prompt that a token, the last of those that
// made it, showed.
func (t *Tokenizer) Shown(id uint32, text string) Prompt {
	if spelt := t.Spell(id); spelt != "" && spelt[:1] == mark {
		if before, ok := strings.CutSuffix(text, spelt.String()); ok && !t.IsSpecial(id) {
			return Prompt(before) + spelt
		}
	}
	return Prompt(text)
}
