package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/samba-web/samba/tools/browser"
)

// TestMain lets this binary be the runner, too.
func TestMain(m *testing.M) {
	if os.Getenv("GOTEST_IS_RUNNER") != "" {
		main()
	}
	os.Exit(m.Run())
}

// buildSample compiles testdata/sample for js/wasm.
func buildSample(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "sample.test")
	build := exec.Command("go", "test", "-c", "-o", binary, "./testdata/sample")
	build.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("the sample does not build: %v\n%s", err, out)
	}
	return binary
}

// runner runs the runner as `go test -exec` would: in the package's folder.
func runner(t *testing.T, environment []string, arguments ...string) (output string, status int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(ctx, self, arguments...)
	command.Dir = filepath.Join("testdata", "sample")
	command.Env = append(append(os.Environ(), "GOTEST_IS_RUNNER=1"), environment...)
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	var both bytes.Buffer
	command.Stdout, command.Stderr = &both, &both
	err = command.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return both.String(), command.ProcessState.ExitCode()
}

func TestRunner(t *testing.T) {
	binary := buildSample(t)
	for _, name := range browser.Names() {
		t.Run(name, func(t *testing.T) {
			if _, err := browser.Find(name, ""); err != nil {
				t.Skip(err)
			}
			temporary := shortFolder(t) // the browser's folders land here, and must be gone afterwards
			for _, c := range []struct {
				what, sample string
				arguments    []string
				status       int
				want         []string
			}{
				{"passes", "here", []string{"-test.v"}, 0,
					[]string{"--- PASS: TestAdapter", "--- PASS: TestFiles", "half a line, and the rest\n", "to stderr äääää\n", "environment: here", "\nPASS\n"}},
				{"fails", "fail", []string{"-test.run=End"}, 1, []string{"failing as asked", "\nFAIL\n"}},
				{"panics", "panic", []string{"-test.run=End"}, 2, []string{"panic: panicking as asked", "sample_test.go"}},
				{"alarm of the test", "hang", []string{"-test.run=End", "-test.timeout=1s"}, 2, []string{"panic: test timed out after 1s"}},
			} {
				t.Run(c.what, func(t *testing.T) {
					output, status := runner(t, []string{"SAMBA_SAMPLE=" + c.sample, "TMPDIR=" + temporary}, append([]string{name, binary}, c.arguments...)...)
					if status != c.status {
						t.Errorf("exit status %d, want %d", status, c.status)
					}
					for _, want := range c.want {
						if !strings.Contains(output, want) {
							t.Errorf("no %q in the output", want)
						}
					}
					if left, _ := filepath.Glob(filepath.Join(temporary, "*")); len(left) > 0 {
						t.Errorf("left behind: %v", left)
					}
					if t.Failed() {
						t.Logf("output:\n%s", output)
					}
				})
			}
		})
	}
}

func TestRunnerGivesUp(t *testing.T) {
	if _, err := browser.Find(browser.Chromium, ""); err != nil {
		t.Skip(err)
	}
	output, status := runner(t, []string{"SAMBA_SAMPLE=hang"}, "-timeout=3s", "chromium", buildSample(t), "-test.run=End")
	if status != statusFailed || !strings.Contains(output, "sample.test in chromium: no result within 3s") {
		t.Errorf("status %d, output:\n%s", status, output)
	}
}

func TestRunnerNamesWhatIsWrong(t *testing.T) {
	dying := filepath.Join(t.TempDir(), "dying")
	if err := os.WriteFile(dying, []byte("#!/bin/sh\necho the display is on fire >&2\nexit 3\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	broken := filepath.Join(t.TempDir(), "broken.test")
	if err := os.WriteFile(broken, []byte("not WebAssembly"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what      string
		arguments []string
		status    int
		want      string
	}{
		{"no arguments", nil, statusUsage, "usage: gotest"},
		{"no binary", []string{"chromium"}, statusUsage, "usage: gotest"},
		{"unknown browser", []string{"netscape", broken}, statusFailed, `browser "netscape" is unknown: choose one of chromium, firefox`},
		{"browser not there", []string{"-browser-path=/none/chromium", "chromium", broken}, statusFailed, `--browser-path names "/none/chromium" for chromium`},
		{"browser dies", []string{"-browser-path=" + dying, "firefox", broken}, statusFailed, "firefox ended by itself (exit status 3); its last words:\n  the display is on fire"},
	} {
		t.Run(c.what, func(t *testing.T) {
			output, status := runner(t, nil, c.arguments...)
			if status != c.status || !strings.Contains(output, c.want) {
				t.Errorf("status %d, want %d; want %q in:\n%s", status, c.status, c.want, output)
			}
		})
	}
	t.Run("no WebAssembly", func(t *testing.T) {
		if _, err := browser.Find(browser.Chromium, ""); err != nil {
			t.Skip(err)
		}
		output, status := runner(t, nil, "chromium", broken)
		if status != statusFailed || !strings.Contains(output, "CompileError") {
			t.Errorf("status %d, output:\n%s", status, output)
		}
	})
}

func TestDefaultLimit(t *testing.T) {
	for argument, want := range map[string]time.Duration{
		"-test.v":            10 * time.Minute,
		"-test.timeout=2m0s": 2*time.Minute + 30*time.Second,
		"-test.timeout=0s":   24 * time.Hour,
		"-test.timeout=soon": 10 * time.Minute,
	} {
		if got := defaultLimit([]string{"x.test", argument}); got != want {
			t.Errorf("%s: %v, want %v", argument, got, want)
		}
	}
}

// shortFolder is a temporary folder short enough for a socket's path.
func shortFolder(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("/tmp", "s")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	return folder
}
