package model

import "github.com/samba-web/samba/gpu/kernel"

// stateDepth is how many of its last states a sequence of a batch keeps.
const stateDepth = kernel.BatchDepth

// batch decodes several runs of an engine together: it has places for them, and
// a step takes one token of each that takes part. What becomes of one does not
// depend on which others do.
type batch interface {
	// join gives a run a place. The next step absorbs the pending token, after
	// which that many have been drawn; the run itself is left alone until leave. It
	// returns how many tokens the run has absorbed.
	join(place int, r run, d drawing, pending uint32, drawn int) (position int, err error)
	// step starts to absorb the pending token of each of these places, and to
	// draw the next: one each, in this order. allowed has the tokens that each may
	// draw, nil for all.
	step(places []int, allowed [][]uint32) (flight, error)
	// leave gives the run of a place the state after its first `absorbed` tokens,
	// which is one of the last stateDepth that the place has been through.
	leave(place, absorbed int) error
	// ahead is how many steps should be under way at once.
	ahead() int
	// stateBytes is what is allocated for sequences' states beside the runs' own.
	// Unlike the rest it may be called while others use the batch.
	stateBytes() int64
	close()
}
