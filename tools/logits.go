package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/samba-web/samba/model"
	"github.com/samba-web/samba/model/config"
	"github.com/samba-web/samba/model/families"
	"github.com/samba-web/samba/model/folder"
	"github.com/samba-web/samba/model/randomweights"
	"github.com/samba-web/samba/wasm/protocol"
)

func newLogits() *cobra.Command {
	var flags engineFlags
	var idsFile, out string
	var chunk int
	cmd := &cobra.Command{
		Use:   "logits",
		Short: "Write a model's logits for a list of token ids",
		Long: `Runs a model over token ids and writes the logits of every position to a file:
little-endian float32, one row of vocab_size values for each id. It is how backends are
compared with each other and with other implementations.`,
		Example: "  echo '[1, 2, 3]' > ids.json\n  samba logits --model www/models/default --ids ids.json --backend chromium --out logits.f32",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := flags.check(); err != nil {
				return err
			}
			if chunk < 0 {
				return fmt.Errorf("--chunk is %d, want 0 or more", chunk)
			}
			config, err := readConfig(cmd.Context(), flags.model)
			if err != nil {
				return err
			}
			ids, err := readIDs(idsFile, config.VocabSize)
			if err != nil {
				return err
			}
			progress := newProgress(os.Stderr)
			e, _, err := flags.open(cmd.Context(), progress)
			if err != nil {
				return err
			}
			defer e.close()
			return writeWhole(out, 0o644, func(w io.Writer) error {
				return copyLogits(cmd.Context(), e, &protocol.Logits{IDs: ids, Chunk: min(chunk, model.DefaultChunk)}, config.VocabSize, w)
			})
		},
	}
	flags.register(cmd)
	cmd.MarkFlagRequired("model")
	cmd.Flags().StringVar(&idsFile, "ids", "", "file with a JSON list of token ids")
	cmd.Flags().StringVar(&out, "out", "", "file to write")
	cmd.Flags().IntVar(&chunk, "chunk", 0, fmt.Sprintf("tokens to take at once, at most %d; 0: as many as that", model.DefaultChunk))
	cmd.MarkFlagRequired("ids")
	cmd.MarkFlagRequired("out")
	return cmd
}

// readConfig reads the shape of a model of any family, or of one of random weights.
func readConfig(ctx context.Context, address string) (*config.Config, error) {
	read := func() ([]byte, error) {
		return folder.ReadFile(filepath.Join(address, "config.json"), folder.Limit("config.json"))
	}
	if randomweights.Is(address) {
		source, err := randomweights.Open(address)
		if err != nil {
			return nil, err
		}
		read = func() ([]byte, error) { return source.ReadFile(ctx, "config.json") }
	}
	data, err := read()
	if err != nil {
		return nil, err
	}
	parsed, err := families.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("model %s: %w", address, err)
	}
	return parsed.Config, nil
}

// readIDs reads a JSON list of token ids that a vocabulary of the given size has.
func readIDs(path string, vocab int) ([]uint32, error) {
	data, err := folder.ReadFile(path, largestText)
	if err != nil {
		return nil, fmt.Errorf("--ids: %w", err)
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var list []any
	if err := decoder.Decode(&list); err != nil {
		return nil, fmt.Errorf("--ids %s: want a JSON list of token ids, such as [1, 2, 3]: %w", path, err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("--ids %s: something follows the JSON list of token ids", path)
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("--ids %s: the list is empty, want at least one token id", path)
	}
	ids := make([]uint32, len(list))
	for i, element := range list {
		number, ok := element.(json.Number)
		id, err := strconv.ParseUint(string(number), 10, 32)
		if !ok || err != nil || id >= uint64(vocab) {
			shown, _ := json.Marshal(element)
			return nil, fmt.Errorf("--ids %s: ids[%d] is %.40s, want a whole number from 0 to %d (the model's vocab_size is %d)", path, i, shown, vocab-1, vocab)
		}
		ids[i] = uint32(id)
	}
	return ids, nil
}

// copyLogits asks for logits and writes them as they come, in the order and the number that were asked for.
func copyLogits(ctx context.Context, e *engine, request *protocol.Logits, vocab int, w io.Writer) error {
	rows := 0
	_, err := e.ask(ctx, request, func(m protocol.Message, data []byte) error {
		logits, ok := m.(*protocol.LogitsRows)
		if !ok {
			return nil
		}
		if logits.Row != rows || logits.Rows < 1 || logits.Rows > len(request.IDs)-rows || len(data) != 4*vocab*logits.Rows {
			return fmt.Errorf("the engine sent %d bytes as rows %d to %d of %d, want row %d next, of %d bytes",
				len(data), logits.Row, logits.Row+logits.Rows, len(request.IDs), rows, 4*vocab)
		}
		rows += logits.Rows
		_, err := w.Write(data)
		return err
	})
	if err == nil && rows != len(request.IDs) {
		err = fmt.Errorf("the engine sent %d rows of logits, want %d", rows, len(request.IDs))
	}
	return err
}

// writeWhole writes a file under a temporary name beside its own and renames it once it is complete: a failure leaves
// what was there before.
func writeWhole(path string, mode os.FileMode, write func(io.Writer) error) (err error) {
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("%s cannot be written: %w", path, err)
	}
	defer func() {
		if err != nil {
			file.Close()
			os.Remove(file.Name())
		}
	}()
	buffered := bufio.NewWriterSize(file, 1<<20)
	if err := write(buffered); err != nil {
		return err
	}
	if err := errors.Join(buffered.Flush(), file.Chmod(mode), file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("%s cannot be written: %w", path, err)
	}
	return os.Rename(file.Name(), path)
}
