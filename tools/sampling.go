package main

import (
	"github.com/spf13/cobra"

	"github.com/samba-web/samba/model/sampling"
)

// samplingFlags are the sampler's settings. Those left out are the model's own.
type samplingFlags struct {
	take []func(to *sampling.Settings, given map[string]any)
}

func (f *samplingFlags) register(cmd *cobra.Command) {
	for _, s := range sampling.Table {
		if !s.Flag {
			continue
		}
		name := s.FlagName()
		var value func() (number float64, given any)
		if s.Whole {
			v := cmd.Flags().Int(name, 0, s.Usage())
			value = func() (float64, any) { return float64(*v), *v }
		} else {
			v := cmd.Flags().Float64(name, 0, s.Usage())
			value = func() (float64, any) { return *v, *v }
		}
		f.take = append(f.take, func(to *sampling.Settings, given map[string]any) {
			if cmd.Flags().Changed(name) {
				number, shown := value()
				to.Set(s.Name, number)
				given[name] = shown
			}
		})
	}
}

// set puts what was given into a request, and tells it by the flags' names.
func (f *samplingFlags) set(to *sampling.Settings) map[string]any {
	given := map[string]any{}
	for _, take := range f.take {
		take(to, given)
	}
	return given
}
