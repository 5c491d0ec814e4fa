package model

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/model/config"
	"github.com/samba-web/samba/model/safetensors"
)

// A saved state is one blob of a size that the model fixes, the same from every
// machine: a header of stateHeader bytes, then the layers' arrays in order, fp32
// and little-endian:
//
//	Mamba      conv_state [d_inner, d_conv-1], ssm_state [d_inner, d_state]
//	attention  keys, then values of the last `window` positions, the oldest first
//	           [window, kv_heads, head_dim]; zeros where there were none
//
// The header, little-endian as well; see past for what the digests are of:
//
//	   0  magic [8]
//	   8  format version u32, header's size u32
//	  16  payload's size u64, position u64
//	  32  model [32], SHA-256 of the payload [32]
//	  96  flags u32, pending token u32, bytes of its text u32, tokens of the tail u32
//	 112  digests: ids, text as shown, text with the answer's space [3, 116]
//	 460  tail: the last tokens [256] u32
//	1484  the pending token's text [532]
//	2016  SHA-256 of the header up to here [32]
const (
	stateMagic   = "\x93SAMBA\r\n"
	stateVersion = 1
	stateHeader  = 2048

	atDigests = 112
	atTail    = atDigests + 3*digestBytes
	atPending = atTail + 4*penaltyTail
	atSum     = stateHeader - sha256.Size
)

const (
	flagText = 1 << iota
	flagBegun
	flagSpaced
	flagWhole
)

// ErrState is what Restore and InspectState report, wrapped, for a file that is
// no state, or none that can be used.
var ErrState = errors.New("the saved state")

// StateInfo is what a saved state's header says.
type StateInfo struct {
	Version  int    `json:"version"`
	Model    string `json:"model"`    // hash, as Model.Hash gives it
	Position int    `json:"position"` // tokens absorbed
	Bytes    int64  `json:"bytes"`    // of the whole file
}

// StateSize is the size in bytes of a saved state of this shape, the same at
// the first token and at the millionth. It is 0 for a model with full
// attention, whose state grows.
func StateSize(c *config.Config) int64 {
	n := c.StateValues()
	if n == 0 {
		return 0
	}
	return stateHeader + 4*n
}

// StateSize is the size of a saved state in bytes; see the function of that name.
func (m *Model) StateSize() int64 { return StateSize(m.config) }

// Hash tells this model and its states from others: the SHA-256, in hexadecimal,
// of config.json and of the hashes that the index has of the weights.
func (m *Model) Hash() string { return hex.EncodeToString(m.hash[:]) }

// identify computes the hash. An index from elsewhere has no hashes: in their
// place stand the values of the model's small tensors.
func (m *Model) identify(src Source, index *safetensors.Index, vectors map[string][]float32) {
	h := sha256.New()
	h.Write(m.text)
	for _, name := range index.Files() {
		fmt.Fprintf(h, "\n%s %s", name, index.Metadata.SHA256[name])
	}
	if len(index.Metadata.SHA256) == 0 {
		for _, name := range slices.Sorted(maps.Keys(vectors)) {
			fmt.Fprintf(h, "\n%s ", name)
			h.Write(floatBytes(vectors[name]))
		}
	}
	if r, ok := src.(*randomFolder); ok {
		fmt.Fprintf(h, "\n%s", r.address)
	}
	h.Sum(m.hash[:0])
}

// Save copies the state into a blob, from which Restore goes on with the same
// tokens, on this machine or another.
func (s *Session) Save(ctx context.Context) (gpu.Blob, error) {
	if s.broken != nil {
		return gpu.Blob{}, s.broken
	}
	size := s.model.StateSize()
	if size == 0 {
		return gpu.Blob{}, errors.New("a model with full attention has no state of fixed size that could be saved: its keys and values grow with the text")
	}
	blob := gpu.NewBlob(size)
	payload := blob.Slice(stateHeader, size-stateHeader)
	if err := s.run.save(ctx, payload); err != nil {
		return gpu.Blob{}, s.keep(err)
	}
	sum, err := payload.SHA256(ctx)
	if err != nil {
		return gpu.Blob{}, err
	}
	blob.Put(0, s.header(size-stateHeader, sum))
	return blob, nil
}

