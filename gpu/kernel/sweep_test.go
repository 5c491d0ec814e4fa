package kernel

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/reference"
)

// The benchmarks below try ways of dealing work to threads, at the shapes of the paper's models, on the device at
// hand: go test -run '^$' -bench . in a browser on a GPU. They say what shapeMatvec and the tiles should choose.

// cold is more than any GPU's last cache holds: weights are read once a token, so none may be found there.
const cold = 192 << 20

// perDispatch is the time of one launch among dependent ones: the GPU's, where it tells, so that neither submit and
// readback nor what a browser takes to pass a launch on are in it; else many minus few by the clock.
// Programs are repeated without a pause, so that the GPU's clocks have no time to fall.
func perDispatch(b *testing.B, d *gpu.Device, few, many, repeats int, record func(r *Recorder, i int)) time.Duration {
	b.Helper()
	cursor, err := d.NewBuffer("cursor", 16)
	if err != nil {
		b.Fatal(err)
	}
	defer cursor.Free()
	programs := map[int]*gpu.Program{}
	for _, n := range []int{few, many} {
		r := Recorder{Device: d, Program: d.NewProgram(), Cursor: cursor}
		for i := range n {
			record(&r, i)
		}
		if err := r.Program.Err(); err != nil {
			b.Fatal(err)
		}
		programs[n] = r.Program
		defer r.Program.Free()
	}
	run := func(n int) time.Duration {
		best := time.Hour
		for range 4 {
			started := time.Now()
			if err := d.Run(slices.Repeat([]*gpu.Program{programs[n]}, repeats)...); err != nil {
				b.Fatal(err)
			}
			readback, err := d.Read(cursor, 0, 4)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := readback.Wait(context.Background()); err != nil {
				b.Fatal(err)
			}
			best = min(best, time.Since(started))
		}
		return best
	}
	if d.CanTime() {
		best := math.Inf(1)
		for range 3 {
			seconds, err := d.Span(context.Background(), slices.Repeat([]*gpu.Program{programs[many]}, repeats)...)
			if err != nil {
				b.Fatal(err)
			}
			best = min(best, seconds)
		}
		return time.Duration(best*1e9) / time.Duration(many*repeats)
	}
	run(many)
	return (run(many) - run(few)) / time.Duration((many-few)*repeats)
}

