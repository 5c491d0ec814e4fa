package safetensors

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// file puts a length before a header and data behind it.
func file(header string, data int) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	b = append(b, header...)
	return append(b, make([]byte, data)...)
}

func TestReadHeader(t *testing.T) {
	data := file(`{"__metadata__":{"format":"pt"},"b":{"dtype":"F16","shape":[2,3],"data_offsets":[4,16]},"a":{"dtype":"U32","shape":[],"data_offsets":[0,4]},"empty":{"dtype":"I8","shape":[0,7],"data_offsets":[4,4]}}   `, 16)
	h, err := ReadHeader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	start := int64(len(data) - 16)
	want := &Header{DataStart: start, Metadata: map[string]string{"format": "pt"}, Tensors: []Tensor{
		{"a", U32, []int{}, start, start + 4},
		{"empty", I8, []int{0, 7}, start + 4, start + 4},
		{"b", F16, []int{2, 3}, start + 4, start + 16},
	}}
	if diff := cmp.Diff(want, h, cmpopts.IgnoreUnexported(Header{})); diff != "" {
		t.Error(diff)
	}
	if b, ok := h.Tensor("b"); !ok || b.Begin != start+4 || b.Bytes() != 12 {
		t.Errorf("Tensor(b) = %+v, %v", b, ok)
	}
	if _, ok := h.Tensor("c"); ok {
		t.Error("Tensor(c) was found")
	}
	// The header alone, as the browser has it, says the same.
	alone, err := ParseHeader(data[:start], int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(h, alone, cmpopts.IgnoreUnexported(Header{})); diff != "" {
		t.Error(diff)
	}
}

func TestParseHeaderRefuses(t *testing.T) {
	one := func(dtype, shape, offsets string) string {
		return fmt.Sprintf(`{"x":{"dtype":%s,"shape":%s,"data_offsets":%s}}`, dtype, shape, offsets)
	}
	huge := file("{}", 0)
	binary.LittleEndian.PutUint64(huge, 1<<63+5)
	long := file("{}", 0)
	binary.LittleEndian.PutUint64(long, 200<<20)
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"empty":               {nil, "has 0 bytes"},
		"seven bytes":         {make([]byte, 7), "has 7 bytes"},
		"length beyond int64": {huge, "no safetensors file"},
		"length over limit":   {long, "no safetensors file"},
		"header beyond file":  {file("{}", 0)[:9], "truncated"},
		"not JSON":            {file("hello", 0), "header"},
		"array":               {file("[]", 0), "want {"},
		"two values":          {file("{}{}", 0), "more than one"},
		"deep":                {file(`{"x":`+strings.Repeat("[", 5000), 0), "want {"},
		"metadata deep":       {file(`{"__metadata__":{"a":{}}}`, 0), "want a string"},
		"metadata twice":      {file(`{"__metadata__":{},"__metadata__":{}}`, 0), "twice"},
		"tensor twice":        {file(`{"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"x":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}`, 2), `"x" stands there twice`},
		"name of two lines":   {file("{\"x\\ny\":{}}", 0), "one line"},
		"text of two lines":   {file("{\"x\":\"a\\nb\"}", 0), `got "a\nb"`},
		"field twice":         {file(`{"x":{"dtype":"U8","dtype":"F32","shape":[1],"data_offsets":[0,1]}}`, 1), `"dtype" stands there twice`},
		"unknown field":       {file(`{"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"y":1}}`, 1), "unknown field"},
		"missing field":       {file(`{"x":{"dtype":"U8","shape":[1]}}`, 1), "two data_offsets"},
		"unknown dtype":       {file(one(`"F8_E4M3"`, "[1]", "[0,1]"), 1), "not supported"},
		"dtype number":        {file(one("4", "[1]", "[0,1]"), 1), "want a string"},
		"negative shape":      {file(one(`"U8"`, "[-1]", "[0,1]"), 1), "whole number"},
		"fraction":            {file(one(`"U8"`, "[1.5]", "[0,1]"), 1), "whole number"},
		"shape overflows":     {file(one(`"F32"`, "[2147483647,2147483647,2147483647]", "[0,4]"), 4), "overflows"},
		"dimension too large": {file(one(`"U8"`, "[4294967296]", "[0,1]"), 1), "outside 0"},
		"beyond int64":        {file(one(`"U8"`, "[9223372036854775808]", "[0,1]"), 1), "whole number"},
		"too many dims":       {file(one(`"U8"`, "[1,1,1,1,1,1,1,1,1]", "[0,1]"), 1), "more than 8"},
		"negative offset":     {file(one(`"U8"`, "[1]", "[-1,0]"), 1), "whole number"},
		"reversed offsets":    {file(one(`"U8"`, "[1]", "[1,0]"), 1), "takes 1 bytes"},
		"three offsets":       {file(one(`"U8"`, "[1]", "[0,1,2]"), 1), "more than 2"},
		"size disagrees":      {file(one(`"F32"`, "[2]", "[0,4]"), 4), "takes 8 bytes"},
		"out of range":        {file(one(`"U8"`, "[9]", "[0,9]"), 8), "outside the file"},
		"far out of range":    {file(one(`"U8"`, "[1]", "[9223372036854775806,9223372036854775807]"), 1), "outside the file"},
		"overlap":             {file(`{"x":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"y":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}`, 3), "overlap"},
		"gap":                 {file(one(`"U8"`, "[1]", "[1,2]"), 2), "gap"},
		"surplus data":        {file(one(`"U8"`, "[1]", "[0,1]"), 2), "but the file has 2"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ReadHeader(bytes.NewReader(c.data), int64(len(c.data)))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got error %v, want one that says %q", err, c.want)
			}
		})
	}
}

