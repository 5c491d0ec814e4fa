package prompt

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What Jinja makes of the families' templates, with tools, documents, calls and
// thoughts; testdata/families.py asked it.
func TestFamilies(t *testing.T) {
	var golden struct {
		Templates map[string]string
		Cases     []struct {
			Name, Text, Refused         string
			Messages                    []map[string]json.RawMessage
			Tools, Documents, Variables json.RawMessage
			Add                         bool `json:"add_generation_prompt"`
		}
	}
	data, err := os.ReadFile("testdata/families.json")
	if err == nil {
		err = json.Unmarshal(data, &golden)
	}
	if err != nil || len(golden.Cases) < 100 {
		t.Fatalf("%d cases, %v", len(golden.Cases), err)
	}
	templates := map[string]*Template{}
	for name, source := range golden.Templates {
		if templates[name], err = Parse(source); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		templates[name].specials = map[string]any{"bos_token": plain("<s>"), "eos_token": plain("</s>")}
	}
	for i, c := range golden.Cases {
		conversation := Conversation{Tools: c.Tools, Documents: c.Documents, Variables: c.Variables, Answer: c.Add}
		for _, fields := range c.Messages {
			var m Message
			json.Unmarshal(fields["role"], &m.Role) // the generator wrote texts
			delete(fields, "role")
			if json.Unmarshal(fields["content"], &m.Content) == nil && string(fields["content"]) != "null" {
				delete(fields, "content")
			}
			if m.More, err = json.Marshal(fields); err != nil {
				t.Fatal(err)
			}
			conversation.Messages = append(conversation.Messages, m)
		}
		got, err := render(templates[c.Name], conversation)
		if c.Refused != "" {
			if err == nil {
				t.Errorf("case %d, %s: gave %q, want it refused: %s", i, c.Name, got, c.Refused)
			}
			continue
		}
		if err != nil {
			t.Errorf("case %d, %s: %v", i, c.Name, err)
		} else if diff := cmp.Diff(c.Text, got); diff != "" {
			t.Errorf("case %d, %s (-jinja +ours)\n%s", i, c.Name, diff)
		}
	}
}
