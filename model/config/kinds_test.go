package config

import "testing"

// fp16 keys lie two in a word, so that a head of an odd width, which only attention without RoPE has, keeps fp32.
func TestHalfKeys(t *testing.T) {
	for _, c := range []struct {
		headDim   int
		quantized bool
		layer     string
		want      bool
	}{
		{64, true, SlidingAttention, true},
		{63, true, SlidingAttention, false},
		{64, false, SlidingAttention, false},
		{64, true, NoMixer, false},
	} {
		config := &Config{HeadDim: c.headDim, LayerTypes: []string{NoMixer, c.layer}}
		if c.quantized {
			config.Quantization = &Quantization{Bits: 4}
		}
		if got := config.HalfKeys(); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}
