// Package folder takes a model folder's weights to a machine: where its files come
// from (source.go, dir.go), and how their blocks become tensors (loader.go).
package folder

import (
	"context"

	"github.com/samba-web/samba/gpu"
)

// Source is where a model folder's files come from.
type Source interface {
	// ReadFile returns a small file. A file that is not there is an error that
	// wraps fs.ErrNotExist.
	ReadFile(ctx context.Context, name string) ([]byte, error)
	// Weights hands the weights files to take, in the order given, each block by
	// block from its first byte to its last. Where a file's Size and SHA256 are
	// known they are checked: a file that turns out damaged at its end, when
	// blocks of it are handed out already, comes once more, from offset 0. An
	// error of take ends it. arrived hears how far it is.
	Weights(ctx context.Context, files []File, arrived func(Arrived), take func(Block) error) error
	// String names the folder in errors.
	String() string
}

// File is a weights file as the index describes it.
type File struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`   // bytes; 0: not known
	SHA256 string `json:"sha256"` // lower-case hexadecimal; "": not known

	// A stretch of the file, from byte Begin to before End, or to its end where that
	// comes first; 0: all of it. Nothing is checked but its length, nothing is kept.
	Begin int64 `json:"begin"`
	End   int64 `json:"end"`

	// Key is of a file that was made of others and kept, see Keeper: it comes from the
	// store or not at all. "": no such file.
	Key string `json:"key"`
}

// Block is a stretch of a weights file.
type Block struct {
	File   int      // which of the files
	Tag    string   // what tells this version of the file from another; "": not known
	Size   int64    // of the whole file, in bytes
	Offset int64    // of the block's first byte
	Bytes  gpu.Blob // valid until take returns
}

// Arrived says what of the weights is there: from the network or, kept from an
// earlier visit, from the store.
type Arrived struct {
	Bytes int64
	Total int64  // of all files; 0: not known
	File  string // the file that is coming
	Note  string // what is waited for, where that takes long: a sentence for people
	Packs bool   // what comes is packed in fewer bits
}

// Made is a Source that makes its files up, from what it calls by this name: the
// same name, the same files.
type Made interface{ MadeFrom() string }

// Keeper is a Source that keeps files made of its own from one visit to the next.
type Keeper interface {
	// Recall returns what Remember kept under the key; "" if there is nothing.
	Recall(ctx context.Context, key string) string
	Remember(ctx context.Context, key, value string)
	// Keep opens the files of a model that is made of the folder, once nobody else makes
	// them. Their Key and Size are known. The name is what the store lists the model
	// by, and the key of what Remember keeps of it.
	Keep(ctx context.Context, name string, files []File, arrived func(Arrived)) (Kept, error)
}

// Kept is a set of files that are made one at a time, front to back.
type Kept interface {
	// Whole tells which of them are there. What Weights has of those is checked then.
	Whole() []bool
	// Begin begins one of them, from nothing; Write goes on with it.
	Begin(ctx context.Context, file int) error
	Write(ctx context.Context, b gpu.Blob) error
	// Finish ends it: it is there from now on, where there is room for it. It returns
	// its SHA-256, in hexadecimal.
	Finish(ctx context.Context) (string, error)
	Close()
}
