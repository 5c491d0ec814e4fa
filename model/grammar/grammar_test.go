package grammar

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

var seed = flag.Uint64("seed", uint64(time.Now().UnixNano()), "seed of the random inputs")

// end is the token that ends a text in the tests' vocabulary, after 256 bytes.
const end = 256

var pieces = []string{`{"`, `": `, `":`, `", "`, `","`, `"}`, `"]`, `": {"`, "}}", "\n  ", `{}`, `[]`, "true", "false", "null", " the", "é", "日本", "name", `\n`, `\u00`, "12", "0.5", "-1", `"a"`, "🦊"}

func vocabulary() *Vocabulary {
	return NewVocabulary(end+1+len(pieces), token, []uint32{end})
}

func token(id uint32) []byte {
	switch {
	case id < end:
		return []byte{byte(id)}
	case id == end:
		return nil
	}
	return []byte(pieces[id-end-1])
}

// say lets a random model answer: any allowed token, in time more and more
// those that bring an answer to its end.
func say(t *testing.T, random *rand.Rand, g *Grammar, most int) (text string, whole bool) {
	t.Helper()
	m := g.Match()
	var out []byte
	for n := range most {
		if m.Finished() {
			return string(out), true
		}
		set, err := m.Allowed()
		if err != nil {
			t.Fatalf("after %q: %v", out, err)
		}
		var allowed []uint32
		for id := range uint32(32 * len(set)) {
			if set[id/32]>>(id%32)&1 != 0 {
				allowed = append(allowed, id)
			}
		}
		chosen := allowed[random.IntN(len(allowed))]
		if random.IntN(200) < n {
			for _, id := range []uint32{end, '"', ']', '}'} {
				if slices.Contains(allowed, id) {
					chosen = id
					break
				}
			}
		}
		if chosen == end {
			return string(out), true
		}
		if err := m.Advance(token(chosen)); err != nil {
			t.Fatalf("after %q: %v", out, err)
		}
		out = append(out, token(chosen)...)
	}
	return string(out), false
}

// accepts says whether a whole text gets through.
func accepts(g *Grammar, text string) bool {
	m := g.Match()
	return m.Advance([]byte(text)) == nil && g.pool.nullable(m.state)
}

func validator(t *testing.T, schema string) *jsonschema.Schema {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(schema))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("schema.json", document); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("schema.json")
	if err != nil {
		t.Fatalf("%s: %v", schema, err)
	}
	return s
}

// Whatever the model, its answer is JSON that the schema's validator takes.
func TestRandomModels(t *testing.T) {
	random := rand.New(rand.NewPCG(*seed, 1))
	t.Logf("seed %d", *seed)
	v := vocabulary()
	data, err := os.ReadFile("testdata/schemas.json")
	if err != nil {
		t.Fatal(err)
	}
	var schemas map[string]json.RawMessage
	if err := json.Unmarshal(data, &schemas); err != nil {
		t.Fatal(err)
	}
	for n := range 230 {
		schemas[fmt.Sprintf("random %d", n)] = json.RawMessage(randomSchema(random))
	}
	answers, cut, impossible := 0, 0, 0
	for name, schema := range schemas {
		g, err := Compile(schema, v)
		if err != nil {
			said := err.Error()
			if strings.HasPrefix(name, "random") && (strings.Contains(said, "no value that satisfies") || strings.Contains(said, "leads to itself")) {
				impossible++
				continue
			}
			t.Errorf("%s: %s: %v", name, schema, err)
			continue
		}
		check := validator(t, string(schema))
		for range 5 {
			text, whole := say(t, random, g, 2000)
			if !whole {
				cut++
				continue
			}
			answers++
			value, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
			if err != nil || !json.Valid([]byte(text)) {
				t.Errorf("%s: %s: not JSON: %q: %v", name, schema, text, err)
			} else if err := check.Validate(value); err != nil {
				t.Errorf("%s: %s: %s: %v", name, schema, text, err)
			}
		}
	}
	t.Logf("%d schemas, of which %d cannot be met; %d answers, %d longer than 2000 tokens", len(schemas), impossible, answers, cut)
	if len(schemas)-impossible < 200 || answers < 900 {
		t.Errorf("only %d schemas and %d whole answers", len(schemas)-impossible, answers)
	}
}

