package model

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"

	"github.com/samba-web/samba/model/folder"
	"github.com/samba-web/samba/model/machine"
	"github.com/samba-web/samba/model/packing"
	"github.com/samba-web/samba/model/safetensors"
)

// Hash tells this model and its states from others: the SHA-256, in hexadecimal,
// of config.json and of the hashes that the index has of the weights.
func (m *Model) Hash() string { return hex.EncodeToString(m.hash[:]) }

// identify computes the hash. An index from elsewhere has no hashes: in their
// place stand the values of the model's small tensors.
func (m *Model) identify(src folder.Source, index *safetensors.Index, vectors map[string][]float32) {
	if packed, ok := src.(*packing.Source); ok {
		index = packed.Index() // has them by now
	}
	h := sha256.New()
	h.Write(m.text)
	for _, name := range index.Files() {
		fmt.Fprintf(h, "\n%s %s", name, index.Metadata.SHA256[name])
	}
	if len(index.Metadata.SHA256) == 0 {
		for _, name := range slices.Sorted(maps.Keys(vectors)) {
			fmt.Fprintf(h, "\n%s ", name)
			h.Write(machine.FloatBytes(vectors[name]))
		}
	}
	if r, ok := src.(folder.Made); ok {
		fmt.Fprintf(h, "\n%s", r.MadeFrom())
	}
	h.Sum(m.hash[:0])
}
