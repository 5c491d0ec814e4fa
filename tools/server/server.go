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
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
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

// Options say what is served, to whom and how much of it.
type Options struct {
	Model   *model.Model
	Ready   *protocol.Ready // what clients are told of it
	Machine Machine
	Log     *slog.Logger

	States   string        // folder of the conversations' states
	Keep     time.Duration // how long the state of a conversation that nobody goes on with is kept
	Sessions int           // states in memory at most

	Clients    int           // WebSocket clients at most, those that were cut off a moment ago included
	Resume     time.Duration // how long a client that was cut off is waited for with its answer going on
	Idle       time.Duration // how long a connection may stay without a request
	Silence    time.Duration // how long a connection may stay without a message
	Patience   time.Duration // how long a message may take to be sent, and hello to come
	MaxMessage int           // bytes of a message without its attachment
	MaxPrompt  int           // tokens
	MaxTokens  int           // of an answer
	PerMinute  int           // requests of a client; 0: any number

	Origins []string // of pages that may connect, beside the server's own; "*": any
	Tokens  []string // of which a client must have one; none: anybody may come
	Proxied bool     // whether a proxy says in X-Forwarded-For who the client is
}

// Server answers clients.
type Server struct {
	o       Options
	log     *slog.Logger
	keeper  *keeper
	limiter *limiter
	metrics *metrics
	tokens  map[[sha256.Size]byte]string // hashes, and what the log calls their holders
	buffers sync.Pool

	mu    sync.Mutex
	lines map[string]*line // by their conversations' names

	draining atomic.Bool
	lost     atomic.Bool    // the device: whoever looks after the server starts it anew
	work     sync.WaitGroup // HTTP requests under way
	sockets  sync.WaitGroup
	stop     context.CancelFunc
}

