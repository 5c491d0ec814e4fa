package convert

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"os/signal"
	"runtime"
	"strings"

	"github.com/samba-web/samba/model/config"
	"github.com/samba-web/samba/tools/convert/internal/pthwriter"
	"github.com/spf13/cobra"
)

// RandomCommand is `samba random-checkpoint`.
func RandomCommand() *cobra.Command {
	var config, to string
	var seed uint64
	var force bool
	cmd := &cobra.Command{
		Use:   "random-checkpoint --config NAME --to FILE.pth",
		Short: "Write a checkpoint of the reference's layout with random weights",
		Long: `Random-checkpoint writes what the reference code would save after its first
step: a .pth under the reference's names, in BF16, weights drawn from a normal
distribution, embeddings tied. Its text makes no sense; its shapes, its size and
its way through samba convert, samba serve and the page are those of the model.

The config is one of Samba_421M, Samba_1.3B, Samba_1.7B, Samba_3.8B, or a JSON
file of the reference's config fields. The same seed gives the same file.`,
		Example: `  samba random-checkpoint --config Samba_421M --to /tmp/421m.pth
  samba convert --from /tmp/421m.pth --config Samba_421M --bits 4 --to models/421m`,
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt)
			defer stop()
			c, err := configFrom(config, nil)
			if err != nil {
				return err
			}
			if _, err := os.Stat(to); err == nil && !force {
				return fmt.Errorf("--to %s: there is such a file: choose another name, or pass --force to replace it", to)
			}
			progress := Options{}
			finish := showProgress(cmd.ErrOrStderr(), &progress)
			parameters, bytes, err := WriteRandom(ctx, c, seed, to, progress.Progress)
			finish()
			if ctx.Err() != nil && err != nil {
				return fmt.Errorf("interrupted: nothing is left of %s", to)
			}
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s: %s parameters, %s\n", to, thousands(parameters), size(bytes))
			return nil
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&config, "config", "", "a config's name, or a JSON file of the reference's config fields")
	flags.StringVar(&to, "to", "", "the file to write")
	flags.Uint64Var(&seed, "seed", 0, "of the random weights")
	flags.BoolVar(&force, "force", false, "replace FILE.pth if there is one")
	for _, name := range []string{"config", "to"} {
		if err := cmd.MarkFlagRequired(name); err != nil {
			panic(err) // the flag is defined above
		}
	}
	return cmd
}

// WriteRandom writes a reference checkpoint with random weights to a file and
// returns how many parameters and bytes it has. A run that fails leaves nothing.
func WriteRandom(ctx context.Context, c *config.Config, seed uint64, to string, progress func(done, total int64)) (parameters, bytes int64, err error) {
	tensors, parameters, err := randomTensors(ctx, c, seed)
	if err != nil {
		return 0, 0, err
	}
	f, err := os.Create(to + ".tmp")
	if err != nil {
		return 0, 0, err
	}
	defer func() {
		if closed := f.Close(); err == nil {
			err = closed
		}
		if err == nil {
			err = os.Rename(to+".tmp", to)
		}
		if err != nil {
			os.Remove(to + ".tmp")
		}
	}()
	if progress == nil {
		progress = func(int64, int64) {}
	}
	counted := &counter{to: f, count: func(n int64) { progress(min(n, 2*parameters), 2*parameters) }}
	w := bufio.NewWriterSize(counted, 4<<20)
	if err := (pthwriter.Checkpoint{Model: tensors}).Write(w); err != nil {
		return 0, 0, err
	}
	return parameters, counted.n + int64(w.Buffered()), w.Flush()
}

type counter struct {
	to    io.Writer
	n     int64
	count func(n int64)
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.to.Write(p)
	c.n += int64(n)
	c.count(c.n)
	return n, err
}

