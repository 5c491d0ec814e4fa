package shaders

import (
	"strings"
	"testing"
)

type shared struct {
	BATCH         bool
	PLACES, DEPTH int
}

// What Go and a shader do not agree on is said with its place, never filled in.
func TestSpecialize(t *testing.T) {
	for _, c := range []struct {
		what, stem string
		constants  any
		want       string // in the error; empty: none
	}{
		{"all that swiglu.wgsl asks for", "swiglu", struct {
			shared
			WIDTH int
		}{WIDTH: 8}, ""},
		{"a flag missing", "swiglu", struct{ WIDTH int }{8}, "shaders/shared/cursor.wgsl:8: the constants have no bool BATCH"},
		{"an override missing", "swiglu", struct{ shared }{}, "override WIDTH: the constants have <nil> <nil>, want a u32"},
		{"an override misspelt", "swiglu", struct {
			shared
			WIDHT int
		}{}, "override WIDTH: the constants have"},
		{"a float for a u32", "swiglu", struct {
			shared
			WIDTH float64
		}{}, "override WIDTH: the constants have float64 0, want a u32"},
		{"less than nothing", "swiglu", struct {
			shared
			WIDTH int
		}{WIDTH: -1}, "override WIDTH: the constants have int -1, want a u32"},
		{"a name twice", "swiglu", struct {
			shared
			BATCH bool
		}{}, "shaders/swiglu.wgsl: the constants have two fields BATCH"},
		{"no struct", "swiglu", map[string]any{}, "shaders/swiglu.wgsl: constants are map, want a struct"},
		{"no such kernel", "swigly", struct{}{}, "shaders/swigly.wgsl: no such kernel file"},
	} {
		text, err := Specialize(c.stem, c.constants)
		switch {
		case c.want == "" && (err != nil || !strings.Contains(text, "fn main")):
			t.Errorf("%s: %v, want a kernel's text", c.what, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: %v, want %s", c.what, err, c.want)
		}
	}
	if _, err := unroll([]string{"    //#iff ADD"}, nil); err == nil || !strings.Contains(err.Error(), `"//#iff ADD"`) {
		t.Errorf("a misspelt directive: %v", err)
	}
}
