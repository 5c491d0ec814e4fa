package bench

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"math/rand/v2"

	"github.com/x448/float16"

	"github.com/samba-web/samba/model/config"
	"github.com/samba-web/samba/model/randomweights"
)

// gguf is a GGUF file of random weights that is nowhere: its header is made
// once, its data while it is read. It holds a config's shapes as one of
// llama.cpp's graphs names them, matrices as q4_0.
type gguf struct {
	header []byte
	parts  []ggufPart // in order, to the end of the file
	size   int64
}

// ggufPart is bytes of a file: a block that repeats through n bytes, then
// zeros to the next multiple of ggufAlignment.
type ggufPart struct {
	block []byte
	n     int64
}

type ggufTensor struct {
	name  string
	kind  uint32
	shape []int // the row's length first
	block []byte
}

// GGUF's types, of values and of tensors, and its alignment.
const (
	ggufUint16, ggufUint32, ggufInt32, ggufFloat32, ggufBool, ggufString, ggufArray = 2, 4, 5, 6, 7, 8, 9

	ggmlF32, ggmlF16, ggmlQ4_0 = 0, 1, 2

	ggufAlignment = 32
	// Browsers hold a file in one piece, so that a large model is cut into several.
	ggufMost = 512 << 20
)

// ggufBytes is the size of n values in rows of width.
func ggufBytes(kind uint32, n int64) int64 {
	switch kind {
	case ggmlQ4_0: // 32 weights: a scale of 16 bits, then 4 bits each
		return n / 32 * 18
	case ggmlF16:
		return 2 * n
	}
	return 4 * n
}

// newGGUF lays out the shards of a config's shapes for the graph that llama.cpp has of them.
func newGGUF(c *config.Config, seed uint64) ([]*gguf, error) {
	graph, err := graphOf(c)
	if err != nil {
		return nil, err
	}
	tensors := graph.tensors(c, seed)
	var cuts [][]ggufTensor
	size := int64(0)
	for i, t := range tensors {
		n := ggufBytes(t.kind, elements(t.shape))
		if i == 0 || size+n > ggufMost {
			cuts, size = append(cuts, nil), 0
		}
		size += n
		cuts[len(cuts)-1] = append(cuts[len(cuts)-1], t)
	}
	var files []*gguf
	for i, cut := range cuts {
		var kv ggufValues
		if i == 0 {
			graph.values(&kv, c)
		}
		if len(cuts) > 1 {
			kv.add("split.no", ggufUint16, uint16(i))
			kv.add("split.count", ggufUint16, uint16(len(cuts)))
			kv.add("split.tensors.count", ggufInt32, int32(len(tensors)))
		}
		files = append(files, layGGUF(&kv, cut))
	}
	return files, nil
}

func elements(shape []int) int64 {
	n := int64(1)
	for _, d := range shape {
		n *= int64(d)
	}
	return n
}

func layGGUF(kv *ggufValues, tensors []ggufTensor) *gguf {
	var b bytes.Buffer
	b.WriteString("GGUF")
	put(&b, uint32(3), uint64(len(tensors)), uint64(kv.n))
	b.Write(kv.Bytes())
	f := &gguf{}
	offset := int64(0)
	for _, t := range tensors {
		putString(&b, t.name)
		put(&b, uint32(len(t.shape)))
		for _, d := range t.shape {
			put(&b, uint64(d))
		}
		put(&b, t.kind, uint64(offset))
		n := ggufBytes(t.kind, elements(t.shape))
		f.parts = append(f.parts, ggufPart{t.block, n})
		offset += align(n)
	}
	b.Write(make([]byte, align(int64(b.Len()))-int64(b.Len())))
	f.header, f.size = b.Bytes(), int64(b.Len())+offset
	return f
}

func align(n int64) int64 { return (n + ggufAlignment - 1) / ggufAlignment * ggufAlignment }

// WriteTo makes the file.
func (f *gguf) WriteTo(w io.Writer) (written int64, err error) {
	write := func(data []byte) {
		if err == nil {
			var n int
			n, err = w.Write(data)
			written += int64(n)
		}
	}
	write(f.header)
	for _, p := range f.parts {
		// Writes of a MiB: blocks are small and large.
		chunk := bytes.Repeat(p.block, max(1, (1<<20)/len(p.block)))
		for left := p.n; left > 0; left -= int64(len(chunk)) {
			write(chunk[:min(left, int64(len(chunk)))])
		}
		write(make([]byte, align(p.n)-p.n))
	}
	return written, err
}

