package pth

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/samba-web/samba/model/safetensors"
	"github.com/samba-web/samba/tools/convert/internal/pthwriter"
)

func read(t *testing.T, c pthwriter.Checkpoint) (*File, error) {
	t.Helper()
	var b bytes.Buffer
	if err := c.Write(&b); err != nil {
		t.Fatal(err)
	}
	return Read(bytes.NewReader(b.Bytes()), int64(b.Len()))
}

func count(n int) []float32 {
	values := make([]float32, n)
	for i := range values {
		values[i] = float32(i)
	}
	return values
}

// Every kind of view of one storage of 0, 1, 2, ... 1199 reads what its
// strides say, from any element on.
func TestViews(t *testing.T) {
	data := pthwriter.Encode("FloatStorage", count(1200))
	view := func(name string, offset int, shape, strides []int) pthwriter.Tensor {
		return pthwriter.Tensor{Name: name, Class: "FloatStorage", Key: "0", Numel: 1200, Offset: offset, Shape: shape, Strides: strides, Data: data}
	}
	views := []pthwriter.Tensor{
		view("whole", 0, []int{12, 100}, nil),
		view("rows", 300, []int{3, 100}, nil),
		view("columns", 20, []int{12, 70}, []int{100, 1}),
		view("narrow", 5, []int{12, 7}, []int{100, 1}),
		view("transposed", 0, []int{100, 12}, []int{1, 100}),
		view("expanded", 7, []int{5, 80}, []int{0, 1}),
		view("ones", 0, []int{12, 1, 100}, []int{100, 55, 1}),
		view("scalar", 1199, []int{}, []int{}),
		view("last", 1199, []int{1}, []int{1}),
		view("empty", 0, []int{0, 5}, []int{5, 1}),
		view("steps", 0, []int{300}, []int{4}),
	}
	views[1].AsParameter = true
	f, err := read(t, pthwriter.Checkpoint{Model: views})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range views {
		tensor := f.Tensors()[v.Name]
		if tensor == nil {
			t.Fatalf("%s is missing", v.Name)
		}
		strides := v.Strides
		if strides == nil {
			strides = pthwriter.Contiguous(v.Shape)
		}
		n := 1
		for _, d := range v.Shape {
			n *= d
		}
		for _, from := range []int{0, 1, 13, n - 1} {
			if from < 0 || from >= n {
				continue
			}
			var want, got []float32
			for i := from; i < n; i++ {
				at, rest := v.Offset, i
				for d := len(v.Shape) - 1; d >= 0; d-- {
					at += rest % v.Shape[d] * strides[d]
					rest /= v.Shape[d]
				}
				want = append(want, float32(at))
			}
			buf := make([]byte, 4*(n-from))
			if err := tensor.ReadElements(buf, from); err != nil {
				t.Fatal(err)
			}
			for i := 0; i < len(buf); i += 4 {
				got = append(got, math.Float32frombits(binary.LittleEndian.Uint32(buf[i:])))
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s from %d: %s", v.Name, from, diff)
			}
		}
		tensor.Release()
	}
}

func one(change func(*pthwriter.Tensor)) pthwriter.Checkpoint {
	t := pthwriter.Tensor{Name: "w", Class: "FloatStorage", Key: "0", Numel: 6, Shape: []int{2, 3}, Data: make([]byte, 24)}
	change(&t)
	return pthwriter.Checkpoint{Model: []pthwriter.Tensor{t}}
}

func TestRefusesTensors(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*pthwriter.Tensor)
		want   string
	}{
		"shape beyond storage":     {func(t *pthwriter.Tensor) { t.Shape = []int{3, 3} }, "beyond its storage"},
		"offset beyond storage":    {func(t *pthwriter.Tensor) { t.Offset = 1 }, "beyond its storage"},
		"offset far beyond":        {func(t *pthwriter.Tensor) { t.Offset = math.MaxInt64 }, "outside its storage"},
		"offset negative":          {func(t *pthwriter.Tensor) { t.Offset = -1 }, "outside its storage"},
		"scalar beyond":            {func(t *pthwriter.Tensor) { t.Offset, t.Shape = 6, []int{} }, "outside its storage"},
		"stride beyond storage":    {func(t *pthwriter.Tensor) { t.Strides = []int{4, 1} }, "beyond its storage"},
		"stride negative":          {func(t *pthwriter.Tensor) { t.Strides = []int{-3, 1} }, "out of range"},
		"strides overflow":         {func(t *pthwriter.Tensor) { t.Shape, t.Strides = []int{1 << 30, 1 << 30}, []int{1 << 30, 1 << 30} }, "beyond its storage"},
		"shape overflows":          {func(t *pthwriter.Tensor) { t.Shape, t.Strides = []int{1 << 30, 1 << 30, 1 << 30}, []int{0, 0, 0} }, "out of range"},
		"shape negative":           {func(t *pthwriter.Tensor) { t.Shape = []int{-2, 3} }, "out of range"},
		"strides of another shape": {func(t *pthwriter.Tensor) { t.Strides = []int{1} }, "differ in length"},
		"storage claims more":      {func(t *pthwriter.Tensor) { t.Numel = 7 }, "claims 7 elements"},
		"storage claims overflow":  {func(t *pthwriter.Tensor) { t.Numel = math.MaxInt64 }, "claims"},
		"storage negative":         {func(t *pthwriter.Tensor) { t.Numel = -1 }, "PyTorch does not"},
		"storage missing":          {func(t *pthwriter.Tensor) { t.StorageNotThere = true }, "not in the archive"},
		"integers":                 {func(t *pthwriter.Tensor) { t.Class = "LongStorage" }, "int64"},
		"nine dimensions":          {func(t *pthwriter.Tensor) { t.Shape = make([]int, 9) }, "PyTorch does not"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := read(t, one(c.change))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got error %v, want one that says %q", err, c.want)
			}
		})
	}
}

