package kernel

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/reference"
)

// bytesShapes are those that BenchmarkBytes tries: every kind of dealing is among them.
var bytesShapes = []bytesShape{
	{tm: 4, tn: 4, gm: 16, gn: 16, steps: 2, buffers: 1}, {tm: 4, tn: 4, gm: 16, gn: 16, steps: 2, buffers: 2},
	{tm: 8, tn: 4, gm: 8, gn: 16, steps: 1, buffers: 1}, {tm: 8, tn: 4, gm: 8, gn: 16, steps: 1, buffers: 2}, {tm: 8, tn: 4, gm: 8, gn: 16, steps: 2, buffers: 1},
	{tm: 8, tn: 4, gm: 16, gn: 16, steps: 2, buffers: 1}, {tm: 8, tn: 4, gm: 16, gn: 16, steps: 2, buffers: 2}, {tm: 4, tn: 8, gm: 16, gn: 16, steps: 2, buffers: 1},
	{tm: 8, tn: 8, gm: 8, gn: 16, steps: 1, buffers: 2}, {tm: 8, tn: 8, gm: 8, gn: 16, steps: 2, buffers: 1}, {tm: 8, tn: 8, gm: 8, gn: 8, steps: 1, buffers: 2},
	{tm: 8, tn: 4, gm: 16, gn: 32, steps: 2, buffers: 1}, {tm: 4, tn: 8, gm: 16, gn: 16, steps: 2, buffers: 2}, {tm: 8, tn: 8, gm: 8, gn: 8, steps: 2, buffers: 1},
	{tm: 8, tn: 8, gm: 16, gn: 16, steps: 2, buffers: 2}, {tm: 8, tn: 8, gm: 16, gn: 16, steps: 1, buffers: 1}, {tm: 8, tn: 8, gm: 16, gn: 16, steps: 1, buffers: 2}, {tm: 8, tn: 8, gm: 16, gn: 16, steps: 2, buffers: 1},
}

// floatsOf are a buffer's values.
func floatsOf(t testing.TB, d *gpu.Device, b *gpu.Buffer) (values []float32) {
	t.Helper()
	for data := download(t, d, b, b.Size()); len(data) > 0; data = data[4:] {
		values = append(values, math.Float32frombits(binary.LittleEndian.Uint32(data)))
	}
	return values
}

// x comes to the numbers that the twin rounds it to, and every shape of matmul_bytes multiplies those as the twin of all
// products does: weights of 4 and 8 bits, in parts, of every group, with what a layer does beside the product.
func TestMatmulBytes(t *testing.T) {
	d := open(t)
	limits, variant := d.Info().Limits, Variant{Dots: d.Info().Backend == "webgpu"} // wgpu-native does not know the function
	cases := []struct {
		dtype                   reference.DType
		tokens, count, out, in  int
		group, stride, partRows int
		bf16, add, bias         bool
	}{
		{reference.Q4, 140, 139, 133, 192, 64, 192, 200, false, false, false},
		{reference.Q4, 64, 64, 67, 96, 32, 101, 40, true, true, false},
		{reference.Q8, 31, 30, 130, 320, 64, 324, 64, false, true, true},
		{reference.Q4, 200, 131, 40, 128, 128, 128, 40, false, false, true},
		{reference.Q8, 3, 2, 300, 32, 32, 35, 300, true, false, false},
	}
	first := rand.IntN(len(cases))
	for at, shape := range bytesShapes {
		if testing.Short() && at%4 != first%4 || shape.size() > int(limits.MaxWorkgroupSize) || 4*shape.words() > int(limits.MaxWorkgroupStorage) {
			continue
		}
		for i, c := range cases {
			if i != (first+at)%len(cases) { // each shape meets one, another in another run: they take long to compile
				continue
			}
			t.Run(fmt.Sprintf("%v %d x %dx%d by %v", c.dtype, c.count, c.out, c.in, shape), func(t *testing.T) {
				x := make([]float32, c.tokens*c.stride)
				for i := range x { // groups of zeros, of tiny and of huge values
					x[i] = float32(rand.NormFloat64()) * []float32{1, 0, 1e-6, 300, 1}[i/32%5]
				}
				ref, w := quantizedWeight(t, d, c.dtype, c.out, c.in, c.group, c.partRows, c.bf16)
				if c.bias {
					for range c.out {
						ref.Bias = append(ref.Bias, float32(rand.NormFloat64()))
					}
					ref.Factor, w.Factor, w.Bias = 0.7, float64(float32(0.7)), upload(t, d, bitsOf(ref.Bias))
				}
				need := bytesRoom(c.in, c.tokens)
				halves := Halves{zeros(t, d, int(need.x/4)), zeros(t, d, int(need.w/4))}
				start := make([]float32, c.tokens*c.out)
				for i := range start {
					start[i] = float32(rand.NormFloat64())
				}
				y := upload(t, d, bitsOf(start))
				r := Recorder{Device: d, Program: d.NewProgram(), Tokens: c.tokens, Cursor: upload(t, d, []uint32{0, uint32(c.count), 0, 0}),
					Restrict: &variant, Halves: halves, tuned: tuning{bytes: &shape}}
				defer r.Program.Free()
				r.Linear(w, upload(t, d, bitsOf(x)), y, LinearOptions{XStride: c.stride, Add: c.add})
				run(t, d, r.Program)
				rounded := roundedBytes(t, d, halves, c.dtype, c.in, c.count)
				numbers := make([]int8, bytesGroup)
				for at := 0; at < c.count*c.in; at += bytesGroup {
					values := x[at/c.in*c.stride+at%c.in:][:bytesGroup]
					unit := float64(reference.ToBytes(values, numbers))
					for i, n := range numbers {
						// Half a unit and what fp32 rounds: a number next to a half may go either way.
						if got, v := float64(rounded[at+i]), float64(values[i]); !(math.Abs(got-v) <= 0.501*unit) || math.Abs(got-float64(n)*unit) > 1.001*unit {
							t.Fatalf("x[%d] is %v, want %v of a unit of %v, for %v", at+i, got, n, unit, v)
						}
					}
				}
				want := append([]float32(nil), start...)
				reference.Linear(ref, rounded, c.in, want, c.count, c.add)
				squares, got := 0.0, floatsOf(t, d, y)
				for _, v := range want[:c.count*c.out] {
					squares += float64(v) * float64(v)
				}
				allowed := 2e-5 * math.Sqrt(squares/float64(c.count*c.out))
				for i, v := range want {
					if off := math.Abs(float64(got[i]) - float64(v)); !(off <= allowed) || i >= c.count*c.out && off > 0 {
						t.Fatalf("y[%d, %d] is %v, want %v: %v allowed", i/c.out, i%c.out, got[i], v, allowed)
					}
				}
			})
		}
	}
}