// New makes a server. Its Close must be called.
func New(o Options) (*Server, error) {
	if err := os.MkdirAll(o.States, 0o700); err != nil {
		return nil, fmt.Errorf("the folder of states: %w", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &Server{
		o: o, log: o.Log, keeper: newKeeper(o.Machine, o.States, o.Sessions), limiter: newLimiter(o.PerMinute),
		tokens: map[[sha256.Size]byte]string{}, lines: map[string]*line{}, stop: stop,
	}
	if err := s.keeper.write("probe", "", nil, nil); err != nil { // better now than after the first answer
		stop()
		return nil, fmt.Errorf("the folder of states: %w", err)
	}
	os.Remove(s.keeper.path("probe", ""))
	for i, token := range o.Tokens {
		s.tokens[sha256.Sum256([]byte(token))] = fmt.Sprintf("token %d", i+1)
	}
	s.metrics = newMetrics(s)
	go s.tend(ctx)
	return s, nil
}

// Handler serves /engine, /v1/, /metrics, /healthz and /readyz.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /engine", s.serveSocket)
	mux.Handle("/v1/", s.api())
	mux.Handle("GET /metrics", s.metrics.handler())
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		if s.lost.Load() {
			http.Error(w, "the graphics device was lost: start this server anew", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if s.draining.Load() || s.lost.Load() {
			http.Error(w, "about to stop", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ready")
	})
	return mux
}

// begin starts an engine for a client. s.mu is held.
func (s *Server) begin(c *conversation, client string, seen []replies) *line {
	l := &line{
		server: s, c: c, client: client, in: make(chan protocol.Frame), gone: make(chan struct{}),
		exchanges: map[uint32]*exchange{}, used: time.Now(),
	}
	l.change = sync.NewCond(&l.mu)
	l.ctx, l.end = context.WithCancel(context.Background())
	context.AfterFunc(l.ctx, func() {
		l.mu.Lock() // so that nobody is between looking at the context and waiting
		defer l.mu.Unlock()
		l.change.Broadcast()
	})
	for _, r := range seen {
		count := r.First - 1 + len(r.Frames)
		l.exchanges[r.ID] = &exchange{id: r.ID, finished: true, base: r.First - 1, count: count, sent: count, frames: r.Frames}
		l.order = append(l.order, r.ID)
	}
	s.lines[c.name] = l
	engine := protocol.Engine{Shared: s.shared(l.session)}
	go func() {
		defer close(l.gone)
		if err := engine.Serve(l.ctx, l); err != nil {
			s.log.Debug("a client's engine ended", "session", c.name, "error", err)
		}
		l.end()
		s.keeper.drop(c)
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.lines[c.name] == l {
			delete(s.lines, c.name)
		}
	}()
	return l
}

func (s *Server) shared(session func(context.Context, uint32) (*model.Session, error)) *protocol.Shared {
	return &protocol.Shared{
		Model: s.o.Model, Ready: s.o.Ready, Turns: s.o.Machine, Session: session, MaxPrompt: s.o.MaxPrompt, MaxTokens: s.o.MaxTokens,
	}
}

// makeRoom ends a line whose client is away and waits for nothing. s.mu is held.
func (s *Server) makeRoom() bool {
	for name, l := range s.lines {
		l.mu.Lock()
		away := l.socket == nil && l.away != nil
		l.mu.Unlock()
		if away && !l.busy() {
			l.end()
			delete(s.lines, name)
			return true
		}
	}
	return false
}

// tend ends what is idle and removes what has been kept long enough.
func (s *Server) tend(ctx context.Context) {
	every := time.NewTicker(max(min(s.o.Idle/4, s.o.Keep/4, time.Minute), 10*time.Millisecond))
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
		for _, l := range s.all() {
			if time.Since(l.idleSince()) > s.o.Idle {
				l.mu.Lock()
				if l.socket != nil {
					l.socket.shut(closeIdle, "nothing was asked for long: connect again to go on")
				}
				l.mu.Unlock()
				s.metrics.dropped.WithLabelValues("idle").Inc()
				l.end()
			}
		}
		removed, err := s.keeper.sweep(time.Now().Add(-s.o.Keep), func(name string) bool {
			s.mu.Lock()
			defer s.mu.Unlock()
			return s.lines[name] != nil
		})
		if err != nil {
			s.log.Warn("the folder of states cannot be read", "error", err)
		} else if removed > 0 {
			s.log.Info("states were kept long enough", "removed", removed)
		}
	}
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
	s.draining.Store(true)
	s.log.Info("stopping: answers under way are finished first")
	idle := make(chan struct{})
	go func() {
		defer close(idle)
		s.work.Wait()
	}()
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

// Close ends all that is under way.
func (s *Server) Close() {
	s.draining.Store(true)
	s.stop()
	for _, l := range s.all() {
		l.end()
		<-l.gone
	}
	s.sockets.Wait() // their goodbyes are out
	s.work.Wait()
	s.keeper.close()
}

// ask has an engine of its own, and a state of its own, answer one request.
func (s *Server) ask(ctx context.Context, request protocol.Message, on func(protocol.Message) error) (protocol.Message, error) {
	frame, err := protocol.Encode(1, request, nil)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c := &conversation{}
	defer s.keeper.drop(c)
	call := &call{request: frame, on: on, end: cancel}
	engine := protocol.Engine{Shared: s.shared(func(ctx context.Context, _ uint32) (*model.Session, error) {
		return s.keeper.lend(ctx, c, 0)
	})}
	if err := engine.Serve(ctx, call); call.answer == nil && err != nil {
		return nil, err
	}
	return call.answer, call.failure
}

// call is the connection of a client that asks once.
type call struct {
	request protocol.Frame
	asked   bool
	on      func(protocol.Message) error
	end     context.CancelFunc
	answer  protocol.Message
	failure error // of on
}

func (c *call) Receive(ctx context.Context) (protocol.Frame, error) {
	if !c.asked {
		c.asked = true
		return c.request, nil
	}
	<-ctx.Done()
	return protocol.Frame{}, ctx.Err()
}

func (c *call) Send(frame protocol.Frame) error {
	_, m, err := protocol.DecodeReply(frame)
	if err != nil {
		return err
	}
	if protocol.Ends(m.Type()) {
		c.answer = m
		c.end()
		return nil
	}
	if err := c.on(m); err != nil {
		c.failure = err
		c.end()
		return err
	}
	return nil
}

// allowsOrigin lets in programs, which name no origin, the server's own pages,
// and those of the origins that were listed.
func (s *Server) allowsOrigin(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	for _, allowed := range s.o.Origins {
		if allowed == "*" || strings.EqualFold(allowed, origin) {
			return true
		}
	}
	from, err := url.Parse(origin)
	return err == nil && from.Host != "" && strings.EqualFold(from.Host, r.Host)
}

// bearer looks a token up by its hash: how long that takes tells nothing of the
// tokens. The holder is what the log calls whoever has it.
func (s *Server) bearer(token string, r *http.Request) (holder string, allowed bool) {
	if len(s.tokens) == 0 {
		return "", true
	}
	if kind, given, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok && strings.EqualFold(kind, "bearer") && token == "" {
		token = strings.TrimSpace(given)
	}
	holder, allowed = s.tokens[sha256.Sum256([]byte(token))]
	return holder, allowed
}

// clientOf names whose requests are counted together: a token's holder, else an address.
func (s *Server) clientOf(holder string, r *http.Request) string {
	if holder != "" {
		return holder
	}
	if s.o.Proxied {
		// The last entry is what the proxy itself saw; those before it anybody can write.
		list := strings.Split(r.Header.Get("X-Forwarded-For"), ",")
		if last := strings.TrimSpace(list[len(list)-1]); last != "" {
			return last
		}
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
