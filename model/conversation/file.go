package conversation

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/model/config"
	"github.com/samba-web/samba/model/machine"
	"github.com/samba-web/samba/model/tokenizer"
)

// A saved state is one blob, the same from every machine: a header of HeaderBytes
// bytes, then the layers' arrays in order, little-endian, fp32 but for keys and values in format 2, which are fp16:
//
//	Mamba      conv_state [d_inner, d_conv-1], ssm_state [d_inner, d_state]
//	Mamba-2    the same; its convolution is over x, B and C
//	short conv conv_state [d_model, d_conv-1]
//	attention  keys, then values of the last `window` positions, the oldest first
//	           [window, kv_heads, head_dim]; zeros where there were none
//	full       keys, then values of all positions [position, kv_heads, head_dim]
//
// Its size is the model's to say, and with full attention the position's, too: see
// Size. Keys and values are as on the machine that saved them, so that the answer which
// follows there is, to the bit, the one of a session that was never saved: fp32 in a file
// of format 1, fp16 in one of format 2, with elements i and i + head_dim/2 of a head in one
// word. Every machine takes both.
//
// The header, little-endian as well; see Past for what the digests are of. Pages
// read its beginning by the names below that are exported, see www/engine/state.ts.
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
	Magic         = "\x93SAMBA\r\n"
	FormatVersion = 2 // of keys and values in fp16; 1: in fp32, or none
	HeaderBytes   = 2048

	AtVersion  = 8
	atSize     = 12
	AtPayload  = 16
	AtPosition = 24
	AtModel    = 32
	atHash     = AtModel + sha256.Size
	atFlags    = atHash + sha256.Size
	atDigests  = 112
	atTail     = atDigests + 3*digestBytes
	atPending  = atTail + 4*machine.PenaltyTail
	AtSum      = HeaderBytes - sha256.Size
)

const (
	flagText = 1 << iota
	flagBegun
	flagSpaced
	flagWhole
)

// ErrState is what Parse and a session's Restore report, wrapped, for a file that is
// no state, or none that can be used.
var ErrState = errors.New("the saved state")

// Info is what a saved state's header says.
type Info struct {
	Version  int    `json:"version"`
	Model    string `json:"model"`    // hash, as model.Model.Hash gives it
	Position int    `json:"position"` // tokens absorbed
	Bytes    int64  `json:"bytes"`    // of the whole file
}

// MaxSize bounds a saved state in bytes, far above what people keep.
const MaxSize = 16 << 30

// Size is the size in bytes of a saved state of this shape after this many tokens: the
// same at the first and at the millionth, but with full attention; halves: with keys and
// values in fp16. What would be
// larger than MaxSize is more than MaxSize, no more is said of it.
func Size(c *config.Config, position int, halves bool) int64 {
	fixed, perToken := c.StateBytes(halves)
	size := HeaderBytes + fixed
	if perToken > 0 && int64(position) > (MaxSize-size)/perToken {
		return MaxSize + 1
	}
	return size + perToken*int64(position)
}

// Header is that of a state's file: of this model, after this past, whose payload of so
// many bytes has this SHA-256. halves: its keys and values are fp16.
func Header(model [sha256.Size]byte, p *Past, payload int64, sum [sha256.Size]byte, halves bool) []byte {
	h := make([]byte, HeaderBytes)
	put32 := func(at int, v int) { binary.LittleEndian.PutUint32(h[at:], uint32(v)) }
	copy(h, Magic)
	put32(AtVersion, 1)
	if halves {
		put32(AtVersion, FormatVersion)
	}
	put32(atSize, HeaderBytes)
	binary.LittleEndian.PutUint64(h[AtPayload:], uint64(payload))
	binary.LittleEndian.PutUint64(h[AtPosition:], uint64(p.Position))
	copy(h[AtModel:], model[:])
	copy(h[atHash:], sum[:])
	text := p.Text
	if len(text.Last) > AtSum-atPending {
		text = Text{} // no token is so long
	}
	flags := 0
	for flag, on := range map[int]bool{flagText: text.Known, flagBegun: text.begun, flagSpaced: text.spaced.n > 0, flagWhole: text.whole} {
		if on {
			flags |= flag
		}
	}
	put32(atFlags, flags)
	put32(atFlags+4, int(text.Pending))
	put32(atFlags+8, len(text.Last))
	put32(atFlags+12, len(p.Tail))
	for i, d := range []*digest{&p.ids, &text.shown, &text.spaced} {
		d.marshal(h[atDigests+i*digestBytes:])
	}
	copy(h[atTail:], machine.Words(p.Tail...))
	copy(h[atPending:], text.Last)
	end := sha256.Sum256(h[:AtSum])
	copy(h[AtSum:], end[:])
	return h
}

