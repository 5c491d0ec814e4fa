package convert

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/samba-web/samba/model/folder"
	"github.com/samba-web/samba/model/quant"
	"github.com/samba-web/samba/model/safetensors"
	"github.com/samba-web/samba/tools/convert/pth"
	"github.com/x448/float16"
)

// tensor is a weight of the source, read piece by piece as float32.
type tensor interface {
	shape() []int
	read(dst []float32, from int) error // consecutive elements, row-major
	release()
}

// source is an open checkpoint of any kind.
type source struct {
	path       string
	dir        string // the folder with a tokenizer beside the weights, or ""
	tensors    map[string]tensor
	config     []byte // JSON, if the checkpoint has one
	configFrom string
	hparams    map[string]any
	files      []string // read, for the fingerprint of a resumed run
	closers    []io.Closer
}

func (s *source) close() {
	for _, c := range s.closers {
		c.Close()
	}
}

// open tells the kinds of checkpoint apart and reads their tables, not their
// weights.
func open(ctx context.Context, path string) (*source, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	s := &source{path: path, tensors: map[string]tensor{}}
	dir := filepath.Dir(path)
	switch {
	case info.IsDir():
		dir, s.dir = path, path
		index := filepath.Join(path, safetensors.IndexName)
		single := filepath.Join(path, "model.safetensors")
		if _, err2 := os.Stat(index); err2 == nil {
			err = s.openIndex(ctx, index)
		} else if _, err2 := os.Stat(single); err2 == nil {
			err = s.openSafetensors(single)
		} else {
			err = fmt.Errorf("%s: no %s and no model.safetensors in it: --from wants a .pth, a .safetensors, an index or such a folder", path, safetensors.IndexName)
		}
	case strings.HasSuffix(path, ".index.json"):
		s.dir = dir
		err = s.openIndex(ctx, path)
	case strings.HasSuffix(path, ".safetensors"):
		s.dir = dir
		err = s.openSafetensors(path)
	default:
		err = s.openPTH(path)
	}
	if err == nil && len(s.tensors) == 0 {
		err = fmt.Errorf("%s: no tensors in it", path)
	}
	if err != nil {
		s.close()
		return nil, err
	}
	if s.config == nil {
		beside := filepath.Join(dir, "config.json")
		data, err := folder.ReadFile(beside, folder.Limit("config.json"))
		if err == nil {
			s.config, s.configFrom = data, beside
		} else if !errors.Is(err, fs.ErrNotExist) {
			s.close()
			return nil, err
		}
	}
	return s, nil
}

func (s *source) openPTH(path string) error {
	f, err := pth.Open(path)
	if err != nil {
		return err
	}
	s.files, s.closers = append(s.files, path), append(s.closers, f)
	for name, t := range f.Tensors() {
		s.tensors[name] = &pthTensor{Tensor: t}
	}
	s.hparams = f.Hparams()
	// A config within the checkpoint: its fields as they are, or under "config".
	fields := s.hparams
	if nested, ok := fields["config"].(map[string]any); ok {
		fields = nested
	}
	if _, ok := fields["n_embd"]; ok {
		data, err := json.Marshal(fields)
		if err != nil {
			return fmt.Errorf("%s: its config: %w", path, err)
		}
		s.config, s.configFrom = data, path
	}
	return nil
}

func (s *source) openIndex(ctx context.Context, path string) error {
	data, err := folder.ReadFile(path, folder.Limit(safetensors.IndexName))
	if err != nil {
		return err
	}
	index, err := safetensors.ParseIndex(data)
	if err != nil {
		return err
	}
	dir := filepath.Dir(path)
	for _, name := range index.Files() {
		file := filepath.Join(dir, name)
		if want := index.Metadata.SHA256[name]; want != "" {
			got, _, err := hashFile(ctx, file)
			if err != nil {
				return err
			}
			if got != want {
				return fmt.Errorf("%s: SHA-256 is %s, but the index says %s: the file is damaged", file, got, want)
			}
		}
		if err := s.openSafetensors(file); err != nil {
			return err
		}
	}
	s.files = append(s.files, path)
	for _, name := range slices.Sorted(maps.Keys(index.WeightMap)) {
		// A quantized X.weight is one tensor here; its scales and biases are within.
		if s.tensors[name] == nil && !strings.HasSuffix(name, ".scales") && !strings.HasSuffix(name, ".biases") {
			return fmt.Errorf("%s: %s is in no shard, though the index names it", path, name)
		}
	}
	return nil
}

func (s *source) openSafetensors(path string) error {
	f, size, err := folder.Open(path)
	if err != nil {
		return err
	}
	s.files, s.closers = append(s.files, path), append(s.closers, f)
	header, err := safetensors.ReadHeader(f, size)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	plain := map[string]*rawTensor{}
	for _, t := range header.Tensors {
		plain[t.Name] = &rawTensor{t, f}
	}
	for name, t := range plain {
		base, isWeight := strings.CutSuffix(name, ".weight")
		scales, biases := plain[base+".scales"], plain[base+".biases"]
		if stem, ok := strings.CutSuffix(name, ".scales"); ok && plain[stem+".weight"] != nil {
			continue
		}
		if stem, ok := strings.CutSuffix(name, ".biases"); ok && plain[stem+".weight"] != nil {
			continue
		}
		var entry tensor = t
		if isWeight && scales != nil {
			if entry, err = newPacked(t, scales, biases); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
		} else if !isFloat(t.DType) {
			return fmt.Errorf("%s: %s is of dtype %s, want F32, F16, BF16 or F64", path, name, t.DType)
		}
		if s.tensors[name] != nil {
			return fmt.Errorf("%s: %s is in another shard, too", path, name)
		}
		s.tensors[name] = entry
	}
	return nil
}

