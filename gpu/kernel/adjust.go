package kernel

import (
	"encoding/binary"
	"math"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/reference"
)

// AdjustmentBytes lays the settings out as adjust.wgsl and logprobs.wgsl read
// them; alternatives is how many of the likeliest tokens the latter reports.
func AdjustmentBytes(a reference.Adjustment, alternatives int) []byte {
	out := make([]byte, 16)
	masked := uint32(0)
	if a.Allowed != nil {
		masked = 1
	}
	for i, v := range []uint32{math.Float32bits(a.Presence), math.Float32bits(a.Frequency), masked, uint32(alternatives)} {
		binary.LittleEndian.PutUint32(out[4*i:], v)
	}
	return out
}

// Adjust records the change of logits [vocab] before they are sampled, and the
// count of the token in ids[0]. allowed is a set of bits. Of tokens that go
// apart, logits and allowed have rows, and nothing is counted: JudgeGuesses does that. Of a batch, logits have
// rows and all else is there for each sequence.
func (r *Recorder) Adjust(logits, adjustment, bias, counts, allowed, ids *gpu.Buffer, vocab int) {
	p := r.planner()
	r.want("adjust", "logits", logits, p.rows(), vocab)
	r.want("adjust", "adjustment", adjustment, p.places(), 4)
	r.want("adjust", "bias", bias, p.places(), vocab)
	r.want("adjust", "counts", counts, p.places(), vocab)
	sets := p.places()
	if r.Apart {
		sets = p.rows()
	}
	r.want("adjust", "allowed", allowed, sets, int(blocks(vocab, 32)))
	r.record(p.adjust(vocab), logits, adjustment, bias, counts, allowed, ids, r.Cursor)
}

type adjust struct {
	cursorConstants
	VOCAB     int
	FORBIDDEN float32
	ROWS      bool
}

func (adjust) stem() string { return "adjust" }

func (p planner) adjust(vocab int) plan {
	return plan{adjust{cursorConstants: p.cursor(), VOCAB: vocab, FORBIDDEN: float32(reference.Forbidden), ROWS: p.apart}, [3]uint32{blocks(vocab, 256), uint32(p.rows()), 1}}
}
