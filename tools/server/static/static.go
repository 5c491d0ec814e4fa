// Package static is the web server behind `samba serve`: the built site and a folder of models, read-only, with the
// headers that make both safe to visit, quick to visit again and usable from other sites' pages.
package static

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"path"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/andybalholm/brotli"
)

// pagePolicy holds for pages: all that they load is the site's own, and no text becomes code.
const pagePolicy = "default-src 'none'; " +
	"script-src 'self' 'wasm-unsafe-eval'; " +
	"style-src 'self'; img-src 'self' data:; connect-src 'self'; worker-src 'self'; manifest-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'self'; " +
	"require-trusted-types-for 'script'; trusted-types samba samba-page dompurify"

// workerPolicy holds for workers, which take theirs from their own script's response: models may come from any host,
// and from servers on the visitor's own machine. The hosts are those that the operator names besides.
func workerPolicy(hosts []string) string {
	return "default-src 'none'; " +
		"script-src 'self' 'wasm-unsafe-eval'; " +
		"connect-src " + strings.Join(append([]string{"'self' data: blob: https: wss: http://localhost:* http://127.0.0.1:* ws://localhost:* ws://127.0.0.1:*"}, hosts...), " ") + "; " +
		"frame-ancestors 'none'"
}

const (
	cacheForever    = "public, max-age=31536000, immutable"
	cacheRevalidate = "no-cache" // may be kept, but is asked for again: an ETag answers in a few bytes
)

// hashedName is a name that changes with the content: esbuild's eight base32 characters, or hexadecimal ones.
var hashedName = regexp.MustCompile(`[-.]([A-Z2-7]{8}|[0-9a-f]{16,64})\.[0-9A-Za-z.]+$`)

// mimeTypes are spelt out because the system's own table differs between machines, and because browsers refuse to
// compile WebAssembly, or run modules, under a wrong type.
var mimeTypes = map[string]string{
	".html":        "text/html; charset=utf-8",
	".js":          "text/javascript; charset=utf-8",
	".mjs":         "text/javascript; charset=utf-8",
	".css":         "text/css; charset=utf-8",
	".json":        "application/json",
	".map":         "application/json",
	".webmanifest": "application/manifest+json",
	".wasm":        "application/wasm",
	".svg":         "image/svg+xml",
	".png":         "image/png",
	".webp":        "image/webp",
	".ico":         "image/x-icon",
	".woff2":       "font/woff2",
	".txt":         "text/plain; charset=utf-8",
	".md":          "text/plain; charset=utf-8",
	".jinja":       "text/plain; charset=utf-8",
}

func mimeType(name string) string {
	if known := mimeTypes[strings.ToLower(path.Ext(name))]; known != "" {
		return known
	}
	return "application/octet-stream"
}

// Handler serves the site at / and models at /models/. Either may be nil: there is nothing there, then. Files whose
// names start with a dot, and folders without an index.html, are not there for visitors. Models should be an
// os.Root's FS where symbolic links must not lead out of the folder. Hosts are origins from which the site's workers may
// read models, by name: a hub's.
func Handler(site, models fs.FS, hosts ...string) http.Handler {
	mux := http.NewServeMux()
	if site != nil {
		mux.Handle("/", files{fsys: site, site: true, policy: workerPolicy(hosts), tags: &sync.Map{}})
	}
	if models != nil {
		mux.Handle("/models/", http.StripPrefix("/models", Models(models)))
	}
	return mux
}

// Models serves the files of a folder of models, or of one model, for pages of any origin to read, by ranges, too.
func Models(fsys fs.FS) http.Handler { return files{fsys: fsys, packed: &sync.Map{}} }

// files serves a file system's files.
type files struct {
	fsys fs.FS
	site bool // pages, scripts and styles rather than models

	policy string    // the site's scripts', which their workers have
	tags   *sync.Map // ETags of the site's files by name, from their content: an embedded file has no time

	packed *sync.Map // compressed files of models, by name, size and time
}