func (s *Session) header(payload int64, sum [sha256.Size]byte) []byte {
	h := make([]byte, stateHeader)
	put32 := func(at int, v int) { binary.LittleEndian.PutUint32(h[at:], uint32(v)) }
	copy(h, stateMagic)
	put32(8, stateVersion)
	put32(12, stateHeader)
	binary.LittleEndian.PutUint64(h[16:], uint64(payload))
	binary.LittleEndian.PutUint64(h[24:], uint64(s.past.position))
	copy(h[32:], s.model.hash[:])
	copy(h[64:], sum[:])
	p, text := s.past, s.past.text
	if len(text.last) > atSum-atPending {
		text = pastText{} // no token is so long
	}
	flags := 0
	for flag, on := range map[int]bool{flagText: text.known, flagBegun: text.begun, flagSpaced: text.spaced.n > 0, flagWhole: text.whole} {
		if on {
			flags |= flag
		}
	}
	put32(96, flags)
	put32(100, int(text.pending))
	put32(104, len(text.last))
	put32(108, len(p.tail))
	for i, d := range []*digest{&p.ids, &text.shown, &text.spaced} {
		d.marshal(h[atDigests+i*digestBytes:])
	}
	copy(h[atTail:], words(p.tail...))
	copy(h[atPending:], text.last)
	end := sha256.Sum256(h[:atSum])
	copy(h[atSum:], end[:])
	return h
}

// stateFile is a header that has been read.
type stateFile struct {
	StateInfo
	model   [sha256.Size]byte
	payload int64
	sum     [sha256.Size]byte // of the payload
	past    past
}

func refused(format string, args ...any) error {
	return fmt.Errorf("%w %s", ErrState, fmt.Sprintf(format, args...))
}

// parseState reads a header; size is that of the whole file.
func parseState(h []byte, size int64) (*stateFile, error) {
	if len(h) < 16 || string(h[:8]) != stateMagic {
		return nil, refused("is no file that Samba saved: it does not begin as one")
	}
	version := binary.LittleEndian.Uint32(h[8:])
	if version > stateVersion {
		return nil, refused("is of format %d, this Samba reads up to %d: it was saved by a newer one", version, stateVersion)
	}
	if version == 0 || len(h) < stateHeader || binary.LittleEndian.Uint32(h[12:]) != stateHeader {
		if len(h) < stateHeader {
			return nil, refused("is cut short: it has %d bytes, its header alone has %d", size, stateHeader)
		}
		return nil, refused("is damaged: its header says format %d and %d bytes", version, binary.LittleEndian.Uint32(h[12:]))
	}
	h = h[:stateHeader]
	if end := sha256.Sum256(h[:atSum]); !bytes.Equal(end[:], h[atSum:]) {
		return nil, refused("is damaged: its header has another checksum than it says")
	}
	f := &stateFile{payload: int64(binary.LittleEndian.Uint64(h[16:]))}
	position := binary.LittleEndian.Uint64(h[24:])
	get := func(at int) int { return int(binary.LittleEndian.Uint32(h[at:])) }
	flags, pending, tail := get(96), get(104), get(108)
	if f.payload < 0 || f.payload > 1<<40 || position > maxPosition || pending > atSum-atPending || tail != int(min(position, penaltyTail)) {
		return nil, refused("is damaged: its header contradicts itself")
	}
	switch have := size - stateHeader; {
	case have < f.payload:
		return nil, refused("is cut short: it has %d bytes, its header says %d", size, stateHeader+f.payload)
	case have > f.payload:
		return nil, refused("is damaged: it has %d bytes, its header says %d", size, stateHeader+f.payload)
	}
	copy(f.model[:], h[32:])
	copy(f.sum[:], h[64:])
	f.StateInfo = StateInfo{Version: int(version), Model: hex.EncodeToString(f.model[:]), Position: int(position), Bytes: size}
	f.past.position = int(position)
	text := &f.past.text
	text.known, text.begun, text.whole = flags&flagText != 0, flags&flagBegun != 0, flags&flagWhole != 0
	text.pending, text.last = uint32(get(100)), string(h[atPending:atPending+pending])
	for i, d := range []*digest{&f.past.ids, &text.shown, &text.spaced} {
		if err := d.unmarshal(h[atDigests+i*digestBytes:]); err != nil || d.n < 0 || i == 0 && d.n != 4*int(position) {
			return nil, refused("is damaged: its header has a digest that is none")
		}
	}
	if flags&flagSpaced == 0 {
		text.spaced = digest{}
	}
	for i := range tail {
		f.past.tail = append(f.past.tail, uint32(get(atTail+4*i)))
	}
	return f, nil
}

