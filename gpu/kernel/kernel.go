// Package kernel records the dispatches of each WGSL kernel: its bindings, its
// shape checks and its grid. One file a stem; the plain Go twin of the same
// stem stands in gpu/reference.
package kernel

import (
	"fmt"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/shaders"
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
	Cursor  *gpu.Buffer // 4 words: pos, count, emitted, spare; a batch's are BatchCursor's
	Tokens  int         // of a batch: rows, at most Slots
	Slots   int         // 0: no batch

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

	tunedMatvec    *matvecShape // instead of the rule's, for measurements
	tunedMatmul    *matmulShape
	tunedBatch     *batchShape
	tunedAttention matrixTile
	tunedSharing   *sharing
	tunedSampler   int
	tunedSSD       *ssdShape
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

// places is how many sequences' states lie side by side.
func (r *Recorder) places() int { return max(r.Slots, 1) }

// rows is how many rows of logits there are: one for each sequence that takes part.
func (r *Recorder) rows() int {
	if r.Slots > 0 {
		return r.Tokens
	}
	return 1
}

// states is how many of Mamba's states lie side by side.
func (r *Recorder) states() int {
	if r.Slots > 0 {
		return r.Slots * BatchDepth
	}
	return 1
}

func (r *Recorder) dispatch(stem string, constants shaders.Constants, grid [3]uint32, buffers ...*gpu.Buffer) {
	if r.Slots > 0 {
		constants["BATCH"], constants["PLACES"], constants["DEPTH"] = true, r.Slots, BatchDepth
	}
	pipeline, err := r.Device.Pipeline(stem, constants)
	if err != nil {
		r.Program.Fail(err)
		return
	}
	if r.Prepare {
		return
	}
	r.Program.Dispatch(pipeline, grid, buffers...)
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

// spread lays groups out over two directions of the grid: vocabularies make more
// workgroups than one direction may have.
func spread(groups uint32) [3]uint32 {
	wide := min(groups, 1<<15)
	return [3]uint32{wide, (groups + wide - 1) / wide, 1}
}

func blocks(n, size int) uint32 { return uint32((n + size - 1) / size) }
