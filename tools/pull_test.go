package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/samba-web/samba/tools/hub/hubtest"
)

// A published model is fetched, packed where that is asked for, and nothing else stays.
func TestPull(t *testing.T) {
	h := hubtest.New(t, map[string]string{"org/granite": "../model/families/testdata/granite_a"})
	for _, bits := range []string{"", "4"} {
		to := filepath.Join(t.TempDir(), "model")
		arguments := []string{"pull", "org/granite", "--hub", h.URL, "--to", to}
		if bits != "" {
			arguments = append(arguments, "--bits", bits)
		}
		stdout, _, err := samba(t, arguments...)
		if err != nil {
			t.Fatal(err)
		}
		if strings.TrimSpace(stdout) != to {
			t.Errorf("stdout %q, want the folder", stdout)
		}
		text, err := os.ReadFile(filepath.Join(to, "config.json"))
		if err != nil {
			t.Fatal(err)
		}
		if packed := strings.Contains(string(text), `"quantization"`); packed != (bits != "") {
			t.Errorf("--bits %s: config.json says packed: %v", bits, packed)
		}
		if entries, _ := os.ReadDir(filepath.Dir(to)); len(entries) != 1 {
			t.Errorf("left beside the folder: %v", entries)
		}
	}
	for want, arguments := range map[string][]string{
		"--bits is 5":         {"org/granite", "--bits", "5"},
		"names no model":      {"granite"},
		"there is no model":   {"org/none"},
		"--token-file: stat ": {"org/granite", "--token-file", "not-there"},
	} {
		if _, _, err := samba(t, append([]string{"pull", "--hub", h.URL, "--to", filepath.Join(t.TempDir(), "m")}, arguments...)...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", arguments, err, want)
		}
	}
}