// InspectState reads a saved state's header; no model is needed for that.
func InspectState(state gpu.Blob) (StateInfo, error) {
	f, err := parseState(state.Bytes(0, min(state.Len(), stateHeader)), state.Len())
	if err != nil {
		return StateInfo{}, err
	}
	return f.StateInfo, nil
}

// Restore puts a saved state in the place of the session's own. What is no
// whole state of this model is refused, and then nothing has changed. The blob
// must not be changed afterwards.
func (s *Session) Restore(ctx context.Context, state gpu.Blob) error {
	f, err := parseState(state.Bytes(0, min(state.Len(), stateHeader)), state.Len())
	if err != nil {
		return err
	}
	if f.model != s.model.hash {
		return refused("belongs to another model (%.8s, this one is %.8s): load that one, or start anew", f.Model, s.model.Hash())
	}
	if want := s.model.StateSize(); f.Bytes != want {
		return refused("has %d bytes, this model's have %d", f.Bytes, want)
	}
	vocab := uint32(s.model.config.VocabSize)
	if slices.ContainsFunc(append(f.past.tail, f.past.text.pending), func(id uint32) bool { return id >= vocab }) {
		return refused("is damaged: it holds a token that this model does not have")
	}
	payload := state.Slice(stateHeader, f.payload)
	switch sum, err := payload.SHA256(ctx); {
	case err != nil:
		return err
	case sum != f.sum:
		return refused("is damaged: its content has another checksum than it says")
	}
	if err := s.run.restore(context.WithoutCancel(ctx), payload, f.past.position, f.past.tail); err != nil {
		s.broken = err // half of it may be there
		return err
	}
	s.past, s.broken = f.past, nil
	return nil
}

// Fork makes a second session that goes on from where this one stands; the
// machine copies the state. From then on neither knows of the other.
func (s *Session) Fork() (*Session, error) {
	if s.broken != nil {
		return nil, s.broken
	}
	r, err := s.run.fork()
	if err != nil {
		return nil, s.keep(err)
	}
	return &Session{model: s.model, run: r, past: s.past.clone()}, nil
}

// stateSpan is a stretch of one of a run's arrays, in values, and its place in a
// saved state's payload.
type stateSpan[V any] struct {
	array V
	from  int
	at, n int
}

// stateSpans lists what of a state is saved at a position. Rings differ in size
// from machine to machine, and where a position lies in them.
func stateSpans[V, W any](g *graph[V, W], state []layerState[V], position int) []stateSpan[V] {
	var spans []stateSpan[V]
	at := 0
	add := func(array V, from, n int) {
		spans = append(spans, stateSpan[V]{array, from, at, n})
		at += n
	}
	for i, l := range g.layers {
		if w := l.mamba; w != nil {
			add(state[i].conv, 0, w.shape.DInner*(w.shape.DConv-1))
			add(state[i].ssm, 0, w.shape.DInner*w.shape.DState)
			continue
		}
		shape := l.attention.shape
		row := shape.KVHeads * shape.HeadDim
		first := max(0, position-shape.Window)
		for half := range 2 {
			at += (shape.Window - (position - first)) * row // there were none
			for pos := first; pos < position; {
				slot := pos % shape.Ring
				n := min(position-pos, shape.Ring-slot)
				add(state[i].kv, (half*shape.Ring+slot)*row, n*row)
				pos += n
			}
		}
	}
	return spans
}

// copyStep bounds the bytes of a state that are in two places of Go's heap.
const copyStep = 1 << 20

