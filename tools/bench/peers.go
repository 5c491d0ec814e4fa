package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/andybalholm/brotli"

	"github.com/samba-web/samba/model/config"
	"github.com/samba-web/samba/model/measure"
	"github.com/samba-web/samba/tools/browser"
	"github.com/samba-web/samba/tools/server/static"
)

// Other engines that run the same shapes in the same browser.
const (
	PeerWllama    = "wllama"     // llama.cpp on WebGPU
	PeerWllamaCPU = "wllama-cpu" // llama.cpp in WebAssembly on one thread
	PeerORT       = "ort"        // onnxruntime-web's MatMulNBits alone: kernel against kernel
)

// CheckPeers refuses names of peers that cannot be run, and says why.
func CheckPeers(names []string, folder string) error {
	for _, name := range names {
		switch name {
		case PeerWllama, PeerWllamaCPU, PeerORT:
		case "webllm":
			return fmt.Errorf("--peers webllm: it runs models only from libraries compiled for each of them beforehand, and there is none for Samba's shapes")
		default:
			return fmt.Errorf("--peers %s: want %s, %s or %s", name, PeerWllama, PeerWllamaCPU, PeerORT)
		}
	}
	if len(names) == 0 {
		return nil
	}
	for file, needs := range map[string]bool{
		"index.html": true, "wllama.wasm.br": true, "ort.wasm.br": slices.Contains(names, PeerORT),
	} {
		if _, err := os.Stat(filepath.Join(folder, file)); !needs || err == nil {
			continue
		}
		return fmt.Errorf("--peers-dir %s: the other engines are not there: make them by `npm ci && npm run bundle` in tools/bench/peers", folder)
	}
	return nil
}

// Peer is what another engine did. Times are in seconds.
type Peer struct {
	Name     string    `json:"name"`
	Version  string    `json:"version"`
	Bytes    int64     `json:"bytes"` // of its weights
	Prompt   int       `json:"prompt"`
	Generate int       `json:"generate"`
	Load     float64   `json:"load"`
	Runs     []PeerRun `json:"runs,omitempty"`
	Products []Product `json:"products,omitempty"`
	Log      []string  `json:"log,omitempty"`  // what the engine says of where it computes
	Note     string    `json:"note,omitempty"` // what to know of the figures

	Differences []string `json:"differences,omitempty"` // what its graph does otherwise than ours
	Error       string   `json:"error,omitempty"`       // why there are none

	FirstToken Spread `json:"first_token_seconds"`
	Prefill    Spread `json:"prefill_tokens_per_second"`
	Decode     Spread `json:"decode_tokens_per_second"`
}

// PeerRun is one run: tokens and the time they took by the engine's own clock.
type PeerRun struct {
	PromptTokens int     `json:"prompt_tokens"`
	Prefill      float64 `json:"prefill"`
	FirstToken   float64 `json:"first_token"` // by the page's clock
	Tokens       int     `json:"tokens"`
	Decode       float64 `json:"decode"`
}

// Product is one linear layer's work on m tokens: y [m, n] = x [m, k] W^T.
type Product struct {
	Name    string  `json:"name"` // of the weight, without its layer
	M       int     `json:"m"`
	N       int     `json:"n"`
	K       int     `json:"k"`
	Seconds float64 `json:"seconds"`
	Ours    float64 `json:"ours"` // seconds of our kernel
}

// products are what our kernels of 4-bit weights were timed with.
func products(c *config.Config, m *measure.BenchReport) []Product {
	var all []Product
	for _, timed := range []struct {
		tokens  int
		kernels []measure.KernelTime
	}{{1, m.DecodeKernels}, {m.PrefillChunk, m.PrefillKernels}} {
		for _, k := range timed.kernels {
			for _, spec := range c.TensorSpecs() {
				_, role, _ := strings.Cut(strings.TrimPrefix(spec.Name, "layers."), ".")
				name := role[strings.LastIndexByte(strings.TrimSuffix(role, ".weight"), '.')+1:]
				if role == k.Role && strings.HasPrefix(k.Kernel, "mat") && config.Overrides4[strings.TrimSuffix(name, ".weight")] == 0 && spec.Shape[1]%64 == 0 {
					all = append(all, Product{Name: role, M: timed.tokens, N: spec.Shape[0], K: spec.Shape[1], Ours: k.Seconds / float64(k.Launches)})
					break
				}
			}
		}
	}
	return all
}

