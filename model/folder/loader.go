package folder

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/reference"
	"github.com/samba-web/samba/model/config"
	"github.com/samba-web/samba/model/families"
	"github.com/samba-web/samba/model/progress"
	"github.com/samba-web/samba/model/safetensors"
)

// Piece is one of the tensors that make a linear weight.
type Piece int

const (
	PieceData Piece = iota
	PieceScales
	PieceBiases
)

// LinearFormat is how a linear weight [out, in] is stored, as far as the
// tensors that have been announced tell: all of it after the last of them.
type LinearFormat struct {
	DType      reference.DType
	Out, In    int
	Group      int
	ScalesBF16 bool
}

// Rows are consecutive rows of a linear weight: what one tensor of a folder brings.
type Rows struct{ First, Count int }

// putter takes the tensors of linear weights as they arrive.
type putter interface {
	// Place makes room for n bytes that bring these rows of a weight. When a file
	// comes again, so does this call, with the same or another n; rows that other
	// tensors brought stay.
	Place(name string, p Piece, f LinearFormat, rows Rows, n int64) error
	// Put takes n of those rows' bytes, from their byte at on, out of the blob.
	// at is a multiple of 4, and so is n but for the rows' end.
	Put(name string, p Piece, rows Rows, at int64, blob gpu.Blob, from, n int64) error
	// Settle waits until all but the last block has left the host's memory.
	Settle(ctx context.Context) error
}

// MaxHeader bounds, in bytes, a shard's header: names and shapes of a thousand layers.
const MaxHeader = 16 << 20

// Load reads all shards of a source: linear weights go to the putter,
// the values of small tensors come back by name.
func Load(ctx context.Context, model *families.Model, src Source, index *safetensors.Index, to putter, onProgress func(progress.Progress)) (map[string][]float32, error) {
	l := &loader{names: model.Names, specs: map[string]config.TensorSpec{}, vectors: map[string][]float32{}, to: to, file: -1}
	l.seen, l.parts, l.regrouped = map[string]bool{}, map[string]linearParts{}, map[string]*regrouping{}
	l.scales, l.stored = map[string]safetensors.DType{}, map[joined]string{}
	for _, spec := range model.Config.TensorSpecs() {
		l.specs[spec.Name] = spec
	}
	if err := l.foresee(model.Config, index); err != nil {
		return nil, err
	}
	var files []File
	progress := progress.Progress{Phase: progress.PhaseDownload}
	for _, name := range index.Files() {
		files = append(files, File{Name: name, Size: index.Metadata.Size[name], SHA256: index.Metadata.SHA256[name]})
		progress.Total += index.Metadata.Size[name]
	}
	progress.Shards = len(files)
	if progress.Total == 0 {
		progress.Total = index.Metadata.TotalSize
	}
	reports := newReports(progress, onProgress)
	err := src.Weights(ctx, files, reports.arrived, func(b Block) error {
		if err := l.take(b); err != nil {
			return fmt.Errorf("%s: %w", files[b.File].Name, err)
		}
		if b.Offset+b.Bytes.Len() == b.Size {
			reports.shards(b.File + 1)
		}
		return to.Settle(ctx)
	})
	if err != nil {
		return nil, err
	}
	for name, values := range l.vectors {
		if slices.ContainsFunc(values, func(v float32) bool { return v-v != 0 }) {
			return nil, fmt.Errorf("%s holds values that are no numbers (NaN, or infinite): the model was damaged, or trained wrongly, before it came here", name)
		}
	}
	return l.vectors, l.finish(model.Config)
}

// foresee refuses a folder whose index alone tells that its tensors are not the
// model's: before gigabytes are fetched.
func (l *loader) foresee(c *config.Config, index *safetensors.Index) error {
	if _, unknown := index.WeightMap[""]; unknown { // there is none: a single file's header tells
		return nil
	}
	l.seen = map[string]bool{}
	defer func() { l.seen = map[string]bool{} }()
	for _, name := range slices.Sorted(maps.Keys(index.WeightMap)) {
		if _, known, ignored := l.role(name); !known && !ignored {
			return fmt.Errorf("%s: %s: the model that config.json describes has no such tensor", index.WeightMap[name], name)
		}
		l.seen[name] = true
	}
	return l.finish(c)
}

// ReadIndex reads the folder's index, or makes one for a folder with a single
// model.safetensors.
func ReadIndex(ctx context.Context, src Source) (*safetensors.Index, error) {
	data, err := src.ReadFile(ctx, safetensors.IndexName)
	if errors.Is(err, fs.ErrNotExist) {
		return &safetensors.Index{WeightMap: map[string]string{"": "model.safetensors"}}, nil
	}
	if err != nil {
		return nil, err
	}
	return safetensors.ParseIndex(data)
}

