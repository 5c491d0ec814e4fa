// Package shaders holds the WGSL kernels and specialises them.
//
// A kernel file is valid WGSL but for comments that Specialize obeys:
//
//	//#include shared/cursor.wgsl    the text of another file
//	//#if NAME  //#if !NAME          keep the lines up to //#else or //#endif
//	override NAME: u32;              becomes const NAME: u32 = <value>; an f32 likewise
//	for (var i = 0u; i < NAME; i++) { //#unroll
//	                                 the body again and again, { let i = 0u; ... } { let i = 1u; ... }
//	    ... { //#unroll const        likewise, { const i = 0u; ... }, which the native binding cannot read
//
// The constants are a struct that has a field for each flag and each override of
// the file and of what it includes, under the same name. What one of the two has
// and the other has not is an error, not a default.
//
// Numbers are fixed when the pipeline is made; only types and features use
// //#if. The overrides are rewritten as constants because the native binding
// offers no pipeline constants. Loops over what should lie in registers are
// unrolled here: drivers give up on large bodies, and an array that is indexed
// by a variable then lies in memory (a 4-bit matvec ran at a third of its
// speed).
package shaders

import (
	"embed"
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

//go:embed *.wgsl shared/*.wgsl
var files embed.FS

// cutOverride takes a line apart that is override NAME: u32; or f32, with whatever follows. Written by hand as
// cutLoop is: a visitor's engine is 60 KB smaller without regular expressions.
func cutOverride(line string) (name, kind, rest string, ok bool) {
	if line, ok = strings.CutPrefix(line, "override "); !ok {
		return "", "", "", false
	}
	name, line = cutWord(line)
	kind, rest, ok = strings.Cut(line, ";")
	kind, colon := strings.CutPrefix(kind, ": ")
	return name, kind, rest, ok && colon && name != "" && (kind == "u32" || kind == "f32")
}

// cutWord cuts letters, digits and _ off a text's beginning.
func cutWord(text string) (word, rest string) {
	n := 0
	for n < len(text) && (text[n] == '_' || '0' <= text[n] && text[n] <= '9' || 'a' <= text[n]|0x20 && text[n]|0x20 <= 'z') {
		n++
	}
	return text[:n], text[n:]
}

// Specialize returns the WGSL text of the kernel stem (its file name without
// .wgsl) with the given constants: a struct whose bools answer //#if lines, and
// whose ints and floats replace the u32 and f32 overrides of their names; embedded
// structs are part of it. A name that no field has, an unknown file or an unclosed
// //#if is an error that names the line.
func Specialize(stem string, constants any) (string, error) {
	values := map[string]any{}
	if err := collect(values, reflect.ValueOf(constants)); err != nil {
		return "", fmt.Errorf("shaders/%s.wgsl: %w", stem, err)
	}
	var out strings.Builder
	if err := expand(&out, stem+".wgsl", values, 0); err != nil {
		return "", err
	}
	lines, err := unroll(strings.Split(out.String(), "\n"), values)
	if err != nil {
		return "", fmt.Errorf("shaders/%s.wgsl: %w", stem, err)
	}
	return strings.Join(lines, "\n"), nil
}

// collect takes a struct's fields, those of embedded structs as its own.
func collect(values map[string]any, s reflect.Value) error {
	if s.Kind() != reflect.Struct {
		return fmt.Errorf("constants are %v, want a struct", s.Kind())
	}
	for i := range s.NumField() {
		field := s.Type().Field(i)
		if field.Anonymous {
			if err := collect(values, s.Field(i)); err != nil {
				return err
			}
			continue
		}
		if _, twice := values[field.Name]; twice {
			return fmt.Errorf("the constants have two fields %s", field.Name)
		}
		values[field.Name] = s.Field(i).Interface()
	}
	return nil
}

// Stems are all kernels' names.
func Stems() []string {
	entries, _ := files.ReadDir(".")
	var stems []string
	for _, e := range entries {
		if stem, ok := strings.CutSuffix(e.Name(), ".wgsl"); ok {
			stems = append(stems, stem)
		}
	}
	return stems
}

// Names are the constants that a kernel's file and all that it includes speak of,
// whatever is kept of them: to each "bool", "u32" or "f32".
func Names(stem string) (map[string]string, error) {
	names := map[string]string{}
	return names, mentioned(names, stem+".wgsl", 0)
}

func mentioned(names map[string]string, file string, depth int) error {
	text, err := read(file, depth)
	if err != nil {
		return err
	}
	for _, line := range strings.Split(text, "\n") {
		name, kind := "", "bool"
		switch directive, rest, _ := strings.Cut(strings.TrimSpace(line), " "); directive {
		case "//#if":
			name = strings.TrimPrefix(rest, "!")
		case "//#include":
			if err := mentioned(names, rest, depth+1); err != nil {
				return err
			}
		default:
			if n, k, _, ok := cutOverride(line); ok {
				name, kind = n, k
			}
		}
		if name == "" {
			continue
		}
		if other := names[name]; other != "" && other != kind {
			return fmt.Errorf("shaders/%s: %s is a %s here and a %s elsewhere", file, name, kind, other)
		}
		names[name] = kind
	}
	return nil
}

func read(file string, depth int) (string, error) {
	if depth > 4 {
		return "", fmt.Errorf("shaders/%s: includes nest deeper than 4", file)
	}
	text, err := files.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("shaders/%s: no such kernel file", file)
	}
	return string(text), nil
}