func (f files) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "no-referrer")
	// Everything here is public: pages of other origins embed the widget, load models and may demand isolation.
	header.Set("Cross-Origin-Resource-Policy", "cross-origin")
	header.Set("Access-Control-Allow-Origin", "*")
	header.Set("Access-Control-Expose-Headers", "Accept-Ranges, Content-Encoding, Content-Length, Content-Range, ETag")
	if f.site {
		header.Set("Content-Security-Policy", f.policy)
		header.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		// Pages that are alone with their origin, and their workers, may have threads that share memory.
		header.Set("Cross-Origin-Embedder-Policy", "require-corp")
	} else {
		// A model folder comes from anywhere: an HTML or SVG file in it must not act as a page of this site.
		header.Set("Content-Security-Policy", "default-src 'none'; sandbox; frame-ancestors 'none'")
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		f.get(w, r)
	case http.MethodOptions:
		header.Set("Access-Control-Allow-Methods", "GET, HEAD")
		header.Set("Access-Control-Allow-Headers", "If-Match, If-None-Match, If-Range, Range")
		header.Set("Access-Control-Max-Age", "86400")
		w.WriteHeader(http.StatusNoContent)
	default:
		header.Set("Allow", "GET, HEAD, OPTIONS")
		http.Error(w, "only GET and HEAD are possible here", http.StatusMethodNotAllowed)
	}
}

func (f files) get(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, "/")
	if f.site && (name == "" || strings.HasSuffix(name, "/")) {
		name += "index.html"
	}
	if !visible(name) {
		http.NotFound(w, r)
		return
	}
	if f.site && f.isFolderWithPage(name) {
		http.Redirect(w, r, "./"+path.Base(name)+"/", http.StatusMovedPermanently)
		return
	}
	stored := name
	if f.site && r.Header.Get("Range") == "" {
		if packed := name + ".br"; f.isFile(packed) {
			w.Header().Set("Vary", "Accept-Encoding")
			if accepts(r.Header.Get("Accept-Encoding"), "br") {
				stored = packed
			}
		}
	}
	file, err := f.fsys.Open(stored)
	if err != nil {
		http.NotFound(w, r) // whatever is wrong with it: a visitor need not know more
		return
	}
	defer file.Close()
	about, err := file.Stat()
	content, seekable := file.(io.ReadSeeker)
	if err != nil || !about.Mode().IsRegular() || !seekable {
		http.NotFound(w, r)
		return
	}

	header := w.Header()
	header.Set("Content-Type", mimeType(name))
	if f.site && path.Ext(name) == ".html" {
		header.Set("Content-Security-Policy", pagePolicy)
		header.Set("Cross-Origin-Opener-Policy", "same-origin")
	}
	header.Set("Cache-Control", cacheRevalidate)
	if stored != name {
		header.Set("Content-Encoding", "br")
		header.Set("Content-Length", strconv.FormatInt(about.Size(), 10)) // ServeContent leaves it out of encoded files
	}
	if f.site {
		if hashedName.MatchString(name) {
			header.Set("Cache-Control", cacheForever)
		}
		tag, err := f.contentTag(stored, content)
		if err != nil {
			http.Error(w, "the file could not be read", http.StatusInternalServerError)
			return
		}
		header.Set("ETag", tag)
		http.ServeContent(w, r, "", time.Time{}, content)
		return
	}
	tag := fmt.Sprintf("%x-%x", about.Size(), about.ModTime().UnixNano())
	if about.Size() >= packedFrom && strings.HasSuffix(name, ".json") && r.Header.Get("Range") == "" {
		header.Set("Vary", "Accept-Encoding")
		if accepts(r.Header.Get("Accept-Encoding"), "br") {
			if content, err = f.pack(name+" "+tag, content); err != nil {
				http.Error(w, "the file could not be read", http.StatusInternalServerError)
				return
			}
			length, _ := content.Seek(0, io.SeekEnd) // of bytes in memory: cannot fail, nor can the way back
			content.Seek(0, io.SeekStart)
			header.Set("Content-Encoding", "br")
			header.Set("Content-Length", strconv.FormatInt(length, 10))
			tag += "-br"
		}
	}
	header.Set("ETag", `"`+tag+`"`)
	http.ServeContent(w, r, "", about.ModTime(), content)
}

