package families

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/samba-web/samba/model/config"
	"github.com/samba-web/samba/model/safetensors"
)

// Every tensor of a published folder has a place of its size, and every row of
// the engine's tensors comes from one.
func TestFolders(t *testing.T) {
	folders, err := filepath.Glob("testdata/*/config.json")
	if err != nil || len(folders) == 0 {
		t.Fatal(folders, err)
	}
	for _, path := range folders {
		folder := filepath.Dir(path)
		t.Run(filepath.Base(folder), func(t *testing.T) {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			m, err := Parse(data)
			if err != nil {
				t.Fatal(err)
			}
			rows := map[string][]bool{}
			for _, spec := range m.Config.TensorSpecs() {
				rows[spec.Name] = make([]bool, spec.Shape[0])
			}
			file, err := os.ReadFile(filepath.Join(folder, "model.safetensors"))
			if err != nil {
				t.Fatal(err)
			}
			header, err := safetensors.ParseHeader(file, int64(len(file)))
			if err != nil {
				t.Fatal(err)
			}
			for _, tensor := range header.Tensors {
				name := tensor.Name
				for _, suffix := range []string{".scales", ".biases"} {
					if base, ok := strings.CutSuffix(name, suffix); ok {
						name = base + ".weight"
					}
				}
				place, known, ignored := m.Names.Place(name)
				if !known && !ignored {
					t.Errorf("%s has no place", tensor.Name)
				}
				if !known || name != tensor.Name {
					continue
				}
				if place.Rows != tensor.Shape[0] {
					t.Errorf("%s: shape %v, but its place has %d rows", name, tensor.Shape, place.Rows)
					continue
				}
				for r := place.Row; r < place.Row+place.Rows; r++ {
					if rows[place.Tensor][r] {
						t.Fatalf("%s: row %d of %s has come before", name, r, place.Tensor)
					}
					rows[place.Tensor][r] = true
				}
			}
			for name, filled := range rows {
				for r, ok := range filled {
					if !ok {
						t.Fatalf("nothing fills row %d of %s, which comes from %v", r, name, m.Names.Of(name))
					}
				}
			}
		})
	}
}

// What the engine does not carry is refused by the name of the field.
func TestRefuses(t *testing.T) {
	jamba := func(more string) string {
		return `{"model_type": "jamba", "hidden_size": 64, "intermediate_size": 64, "num_hidden_layers": 4, "vocab_size": 99, "num_attention_heads": 4,
			"num_experts": 1, "expert_layer_offset": 1` + more + `}`
	}
	for text, want := range map[string]string{
		`{"model_type": "llama"}`: `config.json: model_type is "llama", want one of samba, `,
		`{"model_type": 7}`:       "config.json: model_type is 7, want a text",
		`[]`:                      "config.json: json: cannot unmarshal array",
		`null`:                    "config.json: null, want an object",
		`{"model_type": "mamba"}`: "config.json: hidden_size is missing",
		`{"model_type": "mamba", "hidden_size": "wide"}`:                                                `config.json: hidden_size is "wide", want a whole number`,
		`{"model_type": "mamba", "hidden_size": 64, "num_hidden_layers": 2000000000, "vocab_size": 99}`: "num_hidden_layers is 2000000000, want 1 to 1024",
		jamba(`, "num_experts": 16`):                                                                    "config.json: num_experts is 16: experts are not carried",
		jamba(`, "attn_layer_period": 0`):                                                               "attn_layer_period is 0, want 1 or more",
		jamba(`, "num_attention_heads": 5`):                                                             "num_attention_heads is 5, want a divisor of hidden_size = 64",
		jamba(`, "hidden_act": "gelu"`):                                                                 `hidden_act is "gelu": the engine has silu alone`,
		jamba(`, "quantization": {"bits": 6}`):                                                          "quantization.bits is 6: want 4 or 8",
		jamba(`, "quantization": {"bits": 4, "mode": "mxfp4"}`):                                         "quantization.mode is mxfp4: want affine",
		jamba(`, "quantization": {"bits": 4, "lm_head": {"bits": 3}}`):                                  "quantization.lm_head.bits is 3: want 4 or 8",
		jamba(`, "quantization": {"bits": 4, "lm_head": {"group_size": 16}}`):                           "quantization.lm_head.group_size is 16: want 32, 64 or 128",
		jamba(`, "quantization_config": {"quant_method": "gptq", "bits": 4}`):                           "quantization_config.quant_method is gptq: ",
		jamba(`, "rms_norm_eps": Infinity`):                                                             "rms_norm_eps is +Inf",
	} {
		if _, err := Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s:\n got %v\nwant %s", text, err, want)
		}
	}
}

