package main

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/samba-web/samba/tools/site"
)

// samba runs the command in this process.
func samba(t *testing.T, arguments ...string) (stdout, stderr string, err error) {
	t.Helper()
	var out, errors bytes.Buffer
	root := newRoot()
	root.SetArgs(arguments)
	root.SetOut(&out)
	root.SetErr(&errors)
	err = root.ExecuteContext(t.Context())
	return out.String(), errors.String(), err
}

// useSite replaces the built site for a test.
func useSite(t *testing.T, files fs.FS) {
	t.Helper()
	built := site.FS
	site.FS = files
	t.Cleanup(func() { site.FS = built })
}

func writeFile(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestErrorsSayWhatToDo(t *testing.T) {
	folder := t.TempDir()
	writeFile(t, filepath.Join(folder, "file"), "")
	empty := filepath.Join(folder, "empty")
	if err := os.Mkdir(empty, 0o755); err != nil {
		t.Fatal(err)
	}
	fixture := convertFixture(t, "samba-mha")
	ids := func(text string) string { return writeFile(t, filepath.Join(t.TempDir(), "ids.json"), text) }
	logits := func(ids string, more ...string) []string {
		return append([]string{"logits", "--model", fixture, "--ids", ids, "--backend", "cpu", "--out", filepath.Join(folder, "out")}, more...)
	}
	generate := func(more ...string) []string {
		return append([]string{"generate", "--model", fixture, "--backend", "cpu"}, more...)
	}

	for _, c := range []struct {
		arguments []string
		want      string
	}{
		{[]string{"dance"}, `unknown command "dance"`},
		{[]string{"logits"}, `required flag(s) "ids", "model", "out" not set`},
		{[]string{"serve", "--models", filepath.Join(folder, "none")}, "none: there is no such folder"},
		{[]string{"serve", "--tokens", "x"}, "--tokens is for --engine"},
		{[]string{"serve", "--engine", filepath.Join(folder, "none")}, "--engine " + filepath.Join(folder, "none") + ": there is no such folder"},
		{[]string{"serve", "--engine", fixture, "--backend", "firefox"}, `--backend is "firefox", want native or cpu`},
		{[]string{"serve", "--engine", fixture, "--origins", "example.org"}, "want a scheme and a host, such as https://example.org"},
		{[]string{"serve", "--engine", fixture, "--tokens", filepath.Join(folder, "file")}, "has no token: want one a line"},
		{[]string{"serve", "--engine", fixture, "--sessions", "0"}, "--sessions is 0, want 1"},
		{[]string{"serve", "--engine", fixture, "--grace", "-1s"}, "--grace is -1s, want a time"},
		{[]string{"serve", "--addr", "nonsense"}, "want HOST:PORT, such as localhost:8080"},
		{[]string{"convert", "--from", filepath.Join(folder, "none.pth"), "--to", filepath.Join(folder, "to")}, "none.pth"},
		{[]string{"logits", "--model", filepath.Join(folder, "none"), "--ids", "x", "--out", "y"}, "none: there is no such folder"},
		{[]string{"logits", "--model", filepath.Join(folder, "file"), "--ids", "x", "--out", "y"}, "file: this is a file, want a model's folder"},
		{[]string{"logits", "--model", empty, "--ids", "x", "--out", "y"}, "the folder has no config.json, so it is no model's"},
		{logits(ids("[1]"), "--backend", "abacus"), `--backend is "abacus", want one of cpu, native, chromium, firefox`},
		{logits(ids("[1]"), "--chunk", "-1"), "--chunk is -1, want 0 or more"},
		{logits(filepath.Join(folder, "none.json")), "--ids: stat"},
		{logits(ids("{}")), "want a JSON list of token ids, such as [1, 2, 3]"},
		{logits(ids("[1] [2]")), "something follows the JSON list"},
		{logits(ids("[]")), "the list is empty"},
		{logits(ids("[1, 2, 512]")), "ids[2] is 512, want a whole number from 0 to 511 (the model's vocab_size is 512)"},
		{logits(ids("[1, -2]")), "ids[1] is -2, want a whole number"},
		{logits(ids("[1.5]")), "ids[0] is 1.5, want a whole number"},
		{logits(ids("[18446744073709551616]")), "ids[0] is 18446744073709551616, want a whole number"},
		{logits(ids(`["7"]`)), `ids[0] is "7", want a whole number`},
		{logits(ids("[1]"), "--out", filepath.Join(folder, "none", "out")), "cannot be written"},
		{logits(ids("[1]"), "--backend", "chromium", "--browser-path", "/none/chromium"), `--browser-path names "/none/chromium" for chromium`},
		{generate(), "at least one of the flags in the group [prompt chat] is required"},
		{generate("--prompt", "a", "--chat", "b"), "[chat prompt] were all set"},
		{generate("--prompt", ""), "--prompt is empty"},
		{generate("--prompt", "a", "--temperature", "-1"), "temperature is -1, want 0 to 100"},
		{generate("--prompt", "a", "--top-p", "2"), "top_p is 2"},
		{generate("--prompt", "a", "--max-tokens", "0"), "max_tokens is 0"},
		{generate("--prompt", "a"), "no tokenizer.json"},
	} {
		if strings.Contains(strings.Join(c.arguments, " "), "/none/chromium") || c.arguments[0] == "serve" {
			useSite(t, fstest.MapFS{"index.html": {}})
		}
		stdout, _, err := samba(t, c.arguments...)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v:\n got %v\nwant %s", c.arguments, err, c.want)
		} else if strings.Contains(strings.TrimSpace(err.Error()), "\n") {
			t.Errorf("%v: more than a sentence: %v", c.arguments, err)
		}
		if stdout != "" {
			t.Errorf("%v: stdout: %s", c.arguments, stdout)
		}
	}
	left, _ := filepath.Glob(filepath.Join(folder, ".out*"))
	if _, err := os.Stat(filepath.Join(folder, "out")); err == nil || len(left) > 0 {
		t.Errorf("failures left files behind: out, %v", left)
	}
}

