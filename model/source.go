package model

import (
	"context"

	"github.com/samba-web/samba/gpu"
)

// Source is where a model folder's files come from.
type Source interface {
	// ReadFile returns a small file. A file that is not there is an error that
	// wraps fs.ErrNotExist.
	ReadFile(ctx context.Context, name string) ([]byte, error)
	// Shard returns a weights file, whole. Where size is not 0 and sha256 not
	// empty they have been checked. loaded is told the bytes that have arrived.
	Shard(ctx context.Context, name string, size int64, sha256 string, loaded func(n int64)) (gpu.Blob, error)
	// String names the folder in errors.
	String() string
}

// Progress is how far a long piece of work has come.
type Progress struct {
	Phase  string `json:"phase"`  // one of the Phase constants
	Loaded int64  `json:"loaded"` // bytes, or tokens while reading the prompt
	Total  int64  `json:"total"`  // 0: not known
	Shard  int    `json:"shard"`  // shards that have arrived
	Shards int    `json:"shards"`
	File   string `json:"file"` // the file at hand
}

// The phases of loading, in order.
const (
	PhaseDownload = "download"
	PhaseCompile  = "compile"
)
