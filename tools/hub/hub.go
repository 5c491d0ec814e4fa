// Package hub fetches published models' folders from a hub: `samba pull`.
//
//	ORG/NAME ─▶ List: one commit's files, their sizes and SHA-256
//	         ─▶ config.json first: what the engine does not carry is refused before gigabytes
//	         ─▶ files, one after another, under DIR.partial, resumed by range, hashed; DIR at the end
//
// A hub is anything that answers as Hugging Face's does: api/models/ORG/NAME/revision/REV
// lists, ORG/NAME/resolve/COMMIT/FILE redirects to wherever the bytes lie.
package hub

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/samba-web/samba/model/families"
)

// Address is the hub that is asked unless another is named.
const Address = "https://huggingface.co"

// Limits on what a hub may answer.
const (
	maxListing = 8 << 20
	maxFiles   = 2000
	maxSmall   = 64 << 20 // of a file that is no shard
	maxShard   = 64 << 30
	patience   = 60 * time.Second
	tries      = 5
)

// commitName is a commit's, which becomes a part of addresses.
var commitName = regexp.MustCompile(`^[0-9a-f]{7,64}$`)

// Options say what to fetch, and where to.
type Options struct {
	Address  string // of the hub; "": Address
	Model    string // ORG/NAME
	Revision string // a branch, tag or commit; "": main
	Token    string // for models that ask for one
	To       string // the folder to make
	Force    bool   // replace a folder that is there

	Progress func(file string, done, total int64) // bytes of all files; may be nil
	Client   *http.Client                         // nil: the default
	Wait     func(time.Duration)                  // between tries; nil: sleeps
}

// file is one of a commit's.
type file struct {
	Name string `json:"rfilename"`
	Size int64  `json:"size"`
	LFS  *struct {
		SHA256 string `json:"sha256"`
		Size   int64  `json:"size"`
	} `json:"lfs"`
}

func (f *file) sum() string {
	if f.LFS != nil {
		return f.LFS.SHA256
	}
	return ""
}

// wanted are the small files of a model folder; shards come beside them.
var wanted = []string{
	"config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "generation_config.json",
	"model.safetensors.index.json", "README.md", "LICENSE",
}

// Pull fetches a model's folder. What is there of an earlier try goes on where
// it stopped, if the model is still the same commit.
func Pull(ctx context.Context, o Options) error {
	if o.Client == nil {
		o.Client = http.DefaultClient
	}
	client := *o.Client
	client.CheckRedirect = follow
	o.Client = &client
	if o.Progress == nil {
		o.Progress = func(string, int64, int64) {}
	}
	if o.Wait == nil {
		o.Wait = func(d time.Duration) {
			select {
			case <-ctx.Done():
			case <-time.After(d):
			}
		}
	}
	if o.Address == "" {
		o.Address = Address
	}
	if o.Revision == "" {
		o.Revision = "main"
	}
	if parts := strings.Split(o.Model, "/"); len(parts) != 2 || slices.ContainsFunc(parts, func(p string) bool {
		return p == "" || p == "." || p == ".." || strings.ContainsAny(p, "?#%\\ ")
	}) {
		return fmt.Errorf("%q names no model: want ORG/NAME, such as ibm-granite/granite-4.0-h-350m", o.Model)
	}
	to := filepath.Clean(o.To)
	if entries, err := os.ReadDir(to); err == nil && len(entries) > 0 && !o.Force {
		return fmt.Errorf("%s: the folder exists already: choose another, or pass --force to replace it", to)
	}
	commit, files, err := o.list(ctx)
	if err != nil {
		return err
	}
	partial := to + ".partial"
	if err := begin(partial, o.Model+"@"+commit); err != nil {
		return err
	}
	p := pull{Options: &o, commit: commit, folder: partial}
	if err := p.all(ctx, files); err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(partial, marker)); err != nil {
		return err
	}
	if err := os.RemoveAll(to); err != nil {
		return err
	}
	return os.Rename(partial, to)
}

// marker says which commit a partial folder is of.
const marker = "pull-state"

// begin makes the partial folder, or takes up one of the same commit.
func begin(folder, commit string) error {
	at := filepath.Join(folder, marker)
	if was, err := os.ReadFile(at); err == nil && string(was) == commit {
		return nil
	}
	if err := os.RemoveAll(folder); err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	return os.WriteFile(at, []byte(commit), 0o644)
}

