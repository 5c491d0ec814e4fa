// Package talking makes the fixtures' models talk, for tests: they have weights
// alone, and get a tokenizer of bytes and a chat template.
package talking

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"

	"github.com/samba-web/samba/model/folder"
)

// Source is a model folder that talks.
func Source(folder folder.Source) folder.Source { return source{folder, files()} }

// The control tokens of a folder made by ChatML, in the place of bytes 1 and 2.
const (
	Start, StartID = "<|im_start|>", 1
	End, EndID     = "<|im_end|>", 2
)

// ChatML is a model folder that talks, whose chat template writes control tokens.
func ChatML(folder folder.Source) folder.Source {
	template, err := json.Marshal("{% for m in messages %}{{ '" + Start + "' + m.role + '\n' + m.content + '" + End + "\n' }}{% endfor %}{% if add_generation_prompt %}{{ '" + Start + "assistant\n' }}{% endif %}")
	if err != nil {
		panic(err)
	}
	return source{folder, map[string][]byte{
		"tokenizer.json":        tokenizer(Start, End),
		"tokenizer_config.json": []byte(`{"chat_template": ` + string(template) + `}`),
	}}
}

// Middle is a model folder that talks, whose tokenizer has the control tokens of Granite 4 to fill a gap by.
func Middle(folder folder.Source) folder.Source {
	return source{folder, map[string][]byte{
		"tokenizer.json": tokenizer("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"), "tokenizer_config.json": []byte(`{}`),
	}}
}

// Tools is a model folder that talks, whose chat template knows tools and thoughts, as
// Hermes' does. ToolsTemplate is its template; it begins a thought if enable_thinking says so.
func Tools(folder folder.Source) folder.Source {
	template, err := json.Marshal(ToolsTemplate)
	if err != nil {
		panic(err)
	}
	return source{folder, map[string][]byte{
		"tokenizer.json":        tokenizer(),
		"tokenizer_config.json": []byte(`{"chat_template": ` + string(template) + `}`),
	}}
}

// ToolsTemplate is the chat template of Tools. A thought is left out of the turns after it.
const ToolsTemplate = `{% for t in tools or [] %}{{ 'tool ' + t.function.name + '\n' }}{% endfor %}` +
	`{% for m in messages %}{{ m.role + ': ' + m.content }}{% for c in m.tool_calls or [] %}<tool_call>{{ c.function | tojson }}</tool_call>{% endfor %}{{ '\n' }}{% endfor %}` +
	`{% if add_generation_prompt %}{{ 'bot: ' }}{% if enable_thinking %}<think>{% endif %}{% endif %}`

type source struct {
	folder.Source
	files map[string][]byte
}

func (s source) ReadFile(ctx context.Context, name string) ([]byte, error) {
	if text := s.files[name]; text != nil {
		return text, nil
	}
	return s.Source.ReadFile(ctx, name)
}

// Write copies a model folder to another one, where it talks.
func Write(from, to string) error {
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		return err
	}
	for name, text := range files() {
		if err := os.WriteFile(filepath.Join(to, name), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func files() map[string][]byte {
	return map[string][]byte{
		"tokenizer.json":        tokenizer(),
		"tokenizer_config.json": []byte(`{"chat_template": "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}{% if add_generation_prompt %}bot: {% endif %}"}`),
	}
}

// tokenizer has a token for each of the first bytes that the fixture's vocabulary
// has room for, and control tokens in the place of those from 1 on.
func tokenizer(controls ...string) []byte {
	vocab := map[string]int{}
	for b := range 128 {
		char := rune(b)
		if b < 33 || b > 126 { // GPT-2's printable stand-ins for bytes
			char = rune(256 + b)
			if b > 126 {
				char = rune(256 + 33 + b - 127)
			}
		}
		vocab[string(char)] = b
	}
	added := []any{}
	for i, token := range controls {
		delete(vocab, string(rune(256+i+1)))
		added = append(added, map[string]any{"id": i + 1, "content": token, "special": true})
	}
	data, err := json.Marshal(map[string]any{
		"added_tokens":  added,
		"pre_tokenizer": map[string]any{"type": "ByteLevel", "add_prefix_space": false, "use_regex": true},
		"decoder":       map[string]any{"type": "ByteLevel"},
		"model":         map[string]any{"type": "BPE", "vocab": vocab, "merges": []string{}},
	})
	if err != nil {
		panic(err)
	}
	return data
}
