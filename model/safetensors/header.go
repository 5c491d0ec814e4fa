// Package safetensors reads and writes the safetensors format:
//
//	8 bytes   little-endian length n of the header
//	n bytes   JSON: name → {dtype, shape, data_offsets}, and "__metadata__"
//	the rest  the tensors' bytes, without gaps, row-major and little-endian
//
// A header is parsed from bytes alone, because the browser fetches it by an
// HTTP range and never holds the file. Files come from strangers: every count,
// offset and shape is checked against the file's size before it is used.
package safetensors

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"unicode"
)

// DType is an element type as the header spells it.
type DType string

// The element types that are known; the format's narrow floats are not.
const (
	F32  DType = "F32"
	F16  DType = "F16"
	BF16 DType = "BF16"
	F64  DType = "F64"
	I64  DType = "I64"
	I32  DType = "I32"
	U32  DType = "U32"
	I16  DType = "I16"
	U16  DType = "U16"
	I8   DType = "I8"
	U8   DType = "U8"
	Bool DType = "BOOL"
)

// Size is the number of bytes of one element, 0 for an unknown type.
func (d DType) Size() int {
	switch d {
	case F64, I64:
		return 8
	case F32, I32, U32:
		return 4
	case F16, BF16, I16, U16:
		return 2
	case I8, U8, Bool:
		return 1
	}
	return 0
}

const (
	prefixSize    = 8         // the header's length
	maxHeaderSize = 100 << 20 // the format's own limit
	maxDims       = 8
	maxName       = 512
	metadataKey   = "__metadata__"
)

// Tensor is one tensor's place in its file.
type Tensor struct {
	Name       string
	DType      DType
	Shape      []int // row-major; empty for a scalar
	Begin, End int64 // byte range, counted from the start of the file
}

// Bytes is the tensor's size in the file.
func (t Tensor) Bytes() int64 { return t.End - t.Begin }

// Header is the table of a file's tensors.
type Header struct {
	Tensors   []Tensor // by position in the file
	Metadata  map[string]string
	DataStart int64 // first byte after the header

	index map[string]int
}

// Tensor finds a tensor by name.
func (h *Header) Tensor(name string) (Tensor, bool) {
	i, ok := h.index[name]
	if !ok {
		return Tensor{}, false
	}
	return h.Tensors[i], true
}

// HeaderEnd tells from a file's first 8 bytes how many bytes, from the start
// of the file, must be there for ParseHeader.
func HeaderEnd(first []byte, fileSize int64) (int64, error) {
	if fileSize < prefixSize || len(first) < prefixSize {
		return 0, fmt.Errorf("safetensors: the file has %d bytes, want at least the %d of the header's length: it is truncated or no safetensors file", fileSize, prefixSize)
	}
	n := binary.LittleEndian.Uint64(first)
	if n > maxHeaderSize {
		return 0, fmt.Errorf("safetensors: the header claims %d bytes, more than the format's %d: this is no safetensors file", n, maxHeaderSize)
	}
	if int64(n) > fileSize-prefixSize {
		return 0, fmt.Errorf("safetensors: the header claims %d bytes, but only %d follow: the file is truncated", n, fileSize-prefixSize)
	}
	return prefixSize + int64(n), nil
}

// ReadHeader reads and checks the header of a file of size bytes.
func ReadHeader(r io.ReaderAt, size int64) (*Header, error) {
	first := make([]byte, min(max(size, 0), prefixSize))
	if _, err := r.ReadAt(first, 0); err != nil && err != io.EOF {
		return nil, fmt.Errorf("safetensors: reading the header's length: %w", err)
	}
	end, err := HeaderEnd(first, size)
	if err != nil {
		return nil, err
	}
	data := make([]byte, end)
	if n, err := r.ReadAt(data, 0); n < len(data) {
		return nil, fmt.Errorf("safetensors: reading the header's %d bytes: %w", end, err)
	}
	return ParseHeader(data, size)
}

