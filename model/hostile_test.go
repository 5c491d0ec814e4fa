package model

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/model/config"
	"github.com/samba-web/samba/model/folder"
)

// shardOf is a file with the header given, whose length it may lie about.
func shardOf(header string, claims uint64, data int) []byte {
	if claims == 0 {
		claims = uint64(len(header))
	}
	out := binary.LittleEndian.AppendUint64(nil, claims)
	return append(append(out, header...), make([]byte, data)...)
}

// Whatever a stranger's folder holds, it ends in one sentence, soon, and with
// little memory.
func TestHostileFolders(t *testing.T) {
	const first = "model-00001-of-00002.safetensors"
	tensor := func(dtype, shape, offsets string) []byte {
		return shardOf(fmt.Sprintf(`{"embed_tokens.weight":{"dtype":%q,"shape":%s,"data_offsets":%s}}`, dtype, shape, offsets), 0, 64)
	}
	config := func(field string, value any) func(f memory) {
		return func(f memory) {
			var c map[string]any
			if err := json.Unmarshal(f["config.json"], &c); err != nil {
				panic(err)
			}
			c[field] = value
			f["config.json"], _ = json.Marshal(c)
		}
	}
	file := func(name string, data []byte) func(f memory) { return func(f memory) { f[name] = data } }
	for name, spoil := range map[string]func(f memory){
		"header of exabytes":            file(first, shardOf("{}", 1<<62, 0)),
		"header of 100 megabytes":       file(first, shardOf("{}", 99<<20, 99<<20)),
		"header beyond the file":        file(first, shardOf("{}", 1<<16, 0)),
		"header of nothing":             file(first, shardOf("", 0, 0)),
		"header nested deeply":          file(first, shardOf(strings.Repeat(`{"a":`, 20000), 0, 0)),
		"header of many tensors":        file(first, shardOf("{"+strings.Repeat(`"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},`, 100000)+`"b":0}`, 0, 0)),
		"overlapping tensors":           file(first, shardOf(`{"embed_tokens.weight":{"dtype":"F32","shape":[8],"data_offsets":[0,32]},"norm.weight":{"dtype":"F32","shape":[8],"data_offsets":[16,48]}}`, 0, 64)),
		"negative offsets":              file(first, tensor("F32", "[8,2]", "[-64,0]")),
		"offsets backwards":             file(first, tensor("F32", "[8,2]", "[64,0]")),
		"offsets of floats":             file(first, tensor("F32", "[8,2]", "[0,6.4e1]")),
		"shape that overflows":          file(first, tensor("F32", "[4294967296,4294967296]", "[0,64]")),
		"shape of 64 bits":              file(first, tensor("F32", "[9223372036854775807]", "[0,64]")),
		"negative shape":                file(first, tensor("F32", "[-8,-2]", "[0,64]")),
		"many dimensions":               file(first, tensor("F32", "["+strings.Repeat("1,", 100000)+"16]", "[0,64]")),
		"width of 2^40":                 config("hidden_size", 1<<40),
		"negative layers":               config("num_hidden_layers", -1),
		"a million layers":              config("layer_types", make([]string, 1_000_000)),
		"rings of gigabytes":            config("sliding_window", 1<<24),
		"window of 2^60":                config("sliding_window", 1<<60),
		"heads of nothing":              config("num_key_value_heads", 0),
		"eps of infinity":               config("rms_norm_eps", 1e300),
		"vocabulary of 2^31":            config("vocab_size", 1<<31),
		"config nested deeply":          file("config.json", []byte(strings.Repeat("[", 1<<20))),
		"index out of folder":           file("model.safetensors.index.json", []byte(`{"weight_map":{"a":"../../etc/passwd.safetensors"}}`)),
		"index of terabytes":            file("model.safetensors.index.json", []byte(`{"metadata":{"size":{"a.safetensors":9e18}},"weight_map":{"a":"a.safetensors"}}`)),
		"tokenizer nested deeply":       file("tokenizer.json", []byte(`{"model":{"type":"BPE","vocab":{},"merges":`+strings.Repeat("[", 1<<20))),
		"tokenizer in a circle":         file("tokenizer.json", []byte(`{"model":{"type":"BPE","vocab":{"a":0,"b":1},"merges":[["a","b"],["ab","a"]]}}`)),
		"tokenizer of a million merges": file("tokenizer.json", []byte(`{"model":{"type":"BPE","vocab":{"a":0},"merges":[`+strings.Repeat(`["a","a"],`, 1_000_000)+`["a","a"]]}}`)),
		"sequence of sequences":         file("tokenizer.json", []byte(`{"pre_tokenizer":`+strings.Repeat(`{"type":"Sequence","pretokenizers":[`, 5000)+strings.Repeat("]}", 5000)+`,"model":{"type":"BPE","vocab":{},"merges":[]}}`)),
		"template nested deeply":        file("tokenizer_config.json", []byte(`{"chat_template":"`+strings.Repeat("{% if 1 %}", 1<<18)+`"}`)),
		"template of brackets":          file("tokenizer_config.json", []byte(`{"chat_template":"{{ `+strings.Repeat("(", 1<<20)+`"}`)),
	} {
		t.Run(name, func(t *testing.T) {
			f := randomModel(t, testRandom(t), samba(), 32)
			spoil(f)
			before := new(runtime.MemStats)
			runtime.ReadMemStats(before)
			_, err := Load(context.Background(), f, Options{})
			after := new(runtime.MemStats)
			runtime.ReadMemStats(after)
			if err == nil {
				t.Fatal("it loads")
			}
			text := err.Error()
			if strings.Contains(text, "\n") || len(text) > 400 || len(text) < 20 {
				t.Errorf("%d bytes of error, want one sentence: %.500s", len(text), text)
			}
			// Work is counted by what it takes, not by the clock: a busy machine is no fault. At most 1,471 and 191 MiB were seen.
			if taken, bytes := after.Mallocs-before.Mallocs, after.TotalAlloc-before.TotalAlloc; taken > 1_000_000 || bytes > 1<<29 {
				t.Errorf("refused after %d allocations of %d MiB: %s", taken, bytes>>20, text)
			}
			if held := int64(after.Sys) - int64(before.Sys); held > 1<<30 {
				t.Errorf("%d MiB were taken: %s", held>>20, text)
			}
		})
	}
}