// A token's value that is no number, or infinite, makes none of what is made of it, and nothing of other tokens'.
func TestMatmulBytesNoNumber(t *testing.T) {
	d := open(t)
	const tokens, out, in, group = 70, 40, 96, 32
	variant, shape := Variant{Dots: d.Info().Backend == "webgpu"}, bytesShapes[4]
	for _, dtype := range []reference.DType{reference.Q4, reference.Q8} {
		x := make([]float32, tokens*in)
		for i := range x {
			x[i] = float32(rand.NormFloat64())
		}
		bad := map[int]bool{}
		for _, none := range []uint32{0x7fc00000, 0xffc00001, 0x7f800000, 0xff800000} {
			token := rand.IntN(tokens)
			x[token*in+rand.IntN(in)], bad[token] = math.Float32frombits(none), true
		}
		for k := range group { // all of a group
			x[11*in+group+k] = float32(math.NaN())
		}
		bad[11] = true
		_, w := quantizedWeight(t, d, dtype, out, in, group, out, false)
		need := bytesRoom(in, tokens)
		y := zeros(t, d, tokens*out)
		r := Recorder{Device: d, Program: d.NewProgram(), Tokens: tokens, Cursor: upload(t, d, []uint32{0, tokens, 0, 0}), Restrict: &variant,
			Halves: Halves{zeros(t, d, int(need.x/4)), zeros(t, d, int(need.w/4))}, tuned: tuning{bytes: &shape}}
		r.Linear(w, upload(t, d, bitsOf(x)), y, LinearOptions{})
		run(t, d, r.Program)
		r.Program.Free()
		for i, v := range floatsOf(t, d, y) {
			if none := math.IsNaN(float64(v)) || math.IsInf(float64(v), 0); none != bad[i/out] {
				t.Fatalf("%v: y[%d, %d] is %v, and of its token's values one is no number: %v", dtype, i/out, i%out, v, bad[i/out])
			}
		}
	}
}

func bitsOf(values []float32) []uint32 {
	words := make([]uint32, len(values))
	for i, v := range values {
		words[i] = math.Float32bits(v)
	}
	return words
}

// quantizedWeight is a random matrix: as the twin reads it, and on the device, in parts of partRows rows.
func quantizedWeight(t testing.TB, d *gpu.Device, dtype reference.DType, rows, in, group, partRows int, bf16 bool) (*reference.Weight, *Weight) {
	t.Helper()
	ref := &reference.Weight{DType: dtype, Out: rows, In: in, Group: group, ScalesBF16: bf16, Data: make([]uint32, rows*in*dtype.Bits()/32)}
	for i := range ref.Data {
		ref.Data[i] = rand.Uint32()
	}
	affine := make([]uint32, rows*in/group)
	for i := range affine {
		affine[i] = rand.Uint32()&0x03ff03ff | 0xac002400 // fp16: 2^-6 to 2^-5, -2^-4 to -2^-3
		if bf16 {
			affine[i] = rand.Uint32()&0x007f007f | 0xbd803c80
		}
		ref.Scales, ref.Biases = append(ref.Scales, uint16(affine[i])), append(ref.Biases, uint16(affine[i]>>16))
	}
	w := &Weight{DType: dtype, Out: rows, In: in, Group: group, ScalesBF16: bf16}
	words, groups := in*dtype.Bits()/32, in/group
	for row := 0; row < rows; row += partRows {
		n := min(partRows, rows-row)
		w.Parts = append(w.Parts, Part{Row0: row, Rows: n, Data: upload(t, d, ref.Data[row*words:(row+n)*words]), Affine: upload(t, d, affine[row*groups:(row+n)*groups])})
	}
	return ref, w
}

// roundedBytes are the values [count, in] that bytes_x has left.
func roundedBytes(t testing.TB, d *gpu.Device, halves Halves, dtype reference.DType, in, count int) []float32 {
	t.Helper()
	numbers, units := download(t, d, halves.X, halves.X.Size()), floatsOf(t, d, halves.W)
	values := make([]float32, count*in)
	for i := range values {
		token, k := i/in, i%in
		at := token/bytesTokens*(in/bytesGroup) + k/bytesGroup
		place := k % 16
		if dtype == reference.Q4 {
			place = place/8*8 + place%2*4 + place%8/2
		}
		n := int8(numbers[((at*2+k%bytesGroup/16)*bytesTokens+token%bytesTokens)*16+place])
		values[i] = float32(n) * units[2*(at*bytesTokens+token%bytesTokens)]
	}
	return values
}
