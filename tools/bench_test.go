package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/samba-web/samba/tools/bench"
	"github.com/samba-web/samba/tools/browser"
)

func TestBenchRefuses(t *testing.T) {
	for _, c := range []struct {
		arguments []string
		want      string
	}{
		{[]string{}, "at least one of the flags in the group [model random] is required"},
		{[]string{"--random", "7B"}, `--random: random model "7B", want one of tiny, 421M, 1.3B, 1.7B, 3.8B, granite-4.0-h-350m, `},
		{[]string{"--random", "tiny", "--bits", "3"}, "--bits is 3, want 4, 8 or 16"},
		{[]string{"--model", "x", "--bits", "16"}, "--bits is 16, want 4 or 8"},
		{[]string{"--random", "tiny", "--threads", "65"}, "--threads is 65, want 1 to 64"},
		{[]string{"--random", "tiny", "--prompt", "0"}, "--prompt is 0, want 1 to 1048576"},
		{[]string{"--random", "tiny", "--generate", "-1"}, "--generate is -1, want 1 to"},
		{[]string{"--random", "tiny", "--runs", "0"}, "--runs is 0, want 1 to 1000"},
		{[]string{"--random", "tiny", "--loads", "0"}, "--loads is 0, want 1 to 100"},
		{[]string{"--random", "tiny", "--batch", "4"}, "--batch is 4, want 2 to 64, with --kernels"},
		{[]string{"--random", "tiny", "--batch", "65", "--kernels"}, "--batch is 65, want 2 to 64, with --kernels"},
		{[]string{"--random", "tiny", "--backend", "firefox", "--stock"}, "--stock is for --backend chromium"},
		{[]string{"--random", "tiny", "--backend", "abacus"}, `--backend is "abacus", want one of`},
		{[]string{"--model", filepath.Join(t.TempDir(), "none")}, "none: there is no such folder"},
		{[]string{"--random", "tiny", "--backend", "cpu", "--json", filepath.Join(t.TempDir(), "none", "out")}, "there is no folder"},
		{[]string{"--random", "tiny", "--backend", "cpu", "--against", filepath.Join(t.TempDir(), "none")}, "--against: "},
		{[]string{"--random", "tiny", "--backend", "cpu", "--against", "bench/runs/h200-2026-11-28-421M.json"}, "its backend is chromium, this run's is cpu"},
	} {
		_, _, err := samba(t, append([]string{"bench"}, c.arguments...)...)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("samba bench %s: %v, want %q", strings.Join(c.arguments, " "), err, c.want)
		}
	}
}

// The whole way: random weights made in the worker, measured there, told here.
func TestBenchInChromium(t *testing.T) {
	needBackend(t, browser.Chromium)
	file := filepath.Join(t.TempDir(), "bench.json")
	out, _, err := samba(t, "bench", "--random", "tiny", "--backend", "chromium", "--prompt", "80", "--generate", "12", "--runs", "1", "--loads", "1",
		"--kernels", "--batch", "3", "--roofline=false", "--json", file)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var r bench.Report
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	f := r.Figures
	if f.Prefill.Median <= 0 || f.Decode.Median <= 0 || f.FirstToken.Median <= 0 || f.Load.Median <= 0 || f.DecodeBytesPerSecond <= 0 ||
		f.Save.Median <= 0 || f.Restore.Median <= 0 {
		t.Errorf("figures: %+v, want all of them", f)
	}
	if !strings.HasPrefix(r.Browser, "Chrom") && !strings.HasPrefix(r.Browser, "HeadlessChrome/") {
		t.Errorf("browser is %q", r.Browser)
	}
	for name, kernels := range map[string]int{"decode": len(r.Measured.DecodeKernels), "batch": len(r.Measured.BatchKernels), "prefill": len(r.Measured.PrefillKernels)} {
		if kernels < 5 {
			t.Errorf("%s: times of %d kernels", name, kernels)
		}
	}
	for _, want := range []string{"random:tiny", "first token, ms", "decode, tokens/s", "state saved, ms", "dispatches", "mlp.down_proj.weight"} {
		if !strings.Contains(out, want) {
			t.Errorf("the table has no %q:\n%s", want, out)
		}
	}
}