// An optimizer's tensors may be anything: they are not looked at.
func TestOptimizerIsIgnored(t *testing.T) {
	c := one(func(*pthwriter.Tensor) {})
	c.Before = func(p *pthwriter.Pickle) {
		p.Str("optimizer")
		p.Op('}', '(')
		p.Str("state")
		p.Tensor(pthwriter.Tensor{Class: "LongStorage", Key: "not there", Numel: 1 << 40, Shape: []int{1 << 40}})
		p.Op('u')
	}
	c.Hparams = map[string]any{"model_name": "Samba_421M", "lr": 4e-4, "n": 3, "on": true, "config": map[string]any{"n_embd": 4}}
	f, err := read(t, c)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(c.Hparams, f.Hparams()); diff != "" {
		t.Error(diff)
	}
	if len(f.Tensors()) != 1 || f.Tensors()["w"].DType != safetensors.F32 {
		t.Errorf("tensors: %v", f.Tensors())
	}
}

func TestPrefixes(t *testing.T) {
	c := one(func(t *pthwriter.Tensor) {
		t.Name = "_forward_module.module._orig_mod.transformer.h.0._fsdp_wrapped_module.norm_1.weight"
	})
	f, err := read(t, c)
	if err != nil {
		t.Fatal(err)
	}
	if f.Tensors()["transformer.h.0.norm_1.weight"] == nil {
		t.Errorf("got %v", f.Tensors())
	}
	c.Model = append(c.Model, c.Model[0])
	c.Model[1].Name = "transformer.h.0.norm_1.weight"
	if _, err := read(t, c); err == nil || !strings.Contains(err.Error(), "twice") {
		t.Errorf("got error %v, want one about a name that stands there twice", err)
	}
}

func TestBareStateDict(t *testing.T) {
	c := one(func(t *pthwriter.Tensor) { t.Name = "transformer.wte.weight" })
	c.Bare = true
	if f, err := read(t, c); err != nil || len(f.Tensors()) != 1 {
		t.Error(err)
	}
	c.Model[0].Name = "weight"
	if _, err := read(t, c); err == nil {
		t.Error("a dictionary of no Samba was accepted")
	}
}

func pickled(build func(p *pthwriter.Pickle)) []byte {
	p := &pthwriter.Pickle{}
	p.Op(0x80, 2)
	build(p)
	return p.Bytes
}

