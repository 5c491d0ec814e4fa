package schedule

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/model/machine"
)

// A copy of the state waits until the one before has paid off.
func TestCopiesTakeAHundredth(t *testing.T) {
	long := func(chunks int, from *copied) bool {
		w := replayLog{from: from, chunks: make([]uint16, chunks), tokens: make([]uint32, chunks)}
		return w.long(DefaultLimits)
	}
	before := func(ago, took time.Duration) *copied { return &copied{made: time.Now().Add(-ago), took: took} }
	for _, c := range []struct {
		what   string
		chunks int
		from   *copied
		want   bool
	}{
		{"a short way from nothing", DefaultLimits.Chunks - 1, nil, false},
		{"a long way from nothing", DefaultLimits.Chunks, nil, true},
		{"a long way from a state that was restored", DefaultLimits.Chunks, &copied{}, true},
		{"99 times what the copy took", DefaultLimits.Chunks, before(99*time.Minute, time.Minute), false},
		{"100 times", DefaultLimits.Chunks, before(100*time.Minute, time.Minute), true},
		{"100 times, but a short way", DefaultLimits.Chunks - 1, before(100*time.Minute, time.Minute), false},
	} {
		if got := long(c.chunks, c.from); got != c.want {
			t.Errorf("%s: begun again: %v, want %v", c.what, got, c.want)
		}
	}
}

// still is a run that does nothing.
type still struct{ machine.Run }

func (still) Depth() int { return 1 }

// Flights land before the log is begun again, and only then: full attention, which has no copies, goes on running ahead.
func TestLandingBeforeACopy(t *testing.T) {
	for _, c := range []struct {
		what  string
		state int64
		from  *copied
		lands bool
	}{
		{"a window", 1000, nil, true},
		{"a window, the copy before has not paid off", 1000, &copied{made: time.Now(), took: time.Hour}, false},
		{"full attention", 0, nil, false},
	} {
		recovery := &Recovery{StateBytes: c.state, Limits: DefaultLimits}
		r := &recoveringRun{inner: still{}, recovery: recovery, ahead: []*recoveringFlight{nil}, log: replayLog{from: c.from, chunks: make([]uint16, DefaultLimits.Chunks)}}
		if got := r.Depth() == 0; got != c.lands {
			t.Errorf("%s: flights land: %v, want %v", c.what, got, c.lands)
		}
	}
}

// full is a run whose machine has no room for more positions.
type full struct{ machine.Run }

func (full) Restore(context.Context, gpu.Blob, int, []uint32) error {
	return fmt.Errorf("%w: it is full", machine.ErrNoRoom)
}

func (full) Save(context.Context, gpu.Blob) error { return nil }

// The log tells how to come to the state that there is: a state that found no room has not taken its place, and one that
// grows is not copied for each saving.
func TestLogOfGrowingStates(t *testing.T) {
	for bytes, kept := range map[int64]int{0: 3, 8: 0} {
		r := &recoveringRun{inner: full{}, recovery: &Recovery{StateBytes: bytes}}
		r.note(1, 2, 3)
		err := r.Restore(context.Background(), gpu.NewBlob(8), 9, nil)
		if chunks, tokens := r.Logged(); !errors.Is(err, machine.ErrNoRoom) || chunks != 1 || tokens != 3 || r.log.from != nil {
			t.Errorf("no room: %v, and the log has %d chunks, %d tokens, from %v", err, chunks, tokens, r.log.from)
		}
		if err := r.Save(context.Background(), gpu.NewBlob(8)); err != nil {
			t.Fatal(err)
		}
		if _, tokens := r.Logged(); tokens != kept || (r.log.from != nil) != (bytes > 0) {
			t.Errorf("saved, of %d bytes: the log has %d tokens from %v, want %d", bytes, tokens, r.log.from, kept)
		}
	}
}
