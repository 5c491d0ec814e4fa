package server

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"time"

	"github.com/gorilla/websocket"

	"github.com/samba-web/samba/wasm/protocol"
)

// Client asks a server as a page does, one request after another, and goes on
// where it was when its connection is cut. It belongs to one goroutine.
type Client struct {
	URL   string // of the server's /engine, ws or wss
	Token string

	Reconnects int // so far

	socket   *socket
	session  string
	secret   string
	lastID   uint32
	answered uint32 // the last request whose effect the state has, as far as the client has heard
}

// ErrOutOfOrder means that a reply came twice, or that one is missing.
var ErrOutOfOrder = errors.New("the replies are not in order")

// refusedError is a server's last word.
type refusedError struct{ what *protocol.Error }

func (e refusedError) Error() string { return e.what.Message }

const maxPause = 2 * time.Second

// Ask sends a request and hands the replies up to the last, which it returns,
// to on: each once, however often the connection is cut in between. A generate
// must have its seed.
func (c *Client) Ask(ctx context.Context, request protocol.Message, on func(m protocol.Message) error) (protocol.Message, error) {
	c.lastID++
	id, seen := c.lastID, 0
	frame, err := protocol.Encode(id, request, nil)
	if err != nil {
		return nil, err
	}
	for pause := 20 * time.Millisecond; ; pause = min(2*pause, maxPause) {
		before := seen
		last, err := c.try(ctx, id, frame, &seen, on)
		var refused refusedError
		switch {
		case err == nil:
			if _, failed := last.(*protocol.Error); !failed && protocol.UsesState(request.Type()) {
				c.answered = id
			}
			return last, nil
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case errors.Is(err, ErrOutOfOrder), errors.Is(err, errOn), errors.As(err, &refused) && refused.what.Code != protocol.CodeBusy:
			return nil, err
		}
		c.Cut()
		c.Reconnects++
		if seen > before {
			pause = 20 * time.Millisecond
		}
		select {
		case <-time.After(pause/2 + rand.N(pause)):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

var errOn = errors.New("the answer was not wanted")

// try goes on with a request over one connection.
func (c *Client) try(ctx context.Context, id uint32, frame protocol.Frame, seen *int, on func(protocol.Message) error) (protocol.Message, error) {
	if c.socket == nil {
		if err := c.connect(ctx, *seen); err != nil {
			return nil, err
		}
	}
	socket := c.socket // which on may cut
	stop := context.AfterFunc(ctx, func() { socket.Close() })
	defer stop()
	if *seen > 0 {
		frame = numbered(frame, *seen)
	}
	if err := socket.send(frame); err != nil {
		return nil, err
	}
	for {
		reply, err := socket.receive(time.Hour, protocol.MaxMessageBytes, protocol.MaxMessageBytes, roomy)
		if err != nil {
			return nil, err
		}
		answered, m, seq, err := decodeNumbered(reply)
		if err != nil {
			return nil, err
		}
		if answered != id {
			continue
		}
		if seq != 0 {
			if seq != *seen+1 {
				return nil, fmt.Errorf("%w: number %d after %d", ErrOutOfOrder, seq, *seen)
			}
			*seen = seq
		}
		if protocol.Ends(m.Type()) {
			return m, nil
		}
		if err := on(m); err != nil {
			return nil, errors.Join(errOn, err)
		}
		if c.socket != socket { // what has arrived already counts as lost, too
			return nil, net.ErrClosed
		}
	}
}

func decodeNumbered(frame protocol.Frame) (id uint32, m protocol.Message, seq int, err error) {
	if id, m, err = protocol.DecodeReply(frame); err == nil {
		seq = protocol.SeqOf(m)
	}
	return id, m, seq, err
}

// connect opens a connection and says hello.
func (c *Client) connect(ctx context.Context, seen int) error {
	conn, response, err := websocket.DefaultDialer.DialContext(ctx, c.URL, http.Header{})
	if err != nil {
		if response != nil && response.StatusCode < http.StatusInternalServerError {
			return refusedError{&protocol.Error{Code: protocol.CodeForbidden, Message: "the server answers " + response.Status}}
		}
		return err
	}
	c.socket = &socket{Conn: conn, patience: time.Minute}
	hello, err := protocol.Encode(0, &protocol.Hello{Version: protocol.ProtocolVersion, Token: c.Token, Session: c.session, Secret: c.secret}, nil)
	if err == nil {
		err = c.socket.send(hello)
	}
	if err != nil {
		return err
	}
	reply, err := c.socket.receive(time.Minute, protocol.MaxMessageBytes, protocol.MaxMessageBytes, roomy)
	if err != nil {
		return err
	}
	_, m, err := protocol.DecodeReply(reply)
	switch m := m.(type) {
	case *protocol.Welcome:
		c.session, c.secret = m.Session, m.Secret
		if seen > 0 && m.Answered < c.answered {
			return refusedError{&protocol.Error{Code: protocol.CodeNetwork, Message: "the server has lost the conversation in the middle of an answer"}}
		}
		c.answered = m.Answered // 0 where the server has begun a new session
		return nil
	case *protocol.Error:
		return refusedError{m}
	}
	return errors.Join(errors.New("the server did not answer hello"), err)
}

// Cut ends the connection without a word, as a network does.
func (c *Client) Cut() {
	if c.socket != nil {
		c.socket.Close()
		c.socket = nil
	}
}
