package model

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
)

// Sessions that answer at the same time say what each says alone.
func TestPool(t *testing.T) {
	for _, place := range []string{"cpu", "gpu"} {
		t.Run(place, func(t *testing.T) {
			o := Options{Chunk: 16}
			if place == "gpu" {
				o.Device = testDevice(t)
			}
			m := talker(t, testRandom(t), o)
			request := func(i int) Request {
				prompt := m.tokenizer.Encode(fmt.Sprintf("%d: once upon a time there was a number", i), false)
				return Request{Prompt: prompt, MaxTokens: 5 + i, Sampling: Sampling{Temperature: 12, Seed: uint64(i)}}
			}
			alone := newSession(t, m)
			var want [5]string
			for i := range want {
				want[i], _ = generate(t, alone, request(i))
			}
			p, err := m.NewPool(3)
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			var all sync.WaitGroup
			for i := range want {
				all.Go(func() {
					s, err := p.NewSession()
					if err != nil {
						t.Error(err)
						return
					}
					defer p.Do(context.Background(), func() error { s.Close(); return nil })
					for range 2 {
						var b strings.Builder
						_, err := p.Generate(context.Background(), s, request(i), func(c Chunk) error { b.WriteString(c.Text); return nil })
						if err != nil || b.String() != want[i] {
							t.Errorf("conversation %d says %q (%v), alone %q", i, b.String(), err, want[i])
						}
					}
				})
			}
			all.Wait()
		})
	}
}

// A closed pool and a cancelled wait answer at once; a number of slots that makes no sense is refused.
func TestPoolEnds(t *testing.T) {
	m := talker(t, testRandom(t), Options{})
	for _, slots := range []int{-1, 0, MaxSlots + 1} {
		if _, err := m.NewPool(slots); err == nil {
			t.Errorf("a pool of %d slots", slots)
		}
	}
	p, err := m.NewPool(2)
	if err != nil {
		t.Fatal(err)
	}
	s, err := p.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	request := Request{Prompt: []uint32{'a'}, MaxTokens: 3, Sampling: hot}
	emit := func(Chunk) error { return nil }
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	err = p.Do(context.Background(), func() error {
		result, err := p.Generate(cancelled, s, request, emit)
		if err != nil || result.FinishReason != FinishCancelled {
			t.Errorf("cancelled while it waited: %+v, %v", result, err)
		}
		if err := p.Do(cancelled, func() error { return nil }); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled while it waited: %v", err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	p.Close()
	if _, err := p.Generate(context.Background(), s, request, emit); !errors.Is(err, errPoolClosed) {
		t.Errorf("after Close: %v", err)
	}
	if _, err := p.NewSession(); !errors.Is(err, errPoolClosed) {
		t.Errorf("after Close: %v", err)
	}
	s.Close()
}
