package bench

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
)

// hostileAddress is where hostile clients come from: another than the others', so that
// the server can tell them apart. Systems without it have them all at one.
const hostileAddress = "127.0.0.2"

// hostile asks a server for what it must not give.
type hostile struct {
	page   string // http://HOST
	socket string // ws://HOST/engine
	dial   net.Dialer
	web    http.Client
	hung   []string // names of sessions whose files cannot be opened

	attacks, refused atomic.Int64
}

func newHostile(engine string, hung []string) (*hostile, error) {
	u, err := url.Parse(engine)
	if err != nil {
		return nil, err
	}
	h := &hostile{page: "http://" + u.Host, socket: engine, hung: hung}
	address := &net.TCPAddr{IP: net.ParseIP(hostileAddress)}
	if trial, err := net.ListenTCP("tcp", address); err == nil {
		trial.Close()
		h.dial.LocalAddr = address
	}
	h.web.Transport = &http.Transport{DialContext: h.dial.DialContext, DisableKeepAlives: true}
	return h, nil
}

// run attacks in all its ways, beside this many clients, until ctx ends.
func (h *hostile) run(ctx context.Context, clients int) {
	var all sync.WaitGroup
	for _, way := range []struct {
		attack    func(context.Context)
		attackers int
	}{
		{h.withoutHello, clients}, {h.halfOpen, clients}, {h.posts, (clients + 2) / 3}, {h.asks, (clients + 9) / 10},
		{h.sessions, 2}, {h.hungFolder, len(h.hung)},
	} {
		for range way.attackers {
			all.Go(func() {
				for ctx.Err() == nil {
					h.attacks.Add(1)
					way.attack(ctx)
					pause(ctx, time.Duration(50+rand.IntN(100))*time.Millisecond)
				}
			})
		}
	}
	all.Wait()
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// large is more than any server takes of one message.
var large = bytes.Repeat([]byte("a "), 8<<20)

// open connects, and returns nil if that is refused.
func (h *hostile) open(ctx context.Context) *websocket.Conn {
	dialer := websocket.Dialer{NetDialContext: h.dial.DialContext, HandshakeTimeout: 10 * time.Second}
	conn, _, err := dialer.DialContext(ctx, h.socket, nil)
	if err != nil {
		h.refused.Add(1)
		return nil
	}
	context.AfterFunc(ctx, func() { conn.Close() })
	return conn
}

// hello begins a session, and returns nil if that is refused.
func (h *hostile) hello(ctx context.Context, more string) *websocket.Conn {
	conn := h.open(ctx)
	if conn == nil {
		return nil
	}
	conn.WriteMessage(websocket.TextMessage, []byte(`{"type":"hello","id":0,"version":1`+more+`}`))
	conn.SetReadDeadline(time.Now().Add(15 * time.Second))
	if _, text, err := conn.ReadMessage(); err != nil || !bytes.Contains(text, []byte("welcome")) {
		h.refused.Add(1)
		conn.Close()
		return nil
	}
	return conn
}

// withoutHello sends much before it says who it is.
func (h *hostile) withoutHello(ctx context.Context) {
	if conn := h.open(ctx); conn != nil {
		defer conn.Close()
		conn.WriteMessage(websocket.TextMessage, large)
		pause(ctx, time.Second)
	}
}

// halfOpen begins a request and leaves it there.
func (h *hostile) halfOpen(ctx context.Context) {
	conn, err := h.dial.DialContext(ctx, "tcp", strings.TrimPrefix(h.page, "http://"))
	if err != nil {
		h.refused.Add(1)
		return
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n%s", large[:rand.IntN(1<<19)])
	pause(ctx, 2*time.Second)
}

// posts asks with as much as is taken, again and again.
func (h *hostile) posts(ctx context.Context) {
	body := fmt.Sprintf(`{"prompt":"%s","max_tokens":1}`, large[:1<<20-100])
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, h.page+"/v1/completions", strings.NewReader(body))
	if err != nil {
		return
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := h.web.Do(r)
	if err == nil {
		io.Copy(io.Discard, answer.Body)
		answer.Body.Close()
	}
	if err != nil || answer.StatusCode != http.StatusOK {
		h.refused.Add(1)
	}
}

// asks sends many large requests over one connection and reads nothing.
func (h *hostile) asks(ctx context.Context) {
	conn := h.hello(ctx, "")
	if conn == nil {
		return
	}
	defer conn.Close()
	for id := 1; id <= 64; id++ {
		text := fmt.Sprintf(`{"type":"tokenize","id":%d,"text":"%s"}`, id, large[:1<<20-100])
		conn.SetWriteDeadline(time.Now().Add(5 * time.Second))
		if conn.WriteMessage(websocket.TextMessage, []byte(text)) != nil {
			h.refused.Add(1)
			return
		}
	}
}

// sessions begins one conversation after another, whose states are kept.
func (h *hostile) sessions(ctx context.Context) {
	conn := h.hello(ctx, "")
	if conn == nil {
		return
	}
	defer conn.Close()
	conn.WriteMessage(websocket.TextMessage, []byte(`{"type":"generate","id":1,"prompt":"a","max_tokens":1,"seed":1}`))
	for {
		if _, text, err := conn.ReadMessage(); err != nil || bytes.Contains(text, []byte(`"done"`)) {
			return
		}
	}
}

// hungFolder asks for a session whose file cannot be opened.
func (h *hostile) hungFolder(ctx context.Context) {
	name := h.hung[rand.IntN(len(h.hung))]
	if conn := h.hello(ctx, `,"session":"`+name+`","secret":"guess"`); conn != nil {
		conn.Close()
	}
}
