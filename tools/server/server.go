// Package server is the engine behind `samba serve --engine`: one loaded model
// for many clients, over WebSockets that speak the worker's protocol and over
// OpenAI's HTTP API.
//
//	page ──WebSocket──▶ socket ─▶ line ─▶ protocol.Engine ─┐ Turns   ┌▶ model.Pool, the machine
//	program ──HTTP──▶ completions ─────▶ protocol.Engine ─┴────────▶┤
//	                                                        Session  └▶ keeper: states in memory and on disk
//
// An answer is a function of the state at its start, the request and its seed,
// and the state between two requests is on disk before the client hears that
// the first is done. So whatever fails, whichever server the client then finds
// computes the answer again and leaves out what was seen.
package server

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/samba-web/samba/model"
	"github.com/samba-web/samba/wasm/protocol"
)

// Machine deals out a model's sessions and turns: a model.Pool.
type Machine interface {
	protocol.Turns
	NewSession() (*model.Session, error)
}

// Engine is a loaded model and what deals out its machine.
type Engine struct {
	Model   *model.Model
	Ready   *protocol.Ready // what clients are told of it
	Machine Machine
	Close   func() // gives all of it back once its sessions have been closed
}

// Options say what is served, to whom and how much of it.
type Options struct {
	Engine *Engine
	// Reload makes another engine once the device of the one before was lost; nil: that cannot be done.
	Reload func(ctx context.Context) (*Engine, error)
	Log    *slog.Logger

	States       string        // folder of the conversations' states
	StatesBytes  int64         // what they may take there; the least recently used go
	Keep         time.Duration // how long the state of a conversation that no client goes on with is kept
	DiskPatience time.Duration // how long the folder may take to answer
	Sessions     int           // states in memory at most

	Clients    int           // WebSocket clients at most, those that were cut off a moment ago included
	Requests   int           // requests over HTTP under way at most
	Waiting    int64         // bytes at most of requests that are not answered
	Share      float64       // of all that is bounded, the part that one address may have
	Resume     time.Duration // how long a client that was cut off is waited for with its answer going on
	Idle       time.Duration // how long a connection may stay without a request
	Silence    time.Duration // how long a connection may stay without a message
	Patience   time.Duration // how long a message may take to be sent, and hello to come
	Heartbeat  time.Duration // after which a stream without news is sent a comment
	MaxMessage int           // bytes of a message without its attachment
	MaxPrompt  int           // tokens
	MaxTokens  int           // of an answer
	PerMinute  int           // requests of a client; 0: any number

	Names   []string // the server's own, beside localhost: pages that they serve may connect
	Origins []string // of other pages that may; "*": any
	Tokens  []string // of which a client must have one; none: all may come
	Proxied bool     // whether a proxy says in X-Forwarded-For who the client is
}

// maxHandshakes is how many connections may be under way to their hello.
const maxHandshakes = 128

// Server answers clients.
type Server struct {
	o       Options
	log     *slog.Logger
	folder  *folder
	limiter *limiter
	metrics *metrics
	tokens  atomic.Pointer[holders]
	buffers sync.Pool
	engine  atomic.Pointer[generation]

	handshakes *quota
	places     *quota // of clients
	requests   *quota // over HTTP, under way
	waiting    *quota // bytes of requests that are not answered

	mu      sync.Mutex
	lines   map[string]*line         // by their conversations' names
	opening map[string]chan struct{} // of names that are being looked up; closed afterwards

	draining atomic.Bool
	work     *gate // HTTP requests under way
	sockets  *gate
	ctx      context.Context // of all that the server does beside answering
	stop     context.CancelFunc
	tending  sync.WaitGroup
	losses   []time.Time // of devices, the last few
}

