package main

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/samba-web/samba/tools/server/static"
)

// A release is another one if a file is, or only what the server says of it, and otherwise the same.
func TestVersion(t *testing.T) {
	folder := t.TempDir()
	put := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	server := static.Handler(os.DirFS(folder), nil)
	talkative := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-More", r.URL.Path)
		server.ServeHTTP(w, r)
	})
	version := func(by http.Handler) string {
		t.Helper()
		shell, version, err := readShell(folder, by)
		if err != nil || len(shell) != 2 || shell["./"].Names[0] != "assets/chat-1.js" {
			t.Fatalf("%v, %v: want a page that names its script, and a style", shell, err)
		}
		return version
	}
	put("index.html", `<script src="assets/chat-1.js">`)
	put("page.css", "a {}")
	first := version(server)
	if again := version(server); again != first {
		t.Errorf("%s, then %s, of the same files", first, again)
	}
	if more := version(talkative); more == first {
		t.Errorf("%s though the server says more", more)
	}
	put("page.css", "b {}")
	if other := version(server); other == first {
		t.Errorf("%s though a file is another", other)
	}
	if _, _, err := readShell(folder, http.NotFoundHandler()); err == nil {
		t.Error("no error though the server has none of the files")
	}
}
