// Package inspect shows what a model folder holds and verifies it: `samba
// inspect`.
package inspect

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/samba-web/samba/model/config"
	"github.com/samba-web/samba/model/conversation"
	"github.com/samba-web/samba/model/families"
	"github.com/samba-web/samba/model/folder"
	"github.com/samba-web/samba/model/quant"
	"github.com/samba-web/samba/model/safetensors"
	"github.com/spf13/cobra"
)

// Report is what --json prints.
type Report struct {
	Config     *config.Config `json:"config"`
	Parameters int64          `json:"parameters"`
	StateBytes int64          `json:"state_bytes"` // of one conversation, whatever its length; full attention comes on top
	PerToken   int64          `json:"state_bytes_per_token,omitempty"`
	SavedBytes int64          `json:"saved_bytes"` // of a saved state of no token; of all three, see KeyBits
	KeyBits    int            `json:"key_bits"`    // of a key or value in these sizes: 16 is a browser's GPU's, the processor and native commands keep 32
	Bytes      int64          `json:"bytes"`       // of all shards
	Shards     []Shard        `json:"shards"`
	Weights    []Weight       `json:"weights"`
}

// Shard is one file of weights.
type Shard struct {
	File    string `json:"file"`
	Bytes   int64  `json:"bytes"`
	SHA256  string `json:"sha256,omitempty"`
	Checked bool   `json:"checked"` // the hash was computed and is the index's
}

// Weight is one weight of the model; its scales and biases belong to it.
type Weight struct {
	Name  string            `json:"name"`
	DType safetensors.DType `json:"dtype"`
	Shape []int             `json:"shape"` // unquantized
	Bits  int               `json:"bits"`
	Group int               `json:"group,omitempty"`
	Bytes int64             `json:"bytes"`
	File  string            `json:"file"`
}

