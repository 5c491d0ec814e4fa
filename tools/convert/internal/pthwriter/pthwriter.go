// Package pthwriter writes checkpoints as torch.save does and, for tests,
// others that it never would.
package pthwriter

import (
	"archive/zip"
	"encoding/binary"
	"io"
	"math"
	"slices"

	"github.com/x448/float16"
)

// Tensor is a view of a storage, as the pickle describes it.
type Tensor struct {
	Name            string
	Class           string // FloatStorage, BFloat16Storage, ...
	Key             string // of the storage
	Numel           int    // of the storage
	Offset          int
	Shape, Strides  []int // nil strides: contiguous
	AsParameter     bool
	StorageNotThere bool // Data does not count
	Data            []byte
	Stream          func(io.Writer) error // instead of Data, for what does not fit in memory
}

// Checkpoint is a dictionary of "model" and what else is given.
type Checkpoint struct {
	Model   []Tensor
	Hparams map[string]any // strings, ints, floats, booleans
	Before  func(*Pickle)  // more entries of the top dictionary, key and value each
	Bare    bool           // the state dict itself, without "model"
}

// Pickle appends opcodes of protocol 2.
type Pickle struct{ Bytes []byte }

// Op appends raw bytes.
func (p *Pickle) Op(b ...byte) { p.Bytes = append(p.Bytes, b...) }

// Str pushes a string.
func (p *Pickle) Str(s string) {
	p.Op('X')
	p.Bytes = binary.LittleEndian.AppendUint32(p.Bytes, uint32(len(s)))
	p.Bytes = append(p.Bytes, s...)
}

// Int pushes a whole number.
func (p *Pickle) Int(n int) {
	if int(int32(n)) == n {
		p.Op('J')
		p.Bytes = binary.LittleEndian.AppendUint32(p.Bytes, uint32(int32(n)))
		return
	}
	p.Op(0x8a, 8)
	p.Bytes = binary.LittleEndian.AppendUint64(p.Bytes, uint64(n))
}

// Ints pushes a tuple of whole numbers.
func (p *Pickle) Ints(list []int) {
	p.Op('(')
	for _, n := range list {
		p.Int(n)
	}
	p.Op('t')
}

// Global pushes a class or function.
func (p *Pickle) Global(module, name string) {
	p.Op('c')
	p.Bytes = append(p.Bytes, module+"\n"+name+"\n"...)
}

// Value pushes a hyperparameter.
func (p *Pickle) Value(v any) {
	switch v := v.(type) {
	case nil:
		p.Op('N')
	case bool:
		p.Op(map[bool]byte{true: 0x88, false: 0x89}[v])
	case int:
		p.Int(v)
	case float64:
		p.Op('G')
		p.Bytes = binary.BigEndian.AppendUint64(p.Bytes, math.Float64bits(v))
	case string:
		p.Str(v)
	case map[string]any:
		p.Op('}', '(')
		for key, v := range v {
			p.Str(key)
			p.Value(v)
		}
		p.Op('u')
	}
}

// Tensor pushes a tensor.
func (p *Pickle) Tensor(t Tensor) {
	strides := t.Strides
	if strides == nil {
		strides = Contiguous(t.Shape)
	}
	if t.AsParameter {
		p.Global("torch._utils", "_rebuild_parameter")
		p.Op('(')
	}
	p.Global("torch._utils", "_rebuild_tensor_v2")
	p.Op('(', '(')
	p.Str("storage")
	p.Global("torch", t.Class)
	p.Str(t.Key)
	p.Str("cpu")
	p.Int(t.Numel)
	p.Op('t', 'Q')
	p.Int(t.Offset)
	p.Ints(t.Shape)
	p.Ints(strides)
	p.Op(0x89)
	p.Global("collections", "OrderedDict")
	p.Op(')', 'R', 't', 'R')
	if t.AsParameter {
		p.Op(0x88)
		p.Global("collections", "OrderedDict")
		p.Op(')', 'R', 't', 'R')
	}
}

// Contiguous are the strides of a row-major tensor.
func Contiguous(shape []int) []int {
	strides, n := make([]int, len(shape)), 1
	for i := len(shape) - 1; i >= 0; i-- {
		strides[i] = n
		n *= shape[i]
	}
	return strides
}

