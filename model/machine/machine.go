// Package machine is what computes a model, as sessions see it: an engine, its runs,
// flights and batches. Packages cpu and gpu are the two that there are; their files of
// the same name hold the same part of each.
package machine

import (
	"context"
	"errors"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/kernel"
	"github.com/samba-web/samba/gpu/reference"
	"github.com/samba-web/samba/model/sampling"
)

// The sampler's repetition penalty looks back over PenaltyTail tokens.
const PenaltyTail = 256

// MaxPosition: kernels count positions in 32 bits; chunks and flights run a little ahead.
const MaxPosition = 1<<32 - 1<<16

// Decode steps of one flight at most, and flights under way at once: enough that
// a fast GPU never waits for the host.
const (
	MaxSteps     = 8
	FlightsAhead = 2
)

// StateDepth is how many of its last states a sequence of a batch keeps.
const StateDepth = kernel.BatchDepth

// MaxTopLogprobs is the most alternatives that are reported for one token.
const MaxTopLogprobs = 20

// Engine is a loaded model on one kind of machine.
type Engine interface {
	NewRun() (Run, error)
	// NewBatch makes places for that many runs that are decoded together.
	NewBatch(places int) (Batch, error)
	// Stored tells how a linear weight is kept: bits of a weight, and how many share a
	// scale and a bias of 16 bits each, 0 without such groups.
	Stored(name string) (bits, group int)
	// Allocated is how many bytes there are on a device; 0 without one.
	Allocated() int64
	Close()
}

// Run is one conversation's state on a machine, and what moves it on. Tokens are
// absorbed: the state has then seen them. A token that has been sampled is pending
// until the next step absorbs it.
//
// What wraps a run (recovery, a pool) holds it in a named field and has each of
// these methods itself: a new one cannot pass it by.
type Run interface {
	Stepper
	Scorer
	Snapshotter
	Measured
	Close()
}

// Stepper reads a prompt and writes an answer.
type Stepper interface {
	// Reset forgets everything.
	Reset() error
	// Absorb takes 1 to chunk tokens. Layers that carry no state wait until the first
	// flight draws from the last of them.
	Absorb(ctx context.Context, ids []uint32) error
	// Begin sets the sampler for the flights to come.
	Begin(d Drawing) error
	// Launch starts a flight of decode steps without waiting for it. The first
	// flight after Absorb samples from what was absorbed; later ones go on from
	// the pending token. A flight of a constrained drawing samples one token, of
	// those that are allowed: a bit each.
	Launch(ctx context.Context, first bool, allowed []uint32) (Flight, error)
	// Depth is how many flights should be under way at once.
	Depth() int
	Guesser
}

// Guesser takes several tokens a step where they have been guessed. What is drawn is what
// single steps draw, to the bit, whatever is guessed.
type Guesser interface {
	// MostGuesses is how many a step may have, at most the constant of that name; 0: this run
	// takes none. It may take a device some steps to find out, so it is asked only when there is something to guess.
	MostGuesses() int
	// LaunchGuessed is Launch, from the pending token on, with steps that absorb guesses beside it.
	// The flight returns Steps tokens at least, and one more for each guess that was right.
	// ErrNoRoom: full attention cannot have this many positions; a single step may yet find room.
	LaunchGuessed(ctx context.Context, g Guesses) (Flight, error)
}

// MostGuesses is how many tokens a step absorbs at most beside the pending one.
const MostGuesses = sampling.MostGuesses

// Guesses are tokens that may come.
type Guesses struct {
	At     int      // the position of the first one; flights under way may go beyond
	Tokens []uint32 // Rows-1 at least
	Rows   int      // tokens of a step, 2 to MostGuesses+1: the pending one, and guesses
	Steps  int      // of the flight, of which FlightsAhead have Rows of RunAhead; 1 where the drawing is constrained
	// Of a constrained drawing: the tokens that may be drawn after each of a step's rows, a bit each.
	// Each guess is one of those allowed in its place. Nil otherwise.
	Allowed [][]uint32
}

// Flight is decode steps under way.
type Flight interface {
	// Wait returns the tokens, in order. Either it or Drop is called, once.
	Wait(ctx context.Context) ([]Draw, error)
	// Drop gives the tokens up; a rewind is next.
	Drop(ctx context.Context) error
	// Rewind undoes all but the absorption of these tokens since the flight's start,
	// as if nothing had run ahead. All later flights have been waited for or dropped.
	Rewind(ctx context.Context, absorbed []uint32) error
}

// Scorer tells what the model makes of a text.
type Scorer interface {
	// AbsorbLogits takes 1 to chunk tokens and returns their logits [len(ids), vocab].
	AbsorbLogits(ctx context.Context, ids []uint32) ([]float32, error)
	// AbsorbScores starts to absorb 1 to chunk tokens and to tell how likely next[i] was after ids[i].
	AbsorbScores(ctx context.Context, ids, next []uint32) (Scores, error)
}

// Scores are log probabilities under way.
type Scores interface {
	// Wait returns them, in order. Either it or Drop is called, once.
	Wait(ctx context.Context) ([]float32, error)
	Drop()
}

// Snapshotter copies a state, no flight being under way.
type Snapshotter interface {
	// Mark copies it within the machine.
	Mark() (Bookmark, error)
	// Save writes it as it stands after all flights so far, laid out as graph.Spans has it: with keys and values
	// in fp16 or in fp32, whichever into has room for. In the machine's own form it is a copy to the bit.
	Save(ctx context.Context, into gpu.Blob) error
	// Restore takes over what Save wrote at a position, in either form, before which those tokens stood; it may keep the blob.
	// ErrNoRoom: full attention cannot have this many positions, and nothing has changed.
	Restore(ctx context.Context, state gpu.Blob, position int, tail []uint32) error
	// Fork makes a second run in the same state.
	Fork() (Run, error)
}

