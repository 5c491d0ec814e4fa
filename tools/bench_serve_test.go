package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/samba-web/samba/tools/bench"
)

// A short load with all its faults: no answer is lost, duplicated, mixed up or different.
func TestBenchServe(t *testing.T) {
	t.Setenv(asSamba, "1") // for the server that it starts
	out, _, err := samba(t, "bench", "serve", "--model", talkingFolder(t), "--backend", "cpu", "--clients", "12", "--seconds", "3",
		"--conversations", "6", "--tokens", "24", "--batch", "4", "--sessions", "5", "--memory-mb", "700", "--json", "-")
	if err != nil {
		t.Fatal(err)
	}
	var report bench.LoadReport
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if report.Wrong != 0 || report.Kills != 1 || report.Answers+report.Unfinished == 0 || report.Model != "tiny" || report.MemoryBytes <= 0 || report.Attacks == 0 || report.Refused == 0 {
		t.Errorf("%s", out)
	}
	for _, c := range []struct{ flag, value, want string }{
		{"--clients", "0", "--clients is 0"}, {"--seconds", "-1", "--seconds is -1"}, {"--memory-mb", "0", "--memory-mb is 0"}, {"--backend", "chromium", "want native or cpu"}, {"--model", "nowhere", "no such folder"},
	} {
		if _, _, err := samba(t, "bench", "serve", c.flag, c.value); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %s: %v", c.flag, c.value, err)
		}
	}
}
