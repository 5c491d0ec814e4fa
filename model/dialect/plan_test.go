package dialect

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/samba-web/samba/model/grammar"
	"github.com/samba-web/samba/model/prompt"
)

const twoTools = `[
	{"type": "function", "function": {"name": "weather", "description": "Tells it.", "parameters": {"type": "object", "properties": {
		"city": {"enum": ["Bonn", "Rome \"!\" </tool_call>"]}, "days": {"type": "integer", "minimum": 1, "maximum": 9}, "metric": {"type": ["boolean", "null"]}}, "required": ["city"]}}},
	{"type": "function", "function": {"name": "get-time"}}
]`

// speak writes an answer by tokens drawn from those that are allowed. Where those that
// end it are, they are drawn half of the time.
func speak(t *testing.T, d Dialect, a *grammar.Answer, control bool, seed uint64) string {
	t.Helper()
	const end = 300
	var marks []grammar.Mark
	text := func(id uint32) []byte {
		switch {
		case id < 256:
			return []byte{byte(id)}
		case id == end+1:
			return []byte("</tool") // tokens of several bytes, across a mark's border
		case id == end+2:
			return []byte("}\n")
		}
		return nil
	}
	if control {
		for i, m := range d.Marks() {
			marks = append(marks, grammar.Mark{Text: m, ID: uint32(260 + i)})
		}
	}
	g, err := grammar.Compile(*a, grammar.NewVocabulary(310, text, []uint32{end}, marks...))
	if err != nil {
		t.Fatal(err)
	}
	r, m := rand.New(rand.NewPCG(seed, 0)), g.Match()
	var out strings.Builder
	for range 3000 {
		if m.Finished() {
			return out.String()
		}
		allowed, err := m.Allowed()
		if err != nil {
			t.Fatal(err)
		}
		var ids []uint32
		for id := range uint32(310) {
			if allowed[id/32]>>(id%32)&1 != 0 {
				ids = append(ids, id)
			}
		}
		id := ids[r.IntN(len(ids))]
		if ends := allowed[end/32]>>(end%32)&1 != 0; ends && r.IntN(2) == 0 || id == end {
			return out.String()
		}
		if err := m.Take(id); err != nil {
			t.Fatal(err)
		}
		if id >= 260 && id < end {
			out.WriteString(marks[id-260].Text)
		} else {
			out.Write(text(id))
		}
	}
	t.Fatalf("no end after %.2000q", out.String())
	return ""
}

func obeys(t *testing.T, c Call) {
	t.Helper()
	var got map[string]any
	if err := json.Unmarshal([]byte(c.Arguments), &got); err != nil {
		t.Fatalf("%s: %v", c.Arguments, err)
	}
	switch city, _ := got["city"].(string); {
	case c.Name == "get-time" && len(got) == 0:
	case c.Name == "weather" && (city == "Bonn" || city == `Rome "!" </tool_call>`):
		if days, given := got["days"]; given && !(days.(float64) >= 1 && days.(float64) <= 9) {
			t.Errorf("days in %s", c.Arguments)
		}
	default:
		t.Errorf("the call %+v", c)
	}
}

// Whatever a model draws, calls that are asked for come, and obey their schemas.
func TestCallsObeyTheirSchemas(t *testing.T) {
	budget := 9
	for _, d := range []Dialect{hermes, jamba, liquid, phi, granite} {
		for _, control := range []bool{false, true} {
			for seed := range uint64(12) {
				p, err := d.Plan(Request{Tools: json.RawMessage(twoTools), Choice: json.RawMessage(`"required"`), Parallel: new(bool)})
				if err != nil {
					t.Fatal(err)
				}
				text := speak(t, d, p.Answer(""), control, seed)
				parser := p.Parser("")
				got := plus(parser.Push(text), parser.Flush())
				if len(got.Calls) != 1 || got.Content != "" {
					t.Fatalf("%s, required: %q is %+v", d.Family, text, got)
				}
				obeys(t, got.Calls[0])

				p, err = d.Plan(Request{Tools: json.RawMessage(twoTools), Choice: json.RawMessage(`{"type": "function", "function": {"name": "weather"}}`), Budget: &budget})
				if err != nil {
					t.Fatal(err)
				}
				text = speak(t, d, p.Answer("<think>\n"), control, seed)
				parser = p.Parser("<think>\n")
				got = plus(parser.Push(text), parser.Flush())
				if len(got.Calls) == 0 || got.Content != "" {
					t.Fatalf("%s, named, after a thought: %q is %+v", d.Family, text, got)
				}
				for _, c := range got.Calls {
					if obeys(t, c); c.Name != "weather" {
						t.Errorf("called %s", c.Name)
					}
				}
			}
		}
	}
}

