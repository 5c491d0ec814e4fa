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

// brokenEngine's batch fails where a sequence takes its place, or gives it up, as it is told to.
type brokenEngine struct {
	machine.Engine
	join, leave func() error
}

func (e *brokenEngine) NewBatch(int) (machine.Batch, error) { return brokenBatch{e}, nil }
func (e *brokenEngine) NewRun() (machine.Run, error)        { return readRun{}, nil }

// readRun has read whatever it is given.
type readRun struct{ machine.Run }

func (readRun) Absorb(context.Context, []uint32) error { return nil }

type brokenBatch struct{ engine *brokenEngine }

func told(f func() error) error {
	if f == nil {
		return nil
	}
	return f()
}

func (b brokenBatch) Join(int, machine.Run, machine.Drawing, uint32, int) (int, error) {
	return 0, told(b.engine.join)
}
func (b brokenBatch) Leave(int, int) error { return told(b.engine.leave) }
func (b brokenBatch) Step(places []int, _ [][]uint32) (machine.BatchStep, error) {
	return zeros(len(places)), nil
}
func (brokenBatch) Ahead() int        { return 1 }
func (brokenBatch) StateBytes() int64 { return 0 }
func (brokenBatch) Close()            {}

// zeros is a step that draws token 0 for each of this many.
type zeros int

func (n zeros) Wait(context.Context) ([]machine.Draw, error) {
	time.Sleep(time.Millisecond) // so that answers meet
	return make([]machine.Draw, n), nil
}
func (zeros) Drop() {}

// answer lets a run of the pool draw this many tokens, and calls drawn after each.
func answer(ctx context.Context, p *Pool, tokens int, drawn func(number int)) error {
	run, err := p.NewRun()
	if err != nil {
		return err
	}
	err, _ = run.Share(ctx, func() error {
		if err := run.Absorb(ctx, []uint32{1}); err != nil {
			return err
		}
		if err := run.Begin(machine.Drawing{}); err != nil {
			return err
		}
		var ahead []machine.Flight // as many as the run asks for: a pool gives a place up when none of them is under way
		for asked := range tokens {
			flight, err := run.Launch(ctx, asked == 0, nil)
			if err != nil {
				return err
			}
			if ahead = append(ahead, flight); len(ahead) < run.Depth() && asked+1 < tokens {
				continue
			}
			if _, err := ahead[0].Wait(ctx); err != nil {
				return err
			}
			ahead = ahead[1:]
			drawn(asked + 1 - len(ahead))
		}
		return nil
	})
	return err
}

func nobody(int) {}

func within[T any](t *testing.T, what string, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(10 * time.Second):
		t.Fatalf("%s waits for ever", what)
	}
	return v
}

// An answer ends with the error of the batch that has no place for it, or breaks while it gives it one.
func TestJoinFails(t *testing.T) {
	for _, test := range []struct {
		name string
		join func() error
		want error
	}{
		{"a lost device", func() error { return gpu.ErrLost }, gpu.ErrLost},
		{"no room", func() error { return fmt.Errorf("%w for its keys", machine.ErrNoRoom) }, machine.ErrNoRoom},
		{"a fault of the driver's", func() error { panic("the driver") }, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, err := NewPool(&brokenEngine{join: test.join}, 10, 2)
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			done := make(chan error, 1)
			go func() { done <- answer(t.Context(), p, 1, nobody) }()
			if err := within(t, "the answer", done); err == nil || test.want != nil && !errors.Is(err, test.want) {
				t.Errorf("it ended with %v, want %v", err, test.want)
			}
		})
	}
}

// One that the batch has no room for ends alone.
func TestJoinFailsAlone(t *testing.T) {
	joins := 0
	p, err := NewPool(&brokenEngine{join: func() error {
		if joins++; joins == 2 {
			return machine.ErrNoRoom
		}
		return nil
	}}, 10, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	first, begun := make(chan error, 1), make(chan struct{})
	hold := make(chan struct{})
	go func() {
		first <- answer(t.Context(), p, 3, func(number int) {
			if number == 1 {
				close(begun)
				<-hold
			}
		})
	}()
	within(t, "the first answer's first token", begun)
	second := make(chan error, 1)
	go func() { second <- answer(t.Context(), p, 1, nobody) }()
	if err := within(t, "the second answer", second); !errors.Is(err, machine.ErrNoRoom) {
		t.Errorf("the one without room ended with %v", err)
	}
	close(hold)
	if err := within(t, "the first answer", first); err != nil {
		t.Errorf("the one that had its place ended with it: %v", err)
	}
}

// Where a place cannot be given up, those that wait for it, and the one that had it, hear of it.
func TestLeaveFails(t *testing.T) {
	p, err := NewPool(&brokenEngine{leave: func() error { return gpu.ErrLost }}, 10, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	p.Patience = 1
	done := make(chan error, 2)
	for range 2 {
		go func() { done <- answer(t.Context(), p, 300, nobody) }()
	}
	lost := 0
	for range 2 {
		if err := within(t, "an answer", done); errors.Is(err, gpu.ErrLost) {
			lost++
		}
	}
	if lost == 0 {
		t.Error("no answer hears of the lost device")
	}
}
