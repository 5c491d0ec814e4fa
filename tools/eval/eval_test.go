package eval

import (
	"encoding/xml"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
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

func TestReadQuestions(t *testing.T) {
	questions, err := ReadQuestions(strings.NewReader(`
{"kind": "facts", "messages": ["What is the capital of Italy?"], "answer": "\\brome\\b"}

{"kind": "memory", "messages": [{"role": "user", "content": "I am Ada."}, {"content": "Who am I?"}], "answer": "^(?!.*Bob).*Ada"}
`))
	if err != nil || len(questions) != 2 || questions[1].Turns[1] != "Who am I?" {
		t.Fatalf("%+v, %v", questions, err)
	}
	for _, c := range []struct {
		question int
		answer   string
		want     bool
	}{{0, "It is ROME.", true}, {0, "Romeo", false}, {1, "You are\nAda.", true}, {1, "Bob or Ada", false}} {
		if got, err := questions[c.question].Right(c.answer); err != nil || got != c.want {
			t.Errorf("question %d, %q: %v, %v, want %v", c.question, c.answer, got, err, c.want)
		}
	}
	for line, want := range map[string]string{
		"":                                   "no questions: want JSON lines such as",
		"\n[1]":                              "line 2: json: cannot unmarshal array",
		`{"messages": ["x"], "answer": "x"}`: "line 1: kind is missing",
		`{"kind": "a", "answer": "x"}`:       "messages is empty",
		`{"kind": "a", "messages": ["x", " "], "answer": "x"}`:                              "messages[1] is empty",
		`{"kind": "a", "messages": [7], "answer": "x"}`:                                     "messages[0] is 7, want what the user says, as a text",
		`{"kind": "a", "messages": [{"role": "assistant", "content": "x"}], "answer": "x"}`: `messages[0] is by "assistant"`,
		`{"kind": "a", "messages": ["x"]}`:                                                  "answer is missing",
		`{"kind": "a", "messages": ["x"], "answer": "("}`:                                   "answer is no regular expression",
		strings.Repeat("x", maxQuestionBytes+1):                                             "a line is longer than",
	} {
		if _, err := ReadQuestions(strings.NewReader(line)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: %v, want %q", line, err, want)
		}
	}
}

// What stands under the name is looked at before it is opened: nobody writes into a pipe that is given by mistake.
func TestQuestionsAreAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "questions")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenQuestions(path); err == nil || !strings.Contains(err.Error(), "is a pipe, want a regular file") {
		t.Errorf("got %v", err)
	}
}

// A pattern that takes exponential time is told, not waited for.
func TestHostilePattern(t *testing.T) {
	q, err := parseQuestion([]byte(`{"kind": "a", "messages": ["x"], "answer": "^(a|aa|aaa)+$"}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := q.Right(strings.Repeat("a", 5000) + "b"); err == nil || !strings.Contains(err.Error(), "takes too long on an answer of 5001 bytes") {
		t.Errorf("got %v", err)
	}
}

func TestLoops(t *testing.T) {
	for answer, want := range map[string]bool{
		"": false, "one two three four five six seven eight": false,
		"one two three four five six seven eight one two three four five six seven eight": true,
		"one two three four five six seven nine one two three four five six seven eight":  false,
		strings.Repeat("no ", 9): true,
	} {
		if Loops(answer) != want {
			t.Errorf("%q: want %v", answer, want)
		}
	}
}

func TestAnswers(t *testing.T) {
	a := Answers{About: About{Complete: true}, Questions: "q.jsonl", Show: ShowWrong}
	for i, kind := range []string{"facts", "sums", "facts", "facts"} {
		a.Add(Answer{Kind: kind, Turns: []string{"one", "two"}, Answers: []string{"first", "second"}, Pattern: "x+", Right: i < 2, Loops: i == 1, Cut: i == 3})
	}
	if a.Right != 0.5 || a.Looping != 0.25 || a.Cut != 0.25 || len(a.Kinds) != 2 || a.Kinds[0].Right != 1 || a.Kinds[0].Asked != 3 || a.Kinds[1].Share != 1 {
		t.Errorf("%+v", a)
	}
	var out strings.Builder
	if err := a.Write(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"4 answers, greedy", "50.0 %", "33.3 %", "same 8 words twice: 25.0 %; cut off: 25.0 %", "wrong: want x+\n> one\nfirst\n> two\nsecond\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	if err := xml.Unmarshal([]byte(a.SVG()), new(any)); err != nil {
		t.Error(err)
	}
}
