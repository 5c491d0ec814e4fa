package main

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/samba-web/samba/tools/browser"
	"github.com/samba-web/samba/tools/eval"
)

func TestEvalRefuses(t *testing.T) {
	folder := t.TempDir()
	text := writeFile(t, filepath.Join(folder, "text"), "a short text")
	model := talkingFixture(t)
	ppl := func(more ...string) []string {
		return append([]string{"ppl", "--model", model, "--backend", "cpu", "--text", text}, more...)
	}
	passkey := func(more ...string) []string {
		return append([]string{"passkey", "--model", model, "--backend", "cpu"}, more...)
	}
	question := writeFile(t, filepath.Join(folder, "q.jsonl"), `{"kind": "talk", "messages": ["Hi"], "answer": "x"}`)
	answers := func(more ...string) []string {
		return append([]string{"answers", "--model", model, "--backend", "cpu", "--questions", question}, more...)
	}
	for _, c := range []struct {
		arguments []string
		want      string
	}{
		{answers("--seeds", "-1"), "--seeds is -1, want 0 to 1000"},
		{answers("--max-tokens", "0"), "--max-tokens is 0, want 1 to 4096"},
		{answers("--show", "none"), `--show is "none", want wrong or all`},
		{answers("--top-p", "0.5"), "change nothing without --seeds"},
		{answers("--seeds", "1", "--top-p", "2"), "top_p is 2"},
		{answers("--questions", folder), "is a folder, want a regular file"},
		{answers("--questions", text), "text: line 1: invalid character"},
		{[]string{"ppl"}, `required flag(s) "model", "text" not set`},
		{[]string{"ppl", "--model", filepath.Join(folder, "none"), "--text", text}, "none: there is no such folder"},
		{ppl("--lengths", "x"), `--lengths x: "x" is no length, want 2 to 4194304 tokens, also as 4K or 1M`},
		{ppl("--lengths", "1"), `"1" is no length`},
		{ppl("--lengths", "16M"), `"16M" is no length`},
		{ppl("--lengths", "4K,...,1M"), "want two numbers before the dots"},
		{ppl("--lengths", "1K,4K,..."), "nothing follows the dots"},
		{ppl("--lengths", "4,6,...,100"), "6 is no multiple of 4"},
		{ppl("--lengths", "4,8", "--tokens", "6X"), `--tokens: "6X" is no length, want 2 to 4194304 tokens, also as 4K or 1M`},
		{ppl("--lengths", "4,8", "--tokens", "1K"), "has 12 tokens for this model, want at least 1024"},
		{ppl("--lengths", "4,8", "--tokens", "6"), "--tokens is 6, want at least the longest of --lengths, 8"},
		{ppl("--lengths", "8K"), "has 12 tokens for this model, want at least 8192: give a longer text or shorter --lengths"},
		{ppl("--json", filepath.Join(folder, "none", "out")), "there is no folder " + filepath.Join(folder, "none")},
		{ppl("--plot", filepath.Join(text, "out")), "there is no folder " + text},
		{ppl("--text", filepath.Join(folder, "none")), "--text: stat"},
		{ppl("--text", writeFile(t, filepath.Join(folder, "blank"), " \n")), "blank is empty"},
		{ppl("--text", writeFile(t, filepath.Join(folder, "latin"), "na\xefve")), "latin: byte 2 is not UTF-8"},
		{[]string{"ppl", "--model", convertFixture(t, fixtures[0]), "--backend", "cpu", "--text", text, "--lengths", "4"}, "no tokenizer.json"},
		{passkey("--depths", "0"), "--depths is 0, want 1 to 101"},
		{passkey("--keys", "-1"), "--keys is -1, want 1 to 1000"},
		{passkey("--lengths", "64"), "a passkey prompt of 64 tokens has no room for any garbage: this model's tokenizer needs at least"},
	} {
		stdout, _, err := samba(t, append([]string{"eval"}, c.arguments...)...)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("samba eval %s:\n got %v\nwant %s", strings.Join(c.arguments, " "), err, c.want)
		}
		if stdout != "" {
			t.Errorf("samba eval %s: stdout %q", strings.Join(c.arguments, " "), stdout)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(folder, ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// readReport returns a JSON file's value, and refuses an SVG file that is no XML.
func readReport[T any](t *testing.T, path, plot string) (v T) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(data, &v)
	}
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(plot)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for decoder := xml.NewDecoder(file); ; {
		if _, err := decoder.Token(); err == io.EOF {
			return v
		} else if err != nil {
			t.Fatalf("%s: %v", plot, err)
		}
	}
}

// Every backend finds the perplexity that the model's logits have.
func TestEvalPerplexity(t *testing.T) {
	folder := talkingFixture(t)
	text := strings.Repeat("The grass is green. ", 8)[:130] // a token a byte
	path := writeFile(t, filepath.Join(t.TempDir(), "grass.txt"), text)
	want := map[int]float64{}
	for _, backend := range []string{backendCPU, backendNative, browser.Chromium} {
		t.Run(backend, func(t *testing.T) {
			needBackend(t, backend)
			out := t.TempDir()
			stdout, _, err := samba(t, "eval", "ppl", "--model", folder, "--backend", backend, "--text", path, "--lengths", "8,16,...,128",
				"--json", filepath.Join(out, "p.json"), "--plot", filepath.Join(out, "p.svg"))
			if err != nil {
				if strings.Contains(err.Error(), "adapter") && backend != backendNative {
					t.Skip(err)
				}
				t.Fatal(err)
			}
			report := readReport[eval.Perplexity](t, filepath.Join(out, "p.json"), filepath.Join(out, "p.svg"))
			if !report.Complete || report.Tokens != 128 || report.Text != "grass.txt" || report.Backend != backend || len(report.Rows) != 5 || len(report.ByPosition) != 1 {
				t.Fatalf("report: %+v", report)
			}
			for i, row := range report.Rows {
				if row.Length != 8<<i || row.Sequences != 16>>i || row.Scored != 128-16>>i {
					t.Errorf("row %d: %+v", i, row)
				}
				if math.Abs(row.Perplexity-math.Exp(row.Nats)) > 1e-6*row.Perplexity {
					t.Errorf("row %d: perplexity %g of %g nats", i, row.Perplexity, row.Nats)
				}
				if backend == backendCPU {
					want[row.Length] = row.Nats
				} else if d := math.Abs(row.Nats - want[row.Length]); !(d < 1e-3) {
					t.Errorf("length %d: %g nats, on the CPU %g", row.Length, row.Nats, want[row.Length])
				}
			}
			for _, words := range []string{"grass.txt, 128 tokens", "perplexity", "by position"} {
				if !strings.Contains(stdout, words) {
					t.Errorf("the table has no %q:\n%s", words, stdout)
				}
			}
		})
	}
	// The logits themselves, through another command.
	ids := writeFile(t, filepath.Join(t.TempDir(), "ids.json"), idsOfBytes(t, folder, text[:128]))
	out := filepath.Join(t.TempDir(), "logits")
	if _, _, err := samba(t, "logits", "--model", folder, "--backend", "cpu", "--ids", ids, "--out", out); err != nil {
		t.Fatal(err)
	}
	if got, direct := want[128], meanNats(t, ids, out); math.Abs(got-direct) > 1e-4 {
		t.Errorf("perplexity says %g nats, the logits %g", got, direct)
	}
}

func TestEvalPasskey(t *testing.T) {
	folder, out := talkingFixture(t), t.TempDir()
	stdout, _, err := samba(t, "eval", "passkey", "--model", folder, "--backend", "cpu", "--lengths", "600,800", "--depths", "3", "--keys", "2",
		"--json", filepath.Join(out, "k.json"), "--plot", filepath.Join(out, "k.svg"))
	if err != nil {
		t.Fatal(err)
	}
	report := readReport[eval.Passkey](t, filepath.Join(out, "k.json"), filepath.Join(out, "k.svg"))
	if !report.Complete || len(report.Rows) != 2 || len(report.Depth) != 3 {
		t.Fatalf("report: %+v", report)
	}
	for i, row := range report.Rows {
		length := []int{600, 800}[i]
		if row.Tokens > length || row.Tokens < length-100 {
			t.Errorf("prompts of %d tokens, want %d at most and hardly fewer", row.Tokens, length)
		}
		if row.Retrieved != 0 || row.Wrong == "" { // its weights are random
			t.Errorf("row %d: %+v", i, row)
		}
		for _, asked := range row.Asked {
			if asked != 2 {
				t.Errorf("row %d: asked %v, want 2 each", i, row.Asked)
			}
		}
	}
	if !strings.Contains(stdout, "retrieved") || !strings.Contains(stdout, "50 %") {
		t.Errorf("table:\n%s", stdout)
	}
}

// A key may be hidden in a text of one's own, each in another passage.
func TestEvalPasskeyInText(t *testing.T) {
	folder, out := talkingFixture(t), t.TempDir()
	text := filepath.Join(out, "book.txt")
	if err := os.WriteFile(text, []byte(strings.Repeat("Call me Ishmael. Some years ago, never mind how long precisely. ", 20)), 0o644); err != nil {
		t.Fatal(err)
	}
	run := func(lengths string) (string, error) {
		stdout, _, err := samba(t, "eval", "passkey", "--model", folder, "--backend", "cpu", "--text", text, "--lengths", lengths, "--depths", "2", "--keys", "2",
			"--json", filepath.Join(out, "k.json"), "--plot", filepath.Join(out, "k.svg"))
		return stdout, err
	}
	stdout, err := run("500,700")
	if err != nil {
		t.Fatal(err)
	}
	report := readReport[eval.Passkey](t, filepath.Join(out, "k.json"), filepath.Join(out, "k.svg"))
	if !report.Complete || report.Text != "book.txt" || !strings.Contains(stdout, "hidden in book.txt") {
		t.Errorf("report: %+v\n%s", report, stdout)
	}
	for i, row := range report.Rows {
		if length := []int{500, 700}[i]; row.Tokens > length+4 || row.Tokens < length-4 {
			t.Errorf("prompts of %d tokens, want %d", row.Tokens, length)
		}
	}
	if _, err := run("500,9000"); err == nil || !strings.Contains(err.Error(), "--text has 1280 tokens for this model, want at least") {
		t.Errorf("a text that is too short: %v", err)
	}
}

// Every turn is answered, greedily or once a seed, and what came is in the report.
func TestEvalAnswers(t *testing.T) {
	folder, out := talkingFixture(t), t.TempDir()
	questions := writeFile(t, filepath.Join(out, "q.jsonl"), `{"kind": "any", "messages": ["Hello", "And then?"], "answer": "[^q]"}
{"kind": "none", "messages": ["Hello"], "answer": "no model says this"}`)
	run := func(more ...string) (eval.Answers, string) {
		stdout, _, err := samba(t, append([]string{"eval", "answers", "--model", folder, "--backend", "cpu", "--questions", questions, "--max-tokens", "12",
			"--json", filepath.Join(out, "a.json"), "--plot", filepath.Join(out, "a.svg")}, more...)...)
		if err != nil {
			t.Fatal(err)
		}
		return readReport[eval.Answers](t, filepath.Join(out, "a.json"), filepath.Join(out, "a.svg")), stdout
	}
	report, stdout := run("--show", "all")
	if !report.Complete || report.Right != 0.5 || len(report.Given) != 2 || len(report.Given[0].Answers) != 2 || report.Given[1].Right {
		t.Errorf("report: %+v", report)
	}
	if !strings.Contains(stdout, "> And then?\n"+report.Given[0].Answers[1]) {
		t.Errorf("no answers in\n%s", stdout)
	}
	// The second turn's answer is the one that a chat gives.
	if again, _ := run(); again.Given[0].Answers[1] != report.Given[0].Answers[1] {
		t.Errorf("greedy answers differ: %q, %q", again.Given[0].Answers, report.Given[0].Answers)
	}
	sampled, _ := run("--seeds", "3", "--temperature", "1.5")
	if len(sampled.Given) != 6 || sampled.Given[2].Seed != 3 || sampled.Settings["temperature"] != 1.5 || sampled.Given[0].Answers[0] == sampled.Given[1].Answers[0] {
		t.Errorf("sampled: %+v", sampled)
	}
}

// What was measured before Ctrl-C is not lost.
func TestEvalInterrupted(t *testing.T) {
	folder, out := talkingFixture(t), filepath.Join(t.TempDir(), "k.json")
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	root := newRoot()
	root.SetArgs([]string{"eval", "passkey", "--model", folder, "--backend", "cpu", "--lengths", "600", "--depths", "100", "--keys", "100", "--json", out})
	root.SetOut(io.Discard)
	err := root.ExecuteContext(ctx)
	if !errors.Is(err, errInterrupted) {
		t.Fatalf("ended with %v", err)
	}
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	var report eval.Passkey
	if err := json.Unmarshal(data, &report); err != nil {
		t.Fatal(err)
	}
	if report.Complete || len(report.Rows) != 1 || report.Rows[0].Asked[0] == 0 || report.Rows[0].Asked[99] != 0 {
		t.Errorf("report of an interrupted run: %+v", report)
	}
}

// idsOfBytes spells a text in talkingFixture's tokens.
func idsOfBytes(t *testing.T, folder, text string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(folder, "tokenizer.json"))
	if err != nil {
		t.Fatal(err)
	}
	var tokenizer struct {
		Model struct {
			Vocab map[string]uint32 `json:"vocab"`
		} `json:"model"`
	}
	if err := json.Unmarshal(data, &tokenizer); err != nil {
		t.Fatal(err)
	}
	var ids []uint32
	for _, letter := range strings.ReplaceAll(text, " ", "\u0120") {
		ids = append(ids, tokenizer.Model.Vocab[string(letter)])
	}
	list, err := json.Marshal(ids)
	if err != nil {
		t.Fatal(err)
	}
	return string(list)
}

// meanNats is the mean of -log p(ids[i+1] | ids[..i]) by a file of logits.
func meanNats(t *testing.T, idsFile, logitsFile string) float64 {
	t.Helper()
	ids, err := readIDs(idsFile, 512)
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(logitsFile)
	if err != nil {
		t.Fatal(err)
	}
	total := 0.0
	for i, next := range ids[1:] {
		sum, own := 0.0, 0.0
		for j := range 512 {
			l := float64(math.Float32frombits(binary.LittleEndian.Uint32(data[4*(512*i+j):])))
			sum += math.Exp(l)
			if uint32(j) == next {
				own = l
			}
		}
		total += math.Log(sum) - own
	}
	return total / float64(len(ids)-1)
}
