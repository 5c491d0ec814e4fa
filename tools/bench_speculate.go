package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/samba-web/samba/model"
	"github.com/samba-web/samba/model/randomweights"
	"github.com/samba-web/samba/tools/bench"
	"github.com/samba-web/samba/wasm/protocol"
)

// speculateFlags are what samba bench speculate is asked for.
type speculateFlags struct {
	engineFlags
	random  string
	bits    int
	json    string
	request protocol.Bench
}

func newBenchSpeculate() *cobra.Command {
	var f speculateFlags
	cmd := &cobra.Command{
		Use:   "speculate",
		Short: "How much quicker answers are for tokens that are guessed from the text so far",
		Long: `Lets a model answer tasks of several kinds, without guesses and with them in turns, and tells how
many tokens a second of the answer's whole time that makes. Both answers must be the same, to the
letter: else it is an error. The likeliest token is taken always, but where a task says otherwise.

With --random the weights are random and would say nothing that a prompt could hold. There the highest
temperature makes an answer out of the sampler's noise alone, which seed and position decide, and the
prompt has that answer inside: whole, or with every 32nd, 8th or 4th token edited, or not at all.`,
		Example: "  samba bench speculate --backend chromium\n  samba bench speculate --random 421M --backend chromium --json speculate.json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.check(); err != nil {
				return err
			}
			return f.run(cmd)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.model, "model", "www/models/default", "the model's folder")
	f.registerHome(cmd)
	flags.StringVar(&f.random, "random", "", "random weights in the shapes of "+strings.Join(randomweights.Names(), ", "))
	flags.IntVar(&f.bits, "bits", 4, "bits of random weights: 4, 8 or 16")
	flags.IntVar(&f.request.Prompt, "prompt", 1024, "tokens of a prompt, with --random")
	flags.IntVar(&f.request.Generate, "generate", 256, "tokens of an answer at most")
	flags.IntVar(&f.request.Runs, "runs", 5, "measured runs, after one that is not")
	flags.Uint64Var(&f.request.Seed, "seed", 1, "of the sampler, of random weights and prompts")
	flags.StringVar(&f.json, "json", "", "write the figures to this file as JSON, too; - prints JSON alone")
	cmd.MarkFlagsMutuallyExclusive("model", "random")
	return cmd
}

// check refuses what cannot work before anything is started.
func (f *speculateFlags) check() error {
	for _, n := range []struct {
		flag             string
		got, least, most int
	}{{"prompt", f.request.Prompt, f.request.Generate + 8, 1 << 20}, {"generate", f.request.Generate, 8, 1 << 20}, {"runs", f.request.Runs, 1, 1000}} {
		if n.got < n.least || n.got > n.most {
			return fmt.Errorf("--%s is %d, want %d to %d", n.flag, n.got, n.least, n.most)
		}
	}
	if err := checkFolder("json", f.json); err != nil {
		return err
	}
	if f.random != "" {
		if err := checkRandom(f.random, f.bits); err != nil {
			return err
		}
		f.model = randomAddress(f.random, f.bits, f.request.Seed)
	}
	return f.engineFlags.check()
}

func (f *speculateFlags) run(cmd *cobra.Command) error {
	ctx := cmd.Context()
	progress := newProgress(os.Stderr)
	defer progress.done()
	e, ready, err := f.open(ctx, progress)
	if err != nil {
		return err
	}
	defer e.close()
	report := &bench.Speculation{
		Commit: version(), Date: now(), Model: ready.Model, Backend: f.backend, Browser: browserName(e.agent), Adapter: ready.Adapter, Features: ready.Features,
		Seed: f.request.Seed, Runs: f.request.Runs,
	}
	if f.random != "" {
		f.request.Guesses = true
		_, err = e.ask(ctx, &f.request, func(m protocol.Message, data []byte) error {
			if measured, ok := m.(*protocol.Benched); ok {
				report.Tasks = measured.Report.Guesses
			}
			return progress.report(m, data)
		})
	} else {
		err = bench.Speculate(report, f.request.Generate, func(r *protocol.Generate) (string, *protocol.Done, error) { return answerTo(ctx, e, r) },
			func(done, total int) {
				progress.update(&protocol.Progress{Phase: model.PhaseBench, Loaded: int64(done), Total: int64(total)})
			})
	}
	progress.done()
	if errors.Is(err, errInterrupted) && len(report.Tasks) > 0 {
		err = errors.Join(writeFigures(cmd, f.json, report), err)
		return err
	}
	if err != nil {
		return err
	}
	return writeFigures(cmd, f.json, report)
}
