package main

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/tools/browser"
	"github.com/samba-web/samba/tools/convert"
	"github.com/samba-web/samba/tools/site"
)

// reference is the folder of the fixtures: checkpoints of the reference implementation, and its logits.
const reference = "../model/testdata/reference"

var fixtures = []string{"samba-mha", "samba-gqa"}

// fixtureFolder keeps converted fixtures for all tests of this package.
var fixtureFolder = sync.OnceValues(func() (string, error) { return os.MkdirTemp("", "samba-fixtures-") })

func TestMain(m *testing.M) {
	beSamba()
	status := m.Run()
	if folder, err := fixtureFolder(); err == nil {
		os.RemoveAll(folder)
	}
	os.Exit(status)
}

// readFixture reads a fixture's json.
func readFixture(t *testing.T, name string) (config json.RawMessage, ids []uint32) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(reference, name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var fixture struct {
		Config json.RawMessage `json:"config"`
		IDs    []uint32        `json:"ids"`
	}
	if err := json.Unmarshal(data, &fixture); err != nil {
		t.Fatal(err)
	}
	return fixture.Config, fixture.IDs
}

// convertFixture returns the folder of a fixture's model, in fp32.
func convertFixture(t *testing.T, name string) string {
	t.Helper()
	folder, err := fixtureFolder()
	if err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(folder, name)
	if _, err := os.Stat(to); err == nil {
		return to
	}
	config, _ := readFixture(t, name)
	shape := writeFile(t, filepath.Join(t.TempDir(), "config.json"), string(config))
	_, err = convert.Convert(t.Context(), convert.Options{From: filepath.Join(reference, name+".pth"), To: to, Config: shape, Bits: 32, Group: 64})
	if err != nil {
		t.Fatal(err)
	}
	return to
}

// needBackend skips, by name of what is missing, where a backend cannot run.
func needBackend(t *testing.T, backend string) {
	t.Helper()
	switch backend {
	case backendCPU:
	case backendNative:
		device, err := gpu.Open(t.Context())
		if errors.Is(err, gpu.ErrNoAdapter) {
			t.Skip(err)
		}
		if err != nil {
			t.Fatal(err)
		}
		device.Close()
	default:
		if testing.Short() {
			t.Skip("left out by -short: it starts a browser")
		}
		if _, err := browser.Find(backend, ""); err != nil {
			t.Skip(err)
		}
		if err := checkSite(site.FS); err != nil {
			t.Skipf("the site is not built: %v", err)
		}
	}
}

// TestFixtures holds every backend against the reference implementation's own logits, however the prompt is cut. The
// browsers' way through this command is the same for all: model's TestFixtures holds each fixture to them, in them.
func TestFixtures(t *testing.T) {
	for _, name := range fixtures {
		folder := convertFixture(t, name)
		_, list := readFixture(t, name)
		text, err := json.Marshal(list)
		if err != nil {
			t.Fatal(err)
		}
		ids := writeFile(t, filepath.Join(t.TempDir(), "ids.json"), string(text))
		want, err := os.ReadFile(filepath.Join(reference, name+".logits.f32"))
		if err != nil {
			t.Fatal(err)
		}
		for _, backend := range backends() {
			tolerance := 1e-3 // GPUs add in another order and round their exponentials differently
			if backend == backendCPU {
				tolerance = 1e-4 // plain Go accumulates wider than the reference does
			}
			chunks := []int{0, 7, 1}
			if backend == browser.Chromium || backend == browser.Firefox {
				if name != fixtures[0] {
					continue
				}
				chunks = []int{7}
			}
			for _, chunk := range chunks {
				t.Run(name+"/"+backend+"/chunk "+strconv.Itoa(chunk), func(t *testing.T) {
					needBackend(t, backend)
					out := filepath.Join(t.TempDir(), "logits.f32")
					stdout, _, err := samba(t, "logits", "--model", folder, "--ids", ids, "--backend", backend, "--chunk", strconv.Itoa(chunk), "--out", out)
					if err != nil {
						if strings.Contains(err.Error(), "adapter") && backend != backendNative {
							t.Skip(err)
						}
						t.Fatal(err)
					}
					if stdout != "" {
						t.Errorf("stdout: %s", stdout)
					}
					got, err := os.ReadFile(out)
					if err != nil {
						t.Fatal(err)
					}
					if difference := largestDifference(t, got, want); difference > tolerance {
						t.Errorf("largest difference of a logit: %g, want at most %g", difference, tolerance)
					} else {
						t.Logf("largest difference of a logit: %.2g", difference)
					}
				})
			}
		}
	}
}

// largestDifference compares little-endian fp32 values. A NaN is as different as can be.
func largestDifference(t *testing.T, got, want []byte) float64 {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d bytes of logits, want %d", len(got), len(want))
	}
	at := func(b []byte, i int) float64 { return float64(math.Float32frombits(binary.LittleEndian.Uint32(b[i:]))) }
	largest := 0.0
	for i := 0; i < len(want); i += 4 {
		difference := math.Abs(at(got, i) - at(want, i))
		if math.IsNaN(difference) {
			return math.Inf(1)
		}
		largest = max(largest, difference)
	}
	return largest
}

// Logits come from a folder of any family, as it was published, and from random weights.
func TestLogitsOfFamilies(t *testing.T) {
	const family = "../model/families/testdata/lfm2_a"
	want, err := os.ReadFile(filepath.Join(family, "logits.f32"))
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "logits.f32")
	if _, _, err := samba(t, "logits", "--model", family, "--ids", filepath.Join(family, "ids.json"), "--backend", backendCPU, "--out", out); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if difference := largestDifference(t, got, want); difference > 1e-4 {
		t.Errorf("largest difference of a logit: %g, want at most 1e-4", difference)
	}
	ids := writeFile(t, filepath.Join(t.TempDir(), "ids.json"), "[1, 2]")
	if _, _, err := samba(t, "logits", "--model", "random:lfm2-tiny", "--ids", ids, "--backend", backendCPU, "--out", out); err != nil {
		t.Error(err)
	}
}
