package measure

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"testing"

	"github.com/samba-web/samba/model/randomweights"

	"github.com/samba-web/samba/model"
	"github.com/samba-web/samba/model/folder"
)

func TestLongRun(t *testing.T) {
	if runtime.GOOS == "js" {
		t.Skip("runs natively; in a browser samba bench soak has a test of its own")
	}
	ctx := context.Background()
	eachMachine(t, func(t *testing.T, load func(folder.Source, model.Options) *model.Model) {
		src, err := randomweights.Open("random:tiny-transformer?bits=16")
		if err != nil {
			t.Fatal(err)
		}
		m := load(src, model.Options{Chunk: 16})
		var laps []Lap
		take := func(lap Lap) error { laps = append(laps, lap); return nil }
		if err := Long(ctx, m, LongOptions{Prompt: 150, Laps: []int{20, 100, 150}, Seed: 3}, take); err != nil {
			t.Fatal(err)
		}
		if len(laps) != 3 || laps[1].Tokens != 100 || laps[2].Memory.State <= laps[0].Memory.State || laps[2].Memory.Heap <= 0 {
			t.Errorf("%+v, want three, and a state that grew", laps)
		}
		for i := range 2 {
			if a, b := laps[i], laps[i+1]; a.Seconds <= 0 || b.Seconds <= a.Seconds || b.Counted.Ops <= a.Counted.Ops {
				t.Errorf("%+v, then %+v", a, b)
			}
		}
		// What was written is told, and so is what follows it.
		laps = nil
		if err := Long(ctx, m, LongOptions{Prompt: 10, Generate: 65, Laps: LapsEvery(25, 65), Trace: true}, take); err != nil {
			t.Fatal(err)
		}
		if len(laps) != 3 || laps[0].Tokens != 25 || laps[2].Tokens != 65 || len(laps[0].IDs) != 10+1+25 || len(laps[2].IDs) != 15 {
			t.Fatalf("%+v, want laps of 25, 25 and 15 tokens, the first with the prompt and a token more", laps)
		}
		ids := slices.Concat(laps[0].IDs, laps[1].IDs, laps[2].IDs)
		all := logits(t, m, ids)
		if d := worst(laps[2].Logits, all[len(all)-m.Config().VocabSize:]); d > 1e-4 {
			t.Errorf("the last logits are off by %g", d)
		}
		// Several together, behind a prompt of several chunks: the first writes what it writes alone.
		var wrote [2][]uint32
		for i, batch := range []int{1, 3} {
			laps = nil
			if err := Long(ctx, m, LongOptions{Prompt: 40, Generate: 20, Batch: batch, Laps: []int{5, 20}, Trace: true}, take); err != nil {
				t.Fatal(err)
			}
			wrote[i] = laps[0].IDs[:40+1+5] // of a batch, the others come to five when it is perhaps further
		}
		if !slices.Equal(wrote[0], wrote[1]) {
			t.Errorf("together it wrote %v, alone %v", wrote[1], wrote[0])
		}
		laps = nil
		if err := Long(ctx, m, LongOptions{Prompt: 4, Generate: 20, Batch: 3, Laps: []int{5, 20}}, take); err != nil {
			t.Fatal(err)
		}
		if len(laps) != 2 || laps[1].Tokens != 20 || laps[1].Seconds <= 0 || laps[1].Counted.State <= laps[0].Counted.State {
			t.Errorf("%+v of three sequences", laps)
		}
		if s := newSession(t, m); s.Profiler() != nil && laps[1].Memory.State <= 3*s.StateBytes() {
			t.Errorf("%d bytes of state: where three sequences are decoded together is not in it", laps[1].Memory.State)
		}
		stop, cancel := context.WithCancel(ctx)
		err = Long(stop, m, LongOptions{Prompt: 4, Generate: 1000, Laps: []int{5, 1000}}, func(Lap) error { cancel(); return nil })
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%v of a run that was cancelled", err)
		}
	})
}

func TestLapsEvery(t *testing.T) {
	for _, c := range []struct {
		tokens, total int
		want          []int
	}{{25, 65, []int{25, 50, 65}}, {25, 60, []int{25, 60}}, {25, 50, []int{25, 50}}, {25, 30, []int{30}}, {1, 2, []int{1, 2}}, {7, 3, []int{3}}} {
		if got := LapsEvery(c.tokens, c.total); !slices.Equal(got, c.want) {
			t.Errorf("laps of %d in %d: %v, want %v", c.tokens, c.total, got, c.want)
		}
	}
}

// What is counted up to a lap is the sum of the pieces before it, and grows evenly between.
func TestTally(t *testing.T) {
	asked := [][2]int{}
	got := tallied([]int{10, 30}, 35, func(from, to int) tally {
		asked = append(asked, [2]int{from, to})
		middle := (from + to) / 2
		return tally{{middle, Cost{1, 10, 100}}, {to, Cost{2, 20, 200}}}
	})
	if want := [][2]int{{0, 10}, {10, 30}, {30, 35}}; !slices.Equal(asked, want) {
		t.Errorf("counted %v, want %v", asked, want)
	}
	for tokens, want := range map[int]Cost{0: {}, 5: {1, 10, 100}, 10: {3, 30, 300}, 15: {3, 35, 350}, 20: {4, 40, 400}, 25: {5, 50, 500}, 35: {9, 90, 900}, 50: {9, 90, 900}} {
		if c := got.upTo(tokens); c != want {
			t.Errorf("up to %d: %+v, want %+v", tokens, c, want)
		}
	}
}
