package server

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/model"
	modelfolder "github.com/samba-web/samba/model/folder"
	"github.com/samba-web/samba/model/sampling"
	"github.com/samba-web/samba/model/talking"
	"github.com/samba-web/samba/wasm/protocol"
)

func ptr[T any](v T) *T { return &v }

// home has the fixture's model, which talks, and no GPU.
type home struct{}

func (home) Source(url string) (modelfolder.Source, error) {
	return talking.Source(modelfolder.Dir("../../model/testdata/samba-mha")), nil
}

func (home) Device(context.Context) (*gpu.Device, error) { return nil, gpu.ErrNoAdapter }

// loaded is the model, once for all tests, and its pool.
var loaded = sync.OnceValues(func() (*protocol.Shared, error) {
	shared, _, err := protocol.LoadShared(context.Background(), home{}, &protocol.Load{URL: "tiny", Backend: protocol.BackendCPU}, nil)
	if err == nil {
		shared.Turns, err = shared.Model.NewPool(4)
	}
	return shared, err
})

// host is a server under test.
type host struct {
	*Server
	web *httptest.Server
	log *lockedBuffer
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func (h *host) socketURL() string { return "ws" + strings.TrimPrefix(h.web.URL, "http") + "/engine" }

// start runs a server with the options that the test changes.
func start(t testing.TB, change func(*Options)) *host {
	t.Helper()
	shared, err := loaded()
	if err != nil {
		t.Fatal(err)
	}
	log := &lockedBuffer{}
	o := Options{
		Engine: &Engine{Model: shared.Model, Ready: shared.Ready, Machine: shared.Turns.(*model.Pool), Close: func() {}},
		Log:    slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})), States: t.TempDir(), Keep: time.Hour, Sessions: 4,
		StatesBytes: 1 << 30, DiskPatience: 20 * time.Second, Requests: 100, Waiting: 64 << 20, Share: 1, Heartbeat: time.Minute,
		Clients: 100, Resume: time.Minute, Idle: time.Hour, Silence: time.Minute, Patience: 20 * time.Second,
		MaxMessage: 1 << 16, MaxPrompt: 1000, MaxTokens: 2000,
	}
	if change != nil {
		change(&o)
	}
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	h := &host{Server: s, web: httptest.NewUnstartedServer(s.Handler()), log: log}
	h.web.Config.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		c.(*net.TCPConn).SetWriteBuffer(4 << 10) // so that who does not read is felt at once
		return ctx
	}
	h.web.Start()
	t.Cleanup(func() {
		h.Server.Close()
		h.web.CloseClientConnections()
		h.web.Close()
	})
	return h
}

// generate is a request whose answer its seed tells.
func generate(seed uint64, tokens int, turns ...string) *protocol.Generate {
	g := &protocol.Generate{Settings: sampling.Settings{MaxTokens: &tokens, Seed: &seed, Temperature: ptr(1.0)}}
	for i, text := range turns {
		g.Messages = append(g.Messages, protocol.ChatMessage{Role: []string{"user", "bot"}[i%2], Content: text})
	}
	return g
}

