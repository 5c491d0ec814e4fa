// Package convert turns checkpoints into model folders: `samba convert`.
//
//	checkpoint ─▶ source: tensors by name, unread   (.pth, safetensors, our own folders)
//	config     ─▶ plan:   which rows of which tensors make each of ours, and how they are stored
//	           ─▶ shards: streamed, hashed, written under DIR.partial, which becomes DIR at the end
//
// A run that was killed leaves DIR.partial behind, and the same command takes
// its finished shards up again. A run that fails leaves nothing.
package convert

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/samba-web/samba/model/config"
	"github.com/samba-web/samba/model/folder"
	"github.com/samba-web/samba/model/packing"
	"github.com/samba-web/samba/model/quant"
	"github.com/samba-web/samba/model/safetensors"
)

// Options says what to convert, and how.
type Options struct {
	From, To string
	Config   string // a name, a file, or "" for what the checkpoint says
	Bits     int    // 4, 8, 16 or 32
	Group    int    // 32, 64 or 128
	Embed    int    // bits of the embeddings where Bits is 4: 4 or 8; 0 for 8
	Force    bool   // replace an existing model folder

	Tokenizer, TokenizerConfig, ChatTemplate, Card string // files, or ""

	Progress func(done, total int64) // bytes of shards; may be nil
}

// Report is what a conversion has made.
type Report struct {
	Config     *config.Config
	Parameters int64
	Bytes      int64 // of all shards
	Shards     int
	Reused     int      // shards taken over from a run that was killed
	Notes      []string // what is not as asked for, and why

	Rounding quant.Error // of the weights quantized in this run
}

const stateName = "convert-state.json"

// state is what a killed run leaves for the next.
type state struct {
	Fingerprint string               `json:"fingerprint"`
	Shards      map[string]shardFile `json:"shards"`
}

type shardFile struct {
	SHA256 string `json:"sha256"`
	Size   int64  `json:"size"`
}

// Convert converts a checkpoint. It returns one sentence of error and then
// leaves no folder behind, except when ctx was cancelled: what is finished
// then waits for the next run.
func Convert(ctx context.Context, o Options) (*Report, error) {
	if o.Progress == nil {
		o.Progress = func(int64, int64) {}
	}
	if !slices.Contains([]int{4, 8, 16, 32}, o.Bits) {
		return nil, fmt.Errorf("--bits is %d, want 4, 8, 16 or 32", o.Bits)
	}
	if !slices.Contains([]int{32, 64, 128}, o.Group) {
		return nil, fmt.Errorf("--group-size is %d, want 32, 64 or 128", o.Group)
	}
	if o.Embed != 0 && (o.Bits != 4 || o.Embed != 4 && o.Embed != 8) {
		return nil, fmt.Errorf("--embedding-bits is %d, want 4 or 8, and --bits 4", o.Embed)
	}
	wider := maps.Clone(config.Overrides4)
	if o.Embed == 4 {
		delete(wider, "embed_tokens")
		delete(wider, "lm_head")
	}
	to := filepath.Clean(o.To)
	if err := checkTarget(o.From, to, o.Force); err != nil {
		return nil, err
	}
	src, err := open(ctx, o.From)
	if err != nil {
		return nil, err
	}
	defer src.close()
	published, err := publishedFrom(o.Config, src)
	if err != nil {
		return nil, err
	}
	var c *config.Config
	var outputs []*packing.Output
	format := packing.Format{Bits: o.Bits, Group: o.Group, Wider: wider}
	if published != nil {
		c = published.Config
		outputs, err = planPublished(published, src, format)
	} else if c, err = configFrom(o.Config, src); err == nil {
		outputs, err = plan(c, src, format)
	}
	if err != nil {
		return nil, err
	}
	report := &Report{Config: c}
	quantized := false
	for _, out := range outputs {
		n := int64(1)
		for _, d := range out.Shape {
			n *= int64(d)
		}
		report.Parameters += n
		quantized = quantized || out.Bits != 0
		if out.Indivisible {
			kind := out.Name
			if _, inLayer, ok := strings.Cut(kind, "layers."); ok { // the same for every layer
				_, kind, _ = strings.Cut(inLayer, ".")
			}
			note := fmt.Sprintf("%s stays %s: its rows of %d are no multiple of the group size %d", kind, out.DType, out.In(), o.Group)
			if !slices.Contains(report.Notes, note) {
				report.Notes = append(report.Notes, note)
			}
		}
	}
	if quantized {
		c.Quantization = &config.Quantization{GroupSize: o.Group, Bits: o.Bits}
		if o.Bits == 4 {
			c.Quantization.Overrides = wider
		}
	}
	texts, err := companions(o, c, src, report)
	if err == nil && published != nil {
		texts["config.json"], err = packing.Config(src.config, published, outputs, format)
		if card := beside(src, "README.md"); card != nil && o.Card == "" {
			texts["README.md"] = card // who made the model, and under which licence
		}
	}
	if err != nil {
		return nil, err
	}

	partial := to + ".partial"
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return nil, err
	}
	if err := build(ctx, o, partial, src, outputs, c, texts, report); err != nil {
		if ctx.Err() == nil {
			os.RemoveAll(partial)
		}
		return nil, err
	}
	if err := replace(partial, to); err != nil {
		os.RemoveAll(partial)
		return nil, err
	}
	return report, nil
}

