package model

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/model/config"
	"github.com/samba-web/samba/model/folder"
	"github.com/samba-web/samba/model/machine"
	gpumachine "github.com/samba-web/samba/model/machine/gpu"
	"github.com/samba-web/samba/model/quant"
	"github.com/samba-web/samba/model/safetensors"
)

// Every run draws fresh weights and prompts; -seed repeats a run.
var seed = flag.Uint64("seed", uint64(time.Now().UnixNano()), "seed of the random models")

// memory is a model folder in memory.
type memory map[string][]byte

func (f memory) String() string { return "in memory" }

func (f memory) ReadFile(_ context.Context, name string) ([]byte, error) {
	if data, ok := f[name]; ok {
		return data, nil
	}
	return nil, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
}

// Weights cuts the files into blocks of a length that no tensor fits.
func (f memory) Weights(ctx context.Context, files []folder.File, _ func(folder.Arrived), take func(folder.Block) error) error {
	return inBlocks(ctx, f, files, take)
}

func inBlocks(ctx context.Context, src folder.Source, files []folder.File, take func(folder.Block) error) error {
	const length = 4099
	for i, file := range files {
		data, err := src.ReadFile(ctx, file.Name)
		if err != nil {
			return err
		}
		for at := 0; at < len(data); at += length {
			part := data[at:min(at+length, len(data))]
			if err := take(folder.Block{File: i, Size: int64(len(data)), Offset: int64(at), Bytes: gpu.BlobOf(part)}); err != nil {
				return err
			}
		}
	}
	return nil
}

// testConfig is a small Samba with every kind of layer that its type list names.
func testConfig(kinds ...string) *config.Config {
	theta := 10000.0
	return &config.Config{
		ModelType: "samba", HiddenSize: 64, NumHiddenLayers: len(kinds), LayerTypes: kinds,
		NumHeads: 4, NumKVHeads: 2, HeadDim: 16, SlidingWindow: 24, IntermediateSize: 96,
		DState: 16, DConv: 4, Expand: 2, DTRank: 4, RMSNormEps: 1e-5, RopeTheta: &theta,
		TieEmbeddings: true, VocabSize: 100,
	}
}

func samba() *config.Config {
	return testConfig(config.Mamba, config.SlidingAttention, config.Mamba, config.SlidingAttention)
}

// randomModel writes a folder of random weights in two shards. bits is 32, 16, 8 or 4.
func randomModel(t *testing.T, random *rand.Rand, c *config.Config, bits int) memory {
	t.Helper()
	var files [2][]safetensors.Tensor
	var datas [2][][]byte
	index := safetensors.Index{WeightMap: map[string]string{}}
	for i, spec := range c.TensorSpecs() {
		n := 1
		for _, d := range spec.Shape {
			n *= d
		}
		values := make([]float32, n)
		fan := float64(spec.Shape[len(spec.Shape)-1])
		for j := range values {
			switch {
			case strings.HasSuffix(spec.Name, "norm.weight"), strings.HasSuffix(spec.Name, ".D"):
				values[j] = float32(1 + 0.1*random.NormFloat64())
			case strings.HasSuffix(spec.Name, "A_log"):
				values[j] = float32(math.Log(1 + float64(j%c.DState)))
			case strings.HasSuffix(spec.Name, "dt_proj.bias"):
				values[j] = float32(-4 + random.NormFloat64())
			case spec.Name == config.EmbedTokens:
				values[j] = float32(random.NormFloat64())
			default:
				values[j] = float32(random.NormFloat64() / math.Sqrt(fan))
			}
		}
		add := func(name string, dtype safetensors.DType, shape []int, data any) {
			var b bytes.Buffer
			if err := binary.Write(&b, binary.LittleEndian, data); err != nil {
				t.Fatal(err)
			}
			file := i % 2
			files[file] = append(files[file], safetensors.Tensor{Name: name, DType: dtype, Shape: shape})
			datas[file] = append(datas[file], b.Bytes())
			index.Metadata.TotalSize += int64(b.Len())
			index.WeightMap[name] = fmt.Sprintf("model-0000%d-of-00002.safetensors", file+1)
		}
		switch {
		case !spec.IsLinear() || bits == 32:
			add(spec.Name, safetensors.F32, spec.Shape, values)
		case bits == 16 || spec.Shape[1]%32 != 0:
			// BF16, by dropping the lower half of an fp32.
			words := make([]uint16, n)
			for j, v := range values {
				words[j] = uint16(math.Float32bits(v) >> 16)
			}
			add(spec.Name, safetensors.BF16, spec.Shape, words)
		default:
			in := spec.Shape[1]
			q, scales, biases, err := quant.Quantize(spec.Name, values, in, 32, bits)
			if err != nil {
				t.Fatal(err)
			}
			base := strings.TrimSuffix(spec.Name, ".weight")
			add(spec.Name, safetensors.U32, []int{spec.Shape[0], in * bits / 32}, q)
			add(base+".scales", safetensors.F16, []int{spec.Shape[0], in / 32}, scales)
			add(base+".biases", safetensors.F16, []int{spec.Shape[0], in / 32}, biases)
		}
	}
	out := memory{}
	for i := range files {
		header, _, err := safetensors.Layout(files[i], nil)
		if err != nil {
			t.Fatal(err)
		}
		out[fmt.Sprintf("model-0000%d-of-00002.safetensors", i+1)] = append(header, bytes.Join(datas[i], nil)...)
	}
	out.setJSON(t, "config.json", c)
	out.setJSON(t, safetensors.IndexName, index)
	return out
}

