package kernel

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/reference"
)

// All of matmul_batch's shapes give what fp32 products give, but for fp16's rounding, and a row its bits whatever the others are.
func TestBatchShapes(t *testing.T) {
	d := open(t)
	if !d.Info().Variant.Matrix {
		t.Skip("needs the WebGPU feature chromium-experimental-subgroup-matrix")
	}
	const slots, rows, in = 21, 75, 448
	random := func(words int, draw func() uint32) *gpu.Buffer {
		drawn := make([]uint32, words)
		for i := range drawn {
			drawn[i] = draw()
		}
		return upload(t, d, drawn)
	}
	x := random(slots*in, func() uint32 { return math.Float32bits(float32(rand.NormFloat64())) })
	for _, dtype := range []reference.DType{reference.Q4, reference.Q8, reference.F16} {
		word := rand.Uint32
		if dtype == reference.F16 {
			word = func() uint32 { return rand.Uint32()&0x83ff83ff | 0x34003400 }
		}
		w := &Weight{DType: dtype, Out: rows, In: in, Group: 64, Parts: []Part{{Rows: rows, Data: random(rows*in*dtype.Bits()/32, word)}}}
		if dtype.Quantized() {
			w.Parts[0].Affine = random(rows*in/64, func() uint32 { return rand.Uint32()&0x03ff03ff | 0xac002400 })
		}
		_, _, _, words := BatchCursor(slots)
		product := func(count int, restrict *Variant, shape *batchShape) []float64 {
			t.Helper()
			cursor := make([]uint32, words)
			cursor[1] = uint32(count)
			y := zeros(t, d, slots*rows)
			r := Recorder{Device: d, Program: d.NewProgram(), Slots: slots, Tokens: slots, Cursor: upload(t, d, cursor), Restrict: restrict, tunedBatch: shape}
			defer r.Program.Free()
			r.Linear(w, x, y, LinearOptions{})
			run(t, d, r.Program)
			var values []float64
			for data := download(t, d, y, y.Size()); len(data) > 0; data = data[4:] {
				values = append(values, float64(math.Float32frombits(binary.LittleEndian.Uint32(data))))
			}
			return values
		}
		want := product(slots, &Variant{}, nil)
		for _, s := range batchShapes {
			got, few := product(slots, nil, &s), product(5, nil, &s)
			var errors, norm float64
			for i := range want {
				errors, norm = errors+(got[i]-want[i])*(got[i]-want[i]), norm+want[i]*want[i]
				if i < 5*rows && few[i] != got[i] || i >= 5*rows && few[i] != 0 {
					t.Fatalf("%v %+v: y[%d] of five rows is %v, of all %v", dtype, s, i, few[i], got[i])
				}
			}
			if !(errors <= 1e-6*norm) {
				t.Errorf("%v %+v: relative error %.3g, want 1e-3", dtype, s, math.Sqrt(errors/norm))
			}
		}
	}
}
