package eval

import (
	"fmt"
	"math"
)

// block is the number of consecutive tokens whose mean counts as one
// observation: neighbouring tokens are too alike to count by themselves.
const block = 1024

// Perplexity is one run of samba eval ppl.
type Perplexity struct {
	About
	Text       string          `json:"text"`   // the file's name
	Tokens     int             `json:"tokens"` // of the text that every length is measured on
	Rows       []PerplexityRow `json:"lengths"`
	ByPosition []PositionRow   `json:"by_position"` // within the longest sequences
}

// PerplexityRow is the text cut into sequences of one length, each read from an
// empty state.
type PerplexityRow struct {
	Length     int     `json:"length"`
	Sequences  int     `json:"sequences"`
	Scored     int     `json:"scored"` // tokens: all but each sequence's first
	Nats       float64 `json:"nats"`   // mean of -log p(token), natural
	Error      float64 `json:"standard_error"`
	Perplexity float64 `json:"perplexity"`
	Seconds    float64 `json:"seconds"`
	PerSecond  float64 `json:"tokens_per_second"`
}

// PositionRow is the tokens at positions From to To - 1.
type PositionRow struct {
	From       int     `json:"from"`
	To         int     `json:"to"`
	Nats       float64 `json:"nats"`
	Perplexity float64 `json:"perplexity"`
}

// Tally adds up the scores of sequences of one length.
type Tally struct {
	length, sequences, scored int
	sum                       float64

	inBlock                int
	blockSum               float64
	blocks                 int
	blockMeans, blockTotal float64 // sum of means, and of their squares

	positions []positionSum
}

type positionSum struct {
	n   int
	sum float64
}

// NewTally is for sequences of length tokens.
func NewTally(length int) *Tally { return &Tally{length: length} }

// Add takes log probabilities of consecutive tokens, the first at position at
// of its sequence. It refuses what is no log probability.
func (t *Tally) Add(at int, logprobs []float32) error {
	for i, l := range logprobs {
		nats := -float64(l)
		if math.IsNaN(nats) || nats < -1e-3 || math.IsInf(nats, 0) {
			return fmt.Errorf("the token at position %d has the log probability %v: the model's weights or the engine are broken", at+i, l)
		}
		t.sum += nats
		t.scored++
		bucket := positionBucket(at + i)
		for len(t.positions) <= bucket {
			t.positions = append(t.positions, positionSum{})
		}
		t.positions[bucket].n++
		t.positions[bucket].sum += nats
		t.blockSum += nats
		if t.inBlock++; t.inBlock == block {
			mean := t.blockSum / block
			t.blocks++
			t.blockMeans += mean
			t.blockTotal += mean * mean
			t.inBlock, t.blockSum = 0, 0
		}
	}
	return nil
}

// EndSequence says that the next token begins another sequence.
func (t *Tally) EndSequence() { t.sequences++ }

// Row is what the scores so far amount to.
func (t *Tally) Row(seconds float64) PerplexityRow {
	row := PerplexityRow{Length: t.length, Sequences: t.sequences, Scored: t.scored, Seconds: seconds}
	if t.scored == 0 {
		return row
	}
	row.Nats = t.sum / float64(t.scored)
	row.Perplexity = math.Exp(row.Nats)
	if t.blocks > 1 {
		n := float64(t.blocks)
		mean := t.blockMeans / n
		row.Error = math.Sqrt(max(0, t.blockTotal/n-mean*mean) / (n - 1))
	}
	if seconds > 0 {
		row.PerSecond = float64(t.scored+t.sequences) / seconds
	}
	return row
}

// ByPosition is the mean over positions 1 to 255, then from each power of two
// to the next.
func (t *Tally) ByPosition() []PositionRow {
	var rows []PositionRow
	for i, p := range t.positions {
		if p.n == 0 {
			continue
		}
		from, to := bucketBounds(i)
		nats := p.sum / float64(p.n)
		rows = append(rows, PositionRow{From: from, To: min(to, t.length), Nats: nats, Perplexity: math.Exp(nats)})
	}
	return rows
}

const firstBucket = 256

func positionBucket(at int) int {
	bucket := 0
	for ; at >= firstBucket; at /= 2 {
		bucket++
	}
	return bucket
}

func bucketBounds(bucket int) (from, to int) {
	if bucket == 0 {
		return 1, firstBucket
	}
	return firstBucket << (bucket - 1), firstBucket << bucket
}
