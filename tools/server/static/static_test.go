package static

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/google/go-cmp/cmp"
)

func testSite() fstest.MapFS {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	return fstest.MapFS{
		"index.html":           file("<!doctype html>home"),
		"engine.wasm":          file("\x00asm, long"),
		"engine.wasm.br":       file("packed"),
		"app-2JK4LM3P.js":      file("app()"),
		"chat-settings.js":     file("settings()"),
		"lab/index.html":       file("<!doctype html>lab"),
		"bare/data.json":       file("{}"),
		".keep":                file("secret"),
		"lab/.hidden/file.txt": file("secret"),
	}
}

// testModels is a models folder with a way out of it.
func testModels(t *testing.T) *os.Root {
	t.Helper()
	outside, folder := t.TempDir(), t.TempDir()
	for path, text := range map[string]string{
		filepath.Join(outside, "secret.txt"):                  "secret",
		filepath.Join(folder, "tiny", "model.safetensors"):    "0123456789",
		filepath.Join(folder, "tiny", "config.json"):          "{}",
		filepath.Join(folder, "tiny", "page.html"):            "<script>alert(1)</script>",
		filepath.Join(folder, "tiny", ".git", "config"):       "secret",
		filepath.Join(folder, "tiny", ".env"):                 "secret",
		filepath.Join(folder, "tiny", "nested", "index.html"): "no page of ours",
	} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for link, target := range map[string]string{"out": outside, "out.txt": filepath.Join(outside, "secret.txt"), "same.json": "config.json"} {
		if err := os.Symlink(target, filepath.Join(folder, "tiny", link)); err != nil {
			t.Fatal(err)
		}
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	return root
}

func do(t *testing.T, method, target string, headers ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	Handler(testSite(), testModels(t).FS()).ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestWhatIsServed(t *testing.T) {
	for _, c := range []struct {
		path, body, mime, cache string
	}{
		{"/", "<!doctype html>home", "text/html; charset=utf-8", cacheRevalidate},
		{"/lab/", "<!doctype html>lab", "text/html; charset=utf-8", cacheRevalidate},
		{"/engine.wasm", "\x00asm, long", "application/wasm", cacheRevalidate},
		{"/app-2JK4LM3P.js", "app()", "text/javascript; charset=utf-8", cacheForever},
		{"/chat-settings.js", "settings()", "text/javascript; charset=utf-8", cacheRevalidate},
		{"/models/tiny/model.safetensors", "0123456789", "application/octet-stream", cacheRevalidate},
		{"/models/tiny/config.json", "{}", "application/json", cacheRevalidate},
		{"/models/tiny/same.json", "{}", "application/json", cacheRevalidate}, // a link that stays inside
	} {
		r := do(t, "GET", c.path)
		got := []string{r.Status, body(t, r), r.Header.Get("Content-Type"), r.Header.Get("Cache-Control"), r.Header.Get("X-Content-Type-Options")}
		if diff := cmp.Diff([]string{"200 OK", c.body, c.mime, c.cache, "nosniff"}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.path, diff)
		}
		tag := r.Header.Get("ETag")
		if again := do(t, "GET", c.path, "If-None-Match", tag); strings.HasPrefix(c.path, "/models/") {
			// Another folder, made for another request: only the form can be compared.
			if !strings.HasPrefix(tag, `"`) {
				t.Errorf("%s: ETag %s", c.path, tag)
			}
		} else if again.StatusCode != http.StatusNotModified {
			t.Errorf("%s: %s for the same ETag %s", c.path, again.Status, tag)
		}
	}
}

func TestWhatIsNot(t *testing.T) {
	for _, path := range []string{
		"/none", "/.keep", "/lab/.hidden/file.txt", "/bare", "/bare/", "/engine.wasm.br", "/lab/..%2f.keep", "/%2e%2e/%2e%2e/etc/passwd",
		"/..%5c..%5cetc", "/engine.wasm%00", "//etc/passwd", "/models/", "/models/tiny", "/models/tiny/", "/models/tiny/nested/",
		"/models/tiny/.env", "/models/tiny/.git/config", "/models/tiny/out.txt", "/models/tiny/out/secret.txt",
		"/models/..%2f..%2fetc/passwd", "/models/%2e%2e/%2e%2e/etc/passwd", "/models//etc/passwd", "/models/tiny/out/../out.txt",
	} {
		server := httptest.NewServer(Handler(testSite(), testModels(t).FS()))
		connection, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		// As a hostile client writes it: no library that cleans the path first.
		io.WriteString(connection, "GET "+path+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		answer, _ := io.ReadAll(connection)
		connection.Close()
		server.Close()
		if status := string(answer[9:12]); status != "404" && status != "400" && status != "301" && status != "307" || bytes.Contains(answer, []byte("secret")) {
			t.Errorf("%s: %s", path, answer)
		}
	}
}

func TestPacked(t *testing.T) {
	for accept, packed := range map[string]bool{
		"gzip, deflate, br, zstd": true, "br": true, "*": true, "gzip;q=1, BR; q=0.5": true,
		"": false, "gzip": false, "br;q=0": false, "br; q=0.000": false, "br;q=0.001": true,
	} {
		r := do(t, "GET", "/engine.wasm", "Accept-Encoding", accept)
		want := map[bool][]string{true: {"packed", "br", "6"}, false: {"\x00asm, long", "", "10"}}[packed]
		if diff := cmp.Diff(want, []string{body(t, r), r.Header.Get("Content-Encoding"), r.Header.Get("Content-Length")}); diff != "" {
			t.Errorf("%q (-want +got):\n%s", accept, diff)
		}
		if r.Header.Get("Content-Type") != "application/wasm" || r.Header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("%q: %v", accept, r.Header)
		}
	}
	plain, packed := do(t, "GET", "/engine.wasm"), do(t, "GET", "/engine.wasm", "Accept-Encoding", "br")
	if plain.Header.Get("ETag") == packed.Header.Get("ETag") {
		t.Error("the packed file has the plain one's ETag")
	}
	if r := do(t, "GET", "/engine.wasm", "Accept-Encoding", "br", "Range", "bytes=1-3"); body(t, r) != "asm" || r.Header.Get("Content-Encoding") != "" {
		t.Error("a range of the packed file instead of the plain one")
	}
}

// A tokenizer goes out compressed to who takes that, whole and with a tag of its own; small files and parts do not.
func TestModelsJSONIsPacked(t *testing.T) {
	text := `{"vocab": [` + strings.Repeat(`"token", `, 2000) + `0]}`
	handler := Models(fstest.MapFS{"tokenizer.json": {Data: []byte(text)}, "config.json": {Data: []byte("{}")}, "big.bin": {Data: []byte(text)}})
	get := func(name string, header ...string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("GET", "/"+name, nil)
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		return w
	}
	plain := get("tokenizer.json")
	if plain.Body.String() != text || plain.Header().Get("Content-Encoding") != "" {
		t.Error("a client that takes no brotli got something else than the file")
	}
	for range 2 { // the second time it is known
		w := get("tokenizer.json", "Accept-Encoding", "br")
		length := w.Body.Len()
		got, err := io.ReadAll(brotli.NewReader(w.Body))
		if err != nil || string(got) != text || length > len(text)/10 {
			t.Errorf("%d bytes packed, %d unpacked, %v", length, len(got), err)
		}
		h := w.Header()
		if h.Get("Content-Encoding") != "br" || h.Get("Content-Length") != strconv.Itoa(length) || h.Get("ETag") == plain.Header().Get("ETag") {
			t.Errorf("headers %v", h)
		}
		if again := get("tokenizer.json", "Accept-Encoding", "br", "If-None-Match", h.Get("ETag")); again.Code != http.StatusNotModified {
			t.Errorf("asked again: %d, want %d", again.Code, http.StatusNotModified)
		}
	}
	if w := get("tokenizer.json", "Accept-Encoding", "br", "Range", "bytes=2-6"); w.Body.String() != text[2:7] || w.Code != http.StatusPartialContent {
		t.Errorf("a part: %d %q", w.Code, w.Body)
	}
	for _, name := range []string{"config.json", "big.bin"} {
		if w := get(name, "Accept-Encoding", "br"); w.Header().Get("Content-Encoding") != "" {
			t.Errorf("%s is packed", name)
		}
	}
}

func TestRanges(t *testing.T) {
	const path = "/models/tiny/model.safetensors"
	for _, c := range []struct {
		header, status, body, contentRange string
	}{
		{"bytes=2-4", "206 Partial Content", "234", "bytes 2-4/10"},
		{"bytes=8-", "206 Partial Content", "89", "bytes 8-9/10"},
		{"bytes=-3", "206 Partial Content", "789", "bytes 7-9/10"},
		{"bytes=0-99", "206 Partial Content", "0123456789", "bytes 0-9/10"},
	} {
		r := do(t, "GET", path, "Range", c.header)
		got := []string{r.Status, body(t, r), r.Header.Get("Content-Range"), r.Header.Get("Accept-Ranges")}
		if diff := cmp.Diff([]string{c.status, c.body, c.contentRange, "bytes"}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.header, diff)
		}
	}
	if r := do(t, "GET", path, "Range", "bytes=10-"); r.StatusCode != http.StatusRequestedRangeNotSatisfiable || r.Header.Get("Content-Range") != "bytes */10" {
		t.Errorf("behind the end: %s %v", r.Status, r.Header)
	}
	if r := do(t, "GET", path, "Range", "bytes=1-2", "If-Range", `"other"`); r.StatusCode != http.StatusOK {
		t.Errorf("a part of a file that has changed: %s", r.Status)
	}
	if r := do(t, "HEAD", path); r.StatusCode != http.StatusOK || r.Header.Get("Content-Length") != "10" || body(t, r) != "" {
		t.Errorf("HEAD: %s %v", r.Status, r.Header)
	}
}

