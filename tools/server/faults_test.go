package server

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gorilla/websocket"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/model"
	"github.com/samba-web/samba/wasm/protocol"
)

// occupied takes the server's only place in memory until it is given back: what comes meanwhile waits.
func occupied(t *testing.T, h *host) (free func()) {
	t.Helper()
	k, c := h.engine.Load().keeper, &conversation{}
	if _, err := k.lend(t.Context(), c, 0); err != nil {
		t.Fatal(err)
	}
	return func() { k.drop(c) }
}

// until waits for something that must come about.
func until(t *testing.T, what string, f func() bool) {
	t.Helper()
	for ended := time.Now().Add(time.Minute); !f(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(ended) {
			t.Fatal("this never came about: " + what)
		}
	}
}

// from makes a header that a proxy sends for a client at an address.
func from(address string) http.Header { return http.Header{"X-Forwarded-For": {address}} }

func TestHandshakesAreBounded(t *testing.T) {
	h := start(t, func(o *Options) { o.Share, o.Proxied = 0.25, true })
	knock := func(address string) (*websocket.Conn, int) {
		conn, response, err := websocket.DefaultDialer.Dial(h.socketURL(), from(address))
		if err == nil {
			t.Cleanup(func() { conn.Close() })
		}
		if response.StatusCode == http.StatusServiceUnavailable || response.StatusCode == http.StatusTooManyRequests {
			if response.Header.Get("Retry-After") == "" {
				t.Error("a refusal does not say when to come again")
			}
		}
		return conn, response.StatusCode
	}
	var first *websocket.Conn
	for i := range maxHandshakes / 4 {
		conn, status := knock("203.0.113.7")
		if status != http.StatusSwitchingProtocols {
			t.Fatalf("handshake %d of an address: %d", i, status)
		}
		if i == 0 {
			first = conn
		}
	}
	if _, status := knock("203.0.113.7"); status != http.StatusTooManyRequests {
		t.Errorf("one handshake more than the address's share: %d", status)
	}
	other, status := knock("203.0.113.8")
	if status != http.StatusSwitchingProtocols {
		t.Fatalf("another address: %d", status)
	}
	(&raw{t, other}).hello("")
	// Before hello little is read, whatever is sent.
	first.WriteMessage(websocket.TextMessage, bytes.Repeat([]byte("x"), maxHello+1))
	if _, code := (&raw{t, first}).hear("nothing"); code != websocket.CloseMessageTooBig {
		t.Errorf("a hello of more than %d bytes: %d", maxHello, code)
	}
	until(t, "the place of a handshake that ended is free", func() bool {
		_, status := knock("203.0.113.7")
		return status == http.StatusSwitchingProtocols
	})
}

