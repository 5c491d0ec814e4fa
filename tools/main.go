// Command samba converts, inspects, runs and serves Samba models.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/samba-web/samba/tools/convert"
	"github.com/samba-web/samba/tools/inspect"
)

// errInterrupted ends a command that the person at the keyboard stopped. Nobody needs telling.
var errInterrupted = errors.New("interrupted")

const (
	statusFailed      = 1
	statusSlower      = 2   // of samba bench --against
	statusInterrupted = 130 // what shells report after Ctrl-C
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	err := newRoot().ExecuteContext(ctx)
	switch {
	case err == nil:
	case errors.Is(err, errInterrupted), ctx.Err() != nil && errors.Is(err, context.Canceled):
		os.Exit(statusInterrupted)
	case errors.Is(err, errSlower):
		fmt.Fprintf(os.Stderr, "samba: %v\n", err)
		os.Exit(statusSlower)
	default:
		fmt.Fprintf(os.Stderr, "samba: %v\n", err)
		os.Exit(statusFailed)
	}
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "samba",
		Short: "Samba models, converted, run and served, in the browser and out of it",
		Long: `samba works with Samba models: hybrids of Mamba and sliding-window attention that
run in the browser on WebGPU. A model is a folder of Hugging Face style files.

A model's way:  samba pull or convert  →  samba inspect  →  samba generate  →  samba serve`,
		Version:       version(),
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetVersionTemplate("samba {{.Version}}\n")
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(convert.Command(), convert.RandomCommand(), inspect.Command(), newGenerate(), newLogits(), newEval(), newBench(), newPull(), newServe())
	return root
}

// commit is what build.sh was run on.
var commit string

// version names the commit that this program was built from, as far as the build knows it.
func version() string {
	if commit != "" {
		return "commit " + commit + ", " + runtime.Version()
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "of an unknown commit"
	}
	set := map[string]string{}
	for _, s := range info.Settings {
		set[s.Key] = s.Value
	}
	revision := set["vcs.revision"]
	if revision == "" {
		return "of an unknown commit, " + info.GoVersion
	}
	revision = revision[:min(12, len(revision))]
	if set["vcs.modified"] == "true" {
		revision += " with changes"
	}
	return fmt.Sprintf("commit %s of %s, %s", revision, set["vcs.time"], info.GoVersion)
}
