package server

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	modelfolder "github.com/samba-web/samba/model/folder"
	"github.com/samba-web/samba/model/talking"
	"github.com/samba-web/samba/wasm/protocol"
)

// A server that dies in the middle of an answer is stood in for by another that shares its folder of states: the
// client has the tokens that it would have had, each once.
func TestAnotherServerGoesOn(t *testing.T) {
	talk, want := talked()
	states := t.TempDir()
	share := func(o *Options) { o.States, o.Sessions = states, 1 }
	hosts := []*host{start(t, share), start(t, share), start(t, share)}
	c := &Client{URL: hosts[0].socketURL()}
	defer c.Cut()
	for i, g := range talk {
		next := 0
		got, done := say(t, c, g, func(pieces int) {
			if pieces == 13 || pieces == 30 {
				next++
				c.URL = hosts[(i+next)%len(hosts)].socketURL()
				c.Cut() // the one before goes on alone, and must not spoil what the next one does
			}
		})
		if got != want[i] {
			t.Errorf("turn %d\n got %q\nwant %q", i, got, want[i])
		}
		if i > 0 && done.Usage.PrefilledTokens > 20 {
			t.Errorf("turn %d read %d of its %d tokens: the state was lost", i, done.Usage.PrefilledTokens, done.Usage.PromptTokens)
		}
	}
	// Those that were left behind have finished what they had begun, and touched nothing of it.
	for _, h := range hosts {
		for _, l := range h.all() {
			for l.busy() && l.ctx.Err() == nil {
				time.Sleep(5 * time.Millisecond)
			}
		}
	}
	if head, _, err := hosts[0].folder.read(c.session, false); err != nil || head.Answered != c.lastID {
		t.Errorf("the state on disk is of request %d, want %d: %v", head.Answered, c.lastID, err)
	}
}

// A reply that was on its way when the server died is there when it, or another, is back.
func TestLastWordsAreKept(t *testing.T) {
	talk, want := talked()
	states := t.TempDir()
	first := start(t, func(o *Options) { o.States = states })
	c := &Client{URL: first.socketURL()}
	defer c.Cut()
	for i, g := range talk {
		h := start(t, func(o *Options) { o.States = states })
		got, _ := say(t, c, g, func(pieces int) {
			if pieces != 20 {
				return
			}
			// Everything has been answered and saved, but not heard.
			for ended := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
				if head, _, err := h.folder.read(c.session, false); err == nil && head.Answered == c.lastID {
					break
				}
				if time.Now().After(ended) {
					t.Fatal("the answer was not saved")
				}
			}
			c.URL = h.socketURL()
			c.Cut()
		})
		if got != want[i] {
			t.Errorf("turn %d\n got %q\nwant %q", i, got, want[i])
		}
		if text := metric(t, h); !strings.Contains(text, `samba_resumed_total{how="replay"} 1`) || strings.Contains(text, "computed") {
			t.Errorf("turn %d was computed again: %s", i, text)
		}
	}
}

// A stop lets answers finish, cuts those that take too long, and keeps every state.
func TestDrain(t *testing.T) {
	talk, want := talked()
	states := t.TempDir()
	h := start(t, func(o *Options) { o.States = states })
	c := &Client{URL: h.socketURL()}
	defer c.Cut()
	say(t, c, talk[0], nil)
	drained := make(chan struct{})
	got, _ := say(t, c, talk[1], func(pieces int) {
		if pieces == 5 {
			go func() {
				defer close(drained)
				grace, cancel := context.WithTimeout(context.Background(), time.Minute)
				defer cancel()
				h.Drain(grace)
			}()
		}
	})
	<-drained
	if got != want[1] || c.Reconnects != 0 {
		t.Errorf("%d reconnects, got %q, want %q", c.Reconnects, got, want[1])
	}
	if _, err := os.Stat(filepath.Join(states, c.session+".session")); err != nil {
		t.Error(err)
	}
	// Without patience the answer goes on at the next server.
	second := start(t, func(o *Options) { o.States = states })
	third := start(t, func(o *Options) { o.States = states })
	c.URL = second.socketURL()
	got, done := say(t, c, talk[2], func(pieces int) {
		if pieces == 5 {
			c.URL = third.socketURL()
			over, cancel := context.WithCancel(context.Background())
			cancel()
			second.Drain(over)
		}
	})
	if got != want[2] || c.Reconnects < 2 || done.Usage.PrefilledTokens > 20 {
		t.Errorf("%d reconnects, got %q, want %q", c.Reconnects, got, want[2])
	}
}

