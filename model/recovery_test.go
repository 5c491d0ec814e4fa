package model

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/model/machine"
	"github.com/samba-web/samba/model/schedule"
	"github.com/samba-web/samba/model/tokenizer"
)

// flaky is an engine whose device is lost at the n-th call of any of its runs.
type flaky struct {
	machine.Engine
	calls, loseAt int
	lost          bool
}

func (f *flaky) call() error {
	if f.calls++; f.calls == f.loseAt {
		f.lost = true
	}
	if f.lost {
		return fmt.Errorf("%w: by the test", gpu.ErrLost)
	}
	return nil
}

func (f *flaky) NewRun() (machine.Run, error) {
	r, err := f.Engine.NewRun()
	return &flakyRun{r, f}, err
}

func (f *flaky) Close() {} // the weights are used again

type flakyRun struct {
	machine.Run
	on *flaky
}

func (r *flakyRun) Reset() error { return try(r.on, r.Run.Reset) }
func (r *flakyRun) Begin(d machine.Drawing) error {
	return try(r.on, func() error { return r.Run.Begin(d) })
}
func (r *flakyRun) Absorb(ctx context.Context, ids []uint32) error {
	return try(r.on, func() error { return r.Run.Absorb(ctx, ids) })
}

func (r *flakyRun) Launch(ctx context.Context, first bool, allowed []uint32) (f machine.Flight, err error) {
	err = try(r.on, func() error { f, err = r.Run.Launch(ctx, first, allowed); return err })
	return &flakyFlight{f, r.on}, err
}

func (r *flakyRun) LaunchGuessed(ctx context.Context, g machine.Guesses) (f machine.Flight, err error) {
	err = try(r.on, func() error { f, err = r.Run.LaunchGuessed(ctx, g); return err })
	return &flakyFlight{f, r.on}, err
}

func (f *flakyFlight) Rewind(ctx context.Context, absorbed []uint32) error {
	return try(f.on, func() error { return f.Flight.Rewind(ctx, absorbed) })
}

func (r *flakyRun) Mark() (b machine.Bookmark, err error) {
	err = try(r.on, func() error { b, err = r.Run.Mark(); return err })
	return &flakyBookmark{b, r.on}, err
}

func (r *flakyRun) AbsorbScores(ctx context.Context, ids, next []uint32) (s machine.Scores, err error) {
	err = try(r.on, func() error { s, err = r.Run.AbsorbScores(ctx, ids, next); return err })
	return &flakyScores{s, r.on}, err
}

func (r *flakyRun) AbsorbLogits(ctx context.Context, ids []uint32) (logits []float32, err error) {
	err = try(r.on, func() error { logits, err = r.Run.AbsorbLogits(ctx, ids); return err })
	return logits, err
}

func (r *flakyRun) Save(ctx context.Context, into gpu.Blob) error {
	return try(r.on, func() error { return r.Run.Save(ctx, into) })
}

func (r *flakyRun) Restore(ctx context.Context, state gpu.Blob, position int, tail []uint32) error {
	return try(r.on, func() error { return r.Run.Restore(ctx, state, position, tail) })
}

func (r *flakyRun) Fork() (other machine.Run, err error) {
	err = try(r.on, func() error { other, err = r.Run.Fork(); return err })
	return &flakyRun{other, r.on}, err
}

type flakyScores struct {
	machine.Scores
	on *flaky
}

func (s *flakyScores) Wait(ctx context.Context) (values []float32, err error) {
	err = try(s.on, func() error { values, err = s.Scores.Wait(ctx); return err })
	return values, err
}

type flakyFlight struct {
	machine.Flight
	on *flaky
}

func (f *flakyFlight) Wait(ctx context.Context) (draws []machine.Draw, err error) {
	err = try(f.on, func() error { draws, err = f.Flight.Wait(ctx); return err })
	return draws, err
}

type flakyBookmark struct {
	machine.Bookmark
	on *flaky
}

func (b *flakyBookmark) Recall() error { return try(b.on, b.Bookmark.Recall) }

func try(on *flaky, f func() error) error {
	if err := on.call(); err != nil {
		return err
	}
	return f()
}

