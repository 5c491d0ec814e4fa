// Package randomweights makes up model folders: the shapes of real models, full of
// random weights. They are what speed is measured with.
package randomweights

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/model/config"
	"github.com/samba-web/samba/model/families"
	"github.com/samba-web/samba/model/folder"
	"github.com/samba-web/samba/model/safetensors"
	"github.com/x448/float16"
)

// Open opens a model that exists nowhere: the shapes of one of the paper's
// models or of a published one, filled with random weights shard by shard as
// they are read, of such a size that activations stay finite. The address is
//
//	random:NAME?bits=4&seed=0
//
// with NAME one of Names, or one that attends and TwinSuffix, bits 4, 8 or 16.
// Storage is what samba convert would choose for that many bits.
func Open(address string) (folder.Source, error) {
	about, err := url.Parse(address)
	if err != nil || about.Scheme != "random" {
		return nil, fmt.Errorf("%.200q is no random model, want random:NAME?bits=4&seed=0", address)
	}
	text, err := configText(about.Opaque)
	if err != nil {
		return nil, err
	}
	query := about.Query()
	bits := 4
	if text := query.Get("bits"); text != "" {
		if bits, err = strconv.Atoi(text); err != nil || !slices.Contains([]int{4, 8, 16}, bits) {
			return nil, fmt.Errorf("random model: bits is %.20q, want 4, 8 or 16", text)
		}
	}
	seed := uint64(0)
	if text := query.Get("seed"); text != "" {
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			return nil, fmt.Errorf("random model: seed is %.20q, want a whole number", text)
		}
	}
	return newRandomFolder(text, bits, seed, address)
}

// Is tells addresses for Open from those of folders.
func Is(address string) bool { return strings.HasPrefix(address, "random:") }

// Names lists what Open knows: the paper's shapes, smallest first, then those of
// published models, and the shapes of tests (families.Tiny) not at all.
func Names() []string {
	names := slices.Clone(paper)
	for _, p := range families.Known {
		names = append(names, p.Name())
	}
	return names
}

// paper is the names of the paper's shapes, and one for tests.
var paper = []string{"tiny", "421M", "1.3B", "1.7B", "3.8B"}

// TwinSuffix behind a name asks for Twin of its configuration.
const TwinSuffix = "-transformer"

// Twin is a Transformer of the same width, depth, heads and vocabulary: full attention
// with RoPE in every layer, and an MLP as wide as leaves the number of parameters where
// it was, in whole groups of 64: within half a percent from 400 M parameters on. What
// else a published model has (factors, biases, differential attention) it has not.
func Twin(c *config.Config) *config.Config {
	theta := ropeTheta
	twin := &config.Config{
		ModelType: config.ModelType, HiddenSize: c.HiddenSize, NumHiddenLayers: c.NumHiddenLayers, VocabSize: c.VocabSize, TieEmbeddings: c.TieEmbeddings,
		NumHeads: c.NumHeads, NumKVHeads: c.NumKVHeads, HeadDim: c.HeadDim, RopeTheta: &theta, RMSNormEps: c.RMSNormEps,
		SlidingWindow: c.SlidingWindow, MaxPositions: c.MaxPositions,
	}
	twin.LayerTypes = slices.Repeat([]string{config.FullAttention}, c.NumHiddenLayers)
	const group = 64
	mlp := float64(c.Parameters()-twin.Parameters()) / float64(3*c.HiddenSize*c.NumHiddenLayers)
	twin.IntermediateSize = max(int(math.Round(mlp/group)), 1) * group
	return twin
}

// ropeTheta is what the paper's models have.
const ropeTheta = 10000.0

// Config is the published or the paper's configuration of that name. Two
// departures from the paper: an MLP of 8,192 in the 1.7B, printed as 8,196, which
// quantization's groups of 64 do not divide; and tiny, for tests, which is nobody's.
func Config(name string) (*config.Config, error) {
	if p, ok := families.Find(name); ok {
		return p.Config(), nil
	}
	if of, twin := strings.CutSuffix(name, TwinSuffix); twin {
		c, err := Config(of)
		if err != nil {
			return nil, err
		}
		if c.NumHeads == 0 {
			return nil, fmt.Errorf("random model %.40q: %s does not attend, so there are no heads that a Transformer of its size could have", name, of)
		}
		return Twin(c), nil
	}
	theta := ropeTheta
	c := &config.Config{
		ModelType: "samba", SlidingWindow: 2048, DState: 16, DConv: 4, Expand: 2,
		RMSNormEps: 1e-5, RopeTheta: &theta, TieEmbeddings: true, MaxPositions: 4096,
	}
	shape := func(blocks, width, heads, kvHeads, headDim, mlp, vocab int) {
		c.NumHiddenLayers, c.HiddenSize, c.NumHeads, c.NumKVHeads, c.HeadDim = blocks, width, heads, kvHeads, headDim
		c.IntermediateSize, c.VocabSize, c.DTRank = mlp, vocab, (width+15)/16
	}
	switch name {
	case "tiny":
		shape(2, 64, 2, 1, 32, 128, 512)
		c.SlidingWindow = 64
	case "421M":
		shape(12, 1536, 12, 12, 128, 4096, 32000)
	case "1.3B":
		shape(18, 2304, 18, 18, 128, 6144, 32000)
	case "1.7B":
		shape(24, 2048, 32, 4, 64, 8192, 50304)
	case "3.8B":
		shape(32, 2816, 11, 1, 256, 9984, 32064)
	default:
		return nil, fmt.Errorf("random model %.40q, want one of %s; %s behind one that attends makes it a Transformer", name, strings.Join(Names(), ", "), TwinSuffix)
	}
	for i := range c.NumHiddenLayers {
		c.LayerTypes = append(c.LayerTypes, []string{config.Mamba, config.SlidingAttention}[i%2])
	}
	return c, nil
}

