package bench

import (
	"bytes"
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/samba-web/samba/model/randomweights"

	"github.com/google/go-cmp/cmp"

	"github.com/samba-web/samba/model/config"
	"github.com/samba-web/samba/model/measure"
	"github.com/samba-web/samba/tools/browser"
	"github.com/samba-web/samba/wasm/protocol"
)

func TestFiguresByHand(t *testing.T) {
	r := Report{Prompt: 100, Load: []float64{3, 1, 2}, Measured: measure.BenchReport{
		Warmup:  5,
		Prefill: measure.Cost{Bytes: 1, Ops: 5000}, Decode: measure.Cost{Bytes: 2000, Ops: 1},
		Runs: []measure.BenchRun{
			{Prefill: 1, FirstToken: 0.5, Tokens: 20, Decode: 2, Save: 0.01, Restore: 0.02},
			{Prefill: 2, FirstToken: 0.7, Tokens: 20, Decode: 1, Save: 0.03, Restore: 0.04},
		},
	}}
	r.Measured.Roofline.ReadBytesPerSecond, r.Measured.Roofline.OpsPerSecond = 120000, 7500
	r.Conclude()
	want := Figures{
		Load:       Spread{2, 1, 3},
		FirstToken: Spread{0.6, 0.5, 0.7},
		Prefill:    Spread{75, 50, 100},
		Decode:     Spread{15, 10, 20},
		Save:       Spread{0.02, 0.01, 0.03},
		Restore:    Spread{0.03, 0.02, 0.04},
		// 2,000 bytes for each of 15 tokens a second; 50 operations a token, 75 tokens a second.
		DecodeBytesPerSecond: 30000, DecodeShare: 0.25, PrefillOpsPerSecond: 3750, PrefillShare: 0.5,
	}
	if diff := cmp.Diff(want, r.Figures, cmp.Comparer(func(a, b float64) bool { return a-b < 1e-9 && b-a < 1e-9 })); diff != "" {
		t.Error(diff)
	}
	if r.WarmupTax != 5-3.65 {
		t.Errorf("the first pass took %v longer, want 1.35", r.WarmupTax)
	}
	r.About(&protocol.Ready{Model: "m", Adapter: "a GPU"})
	var out bytes.Buffer
	if err := r.Write(&out); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"30 kB/s, 25.0 % of the 120 kB/s", "3.75 kop/s, 50.0 % of the 7.5 kop/s", "a GPU"} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("the table lacks %q:\n%s", part, &out)
		}
	}
}

// reader walks over a GGUF file.
type reader struct {
	t    *testing.T
	data []byte
	at   int
}

func (r *reader) u32() uint32 { r.at += 4; return binary.LittleEndian.Uint32(r.data[r.at-4:]) }
func (r *reader) u64() uint64 { r.at += 8; return binary.LittleEndian.Uint64(r.data[r.at-8:]) }
func (r *reader) str() string { n := int(r.u64()); r.at += n; return string(r.data[r.at-n : r.at]) }

func (r *reader) skip(kind uint32) {
	switch kind {
	case ggufBool:
		r.at++
	case ggufUint16:
		r.at += 2
	case ggufString:
		r.str()
	case ggufArray:
		kind = r.u32()
		for range r.u64() {
			r.skip(kind)
		}
	default:
		r.at += 4
	}
}

