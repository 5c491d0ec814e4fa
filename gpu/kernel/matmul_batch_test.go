package kernel

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/reference"
)

// batchCursor is that of a batch in which some of the first places take part, all at one position.
func batchCursor(t testing.TB, d *gpu.Device, slots, count, position int) *gpu.Buffer {
	t.Helper()
	rows, positions, _, n := BatchCursor(slots)
	words := make([]uint32, n)
	words[1] = uint32(count)
	for i := range count {
		words[rows+i], words[positions+i] = uint32(i), uint32(position)
	}
	return upload(t, d, words)
}

// All of matmul_batch's shapes give what fp32 products give, but for fp16's rounding, and a row its bits whatever the
// others are.
func TestBatchShapes(t *testing.T) {
	d := open(t)
	if !d.Info().Variant.Matrix {
		t.Skip("needs the WebGPU feature chromium-experimental-subgroup-matrix")
	}
	const slots, some, rows, in = 21, 5, 75, 448
	x := random(t, d, slots*in, normal)
	halves := Halves{zeros(t, d, 32*in/2), zeros(t, d, 32*in/2)}
	for _, dtype := range []reference.DType{reference.Q4, reference.Q8, reference.F16} {
		w := randomWeight(t, d, dtype, rows, in)
		product := func(count int, restrict *Variant, shape *batchShape) []byte {
			t.Helper()
			y := zeros(t, d, slots*rows)
			r := Recorder{Device: d, Program: d.NewProgram(), Slots: slots, Tokens: slots, Cursor: batchCursor(t, d, slots, count, 0), Restrict: restrict, Halves: halves, tuned: tuning{batch: shape}}
			defer r.Program.Free()
			r.Linear(w, x, y, LinearOptions{})
			run(t, d, r.Program)
			return download(t, d, y, y.Size())
		}
		want := product(slots, &Variant{}, nil)
		for _, s := range batchShapes {
			what, got := fmt.Sprintf("%v %+v", dtype, s), product(slots, nil, &s)
			nearHalves(t, what, got, want)
			alone := append(bytes.Clone(got[:4*some*rows]), make([]byte, 4*(slots-some)*rows)...)
			if !bytes.Equal(product(some, nil, &s), alone) {
				t.Errorf("%s: %d rows have other bits without the others, or more is written", what, some)
			}
		}
	}
}

// Rows of the same buffer, but other ones, do not lie where the first were brought.
func TestLyingRows(t *testing.T) {
	x := gpu.Phantom("x", 4*16*96)
	l := lying{laid{x, 64, 64}, laid{x, 96, 96}}
	for _, c := range []struct {
		rows  laid
		in    int
		there bool
	}{
		{laid{x, 64, 64}, 0, true},
		{laid{x, 96, 96}, 1, true},
		{laid{x, 96, 64}, 0, false},
		{laid{x, 64, 32}, 0, false},
	} {
		if in, _, there := l.places(c.rows); in != c.in || there != c.there {
			t.Errorf("%d values of each %d: %d, %v, want %d, %v", c.rows.width, c.rows.stride, in, there, c.in, c.there)
		}
	}
}
