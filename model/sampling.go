package model

import (
	"errors"
	"fmt"

	"github.com/samba-web/samba/gpu/reference"
	"github.com/samba-web/samba/model/machine"
	"github.com/samba-web/samba/model/sampling"
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
	Guesses           int                `json:"guesses"` // 0: off
}

// Validate reports the first setting that makes no sense: what is not 0 must be in the range of sampling.Table.
func (s Sampling) Validate() error {
	given := sampling.Settings{LogitBias: s.LogitBias}
	for name, v := range map[string]float64{
		"temperature": s.Temperature, "top_p": s.TopP, "top_k": float64(s.TopK), "guesses": float64(s.Guesses), "min_p": s.MinP, "repetition_penalty": s.RepetitionPenalty,
		"presence_penalty": s.PresencePenalty, "frequency_penalty": s.FrequencyPenalty,
	} {
		if v != 0 {
			given.Set(name, v)
		}
	}
	if name, wrong := given.Check(); name != "" {
		return errors.New(name + wrong)
	}
	return nil
}

// With lays what is given over the settings.
func (s Sampling) With(given sampling.Settings) Sampling {
	set(&s.Temperature, given.Temperature)
	set(&s.TopP, given.TopP)
	set(&s.TopK, given.TopK)
	set(&s.MinP, given.MinP)
	set(&s.RepetitionPenalty, given.RepetitionPenalty)
	set(&s.PresencePenalty, given.PresencePenalty)
	set(&s.FrequencyPenalty, given.FrequencyPenalty)
	set(&s.Seed, given.Seed)
	set(&s.Guesses, given.Guesses)
	if given.LogitBias != nil {
		s.LogitBias = given.LogitBias
	}
	return s
}

func set[T any](field *T, given *T) {
	if given != nil {
		*field = *given
	}
}

// drawing lays the request's settings out for a vocabulary.
func (r *Request) drawing(vocab int) (machine.Drawing, error) {
	s := r.Sampling
	d := machine.Drawing{
		Sampling: reference.Sampling{
			Temperature: float32(s.Temperature), TopP: float32(sampling.OrOff("top_p", s.TopP)), MinP: float32(s.MinP),
			Repetition: float32(sampling.OrOff("repetition_penalty", s.RepetitionPenalty)), TopK: uint32(s.TopK), Seed: s.Seed,
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
