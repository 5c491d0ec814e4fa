package safetensors

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// IndexName is the name of the index in a model folder.
const IndexName = "model.safetensors.index.json"

// maxFileSize bounds what an index may claim for one file: 1 TiB.
const maxFileSize = 1 << 40

// Index says which file holds which tensor of a model that is cut into shards.
type Index struct {
	Metadata  IndexMetadata     `json:"metadata"`
	WeightMap map[string]string `json:"weight_map"` // tensor → file
}

// IndexMetadata is what an index says of the files. Indexes from elsewhere
// carry neither hashes nor sizes.
type IndexMetadata struct {
	TotalSize int64             `json:"total_size"`       // bytes of all tensors
	SHA256    map[string]string `json:"sha256,omitempty"` // file → lower-case hexadecimal
	Size      map[string]int64  `json:"size,omitempty"`   // file → bytes
}

// ParseIndex reads and validates an index. File names are plain names: an
// index never leads out of its folder.
func ParseIndex(data []byte) (*Index, error) {
	x := new(Index)
	if err := json.Unmarshal(data, x); err != nil {
		return nil, fmt.Errorf("%s: %w", IndexName, err)
	}
	if err := x.validate(); err != nil {
		return nil, fmt.Errorf("%s: %w", IndexName, err)
	}
	return x, nil
}

// Encode validates and serializes an index, tensors in alphabetical order.
func (x *Index) Encode() ([]byte, error) {
	if err := x.validate(); err != nil {
		return nil, fmt.Errorf("%s: %w", IndexName, err)
	}
	data, err := json.MarshalIndent(x, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", IndexName, err)
	}
	return append(data, '\n'), nil
}

// Files lists the shards in alphabetical order, which for our own names is the
// order in which the model needs them.
func (x *Index) Files() []string {
	files := slices.Sorted(maps.Values(x.WeightMap))
	return slices.Compact(files)
}

func (x *Index) validate() error {
	if len(x.WeightMap) == 0 {
		return fmt.Errorf("weight_map is empty or missing")
	}
	files := x.Files()
	known := make(map[string]bool, len(files))
	for _, file := range files {
		if !plainName(file) {
			return fmt.Errorf("weight_map names the file %q, want a plain name that ends in .safetensors", file)
		}
		known[file] = true
	}
	if x.Metadata.TotalSize < 0 {
		return fmt.Errorf("metadata.total_size is %d", x.Metadata.TotalSize)
	}
	for _, file := range slices.Sorted(maps.Keys(x.Metadata.SHA256)) {
		sum := x.Metadata.SHA256[file]
		raw, err := hex.DecodeString(sum)
		if !known[file] || err != nil || len(raw) != 32 || sum != strings.ToLower(sum) {
			return fmt.Errorf("metadata.sha256 has %q for %q, want 64 lower-case hexadecimal digits for a file of weight_map", sum, file)
		}
	}
	for _, file := range slices.Sorted(maps.Keys(x.Metadata.Size)) {
		if n := x.Metadata.Size[file]; !known[file] || n < prefixSize || n > maxFileSize {
			return fmt.Errorf("metadata.size has %d for %q, want %d to %d bytes for a file of weight_map", n, file, prefixSize, int64(maxFileSize))
		}
	}
	// Hashes for some shards only would leave the others open to exchange.
	if n := len(x.Metadata.SHA256); n != 0 && n != len(files) {
		return fmt.Errorf("metadata.sha256 covers %d of %d files, want all or none", n, len(files))
	}
	if n := len(x.Metadata.Size); n != 0 && n != len(files) {
		return fmt.Errorf("metadata.size covers %d of %d files, want all or none", n, len(files))
	}
	return nil
}

func plainName(name string) bool {
	if len(name) > 255 || !strings.HasSuffix(name, ".safetensors") || strings.HasPrefix(name, ".") {
		return false
	}
	for _, r := range name {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune("._-", r):
		default:
			return false
		}
	}
	return true
}
