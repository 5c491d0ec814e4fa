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

// partWords is how many words sample_parts.wgsl leaves for a chunk, of which there are at most mostParts.
const partWords, mostParts = 5, 1024

// chunkOf is how many of the vocabulary's logits are a chunk.
func chunkOf(vocab int) int {
	chunk := 16
	for blocks(vocab, chunk) > mostParts {
		chunk *= 2
	}
	return chunk
}

// SampleParts is the number of words of parts that Sample needs for a row of logits.
func SampleParts(vocab int) int { return partWords * int(blocks(vocab, chunkOf(vocab))) }

// oneWorkgroup is how many threads a kernel of one workgroup should have: many
// on a GPU; few on a processor, where they run in turn, but not so few that
// Mesa's llvmpipe ends loops for it: a thread has 65,535 turns in all.
func (p planner) oneWorkgroup() int {
	if p.CPU {
		return 64
	}
	return 256
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

// samplingConstants are those of shared/sampling.wgsl.
type samplingConstants struct{ VOCAB, CHUNK, CHUNKS int }

func samplingOf(vocab int) samplingConstants {
	chunk := chunkOf(vocab)
	return samplingConstants{VOCAB: vocab, CHUNK: chunk, CHUNKS: int(blocks(vocab, chunk))}
}

type sampleParts struct {
	cursorConstants
	samplingConstants
	HISTORY, TAIL, SIZE, LANES, PER int
	ROWS                            bool
}

func (sampleParts) stem() string { return "sample_parts" }

// sampleParts plans the sampler's first half; history is how many tokens a sequence's has room for.
func (p planner) sampleParts(vocab, history, tail int) plan {
	c := samplingOf(vocab)
	size, lanes := 256, min(c.CHUNK, 32)
	if p.CPU {
		size = p.meeting(size)
		lanes = size
	}
	return plan{sampleParts{
		cursorConstants: p.cursor(), samplingConstants: c,
		HISTORY: history, TAIL: tail, SIZE: size, LANES: lanes, PER: c.CHUNK / lanes, ROWS: p.apart,
	}, [3]uint32{blocks(c.CHUNKS, size/lanes), uint32(p.rows()), 1}}
}

type sample struct {
	cursorConstants
	reduceConstants
	samplingConstants
	OUT_RING, LIST int
	ROWS           bool
}

func (sample) stem() string { return "sample" }

// sample plans the draw.
func (p planner) sample(vocab, outRing int) plan {
	// Without subgroups every thread has sums in workgroup memory, of which there may be no more than 16 KB.
	size, list := min(p.oneWorkgroup(), 256), 256
	if p.Subgroup > 0 && !p.CPU {
		list = 512
		for 2*size <= min(p.size, 1024) {
			size *= 2
		}
	}
	if p.tuned.sampler > 0 {
		size = p.tuned.sampler
	}
	if p.apart { // out is no ring
		outRing = 1
	}
	return plan{sample{
		cursorConstants: p.cursor(), reduceConstants: p.reduce(size), samplingConstants: samplingOf(vocab),
		OUT_RING: outRing, LIST: list, ROWS: p.apart,
	}, [3]uint32{uint32(p.rows()), 1, 1}}
}

// Sample records the draw of the next token from logits [vocab] and the
// cursor's advance. The penalty looks back over the last tail tokens of
// history and changes logits; ids[0] takes the token, and out, a ring, what Drawn reads. parts has room for
// SampleParts words. Of tokens that go apart, logits, out and parts have rows, ids is not
// touched and the cursor stays: JudgeGuesses is next. Of a batch, logits, out and parts
// have rows, and all else is there for each sequence.
func (r *Recorder) Sample(logits, sampling, history, ids, out, parts *gpu.Buffer, vocab, tail int) {
	p := r.planner()
	r.want("sample", "logits", logits, p.rows(), vocab)
	r.want("sample", "sampling", sampling, p.places(), 8)
	r.want("sample", "history", history, p.places(), tail)
	r.want("sample", "parts", parts, p.rows(), SampleParts(vocab))
	r.record(p.sampleParts(vocab, int(history.Size()/4)/p.places(), tail), logits, sampling, history, r.Cursor, parts)
	buffers := []*gpu.Buffer{logits, sampling, parts, r.Cursor}
	if !r.Apart {
		buffers = append(buffers, ids)
	}
	r.record(p.sample(vocab, int(out.Size()/4)), append(buffers, out)...)
}
