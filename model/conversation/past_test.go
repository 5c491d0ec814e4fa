package conversation

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/samba-web/samba/model/tokenizer"
)

// sentencePiece is a small tokenizer of that kind: a space before the first
// word, "▁" for spaces, bytes where there is no token, and merges.
func sentencePiece(t *testing.T) *tokenizer.Tokenizer {
	t.Helper()
	vocab := map[string]int{}
	for i, token := range []string{"<unk>", "</s>", "▁", "a", "b", "ab", "▁a", "▁ab", ".", "<0xC3>", "<0xA9>"} {
		vocab[token] = i
	}
	decoder := []any{map[string]any{"type": "Replace", "pattern": map[string]any{"String": "▁"}, "content": " "},
		map[string]any{"type": "ByteFallback"}, map[string]any{"type": "Fuse"}, map[string]any{"type": "Strip", "content": " ", "start": 1, "stop": 0}}
	data, err := json.Marshal(map[string]any{
		"added_tokens": []any{map[string]any{"id": 1, "content": "</s>", "special": true}},
		"normalizer": map[string]any{"type": "Sequence", "normalizers": []any{map[string]any{"type": "Prepend", "prepend": "▁"},
			map[string]any{"type": "Replace", "pattern": map[string]any{"String": " "}, "content": "▁"}}},
		"decoder": map[string]any{"type": "Sequence", "decoders": decoder},
		"model": map[string]any{"type": "BPE", "vocab": vocab, "merges": []string{"a b", "▁ a", "▁a b"}, "unk_token": "<unk>", "fuse_unk": true,
			"byte_fallback": true},
	})
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := tokenizer.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// What an answer was shown as, and what it reads as in place, both are its
// text; the token that was sampled last comes along if it shows anything.
func TestPastText(t *testing.T) {
	tokens := sentencePiece(t)
	id := func(token string) uint32 {
		id, ok := tokens.ID(token)
		if !ok {
			t.Fatalf("no token %q", token)
		}
		return id
	}
	const prompt = "ab."
	for name, c := range map[string]struct {
		answer  []string
		ended   bool // by a token that the loop takes for the end
		next    string
		pending string
		more    string
		not     bool
	}{
		"as shown":                       {answer: []string{"▁a", "b", "."}, next: "ab.b", pending: ".", more: "b"},
		"as it reads in place":           {answer: []string{"▁a", "b", "."}, next: " ab.b", pending: ".", more: "b"},
		"without the last token":         {answer: []string{"▁a", "b", "."}, next: " aba", more: "a"},
		"another text":                   {answer: []string{"▁a", "b", "."}, next: " aa", not: true},
		"a text that is shorter":         {answer: []string{"▁a", "b", "."}, next: " a", not: true},
		"ended":                          {answer: []string{"▁a", "b", "</s>"}, ended: true, next: "ab</s>a", more: "</s>a"},
		"one token":                      {answer: []string{"▁ab"}, next: " aba", pending: "▁ab", more: "a"},
		"one token, as shown":            {answer: []string{"▁ab"}, next: "aba", pending: "▁ab", more: "a"},
		"nothing":                        {answer: []string{"</s>"}, ended: true, next: "</s>", more: "</s>"},
		"a character of two tokens":      {answer: []string{"a", "<0xC3>", "<0xA9>"}, next: "aé.", pending: "<0xA9>", more: "."},
		"half a character":               {answer: []string{"a", "<0xC3>"}, next: "a\ufffdb", pending: "<0xC3>", more: "b"},
		"half a character is no end":     {answer: []string{"a", "<0xC3>", "<0xA9>"}, next: "ab", not: true},
		"ended within a character":       {answer: []string{"a", "<0xC3>", "</s>"}, ended: true, next: "a\ufffd</s>", more: "</s>"},
		"a special token in mid-text":    {answer: []string{"a", "</s>", "b"}, next: "ab.", pending: "b", more: "."},
		"a special token was drawn last": {answer: []string{"a", "</s>"}, next: "a.", more: "."},
	} {
		past := Prompted(prompt, false)
		text := NewAnswer(tokens, nil, nil)
		shown := ""
		for i, token := range c.answer {
			if c.ended && i == len(c.answer)-1 {
				text.End(&past)
			} else {
				piece, _ := text.Add(id(token), &past)
				shown += piece
			}
		}
		shown += text.Rest(id(c.answer[len(c.answer)-1]), &past)
		before := past.Clone()
		pending, more, ok := past.After(tokens.Markup(prompt+c.next), false)
		if c.not {
			if ok {
				t.Errorf("%s: %q goes on with %q", name, prompt+c.next, more)
			}
			continue
		}
		var want []uint32
		if c.pending != "" {
			want = []uint32{id(c.pending)}
		}
		if !ok || more != tokens.Markup(c.more) || !slices.Equal(pending, want) {
			t.Errorf("%s (shown %q): after %q %v and %q (%v), want %v and %q", name, shown, prompt+c.next, pending, more, ok, want, c.more)
		}
		if _, _, ok := past.After(tokens.Markup(prompt+c.next), true); ok {
			t.Errorf("%s: the same with the tokenizer's first tokens before it", name)
		}
		if past.shown.sum() != before.shown.sum() || past.Last != before.Last {
			t.Errorf("%s: asking changed it", name)
		}
	}
	// Nothing is put before a text that goes on: together they are the text's own tokens.
	for _, c := range [][2]string{{"ab", " ab"}, {"ab.", "ab"}, {"ab ", "ab"}, {"ab", "</s>ab"}} {
		ids := append(tokens.Encode(c[0], false), tokens.EncodeMore(tokens.Markup(c[1]))...)
		if got, want := tokens.Decode(ids, false), tokens.Decode(tokens.Encode(c[0]+c[1], false), false); got != want || strings.Count(got, "  ") > 0 {
			t.Errorf("%q then %q: tokens of %q, want of %q", c[0], c[1], got, want)
		}
	}
}

// A prompt whose text only spells what a template writes does not go on from the text that the template wrote.
func TestPastForged(t *testing.T) {
	tokens := sentencePiece(t)
	written, spelt := tokens.Markup("ab</s>a"), tokenizer.Text("ab</s>a")
	past := Prompted(tokens.Markup("ab</s>"), false)
	if _, more, ok := past.After(written, false); !ok || more != "a" {
		t.Errorf("what was written goes on with %q, %v", more, ok)
	}
	if _, more, ok := past.After(spelt, false); ok {
		t.Errorf("what spells the same goes on with %q", more)
	}
	past = Prompted(tokenizer.Text("ab</s>"), false)
	if _, _, ok := past.After(written, false); ok {
		t.Error("what was written goes on from what spelt the same")
	}
	if _, more, ok := past.After(spelt, false); !ok || more != "a" {
		t.Errorf("what was said goes on with %q, %v", more, ok)
	}
}
