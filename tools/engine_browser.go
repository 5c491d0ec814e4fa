package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"sync"
	"time"

	"github.com/samba-web/samba/model/randomweights"

	"github.com/gorilla/websocket"

	"github.com/samba-web/samba/tools/browser"
	"github.com/samba-web/samba/tools/server/static"
	"github.com/samba-web/samba/tools/site"
	"github.com/samba-web/samba/wasm/protocol"
)

const (
	// pageMayTake is how long a browser may need until its page has connected: a slow machine's first start.
	pageMayTake = 90 * time.Second
	// largestFrame bounds what the page may send at once: the logits of a chunk over a large vocabulary.
	largestFrame = 1 << 30
)

// engineInBrowser starts a browser whose page runs the engine in its worker, as a visitor's would, but one that can
// measure, too, and relays its messages over a WebSocket. It returns the address of the model's folder for that engine.
//
// All of it stays on loopback, and what is not the site itself lies below random names: other users and other pages
// can neither read the model nor speak to the engine.
func engineInBrowser(ctx context.Context, folder string, options browser.Options) (_ *engine, address string, err error) {
	if err := checkSite(site.FS); err != nil {
		return nil, "", err
	}
	if _, err := browser.Find(options.Name, options.Path); err != nil {
		return nil, "", err
	}
	listener, err := static.Listen("127.0.0.1:0")
	if err != nil {
		return nil, "", err
	}
	origin := "http://" + listener.Addr().String()
	relayPath, modelPath := "/relay/"+rand.Text(), "/models/"+rand.Text()
	relay := &relay{origin: origin, connected: make(chan *websocket.Conn), agent: make(chan string, 1)}
	mux := http.NewServeMux()
	mux.Handle("/", static.Handler(site.FS, nil))
	if !randomweights.Is(folder) {
		// The person named this folder, so links in it may lead anywhere, as they do in a hub's local store.
		mux.Handle(modelPath+"/", http.StripPrefix(modelPath, static.Models(os.DirFS(folder))))
	}
	mux.Handle(relayPath, relay)

	serving, stopServing := context.WithCancel(context.Background())
	go static.Run(serving, listener, mux)
	options.URL = origin + "/relay.html?socket=" + url.QueryEscape(relayPath)
	running, err := browser.Start(context.WithoutCancel(ctx), options)
	if err != nil {
		stopServing()
		return nil, "", err
	}
	stop := sync.OnceFunc(func() {
		running.Close()
		stopServing()
	})
	socket, err := relay.wait(ctx, running, options.Name)
	if err != nil {
		stop()
		return nil, "", err
	}
	e := engineOverSocket(socket, running, stop)
	e.agent, e.resident = <-relay.agent, running.Resident
	return e, origin + modelPath + "/", nil
}

// relay takes the page's WebSocket, once.
type relay struct {
	origin    string
	connected chan *websocket.Conn
	agent     chan string // what the browser calls itself
	once      sync.Once
}

func (r *relay) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	upgrader := websocket.Upgrader{
		CheckOrigin:     func(request *http.Request) bool { return request.Header.Get("Origin") == r.origin },
		ReadBufferSize:  1 << 20,
		WriteBufferSize: 1 << 16,
	}
	first := false
	if websocket.IsWebSocketUpgrade(request) && upgrader.CheckOrigin(request) {
		r.once.Do(func() { first = true })
	}
	if !first {
		http.Error(w, "this is for one page only", http.StatusForbidden)
		return
	}
	socket, err := upgrader.Upgrade(w, request, nil)
	if err != nil {
		return // Upgrade has answered
	}
	socket.SetReadLimit(largestFrame)
	r.agent <- request.UserAgent()
	r.connected <- socket
}

func (r *relay) wait(ctx context.Context, running *browser.Browser, name string) (*websocket.Conn, error) {
	select {
	case socket := <-r.connected:
		return socket, nil
	case <-running.Done():
		return nil, running.Err()
	case <-ctx.Done():
		return nil, errInterrupted
	case <-time.After(pageMayTake):
		return nil, fmt.Errorf("%s did not open the page within %v: see whether it starts by itself", name, pageMayTake)
	}
}

// engineOverSocket speaks to an engine behind a WebSocket: a message is a text frame; one with an attachment says its
// length, and a binary frame follows.
func engineOverSocket(socket *websocket.Conn, running *browser.Browser, stop func()) *engine {
	closing := make(chan struct{})
	frames := make(chan protocol.Frame)
	var ended error
	go func() {
		defer close(frames)
		for {
			frame, err := readFrame(socket)
			if err != nil {
				ended = err
				return
			}
			select {
			case frames <- frame:
			case <-closing:
				return
			}
		}
	}()
	return &engine{
		send: func(frame protocol.Frame) error {
			err := socket.WriteMessage(websocket.TextMessage, frame.JSON)
			if err == nil && len(frame.Data) > 0 {
				err = socket.WriteMessage(websocket.BinaryMessage, frame.Data)
			}
			if err != nil {
				return fmt.Errorf("the browser's page does not listen any more: %w", err)
			}
			return nil
		},
		frames: frames,
		gone: func() error {
			select { // a browser that died says more than its socket does
			case <-running.Done():
				return running.Err()
			case <-time.After(time.Second):
				return fmt.Errorf("the browser's page went away: it crashed or ran out of memory (%w)", ended)
			}
		},
		close: sync.OnceFunc(func() {
			close(closing)
			socket.Close()
			stop()
		}),
	}
}

func readFrame(socket *websocket.Conn) (protocol.Frame, error) {
	kind, text, err := socket.ReadMessage()
	if err != nil {
		return protocol.Frame{}, err
	}
	if kind != websocket.TextMessage {
		return protocol.Frame{}, errors.New("the page sent bytes that no message announced")
	}
	var header protocol.Header
	if err := json.Unmarshal(text, &header); err != nil {
		return protocol.Frame{}, fmt.Errorf("the page sent what is no message: %w", err)
	}
	frame := protocol.Frame{JSON: text}
	if header.Binary == 0 {
		return frame, nil
	}
	if kind, frame.Data, err = socket.ReadMessage(); err != nil {
		return protocol.Frame{}, err
	}
	if kind != websocket.BinaryMessage || len(frame.Data) != header.Binary {
		return protocol.Frame{}, fmt.Errorf("the page announced %d bytes and sent %d", header.Binary, len(frame.Data))
	}
	return frame, nil
}
