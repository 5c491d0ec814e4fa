// Package kernel records the dispatches of each WGSL kernel. One file a stem has
// its constants, its plan (which kernel, constants and grid a shape gets: a pure
// function, see plan.go) and its recording: shape checks and bindings. The plain
// Go twin of the same stem stands in gpu/reference.
package kernel

import (
	"fmt"

	"github.com/samba-web/samba/gpu"
)

// Recorder collects the dispatches of a run over Tokens tokens, at most as
// many as the activations have room for. The cursor says at run time how many
// of them there are.
//
// A batch is a run of one token each of several sequences: a row of the
// activations is a token as ever, while KV rings, histories and settings have a
// first dimension of Slots, one place for each sequence that may take part. The
// cursor says which do. What comes of a row does not depend on the others. A
// sequence has BatchDepth of Mamba's states, [slots, depth, ...]: the token at
// position p finds state p % BatchDepth and leaves the next one, so that going
// back BatchDepth-1 tokens takes nothing but another position.
type Recorder struct {
	Device  *gpu.Device
	Program *gpu.Program
	Cursor  *gpu.Buffer // 4 words: pos, count, emitted, spare, of which Apart alone makes use; a batch's are BatchCursor's
	Tokens  int         // of a batch: rows, at most Slots
	Slots   int         // 0: no batch

	// Apart: the tokens are a few of one text, and each goes by the kernels that it would have
	// alone, with the same bits. Activations, logits and partials have a row of each; recurrent
	// states have one for each behind the first: [Tokens + 1, ...], the one before them at cursor.spare.
	Apart bool

	// Prepare starts to compile the kernels and records nothing; of the buffers
	// only the sizes count then.
	Prepare bool

	// Restrict narrows what the device's kernels may use: tests hold every
	// variant to the reference.
	Restrict *Variant

	// Exact keeps attention's products in fp32 where matrix units would take fp16.
	Exact bool

	// Halves is room for the operands of products on matrix units; without it, or
	// with too little, Linear takes other kernels.
	Halves Halves
	lying  lying

	tuned tuning // for measurements
}

// Variant is what kernels may use beyond WebGPU's baseline.
type Variant gpu.Variant

func (r *Recorder) variant() Variant {
	if r.Restrict != nil {
		return *r.Restrict
	}
	return Variant(r.Device.Info().Variant)
}

// BatchCursor is the number of words of a batch's cursor, and where its parts
// begin: at 1 the number of rows, at rows the sequence of each, at positions
// and sampled those of each sequence.
func BatchCursor(slots int) (rows, positions, sampled, words int) {
	return 4, 4 + slots, 4 + 2*slots, 4 + 3*slots
}

// BatchDepth is how many states of a sequence a batch keeps.
const BatchDepth = 4

// states is how many of Mamba's states lie side by side.
func (r *Recorder) states() int {
	switch {
	case r.Slots > 0:
		return r.Slots * BatchDepth
	case r.Apart:
		return r.Tokens + 1
	}
	return 1
}

func (r *Recorder) planner() planner {
	p := plannerOf(r.Device, r.variant())
	p.tokens, p.slots, p.apart, p.exact, p.tuned = r.Tokens, r.Slots, r.Apart, r.Exact, r.tuned
	if r.Halves.X != nil {
		p.room = room{r.Halves.X.Size(), r.Halves.W.Size()}
	}
	return p
}

// Single tells whether tokens are taken one by one, whose layers take fewer kernels.
func (r *Recorder) Single() bool { return r.planner().one() }

// record carries a plan out: the buffers are bound in the ascending order of the
// shader's binding numbers.
func (r *Recorder) record(p plan, buffers ...*gpu.Buffer) {
	r.lying = lying{}
	pipeline, err := r.Device.Pipeline(p.kernel.stem(), p.kernel)
	if err != nil {
		r.Program.Fail(err)
		return
	}
	if r.Prepare {
		return
	}
	r.Program.Dispatch(pipeline, p.grid, buffers...)
}

// want fails the recording if a buffer is smaller than its shape.
func (r *Recorder) want(stem, what string, b *gpu.Buffer, shape ...int) {
	words := uint64(1)
	for _, n := range shape {
		words *= uint64(n)
	}
	if b.Size() < 4*words {
		r.Program.Fail(fmt.Errorf("kernel %s: %s has %d bytes, want %v fp32", stem, what, b.Size(), shape))
	}
}
