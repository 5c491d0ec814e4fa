package server

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"github.com/samba-web/samba/wasm/protocol"
)

// socket is one WebSocket of a client.
type socket struct {
	*websocket.Conn
	patience time.Duration // for a message to be taken
	pinging  *time.Timer
}

// shut says goodbye and ends the connection. Several goroutines may call it.
func (s *socket) shut(code protocol.CloseCode, reason string) {
	s.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(int(code), reason), time.Now().Add(time.Second))
	s.Close()
}

// keepAlive pings: browsers answer even while a page in the background hardly runs.
func (s *socket) keepAlive(silence time.Duration) {
	s.SetPongHandler(func(string) error { return s.SetReadDeadline(time.Now().Add(silence)) })
	s.pinging = time.AfterFunc(silence/3, func() {
		if s.WriteControl(websocket.PingMessage, nil, time.Now().Add(s.patience)) == nil {
			s.pinging.Reset(silence / 3)
		}
	})
}

func (s *socket) send(frame protocol.Frame) error {
	s.SetWriteDeadline(time.Now().Add(s.patience))
	err := s.WriteMessage(websocket.TextMessage, frame.JSON)
	if err == nil && len(frame.Data) > 0 {
		err = s.WriteMessage(websocket.BinaryMessage, frame.Data)
	}
	return err
}

var errBadFrame = errors.New("a binary frame that no message announced, or of another length")

// What a message may have before its bytes are counted among those that wait.
const uncounted = 16 << 10

// What the first message, which comes from anybody, may have at most.
const (
	maxHello = 16 << 10
	maxShake = 10 * time.Second // and how long it may take
)

// receive reads a message and its attachment, of this many bytes at most. room is
// asked before more than a little is read: whether there may be that much in all.
func (s *socket) receive(silence time.Duration, most, attached int64, room func(total int64) error) (frame protocol.Frame, err error) {
	s.SetReadLimit(most)
	s.SetReadDeadline(time.Now().Add(silence))
	kind, reader, err := s.NextReader()
	switch {
	case err != nil:
		return frame, err
	case kind != websocket.TextMessage:
		return frame, errBadFrame
	}
	if frame.JSON, err = io.ReadAll(io.LimitReader(reader, uncounted)); err == nil && len(frame.JSON) == uncounted {
		if err = room(most); err == nil {
			var rest []byte
			rest, err = io.ReadAll(reader)
			frame.JSON = append(frame.JSON, rest...)
		}
	}
	if err != nil {
		return frame, err
	}
	var head protocol.Header
	if json.Unmarshal(frame.JSON, &head) != nil || head.Binary == 0 {
		return frame, room(int64(len(frame.JSON))) // what is wrong with it the engine says
	}
	if head.Binary < 0 || int64(head.Binary) > attached {
		return frame, websocket.ErrReadLimit
	}
	if err := room(int64(len(frame.JSON) + head.Binary)); err != nil {
		return frame, err
	}
	s.SetReadLimit(int64(head.Binary))
	s.SetReadDeadline(time.Now().Add(silence))
	if kind, reader, err = s.NextReader(); err != nil {
		return frame, err
	}
	if kind != websocket.BinaryMessage {
		return frame, errBadFrame
	}
	frame.Data = make([]byte, head.Binary)
	if _, err = io.ReadFull(reader, frame.Data); errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return frame, errBadFrame
	}
	return frame, err
}

// roomy lets a message have any size: for clients and for what is bounded otherwise.
func roomy(int64) error { return nil }