func open(t testing.TB) *gpu.Device {
	t.Helper()
	d, err := gpu.Open(context.Background())
	if errors.Is(err, gpu.ErrNoAdapter) {
		t.Skipf("needs a WebGPU adapter: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	t.Logf("%s, %v", d.Info().Name, d.Info().Variant)
	return d
}

func zeros(b testing.TB, d *gpu.Device, words int) *gpu.Buffer {
	b.Helper()
	buffer, err := d.NewBuffer("benchmark", 4*uint64(words))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(buffer.Free)
	return buffer
}

// weights makes enough copies of a matrix to go round a cold cache.
func weights(b *testing.B, d *gpu.Device, dtype reference.DType, out, in int) []*Weight {
	b.Helper()
	var all []*Weight
	for bytes := 0; bytes < cold; bytes += out * in * dtype.Bits() / 8 {
		w := &Weight{DType: dtype, Out: out, In: in, Group: 64}
		p := Part{Rows: out, Data: zeros(b, d, out*in*dtype.Bits()/32)}
		if dtype.Quantized() {
			p.Affine = zeros(b, d, out*in/64)
		}
		w.Parts = []Part{p}
		all = append(all, w)
	}
	return all
}

func BenchmarkMatvec(b *testing.B) {
	d := open(b)
	for _, s := range []struct {
		out, in int
		dtype   reference.DType
		joins   string // what else the layer does
	}{
		{6144, 1536, reference.Q4, "norm"}, {4608, 1536, reference.Q4, "norm"}, {8192, 1536, reference.Q4, "swiglu"}, {1536, 3072, reference.Q4, "add"}, {1536, 4096, reference.Q4, "add"},
		{128, 3072, reference.Q8, ""}, {32000, 1536, reference.Q8, "norm"},
		{9216, 2304, reference.Q4, "norm"}, {12288, 2304, reference.Q4, "swiglu"}, {2304, 4608, reference.Q4, "add"}, {2304, 6144, reference.Q4, "add"},
		{11264, 2816, reference.Q4, "norm"}, {19968, 2816, reference.Q4, "swiglu"}, {2816, 5632, reference.Q4, "add"}, {2816, 9984, reference.Q4, "add"},
	} {
		ws := weights(b, d, s.dtype, s.out, s.in)
		x, y, gain := zeros(b, d, s.in), zeros(b, d, s.out), zeros(b, d, s.in)
		o := LinearOptions{Add: s.joins == "add", SwiGLU: s.joins == "swiglu"}
		if s.joins == "norm" || o.SwiGLU {
			o.Gain, o.Eps = gain, 1e-5
		}
		bytes := float64(s.out*s.in) * (float64(s.dtype.Bits())/8 + 4.0/64)
		best, bestShape := time.Hour, ""
		try := func(name string, shape *matvecShape, digits bool) {
			took := perDispatch(b, d, 20, 120, 6, func(r *Recorder, i int) {
				r.Tokens, r.tuned.matvec, r.tuned.digits = 1, shape, digits
				r.Linear(ws[i%len(ws)], x, y, o)
			})
			fmt.Printf("matvec %5dx%-5d %v %-6s %-20s %7.2f us %6.0f GB/s\n", s.out, s.in, s.dtype, s.joins, name, float64(took.Nanoseconds())/1000, bytes/float64(took.Nanoseconds()))
			if took < best {
				best, bestShape = took, name
			}
		}
		try("rule", nil, false)
		for _, size := range []int{128, 256, 512} {
			for _, lanes := range []int{8, 16, 32, 64} {
				for _, rows := range []int{1, 2} {
					if o.SwiGLU && rows > 1 || s.out > 10000 && lanes > 32 || s.out < 1000 && lanes < 32 || s.out < 10000 && lanes < 16 {
						continue
					}
					shape := matvecShape{size: size, lanes: lanes, rows: rows}
					try(fmt.Sprint(shape), &shape, false)
				}
			}
		}
		fmt.Printf("matvec %5dx%-5d %v best %s %v\n", s.out, s.in, s.dtype, bestShape, best)
		for _, w := range ws {
			w.Free()
		}
	}
}

// The sampler alone, at the default model's settings and at those without top-k.
func BenchmarkSample(b *testing.B) {
	d := open(b)
	for _, vocab := range []int{16384, 32000, 50304, 200064} {
		random := rand.New(rand.NewPCG(3, 4))
		data := make([]uint32, vocab)
		for i := range data {
			data[i] = math.Float32bits(float32(3 * random.NormFloat64()))
		}
		logits, ids, out, history := upload(b, d, data), zeros(b, d, 1), zeros(b, d, 64), zeros(b, d, 128)
		parts := zeros(b, d, SampleParts(vocab))
		for _, s := range []reference.Sampling{{Temperature: 0.7, TopP: 0.9, TopK: 40, Repetition: 1}, {Temperature: 0.8, TopP: 0.95, Repetition: 1}, {Temperature: 0, TopP: 1, Repetition: 1}} {
			settings := zeros(b, d, 8)
			if err := d.Write(settings, 0, SamplingBytes(s)); err != nil {
				b.Fatal(err)
			}
			for _, size := range []int{0, 256, 512, 1024} {
				if size > int(d.Info().Limits.MaxWorkgroupSize) {
					continue
				}
				took := perDispatch(b, d, 20, 120, 4, func(r *Recorder, _ int) {
					r.Tokens, r.tuned.sampler = 1, size
					r.Sample(logits, settings, history, ids, out, parts, vocab, 64)
				})
				fmt.Printf("sample %5d temperature %.1f top-k %-2d %4d threads %7.2f us\n", vocab, s.Temperature, s.TopK, size, float64(took.Nanoseconds())/1000)
			}
		}
	}
}

// matmulShapes are those that were best or next to it for some layer of the paper's models, and their neighbours.
var matmulShapes = []matmulShape{
	{fm: 4, fn: 4, gm: 2, gn: 2, gk: 1, steps: 1}, {fm: 4, fn: 4, gm: 2, gn: 2, gk: 1, steps: 2}, {fm: 4, fn: 4, gm: 2, gn: 1, gk: 2, steps: 1},
	{fm: 4, fn: 2, gm: 2, gn: 4, gk: 1, steps: 1}, {fm: 4, fn: 2, gm: 2, gn: 2, gk: 1, steps: 1}, {fm: 4, fn: 2, gm: 2, gn: 2, gk: 1, steps: 2},
	{fm: 2, fn: 4, gm: 2, gn: 2, gk: 1, steps: 1}, {fm: 2, fn: 4, gm: 2, gn: 2, gk: 1, steps: 2}, {fm: 2, fn: 2, gm: 2, gn: 2, gk: 1, steps: 2},
	{fm: 2, fn: 2, gm: 2, gn: 1, gk: 4, steps: 1}, {fm: 2, fn: 2, gm: 1, gn: 1, gk: 8, steps: 1}, {fm: 2, fn: 4, gm: 1, gn: 1, gk: 4, steps: 1},
}

var batchShapes = []batchShape{
	{1, 4, 4, 1, true}, {1, 8, 4, 1, true}, {1, 8, 4, 1, false}, {1, 16, 2, 1, true}, {1, 16, 2, 1, false}, {1, 8, 2, 2, true}, {1, 8, 2, 2, false},
	{2, 2, 4, 1, true}, {2, 4, 4, 1, true}, {2, 4, 4, 1, false}, {2, 8, 2, 1, true}, {2, 8, 2, 1, false}, {2, 4, 2, 2, true}, {2, 4, 2, 2, false},
	{4, 2, 4, 1, true}, {4, 4, 2, 1, true}, {4, 4, 2, 1, false}, {4, 2, 2, 2, true},
}

// A batch of 16 at the 1.7B's shapes, whose x lies in fp16 as the kernel before leaves it.
func BenchmarkBatchLinear(b *testing.B) {
	d := open(b)
	const slots = 16
	for _, s := range []struct {
		out, in int
		dtype   reference.DType
	}{{8192, 2048, reference.Q4}, {2560, 2048, reference.Q4}, {2048, 4096, reference.Q4}, {16384, 2048, reference.Q4}, {2048, 8192, reference.Q4},
		{160, 4096, reference.Q8}, {4096, 128, reference.Q8}, {50304, 2048, reference.Q8}} {
		b.Run(fmt.Sprintf("%dx%d", s.out, s.in), func(b *testing.B) {
			ws := weights(b, d, s.dtype, s.out, s.in)
			x, y := zeros(b, d, slots*s.in), zeros(b, d, slots*s.out)
			halves := Halves{zeros(b, d, slots*s.in/2), zeros(b, d, slots*s.in/2)}
			batch := batchCursor(b, d, slots, slots, 0)
			macs := float64(s.out*s.in) * slots
			try := func(name string, shape *batchShape, restrict *Variant) {
				took := perDispatch(b, d, 10, 60, 4, func(r *Recorder, i int) {
					r.Slots, r.Tokens, r.Cursor, r.tuned.batch, r.Restrict, r.Halves = slots, slots, batch, shape, restrict, halves
					r.lying[0] = laid{buffer: x, stride: s.in, width: s.in}
					r.Linear(ws[i%len(ws)], x, y, LinearOptions{SwiGLU: s.out == 16384 && restrict == nil})
				})
				fmt.Printf("batch %5dx%-5d %v %-16s %7.2f us %6.2f TMAC/s\n", s.out, s.in, s.dtype, name, float64(took.Nanoseconds())/1000, macs/float64(took.Nanoseconds())/1000)
			}
			if d.Info().Variant.Matrix {
				try("rule", nil, nil)
				for _, shape := range batchShapes {
					try(fmt.Sprintf("%d/%d/%d/%d %v", shape.fn, shape.gk, shape.steps, shape.buffers, shape.turned), &shape, nil)
				}
			}
			try("without matrices", nil, &Variant{Subgroup: d.Info().Variant.Subgroup})
			for _, w := range ws {
				w.Free()
			}
		})
	}
}

func BenchmarkMatmul(b *testing.B) {
	d := open(b)
	if !d.Info().Variant.Matrix {
		b.Skip("needs the WebGPU feature chromium-experimental-subgroup-matrix")
	}
	const tokens = 1024
	for _, s := range [][2]int{{6144, 1536}, {1536, 3072}, {12288, 2304}, {2304, 6144}, {176, 4608}} {
		out, in := s[0], s[1]
		w := weights(b, d, reference.Q4, out, in)[0]
		x, y := zeros(b, d, tokens*in), zeros(b, d, tokens*out)
		halves := Halves{zeros(b, d, (tokens+128)*(in+128)/2), zeros(b, d, (out+128)*(in+128)/2)} // with what fills tiles
		r := rand.New(rand.NewPCG(1, 2))
		for _, random := range []struct {
			buffer *gpu.Buffer
			draw   func() uint32
		}{
			{w.Parts[0].Data, r.Uint32},
			{w.Parts[0].Affine, func() uint32 { return uint32(0x2400+r.IntN(1024)) | uint32(0xac00+r.IntN(1024))<<16 }}, // 2^-6, -2^-4
			{x, func() uint32 { return math.Float32bits(float32(r.NormFloat64())) }},
		} {
			data := make([]byte, random.buffer.Size())
			for i := 0; i < len(data); i += 4 {
				binary.LittleEndian.PutUint32(data[i:], random.draw())
			}
			if err := d.Write(random.buffer, 0, data); err != nil {
				b.Fatal(err)
			}
		}
		best, bestName := time.Hour, ""
		try := func(name string, shape *matmulShape, restrict *Variant) {
			took := perDispatch(b, d, 2, 14, 4, func(r *Recorder, _ int) {
				r.Tokens, r.tuned.matmul, r.Restrict, r.Halves = tokens, shape, restrict, halves
				if err := d.Write(r.Cursor, 0, []byte{0, 0, 0, 0, byte(tokens & 255), byte(tokens >> 8), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}); err != nil {
					b.Fatal(err)
				}
				r.Linear(w, x, y, LinearOptions{})
			})
			fmt.Printf("matmul %4d x %5dx%-5d %-24s %8.1f us %7.2f TFLOP/s\n", tokens, out, in, name, float64(took.Nanoseconds())/1000, 2*tokens*float64(out)*float64(in)/float64(took.Nanoseconds())/1000)
			if took < best {
				best, bestName = took, name
			}
		}
		try("fp32", nil, &Variant{})
		try("rule", nil, nil)
		for _, s := range matmulShapes {
			groups := blocks(tokens, s.tokens()) * blocks(out, s.rows())
			if out < 1000 && groups < 16 || out > 1000 && s.gk > 2 {
				continue
			}
			try(s.String(), &s, nil)
		}
		fmt.Printf("matmul %4d x %5dx%-5d best %s %v\n", tokens, out, in, bestName, best)
		for _, buffer := range []*gpu.Buffer{x, y, halves.X, halves.W} {
			buffer.Free()
		}
		w.Free()
	}
}

// A prompt's products in whole numbers of 8 bits, with x's way there, beside those in fp32.
func BenchmarkBytes(b *testing.B) {
	d := open(b)
	if d.Info().Backend != "webgpu" {
		b.Skip("needs a browser: WGSL's packed_4x8_integer_dot_product")
	}
	const tokens = 1024
	for _, s := range [][2]int{{6144, 1536}, {1536, 3072}, {8192, 1536}, {1536, 4096}, {11264, 2816}, {2816, 5632}, {19968, 2816}, {2816, 9984}} {
		out, in := s[0], s[1]
		w := &Weight{DType: reference.Q4, Out: out, In: in, Group: 64}
		random := func(words int, draw func() uint32) *gpu.Buffer {
			data, buffer := make([]byte, 4*words), zeros(b, d, words)
			for i := 0; i < len(data); i += 4 {
				binary.LittleEndian.PutUint32(data[i:], draw())
			}
			if err := d.Write(buffer, 0, data); err != nil {
				b.Fatal(err)
			}
			return buffer
		}
		w.Parts = []Part{{Rows: out, Data: random(out*in/8, rand.Uint32), Affine: random(out*in/64, func() uint32 { return rand.Uint32()&0x03ff03ff | 0xac002400 })}}
		x, y := random(tokens*in, func() uint32 { return math.Float32bits(rand.Float32() - 0.5) }), zeros(b, d, tokens*out)
		need := bytesRoom(in, tokens)
		halves := Halves{zeros(b, d, int(need.x/4)), zeros(b, d, int(need.w/4))}
		best, bestName := time.Hour, ""
		try := func(name string, shape *bytesShape, variant Variant) {
			took := perDispatch(b, d, 2, 14, 4, func(r *Recorder, _ int) {
				r.Tokens, r.tuned.bytes, r.Restrict, r.Halves = tokens, shape, &variant, halves
				if err := d.Write(r.Cursor, 0, []byte{0, 0, 0, 0, byte(tokens & 255), byte(tokens >> 8), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}); err != nil {
					b.Fatal(err)
				}
				r.Linear(w, x, y, LinearOptions{})
			})
			fmt.Printf("bytes %4d x %5dx%-5d %-32s %8.1f us %7.2f TMAC/s\n", tokens, out, in, name, float64(took.Nanoseconds())/1000, tokens*float64(out)*float64(in)/float64(took.Nanoseconds())/1000)
			if took < best {
				best, bestName = took, name
			}
		}
		dots := Variant{Dots: true}
		try("fp32", nil, Variant{})
		try("rule", nil, dots)
		for _, s := range bytesShapes {
			if s.size() <= int(d.Info().Limits.MaxWorkgroupSize) && 4*s.words() <= int(d.Info().Limits.MaxWorkgroupStorage) {
				try(s.String(), &s, dots)
			}
		}
		fmt.Printf("bytes %4d x %5dx%-5d best %s %v\n", tokens, out, in, bestName, best)
		for _, buffer := range []*gpu.Buffer{x, y, halves.X, halves.W} {
			buffer.Free()
		}
		w.Free()
	}
}

func (s bytesShape) String() string {
	name := fmt.Sprintf("%dx%d by %dx%d", s.tokens(), s.rows(), s.tm, s.tn)
	if s.steps > 1 {
		name += fmt.Sprintf(" steps %d", s.steps)
	}
	if s.buffers > 1 {
		name += fmt.Sprintf(" buffers %d", s.buffers)
	}
	return name
}

func (s matmulShape) String() string {
	name := fmt.Sprintf("%dx%d of %dx%d", s.gm, s.gn, s.fm, s.fn)
	if s.gk > 1 {
		name += fmt.Sprintf(" k/%d", s.gk)
	}
	if s.steps > 1 {
		name += fmt.Sprintf(" steps %d", s.steps)
	}
	return name
}
