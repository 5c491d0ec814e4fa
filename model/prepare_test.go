package model

import (
	"context"
	"runtime"
	"testing"

	"github.com/samba-web/samba/model/folder"
	"github.com/samba-web/samba/model/randomweights"

	gpumachine "github.com/samba-web/samba/model/machine/gpu"
)

// A quantized model's kernels are all asked for before its weights come: prompts and answers need no other.
func TestPrepare(t *testing.T) {
	src, err := randomweights.Open("random:tiny?bits=4&seed=1")
	if err != nil {
		t.Fatal(err)
	}
	testPrepare(t, src)
}

// Nor does the model that visitors meet first, whose embeddings have fewer bits than samba convert gives them unasked.
func TestPrepareDefault(t *testing.T) {
	if runtime.GOOS == "js" {
		t.Skip("runs natively: kernels of its size take a browser's software GPU a minute")
	}
	testPrepare(t, disk("../www/models/default"))
}

func testPrepare(t *testing.T, src folder.Source) {
	device := testDevice(t)
	m := loadTest(t, src, Options{Device: device, Chunk: 64, HalfKeys: true})
	s := newSession(t, m)
	after := device.Kernels()
	if err := s.Prefill(context.Background(), make([]uint32, 64), nil); err != nil {
		t.Fatal(err)
	}
	if n := device.Kernels(); n != after {
		t.Errorf("a chunk needed %d kernels that were not there", n-after)
	}
	// Nor do a question of another length and its answer: not one kernel compiles between the two. (A processor that
	// plays a GPU has others for two to four tokens, which no chat template makes.)
	for _, n := range []int{5, 33} {
		request := Request{Prompt: make([]uint32, n), MaxTokens: 4, PastEnd: true, Sampling: m.Defaults()}
		if _, err := newSession(t, m).Generate(context.Background(), request, func(Chunk) error { return nil }); err != nil {
			t.Fatal(err)
		}
		if got := device.Kernels(); got != after {
			t.Errorf("a prompt of %d tokens and its answer needed %d kernels that were not there", n, got-after)
		}
	}
	fresh := testDevice(t)
	gpumachine.Prepare(fresh, m.config, 64, true)
	// What is laid out when a model is loaded, not when it runs: pack_affine.
	if want, got := device.Kernels()-1, fresh.Kernels(); got != want {
		t.Errorf("%d kernels prepared, the model took %d", got, want)
	}
}