func TestAddressHasItsShare(t *testing.T) {
	h := start(t, func(o *Options) { o.Share, o.Proxied, o.Clients = 0.5, true, 4 })
	welcome := func(header http.Header) string {
		conn, _, err := websocket.DefaultDialer.Dial(h.socketURL(), header)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		conn.WriteMessage(websocket.TextMessage, []byte(`{"type":"hello","id":0,"version":1}`))
		_, text, err := conn.ReadMessage()
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	for i, c := range []struct {
		header http.Header
		in     bool
	}{
		{from("198.51.100.1"), true}, {from("9.9.9.9, 198.51.100.1"), true}, {from("198.51.100.1"), false},
		// Whatever the client writes itself, and in however many lines: the proxy's word is the last.
		{http.Header{"X-Forwarded-For": {"8.8.8.8", "198.51.100.1"}}, false}, {from("198.51.100.1:4711"), false},
		{from("2001:db8::1"), true}, {from("[2001:db8::2]:443"), true}, {from("2001:db8::3"), false},
	} {
		if text := welcome(c.header); strings.Contains(text, `"welcome"`) != c.in {
			t.Errorf("client %d, %v: %s", i, c.header, text)
		}
	}
}

func TestAddresses(t *testing.T) {
	s := &Server{o: Options{Proxied: true}}
	for _, c := range []struct {
		remote string
		lines  []string
		want   string
	}{
		{"10.0.0.1:80", nil, "10.0.0.1"}, {"10.0.0.1:80", []string{""}, "10.0.0.1"}, {"10.0.0.1:80", []string{"1.2.3.4, nonsense"}, "10.0.0.1"},
		{"10.0.0.1:80", []string{"1.1.1.1", "2.2.2.2,3.3.3.3"}, "3.3.3.3"}, {"[::ffff:10.0.0.1]:80", nil, "10.0.0.1"},
		{"[fe80::1%eth0]:80", nil, "fe80::/64"}, {"10.0.0.1:80", []string{"2001:db8:1:2:3:4:5:6"}, "2001:db8:1:2::/64"}, {"@", nil, "@"},
	} {
		r := &http.Request{RemoteAddr: c.remote, Header: http.Header{}}
		for _, line := range c.lines {
			r.Header.Add("X-Forwarded-For", line)
		}
		if got := s.addressOf(r); got != c.want {
			t.Errorf("%s %q: %q, want %q", c.remote, c.lines, got, c.want)
		}
	}
}

// What waits is bounded by bytes and by number, over HTTP and over WebSockets, and given back.
func TestWaitingRequestsAreBounded(t *testing.T) {
	h := start(t, func(o *Options) { o.MaxMessage, o.MaxPrompt, o.Requests, o.Sessions = 1<<20, 1<<30, 2, 1 })
	ask := func() (int, string, http.Header) {
		answer, err := http.Post(h.web.URL+"/v1/completions", "application/json", strings.NewReader(`{"prompt":"a","max_tokens":1}`))
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		text, _ := io.ReadAll(answer.Body)
		return answer.StatusCode, string(text), answer.Header
	}
	h.waiting.take("others", h.waiting.most)
	if status, text, header := ask(); status != 503 || header.Get("Retry-After") == "" {
		t.Errorf("no room for a body: %d %s", status, text)
	}
	r := dial(t, h)
	r.hello("")
	r.WriteMessage(websocket.TextMessage, []byte(`{"type":"generate","id":1,"prompt":"`+strings.Repeat("a", 1<<17)+`"}`))
	if _, text, err := r.ReadMessage(); err == nil {
		t.Errorf("no room for a message: %s", text)
	}
	if text := metric(t, h); !strings.Contains(text, `samba_dropped_total{reason="bytes"} 1`) {
		t.Errorf("the metrics: %s", text)
	}
	h.waiting.give("others", h.waiting.most)

	free := occupied(t, h)
	var under sync.WaitGroup
	for range 2 {
		under.Go(func() {
			if status, text, _ := ask(); status != 200 {
				t.Errorf("%d %s", status, text)
			}
		})
	}
	until(t, "two requests are under way", func() bool { return h.requests.sum() == 2 })
	if status, text, header := ask(); status != 429 && status != 503 || header.Get("Retry-After") == "" {
		t.Errorf("a third request: %d %s", status, text)
	}
	r = dial(t, h)
	r.hello("")
	for id := 1; id <= 6; id++ {
		r.say(fmt.Sprintf(`{"type":"generate","id":%d,"prompt":"%s","max_tokens":1}`, id, strings.Repeat("a", 1<<20-100)))
	}
	if message, _ := r.hear("error"); message == nil || message["code"] != "busy" || message["id"] != 5.0 {
		t.Errorf("the fifth megabyte: %v", message)
	}
	r.Close()
	for _, l := range h.all() {
		l.end()
		<-l.gone
	}
	free()
	under.Wait()
	until(t, "all bytes are given back", func() bool { return h.waiting.sum() == 0 && h.requests.sum() == 0 })
}

// A client that asks and does not read is not kept an answer after the other.
func TestUnreadAnswersWait(t *testing.T) {
	h := start(t, func(o *Options) { o.MaxMessage = 1 << 20 })
	r := dial(t, h)
	r.hello("")
	r.NetConn().(*net.TCPConn).SetReadBuffer(64 << 10)
	text := strings.Repeat("a", 30_000) // whose tokens are a far longer answer
	for id := 1; id <= 16; id++ {
		r.say(fmt.Sprintf(`{"type":"tokenize","id":%d,"text":"%s"}`, id, text))
	}
	line := h.all()[0]
	until(t, "the engine waits", func() bool {
		line.mu.Lock()
		defer line.mu.Unlock()
		return line.unsent() > maxUnsent
	})
	for id := 1; id <= 16; id++ {
		line.mu.Lock()
		if n := line.unsent(); n > maxUnsent+1<<20 {
			t.Errorf("%d bytes wait for a client that does not read", n)
		}
		line.mu.Unlock()
		if tokens, _ := r.hear("tokens"); tokens == nil || tokens["id"] != float64(id) {
			t.Fatalf("answer %d: %.80v", id, tokens)
		}
	}
}

// Of a prompt that is far too long only as much is cut into tokens as shows that.
func TestLongPromptIsNotRead(t *testing.T) {
	h := start(t, func(o *Options) { o.MaxMessage, o.MaxPrompt = 1<<20, 100_000 })
	for _, unit := range []string{"a", "a b "} {
		body, err := json.Marshal(map[string]any{"prompt": strings.Repeat(unit, (1<<19)/len(unit)), "max_tokens": 1})
		if err != nil {
			t.Fatal(err)
		}
		var got struct{ Error struct{ Message string } }
		var tokens int
		status, text := post(t, h, "/v1/completions", string(body))
		if err := json.Unmarshal([]byte(text), &got); err != nil || status != 400 {
			t.Fatalf("%d %.200s", status, text)
		}
		if _, err := fmt.Sscanf(got.Error.Message, "prompt has more than %d tokens", &tokens); err != nil || tokens <= 100_000 || tokens > 100_000+1<<16 {
			t.Errorf("of %q: %s", unit, got.Error.Message)
		}
	}
}

// A name of anybody's can be made to lead to this server: a page behind it is not the server's own.
func TestRebinding(t *testing.T) {
	h := start(t, func(o *Options) { o.Names = []string{"samba.lan"} })
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(h.web.URL, "http://"))
	for host, in := range map[string]bool{
		"evil.example": false, "localhost.evil.example": false, "127.0.0.1.evil.example": false, "samba.lan": true, "SAMBA.LAN": true, "localhost": true, "127.0.0.1": true, "[::1]": true,
	} {
		host += ":" + port
		header := http.Header{"Host": {host}, "Origin": {"http://" + host}}
		conn, response, err := websocket.DefaultDialer.Dial(h.socketURL(), header)
		if err == nil {
			conn.Close()
		}
		if (response.StatusCode == http.StatusSwitchingProtocols) != in {
			t.Errorf("a socket from %s: %d", host, response.StatusCode)
		}
		r, _ := http.NewRequestWithContext(t.Context(), "POST", h.web.URL+"/v1/completions", strings.NewReader(`{"prompt":"a","max_tokens":1}`))
		r.Host, r.Header = host, http.Header{"Content-Type": {"application/json"}, "Origin": {"http://" + host}}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if (answer.StatusCode == 200) != in || !in && answer.StatusCode != 403 {
			t.Errorf("a request from %s: %d", host, answer.StatusCode)
		}
	}
}