// say asks and returns the answer's text, a cut after each piece; each is called after every piece.
func say(t testing.TB, c *Client, g *protocol.Generate, each func(pieces int)) (string, *protocol.Done) {
	t.Helper()
	text, pieces := "", 0
	last, err := c.Ask(t.Context(), g, func(m protocol.Message) error {
		if piece, ok := m.(*protocol.Text); ok {
			text += piece.Text + cut
			pieces++
			if each != nil {
				each(pieces)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	done, ok := last.(*protocol.Done)
	if !ok {
		t.Fatalf("ended with %#v", last)
	}
	if done.Usage.CompletionTokens != pieces {
		t.Errorf("%d pieces came of %d tokens", pieces, done.Usage.CompletionTokens)
	}
	return text, done
}

// cut stands between pieces: no token of the model's.
const cut = "·"

// talked is a conversation of several turns, and its answers.
var talked = sync.OnceValues(func() (requests []*protocol.Generate, answers []string) {
	shared, err := loaded()
	if err != nil {
		panic(err)
	}
	session, err := shared.Turns.(*model.Pool).NewSession()
	if err != nil {
		panic(err)
	}
	var turns []string
	for i, text := range []string{"tell me", "more", "and?"} {
		turns = append(turns, text)
		g := generate(uint64(7+i), 60-10*i, turns...)
		requests = append(requests, g)
		answer := ""
		engine := protocol.Engine{Shared: &protocol.Shared{Model: shared.Model, Turns: shared.Turns,
			Session: func(context.Context, uint32) (*model.Session, error) { return session, nil }}}
		engine.Ask(context.Background(), g, func(m protocol.Message) error {
			if piece, ok := m.(*protocol.Text); ok {
				answer += piece.Text + cut
			}
			return nil
		})
		if answer == "" {
			panic("the model that the server is compared with says nothing")
		}
		answers = append(answers, answer)
		turns = append(turns, strings.ReplaceAll(answer, cut, ""))
	}
	return requests, answers
})

// undisturbed is the answer that a conversation must have.
func undisturbed(t testing.TB, requests ...*protocol.Generate) (answers []string) {
	t.Helper()
	h := start(t, nil)
	c := &Client{URL: h.socketURL()}
	defer c.Cut()
	for _, g := range requests {
		text, _ := say(t, c, g, nil)
		answers = append(answers, text)
	}
	return answers
}

func TestConversation(t *testing.T) {
	h := start(t, nil)
	c := &Client{URL: h.socketURL()}
	defer c.Cut()
	last, err := c.Ask(t.Context(), &protocol.Load{URL: "wss://here", Backend: protocol.BackendRemote}, func(protocol.Message) error { return nil })
	if ready, ok := last.(*protocol.Ready); err != nil || !ok || ready.Backend != "remote" || !ready.Chat || ready.StateBytes <= 0 {
		t.Fatalf("load: %+v, %v", last, err)
	}
	first, done := say(t, c, generate(1, 20, "hello"), nil)
	if strings.Count(first, cut) != 20 || done.FinishReason != "length" {
		t.Errorf("%q ended by %+v", first, done)
	}
	if again, _ := say(t, c, generate(1, 20, "hello"), nil); again != first {
		t.Errorf("the same seed said %q, then %q", first, again)
	}
	_, done = say(t, c, generate(2, 20, "hello", first, "go on"), nil)
	t.Logf("usage %+v", done.Usage)
	for _, refused := range []protocol.Message{
		&protocol.Load{URL: "x", Backend: protocol.BackendCPU}, &protocol.Logits{IDs: []uint32{1}}, &protocol.Bench{Prompt: 1, Generate: 1, Runs: 1},
		generate(1, 3000, "hello"), generate(1, 5, strings.Repeat("long ", 300)),
	} {
		last, err := c.Ask(t.Context(), refused, nil)
		if e, ok := last.(*protocol.Error); err != nil || !ok || e.Code != protocol.CodeForbidden && e.Code != protocol.CodeBadRequest {
			t.Errorf("%s: %+v, %v", refused.Type(), last, err)
		}
	}
	if text := h.log.String(); strings.Contains(text, "hello") {
		t.Errorf("the log has what was said: %s", text)
	}
}

// A client whose connection is cut again and again gets each token once.
func TestCuts(t *testing.T) {
	requests, want := talked()
	h := start(t, nil)
	c := &Client{URL: h.socketURL()}
	defer c.Cut()
	for i, g := range requests {
		got, _ := say(t, c, g, func(pieces int) {
			if pieces%20 == 5 {
				c.Cut()
			}
		})
		if got != want[i] {
			t.Errorf("answer %d\n got %q\nwant %q", i, got, want[i])
		}
	}
	if c.Reconnects < 8 {
		t.Errorf("%d reconnects: nothing was cut", c.Reconnects)
	}
}

// What one client says never reaches another, however their turns mix.
func TestNothingLeaks(t *testing.T) {
	h := start(t, func(o *Options) { o.Sessions = 2 })
	const clients = 6
	requests := func(i int) []*protocol.Generate {
		name := fmt.Sprintf("client %d, secret %d", i, i*7919)
		return []*protocol.Generate{generate(uint64(i), 30, name), generate(uint64(i), 30, name, "yes", "and then?")}
	}
	var want [clients][]string
	for i := range clients {
		want[i] = undisturbed(t, requests(i)...)
	}
	var all sync.WaitGroup
	for i := range clients {
		all.Go(func() {
			c := &Client{URL: h.socketURL()}
			defer c.Cut()
			for turn, g := range requests(i) {
				got := ""
				last, err := c.Ask(t.Context(), g, func(m protocol.Message) error {
					if piece, ok := m.(*protocol.Text); ok {
						got += piece.Text + cut
					}
					return nil
				})
				done, ok := last.(*protocol.Done)
				if err != nil || !ok {
					t.Errorf("client %d: %+v, %v", i, last, err)
					return
				}
				if got != want[i][turn] {
					t.Errorf("client %d, turn %d: %q, want %q", i, turn, got, want[i][turn])
				}
				if done.Position != done.Usage.PromptTokens+done.Usage.CompletionTokens-1 {
					t.Errorf("client %d's state holds %d tokens after %+v", i, done.Position, done.Usage)
				}
			}
		})
	}
	all.Wait()
	if n := h.engine.Load().keeper.inMemory(); n > 2 {
		t.Errorf("%d states in memory, want at most 2", n)
	}
	if _, err := os.Stat(h.o.States); err != nil {
		t.Error(err)
	}
}
