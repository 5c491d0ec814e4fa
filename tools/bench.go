package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/samba-web/samba/model/randomweights"

	"github.com/spf13/cobra"

	"github.com/samba-web/samba/model"
	"github.com/samba-web/samba/tools/bench"
	"github.com/samba-web/samba/tools/browser"
	"github.com/samba-web/samba/tools/site"
	"github.com/samba-web/samba/wasm/protocol"
)

// benchFlags are what samba bench is asked for.
type benchFlags struct {
	engineFlags
	random  string
	bits    int
	loads   int
	json    string
	against string        // --against
	stored  *bench.Report // read from there
	peers   []string
	folder  string // of the peers
	stock   bool   // Chromium without experimental features
	request protocol.Bench
}

func newBench() *cobra.Command {
	var f benchFlags
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure how fast a model loads, reads and writes",
		Long: `Measures a model where its users run it: loading, preparing kernels, the time to the first
token, prefill and decode, beside what kernels that only read or only multiply reach on the
same adapter. --random takes the shapes of one of the paper's models or of a published one
and fills them with random weights in place: nothing is downloaded or written. Sampling is the model's own.

--against FILE sets the run beside one that --json wrote before, tells what changed and names what got slower.
A figure is slower where its runs lie apart from the stored ones and the median is worse by more than runs of the
same program differ. The exit status is 0 where nothing got slower, 2 where something did, 1 where the two cannot be
compared or the measurement failed.`,
		Example: "  samba bench --random 421M --backend chromium --kernels --batch 16\n  samba bench --model www/models/default --json bench.json\n" +
			"  samba bench --random 421M --backend chromium --against tools/bench/runs/h200-2026-11-28-421M.json",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.check(cmd); err != nil {
				return err
			}
			if f.stock {
				if err := os.Setenv("CHROME_GPU_FLAGS", browser.StockFlags); err != nil { // what the engine's browser and the peers' read
					return err
				}
			}
			return runBench(cmd, &f)
		},
	}
	f.engineFlags.registerModel(cmd)
	flags := cmd.Flags()
	flags.StringVar(&f.random, "random", "", "random weights in the shapes of "+strings.Join(randomweights.Names(), ", ")+";\nwith "+randomweights.TwinSuffix+" behind one that attends, of a Transformer of that size")
	flags.IntVar(&f.bits, "bits", 4, "bits of random weights: 4, 8 or 16; of a folder's unpacked ones, which are packed while they load: 4 or 8\n(default: as they are)")
	flags.IntVar(&f.request.Prompt, "prompt", 2048, "tokens of the prompt")
	flags.IntVar(&f.request.Generate, "generate", 256, "tokens to generate after it")
	flags.IntVar(&f.request.Runs, "runs", 5, "measured runs, after one that is not")
	flags.IntVar(&f.loads, "loads", 3, "how often to load the model")
	flags.Uint64Var(&f.request.Seed, "seed", 0, "of random weights and of the prompt's tokens")
	flags.BoolVar(&f.request.Kernels, "kernels", false, "the GPU's time in each kernel, too, by timestamp queries (in browsers)")
	flags.IntVar(&f.request.Batch, "batch", 0, "with --kernels: those of a step of this many sequences together after the prompt, too")
	flags.BoolVar(&f.request.EveryLayer, "every-layer", false, "let all of the prompt's tokens pass all layers, those that carry no state, too: for what leaving them out saves")
	flags.BoolVar(&f.request.Roofline, "roofline", true, "measure what the adapter reaches at best, too")
	flags.BoolVar(&f.stock, "stock", false, "Chromium on Linux as people have it, on the machine's GPU by Vulkan: no subgroup matrices, on NVIDIA no f16\n(in place of the environment's CHROME_GPU_FLAGS)")
	flags.StringVar(&f.json, "json", "", "write the figures to this file as JSON, too; - prints JSON alone")
	flags.StringVar(&f.against, "against", "", "compare with the run in this file, which --json wrote; the exit status is 2 where something got slower")
	flags.StringSliceVar(&f.peers, "peers", nil, "other engines to measure after ours, in the same browser: "+bench.PeerWllama+",\n"+bench.PeerWllamaCPU+" (128 + 16 tokens at most), "+bench.PeerORT+" (MatMulNBits alone, beside our kernels)")
	flags.StringVar(&f.folder, "peers-dir", "bin/peers", "where they are, bundled by npm in tools/bench/peers")
	cmd.AddCommand(newBenchLongPrompt(), newBenchLongGenerate(), newBenchSoak(), newBenchServe(), newBenchSpeculate())
	cmd.MarkFlagsMutuallyExclusive("model", "random")
	cmd.MarkFlagsOneRequired("model", "random")
	return cmd
}