// With "auto" text may come, and what begins like a call is one; with "none" none begins.
func TestAutoAndNone(t *testing.T) {
	for _, d := range []Dialect{hermes, liquid} {
		auto, err := d.Plan(Request{Tools: json.RawMessage(twoTools)})
		if err != nil {
			t.Fatal(err)
		}
		calls := 0
		for seed := range uint64(60) {
			text := speak(t, d, auto.Answer(""), true, seed)
			parser := auto.Parser("")
			got := plus(parser.Push(text), parser.Flush())
			calls += len(got.Calls)
			if strings.Contains(got.Content, d.Open) {
				t.Errorf("%s: %q has a mark in its text", d.Family, text)
			}
			for _, c := range got.Calls {
				obeys(t, c)
			}
		}
		if d.Family == "LFM2" && calls == 0 { // one token in 260 opens a call
			t.Log("no call was drawn")
		}
		none, err := d.Plan(Request{Tools: json.RawMessage(twoTools), Choice: json.RawMessage(`"none"`)})
		if err != nil || none.Tools() != nil || none.Answer("").Avoid != d.Open {
			t.Errorf("none: %v, %+v", err, none.Answer(""))
		}
		for seed := range uint64(10) {
			if text := speak(t, d, none.Answer(""), false, seed); strings.Contains(text, d.Open) {
				t.Errorf("none: %q", text)
			}
		}
	}
}

// A thought has its budget, no matter who began it; what follows is as asked.
func TestBudget(t *testing.T) {
	thinker := Of("{{ tools }}<tool_call><think>", none)
	for _, c := range []struct {
		prompt string
		budget int
	}{{"<think>\n", 0}, {"<think>", 7}, {"", 0}, {"", 20}, {"<think></think>", 5}} {
		p, err := thinker.Plan(Request{Budget: &c.budget, Schema: json.RawMessage(`{"enum": ["yes", "no"]}`)})
		if err != nil {
			t.Fatal(err)
		}
		for seed := range uint64(20) {
			text := speak(t, thinker, p.Answer(c.prompt), false, seed)
			parser := p.Parser(c.prompt)
			got := plus(parser.Push(text), parser.Flush())
			if got.Content != `"yes"` && got.Content != `"no"` || len(got.Reasoning) > 6*c.budget {
				t.Errorf("%q, %d: %q is %+v", c.prompt, c.budget, text, got)
			}
		}
	}
}

func TestThinking(t *testing.T) {
	no := new(bool)
	thinker := Of("<think> {{ enable_thinking }}", none)
	for _, c := range []struct {
		name   string
		d      Dialect
		r      Request
		prompt string
		want   *grammar.Thought // nil: nothing is asked
	}{
		{"as the model likes", thinker, Request{}, "<think>\n", nil},
		{"none, and the template does not know how", thinker, Request{Thinking: no}, "<think>\n", &grammar.Thought{Open: ThinkOpen, Close: ThinkClose, Begun: true, Limited: true}},
		{"none, and the template has closed it", thinker, Request{Effort: "none"}, "<think>\n\n</think>\n\n", nil},
		{"an effort the template does not know", thinker, Request{Effort: "low"}, "<think>", &grammar.Thought{Open: ThinkOpen, Close: ThinkClose, Begun: true, Limited: true, Budget: 512}},
		{"one that it knows", Of("<think>{{ reasoning_effort }}", none), Request{Effort: "low"}, "<think>", nil},
	} {
		p, err := c.d.Plan(c.r)
		if err != nil {
			t.Fatal(c.name, err)
		}
		var got *grammar.Thought
		if a := p.Answer(c.prompt); a != nil {
			got = &a.Thought
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Error(c.name, diff)
		}
	}
}