// A block of random bits that repeats within a tensor. Its length, prime in
// words, keeps rows from being alike.
const randomWords = 262147

// randomFolder is a model folder whose files are made when they are read: one
// shard for each tensor.
type randomFolder struct {
	address string
	small   map[string][]byte
	tensors map[string]randomTensor // by file
	index   safetensors.Index
	seed    uint64
	bits    []byte // of words, once made
}

type randomTensor struct {
	safetensors.Tensor
	block func() []byte // repeats through the data
}

// configText is the config.json of that name.
func configText(name string) ([]byte, error) {
	if p, ok := families.Find(name); ok {
		return p.Text(), nil
	}
	c, err := Config(name)
	if err != nil {
		return nil, err
	}
	return json.Marshal(c)
}

func newRandomFolder(text []byte, bits int, seed uint64, address string) (*randomFolder, error) {
	m, err := families.Parse(text)
	if err != nil {
		return nil, err
	}
	f := &randomFolder{address: address, small: map[string][]byte{}, tensors: map[string]randomTensor{}, seed: seed}
	f.index.WeightMap, f.index.Metadata.Size = map[string]string{}, map[string]int64{}
	packed := map[string]any{"group_size": group, "bits": bits}
	for _, spec := range m.Config.TensorSpecs() {
		// A tensor of ours may be several of the folder's, rows of it each.
		for row := 0; row < spec.Shape[0]; {
			name := m.Names.At(spec.Name, row)[0]
			place, _, _ := m.Names.Place(name)
			part := spec
			part.Shape = slices.Clone(spec.Shape)
			part.Shape[0] = place.Rows
			stored, err := f.add(name, part, bits)
			if err != nil {
				return nil, err
			}
			if module := strings.TrimSuffix(name, ".weight"); !spec.IsLinear() || m.Config.ModelType == config.ModelType {
				// Our own format tells bits by the tensors alone.
			} else if stored == 16 {
				packed[module] = false
			} else if stored != bits {
				packed[module] = map[string]int{"group_size": group, "bits": stored}
			}
			row += place.Rows
		}
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		return nil, err
	}
	if bits != 16 {
		if fields["quantization"], err = json.Marshal(packed); err != nil {
			return nil, err
		}
		fields[families.Unfolded] = json.RawMessage("1") // the factors are not in the weights
	}
	for name, content := range map[string]any{"config.json": fields, safetensors.IndexName: &f.index, "tokenizer.json": byteTokenizer()} {
		if f.small[name], err = json.Marshal(content); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// group is how many weights share a scale.
const group = 64

// add lays out the tensors of one of the folder's weights, and tells the bits it is stored in.
func (f *randomFolder) add(name string, spec config.TensorSpec, bits int) (int, error) {
	piece := func(name string, dtype safetensors.DType, shape []int, block func() []byte) error {
		t := safetensors.Tensor{Name: name, DType: dtype, Shape: shape}
		_, size, err := safetensors.Layout([]safetensors.Tensor{t}, nil)
		file := fmt.Sprintf("%04d.safetensors", len(f.tensors))
		f.tensors[file] = randomTensor{t, block}
		f.index.WeightMap[name], f.index.Metadata.Size[file] = file, size
		f.index.Metadata.TotalSize += size
		return err
	}
	if !spec.IsLinear() {
		return 32, piece(name, safetensors.F32, spec.Shape, vectorBlock(spec))
	}
	out, in := spec.Shape[0], spec.Shape[1]
	// Rows of variance 1/in keep what they multiply at its size; half of that keeps the residual stream quiet.
	deviation := 0.5 / math.Sqrt(float64(in))
	stored, width := folder.Storage(spec.Name, in, bits, group)
	if !stored.Quantized() {
		return 16, piece(name, safetensors.F16, spec.Shape, f.halves(deviation))
	}
	levels := float64(int(1)<<width - 1)
	scale := deviation * math.Sqrt(12) / levels // of a uniform q
	base := strings.TrimSuffix(name, ".weight")
	return width, errors.Join(
		piece(name, safetensors.U32, []int{out, in * width / 32}, f.words),
		piece(base+".scales", safetensors.F16, []int{out, in / group}, constantHalf(scale)),
		piece(base+".biases", safetensors.F16, []int{out, in / group}, constantHalf(-scale*levels/2)))
}

// MadeFrom tells random models from each other.
func (f *randomFolder) MadeFrom() string { return f.address }

func (f *randomFolder) String() string { return f.address }

func (f *randomFolder) ReadFile(_ context.Context, name string) ([]byte, error) {
	data, ok := f.small[name]
	if !ok {
		return nil, fmt.Errorf("%s of a random model: %w", name, fs.ErrNotExist)
	}
	return data, nil
}

// Weights makes one block of each file.
func (f *randomFolder) Weights(ctx context.Context, files []folder.File, arrived func(folder.Arrived), take func(folder.Block) error) error {
	state := folder.Arrived{}
	for i, file := range files {
		t, ok := f.tensors[file.Name]
		if !ok {
			return fmt.Errorf("%s of a random model: %w", file.Name, fs.ErrNotExist)
		}
		header, size, err := safetensors.Layout([]safetensors.Tensor{t.Tensor}, nil)
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := take(folder.Block{File: i, Size: size, Bytes: gpu.BlobRepeating(header, t.block(), size)}); err != nil {
			return err
		}
		state.Bytes, state.File = state.Bytes+size, file.Name
		arrived(state)
	}
	return nil
}

// words are uniform bits: quantized weights of any width, the same for all tensors.
func (f *randomFolder) words() []byte {
	if f.bits != nil {
		return f.bits
	}
	source := rand.NewPCG(f.seed, 1)
	data := make([]byte, 0, 4*randomWords)
	for range randomWords {
		data = binary.LittleEndian.AppendUint32(data, uint32(source.Uint64()))
	}
	f.bits = data
	return data
}

// halves are uniform F16 values of the given deviation.
func (f *randomFolder) halves(deviation float64) func() []byte {
	return func() []byte {
		source := rand.New(rand.NewPCG(f.seed, 2))
		data := make([]byte, 0, 4*randomWords)
		for range 2 * randomWords {
			data = binary.LittleEndian.AppendUint16(data, half((source.Float64()-0.5)*math.Sqrt(12)*deviation))
		}
		return data
	}
}

func half(v float64) uint16 { return float16.Fromfloat32(float32(v)).Bits() }

func constantHalf(v float64) func() []byte {
	return func() []byte { return binary.LittleEndian.AppendUint16(nil, half(v)) }
}

// vectorBlock is what repeats through a small tensor: norms of 1, Mamba's own
// initial values, an averaging convolution.
func vectorBlock(spec config.TensorSpec) func() []byte {
	values := []float32{1}
	switch name := spec.Name[strings.Index(spec.Name, "mixer.")+1:]; {
	case strings.HasSuffix(name, "A_log"):
		values = make([]float32, spec.Shape[len(spec.Shape)-1])
		for i := range values {
			values[i] = float32(math.Log(float64(i + 1)))
		}
	case strings.HasSuffix(name, "dt_proj.bias"), strings.HasSuffix(name, "dt_bias"):
		values[0] = -4 // softplus: 0.018
	case strings.HasSuffix(name, "conv1d.weight"):
		values[0] = 1 / float32(spec.Shape[1])
	case strings.HasSuffix(name, ".bias"):
		values[0] = 0
	case strings.Contains(name, "lambda_"): // whose product is an exponent
		values[0] = 0.1
	}
	return func() (data []byte) {
		for _, v := range values {
			data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
		}
		return data
	}
}

// ByteAlphabet is how byte-level tokenizers spell the 256 bytes: GPT-2's
// printable stand-ins.
func ByteAlphabet() []string {
	letters, next := make([]string, 256), rune(256)
	for b := range letters {
		r := rune(b)
		if !(b >= 33 && b <= 126 || b >= 161 && b <= 172 || b >= 174) {
			r = next
			next++
		}
		letters[b] = string(r)
	}
	return letters
}

// byteTokenizer is a tokenizer.json of the 256 bytes: enough for the decode
// loop to make text. Ids above have none.
func byteTokenizer() any {
	vocab := map[string]int{}
	for b, letter := range ByteAlphabet() {
		vocab[letter] = b
	}
	type object = map[string]any
	return object{
		"pre_tokenizer": object{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false},
		"decoder":       object{"type": "ByteLevel"},
		"model":         object{"type": "BPE", "vocab": vocab, "merges": []string{}},
	}
}