// randomSchema draws a schema of what is supported.
func randomSchema(random *rand.Rand) string {
	defs := map[string]any{}
	var make func(depth int) any
	pick := func(list ...any) any { return list[random.IntN(len(list))] }
	maybe := func(n int) bool { return random.IntN(n) == 0 }
	make = func(depth int) any {
		kind := random.IntN(12)
		if depth <= 0 {
			kind = random.IntN(7)
		}
		switch kind {
		case 0:
			return map[string]any{"type": pick("boolean", "null", "string", "integer", "number")}
		case 1:
			return map[string]any{"enum": []any{pick("a", "b\"\\", 1, 2.5), pick("ü", nil, true), pick("c", map[string]any{"x": []any{1}})}}
		case 2:
			return map[string]any{"const": pick("x", 0, -1e30, nil, []any{}, "日")}
		case 3:
			low := random.IntN(2000) - 1000
			s := map[string]any{"type": pick("integer", "number"), pick("minimum", "exclusiveMinimum").(string): low}
			if maybe(2) {
				s[pick("maximum", "exclusiveMaximum").(string)] = low + 2 + random.IntN(1500)
			}
			return s
		case 4:
			low := random.IntN(4)
			s := map[string]any{"type": "string", "minLength": low}
			if maybe(2) {
				s["maxLength"] = low + random.IntN(10)
			}
			return s
		case 5:
			s := map[string]any{"type": "string", "pattern": pick("^[a-z]+$", "^(foo|bar)?[0-9]{2,4}$", "x", "^a", "[^\"]$", `^\d+(\.\d+)?$`, `^[é-ü"\\\t]{1,3}$`, "(?i)^yes|no$", ".")}
			if maybe(3) {
				s["maxLength"] = 6
			}
			return s
		case 6:
			return map[string]any{"type": "string", "format": pick("date", "time", "date-time", "uuid", "email", "ipv4", "ipv6", "uri", "hostname", "duration")}
		case 7:
			s := map[string]any{"type": "array", "items": make(depth - 1)}
			if maybe(2) {
				s["maxItems"] = random.IntN(4)
			}
			if maybe(2) {
				s["minItems"] = random.IntN(4)
			}
			if maybe(3) {
				s["prefixItems"] = []any{make(depth - 1), make(depth - 1)}
			}
			return s
		case 8:
			return map[string]any{"anyOf": []any{make(depth - 1), make(depth - 1), make(depth - 1)}}
		case 9:
			return map[string]any{"oneOf": []any{
				map[string]any{"type": "object", "properties": map[string]any{"kind": map[string]any{"const": "a"}, "v": make(depth - 1)}, "required": []any{"kind"}},
				map[string]any{"type": "object", "properties": map[string]any{"kind": map[string]any{"enum": []any{"b", "c"}}}, "required": []any{"kind"}},
				map[string]any{"type": []any{"string", "null"}},
			}}
		case 10:
			name := fmt.Sprintf("d%d", random.IntN(3))
			if defs[name] == nil {
				defs[name] = true // while it is made, it may refer to itself
				defs[name] = make(depth - 1)
			}
			return map[string]any{"$ref": "#/$defs/" + name}
		}
		properties, required := map[string]any{}, []any{}
		for i := range random.IntN(5) {
			name := fmt.Sprint(pick("a", "name", "ключ", `"`, "name2", "n")) + strings.Repeat("x", i)
			properties[name] = make(depth - 1)
			if maybe(2) {
				required = append(required, name)
			}
		}
		s := map[string]any{"type": "object", "properties": properties, "required": required}
		if maybe(2) {
			s["additionalProperties"] = pick(false, true, make(depth-1))
		}
		return s
	}
	root := make(3).(map[string]any)
	root["$defs"] = defs
	data, err := json.Marshal(root)
	if err != nil {
		panic(err)
	}
	return string(data)
}