// check refuses what cannot work before anything is started.
func (f *benchFlags) check(cmd *cobra.Command) error {
	for _, n := range []struct {
		flag      string
		got, most int
	}{{"prompt", f.request.Prompt, 1 << 20}, {"generate", f.request.Generate, 1 << 20}, {"runs", f.request.Runs, 1000}, {"loads", f.loads, 100}} {
		if n.got < 1 || n.got > n.most {
			return fmt.Errorf("--%s is %d, want 1 to %d", n.flag, n.got, n.most)
		}
	}
	if b := f.request.Batch; b != 0 && (b < 2 || b > model.MaxSlots || !f.request.Kernels) {
		return fmt.Errorf("--batch is %d, want 2 to %d, with --kernels", b, model.MaxSlots)
	}
	if f.stock && f.backend != browser.Chromium {
		return fmt.Errorf("--stock is for --backend %s", browser.Chromium)
	}
	if err := bench.CheckPeers(f.peers, f.folder); err != nil {
		return err
	}
	if err := checkFolder("json", f.json); err != nil {
		return err
	}
	if f.against != "" {
		var err error
		if f.stored, err = bench.ReadReport(f.against); err != nil {
			return fmt.Errorf("--against: %w", err)
		}
	}
	if slices.Contains(f.peers, bench.PeerORT) {
		f.request.Kernels = true // what its kernels stand beside
	}
	if f.random == "" {
		if cmd.Flags().Changed("bits") {
			f.engineFlags.bits = f.bits
		}
		return f.engineFlags.check()
	}
	if err := checkRandom(f.random, f.bits); err != nil {
		return err
	}
	f.model = randomAddress(f.random, f.bits, f.request.Seed)
	return f.engineFlags.check()
}

// checkRandom refuses random weights of shapes or bits that there are none of.
func checkRandom(name string, bits int) error {
	if _, err := randomweights.Config(name); err != nil {
		return fmt.Errorf("--random: %w", err)
	}
	if !slices.Contains([]int{4, 8, 16}, bits) {
		return fmt.Errorf("--bits is %d, want 4, 8 or 16", bits)
	}
	return nil
}

// randomAddress is where an engine finds them.
func randomAddress(name string, bits int, seed uint64) string {
	return fmt.Sprintf("random:%s?%s", name, url.Values{"bits": {strconv.Itoa(bits)}, "seed": {strconv.FormatUint(seed, 10)}}.Encode())
}