// Lost at any call there is, an engine that comes back gives the answer of an
// undisturbed run, and leaves its state. (What a real loss looks like
// TestLostDevice sees, in browsers.)
func TestLostAtAnyCall(t *testing.T) {
	if testing.Short() {
		t.Skip("left out by -short")
	}
	var prompt []uint32
	for _, b := range []byte("what is lost is found again, and goes on") {
		prompt = append(prompt, uint32(b))
	}
	sampling := Sampling{Temperature: 0.9, TopP: 0.9, RepetitionPenalty: 1.1, FrequencyPenalty: 0.5, PresencePenalty: 0.2, Seed: 5}
	for _, place := range []string{"cpu", "gpu"} {
		for _, choices := range []int{1, 2} {
			t.Run(fmt.Sprintf("%s, %d answers", place, choices), func(t *testing.T) {
				o := Options{Chunk: 16}
				if place == "gpu" {
					o.Device = testDevice(t)
				}
				m := talker(t, testRandom(t), o)
				if choices == 2 { // with guesses
					m.pay.Always, sampling.Guesses = true, machine.MostGuesses
				}
				// talk answers twice and says at which call the device was lost, if it was.
				talk := func(losses ...int) (said [3]string, f *flaky, renewed int) {
					defer lose(m, &f, &renewed, losses...)()
					s := newSession(t, m)
					var b [2]strings.Builder
					_, err := s.Generate(context.Background(), Request{Prompt: prompt, MaxTokens: 21, Sampling: sampling, Choices: choices, PastEnd: true},
						func(c Chunk) error { b[c.Choice].WriteString(c.Text); return nil })
					if err != nil {
						t.Fatalf("lost at calls %d: %v", losses, err)
					}
					next := append(append([]uint32{}, s.past.Tail...), 'x', 'y')
					said[2], _ = generate(t, s, Request{Prompt: next, MaxTokens: 5, Sampling: sampling, PastEnd: true})
					said[0], said[1] = b[0].String(), b[1].String()
					return said, f, renewed
				}
				want, f, _ := talk()
				stride := 1
				if place == "gpu" {
					stride = 4 // for time's sake; flights of several steps are all that differs
				}
				for at := 1; at <= f.calls; at += stride {
					again := 0
					if at%3 == 0 {
						again = 1 + at%7 // a second time, soon after
					}
					got, here, renewed := talk(at, again)
					if got != want {
						t.Fatalf("lost at call %d of %d, then at %d: %q, undisturbed %q", at, f.calls, again, got, want)
					}
					if renewed == 0 && here.calls >= at { // on a GPU how many there are depends on the time that flights take
						t.Fatalf("call %d of %d was not lost", at, here.calls)
					}
				}
			})
		}
	}
}