// A cancellation is answered by the end of what it cancels, so that it needs no id: a
// client that is back sends one for what was cancelled while it was away.
func TestCancelWithoutID(t *testing.T) {
	h := start(t, nil)
	r := dial(t, h)
	r.hello("")
	r.say(`{"type":"generate","id":1,"prompt":"a","seed":1,"max_tokens":1900}`)
	r.hear("text")
	r.say(`{"type":"cancel","id":0,"target":1}`)
	if message, _ := r.hear("done"); message["finish_reason"] != "cancelled" {
		t.Errorf("%v, want the answer cancelled", message)
	}
}

// An answer that is asked for again and fails then ends for a client that has seen its beginning.
func TestResumedAnswerFails(t *testing.T) {
	h := start(t, nil)
	r := dial(t, h)
	r.hello("")
	r.say(`{"type":"generate","id":4,"prompt":"a","seed":1,"max_tokens":100000,"seq":7}`)
	if message, _ := r.hear("error"); message == nil || message["seq"] != 8.0 {
		t.Errorf("the end of an answer of which 7 replies were seen: %v, want seq 8", message)
	}
	// Nor is a refusal left out because many came before it.
	go func() {
		for id := range 2 * maxAside {
			r.say(fmt.Sprintf(`{"type":"generate","id":%d}`, 10+id))
		}
	}()
	for id := range 2 * maxAside {
		if message, code := r.hear("error"); message == nil || message["id"] != float64(10+id) {
			t.Fatalf("refusal %d: %v, %d", id, message, code)
		}
	}
}

