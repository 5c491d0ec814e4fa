package convert

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/samba-web/samba/model/config"
	"github.com/samba-web/samba/model/packing"
	"github.com/samba-web/samba/model/quant"
	"github.com/samba-web/samba/model/safetensors"
	"github.com/samba-web/samba/tools/convert/internal/pthwriter"
	"github.com/samba-web/samba/tools/inspect"
	"github.com/x448/float16"
)

const fixtures = "../../model/testdata/reference"

// weights are a checkpoint's tensors under the reference's names.
type weights map[string]struct {
	shape  []int
	values []float32
}

func (w weights) add(rng *rand.Rand, name string, shape ...int) {
	n := 1
	for _, d := range shape {
		n *= d
	}
	values := make([]float32, n)
	if rng != nil { // otherwise zeros
		for i := range values {
			values[i] = float32(rng.NormFloat64() * 0.05)
		}
	}
	w[name] = struct {
		shape  []int
		values []float32
	}{shape, values}
}

// checkpoint makes random weights as the reference code lays them out. It is
// written after the reference's description, not after the converter.
func checkpoint(r *Reference, seed uint64) weights {
	rng := rand.New(rand.NewPCG(seed, 1))
	if seed == 0 {
		rng = nil
	}
	w := weights{}
	d, groups, vocab := r.Width, r.Heads, 64
	if r.QueryGroups != nil {
		groups = *r.QueryGroups
	}
	ff, head := *r.IntermediateSize, d/r.Heads
	rank := int(math.Ceil(float64(d) / 16))
	w.add(rng, "transformer.wte.weight", vocab, d)
	w["lm_head.weight"] = w["transformer.wte.weight"]
	if !r.MambaInit {
		w.add(rng, "lm_head.weight", vocab, d)
	}
	w.add(rng, "transformer.ln_f.weight", d)
	for i := range r.Layers {
		name := func(s string) string { return fmt.Sprintf("transformer.h.%d.%s", i, s) }
		mamba := func(at string) {
			w.add(rng, name(at+".A_log"), 2*d, 16)
			w.add(rng, name(at+".D"), 2*d)
			w.add(rng, name(at+".in_proj.weight"), 4*d, d)
			w.add(rng, name(at+".conv1d.weight"), 2*d, 1, 4)
			w.add(rng, name(at+".conv1d.bias"), 2*d)
			w.add(rng, name(at+".x_proj.weight"), rank+32, 2*d)
			w.add(rng, name(at+".dt_proj.weight"), 2*d, rank)
			w.add(rng, name(at+".dt_proj.bias"), 2*d)
			w.add(rng, name(at+".out_proj.weight"), d, 2*d)
		}
		attention := func() {
			w.add(rng, name("attn.attn.weight"), (r.Heads+2*groups)*head, d)
			w.add(rng, name("attn.proj.weight"), d, d)
		}
		isMamba := r.MambaPerLayer > 0 && i%r.MambaPerLayer == 0
		if r.AttnLayerPos != nil {
			isMamba = !slices.Contains(r.AttnLayerPos, i)
		}
		switch {
		case r.MambaSWAMLP:
			w.add(rng, name("norm_m.weight"), d)
			mamba("mb")
			w.add(rng, name("norm_attn.weight"), d)
			attention()
		case isMamba:
			w.add(rng, name("norm_1.weight"), d)
			mamba("attn")
		default:
			w.add(rng, name("norm_1.weight"), d)
			attention()
		}
		if r.MLP {
			w.add(rng, name("norm_2.weight"), d)
			w.add(rng, name("mlp.swiglu.w1.weight"), ff, d)
			w.add(rng, name("mlp.swiglu.w2.weight"), ff, d)
			w.add(rng, name("mlp.swiglu.w3.weight"), d, ff)
		}
	}
	return w
}

// tiny is a config of a few thousand weights.
func tiny(change func(*Reference)) *Reference {
	r, err := named("Samba_421M")
	if err != nil {
		panic(err)
	}
	groups, ff := 2, 96
	r.Layers, r.Heads, r.QueryGroups, r.Width, r.IntermediateSize = 4, 4, &groups, 64, &ff
	r.VocabSize, r.LocalWindow, r.BlockSize = 60, 24, 128
	if change != nil {
		change(r)
	}
	return r
}

// pth turns weights into a checkpoint of torch.save, all in one class.
func (w weights) pth(class string) pthwriter.Checkpoint {
	var c pthwriter.Checkpoint
	key := 0
	for name, t := range w {
		if name == "lm_head.weight" && &t.values[0] == &w["transformer.wte.weight"].values[0] {
			continue
		}
		c.Model = append(c.Model, pthwriter.Tensor{Name: name, Class: class, Key: fmt.Sprint(key), Numel: len(t.values), Shape: t.shape, Data: pthwriter.Encode(class, t.values)})
		key++
		if name == "transformer.wte.weight" && &t.values[0] == &w["lm_head.weight"].values[0] {
			tied := c.Model[len(c.Model)-1]
			tied.Name = "lm_head.weight"
			c.Model = append(c.Model, tied)
		}
	}
	return c
}

