package measure

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/samba-web/samba/model/randomweights"

	"github.com/google/go-cmp/cmp"
	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/model"
	"github.com/samba-web/samba/model/config"
	"github.com/samba-web/samba/model/families"
	"github.com/samba-web/samba/model/machine"
	gpumachine "github.com/samba-web/samba/model/machine/gpu"
)

// Counted by hand: 400 weights of 16 bits in the layers, 76 values of small
// tensors, an embedding of 10 rows of 8 bytes (4 weights of 8 bits and a group).
func TestCost(t *testing.T) {
	c := &config.Config{
		HiddenSize: 4, NumHiddenLayers: 2, LayerTypes: []string{config.Mamba, config.SlidingAttention},
		NumHeads: 1, NumKVHeads: 1, HeadDim: 4, SlidingWindow: 3, IntermediateSize: 8,
		DState: 2, DConv: 2, Expand: 2, DTRank: 1, TieEmbeddings: true, VocabSize: 10,
	}
	stored := func(name string) (int, int) {
		if name == config.EmbedTokens {
			return 8, 4
		}
		return 16, 0
	}
	for _, test := range []struct {
		name string
		pass Pass
		want Cost
	}{
		// Two states of 8 channels times 3 values go both ways: 192 bytes. Two keys and values are read, one is written: 96.
		{"one token beyond the window", Step(5), Cost{Bytes: 800 + 304 + 8 + 80 + 192 + 96, State: 192 + 96, Ops: 800 + 80 + 144 + 4*3*4}},
		// The tokens see 1, 2, 3 and 3 keys.
		{"four tokens from the start, all through all layers", Pass{0, 4, 4, true}, Cost{Bytes: 800 + 304 + 32 + 80 + 192 + 128, State: 192 + 128, Ops: 4*800 + 80 + 4*144 + 4*9*4}},
		// The last layer's attention, its o_proj of 16 weights, its MLP of 96 and that one's norm of 4 wait for the last token.
		{"four tokens, the last of them finished", Pass{0, 4, 1, true}, Cost{Bytes: 800 + 304 + 32 + 80 + 192 + 128, State: 192 + 128, Ops: 4*800 - 3*2*112 + 80 + 4*144 + 4*3*4}},
		{"four tokens, none of them finished", Pass{5, 4, 0, false}, Cost{Bytes: 800 - 2*112 + 304 - 2*16 + 32 + 192 + 128, State: 192 + 128, Ops: 4*800 - 4*2*112 + 4*144}},
	} {
		if got := cost(c, false, test.pass, stored); got != test.want {
			t.Errorf("%s: %+v, want %+v", test.name, got, test.want)
		}
	}
}

func TestRandomModels(t *testing.T) {
	// The table of the paper, to its digits.
	for name, want := range map[string]float64{"421M": 421793280, "1.3B": 1330207488, "1.7B": 1.742e9, "3.8B": 3.864e9, "phi-4-mini-flash": 3.853e9} {
		c, err := randomweights.Config(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Validate(); err != nil {
			t.Error(err)
		}
		if n := float64(c.Parameters()); math.Abs(n-want) > 5e-4*want {
			t.Errorf("%s has %.0f parameters, want %.0f", name, n, want)
		}
		twin, err := randomweights.Config(name + randomweights.TwinSuffix)
		if err != nil {
			t.Fatal(err)
		}
		if err := twin.Validate(); err != nil {
			t.Error(err)
		}
		if n := float64(twin.Parameters()); math.Abs(n-want) > 5e-3*want || twin.HiddenSize != c.HiddenSize || len(twin.LayerTypes) != len(c.LayerTypes) || twin.Has(config.Mamba) {
			t.Errorf("%s's twin has %.0f parameters, want %.0f, its width and depth, and no Mamba: %+v", name, n, want, twin)
		}
	}
	for address, want := range map[string]string{
		"random:5B":                     `random model "5B", want one of tiny, 421M, 1.3B, 1.7B, 3.8B, granite-4.0-h-350m, `,
		"random:7-transformer":          `random model "7", want one of`,
		"random:mamba-130m-transformer": "mamba-130m does not attend, so there are no heads that a Transformer of its size could have",
		"random:tiny?bits=3":            `bits is "3", want 4, 8 or 16`,
		"random:tiny?seed=-1":           `seed is "-1", want a whole number`,
		"https://example.org/m":         "is no random model",
	} {
		if _, err := randomweights.Open(address); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", address, err, want)
		}
	}
}