// linearParts is what has been seen of a linear weight.
type linearParts struct {
	dtype          reference.DType
	bits, group    int
	scales, biases safetensors.DType
}

// account is what the files so far have announced.
type account struct {
	seen  map[string]bool
	parts map[string]linearParts
}

// loader takes files block by block. What straddles two blocks waits here: a
// header, a small tensor, the bytes that do not fill a word.
type loader struct {
	account
	before  account // when the present file began: to be taken up again if the file comes again
	names   *families.Names
	specs   map[string]config.TensorSpec // by our names
	vectors map[string][]float32
	to      putter

	file    int                  // that is coming; -1: none yet
	next    int64                // its byte that comes next
	header  []byte               // until it is whole
	end     int64                // of the header; 0: not known yet
	tensors []safetensors.Tensor // not whole yet, by position
	waiting []byte               // of the first of them

	regrouped map[string]*regrouping       // modules on their way to another packing
	scales    map[string]safetensors.DType // of weights that are joined from such
	stored    map[joined]string            // how the rows that came first are
}

// take takes the next block of a file, or the first one of another or of the
// same again.
func (l *loader) take(b Block) error {
	if b.Offset == 0 {
		if b.File != l.file {
			l.before = account{maps.Clone(l.seen), maps.Clone(l.parts)}
		} else {
			l.account = account{maps.Clone(l.before.seen), maps.Clone(l.before.parts)}
		}
		l.file, l.next, l.header, l.end, l.tensors, l.waiting = b.File, 0, nil, 0, nil, nil
	}
	if b.Offset != l.next {
		return fmt.Errorf("a block from byte %d on came where %d was next", b.Offset, l.next)
	}
	l.next += b.Bytes.Len()
	if l.tensors == nil {
		if whole, err := l.readHeader(b); err != nil || !whole {
			return err
		}
	}
	for len(l.tensors) > 0 {
		t := l.tensors[0]
		from, to := max(t.Begin, b.Offset), min(t.End, l.next)
		if from > to || from == to && t.Bytes() > 0 {
			break
		}
		if err := l.bytes(t, from-t.Begin, b.Bytes, from-b.Offset, to-from); err != nil {
			return fmt.Errorf("%s: %w", t.Name, err)
		}
		if to < t.End {
			break
		}
		l.tensors = l.tensors[1:]
	}
	return nil
}

// readHeader collects the header and, once it is whole, makes room for what
// it announces.
func (l *loader) readHeader(b Block) (whole bool, err error) {
	want := int64(8)
	for {
		if l.end > 0 {
			want = l.end
		}
		have := int64(len(l.header))
		if n := min(want, l.next) - have; n > 0 {
			l.header = append(l.header, b.Bytes.Bytes(have-b.Offset, n)...)
		}
		if int64(len(l.header)) < min(want, b.Size) {
			return false, nil
		}
		if l.end > 0 {
			break
		}
		if l.end, err = safetensors.HeaderEnd(l.header, b.Size); err != nil {
			return false, err
		}
		if l.end > MaxHeader {
			return false, fmt.Errorf("the header has %d bytes, want at most %d", l.end, MaxHeader)
		}
	}
	header, err := safetensors.ParseHeader(l.header, b.Size)
	if err != nil {
		return false, err
	}
	l.header = nil
	for _, t := range header.Tensors {
		if err := l.announce(t); err != nil {
			return false, fmt.Errorf("%s: %w", t.Name, err)
		}
	}
	l.tensors = header.Tensors
	return true, nil
}

// role is what a tensor of the folder is of the model.
type role struct {
	spec  config.TensorSpec // of the engine's tensor
	part  Piece
	place families.Place
	name  string // of the folder's weight that it belongs to
}

func (r *role) rows() Rows { return Rows{r.place.Row, r.place.Rows} }

// role finds which weight, and which part of it, a tensor is.
func (l *loader) role(name string) (r role, known, ignored bool) {
	r.name = name
	for suffix, p := range map[string]Piece{".scales": PieceScales, ".biases": PieceBiases} {
		if base, ok := strings.CutSuffix(name, suffix); ok {
			r.name, r.part = base+".weight", p
		}
	}
	r.place, known, ignored = l.names.Place(r.name)
	r.spec = l.specs[r.place.Tensor]
	return r, known && (r.part == PieceData || r.spec.IsLinear()), ignored
}

