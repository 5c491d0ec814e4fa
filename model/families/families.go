// Package families reads published models' folders as they are: it turns the
// config.json and the tensor names of each family into the engine's own
// (package config), and refuses by name what the engine does not carry.
//
// A family is one file, a line in List, and its folders in testdata.
package families

import (
	"fmt"
	"sort"
	"strings"

	"github.com/samba-web/samba/model/config"
)

// Family is one kind of published model.
type Family struct {
	Types []string // config.json's model_type

	// config reads the shape; what is wrong with a field is kept in f.
	config func(f *fields) *config.Config
	// tensors says where the folder's tensors go, under hubs' names and under MLX's.
	tensors func(c *config.Config, f *fields, n *Names)
}

// List is all families that run.
var List = []Family{mamba, jamba, granite, nemotron, falconH1, lfm2, phi4flash}

// Model is what a config.json says: the shape, and where tensors go.
type Model struct {
	Config *config.Config
	Names  *Names
}

// Parse reads a config.json of any family, ours included. Errors name the
// field, or the families that there are.
func Parse(data []byte) (*Model, error) {
	f, err := parseFields(data)
	if err != nil {
		return nil, err
	}
	kind := f.text("model_type", "")
	if f.err != nil {
		return nil, f.err
	}
	if kind == config.ModelType {
		c, err := config.Parse(data)
		if err != nil {
			return nil, err
		}
		return &Model{c, own(c)}, nil
	}
	for _, family := range List {
		for _, t := range family.Types {
			if t == kind {
				return family.parse(f)
			}
		}
	}
	return nil, fmt.Errorf("config.json: model_type is %q, want one of %s", kind, strings.Join(Types(), ", "))
}

// Types are the model types that there are, ours first.
func Types() []string {
	var all []string
	for _, f := range List {
		all = append(all, f.Types...)
	}
	sort.Strings(all)
	return append([]string{config.ModelType}, all...)
}

func (family *Family) parse(f *fields) (*Model, error) {
	q := f.quantization()
	c := family.config(f)
	if f.err != nil {
		return nil, f.err
	}
	c.ModelType = f.text("model_type", "")
	if q != nil && q.format.bits != 0 {
		c.Quantization = &config.Quantization{GroupSize: q.format.group, Bits: q.format.bits}
	}
	if err := c.Validate(); err != nil {
		return nil, err
	}
	n := newNames(c)
	family.tensors(c, f, n)
	if f.err != nil {
		return nil, f.err
	}
	n.finish(q)
	return &Model{c, n}, nil
}