func isFloat(d safetensors.DType) bool {
	return slices.Contains([]safetensors.DType{safetensors.F32, safetensors.F16, safetensors.BF16, safetensors.F64}, d)
}

// pthTensor is a tensor of a .pth.
type pthTensor struct {
	*pth.Tensor
	buf []byte
}

func (t *pthTensor) shape() []int { return t.Shape }

func (t *pthTensor) release() {
	t.buf = nil
	t.Release()
}

func (t *pthTensor) read(dst []float32, from int) error {
	t.buf = slices.Grow(t.buf[:0], len(dst)*t.DType.Size())[:len(dst)*t.DType.Size()]
	if err := t.ReadElements(t.buf, from); err != nil {
		return err
	}
	decode(dst, t.buf, t.DType)
	return nil
}

// rawTensor is an unquantized tensor of a safetensors file.
type rawTensor struct {
	safetensors.Tensor
	file io.ReaderAt
}

func (t *rawTensor) shape() []int { return t.Shape }
func (t *rawTensor) release()     {}

func (t *rawTensor) read(dst []float32, from int) error {
	buf, err := t.bytes(from, len(dst))
	if err != nil {
		return err
	}
	decode(dst, buf, t.DType)
	return nil
}

// bytes reads count elements from the given one on.
func (t *rawTensor) bytes(from, count int) ([]byte, error) {
	item := t.DType.Size()
	buf := make([]byte, count*item)
	if n, err := t.file.ReadAt(buf, t.Begin+int64(from)*int64(item)); n < len(buf) {
		return nil, fmt.Errorf("%s: %w", t.Name, err)
	}
	return buf, nil
}

// packed is a quantized tensor; whole rows are read. Its own shapes do not tell
// 8 bits in groups of 32 from 4 bits in groups of 64: fit must do so first.
type packed struct {
	weight, scales, biases *rawTensor
	bits, group, in        int
}

func newPacked(weight, scales, biases *rawTensor) (*packed, error) {
	if biases == nil || weight.DType != safetensors.U32 || len(weight.Shape) != 2 || !isFloat(scales.DType) || !isFloat(biases.DType) ||
		!slices.Equal(scales.Shape, biases.Shape) || len(scales.Shape) != 2 || scales.Shape[0] != weight.Shape[0] {
		return nil, fmt.Errorf("%s: its scales and biases do not fit it", weight.Name)
	}
	return &packed{weight: weight, scales: scales, biases: biases}, nil
}

// fit finds bits and group from the number of weights in a row.
func (p *packed) fit(in int) error {
	words, groups := p.weight.Shape[1], p.scales.Shape[1]
	if in < 1 || groups < 1 || words*32%in != 0 || in%groups != 0 {
		return fmt.Errorf("%s: %d words and %d scales do not make a row of %d weights", p.weight.Name, words, groups, in)
	}
	p.bits, p.group, p.in = words*32/in, in/groups, in
	if err := quant.Check(p.bits, p.group, in); err != nil {
		return fmt.Errorf("%s: %w", p.weight.Name, err)
	}
	return nil
}

func (p *packed) shape() []int { return []int{p.weight.Shape[0], p.in} }
func (p *packed) release()     {}

func (p *packed) read(dst []float32, from int) error {
	row, rows := from/p.in, len(dst)/p.in
	words, groups := p.weight.Shape[1], p.scales.Shape[1]
	raw, err := p.weight.bytes(row*words, rows*words)
	if err != nil {
		return err
	}
	q := make([]uint32, rows*words)
	for i := range q {
		q[i] = binary.LittleEndian.Uint32(raw[4*i:])
	}
	scales, biases := make([]float32, rows*groups), make([]float32, rows*groups)
	if err := p.scales.read(scales, row*groups); err != nil {
		return err
	}
	if err := p.biases.read(biases, row*groups); err != nil {
		return err
	}
	if p.scales.DType == safetensors.F16 && p.biases.DType == safetensors.F16 {
		quant.Dequantize(q, halves(scales), halves(biases), p.bits, p.group, p.in, dst)
		return nil
	}
	perWord, mask := 32/p.bits, uint32(1)<<p.bits-1
	for i := range dst { // BF16 and F32 scales, from elsewhere
		code := q[i/perWord] >> (p.bits * (i % perWord)) & mask
		dst[i] = scales[i/p.group]*float32(code) + biases[i/p.group]
	}
	return nil
}

func halves(values []float32) []uint16 {
	out := make([]uint16, len(values))
	for i, v := range values {
		out[i] = float16.Fromfloat32(v).Bits()
	}
	return out
}

// decode turns little-endian elements into float32.
func decode(dst []float32, src []byte, dtype safetensors.DType) {
	for i := range dst {
		switch dtype {
		case safetensors.F32:
			dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(src[4*i:]))
		case safetensors.F16:
			dst[i] = float16.Frombits(binary.LittleEndian.Uint16(src[2*i:])).Float32()
		case safetensors.BF16:
			dst[i] = math.Float32frombits(uint32(binary.LittleEndian.Uint16(src[2*i:])) << 16)
		case safetensors.F64:
			dst[i] = float32(math.Float64frombits(binary.LittleEndian.Uint64(src[8*i:])))
		}
	}
}

// hashFile is the SHA-256 and size of a file.
func hashFile(ctx context.Context, path string) (sum string, size int64, err error) {
	f, _, err := folder.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	h := sha256.New()
	buf := make([]byte, 1<<20)
	for {
		if err := ctx.Err(); err != nil {
			return "", 0, err
		}
		n, err := f.Read(buf)
		h.Write(buf[:n])
		size += int64(n)
		if err == io.EOF {
			return hex.EncodeToString(h.Sum(nil)), size, nil
		}
		if err != nil {
			return "", 0, err
		}
	}
}
