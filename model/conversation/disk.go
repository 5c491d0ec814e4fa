//go:build !js

package conversation

import (
	"fmt"
	"io"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/model/folder"
)

// ReadFile reads a saved state, which other things may follow. What does not
// begin as one, or is no regular file, is not read to its end.
func ReadFile(path string) ([]byte, error) {
	f, size, err := folder.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	head := make([]byte, min(size, HeaderBytes))
	if _, err := io.ReadFull(f, head); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(head) < len(Magic) || string(head[:len(Magic)]) != Magic || size > MaxSize {
		_, err := Parse(head[:min(len(head), len(Magic)-1)], size)
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	data := make([]byte, size)
	if _, err := io.ReadFull(f, data[copy(data, head):]); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return data, nil
}

// InspectFile reads the header of a saved state on disk.
func InspectFile(path string) (Info, error) {
	data, err := ReadFile(path)
	if err != nil {
		return Info{}, err
	}
	info, err := Inspect(gpu.BlobOf(data))
	if err != nil {
		return Info{}, fmt.Errorf("%s: %w", path, err)
	}
	return info, nil
}
