package cpu

import (
	"unsafe"

	"github.com/samba-web/samba/gpu/reference"
)

// job is what the threads share: see simd.wat's functions of the same names. Addresses
// stand in places, and numbers keep their order.
type job struct {
	places  [10]unsafe.Pointer
	numbers [12]int32
}

// The kinds of jobs, in simd.js's order.
const (
	jobFew = iota
	jobMany
	jobAttend
	jobChannels
	jobHeads
)

// most is how many parts a job has at most: simd.js counts them in one byte.
const most = 250

// alone is how many multiplications one thread does while another one wakes up.
const alone = 1 << 16

// share computes parts from 0 to count, a multiple of unit at once, on as many threads as
// there are. A part costs about this many multiplications. Each thread has scratch bytes.
func (m *Kernels) share(kind, count, unit int, cost int, scratch int) {
	scratch = (scratch + 15) &^ 15
	m.scratch = grown(m.scratch, scratch*runners())
	m.job.places[9], m.job.numbers[0] = unsafe.Pointer(unsafe.SliceData(m.scratch)), int32(scratch)
	step := count
	if count*cost > alone && runners() > 1 {
		// Several for each: one that something else keeps busy then takes fewer.
		step = max(unit, (count/(4*runners())+unit-1)/unit*unit, (count/most/unit+1)*unit)
	}
	share(kind, &m.job, count, step)
	m.job = job{}
}

// set fills in a job. Its numbers have 32 bits, which is enough for all but positions, and those attend makes small
// first. Counts, and strides in bytes, are those of slices, which callers have checked. All memory that
// simd.wat works on has 2^32 bytes, so that there are fewer than 2^30 values, and 2^28 positions of full attention, whose
// keys have 4 values at least. A single token's stride is not checked, but package config bounds its width to 2^20
// channels. Products of them are addresses in those slices, which simd.wat adds up without a sign, modulo 2^32. An
// fp32 number among them stands for its bits.
func (j *job) set(places []unsafe.Pointer, numbers ...int) {
	copy(j.places[:], places)
	for i, n := range numbers {
		j.numbers[1+i] = int32(n)
	}
}

func bit(on bool) int {
	if on {
		return 1
	}
	return 0
}

func address[T any](v []T) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(v)) }

// product fills in what few and many have in common.
func (j *job) product(w *reference.Weight, y []float32, count int, add bool, xStride int, places ...unsafe.Pointer) {
	j.set(append([]unsafe.Pointer{address(w.Data), address(w.Scales), address(w.Biases)}, places...),
		w.DType.Bits(), w.In, max(w.Group, 1), w.Out, count, bit(w.DType == reference.BF16 || w.ScalesBF16), bit(add), w.In*w.DType.Bits()/8, 4*xStride)
	j.places[5] = address(y)
}
