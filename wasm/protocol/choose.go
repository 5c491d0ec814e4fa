package protocol

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/cpu"
	"github.com/samba-web/samba/gpu/kernel"
	"github.com/samba-web/samba/model"
)

// Memory is a home that keeps small facts from one visit to the next.
type Memory interface {
	// Recall returns what Remember kept under the key; "" if there is nothing.
	Recall(ctx context.Context, key string) string
	Remember(ctx context.Context, key, value string)
}

// race is what was measured of an adapter and of the processor, in weights a second.
type race struct {
	GPU   float64 `json:"gpu"`   // by the kernels for GPUs
	OnCPU float64 `json:"onCPU"` // by those for an adapter that is the processor
	CPU   float64 `json:"cpu"`
}

// choose opens the GPU if there is one, and hands it back where the processor, with
// the helpers it has, is quicker. The reason says why, for people.
func (e *Engine) choose(ctx context.Context, help *cpu.Help) (device *gpu.Device, reason string, err error) {
	device, err = e.Home.Device(ctx)
	var about gpu.Info
	var r race
	if err == nil {
		about = device.Info()
		if about.Name != "" && !about.Variant.CPU {
			return device, "", nil // hardware, by its own name
		}
		if r, err = e.race(ctx, device, help); err != nil {
			device.Close()
		}
	}
	if ctx.Err() != nil && err != nil {
		return nil, "", ctx.Err()
	}
	if err != nil {
		return nil, notUsed(err.Error()), nil
	}
	if r.OnCPU > r.GPU*1.2 { // whatever it says it is, it runs a workgroup's threads in turn
		e.variant = &gpu.Variant{CPU: true}
		device.Treat(*e.variant)
	}
	if best := max(r.GPU, r.OnCPU); r.CPU > best {
		device.Close()
		what := "this browser's WebGPU"
		if about.Variant.CPU {
			what += ", which runs on the processor itself,"
		}
		return nil, notUsed(fmt.Sprintf("%s multiplies %.1f times as slowly as the processor without it", what, r.CPU/best)), nil
	}
	return device, fmt.Sprintf("WebGPU multiplies %.1f times as fast as the processor without it", max(r.GPU, r.OnCPU)/r.CPU), nil
}

func notUsed(why string) string { return "WebGPU is not used: " + why }

// reasonSentence is the reason as people read it.
func (e *Engine) reasonSentence() string {
	if e.reason == "" {
		return ""
	}
	return sentence(errors.New(e.reason))
}

// race measures once for each adapter, as far as one can be told from another.
func (e *Engine) race(ctx context.Context, device *gpu.Device, help *cpu.Help) (_ race, err error) {
	// What a driver's fault makes of the GPU's run is no reason to have no machine.
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("it failed when it was measured: %v", r)
		}
	}()
	about, err := json.Marshal(device.Info())
	if err != nil {
		return race{}, err
	}
	help.Wait() // the processor's threads are part of what it is
	key := "race 2 " + cpu.About() + " " + string(about)
	memory, keeps := e.Home.(Memory)
	var r race
	if keeps && json.Unmarshal([]byte(memory.Recall(ctx, key)), &r) == nil && r.CPU > 0 {
		return r, nil
	}
	r.CPU = cpu.Speed()
	variant := kernel.Variant(device.Info().Variant)
	if !variant.CPU {
		if r.GPU, err = kernel.Speed(ctx, device, variant); err != nil {
			return race{}, err
		}
	}
	// A GPU that is this quick is no processor.
	if r.GPU < 8*r.CPU {
		variant.CPU = true
		if r.OnCPU, err = kernel.Speed(ctx, device, variant); err != nil {
			return race{}, err
		}
	}
	if keeps {
		text, err := json.Marshal(r)
		if err != nil {
			return race{}, err
		}
		memory.Remember(ctx, key, string(text))
	}
	return r, nil
}

// fallsBack tells whether the processor may do what a GPU could not: it is no
// fault of the model's files, of the network, or of the one who cancelled.
func fallsBack(ctx context.Context, err error) bool {
	var f fault
	return err != nil && ctx.Err() == nil && !errors.As(err, &f)
}

// withReason is what a load fails with that neither machine could do.
func withReason(err error, reason string) error {
	if errors.Is(err, model.ErrTooLarge) && reason != "" && !strings.Contains(reason, err.Error()) {
		return fmt.Errorf("%w; %s", err, reason)
	}
	return err
}
