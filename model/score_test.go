package model

import (
	"context"
	"errors"
	"math"
	"testing"
)

func scoresOf(t *testing.T, s *Session, ids []uint32) (out []float32) {
	t.Helper()
	err := s.Score(t.Context(), ids, func(logprobs []float32) error {
		out = append(out, logprobs...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Scores are what the logits say, on the reference path and on the GPU, across chunks and the window's edge.
func TestScore(t *testing.T) {
	random := testRandom(t)
	c := samba()
	src := randomModel(t, random, c, 32)
	ids := randomIDs(random, 150, c.VocabSize)
	onCPU := loadTest(t, src, Options{Chunk: 16})
	logits := allLogits(t, onCPU, ids, 0)
	want := make([]float32, len(ids)-1)
	for i := range want {
		row, sum := logits[i*c.VocabSize:(i+1)*c.VocabSize], 0.0
		for _, l := range row {
			sum += math.Exp(float64(l))
		}
		want[i] = float32(float64(row[ids[i+1]]) - math.Log(sum))
	}
	check := func(t *testing.T, m *Model, tolerance float64) {
		s := newSession(t, m)
		for _, n := range []int{len(ids), 2, 17, 18} { // also a chunk that is just full
			if err := s.Reset(); err != nil {
				t.Fatal(err)
			}
			if d := worst(scoresOf(t, s, ids[:n]), want[:n-1]); d > tolerance {
				t.Errorf("%d ids: log probabilities off by %g, want at most %g", n, d, tolerance)
			}
			if s.Position() != n-1 {
				t.Errorf("%d ids: position %d, want %d", n, s.Position(), n-1)
			}
		}
		// A client that has enough, and one that cancels, leave a session that goes on.
		enough := errors.New("enough")
		if err := s.Score(t.Context(), ids, func([]float32) error { return enough }); !errors.Is(err, enough) {
			t.Errorf("enough: %v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		if err := s.Score(ctx, ids, func([]float32) error { cancel(); return nil }); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
		if err := s.Reset(); err != nil {
			t.Fatal(err)
		}
		if d := worst(scoresOf(t, s, ids), want); d > tolerance {
			t.Errorf("after a cancel: log probabilities off by %g", d)
		}
	}
	t.Run("cpu", func(t *testing.T) { check(t, onCPU, 1e-4) })
	t.Run("gpu", func(t *testing.T) { check(t, loadTest(t, src, Options{Chunk: 16, Device: testDevice(t)}), 1e-3) })
}
