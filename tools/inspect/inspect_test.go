package inspect

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/samba-web/samba/model/safetensors"
	"github.com/samba-web/samba/tools/convert"
)

func modelFolder(t *testing.T, bits int) string {
	t.Helper()
	const fixture = "../../model/testdata/reference/samba-gqa"
	to := filepath.Join(t.TempDir(), "model")
	if _, err := convert.Convert(context.Background(), convert.Options{From: fixture + ".pth", Config: fixture + ".json", To: to, Bits: bits, Group: 64}); err != nil {
		t.Fatal(err)
	}
	return to
}

func execute(t *testing.T, args ...string) (string, error) {
	t.Helper()
	cmd := Command()
	var out bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SetArgs(args)
	err := cmd.Execute()
	return out.String(), err
}

func TestInspect(t *testing.T) {
	dir := modelFolder(t, 4)
	text, err := execute(t, dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"889472", "MSMS", "4 bits, groups of 64", "SHA-256 matches", "layers.1.mixer.qkv_proj.weight", "8/64"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in the output:\n%s", want, text)
		}
	}
	text, err = execute(t, "--json", "--no-hash", dir)
	if err != nil {
		t.Fatal(err)
	}
	var r Report
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		t.Fatal(err)
	}
	// 2 Mamba layers of 256 channels with 16 states and 3 columns, 2 windows of
	// 24 positions with 2 heads of 32, keys and values, of 2 bytes as pages keep them; all else F32.
	if want := int64(2*256*(16+3)*4 + 2*24*2*2*32*2); r.StateBytes != want || r.PerToken != 0 || r.KeyBits != 16 {
		t.Errorf("the state has %d bytes and %d a token, want %d and 0", r.StateBytes, r.PerToken, want)
	}
	if r.Parameters != 889472 || len(r.Shards) != 1 || r.Shards[0].Checked || r.Bytes != r.Shards[0].Bytes {
		t.Errorf("got %d parameters, shards %+v", r.Parameters, r.Shards)
	}
	sum := int64(0)
	for _, w := range r.Weights {
		sum += w.Bytes
	}
	if sum >= r.Bytes || sum < r.Bytes-16<<10 {
		t.Errorf("the weights have %d bytes of the shards' %d", sum, r.Bytes)
	}
}

func TestInspectRefuses(t *testing.T) {
	edit := func(name, old, new string) func(string) error {
		return func(dir string) error {
			path := filepath.Join(dir, name)
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			return os.WriteFile(path, bytes.Replace(data, []byte(old), []byte(new), 1), 0o644)
		}
	}
	const shard = "model-00001-of-00001.safetensors"
	for name, c := range map[string]struct {
		spoil func(dir string) error
		want  string
	}{
		"no config":        {func(dir string) error { return os.Remove(filepath.Join(dir, "config.json")) }, "no model folder"},
		"another config":   {edit("config.json", `"intermediate_size": 320`, `"intermediate_size": 319`), "shape"},
		"a layer too many": {edit("config.json", `"tie_word_embeddings": true`, `"tie_word_embeddings": false`), "lm_head.weight is missing"},
		"no MLP":           {edit("config.json", `"num_attention_heads"`, `"mlp_layers": [true, true, true, false], "num_attention_heads"`), "no place for"},
		"shard gone":       {func(dir string) error { return os.Remove(filepath.Join(dir, shard)) }, shard},
		"shard shortened":  {func(dir string) error { return os.Truncate(filepath.Join(dir, shard), 5000) }, "incomplete"},
		"shard altered":    {edit(shard, "data_offsets", "data_offsetz"), "data_offsetz"},
		"hash altered":     {edit(safetensors.IndexName, `.safetensors": "`, `.safetensors": "0`), "sha256"},
		"name altered":     {edit(safetensors.IndexName, `"layers.0.mixer.D"`, `"layers.0.mixer.E"`), "layers.0.mixer.D"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := modelFolder(t, 32)
			if err := c.spoil(dir); err != nil {
				t.Fatal(err)
			}
			out, err := execute(t, dir)
			if err == nil || out != "" || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got error %v and output %q, want one line that says %q", err, out, c.want)
			}
		})
	}
}

// Folders of every family are shown and verified as they were published.
func TestFamilies(t *testing.T) {
	const families = "../../model/families/testdata"
	folders, err := os.ReadDir(families)
	if err != nil || len(folders) == 0 {
		t.Fatal(folders, err)
	}
	for _, f := range folders {
		dir := filepath.Join(families, f.Name())
		r, err := Inspect(dir, true)
		if err != nil {
			t.Error(err)
			continue
		}
		if want := r.Config.Parameters(); r.Parameters != want {
			t.Errorf("%s: the tensors hold %d parameters, want %d", dir, r.Parameters, want)
		}
		if text, err := execute(t, dir); err != nil || strings.Contains(text, ": (") || !strings.Contains(text, "\n"+r.Weights[0].Name) {
			t.Errorf("%s: got %v and %q", dir, err, text)
		}
		if strings.HasSuffix(dir, "_mlx4") && !slices.ContainsFunc(r.Weights, func(w Weight) bool { return w.Bits == 4 && w.Group > 0 }) {
			t.Errorf("%s: no weight is said to be packed", dir)
		}
	}
}
