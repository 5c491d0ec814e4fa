package tokenizer

import (
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

// golden is what the Rust tokenizers made of testdata/golden/strings.json.gz;
// generate.mjs beside it says how.
type golden struct {
	Base   string                     `json:"base"`
	Stride int                        `json:"stride"` // every how many-th string
	Pairs  bool                       `json:"pairs"`  // merges as ["a", "b"], else as "a b"
	Head   map[string]json.RawMessage `json:"head"`   // tokenizer.json without its model
	Model  map[string]json.RawMessage `json:"model"`  // the model without vocab and merges
	IDs    [][]uint32                 `json:"ids"`    // every fourth with special tokens
	Texts  []*string                  `json:"texts"`  // null: the string itself
	Loose  []looseIDs                 `json:"loose"`  // every other without special tokens
}

// looseIDs are ids that no text gave, and their text.
type looseIDs struct {
	ids  []uint32
	text string
}

func (l *looseIDs) UnmarshalJSON(data []byte) error {
	return json.Unmarshal(data, &[2]any{&l.ids, &l.text})
}

// The six that matter most are held to all strings, the rest to every fifth.
var goldenNames = strings.Fields(`gpt2 cl100k o200k digits sentencepiece-legacy sentencepiece-metaspace
	gpt2-prefix-space unsplit qwen tiktoken deepseek kimi digits-from-the-right falcon nfkc
	split-Removed split-Removed-inverted split-Isolated split-Isolated-inverted split-MergedWithPrevious split-MergedWithPrevious-inverted
	split-MergedWithNext split-MergedWithNext-inverted split-Contiguous split-Contiguous-inverted whitespace whitespace-split delimiter
	metaspace-always metaspace-never gemma fused-unknown single-unknown no-unknown
	neox jamba granite lfm2 falcon-h1`)

func readGolden(t testing.TB, name string, into any) {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", "golden", name+".json.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.NewDecoder(z).Decode(into); err != nil {
		t.Fatalf("%s: %v", f.Name(), err)
	}
}

// file puts the tokenizer.json together that the golden was made with.
func (g *golden) file(t testing.TB) []byte {
	t.Helper()
	var base struct {
		Vocab  map[string]int `json:"vocab"`
		Merges [][2]string    `json:"merges"`
	}
	readGolden(t, "base-"+g.Base, &base)
	raw := func(v any) json.RawMessage {
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	model := map[string]json.RawMessage{"vocab": raw(base.Vocab), "merges": raw(base.Merges)}
	if !g.Pairs {
		merges := make([]string, len(base.Merges))
		for i, m := range base.Merges {
			merges[i] = m[0] + " " + m[1]
		}
		model["merges"] = raw(merges)
	}
	for k, v := range g.Model {
		model[k] = v
	}
	whole := map[string]json.RawMessage{"model": raw(model)}
	for k, v := range g.Head {
		whole[k] = v
	}
	return raw(whole)
}

func openGolden(t testing.TB, name string) (*golden, *Tokenizer) {
	t.Helper()
	g := &golden{}
	readGolden(t, name, g)
	tok, err := Parse(g.file(t))
	if err != nil {
		t.Fatal(err)
	}
	return g, tok
}

func TestGolden(t *testing.T) {
	var list []string
	readGolden(t, "strings", &list)
	if len(list) < 2000 {
		t.Fatalf("%d strings, want at least 2000", len(list))
	}
	for _, name := range goldenNames {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, tok := openGolden(t, name)
			wrong := 0
			fail := func(format string, args ...any) {
				if wrong++; wrong <= 8 {
					t.Errorf(format, args...)
				}
			}
			if want := (len(list) + g.Stride - 1) / g.Stride; len(g.IDs) != want {
				t.Fatalf("%d golden strings, want %d", len(g.IDs), want)
			}
			for i, want := range g.IDs {
				s := list[i*g.Stride]
				if got := tok.Encode(s, i%4 == 0); !equal(got, want) {
					fail("Encode(%q)\n got %q\nwant %q", s, tok.spell(got), tok.spell(want))
				}
				text := s
				if g.Texts[i] != nil {
					text = *g.Texts[i]
				}
				if got := tok.Decode(want, true); got != text {
					fail("Decode(%q) = %q, want %q", tok.spell(want), got, text)
				}
				checkStream(t, tok, want, true)
				checkBytes(t, tok, want)
			}
			for i, l := range g.Loose {
				if got := tok.Decode(l.ids, i%2 == 0); got != l.text {
					fail("Decode(%q)\n got %q\nwant %q", tok.spell(l.ids), got, l.text)
				}
				checkStream(t, tok, l.ids, i%2 == 0)
			}
			if wrong > 0 {
				t.Errorf("%d differences", wrong)
			}
		})
	}
}

// checkStream holds a stream to Decode: the same text, in valid pieces.
func checkStream(t *testing.T, tok *Tokenizer, ids []uint32, skipSpecial bool) {
	t.Helper()
	s, got := tok.Stream(skipSpecial), ""
	for _, id := range ids {
		part := s.Push(id)
		if !utf8.ValidString(part) {
			t.Fatalf("Push(%d) = %q, want valid UTF-8", id, part)
		}
		got += part
	}
	got += s.Flush()
	want := tok.Decode(ids, skipSpecial)
	// Byte-fallback runs that are not UTF-8 are all U+FFFD to Decode; a stream
	// has shown their whole characters before it could know.
	if _, fallback := tok.ID("<0xE2>"); fallback && strings.Contains(want, "\ufffd") {
		return
	}
	if got != want {
		t.Fatalf("streamed %q, want %q", got, want)
	}
}

// checkBytes holds the tokens' own bytes, one after another, to Decode, which
// only takes spaces from the ends.
func checkBytes(t *testing.T, tok *Tokenizer, ids []uint32) {
	t.Helper()
	if len(tok.decoder) == 1 && tok.decoder[0].joins {
		return
	}
	var got []byte
	for _, id := range ids {
		got = append(got, tok.Bytes(id)...)
	}
	want := tok.Decode(ids, true)
	if utf8.Valid(got) && strings.Trim(string(got), " ") != strings.Trim(want, " ") {
		t.Fatalf("bytes of %q are %q, want %q", tok.spell(ids), got, want)
	}
}

func equal(a, b []uint32) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// spell lists tokens as the file writes them.
func (t *Tokenizer) spell(ids []uint32) []string {
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i], _ = t.Token(id)
	}
	return out
}
