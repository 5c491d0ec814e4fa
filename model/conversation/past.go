// Package conversation is what is known of a conversation beside its state: the text
// and the tokens that the state has absorbed, as digests that do not grow (past.go),
// an answer's tokens on their way to text (answer.go), and the file of a saved state
// (file.go).
package conversation

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/samba-web/samba/model/machine"
	"github.com/samba-web/samba/model/tokenizer"
)

// Past is what a session remembers of the tokens that its state has absorbed:
// hashes of all, the last few themselves. It does not grow.
type Past struct {
	Position int      // how many
	ids      digest   // of them, 4 little-endian bytes each
	Tail     []uint32 // the last PenaltyTail
	Text     Text     // what they stand for
}

// Note takes tokens that have been absorbed.
func (p *Past) Note(ids ...uint32) {
	p.Position += len(ids)
	p.ids.write(machine.Words(ids...))
	p.Tail = append(p.Tail, ids...)
	p.Tail = slices.Delete(p.Tail, 0, max(0, len(p.Tail)-machine.PenaltyTail))
}

// Begins tells whether ids begin with what was absorbed.
func (p *Past) Begins(ids []uint32) bool {
	if p.Position > len(ids) {
		return false
	}
	var d digest
	for done := 0; done < p.Position; {
		n := min(p.Position-done, 1<<14)
		d.write(machine.Words(ids[done : done+n]...))
		done += n
	}
	return d.sum() == p.ids.sum()
}

func (p *Past) Clone() Past {
	c := *p
	c.ids, c.Tail, c.Text = p.ids.clone(), slices.Clone(p.Tail), p.Text.Clone()
	return c
}

// Text is the text that a state stands for: the prompt's, and the answer's
// as it was handed out. A prompt that begins with it goes on from the state,
// whatever tokens it would be cut into itself.
type Text struct {
	Known bool
	begun bool // the tokenizer's own first tokens stand before it
	// Of the text without that of the pending token. A tokenizer that shows no space at a text's beginning shows none at
	// an answer's, where there is one: spaced has it, and templates may write it or not.
	shown, spaced digest
	// The token that was sampled last is not absorbed yet: it comes before what follows its text. "": there is none, or it
	// shows nothing, and who writes the prompt writes what ends a turn.
	Pending uint32
	Last    tokenizer.Prompt
	whole   bool // the text without last ends with a whole character
}

func (t *Text) Clone() Text {
	c := *t
	c.shown, c.spaced = t.shown.clone(), t.spaced.clone()
	return c
}

// Prompted is the text of a prompt that is absorbed to its end.
func Prompted(text tokenizer.Prompt, begin bool) Text {
	t := Text{Known: true, begun: begin, whole: true}
	t.shown.write([]byte(text))
	return t
}

// Held says that the text's last token is not absorbed: last is what it stands for.
func Held(text tokenizer.Prompt, begin bool, token uint32, last tokenizer.Prompt) Text {
	at := len(text) - len(last)
	t := Prompted(text[:at], begin)
	t.Pending, t.Last, t.whole = token, last, !Mid(text, at)
	return t
}

// add takes the answer's next token, the text that it showed, and what it
// stands for in mid-text. All tokens before it are absorbed.
func (t *Text) add(token uint32, text, spelt tokenizer.Prompt, first bool) {
	if !t.Known {
		return
	}
	t.Settle()
	if lead, cut := strings.CutSuffix(string(spelt), string(text)); first && cut && strings.Trim(lead, " ") == "" && lead != "" {
		t.spaced = t.shown.clone()
		t.spaced.write([]byte(lead))
	}
	t.Pending, t.Last = token, text
}

// Settle counts the pending token's text as absorbed.
func (t *Text) Settle() {
	t.shown.write([]byte(t.Last))
	if t.spaced.n > 0 {
		t.spaced.write([]byte(t.Last))
	}
	t.Last, t.whole = "", true
}

