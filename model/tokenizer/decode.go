package tokenizer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// Decoding is a chain of stages that tokens pass one after another. Each works
// as tokens come, so the same chain decodes a finished list and a running
// stream. After a fusing stage what passes is parts of one long text, no more
// tokens.

// sink takes what a stage passes on; end is called once, after the last part.
type sink interface {
	part(text []byte)
	end()
}

// decoderStep is one stage.
type decoderStep struct {
	// open makes it. exact asks for what the Rust tokenizers make of a whole list
	// even where a stream had better not wait for it.
	open func(next sink, exact bool) sink
	// spell is what it makes of a token in mid-text; nil: nothing.
	spell func(token []byte) []byte
	// bytes says that it maps the byte alphabet back.
	bytes bool
	// joins says that it puts something between tokens.
	joins bool
}

// output is the last stage.
type output struct{ text []byte }

func (o *output) part(text []byte) { o.text = append(o.text, text...) }
func (o *output) end()             {}

// parseDecoder turns the decoder of a tokenizer.json into steps.
func parseDecoder(raw json.RawMessage) ([]decoderStep, error) {
	if isNull(raw) {
		return []decoderStep{{open: func(next sink, _ bool) sink { return &spacer{next: next} }, joins: true}}, nil
	}
	d := decoderSteps{growth: 1}
	if err := d.add(raw); err != nil {
		return nil, fmt.Errorf("decoder: %w", err)
	}
	return d.steps, nil
}

// decoderSteps are those read so far.
type decoderSteps struct {
	steps  []decoderStep
	fused  bool
	growth float64 // how many times as long replacements make a token at most
}

func (d *decoderSteps) add(raw json.RawMessage) error {
	var j struct {
		metaspaceJSON
		Type     string            `json:"type"`
		Decoders []json.RawMessage `json:"decoders"`
		Pattern  *patternJSON      `json:"pattern"`
		Content  string            `json:"content"`
		Start    int               `json:"start"`
		Stop     int               `json:"stop"`
	}
	if err := json.Unmarshal(raw, &j); err != nil {
		return err
	}
	var step decoderStep
	perToken := true
	switch j.Type {
	case "Sequence":
		if len(j.Decoders)+len(d.steps) > maxSteps {
			return fmt.Errorf("a sequence has more than %d steps", maxSteps)
		}
		for _, part := range j.Decoders {
			if err := d.add(part); err != nil {
				return err
			}
		}
		return nil
	case "ByteLevel":
		step.bytes = true
		step.open = func(next sink, _ bool) sink { return &byteLevel{next: next} }
		step.spell = func(token []byte) []byte { return appendBytes(nil, token) }
	case "ByteFallback":
		step.open = func(next sink, exact bool) sink { return &byteFallback{next: next, exact: exact} }
		step.spell = func(token []byte) []byte {
			if c, ok := fallbackByte(token); ok {
				return []byte{c}
			}
			return token
		}
	case "Fuse":
		d.fused = true
		return nil
	case "Replace":
		if j.Pattern == nil || j.Pattern.String == nil || *j.Pattern.String == "" {
			return errors.New("Replace: want a pattern that is a plain string")
		}
		if len(j.Content) > maxAffix {
			return fmt.Errorf("Replace: a content of %d bytes, want at most %d", len(j.Content), maxAffix)
		}
		old, with := []byte(*j.Pattern.String), []byte(j.Content)
		if d.growth *= max(1, float64(len(with))/float64(len(old))); d.growth > maxAffix {
			return fmt.Errorf("Replace: it makes a token more than %d times as long, with those before it", maxAffix)
		}
		step.open = func(next sink, _ bool) sink { return &replacer{next: next, old: old, with: with} }
		step.spell = func(token []byte) []byte { return bytes.ReplaceAll(token, old, with) }
	case "Strip":
		content, size := utf8.DecodeRuneInString(j.Content)
		if size == 0 || size != len(j.Content) {
			return fmt.Errorf("Strip: content %s: want one character", quote(j.Content))
		}
		if j.Start < 0 || j.Stop < 0 || j.Start > maxAffix || j.Stop > maxAffix {
			return fmt.Errorf("Strip: start %d and stop %d: want 0 to %d", j.Start, j.Stop, maxAffix)
		}
		whole := d.fused
		trim := stripper{content: []byte(string(content)), start: j.Start, stop: j.Stop, fused: whole, left: j.Start}
		step.open = func(next sink, _ bool) sink {
			s := trim
			s.next = next
			return &s
		}
		if !whole { // else it touches the ends of the text alone
			step.spell = func(token []byte) []byte { return trim.trimEnd(trim.trimStart(token, trim.start)) }
		}
		perToken = false
	case "Metaspace":
		scheme, err := j.scheme()
		if err != nil {
			return err
		}
		replacement := []byte(j.Replacement)
		step.open = func(next sink, _ bool) sink {
			return &unspacer{next: next, replacement: replacement, drop: scheme != "never"}
		}
		step.spell = func(token []byte) []byte { return bytes.ReplaceAll(token, replacement, []byte{' '}) }
	default:
		return fmt.Errorf("type %s is not supported", quote(j.Type))
	}
	if perToken && d.fused {
		return fmt.Errorf("%s after Fuse or ByteLevel is not supported", j.Type)
	}
	if j.Type == "ByteLevel" {
		d.fused = true
	}
	d.steps = append(d.steps, step)
	return nil
}