// Every truncation of a good file is refused: the data must end where the
// header says.
func TestEveryTruncation(t *testing.T) {
	data := file(`{"a":{"dtype":"U32","shape":[2],"data_offsets":[0,8]}}`, 8)
	for n := range data {
		if _, err := ReadHeader(bytes.NewReader(data[:n]), int64(n)); err == nil {
			t.Errorf("the first %d of %d bytes were accepted", n, len(data))
		}
	}
}

func TestWriterRoundTrip(t *testing.T) {
	dtypes := []DType{F32, F16, BF16, F64, I64, I32, U32, I16, U16, I8, U8, Bool}
	rapid.Check(t, func(t *rapid.T) {
		var tensors []Tensor
		var want []byte
		for i := range rapid.IntRange(0, 6).Draw(t, "count") {
			tensor := Tensor{Name: fmt.Sprintf("%d %s", i, rapid.StringMatching(`\PC{0,100}`).Draw(t, "name")),
				DType: rapid.SampledFrom(dtypes).Draw(t, "dtype"),
				Shape: rapid.SliceOfN(rapid.IntRange(0, 5), 0, 4).Draw(t, "shape")}
			tensor.Name = strings.ToValidUTF8(tensor.Name, "?")
			tensor.Begin = int64(len(want))
			n := tensor.DType.Size()
			for _, d := range tensor.Shape {
				n *= d
			}
			for range n {
				want = append(want, byte(len(want)*7))
			}
			tensor.End = int64(len(want))
			tensors = append(tensors, tensor)
		}
		var out bytes.Buffer
		w, err := NewWriter(&out, tensors, map[string]string{"format": "pt"})
		if err != nil {
			t.Fatal(err)
		}
		for rest := want; len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "piece")
			if _, err := w.Write(rest[:n]); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		h, err := ReadHeader(bytes.NewReader(out.Bytes()), int64(out.Len()))
		if err != nil {
			t.Fatal(err)
		}
		if h.DataStart%8 != 0 || w.Size() != int64(out.Len()) || !bytes.Equal(out.Bytes()[h.DataStart:], want) {
			t.Fatalf("data starts at %d, size %d of %d", h.DataStart, w.Size(), out.Len())
		}
		for _, tensor := range tensors {
			got, ok := h.Tensor(tensor.Name)
			tensor.Begin += h.DataStart
			tensor.End += h.DataStart
			if diff := cmp.Diff(tensor, got, cmpopts.EquateEmpty()); !ok || diff != "" {
				t.Fatal(diff)
			}
		}
	})
}

func TestWriterKeepsToItsHeader(t *testing.T) {
	tensors := []Tensor{{Name: "a", DType: U8, Shape: []int{2}}}
	w, err := NewWriter(&bytes.Buffer{}, tensors, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err == nil {
		t.Error("Close accepted a file without its data")
	}
	if _, err := w.Write(make([]byte, 3)); err == nil {
		t.Error("Write accepted more than the header declares")
	}
	if _, _, err := Layout([]Tensor{tensors[0], tensors[0]}, nil); err == nil {
		t.Error("Layout accepted a name twice")
	}
	if _, _, err := Layout([]Tensor{{Name: "a\nb", DType: U8}}, nil); err == nil {
		t.Error("Layout accepted a name of two lines")
	}
	if _, _, err := Layout([]Tensor{{Name: "a", DType: U8, Shape: []int{-1}}}, nil); err == nil {
		t.Error("Layout accepted a negative shape")
	}
}

func TestIndex(t *testing.T) {
	sum := strings.Repeat("0a", 32)
	x := &Index{
		Metadata: IndexMetadata{12, map[string]string{"b.safetensors": sum, "a.safetensors": sum}, map[string]int64{"b.safetensors": 100, "a.safetensors": 200}},
		WeightMap: map[string]string{
			"w": "b.safetensors", "v": "a.safetensors", "u": "a.safetensors"},
	}
	data, err := x.Encode()
	if err != nil {
		t.Fatal(err)
	}
	back, err := ParseIndex(data)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(x, back); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"a.safetensors", "b.safetensors"}, back.Files()); diff != "" {
		t.Error(diff)
	}
	// An index from elsewhere has neither hashes nor sizes.
	if _, err := ParseIndex([]byte(`{"metadata":{"total_size":5,"other":{}},"weight_map":{"w":"model-00001-of-00002.safetensors"}}`)); err != nil {
		t.Error(err)
	}
}