func TestGGUFHoldsWhatItsHeaderSays(t *testing.T) {
	c, err := randomweights.Config("tiny")
	if err != nil {
		t.Fatal(err)
	}
	files, err := newGGUF(c, 1)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if n, err := files[0].WriteTo(&out); err != nil || n != files[0].size || int64(out.Len()) != n {
		t.Fatalf("wrote %d bytes (%v), the file has %d", n, err, files[0].size)
	}
	r := &reader{t: t, data: out.Bytes()}
	if r.at = 4; string(r.data[:4]) != "GGUF" || r.u32() != 3 {
		t.Fatal("no GGUF of version 3")
	}
	tensors, values := r.u64(), r.u64()
	keys := map[string]bool{}
	for range values {
		keys[r.str()] = true
		r.skip(r.u32())
	}
	for _, key := range []string{"general.architecture", "jamba.ssm.time_step_rank", "jamba.attention.head_count_kv", "tokenizer.ggml.tokens"} {
		if !keys[key] {
			t.Errorf("no %s", key)
		}
	}
	shapes, end := map[string][]int{}, uint64(0)
	for range tensors {
		name := r.str()
		var shape []int
		for range r.u32() {
			shape = append(shape, int(r.u64()))
		}
		shapes[name] = shape
		kind, offset := r.u32(), r.u64()
		if offset != end || offset%ggufAlignment != 0 {
			t.Errorf("%s starts at %d, want %d", name, offset, end)
		}
		end = uint64(align(int64(offset) + ggufBytes(kind, elements(shape))))
	}
	if data := align(int64(r.at)); data+int64(end) != files[0].size {
		t.Errorf("data from %d on and %d bytes of it, the file has %d", data, end, files[0].size)
	}
	for name, want := range map[string][]int{
		"token_embd.weight": {64, 512}, "blk.0.ssm_in.weight": {64, 256}, "blk.0.ssm_a": {16, 128}, "blk.1.attn_k.weight": {64, 32}, "blk.1.ffn_down.weight": {128, 64},
	} {
		if diff := cmp.Diff(want, shapes[name]); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestLargeGGUFIsCut(t *testing.T) {
	c, err := randomweights.Config("1.3B")
	if err != nil {
		t.Fatal(err)
	}
	files, err := newGGUF(c, 1)
	if err != nil {
		t.Fatal(err)
	}
	total := int64(0)
	for _, f := range files {
		total += f.size
		if f.size > ggufMost+1<<20 {
			t.Errorf("a file of %d bytes", f.size)
		}
	}
	// 1.33 G weights of 4.5 bits, and a little.
	if want := 1.33e9 * 4.5 / 8; len(files) != 2 || float64(total) < want || float64(total) > 1.05*want {
		t.Errorf("%d bytes in %d files, want about %.0f in 2", total, len(files), want)
	}
}

func TestPeersRefused(t *testing.T) {
	folder := t.TempDir()
	for name, want := range map[string]string{
		"webllm": "libraries compiled for each of them beforehand",
		"abacus": "--peers abacus: want wllama, wllama-cpu or ort",
		"wllama": "make them by",
	} {
		if err := CheckPeers([]string{name}, folder); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
	c, err := randomweights.Config("tiny")
	if err != nil {
		t.Fatal(err)
	}
	c.LayerTypes[1] = config.FullAttention
	samba := c
	if c, err = randomweights.Config("lfm2-tiny"); err != nil {
		t.Fatal(err)
	}
	if p, err := RunPeer(context.Background(), PeerWllama, PeerOptions{Config: c}); err != nil || !strings.Contains(p.Error, "lfm2 is not among the graphs") {
		t.Errorf("%+v, %v: want a peer that failed for its family", p, err)
	}
	p, err := RunPeer(context.Background(), PeerWllama, PeerOptions{Config: samba})
	if err != nil || !strings.Contains(p.Error, "has no twin") {
		t.Errorf("%+v, %v: want a peer that failed for its shapes", p, err)
	}
}

// Each of llama.cpp's graphs takes the file that is made for it: it computes all that was asked for.
func TestWllamaOnOneThread(t *testing.T) {
	folder := "../../bin/peers"
	if _, err := os.Stat(filepath.Join(folder, "wllama.wasm.br")); err != nil {
		t.Skip("wllama is not bundled: npm ci && npm run bundle in tools/bench/peers")
	}
	if _, err := browser.Find(browser.Chromium, ""); err != nil {
		t.Skip(err)
	}
	for _, name := range []string{"tiny", "falcon-mamba-tiny", "granitemoehybrid-tiny", "phi4flash-tiny"} {
		c, err := randomweights.Config(name)
		if err != nil {
			t.Fatal(err)
		}
		p, err := RunPeer(t.Context(), PeerWllamaCPU, PeerOptions{
			Config: c, Folder: folder, Browser: browser.Options{Name: browser.Chromium}, Prompt: 40, Generate: 6, Runs: 1,
		})
		if err != nil || p.Error != "" {
			t.Errorf("%s: %v %+v", name, err, p)
			continue
		}
		run := p.Runs[0]
		if run.PromptTokens != 40 || run.Tokens != 5 || p.Prefill.Median <= 0 || p.Decode.Median <= 0 || run.FirstToken <= 0 || p.Load <= 0 {
			t.Errorf("%s: %+v, want 40 tokens read, 5 after the first, and their times", name, p)
		}
	}
}

func TestMatMulNBits(t *testing.T) {
	folder := "../../bin/peers"
	if _, err := os.Stat(filepath.Join(folder, "ort.wasm.br")); err != nil {
		t.Skip("onnxruntime-web is not bundled: npm ci && npm run bundle in tools/bench/peers")
	}
	if _, err := browser.Find(browser.Chromium, ""); err != nil {
		t.Skip(err)
	}
	c, err := randomweights.Config("tiny")
	if err != nil {
		t.Fatal(err)
	}
	measured := &measure.BenchReport{PrefillChunk: 32, DecodeKernels: []measure.KernelTime{
		{Kernel: "matvec", Role: "mixer.in_proj.weight", Launches: 2, Seconds: 4e-6},
		{Kernel: "matvec", Role: "mixer.x_proj.weight", Launches: 2, Seconds: 4e-6}, // of 8 bits
		{Kernel: "sample", Launches: 1, Seconds: 1e-6},
	}}
	p, err := RunPeer(t.Context(), PeerORT, PeerOptions{Config: c, Folder: folder, Browser: browser.Options{Name: browser.Chromium}, Measured: measured, Runs: 1})
	if err != nil || p.Error != "" {
		t.Fatalf("%v %+v", err, p)
	}
	if len(p.Products) != 1 || p.Products[0].Seconds <= 0 {
		t.Fatalf("%+v, want one product's time", p.Products)
	}
	p.Products[0].Seconds = 0
	if diff := cmp.Diff([]Product{{Name: "mixer.in_proj.weight", M: 1, N: 256, K: 64, Ours: 2e-6}}, p.Products); diff != "" {
		t.Error(diff)
	}
}
