package convert

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/samba-web/samba/model/config"
	"github.com/samba-web/samba/model/families"
	"github.com/samba-web/samba/model/folder"
	"github.com/samba-web/samba/model/prompt"
	"github.com/samba-web/samba/model/tokenizer"
)

// endTokens are the names under which published tokenizers end a text or a
// turn of a chat.
var endTokens = []string{"</s>", "<|endoftext|>", "<|end_of_text|>", "<|im_end|>", "<|eot_id|>", "<|end|>", "<end_of_turn>"}

// companions makes every file of the folder beside the weights.
func companions(o Options, c *config.Config, src *source, report *Report) (map[string][]byte, error) {
	files := map[string][]byte{}
	var err error
	if files["config.json"], err = encodeJSON(c); err != nil {
		return nil, err
	}
	tokens, err := tokenizerFiles(o, c, src, files)
	if err != nil {
		return nil, err
	}
	// What our own engine cannot read is passed on all the same, and said.
	if data := files["tokenizer.json"]; data == nil {
		report.Notes = append(report.Notes, "no tokenizer: copy the original's tokenizer.json and tokenizer_config.json into the folder, or pass --tokenizer, to make a model that can be talked to")
	} else if _, err := tokenizer.Parse(data); err != nil {
		report.Notes = append(report.Notes, fmt.Sprintf("this engine cannot use the tokenizer: %v", err))
	}
	if data := files["tokenizer_config.json"]; data != nil {
		if _, err := prompt.ParseConfig(data, nil); err != nil {
			report.Notes = append(report.Notes, fmt.Sprintf("this engine cannot use the chat template: %v", err))
		}
	}
	files["generation_config.json"] = beside(src, "generation_config.json")
	if files["generation_config.json"] == nil || o.Tokenizer != "" {
		if files["generation_config.json"], err = generationConfig(tokens, files["tokenizer_config.json"]); err != nil {
			return nil, err
		}
	}
	if o.Tokenizer == "" {
		if files["generation_config.json"], err = addEndTokens(files["generation_config.json"], src); err != nil {
			return nil, err
		}
	}
	if o.Card != "" {
		if files["README.md"], err = folder.ReadFile(o.Card, folder.Limit("README.md")); err != nil {
			return nil, err
		}
	} else {
		files["README.md"] = []byte(card(o, c, report))
	}
	return files, nil
}

// tokenizerFiles adds tokenizer.json and tokenizer_config.json, as given or as
// they lie beside the source's weights, and returns the ids of the tokens.
func tokenizerFiles(o Options, c *config.Config, src *source, files map[string][]byte) (map[string]int, error) {
	given := func(path, name string) (data []byte, from string, err error) {
		if path != "" {
			data, err = folder.ReadFile(path, folder.Limit(name))
			return data, path, err
		}
		return beside(src, name), filepath.Join(src.dir, name), nil
	}
	data, from, err := given(o.Tokenizer, "tokenizer.json")
	if err != nil {
		return nil, err
	}
	var tokens map[string]int
	if data != nil {
		if tokens, err = tokenIDs(data); err != nil {
			return nil, fmt.Errorf("%s: %w", from, err)
		}
		for _, name := range slices.Sorted(maps.Keys(tokens)) {
			if id := tokens[name]; id < 0 || id >= c.VocabSize {
				return nil, fmt.Errorf("%s: the token %.40q has id %d, but the model's vocabulary has %d: they do not belong together", from, name, id, c.VocabSize)
			}
		}
		files["tokenizer.json"] = data
	}
	data, from, err = given(o.TokenizerConfig, "tokenizer_config.json")
	if err != nil {
		return nil, err
	}
	if data != nil {
		var fields map[string]json.RawMessage
		if err := json.Unmarshal(data, &fields); err != nil {
			return nil, fmt.Errorf("%s: %w", from, err)
		}
		files["tokenizer_config.json"] = data
	}
	template := beside(src, prompt.File) // which stands for the one in tokenizer_config.json
	if o.ChatTemplate != "" {
		template, err = folder.ReadFile(o.ChatTemplate, folder.Limit(prompt.File))
	}
	if template == nil || err != nil {
		return tokens, err
	}
	fields := map[string]json.RawMessage{}
	if data != nil {
		if err := json.Unmarshal(data, &fields); err != nil {
			return nil, fmt.Errorf("%s: %w", from, err)
		}
	}
	if fields["chat_template"], err = json.Marshal(string(template)); err != nil {
		return nil, err
	}
	files["tokenizer_config.json"], err = encodeJSON(fields)
	return tokens, err
}

// beside reads a small file that lies beside the source's weights, if any.
func beside(src *source, name string) []byte {
	if src.dir == "" {
		return nil
	}
	data, err := folder.ReadFile(filepath.Join(src.dir, name), folder.Limit(name))
	if err != nil {
		return nil
	}
	return data
}

