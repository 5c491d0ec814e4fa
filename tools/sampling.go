package main

import (
	"github.com/spf13/cobra"

	"github.com/samba-web/samba/wasm/protocol"
)

// samplingFlags are the sampler's settings. Those left out are the model's own.
type samplingFlags struct {
	temperature, topP, minP                              float64
	topK                                                 int
	repetitionPenalty, presencePenalty, frequencyPenalty float64
}

func (f *samplingFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.Float64Var(&f.temperature, "temperature", 0, "divides the logits; 0: always the likeliest token")
	flags.Float64Var(&f.topP, "top-p", 0, "keep the likeliest tokens that together reach this probability")
	flags.IntVar(&f.topK, "top-k", 0, "keep this many of the likeliest tokens; 0: all")
	flags.Float64Var(&f.minP, "min-p", 0, "drop tokens less likely than this share of the likeliest one")
	flags.Float64Var(&f.repetitionPenalty, "repetition-penalty", 0, "divides the score of tokens that were there already; 1: leave them alone")
	flags.Float64Var(&f.presencePenalty, "presence-penalty", 0, "taken from the score of tokens that the answer has already; -2 to 2")
	flags.Float64Var(&f.frequencyPenalty, "frequency-penalty", 0, "the same, once for each time that the answer has the token")
}

// set puts what was given into a request, and tells it by the flags' names.
func (f *samplingFlags) set(cmd *cobra.Command, request *protocol.Generate) map[string]any {
	given := map[string]any{}
	for _, setting := range []struct {
		name string
		from *float64
		to   **float64
	}{
		{"temperature", &f.temperature, &request.Temperature},
		{"top-p", &f.topP, &request.TopP},
		{"min-p", &f.minP, &request.MinP},
		{"repetition-penalty", &f.repetitionPenalty, &request.RepetitionPenalty},
		{"presence-penalty", &f.presencePenalty, &request.PresencePenalty},
		{"frequency-penalty", &f.frequencyPenalty, &request.FrequencyPenalty},
	} {
		if cmd.Flags().Changed(setting.name) {
			*setting.to, given[setting.name] = setting.from, *setting.from
		}
	}
	if cmd.Flags().Changed("top-k") {
		request.TopK, given["top-k"] = &f.topK, f.topK
	}
	return given
}
