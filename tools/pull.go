package main

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/samba-web/samba/model"
	"github.com/samba-web/samba/model/folder"
	"github.com/samba-web/samba/tools/convert"
	"github.com/samba-web/samba/tools/hub"
	"github.com/samba-web/samba/wasm/protocol"
)

func newPull() *cobra.Command {
	var o hub.Options
	var bits, group int
	var tokenFile string
	cmd := &cobra.Command{
		Use:   "pull ORG/NAME",
		Short: "Fetch a published model's folder from a hub, for hosting",
		Long: `Fetches a published model of a family that this engine runs: config, tokenizer, chat
template, model card, licence and the weights, each file checked against the hub's
SHA-256. With --bits 4 or 8 the weights are packed as samba convert packs them, and
the folder has a quarter or half of the size.

A pull that was interrupted goes on where it stopped, with the same command.`,
		Example: `  samba pull ibm-granite/granite-4.0-h-350m --bits 4
  samba pull mlx-community/granite-4.0-h-1b-4bit --to models/granite-1b`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, arguments []string) error {
			o.Model = arguments[0]
			if bits != 0 && bits != 4 && bits != 8 {
				return fmt.Errorf("--bits is %d, want 4 or 8, or none to keep the weights as they are", bits)
			}
			if tokenFile != "" {
				token, err := folder.ReadFile(tokenFile, 1<<16)
				if err != nil {
					return fmt.Errorf("--token-file: %w", err)
				}
				o.Token = strings.TrimSpace(string(token))
			}
			if o.To == "" {
				o.To = path.Base(o.Model)
				if bits != 0 {
					o.To += fmt.Sprintf("-%dbit", bits)
				}
			}
			return runPull(cmd, o, bits, group)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.To, "to", "", "the folder to make (default: the model's name)")
	flags.IntVar(&bits, "bits", 0, "pack the weights in 4 or 8 bits")
	flags.IntVar(&group, "group-size", 64, "weights that share a scale: 32, 64 or 128")
	flags.StringVar(&o.Revision, "revision", "main", "branch, tag or commit")
	flags.StringVar(&o.Address, "hub", hub.Address, "the hub's address")
	flags.StringVar(&tokenFile, "token-file", "", "file with an access token, for models that ask for one")
	flags.BoolVar(&o.Force, "force", false, "replace a folder that is there")
	return cmd
}

func runPull(cmd *cobra.Command, o hub.Options, bits, group int) error {
	progress := newProgress(os.Stderr)
	defer progress.done()
	o.Progress = func(file string, done, total int64) {
		progress.update(&protocol.Progress{Phase: model.PhaseDownload, Loaded: done, Total: total, File: file})
	}
	to := filepath.Clean(o.To)
	if bits != 0 {
		if entries, err := os.ReadDir(to); err == nil && len(entries) > 0 && !o.Force {
			return fmt.Errorf("%s: the folder exists already: choose another, or pass --force to replace it", to)
		}
		o.To, o.Force = to+".unpacked", true
	}
	if err := hub.Pull(cmd.Context(), o); err != nil {
		if cmd.Context().Err() != nil {
			return errInterrupted
		}
		return err
	}
	if bits != 0 {
		_, err := convert.Convert(cmd.Context(), convert.Options{From: o.To, To: to, Bits: bits, Group: group, Force: o.Force,
			Progress: func(done, total int64) {
				progress.update(&protocol.Progress{Phase: model.PhasePack, Loaded: done, Total: total})
			}})
		if err != nil {
			return err
		}
		if err := os.RemoveAll(o.To); err != nil {
			return err
		}
	}
	progress.done()
	fmt.Fprintln(cmd.OutOrStdout(), to)
	return nil
}