// What a schema lets through and what it does not.
func TestTexts(t *testing.T) {
	for _, c := range []struct {
		schema  string
		yes, no []string
	}{
		{`{"type":"object"}`, []string{`{}`, `{ "a":1 }`, "{\n  \"a\": [1, 2, {\"b\": null}],\n  \"\": \"\\u00e9\"\n}"}, []string{`[]`, ` {}`, `{} `, `{"a"}`, `{"a":1,}`, `{"a":01}`, `{a:1}`, "{\"a\":\"\n\"}"}},
		{`true`, []string{`1`, `"x"`, `-0.5e-7`, `[[[]]]`, `{"a":{"a":{}}}`, `null`}, []string{``, `nul`, `"\ud800"`, "\"\xff\"", `+1`, `.5`}},
		{`{"type":"integer"}`, []string{`0`, `-7`, `123456789012345`}, []string{`1.0`, `1e3`, `007`, `-`, `1234567890123456`}},
		{`{"type":"integer","minimum":-12,"maximum":105}`, []string{`-12`, `-1`, `0`, `9`, `99`, `105`}, []string{`-13`, `106`, `-0`, `1000`}},
		{`{"type":"integer","exclusiveMinimum":3,"exclusiveMaximum":5.5}`, []string{`4`, `5`}, []string{`3`, `6`}},
		{`{"type":"number","minimum":0,"maximum":1}`, []string{`0`, `1`, `0.25`}, []string{`1.5`, `-0.5`, `1e0`}},
		{`{"type":"number","minimum":-1,"exclusiveMaximum":1}`, []string{`-1`, `0`, `0.999`, `-0.999`}, []string{`1`, `-1.5`, `1.0`}},
		{`{"type":"string","minLength":2,"maxLength":3}`, []string{`"ab"`, `"日本語"`, `"\n\u0041é"`}, []string{`"a"`, `"abcd"`, `"日本語x"`}},
		{`{"type":"string","pattern":"^a\"?$"}`, []string{`"a"`, `"a\""`}, []string{`"a""`, `"b"`, `"aa"`}},
		{`{"type":"string","pattern":"b+"}`, []string{`"b"`, `"abba"`, `"日b"`}, []string{`""`, `"a"`}},
		{`{"type":"string","pattern":"^(ab)*$","maxLength":3}`, []string{`""`, `"ab"`}, []string{`"aba"`, `"abab"`}},
		{`{"type":"string","format":"date"}`, []string{`"2024-02-28"`}, []string{`"2024-13-01"`, `"24-01-01"`}},
		{`{"enum":["a",1,null,{"b":[2]}]}`, []string{`"a"`, `1`, `null`, `{"b":[2]}`}, []string{`"b"`, `2`, `{}`}},
		{`{"type":["string","null"],"maxLength":1}`, []string{`null`, `"x"`}, []string{`1`, `"xy"`}},
		{`{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"boolean"},"c":{}},"required":["b"]}`,
			[]string{`{"b":true}`, `{"a":1,"b":false}`, `{"b":true, "c":[]}`, "{\n\"a\": 1,\n\"b\": true,\n\"c\": 0\n}"},
			[]string{`{}`, `{"a":1}`, `{"b":true,"a":1}`, `{"b":true,"d":1}`, `{"b":true,}`, `{"b":1}`}},
		{`{"type":"object","properties":{"ab":{"type":"integer"},"ac":{"const":1}},"additionalProperties":{"type":"string"}}`,
			[]string{`{}`, `{"ab":1,"x":"y"}`, `{"a":"","abc":"d"}`, `{"b":"","":""}`, `{"ac":1,"é":"x"}`},
			[]string{`{"ab":"x"}`, `{"x":1}`, `{"x":"y","ab":"z"}`, `{"x":"y","\u0061b":"z"}`}},
		{`{"required":["x","y"],"properties":{"y":{"const":1}}}`, []string{`{"y":1,"x":[]}`}, []string{`{"y":1}`, `{"x":[]}`}},
		{`{"type":"array","items":{"type":"integer"},"minItems":1,"maxItems":3}`, []string{`[1]`, `[1, 2,3]`, "[\n  1\n]"}, []string{`[]`, `[1,2,3,4]`, `["a"]`, `[1,]`}},
		{`{"type":"array","items":{"type":"integer"},"maxItems":0}`, []string{`[]`, `[ ]`}, []string{`[1]`}},
		{`{"type":"array","prefixItems":[{"const":"a"},{"const":"b"}],"items":{"type":"integer"}}`, []string{`[]`, `["a"]`, `["a","b",1,2]`}, []string{`["b"]`, `[1]`, `["a",1]`}},
		{`{"type":"array","prefixItems":[{"const":"a"},{"const":"b"}],"items":false,"minItems":1}`, []string{`["a"]`, `["a","b"]`}, []string{`[]`, `["a","b",1]`}},
		{`{"type":"array","prefixItems":[{"const":1},{"const":2},{"const":3}],"maxItems":2,"minItems":2}`, []string{`[1,2]`}, []string{`[1]`, `[1,2,3]`}},
		{`{"anyOf":[{"type":"integer"},{"type":"array","items":{"$ref":"#"}}]}`, []string{`1`, `[[1],[[]]]`}, []string{`["a"]`}},
		{`{"$ref":"#/$defs/tree","$defs":{"tree":{"type":"object","properties":{"left":{"$ref":"#/$defs/tree"},"v":{"type":"integer"}},"required":["v"]}}}`,
			[]string{`{"v":1}`, `{"left":{"left":{"v":1},"v":2},"v":3}`}, []string{`{"left":{},"v":1}`}},
		// The list never ends, so it cannot come; what is optional is left out.
		{`{"type":"object","properties":{"a":{"type":"integer"},"b":{"$ref":"#/$defs/endless"}},"$defs":{"endless":{"type":"object","properties":{"next":{"$ref":"#/$defs/endless"}},"required":["next"]}}}`,
			[]string{`{}`, `{"a":1}`}, []string{`{"b":{}}`, `{"a":1,"b":{"next":{}}}`}},
		{`{"oneOf":[{"type":"object","properties":{"a":{"const":1}},"required":["a"],"additionalProperties":false},{"type":"object","properties":{"b":{"const":1}},"required":["b"],"additionalProperties":false}]}`,
			[]string{`{"a":1}`, `{"b":1}`}, []string{`{}`, `{"a":1,"b":1}`}},
		{`{"allOf":[{"$ref":"#/definitions/x~1y"}],"description":"d","definitions":{"x/y":{"const":"z"}}}`, []string{`"z"`}, []string{`"x"`}},
	} {
		g, err := Compile([]byte(c.schema), vocabulary())
		if err != nil {
			t.Errorf("%s: %v", c.schema, err)
			continue
		}
		for _, text := range c.yes {
			if !accepts(g, text) {
				t.Errorf("%s: refuses %s", c.schema, text)
			}
		}
		for _, text := range c.no {
			if accepts(g, text) {
				t.Errorf("%s: lets %s through", c.schema, text)
			}
		}
	}
}