func (r *cpuRun) save(ctx context.Context, into gpu.Blob) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, s := range stateSpans(r.engine.graph, r.state, r.pos) {
		for done := 0; done < s.n; done += copyStep / 4 {
			into.Put(4*int64(s.at+done), floatBytes(s.array[s.from+done:][:min(s.n-done, copyStep/4)]))
		}
	}
	return nil
}

func (r *cpuRun) restore(_ context.Context, state gpu.Blob, position int, tail []uint32) error {
	for _, s := range stateSpans(r.engine.graph, r.state, position) {
		for done := 0; done < s.n; done += copyStep / 4 {
			n := min(s.n-done, copyStep/4)
			copy(s.array[s.from+done:], singles(state.Bytes(4*int64(s.at+done), 4*int64(n))))
		}
	}
	r.pos, r.tail = position, slices.Clone(tail)
	return nil
}

func (r *cpuRun) fork() (run, error) {
	other, err := r.engine.newRun()
	if err != nil {
		return nil, err
	}
	copied := other.(*cpuRun)
	if err := copied.makeRoom(context.Background(), r.room); err != nil {
		return nil, err
	}
	for i, l := range r.state {
		to := copied.state[i]
		copy(to.conv, l.conv)
		copy(to.ssm, l.ssm)
		copy(to.kv[:len(to.kv)/2], l.kv[:len(l.kv)/2])
		copy(to.kv[len(to.kv)/2:], l.kv[len(l.kv)/2:])
	}
	copied.pos, copied.tail = r.pos, slices.Clone(r.tail)
	return copied, nil
}

// gatherStep bounds the memory that a readback takes on the device.
const gatherStep = 64 << 20

func (r *gpuRun) save(ctx context.Context, into gpu.Blob) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	device := r.engine.device
	var spans []gpu.Span
	size := uint64(0)
	flush := func() error {
		readback, err := device.Gather(spans...)
		if err == nil {
			err = readback.WaitInto(context.WithoutCancel(ctx), into)
		}
		spans, size = nil, 0
		return err
	}
	for _, s := range stateSpans(r.engine.graph, r.state, r.pos) {
		span := gpu.Span{Buffer: s.array, Offset: 4 * uint64(s.from), Size: 4 * uint64(s.n), At: 4 * int64(s.at)}
		if size+span.Size > gatherStep && size > 0 {
			if err := flush(); err != nil {
				return err
			}
		}
		spans = append(spans, span)
		size += span.Size
	}
	return flush()
}

func (r *gpuRun) restore(ctx context.Context, state gpu.Blob, position int, tail []uint32) error {
	device := r.engine.device
	for _, s := range stateSpans(r.engine.graph, r.state, position) {
		if err := device.WriteBlob(s.array, 4*uint64(s.from), state, 4*int64(s.at), 4*int64(s.n)); err != nil {
			return err
		}
	}
	history := make([]uint32, historySize)
	for i, id := range tail {
		history[(position-len(tail)+i)%historySize] = id
	}
	r.pos = position
	return device.Write(r.scratch.history, 0, words(history...))
}

func (r *gpuRun) fork() (run, error) {
	other, err := r.engine.newRun()
	if err != nil {
		return nil, err
	}
	copied := other.(*gpuRun)
	if err := copied.makeRoom(context.Background(), r.room); err != nil {
		copied.close()
		return nil, err
	}
	p := r.engine.device.NewProgram()
	defer p.Free()
	p.Copy(r.scratch.history, 0, copied.scratch.history, 0, r.scratch.history.Size())
	for i, l := range r.state {
		to := copied.state[i]
		if l.kv == nil {
			p.Copy(l.conv, 0, to.conv, 0, l.conv.Size())
			p.Copy(l.ssm, 0, to.ssm, 0, l.ssm.Size())
			continue
		}
		half := l.kv.Size() / 2
		p.Copy(l.kv, 0, to.kv, 0, half)
		p.Copy(l.kv, half, to.kv, to.kv.Size()/2, half)
	}
	copied.pos = r.pos
	if err := r.engine.device.Run(p); err != nil {
		copied.close()
		return nil, err
	}
	return copied, nil
}
