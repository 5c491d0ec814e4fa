package packing

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"slices"
	"unsafe"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/cpu"
	"github.com/samba-web/samba/gpu/reference"
	"github.com/samba-web/samba/model/config"
	"github.com/samba-web/samba/model/families"
	"github.com/samba-web/samba/model/folder"
	"github.com/samba-web/samba/model/safetensors"
)

// group is how many weights share a scale, as samba convert has it unless asked.
const group = 64

// Source is a folder of unpacked weights as the one that samba convert would write
// of it. Its weights are read by stretches, in the order in which the packed shards
// want them, and packed as they come. Where the folder's source keeps files, a
// shard is kept once it is whole: what was packed is read from there the next time,
// and the folder's own weights are not.
type Source struct {
	folder.Source
	format Format
	model  *families.Model

	texts  string // a hash of all that was read of the folder before its weights
	config []byte
	index  *safetensors.Index // without hashes until all shards have one
	keys   []string           // of the shards, where they are kept
	sums   []string           // their SHA-256, as far as they are known
	plan   *plan              // nil until it is needed
}

// plan says where the packed shards' bytes come from.
type plan struct {
	shards []Shard
	at     map[string]located // the folder's tensors
	print  string             // tells these shards from any others
}

// located is a tensor of a file of the folder.
type located struct {
	safetensors.Tensor
	file string
	size int64 // of the file
}

// known is what is remembered of a folder that was packed before.
type known struct {
	Texts  string             `json:"texts"`
	Config []byte             `json:"config"`
	Index  *safetensors.Index `json:"index"`
	Keys   []string           `json:"keys"`
	Sums   []string           `json:"sums"`
}

// Open reads a folder's small files and, unless it was packed before, the headers of
// its weights. A folder that is packed in these bits already is returned as it is;
// one that is packed otherwise is refused.
func Open(ctx context.Context, src folder.Source, bits int) (folder.Source, error) {
	if bits != 4 && bits != 8 {
		return nil, fmt.Errorf("bits is %d, want 4 or 8, or none to take the weights as they are", bits)
	}
	if _, made := src.(folder.Made); made {
		return nil, errors.New("random weights come in the bits that their name asks for: leave bits out")
	}
	text, err := src.ReadFile(ctx, "config.json")
	if err != nil {
		return nil, err
	}
	m, err := families.Parse(text)
	if err != nil {
		return nil, err
	}
	if q := m.Config.Quantization; q != nil && q.Bits == bits {
		return src, nil
	} else if q != nil {
		return nil, fmt.Errorf("config.json: the weights are packed in %d bits already and cannot become %d: load the folder as it is, or the one that holds them unpacked", q.Bits, bits)
	}
	index, err := folder.ReadIndex(ctx, src)
	if err != nil {
		return nil, err
	}
	s := &Source{Source: src, format: Format{Bits: bits, Group: group, Wider: config.Overrides4}, model: m}
	listed, err := json.Marshal(index)
	if err != nil {
		return nil, err
	}
	s.texts = sum([]byte(fmt.Sprint(Version, bits, group)), text, listed)
	if s.recall(ctx) {
		return s, nil
	}
	if s.plan, err = s.planned(ctx, index); err != nil {
		return nil, err
	}
	outputs := []*Output{}
	for _, shard := range s.plan.shards {
		outputs = append(outputs, shard.Outputs...)
	}
	if s.config, err = Config(text, m, outputs, s.format); err != nil {
		return nil, err
	}
	s.index = Index(s.plan.shards)
	s.keys, s.sums = make([]string, len(s.plan.shards)), make([]string, len(s.plan.shards))
	for i, shard := range s.plan.shards {
		if s.index.Metadata.Size[shard.Name], err = shard.Size(); err != nil {
			return nil, err
		}
		s.keys[i] = sum([]byte(s.plan.print), []byte(shard.Name))[:40]
	}
	var before known
	if s.remembered(ctx, &before) && slices.Equal(before.Keys, s.keys) && len(before.Sums) == len(s.sums) {
		s.sums = before.Sums
	}
	return s, nil
}

// Index is the packed folder's, with the hashes of its shards once all are known.
func (s *Source) Index() *safetensors.Index {
	index := *s.index
	index.Metadata.SHA256 = map[string]string{}
	if !slices.Contains(s.sums, "") {
		for i, name := range s.index.Files() {
			index.Metadata.SHA256[name] = s.sums[i]
		}
	}
	return &index
}