func save(t *testing.T, c pthwriter.Checkpoint) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ckpt.pth")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Write(f); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func saveConfig(t *testing.T, r *Reference) string {
	t.Helper()
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "config.json")
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// expected is what our model must hold, by our names: rows are found by the
// index formulas of the reference's description.
func expected(r *Reference, c *config.Config, w weights) map[string][]float32 {
	get := func(name string) []float32 {
		t, ok := w[name]
		if !ok {
			panic("the test's checkpoint has no " + name)
		}
		return t.values
	}
	out := map[string][]float32{config.EmbedTokens: get("transformer.wte.weight"), config.FinalNorm: get("transformer.ln_f.weight")}
	if !c.TieEmbeddings {
		out[config.LMHead] = get("lm_head.weight")
	}
	for i, kind := range c.LayerTypes {
		ours := func(name string) string { return fmt.Sprintf("layers.%d.%s", i, name) }
		blockIndex, norm, mixer := i, "norm_1", "attn"
		if r.MambaSWAMLP {
			blockIndex, norm, mixer = i/2, "norm_m", "mb"
			if kind != config.Mamba {
				norm, mixer = "norm_attn", "attn"
			}
		}
		theirs := func(name string) []float32 { return get(fmt.Sprintf("transformer.h.%d.%s", blockIndex, name)) }
		out[ours("mixer_norm.weight")] = theirs(norm + ".weight")
		if kind == config.Mamba {
			for _, name := range []string{"A_log", "D", "in_proj.weight", "conv1d.weight", "conv1d.bias", "x_proj.weight", "dt_proj.weight", "dt_proj.bias", "out_proj.weight"} {
				out[ours("mixer."+name)] = theirs(mixer + "." + name)
			}
		} else {
			// The fused weight is viewed as [n_kv, q_per_kv + 2, head_dim, d].
			fused, per := theirs(mixer+".attn.weight"), c.NumHeads/c.NumKVHeads
			at := func(group, slot int) []float32 {
				size := c.HeadDim * c.HiddenSize
				return fused[(group*(per+2)+slot)*size:][:size]
			}
			var qkv []float32
			for h := range c.NumHeads {
				qkv = append(qkv, at(h/per, h%per)...)
			}
			for slot := per; slot < per+2; slot++ {
				for g := range c.NumKVHeads {
					qkv = append(qkv, at(g, slot)...)
				}
			}
			out[ours("mixer.qkv_proj.weight")] = qkv
			out[ours("mixer.o_proj.weight")] = theirs(mixer + ".proj.weight")
		}
		if c.HasMLP(i) {
			out[ours("mlp_norm.weight")] = theirs("norm_2.weight")
			out[ours("mlp.gate_up_proj.weight")] = slices.Concat(theirs("mlp.swiglu.w1.weight"), theirs("mlp.swiglu.w2.weight"))
			out[ours("mlp.down_proj.weight")] = theirs("mlp.swiglu.w3.weight")
		}
	}
	return out
}

// check verifies every tensor of a folder: shapes and hashes by inspect, values
// against what is expected, as stored in this many bits.
func check(t *testing.T, dir string, want map[string][]float32, bits, group int) *inspect.Report {
	t.Helper()
	report, err := inspect.Inspect(dir, true)
	if err != nil {
		t.Fatal(err)
	}
	src, err := open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer src.close()
	if len(src.tensors) != len(want) {
		t.Errorf("%d tensors, want %d", len(src.tensors), len(want))
	}
	for _, w := range report.Weights {
		values, ok := want[w.Name]
		if !ok {
			t.Errorf("%s was not expected", w.Name)
			continue
		}
		got := make([]float32, len(values))
		if p, ok := src.tensors[w.Name].(*packed); ok {
			if err := p.fit(w.Shape[1]); err != nil {
				t.Fatal(err)
			}
		}
		if err := src.tensors[w.Name].read(got, 0); err != nil {
			t.Fatal(err)
		}
		in := w.Shape[len(w.Shape)-1]
		project := strings.HasSuffix(w.Name, "_proj.weight") || w.Name == config.EmbedTokens || w.Name == config.LMHead
		expectBits := 32
		if project && bits < 32 {
			expectBits = 16
			if bits < 16 && in%group == 0 {
				expectBits = bits
				if bits == 4 && (!strings.Contains(w.Name, ".") || strings.Contains(w.Name, "x_proj") || strings.Contains(w.Name, "dt_proj") || w.Name == config.EmbedTokens || w.Name == config.LMHead) {
					expectBits = 8
				}
			}
		}
		if w.Bits != expectBits {
			t.Errorf("%s is stored in %d bits, want %d", w.Name, w.Bits, expectBits)
			continue
		}
		stored := values
		switch expectBits {
		case 16:
			stored = make([]float32, len(values))
			for i, v := range values {
				stored[i] = float16.Fromfloat32(v).Float32()
			}
		case 4, 8:
			q, s, b, err := quant.Quantize(w.Name, values, in, group, expectBits)
			if err != nil {
				t.Fatal(err)
			}
			stored = make([]float32, len(values))
			quant.Dequantize(q, s, b, expectBits, group, in, stored)
		}
		if !slices.Equal(stored, got) {
			t.Errorf("%s: the values differ", w.Name)
		}
	}
	return report
}

