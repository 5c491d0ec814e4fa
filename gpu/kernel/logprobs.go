package kernel

import (
	"encoding/binary"
	"math"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/reference"
)

// LogprobsRow is the number of words that logprobs.wgsl writes for a token
// with room for top alternatives.
func LogprobsRow(top int) int { return 1 + 2*top }

// ReadLogprobs takes a row of logprobs.wgsl apart.
func ReadLogprobs(row []byte, top, alternatives int) (own float32, likeliest []reference.Logprob) {
	word := func(i int) uint32 { return binary.LittleEndian.Uint32(row[4*i:]) }
	for i := range alternatives {
		likeliest = append(likeliest, reference.Logprob{Token: word(1 + i), Value: math.Float32frombits(word(1 + top + i))})
	}
	return math.Float32frombits(word(0)), likeliest
}

// Logprobs records the log probability of the token in ids[0], which Sample
// has just drawn, and of the likeliest ones, at most top, from logits that
// nothing has changed. rows is a ring of rows of LogprobsRow(top) words. Of tokens
// that go apart ids is what Sample has drawn. Of a
// batch, a row for each of its own.
func (r *Recorder) Logprobs(logits, adjustment, ids, rows *gpu.Buffer, vocab, ring, top int) {
	p := r.planner()
	r.want("logprobs", "logits", logits, p.rows(), vocab)
	r.want("logprobs", "adjustment", adjustment, p.places(), 4)
	r.want("logprobs", "rows", rows, ring, LogprobsRow(top))
	r.record(p.logprobs(vocab, ring, top), logits, adjustment, ids, r.Cursor, rows)
}

type logprobs struct {
	cursorConstants
	reduceConstants
	VOCAB, OUT_RING, TOP int
	ROWS                 bool
}

func (logprobs) stem() string { return "logprobs" }

func (p planner) logprobs(vocab, ring, top int) plan {
	return plan{logprobs{cursorConstants: p.cursor(), reduceConstants: reduceAlone, VOCAB: vocab, OUT_RING: ring, TOP: top, ROWS: p.apart}, [3]uint32{uint32(p.rows()), 1, 1}}
}
