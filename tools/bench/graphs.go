package bench

import (
	"fmt"
	"math"

	"github.com/samba-web/samba/model/config"
	"github.com/samba-web/samba/model/randomweights"
)

// ggufGraph is one of llama.cpp's graphs, and how a config's shapes become a file for it.
type ggufGraph struct {
	tensors     func(c *config.Config, seed uint64) []ggufTensor
	values      func(kv *ggufValues, c *config.Config)
	differences []string // what it does otherwise than ours
}

// differences are what every graph of llama.cpp has otherwise than ours.
var differences = []string{
	"Where it attends, it keeps keys and values as f16.",
	"Its matrices are q4_0, 4.5 bits a weight, embeddings included (f16 where 32 does not divide a row); ours at 4 bits keep embeddings, x_proj and dt_proj at 8.",
	"Prefill and decode are by llama.cpp's own clock, the first token by the page's; its load time leaves out the download.",
}

// graphOf finds the graph for a config: its own, or the one nearest to Samba.
func graphOf(c *config.Config) (*ggufGraph, error) {
	switch c.ModelType {
	case config.ModelType:
		for i := range c.NumHiddenLayers {
			if c.LayerTypes[i] == config.FullAttention || !c.HasMLP(i) {
				return nil, fmt.Errorf("layer %d has no twin in llama.cpp's jamba graph: it knows Mamba and attention, each with an MLP", i)
			}
		}
	case "jamba", "mamba", "falcon_mamba", "granitemoehybrid":
	case "phi4flash":
		return &ggufGraph{tensors: phi3Tensors, values: phi3Values, differences: []string{
			"llama.cpp has no SambaY: these are its phi3 graph's figures, a Transformer of the same width, depth, heads, vocabulary and number of parameters, with full attention and RoPE in every layer.",
		}}, nil
	default:
		return nil, fmt.Errorf("llama.cpp's %s is not among the graphs that are measured here, which are mamba, falcon_mamba, jamba, granitemoehybrid and, for phi4flash, phi3", c.ModelType)
	}
	if c.DInner() != 2*c.HiddenSize {
		return nil, fmt.Errorf("llama.cpp's graphs want twice as many Mamba channels as the model is wide, not %d of %d", c.DInner(), c.HiddenSize)
	}
	if c.NumHeads > 0 && c.HeadDim*c.NumHeads != c.HiddenSize {
		return nil, fmt.Errorf("llama.cpp's graphs want heads as wide as the model, not %d of %d beside %d", c.NumHeads, c.HeadDim, c.HiddenSize)
	}
	if c.AttentionBias || c.MambaBias || c.NoConvBias {
		return nil, fmt.Errorf("a file for llama.cpp's graph is made with biases in the convolutions and nowhere else, which is what published models have")
	}
	switch c.ModelType {
	case "jamba":
		return &ggufGraph{tensors: hybridTensors, values: jambaValues}, nil
	case "mamba", "falcon_mamba":
		return &ggufGraph{tensors: hybridTensors, values: mambaValues}, nil
	case "granitemoehybrid":
		if c.RopeTheta != nil {
			return nil, fmt.Errorf("a file for llama.cpp's granitehybrid graph is made without positions, which is what published models have")
		}
		return &ggufGraph{tensors: hybridTensors, values: graniteValues}, nil
	}
	return &ggufGraph{tensors: hybridTensors, values: jambaValues, differences: []string{
		"llama.cpp has no Samba: these are its jamba graph's figures in the same shapes, with random weights.",
		"Its attention looks at all keys, not at a window (the same up to 2,048 tokens), and has no RoPE.",
		"It normalises dt, B and C of Mamba, which Samba does not.",
	}}, nil
}

