// Package shaders holds the WGSL kernels and specialises them.
//
// A kernel file is valid WGSL but for three kinds of comment lines, which
// Specialize obeys:
//
//	//#include shared/cursor.wgsl    the text of another file
//	//#if NAME  //#if !NAME          keep the lines up to //#else or //#endif
//	override NAME: u32;              becomes const NAME: u32 = <value>;
//
// Numbers are fixed when the pipeline is made, so loops have constant bounds
// and the compiler unrolls them; only types and features use //#if. The
// overrides are rewritten as constants because the native binding offers no
// pipeline constants.
package shaders

import (
	"embed"
	"fmt"
	"regexp"
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
	return out.String(), nil
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