// Schemas that cannot be met, are not understood, or are out to do harm end in
// one sentence that says where.
func TestRefusals(t *testing.T) {
	wide := func(n int, f func(i int) string) string {
		parts := make([]string, n)
		for i := range parts {
			parts[i] = f(i)
		}
		return strings.Join(parts, ",")
	}
	for _, c := range []struct{ schema, path, words string }{
		{``, "schema", "no JSON"},
		{`{"type":`, "schema", "no JSON"},
		{`{"type":"object"} 1`, "schema", "followed"},
		{`[]`, "schema", "want an object"},
		{`{"type":"objekt"}`, "schema.type", `"objekt"`},
		{`{"type":"object","properties":{"a":{"type":"array","items":{"not":{}}}}}`, "schema.properties.a.items.not", "not supported"},
		{`{"type":"string","multipleOf":2}`, "schema.multipleOf", "not supported"},
		{`{"uniqueItems":true}`, "schema.uniqueItems", "not supported"},
		{`{"enum":[1],"minimum":3}`, "schema.minimum", "beside enum"},
		{`{"enum":[],"type":"string"}`, "schema.enum", "at least one"},
		{`{"anyOf":[{"type":"string"}],"oneOf":[{}]}`, "schema", "anyOf beside oneOf"},
		{`{"anyOf":[{"type":"string"},{"const":1,"pattern":"x"}]}`, "schema.anyOf[1].pattern", "beside const"},
		{`{"oneOf":[{"type":"integer"},{"type":"number"}]}`, "schema.oneOf", "0 and 1"},
		{`{"oneOf":[{"const":1},{"const":1.0}]}`, "schema.oneOf", "0 and 1"},
		{`{"allOf":[{},{}]}`, "schema.allOf", "not supported"},
		{`{"$ref":"https://elsewhere.invalid/x.json"}`, "schema.$ref", "within the schema"},
		{`{"$ref":"#/$defs/nobody","$defs":{}}`, "schema.$ref", "nobody"},
		{`{"$ref":"#"}`, "schema", "leads to itself"},
		{`{"anyOf":[{"$ref":"#/$defs/a"},{"type":"null"}],"$defs":{"a":{"anyOf":[{"$ref":"#/$defs/b"},{"type":"string"}]},"b":{"$ref":"#/$defs/a"}}}`, "schema", "leads to itself"},
		{`{"type":"array","items":{"$ref":"#"},"minItems":1}`, "schema", "no value"},
		{`false`, "schema", "no value"},
		{`{"type":"string","enum":[1,2]}`, "schema", "no value"},
		{`{"type":"string","minLength":5,"maxLength":4}`, "schema", "no value"},
		{`{"type":"string","pattern":"^a{3}$","minLength":5}`, "schema", "no value"},
		{`{"type":"object","required":["a"],"properties":{"b":{}},"additionalProperties":false}`, "schema", "no value"},
		{`{"type":"integer","minimum":5,"maximum":4}`, "schema", "bounds"},
		{`{"type":"number","minimum":0.2,"maximum":0.8}`, "schema", "bounds"},
		{`{"type":"integer","minimum":1e999}`, "schema.minimum", "want a number"},
		{`{"type":"integer","minimum":"1"}`, "schema.minimum", "want a number"},
		{`{"type":"string","minLength":-1}`, "schema.minLength", "whole number"},
		{`{"type":"string","pattern":"(?=a)b"}`, "schema.pattern", "RE2"},
		{`{"type":"string","pattern":"a(^b)"}`, "schema.pattern", "ends"},
		{`{"type":"string","pattern":"\\bword"}`, "schema.pattern", `\b`},
		{`{"type":"string","pattern":"((a{1000}){1000}){1000}"}`, "schema.pattern", "RE2"},
		{`{"type":"string","format":"iri"}`, "schema.format", "date"},
		{`{"type":"object","required":"a"}`, "schema.required", "list of names"},
		{`{"type":"object","properties":[]}`, "schema.properties", "want an object"},
		{`{"type":"array","items":[{}]}`, "schema.items", "prefixItems"},
		{`{"a":1,"a":2}`, "schema", "twice"},
		{strings.Repeat(`{"items":`, 100) + `{}` + strings.Repeat(`}`, 100), "schema", "deeper"},
		{`{"enum":[` + wide(30_000, func(i int) string { return "1" }) + `]}`, "schema", "values"},
		{`{"description":"` + strings.Repeat("x", 300_000) + `"}`, "schema", "bytes"},
		{`{"properties":{` + wide(8000, func(i int) string { return fmt.Sprintf(`"p%d":{}`, i) }) + `}}`, "schema", "too many ways"},
		{`{"pattern":"^(.*a.{200}){1,4}$","maxLength":900}`, "schema", "too many ways"},
	} {
		start := time.Now()
		_, err := Compile([]byte(c.schema), vocabulary())
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("%.100s took %v", c.schema, took)
		}
		if err == nil {
			t.Errorf("%.100s: accepted", c.schema)
		} else if found, ok := err.(*SchemaError); !ok {
			t.Errorf("%.100s: %T", c.schema, err)
		} else if found.Path != c.path || !strings.Contains(found.Text, c.words) || len(err.Error()) > 400 || strings.Contains(err.Error(), "\n") {
			t.Errorf("%.100s: %q: %q, want %q at %q", c.schema, found.Path, found.Text, c.words, c.path)
		}
	}
}