func TestRefused(t *testing.T) {
	tools := json.RawMessage(twoTools)
	for _, c := range []struct {
		d     Dialect
		r     Request
		param string
	}{
		{hermes, Request{Tools: json.RawMessage(`{}`)}, "tools"},
		{hermes, Request{Tools: json.RawMessage(`[{"type": "web_search"}]`)}, "tools[0].type"},
		{hermes, Request{Tools: json.RawMessage(`[{"type": "function"}]`)}, "tools[0].function"},
		{hermes, Request{Tools: json.RawMessage(`[{"type": "function", "function": {"name": "a b"}}]`)}, "tools[0].function.name"},
		{hermes, Request{Tools: json.RawMessage(`[{"type": "function", "function": {"name": "a"}}, {"type": "function", "function": {"name": "a"}}]`)}, "tools[1].function.name"},
		{hermes, Request{Tools: tools, Choice: json.RawMessage(`"always"`)}, "tool_choice"},
		{hermes, Request{Tools: tools, Choice: json.RawMessage(`{"type": "function", "function": {"name": "rm"}}`)}, "tool_choice.function.name"},
		{hermes, Request{Choice: json.RawMessage(`"required"`)}, "tool_choice"},
		{Of("chatml", none), Request{Tools: tools}, "tools"},
		{Of("chatml", none), Request{Effort: "high"}, "reasoning_effort"},
		{Of("<think>", none), Request{Effort: "much"}, "reasoning_effort"},
	} {
		_, err := c.d.Plan(c.r)
		var e *Error
		if !errors.As(err, &e) || e.Param != c.param {
			t.Errorf("%s %s: %v, want one of %s", c.r.Tools, c.r.Choice, err, c.param)
		}
	}
	for _, d := range []Dialect{hermes, liquid} {
		p, err := d.Plan(Request{Tools: json.RawMessage(`[{"type": "function", "function": {"name": "a", "parameters": {"type": "object", "properties": {"x y": {"if": true}}}}}]`)})
		if err != nil {
			t.Fatal(err)
		}
		_, err = grammar.Compile(*p.Answer(""), grammar.NewVocabulary(1, func(uint32) []byte { return []byte("a") }, nil))
		var s *grammar.SchemaError
		if !errors.As(err, &s) || !strings.HasPrefix(s.Path, "tools[0].function.parameters.properties.x y") {
			t.Errorf("%s: %v", d.Family, err)
		}
	}
}

// What the template is given: calls with arguments as objects, results by their tools' names.
func TestConversation(t *testing.T) {
	for _, c := range []struct{ template, want string }{
		{`{% for m in messages %}{{ m.role }}:{{ m.content }}{% if m.reasoning_content %}({{ m.reasoning_content }}){% endif %}{% for c in m.tool_calls or [] %}<tool_call>{{ c.function | tojson }}</tool_call>{% endfor %}{{ m.name or '' }} {% endfor %}{{ tools | length }}{{ enable_thinking }}{{ x }}`,
			`user:Hm? assistant:(So.)<tool_call>{"name": "weather", "arguments": {"days": 1, "city": "Bonn"}}</tool_call> tool:Rainweather 2False7`},
		{`{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{% if m['tools'] %}<|tool|>{{ m.tools }}<|/tool|>{% endif %}{% endfor %}`,
			`<|system|><|tool|>[{"name":"weather"},{"name":"get-time"}]<|/tool|><|user|>Hm?<|assistant|><|tool_call|>[{"name": "weather", "arguments": {"days":1,"city":"Bonn"}}]<|/tool_call|><|tool|>Rain`},
	} {
		template, err := prompt.Parse(c.template)
		if err != nil {
			t.Fatal(err)
		}
		tools := `[{"type":"function","function":{"name":"weather"}},{"type":"function","function":{"name":"get-time"}}]`
		p, err := Of(c.template, none).Plan(Request{Tools: json.RawMessage(tools), Thinking: new(bool), Variables: json.RawMessage(`{"x": 7}`)})
		if err != nil {
			t.Fatal(err)
		}
		conversation, err := p.Conversation([]Turn{
			{Role: "user", Content: "Hm?"},
			{Role: "assistant", Reasoning: "So.", Calls: []TurnCall{{"call_1", Call{"weather", `{"days":1,"city":"Bonn"}`}}}},
			{Role: "tool", Content: "Rain", CallID: "call_1"},
		}, true)
		if err != nil {
			t.Fatal(err)
		}
		text, err := template.Render(t.Context(), conversation)
		if err != nil || text.String() != c.want {
			t.Errorf("%q, %v\nwant %q", text.String(), err, c.want)
		}
	}
}

