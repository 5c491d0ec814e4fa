package model

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/samba-web/samba/model/randomweights"

	"github.com/samba-web/samba/model/config"
	"github.com/samba-web/samba/model/folder"
	"github.com/samba-web/samba/model/machine"
)

// eachMachine loads the model in plain Go and, where there is one, on a device.
func eachMachine(t *testing.T, f func(t *testing.T, load func(folder.Source, Options) *Model)) {
	t.Run("CPU", func(t *testing.T) {
		f(t, func(src folder.Source, o Options) *Model { return loadTest(t, src, o) })
	})
	t.Run("GPU", func(t *testing.T) {
		device := testDevice(t)
		f(t, func(src folder.Source, o Options) *Model { o.Device = device; return loadTest(t, src, o) })
	})
}

// A context that grows through several doublings is the same as one that had room from the start.
func TestFullAttentionGrows(t *testing.T) {
	random := testRandom(t)
	c := testConfig(config.FullAttention, config.Mamba, config.FullAttention)
	src := randomModel(t, random, c, 32)
	ids := randomIDs(random, 300, c.VocabSize)
	want := allLogits(t, loadTest(t, src, Options{Chunk: 100}), ids, 0)
	eachMachine(t, func(t *testing.T, load func(folder.Source, Options) *Model) {
		m := load(src, Options{Chunk: 16}) // room for 64 tokens at first
		s := newSession(t, m)
		before := s.StateBytes()
		got := logitsOf(t, s, ids[:50], 0)
		start, err := s.run.Mark()
		if err != nil {
			t.Fatal(err)
		}
		defer start.Free()
		got = append(got, logitsOf(t, s, ids[50:], 0)...)
		if d := worst(got, want); d > 1e-3 {
			t.Errorf("logits off by %g, want at most 1e-3", d)
		}
		if after, each := s.StateBytes(), int64(2*2*c.NumKVHeads*c.HeadDim*4); after-before != (512-64)*each {
			t.Errorf("the state went from %d to %d bytes, want 448 positions of %d more", before, after, each)
		}
		// A bookmark from before it grew still leads back.
		if err := start.Recall(); err != nil {
			t.Fatal(err)
		}
		s.past.Position = 50
		got = logitsOf(t, s, ids[50:], 0)
		if d := worst(got, want[50*c.VocabSize:]); d > 1e-3 {
			t.Errorf("logits off by %g after a recall, want at most 1e-3", d)
		}
		// Steps that run ahead cross two borders, and are the tokens of a run whose buffers had room.
		cold := Sampling{Temperature: 0, TopP: 1, RepetitionPenalty: 1}
		grown := sampleTokens(t, newSession(t, m), ids[:60], cold, 100)
		roomy := sampleTokens(t, newSession(t, load(src, Options{Chunk: 60})), ids[:60], cold, 100)
		if !slices.Equal(grown, roomy) && !closeCall(t, loadTest(t, src, Options{Chunk: 100}), ids[:60], grown, roomy) {
			t.Errorf("sampled %v, want %v", grown, roomy)
		}
	})
}

// closeCall tells whether two greedy runs part where two logits are as good as equal.
func closeCall(t *testing.T, m *Model, prompt, a, b []uint32) bool {
	i := 0
	for a[i] == b[i] {
		i++
	}
	rows := allLogits(t, m, append(slices.Clone(prompt), a[:i]...), 0)
	last := rows[len(rows)-m.Config().VocabSize:]
	d := last[a[i]] - last[b[i]]
	return max(d, -d) < 1e-3
}

// What has no room is refused in one sentence, and the conversation stands where it was.
func TestNoRoomToGrow(t *testing.T) {
	if runtime.GOOS == "js" {
		t.Skip("runs natively; how a browser is asked for room, TestHasRoom tests")
	}
	ctx := context.Background()
	eachMachine(t, func(t *testing.T, load func(folder.Source, Options) *Model) {
		src, err := randomweights.Open("random:tiny-transformer?bits=16")
		if err != nil {
			t.Fatal(err)
		}
		probe := &Model{chunk: 16}
		if probe.config, err = randomweights.Config("tiny-transformer"); err != nil {
			t.Fatal(err)
		}
		probe.weights = WeightBytes(probe.config, 16) + 1<<12
		each := int64(2 * 2 * 32 * 4)
		// There is room for 128 positions and a layer of 64 beside the first 64, not for 256.
		m := load(src, Options{Chunk: 16, Memory: probe.weights + probe.stateSize(nil) + (128+32+22)*each})
		s := newSession(t, m)
		ids := make([]uint32, 300)
		err = s.Prefill(ctx, ids, nil)
		if !errors.Is(err, machine.ErrNoRoom) || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "144 tokens") || !strings.HasSuffix(err.Error(), "stands where it was") {
			t.Fatalf("%v, want a sentence about 144 tokens", err)
		}
		t.Log(err)
		if s.Position() != 128 {
			t.Errorf("position %d, want 128", s.Position())
		}
		if err := s.Prefill(ctx, ids[:16], nil); !errors.Is(err, machine.ErrNoRoom) {
			t.Errorf("%v at the same place again", err)
		}
		// An answer ends at the border with what it has, and a shorter conversation goes on in the same session.
		tokens := 0
		request := Request{Prompt: ids[:100], MaxTokens: 200, PastEnd: true, Sampling: Sampling{Temperature: 1, TopP: 1, RepetitionPenalty: 1}}
		if _, err := s.Generate(ctx, request, func(c Chunk) error { tokens += c.Tokens; return nil }); !errors.Is(err, machine.ErrNoRoom) {
			t.Errorf("%v, want no room", err)
		}
		if s.Position() != 100+tokens-1 || tokens < 20 {
			t.Errorf("%d tokens came, and the state stands at %d", tokens, s.Position())
		}
		request.Prompt, request.MaxTokens = ids[:10], 5
		result, err := s.Generate(ctx, request, func(Chunk) error { return nil })
		if err != nil || result.CompletionTokens != 5 {
			t.Errorf("%d tokens, %v", result.CompletionTokens, err)
		}
	})
}