// New makes a server. Its Close must be called.
func New(o Options) (*Server, error) {
	largest := int64(o.MaxMessage) + attachable(o.Engine.Ready)
	s := &Server{
		o: o, log: o.Log, folder: newFolder(o.States, o.DiskPatience, o.StatesBytes, o.Share), limiter: newLimiter(o.PerMinute),
		handshakes: newQuota(maxHandshakes, o.Share, 1), places: newQuota(int64(o.Clients), o.Share, 1),
		requests: newQuota(int64(o.Requests), o.Share, 1), waiting: newQuota(o.Waiting, o.Share, largest),
		lines: map[string]*line{}, opening: map[string]chan struct{}{}, work: newGate(), sockets: newGate(),
	}
	if err := s.folder.probe(); err != nil { // better now than after the first answer
		return nil, fmt.Errorf("the folder of states: %w", err)
	}
	s.ctx, s.stop = context.WithCancel(context.Background())
	s.SetTokens(o.Tokens)
	s.engine.Store(s.generation(o.Engine))
	s.metrics = newMetrics(s)
	s.sweep()
	s.tending.Go(s.tend)
	return s, nil
}

// attachable is how many bytes may follow a message: a state, which has a head. One
// that grows may have grown by as much as a message has at most.
func attachable(ready *protocol.Ready) int64 {
	most := ready.StateBytes + 1<<20
	if ready.StateBytesPerToken > 0 {
		most += protocol.MaxMessageBytes
	}
	return most
}

// Handler serves /engine, /v1/, /metrics, /healthz and /readyz.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /engine", s.serveSocket)
	mux.Handle("/v1/", s.api())
	mux.Handle("GET /metrics", s.metrics.handler())
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		if s.engine.Load().dead.Load() {
			http.Error(w, "the graphics device was lost for good: start this server again", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if why := s.unready(); why != "" {
			http.Error(w, why, http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ready")
	})
	return mux
}

// unready is why no more clients should be sent here; empty: they may come.
func (s *Server) unready() string {
	switch {
	case s.draining.Load():
		return "about to stop"
	case s.engine.Load().lost.Load():
		return "the graphics device was lost"
	case s.folder.failing() != nil:
		return "the folder of states cannot be written to"
	}
	return ""
}

// begin starts an engine for a client. s.mu is held.
func (s *Server) begin(g *generation, c *conversation, client string, token [sha256.Size]byte, seen []replies) *line {
	l := &line{
		server: s, keeper: g.keeper, c: c, client: client, token: token, in: make(chan protocol.Frame), gone: make(chan struct{}),
		exchanges: map[uint32]*exchange{}, used: time.Now(),
	}
	l.change = sync.NewCond(&l.mu)
	l.ctx, l.end = context.WithCancel(context.Background())
	l.vacate = sync.OnceFunc(func() { s.places.give(c.address, 1) })
	context.AfterFunc(l.ctx, func() {
		l.mu.Lock() // so that nothing is between looking at the context and waiting
		defer l.mu.Unlock()
		l.change.Broadcast()
	})
	for _, r := range seen {
		count := r.First - 1 + len(r.Frames)
		l.exchanges[r.ID] = &exchange{id: r.ID, finished: true, base: r.First - 1, count: count, sent: count, frames: r.Frames}
		l.order = append(l.order, r.ID)
	}
	s.lines[c.name] = l
	engine := protocol.Engine{Shared: s.shared(g, l.session)}
	go func() {
		defer close(l.gone)
		if err := engine.Serve(l.ctx, l); err != nil {
			s.log.Debug("a client's engine ended", "session", c.name, "error", err)
		}
		l.end()
		l.release()
		g.keeper.drop(c)
		l.vacate()
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.lines[c.name] == l {
			delete(s.lines, c.name)
		}
	}()
	return l
}

func (s *Server) shared(g *generation, session func(context.Context, uint32) (*model.Session, error)) *protocol.Shared {
	return &protocol.Shared{
		Model: g.Model, Ready: g.Ready, Turns: g.Machine, Session: session, MaxPrompt: s.o.MaxPrompt, MaxTokens: s.o.MaxTokens,
		Report: func(err error) { s.log.Error("a request failed", "error", err) },
	}
}

// makeRoom ends a line whose client is away and waits for nothing: one of an
// address, if it is given.
func (s *Server) makeRoom(address string) bool {
	for _, l := range s.all() {
		l.mu.Lock()
		away := l.socket == nil && l.away != nil
		l.mu.Unlock()
		if away && (address == "" || l.c.address == address) && !l.busy() {
			l.end()
			l.vacate()
			return true
		}
	}
	return false
}

// enter takes a place for a client.
func (s *Server) enter(address string) error {
	for {
		err := s.places.take(address, 1)
		if err == nil {
			return nil
		}
		of := ""
		if errors.Is(err, errShare) {
			of = address
		}
		if !s.makeRoom(of) {
			return err
		}
	}
}

// tend ends what is idle and removes what has been kept long enough.
func (s *Server) tend() {
	every := time.NewTicker(max(min(s.o.Idle/4, s.o.Keep/4, time.Minute), 10*time.Millisecond))
	defer every.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-every.C:
		}
		for _, l := range s.all() {
			if time.Since(l.idleSince()) > s.o.Idle {
				l.mu.Lock()
				if l.socket != nil {
					l.socket.shut(protocol.CloseIdle, "nothing was asked for long: connect again to go on")
				}
				l.mu.Unlock()
				s.metrics.dropped.WithLabelValues("idle").Inc()
				l.end()
			}
		}
		s.sweep()
		if s.folder.failing() != nil {
			s.folder.probe()
		}
	}
}

