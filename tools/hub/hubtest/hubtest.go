// Package hubtest is a hub for tests: it lists a folder's files by commit,
// redirects their bytes to another host by links that are signed and expire,
// and fails as asked.
package hubtest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// Hub serves folders under ORG/NAME, from two hosts as the world's does.
type Hub struct {
	URL    string            // of the hub
	CDN    string            // where the bytes come from
	Models map[string]string // ORG/NAME → folder

	// Fault may answer a request for bytes in the CDN's place; it returns whether it did.
	Fault func(w http.ResponseWriter, r *http.Request, file string) bool

	mu     sync.Mutex
	signed map[string]string // signature → path
	served map[string]int64  // bytes asked for, by file
	last   int
}

// New starts a hub; the test's end stops it.
func New(t *testing.T, models map[string]string) *Hub {
	h := &Hub{Models: models, signed: map[string]string{}, served: map[string]int64{}}
	cdn := httptest.NewServer(http.HandlerFunc(h.bytes))
	hub := httptest.NewServer(http.HandlerFunc(h.answer))
	t.Cleanup(hub.Close)
	t.Cleanup(cdn.Close)
	h.URL, h.CDN = hub.URL, cdn.URL
	return h
}

// Commit is the only revision's.
const Commit = "0123456789abcdef0123456789abcdef01234567"

// Served is how many requests for a file's bytes there were.
func (h *Hub) Served(file string) int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.served[file]
}

func (h *Hub) answer(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Access-Control-Allow-Origin", "*")
	if rest, ok := strings.CutPrefix(r.URL.Path, "/api/models/"); ok {
		name, revision, _ := strings.Cut(rest, "/revision/")
		h.list(w, r, name, revision)
		return
	}
	name, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/resolve/")
	revision, file, _ := strings.Cut(rest, "/")
	folder, ok := h.Models[name]
	if !ok || revision != "main" && revision != Commit {
		http.Error(w, "no such model", http.StatusNotFound)
		return
	}
	path := filepath.Join(folder, filepath.Base(file))
	data, err := os.ReadFile(path)
	if err != nil {
		http.Error(w, "no such file", http.StatusNotFound)
		return
	}
	sum := sha256.Sum256(data)
	h.mu.Lock()
	h.last++
	signature := fmt.Sprint(h.last)
	h.signed[signature] = path
	h.mu.Unlock()
	w.Header().Set("ETag", `"`+hex.EncodeToString(sum[:])+`"`)
	w.Header().Set("X-Linked-Etag", `"`+hex.EncodeToString(sum[:])+`"`)
	w.Header().Set("X-Linked-Size", fmt.Sprint(len(data)))
	http.Redirect(w, r, h.CDN+"/xet/"+filepath.Base(path)+"?signature="+signature, http.StatusFound)
}

func (h *Hub) list(w http.ResponseWriter, r *http.Request, name, revision string) {
	folder, ok := h.Models[name]
	if !ok || revision != "main" && revision != Commit {
		http.Error(w, `{"error": "Repository not found"}`, http.StatusNotFound)
		return
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	siblings := []map[string]any{{"rfilename": "onnx/model.onnx", "size": 1}, {"rfilename": ".gitattributes", "size": 2}}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(folder, e.Name()))
		if err != nil {
			continue
		}
		sum := sha256.Sum256(data)
		entry := map[string]any{"rfilename": e.Name(), "size": len(data)}
		if strings.HasSuffix(e.Name(), ".safetensors") {
			entry["lfs"] = map[string]any{"sha256": hex.EncodeToString(sum[:]), "size": len(data)}
		}
		siblings = append(siblings, entry)
	}
	json.NewEncoder(w).Encode(map[string]any{"id": name, "sha": Commit, "siblings": siblings})
}

// bytes is the other host, which knows signed links alone, each for one request.
func (h *Hub) bytes(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Access-Control-Allow-Origin", "*")
	w.Header().Set("Access-Control-Expose-Headers", "*")
	h.mu.Lock()
	signature := r.URL.Query().Get("signature")
	path, ok := h.signed[signature]
	delete(h.signed, signature)
	file := filepath.Base(path)
	h.served[file]++
	h.mu.Unlock()
	if !ok {
		http.Error(w, "this link has expired", http.StatusForbidden)
		return
	}
	if h.Fault != nil && h.Fault(w, r, file) {
		return
	}
	http.ServeFile(w, r, path)
}
