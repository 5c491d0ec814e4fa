package model

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/model/config"
	"github.com/samba-web/samba/model/conversation"
	"github.com/samba-web/samba/model/machine"
)

// A state that grows with the text goes on, restored or forked, with the bits of the session that it was saved of, before
// its keys and values have been given more room and after; the file has the positions that are there, and no more.
func TestGrowingStateIsExact(t *testing.T) {
	if testing.Short() {
		t.Skip("left out by -short")
	}
	entries, err := os.ReadDir(publishedFolders)
	if err != nil {
		t.Fatal(err)
	}
	grew := 0
	machines(t, func(t *testing.T, o Options) {
		o.Chunk = 8 // room for 32 positions at first
		for _, e := range entries {
			family, whole := strings.CutSuffix(e.Name(), "_a") // others are the same layers in fewer bits
			if !whole || family == "mamba" || family == "falcon_mamba" {
				continue
			}
			t.Run(family, func(t *testing.T) {
				m := loadTest(t, disk(filepath.Join(publishedFolders, e.Name())), o)
				if m.StateBytesPerToken() > 0 {
					grew++
				}
				random := testRandom(t)
				writer, reader := newSession(t, m), newSession(t, m)
				prefill(t, reader, randomIDs(random, 3, m.config.VocabSize)) // of another conversation
				for _, n := range []int{0, 1, 31, 45} {
					ids := randomIDs(random, n+6, m.config.VocabSize)
					if err := writer.Reset(); err != nil {
						t.Fatal(err)
					}
					prefill(t, writer, ids[:n])
					blob := save(t, writer)
					if want := m.StateSize(0) + int64(n)*m.StateBytesPerToken(); blob.Len() != want || m.StateSize(n) != want {
						t.Errorf("at %d: %d bytes, want %d as StateSize says: %d", n, blob.Len(), want, m.StateSize(n))
					}
					restore(t, reader, blob)
					fork, err := reader.Fork()
					if err != nil {
						t.Fatal(err)
					}
					if again := save(t, fork); !slices.Equal(again.Bytes(0, again.Len()), blob.Bytes(0, blob.Len())) {
						t.Errorf("at %d: the fork's state is another", n)
					}
					want := logitsOf(t, writer, ids[n:], 0)
					for name, s := range map[string]*Session{"restored": reader, "forked": fork} {
						if got := logitsOf(t, s, ids[n:], 0); !slices.Equal(got, want) {
							t.Errorf("at %d, %s: logits off by %g", n, name, worst(got, want))
						}
					}
					fork.Close()
				}
			})
		}
	})
	if grew != 2*6 {
		t.Errorf("%d models' states grew, want those of 6 families on each machine", grew)
	}
}

// Machines with other chunks, and so other room, restore each other's growing states; sessions of a pool, too.
func TestGrowingStateElsewhere(t *testing.T) {
	if testing.Short() {
		t.Skip("left out by -short")
	}
	random := testRandom(t)
	c := testConfig(config.FullAttention, config.Mamba, config.SlidingAttention, config.FullAttention)
	c.VocabSize = 260
	src := randomModel(t, random, c, 8)
	src.withTokenizer(t)
	onCPU := loadTest(t, src, Options{Chunk: 5})
	ids := randomIDs(random, 90, c.VocabSize)
	at := 83
	want := allLogits(t, onCPU, ids, 0)[at*c.VocabSize:]
	machines(t, func(t *testing.T, o Options) {
		m := loadTest(t, src, o)
		writer := newSession(t, m)
		prefill(t, writer, ids[:at])
		blob := save(t, writer)
		other := newSession(t, onCPU)
		restore(t, other, blob)
		pooled, err := newPool(t, m, 2).NewSession()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(pooled.Close)
		restore(t, pooled, save(t, other))
		for name, s := range map[string]*Session{"on the processor": other, "in a pool": pooled} {
			if off := worst(logitsOf(t, s, ids[at:], 0), want); off > 1e-2 {
				t.Errorf("%s: logits are off by %g", name, off)
			}
		}
		// An edit goes back to what was saved, and says in a pool what it says alone.
		request := Request{Prompt: append(slices.Clone(ids[:at]), 7), MaxTokens: 12, PastEnd: true, Sampling: Sampling{Temperature: 1.5, Seed: 5}}
		said, result := generate(t, writer, request)
		if result.PrefilledTokens != 1 {
			t.Errorf("%d tokens read, want 1", result.PrefilledTokens)
		}
		restore(t, writer, blob)
		if again, _ := generate(t, writer, request); again != said {
			t.Errorf("restored, says %q, want %q", again, said)
		}
	})
}

