package gpu

import (
	"context"
	"errors"
	"maps"
	"runtime"
	"sync"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/model/config"
	"github.com/samba-web/samba/model/folder"
)

// Loading is where a model's weights are put as they come.
type Loading interface {
	Place(name string, p folder.Piece, f folder.LinearFormat, rows folder.Rows, n int64) error
	Put(name string, p folder.Piece, rows folder.Rows, at int64, blob gpu.Blob, from, n int64) error
	Settle(ctx context.Context) error
}

// TryBeside calls load and, beside it, tries the kernels, as Engine.Try does: at once
// where the config says how the weights are stored, else as soon as the
// weights' own headers have told. It returns when both have ended. A trial that fails
// ends the load's ctx, and its error is returned. Not tried, without an error: Try is
// still to be called, for there was no room, or what came is stored otherwise.
//
// need is how many bytes the model will take on the device, with what a conversation
// takes at first: the trial begins where there is room for itself beside all of it.
func TryBeside(ctx context.Context, c *config.Config, s *Store, chunk int, halfKeys bool, need int64, load func(ctx context.Context, to Loading) error) (tried bool, err error) {
	ctx, stop := context.WithCancel(ctx)
	b := &beside{Store: s, trial: newTrial(c, s.device, chunk, halfKeys), ctx: ctx, stop: stop, rest: need + s.device.Allocated()}
	defer b.end() // also where load panics
	b.trial.leave = b.leave
	if b.trial.wait = b.leave; runtime.GOOS != "js" {
		b.trial.wait = b.stay
	}
	if formats := b.trial.foresee(); formats != nil {
		b.begin(formats)
	}
	if err = load(ctx, b); err != nil {
		stop()
	}
	b.over.Wait()
	switch {
	case b.panicked != nil:
		panic(b.panicked)
	case b.failed || err == nil && b.err != nil && !errors.Is(b.err, ErrUntried):
		return false, b.err
	case err != nil || b.err != nil || !b.begun:
		return false, err
	}
	formats, _ := b.trial.formatsOf(s)
	return maps.Equal(formats, b.trial.formats), nil
}

// beside is a store that tries kernels while a model is loaded into it. The device belongs to
// the load and to the trial in turn.
type beside struct {
	*Store
	trial *trial
	ctx   context.Context
	stop  func()
	rest  int64 // what the device is to hold with the model and without the trial

	turn  sync.Mutex // who has it uses the device
	begun bool
	over  sync.WaitGroup // the trial's

	// What became of the trial, once it is over.
	err      error
	failed   bool // with that, and nothing else had ended the load
	panicked any
}

func (b *beside) Place(name string, p folder.Piece, f folder.LinearFormat, rows folder.Rows, n int64) error {
	b.turn.Lock()
	defer b.turn.Unlock()
	return b.Store.Place(name, p, f, rows, n)
}

func (b *beside) Put(name string, p folder.Piece, rows folder.Rows, at int64, blob gpu.Blob, from, n int64) error {
	b.turn.Lock()
	defer b.turn.Unlock()
	return b.Store.Put(name, p, rows, at, blob, from, n)
}

// Settle comes after each block of a file, and with the first of them all of its tensors have their places.
func (b *beside) Settle(ctx context.Context) error {
	b.turn.Lock()
	defer b.turn.Unlock()
	if !b.begun {
		if formats, ok := b.trial.formatsOf(b.Store); ok {
			b.begin(formats)
		}
	}
	return b.trial.wait(func() error { return b.Store.Settle(ctx) })
}

func (b *beside) begin(formats map[string]folder.LinearFormat) {
	b.trial.formats, b.begun = formats, true
	b.over.Go(b.try)
}

func (b *beside) try() {
	defer func() {
		if b.panicked = recover(); b.panicked != nil {
			b.stop()
		}
	}()
	b.turn.Lock()
	defer b.turn.Unlock()
	b.err = b.trial.run(b.ctx, max(0, b.rest-b.device.Allocated()))
	if b.err != nil && !errors.Is(b.err, ErrUntried) {
		b.failed = b.ctx.Err() == nil
		b.stop()
	}
}

func (b *beside) end() {
	b.stop()
	b.over.Wait()
}

// leave lets the other one have the device during f.
func (b *beside) leave(f func() error) error {
	b.turn.Unlock()
	defer b.turn.Lock()
	return f()
}

// stay does not: natively, to wait for the device is to use it.
func (b *beside) stay(f func() error) error { return f() }
