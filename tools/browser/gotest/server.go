package main

import (
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/samba-web/samba/gpu/cpu"
)

var (
	//go:embed page.html
	pageHTML []byte
	//go:embed page.js
	pageJS []byte
	//go:embed worker.js
	workerJS []byte
)

// end is how a test run ended: with the test binary's exit status, or with what kept it from ending.
type end struct {
	status int
	err    error
}

// server gives one page in one browser a test binary to run, the module's files to read and places to report to. It
// listens on loopback, and every path starts with a random token, so that no other page or user can read through it.
type server struct {
	url   string
	ended chan end

	http   *http.Server
	module *os.Root // resolves names without leaving the module, symbolic links included
	plan   plan
}

// plan tells the worker what to run.
type plan struct {
	Argv   []string          `json:"argv"`
	Env    map[string]string `json:"env"`
	Cwd    string            `json:"cwd"`
	Module string            `json:"module"` // the folder below which files can be read
}

func newServer(ctx context.Context, argv []string, browserName string) (*server, error) {
	cwd, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	moduleFolder := moduleRoot(cwd)
	module, err := os.OpenRoot(moduleFolder)
	if err != nil {
		return nil, err
	}
	goroot, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return nil, fmt.Errorf("`go env GOROOT` failed, and wasm_exec.js is found through it: %w", err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("no loopback port to serve the test from: %w", err)
	}

	s := &server{
		ended:  make(chan end, 1),
		module: module,
		plan:   plan{Argv: argv, Env: testEnvironment(os.Environ(), browserName), Cwd: cwd, Module: moduleFolder},
	}
	base := "/" + rand.Text() + "/"
	s.url = "http://" + listener.Addr().String() + base
	mux := http.NewServeMux()
	handle := func(pattern string, handler http.HandlerFunc) {
		method, path, _ := strings.Cut(pattern, " ")
		mux.HandleFunc(method+" "+base+path, handler)
	}
	handle("GET {$}", static("text/html; charset=utf-8", pageHTML))
	handle("GET page.js", static("text/javascript; charset=utf-8", pageJS))
	handle("GET worker.js", static("text/javascript; charset=utf-8", workerJS))
	handle("GET wasm_exec.js", file("text/javascript; charset=utf-8", filepath.Join(strings.TrimSpace(string(goroot)), "lib", "wasm", "wasm_exec.js")))
	handle("GET simd.js", static("text/javascript; charset=utf-8", cpu.Host))
	handle("GET helper.js", static("text/javascript; charset=utf-8", []byte(`importScripts("simd.js"); sambaSIMD.assist();`)))
	handle("GET test.wasm", file("application/wasm", argv[0]))
	handle("GET plan", func(w http.ResponseWriter, r *http.Request) { writeJSON(w, s.plan) })
	handle("GET stat", s.stat)
	handle("GET readdir", s.readdir)
	handle("GET file", s.file)
	handle("GET alive", s.alive)
	handle("POST output", s.output)
	handle("POST exit", s.exit)
	handle("POST fail", s.fail)

	s.http = &http.Server{Handler: noStore(mux)}
	go s.http.Serve(listener)
	return s, nil
}

func (s *server) close() {
	s.http.Close()
	s.module.Close()
}

// moduleRoot returns the nearest folder above that holds go.mod, or the folder itself.
func moduleRoot(folder string) string {
	for at := folder; ; at = filepath.Dir(at) {
		if _, err := os.Stat(filepath.Join(at, "go.mod")); err == nil {
			return at
		}
		if at == filepath.Dir(at) {
			return folder
		}
	}
}

// testEnvironment keeps what a test may know of ours. It stays small for a reason beyond manners: argv and environment
// must fit 8 KiB of the program's memory.
func testEnvironment(environ []string, browserName string) map[string]string {
	kept := map[string]string{}
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		if strings.HasPrefix(name, "SAMBA_") || name == "GODEBUG" || name == "GOTRACEBACK" {
			kept[name] = value
		}
	}
	kept["SAMBA_BROWSER"] = browserName
	return kept
}

func noStore(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cross-Origin-Opener-Policy", "same-origin")
		w.Header().Set("Cross-Origin-Embedder-Policy", "require-corp")
		next.ServeHTTP(w, r)
	})
}

