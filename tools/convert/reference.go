package convert

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/samba-web/samba/model/config"
	"github.com/samba-web/samba/model/folder"
)

// Constants of the reference code that its config does not carry.
const (
	refDState    = 16
	refDConv     = 4
	refExpand    = 2
	refRopeTheta = 10000
)

// Reference is the reference code's config, as far as it shapes the graph.
// Field names in JSON are the reference's own.
type Reference struct {
	Name             string   `json:"name"`
	BlockSize        int      `json:"block_size"`
	VocabSize        int      `json:"vocab_size"`
	PaddingMultiple  int      `json:"padding_multiple"`
	PaddedVocabSize  *int     `json:"padded_vocab_size"`
	Layers           int      `json:"n_layer"`
	Heads            int      `json:"n_head"`
	QueryGroups      *int     `json:"n_query_groups"`
	Width            int      `json:"n_embd"`
	IntermediateSize *int     `json:"intermediate_size"`
	RotaryPercentage float64  `json:"rotary_percentage"`
	CondenseRatio    float64  `json:"condense_ratio"`
	NoPE             bool     `json:"nope"`
	ParallelResidual bool     `json:"parallel_residual"`
	SharedNorm       bool     `json:"shared_attention_norm"`
	Bias             bool     `json:"bias"`
	MLP              bool     `json:"mlp"`
	NormClass        string   `json:"_norm_class"`
	NormEps          float64  `json:"norm_eps"`
	MLPClass         string   `json:"_mlp_class"`
	LocalWindow      int      `json:"local_window"`   // -1: full attention
	FullPerLayer     int      `json:"full_per_layer"` // the last of this many blocks attends to everything
	MambaPerLayer    int      `json:"mb_per_layer"`   // every this many blocks, one is Mamba
	RetPerLayer      int      `json:"ret_per_layer"`
	GLAPerLayer      int      `json:"gla_per_layer"`
	AttnLayerPos     attnList `json:"attn_layer_pos"` // the blocks that attend, when all others are Mamba
	MambaSWAMLP      bool     `json:"mamba_swa_mlp"`  // every block: Mamba, attention, one MLP
	Mamba            bool     `json:"mamba"`
	MambaInit        bool     `json:"mamba_init"` // ties the embeddings, besides
	SCAttn           bool     `json:"sc_attn"`
	UseMega          bool     `json:"use_mega"`
	AblMamba         bool     `json:"abl_mamba"`
}

// attnList is a list of blocks: a Python literal such as "[1,5]", a JSON list,
// or null.
type attnList []int

var listLiteral = regexp.MustCompile(`^\s*[\[(]\s*(\d{1,4}(\s*,\s*\d{1,4})*\s*,?)?\s*[\])]\s*$`)

func (l *attnList) UnmarshalJSON(data []byte) error {
	text := string(data)
	if text == "null" {
		return nil
	}
	if data[0] == '"' {
		if err := json.Unmarshal(data, &text); err != nil {
			return err
		}
	}
	if !listLiteral.MatchString(text) {
		return fmt.Errorf("attn_layer_pos is %.40s, want a list such as \"[1,5]\"", data)
	}
	*l = attnList{}
	for _, digits := range regexp.MustCompile(`\d+`).FindAllString(text, -1) {
		n, _ := strconv.Atoi(digits)
		*l = append(*l, n)
	}
	return nil
}

// referenceDefaults are the reference's own, for fields that a config omits.
func referenceDefaults() Reference {
	return Reference{
		BlockSize: 4096, VocabSize: 50254, PaddingMultiple: 512, Layers: 16, Heads: 32, Width: 4096,
		RotaryPercentage: 0.25, CondenseRatio: 1, ParallelResidual: true, Bias: true, MLP: true,
		NormClass: "LayerNorm", NormEps: 1e-5, MLPClass: "GptNeoxMLP",
		LocalWindow: -1, FullPerLayer: 1000000, MambaPerLayer: -1, RetPerLayer: -1, GLAPerLayer: -1,
	}
}