// loopHead is for (var i = 0u; i < COUNT; i++) { //#unroll, as far in as margin.
type loopHead struct{ margin, variable, count, binding string }

func cutLoop(line string) (head loopHead, ok bool) {
	text := strings.TrimLeft(line, " \t")
	head.margin = line[:len(line)-len(text)]
	take := func(literal string) {
		rest, has := strings.CutPrefix(text, literal)
		text, ok = rest, ok && has
	}
	word := func() (w string) {
		w, text = cutWord(text)
		ok = ok && w != ""
		return w
	}
	ok = true
	take("for (var ")
	head.variable = word()
	take(" = 0u; ")
	word()
	take(" < ")
	head.count = word()
	take("; ")
	word()
	take("++) { //#unroll")
	head.binding = "let"
	if text == " const" {
		head.binding, text = "const", ""
	}
	return head, ok && text == ""
}

// mostUnrolled bounds the text that a loop becomes; longer ones stay loops.
const mostUnrolled = 64

func unroll(lines []string, constants map[string]any) ([]string, error) {
	var out []string
	for i := 0; i < len(lines); i++ {
		head, ok := cutLoop(lines[i])
		if !ok {
			if strings.Contains(lines[i], "//#") {
				return nil, fmt.Errorf("%q: no directive that there is", strings.TrimSpace(lines[i]))
			}
			out = append(out, lines[i])
			continue
		}
		// The body ends where its closing brace stands as far in as the loop.
		end := i + 1
		for end < len(lines) && lines[end] != head.margin+"}" {
			end++
		}
		count, known := constants[head.count].(int)
		if literal, err := strconv.Atoi(strings.TrimSuffix(head.count, "u")); err == nil {
			count, known = literal, true
		}
		if end == len(lines) || !known {
			return nil, fmt.Errorf("%q: want a count that is given and a closing brace as far in", strings.TrimSpace(lines[i]))
		}
		body, err := unroll(lines[i+1:end], constants)
		if err != nil {
			return nil, err
		}
		if count > mostUnrolled {
			out = append(append(append(out, lines[i]), body...), lines[end])
		} else {
			for n := range count {
				out = append(out, fmt.Sprintf("%s{ %s %s = %du;", head.margin, head.binding, head.variable, n))
				out = append(append(out, body...), head.margin+"}")
			}
		}
		i = end
	}
	return out, nil
}

func expand(out *strings.Builder, name string, constants map[string]any, depth int) error {
	text, err := read(name, depth)
	if err != nil {
		return err
	}
	type branch struct{ keep, outer bool }
	var open []branch
	keep := true
	for i, line := range strings.Split(text, "\n") {
		directive, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch directive {
		case "//#if":
			flag, negated := strings.CutPrefix(rest, "!")
			value, given := constants[flag].(bool)
			if keep && !given {
				return fmt.Errorf("shaders/%s:%d: the constants have no bool %s", name, i+1, flag)
			}
			open = append(open, branch{keep: value != negated, outer: keep})
			keep = keep && value != negated
			continue
		case "//#else", "//#endif":
			if len(open) == 0 {
				return fmt.Errorf("shaders/%s:%d: %s without //#if", name, i+1, directive)
			}
			last := open[len(open)-1]
			if directive == "//#else" {
				keep = last.outer && !last.keep
			} else {
				keep, open = last.outer, open[:len(open)-1]
			}
			continue
		case "//#include":
			if keep {
				if err := expand(out, rest, constants, depth+1); err != nil {
					return err
				}
			}
			continue
		}
		if !keep {
			continue
		}
		if constant, kind, after, ok := cutOverride(line); ok {
			value, err := literal(kind, constants[constant])
			if err != nil {
				return fmt.Errorf("shaders/%s:%d: override %s: %w", name, i+1, constant, err)
			}
			line = fmt.Sprintf("const %s: %s = %s;%s", constant, kind, value, after)
		} else if directive == "override" {
			return fmt.Errorf("shaders/%s:%d: %q, want override NAME: u32; or f32, without a value", name, i+1, strings.TrimSpace(line))
		}
		out.WriteString(line)
		out.WriteByte('\n')
	}
	if len(open) > 0 {
		return fmt.Errorf("shaders/%s: //#if without //#endif", name)
	}
	return nil
}

// literal spells a constant as a WGSL literal of the given type.
func literal(wgslType string, value any) (string, error) {
	switch v := value.(type) {
	case int:
		if wgslType == "u32" && v >= 0 {
			return fmt.Sprintf("%du", v), nil
		}
	case float32, float64:
		if wgslType == "f32" {
			return fmt.Sprintf("f32(%.9g)", v), nil
		}
	}
	return "", fmt.Errorf("the constants have %T %v, want a %s", value, value, wgslType)
}
