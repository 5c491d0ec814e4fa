//go:build js && wasm

// Package sample is what gotest's own tests run in browsers. One test fails where the environment asks for it.
package sample

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall/js"
	"testing"
	"time"
)

func await(promise js.Value) (js.Value, error) {
	type result struct {
		value js.Value
		err   error
	}
	settled := make(chan result, 1)
	resolve := js.FuncOf(func(_ js.Value, args []js.Value) any { settled <- result{value: args[0]}; return nil })
	reject := js.FuncOf(func(_ js.Value, args []js.Value) any {
		settled <- result{err: errors.New(args[0].Call("toString").String())}
		return nil
	})
	defer resolve.Release()
	defer reject.Release()
	promise.Call("then", resolve, reject)
	r := <-settled
	return r.value, r.err
}

func TestAdapter(t *testing.T) {
	if js.Global().Get("WorkerGlobalScope").IsUndefined() {
		t.Fatal("not in a worker")
	}
	gpu := js.Global().Get("navigator").Get("gpu")
	if gpu.IsUndefined() {
		t.Fatal("navigator.gpu is undefined in the worker")
	}
	adapter, err := await(gpu.Call("requestAdapter"))
	if err != nil || adapter.IsNull() {
		t.Fatalf("no adapter: %v %v", adapter, err)
	}
	info := adapter.Get("info")
	t.Logf("%s: adapter %q %q", os.Getenv("SAMBA_BROWSER"), info.Get("vendor").String(), info.Get("architecture").String())
	device, err := await(adapter.Call("requestDevice"))
	if err != nil {
		t.Fatalf("no device: %v", err)
	}
	device.Call("destroy")
}

func TestFiles(t *testing.T) {
	note, err := os.ReadFile("testdata/note.txt")
	if err != nil || string(note) != "read me\n" {
		t.Fatalf("note: %q %v", note, err)
	}
	entries, err := os.ReadDir(".")
	if err != nil || len(entries) != 2 || entries[0].Name() != "sample_test.go" || !entries[1].IsDir() {
		t.Fatalf("entries: %v %v", entries, err)
	}
	root := "../../../../.."
	if goMod, err := os.ReadFile(root + "/go.mod"); err != nil || !bytes.HasPrefix(goMod, []byte("module ")) {
		t.Fatalf("go.mod: %.40q %v", goMod, err)
	}
	for path, want := range map[string]error{
		"testdata/none":            fs.ErrNotExist,
		root + "/../../etc/passwd": fs.ErrNotExist,
		"/etc/passwd":              fs.ErrNotExist,
	} {
		if _, err := os.ReadFile(path); err == nil || !errors.Is(err, want) && !errors.Is(err, fs.ErrPermission) {
			t.Errorf("%s: %v, want %v", path, err, want)
		}
	}
	if err := os.WriteFile(filepath.Join("testdata", "new"), nil, 0o600); err == nil {
		t.Error("a file could be written")
	}
	self, err := os.Open("sample_test.go")
	if err != nil {
		t.Fatal(err)
	}
	defer self.Close()
	piece := make([]byte, 7)
	if _, err := self.ReadAt(piece, 11); err != nil || string(piece) != "js && w" {
		t.Errorf("ReadAt: %q %v", piece, err)
	}
}

func TestStreams(t *testing.T) {
	fmt.Print("half a line")
	time.Sleep(10 * time.Millisecond)
	fmt.Println(", and the rest")
	fmt.Fprintln(os.Stderr, "to stderr", strings.Repeat("ä", 5))
	if got := os.Getenv("SAMBA_SAMPLE"); got != "" {
		t.Logf("environment: %s", got)
	}
	if os.Getenv("HOME") != "" {
		t.Error("the whole environment came along")
	}
}

func TestEnd(t *testing.T) {
	switch os.Getenv("SAMBA_SAMPLE") {
	case "fail":
		t.Fatal("failing as asked")
	case "panic":
		panic("panicking as asked")
	case "hang":
		time.Sleep(time.Hour)
	case "crash":
		js.Global().Get("console").Call("log", "waiting for the browser's end")
		time.Sleep(time.Hour)
	}
}