// Bookmark is a copy of a run's state.
type Bookmark interface {
	// Recall brings the run back to it, as often as asked.
	Recall() error
	Free()
}

// Measured is what can be told of a run from outside.
type Measured interface {
	// StateBytes is what is allocated for its state.
	StateBytes() int64
	// Settle waits until the machine has done all that it was given.
	Settle(ctx context.Context) error
	// Profiler times the run's kernels; nil where there are none.
	Profiler() Profiler
	// EveryLayer lets Absorb run all layers for all tokens, or no longer: what it saves
	// otherwise can be measured then.
	EveryLayer(on bool)
}

// Profiler times what a run's steps consist of. It leaves the run in some state:
// Reset is next.
type Profiler interface {
	// Variant tells what the kernels use beyond WebGPU's baseline.
	Variant() string
	// Roofline measures what the device reaches at best.
	Roofline(ctx context.Context) (kernel.Roofline, error)
	// Launches counts kernels, for one token and for a chunk of this many.
	Launches(chunk int) (decode, prefill int)
	// CanTime tells whether there are timestamps; the methods below need them.
	CanTime() bool
	// TimeChunk times absorbing ids at a position, in each of this many passes.
	TimeChunk(ctx context.Context, ids []uint32, pos, passes int) (Times, error)
	// TimeStep times one decode step from a token on.
	TimeStep(ctx context.Context, id uint32, pos, passes int) (Times, error)
	// TimeBatch times a step of this many sequences, all at one position. Their states
	// and settings hold zeros, which the clock does not mind.
	TimeBatch(ctx context.Context, sequences, position, passes int) (Times, error)
}

// Times are those of a step on the GPU, from the same place in each of so many passes.
type Times struct {
	Passes     int
	Dispatches []gpu.DispatchTime // of all passes, each dispatch apart
	Span       float64            // seconds of the step as it runs otherwise, dispatch after dispatch: the mean
}

// Batch decodes several runs of an engine together: it has places for them, and
// a step takes one token of each that takes part. What becomes of one does not
// depend on which others do.
type Batch interface {
	// Join gives a run of this engine a place. The next step absorbs the pending token,
	// after which that many have been drawn; the run itself is left alone until Leave. It
	// returns how many tokens the run has absorbed.
	Join(place int, r Run, d Drawing, pending uint32, drawn int) (position int, err error)
	// Step starts to absorb the pending token of each of these places, and to
	// draw the next: one each, in this order. allowed has the tokens that each may
	// draw, nil for all. A *PlaceError names one that finds no room: nothing was begun then.
	Step(places []int, allowed [][]uint32) (BatchStep, error)
	// Leave gives the run of a place the state after its first `absorbed` tokens,
	// which is one of the last StateDepth that the place has been through.
	Leave(place, absorbed int) error
	// Ahead is how many steps should be under way at once.
	Ahead() int
	// StateBytes is what is allocated for sequences' states beside the runs' own.
	// Unlike the rest it may be called while others use the batch.
	StateBytes() int64
	Close()
}

// PlaceError is ErrNoRoom of one place of a batch.
type PlaceError struct {
	Place int
	Err   error
}

func (e *PlaceError) Error() string { return e.Err.Error() }
func (e *PlaceError) Unwrap() error { return e.Err }

// Sharer is a run whose engine keeps in one place for all runs what the next flight of
// this one goes on from: the outcome of a chunk, the pending token. Who lets runs take
// turns has it set aside before another run is given work, and taken back after that.
type Sharer interface {
	SetAside() error
	TakeBack() error
}

// BatchStep is a step of a batch under way.
type BatchStep interface {
	// Wait returns a token for each place. Either it or Drop is called, once.
	Wait(ctx context.Context) ([]Draw, error)
	Drop()
}

// Drawing is how the tokens of one answer are drawn.
type Drawing struct {
	Sampling    reference.Sampling
	Adjustment  reference.Adjustment // its slices are nil where they are not used, Counts always
	Adjusted    bool                 // whether Adjustment does anything
	Constrained bool                 // every launch says which tokens are allowed
	Logprobs    bool
	Top         int // alternatives to report with each log probability
}

// ErrNoNumbers is what an answer ends with, wrapped, where what should be logits are no
// numbers, or where the tokens that come back are none of the vocabulary's: weights or
// a state hold NaN or infinities, or a driver has failed without a word.
var ErrNoNumbers = errors.New("what the model computes are no numbers any more")

// Sound is ErrNoNumbers unless all draws have a token.
func Sound(draws []Draw) error {
	for _, d := range draws {
		if d.Token == reference.NoToken {
			return ErrNoNumbers
		}
	}
	return nil
}

// Draw is a token that was sampled.
type Draw struct {
	Token   uint32              // reference.NoToken where there was nothing to sample from
	Logprob float32             // where the drawing asks for them
	Top     []reference.Logprob // the likeliest tokens in its place
}

// Ring is the number of positions that a KV ring needs for a window: room for a
// chunk beside it, and for decode steps that run ahead and may be rewound. For
// full attention, whose window is 0, it is the number at first.
func Ring(window, chunk int) int {
	if window == 0 {
		return firstRoom * chunk
	}
	return window + RunAhead(chunk) + 1
}

// RunAhead is how many positions flights under way may go through together.
func RunAhead(chunk int) int { return max(chunk, FlightsAhead*MaxSteps) }