func TestDamagedHead(t *testing.T) {
	talk, _ := talked()
	states := t.TempDir()
	share := func(o *Options) { o.States = states }
	h := start(t, share)
	c := &Client{URL: h.socketURL()}
	say(t, c, talk[0], nil)
	c.Cut()
	path := filepath.Join(states, c.session+".session")
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head := bytes.IndexByte(good, '\n')
	head += 1 + bytes.IndexByte(good[head+1:], '\n')
	if _, _, err := readHead(bytes.NewReader(good)); err != nil {
		t.Fatal(err)
	}
	for at := range head + 1 {
		bad := bytes.Clone(good)
		bad[at] ^= 4
		if _, _, err := readHead(bytes.NewReader(bad)); err == nil {
			t.Fatalf("byte %d of the head is damaged, and nothing is said: %q", at, bad[max(0, at-5):at+5])
		}
	}
	at := bytes.Index(good, []byte(`"answered":`)) + len(`"answered":`)
	good[at] ^= 2
	if err := os.WriteFile(path, good, 0o600); err != nil {
		t.Fatal(err)
	}
	second := start(t, share)
	c.URL = second.socketURL()
	if got, _ := say(t, c, talk[1], nil); got == "" {
		t.Error("a client whose file is damaged gets no answer")
	}
}

// FuzzHead reads anything as a session's file.
func FuzzHead(f *testing.F) {
	f.Add([]byte(keptTitle + "00\n{}\n"))
	f.Add([]byte(keptTitle + "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a\n{}\nstate"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if head, length, err := readHead(bytes.NewReader(data)); err == nil && (length > int64(len(data)) || head.State < 0) {
			t.Errorf("a head of %d bytes in %d", length, len(data))
		}
	})
}

// A gate that is shut while others come in lets nobody through afterwards, and says when the last has left.
func TestGate(t *testing.T) {
	g := newGate()
	var inside atomic.Int32
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			for g.enter() {
				inside.Add(1)
				inside.Add(-1)
				g.leave()
			}
		})
	}
	<-g.close()
	if n := inside.Load(); n != 0 || g.enter() {
		t.Errorf("%d are inside a gate that is shut", n)
	}
	<-g.close() // again
	all.Wait()
}

// Requests may come while the server drains.
func TestRequestsWhileDraining(t *testing.T) {
	h := start(t, nil)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 5 {
				if status, text := post(t, h, "/v1/completions", `{"prompt":"a","max_tokens":1}`); status != 200 && status != 503 {
					t.Errorf("%d %s", status, text)
				}
			}
		})
	}
	h.Drain(t.Context())
	all.Wait()
}

// hung makes a file that nothing can open, until the test ends.
func hung(t *testing.T, path string) {
	t.Helper()
	os.Remove(path)
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Skip("this system has no named pipes: ", err)
	}
	t.Cleanup(func() {
		if pipe, err := os.OpenFile(path, os.O_WRONLY|syscall.O_NONBLOCK, 0); err == nil {
			pipe.Close()
		}
	})
}

