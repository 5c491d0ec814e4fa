package model

import (
	"fmt"

	"github.com/samba-web/samba/gpu/reference"
	"github.com/samba-web/samba/model/machine"
)

// MaxTopLogprobs is the most alternatives that are reported for one token.
const MaxTopLogprobs = machine.MaxTopLogprobs

// Sampling are the settings by which the next token is chosen; adjust.wgsl and
// sample.wgsl say what each does and in which order.
type Sampling struct {
	Temperature       float64            `json:"temperature"`        // 0: always the likeliest token
	TopP              float64            `json:"top_p"`              // 0 or 1: off
	MinP              float64            `json:"min_p"`              // 0: off
	RepetitionPenalty float64            `json:"repetition_penalty"` // 0 or 1: off
	PresencePenalty   float64            `json:"presence_penalty"`   // 0: off
	FrequencyPenalty  float64            `json:"frequency_penalty"`  // 0: off
	LogitBias         map[uint32]float64 `json:"logit_bias"`         // added to tokens' logits
	TopK              int                `json:"top_k"`              // 0: off
	Seed              uint64             `json:"seed"`
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
		{"presence_penalty", s.PresencePenalty, -100, 100},
		{"frequency_penalty", s.FrequencyPenalty, -100, 100},
		{"top_k", float64(s.TopK), 0, 1 << 30},
	} {
		if !(f.got >= f.low && f.got <= f.high) {
			return fmt.Errorf("%s is %v, want %v to %v", f.name, f.got, f.low, f.high)
		}
	}
	for token, bias := range s.LogitBias {
		if !(bias >= -1000 && bias <= 1000) {
			return fmt.Errorf("logit_bias of token %d is %v, want -1000 to 1000", token, bias)
		}
	}
	return nil
}

// drawing lays the request's settings out for a vocabulary.
func (r *Request) drawing(vocab int) (machine.Drawing, error) {
	neutral := func(v float64) float32 {
		if v == 0 {
			return 1
		}
		return float32(v)
	}
	s := r.Sampling
	d := machine.Drawing{
		Sampling: reference.Sampling{
			Temperature: float32(s.Temperature), TopP: neutral(s.TopP), MinP: float32(s.MinP),
			Repetition: neutral(s.RepetitionPenalty), TopK: uint32(s.TopK), Seed: s.Seed,
		},
		Adjustment:  reference.Adjustment{Presence: float32(s.PresencePenalty), Frequency: float32(s.FrequencyPenalty)},
		Constrained: r.Grammar != nil,
		Logprobs:    r.Logprobs,
		Top:         r.TopLogprobs,
	}
	if len(s.LogitBias) > 0 {
		d.Adjustment.Bias = make([]float32, vocab)
		for token, bias := range s.LogitBias {
			if int64(token) >= int64(vocab) {
				return d, fmt.Errorf("logit_bias has token %d, the vocabulary has %d", token, vocab)
			}
			d.Adjustment.Bias[token] = float32(bias)
		}
	}
	d.Adjusted = d.Constrained || s.PresencePenalty != 0 || s.FrequencyPenalty != 0 || d.Adjustment.Bias != nil
	return d, nil
}
