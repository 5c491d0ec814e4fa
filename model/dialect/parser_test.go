package dialect

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var (
	hermes  = Of("{{ tools }}<tool_call>", none)
	jamba   = Of("{{ tools }}<tool_calls>", none)
	liquid  = Of("{{ tools }}<|tool_call_start|>", none)
	phi     = Of("{{ message['tools'] }}<|tool|>", none)
	granite = Of("{{ tools }}<|tool_call|>", none)
)

// none has no control tokens.
func none(string) bool { return false }

func known(name string) bool { return name == "weather" || name == "add" || name == "get-time" }

// Each family's calls, and what is no call.
var cases = []struct {
	name    string
	dialect Dialect
	within  bool
	text    string
	want    Piece
}{
	{"text", hermes, false, " Hello <b>you</b>.\n ", Piece{Content: " Hello <b>you</b>.\n "}},
	{"nothing", hermes, false, "", Piece{}},
	{"a thought", hermes, false, "\n<think>\nTwo and two.\n</think>\n\nFour.\n", Piece{Reasoning: "\nTwo and two.\n", Content: "Four.\n"}},
	{"a thought that the prompt began", jamba, true, "Hm <think> </thin </think>Yes", Piece{Reasoning: "Hm <think> </thin ", Content: "Yes"}},
	{"a thought without an end", hermes, true, "and then </thi", Piece{Reasoning: "and then </thi"}},
	{"a thought in mid-text is text", hermes, false, "So <think>a</think> b", Piece{Content: "So <think>a</think> b"}},
	{"hermes", hermes, false, "<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Bonn\"}}\n</tool_call>", Piece{Calls: []Call{{"weather", `{"city":"Bonn"}`}}}},
	{"hermes, text and two", hermes, false, "Let me see.\n\n<tool_call>{\"name\":\"add\",\"arguments\":{\"a\":1}}</tool_call>\n<tool_call>\n{\"name\": \"weather\"}\n</tool_call>\n", Piece{Content: "Let me see.", Calls: []Call{{"add", `{"a":1}`}, {"weather", `{}`}}}},
	{"a mark within a string", hermes, false, `<tool_call>{"name":"add","arguments":{"a":"\"</tool_call>"}}</tool_call>`, Piece{Calls: []Call{{"add", `{"a":"\"</tool_call>"}`}}}},
	{"arguments as a string", hermes, false, `<tool_call>{"name":"add","arguments":"{\"a\": 1}"}</tool_call>`, Piece{Calls: []Call{{"add", `{"a":1}`}}}},
	{"an unknown tool", hermes, false, ` <tool_call>{"name":"rm","arguments":{}}</tool_call>`, Piece{Content: ` <tool_call>{"name":"rm","arguments":{}}</tool_call>`}},
	{"no JSON", hermes, false, "<tool_call>weather</tool_call> so", Piece{Content: "<tool_call>weather</tool_call> so"}},
	{"a call without an end", hermes, false, "Well <tool_call>{\"name\": \"add\", \"argu</tool", Piece{Content: "Well <tool_call>{\"name\": \"add\", \"argu</tool"}},
	{"a whole call that the end left open", hermes, false, `<tool_call>{"name":"add","arguments":{"a":1}}`, Piece{Calls: []Call{{"add", `{"a":1}`}}}},
	{"jamba", jamba, true, "I need both.</think>\n<tool_calls>[\n{\"name\": \"add\", \"arguments\": {\"a\": [1, {}]}},\n{\"name\": \"get-time\", \"arguments\": {}}\n]</tool_calls>", Piece{Reasoning: "I need both.", Calls: []Call{{"add", `{"a":[1,{}]}`}, {"get-time", `{}`}}}},
	{"granite 3 has no closing mark", granite, false, `<|tool_call|>[{"name": "add", "arguments": {"a": "]"}}] Done.`, Piece{Content: "Done.", Calls: []Call{{"add", `{"a":"]"}`}}}},
	{"phi", phi, false, `<|tool_call|>[{"name": "add", "parameters": {"a": 1}}]<|/tool_call|>`, Piece{Calls: []Call{{"add", `{"a":1}`}}}},
	{"lfm2", liquid, false, `<|tool_call_start|>[weather(city="Bonn", days=3, metric=True), add(a=-1.5, b=None)]<|tool_call_end|>Checking.`, Piece{Content: "Checking.", Calls: []Call{{"weather", `{"city":"Bonn","days":3,"metric":true}`}, {"add", `{"a":-1.5,"b":null}`}}}},
	{"lfm2, nested", liquid, false, `<|tool_call_start|>[add(a=[1, 'it\'s ])', {"k": (1, 2,)},], b="<|tool_call_end|> \u00e9\ud83d\ude00\q")]<|tool_call_end|>`, Piece{Calls: []Call{{"add", `{"a":[1,"it's ])",{"k":[1,2]}],"b":"<|tool_call_end|> é😀\\q"}`}}}},
	{"lfm2 in JSON", liquid, false, `<|tool_call_start|>[{"name": "add", "arguments": {"a": 1}}]<|tool_call_end|>`, Piece{Calls: []Call{{"add", `{"a":1}`}}}},
	{"lfm2, one without a list", liquid, false, `<|tool_call_start|>add()<|tool_call_end|>`, Piece{Calls: []Call{{"add", `{}`}}}},
	{"lfm2, positional", liquid, false, `<|tool_call_start|>[add(1)]<|tool_call_end|>`, Piece{Content: `<|tool_call_start|>[add(1)]<|tool_call_end|>`}},
	{"lfm2, code", liquid, false, `<|tool_call_start|>[add(a=__import__("os"))]<|tool_call_end|>`, Piece{Content: `<|tool_call_start|>[add(a=__import__("os"))]<|tool_call_end|>`}},
}

