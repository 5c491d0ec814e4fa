package convert

import (
	"fmt"
	"io"
	"math"
	"os"
	"os/signal"
	"strconv"
	"strings"

	"github.com/samba-web/samba/model/config"
	"github.com/spf13/cobra"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// Command is `samba convert`.
func Command() *cobra.Command {
	o := Options{}
	cmd := &cobra.Command{
		Use:   "convert --from CHECKPOINT --to DIR",
		Short: "Turn a checkpoint into a model folder",
		Long: `Convert reads a Samba checkpoint and writes a model folder: config.json,
sharded and hashed safetensors, tokenizer and model card.

CHECKPOINT is one of
  FILE.pth                      the reference code's checkpoint (torch.save); an optimizer beside the weights is skipped
  FILE.safetensors              one file
  model.safetensors.index.json  shards
  DIR                           a folder of either: a published model of a family that runs, or one of ours, to store it in other bits

The config is taken from --config: one of Samba_421M, Samba_1.3B, Samba_1.7B,
Samba_3.8B, LLaMA_438M, or a JSON file of the reference's config fields: n_layer,
n_embd, n_head, vocab_size and block_size; n_query_groups, intermediate_size,
local_window (-1: full attention), mb_per_layer, attn_layer_pos, mamba_swa_mlp,
rotary_percentage, nope, norm_eps, _norm_class, _mlp_class, padding_multiple.
Without it, from the checkpoint or a config.json beside it.

Bits: 32 and 16 store floats. 8 and 4 quantize in groups; with 4, embeddings
(unless --embedding-bits says 4, too) and the state's steering projections keep 8. What a group does not divide stays F16.

The folder is built as DIR.partial and renamed at the end. When a run is killed,
the same command goes on with the shards that are finished.`,
		Example: `  samba convert --from ckpt.pth --config Samba_421M --bits 4 --tokenizer tokenizer.json --to models/samba-421m
  samba convert --from granite-4.0-h-350m --bits 4 --to models/granite-350m
  samba convert --from models/samba-421m-f16 --bits 8 --to models/samba-421m-8bit`,
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt)
			defer stop()
			finish := showProgress(cmd.ErrOrStderr(), &o)
			report, err := Convert(ctx, o)
			finish()
			if ctx.Err() != nil && err != nil {
				return fmt.Errorf("interrupted: the same command goes on with what %s.partial holds", strings.TrimRight(o.To, "/"))
			}
			if err != nil {
				return err
			}
			report.print(cmd.OutOrStdout(), o)
			return nil
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.From, "from", "", "the checkpoint: .pth, .safetensors, an index or a folder")
	flags.StringVar(&o.To, "to", "", "the model folder to make")
	flags.StringVar(&o.Config, "config", "", "a config's name, or a JSON file of the reference's config fields")
	flags.IntVar(&o.Bits, "bits", 8, "bits of a weight: 4, 8, 16 or 32")
	flags.IntVar(&o.Embed, "embedding-bits", 0, "with --bits 4, bits of the embeddings: 4 or 8 (default 8)")
	flags.IntVar(&o.Group, "group-size", 64, "weights that share a scale: 32, 64 or 128")
	flags.StringVar(&o.Tokenizer, "tokenizer", "", "tokenizer.json to put in")
	flags.StringVar(&o.TokenizerConfig, "tokenizer-config", "", "tokenizer_config.json to put in")
	flags.StringVar(&o.ChatTemplate, "chat-template", "", "file with the chat template (Jinja) for tokenizer_config.json")
	flags.StringVar(&o.Card, "card", "", "model card to put in as README.md")
	flags.BoolVar(&o.Force, "force", false, "replace the model folder DIR if there is one")
	for _, name := range []string{"from", "to"} {
		if err := cmd.MarkFlagRequired(name); err != nil {
			panic(err) // the flag is defined above
		}
	}
	return cmd
}

// showProgress draws a bar of bytes, on a terminal only.
func showProgress(out io.Writer, o *Options) (finish func()) {
	f, ok := out.(*os.File)
	if !ok {
		return func() {}
	}
	if info, err := f.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return func() {}
	}
	bars := mpb.New(mpb.WithOutput(f), mpb.WithWidth(48))
	bar := bars.AddBar(0,
		mpb.PrependDecorators(decor.CountersKibiByte("% .1f of % .1f")),
		mpb.AppendDecorators(decor.Percentage(), decor.Name("  "), decor.AverageETA(decor.ET_STYLE_GO)))
	o.Progress = func(done, total int64) {
		bar.SetTotal(total, false)
		bar.SetCurrent(done)
	}
	return func() {
		bar.SetTotal(-1, true)
		bars.Wait()
	}
}

func (r *Report) print(out io.Writer, o Options) {
	fmt.Fprintf(out, "%s: %s parameters, %s in %s\n", o.To, thousands(r.Parameters), size(r.Bytes), plural(r.Shards, "shard"))
	kinds := map[string]int{}
	for _, kind := range r.Config.LayerTypes {
		kinds[kind]++
	}
	for _, kind := range []string{config.Mamba, config.SlidingAttention, config.FullAttention} {
		if kinds[kind] > 0 {
			fmt.Fprintf(out, "  %s of %s\n", plural(kinds[kind], "layer"), strings.ReplaceAll(kind, "_", " "))
		}
	}
	if rounding, nearest := r.Rounding.Relative(); nearest > 0 {
		fmt.Fprintf(out, "  rounding took %.3f %% of the quantized weights' root mean square; to the nearest step it would be %.3f %%\n", 100*rounding, 100*nearest)
	}
	if r.Reused > 0 {
		fmt.Fprintf(out, "  %s taken over from a run before\n", plural(r.Reused, "shard"))
	}
	for _, note := range r.Notes {
		fmt.Fprintf(out, "  note: %s\n", note)
	}
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// thousands writes 421793280 as 421,793,280.
func thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func size(n int64) string {
	if n < 1<<20 {
		return fmt.Sprintf("%d bytes", n)
	}
	mib := float64(n) / (1 << 20)
	return strconv.FormatFloat(math.Round(mib*10)/10, 'f', -1, 64) + " MiB"
}
