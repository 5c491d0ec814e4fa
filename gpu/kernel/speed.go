package kernel

import (
	"context"
	"time"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/cpu"
	"github.com/samba-web/samba/gpu/reference"
)

const (
	speedRounds = 1 << 10                // products that are not waited for, at most: a GPU that is quicker is quick enough
	speedTime   = 120 * time.Millisecond // more than the 100 ms in which Firefox answers
)

// Speed measures how many weights of a linear layer a device multiplies in a
// second, for one token at a time, by the kernel of a variant: the measure of
// gpu/cpu's Speed.
func Speed(ctx context.Context, d *gpu.Device, v Variant) (float64, error) {
	w := &Weight{DType: reference.Q4, Out: cpu.SpeedRows, In: cpu.SpeedWidth, Group: cpu.SpeedGroup, Parts: []Part{{Rows: cpu.SpeedRows}}}
	p := &w.Parts[0]
	var x, y *gpu.Buffer
	for _, b := range []struct {
		to    **gpu.Buffer
		bytes int
	}{{&p.Data, w.Out * w.In / 2}, {&p.Affine, 4 * w.Out * w.In / w.Group}, {&x, 4 * w.In}, {&y, 4 * w.Out}} {
		var err error
		if *b.to, err = d.NewBuffer("speed", uint64(b.bytes)); err != nil {
			return 0, err
		}
		defer (*b.to).Free()
	}
	program := d.NewProgram()
	defer program.Free()
	r := Recorder{Device: d, Program: program, Tokens: 1, Restrict: &v}
	r.Linear(w, x, y, LinearOptions{})
	if err := program.Err(); err != nil {
		return 0, err
	}
	if err := d.Ready(ctx); err != nil {
		return 0, err
	}
	if _, err := timed(ctx, d, program, 1, y); err != nil { // what comes once
		return 0, err
	}
	for rounds := 4; ; rounds *= 4 {
		took, err := timed(ctx, d, program, rounds, y)
		if err != nil {
			return 0, err
		}
		if took > speedTime || rounds == speedRounds {
			return float64(rounds) * float64(w.Out*w.In) / took.Seconds(), nil
		}
	}
}
