package kernel

import (
	"encoding/binary"
	"math"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/reference"
)

// SamplingBytes lays settings out as sample.wgsl reads them.
func SamplingBytes(s reference.Sampling) []byte {
	if s.Temperature < reference.LeastTemperature {
		s.Temperature = 0
	}
	out := make([]byte, 32)
	for i, v := range []uint32{
		math.Float32bits(s.Temperature), math.Float32bits(s.TopP), math.Float32bits(s.MinP), math.Float32bits(s.Repetition),
		s.TopK, uint32(s.Seed), uint32(s.Seed >> 32), 0,
	} {
		binary.LittleEndian.PutUint32(out[4*i:], v)
	}
	return out
}

// Drawn is the token that a word of Sample's out stands for, of a vocabulary of
// this many. It is reference.NoToken for a word that the sampler found no numbers
// for, that a driver left as it was, or that is beyond the vocabulary.
func Drawn(word uint32, vocab int) uint32 {
	if token := word - 1; token < uint32(vocab) { // 0 wraps around
		return token
	}
	return reference.NoToken
}

// heldWeights is how many of the vocabulary's weights a thread of sample.wgsl keeps in registers at most: half of the
// registers that a thread of a workgroup of 512 may have on the GPUs that have fewest. One of 1,024 has half as many: it
// was measured with 50.
const heldWeights = 64

// SampleScratch is the number of values that Sample needs to keep its weights in; 0: registers hold them.
func SampleScratch(d *gpu.Device, v Variant, vocab int) int {
	if held(plannerOf(d, v).samplerSize(vocab), vocab) {
		return 0
	}
	return vocab
}

// samplerSize is how many threads the sampler has: as many as hold the vocabulary's weights in registers, where the
// device has this many (on an H200, 50,304 weights take 1,024 threads 37 us, and 512 threads, which reread them, 209).
func (p planner) samplerSize(vocab int) int {
	if p.tuned.sampler > 0 {
		return p.tuned.sampler
	}
	size := p.oneWorkgroup()
	for !p.CPU && !held(size, vocab) && 2*size <= p.size {
		size *= 2
	}
	return size
}

func held(size, vocab int) bool { return (vocab+size-1)/size <= heldWeights }

// oneWorkgroup is how many threads a kernel of one workgroup should have: many
// on a GPU; few on a processor, where they run in turn, but not so few that
// Mesa's llvmpipe ends loops for it: a thread has 65,535 turns in all.
func (p planner) oneWorkgroup() int {
	if p.CPU {
		return 64
	}
	size := 256
	for 2*size <= min(p.size, 512) {
		size *= 2
	}
	return size
}

// reduceConstants are those of shared/reduce.wgsl.
type reduceConstants struct {
	SIZE, SUBGROUP        int
	SUBGROUPS, TWO_LEVELS bool
}

// reduceAlone is a workgroup whose threads do without subgroups.
var reduceAlone = reduceConstants{SIZE: 256, SUBGROUP: 1}

func (p planner) reduce(size int) reduceConstants {
	subgroup := 1
	if p.Subgroup > 0 && size%p.Subgroup == 0 {
		subgroup = p.Subgroup
	}
	return reduceConstants{SIZE: size, SUBGROUP: subgroup, SUBGROUPS: subgroup > 1, TWO_LEVELS: size/subgroup <= subgroup}
}

type sample struct {
	cursorConstants
	reduceConstants
	VOCAB, HISTORY, TAIL, OUT_RING, PER int
	HELD, ROWS                          bool
}

func (sample) stem() string { return "sample" }

// sample plans the draw; history is how many tokens a sequence's has room for.
func (p planner) sample(vocab, history, tail, outRing int) plan {
	size := p.samplerSize(vocab)
	if p.apart { // out is no ring
		outRing = 1
	}
	return plan{sample{
		cursorConstants: p.cursor(), reduceConstants: p.reduce(size),
		VOCAB: vocab, HISTORY: history, TAIL: tail, OUT_RING: outRing, PER: (vocab + size - 1) / size, HELD: held(size, vocab), ROWS: p.apart,
	}, [3]uint32{uint32(p.rows()), 1, 1}}
}

// Sample records the draw of the next token from logits [vocab] and the
// cursor's advance. The penalty looks back over the last tail tokens of
// history; ids[0] takes the token, and out, a ring, what Drawn reads. scratch has room for
// SampleScratch values and is nil for none. Of tokens that go apart, logits, out and scratch have rows, ids is not
// touched and the cursor stays: JudgeGuesses is next. Of a batch, logits, out and scratch
// have rows, and all else is there for each sequence.
func (r *Recorder) Sample(logits, sampling, history, ids, out, scratch *gpu.Buffer, vocab, tail int) {
	p := r.planner()
	r.want("sample", "logits", logits, p.rows(), vocab)
	r.want("sample", "sampling", sampling, p.places(), 8)
	r.want("sample", "history", history, p.places(), tail)
	buffers := []*gpu.Buffer{logits, sampling, history, r.Cursor}
	if !r.Apart {
		buffers = append(buffers, ids)
	}
	buffers = append(buffers, out)
	if !held(p.samplerSize(vocab), vocab) {
		r.want("sample", "scratch", scratch, p.rows(), vocab)
		buffers = append(buffers, scratch)
	}
	r.record(p.sample(vocab, int(history.Size()/4)/p.places(), tail, int(out.Size()/4)), buffers...)
}
