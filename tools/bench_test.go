package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/samba-web/samba/tools/bench"
	"github.com/samba-web/samba/tools/browser"
	"github.com/samba-web/samba/tools/site"
)

func TestBenchRefuses(t *testing.T) {
	for _, c := range []struct {
		arguments []string
		want      string
	}{
		{[]string{}, "at least one of the flags in the group [model random] is required"},
		{[]string{"--random", "7B"}, `--random: random model "7B", want one of tiny, 421M, 1.3B, 1.7B, 3.8B; -transformer behind it`},
		{[]string{"--random", "tiny", "--bits", "3"}, "--bits is 3, want 4, 8 or 16"},
		{[]string{"--model", "x", "--bits", "8"}, "--bits is for --random"},
		{[]string{"--random", "tiny", "--prompt", "0"}, "--prompt is 0, want 1 to 1048576"},
		{[]string{"--random", "tiny", "--generate", "-1"}, "--generate is -1, want 1 to"},
		{[]string{"--random", "tiny", "--runs", "0"}, "--runs is 0, want 1 to 1000"},
		{[]string{"--random", "tiny", "--loads", "0"}, "--loads is 0, want 1 to 100"},
		{[]string{"--random", "tiny", "--backend", "abacus"}, `--backend is "abacus", want one of`},
		{[]string{"--model", filepath.Join(t.TempDir(), "none")}, "none: there is no such folder"},
		{[]string{"--random", "tiny", "--backend", "cpu", "--json", filepath.Join(t.TempDir(), "none", "out"), "--prompt", "4", "--generate", "2", "--runs", "1"}, "--json: open"},
	} {
		_, _, err := samba(t, append([]string{"bench"}, c.arguments...)...)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("samba bench %s: %v, want %q", strings.Join(c.arguments, " "), err, c.want)
		}
	}
}

// The whole way: random weights made in the worker, measured there, told here.
func TestBenchInChromium(t *testing.T) {
	if err := checkSite(site.FS); err != nil {
		t.Skipf("the site is not built: %v", err)
	}
	if _, err := browser.Find(browser.Chromium, ""); err != nil {
		t.Skip(err)
	}
	file := filepath.Join(t.TempDir(), "bench.json")
	out, _, err := samba(t, "bench", "--random", "tiny", "--backend", "chromium", "--prompt", "80", "--generate", "12", "--runs", "1", "--loads", "1",
		"--kernels", "--roofline=false", "--json", file)
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
	if f.Prefill.Median <= 0 || f.Decode.Median <= 0 || f.FirstToken.Median <= 0 || f.Load.Median <= 0 || f.DecodeBytesPerSecond <= 0 {
		t.Errorf("figures: %+v, want all of them", f)
	}
	if !strings.HasPrefix(r.Browser, "Chrom") && !strings.HasPrefix(r.Browser, "HeadlessChrome/") {
		t.Errorf("browser is %q", r.Browser)
	}
	for name, kernels := range map[string]int{"decode": len(r.Measured.DecodeKernels), "prefill": len(r.Measured.PrefillKernels)} {
		if kernels < 5 {
			t.Errorf("%s: times of %d kernels", name, kernels)
		}
	}
	for _, want := range []string{"random:tiny", "first token, ms", "decode, tokens/s", "dispatches", "mlp.down_proj.weight"} {
		if !strings.Contains(out, want) {
			t.Errorf("the table has no %q:\n%s", want, out)
		}
	}
}