// A run beside itself made faster: what is slower is named, in the table, the JSON and the exit status.
func TestBenchAgainst(t *testing.T) {
	stored, now := filepath.Join(t.TempDir(), "stored.json"), filepath.Join(t.TempDir(), "now.json")
	arguments := []string{"bench", "--random", "tiny", "--backend", "cpu", "--prompt", "20", "--generate", "12", "--runs", "2", "--loads", "1", "--json"}
	if _, _, err := samba(t, append(arguments, stored)...); err != nil {
		t.Fatal(err)
	}
	read := func(file string) (r bench.Report) {
		text, err := os.ReadFile(file)
		if err == nil {
			err = json.Unmarshal(text, &r)
		}
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	r := read(stored)
	if r.Measured.Memory.Heap <= 0 || r.Measured.Memory.State <= 0 {
		t.Errorf("memory is %+v", r.Measured.Memory)
	}
	r.Figures.Decode.Median, r.Figures.Decode.Min, r.Figures.Decode.Max = 1e9, 1e9, 1e9
	text, err := json.Marshal(&r)
	if err == nil {
		err = os.WriteFile(stored, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	out, _, err := samba(t, append(arguments, now, "--against", stored)...)
	if !errors.Is(err, errSlower) || !strings.Contains(err.Error(), "decode, tokens/s") {
		t.Errorf("%v, want that decode is slower", err)
	}
	if !strings.Contains(out, "slower: ") {
		t.Errorf("the table does not tell:\n%s", out)
	}
	if r := read(now); r.Against == nil || !slices.Contains(r.Against.Slower, "decode, tokens/s") {
		t.Errorf("the JSON does not tell: %+v", r.Against)
	}
}

func TestLongBenchesRefuse(t *testing.T) {
	for _, c := range []struct{ arguments, want string }{
		{"long-prompt --random 7B", `random model "7B", want one of`},
		{"long-prompt --random tiny-transformer", "its Transformer is measured beside it"},
		{"long-prompt --sizes 1K,...", "--sizes 1K,...: want two numbers before the dots"},
		{"long-prompt --random mamba-tiny", "mamba-tiny does not attend"},
		{"long-prompt --random tiny --beside itself", `--beside is "itself", want transformer or every-layer`},
		{"long-prompt --random tiny --bits 5", "--bits is 5, want 4, 8 or 16"},
		{"long-prompt --random tiny --plot none/x.svg", "there is no folder none"},
		{"long-prompt --random tiny --backend abacus", `--backend is "abacus"`},
		{"long-generate --random tiny --tokens 0", "--tokens is 0, want 1 to"},
		{"long-generate --random tiny --batch 65", "--batch is 65, want 1 to 64"},
		{"soak", "at least one of the flags in the group [model random] is required"},
		{"soak --random tiny --tokens 99999999", "--tokens is 99999999, want 1 to"},
		{"soak --model none", "there is no such folder"},
	} {
		_, _, err := samba(t, append([]string{"bench"}, strings.Fields(c.arguments)...)...)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("samba bench %s: %v, want %q", c.arguments, err, c.want)
		}
	}
}

// The race and the soak on plain Go, whole: both models, every lap, the files.
func TestLongBenches(t *testing.T) {
	folder := t.TempDir()
	run := func(report any, arguments string) string {
		t.Helper()
		file, drawing := filepath.Join(folder, "out.json"), filepath.Join(folder, "out.svg")
		words := strings.Fields(arguments)
		all := slices.Concat([]string{"bench", words[0], "--random", "tiny"}, words[1:], []string{"--backend", "cpu", "--json", file, "--plot", drawing})
		out, _, err := samba(t, all...)
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(file)
		if err == nil {
			err = json.Unmarshal(text, report)
		}
		if err != nil {
			t.Fatal(err)
		}
		if text, err := os.ReadFile(drawing); err != nil || !strings.HasPrefix(string(text), "<svg") {
			t.Errorf("%s: the drawing: %v", arguments, err)
		}
		return out
	}
	for _, arguments := range []string{"long-prompt --sizes 32,64,96", "long-generate --tokens 96 --prompt 4", "long-generate --tokens 20 --batch 2"} {
		var race bench.Race
		out := run(&race, arguments)
		if len(race.Runners) != 2 || !race.Complete || len(race.Runners[0].Laps) == 0 || len(race.Runners[0].Laps) != len(race.Runners[1].Laps) ||
			race.Runners[0].Parameters != 127168 || race.Runners[1].Model != "random:tiny-transformer" || !strings.Contains(out, "127,168 parameters") {
			t.Errorf("%s: %+v\n%s", arguments, race, out)
		}
	}
	// A published model beside itself: what layers without state save is counted.
	var race bench.Race
	out := run(&race, "long-prompt --sizes 32,64 --random phi4flash-tiny --beside every-layer")
	if len(race.Runners) != 2 || len(race.Runners[1].Laps) != 2 || race.Runners[0].Model != race.Runners[1].Model ||
		race.Runners[1].Laps[1].Counted.Ops*10 < race.Runners[0].Laps[1].Counted.Ops*13 {
		t.Errorf("%+v\n%s", race, out)
	}
	var soak bench.Soak
	out = run(&soak, "soak --tokens 240")
	if len(soak.Laps) != 60 || soak.Laps[59].Tokens != 240 || soak.Drift == nil || !soak.Drift.Within || !soak.Verdict.Known {
		t.Errorf("%d laps, %+v, %+v\n%s", len(soak.Laps), soak.Drift, soak.Verdict, out)
	}
}

// The soak in a browser: the memory of WebAssembly and of the browser's processes is told.
func TestSoakInChromium(t *testing.T) {
	needBackend(t, browser.Chromium)
	file := filepath.Join(t.TempDir(), "soak.json")
	if out, _, err := samba(t, "bench", "soak", "--random", "tiny", "--backend", "chromium", "--tokens", "120", "--json", file); err != nil {
		t.Fatal(err, out)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var soak bench.Soak
	if err := json.Unmarshal(text, &soak); err != nil {
		t.Fatal(err)
	}
	first, last := soak.Laps[0].Memory, soak.Laps[len(soak.Laps)-1].Memory
	if len(soak.Laps) != 60 || last.GPU != first.GPU || last.Heap < 1<<20 || soak.Drift == nil || !soak.Drift.Within {
		t.Errorf("%d laps, memory %+v, then %+v, drift %+v", len(soak.Laps), first, last, soak.Drift)
	}
	if last.JS < 100<<10 {
		t.Errorf("the heap of JavaScript has %d bytes", last.JS)
	}
	if runtime.GOOS == "linux" && last.Resident < 50<<20 {
		t.Errorf("the browser's processes have %d bytes", last.Resident)
	}
}
