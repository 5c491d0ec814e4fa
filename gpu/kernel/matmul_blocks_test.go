package kernel

import (
	"bytes"
	"context"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/reference"
)

// half decodes an fp16 value.
func half(bits uint16) float64 {
	exponent, fraction := int(bits>>10&31), float64(bits&1023)
	v := math.Ldexp(fraction, -24)
	if exponent > 0 {
		v = math.Ldexp(1024+fraction, exponent-25)
	}
	return math.Copysign(v, 0.5-float64(bits>>15))
}

func upload(t testing.TB, d *gpu.Device, words []uint32) *gpu.Buffer {
	t.Helper()
	data := make([]byte, 4*len(words))
	for i, v := range words {
		binary.LittleEndian.PutUint32(data[4*i:], v)
	}
	b := zeros(t, d, len(words))
	if err := d.Write(b, 0, data); err != nil {
		t.Fatal(err)
	}
	return b
}

func download(t testing.TB, d *gpu.Device, b *gpu.Buffer, size uint64) []byte {
	t.Helper()
	readback, err := d.Read(b, 0, size)
	if err != nil {
		t.Fatal(err)
	}
	data, err := readback.Wait(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func run(t testing.TB, d *gpu.Device, p *gpu.Program) {
	t.Helper()
	err := p.Err()
	if err == nil {
		err = d.Run(p)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// random is this many words of a buffer.
func random(t testing.TB, d *gpu.Device, words int, draw func() uint32) *gpu.Buffer {
	t.Helper()
	drawn := make([]uint32, words)
	for i := range drawn {
		drawn[i] = draw()
	}
	return upload(t, d, drawn)
}

func normal() uint32 { return math.Float32bits(float32(rand.NormFloat64())) }

// randomWeight is [rows, in] in groups of 64, scales, biases and fp16 values of order 0.1 to 1.
func randomWeight(t testing.TB, d *gpu.Device, dtype reference.DType, rows, in int) *Weight {
	t.Helper()
	word := rand.Uint32
	if dtype == reference.F16 {
		word = func() uint32 { return rand.Uint32()&0x83ff83ff | 0x34003400 }
	}
	p := Part{Rows: rows, Data: random(t, d, rows*in*dtype.Bits()/32, word)}
	if dtype.Quantized() {
		p.Affine = random(t, d, rows*in/64, func() uint32 { return rand.Uint32()&0x03ff03ff | 0xac002400 })
	}
	return &Weight{DType: dtype, Out: rows, In: in, Group: 64, Parts: []Part{p}}
}

// nearHalves holds sums of fp16 products to those of fp32 ones.
func nearHalves(t *testing.T, what any, got, want []byte) {
	t.Helper()
	var errors, norm float64
	for i := 0; i < len(want); i += 4 {
		v := float64(math.Float32frombits(binary.LittleEndian.Uint32(want[i:])))
		e := float64(math.Float32frombits(binary.LittleEndian.Uint32(got[i:]))) - v
		errors, norm = errors+e*e, norm+v*v
	}
	if !(errors <= 1e-6*norm) {
		t.Errorf("%v: relative error %.3g, want 1e-3", what, math.Sqrt(errors/norm))
	}
}

// All of matmul_blocks' shapes give what fp32 products give, but for fp16's rounding, whether W comes over at once or
// in slices.
func TestMatmulShapes(t *testing.T) {
	d := open(t)
	if !d.Info().Variant.Matrix {
		t.Skip("needs the WebGPU feature chromium-experimental-subgroup-matrix")
	}
	const tokens, rows, in = 270, 300, 448
	w, x := randomWeight(t, d, reference.Q4, rows, in), random(t, d, tokens*in, normal)
	y := zeros(t, d, tokens*rows)
	cursor := upload(t, d, []uint32{0, tokens, 0, 0})
	whole := Halves{zeros(t, d, 512*512/2), zeros(t, d, 512*512/2)}
	sliced := Halves{whole.X, zeros(t, d, 150*512/2)}
	product := func(shape *matmulShape, halves Halves) []byte {
		t.Helper()
		r := Recorder{Device: d, Program: d.NewProgram(), Tokens: tokens, Cursor: cursor, tuned: tuning{matmul: shape}, Halves: halves}
		defer r.Program.Free()
		r.Linear(w, x, y, LinearOptions{})
		run(t, d, r.Program)
		return download(t, d, y, y.Size())
	}
	want := product(nil, Halves{})
	for _, s := range matmulShapes {
		got := product(&s, whole)
		nearHalves(t, s, got, want)
		if !bytes.Equal(product(&s, sliced), got) {
			t.Errorf("%v: other bits in slices", s)
		}
	}
}

// Where matmul_blocks finds x and W, on every device: what fills tiles is zero.
func TestBlocks(t *testing.T) {
	d := open(t)
	s := matmulShape{fm: 2, fn: 1, gm: 1, gn: 2, gk: 2, steps: 2}
	for _, c := range []struct {
		dtype            reference.DType
		tokens, rows, in int
		stride           int
		vectors          bool
		tiles            int // of W that have room
	}{
		{reference.Q4, 37, 70, 96, 96, true, 3}, {reference.Q4, 16, 133, 64, 65, false, 2}, {reference.Q8, 3, 5, 320, 324, true, 1},
		{reference.F16, 31, 40, 13, 17, false, 1}, {reference.F16, 33, 1, 8, 8, true, 9},
	} {
		x := make([]uint32, c.tokens*c.stride)
		for i := range x {
			x[i] = math.Float32bits(float32(rand.NormFloat64()))
		}
		x[0] = math.Float32bits(1e9)
		ref := &reference.Weight{DType: c.dtype, Out: c.rows, In: c.in, Group: 32, Data: make([]uint32, (c.rows*c.in*c.dtype.Bits()+31)/32)}
		for i := range ref.Data {
			ref.Data[i] = rand.Uint32()
			if c.dtype == reference.F16 {
				ref.Data[i] = ref.Data[i]&0x83ff83ff | 0x34003400
			}
		}
		w := &Weight{DType: c.dtype, Out: c.rows, In: c.in, Group: 32}
		p := Part{Rows: c.rows, Data: upload(t, d, ref.Data)}
		if c.dtype.Quantized() {
			affine := make([]uint32, c.rows*c.in/32)
			for i := range affine {
				affine[i] = rand.Uint32()&0x03ff03ff | 0xac002400
				ref.Scales, ref.Biases = append(ref.Scales, uint16(affine[i])), append(ref.Biases, uint16(affine[i]>>16))
			}
			p.Affine = upload(t, d, affine)
		}
		count := c.tokens - 1
		room := func(size uint64) *gpu.Buffer { return zeros(t, d, int(size/4)) }
		r := Recorder{Device: d, Tokens: c.tokens, Cursor: upload(t, d, []uint32{0, uint32(count), 0, 0}),
			Halves: Halves{room(s.xBytes(c.in, c.tokens)), room(uint64(c.tiles) * s.rowBytes(c.in))}}
		convert := func(record func(sizes *gpu.Buffer), slice matmulSlice) {
			t.Helper()
			r.Program = d.NewProgram()
			defer r.Program.Free()
			record(r.sizes(w, p, LinearOptions{XStride: c.stride}, slice))
			run(t, d, r.Program)
		}
		check := func(what string, b *gpu.Buffer, across int, want func(row, k int) float64) {
			t.Helper()
			data := download(t, d, b, uint64(512*s.kBlocks(c.in)*across))
			for i := range len(data) / 2 {
				block, in := i/256, i%256
				row, k := block%across*16+in/16, block/across*16+in%16
				got, want := half(binary.LittleEndian.Uint16(data[2*i:])), want(row, k)
				if !(math.Abs(got-want) <= 1e-3*math.Abs(want)+1e-7) { // fp16's last bit, above its smallest values or below
					t.Fatalf("%+v: %s[%d, %d] is %v, want %v", c, what, row, k, got, want)
				}
			}
		}
		parts := s.slices(c.in, c.rows, r.Halves.W.Size())
		convert(func(sizes *gpu.Buffer) {
			r.record(r.planner().blocksX(s.kBlocks(c.in), (c.tokens+31)/32*2, c.vectors), upload(t, d, x), r.Halves.X, r.Cursor, sizes)
		}, parts[0])
		check("x", r.Halves.X, (c.tokens+31)/32*2, func(row, k int) float64 {
			if row >= count || k >= c.in {
				return 0
			}
			return min(float64(math.Float32frombits(x[row*c.stride+k])), 65504)
		})
		next, rows := 0, make([][]float32, c.rows)
		for i := range rows {
			rows[i] = make([]float32, c.in)
			ref.Row(i, rows[i])
		}
		for _, slice := range parts {
			if slice.first != next {
				t.Errorf("%+v: a slice begins at row %d, want %d", c, slice.first, next)
			}
			next += slice.rows
			convert(func(sizes *gpu.Buffer) {
				r.record(r.planner().blocksW(w, slice), append(w.buffers(p), r.Halves.W, sizes)...)
			}, slice)
			check("W", r.Halves.W, slice.blocks, func(row, k int) float64 {
				if row >= slice.rows || k >= c.in {
					return 0
				}
				return float64(rows[slice.first+row][k])
			})
		}
		if next != c.rows {
			t.Errorf("%+v: slices have %d rows", c, next)
		}
	}
}