// packedFrom is the size from which a model's JSON files go out compressed: tokenizers have megabytes, which stand
// between a visitor and the first weight.
const packedFrom = 4 << 10

// pack compresses a file's content the first time that it is asked for.
func (f files) pack(key string, content io.Reader) (io.ReadSeeker, error) {
	if known, ok := f.packed.Load(key); ok {
		return bytes.NewReader(known.([]byte)), nil
	}
	var packed bytes.Buffer
	w := brotli.NewWriter(&packed)
	if _, err := io.Copy(w, content); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	f.packed.Store(key, packed.Bytes())
	return bytes.NewReader(packed.Bytes()), nil
}

// visible tells whether a name can be a file's that visitors may see: no empty, "." or ".." parts, which lead
// elsewhere, none that start with a dot, no backslashes, which some systems take for slashes, and no packed twins.
func visible(name string) bool {
	if !fs.ValidPath(name) || strings.ContainsAny(name, "\\\x00") || strings.HasSuffix(name, ".br") {
		return false
	}
	for part := range strings.SplitSeq(name, "/") {
		if strings.HasPrefix(part, ".") {
			return false
		}
	}
	return true
}

func (f files) isFile(name string) bool {
	about, err := fs.Stat(f.fsys, name)
	return err == nil && about.Mode().IsRegular()
}

func (f files) isFolderWithPage(name string) bool {
	about, err := fs.Stat(f.fsys, name)
	return err == nil && about.IsDir() && f.isFile(path.Join(name, "index.html"))
}

// contentTag hashes a site's file the first time that it is asked for.
func (f files) contentTag(name string, content io.ReadSeeker) (string, error) {
	if tag, known := f.tags.Load(name); known {
		return tag.(string), nil
	}
	hash := sha256.New()
	if _, err := io.Copy(hash, content); err != nil {
		return "", err
	}
	if _, err := content.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	tag := fmt.Sprintf(`"%x"`, hash.Sum(nil)[:16])
	f.tags.Store(name, tag)
	return tag, nil
}

// accepts reads Accept-Encoding: the coding, or *, and no weight of zero.
func accepts(header, coding string) bool {
	for entry := range strings.SplitSeq(header, ",") {
		name, parameters, _ := strings.Cut(entry, ";")
		if name = strings.TrimSpace(name); !strings.EqualFold(name, coding) && name != "*" {
			continue
		}
		weight := strings.ReplaceAll(strings.ToLower(parameters), " ", "")
		return !strings.HasPrefix(weight, "q=0") || strings.Trim(weight[len("q=0"):], ".0") != ""
	}
	return false
}

// Listen opens the address that a person gave, such as localhost:8080, and says what to do when it is taken.
func Listen(address string) (net.Listener, error) {
	listener, err := net.Listen("tcp", address)
	switch {
	case err == nil:
		return listener, nil
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%s is taken by another program: stop that, or choose another port by --addr", address)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("%s: this user may not listen there: choose a port above 1023 by --addr", address)
	}
	return nil, fmt.Errorf("cannot listen on %q: %w; want HOST:PORT, such as localhost:8080", address, err)
}

// URL is the address to type into a browser on this machine.
func URL(listener net.Listener) string {
	host, port, _ := net.SplitHostPort(listener.Addr().String())
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() || ip.IsLoopback() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port)
}

// patience is how long running requests may take to finish once the server is told to stop.
const patience = 3 * time.Second

// Run serves until ctx is done, then lets running requests finish for a moment. It returns nil after that.
func Run(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
	}
	stopped := make(chan struct{})
	defer close(stopped)
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		select {
		case <-ctx.Done():
		case <-stopped:
		}
		grace, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if server.Shutdown(grace) != nil {
			server.Close()
		}
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("the server stopped: %w", err)
	}
	<-finished
	return nil
}
