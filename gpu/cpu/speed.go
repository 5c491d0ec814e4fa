package cpu

import (
	"time"

	"github.com/samba-web/samba/gpu/reference"
)

// The linear layer that speed is measured with, of 4 bits: a weight of a small
// model's size.
const SpeedRows, SpeedWidth, SpeedGroup = 4096, 1024, 64

// Speed measures how many weights of a linear layer this processor multiplies
// in a second, for one token at a time. It takes some 20 ms: the best of a few
// stretches counts, for helpers that are held up once are left out of what comes next.
func Speed() float64 {
	const weights = SpeedRows * SpeedWidth
	w := &reference.Weight{
		DType: reference.Q4, Out: SpeedRows, In: SpeedWidth, Group: SpeedGroup,
		Data: make([]uint32, weights/8), Scales: make([]uint16, weights/SpeedGroup), Biases: make([]uint16, weights/SpeedGroup),
	}
	x, y := make([]float32, SpeedWidth), make([]float32, SpeedRows)
	var k Kernels
	k.Linear(w, x, SpeedWidth, y, 1, false) // compiled by now
	best := 0.0
	for range 5 {
		rounds, began := 0, time.Now()
		for rounds == 0 || time.Since(began) < 4*time.Millisecond {
			k.Linear(w, x, SpeedWidth, y, 1, false)
			rounds++
		}
		best = max(best, weights*float64(rounds)/time.Since(began).Seconds())
	}
	return best
}
