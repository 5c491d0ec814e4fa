package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/samba-web/samba/wasm/protocol"
)

// raw is a client that may say anything.
type raw struct {
	t testing.TB
	*websocket.Conn
}

func dial(t testing.TB, h *host, headers ...string) *raw {
	t.Helper()
	header := http.Header{}
	for i := 0; i < len(headers); i += 2 {
		header.Set(headers[i], headers[i+1])
	}
	conn, _, err := websocket.DefaultDialer.Dial(h.socketURL(), header)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &raw{t, conn}
}

func (r *raw) say(text string) {
	r.t.Helper()
	if err := r.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
		r.t.Fatal(err)
	}
}

// hear waits for a message of a type and returns it; the code of the connection's end, if that comes first.
func (r *raw) hear(kind string) (message map[string]any, code int) {
	r.t.Helper()
	r.SetReadDeadline(time.Now().Add(time.Minute))
	for {
		_, text, err := r.ReadMessage()
		var closed *websocket.CloseError
		if errors.As(err, &closed) {
			return nil, closed.Code
		}
		if err != nil {
			r.t.Fatalf("waiting for %s: %v", kind, err)
		}
		message = nil
		if err := json.Unmarshal(text, &message); err != nil {
			r.t.Fatal(err)
		}
		if message["type"] == kind {
			return message, 0
		}
	}
}

func (r *raw) hello(more string) map[string]any {
	r.t.Helper()
	r.say(`{"type":"hello","id":0,"version":1` + more + `}`)
	welcome, code := r.hear("welcome")
	if welcome == nil {
		r.t.Fatalf("no welcome: %d", code)
	}
	return welcome
}

func TestWhoMayConnect(t *testing.T) {
	h := start(t, func(o *Options) { o.Origins, o.Tokens = []string{"https://friend.example"}, []string{"key"} })
	for origin, want := range map[string]int{"https://friend.example": 101, "https://foe.example": 403, h.web.URL: 101, "null": 403} {
		_, response, _ := websocket.DefaultDialer.Dial(h.socketURL(), http.Header{"Origin": {origin}})
		if response == nil || response.StatusCode != want {
			t.Errorf("from %s: %+v, want %d", origin, response, want)
		}
	}
	dial(t, h).hello(`,"token":"key"`)
	dial(t, h, "Authorization", "Bearer key").hello("")
	for _, c := range []struct{ hello, words string }{
		{`{"type":"hello","id":3,"version":1}`, "token"},
		{`{"type":"hello","id":3,"version":1,"token":"kez"}`, "token"},
		{`{"type":"hello","id":3,"version":9,"token":"key"}`, "version 1"},
		{`{"type":"hello","id":3,"version":1,"token":"key","session":"x"}`, "go together"},
		{`{"type":"ping","id":3}`, "want hello"},
		{`{"type":"generate","id":3,"prompt":"a"}`, "want hello"},
		{`nonsense`, "cannot be read"},
	} {
		r := dial(t, h)
		r.say(c.hello)
		message, _ := r.hear("error")
		if message == nil || !strings.Contains(message["message"].(string), c.words) {
			t.Errorf("%s: %v, want %q", c.hello, message, c.words)
		}
		if _, code := r.hear("nothing"); code != websocket.ClosePolicyViolation {
			t.Errorf("%s: then %d", c.hello, code)
		}
	}
}

// A session is of use to nobody without its secret, whatever name is given.
func TestSessionsNeedTheirSecret(t *testing.T) {
	h := start(t, nil)
	welcome := dial(t, h).hello("")
	name := welcome["session"].(string)
	r := dial(t, h)
	r.say(`{"type":"hello","id":0,"version":1,"session":"` + name + `","secret":"guess"}`)
	if message, _ := r.hear("error"); message == nil || message["code"] != "forbidden" {
		t.Errorf("a guessed secret: %v", message)
	}
	for _, name := range []string{"../../etc/passwd", "x", strings.Repeat("A", 26), "..", "AAAAAAAAAAAAAAAAAAAAAAAAA."} {
		if got := dial(t, h).hello(`,"session":` + quoted(name) + `,"secret":"guess"`); got["session"] == name {
			t.Errorf("a session called %q was begun", name)
		}
	}
}

func quoted(text string) string { data, _ := json.Marshal(text); return string(data) }

