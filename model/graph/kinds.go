package graph

import (
	"fmt"
	"slices"

	"github.com/samba-web/samba/model/config"
)

// This file is the one place that knows all kinds of mixer. A new one is a file
// beside mamba.go here, in config and in each machine, and a line in each of the
// lists below; model/README.md says what each file holds.

// mixerSteps are the steps that the kinds ask of a machine.
type mixerSteps[V, W any] interface {
	mambaStep[V, W]
	mamba2Step[V, W]
	shortConvStep[V, W]
	attentionStep[V, W]
	gatedMemoryStep[V, W]
}

// mixerActivations are the values that lie within the mixers.
type mixerActivations[V any] struct {
	mambaActivations[V]
	mamba2Activations[V]
	shortConvActivations[V]
	attentionActivations[V]
	gatedMemoryActivations[V]
}

// kinds says how each is put together.
func kinds[V, W any]() []kind[V, W] {
	return []kind[V, W]{
		{[]string{config.Mamba}, newMamba[V, W], allocateMamba[V]},
		{[]string{config.Mamba2}, newMamba2[V, W], allocateMamba2[V]},
		{[]string{config.Mamba2Attention}, newParallel[V, W], allocateParallel[V]},
		{[]string{config.ShortConv}, newShortConv[V, W], allocateShortConv[V]},
		{[]string{config.SlidingAttention, config.FullAttention, config.CrossAttention}, newAttention[V, W], allocateAttention[V]},
		{[]string{config.GatedMemory}, newGatedMemory[V, W], allocateGatedMemory[V]},
		{[]string{config.NoMixer}, newNoMixer[V, W], allocateNothing[V]},
	}
}

// kind is one kind of mixer.
type kind[V, W any] struct {
	names []string // in config's layer_types
	// mixer takes layer i's weights.
	mixer func(b *builder[V, W], i int) Mixer[V, W]
	// allocate makes what lies within it, arrays of this many values for each token, and
	// returns how many it leaves in Activations.Mixed.
	allocate func(a *Activations[V], c *config.Config, array func(name string, width int) V) (mixed int)
}

// kindOf finds a kind by its name.
func kindOf[V, W any](name string) (kind[V, W], error) {
	for _, k := range kinds[V, W]() {
		if slices.Contains(k.names, name) {
			return k, nil
		}
	}
	return kind[V, W]{}, fmt.Errorf("this engine does not compute layers of kind %q", name)
}