// A file that cannot be opened holds up the client whose it is, and nothing else.
func TestHungFolder(t *testing.T) {
	h := start(t, func(o *Options) { o.DiskPatience = time.Hour })
	name := strings.Repeat("A", 26)
	hung(t, filepath.Join(h.o.States, name+".session"))
	dial(t, h).say(`{"type":"hello","id":0,"version":1,"session":"` + name + `","secret":"x"}`)
	until(t, "the folder is asked", func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		return h.opening[name] != nil
	})
	c := &Client{URL: h.socketURL()}
	defer c.Cut()
	say(t, c, generate(1, 5, "hello"), nil)
	if text := metric(t, h); !strings.Contains(text, "samba_tokens_total{} 5") {
		t.Errorf("the metrics: %s", text)
	}
	c.Cut()
	h.Drain(t.Context())
}

// Where the folder does not answer, answers go on without it, and readiness tells.
func TestAnswersWithoutFolder(t *testing.T) {
	talk, want := talked()
	h := start(t, func(o *Options) { o.DiskPatience = 50 * time.Millisecond })
	c := &Client{URL: h.socketURL()}
	defer c.Cut()
	say(t, c, talk[0], nil)
	hung(t, filepath.Join(h.o.States, c.session+".owner"))
	if got, _ := say(t, c, talk[1], nil); got != want[1] {
		t.Errorf("got %q, want %q", got, want[1])
	}
	if text := metric(t, h); !strings.Contains(text, "samba_states_unsaved_total{} 1") || !strings.Contains(text, "samba_states_failing{} 1") {
		t.Errorf("the metrics: %s", text)
	}
	if why := h.unready(); !strings.Contains(why, "folder") {
		t.Errorf("unready: %q", why)
	}
	got, done := say(t, c, talk[2], nil)
	if got != want[2] || done.Usage.PrefilledTokens > 20 {
		t.Errorf("%+v: got %q, want %q", done.Usage, got, want[2])
	}
}

// An operation that was given up has no effect when it comes back.
func TestLateOperation(t *testing.T) {
	f := newFolder(t.TempDir(), 20*time.Millisecond, 1<<30, 1)
	wait, ended := make(chan struct{}), make(chan error, 1)
	err := f.carryOut(func(o *operation) error {
		<-wait
		err := f.replace(o, "name", "", []byte("old"))
		ended <- err
		return err
	})
	if !errors.Is(err, errHung) || f.failing() == nil {
		t.Fatalf("%v, failing: %v", err, f.failing())
	}
	close(wait)
	if err := <-ended; err == nil {
		t.Error("what was given up was written")
	}
	if left, _ := os.ReadDir(f.path); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	until(t, "nothing is left behind", func() bool { return f.stuck.Load() == 0 })
	f.patience = time.Minute // a busy machine takes longer than those milliseconds
	if err := f.probe(); err != nil || f.failing() != nil {
		t.Errorf("%v, failing: %v", err, f.failing())
	}
	// Only this many are left behind; the next fails at once.
	f.patience = time.Millisecond
	never := make(chan struct{})
	defer close(never)
	for range underAtOnce {
		f.carryOut(func(*operation) error { <-never; return nil })
	}
	f.patience = time.Hour
	if err := f.probe(); !errors.Is(err, errHung) {
		t.Errorf("with all under way for ever: %v", err)
	}
}

