package convert

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/samba-web/samba/model"
	"github.com/samba-web/samba/model/folder"
)

// A random checkpoint goes the whole way: written, converted, loaded, run; and
// the same seed writes the same file.
func TestRandomCheckpoint(t *testing.T) {
	dir := t.TempDir()
	config := filepath.Join(dir, "reference.json")
	fields, err := json.Marshal(map[string]any{
		"n_embd": 64, "n_layer": 4, "n_head": 4, "n_query_groups": 2, "intermediate_size": 128, "vocab_size": 500, "padding_multiple": 64,
		"rotary_percentage": 1, "parallel_residual": false, "bias": false, "_norm_class": "FusedRMSNorm", "_mlp_class": "LLaMAMLP",
		"local_window": 32, "mb_per_layer": 2, "mamba_init": true,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(config, fields, 0o644); err != nil {
		t.Fatal(err)
	}
	c, err := configFrom(config, nil)
	if err != nil {
		t.Fatal(err)
	}
	var files [3][]byte
	for i, seed := range []uint64{1, 1, 2} {
		path := filepath.Join(dir, "random.pth")
		parameters, size, err := WriteRandom(context.Background(), c, seed, path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if files[i], err = os.ReadFile(path); err != nil || int64(len(files[i])) != size || parameters < 100_000 {
			t.Fatalf("%d parameters and %d bytes were told, the file has %d (%v)", parameters, size, len(files[i]), err)
		}
	}
	if !bytes.Equal(files[0], files[1]) || bytes.Equal(files[0], files[2]) {
		t.Error("the seed does not decide the file")
	}
	to := filepath.Join(dir, "model")
	if _, err := Convert(context.Background(), Options{From: filepath.Join(dir, "random.pth"), To: to, Config: config, Bits: 4, Group: 64}); err != nil {
		t.Fatal(err)
	}
	m, err := model.Load(context.Background(), folder.Dir(to), model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	s, err := m.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	err = s.Logits(context.Background(), []uint32{1, 2, 3}, 0, func(rows []float32) error {
		low, high := rows[0], rows[0]
		for _, v := range rows {
			low, high = min(low, v), max(high, v)
		}
		if !(high-low > 0.1 && high-low < 1000) {
			t.Errorf("logits span %g to %g", low, high)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
