package kernel

import (
	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/reference"
)

// plan is a dispatch but for its buffers: what is compiled, and how many
// workgroups run. A planner makes it, a Recorder carries it out.
type plan struct {
	kernel kernel
	grid   [3]uint32
}

// kernel is a shader with its constants: a struct that has a field for each flag
// (bool), u32 (int) and f32 (float) of the shader, called as it is there.
// TestConstants holds the two to each other.
type kernel interface{ stem() string }

// planner chooses kernels, constants and grids. It knows numbers alone, and of
// buffers no more than their sizes and whether they are there, so that a table
// tests it without a device.
type planner struct {
	Variant
	size, storage int  // threads of a workgroup and words of its memory, at most
	bindings      int  // storage buffers of a kernel, at most
	tokens, slots int  // the Recorder's
	apart, exact  bool // the Recorder's
	there         bool // a batch's x lies in fp16 already
	room          room
	tuned         tuning
}

// room is how many bytes Halves have.
type room struct{ x, w uint64 }

// tuning is chosen for a planner where a field is set: measurements try what its rules would not.
type tuning struct {
	matvec    *matvecShape
	digits    bool // with matvec
	matmul    *matmulShape
	bytes     *bytesShape
	batch     *batchShape
	attention matrixTile
	sharing   *sharing
	sampler   int
	ssd       *ssdShape
}

// plannerOf is the planner of a device whose kernels are those of a variant.
func plannerOf(d *gpu.Device, v Variant) planner {
	limits := d.Info().Limits
	return planner{Variant: v, size: int(limits.MaxWorkgroupSize), storage: int(limits.MaxWorkgroupStorage) / 4, bindings: int(limits.MaxStorageBuffers)}
}

// places is how many sequences' states lie side by side.
func (p planner) places() int { return max(p.slots, 1) }

// rows is how many rows of logits there are: one for each sequence that takes part, or for each token that goes apart.
func (p planner) rows() int {
	if p.slots > 0 || p.apart {
		return p.tokens
	}
	return 1
}

// one tells whether a linear layer's tokens go one by one.
func (p planner) one() bool { return p.slots == 0 && (p.tokens == 1 || p.apart) }

// meeting is how many threads a workgroup has whose threads meet at barriers: few
// on a processor, where they take turns at every one.
func (p planner) meeting(size int) int {
	if p.CPU {
		return 8
	}
	return size
}

// subgroupConstants are those of kernels whose lanes add up: among a subgroup's
// threads, or in shared memory where there are no subgroups; neither for one lane.
type subgroupConstants struct{ SUBGROUPS, SHARED bool }

func (p planner) subgroups(lanes int) subgroupConstants {
	return subgroupConstants{SUBGROUPS: lanes > 1 && p.Subgroup > 0, SHARED: lanes > 1 && p.Subgroup == 0}
}

// cursorConstants are those of shared/cursor.wgsl.
type cursorConstants struct {
	BATCH         bool
	PLACES, DEPTH int
}

func (p planner) cursor() cursorConstants {
	if p.slots == 0 {
		return cursorConstants{}
	}
	return cursorConstants{BATCH: true, PLACES: p.slots, DEPTH: BatchDepth}
}

// weightConstants are those of shared/weight.wgsl, whose storage type each kernel reads in its own way.
type weightConstants struct {
	GROUP                                          int
	F32, F16, BF16, Q8, Q4, QUANTIZED, SCALES_BF16 bool
}

func (w *Weight) constants() weightConstants {
	is := func(t reference.DType) bool { return w.DType == t }
	return weightConstants{
		GROUP: max(w.Group, 1), F32: is(reference.F32), F16: is(reference.F16), BF16: is(reference.BF16), Q8: is(reference.Q8), Q4: is(reference.Q4),
		QUANTIZED: w.DType.Quantized(), SCALES_BF16: w.ScalesBF16,
	}
}

// finishConstants are those of shared/finish.wgsl.
type finishConstants struct {
	FACTOR float64
	BIAS   bool
}

func (w *Weight) finish() finishConstants {
	return finishConstants{FACTOR: factor(w.Factor), BIAS: w.Bias != nil}
}

// factor is what v stands for: 0 for 1.
func factor(v float64) float64 {
	if v == 0 {
		return 1
	}
	return v
}

// spread lays groups out over two directions of the grid: vocabularies make more
// workgroups than one direction may have.
func spread(groups uint32) [3]uint32 {
	wide := min(groups, 1<<15)
	return [3]uint32{wide, (groups + wide - 1) / wide, 1}
}

func blocks(n, size int) uint32 { return uint32((n + size - 1) / size) }

// largestDivisor is the largest divisor of n, a power of two, that is at most limit, and 1 at least.
func largestDivisor(n, limit int) int {
	for n > 1 && n > limit {
		n /= 2
	}
	return n
}
