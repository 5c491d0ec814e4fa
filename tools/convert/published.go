package convert

import (
	"encoding/json"
	"fmt"

	"github.com/samba-web/samba/model/config"
	"github.com/samba-web/samba/model/families"
	"github.com/samba-web/samba/model/packing"
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

// planPublished is packing.Plan of a source.
func planPublished(m *families.Model, src *source, f packing.Format) ([]*packing.Output, error) {
	shapes := map[string][]int{}
	for _, spec := range m.Config.TensorSpecs() {
		shapes[spec.Name] = spec.Shape
	}
	tensors := map[string]packing.Tensor{}
	for name, t := range src.tensors {
		at, known, _ := m.Names.Place(name)
		if q, ok := t.(*packed); ok && known && len(shapes[at.Tensor]) == 2 {
			if err := q.fit(shapes[at.Tensor][1]); err != nil {
				return nil, fmt.Errorf("%s: %w", src.path, err)
			}
		}
		about := packing.Tensor{Shape: t.shape()}
		if raw, ok := t.(*rawTensor); ok {
			about.DType = raw.DType
		}
		tensors[name] = about
	}
	outputs, err := packing.Plan(m, tensors, f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", src.path, err)
	}
	return outputs, nil
}
