package model

import (
	"context"
	"testing"

	"github.com/samba-web/samba/model/randomweights"

	gpumachine "github.com/samba-web/samba/model/machine/gpu"
)

// A quantized model's kernels are all asked for before its weights come: a whole chunk and a step need no other.
func TestPrepare(t *testing.T) {
	device := testDevice(t)
	src, err := randomweights.Open("random:tiny?bits=4&seed=1")
	if err != nil {
		t.Fatal(err)
	}
	m := loadTest(t, src, Options{Device: device, Chunk: 64, HalfKeys: true})
	s := newSession(t, m)
	after := device.Kernels()
	if err := s.Prefill(context.Background(), make([]uint32, 64), nil); err != nil {
		t.Fatal(err)
	}
	if n := device.Kernels(); n != after {
		t.Errorf("a chunk needed %d kernels that were not there", n-after)
	}
	fresh := testDevice(t)
	gpumachine.Prepare(fresh, m.config, 64, true)
	// What is laid out when a model is loaded, not when it runs: pack_affine.
	if want, got := device.Kernels()-1, fresh.Kernels(); got != want {
		t.Errorf("%d kernels prepared, the model took %d", got, want)
	}
}
