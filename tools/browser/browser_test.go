//go:build linux

package browser

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestFindSaysWhatToDo(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	t.Setenv("CHROME", "")
	t.Setenv("FIREFOX", "")
	for name, want := range map[string]string{
		Chromium: "chromium is not installed (tried chromium, chromium-browser,",
		Firefox:  "install it (on Debian: apt-get install firefox-esr), or name its program by --browser-path or the environment's FIREFOX",
	} {
		_, err := Find(name, "")
		if !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q in it", name, err, want)
		}
	}
	t.Setenv("CHROME", "/none/chrome")
	if _, err := Find(Chromium, ""); err == nil || !strings.Contains(err.Error(), `the environment's CHROME names "/none/chrome"`) {
		t.Errorf("CHROME: %v", err)
	}
}

func TestChromiumArguments(t *testing.T) {
	t.Setenv("CHROME_GPU_FLAGS", "--use-vulkan=native --flag")
	joined := strings.Join(chromiumArguments("/p", "http://x/", []string{"--more"}), " ")
	for _, want := range []string{"--headless --no-sandbox --user-data-dir=/p", "--use-vulkan=native --flag --more http://x/"} {
		if !strings.Contains(joined, want) {
			t.Errorf("no %q in %q", want, joined)
		}
	}
	if strings.Contains(joined, "--enable-unsafe-webgpu") {
		t.Errorf("CHROME_GPU_FLAGS replaces our choice, got %q", joined)
	}
	t.Setenv("CHROME_GPU_FLAGS", StockFlags)
	if got := strings.Join(AdapterFlags(Chromium), " "); got != StockFlags || strings.Contains(got, "unsafe") || strings.Contains(got, "dawn") {
		t.Errorf("a stock Chromium has %q, want %q", got, StockFlags)
	}
}

func TestOpensThePageAndCleansUp(t *testing.T) {
	if testing.Short() {
		t.Skip("left out by -short: it starts browsers")
	}
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) {
			if _, err := Find(name, ""); err != nil {
				t.Skip(err)
			}
			temporary := shortFolder(t)
			t.Setenv("TMPDIR", temporary)
			opened := make(chan string, 8)
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { opened <- r.URL.String() }))
			defer server.Close()

			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			b, err := Start(ctx, Options{Name: name, URL: server.URL + "/page?a=1"})
			if err != nil {
				t.Fatal(err)
			}
			defer b.Close()
			select {
			case got := <-opened:
				if got != "/page?a=1" {
					t.Errorf("opened %q", got)
				}
			case <-b.Done():
				t.Fatal(b.Err())
			case <-ctx.Done():
				t.Fatal("the page was not opened")
			}
			if err := b.Err(); err != nil {
				t.Errorf("running, but Err says %v", err)
			}
			b.Close()
			if left, _ := filepath.Glob(filepath.Join(temporary, "*")); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
			assertGroupGone(t, b.command.Process.Pid)
		})
	}
}

// assertGroupGone fails if a process of the group lives; those that only wait to be reaped do not count.
func assertGroupGone(t *testing.T, group int) {
	t.Helper()
	for range 40 {
		if !groupLives(group) {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Errorf("processes of group %d live on", group)
}

func groupLives(group int) bool {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		stat, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		// pid (name) state ppid pgrp ...; the name may hold spaces
		fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
		if len(fields) > 2 && fields[0] != "Z" && fields[0] != "X" && fields[2] == strconv.Itoa(group) {
			return true
		}
	}
	return false
}

func TestContextEndsIt(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	b := startScript(t, ctx, "sleep 1000 & sleep 1000")
	cancel()
	select {
	case <-b.Done():
	case <-time.After(10 * time.Second):
		t.Fatal("still running")
	}
	assertGroupGone(t, b.command.Process.Pid)
}

func TestQuotesLastWords(t *testing.T) {
	b := startScript(t, context.Background(), "for i in 1 2 3 4 5 6 7 8 9; do echo line $i >&2; done; kill -SEGV $$")
	<-b.Done()
	want := "chromium ended by itself (signal: " + syscall.SIGSEGV.String() + "); its last words:\n  line 4\n  line 5"
	if err := b.Err(); !strings.HasPrefix(err.Error(), want) || !strings.HasSuffix(err.Error(), "line 9") {
		t.Errorf("got %q", err)
	}
	b.Close() // harmless by now
}

func startScript(t *testing.T, ctx context.Context, script string) *Browser {
	t.Helper()
	path := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	b, err := Start(ctx, Options{Name: Chromium, Path: path, URL: "about:blank"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
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