// Python's words for numbers are read, and left alone within texts.
func TestPlain(t *testing.T) {
	f, err := parseFields([]byte(`{"a": Infinity, "b": [-Infinity, NaN, {"__float__": "Infinity"}], "c": "Infinity \" NaN", "d": {"__float__": "-Infinity"}}`))
	if err != nil {
		t.Fatal(err)
	}
	if v := f.number("a", 0); v < 1e300 {
		t.Errorf("a is %v", v)
	}
	if v := f.number("d", 0); v > -1e300 {
		t.Errorf("d is %v", v)
	}
	if v := f.text("c", ""); v != `Infinity " NaN` {
		t.Errorf("c is %q", v)
	}
	if f.err != nil {
		t.Error(f.err)
	}
}

// Rows that are packed otherwise than their neighbours have parts of their own.
func TestApart(t *testing.T) {
	m, err := Parse([]byte(`{"model_type": "jamba", "hidden_size": 64, "intermediate_size": 64, "num_hidden_layers": 1, "vocab_size": 99, "num_attention_heads": 4,
		"num_experts": 1, "attn_layer_offset": 0, "quantization": {"bits": 4, "model.layers.0.self_attn.v_proj": {"bits": 8}, "model.layers.0.feed_forward.up_proj": false}}`))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]Place{
		"model.layers.0.self_attn.q_proj.weight":     {config.LayerTensor(0, "mixer.qkv_proj.weight"), 0, 64, true, 8, 64},
		"model.layers.0.self_attn.v_proj.weight":     {config.LayerTensor(0, "mixer.qkv_proj.weight"), 128, 64, true, 8, 64},
		"model.layers.0.feed_forward.up_proj.weight": {config.LayerTensor(0, "mlp.gate_up_proj.weight"), 64, 64, true, 0, 0},
		"model.layers.0.self_attn.o_proj.weight":     {config.LayerTensor(0, "mixer.o_proj.weight"), 0, 64, false, 0, 0},
	} {
		if got, known, _ := m.Names.Place(name); !known || got != want {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
}

// Nothing that a stranger writes into config.json ends the program.
func FuzzParse(f *testing.F) {
	folders, _ := filepath.Glob("testdata/*/config.json")
	for _, path := range folders {
		if data, err := os.ReadFile(path); err == nil {
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if m, err := Parse(data); err == nil {
			m.Config.TensorSpecs()
		}
	})
}

// The shapes of published models have the numbers of parameters that their cards name.
func TestKnown(t *testing.T) {
	for name, millions := range map[string]float64{
		"granite-4.0-h-350m": 340, "granite-4.0-h-1b": 1462, "granite-4.0-h-micro": 3191, "ai21-jamba-reasoning-3b": 3029,
		"phi-4-mini-flash-reasoning": 3853, "lfm2-350m": 354, "lfm2-1.2b": 1170, "falcon-h1-0.5b-instruct": 521, "falcon-h1-tiny-90m-instruct": 91,
		"nvidia-nemotron-3-nano-4b": 3974, "falcon-mamba-7b-instruct": 7273, "mamba-130m": 129, "mamba-370m": 372, "mamba-790m": 793, "mamba-1.4b": 1372, "mamba-2.8b": 2768,
	} {
		p, ok := Find(name)
		if !ok {
			t.Errorf("%s is not known", name)
			continue
		}
		if got := float64(p.Config().Parameters()) / 1e6; got < 0.995*millions || got > 1.005*millions {
			t.Errorf("%s has %.0f M parameters, want %.0f M", name, got, millions)
		}
	}
	names := map[string]bool{}
	for _, list := range [][]Published{Known, Tiny} {
		for _, p := range list {
			if found, ok := Find(p.Name()); !ok || found.ID != p.ID || names[p.Name()] {
				t.Errorf("%s is called %s, which finds another, or two are called so", p.ID, p.Name())
			}
			names[p.Name()] = true
			p.Config()
		}
	}
	for _, name := range []string{"jamba-3b", "falcon-mamba-7b", "phi-4-mini-flash"} {
		if !names[name] {
			t.Errorf("no model is called %s", name)
		}
	}
}
