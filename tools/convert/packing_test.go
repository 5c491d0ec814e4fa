package convert

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/samba-web/samba/model"
	"github.com/samba-web/samba/model/folder"
	"github.com/samba-web/samba/model/packing"
	"github.com/samba-web/samba/model/safetensors"
)

// What a load packs is what samba convert writes, to the byte: heads tied and not, rows that no group divides and that
// stay BF16, embeddings and x_proj that keep 8 bits, our own folders.
func TestPackingIsConverting(t *testing.T) {
	own := filepath.Join(t.TempDir(), "own")
	r := tiny(func(r *Reference) { r.Width = 128 })
	run(t, Options{From: save(t, checkpoint(r, 11).pth("FloatStorage")), To: own, Config: saveConfig(t, r), Bits: 16, Group: 64})
	froms := []string{own}
	for _, name := range []string{"granite_a", "lfm2_a", "phi4flash_a", "jamba_a", "falcon_h1_a", "nemotron_h_a", "mamba_a", "falcon_mamba_a"} {
		froms = append(froms, filepath.Join(publishedFolders, name))
	}
	for _, from := range froms {
		for _, bits := range []int{4, 8} {
			to := filepath.Join(t.TempDir(), "model")
			run(t, Options{From: from, To: to, Bits: bits, Group: 64})
			src, err := packing.Open(t.Context(), folder.Dir(from), bits)
			if err != nil {
				t.Fatalf("%s: %v", from, err)
			}
			got := map[string][]byte{}
			if err := src.Weights(t.Context(), nil, func(folder.Arrived) {}, func(b folder.Block) error {
				name := src.(*packing.Source).Index().Files()[b.File]
				if int64(len(got[name])) != b.Offset {
					t.Errorf("%s: a block at %d, want %d", name, b.Offset, len(got[name]))
				}
				got[name] = append(got[name], b.Bytes.Bytes(0, b.Bytes.Len())...)
				return nil
			}); err != nil {
				t.Fatalf("%s: %v", from, err)
			}
			for _, name := range []string{"config.json", safetensors.IndexName} {
				got[name] = must(src.ReadFile(t.Context(), name))
			}
			if bits == 4 {
				packed, err := model.Load(t.Context(), folder.Dir(from), model.Options{Bits: bits})
				if err != nil {
					t.Fatalf("%s: %v", from, err)
				}
				converted, err := model.Load(t.Context(), folder.Dir(to), model.Options{})
				if err != nil {
					t.Fatalf("%s: %v", from, err)
				}
				if packed.Hash() != converted.Hash() {
					t.Errorf("%s in %d bits: it is another model than what samba convert wrote: states saved with one do not go on with the other", from, bits)
				}
			}
			for name, data := range got {
				if string(data) != string(must(os.ReadFile(filepath.Join(to, name)))) {
					t.Errorf("%s in %d bits: %s is not what samba convert wrote", from, bits, name)
				}
			}
		}
	}
}
