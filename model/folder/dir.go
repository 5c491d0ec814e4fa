//go:build !js

package folder

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"path/filepath"
	"sync"

	"github.com/samba-web/samba/gpu"
)

// Dir is a model folder on disk.
func Dir(path string) Source { return dir(path) }

type dir string

func (d dir) String() string { return string(d) }

func (d dir) ReadFile(ctx context.Context, name string) ([]byte, error) {
	return ReadFile(filepath.Join(string(d), name), Limit(name))
}

// dirBlock is how much of a file is in memory at a time.
const dirBlock = 16 << 20

func (d dir) Weights(ctx context.Context, files []File, arrived func(Arrived), take func(Block) error) error {
	state := Arrived{}
	for i, f := range files {
		state.File = f.Name
		if err := d.file(ctx, f, &state, arrived, func(b Block) error { b.File = i; return take(b) }); err != nil {
			return err
		}
	}
	return nil
}

func (d dir) file(ctx context.Context, want File, state *Arrived, arrived func(Arrived), take func(Block) error) error {
	path := filepath.Join(string(d), want.Name)
	f, size, err := Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if want.Size != 0 && size != want.Size {
		return fmt.Errorf("%s: %d bytes, the index says %d: the file is incomplete or belongs to another model", path, size, want.Size)
	}
	// The hash runs beside the uploads.
	sum, blocks, hashed := sha256.New(), make(chan []byte), make(chan struct{})
	go func() {
		defer close(hashed)
		for b := range blocks {
			sum.Write(b)
		}
	}()
	finish := sync.OnceFunc(func() { close(blocks); <-hashed })
	defer finish()
	end := size
	if want.End > 0 {
		end = min(end, want.End)
	}
	if want.Begin > 0 {
		if _, err := f.Seek(want.Begin, io.SeekStart); err != nil {
			return err
		}
	}
	for offset := want.Begin; offset == want.Begin || offset < end; offset += dirBlock {
		if err := ctx.Err(); err != nil {
			return err
		}
		data := make([]byte, max(0, min(dirBlock, end-offset)))
		if _, err := io.ReadFull(f, data); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if want.SHA256 != "" {
			blocks <- data
		}
		if err := take(Block{Size: size, Offset: offset, Bytes: gpu.BlobOf(data)}); err != nil {
			return err
		}
		state.Bytes += int64(len(data))
		arrived(*state)
	}
	finish()
	if got := sum.Sum(nil); want.SHA256 != "" && hex.EncodeToString(got) != want.SHA256 {
		return fmt.Errorf("%s: SHA-256 is %x, the index says %s: the file is damaged, fetch it again", path, got, want.SHA256)
	}
	return nil
}
