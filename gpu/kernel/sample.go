package kernel

import (
	"encoding/binary"
	"math"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/reference"
	"github.com/samba-web/samba/shaders"
)

// SamplingBytes lays settings out as sample.wgsl reads them.
func SamplingBytes(s reference.Sampling) []byte {
	out := make([]byte, 32)
	for i, v := range []uint32{
		math.Float32bits(s.Temperature), math.Float32bits(s.TopP), math.Float32bits(s.MinP), math.Float32bits(s.Repetition),
		s.TopK, uint32(s.Seed), uint32(s.Seed >> 32), 0,
	} {
		binary.LittleEndian.PutUint32(out[4*i:], v)
	}
	return out
}

// Sample records the draw of the next token from logits [vocab] and the
// cursor's advance. The penalty looks back over the last tail tokens of
// history; ids[0] and out, a ring, take the token.
func (r *Recorder) Sample(logits, sampling, history, ids, out *gpu.Buffer, vocab, tail int) {
	r.want("sample", "logits", logits, vocab)
	r.want("sample", "sampling", sampling, 8)
	r.want("sample", "history", history, tail)
	r.dispatch("sample", shaders.Constants{"VOCAB": vocab, "HISTORY": int(history.Size() / 4), "TAIL": tail, "OUT_RING": int(out.Size() / 4)},
		[3]uint32{1, 1, 1}, logits, sampling, history, r.Cursor, ids, out)
}