// spacer joins tokens with spaces: what a file without a decoder gets.
type spacer struct {
	next sink
	any  bool
}

func (s *spacer) part(text []byte) {
	if s.any {
		s.next.part([]byte{' '})
	}
	s.any = true
	s.next.part(text)
}
func (s *spacer) end() { s.next.end() }

// byteLevel maps the byte alphabet back to bytes and passes on whole characters.
type byteLevel struct {
	next sink
	held []byte // an unfinished character
	text []byte
}

func (s *byteLevel) part(token []byte) {
	s.held = appendBytes(s.held, token)
	s.pass(false)
}

// appendBytes appends the bytes that a token of the byte alphabet stands for.
func appendBytes(dst, token []byte) []byte {
	begin := len(dst)
	for rest := token; len(rest) > 0; {
		r, size := utf8.DecodeRune(rest)
		if int(r) >= len(byteOf) || byteOf[r] < 0 {
			return append(dst[:begin], token...) // an added token, spelt as it is
		}
		dst = append(dst, byte(byteOf[r]))
		rest = rest[size:]
	}
	return dst
}

func (s *byteLevel) pass(last bool) {
	done := len(s.held)
	if !last {
		done -= unfinished(s.held)
	}
	s.text = appendLossy(s.text[:0], s.held[:done])
	s.held = append(s.held[:0], s.held[done:]...)
	if len(s.text) > 0 {
		s.next.part(s.text)
	}
}

func (s *byteLevel) end() {
	s.pass(true)
	s.next.end()
}

// unfinished returns how many bytes at the end begin a character that later
// bytes may complete.
func unfinished(text []byte) int {
	for n := 1; n <= min(3, len(text)); n++ {
		tail := text[len(text)-n:]
		if utf8.RuneStart(tail[0]) {
			if !utf8.FullRune(tail) {
				return n
			}
			return 0
		}
	}
	return 0
}

// appendLossy appends text with a U+FFFD for each longest run of bytes that
// begins a character and is cut short, and for each byte that begins none.
func appendLossy(dst, text []byte) []byte {
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		if r == utf8.RuneError && size == 1 {
			for size < len(text) && !utf8.FullRune(text[:size]) && !utf8.RuneStart(text[size]) {
				size++
			}
			// The byte that made the rune full but wrong belongs to what follows.
			if size > 1 && utf8.FullRune(text[:size]) {
				size--
			}
			dst = append(dst, "\ufffd"...)
		} else {
			dst = append(dst, text[:size]...)
		}
		text = text[size:]
	}
	return dst
}

// byteFallback turns runs of tokens such as <0xE2> into characters.
type byteFallback struct {
	next  sink
	exact bool
	held  []byte
}

func (s *byteFallback) part(token []byte) {
	c, ok := fallbackByte(token)
	if !ok {
		s.release(len(s.held))
		s.next.part(token)
		return
	}
	s.held = append(s.held, c)
	// A run that is not UTF-8 anywhere becomes U+FFFD everywhere, so to be
	// exact is to wait for its end. A stream passes on what is whole.
	for !s.exact && len(s.held) > 0 && utf8.FullRune(s.held) {
		_, size := utf8.DecodeRune(s.held)
		s.release(size)
	}
}

// fallbackByte is the byte that a token such as <0xE2> stands for.
func fallbackByte(token []byte) (byte, bool) {
	if len(token) != 6 || !bytes.HasPrefix(token, []byte("<0x")) || token[5] != '>' {
		return 0, false
	}
	c, err := strconv.ParseUint(string(token[3:5]), 16, 8)
	return byte(c), err == nil
}

