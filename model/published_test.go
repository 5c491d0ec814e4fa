package model

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/samba-web/samba/model/machine"
)

// publishedFolders hold random weights in the form of published models, and the logits that transformers' own classes
// computed of them in fp32 (of phi4flash a twin that agrees with its authors' code).
const publishedFolders = "families/testdata"

// Every family's folder, as the world has them, gives the logits of its own code: at once, in chunks and token by token.
// Where bits are fewer, the logits are those of the same numbers as the folder holds. Rounding alone may tell them apart.
// With -short every third folder runs, others with other seeds.
func TestPublished(t *testing.T) {
	entries, err := os.ReadDir(publishedFolders)
	if err != nil {
		t.Fatal(err)
	}
	first := testRandom(t).IntN(3)
	for i, e := range entries {
		if testing.Short() && i%3 != first {
			continue
		}
		folder := filepath.Join(publishedFolders, e.Name())
		t.Run(e.Name(), func(t *testing.T) {
			ids, want := publishedFixture(t, folder)
			low, high := want[0], want[0]
			for _, v := range want {
				low, high = min(low, v), max(high, v)
			}
			spread := float64(high - low)
			t.Run("cpu", func(t *testing.T) { holdTo(t, loadTest(t, disk(folder), Options{}), ids, want, 1e-4*spread) })
			t.Run("gpu", func(t *testing.T) {
				device := testDevice(t)
				tolerance := 1e-4
				if device.Info().Variant.Matrix {
					tolerance = 1e-2 // products of fp16
				}
				holdTo(t, loadTest(t, disk(folder), Options{Device: device}), ids, want, tolerance*spread)
			})
		})
	}
}

// What is drawn after a prompt comes of its last token, which alone has passed the layers that carry no state: it is as
// likely as the family's own code says, whether the last chunk is long or a single token, in a session of its own and in
// a pool, and with every layer run for every token. SambaY has the most such layers; of the other families one runs,
// another with another seed.
func TestNextAfterPrompt(t *testing.T) {
	others := []string{"falcon_h1_a", "granite_a", "jamba_a", "lfm2_a", "mamba_a", "nemotron_h_a"}
	for _, name := range []string{"phi4flash_a", others[testRandom(t).IntN(len(others))]} {
		folder := filepath.Join(publishedFolders, name)
		ids, want := publishedFixture(t, folder)
		t.Run(name, func(t *testing.T) {
			t.Run("cpu", func(t *testing.T) { nextAfter(t, loadTest(t, disk(folder), Options{Chunk: 25}), ids, want, 1e-4, true) })
			t.Run("gpu", func(t *testing.T) {
				device := testDevice(t)
				tolerance := 1e-4
				if device.Info().Variant.Matrix {
					tolerance = 1e-2
				}
				nextAfter(t, loadTest(t, disk(folder), Options{Device: device, Chunk: 25}), ids, want, tolerance, name == "phi4flash_a")
			})
		})
	}
}

func nextAfter(t *testing.T, m *Model, ids []uint32, want []float32, tolerance float64, together bool) {
	t.Helper()
	ctx, vocab := context.Background(), m.config.VocabSize
	pool, err := m.NewPool(2)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	pooled, err := pool.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	// The pool has the machine; it lends it.
	alone := func(s *Session, f func() error) error { return pool.Do(ctx, f) }
	share := func(s *Session, f func() error) error { return pool.Share(ctx, s, f) }
	own := newSession(t, m)
	for _, n := range []int{1, 26, 40} {
		row := want[(n-1)*vocab:][:vocab]
		low, high, sum := row[0], row[0], 0.0
		for _, v := range row {
			low, high, sum = min(low, v), max(high, v), sum+math.Exp(float64(v))
		}
		for _, way := range []struct {
			name  string
			s     *Session
			in    func(s *Session, f func() error) error
			every bool
		}{{"alone", own, alone, false}, {"every layer", own, alone, true}, {"pooled", pooled, share, false}} {
			if way.s == pooled && !together {
				continue
			}
			var draws []machine.Draw
			err := pool.Do(ctx, func() error {
				way.s.EveryLayer(way.every)
				return way.s.Reset()
			})
			if err == nil {
				err = way.in(way.s, func() error {
					if err := way.s.Prefill(ctx, ids[:n], nil); err != nil {
						return err
					}
					r := Request{Logprobs: true, TopLogprobs: MaxTopLogprobs, Sampling: Sampling{Temperature: 1, TopP: 1}}
					d, err := r.drawing(vocab)
					if err == nil {
						err = way.s.run.Begin(d)
					}
					if err != nil {
						return err
					}
					f, err := way.s.run.Launch(ctx, true, nil)
					if err == nil {
						draws, err = f.Wait(ctx)
					}
					return err
				})
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, top := range draws[0].Top {
				likely := float64(row[top.Token]) - math.Log(sum)
				if d := math.Abs(float64(top.Value) - likely); !(d <= 2*tolerance*float64(high-low)) {
					t.Errorf("%s, after %d tokens: token %d has the log probability %g, want %g", way.name, n, top.Token, top.Value, likely)
				}
			}
			if len(draws[0].Top) == 0 {
				t.Errorf("%s, after %d tokens: no log probabilities came", way.name, n)
			}
		}
	}
}

func publishedFixture(t *testing.T, folder string) (ids []uint32, logits []float32) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(folder, "ids.json"))
	if err == nil {
		err = json.Unmarshal(data, &ids)
	}
	if err != nil {
		t.Fatal(err)
	}
	if data, err = os.ReadFile(filepath.Join(folder, "logits.f32")); err != nil {
		t.Fatal(err)
	}
	logits = make([]float32, len(data)/4)
	for i := range logits {
		logits[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
	}
	return ids, logits
}

func holdTo(t *testing.T, m *Model, ids []uint32, want []float32, tolerance float64) {
	t.Helper()
	for _, chunk := range []int{0, 1, 25} {
		d := worst(allLogits(t, m, ids, chunk), want)
		t.Logf("chunks of %d: off by %.2g, %.2g allowed", chunk, d, tolerance)
		if d > tolerance {
			t.Errorf("chunks of %d: logits off by %.3g, want at most %.3g", chunk, d, tolerance)
		}
	}
}