// ReadFile is the packed folder's.
func (s *Source) ReadFile(ctx context.Context, name string) ([]byte, error) {
	switch name {
	case "config.json":
		return s.config, nil
	case safetensors.IndexName:
		return s.Index().Encode()
	}
	return s.Source.ReadFile(ctx, name)
}

// name is what the packed model is kept by.
func (s *Source) name() string { return fmt.Sprintf("%s#bits=%d", s.Source, s.format.Bits) }

func (s *Source) remembered(ctx context.Context, into *known) bool {
	keeper, ok := s.Source.(folder.Keeper)
	return ok && json.Unmarshal([]byte(keeper.Recall(ctx, s.name())), into) == nil
}

// recall takes up what was packed before, all of it, from the same folder.
func (s *Source) recall(ctx context.Context) bool {
	var before known
	if !s.remembered(ctx, &before) || before.Texts != s.texts || before.Index == nil {
		return false
	}
	files := before.Index.Files()
	if len(files) == 0 || len(before.Keys) != len(files) || len(before.Sums) != len(files) || slices.Contains(before.Sums, "") {
		return false
	}
	for _, name := range files {
		if before.Index.Metadata.Size[name] <= 0 {
			return false
		}
	}
	s.config, s.index, s.keys, s.sums = before.Config, before.Index, before.Keys, before.Sums
	return true
}

func (s *Source) remember(ctx context.Context) {
	if keeper, ok := s.Source.(folder.Keeper); ok {
		if text, err := json.Marshal(known{s.texts, s.config, s.index, s.keys, s.sums}); err == nil {
			keeper.Remember(ctx, s.name(), string(text))
		}
	}
}

// firstStretch holds most headers.
const firstStretch = 128 << 10

