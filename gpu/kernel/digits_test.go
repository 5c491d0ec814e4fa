package kernel

import (
	"fmt"
	"math"
	"testing"

	"github.com/samba-web/samba/gpu/reference"
)

// x in digits of 8 bits gives what x in fp32 gives: beside a norm, for pairs of rows and sums, for steps that hold zeros,
// tiny and huge values, and for several rows of x.
func TestMatvecDigits(t *testing.T) {
	d := open(t)
	has := d.Info().Variant
	if has.Subgroup < 4 {
		t.Skip("needs the WebGPU feature subgroups, of one size of 4 at least")
	}
	variant := Variant{Subgroup: has.Subgroup, Dots: true}
	for _, c := range []struct {
		dtype    reference.DType
		out, in  int
		shape    matvecShape
		o        LinearOptions
		norm     bool
		together int
	}{
		{reference.Q4, 37, 1088, matvecShape{128, 8, 2}, LinearOptions{Add: true}, false, 3},
		{reference.Q4, 90, 320, matvecShape{256, 16, 1}, LinearOptions{SwiGLU: true}, true, 1},
		{reference.Q4, 80, 192, matvecShape{128, 4, 2}, LinearOptions{Conv: &Conv{
			Params: random(t, d, 40*5, normal), DInner: 40, DConv: 4}}, true, 1},
		{reference.Q8, 130, 832, matvecShape{256, 64, 1}, LinearOptions{}, true, 2},
	} {
		t.Run(fmt.Sprintf("%v %dx%d", c.dtype, c.out, c.in), func(t *testing.T) {
			w := randomWeight(t, d, c.dtype, c.out, c.in)
			one := 0
			x := random(t, d, c.together*c.in, func() uint32 {
				one++
				scale := []float32{1, 0, 1e-6, 300, 1}[one/64%5]
				return math.Float32bits(scale * math.Float32frombits(normal()))
			})
			o, rows := c.o, c.out
			if c.norm {
				o.Gain, o.Eps = random(t, d, c.in, normal), 1e-5
			}
			if o.SwiGLU {
				rows /= 2
			}
			start := random(t, d, c.together*rows, normal)
			product := func(digits bool) []float32 {
				t.Helper()
				y := upload(t, d, make([]uint32, c.together*rows))
				r := Recorder{Device: d, Program: d.NewProgram(), Tokens: c.together, Apart: c.together > 1, Restrict: &variant,
					tuned: tuning{matvec: &c.shape, digits: digits}}
				defer r.Program.Free()
				o := o
				if o.Conv != nil { // each has a state of its own
					conv := *o.Conv
					conv.State = upload(t, d, make([]uint32, conv.DInner*(conv.DConv-1)))
					o.Conv = &conv
				}
				r.Program.Copy(start, 0, y, 0, start.Size())
				r.Linear(w, x, y, o)
				run(t, d, r.Program)
				return floatsOf(t, d, y)
			}
			want, got := product(false), product(true)
			squares := 0.0
			for _, v := range want {
				squares += float64(v) * float64(v)
			}
			allowed := 1e-5 * math.Sqrt(squares/float64(len(want)))
			for i := range want {
				if off := math.Abs(float64(got[i] - want[i])); !(off <= allowed) {
					t.Fatalf("y[%d] = %v in digits, %v in fp32: %v apart, %v allowed", i, got[i], want[i], off, allowed)
				}
			}
		})
	}
}