// hostile are pickles that would run code, or run the reader out of memory or
// into a panic.
var hostile = map[string]struct {
	data []byte
	want string
}{
	"os.system": {pickled(func(p *pthwriter.Pickle) {
		p.Global("os", "system")
		p.Op('(')
		p.Str("true")
		p.Op('t', 'R', '.')
	}), `"os.system"`},
	"builtins.eval":                          {pickled(func(p *pthwriter.Pickle) { p.Global("builtins", "eval"); p.Op('.') }), `"builtins.eval"`},
	"array (known to the unpickler)":         {pickled(func(p *pthwriter.Pickle) { p.Global("array", "_array_reconstructor"); p.Op('.') }), "array._array_reconstructor"},
	"copy_reg (known to the unpickler)":      {pickled(func(p *pthwriter.Pickle) { p.Global("copy_reg", "_reconstructor"); p.Op('.') }), "copy_reg._reconstructor"},
	"builtins.list (known to the unpickler)": {pickled(func(p *pthwriter.Pickle) { p.Global("builtins", "list"); p.Op('.') }), "builtins.list"},
	"INST":                                   {pickled(func(p *pthwriter.Pickle) { p.Op('('); p.Bytes = append(p.Bytes, "iposix\nsystem\n."...) }), "posix.system"},
	"STACK_GLOBAL":                           {pickled(func(p *pthwriter.Pickle) { p.Str("os"); p.Str("system"); p.Op(0x93, '.') }), "os.system"},
	"STACK_GLOBAL from memo": {pickled(func(p *pthwriter.Pickle) {
		p.Str("system")
		p.Op('q', 0, '0')
		p.Str("os")
		p.Op(0x94, 'h', 0, 0x93, '.')
	}), "os.system"},
	"STACK_GLOBAL of computed names": {pickled(func(p *pthwriter.Pickle) { p.Str("os"); p.Str("system"); p.Op('2', '0', 0x93, '.') }), "computes the name"},
	"extension":                      {pickled(func(p *pthwriter.Pickle) { p.Op(0x82, 1, '.') }), "opcode 0x82"},
	"next buffer":                    {pickled(func(p *pthwriter.Pickle) { p.Op(0x97, '.') }), "opcode 0x97"},
	"unknown opcode":                 {pickled(func(p *pthwriter.Pickle) { p.Op(0xff) }), "opcode 0xff"},
	"string of 4 GiB":                {pickled(func(p *pthwriter.Pickle) { p.Op('X', 0xff, 0xff, 0xff, 0xff, 'a') }), "beyond the end"},
	"string of 2^63":                 {pickled(func(p *pthwriter.Pickle) { p.Op(0x8d, 0, 0, 0, 0, 0, 0, 0, 0x80) }), "beyond the end"},
	"bytes of 2^62":                  {pickled(func(p *pthwriter.Pickle) { p.Op(0x8e, 0, 0, 0, 0, 0, 0, 0, 0x40) }), "beyond the end"},
	"long of 2 GiB":                  {pickled(func(p *pthwriter.Pickle) { p.Op(0x8b, 0xff, 0xff, 0xff, 0x7f) }), "beyond the end"},
	"long of 200 bytes":              {pickled(func(p *pthwriter.Pickle) { p.Op(0x8a, 200); p.Op(make([]byte, 200)...) }), "200 bytes"},
	"long of no bytes":               {pickled(func(p *pthwriter.Pickle) { p.Op(0x8a, 0, '.') }), "0 bytes"},
	"decimal without end":            {append(pickled(func(p *pthwriter.Pickle) { p.Op('L') }), bytes.Repeat([]byte("9"), 1<<20)...), "no end"},
	"marks":                          {append(pickled(func(*pthwriter.Pickle) {}), bytes.Repeat([]byte("("), 1<<20)...), "nests"},
	"objects":                        {append(pickled(func(*pthwriter.Pickle) {}), bytes.Repeat([]byte("}"), 2<<20)...), "more than 1048576 objects"},
	"too large":                      {make([]byte, maxPickle+1), "bytes, more than"},
	"frame of 2^62":                  {pickled(func(p *pthwriter.Pickle) { p.Op(0x95, 0, 0, 0, 0, 0, 0, 0, 0x40, 'N', '.') }), "truncated"},
	"frame of 140 TB":                {[]byte("\x80\x02\x95\x00\x01\b\x00\x00\x80\x00\x00N."), "truncated"}, // found by fuzzing
	"no stop":                        {pickled(func(p *pthwriter.Pickle) { p.Op('N') }), "truncated"},
	"empty":                          {nil, "truncated"},
	"stop on an empty stack":         {pickled(func(p *pthwriter.Pickle) { p.Op('.') }), "malformed"},
	"odd dictionary (panics)":        {pickled(func(p *pthwriter.Pickle) { p.Op('(', 'N', 'd', '.') }), "malformed"},
	"unhashable key (panics)": {pickled(func(p *pthwriter.Pickle) {
		p.Global("collections", "OrderedDict")
		p.Op(')', 'R', 'C', 1, 'x', 'N', 's', '.')
	}), "malformed"},
	"list that holds itself": {pickled(func(p *pthwriter.Pickle) { p.Op(']', 'q', 0, 'h', 0, 'a', ')', 'R', '.') }), "no dictionary"},
	"no dictionary":          {pickled(func(p *pthwriter.Pickle) { p.Int(7); p.Op('.') }), "no dictionary"},
	"dictionary that holds itself": {pickled(func(p *pthwriter.Pickle) {
		p.Op('}', 'q', 0)
		p.Str("model")
		p.Op('h', 0, 's', '.')
	}), "not a tensor"},
	"storage of no tuple":  {pickled(func(p *pthwriter.Pickle) { p.Str("storage"); p.Op('Q', '.') }), "not a tensor's storage"},
	"tensor of nothing":    {pickled(func(p *pthwriter.Pickle) { p.Global("torch._utils", "_rebuild_tensor_v2"); p.Op(')', 'R', '.') }), "0 arguments"},
	"parameter of nothing": {pickled(func(p *pthwriter.Pickle) { p.Global("torch._utils", "_rebuild_parameter"); p.Op(')', 'R', '.') }), "of nothing"},
	"memo bomb": {pickled(func(p *pthwriter.Pickle) { // 2^200 elements, if anybody walked them
		p.Op(']', 'q', 0)
		for i := range byte(200) {
			p.Op(']', 'q', i+1, '(', 'h', i, 'h', i, 'e')
		}
		p.Op('.')
	}), "no dictionary"},
}