// planned reads the headers of the folder's weights.
func (s *Source) planned(ctx context.Context, index *safetensors.Index) (*plan, error) {
	p := &plan{at: map[string]located{}}
	all, tensors := sha256.New(), map[string]Tensor{}
	fmt.Fprintln(all, s.texts)
	for _, name := range index.Files() {
		var data []byte
		var size int64
		read := func(from, to int64) error {
			f := folder.File{Name: name, Size: max(size, index.Metadata.Size[name]), Begin: from, End: to}
			return s.Source.Weights(ctx, []folder.File{f}, func(folder.Arrived) {}, func(b folder.Block) error {
				size = b.Size
				data = append(data, b.Bytes.Bytes(0, b.Bytes.Len())...)
				fmt.Fprintf(all, "%s %d %s\n", name, size, b.Tag)
				return nil
			})
		}
		err := read(0, firstStretch)
		if err != nil {
			return nil, err
		}
		end, err := safetensors.HeaderEnd(data, size)
		if err == nil && end > folder.MaxHeader {
			err = fmt.Errorf("the header has %d bytes, want at most %d", end, folder.MaxHeader)
		}
		if err == nil && end > int64(len(data)) {
			err = read(int64(len(data)), end)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		data = data[:end]
		all.Write(data)
		header, err := safetensors.ParseHeader(data, size)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		for _, t := range header.Tensors {
			_, known, ignored := s.model.Names.Place(t.Name)
			switch _, twice := p.at[t.Name]; {
			case twice:
				return nil, fmt.Errorf("%s: %s: two shards hold it", name, t.Name)
			case known && !ignored && !slices.Contains([]safetensors.DType{safetensors.F32, safetensors.F16, safetensors.BF16}, t.DType):
				return nil, fmt.Errorf("%s: %s is stored as %s, want F32, F16 or BF16", name, t.Name, t.DType)
			}
			p.at[t.Name], tensors[t.Name] = located{t, name, size}, Tensor{t.Shape, t.DType}
		}
	}
	p.print = hex.EncodeToString(all.Sum(nil))
	outputs, err := Plan(s.model, tensors, s.format)
	if err != nil {
		return nil, err
	}
	p.shards = Shards(outputs)
	return p, nil
}

// again plans what is to be packed once more, if the folder is still the same.
func (s *Source) again(ctx context.Context) error {
	if s.plan != nil {
		return nil
	}
	index, err := folder.ReadIndex(ctx, s.Source)
	if err != nil {
		return err
	}
	p, err := s.planned(ctx, index)
	if err != nil {
		return err
	}
	if len(p.shards) != len(s.keys) || s.keys[0] != sum([]byte(p.print), []byte(p.shards[0].Name))[:40] {
		if keeper, ok := s.Source.(folder.Keeper); ok {
			keeper.Remember(ctx, s.name(), "")
		}
		return errors.New("the folder holds other weights than those that were packed here: load it again")
	}
	s.plan = p
	return nil
}

// Weights hands out the packed shards. Those that are kept come from there; the
// others are made, and kept.
func (s *Source) Weights(ctx context.Context, _ []folder.File, arrived func(folder.Arrived), take func(folder.Block) error) error {
	files := make([]folder.File, len(s.keys))
	for i, name := range s.index.Files() {
		files[i] = folder.File{Name: name, Size: s.index.Metadata.Size[name], Key: s.keys[i]}
	}
	var kept folder.Kept = &unkept{whole: make([]bool, len(files))}
	if keeper, ok := s.Source.(folder.Keeper); ok {
		var err error
		if kept, err = keeper.Keep(ctx, s.name(), files, arrived); err != nil {
			return err
		}
	}
	defer kept.Close()
	whole := slices.Clone(kept.Whole())
	for i := range whole {
		whole[i] = whole[i] && s.sums[i] != ""
	}
	done := int64(0)
	for next := 0; next < len(files); {
		p := pass{Source: s, take: take, kept: kept, files: files, whole: whole, next: next}
		if slices.Contains(whole[next:], false) {
			if err := s.again(ctx); err != nil {
				return err
			}
		}
		p.list()
		before := done
		err := s.Source.Weights(ctx, p.wanted, func(a folder.Arrived) {
			done = before + a.Bytes
			a.Bytes, a.Total, a.Packs = done, before+p.total, p.packs
			arrived(a)
		}, func(b folder.Block) error { return p.block(ctx, b) })
		next = p.next
		if err == nil && next < len(files) {
			return fmt.Errorf("%s: its weights ended before it was whole", files[next].Name)
		}
		if err != nil && (ctx.Err() != nil || p.failed || next == len(files) || !whole[next]) {
			return err
		}
		if err != nil { // what was kept is damaged, or gone: it is made once more
			whole[next] = false
		}
	}
	return nil
}

// pass is one reading of what is to come: kept shards, and stretches of the folder's
// files of which the others are made.
type pass struct {
	*Source
	take  func(folder.Block) error
	kept  folder.Kept
	files []folder.File // the packed shards
	whole []bool        // which of them are kept
	next  int           // which of them comes next

	wanted []folder.File
	of     []want
	total  int64 // bytes of all that is wanted
	packs  bool
	failed bool // by a fault of ours or of the taker's: reading again would not help

	writer  *Writer // of the shard that is made
	out     []byte  // of it, not handed out yet
	at      int64   // how much of it was
	blob    gpu.Blob
	raw     []byte // of a tensor, not whole rows yet
	values  []float32
	columns []uint16
}

// want is what a stretch is for.
type want struct {
	shard  int
	output *Output
	dtype  safetensors.DType
	last   int64 // its end in the file
}

// list says what is wanted, in order.
func (p *pass) list() {
	add := func(f folder.File, w want, n int64) {
		p.wanted, p.of = append(p.wanted, f), append(p.of, w)
		p.total += n
	}
	for i := p.next; i < len(p.files); i++ {
		if p.whole[i] {
			add(p.files[i], want{shard: i, last: p.files[i].Size}, p.files[i].Size)
			continue
		}
		p.packs = true
		for _, o := range p.plan.shards[i].Order() {
			t := p.plan.at[o.Name] // which keeps its name, and all its rows
			add(folder.File{Name: t.file, Size: t.size, Begin: t.Begin, End: t.End}, want{i, o, t.DType, t.End}, t.Bytes())
		}
	}
}

// block takes the next bytes.
func (p *pass) block(ctx context.Context, b folder.Block) error {
	w := p.of[b.File]
	if w.output == nil {
		end := b.Offset + b.Bytes.Len()
		b.File = w.shard
		if err := p.take(b); err != nil {
			p.failed = true
			return err
		}
		if end == w.last {
			p.next++
		}
		return nil
	}
	if err := p.make(ctx, w, b); err != nil {
		p.failed = true
		return fmt.Errorf("%s: %w", p.wanted[b.File].Name, err)
	}
	return nil
}

// piece is how much is packed at a time, in bytes: a wish to end is heard in between.
const piece = 1 << 20

// make packs what has come of a tensor.
func (p *pass) make(ctx context.Context, w want, b folder.Block) (err error) {
	if p.writer == nil {
		if err := p.kept.Begin(ctx, w.shard); err != nil {
			return err
		}
		p.at, p.out = 0, p.out[:0]
		if p.writer, err = p.plan.shards[w.shard].Write(sink{ctx, p}, nil); err != nil {
			return err
		}
	}
	in, size := w.output.In(), w.dtype.Size()
	for from := int64(0); from < b.Bytes.Len(); {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := min(int64(max(piece, in*size)-len(p.raw)), b.Bytes.Len()-from)
		have := len(p.raw)
		p.raw = slices.Grow(p.raw, int(n))[:have+int(n)]
		b.Bytes.Slice(from, n).CopyTo(p.raw[have:], 0)
		from += n
		rows := len(p.raw) / (in * size)
		if rows == 0 {
			continue
		}
		used := rows * in * size
		if err := p.writer.Rows(p.decode(p.raw[:used], w.dtype)); err != nil {
			return err
		}
		p.raw = p.raw[:copy(p.raw, p.raw[used:])]
	}
	if b.Offset+b.Bytes.Len() < w.last {
		return nil
	}
	if len(p.raw) > 0 {
		return fmt.Errorf("%s ends within a row", w.output.Name)
	}
	if p.writer.Next() != nil {
		return nil
	}
	return p.finish(ctx, w.shard)
}

// finish ends a shard.
func (p *pass) finish(ctx context.Context, shard int) error {
	if err := p.flush(ctx); err != nil {
		return err
	}
	sum, err := p.kept.Finish(ctx)
	if err != nil {
		return err
	}
	p.sums[shard] = sum
	p.remember(ctx)
	p.writer = nil
	p.next++
	return nil
}

// decode makes fp32 of whole rows.
func (p *pass) decode(raw []byte, dtype safetensors.DType) []float32 {
	n := len(raw) / dtype.Size()
	p.values = slices.Grow(p.values[:0], n)[:n]
	// Machines that run this hold numbers as model files do, lowest byte first.
	if dtype == safetensors.F32 {
		copy(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(p.values))), 4*n), raw)
		return p.values
	}
	p.columns = slices.Grow(p.columns[:0], n)[:n]
	copy(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(p.columns))), 2*n), raw)
	half := reference.F16
	if dtype == safetensors.BF16 {
		half = reference.BF16
	}
	cpu.Widen(half, p.columns, p.values)
	return p.values
}

