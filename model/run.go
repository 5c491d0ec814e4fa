package model

import (
	"context"

	"github.com/samba-web/samba/gpu"
)

// The sampler's repetition penalty looks back over penaltyTail tokens.
const penaltyTail = 256

// Kernels count positions in 32 bits; chunks and flights run a little ahead.
const maxPosition = 1<<32 - 1<<16

// engine is a loaded model on one kind of machine.
type engine interface {
	newRun() (run, error)
	// newBatch makes places for that many runs that are decoded together.
	newBatch(places int) (batch, error)
	close()
}

// run is one conversation's state on a machine, and what moves it on. Tokens
// are absorbed: the state has then seen them. A token that has been sampled is
// pending until the next step absorbs it.
type run interface {
	// reset forgets everything.
	reset() error
	// absorb takes 1 to chunk tokens.
	absorb(ctx context.Context, ids []uint32) error
	// absorbLogits takes 1 to chunk tokens and returns their logits [len(ids), vocab].
	absorbLogits(ctx context.Context, ids []uint32) ([]float32, error)
	// absorbScores starts to absorb 1 to chunk tokens and to tell how likely next[i] was after ids[i].
	absorbScores(ctx context.Context, ids, next []uint32) (scores, error)
	// begin sets the sampler for the flights to come.
	begin(d drawing) error
	// launch starts a flight of decode steps without waiting for it. The first
	// flight after absorb samples from what was absorbed; later ones go on from
	// the pending token. A flight of a constrained drawing samples one token, of
	// those that are allowed: a bit each.
	launch(ctx context.Context, first bool, allowed []uint32) (flight, error)
	// depth is how many flights should be under way at once.
	depth() int
	// rewind undoes all but the absorption of these tokens since the flight's
	// start, as if nothing had run ahead.
	rewind(ctx context.Context, f flight, absorbed []uint32) error
	// mark copies the state, no flight being under way.
	mark() (bookmark, error)
	// save writes the state as it stands after all flights so far, laid out as stateSpans has it.
	save(ctx context.Context, into gpu.Blob) error
	// restore takes over what save wrote at a position, before which those tokens stood; it may keep the blob.
	restore(ctx context.Context, state gpu.Blob, position int, tail []uint32) error
	// fork makes a second run in the same state, no flight being under way.
	fork() (run, error)
	stateBytes() int64
	close()
}

// scores are log probabilities under way.
type scores interface {
	// wait returns them, in order. Either it or drop is called, once.
	wait(ctx context.Context) ([]float32, error)
	drop()
}

// flight is decode steps under way.
type flight interface {
	// wait returns the tokens, in order. Either it or drop is called, once.
	wait(ctx context.Context) ([]draw, error)
	// drop gives the tokens up; rewind is next.
	drop(ctx context.Context) error
}

// bookmark is a copy of a run's state.
type bookmark interface {
	// recall brings the run back to it, as often as asked.
	recall() error
	free()
}