// end takes what the answer's last character was cut to. The last token, which
// stands for spelt in mid-text, is pending unless it was silent.
func (t *Text) end(rest string, spelt tokenizer.Prompt, silent bool) {
	if !t.Known {
		return
	}
	t.Last += tokenizer.Prompt(rest)
	if t.whole = strings.HasSuffix(string(spelt), string(t.Last)); silent {
		t.Settle()
	}
}

// After returns what a prompt has beyond the text, to be encoded, and the token
// to absorb before it, if there is one.
func (t *Text) After(prompt tokenizer.Prompt, begin bool) (pending []uint32, rest tokenizer.Prompt, ok bool) {
	if !t.Known || t.begun != begin {
		return nil, "", false
	}
	for _, d := range []*digest{&t.shown, &t.spaced} {
		if d == &t.spaced && d.n == 0 || !d.begins(prompt) {
			continue
		}
		if more, ok := strings.CutPrefix(string(prompt[d.n:]), string(t.Last)); ok && t.Last != "" {
			return []uint32{t.Pending}, tokenizer.Prompt(more), true
		}
		if !ok && (t.Last == "" || t.whole) {
			rest, ok = prompt[d.n:], true
		}
	}
	return nil, rest, ok
}

// Reach is how much of text the ids stand for, the first of them standing at
// the byte `at`; ok is false where that cannot be told.
func Reach(t *tokenizer.Tokenizer, text tokenizer.Prompt, at int, ids []uint32) (_ int, ok bool) {
	for i, id := range ids {
		spelt := string(t.Spell(id))
		switch rest := string(text[at:]); {
		case strings.HasPrefix(rest, spelt):
			at += len(spelt)
		case t.IsSpecial(id): // one that the tokenizer puts there itself
		case i <= 1 && at == 0 && strings.HasPrefix(rest, strings.TrimLeft(spelt, " ")):
			at += len(strings.TrimLeft(spelt, " "))
		default:
			return at, false
		}
	}
	return at, true
}

// Mid tells whether a text is cut within a character at a byte.
func Mid(text tokenizer.Prompt, at int) bool { return at < len(text) && !utf8.RuneStart(text[at]) }

// digest is the SHA-256 of n bytes so far. The zero value has none.
type digest struct {
	hash hash.Cloner
	n    int
}

func (d *digest) write(data []byte) {
	if d.hash == nil {
		d.hash = sha256.New().(hash.Cloner)
	}
	d.hash.Write(data)
	d.n += len(data)
}

func (d *digest) sum() (sum [sha256.Size]byte) {
	if d.hash == nil {
		return sha256.Sum256(nil)
	}
	d.hash.Sum(sum[:0])
	return sum
}

// begins tells whether text begins with what was hashed.
func (d *digest) begins(text tokenizer.Prompt) bool {
	if d.n > len(text) {
		return false
	}
	h := sha256.New()
	for done := 0; done < d.n; {
		n := min(d.n-done, 1<<16)
		h.Write([]byte(text[done : done+n]))
		done += n
	}
	return [sha256.Size]byte(h.Sum(nil)) == d.sum()
}

func (d *digest) clone() digest {
	if d.hash == nil {
		return *d
	}
	c, _ := d.hash.Clone() // SHA-256's can
	return digest{c, d.n}
}

// digestBytes is the size of a digest that can be taken up again.
const digestBytes = 8 + 108

// marshal writes how far the digest is: its length, then what crypto/sha256 makes of it.
func (d *digest) marshal(to []byte) {
	d.write(nil)
	binary.LittleEndian.PutUint64(to, uint64(d.n))
	d.hash.(appender).AppendBinary(to[8:8])
}

func (d *digest) unmarshal(from []byte) error {
	d.write(nil)
	d.n = int(binary.LittleEndian.Uint64(from))
	return d.hash.(appender).UnmarshalBinary(from[8:digestBytes])
}

type appender interface {
	AppendBinary(b []byte) ([]byte, error)
	UnmarshalBinary(data []byte) error
}
