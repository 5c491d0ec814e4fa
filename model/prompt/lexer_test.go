package prompt

import (
	"math/rand/v2"
	"regexp"
	"testing"
)

// What the lexer reads by hand is what these expressions say, which a visitor's engine does without.
func TestLexerReadsAsExpressionsSay(t *testing.T) {
	floats := regexp.MustCompile(`^(\d+_)*\d+((\.(\d+_)*\d+)?[eE][+-]?(\d+_)*\d+|\.(\d+_)*\d+)`)
	wholes := regexp.MustCompile(`^(0[bB](_?[01])+|0[oO](_?[0-7])+|0[xX](_?[0-9a-fA-F])+|\d(_?\d)*)`)
	open := regexp.MustCompile(`^\s*raw\s*([-+]?)%\}`)
	end := regexp.MustCompile(`\{%([-+]?)\s*endraw\s*([-+]?)%\}`)
	random := rand.New(rand.NewPCG(1, 0))
	some := func(pieces ...string) (text string) {
		for range random.IntN(10) {
			text += pieces[random.IntN(len(pieces))]
		}
		return text
	}
	sign := func(s string) byte {
		if s == "" {
			return 0
		}
		return s[0]
	}
	found := map[string]int{}
	for range 50_000 {
		number := some("0", "1", "9", "_", ".", "e", "E", "+", "-", "x", "X", "b", "o", "a", "F")
		if got, want := number[:floatLength(number)], floats.FindString(number); got != want {
			t.Fatalf("%q: the number with a point is %q, want %q", number, got, want)
		} else if want != "" {
			found["float"]++
		}
		if got, want := number[:wholeLength(number)], wholes.FindString(number); got != want {
			t.Fatalf("%q: the whole number is %q, want %q", number, got, want)
		}
		source := " raw" + some("-", "+", " ", "%}", "{%", "\n") + some("{%", "endraw", "raw", " ", "-", "+", "%}", "x")
		if random.IntN(2) == 0 {
			source = "raw %}" + some("{", "{%", "\v") + "{%" + some("-", "+", " ") + "endraw" + some("-", "+", " ", "%}") + "%}x"
		}
		inside, rest, marks, ok := rawBlock(source)
		m := open.FindStringSubmatch(source)
		if opensRaw(source) != (m != nil) {
			t.Fatalf("%q: opens a raw block: %v", source, opensRaw(source))
		}
		if m == nil {
			if ok {
				t.Fatalf("%q is a raw block", source)
			}
			continue
		}
		body := source[len(m[0]):]
		at := end.FindStringSubmatchIndex(body)
		if ok != (at != nil) {
			t.Fatalf("%q: is a raw block: %v", source, ok)
		}
		if !ok {
			continue
		}
		found["raw"]++
		want := rawMarks{sign(m[1]), sign(body[at[2]:at[3]]), sign(body[at[4]:at[5]])}
		if inside != body[:at[0]] || rest != body[at[1]:] || marks != want {
			t.Fatalf("%q: %q, %q, %v", source, inside, rest, marks)
		}
	}
	if found["float"] < 100 || found["raw"] < 500 {
		t.Errorf("too few were found: %v", found)
	}
}