func TestMalformedMessages(t *testing.T) {
	h := start(t, nil)
	r := dial(t, h)
	r.hello("")
	for _, text := range []string{``, `{`, `[]`, `null`, `7`, `{"type":"dance","id":5}`, `{"type":"generate","id":6}`, `{"type":"generate","id":-1,"prompt":"a"}`,
		`{"type":"hello","id":7,"version":1}`, `{"type":"generate","id":8,"prompt":"a","seq":-4}`, `{"type":"generate","id":9,"prompt":"a","seq":3}`,
		`{"type":"generate","id":10,"prompt":"a","max_tokens":1,"color":"red"}`, `{"type":"generate","id":11,"prompt":"\ud800","max_tokens":1e99}`} {
		r.say(text)
		if message, code := r.hear("error"); message == nil {
			t.Fatalf("%s: the connection ended with %d", text, code)
		}
	}
	r.say(`{"type":"generate","id":12,"prompt":"a","max_tokens":3,"seed":1,"seq":900}`)
	if done, _ := r.hear("done"); done == nil || done["id"] != 12.0 {
		t.Errorf("a client ahead of its answer: %v", done)
	}
	r.say(`{"type":"cancel","id":12,"target":99}`)
	r.say(`{"type":"ping","id":13}`)
	if pong, _ := r.hear("pong"); pong == nil || pong["id"] != 13.0 {
		t.Errorf("pong: %v", pong)
	}
	r.say(`{"type":"generate","id":14,"prompt":"a","max_tokens":1,"seed":1}`)
	if done, _ := r.hear("done"); done == nil {
		t.Error("the engine is not as good as before")
	}
	for _, c := range []struct {
		kind int
		data string
		code int
	}{{websocket.BinaryMessage, "bytes", websocket.CloseProtocolError}, {websocket.TextMessage, strings.Repeat("x", 1<<17), websocket.CloseMessageTooBig},
		{websocket.TextMessage, strings.Repeat("x", 1<<22), websocket.CloseMessageTooBig}} {
		r := dial(t, h)
		r.hello("")
		r.WriteMessage(c.kind, []byte(c.data))
		if _, code := r.hear("nothing"); code != c.code {
			t.Errorf("%d bytes of kind %d: %d, want %d", len(c.data), c.kind, code, c.code)
		}
	}
}

func TestLimits(t *testing.T) {
	h := start(t, func(o *Options) { o.Clients, o.PerMinute = 2, 3 })
	r := dial(t, h)
	r.hello("")
	for id := 1; id <= 3; id++ {
		r.say(fmt.Sprintf(`{"type":"tokenize","id":%d,"text":"a"}`, id))
		r.hear("tokens")
	}
	r.say(`{"type":"tokenize","id":4,"text":"a"}`)
	if message, _ := r.hear("error"); message == nil || message["code"] != "busy" || message["id"] != 4.0 {
		t.Errorf("the fourth request: %v", message)
	}
	dial(t, h).hello("")
	third := dial(t, h)
	third.say(`{"type":"hello","id":0,"version":1}`)
	if message, _ := third.hear("error"); message == nil || message["code"] != "busy" {
		t.Errorf("a third client: %v", message)
	}
	r.Close() // whose place is free then, since nothing of its is under way
	for ended := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		again := dial(t, h)
		again.say(`{"type":"hello","id":0,"version":1}`)
		if _, text, err := again.ReadMessage(); err == nil && bytes.Contains(text, []byte("welcome")) {
			return
		}
		if time.Now().After(ended) {
			t.Fatal("the place was never free again")
		}
	}
}

// A client that does not read holds its own answer up, is dropped, and goes on where it was.
func TestSlowReader(t *testing.T) {
	want := undisturbed(t, generate(3, 1500, "talk"))[0]
	h := start(t, func(o *Options) { o.Patience = 300 * time.Millisecond })
	c := &Client{URL: h.socketURL()}
	defer c.Cut()
	narrow := func(conn *websocket.Conn) { conn.NetConn().(*net.TCPConn).SetReadBuffer(4 << 10) }
	got, stalled := "", false
	g := generate(3, 1500, "talk")
	g.TopLogprobs = ptr(20) // a kilobyte and more a token
	last, err := c.Ask(t.Context(), g, func(m protocol.Message) error {
		piece, ok := m.(*protocol.Text)
		if !ok {
			return nil
		}
		if got += piece.Text + cut; !stalled {
			stalled = true
			narrow(c.socket.Conn)
			for ended := time.Now().Add(time.Minute); !strings.Contains(metric(t, h), `samba_dropped_total{reason="slow"} 1`); time.Sleep(20 * time.Millisecond) {
				if time.Now().After(ended) {
					t.Fatal("who does not read was not dropped")
				}
			}
		}
		return nil
	})
	if _, ok := last.(*protocol.Done); err != nil || !ok || got != want {
		t.Errorf("%v %v\n got %q\nwant %q", last, err, got, want)
	}
	if c.Reconnects == 0 {
		t.Error("the client was not dropped")
	}
}

