package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/gorilla/websocket"

	"github.com/samba-web/samba/model"
	"github.com/samba-web/samba/tools/browser"
	"github.com/samba-web/samba/wasm/protocol"
)

// pretender is a relay page with an engine that only pretends: these tests are about the way there and back.
const pretender = `
const socket = new WebSocket(new URL(new URLSearchParams(location.search).get("socket"), location.href.replace("http", "ws")));
const send = (message, data) => {
  socket.send(JSON.stringify({ ...message, binary: data?.byteLength }));
  if (data) socket.send(data);
};
socket.onmessage = async ({ data }) => {
  const { type, id, url, target, prompt, ids } = JSON.parse(data);
  if (type === "load") {
    const config = await (await fetch(url + "config.json")).json();
    send({ type: "progress", id, phase: "download", loaded: 1, total: 2 });
    send({ type: "ready", id, model: "pretended", vocab_size: config.vocab_size, layers: 1, hidden_size: 1, sliding_window: 1, parameters: 1,
      bits: 0, chat: false, backend: "webgpu", adapter: "pretended", state_bytes: 1 });
  } else if (type === "logits") {
    if (ids.length === 3) return socket.close();
    if (ids.length === 4) return socket.send(new Uint8Array(4));
    for (let row = 0; row < ids.length; row++) send({ type: "logits", id, row, rows: 1 }, new Float32Array(512).fill(ids[row]).buffer);
    send({ type: "done", id, usage: {}, timings: {}, position: 2, state_bytes: 1 });
  } else if (type === "generate") {
    send({ type: "text", id, text: "Grüße 🙂", tokens: 1 });
  } else if (type === "cancel") {
    send({ type: "done", id: target, finish_reason: "cancelled", usage: { completion_tokens: 1 }, timings: {}, position: 1, state_bytes: 1 });
  }
};
`

func usePretender(t *testing.T) {
	useSite(t, fstest.MapFS{
		"index.html": {Data: []byte("home")},
		"relay.html": {Data: []byte(`<!doctype html><link rel="icon" href="data:,"><script type="module" src="relay.js"></script>`)},
		"relay.js":   {Data: []byte(pretender)},
	})
}

func TestThroughTheBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("left out by -short: it starts browsers")
	}
	for _, name := range browser.Names() {
		t.Run(name, func(t *testing.T) {
			if _, err := browser.Find(name, ""); err != nil {
				t.Skip(err)
			}
			usePretender(t)
			folder := convertFixture(t, fixtures[0])
			flags := engineFlags{model: folder, backend: name}
			e, ready, err := flags.open(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer e.close()
			if ready.VocabSize != 512 {
				t.Errorf("the page read vocab_size %d from the model's folder, want 512", ready.VocabSize)
			}

			var logits strings.Builder
			if err := copyLogits(t.Context(), e, &protocol.Logits{IDs: []uint32{1, 2}}, 512, &logits); err != nil {
				t.Fatal(err)
			}
			want := strings.Repeat("\x00\x00\x80\x3f", 512) + strings.Repeat("\x00\x00\x00\x40", 512)
			if logits.String() != want {
				t.Error("the logits changed on their way")
			}

			ctx, cancel := context.WithCancel(t.Context())
			text := ""
			answer, err := e.ask(ctx, &protocol.Generate{Prompt: "a"}, func(m protocol.Message, _ []byte) error {
				text += m.(*protocol.Text).Text
				cancel() // as Ctrl-C does
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if done := answer.(*protocol.Done); done.FinishReason != model.FinishCancelled || text != "Grüße 🙂" {
				t.Errorf("ended by %q after %q", done.FinishReason, text)
			}

			err = copyLogits(t.Context(), e, &protocol.Logits{IDs: []uint32{1, 2, 3}}, 512, io.Discard)
			if err == nil || !strings.Contains(err.Error(), "the browser's page went away") {
				t.Errorf("a page that left: %v", err)
			}
		})
	}
}

func TestPageThatSpeaksNonsense(t *testing.T) {
	if _, err := browser.Find(browser.Chromium, ""); err != nil {
		t.Skip(err)
	}
	usePretender(t)
	flags := engineFlags{model: convertFixture(t, fixtures[0]), backend: browser.Chromium}
	e, _, err := flags.open(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer e.close()
	err = copyLogits(t.Context(), e, &protocol.Logits{IDs: []uint32{1, 2, 3, 4}}, 512, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "bytes that no message announced") {
		t.Errorf("got %v", err)
	}
}

func TestInterruptedStart(t *testing.T) {
	usePretender(t)
	silent := filepath.Join(t.TempDir(), "silent")
	if err := os.WriteFile(silent, []byte("#!/bin/sh\nsleep 1000\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	flags := engineFlags{model: convertFixture(t, fixtures[0]), backend: browser.Firefox, browserPath: silent}
	if _, _, err := flags.open(ctx, nil); !errors.Is(err, errInterrupted) {
		t.Errorf("got %v", err)
	}
}

// TestRelayTakesOnePage: no other page of the same browser, no other program's guess, no second one.
func TestRelayTakesOnePage(t *testing.T) {
	r := &relay{connected: make(chan *websocket.Conn, 2)}
	server := httptest.NewServer(r)
	defer server.Close()
	r.origin = server.URL
	dial := func(origin string) int {
		socket, answer, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(server.URL, "http"), http.Header{"Origin": {origin}})
		if err == nil {
			defer socket.Close()
		}
		if answer == nil {
			t.Fatal(err)
		}
		return answer.StatusCode
	}
	for _, c := range []struct {
		what, origin string
		want         int
	}{
		{"another site", "https://example.org", http.StatusForbidden},
		{"no origin", "", http.StatusForbidden},
		{"our page", server.URL, http.StatusSwitchingProtocols},
		{"our page again", server.URL, http.StatusForbidden},
	} {
		if got := dial(c.origin); got != c.want {
			t.Errorf("%s: status %d, want %d", c.what, got, c.want)
		}
	}
}