// FuzzShard feeds files of any content to the loader, cut anywhere.
func FuzzShard(f *testing.F) {
	header := `{"embed_tokens.weight":{"dtype":"F32","shape":[100,64],"data_offsets":[0,25600]},"norm.weight":{"dtype":"F16","shape":[64],"data_offsets":[25600,25728]}}`
	f.Add(shardOf(header, 0, 25728), 4099)
	f.Add(shardOf(`{"embed_tokens.scales":{"dtype":"F16","shape":[100,2],"data_offsets":[0,400]},"embed_tokens.weight":{"dtype":"U32","shape":[100,8],"data_offsets":[400,3600]}}`, 0, 3600), 7)
	f.Add(shardOf("{}", 0, 0), 1)
	c := testConfig(config.Mamba)
	f.Fuzz(func(t *testing.T, file []byte, length int) {
		if length < 1 || len(file) > 1<<20 {
			return
		}
		src := memory{"config.json": nil, "model.safetensors": file}
		src["config.json"], _ = json.Marshal(c)
		_, err := Load(context.Background(), cut{src, max(length, len(file)/200+1)}, Options{})
		if err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v, want one sentence", err)
		}
	})
}

// cut is a folder whose files come in blocks of that length.
type cut struct {
	memory
	length int
}

func (c cut) Weights(ctx context.Context, files []folder.File, _ func(folder.Arrived), take func(folder.Block) error) error {
	for i, file := range files {
		data := c.memory[file.Name]
		for at := 0; at == 0 || at < len(data); at += c.length {
			part := data[at:min(at+c.length, len(data))]
			if err := take(folder.Block{File: i, Size: int64(len(data)), Offset: int64(at), Bytes: gpu.BlobOf(part)}); err != nil {
				return err
			}
		}
	}
	return nil
}

// FuzzConfig checks that a config which is accepted can be laid out.
func FuzzConfig(f *testing.F) {
	data, err := json.Marshal(samba())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"model_type":"samba"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := config.Parse(data)
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("%v, want one sentence", err)
			}
			return
		}
		m := &Model{config: c, chunk: DefaultChunk}
		if WeightBytes(c, 4) <= 0 || m.stateSize(nil) <= 0 {
			t.Errorf("sizes overflow: weights %d, state %d", WeightBytes(c, 4), m.stateSize(nil))
		}
	})
}
