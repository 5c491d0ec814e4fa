//go:build !js

package protocol

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/cpu"
)

// gpuHome knows the fixtures, has the machine's GPU and remembers.
type gpuHome struct {
	fixtureHome
	fact *string
}

func (gpuHome) Device(ctx context.Context) (*gpu.Device, error)     { return gpu.Open(ctx) }
func (h gpuHome) Recall(context.Context, string) string             { return *h.fact }
func (h gpuHome) Remember(_ context.Context, _ string, fact string) { *h.fact = fact }

func TestAuto(t *testing.T) {
	device, err := gpu.Open(t.Context())
	if err != nil && !errors.Is(err, gpu.ErrNoAdapter) {
		t.Fatal(err)
	}
	var software bool
	if err == nil {
		software = device.Info().Variant.CPU
		device.Close()
	}
	fact := ""
	for _, test := range []struct {
		name    string
		home    Home
		fact    string
		onCPU   bool
		because string
	}{
		{"no adapter", fixtureHome{}, "", true, "WebGPU is not used: no WebGPU adapter: none in this test."},
		{"a slower adapter", gpuHome{fact: &fact}, `{"onCPU": 1, "cpu": 4}`, true, "multiplies 4.0 times as slowly as the processor without it."},
		{"a quicker adapter", gpuHome{fact: &fact}, `{"onCPU": 3, "cpu": 1}`, false, "WebGPU multiplies 3.0 times as fast as the processor without it; its kernels passed their self-test."},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, own := test.home.(gpuHome); own && !software {
				t.Skip("needs a software adapter, which is measured")
			}
			fact = test.fact
			c := connectTo(t, test.home)
			c.send(1, &Load{URL: "samba-gqa", Backend: BackendAuto})
			ready := last[*Ready](c, 1)
			if (ready.Backend == BackendCPU) != test.onCPU || !strings.HasSuffix(ready.Reason, test.because) {
				t.Errorf("on %s because %q, want on the processor: %v, because %q", ready.Backend, ready.Reason, test.onCPU, test.because)
			}
			c.send(2, &Logits{IDs: []uint32{1, 2, 3}})
			if done := last[*Done](c, 2); done.Position != 3 {
				t.Errorf("the model read %d tokens, want 3", done.Position)
			}
		})
	}
}

// brokenHome has the machine's GPU, whose race fails as a driver's fault makes it.
type brokenHome struct{ gpuHome }

func (brokenHome) Recall(context.Context, string) string { panic("the driver") }

// opened is the machine's GPU; without one the test is skipped.
func opened(t *testing.T) *gpu.Device {
	t.Helper()
	device, err := gpu.Open(t.Context())
	if errors.Is(err, gpu.ErrNoAdapter) {
		t.Skipf("needs a WebGPU adapter: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return device
}

// A GPU that breaks while it is measured leaves the model to the processor.
func TestRaceBreaks(t *testing.T) {
	device := opened(t)
	measured := device.Info().Variant.CPU
	device.Close()
	if !measured {
		t.Skip("needs a software adapter, which is measured")
	}
	c := connectTo(t, brokenHome{})
	c.send(1, &Load{URL: "samba-gqa", Backend: BackendAuto})
	if ready := last[*Ready](c, 1); ready.Backend != BackendCPU || !strings.Contains(ready.Reason, "it failed when it was measured: the driver") {
		t.Errorf("on %s because %q, want the processor, since the GPU failed when it was measured", ready.Backend, ready.Reason)
	}
}

// An adapter that nothing is known of is measured once.
func TestRace(t *testing.T) {
	device := opened(t)
	defer device.Close()
	fact := ""
	e := &Engine{Home: gpuHome{fact: &fact}}
	first, err := e.race(t.Context(), device, cpu.Hire(0))
	if err != nil {
		t.Fatal(err)
	}
	if first.CPU <= 0 || max(first.GPU, first.OnCPU) <= 0 {
		t.Errorf("measured %+v", first)
	}
	var kept race
	if err := json.Unmarshal([]byte(fact), &kept); err != nil || kept != first {
		t.Errorf("remembered %q, measured %+v", fact, first)
	}
	if again, err := e.race(t.Context(), device, cpu.Hire(0)); err != nil || again != first {
		t.Errorf("again: %+v, %v, want %+v", again, err, first)
	}
	t.Logf("weights a second: %+v", first)
}