// Every family's shapes load, however they are packed, and compute numbers.
func TestRandomFamilies(t *testing.T) {
	for _, p := range families.Tiny {
		for _, bits := range []string{"4", "16"} {
			if bits == "16" && p.Name() != "jamba-tiny" { // their values take long to make up
				continue
			}
			source, err := randomweights.Open("random:" + p.Name() + "?bits=" + bits)
			if err != nil {
				t.Fatal(err)
			}
			m, err := model.Load(t.Context(), source, model.Options{})
			if err != nil {
				t.Errorf("%s, %s bits: %v", p.Name(), bits, err)
				continue
			}
			s, err := m.NewSession()
			if err != nil {
				t.Fatal(err)
			}
			err = s.Logits(t.Context(), []uint32{1, 2, 3, 400, 5}, 0, func(rows []float32) error {
				low, high := slices.Min(rows), slices.Max(rows)
				if !(high-low > 0.01) || high-low > 1e4 {
					t.Errorf("%s, %s bits: logits from %v to %v, want them to differ", p.Name(), bits, low, high)
				}
				return nil
			})
			if err != nil {
				t.Errorf("%s, %s bits: %v", p.Name(), bits, err)
			}
			m.Close()
		}
	}
}

func TestBenchOnRandomWeights(t *testing.T) {
	for _, bits := range []string{"4", "8", "16"} {
		source, err := randomweights.Open("random:tiny?seed=3&bits=" + bits)
		if err != nil {
			t.Fatal(err)
		}
		m, err := model.Load(context.Background(), source, model.Options{})
		if err != nil {
			t.Fatal(err)
		}
		s, err := m.NewSession()
		if err != nil {
			t.Fatal(err)
		}
		err = s.Logits(context.Background(), []uint32{1, 2, 3, 400, 5}, 0, func(rows []float32) error {
			low, high := rows[0], rows[0]
			for _, v := range rows {
				if math.IsNaN(float64(v)) || math.Abs(float64(v)) > 1e3 {
					t.Fatalf("%s bits: a logit of %v", bits, v)
				}
				low, high = min(low, v), max(high, v)
			}
			if high-low < 0.1 {
				t.Errorf("%s bits: logits from %v to %v, want them to differ", bits, low, high)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		b, err := Bench(context.Background(), s, BenchOptions{Prompt: 20, Generate: 6, Runs: 2})
		if err != nil {
			t.Fatal(err)
		}
		for _, run := range b.Runs {
			if run.Prefill <= 0 || run.FirstToken <= 0 || run.Tokens < 1 || run.Tokens > 5 || run.Decode <= 0 {
				t.Errorf("%s bits: %+v, want times, and tokens after the first", bits, run)
			}
		}
		if len(b.Runs) != 2 || s.Position() != 0 {
			t.Errorf("%s bits: %d runs, position %d; want 2 and 0", bits, len(b.Runs), s.Position())
		}
		m.Close()
	}
}

func TestSteady(t *testing.T) {
	ms := func(arrivals ...int) (all []time.Duration) {
		for _, a := range arrivals {
			all = append(all, time.Duration(a)*time.Millisecond)
		}
		return all
	}
	for _, test := range []struct {
		name     string
		arrivals []time.Duration
		tokens   int
		seconds  float64
	}{
		{"one by one", ms(100, 110, 120, 130), 3, 0.03},
		{"flights of four", ms(100, 100, 100, 100, 140, 140, 140, 140, 180, 180, 180, 180), 8, 0.08},
		{"one flight", ms(100, 100), 0, 0},
		{"one token", ms(100), 0, 0},
	} {
		if tokens, seconds := steady(test.arrivals); tokens != test.tokens || math.Abs(seconds-test.seconds) > 1e-9 {
			t.Errorf("%s: %d tokens in %v s, want %d in %v", test.name, tokens, seconds, test.tokens, test.seconds)
		}
	}
}

func TestByRole(t *testing.T) {
	times := []gpu.DispatchTime{
		{Kernel: "matvec", Buffers: []string{"layers.0.mlp.down_proj.weight", "x"}, Seconds: 1},
		{Kernel: "matvec", Buffers: []string{"layers.11.mlp.down_proj.weight", "x"}, Seconds: 2},
		{Kernel: "window_attention", Buffers: []string{"qkv", "layers.1 keys"}, Seconds: 3},
		{Kernel: "matvec", Buffers: []string{"embed_tokens.weight", "x"}, Seconds: 4},
		{Kernel: "sample", Buffers: []string{"logits"}, Seconds: 5},
		{Kernel: "blocks_w", Buffers: []string{"layers.2.mixer.o_proj.weight", gpumachine.HalvesOfW}, Seconds: 6},
		{Kernel: "matmul_blocks", Buffers: []string{gpumachine.HalvesOfW, "x in fp16"}, Seconds: 7},
	}
	want := []KernelTime{
		{"matvec", "mlp.down_proj.weight", 2, 3}, {"window_attention", "keys", 1, 3}, {"matvec", "embed_tokens.weight", 1, 4}, {"sample", "", 1, 5},
		{"blocks_w", "mixer.o_proj.weight", 1, 6}, {"matmul_blocks", "mixer.o_proj.weight", 1, 7},
	}
	if diff := cmp.Diff(want, byRole(machine.Times{Passes: 2, Dispatches: append(times, times...)})); diff != "" {
		t.Error(diff)
	}
}