func run(t *testing.T, o Options) *Report {
	t.Helper()
	if o.Group == 0 {
		o.Group = 64
	}
	report, err := Convert(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(o.To + ".partial"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s.partial was left behind", o.To)
	}
	return report
}

// The fixtures that the reference code saved, in every number of bits.
func TestFixtures(t *testing.T) {
	for _, name := range []string{"samba-mha", "samba-gqa"} {
		path := filepath.Join(fixtures, name+".pth")
		src, err := open(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		defer src.close()
		w := weights{}
		for name, tensor := range src.tensors {
			values := make([]float32, elements(tensor.shape()))
			if err := tensor.read(values, 0); err != nil {
				t.Fatal(err)
			}
			w[name] = struct {
				shape  []int
				values []float32
			}{tensor.shape(), values}
		}
		config, err := configFrom(filepath.Join(fixtures, name+".json"), src)
		if err != nil {
			t.Fatal(err)
		}
		want := expected(&Reference{}, config, w)
		for _, bits := range []int{32, 16, 8, 4} {
			for _, group := range []int{32, 64, 128} {
				t.Run(fmt.Sprintf("%s/%d bits/groups of %d", name, bits, group), func(t *testing.T) {
					to := filepath.Join(t.TempDir(), "model")
					run(t, Options{From: path, To: to, Config: filepath.Join(fixtures, name+".json"), Bits: bits, Group: group})
					check(t, to, want, bits, group)
				})
			}
		}
	}
}

func elements(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

func TestVariants(t *testing.T) {
	groups := func(n int) func(*Reference) { return func(r *Reference) { r.QueryGroups = &n } }
	for name, c := range map[string]struct {
		change func(*Reference)
		layers string
		verify func(*config.Config) bool
	}{
		"samba":           {nil, "MSMS", func(c *config.Config) bool { return c.TieEmbeddings && *c.RopeTheta == 10000 && c.SlidingWindow == 24 }},
		"MHA":             {groups(4), "MSMS", nil},
		"MQA":             {groups(1), "MSMS", func(c *config.Config) bool { return c.NumKVHeads == 1 }},
		"no groups given": {func(r *Reference) { r.QueryGroups = nil }, "MSMS", func(c *config.Config) bool { return c.NumKVHeads == 4 }},
		"no RoPE":         {func(r *Reference) { r.NoPE = true; r.RotaryPercentage = 0.25 }, "MSMS", func(c *config.Config) bool { return c.RopeTheta == nil }},
		"mamba_swa_mlp":   {func(r *Reference) { r.MambaSWAMLP = true }, "M-SM-SM-SM-S", nil},
		"no MLP":          {func(r *Reference) { r.MLP = false }, "M-S-M-S-", nil},
		"transformer":     {func(r *Reference) { r.LocalWindow, r.MambaPerLayer, r.MambaInit = -1, -1, false }, "FFFF", func(c *config.Config) bool { return !c.TieEmbeddings }},
		"sliding windows": {func(r *Reference) { r.MambaPerLayer = -1 }, "SSSS", nil},
		"full_per_layer":  {func(r *Reference) { r.MambaPerLayer = -1; r.FullPerLayer = 2 }, "SFSF", nil},
		"attn_layer_pos":  {func(r *Reference) { r.AttnLayerPos = attnList{1, 2} }, "MSSM", nil},
		"one in four":     {func(r *Reference) { r.MambaPerLayer = 4 }, "MSSS", nil},
		"other window":    {func(r *Reference) { r.LocalWindow = 7 }, "MSMS", func(c *config.Config) bool { return c.SlidingWindow == 7 }},
	} {
		for _, bits := range []int{32, 4} {
			t.Run(fmt.Sprintf("%s/%d bits", name, bits), func(t *testing.T) {
				r := tiny(c.change)
				w := checkpoint(r, 1)
				to := filepath.Join(t.TempDir(), "model")
				report := run(t, Options{From: save(t, w.pth("FloatStorage")), To: to, Config: saveConfig(t, r), Bits: bits, Group: 32})
				check(t, to, expected(r, report.Config, w), bits, 32)
				kinds := ""
				for i, kind := range report.Config.LayerTypes {
					kinds += map[string]string{config.Mamba: "M", config.SlidingAttention: "S", config.FullAttention: "F"}[kind]
					if !report.Config.HasMLP(i) {
						kinds += "-"
					}
				}
				if kinds != c.layers {
					t.Errorf("layers are %s, want %s", kinds, c.layers)
				}
				if c.verify != nil && !c.verify(report.Config) {
					t.Errorf("config is %+v", report.Config)
				}
			})
		}
	}
}

// Storage types, wrappers' prefixes, parameters, an optimizer and the config
// within the checkpoint.
func TestWaysToSave(t *testing.T) {
	r := tiny(nil)
	w := checkpoint(r, 2)
	rounded := func(class string) weights {
		out := weights{}
		for name, t := range w {
			data := pthwriter.Encode(class, t.values)
			values := make([]float32, len(t.values))
			decode(values, data, map[string]safetensors.DType{"FloatStorage": safetensors.F32, "HalfStorage": safetensors.F16, "BFloat16Storage": safetensors.BF16, "DoubleStorage": safetensors.F64}[class])
			t.values = values
			out[name] = t
		}
		out["lm_head.weight"] = out["transformer.wte.weight"]
		return out
	}
	for _, class := range []string{"FloatStorage", "HalfStorage", "BFloat16Storage", "DoubleStorage"} {
		t.Run(class, func(t *testing.T) {
			to := filepath.Join(t.TempDir(), "model")
			report := run(t, Options{From: save(t, w.pth(class)), To: to, Config: saveConfig(t, r), Bits: 32})
			check(t, to, expected(r, report.Config, rounded(class)), 32, 64)
		})
	}
	t.Run("everything at once", func(t *testing.T) {
		c := w.pth("FloatStorage")
		for i := range c.Model {
			c.Model[i].Name = "_forward_module.module." + c.Model[i].Name
			c.Model[i].AsParameter = i%2 == 0
		}
		c.Before = func(p *pthwriter.Pickle) {
			p.Str("optimizer")
			p.Op('}', '(')
			for i := range 20 {
				p.Int(i)
				p.Tensor(pthwriter.Tensor{Class: "FloatStorage", Key: "huge", Numel: 1 << 40, Shape: []int{1 << 40}})
			}
			p.Op('u')
		}
		c.Hparams = map[string]any{"learning_rate": 4e-4, "config": map[string]any{
			"name": "tiny", "n_layer": 4, "n_head": 4, "n_query_groups": 2, "n_embd": 64, "intermediate_size": 96, "vocab_size": 60, "padding_multiple": 64,
			"rotary_percentage": 1.0, "parallel_residual": false, "bias": false, "_norm_class": "RMSNorm", "_mlp_class": "LLaMAMLP", "norm_eps": 1e-5,
			"local_window": 24, "mb_per_layer": 2, "mamba_init": true, "attn_layer_pos": nil}}
		to := filepath.Join(t.TempDir(), "model")
		report := run(t, Options{From: save(t, c), To: to, Bits: 16})
		check(t, to, expected(r, report.Config, w), 16, 64)
	})
	t.Run("packed w12, transposed and sliced views", func(t *testing.T) {
		packed := weights{}
		for name, t := range w {
			packed[name] = t
		}
		c := w.pth("FloatStorage")
		// w1 and w2 as two slices of one storage; one weight transposed.
		var model []pthwriter.Tensor
		for _, tensor := range c.Model {
			stem, isUp := strings.CutSuffix(tensor.Name, "w2.weight")
			switch {
			case isUp && strings.HasPrefix(stem, "transformer.h.1."):
				continue
			case tensor.Name == "transformer.h.1.mlp.swiglu.w1.weight":
				tensor.Name = "transformer.h.1.mlp.swiglu.w12.weight"
				tensor.Data = append(slices.Clone(tensor.Data), pthwriter.Encode("FloatStorage", w["transformer.h.1.mlp.swiglu.w2.weight"].values)...)
				tensor.Numel *= 2
				tensor.Shape = []int{192, 64}
			case isUp && strings.HasPrefix(stem, "transformer.h.2."):
				tensor.Data = append(make([]byte, 40), tensor.Data...)
				tensor.Numel, tensor.Offset = tensor.Numel+10, 10
			case tensor.Name == "transformer.h.1.attn.proj.weight":
				values := w[tensor.Name].values
				turned := make([]float32, len(values))
				for i := range 64 {
					for j := range 64 {
						turned[j*64+i] = values[i*64+j]
					}
				}
				tensor.Data, tensor.Strides = pthwriter.Encode("FloatStorage", turned), []int{1, 64}
			}
			model = append(model, tensor)
		}
		c.Model = model
		to := filepath.Join(t.TempDir(), "model")
		report := run(t, Options{From: save(t, c), To: to, Config: saveConfig(t, r), Bits: 32})
		check(t, to, expected(r, report.Config, w), 32, 64)
	})
	t.Run("a head of its own, though the config ties it", func(t *testing.T) {
		other := checkpoint(tiny(func(r *Reference) { r.MambaInit = false }), 2)
		to := filepath.Join(t.TempDir(), "model")
		report := run(t, Options{From: save(t, other.pth("FloatStorage")), To: to, Config: saveConfig(t, r), Bits: 32})
		if report.Config.TieEmbeddings {
			t.Error("the embeddings are tied")
		}
		check(t, to, expected(r, report.Config, other), 32, 64)
	})
	t.Run("the model's name in hparams", func(t *testing.T) {
		c := w.pth("FloatStorage")
		c.Hparams = map[string]any{"model_name": "Samba_421M"}
		_, err := Convert(t.Context(), Options{From: save(t, c), To: filepath.Join(t.TempDir(), "model"), Bits: 32, Group: 64})
		if err == nil || !strings.Contains(err.Error(), "want [32000 1536]") {
			t.Errorf("got error %v, want one that compares with Samba_421M's shapes", err)
		}
	})
}

// writeSafetensors writes weights as one file of F32, or BF16.
func writeSafetensors(t *testing.T, path string, w weights, names []string) {
	t.Helper()
	var tensors []safetensors.Tensor
	for _, name := range names {
		tensors = append(tensors, safetensors.Tensor{Name: name, DType: safetensors.F32, Shape: w[name].shape})
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	out, err := safetensors.NewWriter(f, tensors, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if _, err := out.Write(pthwriter.Encode("FloatStorage", w[name].values)); err != nil {
			t.Fatal(err)
		}
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestSafetensorsSources(t *testing.T) {
	r := tiny(nil)
	w := checkpoint(r, 3)
	dir := t.TempDir()
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "config.json"), data, 0o644); err != nil {
		t.Fatal(err)
	}
	var names []string
	for name := range w {
		names = append(names, name)
	}
	slices.Sort(names)
	single := filepath.Join(dir, "weights.safetensors")
	writeSafetensors(t, single, w, names)
	index := &safetensors.Index{WeightMap: map[string]string{}}
	for i, part := range [][]string{names[:10], names[10:]} {
		file := fmt.Sprintf("part-%d.safetensors", i)
		writeSafetensors(t, filepath.Join(dir, file), w, part)
		for _, name := range part {
			index.WeightMap[name] = file
		}
	}
	data, err = index.Encode()
	if err != nil {
		t.Fatal(err)
	}
	indexPath := filepath.Join(dir, safetensors.IndexName)
	if err := os.WriteFile(indexPath, data, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, from := range []string{single, indexPath, dir} {
		t.Run(filepath.Base(from), func(t *testing.T) {
			to := filepath.Join(t.TempDir(), "model")
			report := run(t, Options{From: from, To: to, Bits: 8, Group: 32})
			check(t, to, expected(r, report.Config, w), 8, 32)
		})
	}
	index.WeightMap["transformer.h.9.D"] = "part-0.safetensors"
	data, err = index.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(indexPath, data, 0o644); err != nil {
		t.Fatal(err)
	}
	refused(t, Options{From: dir, Bits: 8}, "transformer.h.9.D is in no shard")
}

// Our own folder, unquantized, gives the same bytes as the checkpoint did; a
// quantized one is read as its values.
func TestOwnFolderAsSource(t *testing.T) {
	r := tiny(nil)
	w := checkpoint(r, 4)
	dir := t.TempDir()
	path, config := save(t, w.pth("FloatStorage")), saveConfig(t, r)
	full, direct, again := filepath.Join(dir, "f32"), filepath.Join(dir, "q4"), filepath.Join(dir, "q4-again")
	run(t, Options{From: path, To: full, Config: config, Bits: 32, Group: 32})
	run(t, Options{From: path, To: direct, Config: config, Bits: 4, Group: 32})
	run(t, Options{From: full, To: again, Bits: 4, Group: 32})
	const shardName = "model-00001-of-00001.safetensors"
	a, err := os.ReadFile(filepath.Join(direct, shardName))
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(again, shardName))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a, b) {
		t.Error("the way over F32 gives other bytes")
	}
	back := filepath.Join(dir, "back")
	report := run(t, Options{From: direct, To: back, Bits: 32, Group: 32})
	if report.Config.Quantization != nil {
		t.Error("config.json still speaks of a quantization")
	}
	check(t, direct, expected(r, report.Config, w), 4, 32)
	if _, err := inspect.Inspect(back, true); err != nil {
		t.Error(err)
	}
	// A damaged shard is found by its hash.
	a[len(a)-1]++
	if err := os.WriteFile(filepath.Join(direct, shardName), a, 0o644); err != nil {
		t.Fatal(err)
	}
	refused(t, Options{From: direct, Bits: 32}, "the file is damaged")
	if _, err := inspect.Inspect(direct, true); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("inspect: got error %v, want one about the hash", err)
	}
	if _, err := inspect.Inspect(direct, false); err != nil {
		t.Errorf("inspect --no-hash: %v", err)
	}
}

// refused verifies that a conversion ends with one sentence that says what is
// wrong, and leaves nothing.
func refused(t *testing.T, o Options, want string) {
	t.Helper()
	parent := t.TempDir()
	o.To = filepath.Join(parent, "model")
	if o.Group == 0 {
		o.Group = 64
	}
	_, err := Convert(t.Context(), o)
	if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
		t.Errorf("got error %v, want one line that says %q", err, want)
	}
	left, err := os.ReadDir(parent)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range left {
		t.Errorf("%s was left behind", e.Name())
	}
}

func TestRefusesCheckpoints(t *testing.T) {
	r := tiny(nil)
	config := saveConfig(t, r)
	good := checkpoint(r, 5)
	for name, c := range map[string]struct {
		change func(weights)
		want   string
	}{
		"missing":                   {func(w weights) { delete(w, "transformer.h.0.attn.D") }, "transformer.h.0.attn.D is missing"},
		"surplus":                   {func(w weights) { w.add(rand.New(rand.NewPCG(1, 1)), "transformer.h.4.norm_1.weight", 64) }, "no place for its tensor transformer.h.4.norm_1.weight"},
		"bias":                      {func(w weights) { w.add(rand.New(rand.NewPCG(1, 1)), "transformer.h.1.attn.proj.bias", 64) }, "transformer.h.1.attn.proj.bias"},
		"misshapen":                 {func(w weights) { w.add(rand.New(rand.NewPCG(1, 1)), "transformer.h.1.attn.attn.weight", 192, 64) }, "has shape [192 64], want [128 64]"},
		"NaN":                       {func(w weights) { w["transformer.h.1.norm_1.weight"].values[3] = float32(math.NaN()) }, "layers.1.mixer_norm.weight"},
		"Inf in a quantized weight": {func(w weights) { w["transformer.h.1.attn.proj.weight"].values[64*2+5] = float32(math.Inf(1)) }, "layers.1.mixer.o_proj.weight: the weight at row 2, column 5 is +Inf"},
		"beyond F16":                {func(w weights) { w["transformer.h.0.attn.dt_proj.weight"].values[9] = 70000 }, "beyond F16"},
	} {
		t.Run(name, func(t *testing.T) {
			w := weights{}
			for name, t := range good {
				t.values = slices.Clone(t.values)
				w[name] = t
			}
			w["lm_head.weight"] = w["transformer.wte.weight"]
			c.change(w)
			refused(t, Options{From: save(t, w.pth("FloatStorage")), Config: config, Bits: 8}, c.want)
		})
	}
	path := save(t, good.pth("FloatStorage"))
	t.Run("no config", func(t *testing.T) { refused(t, Options{From: path, Bits: 8}, "pass --config with Samba_421M") })
	t.Run("unknown config", func(t *testing.T) {
		refused(t, Options{From: path, Config: "Samba_9B", Bits: 8}, `"Samba_9B" is neither a file nor one of`)
	})
	t.Run("config not there", func(t *testing.T) { refused(t, Options{From: path, Config: "not-there.json", Bits: 8}, "no such file") })
	t.Run("wrong config", func(t *testing.T) {
		refused(t, Options{From: path, Config: "Samba_1.3B", Bits: 8}, "the config disagrees with the weights")
	})
	t.Run("wrong kinds", func(t *testing.T) {
		refused(t, Options{From: path, Config: saveConfig(t, tiny(func(r *Reference) { r.MambaPerLayer = -1 })), Bits: 8}, "transformer.h.0.attn.attn.weight is missing")
	})
	t.Run("bits", func(t *testing.T) { refused(t, Options{From: path, Config: config, Bits: 5}, "--bits is 5") })
	t.Run("group", func(t *testing.T) {
		refused(t, Options{From: path, Config: config, Bits: 4, Group: 48}, "--group-size is 48")
	})
	t.Run("not there", func(t *testing.T) {
		refused(t, Options{From: "not-there.pth", Config: config, Bits: 4}, "not-there.pth")
	})
	t.Run("empty folder", func(t *testing.T) {
		refused(t, Options{From: t.TempDir(), Config: config, Bits: 4}, "no model.safetensors")
	})
	t.Run("tokenizer of another model", func(t *testing.T) {
		tok := filepath.Join(t.TempDir(), "tokenizer.json")
		if err := os.WriteFile(tok, []byte(`{"model":{"vocab":{"a":0,"b":64}}}`), 0o644); err != nil {
			t.Fatal(err)
		}
		refused(t, Options{From: path, Config: config, Bits: 4, Tokenizer: tok}, "do not belong together")
	})
	t.Run("class", func(t *testing.T) {
		c := good.pth("FloatStorage")
		c.Before = func(p *pthwriter.Pickle) {
			p.Str("optimizer")
			p.Global("posix", "system")
			p.Op('(')
			p.Str("touch /tmp/owned")
			p.Op('t', 'R')
		}
		refused(t, Options{From: save(t, c), Config: config, Bits: 4}, `"posix.system"`)
	})
	t.Run("offset", func(t *testing.T) {
		c := good.pth("FloatStorage")
		c.Model[3].Offset = 1
		refused(t, Options{From: save(t, c), Config: config, Bits: 4}, "beyond its storage")
	})
}

// A file cut off anywhere is refused, and nothing is left behind.
func TestTruncatedFiles(t *testing.T) {
	r := tiny(nil)
	w := checkpoint(r, 6)
	config := saveConfig(t, r)
	st := filepath.Join(t.TempDir(), "weights.safetensors")
	var names []string
	for name := range w {
		names = append(names, name)
	}
	writeSafetensors(t, st, w, names)
	for _, path := range []string{save(t, w.pth("FloatStorage")), st, filepath.Join(fixtures, "samba-gqa.pth")} {
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		cut := filepath.Join(t.TempDir(), "cut"+filepath.Ext(path))
		for i := range 50 {
			n := len(whole) * i / 50
			if i >= 40 { // the archive's directory lies at the end
				n = len(whole) - (50-i)*(50-i)
			}
			if err := os.WriteFile(cut, whole[:n], 0o644); err != nil {
				t.Fatal(err)
			}
			refused(t, Options{From: cut, Config: config, Bits: 4}, cut)
		}
	}
}

func TestNamedConfigs(t *testing.T) {
	for name, want := range map[string]int64{
		"Samba_421M": 421_793_280,
		"Samba_1.3B": 1_330_207_488,
		"Samba_1.7B": 1_741_588_480, // the paper: 1.742 B
		"Samba_3.8B": 3_863_500_800, // the paper: 3.864 B
		"LLaMA_438M": 438_000_000,
	} {
		r, err := named(name)
		if err != nil {
			t.Fatal(err)
		}
		c, err := r.Model()
		if err != nil {
			t.Fatal(err)
		}
		got := int64(0)
		for _, spec := range c.TensorSpecs() {
			got += int64(elements(spec.Shape))
		}
		exact := name == "Samba_421M" || name == "Samba_1.3B"
		if off := math.Abs(float64(got-want)) / float64(want); exact && got != want || off > 0.0005 {
			t.Errorf("%s has %d parameters, want %d", name, got, want)
		}
	}
}

// What does not divide into groups stays F16, and is named.
func TestIndivisibleRows(t *testing.T) {
	o := &packing.Output{Name: "layers.0.mlp.down_proj.weight", Shape: []int{2048, 8196}}
	o.Encode(config.TensorSpec{Name: o.Name, Shape: o.Shape}, packing.Format{Bits: 4, Group: 64, Wider: config.Overrides4})
	if o.DType != safetensors.F16 || !o.Indivisible {
		t.Errorf("got %+v", o)
	}
	r := tiny(nil) // dt_rank is 4
	report := run(t, Options{From: save(t, checkpoint(r, 11).pth("FloatStorage")), To: filepath.Join(t.TempDir(), "model"), Config: saveConfig(t, r), Bits: 8, Group: 64})
	if !slices.Contains(report.Notes, "mixer.dt_proj.weight stays F16: its rows of 4 are no multiple of the group size 64") {
		t.Errorf("the notes do not say what stays F16: %q", report.Notes)
	}
}

func TestRefusesConfigs(t *testing.T) {
	for field, text := range map[string]string{
		"mamba": `true`, "parallel_residual": `true`, "shared_attention_norm": `true`, "bias": `true`, "sc_attn": `true`, "use_mega": `true`,
		"abl_mamba": `true`, "ret_per_layer": `2`, "gla_per_layer": `2`, "condense_ratio": `2`, "rotary_percentage": `0.25`, "_norm_class": `"LayerNorm"`,
		"_mlp_class": `"GptNeoxMLP"`, "local_window": `0`, "full_per_layer": `0`, "n_layer": `100000`, "n_embd": `63`, "n_query_groups": `3`,
		"attn_layer_pos": `"__import__('os')"`, "something_new": `true`, "intermediate_size": `null`, "padded_vocab_size": `0`, "norm_eps": `0`,
	} {
		data, err := json.Marshal(tiny(nil))
		if err != nil {
			t.Fatal(err)
		}
		var fields map[string]json.RawMessage
		if err := json.Unmarshal(data, &fields); err != nil {
			t.Fatal(err)
		}
		fields[field] = json.RawMessage(text)
		if data, err = json.Marshal(fields); err != nil {
			t.Fatal(err)
		}
		if _, err := parseConfig(data); err == nil {
			t.Errorf("%s: %s was accepted", field, text)
		} else if known := map[string]string{"padded_vocab_size": "vocab_size", "norm_eps": "rms_norm_eps"}[field]; !strings.Contains(err.Error(), field) && (known == "" || !strings.Contains(err.Error(), known)) {
			t.Errorf("%s: the error does not name it: %v", field, err)
		}
	}
	for text, want := range map[string][]int{`"[1,5]"`: {1, 5}, `"[0,]"`: {0}, `"(3,)"`: {3}, `[2, 4]`: {2, 4}, `"[]"`: {}} {
		var l attnList
		if err := json.Unmarshal([]byte(text), &l); err != nil || !slices.Equal(l, want) {
			t.Errorf("%s: got %v, %v, want %v", text, l, err, want)
		}
	}
}

// large is a checkpoint of several shards.
func large(t *testing.T) (path, config string) {
	r := tiny(func(r *Reference) { r.Width, *r.IntermediateSize, r.Layers = 512, 2048, 8 })
	w := checkpoint(r, 7)
	return save(t, w.pth("HalfStorage")), saveConfig(t, r)
}

// A run that was interrupted goes on with its finished shards, and ends with
// the bytes of a run that was not.
func TestResume(t *testing.T) {
	path, config := large(t)
	dir := t.TempDir()
	o := Options{From: path, To: filepath.Join(dir, "whole"), Config: config, Bits: 32, Group: 64}
	whole := run(t, o)
	if whole.Shards < 3 {
		t.Fatalf("%d shards, want several", whole.Shards)
	}
	for _, e := range must(os.ReadDir(o.To)) {
		if info, err := e.Info(); err != nil || info.Size() > 32<<20 || info.Mode().Perm() != 0o644 {
			t.Errorf("%s: %d bytes, mode %v, %v", e.Name(), info.Size(), info.Mode(), err)
		}
	}

	interrupt := func(o Options, atShard int) {
		t.Helper()
		ctx, cancel := context.WithCancel(t.Context())
		o.Progress = func(done, total int64) {
			if done > total*int64(atShard)/int64(whole.Shards)+total/int64(2*whole.Shards) {
				cancel()
			}
		}
		if _, err := Convert(ctx, o); !errors.Is(err, context.Canceled) {
			t.Fatalf("got error %v, want one of the cancellation", err)
		}
		if _, err := os.Stat(o.To); err == nil {
			t.Fatalf("%s exists after an interruption", o.To)
		}
	}
	o.To = filepath.Join(dir, "model")
	interrupt(o, 2)
	report := run(t, o)
	if report.Reused < 1 || report.Reused >= whole.Shards {
		t.Errorf("%d shards were taken over, want some of %d", report.Reused, whole.Shards)
	}
	same(t, filepath.Join(dir, "whole"), o.To)

	// A shard that was damaged in between is made again.
	o.To = filepath.Join(dir, "damaged")
	interrupt(o, 2)
	first := filepath.Join(o.To+".partial", fmt.Sprintf("model-00001-of-%05d.safetensors", whole.Shards))
	data := must(os.ReadFile(first))
	data[len(data)/2] ^= 1
	if err := os.WriteFile(first, data, 0o644); err != nil {
		t.Fatal(err)
	}
	run(t, o)
	same(t, filepath.Join(dir, "whole"), o.To)

	// Other options, or another source, start afresh.
	o.To = filepath.Join(dir, "other")
	interrupt(o, 1)
	o.Bits = 16
	if report := run(t, o); report.Reused != 0 {
		t.Errorf("%d shards of other options were taken over", report.Reused)
	}
	o.To, o.Bits = filepath.Join(dir, "newer"), 32
	interrupt(o, 1)
	later := time.Now().Add(time.Hour)
	if err := os.Chtimes(path, later, later); err != nil {
		t.Fatal(err)
	}
	if report := run(t, o); report.Reused != 0 {
		t.Errorf("%d shards of an older source were taken over", report.Reused)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func same(t *testing.T, a, b string) {
	t.Helper()
	read := func(dir string) map[string]string {
		files := map[string]string{}
		for _, e := range must(os.ReadDir(dir)) {
			if e.Name() != "README.md" { // it carries the folder's name
				files[e.Name()] = string(must(os.ReadFile(filepath.Join(dir, e.Name()))))
			}
		}
		return files
	}
	x, y := read(a), read(b)
	for name := range x {
		if x[name] != y[name] {
			t.Errorf("%s differs", name)
		}
	}
	if len(x) != len(y) {
		t.Errorf("%d files, want %d", len(y), len(x))
	}
}

func TestForce(t *testing.T) {
	r := tiny(nil)
	path, hparams := save(t, checkpoint(r, 8).pth("FloatStorage")), saveConfig(t, r)
	to := filepath.Join(t.TempDir(), "model")
	if err := os.Mkdir(to, 0o755); err != nil {
		t.Fatal(err)
	}
	o := Options{From: path, To: to, Config: hparams, Bits: 8, Group: 64}
	run(t, o) // an empty folder may be filled
	if _, err := Convert(t.Context(), o); err == nil || !strings.Contains(err.Error(), "--force") {
		t.Errorf("got error %v, want one that names --force", err)
	}
	o.Force, o.Bits = true, 16
	run(t, o)
	if c := must(config.Parse(must(os.ReadFile(filepath.Join(to, "config.json"))))); c.Quantization != nil {
		t.Error("the old model is still there")
	}
	if err := os.WriteFile(filepath.Join(to, "thesis.txt"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Convert(t.Context(), o); err == nil || !strings.Contains(err.Error(), "thesis.txt") {
		t.Errorf("got error %v, want one that names what --force would destroy", err)
	}
	o.From, o.To = to, to
	if _, err := Convert(t.Context(), o); err == nil || !strings.Contains(err.Error(), "the checkpoint itself") {
		t.Errorf("got error %v, want one that spares the source", err)
	}
}

func TestCompanions(t *testing.T) {
	r := tiny(nil)
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	to := filepath.Join(dir, "model")
	o := Options{From: save(t, checkpoint(r, 9).pth("FloatStorage")), To: to, Config: saveConfig(t, r), Bits: 8, Group: 64,
		Tokenizer:       write("tok.json", `{"added_tokens":[{"id":1,"content":"<s>"},{"id":2,"content":"</s>"},{"id":5,"content":"<|im_end|>"}],"model":{"vocab":{"a":0,"b":63}}}`),
		TokenizerConfig: write("tokc.json", `{"bos_token":"<s>","eos_token":{"content":"<|im_end|>"},"other":1}`),
		ChatTemplate:    write("chat.jinja", "{{ messages[0].content }}"),
		Card:            write("card.md", "# Card"),
	}
	run(t, o)
	read := func(name string) (v map[string]any) {
		if err := json.Unmarshal(must(os.ReadFile(filepath.Join(to, name))), &v); err != nil {
			t.Fatal(err)
		}
		return v
	}
	if diff := cmp.Diff(map[string]any{"bos_token_id": 1.0, "eos_token_id": []any{5.0, 2.0}, "do_sample": true, "temperature": 0.8, "top_p": 0.95, "repetition_penalty": 1.1}, read("generation_config.json")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]any{"bos_token": "<s>", "eos_token": map[string]any{"content": "<|im_end|>"}, "other": 1.0, "chat_template": "{{ messages[0].content }}"}, read("tokenizer_config.json")); diff != "" {
		t.Error(diff)
	}
	if got := string(must(os.ReadFile(filepath.Join(to, "README.md")))); got != "# Card" {
		t.Errorf("README.md is %q", got)
	}
	// They go along when the folder is stored in other bits.
	again := filepath.Join(dir, "again")
	run(t, Options{From: to, To: again, Bits: 4})
	for _, name := range []string{"tokenizer.json", "tokenizer_config.json", "generation_config.json"} {
		if !bytes.Equal(must(os.ReadFile(filepath.Join(to, name))), must(os.ReadFile(filepath.Join(again, name)))) {
			t.Errorf("%s differs", name)
		}
	}
}

// sparse writes a file in which zeros take no place on the disk.
type sparse struct{ *os.File }

func (s sparse) Write(p []byte) (int, error) {
	if len(bytes.TrimLeft(p, "\x00")) == 0 {
		_, err := s.Seek(int64(len(p)), io.SeekCurrent)
		return len(p), err
	}
	return s.File.Write(p)
}

// A gigabyte of weights beside five of optimizer (the archive is then a zip64)
// is converted in memory that does not grow with it.
func TestGigabytes(t *testing.T) {
	if testing.Short() {
		t.Skip("reads a gigabyte")
	}
	r := tiny(func(r *Reference) { r.Width, *r.IntermediateSize, r.Layers, r.VocabSize = 1024, 64<<10-64, 1, 64 })
	path := filepath.Join(t.TempDir(), "ckpt.pth")
	f := must(os.Create(path))
	w := checkpoint(r, 0) // zeros, so that the file is sparse
	c := w.pth("FloatStorage")
	c.Before = func(p *pthwriter.Pickle) {
		p.Str("optimizer")
		p.Tensor(pthwriter.Tensor{Class: "FloatStorage", Key: "optimizer", Numel: 5 << 28, Shape: []int{5 << 28}})
	}
	if err := c.WriteWith(sparse{f}, "optimizer", 5<<30); err != nil {
		t.Fatal(err)
	}
	end := must(f.Seek(0, io.SeekCurrent))
	if err := errors.Join(f.Truncate(end), f.Close()); err != nil {
		t.Fatal(err)
	}
	config := saveConfig(t, r)
	w, c = nil, pthwriter.Checkpoint{}
	runtime.GC()
	var before, during runtime.MemStats
	runtime.ReadMemStats(&before)
	highest := uint64(0)
	report := run(t, Options{From: path, To: filepath.Join(t.TempDir(), "model"), Config: config, Bits: 4, Group: 64, Progress: func(int64, int64) {
		runtime.ReadMemStats(&during)
		highest = max(highest, during.HeapAlloc)
	}})
	t.Logf("%d parameters, a file of %d bytes, %d MiB of heap beforehand, %d MiB at most", report.Parameters, end, before.HeapAlloc>>20, highest>>20)
	if highest > before.HeapAlloc+200<<20 {
		t.Errorf("the heap grew to %d MiB, want at most 200 more than %d", highest>>20, before.HeapAlloc>>20)
	}
}

// Shards hold whole weights, in order, and stay within 32 MiB unless a single
// weight is larger: Samba_421M's embedding is, at 8 bits.
func TestShards(t *testing.T) {
	r := must(named("Samba_421M"))
	c := must(r.Model())
	var outputs []*packing.Output
	for _, spec := range c.TensorSpecs() {
		o := &packing.Output{Name: spec.Name, Shape: spec.Shape}
		o.Encode(spec, packing.Format{Bits: 8, Group: 64})
		outputs = append(outputs, o)
	}
	var inOrder []*packing.Output
	for i, shard := range packing.Shards(outputs) {
		size, outputs := must(shard.Size()), shard.Outputs
		if size > 32<<20 && len(outputs) > 1 {
			t.Errorf("shard %d has %d bytes for %d weights", i, size, len(outputs))
		}
		if i == 0 && (len(outputs) != 1 || outputs[0].Name != config.EmbedTokens || size < 32<<20) {
			t.Errorf("shard 0 has %d weights and %d bytes, want the embedding alone", len(outputs), size)
		}
		inOrder = append(inOrder, outputs...)
	}
	if !slices.Equal(inOrder, outputs) {
		t.Error("weights are missing or out of order")
	}
}

// What lies beside the target and is no work of ours stays, and is named before the work begins.
func TestOthersFoldersStay(t *testing.T) {
	r := tiny(nil)
	o := Options{From: save(t, checkpoint(r, 1).pth("FloatStorage")), Config: saveConfig(t, r), Bits: 8, Group: 64}
	for _, test := range []struct{ folder, file, want string }{
		{"model.old", "model.safetensors", "model.old is in the way"},
		{"model.partial", "notes.txt", "model.partial, where the model is built, holds notes.txt"},
	} {
		t.Run(test.folder, func(t *testing.T) {
			dir := t.TempDir()
			kept := filepath.Join(dir, test.folder, test.file)
			if err := errors.Join(os.Mkdir(filepath.Dir(kept), 0o755), os.WriteFile(kept, []byte("mine"), 0o644)); err != nil {
				t.Fatal(err)
			}
			for _, o.Force = range []bool{false, true} {
				o.To = filepath.Join(dir, "model")
				if _, err := Convert(t.Context(), o); err == nil || !strings.Contains(err.Error(), test.want) {
					t.Errorf("force %v: %v, want %q", o.Force, err, test.want)
				}
				if text, err := os.ReadFile(kept); string(text) != "mine" {
					t.Errorf("force %v: the file beside it has %q (%v)", o.Force, text, err)
				}
			}
		})
	}
}