func plus(a, b Piece) Piece {
	return Piece{a.Reasoning + b.Reasoning, a.Content + b.Content, append(a.Calls, b.Calls...)}
}

func parse(d Dialect, within bool, pieces ...string) (out Piece) {
	p := d.Parser(within, known)
	for _, text := range pieces {
		out = plus(out, p.Push(text))
	}
	return plus(out, p.Flush())
}

func TestParser(t *testing.T) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, parse(c.dialect, c.within, c.text)); diff != "" {
				t.Error("whole", diff)
			}
			for i := range len(c.text) + 1 {
				if diff := cmp.Diff(c.want, parse(c.dialect, c.within, c.text[:i], c.text[i:])); diff != "" {
					t.Errorf("split at %d: %s", i, diff)
				}
			}
			if diff := cmp.Diff(c.want, parse(c.dialect, c.within, strings.Split(c.text, "")...)); diff != "" {
				t.Error("character by character", diff)
			}
		})
	}
}

// Where no tools are given, what looks like a call is text.
func TestWithoutTools(t *testing.T) {
	text := `<tool_call>{"name":"add","arguments":{}}</tool_call> `
	p := hermes.Parser(false, nil)
	got := plus(p.Push(text), p.Flush())
	if diff := cmp.Diff(Piece{Content: text}, got); diff != "" {
		t.Error(diff)
	}
}

// Bits of marks and calls in any order: however they are cut, the same comes out,
// calls have arguments that are objects, and nothing but white space and marks is lost.
func TestHostileText(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, d := range []Dialect{hermes, jamba, liquid, phi, granite} {
		bits := []string{ThinkOpen, ThinkClose, d.Open, d.Close, `{"name":"add","arguments":{`, `"a":1`, `}}`, `[`, `]`, `add(`, `a=`, `)`, `"`, `'`, `\`, ",", " ", "\n", "x", "\xff", d.Open[:3]}
		for range 3000 {
			var pieces []string
			for range r.IntN(14) {
				pieces = append(pieces, bits[r.IntN(len(bits))])
			}
			text, within := strings.Join(pieces, ""), r.IntN(2) == 0
			got := parse(d, within, pieces...)
			if diff := cmp.Diff(parse(d, within, text), got); diff != "" {
				t.Fatalf("%s, %q: %s", d.Family, text, diff)
			}
			for _, c := range got.Calls {
				var object map[string]any
				if err := json.Unmarshal([]byte(c.Arguments), &object); err != nil || object == nil {
					t.Fatalf("%s, %q: arguments %q: %v", d.Family, text, c.Arguments, err)
				}
			}
			if len(got.Calls) > 0 {
				continue
			}
			bare := func(text string) string {
				return strings.NewReplacer(" ", "", "\n", "", ThinkOpen, "", ThinkClose, "").Replace(text)
			}
			if kept := bare(got.Reasoning + got.Content); kept != bare(text) {
				t.Fatalf("%s, %q: kept %q", d.Family, text, got)
			}
		}
	}
}

// What grows without an end is handed out, or is content in the end.
func TestBounds(t *testing.T) {
	for _, text := range []string{" ", "[", "\"", "a", "<", "add(a="} {
		p := liquid.Parser(false, known)
		total := len(liquid.Open)
		got := p.Push(liquid.Open)
		for total < maxCall+1<<16 {
			piece := strings.Repeat(text, 1<<12)
			total += len(piece)
			got = plus(got, p.Push(piece))
		}
		if held := len(p.held) + p.body.Len(); held > 1<<17 {
			t.Errorf("%q: %d bytes are held", text, held)
		}
		if got = plus(got, p.Flush()); len(got.Content) != total && strings.Trim(text, space) != "" {
			t.Errorf("%q: %d bytes came out of %d", text, len(got.Content), total)
		}
	}
}

func FuzzParser(f *testing.F) {
	for _, c := range cases {
		f.Add(c.text, 3)
	}
	f.Fuzz(func(t *testing.T, text string, at int) {
		at = min(max(at, 0), len(text))
		for _, d := range []Dialect{hermes, jamba, liquid, phi, granite} {
			if diff := cmp.Diff(parse(d, false, text), parse(d, false, text[:at], text[at:])); diff != "" {
				t.Error(d.Family, diff)
			}
		}
	})
}

func TestOf(t *testing.T) {
	for template, want := range map[string]string{
		"{{ messages }}":                        "",
		"<tool_call> but no list of them":       "",
		"{% if tools %}<tool_call>":             "Hermes",
		"{% if tools %}<tool_calls>":            "Jamba",
		"{% if tools %}<|tool_call|>":           "Granite 3",
		"{% if message['tools'] %}<|tool|>":     "Phi",
		"{% if tools %}<tool_call>\n<function=": "",
		"{{ tools }}<|tool_list_start|>":        "LFM2",
		"{{ tools }}<|tool_call_start|>":        "LFM2",
	} {
		if got := Of(template, none); got.Family != want || got.Calls() != (want != "") {
			t.Errorf("%q is of %q, want %q", template, got.Family, want)
		}
	}
}
