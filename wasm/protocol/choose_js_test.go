package protocol

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/cpu"
	"github.com/samba-web/samba/model/folder"
)

// racingHome has the browser's GPU and no model, and remembers under which keys.
type racingHome struct{ keys *[]string }

func (racingHome) Source(string) (folder.Source, error)            { return noModel{}, nil }
func (racingHome) Device(ctx context.Context) (*gpu.Device, error) { return gpu.Open(ctx) }
func (racingHome) Recall(context.Context, string) string           { return "" }
func (h racingHome) Remember(_ context.Context, key, _ string)     { *h.keys = append(*h.keys, key) }

type noModel struct{ folder.Source }

func (noModel) ReadFile(context.Context, string) ([]byte, error) { return nil, fs.ErrNotExist }
func (noModel) String() string                                   { return "no model" }

// The processor runs the race with as many threads as the model would have, and they are gone with it.
func TestRaceWithThreads(t *testing.T) {
	device, err := gpu.Open(t.Context())
	if errors.Is(err, gpu.ErrNoAdapter) {
		t.Skipf("needs a WebGPU adapter: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	about := device.Info()
	device.Close()
	if about.Name != "" && !about.Variant.CPU {
		t.Skipf("needs an adapter that is measured, not %s", about.Name)
	}
	var keys []string
	e := &Engine{Home: racingHome{&keys}}
	if _, err := e.load(t.Context(), 1, &Load{Backend: BackendAuto, Threads: 2}); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("no model: %v", err)
	}
	if len(keys) != 1 || !strings.Contains(keys[0], ", 2 threads") {
		t.Errorf("measured as %q, want once, with 2 threads", keys)
	}
	if about := cpu.About(); strings.Contains(about, "threads") {
		t.Errorf("%s are left when nothing is loaded", about)
	}
}
