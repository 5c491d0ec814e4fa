package families

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// fields is a published config.json. The first field of the wrong kind is kept
// as the error, so that a family reads as a list of what it asks for.
type fields struct {
	values map[string]any
	err    error
}

// parseFields reads a config.json as the world has them: with the bare words
// Infinity, -Infinity and NaN, which Python writes and JSON has not, and with
// {"__float__": "Infinity"}, which transformers 5 writes in their place.
func parseFields(data []byte) (*fields, error) {
	f := &fields{}
	decoder := json.NewDecoder(bytes.NewReader(Plain(data)))
	decoder.UseNumber()
	if err := decoder.Decode(&f.values); err != nil {
		return nil, fmt.Errorf("config.json: %w", err)
	}
	if f.values == nil {
		return nil, fmt.Errorf("config.json: null, want an object")
	}
	return f, nil
}

// Plain replaces Python's words for numbers, outside of strings, by numbers
// that parse to them, and NaN, which no setting can be, by null.
func Plain(data []byte) []byte {
	var out []byte
	for i := 0; i < len(data); {
		switch {
		case data[i] == '"':
			end := i + 1
			for end < len(data) && data[end] != '"' {
				if data[end] == '\\' {
					end++
				}
				end++
			}
			end = min(end+1, len(data))
			out, i = append(out, data[i:end]...), end
		case bytes.HasPrefix(data[i:], []byte("Infinity")):
			out, i = append(out, "1e999"...), i+len("Infinity")
		case bytes.HasPrefix(data[i:], []byte("NaN")):
			out, i = append(out, "null"...), i+len("NaN")
		default:
			out, i = append(out, data[i]), i+1
		}
	}
	return out
}

func (f *fields) fail(name, want string) {
	if f.err == nil {
		text, _ := json.Marshal(f.values[name])
		f.err = fmt.Errorf("config.json: %s is %.60s, want %s", name, text, want)
	}
}

// has tells whether a field is there and not null.
func (f *fields) has(name string) bool { return f.values[name] != nil }

// integer is a whole number, or what stands for it where there is none.
func (f *fields) integer(name string, otherwise int) int {
	if !f.has(name) {
		return otherwise
	}
	number, _ := f.values[name].(json.Number)
	if n, err := strconv.Atoi(number.String()); err == nil {
		return n
	}
	f.fail(name, "a whole number")
	return 0
}

// size is a whole number that must be there.
func (f *fields) size(name string) int {
	if !f.has(name) && f.err == nil {
		f.err = fmt.Errorf("config.json: %s is missing", name)
	}
	return f.integer(name, 0)
}

func (f *fields) number(name string, otherwise float64) float64 {
	if !f.has(name) {
		return otherwise
	}
	if v, ok := float(f.values[name]); ok {
		return v
	}
	f.fail(name, "a number")
	return 0
}

// float reads a number in any of its spellings.
func float(value any) (float64, bool) {
	switch v := value.(type) {
	case json.Number:
		n, err := strconv.ParseFloat(v.String(), 64)
		return n, err == nil || math.IsInf(n, 0)
	case map[string]any:
		text, ok := v["__float__"].(string)
		n, err := strconv.ParseFloat(text, 64)
		return n, ok && err == nil && len(v) == 1
	}
	return 0, false
}

// numbers is a list of that many numbers, nil where there is none.
func (f *fields) numbers(name string, count int) []float64 {
	if !f.has(name) {
		return nil
	}
	list, _ := f.values[name].([]any)
	out := make([]float64, len(list))
	ok := len(list) == count
	for i, v := range list {
		n, isNumber := float(v)
		out[i], ok = n, ok && isNumber
	}
	if !ok {
		f.fail(name, fmt.Sprintf("a list of %d numbers", count))
		return nil
	}
	return out
}

func (f *fields) flag(name string, otherwise bool) bool {
	if !f.has(name) {
		return otherwise
	}
	v, ok := f.values[name].(bool)
	if !ok {
		f.fail(name, "true or false")
	}
	return v
}

func (f *fields) text(name, otherwise string) string {
	if !f.has(name) {
		return otherwise
	}
	v, ok := f.values[name].(string)
	if !ok {
		f.fail(name, "a text")
	}
	return v
}

// texts is a list of texts, nil where there is none.
func (f *fields) texts(name string) []string {
	if !f.has(name) {
		return nil
	}
	list, ok := f.values[name].([]any)
	var out []string
	for _, v := range list {
		text, isText := v.(string)
		out, ok = append(out, text), ok && isText
	}
	if !ok {
		f.fail(name, "a list of texts")
	}
	return out
}

// rank is Mamba's dt_rank, whose "auto" is an eighth of half of the width, rounded up.
func (f *fields) rank(name string, width int) int {
	if v, ok := f.values[name].(string); !f.has(name) || ok && v == "auto" {
		return (width + 15) / 16
	}
	return f.integer(name, 0)
}

// theta is RoPE's base: rope_parameters has it where transformers 5 wrote the file.
func (f *fields) theta(otherwise float64) float64 {
	if parameters, ok := f.values["rope_parameters"].(map[string]any); ok {
		if v, ok := float(parameters["rope_theta"]); ok {
			return v
		}
	}
	return f.number("rope_theta", otherwise)
}

// refuse makes a field that asks for what the engine lacks an error, unless the
// field has one of the values that change nothing.
func (f *fields) refuse(name, lacks string, harmless ...any) {
	if !f.has(name) || f.err != nil {
		return
	}
	value := f.values[name]
	if n, ok := float(value); ok {
		value = n
	}
	for _, v := range harmless {
		if value == v {
			return
		}
	}
	text, _ := json.Marshal(f.values[name])
	f.err = fmt.Errorf("config.json: %s is %.60s: %s", name, strings.TrimSpace(string(text)), lacks)
}

// share is a width dealt out evenly, such as a head's.
func (f *fields) share(whole, parts string) int {
	w, p := f.size(whole), f.size(parts)
	if f.err == nil && (p < 1 || w%p != 0) {
		f.fail(parts, fmt.Sprintf("a divisor of %s = %d", whole, w))
	}
	return w / max(p, 1)
}

// inverse is 1 divided by a number.
func (f *fields) inverse(name string, otherwise float64) float64 {
	v := f.number(name, otherwise)
	if v == 0 {
		f.fail(name, "a number other than 0")
	}
	return 1 / v
}

// integers is a list of whole numbers, nil where there is none.
func (f *fields) integers(name string) []int {
	if !f.has(name) {
		return nil
	}
	list, ok := f.values[name].([]any)
	out := []int{}
	for _, v := range list {
		number, _ := v.(json.Number)
		n, err := strconv.Atoi(number.String())
		out, ok = append(out, n), ok && err == nil
	}
	if !ok {
		f.fail(name, "a list of whole numbers")
	}
	return out
}