func runBench(cmd *cobra.Command, f *benchFlags) error {
	ctx := cmd.Context()
	progress := newProgress(os.Stderr)
	defer progress.done()
	report := &bench.Report{
		Commit: version(), Date: now(), Backend: f.backend,
		Seed: f.request.Seed, Prompt: f.request.Prompt, Generate: f.request.Generate, Batch: f.request.Batch,
		EveryLayer: f.request.EveryLayer,
	}
	if f.random != "" {
		report.Model = "random:" + f.random
	}
	if slices.Contains(browser.Names(), f.backend) {
		report.Flags = append(browser.AdapterFlags(f.backend), strings.Fields(f.browserFlags)...)
		report.PageBytes = site.VisitorBytes(nil)
	}
	if err := f.comparable(report); err != nil { // before minutes are spent
		return err
	}
	if f.random == "1.7B" {
		report.Note = "MLP of 8192, printed as 8196, which groups of 64 do not divide"
	}
	started := time.Now()
	e, load, err := f.start(ctx)
	if err != nil {
		return err
	}
	defer e.close()
	report.Browser = browserName(e.agent)
	if e.agent != "" {
		report.Start = time.Since(started).Seconds()
	}
	for range f.loads {
		if err := benchLoad(ctx, e, load, f, progress, report); err != nil {
			return err
		}
		if err := f.comparable(report); err != nil {
			return err
		}
	}
	answer, err := e.ask(ctx, &f.request, func(m protocol.Message, data []byte) error {
		if measured, ok := m.(*protocol.Benched); ok {
			report.Measured = measured.Report
		}
		return progress.report(m, data)
	})
	if err != nil {
		return err
	}
	progress.done()
	e.close() // the machine is the peers'
	if _, ok := answer.(*protocol.Done); !ok {
		return fmt.Errorf("the engine answered %s to bench, want done", answer.Type())
	}
	if f.request.Kernels && len(report.Measured.DecodeKernels) == 0 {
		report.NoKernels = "this needs a browser whose adapter has the feature timestamp-query"
	}
	report.Conclude()
	if err := benchPeers(ctx, f, progress, report); err != nil {
		return err
	}
	var incomparable error
	if f.stored != nil {
		if report.Against, err = report.Compare(f.stored, f.against); err != nil {
			incomparable = fmt.Errorf("--against %s: %w", f.against, err)
		}
	}
	// What was measured is told in any case.
	if err := writeFigures(cmd, f.json, report); err != nil || incomparable != nil {
		return errors.Join(err, incomparable)
	}
	if report.Against != nil && len(report.Against.Slower) > 0 {
		return fmt.Errorf("%w than %s: %s", errSlower, f.against, strings.Join(report.Against.Slower, "; "))
	}
	return nil
}

// errSlower ends a run with statusSlower.
var errSlower = errors.New("slower")

// comparable says why --against cannot be, as far as is known by now.
func (f *benchFlags) comparable(report *bench.Report) error {
	if f.stored == nil {
		return nil
	}
	if err := report.Comparable(f.stored); err != nil {
		return fmt.Errorf("--against %s: %w", f.against, err)
	}
	return nil
}

// benchPeers measures the other engines, each in a browser of its own after the last.
func benchPeers(ctx context.Context, f *benchFlags, progress *progress, report *bench.Report) error {
	if len(f.peers) == 0 {
		return nil
	}
	c, err := readConfig(ctx, f.model)
	if err != nil {
		return err
	}
	options := bench.PeerOptions{
		Config: c, Measured: &report.Measured, Folder: f.folder, Prompt: f.request.Prompt, Generate: f.request.Generate, Runs: f.request.Runs, Seed: f.request.Seed,
		Browser: browser.Options{Name: f.backend, Path: f.browserPath, Flags: strings.Fields(f.browserFlags)},
		OnProgress: func(done, total int) {
			progress.report(&protocol.Progress{Phase: model.PhaseBench, Loaded: int64(done), Total: int64(total)}, nil)
		},
	}
	if !slices.Contains(browser.Names(), f.backend) {
		options.Browser.Name = browser.Chromium
	}
	for _, name := range f.peers {
		peer, err := bench.RunPeer(ctx, name, options)
		progress.done()
		if err != nil {
			return err
		}
		report.Peers = append(report.Peers, peer)
	}
	return nil
}

var browserVersion = regexp.MustCompile(`(?:HeadlessChrome|Chrome|Firefox|Version)/[\d.]+`)

// browserName picks the browser and its version out of what it calls itself.
func browserName(agent string) string { return cmp.Or(browserVersion.FindString(agent), agent) }

// benchLoad loads the model once; the one loaded before is dropped first.
func benchLoad(ctx context.Context, e *engine, load *protocol.Load, f *benchFlags, progress *progress, report *bench.Report) error {
	started := time.Now()
	var weights time.Time // when the last one had arrived
	var total int64
	ready, err := f.load(ctx, e, load, func(m protocol.Message, data []byte) error {
		if p, ok := m.(*protocol.Progress); ok && p.Phase == model.PhaseCompile && weights.IsZero() {
			weights = time.Now()
		} else if ok && p.Phase == model.PhaseDownload {
			total = p.Total
		}
		return progress.report(m, data)
	})
	progress.done()
	if err != nil {
		return err
	}
	report.Load = append(report.Load, time.Since(started).Seconds())
	if !weights.IsZero() {
		report.Compile = append(report.Compile, time.Since(weights).Seconds())
	}
	report.About(ready)
	report.WeightBytes = total
	return nil
}