// Lost while a state is saved, restored or forked, or while the way to it is
// begun again, an engine that comes back goes on with the same tokens, and what
// was saved is the same file. What is kept for that does not grow.
func TestLostState(t *testing.T) {
	if testing.Short() {
		t.Skip("left out by -short")
	}
	limits := schedule.ReplayLimits{Chunks: 9, Tokens: 50}
	sampling := Sampling{Temperature: 0.9, RepetitionPenalty: 1.2, FrequencyPenalty: 0.5, Seed: 5}
	for _, place := range []string{"cpu", "gpu"} {
		t.Run(place, func(t *testing.T) {
			o, stride := Options{Chunk: 16}, 3 // for time's sake: other calls in other runs
			if place == "gpu" {
				o.Device, stride = testDevice(t), 9
			}
			random := testRandom(t)
			m := talker(t, random, o)
			talk := func(losses ...int) (said []string, f *flaky) {
				renewed := 0
				defer lose(m, &f, &renewed, losses...)()
				m.recovery.Limits = limits
				s := newSession(t, m)
				say := func(s *Session, prompt string, n, choices int) string {
					var b strings.Builder
					_, err := s.Generate(context.Background(), Request{Text: tokenizer.Prompt(prompt), MaxTokens: n, Sampling: sampling, Choices: choices, PastEnd: true},
						func(c Chunk) error { b.WriteString(c.Text); return nil })
					if err != nil {
						t.Fatalf("lost at calls %d: %v", losses, err)
					}
					r, ok := s.run.(interface{ Logged() (chunks, tokens int) })
					if chunks, tokens := r.Logged(); !ok || chunks > limits.Chunks+2*machine.MaxSteps || tokens > limits.Tokens+16+2*machine.MaxSteps {
						t.Fatalf("lost at calls %d: what is kept has grown: %d chunks", losses, chunks)
					}
					return b.String()
				}
				first := strings.Repeat("lost and found; ", 3)
				said = append(said, say(s, first, 21, 2))
				blob := save(t, s)
				said = append(said, string(blob.Bytes(0, blob.Len())), say(s, first+"and", 7, 1))
				restore(t, s, blob)
				fork, err := s.Fork()
				if err != nil {
					t.Fatalf("lost at calls %d: %v", losses, err)
				}
				defer fork.Close()
				said = append(said, say(fork, first+"or", 12, 1), say(s, first+"or", 12, 1))
				return said, f
			}
			want, f := talk()
			if want[3] != want[4] {
				t.Errorf("the fork says %q, want %q", want[3], want[4])
			}
			for at := 1 + random.IntN(stride); at <= f.calls; at += stride {
				again := 0
				if at%2 == 0 {
					again = 1 + at%7 // a second time, soon after
				}
				got, _ := talk(at, again)
				for i := range want {
					if got[i] != want[i] {
						t.Fatalf("lost at call %d of %d, then at %d: part %d is %.100q, undisturbed %.100q", at, f.calls, again, i, got[i], want[i])
					}
				}
			}
		})
	}
}

// lose puts a flaky engine in place of the model's, and one after the other in
// place of those that are lost, each at its call; the last ones are not.
func lose(m *Model, f **flaky, renewed *int, at ...int) (restore func()) {
	kept := m.recovery
	next := func() *flaky {
		fresh := &flaky{Engine: kept.Engine}
		if len(at) > 0 {
			fresh.loseAt, at = at[0], at[1:]
		}
		*f = fresh
		return fresh
	}
	m.recovery = fresh(kept)
	m.recovery.Engine = next()
	m.recovery.Renew = func(context.Context) (machine.Engine, error) { *renewed++; return next(), nil }
	return func() { m.recovery = kept }
}

// fresh is a recovery that has recovered from nothing, and does not.
func fresh(like *schedule.Recovery) *schedule.Recovery {
	return &schedule.Recovery{Engine: like.Engine, Vocab: like.Vocab, StateBytes: like.StateBytes, Limits: like.Limits}
}

// Scores and logits outlive a device, too.
func TestLostScores(t *testing.T) {
	m := talker(t, testRandom(t), Options{Chunk: 16})
	ids := randomIDs(testRandom(t), 90, 256)
	var f *flaky
	var renewed int
	read := func(losses ...int) (all []float32) {
		defer lose(m, &f, &renewed, losses...)()
		s := newSession(t, m)
		if err := s.Score(context.Background(), ids, func(part []float32) error { all = append(all, part...); return nil }); err != nil {
			t.Fatalf("lost at calls %d: %v", losses, err)
		}
		return append(all, logitsOf(t, s, ids[:40], 16)...)
	}
	want := read()
	for at := range f.calls {
		if got := read(at + 1); !slices.Equal(got, want) {
			t.Fatalf("lost at call %d: other scores or logits", at+1)
		}
	}
}

// The third loss within a minute is the last.
func TestLostTooOften(t *testing.T) {
	m := talker(t, testRandom(t), Options{})
	var f *flaky
	var renewed int
	defer lose(m, &f, &renewed, 9, 12, 30)()
	s := newSession(t, m)
	r := Request{Prompt: []uint32{1, 2, 3}, MaxTokens: 200, PastEnd: true}
	for range 2 {
		_, err := s.Generate(context.Background(), r, func(Chunk) error { return nil })
		if !errors.Is(err, gpu.ErrLost) || !strings.Contains(err.Error(), "third time within a minute") || renewed != 2 {
			t.Errorf("%v after %d new devices, want a sentence on the third loss after 2", err, renewed)
		}
	}
}