// sweep looks through the folder of states.
func (s *Server) sweep() {
	removed, err := s.folder.sweep(time.Now().Add(-s.o.Keep), s.isLive)
	if err != nil {
		s.log.Warn("the folder of states cannot be read", "error", err)
	} else if removed > 0 {
		s.log.Info("states were kept long enough", "removed", removed)
	}
}

// isLive tells whether a client has a conversation now.
func (s *Server) isLive(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lines[name] != nil
}

func (s *Server) all() (all []*line) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.lines {
		all = append(all, l)
	}
	return all
}

// Drain takes no more work and lets what is under way finish until ctx ends.
// Clients whose answers are not finished then go on at another server, or at
// this one when it is back.
func (s *Server) Drain(ctx context.Context) {
	s.halt()
	s.log.Info("stopping: answers under way are finished first")
	idle := s.work.close()
	every := time.NewTicker(20 * time.Millisecond)
	defer every.Stop()
	cut := 0
	for waiting := true; waiting; {
		waiting = false
		for _, l := range s.all() {
			if l.caughtUp() {
				l.end()
			} else {
				waiting = true
			}
		}
		select {
		case <-idle:
		default:
			waiting = true
		}
		if !waiting {
			break
		}
		select {
		case <-every.C:
		case <-ctx.Done():
			for _, l := range s.all() {
				cut++
				l.end()
			}
			waiting = false
		}
	}
	s.log.Info("no client is left", "cut", cut)
}

// caughtUp tells whether a client waits for nothing, or is away.
func (l *line) caughtUp() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, x := range l.exchanges {
		if !x.finished || x.following && x.sent < x.count {
			return false
		}
	}
	return true
}

// farewell is why a connection ends that its client did not end.
func (s *Server) farewell() string {
	if s.draining.Load() {
		return "the server is about to stop: connect again to go on"
	}
	return "the session ended here: connect again to go on"
}

// halt begins the end: what is done beside answering stops.
func (s *Server) halt() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.draining.Store(true)
	s.stop()
}

// lastPatience is for a folder that does not answer while the server ends.
const lastPatience = 2 * time.Second

// Close ends all that is under way.
func (s *Server) Close() {
	s.halt()
	lines := s.all()
	for _, l := range lines {
		l.end()
	}
	hurry := time.AfterFunc(lastPatience, func() { close(s.folder.closed) })
	defer hurry.Stop()
	s.tending.Wait()
	for _, l := range lines {
		<-l.gone
	}
	<-s.sockets.close() // their goodbyes are out
	<-s.work.close()
	if g := s.engine.Load(); !g.closed {
		g.keeper.close()
		g.Close()
	}
}