// checkTarget refuses a target that would destroy something.
func checkTarget(from, to string, force bool) error {
	if base := filepath.Base(to); base == "." || base == ".." || base == string(filepath.Separator) {
		return fmt.Errorf("--to %s: want the name of a folder to be made", to)
	}
	if _, err := os.Lstat(to + ".old"); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("--to %s: %s.old is in the way, where the folder that is replaced stands for a moment: rename it, or delete it if you do not need it", to, to)
	}
	if name, err := stranger(to + ".partial"); err != nil {
		return fmt.Errorf("--to %s: %s.partial is in the way, and no folder: rename it", to, to)
	} else if name != "" {
		return fmt.Errorf("--to %s: %s.partial, where the model is built, holds %s, which is no part of one: rename that folder", to, to, name)
	}
	entries, err := os.ReadDir(to)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("--to %s: there is something that is no folder", to)
	}
	if len(entries) == 0 {
		return nil
	}
	if !force {
		return fmt.Errorf("--to %s: the folder exists already: choose another, or pass --force to replace the model in it", to)
	}
	a, errA := os.Stat(to)
	for _, path := range []string{from, filepath.Dir(from)} {
		if b, errB := os.Stat(path); errA == nil && errB == nil && os.SameFile(a, b) {
			return fmt.Errorf("--to %s: the checkpoint itself lies there", to)
		}
	}
	if name, err := stranger(to); err != nil {
		return err
	} else if name != "" {
		return fmt.Errorf("--to %s: it holds %s, which is no part of a model folder: --force does not delete it", to, name)
	}
	return nil
}

// stranger finds what is no part of a model folder, nor of one that is being built; "" where there is nothing of the kind.
func stranger(dir string) (string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	for _, e := range entries {
		name := strings.TrimSuffix(e.Name(), ".tmp") // half-written
		if e.IsDir() || !strings.HasSuffix(name, ".safetensors") && !strings.HasSuffix(name, ".json") && name != "README.md" {
			return e.Name(), nil
		}
	}
	return "", err
}