func (s *byteFallback) release(n int) {
	if n == 0 {
		return
	}
	if utf8.Valid(s.held[:n]) {
		s.next.part(s.held[:n])
	} else {
		for range n {
			s.next.part([]byte("\ufffd"))
		}
	}
	s.held = append(s.held[:0], s.held[n:]...)
}

func (s *byteFallback) end() {
	s.release(len(s.held))
	s.next.end()
}

// replacer replaces a string within each token.
type replacer struct {
	next      sink
	old, with []byte
}

func (s *replacer) part(token []byte) { s.next.part(bytes.ReplaceAll(token, s.old, s.with)) }
func (s *replacer) end()              { s.next.end() }

// unspacer is the Metaspace decoder: "▁" is a space, and none in the first token.
type unspacer struct {
	next        sink
	replacement []byte
	drop        bool // the next token is the first, and loses its spaces
}

func (s *unspacer) part(token []byte) {
	with := []byte{' '}
	if s.drop {
		with, s.drop = nil, false
	}
	s.next.part(bytes.ReplaceAll(token, s.replacement, with))
}
func (s *unspacer) end() { s.next.end() }

// stripper removes up to start characters at the beginning and stop at the end,
// of each token or, fused, of the whole text.
type stripper struct {
	next        sink
	content     []byte
	start, stop int
	fused       bool
	left        int    // fused: how many may still go at the beginning
	held        []byte // fused: characters at the end that may have to go
}

func (s *stripper) part(text []byte) {
	if !s.fused {
		s.next.part(s.trimEnd(s.trimStart(text, s.start)))
		return
	}
	if s.left > 0 && len(text) > 0 {
		rest := s.trimStart(text, s.left)
		s.left -= (len(text) - len(rest)) / len(s.content)
		if text = rest; len(text) == 0 {
			return
		}
		s.left = 0
	}
	if s.stop == 0 {
		s.next.part(text)
		return
	}
	s.held = append(s.held, text...)
	done := len(s.trimEnd(s.held))
	if done > 0 {
		s.next.part(s.held[:done])
		s.held = append(s.held[:0], s.held[done:]...)
	}
}

func (s *stripper) trimStart(text []byte, n int) []byte {
	for ; n > 0 && bytes.HasPrefix(text, s.content); n-- {
		text = text[len(s.content):]
	}
	return text
}

func (s *stripper) trimEnd(text []byte) []byte {
	for n := s.stop; n > 0 && bytes.HasSuffix(text, s.content); n-- {
		text = text[:len(text)-len(s.content)]
	}
	return text
}

func (s *stripper) end() { s.next.end() }

// Bytes returns what a token adds to a text when others stand before it: not
// always whole characters. It is nil for special tokens, for ids without a
// token, and where tokens are joined by spaces (a file without a decoder).
func (t *Tokenizer) Bytes(id uint32) []byte {
	if !t.vocab.has(id) || t.IsSpecial(id) {
		return nil
	}
	token := t.vocab.bytes(id)
	if text, ok := t.respelt[id]; ok {
		token = []byte(text)
	}
	for _, step := range t.decoder {
		if step.joins {
			return nil
		}
		if step.spell != nil {
			token = step.spell(token)
		}
	}
	return token
}

// Stream decodes ids as they are generated.
type Stream struct {
	tokenizer   *Tokenizer
	skipSpecial bool
	head        sink
	out         output
}

// Stream starts decoding a new text. What its Push and Flush return, put
// together, is what Decode returns for the same ids; only of byte-fallback
// tokens that are not valid UTF-8 does it show more.
func (t *Tokenizer) Stream(skipSpecial bool) *Stream { return t.stream(skipSpecial, false) }

func (t *Tokenizer) stream(skipSpecial, exact bool) *Stream {
	s := &Stream{tokenizer: t, skipSpecial: skipSpecial}
	s.head = &s.out
	for i := len(t.decoder) - 1; i >= 0; i-- {
		s.head = t.decoder[i].open(s.head, exact)
	}
	return s
}

// Push returns the text that became certain with this token: always valid
// UTF-8, empty while a character is incomplete.
func (s *Stream) Push(id uint32) string {
	t := s.tokenizer
	if !t.vocab.has(id) || s.skipSpecial && t.IsSpecial(id) {
		return ""
	}
	if text, ok := t.respelt[id]; ok {
		s.head.part([]byte(text))
	} else {
		s.head.part(t.vocab.bytes(id))
	}
	return s.take()
}

// Flush returns what is left at the end of the text.
func (s *Stream) Flush() string {
	s.head.end()
	return s.take()
}

func (s *Stream) take() string {
	text := string(s.out.text)
	s.out.text = s.out.text[:0]
	return text
}