// Saved is a header that has been read.
type Saved struct {
	Info
	Halves  bool // keys and values are fp16
	Hash    [sha256.Size]byte
	Payload int64
	Sum     [sha256.Size]byte // of the payload
	Past    Past
}

// Refused is an error about a saved state.
func Refused(format string, args ...any) error {
	return fmt.Errorf("%w %s", ErrState, fmt.Sprintf(format, args...))
}

// Parse reads a header; size is that of the whole file.
func Parse(h []byte, size int64) (*Saved, error) {
	if len(h) < 16 || string(h[:len(Magic)]) != Magic {
		return nil, Refused("is no file that Samba saved: it does not begin as one")
	}
	version := binary.LittleEndian.Uint32(h[AtVersion:])
	if version > FormatVersion {
		return nil, Refused("is of format %d, this Samba reads up to %d: it was saved by a newer one", version, FormatVersion)
	}
	if version == 0 || len(h) < HeaderBytes || binary.LittleEndian.Uint32(h[atSize:]) != HeaderBytes {
		if len(h) < HeaderBytes {
			return nil, Refused("is cut short: it has %d bytes, its header alone has %d", size, HeaderBytes)
		}
		return nil, Refused("is damaged: its header says format %d and %d bytes", version, binary.LittleEndian.Uint32(h[atSize:]))
	}
	h = h[:HeaderBytes]
	if end := sha256.Sum256(h[:AtSum]); !bytes.Equal(end[:], h[AtSum:]) {
		return nil, Refused("is damaged: its header has another checksum than it says")
	}
	f := &Saved{Payload: int64(binary.LittleEndian.Uint64(h[AtPayload:]))}
	position := binary.LittleEndian.Uint64(h[AtPosition:])
	get := func(at int) int { return int(binary.LittleEndian.Uint32(h[at:])) }
	flags, pending, tail := get(atFlags), get(atFlags+8), get(atFlags+12)
	if f.Payload < 0 || f.Payload > 1<<40 || position > machine.MaxPosition || pending > AtSum-atPending || tail != int(min(position, machine.PenaltyTail)) {
		return nil, Refused("is damaged: its header contradicts itself")
	}
	switch have := size - HeaderBytes; {
	case have < f.Payload:
		return nil, Refused("is cut short: it has %d bytes, its header says %d", size, HeaderBytes+f.Payload)
	case have > f.Payload:
		return nil, Refused("is damaged: it has %d bytes, its header says %d", size, HeaderBytes+f.Payload)
	}
	copy(f.Hash[:], h[AtModel:])
	copy(f.Sum[:], h[atHash:])
	f.Halves = version > 1
	f.Info = Info{Version: int(version), Model: hex.EncodeToString(f.Hash[:]), Position: int(position), Bytes: size}
	f.Past.Position = int(position)
	text := &f.Past.Text
	text.Known, text.begun, text.whole = flags&flagText != 0, flags&flagBegun != 0, flags&flagWhole != 0
	text.Pending, text.Last = uint32(get(atFlags+4)), tokenizer.Prompt(h[atPending:atPending+pending])
	for i, d := range []*digest{&f.Past.ids, &text.shown, &text.spaced} {
		if err := d.unmarshal(h[atDigests+i*digestBytes:]); err != nil || d.n < 0 || i == 0 && d.n != 4*int(position) {
			return nil, Refused("is damaged: its header has a digest that is none")
		}
	}
	if flags&flagSpaced == 0 {
		text.spaced = digest{}
	}
	for i := range tail {
		f.Past.Tail = append(f.Past.Tail, uint32(get(atTail+4*i)))
	}
	return f, nil
}

// Inspect reads a saved state's header; no model is needed for that.
func Inspect(state gpu.Blob) (Info, error) {
	f, err := Parse(state.Bytes(0, min(state.Len(), HeaderBytes)), state.Len())
	if err != nil {
		return Info{}, err
	}
	return f.Info, nil
}