// announce checks a tensor against the config and makes room for it.
func (l *loader) announce(t safetensors.Tensor) error {
	r, known, ignored := l.role(t.Name)
	switch {
	case ignored:
		return nil
	case !known:
		return errors.New("the model that config.json describes has no such tensor")
	case l.seen[t.Name]:
		return errors.New("two shards hold it")
	}
	l.seen[t.Name] = true
	want := slices.Clone(r.spec.Shape)
	want[0] = r.place.Rows
	if !r.spec.IsLinear() {
		if !slices.Equal(squeeze(t.Shape), squeeze(want)) {
			return fmt.Errorf("shape %v, config.json wants %v", t.Shape, want)
		}
		return checkFloats(t)
	}
	f, err := l.format(r, want, t)
	if err != nil || r.place.Apart {
		return err
	}
	if err := l.join(r, f); err != nil {
		return err
	}
	return l.to.Place(r.spec.Name, r.part, f, r.rows(), t.Bytes())
}

// join refuses rows that are stored otherwise than those that they are joined
// with, where config.json did not say so.
func (l *loader) join(r role, f LinearFormat) error {
	if r.place.Rows == r.spec.Shape[0] {
		return nil
	}
	how := fmt.Sprint(f.DType)
	if r.part != PieceData {
		how = fmt.Sprintf("groups of %d, bf16 %v", f.Group, f.ScalesBF16)
	}
	key := joined{r.spec.Name, r.part}
	if was, ok := l.stored[key]; ok && was != how {
		return fmt.Errorf("stored as %s, and its neighbours in %s as %s: config.json does not say so", how, strings.TrimSuffix(r.spec.Name, ".weight"), was)
	}
	l.stored[key] = how
	return nil
}

// joined is a piece of a weight whose rows come as several tensors.
type joined struct {
	tensor string
	part   Piece
}

// bytes takes n bytes of a tensor, from its byte at on, out of the blob.
func (l *loader) bytes(t safetensors.Tensor, at int64, blob gpu.Blob, from, n int64) error {
	r, _, ignored := l.role(t.Name)
	if ignored {
		return nil
	}
	last := at+n == t.Bytes()
	if !r.spec.IsLinear() || r.place.Apart {
		l.waiting = append(l.waiting, blob.Bytes(from, n)...)
		if !last {
			return nil
		}
		data := l.waiting
		l.waiting = nil
		if r.place.Apart {
			return l.regroup(r, data)
		}
		return l.vector(r, floats(t.DType, data))
	}
	put := func(at int64, blob gpu.Blob, from, n int64) error {
		return l.to.Put(r.spec.Name, r.part, r.rows(), at, blob, from, n)
	}
	if len(l.waiting) > 0 {
		k := min(4-int64(len(l.waiting)), n)
		at -= int64(len(l.waiting))
		l.waiting = append(l.waiting, blob.Bytes(from, k)...)
		from, n = from+k, n-k
		if len(l.waiting) < 4 && !last {
			return nil
		}
		if err := put(at, gpu.BlobOf(l.waiting), 0, int64(len(l.waiting))); err != nil {
			return err
		}
		at += int64(len(l.waiting))
		l.waiting = l.waiting[:0]
	}
	whole := n
	if !last {
		whole &^= 3
		l.waiting = append(l.waiting, blob.Bytes(from+whole, n-whole)...)
	}
	if whole == 0 {
		return nil
	}
	return put(at, blob, from, whole)
}

// vector keeps a small tensor's values, which may be some rows of one of ours.
func (l *loader) vector(r role, values []float32) error {
	all := l.vectors[r.spec.Name]
	if all == nil {
		all = make([]float32, r.spec.Values())
		l.vectors[r.spec.Name] = all
	}
	copy(all[r.place.Row*(len(all)/r.spec.Shape[0]):], values)
	return nil
}

// squeeze drops dimensions of 1: a convolution's [d_inner, 1, d_conv] is as good as [d_inner, d_conv].
func squeeze(shape []int) []int {
	return slices.DeleteFunc(slices.Clone(shape), func(n int) bool { return n == 1 })
}