func (f memory) setJSON(t *testing.T, name string, v any) {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	f[name] = data
}

func testRandom(t *testing.T) *rand.Rand {
	t.Logf("seed %d", *seed)
	return rand.New(rand.NewPCG(*seed, 1))
}

// testDevice opens the machine's WebGPU device, or skips.
func testDevice(t *testing.T) *gpu.Device {
	t.Helper()
	device, err := gpu.Open(context.Background())
	if errors.Is(err, gpu.ErrNoAdapter) {
		t.Skipf("needs a WebGPU adapter: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(device.Close)
	return device
}

func loadTest(t *testing.T, src folder.Source, o Options) *Model {
	t.Helper()
	m, err := Load(context.Background(), src, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m
}

func newSession(t *testing.T, m *Model) *Session {
	t.Helper()
	s, err := m.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func allLogits(t *testing.T, m *Model, ids []uint32, chunk int) []float32 {
	t.Helper()
	return logitsOf(t, newSession(t, m), ids, chunk)
}

func logitsOf(t *testing.T, s *Session, ids []uint32, chunk int) []float32 {
	t.Helper()
	var out []float32
	err := s.Logits(context.Background(), ids, chunk, func(rows []float32) error {
		out = append(out, rows...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func randomIDs(random *rand.Rand, n, vocab int) []uint32 {
	ids := make([]uint32, n)
	for i := range ids {
		ids[i] = uint32(random.IntN(vocab))
	}
	return ids
}

func worst(got, want []float32) float64 {
	if len(got) != len(want) {
		return math.Inf(1)
	}
	out := 0.0
	for i := range got {
		// Written so that a NaN counts as infinitely wrong.
		if d := math.Abs(float64(got[i]) - float64(want[i])); !(d <= out) {
			out = d
			if math.IsNaN(d) {
				return math.Inf(1)
			}
		}
	}
	return out
}

// One go, chunks of any size and token by token agree on the reference path,
// across the window's edge and the ring's wrap: only the order of fp32 sums differs.
func TestChunksAgreeOnCPU(t *testing.T) {
	random := testRandom(t)
	c := samba()
	m := loadTest(t, randomModel(t, random, c, 32), Options{Chunk: 128})
	ids := randomIDs(random, 110, c.VocabSize)
	want := allLogits(t, m, ids, 0)
	for _, chunk := range []int{1, 2, 7, c.SlidingWindow - 1, c.SlidingWindow, c.SlidingWindow + 1, 109} {
		if d := worst(allLogits(t, m, ids, chunk), want); d > 1e-4 {
			t.Errorf("chunks of %d: logits off by %g, want at most 1e-4", chunk, d)
		}
	}
}

// rounding is what a device's logits may be off by: by fp32's rounding, or where matrix units multiply weights of at most
// 16 bits, by fp16's, 8,000 times as coarse; logits of up to 30 were seen off by 0.03.
func rounding(device *gpu.Device, bits int) float64 {
	if device.Info().Variant.Matrix && bits <= 16 {
		return 0.2
	}
	return 1e-3
}

// The GPU holds the reference path, for every storage type and chunking.
func TestGPUHoldsReference(t *testing.T) {
	device := testDevice(t)
	random := testRandom(t)
	for _, bits := range []int{32, 16, 8, 4} {
		t.Run(fmt.Sprintf("%d bits", bits), func(t *testing.T) {
			c := samba()
			src := randomModel(t, random, c, bits)
			ids := randomIDs(random, 110, c.VocabSize)
			want := allLogits(t, loadTest(t, src, Options{Chunk: 128}), ids, 0)
			m := loadTest(t, src, Options{Chunk: 64, Device: device})
			for _, chunk := range []int{0, 7, c.SlidingWindow, c.SlidingWindow + 1} {
				if d := worst(allLogits(t, m, ids, chunk), want); d > rounding(device, bits) {
					t.Errorf("chunks of %d: logits off by %g, want at most %g", chunk, d, rounding(device, bits))
				}
			}
		})
	}
}

// Token by token takes another path, the fused kernels of decode.
func TestDecodeHoldsReference(t *testing.T) {
	device := testDevice(t)
	random := testRandom(t)
	for _, bits := range []int{32, 16, 8, 4} {
		c := samba()
		src := randomModel(t, random, c, bits)
		ids := randomIDs(random, c.SlidingWindow+5, c.VocabSize)
		want := allLogits(t, loadTest(t, src, Options{Chunk: 128}), ids, 0)
		if d := worst(allLogits(t, loadTest(t, src, Options{Device: device}), ids, 1), want); d > 1e-3 {
			t.Errorf("%d bits: logits off by %g, want at most 1e-3", bits, d)
		}
	}
}

// The graph's variants: no RoPE, one KV head, full attention with an untied
// head, Mamba without an MLP of its own.
func TestVariants(t *testing.T) {
	device := testDevice(t)
	random := testRandom(t)
	variants := map[string]func() *config.Config{
		"no RoPE": func() *config.Config { c := samba(); c.RopeTheta = nil; return c },
		"MQA":     func() *config.Config { c := samba(); c.NumKVHeads = 1; return c },
		"MHA":     func() *config.Config { c := samba(); c.NumKVHeads = 4; return c },
		"Transformer": func() *config.Config {
			c := testConfig(config.FullAttention, config.FullAttention)
			c.TieEmbeddings = false
			return c
		},
		"shared MLP":  func() *config.Config { c := samba(); c.MLPLayers = []bool{false, true, false, true}; return c },
		"odd dt_rank": func() *config.Config { c := samba(); c.DTRank = 5; return c },
		"only Mamba":  func() *config.Config { return testConfig(config.Mamba, config.Mamba) },
	}
	for name, make := range variants {
		t.Run(name, func(t *testing.T) {
			c := make()
			src := randomModel(t, random, c, 32)
			ids := randomIDs(random, 60, c.VocabSize)
			want := allLogits(t, loadTest(t, src, Options{Chunk: 64}), ids, 0)
			m := loadTest(t, src, Options{Chunk: 64, Device: device})
			s := newSession(t, m)
			// A chunk, then steps.
			got := logitsOf(t, s, ids[:50], 0)
			got = append(got, logitsOf(t, s, ids[50:], 1)...)
			if d := worst(got, want); d > 1e-3 {
				t.Errorf("logits off by %g, want at most 1e-3", d)
			}
		})
	}
}

// sample runs n tokens without a tokenizer: what Generate does, but for text.
func sampleTokens(t *testing.T, s *Session, prompt []uint32, sampling Sampling, n int) []uint32 {
	t.Helper()
	ctx := context.Background()
	if err := s.Prefill(ctx, prompt, nil); err != nil {
		t.Fatal(err)
	}
	begin(t, s, sampling)
	var out []uint32
	for len(out) < n {
		f, err := s.run.Launch(ctx, len(out) == 0, nil)
		if err != nil {
			t.Fatal(err)
		}
		draws, err := f.Wait(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range draws {
			out = append(out, d.Token)
		}
	}
	return out[:n]
}

func begin(t *testing.T, s *Session, sampling Sampling) {
	t.Helper()
	r := Request{Sampling: sampling}
	d, err := r.drawing(s.model.config.VocabSize)
	if err == nil {
		err = s.run.Begin(d)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// The same seed gives the same tokens, on the GPU whatever the chunks, and as
// the reference path does; another seed gives others.
func TestSeeds(t *testing.T) {
	device := testDevice(t)
	random := testRandom(t)
	c := samba()
	src := randomModel(t, random, c, 32)
	prompt := randomIDs(random, 37, c.VocabSize)
	// Hot: random weights make sharp logits.
	sampling := Sampling{Temperature: 10, TopP: 0.9, TopK: 40, RepetitionPenalty: 1.2, Seed: random.Uint64()}
	const n = 60 // past the window
	want := sampleTokens(t, newSession(t, loadTest(t, src, Options{})), prompt, sampling, n)
	for _, chunk := range []int{5, 64} {
		m := loadTest(t, src, Options{Device: device, Chunk: chunk})
		got := sampleTokens(t, newSession(t, m), prompt, sampling, n)
		if !slices.Equal(got, want) {
			t.Errorf("chunk %d: tokens %v, the reference path gives %v", chunk, got, want)
		}
		if chunk == 64 {
			sampling.Seed++
			if slices.Equal(sampleTokens(t, newSession(t, m), prompt, sampling, n), got) {
				t.Error("another seed gives the same tokens")
			}
		}
	}
}

// After a rewind the state is as if nothing had run ahead: the logits of what
// follows are those of a session that absorbed the same tokens.
func TestRewind(t *testing.T) {
	device := testDevice(t)
	random := testRandom(t)
	c := samba()
	m := loadTest(t, randomModel(t, random, c, 8), Options{Device: device, Chunk: 64})
	for _, kept := range []int{0, 1, 5, machine.MaxSteps - 1} {
		s := newSession(t, m)
		s.run.(*gpumachine.Run).Steps = machine.MaxSteps
		prompt := randomIDs(random, 30, c.VocabSize)
		ctx := context.Background()
		if err := s.Prefill(ctx, prompt, nil); err != nil {
			t.Fatal(err)
		}
		begin(t, s, Sampling{Temperature: 1, Seed: 3})
		var flights []machine.Flight
		var sampled []uint32
		for i := range 3 {
			f, err := s.run.Launch(ctx, i == 0, nil)
			if err != nil {
				t.Fatal(err)
			}
			flights = append(flights, f)
			draws, err := f.Wait(ctx)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range draws {
				sampled = append(sampled, d.Token)
			}
			s.run.(*gpumachine.Run).Steps = machine.MaxSteps // however slow this machine is
		}
		// Back into the second flight, while the third has run, too.
		absorbed := sampled[machine.MaxSteps-1 : machine.MaxSteps+kept]
		if err := flights[1].Rewind(ctx, absorbed); err != nil {
			t.Fatal(err)
		}
		next := randomIDs(random, 5, c.VocabSize)
		got, err := s.run.AbsorbLogits(ctx, next)
		if err != nil {
			t.Fatal(err)
		}
		all := slices.Concat(prompt, sampled[:machine.MaxSteps+kept], next)
		want := allLogits(t, m, all, 0)
		if d := worst(got, want[len(want)-len(got):]); d > rounding(device, 8) {
			t.Errorf("%d tokens kept: logits off by %g, want at most %g", kept, d, rounding(device, 8))
		}
	}
}

// Sessions of one model do not disturb each other.
func TestSessionsApart(t *testing.T) {
	device := testDevice(t)
	random := testRandom(t)
	c := samba()
	m := loadTest(t, randomModel(t, random, c, 4), Options{Device: device, Chunk: 32})
	ids := randomIDs(random, 64, c.VocabSize)
	want := allLogits(t, m, ids, 0)
	one, other := newSession(t, m), newSession(t, m)
	ctx := context.Background()
	var got []float32
	for i := 0; i < len(ids); i += 16 {
		err := errors.Join(
			other.Prefill(ctx, randomIDs(random, 20, c.VocabSize), nil),
			one.Logits(ctx, ids[i:i+16], 0, func(rows []float32) error { got = append(got, rows...); return nil }))
		if err != nil {
			t.Fatal(err)
		}
	}
	if d := worst(got, want); d > 1e-3 {
		t.Errorf("logits off by %g, want at most 1e-3", d)
	}
}

// What is wrong with a folder is said in one sentence that names the place.
func TestBadFolders(t *testing.T) {
	random := testRandom(t)
	for name, test := range map[string]struct {
		spoil func(f memory)
		want  string
	}{
		"no config":     {func(f memory) { delete(f, "config.json") }, "config.json"},
		"another model": {func(f memory) { f["config.json"] = []byte(`{"model_type": "llama"}`) }, `model_type is "llama"`},
		"missing shard": {func(f memory) { delete(f, "model-00002-of-00002.safetensors") }, "model-00002-of-00002.safetensors"},
		"cut shard":     {func(f memory) { f["model-00001-of-00002.safetensors"] = f["model-00001-of-00002.safetensors"][:5000] }, "truncated"},
		"other layers":  {func(f memory) { f.setJSON(t, "config.json", testConfig(config.Mamba)) }, "no such tensor"},
		"more layers":   {func(f memory) { f.setJSON(t, "config.json", testConfig(append(samba().LayerTypes, config.Mamba)...)) }, "no shard holds it"},
		"other shape":   {func(f memory) { c := samba(); c.Expand = 4; f.setJSON(t, "config.json", c) }, "config.json wants"},
		"bad eos":       {func(f memory) { f["generation_config.json"] = []byte(`{"eos_token_id": "x"}`) }, "eos_token_id"},
		"bad defaults":  {func(f memory) { f["generation_config.json"] = []byte(`{"top_p": 7}`) }, "top_p is 7"},
	} {
		t.Run(name, func(t *testing.T) {
			f := randomModel(t, random, samba(), 8)
			test.spoil(f)
			_, err := Load(context.Background(), f, Options{})
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v, want one sentence with %q", err, test.want)
			}
		})
	}
}
