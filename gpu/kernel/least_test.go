package kernel

import (
	"bytes"
	"testing"

	"github.com/samba-web/samba/gpu/reference"
)

// Temperatures that nothing can be divided by take the likeliest token, on the GPU as in the twin.
func TestLeastTemperature(t *testing.T) {
	greedy := reference.Sampling{TopP: 1, Repetition: 1, Seed: 7}
	logits := []float32{1, 3, 2.9999, 3, -1}
	for _, temperature := range []float32{0, 1e-45, 1e-30, 1e-7, 9e-7} {
		s := greedy
		s.Temperature = temperature
		if !bytes.Equal(SamplingBytes(s), SamplingBytes(greedy)) {
			t.Errorf("%g: the GPU is told another temperature than 0", temperature)
		}
		for pos := range uint32(50) {
			if got := reference.Sample(s, append([]float32{}, logits...), nil, pos); got != 1 {
				t.Fatalf("%g: token %d, want the likeliest, 1", temperature, got)
			}
		}
	}
	greedy.Temperature = reference.LeastTemperature
	if bytes.Equal(SamplingBytes(greedy), make([]byte, 32)) || SamplingBytes(greedy)[3] == 0 {
		t.Error("the least temperature itself is not kept")
	}
}
