package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/samba-web/samba/model/randomweights"

	"github.com/spf13/cobra"

	"github.com/samba-web/samba/model"
	"github.com/samba-web/samba/model/families"
	"github.com/samba-web/samba/model/measure"
	"github.com/samba-web/samba/tools/bench"
	"github.com/samba-web/samba/tools/browser"
	"github.com/samba-web/samba/tools/eval"
	"github.com/samba-web/samba/wasm/protocol"
)

// longFlags are what all long measurements are asked for.
type longFlags struct {
	engineFlags
	reportFlags
	random string
	bits   int
	run    protocol.LongRun
}

func (f *longFlags) register(cmd *cobra.Command, random string) {
	f.engineFlags.registerHome(cmd)
	f.reportFlags.register(cmd)
	cmd.Flags().StringVar(&f.random, "random", random, "random weights in the shapes of "+strings.Join(randomweights.Names(), ", "))
	cmd.Flags().IntVar(&f.bits, "bits", 4, "bits of random weights: 4, 8 or 16")
	cmd.Flags().Uint64Var(&f.run.Seed, "seed", 0, "of random weights, of the prompt's tokens and of the sampler")
}

// check refuses what cannot work before anything is started.
func (f *longFlags) check() error {
	if f.random != "" {
		if err := checkRandom(f.random, f.bits); err != nil {
			return err
		}
		if strings.HasSuffix(f.random, randomweights.TwinSuffix) {
			return fmt.Errorf("--random is %q, want the name alone: its Transformer is measured beside it", f.random)
		}
		f.model = randomAddress(f.random, f.bits, f.run.Seed)
	}
	if f.backend == browser.Chromium {
		f.browserFlags += " --enable-blink-features=ForceEagerMeasureMemory" // else it tells its heap when it next has nothing to do
	}
	if err := f.reportFlags.check(); err != nil {
		return err
	}
	return f.engineFlags.check()
}

func (f *longFlags) about(e *engine, ready *protocol.Ready) bench.LongAbout {
	a := bench.LongAbout{Commit: version(), Date: now(), Backend: f.backend, Adapter: ready.Adapter, Seed: f.run.Seed}
	if e.agent != "" {
		a.Browser = browserName(e.agent)
	}
	return a
}

// measure runs one model and takes its laps. What it comes to before it ends early is the runner's, too.
func (f *longFlags) measure(ctx context.Context, e *engine, runner *bench.Runner, progress *progress, onTrace func(ids []uint32, logits []float32)) error {
	request := f.run
	_, err := e.ask(ctx, &request, func(m protocol.Message, data []byte) error {
		lap, ok := m.(*protocol.Lapped)
		if !ok {
			return progress.report(m, data)
		}
		if onTrace != nil {
			onTrace(lap.Lap.IDs, lap.Lap.Logits)
		}
		lap.Lap.IDs, lap.Lap.Logits = nil, nil // a million of them are no measurement
		if e.resident != nil {
			lap.Lap.Memory.Resident = e.resident()
		}
		runner.Lap(lap.Lap, max(f.run.Batch, 1))
		return nil
	})
	progress.done()
	if err != nil {
		runner.Ended = err.Error()
		if errors.Is(err, errInterrupted) {
			runner.Ended = "interrupted"
		}
	}
	return err
}

func newBenchLongPrompt() *cobra.Command {
	var f longFlags
	var sizes, beside string
	cmd := &cobra.Command{
		Use:   "long-prompt",
		Short: "How fast Samba reads long prompts, beside a Transformer of its size",
		Long: `Reads one prompt of random tokens as long as the last of --sizes, tells at each of them how long
it took until there and what the state has grown to, and does the same with Samba's Transformer
twin: same width, depth, heads and, within half a percent, number of parameters, full attention
in every layer by the same kernels, its keys and values growing. With --beside every-layer it does
the same with the model itself, every layer run for every token: what it saves to run layers that
carry no state for the last token alone. Both are filled with random weights in place: nothing is
downloaded or written. Ctrl-C keeps what was measured.`,
		Example: "  samba bench long-prompt --sizes 1K,4K,...,128K --random 1.7B --backend chromium --plot long-prompt.svg\n" +
			"  samba bench long-prompt --sizes 2K,8K,32K --random phi-4-mini-flash --beside every-layer --backend chromium",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			lengths, err := eval.ParseLengths("sizes", sizes)
			if err != nil {
				return err
			}
			other, known := map[string]contender{besideTwin: twin(f.random), besideEvery: {name: "every layer", shapes: f.random, everyLayer: true}}[beside]
			if !known {
				return fmt.Errorf("--beside is %q, want %s or %s", beside, besideTwin, besideEvery)
			}
			if err := f.check(); err != nil {
				return err
			}
			f.run.Laps, f.run.Prompt = lengths, lengths[len(lengths)-1]
			return runRace(cmd, &f, &bench.Race{}, other)
		},
	}
	f.register(cmd, "1.7B")
	cmd.Flags().StringVar(&beside, "beside", besideTwin, besideTwin+", or "+besideEvery+": the model itself, all layers run for all tokens")
	cmd.Flags().StringVar(&sizes, "sizes", "1K,4K,16K,64K,128K", "tokens, separated by commas; dots go on by the factor before them")
	return cmd
}