// tokenIDs lists the tokens of a tokenizer.json.
func tokenIDs(data []byte) (map[string]int, error) {
	var t struct {
		AddedTokens []struct {
			ID      int    `json:"id"`
			Content string `json:"content"`
		} `json:"added_tokens"`
		Model struct {
			Vocab map[string]int `json:"vocab"`
		} `json:"model"`
	}
	if err := json.Unmarshal(data, &t); err != nil {
		return nil, fmt.Errorf("no tokenizer.json as Hugging Face's tokenizers write it: %w", err)
	}
	if len(t.Model.Vocab) == 0 {
		return nil, fmt.Errorf("no tokenizer.json as Hugging Face's tokenizers write it: model.vocab is missing")
	}
	ids := t.Model.Vocab
	for _, token := range t.AddedTokens {
		ids[token.Content] = token.ID
	}
	return ids, nil
}

// generationConfig is what a page samples with unless it says otherwise.
func generationConfig(tokens map[string]int, tokenizerConfig []byte) ([]byte, error) {
	g := struct {
		BOS               *int    `json:"bos_token_id,omitempty"`
		EOS               []int   `json:"eos_token_id,omitempty"`
		DoSample          bool    `json:"do_sample"`
		Temperature       float64 `json:"temperature"`
		TopP              float64 `json:"top_p"`
		RepetitionPenalty float64 `json:"repetition_penalty"`
	}{DoSample: true, Temperature: 0.8, TopP: 0.95, RepetitionPenalty: 1.1}
	var named struct {
		BOS json.RawMessage `json:"bos_token"`
		EOS json.RawMessage `json:"eos_token"`
	}
	if tokenizerConfig != nil {
		if err := json.Unmarshal(tokenizerConfig, &named); err != nil {
			return nil, fmt.Errorf("tokenizer_config.json: %w", err)
		}
	}
	for _, name := range append([]string{tokenName(named.EOS)}, endTokens...) {
		if id, ok := tokens[name]; ok && !slices.Contains(g.EOS, id) {
			g.EOS = append(g.EOS, id)
		}
	}
	if id, ok := tokens[tokenName(named.BOS)]; ok {
		g.BOS = &id
	}
	return encodeJSON(g)
}

// addEndTokens adds the end tokens of the source's config.json to those of a generation_config.json.
func addEndTokens(generation []byte, src *source) ([]byte, error) {
	theirs, err := tokenizer.EndTokens(families.Plain(src.config))
	if err != nil || len(theirs) == 0 {
		return generation, nil // a config that is none is refused elsewhere
	}
	ids, err := tokenizer.EndTokens(generation)
	if err != nil {
		return nil, fmt.Errorf("generation_config.json: %w", err)
	}
	before := len(ids)
	for _, id := range theirs {
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	if len(ids) == before {
		return generation, nil
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(generation, &fields); err != nil {
		return nil, fmt.Errorf("generation_config.json: %w", err)
	}
	if fields["eos_token_id"], err = json.Marshal(ids); err != nil {
		return nil, err
	}
	return encodeJSON(fields)
}

// tokenName reads a special token, spelt as a string or as an object.
func tokenName(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	var object struct {
		Content string `json:"content"`
	}
	if json.Unmarshal(raw, &object) != nil {
		return ""
	}
	return object.Content
}

func encodeJSON(v any) ([]byte, error) {
	data, err := json.MarshalIndent(v, "", "  ")
	return append(data, '\n'), err
}

// card is a model card that says what is known, and that the rest is not.
func card(o Options, c *config.Config, report *Report) string {
	kinds := map[string]int{}
	for _, kind := range c.LayerTypes {
		kinds[kind]++
	}
	var layers []string
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		layers = append(layers, fmt.Sprintf("%d %s", kinds[kind], strings.ReplaceAll(kind, "_", " ")))
	}
	stored := fmt.Sprintf("%d-bit floats", o.Bits)
	if c.Quantization != nil {
		stored = fmt.Sprintf("%d bits in groups of %d (MLX's affine convention)", o.Bits, o.Group)
		if o.Bits == 4 {
			stored += "; embeddings, x_proj and dt_proj have 8"
		}
	}
	return fmt.Sprintf(`---
library_name: samba
pipeline_tag: text-generation
---
# %s

A Samba language model of %d parameters (%s layers; width %d, vocabulary %d),
stored in %s.

Converted from %s by samba convert. Neither the licence, the training data nor the
quality of the model is known to the converter: ask the people who gave you the checkpoint,
and write it here.
`, filepath.Base(filepath.Clean(o.To)), report.Parameters, strings.Join(layers, ", "), c.HiddenSize, c.VocabSize, stored, filepath.Base(o.From))
}
