package bench

import (
	"bytes"
	"encoding/xml"
	"math"
	"strings"
	"testing"

	"github.com/samba-web/samba/model/measure"
)

func race() *Race {
	r := &Race{LongAbout: LongAbout{Commit: "c", Date: "2026-01-02 03:04 UTC", Backend: "native", Adapter: "a GPU", Complete: true}}
	r.Runners = []*Runner{{Name: "Samba", Model: "s", Parameters: 1234567}, {Name: "Transformer", Model: "t", Parameters: 1234000, Ended: "no room"}}
	for _, lap := range []struct {
		tokens        int
		samba, twin   float64
		ops, twinOps  int64
		state, growth int64
	}{{1024, 0.5, 1, 100, 150, 1e6, 2e6}, {4096, 2, 8, 400, 1000, 1e6, 8e6}} {
		r.Runners[0].Lap(measure.Lap{Tokens: lap.tokens, Seconds: lap.samba, Counted: measure.Cost{Ops: lap.ops, Bytes: 10}, Memory: measure.Memory{State: lap.state}}, 1)
		r.Runners[1].Lap(measure.Lap{Tokens: lap.tokens, Seconds: lap.twin, Counted: measure.Cost{Ops: lap.twinOps, Bytes: 40}, Memory: measure.Memory{State: lap.growth}}, 1)
	}
	return r
}

func TestRaceByHand(t *testing.T) {
	r := race()
	if measured, counted := r.ratios(1); measured != 4 || counted != 2.5 {
		t.Errorf("ratios %v and %v, want 4 and 2.5", measured, counted)
	}
	if got := r.Runners[0].PerSecond[1]; got != 2048 {
		t.Errorf("%v tokens a second, want 2048", got)
	}
	r.Writing = true
	if _, counted := r.ratios(0); counted != 4 {
		t.Errorf("counted ratio of writing %v, want the bytes' 4", counted)
	}
	r.Writing = false
	r.Runners[1].Laps = r.Runners[1].Laps[:1]
	var out bytes.Buffer
	if err := r.Write(&out); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"1,234,567 parameters", "1024 2048.0 1024.0 2048.0 1024.0 2.00 1.50 1 MB 2 MB", "4096 2048.0 - 2048.0 - - - 1 MB -", "Transformer ended early: no room"} {
		if !strings.Contains(strings.Join(strings.Fields(out.String()), " "), line) {
			t.Errorf("the table lacks %q:\n%s", line, &out)
		}
	}
}

// soak has 30 laps of 100 tokens at 1 ms, and what change makes of the later ones.
func soak(change func(i int, lap *measure.Lap)) *Soak {
	s := &Soak{LongAbout: race().LongAbout, Runner: Runner{Model: "m", Window: 1000}, Prompt: 10, Every: 100}
	seconds := 0.0
	for i := range 30 {
		lap := measure.Lap{Tokens: 100 * (i + 1), Seconds: 0.1, Memory: measure.Memory{State: 1e6, GPU: 5e6, Heap: 10e6, JS: 2e6}}
		change(i, &lap)
		seconds += lap.Seconds
		lap.Seconds = seconds
		s.Lap(lap, 1)
	}
	s.Conclude()
	return s
}

func TestVerdicts(t *testing.T) {
	for _, test := range []struct {
		name         string
		change       func(i int, lap *measure.Lap)
		time, memory bool
	}{
		{"flat", func(int, *measure.Lap) {}, true, true},
		{"slow until the window is full", func(i int, lap *measure.Lap) {
			if i < 10 {
				lap.Seconds = 0.02
			}
		}, true, true},
		{"one slow lap", func(i int, lap *measure.Lap) {
			if i == 25 {
				lap.Seconds = 5
			}
		}, true, true},
		{"a copy of the state comes after 4,096 steps", func(i int, lap *measure.Lap) {
			lap.Tokens *= 10
			if i > 3 {
				lap.Memory.Heap += 8e6
			}
		}, true, true},
		{"slower and slower", func(i int, lap *measure.Lap) { lap.Seconds = 0.1 + 0.001*float64(i) }, false, true},
		{"4 % slower", func(i int, lap *measure.Lap) {
			if i > 20 {
				lap.Seconds = 0.104
			}
		}, true, true},
		{"a buffer leaks", func(i int, lap *measure.Lap) {
			if i == 29 {
				lap.Memory.GPU += 4
			}
		}, true, false},
		{"the heap leaks", func(i int, lap *measure.Lap) { lap.Memory.Heap += int64(i) * 50_000 }, true, false},
		{"collected now and then", func(i int, lap *measure.Lap) { lap.Memory.JS += int64(i%4) * 1_000_000 }, true, true},
	} {
		s := soak(test.change)
		if v := s.Verdict; !v.Known || v.FlatTime != test.time || v.Flat != test.memory {
			t.Errorf("%s: %+v, want time %v, memory %v", test.name, v, test.time, test.memory)
		}
		var out bytes.Buffer
		if err := s.Write(&out); err != nil || strings.Contains(out.String(), "NOT") == (test.time && test.memory) {
			t.Errorf("%s: %v\n%s", test.name, err, &out)
		}
	}
	short := soak(func(int, *measure.Lap) {})
	short.Laps = short.Laps[:9]
	if short.Conclude(); short.Verdict.Known {
		t.Errorf("%+v of laps that do not fill the window", short.Verdict)
	}
}

func TestDrift(t *testing.T) {
	a, b := []float32{-2, 0, 8}, []float32{-2, 0.005, 8}
	if d := NewDrift(7, 250, a, b); !d.Within || math.Abs(d.Difference-0.005) > 1e-6 || d.Spread != 10 {
		t.Errorf("%+v, want 0.005 of 10 within", d)
	}
	for _, wrong := range []float32{0.02, float32(math.NaN()), float32(math.Inf(1))} {
		b[1] = wrong
		if d := NewDrift(7, 250, a, b); d.Within {
			t.Errorf("%+v within tolerance", d)
		}
	}
}

func TestLongPlots(t *testing.T) {
	empty := &Race{Runners: []*Runner{{Name: "Samba"}}}
	empty.Date = "today"
	for name, drawing := range map[string]string{"race": race().SVG(), "nothing": empty.SVG(), "soak": soak(func(int, *measure.Lap) {}).SVG()} {
		if err := xml.Unmarshal([]byte(drawing), new(struct{})); err != nil || strings.Contains(drawing, "NaN") || strings.Contains(drawing, "Inf") {
			t.Errorf("%s: %v\n%s", name, err, drawing)
		}
	}
}