// serveSocket is GET /engine.
func (s *Server) serveSocket(w http.ResponseWriter, r *http.Request) {
	if !websocket.IsWebSocketUpgrade(r) {
		// Pages ask whether their server has an engine.
		w.Header().Set("Cache-Control", "no-store")
		ready := s.engine.Load().Ready
		answerJSON(w, http.StatusOK, map[string]any{"version": protocol.ProtocolVersion, "model": ready.Model, "adapter": ready.Adapter})
		return
	}
	if !s.sockets.enter() {
		http.Error(w, errStopping.Error(), http.StatusServiceUnavailable)
		return
	}
	defer s.sockets.leave()
	address := s.addressOf(r)
	if err := s.handshakes.take(address, 1); err != nil {
		s.metrics.refused.WithLabelValues("handshakes").Inc()
		refuseBusy(w, err)
		return
	}
	shaken := sync.OnceFunc(func() { s.handshakes.give(address, 1) })
	defer shaken()
	upgrader := websocket.Upgrader{
		CheckOrigin:     s.allowsOrigin,
		ReadBufferSize:  4 << 10,
		WriteBufferSize: 4 << 10,
		WriteBufferPool: &s.buffers,
		Error: func(w http.ResponseWriter, r *http.Request, status int, reason error) {
			s.metrics.refused.WithLabelValues("handshake").Inc()
			http.Error(w, "the WebSocket was refused: "+reason.Error(), status)
		},
	}
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return // Upgrade has answered
	}
	defer conn.Close()
	socket := &socket{Conn: conn, patience: s.o.Patience}
	s.metrics.connections.Inc()
	defer s.metrics.connections.Dec()
	stay := context.AfterFunc(s.ctx, func() { conn.Close() })
	line, welcome, id, failure := s.welcome(r, address, socket)
	stay()
	if failure != nil {
		if failure.Message != "" {
			frame, _ := protocol.Encode(id, failure, nil)
			socket.send(frame)
			socket.shut(websocket.ClosePolicyViolation, string(failure.Code))
		}
		return
	}
	shaken()
	line.attach(socket)
	line.mu.Lock()
	line.say(id, welcome)
	line.mu.Unlock()
	socket.keepAlive(s.o.Silence)
	wrote := make(chan struct{})
	go func() {
		defer close(wrote)
		for {
			frame, ok := line.next(socket)
			if !ok {
				break
			}
			if err := socket.send(frame); err != nil {
				s.metrics.dropped.WithLabelValues("slow").Inc()
				socket.shut(protocol.CloseSlow, "what was sent was not taken in time")
				return
			}
		}
		// The line ended, or goes on elsewhere: its reader hears of that by the connection's end.
		socket.shut(websocket.CloseServiceRestart, s.farewell())
	}()
	s.read(line, socket)
	line.detach(socket)
	<-wrote
}

// read takes the client's messages until the connection ends.
func (s *Server) read(line *line, socket *socket) {
	for {
		held := &lease{of: s.waiting, address: line.c.address}
		frame, err := socket.receive(s.o.Silence, int64(s.o.MaxMessage), attachable(s.engine.Load().Ready), held.grow)
		held.shrink(int64(cap(frame.JSON) + len(frame.Data)))
		if err == nil {
			err = s.take(line, frame, held)
		} else {
			held.shrink(0)
		}
		var timeout interface{ Timeout() bool }
		switch {
		case err == nil:
			continue
		case errors.Is(err, errRestart):
			socket.shut(protocol.CloseRestart, err.Error())
		case errors.Is(err, websocket.ErrReadLimit):
			s.metrics.dropped.WithLabelValues("large").Inc()
			socket.shut(websocket.CloseMessageTooBig, "the message is larger than this server takes")
		case errors.Is(err, errFull), errors.Is(err, errShare):
			s.metrics.dropped.WithLabelValues("bytes").Inc()
			socket.shut(websocket.CloseTryAgainLater, err.Error())
		case errors.Is(err, errBadFrame):
			s.metrics.dropped.WithLabelValues("malformed").Inc()
			socket.shut(websocket.CloseProtocolError, err.Error())
		case errors.As(err, &timeout) && timeout.Timeout():
			s.metrics.dropped.WithLabelValues("silent").Inc()
			socket.shut(websocket.CloseGoingAway, "nothing was heard for too long")
		}
		return
	}
}

func (s *Server) take(line *line, frame protocol.Frame, held *lease) error {
	var head protocol.Header
	if json.Unmarshal(frame.JSON, &head) == nil {
		switch head.Type {
		case "ping":
			held.shrink(0)
			line.mu.Lock()
			defer line.mu.Unlock()
			line.say(head.ID, &protocol.Pong{})
			return nil
		case "hello":
			held.shrink(0)
			line.mu.Lock()
			defer line.mu.Unlock()
			line.tell(head.ID, protocol.CodeBadRequest, "Hello was said already.")
			return nil
		}
	}
	var refused error
	if head.Type != "cancel" && !s.limiter.allows(line.client) {
		s.metrics.refused.WithLabelValues("rate").Inc()
		refused = s.limiter.refusal()
	}
	return line.take(frame, held, refused)
}

