// Package pth reads checkpoints that torch.save wrote: a zip archive of one
// pickle (data.pkl) and one stored entry for each tensor's storage.
//
// The pickle is scanned before it is run, may name only the classes on a short
// list, and runs none of them: tensors come out as places in the archive, and
// their bytes are read when asked for. Gigabytes of optimizer beside the
// weights cost nothing.
package pth

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/nlpodyssey/gopickle/pickle"
	"github.com/nlpodyssey/gopickle/types"
	"github.com/samba-web/samba/model/folder"
	"github.com/samba-web/samba/model/safetensors"
)

// maxSpan bounds the memory for a tensor whose elements lie scattered.
const maxSpan = 2 << 30

// Tensor is a weight of the checkpoint, not yet read.
type Tensor struct {
	Name  string
	DType safetensors.DType // F32, F16, BF16 or F64
	Shape []int

	strides []int
	offset  int // of the first element within the storage
	storage storage
	file    *File
	begin   int64  // of the storage within the file
	span    []byte // the elements' stretch of the storage, once it had to be read whole
}

// File is an open checkpoint.
type File struct {
	path    string
	data    io.ReaderAt
	size    int64
	entries map[string]*zip.File // storages by key
	close   func() error

	model   map[string]*Tensor
	hparams map[string]any
}

// Open reads a checkpoint's pickle. Every error names the file.
func Open(path string) (*File, error) {
	f, size, err := folder.Open(path)
	if err != nil {
		return nil, err
	}
	file, err := Read(f, size)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	file.path, file.close = path, f.Close
	return file, nil
}

// Read reads the pickle of a checkpoint of size bytes.
func Read(r io.ReaderAt, size int64) (*File, error) {
	archive, err := zip.NewReader(r, size)
	if err != nil {
		return nil, fmt.Errorf("no readable PyTorch zip archive (%w): the file is truncated, or older than PyTorch 1.6 and to be saved again", err)
	}
	f := &File{data: r, size: size, entries: map[string]*zip.File{}, close: func() error { return nil }}
	pickled, err := f.list(archive)
	if err != nil {
		return nil, err
	}
	if err := scan(pickled); err != nil {
		return nil, err
	}
	root, err := unpickle(pickled)
	if err != nil {
		return nil, err
	}
	return f, f.interpret(root)
}

// Close closes the file.
func (f *File) Close() error { return f.close() }

// Tensors are the weights under ckpt["model"], by name.
func (f *File) Tensors() map[string]*Tensor { return f.model }

// Hparams are the numbers, strings, booleans and flat dictionaries that stand
// beside the weights under "hparams" and "config".
func (f *File) Hparams() map[string]any { return f.hparams }

// list finds the pickle and the storages among the archive's entries.
func (f *File) list(archive *zip.Reader) ([]byte, error) {
	root := ""
	var found *zip.File
	for _, entry := range archive.File {
		if dir, ok := strings.CutSuffix(entry.Name, "data.pkl"); ok && strings.Count(entry.Name, "/") <= 1 {
			if found != nil {
				return nil, fmt.Errorf("the archive has two pickles, %q and %q", found.Name, entry.Name)
			}
			root, found = dir, entry
		}
	}
	if found == nil {
		return nil, fmt.Errorf("the archive has no data.pkl: it was not written by torch.save")
	}
	for _, entry := range archive.File {
		name, ok := strings.CutPrefix(entry.Name, root)
		if !ok {
			continue
		}
		if name == "byteorder" {
			order, err := f.read(entry, 16)
			if err != nil {
				return nil, err
			}
			if s := strings.TrimSpace(string(order)); s != "little" {
				return nil, fmt.Errorf("the tensors are %.10q-endian, want little", s)
			}
		}
		if key, ok := strings.CutPrefix(name, "data/"); ok {
			if f.entries[key] != nil {
				return nil, fmt.Errorf("the archive has the entry %q twice", entry.Name)
			}
			f.entries[key] = entry
		}
	}
	return f.read(found, maxPickle)
}

// place tells where a stored entry's bytes lie in the file.
func (f *File) place(entry *zip.File) (begin, size int64, err error) {
	if entry.Method != zip.Store {
		return 0, 0, fmt.Errorf("the entry %q is compressed; torch.save stores its entries: the archive was packed again by another program", entry.Name)
	}
	begin, err = entry.DataOffset()
	if err != nil {
		return 0, 0, fmt.Errorf("the entry %q: %w", entry.Name, err)
	}
	n := entry.UncompressedSize64
	if n != entry.CompressedSize64 || begin < 0 || begin > f.size || n > uint64(f.size-begin) {
		return 0, 0, fmt.Errorf("the entry %q reaches beyond the file's %d bytes: the file is truncated or damaged", entry.Name, f.size)
	}
	return begin, int64(n), nil
}

