package convert

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"

	"github.com/samba-web/samba/model/packing"
	"github.com/samba-web/samba/model/quant"
)

// blockElements is how much of a tensor is in memory at a time.
const blockElements = 2 << 20

// writeShard streams a shard to path, and returns its SHA-256 and size; rounded
// hears what quantizing took.
func writeShard(ctx context.Context, path string, src *source, shard packing.Shard, progress func(int64), rounded func(quant.Error)) (sum string, size int64, err error) {
	f, err := os.Create(path)
	if err != nil {
		return "", 0, err
	}
	defer func() {
		if closed := f.Close(); err == nil {
			err = closed
		}
	}()
	buffer, hash := bufio.NewWriterSize(f, 1<<20), sha256.New()
	w, err := shard.Write(io.MultiWriter(buffer, hash, counted(func(n int64) {
		size += n
		progress(n)
	})), func(o *packing.Output, values []float32, q []uint32, scales, biases []uint16) {
		rounded(quant.Measure(values, q, scales, biases, o.Bits, o.Group, o.In()))
	})
	for err == nil && w.Next() != nil {
		err = stream(ctx, src, w.Next(), w.Rows)
	}
	if err != nil {
		return "", 0, err
	}
	if err := buffer.Flush(); err != nil {
		return "", 0, err
	}
	return hex.EncodeToString(hash.Sum(nil)), size, f.Sync()
}

// counted hears how many bytes are written.
type counted func(n int64)

func (c counted) Write(p []byte) (int, error) {
	c(int64(len(p)))
	return len(p), nil
}

// stream reads an output's rows, in order, in blocks that fit in memory.
func stream(ctx context.Context, src *source, o *packing.Output, block func(values []float32) error) error {
	in := o.In()
	size := max(1, blockElements/in) // rows
	buf := make([]float32, min(size, o.Shape[0])*in)
	filled := 0
	flush := func() error {
		if filled == 0 {
			return nil
		}
		err := block(buf[:filled*in])
		filled = 0
		return err
	}
	for _, p := range o.Parts {
		for done := 0; done < p.Rows; {
			if err := ctx.Err(); err != nil {
				return err
			}
			n := min(p.Rows-done, len(buf)/in-filled)
			if err := src.tensors[p.Name].read(buf[filled*in:(filled+n)*in], (p.From+done)*in); err != nil {
				return err
			}
			done += n
			filled += n
			if filled*in == len(buf) {
				if err := flush(); err != nil {
					return err
				}
			}
		}
	}
	for _, p := range o.Parts {
		src.tensors[p.Name].release()
	}
	return flush()
}

// writeFile writes a small file under a temporary name first.
func writeFile(dir, name string, data []byte) error {
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path+".tmp", data, 0o644); err != nil {
		return err
	}
	return os.Rename(path+".tmp", path)
}
