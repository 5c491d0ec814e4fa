package convert

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
)

func TestCommand(t *testing.T) {
	r := tiny(nil)
	path, config := save(t, checkpoint(r, 12).pth("FloatStorage")), saveConfig(t, r)
	to := filepath.Join(t.TempDir(), "model")
	execute := func(args ...string) (stdout, stderr string, err error) {
		cmd := Command()
		var out, errs bytes.Buffer
		cmd.SetOut(&out)
		cmd.SetErr(&errs)
		cmd.SetArgs(args)
		err = cmd.ExecuteContext(t.Context())
		return out.String(), errs.String(), err
	}
	stdout, stderr, err := execute("--from", path, "--to", to, "--config", config, "--bits", "4", "--group-size", "32")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"in 1 shard\n", "2 layers of mamba", "2 layers of sliding attention", "no tokenizer"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("%q is not in the summary:\n%s", want, stdout)
		}
	}
	if stderr != "" {
		t.Errorf("no terminal, yet there was output: %q", stderr)
	}
	stdout, stderr, err = execute("--from", path, "--to", to, "--config", config)
	if err == nil || stdout != "" || stderr != "" {
		t.Errorf("got error %v and output %q, %q: want an error alone", err, stdout, stderr)
	}
	if _, _, err = execute("--from", path); err == nil || !strings.Contains(err.Error(), `"to" not set`) {
		t.Errorf("got error %v, want one about --to", err)
	}
}

func TestNumbers(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 421793280: "421,793,280"} {
		if got := thousands(n); got != want {
			t.Errorf("thousands(%d) = %q, want %q", n, got, want)
		}
	}
}
