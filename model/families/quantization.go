package families

import (
	"fmt"
	"sort"
)

// format is how a module's weight is packed; the zero value: not at all.
type format struct{ bits, group int }

// quantization is MLX's entry of config.json: a format for all modules, and
// those that have another or none.
type quantization struct {
	format
	modules map[string]format
}

// quantization reads the entry that MLX writes, and refuses those of others.
func (f *fields) quantization() *quantization {
	name := "quantization"
	if !f.has(name) {
		name = "quantization_config"
	}
	if !f.has(name) {
		return nil
	}
	entry, ok := f.values[name].(map[string]any)
	if !ok {
		f.fail(name, "an object")
		return nil
	}
	if method, ok := entry["quant_method"]; ok {
		f.lack(name+".quant_method", method, "weights packed that way are not carried: take the folder as its authors published it, or one that MLX packed in 4 or 8 bits")
		return nil
	}
	q := &quantization{format: f.format(name, entry), modules: map[string]format{}}
	var modules []string
	for module := range entry {
		modules = append(modules, module)
	}
	sort.Strings(modules) // so that of several faults always the same is told
	for _, module := range modules {
		switch own := entry[module].(type) {
		case map[string]any:
			q.modules[module] = f.format(name+"."+module, own)
		case bool:
			if own {
				q.modules[module] = q.format
			} else {
				q.modules[module] = format{}
			}
		}
	}
	return q
}

// format reads bits, group size and mode of one entry.
func (f *fields) format(name string, entry map[string]any) format {
	inner := fields{values: entry}
	bits, group, mode := inner.integer("bits", 4), inner.integer("group_size", 64), inner.text("mode", "affine")
	switch {
	case f.err != nil:
	case inner.err != nil:
		f.err = fmt.Errorf("config.json: %s: %w", name, inner.err)
	case mode != "affine":
		f.lack(name+".mode", mode, "want affine, in 4 or 8 bits: take such a folder, or the unpacked one")
	case bits != 4 && bits != 8:
		f.lack(name+".bits", bits, "want 4 or 8: take such a folder, or the unpacked one")
	case group != 32 && group != 64 && group != 128:
		f.lack(name+".group_size", group, "want 32, 64 or 128")
	}
	return format{bits, group}
}

// lack says that a field asks for what the engine lacks.
func (f *fields) lack(name string, value any, what string) {
	if f.err == nil {
		f.err = fmt.Errorf("config.json: %s is %v: %s", name, value, what)
	}
}

// of is the format of a module, such as model.layers.3.self_attn.q_proj.
func (q *quantization) of(module string) format {
	if q == nil {
		return format{}
	}
	if own, ok := q.modules[module]; ok {
		return own
	}
	return q.format
}
