package tokenizer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// maxFile bounds the bytes of a tokenizer.json; the largest published ones have 35 MB.
const maxFile = 1 << 28

// Parse reads a tokenizer.json. Its errors are one sentence that names what is
// wrong or not supported.
func Parse(tokenizerJSON []byte) (*Tokenizer, error) {
	t, err := parse(tokenizerJSON)
	if err != nil {
		return nil, fmt.Errorf("tokenizer.json: %w", err)
	}
	return t, nil
}

func parse(data []byte) (*Tokenizer, error) {
	if len(data) > maxFile {
		return nil, fmt.Errorf("it has %d bytes, want at most %d", len(data), maxFile)
	}
	s := &scanner{data: bytes.TrimPrefix(data, []byte("\ufeff"))}
	t := &Tokenizer{vocab: newVocabulary(), respelt: map[uint32]string{}}
	sections := map[string]json.RawMessage{}
	err := s.object(func(key []byte) (err error) {
		name := string(key)
		if name == "model" {
			if t.model != nil {
				return errors.New("model stands twice")
			}
			t.model, err = parseModel(s, t.vocab)
			return err
		}
		raw, err := s.skip()
		switch name {
		case "added_tokens", "normalizer", "pre_tokenizer", "post_processor", "decoder":
			sections[name] = raw
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if s.peek() != 0 || s.pos < len(s.data) {
		return nil, s.fail("the end of the file")
	}
	if t.model == nil {
		return nil, errors.New("model is missing")
	}
	if t.normalize, err = parseNormalizer(sections["normalizer"]); err != nil {
		return nil, err
	}
	if t.steps, err = parsePreTokenizer(sections["pre_tokenizer"]); err != nil {
		return nil, err
	}
	if t.decoder, err = parseDecoder(sections["decoder"]); err != nil {
		return nil, err
	}
	if err := t.addTokens(sections["added_tokens"]); err != nil {
		return nil, err
	}
	if t.before, t.after, err = parsePostProcessor(sections["post_processor"], t.vocab); err != nil {
		return nil, err
	}
	return t, nil
}

// parseModel reads the model section.
func parseModel(s *scanner, vocab *vocabulary) (*bpe, error) {
	b := &bpe{vocab: vocab, pairs: newPairTable(), unk: noID}
	rest := map[string]json.RawMessage{}
	seen := map[string]bool{}
	var merges json.RawMessage // where they stand before the vocabulary they name
	err := s.object(func(key []byte) (err error) {
		name := string(key)
		if seen[name] {
			return fmt.Errorf("model: %s stands twice", quote(name))
		}
		if len(seen) > 100 {
			return errors.New("model: more than 100 fields")
		}
		seen[name] = true
		switch {
		case name == "vocab" && s.peek() == '{':
			return b.readVocab(s)
		case name == "merges" && seen["vocab"]:
			return b.readMerges(s)
		case name == "merges":
			merges, err = s.skip()
		default:
			rest[name], err = s.skip()
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	var typ string
	if raw, ok := rest["type"]; ok {
		if err := json.Unmarshal(raw, &typ); err != nil {
			return nil, fmt.Errorf("model: type: %w", err)
		}
	}
	if typ != "BPE" && !(typ == "" && seen["merges"]) { // the oldest files name no type
		return nil, fmt.Errorf("model: type %s is not supported, want BPE", quote(typ))
	}
	if !seen["vocab"] || rest["vocab"] != nil || !seen["merges"] {
		return nil, errors.New("model: want a vocab object and a merges array")
	}
	if merges != nil {
		if err := b.readMerges(&scanner{data: merges}); err != nil {
			return nil, err
		}
	}
	return b, b.readOptions(rest)
}

func (b *bpe) readVocab(s *scanner) error {
	return s.object(func(key []byte) error {
		id, err := s.uint()
		if err == nil {
			err = b.vocab.add(key, id, inModel)
		}
		if err != nil {
			return fmt.Errorf("model: vocab: %w", err)
		}
		return nil
	})
}

// readMerges reads merges written as "a b" or as ["a", "b"].
func (b *bpe) readMerges(s *scanner) error {
	var text []byte
	return s.array(func(index int) (err error) {
		var cut int // where the second half begins
		if text = text[:0]; s.peek() == '[' {
			err = s.array(func(half int) (err error) {
				if half > 1 {
					return fmt.Errorf("model: merges[%d]: want two tokens", index)
				}
				if cut = 0; half == 1 {
					cut = len(text)
				}
				text, err = s.string(text)
				return err
			})
			if err == nil && cut == 0 {
				err = fmt.Errorf("model: merges[%d]: want two tokens", index)
			}
		} else if text, err = s.string(text); err == nil {
			if cut = bytes.IndexByte(text, ' '); cut < 0 || bytes.IndexByte(text[cut+1:], ' ') >= 0 {
				return fmt.Errorf("model: merges[%d]: got %s, want two tokens with a space between them", index, quote(text))
			}
			text = append(text[:cut], text[cut+1:]...)
		}
		if err != nil {
			return err
		}
		if index >= maxIDs {
			return fmt.Errorf("model: more than %d merges", maxIDs)
		}
		var ids [3]uint32
		for i, part := range [][]byte{text[:cut], text[cut:], text} {
			var ok bool
			if ids[i], ok = b.vocab.lookup(part); !ok {
				return fmt.Errorf("model: merges[%d]: token %s is not in the vocabulary", index, quote(part))
			}
		}
		b.pairs.set(ids[0], ids[1], uint32(index))
		b.merged = append(b.merged, ids[2])
		return nil
	})
}

func (b *bpe) readOptions(fields map[string]json.RawMessage) error {
	var o struct {
		Dropout  *float64 `json:"dropout"`
		Unk      *string  `json:"unk_token"`
		Prefix   *string  `json:"continuing_subword_prefix"`
		Suffix   *string  `json:"end_of_word_suffix"`
		FuseUnk  bool     `json:"fuse_unk"`
		Fallback bool     `json:"byte_fallback"`
		Ignore   bool     `json:"ignore_merges"`
	}
	for name, into := range map[string]any{
		"dropout": &o.Dropout, "unk_token": &o.Unk, "continuing_subword_prefix": &o.Prefix, "end_of_word_suffix": &o.Suffix,
		"fuse_unk": &o.FuseUnk, "byte_fallback": &o.Fallback, "ignore_merges": &o.Ignore,
	} {
		if raw := fields[name]; raw != nil {
			if err := json.Unmarshal(raw, into); err != nil {
				return fmt.Errorf("model: %s: %w", name, err)
			}
		}
	}
	switch {
	case o.Dropout != nil && *o.Dropout != 0:
		return errors.New("model: dropout is not supported: it makes ids random")
	case o.Prefix != nil && *o.Prefix != "":
		return errors.New("model: continuing_subword_prefix is not supported")
	case o.Suffix != nil && *o.Suffix != "":
		return errors.New("model: end_of_word_suffix is not supported")
	}
	if o.Unk != nil {
		id, ok := b.vocab.lookup([]byte(*o.Unk))
		if !ok {
			return fmt.Errorf("model: unk_token %s is not in the vocabulary", quote(*o.Unk))
		}
		b.unk = id
	}
	b.fuseUnk, b.byteFallback, b.ignoreMerges = o.FuseUnk, o.Fallback, o.Ignore
	b.finish()
	return nil
}

// addTokens enters added_tokens, which may or may not stand in the vocabulary already.
func (t *Tokenizer) addTokens(raw json.RawMessage) error {
	var tokens []addedToken
	if !isNull(raw) {
		if err := json.Unmarshal(raw, &tokens); err != nil {
			return fmt.Errorf("added_tokens: %w", err)
		}
	}
	if len(tokens) > maxIDs {
		return fmt.Errorf("added_tokens: %d of them, want at most %d", len(tokens), maxIDs)
	}
	var asGiven, normalized, controls, words, normalizedWords []matchPattern
	var m machine
	for i, token := range tokens {
		if len(token.Content) > maxContent {
			return fmt.Errorf("added_tokens[%d]: a text of %d bytes, want at most %d", i, len(token.Content), maxContent)
		}
		id, ok := t.vocab.lookup([]byte(token.Content))
		if !ok {
			if err := t.vocab.add([]byte(token.Content), token.ID, 0); err != nil {
				return fmt.Errorf("added_tokens[%d]: %w", i, err)
			}
			id = uint32(token.ID)
		}
		if uint64(id) != token.ID {
			return fmt.Errorf("added_tokens[%d]: %s has id %d, but id %d before", i, quote(token.Content), token.ID, id)
		}
		if token.Special {
			t.vocab.flags[id] |= special
		}
		pattern, list, ofWords := matchPattern{token.Content, token}, &asGiven, &words
		if token.controls() {
			t.vocab.flags[id] |= control
			controls = append(controls, pattern)
		}
		if token.Normalized {
			m.allow(len(token.Content))
			list, ofWords = &normalized, &normalizedWords
			if pattern.text = t.normalize.apply(&m, token.Content); pattern.text != token.Content {
				t.respelt[id] = pattern.text
			}
		}
		// What is added is spelt as it is, not in the byte alphabet, which its characters may belong to.
		if slices.ContainsFunc(t.decoder, func(s decoderStep) bool { return s.bytes }) && t.vocab.flags[id]&inModel == 0 {
			if spelt := inByteAlphabet(token.Content); spelt != token.Content {
				t.respelt[id] = spelt
			}
		}
		if *list = append(*list, pattern); !token.controls() {
			*ofWords = append(*ofWords, pattern)
		}
	}
	t.raw, t.normalized = newMatchSet(asGiven), newMatchSet(normalized)
	t.controls, t.words, t.normalizedWords = newMatchSet(controls), newMatchSet(words), newMatchSet(normalizedWords)
	return nil
}

// maxSpecial bounds the tokens that a template puts around a text.
const maxSpecial = 64

// parsePostProcessor returns the tokens that go before and after a text.
func parsePostProcessor(raw json.RawMessage, vocab *vocabulary) (before, after []uint32, err error) {
	if isNull(raw) {
		return nil, nil, nil
	}
	var j struct {
		Type       string            `json:"type"`
		Processors []json.RawMessage `json:"processors"`
		Single     []struct {
			SpecialToken *struct {
				ID string `json:"id"`
			}
			Sequence *struct {
				ID string `json:"id"`
			}
		} `json:"single"`
		SpecialTokens map[string]struct {
			IDs []uint64 `json:"ids"`
		} `json:"special_tokens"`
	}
	if err := json.Unmarshal(raw, &j); err != nil {
		return nil, nil, fmt.Errorf("post_processor: %w", err)
	}
	switch j.Type {
	case "ByteLevel": // trims offsets only, which nobody here asks for
		return nil, nil, nil
	case "Sequence":
		if len(j.Processors) > maxSteps {
			return nil, nil, fmt.Errorf("post_processor: a sequence has more than %d parts", maxSteps)
		}
		for _, part := range j.Processors {
			b, a, err := parsePostProcessor(part, vocab)
			if err != nil {
				return nil, nil, err
			}
			before, after = append(b, before...), append(after, a...)
		}
	case "TemplateProcessing":
		texts := 0
		for _, part := range j.Single {
			switch {
			case part.Sequence != nil:
				texts++
			case part.SpecialToken != nil:
				token, ok := j.SpecialTokens[part.SpecialToken.ID]
				if !ok {
					return nil, nil, fmt.Errorf("post_processor: special token %s of the template is not among its special_tokens", quote(part.SpecialToken.ID))
				}
				for _, id := range token.IDs {
					if id >= maxIDs || !vocab.has(uint32(id)) {
						return nil, nil, fmt.Errorf("post_processor: special token %s: no token has id %d", quote(part.SpecialToken.ID), id)
					}
					if texts == 0 {
						before = append(before, uint32(id))
					} else {
						after = append(after, uint32(id))
					}
				}
			}
		}
		if texts != 1 {
			return nil, nil, fmt.Errorf("post_processor: the template holds the text %d times, want once", texts)
		}
	default:
		return nil, nil, fmt.Errorf("post_processor: type %s is not supported", quote(j.Type))
	}
	if len(before)+len(after) > maxSpecial {
		return nil, nil, fmt.Errorf("post_processor: it adds %d tokens, want at most %d", len(before)+len(after), maxSpecial)
	}
	return before, after, nil
}
