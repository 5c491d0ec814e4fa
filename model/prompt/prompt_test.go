package prompt

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// What Jinja itself makes of the same templates; testdata/generate.py asked it.
func TestGolden(t *testing.T) {
	data, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Now   time.Time
		Cases []struct {
			Name, Template, Text, Error string
			Messages                    []Message
			Add                         bool `json:"add_generation_prompt"`
		}
	}
	if err := json.Unmarshal(data, &golden); err != nil {
		t.Fatal(err)
	}
	if len(golden.Cases) < 100 {
		t.Fatalf("%d cases, want at least 100", len(golden.Cases))
	}
	for i, c := range golden.Cases {
		template, err := Parse(c.Template)
		if err != nil {
			t.Errorf("%s: %v", c.Name, err)
			continue
		}
		template.bos, template.eos = "<s>", "</s>"
		template.now = func() time.Time { return golden.Now }
		got, err := template.Render(c.Messages, c.Add)
		if c.Error != "" {
			if err == nil || !strings.Contains(err.Error(), c.Error) {
				t.Errorf("case %d, %s: error %v, want %q", i, c.Name, err, c.Error)
			}
			continue
		}
		if err != nil {
			t.Errorf("case %d, %s: %v", i, c.Name, err)
			continue
		}
		if diff := cmp.Diff(c.Text, got); diff != "" {
			t.Errorf("case %d, %s: (-jinja +ours)\n%s", i, c.Name, diff)
		}
	}
}

func TestConfig(t *testing.T) {
	for _, test := range []struct{ config, want string }{
		{`{"chat_template": "{{ bos_token }}{{ messages[0].content }}{{ eos_token }}", "bos_token": {"content": "<b>"}, "eos_token": "<e>"}`, "<b>hi<e>"},
		{`{"chat_template": [{"name": "tools", "template": "no"}, {"name": "default", "template": "yes"}], "bos_token": null}`, "yes"},
	} {
		template, err := ParseConfig([]byte(test.config))
		if err != nil {
			t.Fatal(err)
		}
		got, err := template.Render([]Message{{Role: "user", Content: "hi"}}, false)
		if err != nil || got != test.want {
			t.Errorf("got %q, %v, want %q", got, err, test.want)
		}
	}
	if template, err := ParseConfig([]byte(`{}`)); template != nil || err != nil {
		t.Errorf("without a template: got %v, %v, want none", template, err)
	}
}

// Whatever is wrong with a template, or with what it does, is one sentence.
func TestHostile(t *testing.T) {
	for source, want := range map[string]string{
		"{% for x in y %}":         "for never ends",
		"{{ 1 ":                    "tag never ends",
		"{{ 'a }}":                 "string never ends",
		"{# a":                     "comment never ends",
		"\n\n{% include 'x' %}":    "line 3: the tag \"include\" is not supported",
		"{{ x | frobnicate }}":     "the filter frobnicate is not supported",
		"{{ 'x'.__class__ }}":      "the string method __class__ is not supported",
		"{{ nothing.at.all }}":     "nothing is undefined",
		"{{ messages() }}":         "a list cannot be called",
		"{{ 1 + 'a' }}":            "+ does not go between a number and a string",
		"{{ 1 // 0 }}":             "division by zero",
		"{% set messages.x = 1 %}": "want a namespace",
		"{% for a in range(99999999) %}{% endfor %}":                                                                     "steps",
		"{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}":                                   "steps",
		"{{ 'x' * 999999999999 }}":                                                                                       "bytes of text",
		"{% set ns = namespace(s='xxxxxxxx') %}{% for a in range(99) %}{% set ns.s = ns.s + ns.s %}{% endfor %}":         "bytes of text",
		"{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}":                                                                "nests deeper",
		"{% set s = 'x' * 60000000 %}{% for i in range(100) %}{% set y = s | upper %}{% endfor %}":                       "goes through more",
		"{% set s = 'x' * 60000000 %}{% for i in range(100) %}{% if 'y' in s %}{% endif %}{% endfor %}":                  "goes through more",
		"{% set s = 'x' * 60000000 %}{% set z = s.split('x') %}":                                                         "goes through more",
		"{% set s = 'x' * 60000000 %}{{ s[::-1] }}":                                                                      "goes through more",
		"{% set s = 'x' * 60000000 %}{{ s | list | length }}":                                                            "goes through more",
		"{% set n = namespace(l=[1]) %}{% for i in range(60) %}{% set n.l = [n.l, n.l] %}{% endfor %}{{ n.l }}":          "goes through more",
		"{% set n = namespace(l=[1]) %}{% for i in range(60) %}{% set n.l = [n.l, n.l] %}{% endfor %}{{ n.l == n.l }}":   "goes through more",
		"{% set n = namespace(l=[1]) %}{% for i in range(60) %}{% set n.l = [n.l, n.l] %}{% endfor %}{{ n.l | tojson }}": "goes through more",
		"{% set n = namespace(l=[1]) %}{% for i in range(99999) %}{% set n.l = [n.l] %}{% endfor %}{{ n.l | tojson }}":   "goes through more",
		"{% set n = namespace(l=[1]) %}{% for i in range(99999) %}{% set n.l = [n.l] %}{% endfor %}{{ 1 in [n.l] }}":     "goes through more",
		strings.Repeat("(", 5000):                  "", // plain text
		"{{ " + strings.Repeat("(", 5000) + " }}":  "nested deeper",
		"{{ " + strings.Repeat("[", 5000) + " }}":  "nested deeper",
		"{{ " + strings.Repeat("-", 5000) + "1 }}": "nested deeper",
		strings.Repeat("{% if true %}", 5000):      "nested deeper",
		strings.Repeat("x", maxSource+1):           "bytes, want at most",
	} {
		template, err := Parse(source)
		if err == nil {
			_, err = template.Render([]Message{{Role: "user", Content: "hi"}}, true)
		}
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n")) {
			t.Errorf("%.60q: error %v, want one sentence with %q", source, err, want)
		}
	}
}

func FuzzTemplate(f *testing.F) {
	for _, seed := range []string{"{% for m in messages %}{{ m.content | trim }}{% endfor %}", "{%- set x = 1 -%}{{ x ~ 'a'[::-1] }}", "{# #}{% macro f(a=1) %}{{ a }}{% endmacro %}{{ f() }}"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, source string) {
		template, err := Parse(source)
		if err == nil {
			_, err = template.Render([]Message{{Role: "user", Content: "hi"}}, true)
		}
		if err != nil && strings.Contains(err.Error(), "\n") {
			t.Errorf("want one line, got %q", err)
		}
	})
}
