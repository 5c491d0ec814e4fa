package measure

import (
	"context"
	"errors"
	"math"
	"testing"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/model"
	"github.com/samba-web/samba/model/folder"
)

// eachMachine loads the model in plain Go and, where there is one, on a device.
func eachMachine(t *testing.T, f func(t *testing.T, load func(folder.Source, model.Options) *model.Model)) {
	load := func(t *testing.T, src folder.Source, o model.Options) *model.Model {
		t.Helper()
		m, err := model.Load(context.Background(), src, o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(m.Close)
		return m
	}
	t.Run("CPU", func(t *testing.T) {
		f(t, func(src folder.Source, o model.Options) *model.Model { return load(t, src, o) })
	})
	t.Run("GPU", func(t *testing.T) {
		device, err := gpu.Open(context.Background())
		if errors.Is(err, gpu.ErrNoAdapter) {
			t.Skipf("needs a WebGPU adapter: %v", err)
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(device.Close)
		f(t, func(src folder.Source, o model.Options) *model.Model { o.Device = device; return load(t, src, o) })
	})
}

func newSession(t *testing.T, m *model.Model) *model.Session {
	t.Helper()
	s, err := m.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// logits are all tokens', in chunks of 7.
func logits(t *testing.T, m *model.Model, ids []uint32) (all []float32) {
	t.Helper()
	err := newSession(t, m).Logits(context.Background(), ids, 7, func(rows []float32) error { all = append(all, rows...); return nil })
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// worst is the largest difference.
func worst(got, want []float32) (most float64) {
	if len(got) != len(want) {
		return math.Inf(1)
	}
	for i := range got {
		d := math.Abs(float64(got[i]) - float64(want[i]))
		if math.IsNaN(d) {
			return math.Inf(1)
		}
		most = max(most, d)
	}
	return most
}