// A folder that takes nothing turns readiness, and answers go on.
func TestFullDisk(t *testing.T) {
	h := start(t, func(o *Options) { o.Idle = 40 * time.Millisecond }) // which is how often the server looks
	folder := h.o.States
	if err := os.Rename(folder, folder+"-away"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(folder, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c := &Client{URL: h.socketURL()}
	defer c.Cut()
	say(t, c, generate(1, 3, "hello"), nil)
	if why := h.unready(); !strings.Contains(why, "folder") || strings.Contains(why, h.o.States) {
		t.Errorf("unready: %q", why)
	}
	if err := os.Remove(folder); err != nil {
		t.Fatal(err)
	}
	until(t, "the server is ready again", func() bool { return h.unready() == "" })
}

// States have the room that they were given; of one address the oldest go first.
func TestStatesHaveTheirRoom(t *testing.T) {
	sized := start(t, nil)
	c := &Client{URL: sized.socketURL()}
	say(t, c, generate(1, 3, "hello"), nil)
	c.Cut()
	about, err := os.Stat(filepath.Join(sized.o.States, c.session+".session"))
	if err != nil {
		t.Fatal(err)
	}
	h := start(t, func(o *Options) {
		o.StatesBytes, o.Share, o.Proxied, o.Clients = about.Size()*13/2, 0.5, true, 20
	})
	visit := func(address string) (session string) {
		conn, _, err := websocket.DefaultDialer.Dial(h.socketURL(), from(address))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		r := &raw{t, conn}
		session = r.hello("")["session"].(string)
		r.say(`{"type":"generate","id":1,"prompt":"hello","max_tokens":1,"seed":1}`)
		if done, _ := r.hear("done"); done == nil {
			t.Fatal("no answer")
		}
		conn.Close()
		h.mu.Lock()
		l := h.lines[session]
		h.mu.Unlock()
		l.end()
		<-l.gone
		return session
	}
	there := func(session string) bool {
		_, err := os.Stat(filepath.Join(h.o.States, session+".session"))
		return err == nil
	}
	quiet := visit("198.51.100.1")
	var loud []string
	for range 8 {
		loud = append(loud, visit("198.51.100.2"))
	}
	var got []bool
	for _, session := range append([]string{quiet}, loud...) {
		got = append(got, there(session))
	}
	if diff := cmp.Diff([]bool{true, false, false, false, false, false, true, true, true}, got); diff != "" {
		t.Errorf("the quiet client's state, then those of one that asks much (-want +got):\n%s", diff)
	}
	for i := range 6 {
		visit(fmt.Sprintf("198.51.100.%d", 3+i))
	}
	if sum := h.folder.bytes(); sum > h.o.StatesBytes {
		t.Errorf("%d bytes of %d", sum, h.o.StatesBytes)
	}
	h.sweep()
	if sum := h.folder.bytes(); sum > h.o.StatesBytes || there(quiet) {
		t.Errorf("%d bytes of %d, the oldest is there: %t", sum, h.o.StatesBytes, there(quiet))
	}
}

// A stream says at once that it is there, and again and again while a prompt waits or is read.
func TestSilentStream(t *testing.T) {
	h := start(t, func(o *Options) { o.Sessions, o.Heartbeat = 1, 3*time.Millisecond })
	free := occupied(t, h)
	answer, err := http.Post(h.web.URL+"/v1/chat/completions", "application/json",
		strings.NewReader(`{"messages":[{"role":"user","content":"hello"}],"max_tokens":2,"stream":true}`))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != 200 || answer.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("%d, %v", answer.StatusCode, answer.Header)
	}
	lines := bufio.NewScanner(answer.Body)
	for comments := 0; comments < 5 && lines.Scan(); {
		switch text := lines.Text(); {
		case strings.HasPrefix(text, ":"):
			comments++
		case text != "":
			t.Fatalf("before the answer: %q", text)
		}
	}
	free()
	last := ""
	for lines.Scan() {
		if text := lines.Text(); strings.HasPrefix(text, "data: ") {
			last = text
		}
	}
	if last != "data: [DONE]" {
		t.Errorf("it ends with %q: %v", last, lines.Err())
	}
	// What is wrong with a request is still told by the status.
	if status, text := post(t, h, "/v1/chat/completions", `{"messages":[{"role":"user","content":"a"}],"max_tokens":5000,"stream":true}`); status != 400 {
		t.Errorf("%d %s", status, text)
	}
}

// A client that closes its side ends its answer, and hears so if it listens.
func TestHalfClosedClient(t *testing.T) {
	h := start(t, func(o *Options) { o.Sessions = 1 })
	defer occupied(t, h)()
	for _, stream := range []bool{false, true} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(h.web.URL, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		body := fmt.Sprintf(`{"prompt":"hello","stream":%t}`, stream)
		fmt.Fprintf(conn, "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		conn.(*net.TCPConn).CloseWrite()
		text, err := io.ReadAll(conn)
		if err != nil || !strings.Contains(string(text), "closed on the client's side") || strings.HasPrefix(string(text), "HTTP/1.1 200") && !stream {
			t.Errorf("stream %t: %v: %q", stream, err, text)
		}
	}
	until(t, "both have ended", func() bool { return h.requests.sum() == 0 })
}

// Errors name neither the server's files nor its insides.
func TestErrorsKeepInsides(t *testing.T) {
	talk, _ := talked()
	h := start(t, func(o *Options) { o.Sessions = 1 })
	c := &Client{URL: h.socketURL()}
	defer c.Cut()
	say(t, c, talk[0], nil)
	occupied(t, h)() // so that the state is on disk only
	if err := os.WriteFile(filepath.Join(h.o.States, c.session+".session"), []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	last, err := c.Ask(t.Context(), talk[1], func(protocol.Message) error { return nil })
	if e, ok := last.(*protocol.Error); err != nil || !ok || strings.Contains(e.Message, h.o.States) || strings.Contains(e.Message, c.session) {
		t.Errorf("%+v, %v", last, err)
	}
	// What comes after a state that was lost cannot go on from it.
	more := *talk[1]
	more.Append = true
	last, err = c.Ask(t.Context(), &more, func(protocol.Message) error { return nil })
	if e, ok := last.(*protocol.Error); err != nil || !ok || e.Code != protocol.CodeBadState {
		t.Errorf("append to nothing: %+v, %v", last, err)
	}
	for _, body := range []string{`{"prompt":"a","temperature":-1}`, `{"prompt":"a","n":0}`, `{"prompt":"a","stop":[""]}`, `{"prompt":"a","max_tokens":0}`, `{"prompt":"a","response_format":{"type":"json_schema","json_schema":{"schema":{"type":"what"}}}}`} {
		_, text := post(t, h, "/v1/completions", body)
		for _, inside := range []string{"message generate", "Message generate", "commonRequest", "generate:"} {
			if strings.Contains(text, inside) {
				t.Errorf("%s: %s", body, text)
			}
		}
	}
}

// lossy is a machine whose device is lost after this many pieces of answers.
type lossy struct {
	*model.Pool
	left atomic.Int32
}

func (l *lossy) Generate(ctx context.Context, s *model.Session, r model.Request, emit func(model.Chunk) error) (model.Result, error) {
	result, err := l.Pool.Generate(ctx, s, r, func(c model.Chunk) error {
		if l.left.Add(-1) < 0 {
			return gpu.ErrLost
		}
		return emit(c)
	})
	return result, err
}

// When the device is lost the model is loaded again, and answers go on where they were.
func TestLostDevice(t *testing.T) {
	talk, want := talked()
	whole := strings.ReplaceAll(undisturbed(t, generate(5, 30, "hello"))[0], cut, "")
	var loads atomic.Int32
	h := start(t, func(o *Options) {
		first := &lossy{Pool: o.Engine.Machine.(*model.Pool)}
		first.left.Store(20)
		good := o.Engine
		o.Engine = &Engine{Model: good.Model, Ready: good.Ready, Machine: first, Close: func() {}}
		o.Reload = func(context.Context) (*Engine, error) {
			if loads.Add(1) == 1 {
				return nil, errors.New("not yet")
			}
			if loads.Load() == 2 {
				second := &lossy{Pool: first.Pool}
				second.left.Store(70)
				return &Engine{Model: good.Model, Ready: good.Ready, Machine: second, Close: func() {}}, nil
			}
			return good, nil
		}
	})
	c := &Client{URL: h.socketURL()}
	defer c.Cut()
	if got, _ := say(t, c, talk[0], nil); got != want[0] || loads.Load() != 2 {
		t.Errorf("after %d loads\n got %q\nwant %q", loads.Load(), got, want[0])
	}
	// Over HTTP the stream just goes on.
	_, stream := post(t, h, "/v1/chat/completions", `{"messages":[{"role":"user","content":"hello"}],"seed":5,"temperature":1,"max_tokens":30,"stream":true}`)
	if got := streamed(stream); got != whole || loads.Load() != 3 {
		t.Errorf("after %d loads the stream says\n     %q\nwant %q", loads.Load(), got, whole)
	}
	if why := h.unready(); why != "" {
		t.Errorf("unready: %s", why)
	}
	if text := metric(t, h); !strings.Contains(text, "samba_device_losses_total{} 2") {
		t.Errorf("the metrics: %s", text)
	}
}

// A device that cannot be had again, or is lost again and again, ends the answers with an error, and health tells.
func TestDeviceLostForGood(t *testing.T) {
	for _, reloads := range []bool{false, true} {
		h := start(t, func(o *Options) {
			lost := func(e *Engine) *Engine {
				return &Engine{Model: e.Model, Ready: e.Ready, Machine: &lossy{Pool: e.Machine.(*model.Pool)}, Close: func() {}}
			}
			good := *o.Engine
			if o.Engine = lost(&good); reloads {
				o.Reload = func(context.Context) (*Engine, error) { return lost(&good), nil }
			}
		})
		if status, text := post(t, h, "/v1/completions", `{"prompt":"a","max_tokens":3}`); status != 500 && status != 503 {
			t.Errorf("%d %s", status, text)
		}
		answer, err := http.Get(h.web.URL + "/healthz")
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != 503 {
			t.Errorf("reloads %t: healthy: %d", reloads, answer.StatusCode)
		}
	}
}

// A server that stops does not wait for a device.
func TestStopWhileDeviceIsAway(t *testing.T) {
	h := start(t, func(o *Options) {
		o.Engine = &Engine{Model: o.Engine.Model, Ready: o.Engine.Ready, Machine: &lossy{Pool: o.Engine.Machine.(*model.Pool)}, Close: func() {}}
		o.Reload = func(ctx context.Context) (*Engine, error) { <-ctx.Done(); return nil, ctx.Err() }
	})
	answered := make(chan int, 1)
	go func() {
		status, _ := post(t, h, "/v1/completions", `{"prompt":"a","max_tokens":3}`)
		answered <- status
	}()
	until(t, "the device is lost", func() bool { return h.engine.Load().lost.Load() })
	// A stream that comes meanwhile is no silent one.
	stream, err := http.Post(h.web.URL+"/v1/completions", "application/json", strings.NewReader(`{"prompt":"a","max_tokens":3,"stream":true}`))
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Body.Close()
	lines := bufio.NewReader(stream.Body)
	if line, err := lines.ReadString('\n'); stream.StatusCode != 200 || !strings.HasPrefix(line, ":") {
		t.Errorf("a stream while the device is away: %d, %q, %v", stream.StatusCode, line, err)
	}
	h.Drain(t.Context())
	if status := <-answered; status != 503 {
		t.Errorf("a request at the stop: %d", status)
	}
	if rest, _ := io.ReadAll(lines); !strings.Contains(string(rest), errStopping.Error()) {
		t.Errorf("the stream ends with %q", rest)
	}
}

// Tokens can be replaced: who has an old one is sent away.
func TestTokensAreReplaced(t *testing.T) {
	h := start(t, func(o *Options) { o.Tokens = []string{"old", "stays"} })
	r, other := dial(t, h), dial(t, h)
	r.hello(`,"token":"old"`)
	other.hello(`,"token":"stays"`)
	h.SetTokens([]string{"new", "stays"})
	if _, code := r.hear("nothing"); code == 0 {
		t.Error("a client with an old token stays")
	}
	other.say(`{"type":"ping","id":1}`)
	other.hear("pong")
	for token, want := range map[string]int{"old": 401, "new": 200, "stays": 200} {
		if status, _ := post(t, h, "/v1/completions", `{"prompt":"a","max_tokens":1}`, "Authorization", "Bearer "+token); status != want {
			t.Errorf("%s: %d", token, status)
		}
	}
}