// parse is what reading an archive does with its pickle.
func parse(data []byte) error {
	if err := scan(data); err != nil {
		return err
	}
	root, err := unpickle(data)
	if err != nil {
		return err
	}
	return (&File{entries: map[string]*zip.File{}}).interpret(root)
}

func TestHostilePickles(t *testing.T) {
	for name, c := range hostile {
		t.Run(name, func(t *testing.T) {
			err := parse(c.data)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got error %v, want one line that says %q", err, c.want)
			}
		})
	}
}

// Protocol 4, as torch.save(..., pickle_protocol=4) writes it, is read as well.
func TestProtocol4(t *testing.T) {
	p := &pthwriter.Pickle{}
	p.Op(0x80, 4, 0x95, 0, 0, 0, 0, 0, 0, 0, 0)
	p.Op('}', 0x94, 0x8c, 5)
	p.Bytes = append(p.Bytes, "model"...)
	p.Op(0x94, 0x8c, 11)
	p.Bytes = append(p.Bytes, "collections"...)
	p.Op(0x94, 0x8c, 11)
	p.Bytes = append(p.Bytes, "OrderedDict"...)
	p.Op(0x94, 0x93, 0x94, ')', 'R', 0x94, 's', '.')
	binary.LittleEndian.PutUint64(p.Bytes[3:], uint64(len(p.Bytes)-11))
	if err := parse(p.Bytes); err != nil {
		t.Error(err)
	}
}

func TestRefusesArchives(t *testing.T) {
	archive := func(method uint16, entries ...pthwriter.Entry) []byte {
		var b bytes.Buffer
		if err := pthwriter.Archive(&b, method, entries...); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	good := one(func(*pthwriter.Tensor) {}).Pickle()
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"empty":         {nil, "no readable PyTorch zip archive"},
		"legacy":        {good, "no readable PyTorch zip archive"},
		"no pickle":     {archive(zip.Store, pthwriter.Entry{Name: "constants.pkl", Data: good}), "no data.pkl"},
		"compressed":    {archive(zip.Deflate, pthwriter.Entry{Name: "data.pkl", Data: good}), "compressed"},
		"big-endian":    {archive(zip.Store, pthwriter.Entry{Name: "data.pkl", Data: good}, pthwriter.Entry{Name: "byteorder", Data: []byte("big")}), "want little"},
		"two pickles":   {archive(zip.Store, pthwriter.Entry{Name: "data.pkl", Data: good}, pthwriter.Entry{Name: "data.pkl", Data: good}), "two pickles"},
		"storage twice": {archive(zip.Store, pthwriter.Entry{Name: "data.pkl", Data: good}, pthwriter.Entry{Name: "data/0", Data: nil}, pthwriter.Entry{Name: "data/0", Data: nil}), "twice"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Read(bytes.NewReader(c.data), int64(len(c.data)))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got error %v, want one that says %q", err, c.want)
			}
		})
	}
}

// FuzzPickle: no pickle panics, hangs or escapes the list of classes.
func FuzzPickle(f *testing.F) {
	for _, c := range hostile {
		if len(c.data) < 4096 {
			f.Add(c.data)
		}
	}
	f.Add(one(func(t *pthwriter.Tensor) { t.AsParameter = true }).Pickle())
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := parse(data); err != nil && strings.Contains(err.Error(), "\n") {
			t.Errorf("want one line, got %q", err)
		}
	})
}

// FuzzArchive: no archive panics, and what its tensors claim can be read.
func FuzzArchive(f *testing.F) {
	var b bytes.Buffer
	if err := one(func(*pthwriter.Tensor) {}).Write(&b); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Read(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("want one line, got %q", err)
			}
			return
		}
		for _, tensor := range file.Tensors() {
			n := tensor.DType.Size()
			for _, d := range tensor.Shape {
				n *= d
			}
			if n > 1<<16 { // an expanded view
				continue
			}
			if err := tensor.ReadElements(make([]byte, n), 0); err != nil {
				t.Errorf("%s: %v", tensor.Name, err)
			}
		}
	})
}