// named are the configs that --config knows by name.
func named(name string) (*Reference, error) {
	shape := func(name string, layers, heads, groups, width, ff, vocab int) *Reference {
		r := referenceDefaults()
		r.Name, r.Layers, r.Heads, r.QueryGroups, r.Width, r.IntermediateSize, r.VocabSize = name, layers, heads, &groups, width, &ff, vocab
		r.PaddingMultiple, r.RotaryPercentage, r.ParallelResidual, r.Bias = 64, 1, false, false
		r.NormClass, r.MLPClass = "FusedRMSNorm", "LLaMAMLP"
		r.LocalWindow, r.MambaPerLayer, r.MambaInit = 2048, 2, true
		return &r
	}
	known := []*Reference{
		shape("Samba_421M", 12, 12, 12, 1536, 4096, 32000),
		shape("Samba_1.3B", 18, 18, 18, 2304, 6144, 32000),
		shape("Samba_1.7B", 24, 32, 4, 2048, 8196, 50304), // 8196 as printed in the paper
		shape("Samba_3.8B", 32, 11, 1, 2816, 9984, 32064),
		shape("LLaMA_438M", 12, 12, 12, 1536, 4096, 32000),
	}
	llama := known[len(known)-1] // the Transformer baseline: full attention, untied
	llama.LocalWindow, llama.MambaPerLayer, llama.MambaInit = -1, -1, false
	var names []string
	for _, r := range known {
		if r.Name == name {
			return r, nil
		}
		names = append(names, r.Name)
	}
	return nil, fmt.Errorf("config %q is neither a file nor one of %s", name, strings.Join(names, ", "))
}

// parseReference reads a config in the reference's fields. A field that is not
// known is refused when it turns something on: it would change the graph.
func parseReference(data []byte) (*Reference, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(data, &fields); err != nil {
		return nil, err
	}
	r := referenceDefaults()
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, err
	}
	known := map[string]bool{"org": true, "rms_norm": true, "residual_in_fp32": true, "fused_add_norm": true}
	own, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	var ownFields map[string]any
	if err := json.Unmarshal(own, &ownFields); err != nil {
		return nil, err
	}
	for name := range ownFields {
		known[name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if known[name] {
			continue
		}
		var on bool
		var number float64
		if json.Unmarshal(fields[name], &on) == nil && on || json.Unmarshal(fields[name], &number) == nil && number > 0 {
			return nil, fmt.Errorf("config field %q is %s: it is not known here and may change the model", name, fields[name])
		}
	}
	return &r, nil
}

