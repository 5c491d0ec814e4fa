package model

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/model/progress"
)

// fragile is a model whose device the test can destroy, as a crash of the GPU
// process would; it counts the devices.
type fragile struct {
	*Model
	device *gpu.Device
	opened int
	load   func() // during each load but the first
}

func (f *fragile) open(ctx context.Context) (*gpu.Device, error) {
	f.opened++
	device, err := gpu.Open(ctx)
	f.device = device
	return device, err
}

// Destroying a device is told a moment later, as a loss is.
func (f *fragile) destroy() {
	f.device.Close()
	time.Sleep(5 * time.Millisecond)
}

func fragileTalker(t *testing.T) *fragile {
	t.Helper()
	f := &fragile{device: testDevice(t), load: func() {}}
	loads := 0
	f.Model = talker(t, testRandom(t), Options{Device: f.device, Chunk: 16, Reopen: f.open, OnProgress: func(p progress.Progress) {
		if p.Phase == progress.PhaseDownload && p.Shard == 1 {
			if loads++; loads > 1 {
				f.load()
			}
		}
	}})
	t.Cleanup(func() { f.device.Close() })
	return f
}

// Whatever moment the device is lost in (TestLostAtAnyCall has the others), the
// answer is the one of an undisturbed run, and so is the next one.
func TestLostDevice(t *testing.T) {
	f := fragileTalker(t)
	prompt := make([]uint32, 75)
	for i := range prompt {
		prompt[i] = uint32('a' + i*7%26)
	}
	penalised := Sampling{Temperature: 0.9, TopP: 0.9, RepetitionPenalty: 1.1, FrequencyPenalty: 0.5, PresencePenalty: 0.2, Seed: 5}
	talk := func(t *testing.T, choices int, onPrefill func(done int), onToken func(n int), onState func(n int)) []string {
		t.Helper()
		s := newSession(t, f.Model)
		var said [2]strings.Builder
		n := 0
		r := Request{Prompt: prompt, MaxTokens: 40, Sampling: penalised, Choices: choices, OnPrefill: func(done, _ int) { onPrefill(done) }, PastEnd: true}
		result, err := s.Generate(context.Background(), r, func(c Chunk) error {
			said[c.Choice].WriteString(c.Text)
			n++
			onToken(n)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		// The state is saved and restored, the device there or not, or gone in the middle of it.
		onState(1)
		blob := save(t, s)
		onState(2)
		restore(t, s, blob)
		onState(3)
		if again := save(t, s); !slices.Equal(again.Bytes(0, again.Len()), blob.Bytes(0, blob.Len())) {
			t.Error("another state when saved again")
		}
		// The next turn goes on from the state that the first one left.
		next := append(append(append([]uint32{}, prompt...), s.past.Tail[len(prompt):]...), 'x', 'y', 'z')
		second, turn := generate(t, s, Request{Prompt: next, MaxTokens: 12, Sampling: penalised, PastEnd: true})
		if result.CompletionTokens != 40*choices || turn.PrefilledTokens > 4 {
			t.Errorf("%d tokens, then %d absorbed for the next turn", result.CompletionTokens, turn.PrefilledTokens)
		}
		return []string{said[0].String(), said[1].String(), second}
	}
	never := func(int) {}
	at := func(when int) func(int) {
		return func(n int) {
			if n == when {
				f.destroy()
			}
		}
	}
	undisturbed := map[int][]string{} // by choices
	for name, test := range map[string]struct {
		choices                     int
		onPrefill, onToken, onState func(int)
		load                        func()
		devices                     int
	}{
		"prefill":            {1, at(48), never, never, nil, 1},
		"decode":             {2, never, at(57), never, nil, 1},
		"load, after a loss": {1, never, at(9), never, f.destroy, 2},
		"while saving, before restoring": {1, never, never, func(n int) {
			switch n {
			case 1:
				go f.destroy()
			case 2:
				f.destroy()
			}
		}, nil, 2},
	} {
		if undisturbed[test.choices] == nil {
			undisturbed[test.choices] = talk(t, test.choices, never, never, never)
		}
		want := undisturbed[test.choices]
		t.Run(name, func(t *testing.T) {
			f.Model.recovery.Forgive()
			f.opened, f.load = 0, func() {
				if test.load != nil && f.opened == 1 {
					test.load()
				}
			}
			got := talk(t, test.choices, test.onPrefill, test.onToken, test.onState)
			for i := range want {
				if got[i] != want[i] {
					t.Errorf("part %d is %q, undisturbed %q", i, got[i], want[i])
				}
			}
			if f.opened != test.devices {
				t.Errorf("%d devices were opened in the lost ones' place, want %d", f.opened, test.devices)
			}
		})
	}
}