// randomTensors names a model's tensors as the reference does. Fused weights
// are cut into the reference's; the order of a fused attention's rows does not
// matter where all of them are random.
func randomTensors(ctx context.Context, c *config.Config, seed uint64) (tensors []pthwriter.Tensor, parameters int64, err error) {
	if len(c.MLPLayers) > 0 {
		return nil, 0, fmt.Errorf("random checkpoints have an MLP in every block, this config has not")
	}
	add := func(name string, shape []int, deviation float64, value func(i int) float32) {
		n := 1
		for _, d := range shape {
			n *= d
		}
		parameters += int64(n)
		stream := uint64(len(tensors))
		tensors = append(tensors, pthwriter.Tensor{
			Name: name, Class: "BFloat16Storage", Key: fmt.Sprint(len(tensors)), Numel: n, Shape: shape,
			Stream: func(w io.Writer) error {
				if value != nil {
					data := make([]byte, 0, 2*n)
					for i := range n {
						data = binary.LittleEndian.AppendUint16(data, bfloat16(value(i)))
					}
					_, err := w.Write(data)
					return err
				}
				return writeNormal(ctx, w, n, deviation, seed, stream)
			},
		})
	}
	one := func(int) float32 { return 1 }
	matrix := func(name string, out, in int) { add(name, []int{out, in}, 0.5/math.Sqrt(float64(in)), nil) }
	for _, spec := range c.TensorSpecs() {
		var layer int
		var name string
		if n, _ := fmt.Sscanf(spec.Name, "layers.%d.%s", &layer, &name); n < 2 {
			switch spec.Name {
			case config.EmbedTokens:
				matrix("transformer.wte.weight", spec.Shape[0], spec.Shape[1])
			case config.FinalNorm:
				add("transformer.ln_f.weight", spec.Shape, 0, one)
			case config.LMHead:
				matrix("lm_head.weight", spec.Shape[0], spec.Shape[1])
			}
			continue
		}
		at := func(name string) string { return fmt.Sprintf("transformer.h.%d.%s", layer, name) }
		switch name = strings.TrimPrefix(name, "mixer."); name {
		case "mixer_norm.weight":
			add(at("norm_1.weight"), spec.Shape, 0, one)
		case "mlp_norm.weight":
			add(at("norm_2.weight"), spec.Shape, 0, one)
		case "qkv_proj.weight":
			matrix(at("attn.attn.weight"), spec.Shape[0], spec.Shape[1])
		case "o_proj.weight":
			matrix(at("attn.proj.weight"), spec.Shape[0], spec.Shape[1])
		case "mlp.gate_up_proj.weight":
			matrix(at("mlp.swiglu.w1.weight"), spec.Shape[0]/2, spec.Shape[1])
			matrix(at("mlp.swiglu.w2.weight"), spec.Shape[0]/2, spec.Shape[1])
		case "mlp.down_proj.weight":
			matrix(at("mlp.swiglu.w3.weight"), spec.Shape[0], spec.Shape[1])
		case "A_log":
			add(at("attn.A_log"), spec.Shape, 0, func(i int) float32 { return float32(math.Log(float64(i%c.DState + 1))) })
		case "D":
			add(at("attn.D"), spec.Shape, 0, one)
		case "dt_proj.bias":
			add(at("attn.dt_proj.bias"), spec.Shape, 0, func(int) float32 { return -4 }) // softplus: 0.018
		case "conv1d.weight":
			add(at("attn.conv1d.weight"), []int{spec.Shape[0], 1, spec.Shape[1]}, 0.5, nil)
		case "conv1d.bias":
			add(at("attn.conv1d.bias"), spec.Shape, 0, func(int) float32 { return 0 })
		default:
			matrix(at("attn."+name), spec.Shape[0], spec.Shape[1])
		}
	}
	if c.TieEmbeddings {
		head := tensors[0] // the same storage, as the reference saves it
		head.Name = "lm_head.weight"
		tensors = append(tensors, head)
	}
	return tensors, parameters, nil
}

func bfloat16(v float32) uint16 {
	bits := math.Float32bits(v)
	return uint16((bits + 0x7fff + bits>>16&1) >> 16) // to nearest even
}

// randomBlock is how many values one goroutine draws at a time.
const randomBlock = 1 << 20

// writeNormal writes n BF16 values of the given deviation: 16 random bits each
// choose among as many quantiles of the normal distribution. Blocks are drawn
// side by side and written in order.
func writeNormal(ctx context.Context, w io.Writer, n int, deviation float64, seed, stream uint64) error {
	var quantiles [1 << 16]uint16
	for i := range quantiles {
		quantiles[i] = bfloat16(float32(deviation * math.Sqrt2 * math.Erfinv((2*float64(i)+1)/(1<<16)-1)))
	}
	count := (n + randomBlock - 1) / randomBlock
	blocks := make(chan chan []byte, runtime.GOMAXPROCS(0))
	go func() {
		defer close(blocks)
		for i := range count {
			block := make(chan []byte, 1)
			go func() {
				source := rand.NewPCG(seed, stream<<32|uint64(i))
				values := min(randomBlock, n-i*randomBlock)
				data := make([]byte, 0, 2*values+8)
				for len(data) < 2*values {
					bits := source.Uint64()
					for range 4 {
						data = binary.LittleEndian.AppendUint16(data, quantiles[uint16(bits)])
						bits >>= 16
					}
				}
				block <- data[:2*values]
			}()
			blocks <- block
		}
	}()
	var err error
	for block := range blocks { // to the end, also after an error: nobody is left waiting
		data := <-block
		if err == nil {
			err = ctx.Err()
		}
		if err == nil {
			_, err = w.Write(data)
		}
	}
	return err
}
