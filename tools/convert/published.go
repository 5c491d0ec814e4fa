package convert

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"

	"github.com/samba-web/samba/model/config"
	"github.com/samba-web/samba/model/families"
	"github.com/samba-web/samba/model/safetensors"
)

// publishedFrom reads the config of a published model's folder; nil where the
// checkpoint is ours or the reference's.
func publishedFrom(option string, src *source) (*families.Model, error) {
	var about struct {
		Type string `json:"model_type"`
	}
	text := families.Plain(src.config)
	if option != "" || json.Unmarshal(text, &about) != nil || about.Type == "" || about.Type == config.ModelType {
		return nil, nil
	}
	m, err := families.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", src.configFrom, err)
	}
	m.Config.Quantization = nil
	return m, nil
}

// planPublished lists a published folder's own tensors in the order in which a
// token meets them: they keep their names and shapes, so that the folder that is
// written is one of the same family, packed as MLX packs.
func planPublished(m *families.Model, src *source, bits, group int, wider map[string]int) ([]*output, error) {
	p := &planner{m.Config, src, map[string]bool{}}
	var outputs []*output
	for _, spec := range m.Config.TensorSpecs() {
		rows := 0
		var parts []string
		for _, name := range m.Names.Of(spec.Name) {
			if src.tensors[name] != nil {
				parts = append(parts, name)
			}
		}
		sort.Slice(parts, func(i, j int) bool { return place(m, parts[i]).Row < place(m, parts[j]).Row })
		for _, name := range parts {
			at := place(m, name)
			if at.Row != rows {
				return nil, fmt.Errorf("%s: %s holds rows that another tensor holds, too", src.path, name)
			}
			rows += at.Rows
			shape := slices.Clone(spec.Shape)
			shape[0] = at.Rows
			from, err := p.rows(name, shape)
			if err != nil {
				return nil, err
			}
			o := &output{name: name, shape: src.tensors[name].shape(), parts: from}
			if spec.IsLinear() {
				o.shape = shape
			}
			o.encode(spec, bits, group, wider)
			if t, ok := src.tensors[name].(*rawTensor); ok && o.dtype == safetensors.F16 && t.DType == safetensors.BF16 {
				o.dtype = safetensors.BF16 // F16 has not its range
			}
			outputs = append(outputs, o)
		}
		if rows != spec.Shape[0] {
			return nil, fmt.Errorf("%s: of %s are %d rows of %d there: it is missing a tensor that config.json asks for", src.path, strings.Join(m.Names.Of(spec.Name), " or "), rows, spec.Shape[0])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(src.tensors)) {
		if _, _, ignored := m.Names.Place(name); !p.used[name] && !ignored {
			return nil, fmt.Errorf("%s: a %s model has no tensor %s: config.json does not describe these weights", src.path, m.Config.ModelType, name)
		}
	}
	return outputs, nil
}

func place(m *families.Model, name string) families.Place {
	at, _, _ := m.Names.Place(name)
	return at
}

// publishedConfig is the folder's config.json with what was packed, as MLX writes it.
func publishedConfig(text []byte, outputs []*output, bits, group int) ([]byte, error) {
	fields := map[string]json.RawMessage{}
	err := json.Unmarshal(families.Plain(text), &fields)
	if err != nil {
		return nil, err
	}
	delete(fields, "quantization")
	delete(fields, "quantization_config")
	if fields[families.Unfolded], err = json.Marshal(formatVersion); err != nil {
		return nil, err
	}
	if bits == 4 || bits == 8 {
		entry := map[string]any{"bits": bits, "group_size": group, "mode": "affine"}
		for _, o := range outputs {
			module := strings.TrimSuffix(o.name, ".weight")
			switch {
			case o.indivisible:
				entry[module] = false
			case o.bits != 0 && o.bits != bits:
				entry[module] = map[string]int{"bits": o.bits, "group_size": group}
			}
		}
		if fields["quantization"], err = json.Marshal(entry); err != nil {
			return nil, err
		}
	}
	return encodeJSON(fields)
}