func TestHeaders(t *testing.T) {
	page := do(t, "GET", "/").Header
	for _, want := range []string{"default-src 'none'", "script-src 'self' 'wasm-unsafe-eval'", "style-src 'self';", "connect-src 'self';",
		"base-uri 'none'", "frame-ancestors 'self'", "require-trusted-types-for 'script'"} {
		if !strings.Contains(page.Get("Content-Security-Policy"), want) {
			t.Errorf("no %q in %q", want, page.Get("Content-Security-Policy"))
		}
	}
	for _, script := range []string{"/app-2JK4LM3P.js", "/engine.wasm", "/none"} {
		policy := do(t, "GET", script).Header.Get("Content-Security-Policy")
		if got := do(t, "GET", script).Header.Get("Cross-Origin-Embedder-Policy"); got != "require-corp" {
			t.Errorf("%s: Cross-Origin-Embedder-Policy is %q: a page that is alone with its origin starts no worker from it", script, got)
		}
		if !strings.HasPrefix(policy, "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'") || strings.Contains(policy, "unsafe-inline") {
			t.Errorf("%s: %q", script, policy)
		}
	}
	recorder := httptest.NewRecorder()
	Handler(fstest.MapFS{"app.js": {}}, nil, "https://hub.example", "https://*.cdn.example").ServeHTTP(recorder, httptest.NewRequest("GET", "/app.js", nil))
	if policy := recorder.Header().Get("Content-Security-Policy"); !strings.Contains(policy, " https://hub.example https://*.cdn.example; frame-ancestors") {
		t.Errorf("hosts that are allowed are not named in %q", policy)
	}
	if page.Get("Cross-Origin-Opener-Policy") != "same-origin" || page.Get("Cross-Origin-Embedder-Policy") != "require-corp" {
		t.Errorf("pages are not alone with their origin: %v", page)
	}
	model := do(t, "GET", "/models/tiny/page.html").Header
	if !strings.Contains(model.Get("Content-Security-Policy"), "sandbox") {
		t.Errorf("a model's HTML runs as a page of the site: %v", model)
	}
	for where, header := range map[string]http.Header{"page": page, "model": model, "missing": do(t, "GET", "/models/none").Header} {
		if header.Get("Cross-Origin-Resource-Policy") != "cross-origin" || header.Get("Access-Control-Allow-Origin") != "*" ||
			!strings.Contains(header.Get("Access-Control-Expose-Headers"), "Content-Range") {
			t.Errorf("%s: %v", where, header)
		}
	}
	preflight := do(t, "OPTIONS", "/models/tiny/model.safetensors", "Origin", "https://example.org", "Access-Control-Request-Headers", "range")
	if preflight.StatusCode != http.StatusNoContent || !strings.Contains(preflight.Header.Get("Access-Control-Allow-Headers"), "Range") {
		t.Errorf("preflight: %s %v", preflight.Status, preflight.Header)
	}
	if r := do(t, "POST", "/"); r.StatusCode != http.StatusMethodNotAllowed || r.Header.Get("Allow") != "GET, HEAD, OPTIONS" {
		t.Errorf("POST: %s", r.Status)
	}
	if r := do(t, "GET", "/lab"); r.StatusCode != http.StatusMovedPermanently || r.Header.Get("Location") != "/lab/" {
		t.Errorf("a folder without its slash: %s %s", r.Status, r.Header.Get("Location"))
	}
}

