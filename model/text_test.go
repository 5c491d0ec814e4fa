package model

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/samba-web/samba/model/prompt"
)

// The chat template stands in tokenizer_config.json or in a file of its own, and
// what ends a text in either config, as a number or a list.
func TestTextFiles(t *testing.T) {
	for name, c := range map[string]struct {
		files  map[string]string
		config any // eos_token_id of config.json
		text   string
		stops  []uint32
		err    string
	}{
		"in the config":    {files: map[string]string{"tokenizer_config.json": `{"chat_template": "a{{ messages[0].content }}"}`}, text: "ahi"},
		"a file":           {files: map[string]string{"chat_template.jinja": "b{{ messages[0].content }}{{ bos_token }}", "tokenizer_config.json": `{"bos_token": "<s>"}`}, text: "bhi<s>"},
		"a file alone":     {files: map[string]string{"chat_template.jinja": "c{{ messages[0].content }}"}, text: "chi"},
		"none":             {},
		"a list":           {config: []int{2, 5}, stops: []uint32{2, 5}},
		"both configs":     {config: 2, files: map[string]string{"generation_config.json": `{"eos_token_id": [5, 7]}`}, stops: []uint32{2, 5, 7}},
		"as Python writes": {files: map[string]string{"generation_config.json": `{"eos_token_id": 5, "max_time": Infinity}`}, stops: []uint32{5}},
		"no token":         {config: "x", err: "config.json: eos_token_id"},
		"a broken file":    {files: map[string]string{"chat_template.jinja": "{% for"}, err: "chat_template.jinja: chat template: line 1"},
	} {
		t.Run(name, func(t *testing.T) {
			f := randomModel(t, testRandom(t), samba(), 32)
			for name, text := range c.files {
				f[name] = []byte(text)
			}
			if c.config != nil {
				var fields map[string]any
				if err := json.Unmarshal(f["config.json"], &fields); err != nil {
					t.Fatal(err)
				}
				fields["eos_token_id"] = c.config
				f.setJSON(t, "config.json", fields)
			}
			m, err := Load(context.Background(), f, Options{})
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Fatalf("%v, want %q", err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := slices.Sorted(maps.Keys(m.stops)); !slices.Equal(got, c.stops) {
				t.Errorf("a text ends with %v, want %v", got, c.stops)
			}
			if c.text == "" {
				if m.Template() != nil {
					t.Error("there is a template")
				}
				return
			}
			text, err := m.Template().Render(context.Background(), prompt.Conversation{Messages: []prompt.Message{{Role: "user", Content: "hi"}}})
			if err != nil || text.String() != c.text {
				t.Errorf("%q, %v, want %q", text, err, c.text)
			}
		})
	}
}