// PeerOptions say what a peer is to run.
type PeerOptions struct {
	Config           *config.Config // whose shapes
	Folder           string         // where tools/bench/peers/build left the peers
	Browser          browser.Options
	Measured         *measure.BenchReport // ours, whose kernels' shapes ort gets
	Prompt, Generate int                  // tokens
	Runs             int                  // after one that does not count
	Seed             uint64
	OnProgress       func(done, total int)
}

// What a processor alone gets at most: it would take many minutes for more.
const cpuPrompt, cpuGenerate = 128, 16

// RunPeer measures a peer in a browser of its own. An error of the peer itself
// stands in the result.
func RunPeer(ctx context.Context, name string, o PeerOptions) (*Peer, error) {
	p := &Peer{Name: name, Prompt: o.Prompt, Generate: o.Generate}
	work := plan{GPU: name == PeerWllama, Runs: o.Runs, Seed: o.Seed}
	var files []*gguf
	steps := o.Runs + 2
	if name == PeerORT {
		work.Products, work.Cold = products(o.Config, o.Measured), 128<<20
		if steps = len(work.Products); steps == 0 {
			p.Error = "there are no times of our own kernels for weights of 4 bits to compare with"
			return p, nil
		}
	} else {
		var err error
		if files, err = newGGUF(o.Config, o.Seed); err != nil {
			p.Error = err.Error()
			return p, nil
		}
		graph, _ := graphOf(o.Config) // newGGUF found one
		p.Differences = slices.Concat(graph.differences, differences)
	}
	if name == PeerWllamaCPU {
		p.Prompt, p.Generate = min(p.Prompt, cpuPrompt), min(p.Generate, cpuGenerate)
	}
	for _, f := range files {
		p.Bytes += f.size
	}
	listener, err := static.Listen("127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	work.Files, work.Prompt, work.Generate = len(files), p.Prompt, p.Generate
	stage := &stage{messages: make(chan message), files: files, plan: work, folder: o.Folder}
	mux := http.NewServeMux()
	mux.Handle("GET /", http.FileServer(http.Dir(o.Folder)))
	mux.HandleFunc("GET /wllama.wasm", stage.sendCode)
	mux.HandleFunc("GET /ort.wasm", stage.sendCode)
	mux.HandleFunc("GET /plan", stage.sendPlan)
	mux.HandleFunc("GET /model/{file}", stage.sendModel)
	mux.HandleFunc("POST /report", stage.report)
	serving, stop := context.WithCancel(ctx)
	defer stop()
	stage.gone = serving.Done()
	go static.Run(serving, listener, mux)
	o.Browser.URL = "http://" + listener.Addr().String() + "/"
	running, err := browser.Start(serving, o.Browser)
	if err != nil {
		return nil, err
	}
	defer running.Close()
	for {
		select {
		case m := <-stage.messages:
			switch {
			case m.Error != "":
				p.Error, p.Log = m.Error, m.Log
				return p, nil
			case m.Version != "":
				p.Version, p.Load, p.Runs, p.Products, p.Log, p.Note = m.Version, m.Load, m.Runs, m.Products, m.Log, m.Note
				p.conclude()
				return p, nil
			case o.OnProgress != nil:
				o.OnProgress(m.Done, steps)
			}
		case <-running.Done():
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			p.Error = running.Err().Error()
			return p, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (p *Peer) conclude() {
	var first, prefill, decode []float64
	for _, run := range p.Runs {
		first = append(first, run.FirstToken)
		if run.Prefill > 0 && run.Decode > 0 {
			prefill = append(prefill, float64(run.PromptTokens)/run.Prefill)
			decode = append(decode, float64(run.Tokens)/run.Decode)
		}
	}
	p.FirstToken, p.Prefill, p.Decode = spread(first), spread(prefill), spread(decode)
}

// stage is what the peers' page talks to.
type stage struct {
	plan     plan
	folder   string
	files    []*gguf
	messages chan message
	gone     <-chan struct{}
}

// plan tells the page what to do.
type plan struct {
	GPU      bool   `json:"gpu"`
	Files    int    `json:"files"`
	Prompt   int    `json:"prompt"`
	Generate int    `json:"generate"`
	Runs     int    `json:"runs"`
	Seed     uint64 `json:"seed"`

	Products []Product `json:"products,omitempty"` // ort's work
	Cold     int       `json:"cold,omitempty"`     // bytes of weights that no cache holds
}

// message is what the page tells: how far it is, or an error, or at last all.
type message struct {
	Done    int       `json:"done"`
	Error   string    `json:"error"`
	Note    string    `json:"note"`
	Version string    `json:"version"`
	Load    float64   `json:"load"`
	Runs    []PeerRun `json:"runs"`

	Products []Product `json:"products"`
	Log      []string  `json:"log"`
}

func (s *stage) sendPlan(w http.ResponseWriter, _ *http.Request) { json.NewEncoder(w).Encode(s.plan) }

// sendCode sends WebAssembly, which the folder keeps compressed.
func (s *stage) sendCode(w http.ResponseWriter, r *http.Request) {
	file, err := os.Open(filepath.Join(s.folder, path.Base(r.URL.Path)+".br"))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	defer file.Close()
	w.Header().Set("Content-Type", "application/wasm")
	io.Copy(w, brotli.NewReader(file)) // a page that went away needs no answer
}

func (s *stage) sendModel(w http.ResponseWriter, r *http.Request) {
	i, err := strconv.Atoi(r.PathValue("file"))
	if err != nil || i < 0 || i >= len(s.files) {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Length", strconv.FormatInt(s.files[i].size, 10))
	s.files[i].WriteTo(w) // a page that went away needs no answer
}

func (s *stage) report(w http.ResponseWriter, r *http.Request) {
	var m message
	if err := json.NewDecoder(io.LimitReader(r.Body, 1<<20)).Decode(&m); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	select {
	case s.messages <- m:
	case <-s.gone:
	}
	w.WriteHeader(http.StatusNoContent)
}

func figure(v float64) string {
	if v == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f", v)
}

func times(ours, theirs Spread) string {
	if ours.Median == 0 || theirs.Median == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1fx", ours.Median/theirs.Median)
}

// writePeers prints the peers beside ours.
func (r *Report) writePeers(w io.Writer, table func(cells ...string), flush func() error) error {
	if len(r.Peers) == 0 {
		return nil
	}
	table()
	table("engine", "weights", "load, s", "tokens", "first token, ms", "prefill/s", "decode/s", "ours is faster by")
	f := &r.Figures
	table("samba", si(float64(r.WeightBytes), "B"), fmt.Sprintf("%.2f", f.Load.Median), fmt.Sprintf("%d + %d", r.Prompt, r.Generate),
		figure(f.FirstToken.Median*1e3), figure(f.Prefill.Median), figure(f.Decode.Median), "")
	for _, p := range r.Peers {
		if p.Error != "" || p.Name == PeerORT {
			continue
		}
		table(p.Name+" "+p.Version, si(float64(p.Bytes), "B"), fmt.Sprintf("%.2f", p.Load), fmt.Sprintf("%d + %d", p.Prompt, p.Generate),
			figure(p.FirstToken.Median*1e3), figure(p.Prefill.Median), figure(p.Decode.Median),
			times(f.Prefill, p.Prefill)+" prefill, "+times(f.Decode, p.Decode)+" decode")
	}
	if err := flush(); err != nil {
		return err
	}
	for _, p := range r.Peers {
		if p.Error != "" {
			fmt.Fprintf(w, "%s failed: %s\n", p.Name, strings.TrimSpace(p.Error))
		}
		if p.Note != "" {
			fmt.Fprintf(w, "%s: %s\n", p.Name, p.Note)
		}
	}
	for _, p := range r.Peers {
		if err := writeProducts(w, p, table, flush); err != nil {
			return err
		}
	}
	for _, p := range r.Peers {
		if p.Error == "" && len(p.Differences) > 0 { // the same for every peer that has any
			fmt.Fprintln(w)
			for _, d := range p.Differences {
				fmt.Fprintln(w, "-", d)
			}
			break
		}
	}
	return nil
}

// writeProducts prints a peer's kernels beside ours.
func writeProducts(w io.Writer, p *Peer, table func(cells ...string), flush func() error) error {
	if len(p.Products) == 0 {
		return nil
	}
	table()
	table("tokens", "rows x columns", "weight", "ours, µs", "MatMulNBits, µs", "ours is faster by")
	for _, k := range p.Products {
		table(strconv.Itoa(k.M), fmt.Sprintf("%d x %d", k.N, k.K), k.Name, fmt.Sprintf("%.1f", k.Ours*1e6), fmt.Sprintf("%.1f", k.Seconds*1e6),
			fmt.Sprintf("%.1fx", k.Seconds/k.Ours))
	}
	if err := flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, `
- onnxruntime-web %s, 4 bits in blocks of 32 with fp32 scales and activations, the faster of fp32 and 8-bit arithmetic: many products of
  different weights in one run, by the page's clock. Ours, groups of 64 with f16 scales and biases: one pass of the model by the GPU's clock, with
  what our kernels do beside the product (norm, SwiGLU, residual).
`, p.Version)
	return err
}