// A growing state that lies about its positions, its length or its numbers is refused in one sentence, and so is one that
// the machine has no room for; the conversation stands where it was.
func TestGrowingStateRefused(t *testing.T) {
	random := testRandom(t)
	c := testConfig(config.FullAttention, config.Mamba)
	src := randomModel(t, random, c, 32)
	m := loadTest(t, src, Options{Chunk: 4})
	s := newSession(t, m)
	prefill(t, s, randomIDs(random, 301, c.VocabSize))
	long := save(t, s)
	each := m.StateBytesPerToken()
	if want := int64(4 * 2 * c.NumKVHeads * c.HeadDim); each != want {
		t.Fatalf("%d bytes a token, want %d", each, want)
	}
	// changed seals a state whose header and payload are others.
	changed := func(change func(data []byte) []byte) gpu.Blob {
		data := change(slices.Clone(long.Bytes(0, long.Len())))
		payload := sha256.Sum256(data[conversation.HeaderBytes:])
		binary.LittleEndian.PutUint64(data[16:], uint64(len(data)-conversation.HeaderBytes))
		copy(data[64:], payload[:])
		sum := sha256.Sum256(data[:headerSum])
		copy(data[headerSum:], sum[:])
		return gpu.BlobOf(data)
	}
	small := loadTest(t, src, Options{Chunk: 4, Memory: m.weights + m.stateSize(nil) + 200*each})
	for name, test := range map[string]struct {
		model *Model
		blob  gpu.Blob
		want  string
	}{
		"a position more":  {m, move(long, 302), fmt.Sprintf("has %d bytes, this model's have %d at 302 tokens", long.Len(), long.Len()+each)},
		"a position less":  {m, move(long, 300), "at 300 tokens"},
		"the farthest":     {m, move(long, machine.MaxPosition), "would have more than 17.18 GB there"},
		"a row too few":    {m, changed(func(data []byte) []byte { return data[:int64(len(data))-each] }), "at 301 tokens"},
		"a value too many": {m, changed(func(data []byte) []byte { return append(data, 0, 0, 0, 0) }), "at 301 tokens"},
		"no number": {m, changed(func(data []byte) []byte {
			binary.LittleEndian.PutUint32(data[conversation.HeaderBytes+400:], math.Float32bits(float32(math.NaN())))
			return data
		}), "values that are no numbers"},
		"an infinity": {m, changed(func(data []byte) []byte {
			binary.LittleEndian.PutUint32(data[len(data)-4:], math.Float32bits(float32(math.Inf(1))))
			return data
		}), "values that are no numbers"},
		"more than has a room": {small, long, "the keys and values of full attention over 301 tokens need"},
	} {
		s := newSession(t, test.model)
		prefill(t, s, randomIDs(random, 9, c.VocabSize))
		before := save(t, s)
		err := s.Restore(context.Background(), test.blob)
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") || !errors.Is(err, conversation.ErrState) && !errors.Is(err, machine.ErrNoRoom) {
			t.Errorf("%s: %v, want a sentence with %q", name, err, test.want)
		}
		if after := save(t, s); !slices.Equal(after.Bytes(0, after.Len()), before.Bytes(0, before.Len())) {
			t.Errorf("%s: the state is another one now", name)
		}
	}
	if size := m.StateSize(machine.MaxPosition); size <= conversation.MaxSize {
		t.Errorf("a state at the last position has %d bytes", size)
	}
}