// Pickle encodes the checkpoint's data.pkl.
func (c Checkpoint) Pickle() []byte {
	p := &Pickle{}
	p.Op(0x80, 2)
	if !c.Bare {
		p.Op('}', '(')
		if c.Before != nil {
			c.Before(p)
		}
		p.Str("model")
	}
	p.Global("collections", "OrderedDict")
	p.Op(')', 'R', '(')
	for _, t := range c.Model {
		p.Str(t.Name)
		p.Tensor(t)
	}
	p.Op('u')
	// nn.Module.state_dict() carries its versions as an attribute.
	p.Op('}')
	p.Str("_metadata")
	p.Global("collections", "OrderedDict")
	p.Op(')', 'R', 's', 'b')
	if !c.Bare {
		if c.Hparams != nil {
			p.Str("hparams")
			p.Value(c.Hparams)
		}
		p.Str("iter_num")
		p.Int(7)
		p.Op('u')
	}
	p.Op('.')
	return p.Bytes
}

// Write writes the archive.
func (c Checkpoint) Write(w io.Writer) error {
	entries := []Entry{{Name: "data.pkl", Data: c.Pickle()}}
	seen := map[string]bool{}
	for _, t := range c.Model {
		if !t.StorageNotThere && !seen[t.Key] {
			seen[t.Key] = true
			entries = append(entries, Entry{"data/" + t.Key, t.Data, t.Stream})
		}
	}
	return Archive(w, zip.Store, append(entries, Entry{Name: "version", Data: []byte("3\n")}, Entry{Name: "byteorder", Data: []byte("little")})...)
}

// WriteWith writes the archive with one more storage of zeros, of any size,
// before the others.
func (c Checkpoint) WriteWith(w io.Writer, key string, size int64) error {
	z := zip.NewWriter(w)
	create := func(name string, size int64) (io.Writer, error) {
		return z.CreateRaw(&zip.FileHeader{Name: "archive/" + name, UncompressedSize64: uint64(size), CompressedSize64: uint64(size)})
	}
	f, err := create("data/"+key, size)
	if err != nil {
		return err
	}
	zeros := make([]byte, 1<<20)
	for ; size > 0; size -= int64(len(zeros)) {
		if _, err := f.Write(zeros[:min(size, int64(len(zeros)))]); err != nil {
			return err
		}
	}
	entries := []Entry{{Name: "data.pkl", Data: c.Pickle()}}
	var seen []string
	for _, t := range c.Model {
		if !slices.Contains(seen, t.Key) {
			seen = append(seen, t.Key)
			entries = append(entries, Entry{Name: "data/" + t.Key, Data: t.Data})
		}
	}
	for _, e := range entries {
		f, err := create(e.Name, int64(len(e.Data)))
		if err != nil {
			return err
		}
		if _, err := f.Write(e.Data); err != nil {
			return err
		}
	}
	return z.Close()
}

// Entry is a file of the archive.
type Entry struct {
	Name   string
	Data   []byte
	Stream func(io.Writer) error // nil: Data
}

// Archive writes a zip of entries under one folder.
func Archive(w io.Writer, method uint16, entries ...Entry) error {
	z := zip.NewWriter(w)
	for _, e := range entries {
		f, err := z.CreateHeader(&zip.FileHeader{Name: "archive/" + e.Name, Method: method})
		if err != nil {
			return err
		}
		if e.Stream != nil {
			err = e.Stream(f)
		} else {
			_, err = f.Write(e.Data)
		}
		if err != nil {
			return err
		}
	}
	return z.Close()
}

// Encode packs values as a storage of the class holds them.
func Encode(class string, values []float32) []byte {
	var out []byte
	for _, v := range values {
		switch class {
		case "FloatStorage":
			out = binary.LittleEndian.AppendUint32(out, math.Float32bits(v))
		case "DoubleStorage":
			out = binary.LittleEndian.AppendUint64(out, math.Float64bits(float64(v)))
		case "HalfStorage":
			out = binary.LittleEndian.AppendUint16(out, float16.Fromfloat32(v).Bits())
		case "BFloat16Storage":
			out = binary.LittleEndian.AppendUint16(out, uint16(math.Float32bits(v)>>16))
		default:
			panic("no class " + class)
		}
	}
	return out
}