func TestIndexRefuses(t *testing.T) {
	sum := strings.Repeat("0a", 32)
	for _, text := range []string{
		``, `[]`, `{}`, `{"weight_map":{}}`,
		`{"weight_map":{"w":"../x.safetensors"}}`,
		`{"weight_map":{"w":"/x.safetensors"}}`,
		`{"weight_map":{"w":"a\\x.safetensors"}}`,
		`{"weight_map":{"w":".safetensors"}}`,
		`{"weight_map":{"w":"config.json"}}`,
		`{"weight_map":{"w":"https:x.safetensors"}}`,
		`{"weight_map":{"w":"x%2e.safetensors"}}`,
		`{"weight_map":{"w":"x?.safetensors"}}`,
		`{"weight_map":{"w":"x\u0000.safetensors"}}`,
		`{"weight_map":{"w":7}}`,
		`{"metadata":{"total_size":-1},"weight_map":{"w":"x.safetensors"}}`,
		`{"metadata":{"sha256":{"x.safetensors":"abc"}},"weight_map":{"w":"x.safetensors"}}`,
		`{"metadata":{"sha256":{"x.safetensors":"` + strings.ToUpper(sum) + `"}},"weight_map":{"w":"x.safetensors"}}`,
		`{"metadata":{"sha256":{"y.safetensors":"` + sum + `"}},"weight_map":{"w":"x.safetensors"}}`,
		`{"metadata":{"sha256":{"x.safetensors":"` + sum + `"}},"weight_map":{"w":"x.safetensors","v":"y.safetensors"}}`,
		`{"metadata":{"size":{"x.safetensors":-5}},"weight_map":{"w":"x.safetensors"}}`,
		`{"metadata":{"size":{"x.safetensors":9e18}},"weight_map":{"w":"x.safetensors"}}`,
	} {
		if _, err := ParseIndex([]byte(text)); err == nil || !strings.Contains(err.Error(), IndexName) {
			t.Errorf("%s: got error %v, want one that names the file", text, err)
		}
	}
}

// FuzzParseHeader: no input panics, and what is accepted keeps its promises.
func FuzzParseHeader(f *testing.F) {
	f.Add(file(`{"a":{"dtype":"U32","shape":[2],"data_offsets":[0,8]},"__metadata__":{"x":"y"}}`, 8))
	f.Add(file(`{}`, 0))
	f.Add(file(`{"a":{"dtype":"F16","shape":[0,2],"data_offsets":[0,0]}}`, 0))
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := ParseHeader(data, int64(len(data)))
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("want one line, got %q", err)
			}
			return
		}
		next := h.DataStart
		for _, tensor := range h.Tensors {
			n := int64(tensor.DType.Size())
			for _, d := range tensor.Shape {
				n *= int64(d)
			}
			if tensor.Begin != next || tensor.Bytes() != n || tensor.End > int64(len(data)) {
				t.Fatalf("%+v starts at %d, want %d with %d bytes of %d", tensor, tensor.Begin, next, n, len(data))
			}
			next = tensor.End
		}
		if next != int64(len(data)) {
			t.Fatalf("tensors end at %d of %d", next, len(data))
		}
	})
}

func FuzzParseIndex(f *testing.F) {
	f.Add([]byte(`{"metadata":{"total_size":5},"weight_map":{"w":"model-00001-of-00002.safetensors"}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		x, err := ParseIndex(data)
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("want one line, got %q", err)
			}
			return
		}
		for _, file := range x.Files() {
			if strings.ContainsAny(file, "/\\:") {
				t.Fatalf("accepted the file name %q", file)
			}
		}
		if _, err := x.Encode(); err != nil {
			t.Fatal(err)
		}
	})
}