// welcome reads hello and finds, or makes, the line that the client is to have.
func (s *Server) welcome(r *http.Request, address string, socket *socket) (*line, *protocol.Welcome, uint32, *protocol.Error) {
	frame, err := socket.receive(min(s.o.Patience, maxShake), maxHello, 0, roomy)
	if err != nil {
		return nil, nil, 0, &protocol.Error{}
	}
	refuse := func(id uint32, code protocol.Code, reason, sentence string) (*line, *protocol.Welcome, uint32, *protocol.Error) {
		s.metrics.refused.WithLabelValues(reason).Inc()
		return nil, nil, id, &protocol.Error{Code: code, Message: sentence}
	}
	id, m, err := protocol.DecodeRequest(frame)
	hello, ok := m.(*protocol.Hello)
	switch {
	case err != nil:
		return refuse(id, protocol.CodeBadRequest, "malformed", "The first message cannot be read: "+err.Error()+".")
	case !ok:
		return refuse(id, protocol.CodeBadRequest, "malformed", "The first message is "+m.Type()+", want hello.")
	case hello.Version != protocol.ProtocolVersion:
		return refuse(id, protocol.CodeBadRequest, "version", fmt.Sprintf("This server speaks version %d of the protocol, the client %d: reload the page, or update whichever is older.", protocol.ProtocolVersion, hello.Version))
	}
	token, holder, allowed := s.bearer(hello.Token, r)
	if !allowed {
		return refuse(id, protocol.CodeForbidden, "token", "This server wants a token that it knows.")
	}
	client := s.clientOf(holder, r)
	line, secret, err := s.line(hello, client, address, token)
	switch {
	case errors.Is(err, errStopping):
		return refuse(id, protocol.CodeBusy, "draining", "This server is about to stop: connect again.")
	case errors.Is(err, errRenewing):
		return refuse(id, protocol.CodeBusy, "device", err.Error())
	case errors.Is(err, errWrongSecret):
		return refuse(id, protocol.CodeForbidden, "secret", "The session is another client's: its secret is wrong.")
	case errors.Is(err, errFull), errors.Is(err, errShare):
		return refuse(id, protocol.CodeBusy, "full", err.Error())
	case err != nil:
		s.log.Error("a session could not be opened", "error", err)
		return refuse(id, protocol.CodeInternal, "internal", "The session could not be opened: a fault of the server's.")
	}
	line.mu.Lock()
	defer line.mu.Unlock()
	return line, &protocol.Welcome{
		Version: protocol.ProtocolVersion, Session: line.c.name, Secret: secret, Answered: line.c.answered, Silence: s.o.Silence.Seconds(),
	}, id, nil
}

var errRenewing = errors.New("This server sets its graphics device up again, which was lost: connect again in a moment.")

// line finds the session that a client wants to go on with, in memory or on
// disk, or begins one. The folder of states may hang: nothing is locked then
// but the session's name.
func (s *Server) line(hello *protocol.Hello, client, address string, token [sha256.Size]byte) (*line, string, error) {
	name := hello.Session
	defer s.reserve(name)()
	for {
		s.mu.Lock()
		live := s.lines[name]
		s.mu.Unlock()
		if live == nil {
			break
		}
		if !live.c.proves(hello.Secret) {
			return nil, "", errWrongSecret
		}
		if live.ctx.Err() == nil && !live.keeper.lost(live.c) {
			return live, hello.Secret, nil
		}
		// Another server has had the client since, or what it asks for is not kept: what is on disk counts.
		live.end()
		<-live.gone
	}
	if err := s.enter(address); err != nil {
		return nil, "", err
	}
	var c *conversation
	var seen []replies
	secret, err := hello.Secret, fs.ErrNotExist
	if named(name) {
		c, seen, err = s.folder.open(name, secret, address)
	}
	if errors.Is(err, errWrongSecret) {
		s.places.give(address, 1)
		return nil, "", err
	}
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			s.log.Warn("a session's file cannot be used", "session", name, "error", err)
		}
		c, secret = newConversation(address)
		seen = nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.engine.Load()
	switch {
	case s.draining.Load():
		err = errStopping
	case g.lost.Load() && !g.dead.Load():
		err = errRenewing
	default:
		return s.begin(g, c, client, token, seen), secret, nil
	}
	s.places.give(address, 1)
	return nil, "", err
}

// reserve waits until no one else looks a session up and returns what lets the next one.
func (s *Server) reserve(name string) (release func()) {
	if name == "" {
		return func() {}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for busy := s.opening[name]; busy != nil; busy = s.opening[name] {
		s.mu.Unlock()
		<-busy
		s.mu.Lock()
	}
	done := make(chan struct{})
	s.opening[name] = done
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.opening, name)
		close(done)
	}
}