// ParseHeader parses a header from the first bytes of a file of fileSize
// bytes; data must hold at least HeaderEnd bytes, and may hold more. It reports
// the first contradiction: a tensor outside the file, a gap or an overlap
// between tensors, a name given twice, a shape that disagrees with its bytes.
func ParseHeader(data []byte, fileSize int64) (*Header, error) {
	end, err := HeaderEnd(data, fileSize)
	if err != nil {
		return nil, err
	}
	if int64(len(data)) < end {
		return nil, fmt.Errorf("safetensors: %d bytes are here, want the header's %d", len(data), end)
	}
	p := parser{json.NewDecoder(bytes.NewReader(data[prefixSize:end]))}
	p.UseNumber()
	h := &Header{DataStart: end, index: map[string]int{}}
	if err := p.header(h); err != nil {
		return nil, fmt.Errorf("safetensors: header: %w", err)
	}
	if err := h.checkLayout(fileSize); err != nil {
		return nil, fmt.Errorf("safetensors: %w", err)
	}
	return h, nil
}

// checkLayout turns offsets into positions in the file and verifies that the
// tensors tile the data without gap or overlap, as the format demands: a gap
// could hide bytes that no hash of tensors covers.
func (h *Header) checkLayout(fileSize int64) error {
	slices.SortStableFunc(h.Tensors, func(a, b Tensor) int {
		return cmp.Or(cmp.Compare(a.Begin, b.Begin), cmp.Compare(a.End, b.End))
	})
	size, next := fileSize-h.DataStart, int64(0)
	for i := range h.Tensors {
		t := &h.Tensors[i]
		switch {
		case t.Begin < 0 || t.End < t.Begin || t.End > size:
			return fmt.Errorf("%s: data_offsets [%d %d] are outside the file's %d bytes of data: the file is truncated or damaged", t.Name, t.Begin, t.End, size)
		case t.Begin < next:
			return fmt.Errorf("%s: data_offsets [%d %d] overlap the tensor before, which ends at %d", t.Name, t.Begin, t.End, next)
		case t.Begin > next:
			return fmt.Errorf("%s: data_offsets [%d %d] leave a gap after byte %d", t.Name, t.Begin, t.End, next)
		}
		next = t.End
		t.Begin += h.DataStart
		t.End += h.DataStart
		h.index[t.Name] = i
	}
	if next != size {
		return fmt.Errorf("the tensors end at byte %d of the data, but the file has %d: it is damaged", next, size)
	}
	return nil
}

// parser walks the header token by token: encoding/json's maps would hide a
// name that stands there twice.
type parser struct{ *json.Decoder }

func (p parser) header(h *Header) error {
	err := p.object(func(name string) error {
		if name == metadataKey {
			if h.Metadata != nil {
				return fmt.Errorf("%s stands there twice", metadataKey)
			}
			h.Metadata = map[string]string{}
			return p.object(func(key string) error {
				value, err := p.str()
				h.Metadata[key] = value
				return err
			})
		}
		if err := CheckName(name); err != nil {
			return err
		}
		if _, dup := h.index[name]; dup {
			return fmt.Errorf("tensor %q stands there twice", name)
		}
		h.index[name] = len(h.Tensors)
		t, err := p.tensor()
		if err != nil {
			return fmt.Errorf("tensor %q: %w", name, err)
		}
		t.Name = name
		h.Tensors = append(h.Tensors, t)
		return nil
	})
	if err != nil {
		return err
	}
	if _, err := p.Token(); err != io.EOF {
		return fmt.Errorf("more than one JSON value")
	}
	return nil
}

