package model

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"
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