func static(contentType string, body []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.Write(body)
	}
}

func file(contentType, path string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", contentType)
		http.ServeFile(w, r, path)
	}
}

// finish records the first end; later ones are its consequences.
func (s *server) finish(e end) {
	select {
	case s.ended <- e:
	default:
	}
}

// alive is a request that the page keeps open for as long as it lives: a crashed tab closes it.
func (s *server) alive(w http.ResponseWriter, r *http.Request) {
	w.WriteHeader(http.StatusOK)
	http.NewResponseController(w).Flush()
	<-r.Context().Done()
	time.Sleep(time.Second) // a page that is being closed may have its exit report under way
	s.finish(end{err: errors.New("the page died without a result: its process crashed or ran out of memory")})
}

// output copies what the test wrote to one of its two streams.
func (s *server) output(w http.ResponseWriter, r *http.Request) {
	to := os.Stdout
	if r.URL.Query().Get("fd") == "2" {
		to = os.Stderr
	}
	io.Copy(to, r.Body)
	w.WriteHeader(http.StatusNoContent)
}

func (s *server) exit(w http.ResponseWriter, r *http.Request) {
	status, err := strconv.Atoi(r.URL.Query().Get("status"))
	if err != nil {
		err = fmt.Errorf("the page reported %q as exit status", r.URL.Query().Get("status"))
	}
	w.WriteHeader(http.StatusNoContent)
	s.finish(end{status: status, err: err})
}

func (s *server) fail(w http.ResponseWriter, r *http.Request) {
	message, _ := io.ReadAll(io.LimitReader(r.Body, 64<<10))
	w.WriteHeader(http.StatusNoContent)
	s.finish(end{err: errors.New(string(message))})
}

// open opens the file that the request names by its absolute path.
func (s *server) open(r *http.Request) (*os.File, error) {
	relative, err := filepath.Rel(s.plan.Module, r.URL.Query().Get("path"))
	if err != nil {
		return nil, fs.ErrNotExist
	}
	return s.module.Open(relative)
}

// refuse answers with the code that Node's fs has for the error; wasm_exec.js's Go side understands those.
func refuse(w http.ResponseWriter, err error) {
	code := "EIO"
	switch {
	case errors.Is(err, fs.ErrNotExist):
		code = "ENOENT"
	case errors.Is(err, fs.ErrPermission):
		code = "EACCES"
	case strings.Contains(err.Error(), "escapes"): // os.Root has no error value for it
		code = "EACCES"
	}
	w.WriteHeader(http.StatusNotFound)
	io.WriteString(w, code)
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(v)
}

func (s *server) stat(w http.ResponseWriter, r *http.Request) {
	opened, err := s.open(r)
	if err != nil {
		refuse(w, err)
		return
	}
	defer opened.Close()
	info, err := opened.Stat()
	if err != nil {
		refuse(w, err)
		return
	}
	const typeFolder, typeFile = 0o040000, 0o100000 // S_IFDIR, S_IFREG
	mode := uint32(info.Mode().Perm()) | typeFile
	if info.IsDir() {
		mode = uint32(info.Mode().Perm()) | typeFolder
	}
	writeJSON(w, struct {
		Size  int64  `json:"size"`
		Mode  uint32 `json:"mode"`
		Mtime int64  `json:"mtimeMs"`
	}{info.Size(), mode, info.ModTime().UnixMilli()})
}

func (s *server) readdir(w http.ResponseWriter, r *http.Request) {
	opened, err := s.open(r)
	if err != nil {
		refuse(w, err)
		return
	}
	defer opened.Close()
	names, err := opened.Readdirnames(-1)
	if err != nil {
		refuse(w, err)
		return
	}
	writeJSON(w, names)
}

// file answers with the file's bytes, by ranges where asked.
func (s *server) file(w http.ResponseWriter, r *http.Request) {
	opened, err := s.open(r)
	if err != nil {
		refuse(w, err)
		return
	}
	defer opened.Close()
	info, err := opened.Stat()
	if err != nil {
		refuse(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	http.ServeContent(w, r, "", info.ModTime(), opened)
}
