package server

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/samba-web/samba/model"
	"github.com/samba-web/samba/wasm/protocol"
)

// generation is an engine with the states in its memory. A lost device ends
// both: the next generation begins with the states on disk.
type generation struct {
	*Engine
	keeper *keeper
	users  *gate         // requests over HTTP
	lost   atomic.Bool   // the device
	dead   atomic.Bool   // and there will be no other
	next   chan struct{} // closed when the server goes on with another, or with none
	closed bool          // all of it is given back
}

func (s *Server) generation(e *Engine) *generation {
	return &generation{
		Engine: e, users: newGate(), next: make(chan struct{}),
		keeper: &keeper{machine: e.Machine, folder: s.folder, most: s.o.Sessions, live: s.isLive, log: s.log},
	}
}

// A device that is lost so often within so long is not opened again.
const (
	maxLosses  = 3
	lossWindow = time.Minute
)

// deviceLost ends a generation and begins the next, where what was under way is
// computed again from the states on disk. It tells whether to expect that.
func (s *Server) deviceLost(g *generation, why string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if g.lost.Load() {
		return !g.dead.Load()
	}
	g.lost.Store(true)
	s.log.Error("the graphics device was lost", "error", why)
	s.metrics.losses.Inc()
	s.losses = append(s.losses, time.Now())
	recent := s.losses[max(0, len(s.losses)-maxLosses):]
	switch {
	case s.o.Reload == nil, len(recent) == maxLosses && time.Since(recent[0]) < lossWindow:
		g.dead.Store(true)
		close(g.next)
	case s.ctx.Err() != nil:
		close(g.next) // another server goes on
	default:
		s.losses = recent
		s.tending.Go(func() { s.renew(g) })
	}
	return !g.dead.Load()
}

// renew replaces a generation whose device was lost.
func (s *Server) renew(g *generation) {
	defer close(g.next)
	for _, l := range s.all() {
		l.end()
		<-l.gone
	}
	<-g.users.close()
	g.keeper.close()
	g.Close()
	g.closed = true
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 10*time.Second) {
		engine, err := s.o.Reload(s.ctx)
		if err == nil {
			s.engine.Store(s.generation(engine))
			s.log.Info("the model is loaded again")
			return
		}
		s.log.Warn("the model cannot be loaded again yet", "error", err)
		select {
		case <-time.After(pause):
		case <-s.ctx.Done():
			return
		}
	}
}

// draw gives a request that has no seed one, so that its answer can be computed again.
func draw(g *protocol.Generate) {
	if g.Seed == nil {
		seed := rand.Uint64N(1 << 53)
		g.Seed = &seed
	}
}

// ask has an engine of its own, and a state of its own, answer one request. An
// answer that a lost device cuts off goes on when there is another: what on has
// heard it does not hear again.
func (s *Server) ask(ctx context.Context, address string, request *protocol.Generate, on func(protocol.Message) error) (protocol.Message, error) {
	draw(request)
	for heard := 0; ; {
		g := s.engine.Load()
		if g.lost.Load() || !g.users.enter() {
			if !g.dead.Load() { // it may take a while: the client hears that it is heard
				if err := on(&protocol.Progress{}); err != nil {
					return nil, err
				}
			}
			if err := s.await(ctx, g); err != nil {
				return nil, err
			}
			continue
		}
		seen := 0
		answer, err := s.try(ctx, g, address, request, func(m protocol.Message) error {
			if _, ok := m.(*protocol.Text); ok {
				if seen++; seen <= heard {
					return nil
				}
				heard = seen
			}
			return on(m)
		})
		g.users.leave()
		failed, ok := answer.(*protocol.Error)
		if ok && failed.Code == protocol.CodeDeviceLost {
			s.deviceLost(g, failed.Message)
		}
		// What else fails then fails because of that.
		if err != nil || !ok || !g.lost.Load() || g.dead.Load() || ctx.Err() != nil {
			return answer, err
		}
	}
}

var (
	errNoDevice = errors.New("The graphics device was lost, and there is no other: ask again later.")
	errStopping = errors.New("This server is about to stop: ask again.")
)

// await waits for the generation after one.
func (s *Server) await(ctx context.Context, g *generation) error {
	select {
	case <-g.next:
	case <-s.ctx.Done():
		return errStopping
	case <-ctx.Done():
		return ctx.Err()
	}
	if s.engine.Load() == g {
		return errNoDevice
	}
	return nil
}

// try asks one generation.
func (s *Server) try(ctx context.Context, g *generation, address string, request *protocol.Generate, on func(protocol.Message) error) (protocol.Message, error) {
	c := &conversation{address: address}
	defer g.keeper.drop(c)
	engine := protocol.Engine{Shared: s.shared(g, func(ctx context.Context, _ uint32) (*model.Session, error) {
		return g.keeper.lend(ctx, c, 0)
	})}
	return engine.Ask(ctx, request, on)
}
