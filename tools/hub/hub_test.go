package hub

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/samba-web/samba/tools/hub/hubtest"
)

const folders = "../../model/families/testdata"

func pulled(t *testing.T, h *hubtest.Hub, o Options) (string, error) {
	t.Helper()
	o.Address, o.Wait = h.URL, func(time.Duration) {}
	if o.Model == "" {
		o.Model = "org/granite"
	}
	if o.To == "" {
		o.To = filepath.Join(t.TempDir(), "model")
	}
	return o.To, Pull(t.Context(), o)
}

func same(t *testing.T, folder, to string) {
	t.Helper()
	for _, name := range []string{"config.json", "model.safetensors"} {
		want, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(filepath.Join(to, name)); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %v, %d bytes of %d", name, err, len(got), len(want))
		}
	}
	entries, err := os.ReadDir(to)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".part") || e.Name() == marker || e.Name() == "ids.json" || e.Name() == "logits.f32" {
			t.Errorf("%s was left in the folder", e.Name())
		}
	}
}

func TestPull(t *testing.T) {
	folder := filepath.Join(folders, "granite_a")
	h := hubtest.New(t, map[string]string{"org/granite": folder})
	var last int64
	to, err := pulled(t, h, Options{Progress: func(_ string, done, total int64) {
		if done < last || done > total {
			t.Errorf("progress went from %d to %d of %d", last, done, total)
		}
		last = done
	}})
	if err != nil {
		t.Fatal(err)
	}
	same(t, folder, to)
	if _, err := pulled(t, h, Options{To: to}); err == nil || !strings.Contains(err.Error(), "exists already") {
		t.Errorf("over a folder that is there: %v", err)
	}
	if _, err := pulled(t, h, Options{To: to, Force: true}); err != nil {
		t.Error(err)
	}
}

// Cut lines, servers that fail for a while and bytes that are damaged end in
// the whole folder, and what had come is not asked for again.
func TestPullFaults(t *testing.T) {
	folder := filepath.Join(folders, "granite_a")
	weights, err := os.ReadFile(filepath.Join(folder, "model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	for name, fault := range map[string]func(w http.ResponseWriter, r *http.Request, request int64) bool{
		"cut": func(w http.ResponseWriter, r *http.Request, request int64) bool {
			if request > 2 {
				return false
			}
			w.Header().Set("Content-Length", "1000000000")
			from := int64(0)
			if r.Header.Get("Range") != "" {
				from = 1000 * (request - 1)
				w.WriteHeader(http.StatusPartialContent)
			}
			w.Write(weights[from : from+1000])
			return true
		},
		"busy": func(w http.ResponseWriter, _ *http.Request, request int64) bool {
			if request < 4 {
				http.Error(w, "busy", []int{500, 503, 429}[request-1])
			}
			return request < 4
		},
		"damaged": func(w http.ResponseWriter, _ *http.Request, request int64) bool {
			if request == 1 {
				w.Write(bytes.Repeat([]byte{7}, len(weights)))
			}
			return request == 1
		},
		"without ranges": func(w http.ResponseWriter, _ *http.Request, request int64) bool {
			if request == 1 {
				w.Header().Set("Content-Length", "99999999")
				w.Write(weights[:5000])
				return true
			}
			w.Write(weights)
			return true
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := hubtest.New(t, map[string]string{"org/granite": folder})
			var requests atomic.Int64
			h.Fault = func(w http.ResponseWriter, r *http.Request, file string) bool {
				return file == "model.safetensors" && fault(w, r, requests.Add(1))
			}
			to, err := pulled(t, h, Options{})
			if err != nil {
				t.Fatal(err)
			}
			same(t, folder, to)
		})
	}
}

