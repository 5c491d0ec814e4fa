package folder

import (
	"github.com/samba-web/samba/model/prompt"
	"github.com/samba-web/samba/model/safetensors"
)

// Limit is the most bytes that a folder's small file of that name may have.
func Limit(name string) int64 {
	switch name {
	case "config.json", "generation_config.json", prompt.File, "README.md":
		return 4 << 20
	case "tokenizer_config.json", safetensors.IndexName:
		return 32 << 20
	}
	return 128 << 20 // tokenizers of large vocabularies have some 30 MiB
}