// list asks for a revision's commit and files.
func (o *Options) list(ctx context.Context) (commit string, files []file, err error) {
	answer, err := o.get(ctx, o.Address+"/api/models/"+o.Model+"/revision/"+url.PathEscape(o.Revision)+"?blobs=true", 0)
	if err != nil {
		return "", nil, err
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(io.LimitReader(answer.Body, maxListing+1))
	if err != nil {
		return "", nil, err
	}
	var listing struct {
		SHA      string `json:"sha"`
		Siblings []file `json:"siblings"`
	}
	if len(data) > maxListing || json.Unmarshal(data, &listing) != nil || !commitName.MatchString(listing.SHA) || len(listing.Siblings) > maxFiles {
		return "", nil, fmt.Errorf("%s does not list the files of %s as a hub does", o.Address, o.Model)
	}
	for _, f := range listing.Siblings {
		name := f.Name
		shard := strings.HasSuffix(name, ".safetensors")
		if path.Base(name) != name || strings.ContainsAny(name, "\\\x00") || !shard && !slices.Contains(wanted, name) {
			continue // other formats, folders, pictures
		}
		if f.LFS != nil {
			f.Size = f.LFS.Size
		}
		most := int64(maxShard)
		if !shard {
			most = maxSmall
		}
		if f.Size < 0 || f.Size > most {
			return "", nil, fmt.Errorf("%s of %s has %d bytes, want 0 to %d", name, o.Model, f.Size, most)
		}
		files = append(files, f)
	}
	if !slices.ContainsFunc(files, func(f file) bool { return f.Name == "config.json" }) {
		return "", nil, fmt.Errorf("%s has no config.json: it holds no model in a format that this engine reads", o.Model)
	}
	if !slices.ContainsFunc(files, func(f file) bool { return strings.HasSuffix(f.Name, ".safetensors") }) {
		return "", nil, fmt.Errorf("%s has no .safetensors: it holds no weights in a format that this engine reads", o.Model)
	}
	// config.json first, shards last.
	slices.SortStableFunc(files, func(a, b file) int { return order(a.Name) - order(b.Name) })
	return listing.SHA, files, nil
}

func order(name string) int {
	if at := slices.Index(wanted, name); at >= 0 {
		return at
	}
	return len(wanted)
}

// get asks once; from is the byte to begin at. What is no success is an error
// that says what to do.
func (o *Options) get(ctx context.Context, address string, from int64) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	if o.Token != "" {
		request.Header.Set("Authorization", "Bearer "+o.Token)
	}
	if from > 0 {
		request.Header.Set("Range", fmt.Sprintf("bytes=%d-", from))
	}
	answer, err := o.Client.Do(request)
	if refused := (permanent{}); errors.As(err, &refused) {
		return nil, refused
	}
	if err != nil {
		return nil, transient{err}
	}
	switch answer.StatusCode {
	case http.StatusOK, http.StatusPartialContent:
		return answer, nil
	}
	answer.Body.Close()
	said := fmt.Errorf("%s answered %s", request.URL.Host, answer.Status)
	switch answer.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		return nil, fmt.Errorf("%w: %s does not exist, or asks for an account: accept its terms on its page, and pass a token by --token-file", said, o.Model)
	case http.StatusNotFound:
		return nil, fmt.Errorf("%w: there is no model %s with a revision %s", said, o.Model, o.Revision)
	case http.StatusTooManyRequests, http.StatusRequestTimeout:
		return nil, transient{said}
	}
	if answer.StatusCode >= 500 {
		return nil, transient{said}
	}
	return nil, said
}

// follow refuses redirects that lead from https to what others read along, or to
// no web server, and those that do not end.
func follow(to *http.Request, from []*http.Request) error {
	last := from[len(from)-1].URL
	switch {
	case to.URL.Scheme != "https" && (to.URL.Scheme != "http" || last.Scheme == "https"):
		return permanent{fmt.Errorf("%s redirects to %.100s, which is not https: nothing was fetched from there", last.Host, to.URL.Redacted())}
	case len(from) >= 10:
		return permanent{fmt.Errorf("%s redirects on and on", last.Host)}
	}
	return nil
}