// Schemas that are ambiguous without end are followed, or given up in time
// with one sentence, token by token.
func TestAmbiguity(t *testing.T) {
	random := rand.New(rand.NewPCG(*seed, 2))
	for _, schema := range []string{
		// Every level can be either branch, and which one shows only when it closes.
		`{"$ref":"#/$defs/t","$defs":{"t":{"anyOf":[{"type":"object","properties":{"a":{"$ref":"#/$defs/t"},"b":{"type":"integer"}},"required":["a","b"]},{"type":"object","properties":{"a":{"$ref":"#/$defs/t"},"c":{"type":"integer"}},"required":["a","c"]},{"type":"null"}]}}}`,
		`{"type":"string","pattern":"(a|b)*a(a|b){30}$"}`,
		`{"type":"string","pattern":"^((a?){20}){20}b$"}`,
		`{"type":"string","pattern":"^(x+x+)+y$"}`,
	} {
		g, err := Compile([]byte(schema), vocabulary())
		if err != nil {
			t.Errorf("%s: %v", schema, err)
			continue
		}
		m := g.Match()
		start := time.Now()
		for n := range 200 {
			set, err := m.Allowed()
			if err == nil {
				next := byte("ab{\"x"[random.IntN(5)])
				for tries := 0; set[next/32]>>(next%32)&1 == 0 && tries < 2000; tries++ {
					next = byte(random.IntN(256))
				}
				err = m.Advance([]byte{next})
			}
			if err != nil {
				if !strings.Contains(err.Error(), "too many ways") && !strings.Contains(err.Error(), "breaks") {
					t.Errorf("%s: token %d: %v", schema, n, err)
				}
				break
			}
		}
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("%s took %v", schema, took)
		}
	}
}