func newBenchLongGenerate() *cobra.Command {
	var f longFlags
	cmd := &cobra.Command{
		Use:   "long-generate",
		Short: "How fast Samba writes long texts, beside a Transformer of its size",
		Long: `Writes a text of --tokens tokens after a short prompt, tells on the way, at powers of two, how
long it took until there and what the state has grown to, and does the same with Samba's
Transformer twin; see samba bench long-prompt. With --batch several sequences are written
together, and their tokens are counted together. Ctrl-C keeps what was measured.`,
		Example: "  samba bench long-generate --tokens 65536 --random 1.7B --backend chromium --batch 16",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, n := range []struct {
				flag      string
				got, most int
			}{{"tokens", f.run.Generate, 1 << 24}, {"prompt", f.run.Prompt, 1 << 20}, {"batch", f.run.Batch, model.MaxSlots}} {
				if n.got < 1 || n.got > n.most {
					return fmt.Errorf("--%s is %d, want 1 to %d", n.flag, n.got, n.most)
				}
			}
			if err := f.check(); err != nil {
				return err
			}
			for at := 1024; at < f.run.Generate; at *= 2 {
				f.run.Laps = append(f.run.Laps, at)
			}
			f.run.Laps = append(f.run.Laps, f.run.Generate)
			return runRace(cmd, &f, &bench.Race{Writing: true, Prompt: f.run.Prompt, Batch: f.run.Batch}, twin(f.random))
		},
	}
	f.register(cmd, "1.7B")
	cmd.Flags().IntVar(&f.run.Generate, "tokens", 65536, "tokens to write")
	cmd.Flags().IntVar(&f.run.Prompt, "prompt", 16, "tokens that each sequence has read before it writes")
	cmd.Flags().IntVar(&f.run.Batch, "batch", 1, "sequences to write together")
	return cmd
}

// What may stand beside a model that reads.
const besideTwin, besideEvery = "transformer", "every-layer"

// contender is a model of a race.
type contender struct {
	name, shapes string
	everyLayer   bool
}

func twin(of string) contender {
	return contender{name: "Transformer", shapes: of + randomweights.TwinSuffix}
}

// runRace measures Samba or a published model, then another on the same engine.
func runRace(cmd *cobra.Command, f *longFlags, race *bench.Race, other contender) error {
	if err := checkRandom(other.shapes, f.bits); err != nil {
		return err
	}
	first := contender{name: "Samba", shapes: f.random}
	if _, published := families.Find(f.random); published {
		first.name = f.random
	}
	ctx := cmd.Context()
	progress := newProgress(os.Stderr)
	defer progress.done()
	e, load, err := f.start(ctx)
	if err != nil {
		return err
	}
	defer e.close()
	for _, who := range []contender{first, other} {
		load.URL = randomAddress(who.shapes, f.bits, f.run.Seed)
		ready, err := f.load(ctx, e, load, progress.report)
		progress.done()
		if err != nil {
			return f.keep(cmd, race, len(race.Runners) > 0, err)
		}
		if len(race.Runners) == 0 {
			race.LongAbout = f.about(e, ready)
		}
		runner := &bench.Runner{Name: who.name}
		runner.About(ready)
		race.Runners = append(race.Runners, runner)
		f.run.EveryLayer = who.everyLayer
		if err := f.measure(ctx, e, runner, progress, nil); err != nil {
			return f.keep(cmd, race, true, err)
		}
	}
	race.Complete = true
	return f.finish(cmd, race, nil)
}