// Model turns the reference's config into ours. The error names the field whose
// variant our graph does not have.
func (r *Reference) Model() (*config.Config, error) {
	refused := []struct {
		is   bool
		what string
	}{
		{r.Mamba, "mamba: true (a pure Mamba)"},
		{r.ParallelResidual, "parallel_residual: true"},
		{r.SharedNorm, "shared_attention_norm: true"},
		{r.Bias, "bias: true"},
		{r.SCAttn, "sc_attn: true (convolutions before attention)"},
		{r.UseMega, "use_mega: true"},
		{r.AblMamba, "abl_mamba: true (an MLP in Mamba's place)"},
		{!r.MambaSWAMLP && r.AttnLayerPos == nil && r.RetPerLayer > 0, "ret_per_layer (retention)"},
		{!r.MambaSWAMLP && r.AttnLayerPos == nil && r.GLAPerLayer > 0, "gla_per_layer (gated linear attention)"},
		{r.CondenseRatio != 1, fmt.Sprintf("condense_ratio: %g, want 1", r.CondenseRatio)},
		{!r.NoPE && r.RotaryPercentage != 1, fmt.Sprintf("rotary_percentage: %g, want 1", r.RotaryPercentage)},
		{r.NormClass != "RMSNorm" && r.NormClass != "FusedRMSNorm", fmt.Sprintf("_norm_class: %q, want RMSNorm or FusedRMSNorm", r.NormClass)},
		{r.MLP && r.MLPClass != "LLaMAMLP", fmt.Sprintf("_mlp_class: %q, want LLaMAMLP", r.MLPClass)},
		{r.LocalWindow == 0 || r.LocalWindow < -1, fmt.Sprintf("local_window: %d, want 1 or more, or -1 for full attention", r.LocalWindow)},
		{r.FullPerLayer < 1, fmt.Sprintf("full_per_layer: %d, want 1 or more", r.FullPerLayer)},
		{r.Layers < 1 || r.Layers > 512, fmt.Sprintf("n_layer: %d, want 1 to 512", r.Layers)},
		{r.Heads < 1 || r.Width < 1 || r.Width%max(r.Heads, 1) != 0, fmt.Sprintf("n_embd: %d, want a multiple of n_head = %d", r.Width, r.Heads)},
		{r.MLP && r.IntermediateSize == nil, "intermediate_size is missing"},
		{r.PaddedVocabSize == nil && (r.PaddingMultiple < 1 || r.VocabSize < 1 || r.VocabSize > math.MaxInt32), fmt.Sprintf("vocab_size: %d with padding_multiple: %d", r.VocabSize, r.PaddingMultiple)},
	}
	for _, c := range refused {
		if c.is {
			return nil, fmt.Errorf("the config has %s, which is not supported", c.what)
		}
	}
	groups := r.Heads
	if r.QueryGroups != nil {
		groups = *r.QueryGroups
	}
	if groups < 1 || r.Heads%groups != 0 {
		return nil, fmt.Errorf("the config has n_query_groups: %d, want a divisor of n_head = %d", groups, r.Heads)
	}
	c := &config.Config{
		ModelType: "samba", HiddenSize: r.Width,
		NumHeads: r.Heads, NumKVHeads: groups, HeadDim: r.Width / r.Heads,
		SlidingWindow: max(r.LocalWindow, 0), DState: refDState, DConv: refDConv, Expand: refExpand, DTRank: (r.Width + 15) / 16,
		RMSNormEps: r.NormEps, TieEmbeddings: r.MambaInit, MaxPositions: r.BlockSize,
	}
	if !r.NoPE {
		theta := float64(refRopeTheta)
		c.RopeTheta = &theta
	}
	if r.IntermediateSize != nil {
		c.IntermediateSize = *r.IntermediateSize
	} else {
		c.IntermediateSize = 4 * r.Width // no MLP has it
	}
	if r.PaddedVocabSize != nil {
		c.VocabSize = *r.PaddedVocabSize
	} else {
		c.VocabSize = (r.VocabSize + r.PaddingMultiple - 1) / r.PaddingMultiple * r.PaddingMultiple
	}
	for i := range r.Layers {
		attention := config.FullAttention
		if r.LocalWindow > 0 && i%r.FullPerLayer < r.FullPerLayer-1 {
			attention = config.SlidingAttention
		}
		mamba := r.MambaPerLayer > 0 && i%r.MambaPerLayer == 0
		if r.AttnLayerPos != nil {
			mamba = !slices.Contains(r.AttnLayerPos, i)
		}
		switch {
		case r.MambaSWAMLP:
			c.LayerTypes = append(c.LayerTypes, config.Mamba, attention)
			c.MLPLayers = append(c.MLPLayers, false, r.MLP)
		case mamba:
			c.LayerTypes = append(c.LayerTypes, config.Mamba)
		default:
			c.LayerTypes = append(c.LayerTypes, attention)
		}
	}
	c.NumHiddenLayers = len(c.LayerTypes)
	if !r.MLP && !r.MambaSWAMLP {
		c.MLPLayers = make([]bool, r.Layers)
	}
	return c, c.Validate()
}

// configFrom finds the model's config: --config, then what the checkpoint
// itself says, then a config.json beside it.
func configFrom(option string, src *source) (*config.Config, error) {
	if option != "" {
		if data, err := folder.ReadFile(option, folder.Limit("config.json")); err == nil {
			c, err := parseConfig(data)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", option, err)
			}
			return c, nil
		} else if strings.HasSuffix(option, ".json") {
			return nil, err
		}
		r, err := named(option)
		if err != nil {
			return nil, err
		}
		return r.Model()
	}
	if len(src.config) > 0 {
		c, err := parseConfig(src.config)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", src.configFrom, err)
		}
		return c, nil
	}
	if name, ok := src.hparams["model_name"].(string); ok {
		if r, err := named(name); err == nil {
			return r.Model()
		}
	}
	return nil, fmt.Errorf("%s does not say its config: pass --config with Samba_421M, Samba_1.3B, Samba_1.7B, Samba_3.8B, LLaMA_438M or a JSON file of the reference's config fields", src.path)
}

// parseConfig reads our own config.json, the reference's fields, or those
// under "config".
func parseConfig(data []byte) (*config.Config, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(data, &fields); err != nil {
		return nil, err
	}
	if inner, ok := fields["config"]; ok && bytes.HasPrefix(bytes.TrimSpace(inner), []byte("{")) {
		return parseConfig(inner)
	}
	if _, ok := fields["model_type"]; ok {
		c, err := config.Parse(data)
		if err != nil {
			return nil, err
		}
		c.Quantization = nil
		return c, nil
	}
	if _, ok := fields["n_embd"]; !ok {
		return nil, fmt.Errorf("the config has neither model_type nor n_embd: it is neither ours nor the reference's")
	}
	r, err := parseReference(data)
	if err != nil {
		return nil, err
	}
	return r.Model()
}
