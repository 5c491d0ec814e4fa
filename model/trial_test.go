package model

import (
	"context"
	"testing"
	"time"

	"github.com/samba-web/samba/model/randomweights"

	gpumachine "github.com/samba-web/samba/model/machine/gpu"
)

// Every kind of model passes its trial on a device that computes right, and
// needs no kernel for it that it does not need anyway.
func TestTrial(t *testing.T) {
	device := testDevice(t)
	for _, bits := range []string{"tiny?bits=4", "tiny?bits=8", "tiny?bits=16", "tiny-transformer?bits=4"} {
		src, err := randomweights.Open("random:" + bits)
		if err != nil {
			t.Fatal(err)
		}
		m := loadTest(t, src, Options{Device: device, Chunk: 64, HalfKeys: true})
		s := newSession(t, m)
		s.EveryLayer(true) // as the trial does
		if err := s.Prefill(context.Background(), make([]uint32, 64), nil); err != nil {
			t.Fatal(err)
		}
		kernels, began := device.Kernels(), time.Now()
		if err := m.recovery.Engine.(*gpumachine.Engine).Try(context.Background()); err != nil {
			t.Errorf("%s: %v", bits, err)
		}
		t.Logf("%s: %v", bits, time.Since(began))
		if n := device.Kernels() - kernels; n > 0 {
			t.Errorf("%s: the trial needed %d kernels more", bits, n)
		}
	}
}

// So does every published family's; with -short one's, by the seed.
func TestTrialPublished(t *testing.T) {
	folders := []string{"granite_a", "falcon_h1_a", "lfm2_a", "phi4flash_a", "jamba_mlx4", "nemotron_h_a"}
	if testing.Short() {
		n := testRandom(t).IntN(len(folders))
		folders = folders[n : n+1]
	}
	for _, name := range folders {
		loadTest(t, disk(publishedFolders+"/"+name), Options{Device: testDevice(t), Chunk: 64, Try: true, HalfKeys: true})
	}
}
