package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/samba-web/samba/tools/convert"
	"github.com/samba-web/samba/wasm/protocol"
)

func newConvert() *cobra.Command {
	var o convert.Options
	cmd := &cobra.Command{
		Use:   "convert",
		Short: "Make a model folder of a checkpoint",
		Long: `Makes a model folder of a reference checkpoint (.pth) or of safetensors, in one file or
sharded: weights in the bits that are asked for, in shards of at most 32 MiB with their
SHA-256. A conversion that was interrupted goes on where it stopped when it is run again.`,
		Example: "  samba convert --from samba-421m.pth --config Samba_421M --to models/samba-421m --tokenizer tokenizer.json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			progress := newProgress(os.Stderr)
			o.Progress = func(done, total int64) {
				progress.report(&protocol.Progress{Phase: phaseConvert, Loaded: done, Total: total}, nil)
			}
			report, err := convert.Convert(cmd.Context(), o)
			progress.done()
			if err != nil {
				return err
			}
			for _, note := range report.Notes {
				fmt.Fprintf(cmd.ErrOrStderr(), "samba: %s\n", note)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s: %.1f million parameters, %.1f MiB in %d shards\n",
				o.To, float64(report.Parameters)/1e6, float64(report.Bytes)/(1<<20), report.Shards)
			return nil
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.From, "from", "", "the checkpoint: a .pth or .safetensors file, or a folder of safetensors")
	flags.StringVar(&o.To, "to", "", "the model folder to make")
	flags.StringVar(&o.Config, "config", "", "the model's shape: Samba_421M, Samba_1.3B, Samba_1.7B, Samba_3.8B, LLaMA_438M, or a JSON file of\nthe reference's config fields (default: what stands in or beside the checkpoint)")
	flags.IntVar(&o.Bits, "bits", 4, "bits of a weight: 4 or 8 (quantized), 16 or 32 (floats)")
	flags.IntVar(&o.Group, "group-size", 64, "weights that share a scale: 32, 64 or 128")
	flags.StringVar(&o.Tokenizer, "tokenizer", "", "tokenizer.json to put into the folder")
	flags.StringVar(&o.TokenizerConfig, "tokenizer-config", "", "tokenizer_config.json to put into the folder")
	flags.StringVar(&o.ChatTemplate, "chat-template", "", "file with a chat template to put into tokenizer_config.json")
	flags.StringVar(&o.Card, "card", "", "README.md to put into the folder")
	flags.BoolVar(&o.Force, "force", false, "replace a model folder that is there already")
	cmd.MarkFlagRequired("from")
	cmd.MarkFlagRequired("to")
	return cmd
}