// hybridTensors are the tensors of llama.cpp's src/models/jamba.cpp, mamba.cpp
// and granite-hybrid.cpp, which name them alike.
func hybridTensors(c *config.Config, seed uint64) []ggufTensor {
	t := newTensors(seed)
	d := c.HiddenSize
	t.matrix("token_embd.weight", d, c.VocabSize)
	t.vector("output_norm.weight", []int{d}, 1)
	if !c.TieEmbeddings {
		t.matrix("output.weight", d, c.VocabSize)
	}
	for i, kind := range c.LayerTypes {
		at := func(name string) string { return fmt.Sprintf("blk.%d.%s", i, name) }
		t.vector(at("attn_norm.weight"), []int{d}, 1)
		switch kind {
		case config.Mamba:
			t.mamba(c, at)
		case config.Mamba2:
			t.mamba2(c, at)
		default:
			kv := c.NumKVHeads * c.HeadDim
			t.matrix(at("attn_q.weight"), d, d)
			t.matrix(at("attn_k.weight"), d, kv)
			t.matrix(at("attn_v.weight"), d, kv)
			t.matrix(at("attn_output.weight"), d, d)
		}
		if c.HasMLP(i) {
			t.vector(at("ffn_norm.weight"), []int{d}, 1)
			t.matrix(at("ffn_gate.weight"), d, c.IntermediateSize)
			t.matrix(at("ffn_up.weight"), d, c.IntermediateSize)
			t.matrix(at("ffn_down.weight"), c.IntermediateSize, d)
		}
	}
	return t.all
}

func (t *ggufTensors) mamba(c *config.Config, at func(name string) string) {
	d, inner := c.HiddenSize, c.DInner()
	decay := make([]float32, c.DState) // -exp(A_log), as llama.cpp stores it
	for i := range decay {
		decay[i] = -float32(i + 1)
	}
	t.matrix(at("ssm_in.weight"), d, 2*inner)
	t.vector(at("ssm_conv1d.weight"), []int{c.DConv, inner}, 1/float32(c.DConv))
	t.vector(at("ssm_conv1d.bias"), []int{inner}, 0)
	t.matrix(at("ssm_x.weight"), inner, c.DTRank+2*c.DState)
	t.matrix(at("ssm_dt.weight"), c.DTRank, inner)
	t.vector(at("ssm_dt.bias"), []int{inner}, -4)
	if c.ModelType == config.ModelType || c.DBCNorm == config.NormGained { // the jamba graph wants them
		t.vector(at("ssm_dt_norm.weight"), []int{c.DTRank}, 1)
		t.vector(at("ssm_b_norm.weight"), []int{c.DState}, 1)
		t.vector(at("ssm_c_norm.weight"), []int{c.DState}, 1)
	}
	t.vector(at("ssm_a"), []int{c.DState, inner}, decay...)
	t.vector(at("ssm_d"), []int{inner}, 1)
	t.matrix(at("ssm_out.weight"), inner, d)
}

func (t *ggufTensors) mamba2(c *config.Config, at func(name string) string) {
	d, inner, heads, channels := c.HiddenSize, c.DInner(), c.SSM.Heads, c.SSMChannels()
	decay := make([]float32, heads)
	for i := range decay {
		decay[i] = -float32(i%16 + 1)
	}
	t.matrix(at("ssm_in.weight"), d, inner+channels+heads)
	t.vector(at("ssm_conv1d.weight"), []int{c.DConv, channels}, 1/float32(c.DConv))
	t.vector(at("ssm_conv1d.bias"), []int{channels}, 0)
	t.vector(at("ssm_dt.bias"), []int{heads}, -4)
	t.vector(at("ssm_a"), []int{1, heads}, decay...)
	t.vector(at("ssm_d"), []int{1, heads}, 1)
	t.vector(at("ssm_norm.weight"), []int{inner / c.SSM.Groups, c.SSM.Groups}, 1)
	t.matrix(at("ssm_out.weight"), inner, d)
}

// phi3Tensors are those of llama.cpp's src/models/phi3.cpp, for a SambaY's twin.
func phi3Tensors(c *config.Config, seed uint64) []ggufTensor {
	c = randomweights.Twin(c)
	t := newTensors(seed)
	d, wide := c.HiddenSize, c.NumHeads*c.HeadDim
	t.matrix("token_embd.weight", d, c.VocabSize)
	t.vector("output_norm.weight", []int{d}, 1)
	if !c.TieEmbeddings {
		t.matrix("output.weight", d, c.VocabSize)
	}
	for i := range c.LayerTypes {
		at := func(name string) string { return fmt.Sprintf("blk.%d.%s", i, name) }
		t.vector(at("attn_norm.weight"), []int{d}, 1)
		t.matrix(at("attn_qkv.weight"), d, wide+2*c.NumKVHeads*c.HeadDim)
		t.matrix(at("attn_output.weight"), wide, d)
		t.vector(at("ffn_norm.weight"), []int{d}, 1)
		t.matrix(at("ffn_up.weight"), d, 2*c.IntermediateSize) // gate's rows, then up's
		t.matrix(at("ffn_down.weight"), c.IntermediateSize, d)
	}
	return t.all
}