func (p parser) tensor() (t Tensor, err error) {
	var shape, offsets []int64
	seen := map[string]bool{}
	err = p.object(func(key string) (err error) {
		if seen[key] {
			return fmt.Errorf("%.40q stands there twice", key)
		}
		seen[key] = true
		switch key {
		case "dtype":
			var s string
			s, err = p.str()
			t.DType = DType(s)
		case "shape":
			shape, err = p.ints(maxDims)
		case "data_offsets":
			offsets, err = p.ints(2)
		default:
			err = fmt.Errorf("unknown field %.40q", key)
		}
		return err
	})
	if err != nil {
		return t, err
	}
	if !seen["dtype"] || !seen["shape"] || len(offsets) != 2 {
		return t, fmt.Errorf("want dtype, shape and two data_offsets")
	}
	if t.DType.Size() == 0 {
		return t, fmt.Errorf("dtype %.40q is not supported", t.DType)
	}
	t.Begin, t.End = offsets[0], offsets[1]
	want, err := byteSize(t.DType, shape)
	if err != nil {
		return t, err
	}
	if t.End < t.Begin || t.End-t.Begin != want {
		return t, fmt.Errorf("data_offsets [%d %d], but shape %v of %s takes %d bytes", t.Begin, t.End, shape, t.DType, want)
	}
	t.Shape = make([]int, len(shape))
	for i, n := range shape {
		t.Shape[i] = int(n)
	}
	return t, nil
}

// CheckName refuses a tensor's name that would not fit into the one line of an error.
func CheckName(name string) error {
	if len(name) > maxName || strings.ContainsFunc(name, unicode.IsControl) {
		return fmt.Errorf("tensor %.40q: want a name of one line, of %d bytes at most", name, maxName)
	}
	return nil
}

// byteSize multiplies a shape out, refusing what would overflow.
func byteSize(d DType, shape []int64) (int64, error) {
	size := int64(d.Size())
	for _, n := range shape {
		if n < 0 || n > math.MaxInt32 {
			return 0, fmt.Errorf("shape %v has a dimension outside 0 to %d", shape, math.MaxInt32)
		}
		if n > 0 && size > math.MaxInt64/n {
			return 0, fmt.Errorf("shape %v of %s overflows", shape, d)
		}
		size *= n
	}
	return size, nil
}

// object reads { key: value, ... }, calling value to read each.
func (p parser) object(value func(key string) error) error {
	if err := p.delim('{'); err != nil {
		return err
	}
	for p.More() {
		key, err := p.str()
		if err != nil {
			return err
		}
		if err := value(key); err != nil {
			return err
		}
	}
	return p.delim('}')
}

func (p parser) ints(atMost int) ([]int64, error) {
	if err := p.delim('['); err != nil {
		return nil, err
	}
	var list []int64
	for p.More() {
		token, err := p.Token()
		if err != nil {
			return nil, err
		}
		number, ok := token.(json.Number)
		if !ok {
			return nil, fmt.Errorf("got %s, want a whole number", shown(token))
		}
		n, err := number.Int64()
		if err != nil || n < 0 {
			return nil, fmt.Errorf("got %.40s, want a whole number from 0", number)
		}
		if len(list) == atMost {
			return nil, fmt.Errorf("more than %d numbers in a list", atMost)
		}
		list = append(list, n)
	}
	return list, p.delim(']')
}

func (p parser) str() (string, error) {
	token, err := p.Token()
	if err != nil {
		return "", err
	}
	s, ok := token.(string)
	if !ok {
		return "", fmt.Errorf("got %s, want a string", shown(token))
	}
	return s, nil
}

func (p parser) delim(want json.Delim) error {
	token, err := p.Token()
	if err != nil {
		return err
	}
	if token != want {
		return fmt.Errorf("got %s, want %v", shown(token), want)
	}
	return nil
}

// shown gives a token as an error names it: a file's text keeps to its line and
// to a length that can be read.
func shown(token json.Token) string {
	if text, ok := token.(string); ok {
		return fmt.Sprintf("%.40q", text)
	}
	return fmt.Sprintf("%.40v", token)
}
