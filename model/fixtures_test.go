package model

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/samba-web/samba/model/folder"
)

// disk is a model folder in testdata, which tests read in the browser, too.
type disk string

func (d disk) String() string { return string(d) }

func (d disk) ReadFile(_ context.Context, name string) ([]byte, error) {
	return os.ReadFile(filepath.Join(string(d), name))
}

func (d disk) Weights(ctx context.Context, files []folder.File, _ func(folder.Arrived), take func(folder.Block) error) error {
	return inBlocks(ctx, d, files, take)
}

// fixture is what the reference code computed: testdata/reference holds its
// checkpoint, ids and logits; testdata/NAME is the checkpoint after
//
//	samba convert --from testdata/reference/NAME.pth --config NAME's config --bits 32 --to testdata/NAME
func fixture(t *testing.T, name string) (src folder.Source, ids []uint32, logits []float32) {
	t.Helper()
	data, err := os.ReadFile("testdata/reference/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var about struct{ IDs []uint32 }
	if err := json.Unmarshal(data, &about); err != nil {
		t.Fatal(err)
	}
	if data, err = os.ReadFile("testdata/reference/" + name + ".logits.f32"); err != nil {
		t.Fatal(err)
	}
	logits = make([]float32, len(data)/4)
	for i := range logits {
		logits[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
	}
	return disk("testdata/" + name), about.IDs, logits
}

// The reference code ran in fp32, the twins sum in float64, the kernels in fp32 in another order: rounding alone
// tells them apart. Seen: 1.1e-6 and 1.6e-6.
func TestFixtures(t *testing.T) {
	for _, name := range []string{"samba-mha", "samba-gqa"} {
		t.Run(name, func(t *testing.T) {
			src, ids, want := fixture(t, name)
			t.Run("cpu", func(t *testing.T) {
				m := loadTest(t, src, Options{})
				for _, chunk := range []int{0, 1, 25} {
					d := worst(allLogits(t, m, ids, chunk), want)
					t.Logf("chunks of %d: off by %.2g", chunk, d)
					if d > 1e-4 {
						t.Errorf("chunks of %d: logits off by %g, want at most 1e-4", chunk, d)
					}
				}
			})
			t.Run("gpu", func(t *testing.T) {
				m := loadTest(t, src, Options{Device: testDevice(t)})
				for _, chunk := range []int{0, 1, 25} {
					d := worst(allLogits(t, m, ids, chunk), want)
					t.Logf("chunks of %d: off by %.2g", chunk, d)
					if d > 1e-3 {
						t.Errorf("chunks of %d: logits off by %g, want at most 1e-3", chunk, d)
					}
				}
			})
		})
	}
}
