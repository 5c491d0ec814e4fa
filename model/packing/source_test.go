//go:build !js

package packing

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/model/folder"
	"github.com/samba-web/samba/model/safetensors"
)

// visited is a folder that keeps what is made of it, in memory.
type visited struct {
	folder.Source
	facts  map[string]string
	made   map[string][]byte // whole, by key
	asked  []string          // of the folder's weights
	blocks int               // of stretches that come before it ends; 0: all
}

var errCut = errors.New("the line was cut")

func (v *visited) Weights(ctx context.Context, files []folder.File, arrived func(folder.Arrived), take func(folder.Block) error) error {
	for i, f := range files {
		if f.Key != "" {
			data := v.made[f.Key]
			if int64(len(data)) != f.Size {
				return errors.New("the stored file is damaged")
			}
			half := f.Size / 2 &^ 3
			if err := take(folder.Block{File: i, Size: f.Size, Bytes: gpu.BlobOf(data[:half])}); err != nil {
				return err
			}
			if bytes.Contains(data, []byte("damaged")) {
				return errors.New("the stored file is damaged")
			}
			if err := take(folder.Block{File: i, Size: f.Size, Offset: half, Bytes: gpu.BlobOf(data[half:])}); err != nil {
				return err
			}
			continue
		}
		v.asked = append(v.asked, fmt.Sprint(f.Name, " ", f.Begin))
		// In small pieces, which no row fits.
		for at := f.Begin; at < f.End; at += 1000 {
			if v.blocks--; v.blocks == 0 {
				return errCut
			}
			one := []folder.File{{Name: f.Name, Size: f.Size, Begin: at, End: min(at+1000, f.End)}}
			if err := v.Source.Weights(ctx, one, arrived, func(b folder.Block) error { b.File = i; return take(b) }); err != nil {
				return err
			}
			if info, err := os.Stat(filepath.Join(v.String(), f.Name)); err == nil && at+1000 >= info.Size() {
				break
			}
		}
	}
	return nil
}

func (v *visited) Recall(_ context.Context, key string) string   { return v.facts[key] }
func (v *visited) Remember(_ context.Context, key, value string) { v.facts[key] = value }
func (v *visited) Keep(_ context.Context, _ string, files []folder.File, _ func(folder.Arrived)) (folder.Kept, error) {
	return &keeping{v: v, files: files}, nil
}

type keeping struct {
	v     *visited
	files []folder.File
	file  int
	data  []byte
}

func (k *keeping) Close() {}

func (k *keeping) Whole() (whole []bool) {
	for _, f := range k.files {
		whole = append(whole, k.v.made[f.Key] != nil)
	}
	return whole
}

func (k *keeping) Begin(_ context.Context, file int) error {
	k.file, k.data = file, nil
	delete(k.v.made, k.files[file].Key)
	return nil
}

func (k *keeping) Write(_ context.Context, b gpu.Blob) error {
	k.data = append(k.data, b.Bytes(0, b.Len())...)
	return nil
}

func (k *keeping) Finish(context.Context) (string, error) {
	k.v.made[k.files[k.file].Key] = k.data
	sum := sha256.Sum256(k.data)
	return hex.EncodeToString(sum[:]), nil
}

// load takes all weights of a folder, by file. A file that comes again counts as it came last.
func load(ctx context.Context, src folder.Source) (map[string][]byte, error) {
	index, err := folder.ReadIndex(ctx, src)
	if err != nil {
		return nil, err
	}
	names, got := index.Files(), map[string][]byte{}
	err = src.Weights(ctx, nil, func(folder.Arrived) {}, func(b folder.Block) error {
		name := names[b.File]
		if b.Offset == 0 {
			got[name] = nil
		}
		if int64(len(got[name])) != b.Offset {
			return fmt.Errorf("%s: a block at %d, want %d", name, b.Offset, len(got[name]))
		}
		got[name] = append(got[name], b.Bytes.Bytes(0, b.Bytes.Len())...)
		return nil
	})
	return got, err
}

const granite = "../families/testdata/granite_a"

// cut makes many shards of a small folder.
func cut(t *testing.T) {
	before := maxShard
	t.Cleanup(func() { maxShard = before })
	maxShard = 8 << 10
}

func equal(a, b map[string][]byte) bool {
	if len(a) != len(b) {
		return false
	}
	for name := range a {
		if !bytes.Equal(a[name], b[name]) {
			return false
		}
	}
	return true
}