// Thousands may wait on disk: memory holds as many as it was given, and what is kept long enough goes.
func TestStatesWaitOnDisk(t *testing.T) {
	h := start(t, func(o *Options) { o.Sessions, o.Keep = 2, time.Hour })
	var clients []*Client
	for i := range 6 {
		c := &Client{URL: h.socketURL()}
		defer c.Cut()
		say(t, c, generate(uint64(i), 3, "hello"), nil)
		clients = append(clients, c)
	}
	if n := h.engine.Load().keeper.inMemory(); n > 2 {
		t.Errorf("%d states in memory, want 2 at most", n)
	}
	for _, c := range clients {
		if _, done := say(t, c, generate(1, 3, "hello", "x", "again"), nil); done.Position < 10 {
			t.Errorf("%+v", done)
		}
	}
	files, _ := filepath.Glob(filepath.Join(h.o.States, "*.session"))
	if len(files) != 6 {
		t.Errorf("%d files, want 6", len(files))
	}
	for _, l := range h.all() {
		l.end()
		<-l.gone
	}
	if removed, err := h.folder.sweep(time.Now().Add(time.Hour), func(string) bool { return false }); removed != 6 || err != nil {
		t.Errorf("%d were removed: %v", removed, err)
	}
	if left, _ := os.ReadDir(h.o.States); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

// A file that is damaged, or another model's, costs one answer and harms nobody.
func TestDamagedState(t *testing.T) {
	talk, _ := talked()
	h := start(t, func(o *Options) { o.Sessions = 1 })
	c := &Client{URL: h.socketURL()}
	defer c.Cut()
	say(t, c, talk[0], nil)
	other := &Client{URL: h.socketURL()} // takes the only place in memory
	defer other.Cut()
	say(t, other, generate(1, 3, "hello"), nil)
	path := filepath.Join(h.o.States, c.session+".session")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)-9] ^= 1
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	last, err := c.Ask(t.Context(), talk[1], func(protocol.Message) error { return nil })
	if e, ok := last.(*protocol.Error); err != nil || !ok || !strings.Contains(e.Message, "ask again") {
		t.Errorf("%+v, %v", last, err)
	}
	say(t, c, talk[1], nil)
}

// attentive is a place whose model has full attention, so that its states grow.
type attentive struct{ home }

func (attentive) Source(string) (modelfolder.Source, error) {
	return talking.Source(modelfolder.Dir("../../model/families/testdata/jamba_a")), nil
}

// A state that grows with the text is kept between turns like others, and another server goes on from it.
func TestGrowingStatesAreKept(t *testing.T) {
	shared, _, err := protocol.LoadShared(context.Background(), attentive{}, &protocol.Load{URL: "tiny", Backend: protocol.BackendCPU}, nil)
	if err != nil {
		t.Fatal(err)
	}
	pool, err := shared.Model.NewPool(2)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pool.Close(); shared.Model.Close() })
	if shared.Ready.StateBytesPerToken == 0 {
		t.Fatal("the model's state does not grow")
	}
	states := t.TempDir()
	first := func(o *Options) {
		o.States = states
		o.Engine = &Engine{Model: shared.Model, Ready: shared.Ready, Machine: pool, Close: func() {}}
	}
	hosts := []*host{start(t, first), start(t, first)}
	talk := []*protocol.Generate{generate(7, 30, "hello"), generate(8, 30, "hello", "", "and?"), generate(9, 30, "hello", "", "and?", "", "why?")}
	c := &Client{URL: hosts[0].socketURL()}
	defer c.Cut()
	size := int64(0)
	for i, g := range talk {
		text, done := say(t, c, g, nil)
		text = strings.ReplaceAll(text, cut, "")
		for _, later := range talk[i+1:] {
			later.Messages[2*i+1].Content = text
		}
		if i > 0 && done.Usage.PrefilledTokens > 20 {
			t.Errorf("turn %d read %d of its %d tokens: the state was lost", i, done.Usage.PrefilledTokens, done.Usage.PromptTokens)
		}
		var head kept
		until(t, "the state is on disk", func() bool {
			head, _, err = hosts[0].folder.read(c.session, false)
			return err == nil && head.Answered == c.lastID
		})
		if want := shared.Model.StateSize(done.Position); head.State != want || head.State <= size {
			t.Errorf("turn %d: a state of %d bytes, want %d, and more than %d", i, head.State, want, size)
		}
		size = head.State
		c.URL = hosts[(i+1)%2].socketURL()
		c.Cut()
	}
}
