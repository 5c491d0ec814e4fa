package families

import (
	"fmt"
	"strings"

	"github.com/samba-web/samba/model/config"
)

// Published is a model that people can fetch, as far as it is known before a
// byte of it is: what the page's list shows, and a shape for random weights.
type Published struct {
	ID      string // on the hub: owner and name
	Licence string
	Good    string // what it is good at: half a sentence
	Chat    bool   // it was trained to answer; false: it continues texts
	Context int    // tokens it was trained for
	Packed  string // a folder of the same weights that MLX packed in 4 bits; "": none is known

	short  string // what tools call it, where that is not the ID's name
	config string // its config.json, as far as the shape goes
}

// Name is the short name that tools take, such as granite-4.0-h-350m.
func (p *Published) Name() string {
	if p.short != "" {
		return p.short
	}
	return strings.TrimSuffix(p.own(), "-hf")
}

// own is the ID's name without its owner.
func (p *Published) own() string {
	_, name, _ := strings.Cut(strings.ToLower(p.ID), "/")
	return name
}

// Text is its config.json, as far as the shape goes.
func (p *Published) Text() []byte { return []byte(p.config) }

// Config is its shape.
func (p *Published) Config() *config.Config {
	m, err := Parse(p.Text())
	if err != nil { // a test has parsed every one
		panic(fmt.Sprintf("%s: %v", p.ID, err))
	}
	return m.Config
}

// Find finds a model by the name that tools take, or by its own: one of Known, or of Tiny.
func Find(name string) (*Published, bool) {
	for _, list := range [][]Published{Known, Tiny} {
		for i := range list {
			if name := strings.ToLower(name); name != "" && (name == list[i].Name() || name == list[i].own()) {
				return &list[i], true
			}
		}
	}
	return nil, false
}