// format checks one tensor of a linear weight against the config and against
// the weight's other tensors.
func (l *loader) format(r role, want []int, t safetensors.Tensor) (LinearFormat, error) {
	in, part := want[1], r.part
	f := LinearFormat{Out: r.spec.Shape[0], In: in}
	if len(t.Shape) != 2 || t.Shape[0] != want[0] {
		return f, fmt.Errorf("shape %v, config.json wants %v rows", t.Shape, want)
	}
	p := l.parts[r.name]
	width := t.Shape[1]
	if part == PieceData {
		switch t.DType {
		case safetensors.F32, safetensors.F16, safetensors.BF16:
			p.dtype = map[safetensors.DType]reference.DType{
				safetensors.F32: reference.F32, safetensors.F16: reference.F16, safetensors.BF16: reference.BF16}[t.DType]
			if width != in {
				return f, fmt.Errorf("shape %v, config.json wants %v", t.Shape, want)
			}
		case safetensors.U32:
			switch width * 32 {
			case in * 4:
				p.dtype, p.bits = reference.Q4, 4
			case in * 8:
				p.dtype, p.bits = reference.Q8, 8
			default:
				return f, fmt.Errorf("shape %v holds neither 4 nor 8 bits for each of %d weights in a row", t.Shape, in)
			}
		default:
			return f, fmt.Errorf("stored as %s, want F32, F16, BF16 or, quantized, U32", t.DType)
		}
	} else {
		if t.DType != safetensors.F16 && t.DType != safetensors.BF16 {
			return f, fmt.Errorf("stored as %s, want F16 or BF16", t.DType)
		}
		if width == 0 || in%width != 0 || !slices.Contains([]int{32, 64, 128}, in/width) {
			return f, fmt.Errorf("shape %v makes no groups of 32, 64 or 128 of %d weights in a row", t.Shape, in)
		}
		if p.group != 0 && p.group != in/width {
			return f, fmt.Errorf("groups of %d, its twin has groups of %d", in/width, p.group)
		}
		p.group = in / width
		if part == PieceScales {
			p.scales = t.DType
		} else {
			p.biases = t.DType
		}
		if p.scales != "" && p.biases != "" && p.scales != p.biases {
			return f, fmt.Errorf("scales are %s, biases %s, want one type", p.scales, p.biases)
		}
	}
	l.parts[r.name] = p
	f.DType, f.Group = p.dtype, p.group
	f.ScalesBF16 = p.scales == safetensors.BF16 || p.biases == safetensors.BF16
	return f, nil
}

// finish reports the first tensor that is missing.
func (l *loader) finish(c *config.Config) error {
	for _, spec := range c.TensorSpecs() {
		for row := 0; row < spec.Shape[0]; {
			names := l.names.At(spec.Name, row)
			name := slices.IndexFunc(names, func(name string) bool { return l.seen[name] })
			if name < 0 {
				return fmt.Errorf("%s: no shard holds it, but config.json wants it", strings.Join(names, " or "))
			}
			if err := l.whole(names[name]); err != nil {
				return err
			}
			place, _, _ := l.names.Place(names[name])
			row += place.Rows
		}
	}
	return nil
}

// whole tells whether a weight's scales and biases came with it.
func (l *loader) whole(name string) error {
	p := l.parts[name]
	if p.bits == 0 && p.group == 0 {
		return nil
	}
	if p.bits == 0 {
		return fmt.Errorf("%s: has scales, but is stored as plain %s", name, p.dtype)
	}
	base := strings.TrimSuffix(name, ".weight")
	for _, other := range []string{base + ".scales", base + ".biases"} {
		if !l.seen[other] {
			return fmt.Errorf("%s: no shard holds it, but config.json wants it", other)
		}
	}
	return nil
}

// checkFloats refuses a small tensor that is not small or holds no floats.
func checkFloats(t safetensors.Tensor) error {
	const most = 1 << 26
	switch {
	case t.Bytes() > most:
		return fmt.Errorf("%d bytes, want at most %d", t.Bytes(), most)
	case t.DType != safetensors.F32 && t.DType != safetensors.F16 && t.DType != safetensors.BF16:
		return fmt.Errorf("stored as %s, want F32, F16 or BF16", t.DType)
	}
	return nil
}

// floats widens a small tensor's values to fp32.
func floats(dtype safetensors.DType, data []byte) []float32 {
	if dtype == safetensors.F32 {
		out := make([]float32, len(data)/4)
		for i := range out {
			out[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
		}
		return out
	}
	widen := reference.FromF16
	if dtype == safetensors.BF16 {
		widen = reference.FromBF16
	}
	out := make([]float32, len(data)/2)
	for i, h := range halves(data) {
		out[i] = widen(h)
	}
	return out
}

func halves(data []byte) []uint16 {
	out := make([]uint16, len(data)/2)
	for i := range out {
		out[i] = binary.LittleEndian.Uint16(data[2*i:])
	}
	return out
}

// Storage is how samba convert keeps a linear weight of rows of in weights.
func Storage(name string, in, bits, group int) (stored reference.DType, width int) {
	return storage(name, in, bits, group, config.Overrides4)
}

// Foreseen is how a linear weight is stored by what a quantized model's config says.
func Foreseen(q *config.Quantization, name string, in int) reference.DType {
	wider := q.Overrides
	if wider == nil {
		wider = config.Overrides4
	}
	stored, _ := storage(name, in, q.Bits, q.GroupSize, wider)
	return stored
}

func storage(name string, in, bits, group int, wider map[string]int) (stored reference.DType, width int) {
	if bits == 16 || in%group != 0 {
		return reference.F16, 16
	}
	stem := strings.TrimSuffix(name, ".weight")
	if bits == 8 || wider[stem[strings.LastIndexByte(stem, '.')+1:]] == 8 {
		return reference.Q8, 8
	}
	return reference.Q4, 4
}