// A set says of each token what its bytes alone say.
func TestAllowed(t *testing.T) {
	random := rand.New(rand.NewPCG(*seed, 3))
	v := vocabulary()
	g, err := Compile([]byte(`{"type":"object","properties":{"name":{"type":"string","maxLength":4},"the":{"type":"array"}}}`), v)
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		m := g.Match()
		for !m.Finished() {
			set, err := m.Allowed()
			if err != nil {
				t.Fatal(err)
			}
			var allowed []uint32
			for id := range uint32(v.size) {
				got := set[id/32]>>(id%32)&1 != 0
				one := *m
				want := id != end && one.Advance(token(id)) == nil || id == end && g.pool.nullable(m.state)
				if got != want {
					t.Fatalf("token %q: allowed %v, want %v", token(id), got, want)
				}
				if got && id != end {
					allowed = append(allowed, id)
				}
			}
			if len(allowed) == 0 {
				break
			}
			if err := m.Advance(token(allowed[random.IntN(len(allowed))])); err != nil {
				t.Fatal(err)
			}
			if random.IntN(100) == 0 {
				break
			}
		}
	}
}

func BenchmarkAllowed(b *testing.B) {
	v := NewVocabulary(50_000, func(id uint32) []byte {
		r := rand.New(rand.NewPCG(uint64(id), 0))
		if id < 256 {
			return []byte{byte(id)}
		}
		text := make([]byte, 2+r.IntN(8))
		for i := range text {
			text[i] = "etaoin shrdlu\",:{}0123"[r.IntN(22)]
		}
		return text
	}, nil)
	for name, schema := range map[string]string{
		"string":         `{"type":"string"}`,
		"counted string": `{"type":"string","maxLength":1000000}`,
	} {
		b.Run(name, func(b *testing.B) {
			g, err := Compile([]byte(schema), v)
			if err != nil {
				b.Fatal(err)
			}
			m := g.Match()
			if err := m.Advance([]byte(`"`)); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				clear(g.masks)
				if err := m.Advance([]byte("a")); err != nil {
					b.Fatal(err)
				}
				if _, err := m.Allowed(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// Whatever a page sends as a schema, answers under it are valid, or there is an error.
func FuzzCompile(f *testing.F) {
	data, err := os.ReadFile("testdata/schemas.json")
	if err != nil {
		f.Fatal(err)
	}
	var schemas map[string]json.RawMessage
	if err := json.Unmarshal(data, &schemas); err != nil {
		f.Fatal(err)
	}
	for _, schema := range schemas {
		f.Add([]byte(schema), uint64(1))
	}
	v := vocabulary()
	beyond := regexp.MustCompile(`(?i)[0-9]e[+-]?[0-9]{3}`) // numbers that the validator does not compare
	f.Fuzz(func(t *testing.T, schema []byte, seed uint64) {
		g, err := Compile(schema, v)
		if err != nil || beyond.Match(schema) {
			return
		}
		random := rand.New(rand.NewPCG(seed, 4))
		text, whole := say(t, random, g, 300)
		if !whole {
			return
		}
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		if err != nil {
			t.Fatalf("%s: %q: %v", schema, text, err)
		}
		document, err := jsonschema.UnmarshalJSON(strings.NewReader(string(schema)))
		if err != nil {
			t.Fatalf("%s: compiled, but no JSON: %v", schema, err)
		}
		c := jsonschema.NewCompiler()
		c.AssertFormat()
		if c.AddResource("schema.json", document) != nil {
			return
		}
		check, err := c.Compile("schema.json")
		if err != nil {
			return // it is stricter about what means nothing to us
		}
		if err := check.Validate(value); err != nil {
			t.Fatalf("%s: %s: %v", schema, text, err)
		}
	})
}
