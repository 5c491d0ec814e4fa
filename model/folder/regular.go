//go:build !js

package folder

import (
	"fmt"
	"io"
	"io/fs"
	"os"
)

// Open opens a regular file, and nothing else: what stands under a name may be
// a link to a device that never ends, or a pipe that never begins.
func Open(path string) (*os.File, int64, error) {
	about, err := os.Stat(path)
	if err != nil {
		return nil, 0, err
	}
	if !about.Mode().IsRegular() {
		return nil, 0, fmt.Errorf("%s is %s, want a regular file", path, kindOf(about.Mode()))
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	if about, err = f.Stat(); err == nil && !about.Mode().IsRegular() {
		err = fmt.Errorf("%s is %s, want a regular file", path, kindOf(about.Mode()))
	}
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, about.Size(), nil
}

func kindOf(mode fs.FileMode) string {
	switch {
	case mode.IsDir():
		return "a folder"
	case mode&fs.ModeDevice != 0:
		return "a device"
	case mode&fs.ModeNamedPipe != 0:
		return "a pipe"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	}
	return "no regular file"
}

// ReadFile reads a regular file, of at most this many bytes.
func ReadFile(path string, most int64) ([]byte, error) {
	f, size, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if size > most {
		return nil, fmt.Errorf("%s has %d bytes, want at most %d", path, size, most)
	}
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(data)) > most {
		err = fmt.Errorf("%s grows while it is read, beyond %d bytes", path, most)
	}
	if err != nil {
		return nil, err
	}
	return data, nil
}
