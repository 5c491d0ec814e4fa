package eval

import (
	"encoding/xml"
	"math"
	"slices"
	"strings"
	"testing"
)

func TestParseLengths(t *testing.T) {
	for text, want := range map[string][]int{
		"1024":                  {1024},
		"4K, 1k":                {1024, 4096},
		"1024,4096,...,1048576": {1024, 4096, 16384, 65536, 262144, 1 << 20},
		"4K,8K,...,20K,2M":      {4096, 8192, 16384, 20480, 2 << 20},
		"3,3":                   {3},
	} {
		if got, err := ParseLengths("lengths", text); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", ",", "1", "-4", "4G", "0K", "9999999999", "...", "1K,...,4K", "1K,2K,...,...,8K", "2K,1K,...,8K"} {
		if got, err := ParseLengths("lengths", text); err == nil {
			t.Errorf("%q: %v, want an error", text, got)
		}
	}
}

func TestPasskeyPrompt(t *testing.T) {
	got := PasskeyPrompt("12345", GarbageLines(1), GarbageLines(2))
	want := intro + "\n" + garbage + "\nThe pass key is 12345. Remember it. 12345 is the pass key.\n" + garbage + " " + garbage + "\nWhat is the pass key? The pass key is"
	if got != want {
		t.Errorf("got %q", got)
	}
	if got := PasskeyPrompt("1", GarbageLines(0), GarbageLines(0)); strings.Contains(got, "grass") || strings.Count(got, "\n") != 4 {
		t.Errorf("without garbage: %q", got)
	}
	for answer, want := range map[string]bool{" 12345.": true, "12345": true, "\n12345 is": true, " 123456": false, " 1234": false, " 12354": false, "": false, " x12345": false} {
		if Retrieved(answer, "12345") != want {
			t.Errorf("%q: %v", answer, !want)
		}
	}
}

func TestGarbage(t *testing.T) {
	words := func(s string) int { return len(strings.Fields(s)) }
	lines := func(before, after int) int {
		return words(PasskeyPrompt("12345", GarbageLines(before), GarbageLines(after)))
	}
	prompts := CalibrationPrompts()
	g, err := NewGarbage([2]int{words(prompts[0]), words(prompts[1])})
	if err != nil {
		t.Fatal(err)
	}
	for _, length := range []int{80, 100, 1000, 4096} {
		n, err := g.Lines(length)
		if err != nil {
			t.Fatal(err)
		}
		if fit, more := lines(n/2, n-n/2), lines(n, 1); fit > length || more <= length {
			t.Errorf("%d lines for %d tokens make %d, one more %d", n, length, fit, more)
		}
	}
	if _, err := g.Lines(50); err == nil {
		t.Error("50 words have no room")
	}
	if _, err := NewGarbage([2]int{100, 90}); err == nil {
		t.Error("a tokenizer that makes less of more")
	}
}

func TestKeys(t *testing.T) {
	seen := map[string]bool{}
	for depth := range 11 {
		for k := range 5 {
			key := Key(7, 4096, depth, k)
			if len(key) != 5 || key != Key(7, 4096, depth, k) {
				t.Errorf("key %q", key)
			}
			seen[key] = true
		}
	}
	if len(seen) < 50 {
		t.Errorf("%d different keys of 55", len(seen))
	}
}

func TestTally(t *testing.T) {
	tally := NewTally(4096)
	for range 2 {
		// Positions below 1,024 cost 2 nats, later ones 1, in pieces of odd lengths.
		for at := 1; at < 4096; {
			piece := make([]float32, min(333, 4096-at))
			for i := range piece {
				piece[i] = -1
				if at+i < 1024 {
					piece[i] = -2
				}
			}
			if err := tally.Add(at, piece); err != nil {
				t.Fatal(err)
			}
			at += len(piece)
		}
		tally.EndSequence()
	}
	row := tally.Row(2)
	if want := (2*1023.0 + 3072) / 4095; row.Sequences != 2 || row.Scored != 8190 || math.Abs(row.Nats-want) > 1e-9 || row.PerSecond != 4096 || row.Error <= 0 {
		t.Errorf("%+v, want %g nats", row, want)
	}
	for _, p := range tally.ByPosition() {
		want := 1.0
		if p.From < 1024 {
			want = 2
		}
		if math.Abs(p.Nats-want) > 1e-9 || p.To > 4096 {
			t.Errorf("%+v, want %g nats", p, want)
		}
	}
	for _, bad := range []float32{float32(math.NaN()), 0.5, float32(math.Inf(-1))} {
		if tally.Add(7, []float32{-1, bad}) == nil {
			t.Errorf("%v passes for a log probability", bad)
		}
	}
}

// Plots are XML whatever the names in them, and with little to draw.
func TestPlots(t *testing.T) {
	about := About{Model: `<b>&"'`, Backend: "cpu", Date: "today", Complete: true}
	one := PerplexityRow{Length: 1024, Sequences: 1, Scored: 1023, Nats: 1, Perplexity: math.E}
	passkey := Passkey{About: about, Keys: 2, Depth: Depths(3)}
	row := passkey.NewRow(4096)
	row.Add(1, "77", "77")
	row.Add(1, "78", "77")
	passkey.Rows = append(passkey.Rows, row)
	for name, plot := range map[string]string{
		"nothing":   (&Perplexity{About: about}).SVG(),
		"one":       (&Perplexity{About: about, Text: "a<b", Rows: []PerplexityRow{one}}).SVG(),
		"positions": (&Perplexity{About: about, Rows: []PerplexityRow{one}, ByPosition: []PositionRow{{1, 256, 1, math.E}, {256, 512, 2, 7}}}).SVG(),
		"passkey":   passkey.SVG(),
		"no rows":   (&Passkey{About: about}).SVG(),
	} {
		if err := xml.Unmarshal([]byte(plot), new(struct{})); err != nil || strings.Contains(plot, "NaN") || strings.Contains(plot, "Inf") {
			t.Errorf("%s: %v\n%s", name, err, plot)
		}
	}
	if row.Retrieved != 0.5 || row.Asked[1] != 2 || row.Right[1] != 1 || !strings.Contains(passkey.SVG(), ">50<") {
		t.Errorf("row: %+v", row)
	}
}
