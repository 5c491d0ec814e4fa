package convert

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/samba-web/samba/model/families"
	"github.com/samba-web/samba/model/quant"
)

const publishedFolders = "../../model/families/testdata"

// A published folder becomes one of the same family whose linear layers are
// packed as MLX packs, and all else is what it was.
func TestPublished(t *testing.T) {
	for _, c := range []struct {
		folder string
		bits   int
		group  int
	}{{"granite_a", 4, 64}, {"granite_a", 8, 32}, {"lfm2_a", 4, 32}, {"phi4flash_a", 4, 64}, {"jamba_a", 4, 32}, {"falcon_h1_a", 8, 32}, {"nemotron_h_a", 16, 64}} {
		t.Run(c.folder, func(t *testing.T) {
			from, to := filepath.Join(publishedFolders, c.folder), filepath.Join(t.TempDir(), "model")
			run(t, Options{From: from, To: to, Bits: c.bits, Group: c.group})
			m, err := families.Parse(must(os.ReadFile(filepath.Join(to, "config.json"))))
			if err != nil {
				t.Fatal(err)
			}
			before, after := must(open(t.Context(), from)), must(open(t.Context(), to))
			defer before.close()
			defer after.close()
			packedAny := false
			for name, was := range before.tensors {
				at, known, ignored := m.Names.Place(name)
				is := after.tensors[name]
				if ignored {
					if is != nil {
						t.Errorf("%s is there, which tying makes needless", name)
					}
					continue
				}
				if !known || is == nil {
					t.Errorf("%s: known %v, written %v", name, known, is != nil)
					continue
				}
				want, got := values(t, was), values(t, is)
				if p, ok := is.(*packed); ok {
					packedAny = true
					in := was.shape()[1]
					bits := c.bits
					if stem := strings.TrimSuffix(at.Tensor, ".weight"); slices.Contains([]string{"embed_tokens", "lm_head", "x_proj", "dt_proj"}, stem[strings.LastIndexByte(stem, '.')+1:]) {
						bits = 8
					}
					q, s, b, err := quant.Quantize(name, want, in, c.group, bits)
					if err != nil {
						t.Fatal(err)
					}
					quant.Dequantize(q, s, b, bits, c.group, in, want)
					if err := p.fit(in); err != nil {
						t.Fatal(err)
					}
					got = values(t, is)
				}
				if !slices.Equal(got, want) {
					t.Errorf("%s: other values", name)
				}
			}
			if packedAny != (c.bits < 16) {
				t.Errorf("packed: %v", packedAny)
			}
		})
	}
}

func values(t *testing.T, from tensor) []float32 {
	t.Helper()
	n := 1
	for _, d := range from.shape() {
		n *= d
	}
	if p, ok := from.(*packed); ok && p.shape()[1] == 0 {
		return nil
	}
	out := make([]float32, n)
	if err := from.read(out, 0); err != nil {
		t.Fatal(err)
	}
	return out
}

// A folder that does not hold what its config.json describes is refused by the tensor's name.
func TestPublishedRefuses(t *testing.T) {
	change := func(fields map[string]any) string {
		to := t.TempDir()
		from := filepath.Join(publishedFolders, "jamba_a")
		config := map[string]any{}
		if err := json.Unmarshal(must(os.ReadFile(filepath.Join(from, "config.json"))), &config); err != nil {
			t.Fatal(err)
		}
		for name, value := range fields {
			config[name] = value
		}
		for name, data := range map[string][]byte{"config.json": must(json.Marshal(config)), "model.safetensors": must(os.ReadFile(filepath.Join(from, "model.safetensors")))} {
			if err := os.WriteFile(filepath.Join(to, name), data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		return to
	}
	for want, fields := range map[string]map[string]any{
		"experts are not carried": {"num_experts": 4},
		"model.layers.0.feed_forward.gate_proj.weight has shape [112 80], want [96 80]": {"intermediate_size": 96},
		"a jamba model has no tensor model.layers.4.":                                   {"num_hidden_layers": 4},
		"there: it is missing a tensor that config.json asks for":                       {"num_hidden_layers": 6},
		"lm_head.weight are 0 rows of 271":                                              {"tie_word_embeddings": false},
	} {
		refused(t, Options{From: change(fields), Bits: 4}, want)
	}
}