// permanent is a failure that another try would meet again.
type permanent struct{ error }

// transient is a failure that may pass.
type transient struct{ error }

func (t transient) Unwrap() error { return t.error }

// pull is one folder on its way.
type pull struct {
	*Options
	commit, folder string
	done, total    int64
}

func (p *pull) all(ctx context.Context, files []file) error {
	for _, f := range files {
		p.total += f.Size
	}
	for _, f := range files {
		if err := p.fetch(ctx, f); err != nil {
			return fmt.Errorf("%s of %s: %w", f.Name, p.Model, err)
		}
		if f.Name == "config.json" {
			text, err := os.ReadFile(filepath.Join(p.folder, f.Name))
			if err != nil {
				return err
			}
			if _, err := families.Parse(text); err != nil {
				return fmt.Errorf("%s: %w; no weights were fetched", p.Model, err)
			}
		}
	}
	return nil
}

// fetch brings one file, in as many tries as it takes while bytes come.
func (p *pull) fetch(ctx context.Context, f file) error {
	target := filepath.Join(p.folder, f.Name)
	if about, err := os.Stat(target); err == nil && about.Size() == f.Size { // hashed before it got its name
		p.done += f.Size
		p.Progress(f.Name, p.done, p.total)
		return nil
	}
	base, failures := p.done, 0
	for {
		arrived, err := p.attempt(ctx, f, target+".part")
		p.done = base + arrived
		if err == nil {
			return os.Rename(target+".part", target)
		}
		var passing transient
		if !errors.As(err, &passing) || ctx.Err() != nil {
			return errors.Join(ctx.Err(), err)
		}
		if failures++; failures == tries {
			return fmt.Errorf("%w, %d times; the same command goes on where this stopped", passing.error, tries)
		}
		p.Wait(time.Second << failures)
	}
}

// attempt goes on with a file where it stands. It returns how much is there.
func (p *pull) attempt(ctx context.Context, f file, part string) (arrived int64, err error) {
	out, err := os.OpenFile(part, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return 0, err
	}
	defer func() {
		if closed := out.Close(); err == nil {
			err = closed
		}
	}()
	sum := sha256.New()
	if arrived, err = io.Copy(sum, out); err != nil {
		return 0, err
	}
	if arrived > f.Size {
		arrived, err = restart(out, sum)
		if err != nil {
			return 0, err
		}
	}
	if arrived < f.Size || f.Size == 0 {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		answer, err := p.get(ctx, p.Address+"/"+p.Model+"/resolve/"+p.commit+"/"+url.PathEscape(f.Name), arrived)
		if err != nil {
			return arrived, err
		}
		defer answer.Body.Close()
		if arrived > 0 && answer.StatusCode != http.StatusPartialContent { // a server without ranges sends all of it again
			if arrived, err = restart(out, sum); err != nil {
				return 0, err
			}
		}
		silent := time.AfterFunc(patience, cancel)
		defer silent.Stop()
		body := io.TeeReader(io.LimitReader(answer.Body, f.Size-arrived+1), heard(func(n int) error {
			silent.Reset(patience)
			arrived += int64(n)
			p.Progress(f.Name, p.done+arrived, p.total)
			return ctx.Err()
		}))
		if _, err := io.Copy(io.MultiWriter(out, sum), body); err != nil {
			return arrived, transient{err}
		}
	}
	if arrived != f.Size {
		if arrived > f.Size {
			restart(out, sum)
		}
		return arrived, transient{fmt.Errorf("%d bytes came, %d were announced", arrived, f.Size)}
	}
	if got := hex.EncodeToString(sum.Sum(nil)); f.sum() != "" && got != f.sum() {
		if _, err := restart(out, sum); err != nil {
			return 0, err
		}
		return 0, transient{fmt.Errorf("its SHA-256 is %s, the hub says %s", got, f.sum())}
	}
	return arrived, out.Sync()
}

// restart forgets what has come.
func restart(out *os.File, sum hash.Hash) (int64, error) {
	sum.Reset()
	if err := out.Truncate(0); err != nil {
		return 0, err
	}
	_, err := out.Seek(0, io.SeekStart)
	return 0, err
}

// heard is told how much is written to it, and may end that.
type heard func(n int) error

func (h heard) Write(p []byte) (int, error) { return len(p), h(len(p)) }