// Inspect reads a model folder of any family and verifies that it holds every
// tensor its config asks for, no others, in files of the stated sizes and, if hash is
// set, hashes.
func Inspect(dir string, hash bool) (*Report, error) {
	data, err := folder.ReadFile(filepath.Join(dir, "config.json"), folder.Limit("config.json"))
	if err != nil {
		return nil, fmt.Errorf("%s is no model folder: %w", dir, err)
	}
	model, err := families.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	r := &Report{Config: model.Config}
	index, err := readIndex(dir)
	if err != nil {
		return nil, err
	}
	type located struct {
		safetensors.Tensor
		file string
	}
	tensors := map[string]located{}
	for _, file := range index.Files() {
		header, shard, err := readShard(dir, file, index, hash)
		if err != nil {
			return nil, err
		}
		for _, t := range header.Tensors {
			if other, dup := tensors[t.Name]; dup {
				return nil, fmt.Errorf("%s: %s is in both %s and %s", dir, t.Name, other.file, file)
			}
			if at, ok := index.WeightMap[t.Name]; len(index.WeightMap) > 0 && index.WeightMap[""] == "" && (!ok || at != file) {
				return nil, fmt.Errorf("%s: %s is in %s, but the index says %q", dir, t.Name, file, at)
			}
			tensors[t.Name] = located{t, file}
		}
		r.Shards = append(r.Shards, shard)
		r.Bytes += shard.Bytes
	}
	for _, spec := range r.Config.TensorSpecs() {
		for row := 0; row < spec.Shape[0]; {
			names := model.Names.At(spec.Name, row)
			i := slices.IndexFunc(names, func(name string) bool { _, ok := tensors[name]; return ok })
			if i < 0 {
				return nil, fmt.Errorf("%s: the tensor %s is missing", dir, strings.Join(names, " or "))
			}
			name, shape := names[i], slices.Clone(spec.Shape)
			place, _, _ := model.Names.Place(name)
			row, shape[0] = row+place.Rows, place.Rows
			t := tensors[name]
			delete(tensors, name)
			w := Weight{name, t.DType, shape, 8 * t.DType.Size(), 0, t.Bytes(), t.file}
			stem := strings.TrimSuffix(name, ".weight")
			scales, quantized := tensors[stem+".scales"]
			biases, both := tensors[stem+".biases"]
			want := shape
			if quantized || both {
				delete(tensors, stem+".scales")
				delete(tensors, stem+".biases")
				if !quantized || !both || len(shape) != 2 || len(t.Shape) != 2 || len(scales.Shape) != 2 || scales.Shape[1] < 1 || !slices.Equal(scales.Shape, biases.Shape) || scales.Shape[0] != shape[0] {
					return nil, fmt.Errorf("%s: the scales and biases of %s do not fit it", dir, name)
				}
				w.Bits, w.Group = 32*t.Shape[1]/shape[1], shape[1]/scales.Shape[1]
				if err := quant.Check(w.Bits, w.Group, shape[1]); err != nil {
					return nil, fmt.Errorf("%s: %s: %w", dir, name, err)
				}
				want = []int{shape[0], shape[1] * w.Bits / 32}
				w.Bytes += scales.Bytes() + biases.Bytes()
			}
			if got := t.Shape; !slices.Equal(got, want) && (spec.IsLinear() || !slices.Equal(squeeze(got), squeeze(want))) {
				return nil, fmt.Errorf("%s: %s has shape %v, config.json wants %v", dir, name, got, want)
			}
			count := int64(1)
			for _, n := range shape {
				count *= int64(n)
			}
			r.Parameters += count
			r.Weights = append(r.Weights, w)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(tensors)) {
		weight := name
		for _, suffix := range []string{".scales", ".biases"} {
			if stem, ok := strings.CutSuffix(name, suffix); ok {
				weight = stem + ".weight"
			}
		}
		if _, _, ignored := model.Names.Place(weight); ignored { // such as a second copy of tied embeddings
			continue
		}
		return nil, fmt.Errorf("%s: %s has the tensor %s, which config.json has no place for", dir, tensors[name].file, name)
	}
	r.StateBytes, r.PerToken = r.Config.StateBytes(r.Config.HalfKeys())
	r.SavedBytes = conversation.Size(r.Config, 0, r.Config.HalfKeys())
	if r.KeyBits = 32; r.Config.HalfKeys() {
		r.KeyBits = 16
	}
	return r, nil
}

// squeeze drops dimensions of 1, as loading does of what is no matrix: a
// convolution's [d_inner, 1, d_conv] is as good as [d_inner, d_conv].
func squeeze(shape []int) []int {
	return slices.DeleteFunc(slices.Clone(shape), func(n int) bool { return n == 1 })
}

// readIndex reads the index, or makes one for a folder of a single file.
func readIndex(dir string) (*safetensors.Index, error) {
	data, err := folder.ReadFile(filepath.Join(dir, safetensors.IndexName), folder.Limit(safetensors.IndexName))
	if errors.Is(err, fs.ErrNotExist) {
		return &safetensors.Index{WeightMap: map[string]string{"": "model.safetensors"}}, nil
	}
	if err != nil {
		return nil, err
	}
	index, err := safetensors.ParseIndex(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	return index, nil
}

func readShard(dir, file string, index *safetensors.Index, hash bool) (*safetensors.Header, Shard, error) {
	path := filepath.Join(dir, file)
	s := Shard{File: file, SHA256: index.Metadata.SHA256[file]}
	f, size, err := folder.Open(path)
	if err != nil {
		return nil, s, err
	}
	defer f.Close()
	s.Bytes = size
	if want, ok := index.Metadata.Size[file]; ok && want != s.Bytes {
		return nil, s, fmt.Errorf("%s has %d bytes, the index says %d: it is incomplete or of another model", path, s.Bytes, want)
	}
	header, err := safetensors.ReadHeader(f, s.Bytes)
	if err != nil {
		return nil, s, fmt.Errorf("%s: %w", path, err)
	}
	if hash && s.SHA256 != "" {
		h := sha256.New()
		if _, err := io.Copy(h, io.NewSectionReader(f, 0, s.Bytes)); err != nil {
			return nil, s, fmt.Errorf("%s: %w", path, err)
		}
		if got := hex.EncodeToString(h.Sum(nil)); got != s.SHA256 {
			return nil, s, fmt.Errorf("%s: SHA-256 is %s, the index says %s: the file is damaged", path, got, s.SHA256)
		}
		s.Checked = true
	}
	return header, s, nil
}

// Command is `samba inspect`.
func Command() *cobra.Command {
	var asJSON, noHash bool
	cmd := &cobra.Command{
		Use:   "inspect DIR | FILE",
		Short: "Show what a model folder or a saved state holds, and verify it",
		Long: `Inspect prints a model folder's config, parameters, tensors, shards and the size
of one conversation's state. It verifies that every tensor the config asks for is
there in the right shape, that no other is, and that each shard has the size and
SHA-256 that the index states. Of a state that samba generate --state or a page has
saved it prints the model's hash and the position.`,
		Example:       "  samba inspect models/samba-421m\n  samba inspect --json --no-hash models/samba-421m | jq .parameters",
		Args:          cobra.ExactArgs(1),
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			var r interface {
				print(out io.Writer, path string) error
			}
			var err error
			if about, failed := os.Stat(args[0]); failed == nil && about.Mode().IsRegular() {
				r, err = inspectState(args[0])
			} else {
				r, err = Inspect(args[0], !noHash)
			}
			if err != nil {
				return err
			}
			if asJSON {
				encoder := json.NewEncoder(cmd.OutOrStdout())
				encoder.SetIndent("", "  ")
				return encoder.Encode(r)
			}
			return r.print(cmd.OutOrStdout(), args[0])
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVar(&noHash, "no-hash", false, "do not compute the shards' SHA-256")
	return cmd
}

// savedState is what a saved state's header says.
type savedState struct{ conversation.Info }

func inspectState(file string) (*savedState, error) {
	info, err := conversation.InspectFile(file)
	if err != nil {
		return nil, err
	}
	return &savedState{info}, nil
}

func (s *savedState) print(out io.Writer, file string) error {
	_, err := fmt.Fprintf(out, "%s\nsaved state of format %d, %d bytes\nposition %d tokens\nmodel    %s\n", file, s.Version, s.Bytes, s.Position, s.Model)
	return err
}

func (r *Report) print(out io.Writer, dir string) error {
	c := r.Config
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "%s\n", dir)
	fmt.Fprintf(w, "parameters\t%d\n", r.Parameters)
	fmt.Fprintf(w, "width, vocabulary\t%d, %d (embeddings %s)\n", c.HiddenSize, c.VocabSize, map[bool]string{true: "tied", false: "untied"}[c.TieEmbeddings])
	fmt.Fprintf(w, "layers\t%s\n", layers(c))
	if c.NumHeads > 0 {
		rope := "none"
		if c.RopeTheta != nil {
			rope = strconv.FormatFloat(*c.RopeTheta, 'g', -1, 64)
		}
		fmt.Fprintf(w, "attention\t%d heads, %d of keys and values, %d wide; RoPE base %s\n", c.NumHeads, c.NumKVHeads, c.HeadDim, rope)
	}
	if c.Has(config.SlidingAttention) {
		fmt.Fprintf(w, "window\t%d\n", c.SlidingWindow)
	}
	if c.Has(config.Mamba) {
		fmt.Fprintf(w, "mamba\t%d channels, %d states, convolution %d, dt rank %d\n", c.DInner(), c.DState, c.DConv, c.DTRank)
	}
	if s := c.SSM; s.Heads > 0 {
		fmt.Fprintf(w, "mamba-2\t%d heads of %d channels, %d groups, %d states, convolution %d\n", s.Heads, s.HeadDim, s.Groups, c.DState, c.DConv)
	}
	fmt.Fprintf(w, "MLP\t%d\n", c.IntermediateSize)
	if q := c.Quantization; q != nil {
		fmt.Fprintf(w, "quantization\t%d bits, groups of %d\n", q.Bits, q.GroupSize)
	}
	fmt.Fprintf(w, "state\t%d bytes a conversation\n", r.StateBytes)
	if r.PerToken > 0 {
		fmt.Fprintf(w, "\t%d bytes more for each token of full attention\n", r.PerToken)
	}
	fmt.Fprintf(w, "saved state\t%d bytes", r.SavedBytes)
	if r.PerToken > 0 {
		fmt.Fprintf(w, " and %d for each token", r.PerToken)
	}
	fmt.Fprintln(w)
	if r.KeyBits == 16 {
		_, perToken := c.StateBytes(false)
		fmt.Fprintf(w, "\tthat is with keys and values in fp16, as a browser's GPU keeps them; the processor and samba serve keep fp32: %d bytes and %d for each token\n", conversation.Size(c, 0, false), perToken)
	}
	fmt.Fprintf(w, "weights\t%d bytes in %d shards\n\n", r.Bytes, len(r.Shards))
	for _, s := range r.Shards {
		state := "no hash known"
		if s.Checked {
			state = "SHA-256 matches"
		} else if s.SHA256 != "" {
			state = "SHA-256 not checked"
		}
		fmt.Fprintf(w, "%s\t%d\t%s\n", s.File, s.Bytes, state)
	}
	fmt.Fprintf(w, "\ntensor\tshape\tbits\tbytes\n")
	for _, t := range r.Weights {
		bits := string(t.DType)
		if t.Group > 0 {
			bits = fmt.Sprintf("%d/%d", t.Bits, t.Group)
		}
		fmt.Fprintf(w, "%s\t%v\t%s\t%d\n", t.Name, t.Shape, bits, t.Bytes)
	}
	return w.Flush()
}

// letters are kinds of mixers in short.
var letters = []struct{ kind, letter, about string }{
	{config.Mamba, "M", "mamba"},
	{config.Mamba2, "2", "mamba-2"},
	{config.Mamba2Attention, "P", "mamba-2 and full attention side by side"},
	{config.SlidingAttention, "S", "sliding window"},
	{config.FullAttention, "F", "full attention"},
	{config.CrossAttention, "X", "attention to another layer's keys"},
	{config.GatedMemory, "G", "gated memory"},
	{config.ShortConv, "C", "short convolution"},
	{config.NoMixer, "0", "no mixer"},
}

// layers names the kinds of layers in short, and says what the letters mean.
func layers(c *config.Config) string {
	var short strings.Builder
	var meant []string
	for _, l := range letters {
		if c.Has(l.kind) {
			meant = append(meant, l.letter+" "+l.about)
		}
	}
	for i, kind := range c.LayerTypes {
		for _, l := range letters {
			if l.kind == kind {
				short.WriteString(l.letter)
			}
		}
		if !c.HasMLP(i) {
			short.WriteString("-")
		}
	}
	if len(c.MLPLayers) > 0 {
		meant = append(meant, "- no MLP")
	}
	return fmt.Sprintf("%d: %s (%s)", len(c.LayerTypes), short.String(), strings.Join(meant, ", "))
}
