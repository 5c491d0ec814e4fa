package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"time"

	"github.com/gorilla/websocket"

	"github.com/samba-web/samba/wasm/protocol"
)

// Why a server ends a connection, beside the WebSocket standard's own codes.
const (
	closeElsewhere = 4000 // the session goes on over another connection
	closeIdle      = 4001 // nothing was asked for long; a new connection goes on
	closeSlow      = 4002 // what was sent was not taken
	closeRestart   = 4003 // connect again: the answer is computed again from the state on disk
)

// socket is one WebSocket of a client.
type socket struct {
	*websocket.Conn
	patience time.Duration // for a message to be taken
	pinging  *time.Timer
}

// shut says goodbye and ends the connection. Several goroutines may call it.
func (s *socket) shut(code int, reason string) {
	s.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, reason), time.Now().Add(time.Second))
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

// receive reads a message and its attachment.
func (s *socket) receive(silence time.Duration, most int) (frame protocol.Frame, err error) {
	s.SetReadDeadline(time.Now().Add(silence))
	kind, text, err := s.ReadMessage()
	switch {
	case err != nil:
		return frame, err
	case kind != websocket.TextMessage:
		return frame, errBadFrame
	case len(text) > most:
		return frame, websocket.ErrReadLimit
	}
	frame.JSON = text
	var head protocol.Header
	if json.Unmarshal(text, &head) != nil || head.Binary == 0 {
		return frame, nil // what is wrong with it the engine says
	}
	s.SetReadDeadline(time.Now().Add(silence))
	if kind, frame.Data, err = s.ReadMessage(); err == nil && (kind != websocket.BinaryMessage || len(frame.Data) != head.Binary) {
		err = errBadFrame
	}
	return frame, err
}

// serveSocket is GET /engine.
func (s *Server) serveSocket(w http.ResponseWriter, r *http.Request) {
	if !websocket.IsWebSocketUpgrade(r) {
		// Pages ask whether their server has an engine.
		w.Header().Set("Cache-Control", "no-store")
		answerJSON(w, http.StatusOK, map[string]any{"version": protocol.ProtocolVersion, "model": s.o.Ready.Model, "adapter": s.o.Ready.Adapter})
		return
	}
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
	conn.SetReadLimit(int64(s.o.MaxMessage) + s.o.Ready.StateBytes + 1<<20)
	socket := &socket{Conn: conn, patience: s.o.Patience}
	s.metrics.connections.Inc()
	defer s.metrics.connections.Dec()
	line, welcome, id, failure := s.welcome(r, socket)
	if failure != nil {
		if failure.Message != "" {
			frame, _ := protocol.Encode(id, failure, nil)
			socket.send(frame)
			socket.shut(websocket.ClosePolicyViolation, string(failure.Code))
		}
		return
	}
	s.sockets.Add(1)
	defer s.sockets.Done()
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
				socket.shut(closeSlow, "what was sent was not taken in time")
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
		frame, err := socket.receive(s.o.Silence, s.o.MaxMessage)
		if err == nil {
			err = s.take(line, frame)
		}
		var timeout interface{ Timeout() bool }
		switch {
		case err == nil:
			continue
		case errors.Is(err, errRestart):
			socket.shut(closeRestart, err.Error())
		case errors.Is(err, websocket.ErrReadLimit):
			s.metrics.dropped.WithLabelValues("large").Inc()
			socket.shut(websocket.CloseMessageTooBig, "the message is larger than this server takes")
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

func (s *Server) take(line *line, frame protocol.Frame) error {
	var head protocol.Header
	if json.Unmarshal(frame.JSON, &head) == nil {
		switch head.Type {
		case "ping":
			line.mu.Lock()
			defer line.mu.Unlock()
			line.say(head.ID, &protocol.Pong{})
			return nil
		case "hello":
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
	return line.take(frame, refused)
}

// welcome reads hello and finds, or makes, the line that the client is to have.
func (s *Server) welcome(r *http.Request, socket *socket) (*line, *protocol.Welcome, uint32, *protocol.Error) {
	frame, err := socket.receive(s.o.Patience, s.o.MaxMessage)
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
	holder, allowed := s.bearer(hello.Token, r)
	if !allowed {
		return refuse(id, protocol.CodeForbidden, "token", "This server wants a token that it knows.")
	}
	client := s.clientOf(holder, r)
	if s.draining.Load() {
		return refuse(id, protocol.CodeBusy, "draining", "This server is about to stop: connect again.")
	}
	line, secret, err := s.line(hello, client)
	switch {
	case errors.Is(err, errWrongSecret):
		return refuse(id, protocol.CodeForbidden, "secret", "The session is another client's: its secret is wrong.")
	case errors.Is(err, errFull):
		return refuse(id, protocol.CodeBusy, "full", "This server has as many clients as it takes: try again later.")
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

var errFull = errors.New("too many clients")

// line finds the session that a client wants to go on with, in memory or on
// disk, or begins one.
func (s *Server) line(hello *protocol.Hello, client string) (*line, string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for live := s.lines[hello.Session]; live != nil; live = s.lines[hello.Session] {
		if !live.c.proves(hello.Secret) {
			return nil, "", errWrongSecret
		}
		if live.ctx.Err() == nil && s.keeper.owns(live.c) {
			return live, hello.Secret, nil
		}
		// Another server has had the client since, or what it asks for is not kept: what is on disk counts.
		live.end()
		s.mu.Unlock()
		<-live.gone
		s.mu.Lock()
	}
	if len(s.lines) >= s.o.Clients && !s.makeRoom() {
		return nil, "", errFull
	}
	if named(hello.Session) {
		c, seen, err := s.keeper.open(hello.Session, hello.Secret)
		if err == nil {
			return s.begin(c, client, seen), hello.Secret, nil
		}
		if errors.Is(err, errWrongSecret) {
			return nil, "", err
		}
		if !errors.Is(err, fs.ErrNotExist) {
			s.log.Warn("a session's file cannot be used", "session", hello.Session, "error", err)
		}
	}
	c, secret := s.keeper.create()
	return s.begin(c, client, nil), secret, nil
}