func TestNothingToServe(t *testing.T) {
	for _, path := range []string{"/", "/models/x"} {
		w := httptest.NewRecorder()
		Handler(nil, nil).ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		if w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

func TestListen(t *testing.T) {
	first, err := Listen("localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	if url := URL(first); !strings.HasPrefix(url, "http://localhost:") {
		t.Errorf("URL %s", url)
	}
	_, err = Listen(first.Addr().String())
	if err == nil || err.Error() != first.Addr().String()+" is taken by another program: stop that, or choose another port by --addr" {
		t.Errorf("a port in use: %v", err)
	}
	if _, err := Listen("nonsense"); err == nil || !strings.Contains(err.Error(), "want HOST:PORT, such as localhost:8080") {
		t.Errorf("no address: %v", err)
	}
}

func TestRunLetsRequestsFinish(t *testing.T) {
	listener, err := Listen("localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	started := make(chan struct{})
	ended := make(chan error, 1)
	go func() {
		ended <- Run(ctx, listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			close(started)
			time.Sleep(200 * time.Millisecond)
			io.WriteString(w, "finished")
		}))
	}()
	go func() { <-started; cancel() }()
	answer, err := http.Get(URL(listener))
	if err != nil {
		t.Fatal(err)
	}
	if got := body(t, answer); got != "finished" {
		t.Errorf("got %q", got)
	}
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Error("still running")
	}
}