func (f *File) read(entry *zip.File, limit int64) ([]byte, error) {
	begin, size, err := f.place(entry)
	if err != nil {
		return nil, err
	}
	if size > limit {
		return nil, fmt.Errorf("the entry %q has %d bytes, want at most %d", entry.Name, size, limit)
	}
	data := make([]byte, size)
	if n, err := f.data.ReadAt(data, begin); n < len(data) {
		return nil, fmt.Errorf("the entry %q: %w", entry.Name, err)
	}
	return data, nil
}

// unpickle runs a scanned pickle. The unpickler panics on some malformed
// input; that is one more way to be malformed.
func unpickle(data []byte) (root any, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = malformed(r)
		}
	}()
	u := pickle.NewUnpickler(bytes.NewReader(data))
	u.FindClass = findClass
	u.PersistentLoad = persistentLoad
	root, err = u.Load()
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = fmt.Errorf("the pickle is truncated")
	}
	if err != nil {
		err = malformed(err)
	}
	return root, err
}

// malformed keeps what the unpickler says, which quotes the file, to one line.
func malformed(why any) error {
	return fmt.Errorf("the pickle is malformed: %.300s", strings.Join(strings.Fields(fmt.Sprint(why)), " "))
}

// interpret finds weights and hyperparameters in the unpickled dictionary.
func (f *File) interpret(root any) error {
	top, ok := dict(root)
	if !ok {
		return fmt.Errorf("the checkpoint is no dictionary")
	}
	weights, ok := dict(top["model"])
	if !ok {
		// A state dict that was saved by itself.
		weights = top
		if !slices.ContainsFunc(slices.Collect(maps.Keys(top)), func(name string) bool { return strings.HasSuffix(name, "wte.weight") }) {
			return fmt.Errorf(`the checkpoint has no dictionary "model" and is no state dict itself`)
		}
	}
	f.model = map[string]*Tensor{}
	for name, v := range weights {
		t, ok := v.(*Tensor)
		if !ok {
			return fmt.Errorf("%.200q is not a tensor", name)
		}
		if err := safetensors.CheckName(name); err != nil {
			return err
		}
		short := stripPrefixes(name)
		if f.model[short] != nil {
			return fmt.Errorf("the tensor %s stands there twice, under different wrappers' prefixes", short)
		}
		resolved, err := f.resolve(*t)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		resolved.Name = short
		f.model[short] = resolved
	}
	f.hparams = map[string]any{}
	for _, key := range []string{"hparams", "config"} {
		nested, ok := dict(top[key])
		if !ok {
			continue
		}
		for name, v := range nested {
			if inner, ok := dict(v); ok { // one level is all that any trainer writes
				flat := map[string]any{}
				for k, v := range inner {
					if plain(v) {
						flat[k] = v
					}
				}
				f.hparams[name] = flat
			} else if plain(v) {
				f.hparams[name] = v
			}
		}
	}
	return nil
}

// resolve checks that a tensor lies within its storage, and the storage within
// the file.
func (f *File) resolve(t Tensor) (*Tensor, error) {
	t.file, t.DType = f, t.storage.class.dtype
	if t.DType == "" {
		return nil, fmt.Errorf("its elements are %s, want float32, float16, bfloat16 or float64", t.storage.class.name)
	}
	entry := f.entries[t.storage.key]
	if entry == nil {
		return nil, fmt.Errorf("its storage %.40q is not in the archive", t.storage.key)
	}
	begin, size, err := f.place(entry)
	if err != nil {
		return nil, err
	}
	item := int64(t.DType.Size())
	if int64(t.storage.numel) > size/item {
		return nil, fmt.Errorf("its storage claims %d elements of %s, but the entry %q has %d bytes", t.storage.numel, t.storage.class.name, entry.Name, size)
	}
	t.begin = begin
	if len(t.strides) != len(t.Shape) {
		return nil, fmt.Errorf("shape %v and strides %v differ in length", t.Shape, t.strides)
	}
	last, count := int64(t.offset), int64(1)
	if t.offset < 0 || t.offset > t.storage.numel {
		return nil, fmt.Errorf("its offset %d is outside its storage of %d elements", t.offset, t.storage.numel)
	}
	empty := slices.Contains(t.Shape, 0)
	for i, n := range t.Shape {
		if n < 0 || n > math.MaxInt32 || t.strides[i] < 0 || t.strides[i] > math.MaxInt32 {
			return nil, fmt.Errorf("shape %v or strides %v are out of range", t.Shape, t.strides)
		}
		if !empty {
			if last += int64(n-1) * int64(t.strides[i]); last >= int64(t.storage.numel) {
				return nil, fmt.Errorf("offset %d, shape %v and strides %v reach beyond its storage of %d elements", t.offset, t.Shape, t.strides, t.storage.numel)
			}
			if count *= int64(n); count > math.MaxInt32*16 {
				return nil, fmt.Errorf("shape %v is out of range", t.Shape)
			}
		}
	}
	if !empty && last >= int64(t.storage.numel) { // a scalar beyond the end
		return nil, fmt.Errorf("its offset %d is outside its storage of %d elements", t.offset, t.storage.numel)
	}
	return &t, nil
}