// What was packed before a line was cut is kept and not fetched again; once all is there the folder's weights are not
// read, nor their headers; what the store has lost or damaged is made once more, and of the same bytes.
func TestVisits(t *testing.T) {
	cut(t)
	ctx := t.Context()
	plain, err := Open(ctx, folder.Dir(granite), 4)
	if err != nil {
		t.Fatal(err)
	}
	want, err := load(ctx, plain)
	if err != nil || len(want) < 5 {
		t.Fatalf("%d shards: %v", len(want), err)
	}
	v := &visited{Source: folder.Dir(granite), facts: map[string]string{}, made: map[string][]byte{}}
	visit := func() (*Source, map[string][]byte, error) {
		v.asked = nil
		src, err := Open(ctx, v, 4)
		if err != nil {
			t.Fatal(err)
		}
		got, err := load(ctx, src)
		return src.(*Source), got, err
	}

	v.blocks = 250
	if _, _, err := visit(); !errors.Is(err, errCut) {
		t.Fatalf("a line that is cut: %v", err)
	}
	kept := len(v.made)
	if kept == 0 || kept == len(want) {
		t.Fatalf("%d of %d shards are kept, want some", kept, len(want))
	}
	v.blocks = 0
	src, got, err := visit()
	if err != nil || !equal(got, want) {
		t.Fatalf("the second visit: same bytes %v, %v", equal(got, want), err)
	}
	fetched := 0
	for _, s := range src.plan.shards[kept:] {
		fetched += len(s.Outputs)
	}
	if n := len(v.asked) - 1; n != fetched { // one of them is the header
		t.Errorf("%d tensors were fetched once more, want the %d that were not kept", n, fetched)
	}
	if diff := src.Index().Metadata.SHA256; len(diff) != len(want) || diff[src.index.Files()[0]] != sum256(want[src.index.Files()[0]]) {
		t.Errorf("hashes: %v", diff)
	}

	if _, got, err = visit(); err != nil || !equal(got, want) || len(v.asked) > 0 {
		t.Errorf("the third visit: same bytes %v, asked for %v, %v", equal(got, want), v.asked, err)
	}

	key := src.keys[2]
	copy(v.made[key][len(v.made[key])/3:], "damaged")
	delete(v.made, src.keys[4])
	if _, got, err = visit(); err != nil || !equal(got, want) || !bytes.Equal(v.made[key], want[src.index.Files()[2]]) {
		t.Errorf("a damaged and a lost file: same bytes %v, %v", equal(got, want), err)
	}
	if n := len(src.plan.shards[2].Outputs) + len(src.plan.shards[4].Outputs) + 1; len(v.asked) != n {
		t.Errorf("asked for %v, want %d stretches", v.asked, n)
	}
}

func sum256(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// A wish to end is heard between two pieces, and what was not whole by then does not count.
func TestCancel(t *testing.T) {
	cut(t)
	v := &visited{Source: folder.Dir(granite), facts: map[string]string{}, made: map[string][]byte{}}
	ctx, cancel := context.WithCancel(t.Context())
	src, err := Open(ctx, v, 8)
	if err != nil {
		t.Fatal(err)
	}
	shards := 0
	err = src.Weights(ctx, nil, func(folder.Arrived) {}, func(b folder.Block) error {
		if b.File == 2 {
			cancel()
		}
		shards = b.File
		return nil
	})
	if !errors.Is(err, context.Canceled) || shards > 3 || len(v.made) > 3 {
		t.Errorf("%d shards, %d kept: %v", shards, len(v.made), err)
	}
}

// Another version of the weights under the same address is never mixed with what was packed of the first.
func TestOtherWeights(t *testing.T) {
	cut(t)
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(granite)); err != nil {
		t.Fatal(err)
	}
	v := &visited{Source: folder.Dir(dir), facts: map[string]string{}, made: map[string][]byte{}, blocks: 250}
	open := func() *Source {
		src, err := Open(t.Context(), v, 4)
		if err != nil {
			t.Fatal(err)
		}
		return src.(*Source)
	}
	if _, err := load(t.Context(), open()); !errors.Is(err, errCut) {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "model.safetensors")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	// One more byte in the header, which its tensors do not tell from the first.
	end, err := safetensors.HeaderEnd(data, int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	longer := slices.Concat([]byte{byte(end - 8 + 8), byte((end - 8 + 8) >> 8), 0, 0, 0, 0, 0, 0}, data[8:end], []byte("        "), data[end:])
	if err := os.WriteFile(path, longer, 0o644); err != nil {
		t.Fatal(err)
	}
	v.blocks = 0
	before := len(v.made)
	src := open()
	if _, err := load(t.Context(), src); err != nil {
		t.Fatal(err)
	}
	if len(v.made) != before+len(src.keys) {
		t.Errorf("%d shards are kept, want %d of the first version and %d of the second", len(v.made), before, len(src.keys))
	}
}

func TestOpenRefuses(t *testing.T) {
	for want, c := range map[string]struct {
		from string
		bits int
	}{
		"bits is 5, want 4 or 8":                       {"granite_a", 5},
		"packed in 4 bits already and cannot become 8": {"granite_mlx4", 8},
	} {
		if _, err := Open(t.Context(), folder.Dir("../families/testdata/"+c.from), c.bits); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", c, err, want)
		}
	}
	dir := folder.Dir("../families/testdata/granite_mlx4")
	if same, err := Open(t.Context(), dir, 4); err != nil || same != dir {
		t.Errorf("what is packed in 4 bits already: %v", err)
	}
}
