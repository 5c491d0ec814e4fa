package bench

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/samba-web/samba/model/measure"
)

// measured is a run whose decode takes the given tokens a second.
func measured(decode ...float64) *Report {
	r := &Report{Model: "random:tiny", Backend: "chromium", Adapter: "a GPU", Flags: []string{"--one"}, Parameters: 7, Bits: 4, Prompt: 100, Generate: 21, Load: []float64{1, 1.1}}
	for _, speed := range decode {
		r.Measured.Runs = append(r.Measured.Runs, measure.BenchRun{Prefill: 1, FirstToken: 1.5, Tokens: 20, Decode: 20 / speed})
	}
	r.Measured.Launches = measure.Launches{Decode: 75, Prefill: 200}
	r.Measured.DecodeKernels = []measure.KernelTime{{Kernel: "matvec", Role: "a", Seconds: 1e-3}, {Kernel: "matvec", Role: "b", Seconds: 1e-3}}
	r.Conclude()
	return r
}

func TestAgainst(t *testing.T) {
	stored := measured(100, 102, 104)
	for _, c := range []struct {
		name   string
		now    *Report
		edit   func(r *Report)
		slower []string
		says   []string
	}{
		{name: "the same", now: measured(100, 102, 104), says: []string{"nothing got slower"}},
		{name: "slower by less than noise", now: measured(94, 95, 96), says: []string{"0.931", "alike"}},
		{name: "slower, but one run was as fast", now: measured(60, 70, 101)},
		{name: "slower", now: measured(80, 82, 84), slower: []string{"decode, tokens/s"}, says: []string{"102 (100 to 104)", "0.804", "slower: decode, tokens/s"}},
		{name: "faster", now: measured(150, 152, 155), says: []string{"faster"}},
		{name: "one run tells nothing", now: measured(50), says: []string{"one run"}},
		{name: "a dispatch more", now: measured(100, 102, 104), edit: func(r *Report) { r.Measured.Launches.Decode++ }, slower: []string{"dispatches a token"}},
		{name: "loads longer", now: measured(100, 102, 104), edit: func(r *Report) { r.Load = []float64{1.5, 1.6} }, slower: []string{"load, s"}},
		{name: "another card", now: measured(100, 102, 104), edit: func(r *Report) { r.Adapter, r.Flags = "another", nil }, says: []string{`adapter: "a GPU" then, "another" now`, `flags: "--one" then, "" now`}},
		{name: "a kernel takes longer", now: measured(100, 102, 104), edit: func(r *Report) { r.Measured.DecodeKernels[1].Seconds = 2e-3 }, says: []string{"decode: matvec on b", "2.000"}},
	} {
		if c.edit != nil {
			c.edit(c.now)
			c.now.Conclude()
		}
		got, err := c.now.Compare(stored, "file")
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if !slices.Equal(got.Slower, c.slower) {
			t.Errorf("%s: slower are %q, want %q", c.name, got.Slower, c.slower)
		}
		var out bytes.Buffer
		if err := got.Write(&out); err != nil {
			t.Fatal(err)
		}
		for _, part := range c.says {
			if !strings.Contains(out.String(), part) {
				t.Errorf("%s: the table lacks %q:\n%s", c.name, part, &out)
			}
		}
	}
}

func TestAgainstRefuses(t *testing.T) {
	stored := measured(100, 102)
	for want, edit := range map[string]func(r *Report){
		`its backend is chromium, this run's is firefox`:             func(r *Report) { r.Backend = "firefox" },
		`its model is random:tiny, this run's is random:421M`:        func(r *Report) { r.Model = "random:421M" },
		`its prompt in tokens is 100, this run's is 99`:              func(r *Report) { r.Prompt = 99 },
		`its number of tokens to generate is 21, this run's is 22`:   func(r *Report) { r.Generate = 22 },
		`its --every-layer is false, this run's is true`:             func(r *Report) { r.EveryLayer = true },
		`its number of parameters is 7, this run's is 8`:             func(r *Report) { r.Parameters = 8 },
		`its number of bits of a weight is 4, this run's is 8`:       func(r *Report) { r.Bits = 8 },
		`its place to compute is a GPU, this run's is the processor`: func(r *Report) { r.Measured.Launches.Decode = 0 },
	} {
		now := measured(100, 102)
		edit(now)
		if _, err := now.Compare(stored, "file"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// Runs that are kept can be read, are named by what they hold, and are alike to themselves.
func TestStoredRuns(t *testing.T) {
	files, err := filepath.Glob("runs/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no stored runs: %v", err)
	}
	for _, file := range files {
		r, err := ReadReport(file)
		if err != nil {
			t.Error(err)
			continue
		}
		card := strings.ToLower(strings.TrimPrefix(r.Adapter, "NVIDIA "))
		shape := strings.TrimPrefix(r.Model, "random:")
		if want := card + "-" + r.Date[:10] + "-" + shape + ".json"; filepath.Base(file) != want {
			t.Errorf("%s should be called %s", file, want)
		}
		if c, err := r.Compare(r, file); err != nil || len(c.Slower) > 0 || len(c.Differs) > 0 || len(c.Changes) < 5 {
			t.Errorf("%s beside itself: %+v, %v", file, c, err)
		}
	}
}

func TestReadReportRefuses(t *testing.T) {
	const run = `{"model":"random:tiny","measured":{"runs":[{}]},"figures":{"decode_tokens_per_second":{"median":1,"min":1,"max":1}},"peers":[null]}`
	for text, want := range map[string]string{
		`{`:            "is no run of samba bench --json",
		`{"model":""}`: "it has no model or no measured run",
		`[]`:           "is no run",
		run + run:      "is no run",
		run:            "one of its peers is null",
	} {
		file := filepath.Join(t.TempDir(), "run.json")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadReport(file); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