// build fills the partial folder.
func build(ctx context.Context, o Options, partial string, src *source, outputs []*packing.Output, c *config.Config, texts map[string][]byte, report *Report) error {
	shards := packing.Shards(outputs)
	print, err := fingerprint(o, src, c)
	if err != nil {
		return err
	}
	done, err := resume(ctx, partial, print)
	if err != nil {
		return err
	}
	index := packing.Index(shards)
	var written int64
	total := index.Metadata.TotalSize
	// Shards are made side by side, one for each processor: what limits is the rounding of weights.
	working, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var mu sync.Mutex // of all that is counted and noted
	var workers sync.WaitGroup
	turns := make(chan struct{}, runtime.GOMAXPROCS(0))
	count := func(n int64) {
		mu.Lock()
		defer mu.Unlock()
		written += n
		o.Progress(min(written, total), total)
	}
	rounded := func(e quant.Error) {
		mu.Lock()
		defer mu.Unlock()
		report.Rounding.Add(e)
	}
	for _, shard := range shards {
		name := shard.Name
		mu.Lock()
		file, ok := done.Shards[name]
		mu.Unlock()
		if ok {
			report.Reused++
			for _, out := range shard.Outputs {
				count(out.Bytes())
			}
			continue
		}
		turns <- struct{}{}
		workers.Go(func() {
			defer func() { <-turns }()
			if working.Err() != nil {
				return
			}
			path := filepath.Join(partial, name)
			var err error
			file.SHA256, file.Size, err = writeShard(working, path+".tmp", src, shard, count, rounded)
			if err == nil {
				err = os.Rename(path+".tmp", path)
			}
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				done.Shards[name] = file
				err = done.save(partial)
			}
			if err != nil {
				stop(err) // the first one counts
			}
		})
	}
	workers.Wait()
	if err := context.Cause(working); err != nil {
		return err
	}
	for name, file := range done.Shards {
		index.Metadata.SHA256[name], index.Metadata.Size[name] = file.SHA256, file.Size
		report.Bytes += file.Size
	}
	report.Shards = len(shards)
	data, err := index.Encode()
	if err != nil {
		return err
	}
	if err := writeFile(partial, safetensors.IndexName, data); err != nil {
		return err
	}
	for name, text := range texts {
		if err := writeFile(partial, name, text); err != nil {
			return err
		}
	}
	return os.Remove(filepath.Join(partial, stateName))
}

// fingerprint identifies a conversion: the same files, unchanged, to the same
// bytes.
func fingerprint(o Options, src *source, c *config.Config) (string, error) {
	h := sha256.New()
	encoded, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	fmt.Fprintf(h, "%d %d %d %s\n", packing.Version, o.Bits, o.Group, encoded)
	for _, path := range src.files {
		info, err := os.Stat(path)
		if err != nil {
			return "", err
		}
		abs, err := filepath.Abs(path)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(h, "%q %d %d\n", abs, info.Size(), info.ModTime().UnixNano())
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// resume takes up a killed run's folder, or starts a fresh one. Shards count
// only when they still have the hash that was noted.
func resume(ctx context.Context, partial, print string) (*state, error) {
	fresh := &state{print, map[string]shardFile{}}
	data, err := folder.ReadFile(filepath.Join(partial, stateName), folder.Limit(stateName))
	old := new(state)
	if err != nil || json.Unmarshal(data, old) != nil || old.Fingerprint != print {
		if err := os.RemoveAll(partial); err != nil {
			return nil, err
		}
		if err := os.Mkdir(partial, 0o755); err != nil {
			return nil, err
		}
		return fresh, fresh.save(partial)
	}
	entries, err := os.ReadDir(partial)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		want, ok := old.Shards[e.Name()]
		if ok {
			sum, size, err := hashFile(ctx, filepath.Join(partial, e.Name()))
			if err != nil {
				return nil, err
			}
			if sum == want.SHA256 && size == want.Size {
				fresh.Shards[e.Name()] = want
				continue
			}
		}
		if e.Name() != stateName {
			if err := os.RemoveAll(filepath.Join(partial, e.Name())); err != nil {
				return nil, err
			}
		}
	}
	return fresh, nil
}

func (s *state) save(partial string) error {
	data, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return writeFile(partial, stateName, data)
}

// replace puts the finished folder in its place; an old one makes way only
// once the new one stands ready.
func replace(partial, to string) error {
	old := to + ".old"
	err := os.Rename(to, old)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	made := err == nil
	if err := os.Rename(partial, to); err != nil {
		if made {
			err = errors.Join(err, os.Rename(old, to))
		}
		return err
	}
	if !made {
		return nil
	}
	return os.RemoveAll(old)
}
