package kernel_test

import (
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/kernel"
	"github.com/samba-web/samba/gpu/reference"
)

// Every run draws fresh inputs; -seed repeats a run.
var seed = flag.Uint64("seed", uint64(time.Now().UnixNano()), "seed of the random inputs")

// bench is a device, a source of random inputs, and a recorder for one test.
type bench struct {
	*testing.T
	*rand.Rand
	kernel.Recorder
}

func newBench(t *testing.T, tokens int) *bench {
	t.Helper()
	device, err := gpu.Open(context.Background())
	if errors.Is(err, gpu.ErrNoAdapter) {
		t.Skipf("needs a WebGPU adapter: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(device.Close)
	t.Logf("seed %d", *seed)
	b := &bench{T: t, Rand: rand.New(rand.NewPCG(*seed, uint64(tokens)))}
	b.Recorder = kernel.Recorder{Device: device, Program: device.NewProgram(), Tokens: tokens}
	return b
}

// eachVariant runs a test for every set of features that this device offers, the baseline always among them; with
// -short, for browsers above all, which compile slowly, one set is drawn.
func eachVariant(t *testing.T, tokens int, f func(b *bench)) {
	outer := newBench(t, tokens)
	has := gpu.Variant(outer.Device.Info().Variant)
	drawn := -1
	if testing.Short() && !has.Matrix {
		if drawn = outer.draw(t.Name(), 2); has.Subgroup > 0 {
			drawn = outer.draw(t.Name(), 3)
		}
	}
	for i, v := range []struct {
		name, needs string
		there       bool
		gpu.Variant
	}{
		{name: "baseline", there: true},
		{name: "on a processor", there: true, Variant: gpu.Variant{CPU: true}},
		{name: "subgroups", needs: "the WebGPU feature subgroups, of one size", there: has.Subgroup > 0, Variant: gpu.Variant{Subgroup: has.Subgroup}},
		{name: "subgroup matrices", needs: "the WebGPU feature chromium-experimental-subgroup-matrix", there: has.Matrix,
			Variant: gpu.Variant{Subgroup: has.Subgroup, F16: true, Matrix: true}},
	} {
		t.Run(v.name, func(t *testing.T) {
			if !v.there {
				t.Skipf("needs %s", v.needs)
			}
			if drawn >= 0 && i != drawn {
				t.Skip("-short draws another by the seed")
			}
			b := newBench(t, tokens)
			restrict := kernel.Variant(v.Variant)
			b.Restrict = &restrict
			if v.Matrix {
				// So little for W that the larger ones come in slices.
				b.Halves = kernel.Halves{X: b.bytes("x in fp16", make([]byte, 256<<10)), W: b.bytes("W in fp16", make([]byte, 64<<10))}
			}
			f(b)
		})
	}
}

// draw is one of n by the seed and the test's name: each test of a run draws for itself.
func (b *bench) draw(test string, n int) int {
	hash := fnv.New64a()
	hash.Write([]byte(test))
	return rand.New(rand.NewPCG(*seed, hash.Sum64())).IntN(n)
}

func (b *bench) floats(n int, scale float64) []float32 {
	out := make([]float32, n)
	for i := range out {
		out[i] = float32(b.NormFloat64() * scale)
	}
	return out
}

// buffer uploads values; unwritten places of results show, since they hold the poison that was uploaded.
func (b *bench) buffer(label string, values []float32) *gpu.Buffer {
	b.Helper()
	return b.bytes(label, floatBytes(values))
}

func (b *bench) words(label string, values []uint32) *gpu.Buffer {
	b.Helper()
	return b.bytes(label, wordBytes(values))
}

func (b *bench) bytes(label string, data []byte) *gpu.Buffer {
	b.Helper()
	buffer, err := b.Device.NewBuffer(label, uint64(len(data)))
	if err == nil {
		err = b.Device.Write(buffer, 0, data)
	}
	if err != nil {
		b.Fatal(err)
	}
	return buffer
}

func (b *bench) cursor(pos, count int) {
	b.Helper()
	b.Recorder.Cursor = b.words("cursor", []uint32{uint32(pos), uint32(count), 0, 0})
}

func (b *bench) run() {
	b.Helper()
	if err := b.Program.Err(); err != nil {
		b.Fatal(err)
	}
	if err := b.Device.Run(b.Program); err != nil {
		b.Fatal(err)
	}
	b.Program = b.Device.NewProgram()
}

func (b *bench) read(buffer *gpu.Buffer) []byte {
	b.Helper()
	readback, err := b.Device.Read(buffer, 0, buffer.Size())
	if err != nil {
		b.Fatal(err)
	}
	data, err := readback.Wait(context.Background())
	if err != nil {
		b.Fatal(err)
	}
	return data
}

func (b *bench) readFloats(buffer *gpu.Buffer) []float32 {
	b.Helper()
	data := b.read(buffer)
	out := make([]float32, len(data)/4)
	for i := range out {
		out[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
	}
	return out
}

func (b *bench) readWords(buffer *gpu.Buffer) []uint32 {
	b.Helper()
	data := b.read(buffer)
	out := make([]uint32, len(data)/4)
	for i := range out {
		out[i] = binary.LittleEndian.Uint32(data[4*i:])
	}
	return out
}

// near holds got to want: the error's norm over want's, which fp32 sums of random terms keep far below 1e-5,
// and no single value off by more than a hundred times that share of the largest.
func (b *bench) near(what string, got, want []float32, tolerance float64) {
	b.Helper()
	scale := want
	if len(want) == 1 {
		// A sum alone may cancel to next to nothing, while its error stays that of its terms: 64 of them, of order 20
		// with 8-bit weights.
		scale = []float32{max(100, float32(math.Abs(float64(want[0]))))}
	}
	b.nearSums(what, got, want, scale, tolerance)
}

// nearSums holds got to want as near does, where the values' scales are known.
func (b *bench) nearSums(what string, got, want, scale []float32, tolerance float64) {
	b.Helper()
	if len(got) < len(want) {
		b.Fatalf("%s: %d values, want %d", what, len(got), len(want))
	}
	var errors, norm, peak, worst float64
	at := 0
	for i, w := range want {
		d := math.Abs(float64(got[i]) - float64(w))
		if math.IsNaN(d) {
			b.Fatalf("%s: value %d is %v, want %v", what, i, got[i], w)
		}
		if d > worst {
			worst, at = d, i
		}
		errors += d * d
		norm += float64(scale[i]) * float64(scale[i])
		peak = max(peak, math.Abs(float64(scale[i])))
	}
	if math.Sqrt(errors) > tolerance*math.Sqrt(norm) || worst > 100*tolerance*peak {
		b.Errorf("%s: relative error %.3g, want %.3g; worst at %d: %v, want %v",
			what, math.Sqrt(errors/norm), tolerance, at, got[at], want[at])
	}
}

func wordBytes(values []uint32) []byte {
	out := make([]byte, 4*len(values))
	for i, v := range values {
		binary.LittleEndian.PutUint32(out[4*i:], v)
	}
	return out
}

func floatBytes(values []float32) []byte {
	out := make([]byte, 4*len(values))
	for i, v := range values {
		binary.LittleEndian.PutUint32(out[4*i:], math.Float32bits(v))
	}
	return out
}

func halfBytes(values []uint16) []byte {
	out := make([]byte, 2*len(values))
	for i, v := range values {
		binary.LittleEndian.PutUint16(out[2*i:], v)
	}
	return out
}

// half is a random F16 or BF16 of magnitude about 2^exponent, built from bits so that any width rounds alike.
func (b *bench) half(bf16 bool, exponent int) uint16 {
	sign := uint16(b.IntN(2)) << 15
	if bf16 {
		return sign | uint16(127+exponent)<<7 | uint16(b.IntN(128))
	}
	return sign | uint16(15+exponent)<<10 | uint16(b.IntN(1024))
}

// weight draws a random matrix and uploads it in parts of at most partRows rows.
func (b *bench) weight(dtype reference.DType, out, in, group, partRows int, bf16Scales bool) (*reference.Weight, *kernel.Weight) {
	b.Helper()
	w := &reference.Weight{DType: dtype, Out: out, In: in, Group: group, ScalesBF16: bf16Scales}
	w.Data = make([]uint32, (out*in*dtype.Bits()+31)/32)
	for i := range w.Data {
		switch dtype {
		case reference.F32:
			w.Data[i] = math.Float32bits(float32(b.NormFloat64()))
		case reference.F16, reference.BF16:
			bf16 := dtype == reference.BF16
			w.Data[i] = uint32(b.half(bf16, -1)) | uint32(b.half(bf16, -2))<<16
		default:
			w.Data[i] = b.Uint32()
		}
	}
	if dtype.Quantized() {
		for range out * in / group {
			w.Scales = append(w.Scales, b.half(bf16Scales, -4))
			w.Biases = append(w.Biases, b.half(bf16Scales, -1))
		}
	}
	k := &kernel.Weight{DType: dtype, Out: out, In: in, Group: group, ScalesBF16: bf16Scales}
	for row := 0; row < out; row += partRows {
		n := min(partRows, out-row)
		p := kernel.Part{Row0: row, Rows: n}
		p.Data = b.bytes("weight", wordBytes(w.Data)[row*in*dtype.Bits()/8:(row+n)*in*dtype.Bits()/8])
		if dtype.Quantized() {
			from, to := row*in/group, (row+n)*in/group
			affine, err := kernel.PackAffine(b.Device, b.bytes("scales", halfBytes(w.Scales[from:to])), b.bytes("biases", halfBytes(w.Biases[from:to])), to-from)
			if err != nil {
				b.Fatal(err)
			}
			p.Affine = affine
		}
		k.Parts = append(k.Parts, p)
	}
	return w, k
}

var dtypes = []reference.DType{reference.F32, reference.F16, reference.BF16, reference.Q8, reference.Q4}

func eachDType(t *testing.T, f func(t *testing.T, dtype reference.DType)) {
	for _, dtype := range dtypes {
		t.Run(dtype.String(), func(t *testing.T) { f(t, dtype) })
	}
}

// shapes are [out, in] pairs; odd ones only where the storage type allows them.
func shapes(dtype reference.DType) (out [][2]int) {
	all := [][2]int{{1, 64}, {5, 128}, {67, 192}, {130, 320}, {64, 96}}
	if !dtype.Quantized() {
		all = append(all, [][2]int{{3, 1}, {7, 13}, {65, 30}, {128, 8}, {33, 4}}...)
	}
	for _, s := range all {
		if !dtype.Quantized() || s[1]%32 == 0 {
			out = append(out, s)
		}
	}
	return out
}

func groupOf(in int) int {
	for _, g := range []int{128, 64, 32} {
		if in%g == 0 {
			return g
		}
	}
	return 0
}

// A weight's rows come in parts of an even number of rows at most, so that 16-bit rows start on a word.
const partRows = 48

// eachProduct runs a test for every variant and storage type.
func eachProduct(t *testing.T, tokens int, f func(b *bench, dtype reference.DType)) {
	eachVariant(t, tokens, func(b *bench) {
		outer := b.T
		for i, dtype := range dtypes {
			outer.Run(dtype.String(), func(t *testing.T) {
				if testing.Short() && i%2 != b.draw(outer.Name(), 2) {
					t.Skip("-short draws every other storage type by the seed")
				}
				b.T = t
				f(b, dtype)
			})
			b.T = outer
		}
	})
}

func TestMatvec(t *testing.T) {
	eachProduct(t, 1, func(b *bench, dtype reference.DType) {
		all := shapes(dtype)
		if dtype == reference.Q4 {
			all = append(all, [2]int{33, 4160}, [2]int{600, 256}, [2]int{2501, 64}, [2]int{4203, 64}) // every way of dealing rows to threads
		}
		for i, shape := range all {
			out, in := shape[0], shape[1]
			bf16Scales, add := dtype.Quantized() && i%2 == 1, i/2%2 == 1
			w, k := b.weight(dtype, out, in, groupOf(in), max(partRows, out&^7), bf16Scales)
			x, y := b.floats(in, 1), b.floats(out, 1)
			want := slices.Clone(y)
			reference.Linear(w, x, in, want, 1, add)
			target := b.buffer("y", y)
			b.Linear(k, b.buffer("x", x), target, kernel.LinearOptions{Add: add})
			b.run()
			b.near(fmt.Sprintf("%v add=%v bf16 scales=%v", shape, add, bf16Scales), b.readFloats(target), want, 1e-5)
		}
	})
}

func TestMatvecNorm(t *testing.T) {
	eachProduct(t, 1, func(b *bench, dtype reference.DType) {
		for _, shape := range shapes(dtype) {
			out, in := shape[0], shape[1]
			w, k := b.weight(dtype, out, in, groupOf(in), partRows, false)
			x, gain, want, add := b.floats(in, 3), b.floats(in, 1), b.floats(out, 1), b.IntN(2) == 0
			normed, y := make([]float32, in), b.buffer("y", want)
			reference.RMSNorm(x, gain, 1e-5, normed, 1)
			reference.Linear(w, normed, in, want, 1, add)
			b.Linear(k, b.buffer("x", x), y, kernel.LinearOptions{Gain: b.buffer("gain", gain), Eps: 1e-5, Add: add})
			b.run()
			b.near(fmt.Sprintf("%v add=%v", shape, add), b.readFloats(y), want, 1e-5)
			if shape != [2]int{67, 192} {
				continue
			}
			o, m := kernel.LinearOptions{Gain: b.buffer("gain", gain), Eps: 1e-5}, b.floats(out, 1)
			sums := make([]float32, out)
			reference.Linear(w, normed, in, sums, 1, false)
			if b.IntN(2) == 0 {
				o.Squared = true
				copy(want, sums)
				reference.SquaredReLU(want)
			} else {
				o.Gated = b.buffer("m", m)
				reference.Gated(sums, reference.Gate{Stride: out}, m, want, out, 1)
			}
			b.Linear(k, b.buffer("x", x), y, o)
			b.run()
			b.near(fmt.Sprintf("%v squared=%v", shape, o.Squared), b.readFloats(y), want, 2e-5)
		}
	})
}

func TestMatvecSwiGLU(t *testing.T) {
	eachProduct(t, 1, func(b *bench, dtype reference.DType) {
		for _, shape := range shapes(dtype) {
			width, in := shape[0], shape[1]
			w, k := b.weight(dtype, 2*width, in, groupOf(in), 2*width, false)
			x, gain := b.floats(in, 0.3), b.floats(in, 0.3)
			normed, gateUp, want := make([]float32, in), make([]float32, 2*width), make([]float32, width)
			reference.RMSNorm(x, gain, 1e-5, normed, 1)
			reference.Linear(w, normed, in, gateUp, 1, false)
			reference.SwiGLU(gateUp, want, width, 1)
			h := b.buffer("h", b.floats(width, 1))
			b.Linear(k, b.buffer("x", x), h, kernel.LinearOptions{Gain: b.buffer("gain", gain), Eps: 1e-5, SwiGLU: true})
			b.run()
			// d(SiLU(gate) up) by what each of them may be off by: few outputs may all cancel.
			scale, of := make([]float32, width), addends(w, normed, in, gateUp, 1, false)
			for i := range scale {
				gate, up := float64(gateUp[i]), float64(gateUp[width+i])
				sigmoid := 1 / (1 + math.Exp(-gate))
				// GPUs take a sigmoid below fp32's normal numbers for 0, which may be all that one output is made of.
				scale[i] = max(1e-25, float32(math.Hypot(sigmoid*(1+gate*(1-sigmoid))*up*float64(of[i]), sigmoid*gate*float64(of[width+i]))))
			}
			b.nearSums(fmt.Sprint(shape), b.readFloats(h), want, scale, 1e-5)
		}
	})
}

// A token through all of Mamba's mixer but its last projection, step after step: in_proj with the convolution,
// x_proj, dt_proj with the state's update.
func TestMambaStep(t *testing.T) {
	eachVariant(t, 1, func(b *bench) {
		without := b.IntN(2)
		for i, s := range []struct {
			reference.ScanShape
			width int
			dtype reference.DType
		}{
			{reference.ScanShape{DInner: 128, DState: 16, DConv: 4, DTRank: 32}, 64, reference.Q4},
			{reference.ScanShape{DInner: 130, DState: 16, DConv: 4, DTRank: 5}, 65, reference.F16},
			{reference.ScanShape{DInner: 66, DState: 20, DConv: 4, DTRank: 96}, 64, reference.Q8},
			{reference.ScanShape{DInner: 66, DState: 3, DConv: 2, DTRank: 4}, 33, reference.F32},
		} {
			if testing.Short() && i%2 == without {
				continue // the others with other seeds
			}
			inProj, gpuInProj := b.weight(s.dtype, 2*s.DInner, s.width, 32, partRows, false)
			dtProj, gpuDTProj := b.weight(s.dtype, s.DInner, s.DTRank, 32, partRows, true)
			conv, params := b.floats(s.DInner*(s.DConv+1), 0.5), b.floats(s.DInner*(s.DState+2)+s.DTRank+2*s.DState, 0.5)
			norm, gpuNorm := b.dbcNorm(s.ScanShape, params)
			convState, ssmState := b.floats(s.DInner*(s.DConv-1), 1), b.floats(s.DInner*s.DState, 1)
			gain := b.floats(s.width, 0.2)
			gpuConv := kernel.Conv{Params: b.buffer("conv", conv), State: b.buffer("conv_state", convState), DInner: s.DInner, DConv: s.DConv}
			gpuSSM, gpuParams, gpuGain := b.buffer("ssm_state", ssmState), b.buffer("params", params), b.buffer("gain", gain)
			for range 5 {
				x, dbc := b.floats(s.width, 1), b.floats(s.DTRank+2*s.DState, 0.3)
				xz, y := b.buffer("xz", b.floats(2*s.DInner, 1)), b.buffer("y", b.floats(s.DInner, 1))
				b.Linear(gpuInProj, b.buffer("x", x), xz, kernel.LinearOptions{Gain: gpuGain, Eps: 1e-5, Conv: &gpuConv})
				b.SelectiveStateUpdate(s.ScanShape, gpuDTProj, gpuNorm, b.buffer("dbc", dbc), xz, gpuParams, gpuSSM, y)
				b.run()
				normed, wantXZ, convolved, want := make([]float32, s.width), make([]float32, 2*s.DInner), make([]float32, s.DInner), make([]float32, s.DInner)
				reference.RMSNorm(x, gain, 1e-5, normed, 1)
				reference.Linear(inProj, normed, s.width, wantXZ, 1, false)
				reference.CausalConv1D(wantXZ, conv, conv[s.DInner*s.DConv:], convState, convolved, s.DInner, s.DConv, 1)
				norm(dbc)
				reference.Linear(dtProj, dbc, s.DTRank, want, 1, false)
				reference.SelectiveScan(s.ScanShape, want, convolved, wantXZ, dbc, params, ssmState, convState, 1)
				b.near("x after the convolution", b.readFloats(xz)[:s.DInner], convolved, 2e-5)
				b.near("z", b.readFloats(xz)[s.DInner:], wantXZ[s.DInner:], 2e-5)
				b.near("conv_state", b.readFloats(gpuConv.State), convState, 2e-5)
				b.near("ssm_state", b.readFloats(gpuSSM), ssmState, 5e-5)
				b.near("y", b.readFloats(y), want, 5e-5)
			}
		}
	})
}

// The last of a chunk's tokens alone, wherever the chunk ends.
func TestMatvecLast(t *testing.T) {
	b := newBench(t, 9)
	for _, count := range []int{1, 2, 9} {
		w, k := b.weight(reference.Q8, 70, 64, 64, 70, false)
		x, want := b.floats(9*64, 1), make([]float32, 70)
		reference.Linear(w, x[(count-1)*64:], 64, want, 1, false)
		b.cursor(3, count)
		y := b.buffer("y", b.floats(70, 1))
		b.Linear(k, b.buffer("x", x), y, kernel.LinearOptions{Last: true})
		b.run()
		b.near(fmt.Sprint(count), b.readFloats(y), want, 1e-5)
	}
}

func TestMatmul(t *testing.T) {
	eachProduct(t, 140, func(b *bench, dtype reference.DType) {
		if b.Restrict.Subgroup > 0 && !b.Restrict.Matrix {
			b.Skip("subgroups without matrices change nothing here")
		}
		tolerance := 1e-5
		if b.Restrict.Matrix && (dtype.Quantized() || dtype == reference.F16) {
			tolerance = 2e-3 // both factors rounded to fp16's 11 bits: 3e-4 of a product on average
		}
		tokens := []int{2, 31, 70, 140}
		for i, shape := range shapes(dtype) {
			b.Tokens = tokens[i%len(tokens)]
			out, in := shape[0], shape[1]
			// Fewer tokens than the grid was made for, inputs further apart than they are long.
			count, stride := max(1, b.Tokens-b.IntN(3)), in+b.IntN(5)
			w, k := b.weight(dtype, out, in, groupOf(in), partRows, b.IntN(2) == 0 && dtype.Quantized())
			x, y := b.floats(b.Tokens*stride, 1), b.floats(b.Tokens*out, 1)
			add := i%2 == 1
			want := slices.Clone(y)
			reference.Linear(w, x, stride, want, count, add)
			b.cursor(0, count)
			target := b.buffer("y", y)
			b.Linear(k, b.buffer("x", x), target, kernel.LinearOptions{Add: add, XStride: stride})
			b.run()
			b.nearSums(fmt.Sprintf("%v %d tokens add=%v", shape, count, add), b.readFloats(target), want, addends(w, x, stride, y, count, add), tolerance)
		}
	})
}

// addends is, of each sum of reference.Linear, the root of its addends' squares: about as large as the sum on average,
// and what rounding errors are in proportion to, whatever cancels.
func addends(w *reference.Weight, x []float32, stride int, y []float32, count int, add bool) []float32 {
	out, row := make([]float32, len(y)), make([]float32, w.In)
	for r := range w.Out {
		w.Row(r, row)
		for t := range count {
			squares := 0.0
			for k, v := range row {
				product := float64(v) * float64(x[t*stride+k])
				squares += product * product
			}
			if v := float64(y[t*w.Out+r]); add {
				squares += v * v
			}
			out[t*w.Out+r] = float32(math.Sqrt(squares))
		}
	}
	return out
}

func TestEmbedding(t *testing.T) {
	eachDType(t, func(t *testing.T, dtype reference.DType) {
		for _, count := range []int{1, 3, 40} {
			b := newBench(t, count)
			const vocab, width, history, pos = 100, 96, 32, 61
			w, k := b.weight(dtype, vocab, width, 32, partRows, false)
			ids := make([]uint32, count)
			for i := range ids {
				ids[i] = uint32(b.IntN(vocab))
			}
			ids[0] = vocab - 1
			want := make([]float32, count*width)
			reference.Embedding(w, ids, want)
			wantHistory := make([]uint32, history)
			for i, id := range ids {
				wantHistory[(pos+i)%history] = id
			}
			b.cursor(pos, count)
			x, past := b.buffer("x", b.floats(count*width, 1)), b.words("history", make([]uint32, history))
			b.Embedding(k, b.words("ids", ids), x, past)
			b.run()
			b.near(fmt.Sprint(count), b.readFloats(x), want, 1e-6)
			if got := b.readWords(past); !slices.Equal(got, wantHistory) {
				b.Errorf("%d tokens: history %v, want %v", count, got, wantHistory)
			}
		}
	})
}

func TestRMSNorm(t *testing.T) {
	for _, tokens := range []int{1, 5} {
		eachVariant(t, tokens, func(b *bench) {
			for _, width := range []int{1, 63, 64, 200, 2048} {
				x, gain, want := b.floats(tokens*width, 2), b.floats(width, 1), make([]float32, tokens*width)
				reference.RMSNorm(x, gain, 1e-5, want, tokens)
				y := b.buffer("y", b.floats(tokens*width, 1))
				b.RMSNorm(b.buffer("x", x), b.buffer("gain", gain), y, 1e-5)
				b.run()
				b.near(fmt.Sprint(width), b.readFloats(y), want, 1e-6)
			}
		})
	}
}

func TestSwiGLU(t *testing.T) {
	b := newBench(t, 5)
	for _, width := range []int{1, 64, 130} {
		gateUp, want := b.floats(5*2*width, 4), make([]float32, 5*width)
		// exp overflows at both ends.
		gateUp[0], gateUp[2*width] = -200, 200
		reference.SwiGLU(gateUp, want, width, 5)
		b.cursor(0, 5)
		h := b.buffer("h", b.floats(5*width, 1))
		b.SwiGLU(b.buffer("gate_up", gateUp), h, width)
		b.run()
		b.near(fmt.Sprint(width), b.readFloats(h), want, 1e-6)
	}
}

// The convolution and the scan together, over chunks of every length around the convolution's width.
func TestConvAndScan(t *testing.T) {
	for _, shape := range []reference.ScanShape{{DInner: 130, DState: 16, DConv: 4, DTRank: 5}, {DInner: 64, DState: 3, DConv: 2, DTRank: 4}} {
		b := newBench(t, 40)
		weight, bias := b.floats(shape.DInner*shape.DConv, 0.5), b.floats(shape.DInner, 0.5)
		params := b.floats(shape.DInner*(shape.DState+2), 0.5)
		params[shape.DInner*(shape.DState+1)] = 30 // a dt_bias beyond softplus's guard
		convState, ssmState := b.floats(shape.DInner*(shape.DConv-1), 1), b.floats(shape.DInner*shape.DState, 1)
		gpuConv, gpuSSM := b.buffer("conv_state", convState), b.buffer("ssm_state", ssmState)
		conv := kernel.Conv{Params: b.buffer("conv", slices.Concat(weight, bias)), State: gpuConv, DInner: shape.DInner, DConv: shape.DConv}
		gpuParams := b.buffer("params", params)
		for _, count := range []int{1, 2, 3, 1, 4, 5, 40, 1} {
			b.Tokens = count
			b.cursor(0, count)
			xz, dt := b.floats(count*2*shape.DInner, 1), b.floats(count*shape.DInner, 1)
			dbc := b.floats(count*(shape.DTRank+2*shape.DState), 1)
			out, gpuDT := b.buffer("out", b.floats(count*shape.DInner, 1)), b.buffer("dt", dt)
			gpuXZ := b.buffer("xz", xz)
			b.CausalConv1D(conv, gpuXZ, out)
			b.SelectiveScan(shape, gpuDT, out, gpuXZ, b.buffer("dbc", dbc), gpuParams, gpuSSM, gpuConv)
			b.run()
			want := make([]float32, count*shape.DInner)
			reference.CausalConv1D(xz, weight, bias, convState, want, shape.DInner, shape.DConv, count)
			b.near(fmt.Sprintf("conv of %d", count), b.readFloats(out), want, 1e-6)
			reference.SelectiveScan(shape, dt, want, xz, dbc, params, ssmState, convState, count)
			b.near(fmt.Sprintf("scan of %d", count), b.readFloats(gpuDT), dt, 2e-5)
			b.near("ssm_state", b.readFloats(gpuSSM), ssmState, 2e-5)
			b.near("conv_state", b.readFloats(gpuConv), convState, 0)
		}
	}
}

func TestRoPEAndWindowAttention(t *testing.T) {
	const chunk = 40
	for i, s := range []reference.AttentionShape{
		{Heads: 4, KVHeads: 4, HeadDim: 32, Window: 24, Theta: 10000},
		{Heads: 6, KVHeads: 2, HeadDim: 64, Window: 300, Theta: 10000},
		{Heads: 2, KVHeads: 1, HeadDim: 256, Window: 140, Theta: 10000},
		{Heads: 3, KVHeads: 1, HeadDim: 130, Window: 7},
		{Heads: 1, KVHeads: 1, HeadDim: 600, Window: 200},
		{Heads: 1, KVHeads: 1, HeadDim: 2, Window: 1, Theta: 500},
		{Heads: 16, KVHeads: 2, HeadDim: 64, Theta: 10000},
		{Heads: 8, KVHeads: 1, HeadDim: 56, Theta: 10000}, // the largest tiles that 32 KiB have room for
		{Heads: 11, KVHeads: 1, HeadDim: 20, Theta: 10000},
		{Heads: 2, KVHeads: 2, HeadDim: 32},
		{Heads: 9, KVHeads: 3, HeadDim: 66},
		{Heads: 8, KVHeads: 1, HeadDim: 32, Ring: 20_001, Theta: 10000}, // most splits have two tiles
		{Heads: 6, KVHeads: 2, HeadDim: 64, Window: 150, Theta: 10000, Halves: true},
		{Heads: 3, KVHeads: 1, HeadDim: 6, Window: 7, Halves: true},
		{Heads: 1, KVHeads: 1, HeadDim: 2, Window: 1, Theta: 500, Halves: true},
		{Heads: 11, KVHeads: 1, HeadDim: 20, Theta: 10000, Halves: true}, // half a head is no whole vector of qkv
	} {
		if s.Window > 0 {
			s.Ring = s.Window + chunk
		} else if s.Ring == 0 {
			s.Ring = 1500 // whole tiles for some of the splits, a part of one for the last, nothing for others
		}
		t.Run(fmt.Sprintf("%+v", s), func(t *testing.T) {
			if s.Window == 0 && (s.HeadDim > 32 || s.Ring > 1500) && testing.Short() {
				t.Skip("left out by -short: a browser's software GPU takes half a minute for it")
			}
			eachVariant(t, chunk, func(b *bench) {
				if i > 0 && b.Restrict.Subgroup > 0 && !(b.Restrict.Matrix && matrixHeads(s)) {
					b.Skip("subgroups change only the projection, which the first shape tests; matrices take no such heads")
				}
				a := newAttention(b, s)
				if s.Theta > 0 {
					a.rope.Angles = b.buffer("angles", reference.AngleTables(s.HeadDim, s.Theta))
				}
				a.partials = b.buffer("partials", b.floats(1+b.AttentionPartials(s), 1))
				if s.Window == 0 {
					a.grow(chunk)
					return
				}
				// An empty ring, the window's edges, the ring's wrap, and positions far beyond fp32's integers.
				pos := 0
				for _, count := range []int{1, s.Window - 1, 1, 1, 1, 5, chunk, 1, chunk, 3, 1} {
					for rest := max(count, 1); rest > 0; rest -= chunk {
						count = min(rest, chunk)
						a.attend(pos, count)
						pos += count
					}
				}
				a.attend(3_000_000_000, 7)
				a.attend(3_000_000_007, 1)
			})
		})
	}
}

// attention is a layer's attention under test: the ring on the device and its twin.
type attention struct {
	*bench
	shape        reference.AttentionShape
	kv           []float32 // keys, then values
	keys, values []float32 // within it
	rope         kernel.RoPE
	partials     *gpu.Buffer
}

func newAttention(b *bench, s reference.AttentionShape) *attention {
	half := s.Ring * s.KVHeads * s.HeadDim
	kv := b.floats(2*half, 1)
	return &attention{bench: b, shape: s, kv: kv, keys: kv[:half], values: kv[half:], rope: kernel.RoPE{Shape: s, Ring: b.ring(s, kv)}}
}

// ring uploads keys and values, which are rounded where the device keeps less of them.
func (b *bench) ring(s reference.AttentionShape, kv []float32) *gpu.Buffer {
	if !s.Halves {
		return b.buffer("ring", kv)
	}
	words := reference.PackHeads(s.HeadDim, kv)
	copy(kv, reference.UnpackHeads(s.HeadDim, words))
	return b.words("ring", words)
}

// nearRing holds a ring to its twin, which then takes over its values: an element that lies between two of fp16
// becomes one or the other, by the last bit of the sum before it.
func (b *bench) nearRing(what string, s reference.AttentionShape, ring *gpu.Buffer, kv []float32, tolerance float64) {
	b.Helper()
	if !s.Halves {
		b.near(what, b.readFloats(ring), kv, tolerance)
		return
	}
	got := reference.UnpackHeads(s.HeadDim, b.readWords(ring))
	b.near(what, got, kv, tolerance+5e-4) // 11 bits
	copy(kv, got)
}

// grow holds full attention to the reference at few keys and at as many as the ring has room for; what was absorbed
// in between is what the rings were filled with.
func (a *attention) grow(chunk int) {
	last := [][2]int{{a.shape.Ring - 10, 9}, {a.shape.Ring - 1, 1}}
	if a.shape.Ring == 1500 {
		last = append([][2]int{{1400, chunk}, {0, 1}, {1, chunk}, {63, 1}, {64, 1}, {65, 2}, {128, chunk}, {1000, 1}, {1023, 33}}, last...)
	}
	for _, at := range last {
		a.attend(at[0], at[1])
	}
}

// attend takes count tokens at pos. One token comes through its projection, as the model's does.
func (a *attention) attend(pos, count int) {
	a.Helper()
	s := a.shape
	width := (s.Heads + 2*s.KVHeads) * s.HeadDim
	a.Tokens = count
	a.cursor(pos, count)
	qkv := a.floats(count*width, 1)
	gpuQKV, out := a.buffer("qkv", qkv), a.buffer("out", a.floats(count*s.Heads*s.HeadDim, 1))
	if count == 1 {
		const in = 4
		w, k := a.weight(reference.F32, width, in, 0, width, false)
		x := a.floats(in, 0.5)
		reference.Linear(w, x, in, qkv, 1, false)
		a.Linear(k, a.buffer("x", x), gpuQKV, kernel.LinearOptions{RoPE: &a.rope})
	} else {
		a.RoPE(a.rope, gpuQKV)
	}
	a.WindowAttention(s, gpuQKV, a.rope.Ring, a.partials, out)
	a.run()
	want := make([]float32, count*s.Heads*s.HeadDim)
	reference.RoPE(s, qkv, a.keys, a.values, pos, count)
	// Four angles of fp32, each rounded once, and three products of them: a few 1e-7.
	a.nearRing(fmt.Sprintf("keys and values at %d", pos), s, a.rope.Ring, a.kv, 2e-6)
	reference.WindowAttention(s, qkv, a.keys, a.values, want, pos, count)
	tolerance := 1e-5
	if a.Restrict.Matrix && count > 1 && matrixHeads(s) {
		tolerance = 2e-3 // see TestWindowAttentionMatrix
	}
	a.near(fmt.Sprintf("attention of %d at %d", count, pos), a.readFloats(out), want, tolerance)
	if count == 1 {
		a.project(pos, gpuQKV, want)
	}
}

// project holds a last projection that joins the splits of one token's attention to that of the whole outcome.
func (a *attention) project(pos int, qkv *gpu.Buffer, attended []float32) {
	a.Helper()
	const out = 37
	in, dtype, group := len(attended), reference.F32, 0
	if in%64 == 0 && pos%2 == 0 {
		dtype, group = reference.Q4, 64
	}
	w, k := a.weight(dtype, out, in, group, out, false)
	y := a.floats(out, 1)
	gpuY := a.buffer("y", y)
	splits := a.SplitAttention(k, a.shape, qkv, a.rope.Ring, a.partials)
	if want := !a.Restrict.CPU && a.shape.Window > 128 && a.shape.HeadDim%4 == 0; (splits != nil) != want {
		a.Errorf("joined by the projection: %v, want %v", splits != nil, want)
	}
	if splits == nil {
		return
	}
	a.Linear(k, a.partials, gpuY, kernel.LinearOptions{Splits: splits, Add: true})
	a.run()
	reference.Linear(w, attended, in, y, 1, true)
	a.near(fmt.Sprintf("projection at %d", pos), a.readFloats(gpuY), y, 2e-5)
}

// matrixHeads tells whether attention's matrix units take heads of that size.
func matrixHeads(s reference.AttentionShape) bool { return s.HeadDim%16 == 0 && s.HeadDim <= 128 }

// A chunk's attention on matrix units: whole tiles and parts of them, windows that cut them, a ring that wraps, and the
// same bits however the tokens are cut into chunks.
func TestWindowAttentionMatrix(t *testing.T) {
	const chunk = 70
	for _, s := range []reference.AttentionShape{
		{Heads: 3, KVHeads: 3, HeadDim: 128, Window: 100},
		{Heads: 4, KVHeads: 2, HeadDim: 64, Window: 33},
		{Heads: 2, KVHeads: 1, HeadDim: 32, Window: 7},
		{Heads: 1, KVHeads: 1, HeadDim: 16, Window: 64},
		{Heads: 1, KVHeads: 1, HeadDim: 48, Window: 1},
		{Heads: 8, KVHeads: 1, HeadDim: 64},
		{Heads: 2, KVHeads: 2, HeadDim: 128},
	} {
		t.Run(fmt.Sprintf("%+v", s), func(t *testing.T) {
			b := newBench(t, chunk)
			if !b.Device.Info().Variant.Matrix {
				t.Skip("needs the WebGPU feature chromium-experimental-subgroup-matrix")
			}
			s.Ring = s.Window + chunk - 1
			if s.Window == 0 {
				s.Ring = 400
			}
			if s.Window > 1 && b.IntN(2) == 0 {
				s.Window -= b.IntN(s.Window / 2)
			}
			s.Halves = b.IntN(2) == 0
			half := s.Ring * s.KVHeads * s.HeadDim
			kv := b.floats(2*half, 1)
			ring, keys, values := b.ring(s, kv), kv[:half], kv[half:]
			width := (s.Heads + 2*s.KVHeads) * s.HeadDim
			attend := func(qkv []float32, pos int) []float32 {
				b.Tokens = len(qkv) / width
				b.cursor(pos, b.Tokens)
				q, out := b.buffer("qkv", qkv), b.buffer("out", b.floats(b.Tokens*s.Heads*s.HeadDim, 1))
				b.RoPE(kernel.RoPE{Shape: s, Ring: ring}, q)
				b.WindowAttention(s, q, ring, nil, out)
				b.run()
				return b.readFloats(out)
			}
			pos := 0
			for _, count := range []int{2, 15, 16, 17, 31 + b.IntN(4), 63, 64, 65, chunk, 2 + b.IntN(chunk-1)} {
				if s.Window == 0 && pos+count > s.Ring {
					break
				}
				qkv := b.floats(count*width, 1)
				got := attend(qkv, pos)
				want := make([]float32, len(got))
				reference.RoPE(s, qkv, keys, values, pos, count)
				reference.WindowAttention(s, qkv, keys, values, want, pos, count)
				// Queries, keys, values and weights have fp16's 11 bits: products, and with them scores, are off by 2e-4 or
				// so; likewise each weight and each value.
				b.near(fmt.Sprintf("%d at %d", count, pos), got, want, 2e-3)
				// One token alone takes another kernel: both parts have two at least.
				if cut := 2; count >= 4 {
					cut += b.IntN(count - 3)
					again := slices.Concat(attend(qkv[:cut*width], pos), attend(qkv[cut*width:], pos+cut))
					b.near(fmt.Sprintf("%d at %d, cut behind %d", count, pos, cut), again, got, 0)
				}
				pos += count
			}
		})
	}
}

// What sees a value that is no number is none either, whatever is kept of keys and values: a kernel that hid it would end in
// words that nobody doubts. (Of keys it cannot be asked: not every compiler's exp of no number is none.)
func TestWindowAttentionNoNumber(t *testing.T) {
	const count = 20
	eachVariant(t, count, func(b *bench) {
		s := reference.AttentionShape{Heads: 4, KVHeads: 2, HeadDim: 16, Window: 64, Ring: 64 + count - 1, Halves: b.IntN(2) == 0}
		half := s.Ring * s.KVHeads * s.HeadDim
		kv, at := b.floats(2*half, 1), b.IntN(count)
		kv[half+at*s.KVHeads*s.HeadDim] = float32(math.NaN()) // in the first head
		qkv, out := b.buffer("qkv", b.floats(count*s.RowHeads()*s.HeadDim, 1)), b.buffer("out", b.floats(count*s.Heads*s.HeadDim, 1))
		b.cursor(0, count)
		b.WindowAttention(s, qkv, b.ring(s, kv), nil, out)
		b.run()
		got := b.readFloats(out)
		for t := at; t < count; t++ {
			if v := got[t*s.Heads*s.HeadDim]; v == v {
				b.Errorf("token %d sees token %d, whose value is no number, and has %g", t, at, v)
			}
		}
	})
}

func TestSample(t *testing.T) {
	eachVariant(t, 1, func(b *bench) {
		// Chunks of several sizes, of which the last is not full; few sizes, since each compiles for itself.
		small := []int{1, 2, 255, 257, 1000, 5000}
		b.sample(small[b.draw(t.Name(), len(small))], 60)
		if !testing.Short() {
			b.sample(32_001, 20)
			b.sample(200_064, 3)
		}
	})
}

func (b *bench) sample(vocab, rounds int) {
	b.Helper()
	const tail, historySize = 24, 64
	parts := b.buffer("parts", b.floats(kernel.SampleParts(vocab), 1))
	for round := range rounds {
		s := reference.Sampling{Temperature: 0.3 + b.Float32(), TopP: 1, Repetition: 1, Seed: b.Uint64()}
		if round%6 == 5 {
			s.Temperature = 0
		}
		if b.IntN(2) == 0 {
			// So many that they have a place in the sampler's list, and that they have none.
			s.TopK = uint32(1 + b.IntN([]int{50, 150, vocab}[b.IntN(3)]))
		}
		if b.IntN(2) == 0 {
			s.TopP = b.Float32()
		}
		if b.IntN(2) == 0 {
			s.MinP = b.Float32() / 5
		}
		if b.IntN(2) == 0 {
			s.Repetition = 1 + b.Float32()
		}
		pos, count := b.IntN(200), 1+b.IntN(3)
		logits := b.floats(vocab, []float64{0.1, 1, 3, 10}[b.IntN(4)])
		switch b.IntN(4) {
		case 0: // a grammar leaves few
			left := 1 + b.IntN(99)
			for i := range logits {
				if i > 0 && b.IntN(vocab) >= left {
					logits[i] = reference.Forbidden
				}
			}
		case 1: // many are alike
			for i := range logits {
				logits[i] = float32(math.Round(float64(logits[i])))
			}
		}
		history := make([]uint32, historySize)
		for i := range history {
			history[i] = uint32(b.IntN(max(vocab/10, 1))) // few tokens: many come twice
		}
		last := make([]uint32, min(tail, pos+count))
		for i := range last {
			last[i] = history[(pos+count-1-i)%historySize]
		}
		b.cursor(pos, count)
		ids, out := b.words("ids", []uint32{7}), b.words("out", make([]uint32, 8))
		b.Sample(b.buffer("logits", logits), b.bytes("sampling", kernel.SamplingBytes(s)), b.words("history", history), ids, out, parts, vocab, tail)
		b.run()
		want := reference.Sample(s, logits, last, uint32(pos+count))
		got := b.readWords(ids)[0]
		// Fp32 sums may put one token more or less into the nucleus; noise decides ties no closer than that.
		if got != want && !b.close(s, logits, got, want, uint32(pos+count)) {
			b.Errorf("round %d %+v: token %d (logit %v), want %d (logit %v)", round, s, got, logits[got], want, logits[want])
		}
		if drawn := kernel.Drawn(b.readWords(out)[0], vocab); drawn != got {
			b.Errorf("round %d: out holds %d, ids %d", round, drawn, got)
		}
		if got, want := b.readWords(b.Recorder.Cursor), []uint32{uint32(pos + count), 1, 1, 0}; !slices.Equal(got, want) {
			b.Errorf("round %d: cursor %v, want %v", round, got, want)
		}
	}
}

// Of logits among which one is no number nothing is drawn, wherever it stands and whatever the settings.
func TestSampleNoNumbers(t *testing.T) {
	eachVariant(t, 1, func(b *bench) {
		for _, vocab := range []int{1 + b.IntN(999), 40_000} {
			parts := b.buffer("parts", b.floats(kernel.SampleParts(vocab), 1))
			nan, infinite := float32(math.NaN()), float32(math.Inf(1))
			for i, harm := range [][]float32{{nan}, {infinite}, {-infinite}, {-nan, 3.2e38}, slices.Repeat([]float32{nan}, vocab), nil} {
				logits := b.floats(vocab, 3)
				for _, v := range harm {
					logits[b.IntN(vocab)] = v
				}
				if len(harm) == vocab {
					copy(logits, harm)
				}
				s := reference.Sampling{Temperature: float32(b.IntN(2)), TopP: 1 - b.Float32()/2, MinP: b.Float32() / 9, Repetition: 1 + b.Float32(), TopK: uint32(b.IntN(9)), Seed: b.Uint64()}
				b.cursor(5, 1)
				ids, out := b.words("ids", []uint32{7}), b.words("out", make([]uint32, 8))
				b.Sample(b.buffer("logits", logits), b.bytes("sampling", kernel.SamplingBytes(s)), b.words("history", make([]uint32, 64)), ids, out, parts, vocab, 24)
				b.run()
				if token := kernel.Drawn(b.readWords(out)[0], vocab); (token == reference.NoToken) != (harm != nil) {
					b.Errorf("%v among %d logits, %+v: token %d is drawn", harm[:min(len(harm), 2)], vocab, s, token)
				}
				if id := b.readWords(ids)[0]; id >= uint32(vocab) {
					b.Errorf("case %d: the next step reads token %d of %d", i, id, vocab)
				}
				if want := reference.Sample(s, logits, nil, 6); (want == reference.NoToken) != (harm != nil) {
					b.Errorf("case %d: the reference draws %d", i, want)
				}
			}
		}
	})
}

// A temperature so low that no score is a number takes the likeliest.
func TestSampleColdest(t *testing.T) {
	eachVariant(t, 1, func(b *bench) {
		logits := []float32{-7, -3, -9}
		ids, out := b.words("ids", []uint32{2}), b.words("out", make([]uint32, 8))
		s := reference.Sampling{Temperature: 1e-38, TopP: 1, Repetition: 1, Seed: b.Uint64()}
		b.cursor(5, 1)
		b.Sample(b.buffer("logits", logits), b.bytes("sampling", kernel.SamplingBytes(s)), b.words("history", make([]uint32, 64)), ids, out, b.buffer("parts", b.floats(kernel.SampleParts(len(logits)), 1)), len(logits), 24)
		b.run()
		if token := kernel.Drawn(b.readWords(out)[0], len(logits)); token != 1 {
			b.Errorf("token %d, want 1", token)
		}
	})
}

// A word that no sampler wrote, or that is beyond the vocabulary, is no token.
func TestDrawn(t *testing.T) {
	for word, want := range map[uint32]bool{0: false, 1: true, 50: true, 51: false, 1 << 31: false, math.MaxUint32: false} {
		if token := kernel.Drawn(word, 50); (token != reference.NoToken) != want || want && token != word-1 {
			t.Errorf("%d stands for token %d", word, token)
		}
	}
}

// close tells whether the two tokens' places are within rounding: the nucleus widened or narrowed by a hair
// makes the reference choose got, too.
func (b *bench) close(s reference.Sampling, logits []float32, got, want uint32, pos uint32) bool {
	b.Helper()
	for _, nudge := range []float32{-1e-4, 1e-4} {
		n := s
		n.Repetition, n.TopP = 1, s.TopP+nudge
		if reference.Sample(n, slices.Clone(logits), nil, pos) == got {
			return true
		}
	}
	return false
}

// Many draws follow the softmax: each token's share is within five standard deviations.
func TestSampleDistribution(t *testing.T) {
	const vocab, draws = 8, 4000
	logits := []float32{0, 1, 2, 0.5, -1, 1.5, -3, 0.2}
	var mass [vocab]float64
	sum := 0.0
	for i, l := range logits {
		mass[i] = math.Exp(float64(l))
		sum += mass[i]
	}
	var counts [vocab]int
	for pos := range uint32(draws) {
		counts[reference.Sample(reference.Sampling{Temperature: 1, TopP: 1, Repetition: 1, Seed: *seed}, logits, nil, pos)]++
	}
	for i, n := range counts {
		p := mass[i] / sum
		if deviation := math.Abs(float64(n)-draws*p) / math.Sqrt(draws*p*(1-p)); deviation > 5 {
			t.Errorf("token %d: %d of %d draws, want about %.0f", i, n, draws, draws*p)
		}
	}
}

func TestAdjust(t *testing.T) {
	const vocab = 777 // the last workgroup and the last word of bits are not full
	b := newBench(t, 1)
	for round := range 12 {
		a := reference.Adjustment{Presence: float32(b.NormFloat64()), Frequency: float32(b.NormFloat64()), Bias: b.floats(vocab, 5), Counts: make([]uint32, vocab)}
		for i := range a.Counts {
			a.Counts[i] = uint32(max(0, b.IntN(6)-3))
		}
		allowed := make([]uint32, (vocab+31)/32)
		for i := range allowed {
			allowed[i] = b.Uint32()
		}
		if round%2 == 0 {
			a.Allowed = allowed
		}
		logits := b.floats(vocab, 3)
		pending := uint32(b.IntN(vocab))
		emitted := uint32(round % 3)
		b.Recorder.Cursor = b.words("cursor", []uint32{5, 1, emitted, 0})
		gpuLogits, counts := b.buffer("logits", logits), b.words("counts", a.Counts)
		b.Adjust(gpuLogits, b.bytes("adjustment", kernel.AdjustmentBytes(a, 0)), b.buffer("bias", a.Bias), counts, b.words("allowed", allowed), b.words("ids", []uint32{pending}), vocab)
		b.run()
		if emitted > 0 {
			a.Counts[pending]++
		}
		reference.Adjust(a, logits)
		for i, got := range b.readFloats(gpuLogits) {
			if math.Abs(float64(got-logits[i])) > 1e-6*max(10, math.Abs(float64(logits[i]))) {
				t.Fatalf("round %d: logit %d is %v, want %v", round, i, got, logits[i])
			}
		}
		if got := b.readWords(counts); !slices.Equal(got, a.Counts) {
			t.Errorf("round %d: counts %v, want %v", round, got, a.Counts)
		}
	}
}

func TestLogprobs(t *testing.T) {
	const vocab, ring, top = 1000, 8, 20
	b := newBench(t, 1)
	for round := range 12 {
		logits := b.floats(vocab, 4)
		for range 30 { // ties, also among the likeliest
			logits[b.IntN(vocab)] = 11
		}
		token, emitted, alternatives := uint32(b.IntN(vocab)), 1+b.IntN(100), []int{0, 1, 5, top}[round%4]
		b.Recorder.Cursor = b.words("cursor", []uint32{5, 1, uint32(emitted), 0})
		rows := b.words("rows", make([]uint32, ring*kernel.LogprobsRow(top)))
		b.Logprobs(b.buffer("logits", logits), b.bytes("adjustment", kernel.AdjustmentBytes(reference.Adjustment{}, alternatives)), b.words("ids", []uint32{token}), rows, vocab, ring, top)
		b.run()
		size := 4 * kernel.LogprobsRow(top)
		own, likeliest := kernel.ReadLogprobs(b.read(rows)[(emitted-1)%ring*size:][:size], top, alternatives)
		wantOwn, want := reference.Logprobs(logits, token, alternatives)
		if math.Abs(float64(own-wantOwn)) > 1e-4 {
			t.Errorf("round %d: token %d has %v, want %v", round, token, own, wantOwn)
		}
		for i, w := range want {
			if got := likeliest[i]; got.Token != w.Token || math.Abs(float64(got.Value-w.Value)) > 1e-4 {
				t.Errorf("round %d: alternative %d is %+v, want %+v", round, i, got, w)
			}
		}
	}
}

func TestScore(t *testing.T) {
	const vocab, tokens = 1000, 7
	b := newBench(t, tokens)
	logits := b.floats(tokens*vocab, 4)
	next := make([]uint32, tokens)
	for i := range next {
		next[i] = uint32(b.IntN(vocab))
	}
	next[0], logits[next[0]] = vocab-1, 60 // all but certain: exp must not overflow
	got := b.buffer("scores", slices.Repeat([]float32{9}, tokens))
	b.Score(b.buffer("logits", logits), b.words("next", next), got, vocab)
	b.run()
	want := make([]float32, tokens)
	reference.Score(logits, next, want)
	for i, w := range want {
		if v := b.readFloats(got)[i]; !(math.Abs(float64(v-w)) <= 1e-4) {
			t.Errorf("token %d has %v, want %v", i, v, w)
		}
	}
}