// Known is the published models of our families that a browser has room for,
// those with the best answers per byte first.
var Known = []Published{
	granite4("350m", 32<<10, "short answers, tool calls, JSON and code; the smallest that does all of it",
		`"hidden_size": 768, "num_hidden_layers": 32, "num_attention_heads": 12, "num_key_value_heads": 4, "shared_intermediate_size": 2048,
		"mamba_n_heads": 48, "mamba_d_head": 32, "attention_multiplier": 0.015625, "residual_multiplier": 0.246, "logits_scaling": 3`, 32, 10, 13, 17, 27),
	granite4("1b", 128<<10, "answers, tool calls, JSON and code",
		`"hidden_size": 1536, "num_hidden_layers": 40, "num_attention_heads": 12, "num_key_value_heads": 4, "shared_intermediate_size": 4096,
		"mamba_n_heads": 48, "mamba_d_head": 64, "attention_multiplier": 0.0078125, "residual_multiplier": 0.22, "logits_scaling": 6`, 40, 5, 15, 25, 35),
	granite4("micro", 128<<10, "long documents, tool calls, JSON and code",
		`"hidden_size": 2048, "num_hidden_layers": 40, "num_attention_heads": 32, "num_key_value_heads": 8, "shared_intermediate_size": 8192,
		"mamba_n_heads": 64, "mamba_d_head": 64, "attention_multiplier": 0.015625, "residual_multiplier": 0.22, "logits_scaling": 8`, 40, 5, 15, 25, 35),
	{
		ID: "ai21labs/AI21-Jamba-Reasoning-3B", Licence: "Apache-2.0", Good: "reasoning step by step over very long texts", Chat: true, Context: 256 << 10,
		Packed: "mlx-community/AI21-Jamba-Reasoning-3B-4bit", short: "jamba-3b",
		config: `{"model_type": "jamba", "hidden_size": 2560, "intermediate_size": 8192, "num_hidden_layers": 28, "num_attention_heads": 20, "num_key_value_heads": 1,
			"vocab_size": 65536, "mamba_dt_rank": 160, "attn_layer_period": 14, "attn_layer_offset": 7, "num_experts": 1, "tie_word_embeddings": true}`,
	},
	{
		ID: "microsoft/Phi-4-mini-flash-reasoning", Licence: "MIT", Good: "mathematics, reasoned out step by step", Chat: true, Context: 64 << 10,
		short: "phi-4-mini-flash",
		config: `{"model_type": "phi4flash", "hidden_size": 2560, "intermediate_size": 10240, "num_hidden_layers": 32, "num_attention_heads": 40, "num_key_value_heads": 20,
			"vocab_size": 200064, "sliding_window": 512}`,
	},
	{
		ID: "LiquidAI/LFM2-350M", Licence: "LFM 1.0", Good: "short answers and extraction", Chat: true, Context: 32 << 10,
		config: `{"model_type": "lfm2", "hidden_size": 1024, "block_ff_dim": 6656, "num_hidden_layers": 16, "num_attention_heads": 16, "num_key_value_heads": 8,
			"vocab_size": 65536, "full_attn_idxs": [2, 5, 8, 10, 12, 14]}`,
	},
	{
		ID: "LiquidAI/LFM2-1.2B", Licence: "LFM 1.0", Good: "answers, extraction and tool calls", Chat: true, Context: 32 << 10,
		config: `{"model_type": "lfm2", "hidden_size": 2048, "block_ff_dim": 12288, "num_hidden_layers": 16, "num_attention_heads": 32, "num_key_value_heads": 8,
			"vocab_size": 65536, "full_attn_idxs": [2, 5, 8, 10, 12, 14]}`,
	},
	{
		ID: "tiiuae/Falcon-H1-0.5B-Instruct", Licence: "Falcon LLM", Good: "answers in many languages", Chat: true, Context: 16 << 10,
		config: `{"model_type": "falcon_h1", "hidden_size": 1024, "intermediate_size": 2048, "num_hidden_layers": 36, "num_attention_heads": 8, "num_key_value_heads": 2, "head_dim": 64,
			"vocab_size": 32784, "mamba_d_ssm": 1536, "mamba_n_heads": 24, "mamba_d_head": 64, "mamba_d_state": 128, "rope_theta": 1e11, "tie_word_embeddings": false,
			"key_multiplier": 0.390625, "lm_head_multiplier": 0.0390625, "embedding_multiplier": 5.657, "mlp_multipliers": [0.884, 0.586],
			"ssm_multipliers": [0.354, 0.25, 0.354, 0.5, 0.354], "ssm_in_multiplier": 1.25, "ssm_out_multiplier": 0.236, "attention_out_multiplier": 0.9375}`,
	},
	{
		ID: "tiiuae/Falcon-H1-Tiny-90M-Instruct", Licence: "Falcon LLM", Good: "very short answers; a download of seconds", Chat: true, Context: 256 << 10,
		Packed: "mlx-community/Falcon-H1-Tiny-90M-Instruct-4bit",
		config: `{"model_type": "falcon_h1", "hidden_size": 512, "intermediate_size": 768, "num_hidden_layers": 24, "num_attention_heads": 8, "num_key_value_heads": 2, "head_dim": 64,
			"vocab_size": 32768, "mamba_d_ssm": 768, "mamba_n_heads": 24, "mamba_d_head": 32, "mamba_d_state": 64, "rope_theta": 1e11, "tie_word_embeddings": true,
			"lm_head_multiplier": 0.0781, "embedding_multiplier": 0.1108}`,
	},
	{
		ID: "nvidia/NVIDIA-Nemotron-3-Nano-4B", Licence: "NVIDIA Open Model", Good: "reasoning and tool calls", Chat: true, Context: 256 << 10,
		config: `{"model_type": "nemotron_h", "hidden_size": 3136, "intermediate_size": 12544, "num_hidden_layers": 42, "num_attention_heads": 40, "num_key_value_heads": 8, "head_dim": 128,
			"vocab_size": 131072, "mamba_num_heads": 96, "mamba_head_dim": 80, "ssm_state_size": 128, "n_groups": 8, "hybrid_override_pattern": "M-M-M-MM-M-M*-M-M*-M-M-M*-M-M-MM*-MMM-M-M-"}`,
	},
	{
		ID: "tiiuae/falcon-mamba-7b-instruct", Licence: "Falcon LLM", Good: "answers with no memory that grows at all", Chat: true, Context: 8 << 10,
		short:  "falcon-mamba-7b",
		config: `{"model_type": "falcon_mamba", "hidden_size": 4096, "intermediate_size": 8192, "num_hidden_layers": 64, "time_step_rank": 256, "vocab_size": 65024, "tie_word_embeddings": false}`,
	},
	mambaHF("130m", 768, 24), mambaHF("370m", 1024, 48), mambaHF("790m", 1536, 48), mambaHF("1.4b", 2048, 48), mambaHF("2.8b", 2560, 64),
}