// ReadElements reads consecutive elements in row-major order, from the given
// one on, as little-endian bytes of the tensor's dtype. dst holds whole
// elements and does not reach beyond the last.
func (t *Tensor) ReadElements(dst []byte, from int) error {
	item := t.DType.Size()
	run := t.run()
	for len(dst) > 0 {
		n := min(len(dst)/item, run-from%run)
		at := int64(t.place(from)) * int64(item)
		if run < 64 {
			if err := t.loadSpan(); err != nil {
				return err
			}
			at -= int64(t.offset) * int64(item)
			copy(dst[:n*item], t.span[at:])
		} else if got, err := t.file.data.ReadAt(dst[:n*item], t.begin+at); got < n*item {
			return fmt.Errorf("%s: %w", t.Name, err)
		}
		dst = dst[n*item:]
		from += n
	}
	return nil
}

// run is the number of elements that lie side by side.
func (t *Tensor) run() int {
	n := 1
	for i := len(t.Shape) - 1; i >= 0 && (t.strides[i] == n || t.Shape[i] == 1); i-- {
		n *= t.Shape[i]
	}
	return max(n, 1)
}

// place is the position within the storage of the i-th element, row-major.
func (t *Tensor) place(i int) int {
	at := t.offset
	for d := len(t.Shape) - 1; d >= 0; d-- {
		at += i % t.Shape[d] * t.strides[d]
		i /= t.Shape[d]
	}
	return at
}

// loadSpan reads the stretch of the storage in which a scattered tensor (a
// transposed one, say) has its elements: reading them one by one would take
// for ever.
func (t *Tensor) loadSpan() error {
	if t.span != nil {
		return nil
	}
	last := t.offset
	for d, n := range t.Shape {
		last += (n - 1) * t.strides[d]
	}
	size := (last - t.offset + 1) * t.DType.Size()
	if size > maxSpan {
		return fmt.Errorf("%s: strides %v scatter it over %d bytes: save it with .contiguous()", t.Name, t.strides, size)
	}
	span := make([]byte, size)
	if n, err := t.file.data.ReadAt(span, t.begin+int64(t.offset)*int64(t.DType.Size())); n < size {
		return fmt.Errorf("%s: %w", t.Name, err)
	}
	t.span = span
	return nil
}

// Release frees what reading a scattered tensor had to keep.
func (t *Tensor) Release() { t.span = nil }

// SameAs tells whether two tensors are the same elements of the same storage,
// as tied weights are.
func (t *Tensor) SameAs(o *Tensor) bool {
	return t.begin == o.begin && t.offset == o.offset && t.DType == o.DType && slices.Equal(t.Shape, o.Shape) && slices.Equal(t.strides, o.strides)
}

// stripPrefixes removes what training wrappers put before every name.
func stripPrefixes(name string) string {
	name = strings.ReplaceAll(name, "_fsdp_wrapped_module.", "")
	name = strings.ReplaceAll(name, "_orig_mod.", "")
	for {
		short := strings.TrimPrefix(strings.TrimPrefix(name, "_forward_module."), "module.")
		if short == name {
			return name
		}
		name = short
	}
}

// dict reads either kind of dictionary as far as its keys are strings.
func dict(v any) (map[string]any, bool) {
	out := map[string]any{}
	switch d := v.(type) {
	case *types.Dict:
		for _, e := range *d {
			if key, ok := e.Key.(string); ok {
				out[key] = e.Value
			}
		}
	case *types.OrderedDict:
		for key, e := range d.Map {
			if key, ok := key.(string); ok {
				out[key] = e.Value
			}
		}
	default:
		return nil, false
	}
	return out, true
}

// plain tells whether a hyperparameter is of a kind that JSON knows.
func plain(v any) bool {
	switch v.(type) {
	case nil, bool, string, int, float64:
		_, err := json.Marshal(v) // not for NaN
		return err == nil
	}
	return false
}
