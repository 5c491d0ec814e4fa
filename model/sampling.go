package model

import (
	"fmt"

	"github.com/samba-web/samba/gpu/reference"
)

// MaxTopLogprobs is the most alternatives that are reported for one token.
const MaxTopLogprobs = 20

// Sampling are the settings by which the next token is chosen; sample.wgsl
// says what each does and in which order.
type Sampling struct {
	Temperature       float64 `json:"temperature"`        // 0: always the likeliest token
	TopP              float64 `json:"top_p"`              // 0 or 1: off
	MinP              float64 `json:"min_p"`              // 0: off
	RepetitionPenalty float64 `json:"repetition_penalty"` // 0 or 1: off
	TopK              int     `json:"top_k"`              // 0: off
	Seed              uint64  `json:"seed"`
}

// Validate reports the first setting that makes no sense.
func (s Sampling) Validate() error {
	for _, f := range []struct {
		name           string
		got, low, high float64
	}{
		{"temperature", s.Temperature, 0, 100},
		{"top_p", s.TopP, 0, 1},
		{"min_p", s.MinP, 0, 1},
		{"repetition_penalty", s.RepetitionPenalty, 0, 100},
		{"top_k", float64(s.TopK), 0, 1 << 30},
	} {
		if !(f.got >= f.low && f.got <= f.high) {
			return fmt.Errorf("%s is %v, want %v to %v", f.name, f.got, f.low, f.high)
		}
	}
	return nil
}

func (s Sampling) kernel() reference.Sampling {
	neutral := func(v float64) float32 {
		if v == 0 {
			return 1
		}
		return float32(v)
	}
	return reference.Sampling{
		Temperature: float32(s.Temperature), TopP: neutral(s.TopP), MinP: float32(s.MinP),
		Repetition: neutral(s.RepetitionPenalty), TopK: uint32(s.TopK), Seed: s.Seed,
	}
}
