// Package shaders holds the WGSL kernels and specialises them.
//
// A kernel file is valid WGSL but for comments that Specialize obeys:
//
//	//#include shared/cursor.wgsl    the text of another file
//	//#if NAME  //#if !NAME          keep the lines up to //#else or //#endif
//	override NAME: u32;              becomes const NAME: u32 = <value>;
//	for (var i = 0u; i < NAME; i++) { //#unroll
//	                                 the body again and again, { let i = 0u; ... } { let i = 1u; ... }
//	    ... { //#unroll const        likewise, { const i = 0u; ... }, which the native binding cannot read
//
// Numbers are fixed when the pipeline is made; only types and features use
// //#if. The overrides are rewritten as constants because the native binding
// offers no pipeline constants. Loops over what should lie in registers are
// unrolled here: drivers give up on large bodies, and an array that is indexed
// by a variable then lies in memory (a 4-bit matvec ran at a third of its
// speed).
package shaders

import (
	"cmp"
	"embed"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

//go:embed *.wgsl shared/*.wgsl
var files embed.FS

// Constants are the values that specialise a kernel: a bool answers //#if
// lines, a number replaces the override of its name.
type Constants map[string]any

var override = regexp.MustCompile(`^override (\w+): (\w+)( = [^;]+)?;(.*)$`)

// Specialize returns the WGSL text of the kernel stem (its file name without
// .wgsl) with the given constants. An override without a value, an unknown
// file or an unclosed //#if is an error that names the line.
func Specialize(stem string, constants Constants) (string, error) {
	var out strings.Builder
	if err := expand(&out, stem+".wgsl", constants, 0); err != nil {
		return "", err
	}
	lines, err := unroll(strings.Split(out.String(), "\n"), constants)
	if err != nil {
		return "", fmt.Errorf("shaders/%s.wgsl: %w", stem, err)
	}
	return strings.Join(lines, "\n"), nil
}

var loop = regexp.MustCompile(`^(\s*)for \(var (\w+) = 0u; \w+ < (\w+); \w+\+\+\) \{ //#unroll( const)?$`)

// mostUnrolled bounds the text that a loop becomes; longer ones stay loops.
const mostUnrolled = 64

func unroll(lines []string, constants Constants) ([]string, error) {
	var out []string
	for i := 0; i < len(lines); i++ {
		m := loop.FindStringSubmatch(lines[i])
		if m == nil {
			out = append(out, lines[i])
			continue
		}
		// The body ends where its closing brace stands as far in as the loop.
		end := i + 1
		for end < len(lines) && lines[end] != m[1]+"}" {
			end++
		}
		count, known := constants[m[3]].(int)
		if literal, err := strconv.Atoi(strings.TrimSuffix(m[3], "u")); err == nil {
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
				out = append(out, fmt.Sprintf("%s{ %s %s = %du;", m[1], cmp.Or(strings.TrimSpace(m[4]), "let"), m[2], n))
				out = append(append(out, body...), m[1]+"}")
			}
		}
		i = end
	}
	return out, nil
}

func expand(out *strings.Builder, name string, constants Constants, depth int) error {
	if depth > 4 {
		return fmt.Errorf("shaders/%s: includes nest deeper than 4", name)
	}
	text, err := files.ReadFile(name)
	if err != nil {
		return fmt.Errorf("shaders/%s: no such kernel file", name)
	}
	type branch struct{ keep, outer bool }
	var open []branch
	keep := true
	for i, line := range strings.Split(string(text), "\n") {
		directive, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch directive {
		case "//#if":
			flag, negated := strings.CutPrefix(rest, "!")
			value, _ := constants[flag].(bool)
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
		if m := override.FindStringSubmatch(line); m != nil {
			switch value, given := constants[m[1]]; {
			case given:
				line = fmt.Sprintf("const %s: %s = %v;%s", m[1], m[2], literal(m[2], value), m[4])
			case m[3] != "":
				line = fmt.Sprintf("const %s: %s%s;%s", m[1], m[2], m[3], m[4])
			default:
				return fmt.Errorf("shaders/%s:%d: override %s has no value", name, i+1, m[1])
			}
		}
		out.WriteString(line)
		out.WriteByte('\n')
	}
	if len(open) > 0 {
		return fmt.Errorf("shaders/%s: //#if without //#endif", name)
	}
	return nil
}

// literal spells a Go number as a WGSL literal of the given type.
func literal(wgslType string, value any) string {
	switch wgslType {
	case "u32":
		return fmt.Sprintf("%du", value)
	case "f32":
		return fmt.Sprintf("f32(%.9g)", value)
	}
	return fmt.Sprint(value)
}
