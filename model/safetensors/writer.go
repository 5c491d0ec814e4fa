package safetensors

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
)

// Layout encodes the header of a file that holds the given tensors in the
// given order (their offsets are ignored), and tells the whole file's size.
// The data starts at a multiple of 8 bytes.
func Layout(tensors []Tensor, metadata map[string]string) (header []byte, fileSize int64, err error) {
	var b bytes.Buffer
	b.Write(make([]byte, prefixSize))
	b.WriteByte('{')
	if len(metadata) > 0 {
		text, err := json.Marshal(metadata)
		if err != nil {
			return nil, 0, fmt.Errorf("safetensors: metadata: %w", err)
		}
		fmt.Fprintf(&b, "%q:%s", metadataKey, text)
	}
	seen := map[string]bool{metadataKey: true}
	offset := int64(0)
	for _, t := range tensors {
		if seen[t.Name] {
			return nil, 0, fmt.Errorf("safetensors: tensor %q is to be written twice", t.Name)
		}
		seen[t.Name] = true
		if err := CheckName(t.Name); err != nil {
			return nil, 0, fmt.Errorf("safetensors: %w", err)
		}
		shape := make([]int64, len(t.Shape))
		for i, n := range t.Shape {
			shape[i] = int64(n)
		}
		size, err := byteSize(t.DType, shape)
		if err != nil || t.DType.Size() == 0 {
			return nil, 0, fmt.Errorf("safetensors: tensor %q: shape %v of dtype %q cannot be written", t.Name, t.Shape, t.DType)
		}
		if b.Len() > prefixSize+1 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(t.Name)
		if err != nil {
			return nil, 0, fmt.Errorf("safetensors: tensor %q: %w", t.Name, err)
		}
		entry, err := json.Marshal(struct {
			DType   DType    `json:"dtype"`
			Shape   []int64  `json:"shape"`
			Offsets [2]int64 `json:"data_offsets"`
		}{t.DType, shape, [2]int64{offset, offset + size}})
		if err != nil {
			return nil, 0, fmt.Errorf("safetensors: tensor %q: %w", t.Name, err)
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(entry)
		offset += size
	}
	b.WriteByte('}')
	for b.Len()%8 != 0 {
		b.WriteByte(' ')
	}
	if b.Len()-prefixSize > maxHeaderSize {
		return nil, 0, fmt.Errorf("safetensors: a header of %d bytes is more than the format's %d", b.Len()-prefixSize, maxHeaderSize)
	}
	header = b.Bytes()
	binary.LittleEndian.PutUint64(header, uint64(len(header)-prefixSize))
	return header, int64(len(header)) + offset, nil
}

// Writer streams a file whose tensors' sizes are known beforehand: the header
// first, then the tensors' bytes in order. Nothing is buffered.
type Writer struct {
	out  io.Writer
	done int64
	size int64
}

// NewWriter writes the header; the tensors' bytes follow by Write, in the same
// order, however they are cut into pieces.
func NewWriter(out io.Writer, tensors []Tensor, metadata map[string]string) (*Writer, error) {
	header, size, err := Layout(tensors, metadata)
	if err != nil {
		return nil, err
	}
	w := &Writer{out: out, size: size}
	_, err = w.Write(header)
	return w, err
}

// Write appends tensor bytes.
func (w *Writer) Write(p []byte) (int, error) {
	if int64(len(p)) > w.size-w.done {
		return 0, fmt.Errorf("safetensors: %d bytes written past the %d that the header declares", int64(len(p))-(w.size-w.done), w.size)
	}
	n, err := w.out.Write(p)
	w.done += int64(n)
	return n, err
}

// Close verifies that every byte the header declares has been written. It
// leaves the underlying writer open.
func (w *Writer) Close() error {
	if w.done != w.size {
		return fmt.Errorf("safetensors: %d bytes written, want the %d that the header declares", w.done, w.size)
	}
	return nil
}

// Size is the whole file's size in bytes.
func (w *Writer) Size() int64 { return w.size }