func TestProgramWithoutPages(t *testing.T) {
	useSite(t, fstest.MapFS{".keep": {}})
	fixture := convertFixture(t, "samba-mha")
	ids := writeFile(t, filepath.Join(t.TempDir(), "ids.json"), "[1]")
	for _, arguments := range [][]string{
		{"serve"},
		{"logits", "--model", fixture, "--ids", ids, "--backend", "chromium", "--out", filepath.Join(t.TempDir(), "out")},
	} {
		if _, _, err := samba(t, arguments...); err == nil || !strings.Contains(err.Error(), "built without its pages") {
			t.Errorf("%v: %v", arguments, err)
		}
	}
}

func TestServeSaysWhereAndStops(t *testing.T) {
	useSite(t, fstest.MapFS{"index.html": {Data: []byte("home")}})
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	if _, _, err := samba(t, "serve", "--addr", taken.Addr().String()); err == nil || !strings.Contains(err.Error(), "is taken by another program") {
		t.Errorf("a port in use: %v", err)
	}

	models := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	var out bytes.Buffer
	root := newRoot()
	root.SetArgs([]string{"serve", "--addr", "localhost:0", "--models", models})
	root.SetOut(writerFunc(func(p []byte) (int, error) { defer cancel(); return out.Write(p) }))
	if err := root.ExecuteContext(ctx); err != nil {
		t.Errorf("stopping is no error: %v", err)
	}
	if got := out.String(); !strings.HasPrefix(got, "Samba is at http://localhost:") || !strings.Contains(got, "(models from "+models+")") {
		t.Errorf("said %q", got)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestModelsFolder(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, c := range []struct{ make, want string }{{"", ""}, {"models", "models"}, {"www/models", "www/models"}} {
		if err := os.MkdirAll(filepath.Join(".", c.make), 0o755); err != nil {
			t.Fatal(err)
		}
		if got, err := modelsFolder(""); got != c.want || err != nil {
			t.Errorf("%q, %v; want %q", got, err, c.want)
		}
	}
}

func TestWriteWholeKeepsWhatWasThere(t *testing.T) {
	path := writeFile(t, filepath.Join(t.TempDir(), "out"), "before")
	full := &fs.PathError{Op: "write", Path: path, Err: os.ErrClosed}
	if err := writeWhole(path, 0o644, func(w io.Writer) error { w.Write([]byte("half")); return full }); err != full {
		t.Errorf("got %v", err)
	}
	if got, _ := os.ReadFile(path); string(got) != "before" {
		t.Errorf("a failed write left %q", got)
	}
	if entries, _ := os.ReadDir(filepath.Dir(path)); len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
}

func TestVersionAndHelp(t *testing.T) {
	if out, _, err := samba(t, "--version"); err != nil || !strings.HasPrefix(out, "samba ") || len(strings.Split(strings.TrimSpace(out), "\n")) != 1 {
		t.Errorf("%q %v", out, err)
	}
	out, _, err := samba(t)
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range newRoot().Commands() {
		if !strings.Contains(out, "  "+command.Name()+" ") {
			t.Errorf("the help does not name %s", command.Name())
		}
		if help, _, err := samba(t, command.Name(), "--help"); err != nil || !strings.Contains(help, "Usage:") {
			t.Errorf("%s --help: %v\n%s", command.Name(), err, help)
		}
	}
}

func TestLowered(t *testing.T) {
	for sentence, want := range map[string]string{
		"The prompt has no tokens.":  "the prompt has no tokens",
		"GPU memory ran out.":        "GPU memory ran out",
		"/models/x: no such folder.": "/models/x: no such folder",
		"Ü":                          "Ü",
		"":                           "",
	} {
		if got := lowered(sentence); got != want {
			t.Errorf("%q becomes %q, want %q", sentence, got, want)
		}
	}
}