// ggufTensors collects tensors of random weights.
type ggufTensors struct {
	random  *rand.Rand
	nibbles []byte
	all     []ggufTensor
}

func newTensors(seed uint64) *ggufTensors {
	t := &ggufTensors{random: rand.New(rand.NewPCG(seed, 3)), nibbles: make([]byte, 16*65537)} // prime in blocks, so that rows differ
	for i := range t.nibbles {
		t.nibbles[i] = byte(t.random.Uint32())
	}
	return t
}

// vector adds a small tensor, through which the values repeat.
func (t *ggufTensors) vector(name string, shape []int, values ...float32) {
	var block []byte
	for _, v := range values {
		block = binary.LittleEndian.AppendUint32(block, math.Float32bits(v))
	}
	t.all = append(t.all, ggufTensor{name, ggmlF32, shape, block})
}

// matrix adds a linear layer's weights.
func (t *ggufTensors) matrix(name string, in, out int) {
	// w = scale (q - 8) with q uniform: of the deviation that randomweights.Open has, too.
	deviation := 0.5 / math.Sqrt(float64(in))
	m := ggufTensor{name: name, kind: ggmlQ4_0, shape: []int{in, out}}
	if in%32 != 0 {
		m.kind = ggmlF16
		for range 65537 {
			m.block = binary.LittleEndian.AppendUint16(m.block, half((t.random.Float64()-0.5)*math.Sqrt(12)*deviation))
		}
	} else {
		scale := half(deviation * math.Sqrt(12) / 15)
		m.block = make([]byte, 0, 18*65537)
		for i := 0; i < len(t.nibbles); i += 16 {
			m.block = binary.LittleEndian.AppendUint16(m.block, scale)
			m.block = append(m.block, t.nibbles[i:i+16]...)
		}
	}
	t.all = append(t.all, m)
}

func half(v float64) uint16 { return float16.Fromfloat32(float32(v)).Bits() }

// tokenizer describes one for which every letter is a token.
func (kv *ggufValues) tokenizer(c *config.Config) {
	// ASCII alone: llama.cpp's server breaks off at tokens that are half of a character.
	tokens, kinds := randomweights.ByteAlphabet()[:128], make([]int32, c.VocabSize)
	tokens = append(tokens, tokens[0]+tokens[1]) // what the one merge makes; such bytes are in no prompt
	for len(tokens) < c.VocabSize {
		tokens = append(tokens, fmt.Sprintf("<%d>", len(tokens)))
	}
	for i := range kinds {
		kinds[i] = 1 // normal
	}
	kv.add("tokenizer.ggml.model", ggufString, "gpt2")
	kv.add("tokenizer.ggml.pre", ggufString, "gpt-2")
	kv.strings("tokenizer.ggml.tokens", tokens)
	addArray(kv, "tokenizer.ggml.token_type", ggufInt32, kinds)
	kv.strings("tokenizer.ggml.merges", []string{tokens[0] + " " + tokens[1]})
	kv.add("tokenizer.ggml.bos_token_id", ggufUint32, uint32(c.VocabSize-2))
	kv.add("tokenizer.ggml.eos_token_id", ggufUint32, uint32(c.VocabSize-1))
	kv.add("tokenizer.ggml.add_bos_token", ggufBool, false)
}

// ggufValues are a file's keys and values.
type ggufValues struct {
	bytes.Buffer
	n int
}

func (kv *ggufValues) key(name string, kind uint32) {
	kv.n++
	putString(&kv.Buffer, name)
	put(&kv.Buffer, kind)
}

func (kv *ggufValues) add(name string, kind uint32, value any) {
	kv.key(name, kind)
	if text, ok := value.(string); ok {
		putString(&kv.Buffer, text)
		return
	}
	put(&kv.Buffer, value)
}

func addArray[T any](kv *ggufValues, name string, kind uint32, values []T) {
	kv.key(name, ggufArray)
	put(&kv.Buffer, kind, uint64(len(values)), values)
}

func (kv *ggufValues) strings(name string, values []string) {
	kv.key(name, ggufArray)
	put(&kv.Buffer, uint32(ggufString), uint64(len(values)))
	for _, v := range values {
		putString(&kv.Buffer, v)
	}
}

func put(b *bytes.Buffer, values ...any) {
	for _, v := range values {
		binary.Write(b, binary.LittleEndian, v) // to memory, of fixed sizes: cannot fail
	}
}

func putString(b *bytes.Buffer, text string) {
	put(b, uint64(len(text)))
	b.WriteString(text)
}
