//go:build !js

package model

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/samba-web/samba/gpu"
)

// maxSmallFile bounds what ReadFile takes into memory: tokenizers of large
// vocabularies have some 30 MiB.
const maxSmallFile = 128 << 20

// Dir is a model folder on disk.
func Dir(path string) Source { return dir(path) }

type dir string

func (d dir) String() string { return string(d) }

func (d dir) ReadFile(ctx context.Context, name string) ([]byte, error) {
	path := filepath.Join(string(d), name)
	about, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if about.Size() > maxSmallFile {
		return nil, fmt.Errorf("%s: %d bytes, want at most %d", path, about.Size(), maxSmallFile)
	}
	return os.ReadFile(path)
}

func (d dir) Shard(ctx context.Context, name string, size int64, sum string, loaded func(int64)) (gpu.Blob, error) {
	path := filepath.Join(string(d), name)
	f, err := os.Open(path)
	if err != nil {
		return gpu.Blob{}, err
	}
	defer f.Close()
	about, err := f.Stat()
	if err != nil {
		return gpu.Blob{}, err
	}
	if size != 0 && about.Size() != size {
		return gpu.Blob{}, fmt.Errorf("%s: %d bytes, the index says %d: the file is incomplete or belongs to another model", path, about.Size(), size)
	}
	data := make([]byte, about.Size())
	if _, err := io.ReadFull(f, data); err != nil {
		return gpu.Blob{}, fmt.Errorf("%s: %w", path, err)
	}
	if got := sha256.Sum256(data); sum != "" && hex.EncodeToString(got[:]) != sum {
		return gpu.Blob{}, fmt.Errorf("%s: SHA-256 is %x, the index says %s: the file is damaged, fetch it again", path, got, sum)
	}
	loaded(about.Size())
	return gpu.BlobOf(data), nil
}
