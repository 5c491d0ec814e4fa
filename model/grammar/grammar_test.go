package grammar

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"runtime"
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
		g, err := Compile(Answer{Schema: schema}, v)
		if err != nil {
			said := err.Error()
			if strings.HasPrefix(name, "random") && (strings.Contains(said, "no value that satisfies") || strings.Contains(said, "leads to itself") || strings.Contains(said, "another schema")) {
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

// ecma is a pattern as the validator's engine for them; TestPatterns holds ours to ECMAScript's.
type ecma struct {
	source  string
	grammar *Grammar
}

func (e ecma) String() string               { return e.source }
func (e ecma) MatchString(text string) bool { return accepts(e.grammar, quoted(text)) }

func ecmaEngine(source string) (jsonschema.Regexp, error) {
	schema, _ := json.Marshal(map[string]string{"type": "string", "pattern": source})
	g, err := Compile(Answer{Schema: schema}, vocabulary())
	return ecma{source, g}, err
}

// What Zod writes is obeyed, or refused by its path. testdata/zod.mjs made the schemas.
func TestZod(t *testing.T) {
	data, err := os.ReadFile("testdata/zod.json")
	if err != nil {
		t.Fatal(err)
	}
	var schemas map[string]json.RawMessage
	if err := json.Unmarshal(data, &schemas); err != nil {
		t.Fatal(err)
	}
	random, v := rand.New(rand.NewPCG(*seed, 5)), vocabulary()
	t.Logf("seed %d", *seed)
	checked := 0
	for name, schema := range schemas {
		g, err := Compile(Answer{Schema: schema}, v)
		if err != nil {
			refused := ""
			switch {
			case strings.Contains(name, "formats"):
				refused = `schema.properties.jwt.format is "jwt"`
			case strings.Contains(name, "emoji"):
				refused = `schema.pattern is no regular expression of ECMAScript's syntax: it has \p{Extended_Pictographic}`
			}
			if refused == "" || !strings.HasPrefix(err.Error(), refused) {
				t.Errorf("%s: %s: %v", name, schema, err)
			}
			continue
		}
		text, whole := say(t, random, g, 3000)
		if !whole || strings.Contains(name, "openapi") { // whose words the validator does not know
			continue
		}
		checked++
		document, err := jsonschema.UnmarshalJSON(strings.NewReader(string(schema)))
		if err != nil {
			t.Fatal(err)
		}
		c := jsonschema.NewCompiler()
		c.UseRegexpEngine(ecmaEngine)
		c.AssertFormat()
		if err := c.AddResource("schema.json", document); err != nil {
			t.Fatal(err)
		}
		check, err := c.Compile("schema.json")
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		if err == nil {
			err = check.Validate(value)
		}
		if err != nil {
			t.Errorf("%s: %s: %s: %v", name, schema, text, err)
		}
	}
	if checked < 60 {
		t.Errorf("only %d answers were checked", checked)
	}
}

// randomSchema draws a schema of what is supported.
func randomSchema(random *rand.Rand) string {
	defs := map[string]any{}
	var make func(depth int) any
	pick := func(list ...any) any { return list[random.IntN(len(list))] }
	maybe := func(n int) bool { return random.IntN(n) == 0 }
	make = func(depth int) any {
		kind := random.IntN(16)
		if depth <= 0 {
			kind = pick(0, 1, 2, 3, 4, 5, 6, 12).(int)
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
			s := map[string]any{"$ref": "#/$defs/" + name}
			if maybe(4) {
				s["minLength"] = 1
			}
			return s
		case 11:
			return map[string]any{"allOf": []any{
				map[string]any{"type": "object", "properties": map[string]any{"a": make(depth - 1), "b": map[string]any{"type": "string"}}},
				map[string]any{"type": "object", "properties": map[string]any{"b": map[string]any{"maxLength": 3}, "c": make(depth - 1)}, "required": pick([]any{}, []any{"b"}, []any{"c"})},
			}}
		case 12:
			s := map[string]any{"type": pick("integer", "number"), "multipleOf": pick(3, 7, 0.1, 0.25, 40, 1)}
			if maybe(2) {
				s["minimum"] = random.IntN(100) - 50
			}
			return s
		case 13:
			s := map[string]any{"type": "object", "patternProperties": map[string]any{"^x": make(depth - 1)}}
			if maybe(2) {
				s["patternProperties"].(map[string]any)["[0-9]$"] = map[string]any{"type": pick("string", "integer")}
			}
			if maybe(2) {
				s["properties"] = map[string]any{"xa": map[string]any{"type": "string"}, "b": make(depth - 1)}
			}
			if maybe(2) {
				s["additionalProperties"] = pick(false, make(depth-1))
			}
			return s
		case 14:
			return map[string]any{"type": "object", "propertyNames": pick(map[string]any{"pattern": "^[a-z]{1,3}$"}, map[string]any{"enum": []any{"a", "é"}}, map[string]any{"maxLength": 2}), "additionalProperties": make(depth - 1)}
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
		// What stands beside each other holds together.
		{`{"type":"string","format":"uuid","allOf":[{"pattern":"^0"},{"pattern":"1$"}]}`, []string{`"00000000-0000-0000-0000-000000000001"`}, []string{`"00000000-0000-0000-0000-000000000000"`, `"01"`}},
		{`{"type":"string","format":"date","pattern":"^2024","maxLength":10}`, []string{`"2024-02-28"`}, []string{`"2023-02-28"`}},
		{`{"allOf":[{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]},{"type":"object","properties":{"a":{"minLength":2},"b":{"type":"integer"}},"required":["b"]}]}`,
			[]string{`{"a":"xx","b":1}`}, []string{`{"a":"x","b":1}`, `{"a":"xx"}`, `{"b":1}`, `{"b":1,"a":"xx"}`}},
		{`{"allOf":[{"properties":{"a":{"const":1}},"additionalProperties":false},{"properties":{"b":{"const":2}}}]}`, []string{`{}`, `{"a":1}`}, []string{`{"b":2}`, `{"a":1,"b":2}`}},
		{`{"allOf":[{"type":["string","null"]},{"type":["null","integer"]}]}`, []string{`null`}, []string{`""`, `1`}},
		{`{"allOf":[{"type":"number","minimum":2,"multipleOf":2},{"maximum":9,"multipleOf":3}]}`, []string{`6`}, []string{`3`, `4`, `0`, `12`}},
		{`{"allOf":[{"items":{"type":"string"},"minItems":1},{"prefixItems":[{"maxLength":1}],"maxItems":2}]}`, []string{`["a"]`, `["a","bb"]`}, []string{`[]`, `["aa"]`, `["a",1]`, `["a","b","c"]`}},
		{`{"$ref":"#/$defs/s","maxLength":2,"description":"x","$defs":{"s":{"type":"string","minLength":1}}}`, []string{`"a"`}, []string{`""`, `"abc"`, `1`}},
		{`{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"integer"}},"anyOf":[{"required":["a"]},{"required":["b"]}]}`, []string{`{"a":1}`, `{"b":1}`, `{"a":1,"b":2}`}, []string{`{}`}},
		{`{"anyOf":[{"const":1},{"const":2},{"const":3}],"oneOf":[{"enum":[2,3]},{"const":"x"}],"enum":[3,4,2.0]}`, []string{`3`, `2.0`}, []string{`1`, `4`, `"x"`}},
		{`{"const":"a","enum":["a"],"type":"string"}`, []string{`"a"`}, []string{`"b"`}},
		{`{"enum":["aa","b","c\u2028"],"minLength":2}`, []string{`"aa"`, "\"c\u2028\""}, []string{`"b"`}},
		{`{"allOf":[{"$ref":"#/$defs/a"},{"$ref":"#/$defs/b"}],"$defs":{"a":{"type":"object","properties":{"n":{"$ref":"#/$defs/a"},"v":{"type":"integer"}}},"b":{"type":"object","properties":{"n":{"$ref":"#/$defs/b"},"v":{"minimum":5}},"required":["v"]}}}`,
			[]string{`{"v":5}`, `{"n":{"n":{"v":6},"v":7},"v":8}`}, []string{`{}`, `{"v":4}`, `{"n":{},"v":5}`, `{"n":{"v":1},"v":5}`}},
		// OpenAPI's words.
		{`{"type":"string","nullable":true,"maxLength":1}`, []string{`null`, `"x"`}, []string{`"xx"`, `1`}},
		{`{"allOf":[{"$ref":"#/$defs/s"}],"nullable":true,"$defs":{"s":{"type":"string"}}}`, []string{`null`, `"x"`}, []string{`1`}},
		{`{"type":"object","properties":{"a":{"anyOf":[{"type":"string"},{"type":"integer"}],"nullable":true},"b":{"enum":["x"],"nullable":true}}}`, []string{`{"a":null}`, `{"a":1,"b":"x"}`}, []string{`{"b":null}`, `{"a":[]}`}},
		{`{"type":"integer","format":"int32","example":1,"x-order":2,"externalDocs":{}}`, []string{`2147483647`, `-2147483648`}, []string{`2147483648`, `1.5`}},
		{`{"oneOf":[{"$ref":"#/$defs/cat"},{"$ref":"#/$defs/dog"}],"discriminator":{"propertyName":"kind","mapping":{"cat":"#/$defs/cat"}},"$defs":{"cat":{"type":"object","properties":{"kind":{"const":"cat","default":"cat"},"n":{"type":"integer"}}},"dog":{"type":"object","properties":{"kind":{"const":"dog","default":"dog"}}}}}`,
			[]string{`{"kind":"cat"}`, `{"kind":"cat","n":1}`, `{"kind":"dog"}`}, []string{`{}`, `{"n":1}`, `{"kind":"cow"}`}},
		// Numbers.
		{`{"type":"integer","multipleOf":7}`, []string{`0`, `7`, `-14`, `700000007`}, []string{`1`, `-6`, `8`, `7.0`}},
		{`{"type":"integer","multipleOf":3600,"minimum":0,"maximum":100000}`, []string{`0`, `3600`, `97200`}, []string{`100`, `100800`, `-3600`}},
		{`{"type":"number","multipleOf":0.01}`, []string{`1`, `0.5`, `-12.34`, `0.00`}, []string{`0.001`, `1e1`, `1.`}},
		{`{"type":"number","multipleOf":0.25,"minimum":0,"maximum":2}`, []string{`0`, `0.5`, `1.25`, `1.750`}[:3], []string{`0.3`, `2.25`, `-0.25`, `0.10`}},
		{`{"type":"number","multipleOf":2}`, []string{`4`, `-2`}, []string{`3`, `2.5`}},
		{`{"type":"integer","multipleOf":0.5}`, []string{`3`}, []string{`3.5`}},
		{`{"type":"integer","multipleOf":1.5}`, []string{`3`, `-6`}, []string{`1`, `2`}},
		// Names.
		{`{"type":"object","patternProperties":{"^x-":{"type":"string"},"n$":{"minLength":2}},"additionalProperties":false}`,
			[]string{`{}`, `{"x-a":""}`, `{"x-n":"ab"}`, `{"n":"ab","x-":"y"}`}, []string{`{"x-n":"a"}`, `{"a":1}`, `{"x-a":1}`, `{"n":"a"}`}},
		{`{"type":"object","properties":{"x-a":{"maxLength":1},"b":{}},"patternProperties":{"^x":{"type":"string"}},"required":["x-r"]}`,
			[]string{`{"x-r":""}`, `{"x-a":"q","b":[],"x-r":"","x-z":"zz"}`}, []string{`{}`, `{"x-a":"qq","x-r":""}`, `{"x-a":1,"x-r":""}`, `{"x-r":"","c":1}`}},
		{`{"type":"object","patternProperties":{"^a":{"type":"integer"}},"additionalProperties":{"type":"string"}}`, []string{`{"a":1,"b":"x"}`}, []string{`{"a":"x"}`, `{"b":1}`}},
		{`{"type":"object","propertyNames":{"type":"string","pattern":"^[a-z]{2}$"},"additionalProperties":{"type":"integer"}}`, []string{`{}`, `{"ab":1,"cd":2}`}, []string{`{"a":1}`, `{"AB":1}`}},
		{`{"type":"object","propertyNames":{"enum":["a","b"]},"additionalProperties":{"type":"integer"},"required":["a"]}`, []string{`{"a":1}`, `{"a":1,"b":2}`}, []string{`{}`, `{"a":1,"c":2}`}},
		{`{"type":"object","propertyNames":{"$ref":"#/$defs/C"},"additionalProperties":{"type":"integer"},"$defs":{"C":{"enum":["red","blue"]}}}`, []string{`{}`, `{"red":1,"blue":2}`}, []string{`{"green":1}`}},
		{`{"type":"object","propertyNames":{"anyOf":[{"$ref":"#/$defs/C"},{"maxLength":1}]},"properties":{"red":{},"long":{}},"$defs":{"C":{"allOf":[{"$ref":"#/$defs/D"},{"minLength":3}]},"D":{"type":"string","pattern":"^r"}}}`, []string{`{}`, `{"red":1}`}, []string{`{"long":1}`}},
		{`{"type":"string","allOf":[{"allOf":[{"pattern":"a"},{"pattern":"b"}]},{"allOf":[{"pattern":"c"},{"pattern":"d"}]}]}`, []string{`"abcd"`}, []string{`"ab"`, `"cd"`, `"abc"`}},
		{`{"allOf":[{"enum":[1,"1",[1]]},{"enum":[1.0,[1],2]}]}`, []string{`1`, `[1]`}, []string{`"1"`, `2`}},
		{`{"type":"object","propertyNames":{"minLength":2},"properties":{"a":{},"bb":{}}}`, []string{`{}`, `{"bb":1}`}, []string{`{"a":1}`}},
		{`{"type":"array","items":[{"const":1},{"const":2}],"additionalItems":false}`, []string{`[1,2]`, `[]`}, []string{`[1,2,3]`, `[2]`}},
		{`{"anyOf":[{"type":"string"},{"not":{}}]}`, []string{`""`}, []string{`1`}},
		{`{"type":"string","pattern":"(?i)^(?P<who>yes|no)\\Z"}`, []string{`"yes"`, `"No"`}, []string{`"maybe"`}},
		{`{"allOf":[{"$ref":"#/definitions/x~1y"}],"description":"d","definitions":{"x/y":{"const":"z"}}}`, []string{`"z"`}, []string{`"x"`}},
	} {
		g, err := Compile(Answer{Schema: []byte(c.schema)}, vocabulary())
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

// What ECMAScript itself finds; testdata/patterns.mjs asked it.
func TestPatterns(t *testing.T) {
	data, err := os.ReadFile("testdata/patterns.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Texts []string
		Found map[string][]string
	}
	if err := json.Unmarshal(data, &golden); err != nil {
		t.Fatal(err)
	}
	if len(golden.Found) < 80 {
		t.Fatalf("%d patterns, want at least 80", len(golden.Found))
	}
	for pattern, found := range golden.Found {
		schema, _ := json.Marshal(map[string]string{"type": "string", "pattern": pattern})
		g, err := Compile(Answer{Schema: schema}, vocabulary())
		if err != nil {
			if len(found) > 0 || !strings.Contains(err.Error(), "no value") {
				t.Errorf("%s: %v", pattern, err)
			}
			continue
		}
		for _, text := range golden.Texts {
			if got, want := accepts(g, quoted(text)), slices.Contains(found, text); got != want {
				t.Errorf("%s: %q: %v, want %v", pattern, text, got, want)
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
		{`{"type":"object","properties":{"a":{"type":"array","items":{"not":{"const":1}}}}}`, "schema.properties.a.items.not", "not supported"},
		{`{"type":"number","multipleOf":0}`, "schema.multipleOf", "above 0"},
		{`{"type":"number","multipleOf":0.12345}`, "schema.multipleOf", "fewer digits"},
		{`{"type":"integer","multipleOf":1e300}`, "schema.multipleOf", "want less"},
		{`{"type":"integer","multipleOf":7,"minimum":1,"maximum":6}`, "schema", "no value"},
		{`{"uniqueItems":true}`, "schema.uniqueItems", "not supported"},
		{`{"enum":[1],"minimum":3}`, "schema", "no value"},
		{`{"enum":[],"type":"string"}`, "schema.enum", "at least one"},
		{`{"anyOf":[{"type":"string"}],"oneOf":[{"type":"null"}]}`, "schema", "no value"},
		{`{"oneOf":[{"type":"integer"},{"type":"number"}]}`, "schema.oneOf", "0 and 1"},
		{`{"oneOf":[{"const":1},{"const":1.0}]}`, "schema.oneOf", "0 and 1"},
		{`{"allOf":[{"type":"string"},{"type":"number"}]}`, "schema", "no value"},
		{`{"allOf":[{"minProperties":2},{}]}`, "schema.allOf[0].minProperties", "not supported"},
		{`{"allOf":[{"$ref":"#"},{"type":"string"}]}`, "schema.allOf[0]", "leads to itself"},
		{`{"allOf":[{"patternProperties":{"^a":{}}},{"additionalProperties":{"type":"string"}}]}`, "schema.patternProperties", "another schema"},
		{`{"patternProperties":{"(":{}}}`, "schema.patternProperties.(", "never ends"},
		{`{"patternProperties":[]}`, "schema.patternProperties", "want an object"},
		{`{"patternProperties":{"a":{},"b":{},"c":{},"d":{},"e":{}}}`, "schema.patternProperties", "at most 4"},
		{`{"discriminator":{"propertyName":"a"},"type":"object"}`, "schema.discriminator", "beside oneOf"},
		{`{"oneOf":[{}],"discriminator":"a"}`, "schema.discriminator", "no propertyName"},
		{`{"type":"string","nullable":1}`, "schema.nullable", "true or false"},
		{`{"items":{},"additionalItems":false}`, "schema.additionalItems", "list of items"},
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
		{`{"type":"string","pattern":"(?=a)b"}`, "schema", "no value"},
		{`{"type":"string","pattern":"a(^b)"}`, "schema", "no value"},
		{`{"type":"string","pattern":"(?<=a)b"}`, "schema.pattern", "looks behind"},
		{`{"type":"string","pattern":"(a)\\1"}`, "schema.pattern", "refers back"},
		{`{"type":"string","pattern":"(?<n>a)\\k<n>"}`, "schema.pattern", "refers back"},
		{`{"type":"string","pattern":"(\\bword )+"}`, "schema.pattern", "within a repetition"},
		{`{"type":"string","pattern":"a{9999999}"}`, "schema.pattern", "counts"},
		{`{"type":"string","pattern":"a{3,2}"}`, "schema.pattern", "counts"},
		{`{"type":"string","pattern":"[b-a]"}`, "schema.pattern", "range"},
		{`{"type":"string","pattern":"[a"}`, "schema.pattern", "[ that never ends"},
		{`{"type":"string","pattern":"a)"}`, "schema.pattern", ") too many"},
		{`{"type":"string","pattern":"a**"}`, "schema.pattern", "repeats a repetition"},
		{`{"type":"string","pattern":"*a"}`, "schema.pattern", "repeats nothing"},
		{`{"type":"string","pattern":"^*"}`, "schema.pattern", "repeats an assertion"},
		{`{"type":"string","pattern":"\\p{Nonsense}"}`, "schema.pattern", "not known"},
		{`{"type":"string","pattern":"\\y"}`, "schema.pattern", "no escape"},
		{`{"type":"string","pattern":"` + strings.Repeat("(", 5000) + `"}`, "schema.pattern", "nested deeper"},
		{`{"type":"string","format":"iri"}`, "schema.format", "date"},
		{`{"type":"object","required":"a"}`, "schema.required", "list of names"},
		{`{"type":"object","properties":[]}`, "schema.properties", "want an object"},
		{`{"type":"array","items":[{}],"prefixItems":[{}]}`, "schema.items", "prefixItems"},
		{`{"a":1,"a":2}`, "schema", "twice"},
		{strings.Repeat(`{"items":`, 100) + `{}` + strings.Repeat(`}`, 100), "schema", "deeper"},
		{`{"enum":[` + wide(30_000, func(i int) string { return "1" }) + `]}`, "schema", "values"},
		{`{"description":"` + strings.Repeat("x", 300_000) + `"}`, "schema", "bytes"},
		{`{"properties":{` + wide(8000, func(i int) string { return fmt.Sprintf(`"p%d":{}`, i) }) + `}}`, "schema", "too many ways"},
		{`{"pattern":"^(.*a.{200}){1,4}$","maxLength":900}`, "schema", "too many ways"},
	} {
		_, err := Compile(Answer{Schema: []byte(c.schema)}, vocabulary())
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
		g, err := Compile(Answer{Schema: []byte(schema)}, vocabulary())
		if err != nil {
			t.Errorf("%s: %v", schema, err)
			continue
		}
		m := g.Match()
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
		if len(g.pool.nodes) > maxNodes || g.pool.work > maxWork+maxAlternatives {
			t.Errorf("%s took %d expressions, and %d alternatives for a token", schema, len(g.pool.nodes), g.pool.work)
		}
	}
}

// A set says of each token what its bytes alone say.
func TestAllowed(t *testing.T) {
	random := rand.New(rand.NewPCG(*seed, 3))
	v := vocabulary()
	g, err := Compile(Answer{Schema: []byte(`{"type":"object","properties":{"name":{"type":"string","maxLength":4},"the":{"type":"array"}}}`)}, v)
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
			g, err := Compile(Answer{Schema: []byte(schema)}, v)
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
	beyond := regexp.MustCompile(`(?i)[0-9]e[+-]?[0-9]{3}|nullable|discriminator`) // numbers that the validator does not compare, and words that it does not know
	f.Fuzz(func(t *testing.T, schema []byte, seed uint64) {
		g, err := Compile(Answer{Schema: schema}, v)
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
		c.UseRegexpEngine(ecmaEngine)
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

// Whatever a page sends as a pattern, it is refused in one line, or answers under it come to an end.
func FuzzPattern(f *testing.F) {
	data, err := os.ReadFile("testdata/patterns.json")
	if err != nil {
		f.Fatal(err)
	}
	var golden struct{ Found map[string][]string }
	if err := json.Unmarshal(data, &golden); err != nil {
		f.Fatal(err)
	}
	for pattern := range golden.Found {
		f.Add(pattern, uint64(1))
	}
	v := vocabulary()
	f.Fuzz(func(t *testing.T, pattern string, seed uint64) {
		schema, _ := json.Marshal(map[string]any{"type": "string", "pattern": pattern, "maxLength": 50})
		g, err := Compile(Answer{Schema: schema}, v)
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("%q: want one line, got %q", pattern, err)
			}
			return
		}
		say(t, rand.New(rand.NewPCG(seed, 6)), g, 100)
	})
}

// Lists of values and classes of characters that come again and again take no time and room of their own each time.
func TestRepeatedLists(t *testing.T) {
	many := make([]string, 3000)
	for i := range many {
		many[i] = fmt.Sprintf(`"a%d"`, i)
	}
	list := "[" + strings.Join(many, ",") + "]"
	other := strings.ReplaceAll(list, "a", "b")
	for _, test := range []struct{ schema, valid, wrong string }{
		{`{"$defs":{"E":{"enum":` + list + `}},"allOf":[` + strings.Repeat(`{"$ref":"#/$defs/E"},`, 20) + `{"maxLength":3}]}`, `"a12"`, `"a123"`},
		{`{"oneOf":[{"enum":` + list + `},{"enum":` + other + `}]}`, `"b2999"`, `"c1"`},
		{`{"type":"string","pattern":"^[` + strings.Repeat(`\\p{L}`, 40000) + `]$"}`, `"é"`, `"1"`},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		g, err := Compile(Answer{Schema: []byte(test.schema)}, vocabulary())
		if err != nil {
			t.Errorf("%.60s…: %v", test.schema, err)
			continue
		}
		runtime.ReadMemStats(&after)
		if grown := after.TotalAlloc - before.TotalAlloc; grown > 1<<28 {
			t.Errorf("%.60s…: compiling takes %d MB", test.schema, grown>>20)
		}
		if !accepts(g, test.valid) || accepts(g, test.wrong) {
			t.Errorf("%.60s…: %s fits: %v, want true; %s: %v, want false", test.schema, test.valid, accepts(g, test.valid), test.wrong, accepts(g, test.wrong))
		}
	}
}
