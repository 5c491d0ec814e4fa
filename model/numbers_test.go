package model

import (
	"context"
	"errors"
	"math"
	"testing"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/model/machine"
)

// harm makes NaN of what a run knows of its past.
func (s *Session) harm(t *testing.T) {
	t.Helper()
	values := make([]float32, s.model.config.StateValues())
	for i := range values {
		values[i] = float32(math.NaN())
	}
	if err := s.run.Restore(context.Background(), gpu.BlobOf(machine.FloatBytes(values)), s.past.Position, s.past.Tail); err != nil {
		t.Fatal(err)
	}
}

// A state that holds no numbers ends its answer with a sentence, and not with tokens; the others' answers go on.
func TestNoNumbers(t *testing.T) {
	machines(t, func(t *testing.T, o Options) {
		m := talker(t, testRandom(t), o)
		request := Request{Prompt: []uint32{1, 2, 3}, MaxTokens: 20, PastEnd: true, Sampling: Sampling{Temperature: 1}}
		tokens := 0
		count := func(Chunk) error { tokens++; return nil }
		s := newSession(t, m)
		generate(t, s, request)
		s.harm(t)
		request.Prompt = append(append([]uint32{}, s.past.Tail...), 5, 6)
		if _, err := s.Generate(context.Background(), request, count); !errors.Is(err, ErrNoNumbers) || tokens > 0 {
			t.Errorf("alone: %d tokens, %v", tokens, err)
		}
		if _, err := s.Generate(context.Background(), Request{Prompt: []uint32{9}, MaxTokens: 3, PastEnd: true}, count); err != nil || tokens != 3 {
			t.Errorf("begun again: %d tokens, %v", tokens, err)
		}
		p := newPool(t, m, 2)
		var sessions [2]*Session
		errs := make(chan error, 2)
		for i := range sessions {
			var err error
			if sessions[i], err = p.NewSession(); err != nil {
				t.Fatal(err)
			}
			defer sessions[i].Close()
		}
		if err := p.Do(context.Background(), func() error { sessions[0].harm(t); return nil }); err != nil {
			t.Fatal(err)
		}
		for _, s := range sessions {
			go func() {
				// Appended: what begins with no text of the state would clear it.
				_, err := p.Generate(context.Background(), s, Request{Text: "ab", Append: true, MaxTokens: 20, PastEnd: true}, func(Chunk) error { return nil })
				errs <- err
			}()
		}
		failed := 0
		for range sessions {
			if err := <-errs; errors.Is(err, ErrNoNumbers) {
				failed++
			} else if err != nil {
				t.Error(err)
			}
		}
		if failed != 1 {
			t.Errorf("%d of 2 answers ended for want of numbers, want the harmed one", failed)
		}
	})
}