// keep writes what was measured before it ended, where that is anything.
func (f *longFlags) keep(cmd *cobra.Command, report reporter, something bool, err error) error {
	if !something {
		return err
	}
	return f.finish(cmd, report, err)
}

func newBenchSoak() *cobra.Command {
	var f longFlags
	soak := &bench.Soak{}
	var drift bool
	cmd := &cobra.Command{
		Use:   "soak",
		Short: "Whether time and memory stay flat while a model writes without an end",
		Long: `Lets a model write --tokens tokens after a short prompt and tells on the way how long a token
takes and what memory the engine has: buffers on the GPU; in a browser WebAssembly's memory and all
of the browser's processes, JavaScript's heap among them; natively Go's heap and the process. Both are flat if the last third of the
way is as the first one, from where every attention window is full.

With --drift the same tokens are then read again from an empty state, in chunks, and the logits
at the end are compared with those of the run that wrote them one by one. Ctrl-C keeps what was
measured.`,
		Example: "  samba bench soak --tokens 1000000 --model www/models/default --backend chromium --plot soak.svg --drift",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.run.Generate < 1 || f.run.Generate > maxSoak {
				return fmt.Errorf("--tokens is %d, want 1 to %d", f.run.Generate, maxSoak)
			}
			if err := f.check(); err != nil {
				return err
			}
			soak.Prompt, soak.Every = f.run.Prompt, max(f.run.Generate/60, 1)
			f.run.Laps, f.run.Trace = measure.LapsEvery(soak.Every, f.run.Generate), drift
			return runSoak(cmd, &f, soak)
		},
	}
	f.register(cmd, "")
	cmd.Flags().StringVar(&f.model, "model", "", "the model's folder")
	cmd.Flags().IntVar(&f.run.Generate, "tokens", 1_000_000, "tokens to write")
	cmd.Flags().BoolVar(&drift, "drift", true, "read the same tokens again in chunks and compare the logits at the end")
	f.run.Prompt = 16
	cmd.MarkFlagsMutuallyExclusive("model", "random")
	cmd.MarkFlagsOneRequired("model", "random")
	return cmd
}

// maxSoak is as many ids as fit one message.
const maxSoak = 1 << 22

// driftChunk is the length of chunks in which a soak's tokens are read again: no round one, so that nothing else falls
// on the same borders.
const driftChunk = 250

func runSoak(cmd *cobra.Command, f *longFlags, soak *bench.Soak) error {
	ctx := cmd.Context()
	progress := newProgress(os.Stderr)
	defer progress.done()
	e, ready, err := f.open(ctx, progress)
	if err != nil {
		return err
	}
	defer e.close()
	soak.LongAbout = f.about(e, ready)
	soak.Name = "Samba"
	soak.About(ready)
	ids := make([]uint32, 0, f.run.Prompt+f.run.Generate+1) // at once: natively it lies in the heap that is measured
	var logits []float32
	err = f.measure(ctx, e, &soak.Runner, progress, func(some []uint32, last []float32) {
		ids, logits = append(ids, some...), last
	})
	soak.Conclude()
	if err != nil {
		return f.keep(cmd, soak, true, err)
	}
	if f.run.Trace {
		again, err := lastLogits(ctx, e, ids, driftChunk, progress)
		if err != nil {
			return f.keep(cmd, soak, true, err)
		}
		if len(again) != len(logits) {
			return fmt.Errorf("the engine sent %d logits, and %d for the same tokens again", len(logits), len(again))
		}
		soak.Drift = bench.NewDrift(len(ids), driftChunk, logits, again)
	}
	soak.Complete = true
	return f.finish(cmd, soak, nil)
}

// lastLogits are those that follow ids, read in such chunks.
func lastLogits(ctx context.Context, e *engine, ids []uint32, chunk int, progress *progress) (row []float32, err error) {
	defer progress.done()
	_, err = e.ask(ctx, &protocol.Logits{IDs: ids, Chunk: chunk, Last: true}, func(m protocol.Message, data []byte) error {
		if rows, ok := m.(*protocol.LogitsRows); ok && rows.Rows == 1 {
			row = floats(data)
		}
		return progress.report(m, data)
	})
	if err == nil && len(row) == 0 {
		err = errors.New("the engine sent no logits")
	}
	return row, err
}