// shape tells what all graphs are told, under the name of the architecture.
func (kv *ggufValues) shape(name string, c *config.Config, more map[string]int) {
	kv.add("general.architecture", ggufString, name)
	kv.add("general.name", ggufString, "random")
	for field, n := range map[string]int{
		"block_count": c.NumHiddenLayers, "context_length": max(c.MaxPositions, 1<<20), "embedding_length": c.HiddenSize,
		"feed_forward_length": c.IntermediateSize, "attention.head_count": c.NumHeads, "vocab_size": c.VocabSize,
	} {
		kv.add(name+"."+field, ggufUint32, uint32(n))
	}
	for field, n := range more {
		kv.add(name+"."+field, ggufUint32, uint32(n))
	}
	kv.add(name+".attention.layer_norm_rms_epsilon", ggufFloat32, float32(c.RMSNormEps))
}

// states tells a graph with Mamba of its states.
func (kv *ggufValues) states(name string, c *config.Config) {
	for field, n := range map[string]int{"conv_kernel": c.DConv, "inner_size": c.DInner(), "state_size": c.DState} {
		kv.add(name+".ssm."+field, ggufUint32, uint32(n))
	}
}

// keyHeads tells the layers that attend from those that do not, which have no key heads.
func (kv *ggufValues) keyHeads(name string, c *config.Config) {
	heads := make([]uint32, c.NumHiddenLayers)
	for i, kind := range c.LayerTypes {
		if kind != config.Mamba && kind != config.Mamba2 {
			heads[i] = uint32(c.NumKVHeads)
		}
	}
	addArray(kv, name+".attention.head_count_kv", ggufUint32, heads)
}

func jambaValues(kv *ggufValues, c *config.Config) {
	kv.shape("jamba", c, map[string]int{"ssm.time_step_rank": c.DTRank})
	kv.states("jamba", c)
	kv.keyHeads("jamba", c)
	kv.tokenizer(c)
}

func mambaValues(kv *ggufValues, c *config.Config) {
	kv.shape("mamba", c, map[string]int{"ssm.time_step_rank": c.DTRank})
	kv.states("mamba", c)
	kv.add("mamba.ssm.dt_b_c_rms", ggufBool, c.DBCNorm == config.NormPlain) // Falcon-Mamba's norms
	kv.tokenizer(c)
}

func graniteValues(kv *ggufValues, c *config.Config) {
	const name = "granitehybrid"
	kv.shape(name, c, map[string]int{"ssm.time_step_rank": c.SSM.Heads, "ssm.group_count": c.SSM.Groups})
	kv.states(name, c)
	kv.keyHeads(name, c)
	for field, factor := range map[string]float64{
		"attention.scale": c.AttentionScale, "embedding_scale": c.EmbeddingScale, "residual_scale": c.ResidualScale,
		"logit_scale": 1 / c.LogitsScale, // it divides
	} {
		if factor != 0 && !math.IsInf(factor, 0) {
			kv.add(name+"."+field, ggufFloat32, float32(factor))
		}
	}
	kv.add(name+".rope.scaling.finetuned", ggufBool, false) // it takes this for: no positions
	kv.tokenizer(c)
}

func phi3Values(kv *ggufValues, c *config.Config) {
	c = randomweights.Twin(c)
	kv.shape("phi3", c, map[string]int{
		"attention.head_count_kv": c.NumKVHeads, "attention.key_length": c.HeadDim, "attention.value_length": c.HeadDim, "rope.dimension_count": c.HeadDim,
	})
	kv.tokenizer(c)
}