// A pull that was interrupted goes on by range, in another command.
func TestPullResumes(t *testing.T) {
	folder := filepath.Join(folders, "granite_a")
	h := hubtest.New(t, map[string]string{"org/granite": folder})
	ctx, cancel := context.WithCancel(t.Context())
	var ranges atomic.Int64
	h.Fault = func(w http.ResponseWriter, r *http.Request, file string) bool {
		if file == "model.safetensors" && r.Header.Get("Range") != "" {
			ranges.Add(1)
		}
		return false
	}
	to := filepath.Join(t.TempDir(), "model")
	err := Pull(ctx, Options{Address: h.URL, Model: "org/granite", To: to, Wait: func(time.Duration) {}, Progress: func(file string, _, _ int64) {
		if file == "model.safetensors" {
			cancel()
		}
	}})
	if err == nil {
		t.Fatal("the interrupted pull says nothing")
	}
	if _, err := os.Stat(to); err == nil {
		t.Error("a part of the folder stands there as if it were whole")
	}
	if to, err = pulled(t, h, Options{To: to}); err != nil {
		t.Fatal(err)
	}
	same(t, folder, to)
	if part, err := os.Stat(to + ".partial"); err == nil {
		t.Errorf("left behind: %v", part.Name())
	}
}

// What cannot work is said before weights are fetched.
func TestPullRefuses(t *testing.T) {
	other, bare := t.TempDir(), t.TempDir()
	for path, text := range map[string]string{
		filepath.Join(other, "config.json"):       `{"model_type": "llama"}`,
		filepath.Join(other, "model.safetensors"): "x",
		filepath.Join(bare, "config.json"):        `{}`,
	} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	h := hubtest.New(t, map[string]string{"org/llama": other, "org/bare": bare})
	for model, want := range map[string]string{
		"granite":       `"granite" names no model: want ORG/NAME`,
		"../x":          `names no model`,
		"org/not-there": "404 Not Found: there is no model org/not-there with a revision main",
		"org/llama":     `model_type is "llama", want one of samba, `,
		"org/bare":      "org/bare has no .safetensors",
	} {
		if _, err := pulled(t, h, Options{Model: model}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", model, err, want)
		}
	}
	if n := h.Served("model.safetensors"); n != 0 {
		t.Errorf("weights were asked for %d times", n)
	}
}

// What a hostile hub answers is bounded, and refused by one sentence.
func TestPullFromHostileHubs(t *testing.T) {
	listing := func(sha, more string) string {
		return `{"sha": "` + sha + `", "siblings": [{"rfilename": "config.json", "size": 2}, {"rfilename": "model.safetensors", "size": 9}` + more + `]}`
	}
	commit := hubtest.Commit
	for name, c := range map[string]struct{ list, redirect, want string }{
		"a commit that is a path":      {listing("../../other", ""), "", "does not list the files"},
		"a listing without an end":     {`{"sha": "` + strings.Repeat("0", maxListing+9) + `"}`, "", "does not list the files"},
		"no JSON":                      {"<html>", "", "does not list the files"},
		"a tokenizer of a terabyte":    {listing(commit, `, {"rfilename": "tokenizer.json", "size": 1, "lfs": {"size": 1099511627776}}`), "", "tokenizer.json of org/model has 1099511627776 bytes, want 0 to"},
		"a shard of less than nothing": {listing(commit, `, {"rfilename": "a.safetensors", "lfs": {"size": -5}}`), "", "a.safetensors of org/model has -5 bytes"},
		"a shard of an exabyte":        {listing(commit, `, {"rfilename": "a.safetensors", "size": 1152921504606846976}`), "", "a.safetensors of org/model has 1152921504606846976 bytes"},
		"another scheme":               {listing(commit, ""), "file:///etc/passwd", "redirects to file:///etc/passwd, which is not https"},
		"no end of redirects":          {listing(commit, ""), "again", "redirects on and on"},
	} {
		asked := atomic.Int32{}
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.URL.Path, "/api/") {
				io.WriteString(w, c.list)
				return
			}
			asked.Add(1)
			http.Redirect(w, r, c.redirect, http.StatusFound)
		}))
		err := Pull(t.Context(), Options{Address: server.URL, Model: "org/model", To: filepath.Join(t.TempDir(), "model"), Wait: func(time.Duration) {}})
		server.Close()
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "times") {
			t.Errorf("%s: %v, want %q at once", name, err, c.want)
		}
		if c.redirect == "" && asked.Load() != 0 {
			t.Errorf("%s: files were asked for", name)
		}
	}
	from, _ := http.NewRequest("GET", "https://hub.example/a", nil)
	to, _ := http.NewRequest("GET", "http://cdn.example/a", nil)
	if err := follow(to, []*http.Request{from}); err == nil || !strings.Contains(err.Error(), "which is not https") {
		t.Errorf("from https to http: %v", err)
	}
}