// Calls that a template leaves out are written as the model writes them, the marks alone as the template's own words.
func TestCallsThatTemplatesLeaveOut(t *testing.T) {
	calls := []Call{{"weather", `{"city":"B\"]<|tool_call_end|>","days":[1,-2.5e3,{"k":null}],"metric":true}`}, {"add", `{}`}}
	for _, d := range []Dialect{hermes, jamba, liquid, phi, granite} {
		text, marked := "", ""
		for _, p := range d.write([]TurnCall{{"1", calls[0]}, {"2", calls[1]}}) {
			if text += p.Text; !p.Said {
				marked += p.Text
			}
		}
		if diff := cmp.Diff(Piece{Calls: calls}, parse(d, false, text)); diff != "" {
			t.Errorf("%s: %q: %s", d.Family, text, diff)
		}
		if !strings.Contains(marked, d.Open) || !strings.Contains(marked, d.Close) || strings.Contains(marked, "weather") {
			t.Errorf("%s: %q was not said", d.Family, marked)
		}
	}
}

// What a request holds for the template is counted before anything is made of it: a
// value takes two bytes to send.
func TestPlanCounts(t *testing.T) {
	const most = maxValues
	list := func(n int) string { return "[" + strings.TrimSuffix(strings.Repeat("0,", n), ",") + "]" }
	d := Of(`{% for t in tools %}<tool_call>{{ t }}</tool_call>{% endfor %}`, func(string) bool { return false })
	for name, c := range map[string]struct {
		request Request
		want    string
	}{
		"tools":       {Request{Tools: json.RawMessage("[" + strings.Repeat("{}, ", maxTools) + "{}]")}, "tools"},
		"null tools":  {Request{Tools: json.RawMessage("[" + strings.Repeat("null,", 1<<18) + "null]")}, "tools"},
		"parameters":  {Request{Tools: json.RawMessage(`[{"type": "function", "function": {"name": "a", "parameters": {"enum": ` + list(most) + `}}}]`)}, "tools"},
		"documents":   {Request{Documents: json.RawMessage(list(most + 1))}, "documents"},
		"nested":      {Request{Documents: json.RawMessage("[" + strings.Repeat("[],", most/2) + "[]]")}, "documents"},
		"variables":   {Request{Variables: json.RawMessage(`{"a": ` + list(most) + `}`)}, "chat_template_kwargs"},
		"together":    {Request{Documents: json.RawMessage(list(most / 2)), Variables: json.RawMessage(`{"a": ` + list(most/2) + `}`)}, "chat_template_kwargs"},
		"within text": {Request{Documents: json.RawMessage(`["` + strings.Repeat(`,[\"`, most) + `"]`)}, ""},
		"enough":      {Request{Documents: json.RawMessage(list(most - 10))}, ""},
	} {
		var failed *Error
		_, err := d.Plan(c.request)
		if errors.As(err, &failed); (c.want == "") != (err == nil) || failed != nil && failed.Param != c.want {
			t.Errorf("%s: got %v, want it refused for %q", name, err, c.want)
		}
	}
	if items, _ := sizeOf(json.RawMessage(" [ {\"a\": [1, 2]} , null ] ")); items != 2 {
		t.Errorf("counted %d items, want 2", items)
	}
	for _, none := range []string{"[ ]", "", "{}"} {
		if items, _ := sizeOf(json.RawMessage(none)); items != 0 {
			t.Errorf("counted %d items in %q, want none", items, none)
		}
	}
}