// Tiny is a shape of each family that no model has, small enough for a test: what
// tools rehearse with.
var Tiny = []Published{
	tiny("mamba", `"num_hidden_layers": 2`),
	tiny("falcon_mamba", `"num_hidden_layers": 2, "tie_word_embeddings": false`),
	tiny("jamba", `"intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1, "attn_layer_period": 2, "attn_layer_offset": 1,
		"num_experts": 1, "mamba_dt_rank": 32, "tie_word_embeddings": true`),
	tiny("granitemoehybrid", `"shared_intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1, "layer_types": ["mamba", "attention"],
		"mamba_n_heads": 4, "mamba_d_head": 32, "mamba_d_state": 32, "attention_multiplier": 0.1, "residual_multiplier": 0.25, "embedding_multiplier": 12, "logits_scaling": 3,
		"tie_word_embeddings": true`),
	tiny("phi4flash", `"intermediate_size": 128, "num_hidden_layers": 8, "num_attention_heads": 4, "num_key_value_heads": 2, "sliding_window": 17`),
	tiny("lfm2", `"block_ff_dim": 192, "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1, "full_attn_idxs": [1]`),
	tiny("falcon_h1", `"intermediate_size": 128, "num_hidden_layers": 1, "num_attention_heads": 2, "num_key_value_heads": 1, "mamba_d_ssm": 128, "mamba_n_heads": 4, "mamba_d_head": 32,
		"mamba_d_state": 32, "key_multiplier": 0.5, "embedding_multiplier": 5, "tie_word_embeddings": true`),
	tiny("nemotron_h", `"intermediate_size": 128, "num_hidden_layers": 3, "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 32, "mamba_num_heads": 4, "mamba_head_dim": 32,
		"ssm_state_size": 32, "n_groups": 2, "hybrid_override_pattern": "M-*"`),
}

func tiny(kind, fields string) Published {
	return Published{ID: kind, short: strings.ReplaceAll(kind, "_", "-") + "-tiny", config: `{"model_type": "` + kind + `", "hidden_size": 64, "vocab_size": 512, ` + fields + "}"}
}

// granite4 is a size of Granite 4.0 H, whose layers are Mamba-2 but for some.
func granite4(size string, context int, good, fields string, layers int, attention ...int) Published {
	kinds := strings.Split(strings.Repeat("mamba ", layers), " ")[:layers]
	for _, i := range attention {
		kinds[i] = "attention"
	}
	return Published{
		ID: "ibm-granite/granite-4.0-h-" + size, Licence: "Apache-2.0", Good: good, Chat: true, Context: context, Packed: "mlx-community/granite-4.0-h-" + size + "-4bit",
		config: fmt.Sprintf(`{"model_type": "granitemoehybrid", "vocab_size": 100352, "layer_types": ["%s"], "mamba_d_state": 128, "embedding_multiplier": 12,
			"position_embedding_type": "nope", "rms_norm_eps": 1e-5, "tie_word_embeddings": true, %s}`, strings.Join(kinds, `", "`), fields),
	}
}

// mambaHF is a size of the first Mamba.
func mambaHF(size string, width, layers int) Published {
	return Published{
		ID: "state-spaces/mamba-" + size + "-hf", Licence: "Apache-2.0", Good: "continuing texts; no chat", Context: 2 << 10,
		config: fmt.Sprintf(`{"model_type": "mamba", "hidden_size": %d, "num_hidden_layers": %d, "vocab_size": 50280}`, width, layers),
	}
}
