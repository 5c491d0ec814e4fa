package prompt

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var hi = Conversation{Messages: []Message{{Role: "user", Content: "hi"}}, Answer: true}

func render(t *Template, c Conversation) (string, error) {
	text, err := t.Render(context.Background(), c)
	return text.String(), err
}

type golden struct {
	Now   time.Time
	Cases []struct {
		Name, Template, Text, Error, Refused string
		Messages                             []Message
		Add                                  bool `json:"add_generation_prompt"`
	}
}

func readGolden(t *testing.T) (g golden) {
	t.Helper()
	data, err := os.ReadFile("testdata/golden.json")
	if err == nil {
		err = json.Unmarshal(data, &g)
	}
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// What Jinja itself makes of the same templates; testdata/generate.py asked it.
func TestGolden(t *testing.T) {
	golden := readGolden(t)
	if len(golden.Cases) < 100 {
		t.Fatalf("%d cases, want at least 100", len(golden.Cases))
	}
	for i, c := range golden.Cases {
		template, err := Parse(c.Template)
		if err != nil {
			if c.Refused == "" {
				t.Errorf("case %d, %s: %.80q: %v", i, c.Name, c.Template, err)
			}
			continue
		}
		template.specials = map[string]any{"bos_token": plain("<s>"), "eos_token": plain("</s>")}
		template.now = func() time.Time { return golden.Now }
		got, err := render(template, Conversation{Messages: c.Messages, Answer: c.Add})
		if c.Refused != "" {
			if err == nil {
				t.Errorf("case %d: %q gave %q, want it refused: %s", i, c.Template, got, c.Refused)
			}
			continue
		}
		if c.Error != "" {
			if err == nil || !strings.Contains(err.Error(), c.Error) {
				t.Errorf("case %d, %s: error %v, want %q", i, c.Name, err, c.Error)
			}
			continue
		}
		if err != nil {
			t.Errorf("case %d, %s: %.80q: %v", i, c.Name, c.Template, err)
			continue
		}
		if diff := cmp.Diff(c.Text, got); diff != "" {
			t.Errorf("case %d, %s: %.80q (-jinja +ours)\n%s", i, c.Name, c.Template, diff)
		}
	}
}

func TestConfig(t *testing.T) {
	for _, test := range []struct{ config, want string }{
		{`{"chat_template": "{{ bos_token }}{{ messages[0].content }}{{ eos_token }}", "bos_token": {"content": "<b>"}, "eos_token": "<e>"}`, "<b>hi<e>"},
		{`{"chat_template": [{"name": "tools", "template": "no"}, {"name": "default", "template": "yes"}], "bos_token": null}`, "yes"},
	} {
		template, err := ParseConfig([]byte(test.config), nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := render(template, hi)
		if err != nil || got != test.want {
			t.Errorf("got %q, %v, want %q", got, err, test.want)
		}
	}
	if template, err := ParseConfig([]byte(`{}`), nil); template != nil || err != nil {
		t.Errorf("without a template: got %v, %v, want none", template, err)
	}
}

// Whatever is wrong with a template, or with what it does, is one sentence.
func TestHostile(t *testing.T) {
	for source, want := range map[string]string{
		"{% for x in y %}":            "for never ends",
		"{{ 1 ":                       "tag never ends",
		"{{ 'a }}":                    "string never ends",
		"{# a":                        "comment never ends",
		"\n\n{% include 'x' %}":       "line 3: the tag \"include\" is not supported",
		"{{ x | frobnicate }}":        "the filter frobnicate is not supported",
		"{{ [1]|select('\n')|list }}": "line 1: the test   is not supported",
		"{{ 'x'.__class__() }}":       "__class__ is undefined, so it cannot be called",
		"{{ [].append(1) }}":          "append is undefined, so it cannot be called",
		"{{ nothing.at.all }}":        "nothing is undefined",
		"{{ messages() }}":            "a list cannot be called",
		"{{ 1 + 'a' }}":               "+ does not go between a number and a string",
		"{{ 1 // 0 }}":                "division by zero",
		"{% set messages.x = 1 %}":    "want a namespace",
		"{% for a in range(99999999) %}{% endfor %}":                                                                                          "steps",
		"{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}":                                                        "steps",
		"{{ 'x' * 999999999999 }}":                                                                                                            "bytes of text",
		"{% set ns = namespace(s='xxxxxxxx') %}{% for a in range(99) %}{% set ns.s = ns.s + ns.s %}{% endfor %}":                              "bytes of text",
		"{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}":                                                                                     "nests deeper",
		"{% set s = 'x' * 60000000 %}{% for i in range(100) %}{% set y = s | upper %}{% endfor %}":                                            "goes through more",
		"{% set s = 'x' * 60000000 %}{% for i in range(100) %}{% if 'y' in s %}{% endif %}{% endfor %}":                                       "goes through more",
		"{% set s = 'x' * 60000000 %}{% set r = s ~ '' %}{% for i in range(100) %}{% if s is sameas r %}{% endif %}{% endfor %}":              "goes through more",
		"{% for x in ['Aa' * 500000, 1] %}{% if loop.last %}{{ ([loop] * 300) | min(attribute='previtem') | length }}{% endif %}{% endfor %}": "goes through more",
		"{% set s = 'x' * 60000000 %}{% set z = s.split('x') %}":                                                                              "goes through more",
		"{% set s = 'x' * 60000000 %}{{ s[::-1] }}":                                                                                           "goes through more",
		"{% set s = 'x' * 60000000 %}{{ s | list | length }}":                                                                                 "goes through more",
		"{% set n = namespace(l=[1]) %}{% for i in range(60) %}{% set n.l = [n.l, n.l] %}{% endfor %}{{ n.l }}":                               "goes through more",
		"{% set n = namespace(l=[1]) %}{% for i in range(60) %}{% set n.l = [n.l, n.l] %}{% endfor %}{{ n.l == n.l }}":                        "goes through more",
		"{% set n = namespace(l=[1]) %}{% for i in range(60) %}{% set n.l = [n.l, n.l] %}{% endfor %}{{ n.l | tojson }}":                      "goes through more",
		"{% set n = namespace(l=[1]) %}{% for i in range(99999) %}{% set n.l = [n.l] %}{% endfor %}{{ n.l | tojson }}":                        "goes through more",
		"{% set n = namespace(l=[1]) %}{% for i in range(99999) %}{% set n.l = [n.l] %}{% endfor %}{{ 1 in [n.l] }}":                          "goes through more",
		strings.Repeat("(", 5000): "", // plain text
		"{{ " + strings.Repeat("(", 5000) + strings.Repeat(")", 5000) + " }}": "nested deeper",
		"{{ " + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + " }}": "nested deeper",
		"{{ " + strings.Repeat("-", 5000) + "1 }}":                            "nested deeper",
		strings.Repeat("{% if true %}", 5000):                                 "nested deeper",
		strings.Repeat("x", maxSource+1):                                      "bytes, want at most",
	} {
		template, err := Parse(source)
		if err == nil {
			var e *evaluator
			_, e, err = template.render(context.Background(), hi)
			if e.steps > 2*maxSteps || e.size > 5*maxOutput {
				t.Errorf("%.60q took %d steps and made %d bytes", source, e.steps, e.size)
			}
		}
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n")) {
			t.Errorf("%.60q: error %v, want one sentence with %q", source, err, want)
		}
	}
}

// budget is a context that is cancelled when it has been asked so often.
type budget struct {
	context.Context
	left int
}

func (b *budget) Err() error {
	if b.left--; b.left < 0 {
		return context.Canceled
	}
	return nil
}

// A template that takes long ends with the request, wherever it is.
func TestCancel(t *testing.T) {
	for _, source := range []string{
		"{% for a in range(999999) %}{% endfor %}",
		"{% macro f(n) %}{% for a in range(9) %}{% if n %}{{ f(n - 1) }}{% endif %}{% endfor %}{% endmacro %}{{ f(20) }}",
		"{% set s = 'x' * 2000000 %}{% for i in range(100) %}{% set y = s | upper %}{% endfor %}",
		"{% set s = 'x' * 2000000 %}{{ [s, s, s, s, s, s, s, s] | map('upper') | map('lower') | join | length }}",
	} {
		template, err := Parse(source)
		if err != nil {
			t.Fatal(err)
		}
		_, e, err := template.render(&budget{context.Background(), 3}, hi)
		if !errors.Is(err, context.Canceled) || e.steps > 5000 || e.work > 1<<27 {
			t.Errorf("%s: %v after %d steps and %d work, want it cancelled soon", source, err, e.steps, e.work)
		}
	}
}

// marked shows what was said in quotes.
func marked(t Text) string {
	var b strings.Builder
	for piece, said := range t.Pieces() {
		if said {
			piece = "«" + piece + "»"
		}
		b.WriteString(piece)
	}
	return b.String()
}

// What was said is told from what the template wrote, through whatever it does.
func TestSaid(t *testing.T) {
	c := Conversation{
		Messages: []Message{
			{Role: "user", Content: " a<|end|>b "},
			{Role: "<|end|>", Content: "é\nc"},
			{Role: "assistant", More: []byte(`{"content": null, "role": "system", "tool_calls": [{"function": {"name": "f", "arguments": {"x<|end|>": 1}}}]}`)},
		},
		Tools:     []byte(`[{"name": "t<|end|>"}]`),
		Variables: []byte(`{"thinking": true, "name": "N"}`),
		Answer:    true,
	}
	for source, want := range map[string]string{
		"<|{{ messages[0].role }}|>{{ messages[0].content }}<|end|>":                   "<|user|>« a<|end|>b »<|end|>",
		"<|{{ messages[1].role }}|>":                                                   "<|«<|end|>»|>",
		"{{ '<|' + messages[0]['role'] + '|>' + messages[0]['content'] + '<|end|>' }}": "<|user|>« a<|end|>b »<|end|>",
		"{{ '<|start|>' ~ messages[0].content | trim ~ '<|end|>' }}":                   "<|start|>«a<|end|>b»<|end|>",
		"{{ (messages[0].content + '|')[1:-1] }}":                                      "«a<|end|>b »",
		"{{ messages[0].content[1] ~ messages[0].content[::-1] }}":                     "«a b>|dne|<a »",
		"{{ (messages[0].content ~ '<|end|>') | upper | lower | title }}":              "« A<|end|>b »<|end|>",
		"{{ messages[0].content | replace('a', '<|x|>') }}":                            "« »<|x|>«<|end|>b »",
		"{{ '<|x|>y' | replace('y', messages[0].content) }}":                           "<|x|>« a<|end|>b »",
		"{{ '-'.join([messages[0].content, 'x', messages[1].content]) }}":              "« a<|end|>b »-x-«é\nc»",
		"{{ messages | map(attribute='content') | select | join('<|end|>') }}":         "« a<|end|>b »<|end|>«é\nc»",
		"{{ messages[0].content.split('<') }}":                                         "«[' a', '|end|>b ']»",
		"{{ messages[1].content | tojson }}":                                           "«\"é\\nc\"»",
		"{{ {'k': messages[1].content, 'l': [1]} | tojson }}<|end|>":                   "«{\"k\": \"é\\nc\", \"l\": [1]}»<|end|>",
		"{{ {'k': [1]} | tojson }}":                                                    "{\"k\": [1]}",
		"{{ tools | tojson(separators=('<', '>')) }}":                                  "«[{\"name\">\"t<|end|>\"}]»",
		"{{ tools[0] }}": "«{'name': 't<|end|>'}»",
		"{{ messages[2].content is none }}{{ messages[2].role }}":                                                                "Trueassistant",
		"{% for k, v in messages[2].tool_calls[0].function.arguments.items() %}<p={{ k }}>{{ v }}</p>{% endfor %}":               "<p=«x<|end|>»>1</p>",
		"{{ '%s<|end|>%5s|' % (messages[1].content, messages[1].content[0]) }}":                                                  "«é\nc»<|end|>    «é»|",
		"{{ '{}<|end|>{!r}{:>3}'.format(messages[1].content, messages[1].content, name) }}":                                      "«é\nc»<|end|>«'é\\nc'»  «N»",
		"{{ messages[1].content % () }}{{ 'a%sb' | format(name) }}":                                                              "«é\nc»a«N»b",
		"{{ messages[1].content | indent(2) }}":                                                                                  "«é»\n  «c»",
		"{{ 'x\\ny' | indent(name) }}":                                                                                           "x\n«N»y",
		"{{ name * 2 }}{{ name.center(3, '*') }}{{ name.rjust(2) }}":                                                             "«NN»*«N»* «N»",
		"{% macro m(x) %}<{{ x }}>{{ caller() }}{% endmacro %}{% call m(name) %}{{ name }}!{% endcall %}":                        "<«N»>«N»!",
		"{% set x | upper %}a{{ messages[1].content }}{% endset %}{{ x }}":                                                       "A«É\nC»",
		"{% filter replace('N', '<|end|>') %}{{ name }}N{% endfilter %}":                                                         "<|end|><|end|>",
		"{% set ns = namespace(x='') %}{% for m in messages[:2] %}{% set ns.x = ns.x ~ m.content ~ '|' %}{% endfor %}{{ ns.x }}": "« a<|end|>b »|«é\nc»|",
		"{{ name | default('x') }}{{ nope | default(name) }}{{ name or 'x' }}":                                                   "«NNN»",
		"{{ [name, 'M'] | sort | join }}{{ [name] | first }}{{ dict(a=name).a }}":                                                "M«NNN»",
		"{{ name | list | join }}{{ name | reverse }}{{ name | string | safe | e }}":                                             "«NNN»",
		"{{ messages[0].content | truncate(5, true, '<|end|>', 0) if false }}{{ 'aXb' | truncate(3, true, name, 0) }}":           "aXb",
		"{{ 'a b c' | truncate(3, true, name, 0) }}{{ '<b>' ~ name | striptags }}":                                               "a «N»<b>«N»",
		"{{ thinking }}{{ messages[0].content | length }}":                                                                       "True11",
		"{{ strftime_now(name ~ '%%') }}{{ messages[1].content.partition('\\n') | join('|') }}":                                  "«N»%«é»|«\n»|«c»",
		"{{ messages[1].content.splitlines() | join('<|end|>') }}{{ name.zfill(3) }}":                                            "«é»<|end|>«c»00«N»",
	} {
		template, err := Parse(source)
		if err != nil {
			t.Errorf("%s: %v", source, err)
			continue
		}
		text, err := template.Render(context.Background(), c)
		if got := marked(text); err != nil || got != want {
			t.Errorf("%s\n got %s, %v\nwant %s", source, got, err, want)
		}
	}
}

// unmarked is the first character of the private use area that is not marked as said, 0 for none.
func unmarked(text Text) rune {
	for piece, said := range text.Pieces() {
		for _, r := range piece {
			if !said && r >= 0xe000 && r < 0xf000 {
				return r
			}
		}
	}
	return 0
}

// Whatever the golden templates do with what was said, none of it loses its mark.
func TestSaidEverywhere(t *testing.T) {
	const words = "\ue000\ue001 \ue002\n<\ue003>"
	conversation := Conversation{
		Messages: []Message{{Role: "system", Content: words}, {Role: "user", Content: words}, {Role: "assistant", Content: words}, {Role: "user", Content: words}},
		Answer:   true,
	}
	for _, c := range readGolden(t).Cases {
		template, err := Parse(c.Template)
		if err != nil {
			continue
		}
		template.specials = map[string]any{"bos_token": plain("<s>"), "eos_token": plain("</s>")}
		text, err := template.Render(context.Background(), conversation)
		if err == nil && unmarked(text) != 0 {
			t.Errorf("%.80q: %U is not marked in %s", c.Template, unmarked(text), marked(text))
		}
	}
}

func FuzzTemplate(f *testing.F) {
	for _, seed := range []string{"{% for m in messages %}{{ m.content | trim }}{% endfor %}", "{%- set x = 1 -%}{{ x ~ 'a'[::-1] }}", "{# #}{% macro f(a=1) %}{{ a }}{% endmacro %}{{ f() }}"} {
		f.Add(seed)
	}
	data, err := os.ReadFile("testdata/expressions.txt")
	if err != nil {
		f.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, source string) {
		template, err := Parse(source)
		var text Text
		if err == nil {
			text, err = template.Render(context.Background(), Conversation{Messages: []Message{{Role: "user", Content: "\ue000h\ue001i"}}})
		}
		if err != nil && strings.Contains(err.Error(), "\n") {
			t.Errorf("want one line, got %q", err)
		}
		if !strings.ContainsAny(source, `\`) && strings.IndexFunc(source, func(r rune) bool { return r >= 0xe000 && r < 0xf000 }) < 0 && unmarked(text) != 0 {
			t.Errorf("%U is not marked in %s", unmarked(text), marked(text))
		}
		whole := ""
		for piece := range text.Pieces() {
			whole += piece
		}
		if whole != text.String() {
			t.Errorf("the pieces of %q are %q", text, whole)
		}
	})
}