// handed is how much of a shard is handed out at a time, in bytes.
const handed = 1 << 20

// sink takes a shard's bytes from its writer.
type sink struct {
	ctx context.Context
	p   *pass
}

func (s sink) Write(data []byte) (int, error) {
	n := len(data)
	for len(data) > 0 {
		k := min(handed-len(s.p.out), len(data))
		s.p.out = append(s.p.out, data[:k]...)
		data = data[k:]
		if len(s.p.out) == handed {
			if err := s.p.flush(s.ctx); err != nil {
				return 0, err
			}
		}
	}
	return n, nil
}

// flush hands out and keeps what has been made.
func (p *pass) flush(ctx context.Context) error {
	n := int64(len(p.out))
	if n == 0 {
		return nil
	}
	if p.blob.Len() == 0 {
		p.blob = gpu.NewBlob(handed)
	}
	p.blob.Put(0, p.out)
	blob := p.blob.Slice(0, n)
	if err := p.kept.Write(ctx, blob); err != nil {
		return err
	}
	shard := p.next
	if err := p.take(folder.Block{File: shard, Size: p.files[shard].Size, Offset: p.at, Bytes: blob}); err != nil {
		return err
	}
	p.at += n
	p.out = p.out[:0]
	return nil
}

// unkept keeps nothing, and hashes.
type unkept struct {
	whole []bool
	hash  hash.Hash
}

func (u *unkept) Whole() []bool { return u.whole }
func (u *unkept) Close()        {}

func (u *unkept) Begin(context.Context, int) error {
	u.hash = sha256.New()
	return nil
}

func (u *unkept) Write(_ context.Context, b gpu.Blob) error {
	u.hash.Write(b.Bytes(0, b.Len()))
	return nil
}

func (u *unkept) Finish(context.Context) (string, error) {
	return hex.EncodeToString(u.hash.Sum(nil)), nil
}

// sum is a hash of texts, in hexadecimal.
func sum(texts ...[]byte) string {
	h := sha256.New()
	for _, text := range texts {
		fmt.Fprintf(h, "%d ", len(text))
		h.Write(text)
	}
	return hex.EncodeToString(h.Sum(nil))
}