func metric(t testing.TB, h *host) string {
	t.Helper()
	var b bytes.Buffer
	families, err := h.metrics.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.Metric {
			labels := ""
			for _, l := range m.Label {
				labels += fmt.Sprintf("%s=%q", l.GetName(), l.GetValue())
			}
			fmt.Fprintf(&b, "%s{%s} %v\n", f.GetName(), labels, m.GetCounter().GetValue()+m.GetGauge().GetValue())
		}
	}
	return b.String()
}

func TestIdleAndSilent(t *testing.T) {
	h := start(t, func(o *Options) { o.Idle = 100 * time.Millisecond })
	r := dial(t, h)
	r.hello("")
	if _, code := r.hear("nothing"); code != int(protocol.CloseIdle) {
		t.Errorf("idle: %d", code)
	}
	h = start(t, func(o *Options) { o.Silence = 100 * time.Millisecond })
	r = dial(t, h)
	r.SetPingHandler(func(string) error { return nil }) // as one that is not there
	r.hello("")
	if _, code := r.hear("nothing"); code != websocket.CloseGoingAway {
		t.Errorf("silent: %d", code)
	}
}

// FuzzLine says anything on a line whose engine answers each request with one piece and an end: the engine hears what
// can be read, the client numbers in their order, and nothing is held afterwards.
func FuzzLine(f *testing.F) {
	for _, seed := range []string{
		`{"type":"generate","id":1,"prompt":"a","max_tokens":2,"seed":1}` + "\n" + `{"type":"generate","id":1,"prompt":"a","seq":1}`,
		`{"type":"generate","id":5,"prompt":"a","seq":2,"seed":1}` + "\n" + `{"type":"generate","id":4,"prompt":"a","seed":1}`,
		`{"type":"cancel","id":1,"target":1}` + "\n" + `{"type":"tokenize","id":0,"text":"a"}`,
		`{"type":"tokenize","id":1,"binary":4,"text":"a"}`,
		`{"type":"save","id":1}` + "\n" + `{"type":"reset","id":2,"session":7}` + "\n" + `{"type":"fork","id":3,"into":1}`,
		"{}\n[]\n\"\"",
	} {
		f.Add([]byte(seed))
	}
	h := start(f, nil)
	f.Fuzz(func(t *testing.T, data []byte) {
		l := &line{
			server: h.Server, keeper: h.engine.Load().keeper, c: &conversation{name: "fuzz"}, client: "fuzz", in: make(chan protocol.Frame),
			exchanges: map[uint32]*exchange{}, used: time.Now(), socket: &socket{},
		}
		l.change = sync.NewCond(&l.mu)
		l.ctx, l.end = context.WithCancel(t.Context())
		engine := make(chan struct{})
		go func() {
			defer close(engine)
			for {
				frame, err := l.Receive(l.ctx)
				if err != nil {
					return
				}
				id, request, err := protocol.DecodeRequest(frame)
				if err != nil {
					t.Errorf("the engine hears what cannot be read: %q", frame.JSON)
				}
				if _, cancel := request.(*protocol.Cancel); cancel {
					continue
				}
				for _, m := range []protocol.Message{&protocol.Text{Text: "a", Tokens: 1}, &protocol.Done{}} {
					reply, err := protocol.Encode(id, m, nil)
					if err == nil {
						err = l.Send(reply)
					}
					if err != nil && l.ctx.Err() == nil {
						t.Errorf("request %d: %v", id, err)
					}
				}
			}
		}()
		reader := make(chan struct{})
		go func() {
			defer close(reader)
			last := map[uint32]int{}
			for {
				frame, ok := l.next(l.socket)
				if !ok {
					return
				}
				var head protocol.Header
				if err := json.Unmarshal(frame.JSON, &head); err != nil {
					t.Errorf("the client hears %q", frame.JSON)
				}
				if head.Seq != 0 && last[head.ID] != 0 && head.Seq != last[head.ID]+1 && head.Type == "text" {
					t.Errorf("request %d: number %d after %d", head.ID, head.Seq, last[head.ID])
				}
				last[head.ID] = head.Seq
			}
		}()
		for i, message := range bytes.SplitN(data, []byte("\n"), 50) {
			held := &lease{of: h.waiting, address: "fuzz"}
			if i == 49 || held.grow(int64(len(message))) != nil || h.take(l, protocol.Frame{JSON: message}, held) != nil {
				break
			}
		}
		l.end()
		l.mu.Lock()
		l.change.Broadcast()
		l.mu.Unlock()
		<-engine
		<-reader
		l.release()
		if n := h.waiting.sum(); n != 0 {
			t.Errorf("%v bytes are held afterwards", n)
		}
	})
}
