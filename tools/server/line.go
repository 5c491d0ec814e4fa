package server

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/samba-web/samba/model"
	"github.com/samba-web/samba/wasm/protocol"
)

// What a line keeps at most.
const (
	maxUnsent   = 256 << 10 // bytes of an answer that are ahead of the client: the answer waits
	maxReplay   = 1 << 20   // bytes of answers that are kept to be sent again
	maxFinished = 8         // requests whose answers are kept after their end
	maxAside    = 256       // messages outside of answers that wait to be sent
	maxAsked    = 4 << 20   // bytes of requests that wait for their answers, if it is more than one
)

// line is one client's way to its engine. It outlives the WebSockets that it
// runs over: what was answered is kept for a while, and a client that is back
// gets what it has not seen. The engine knows nothing of that.
//
//	engine ──Send──▶ exchanges: replies by request ──next──▶ the current socket
//	       ◀─Receive── requests ◀──────────────────take────┘
type line struct {
	server *Server
	keeper *keeper
	c      *conversation
	client string            // whose requests are counted
	token  [sha256.Size]byte // hashed, that the client came with
	vacate func()            // gives its place up
	ctx    context.Context
	end    context.CancelFunc
	in     chan protocol.Frame
	gone   chan struct{} // closed when the engine has ended

	mu        sync.Mutex
	change    *sync.Cond
	socket    *socket // nil: the client is away
	exchanges map[uint32]*exchange
	order     []uint32 // of the requests, as they came
	aside     [][]byte // messages outside of answers
	away      *time.Timer
	lent      uint32    // the request that has the state
	asked     int64     // bytes of the requests that are not finished
	used      time.Time // when the last request ended or came
}

// exchange is a request and its replies.
type exchange struct {
	id        uint32
	started   time.Time
	held      *lease           // the request's bytes, until it is finished
	base      int              // the seq of the last reply that is not kept any more
	skip      int              // replies up to this seq the client has seen before the request was computed again
	count     int              // replies so far
	frames    []protocol.Frame // those after base
	sent      int              // the seq of the last one that went to the current socket
	following bool             // whether the current socket gets them
	finished  bool
}

func (x *exchange) bytes(after int) (n int) {
	for _, f := range x.frames[min(max(after-x.base, 0), len(x.frames)):] {
		n += len(f.JSON) + len(f.Data)
	}
	return n
}

// Receive hands the engine the client's next message.
func (l *line) Receive(ctx context.Context) (protocol.Frame, error) {
	select {
	case frame := <-l.in:
		return frame, nil
	case <-l.ctx.Done():
		return protocol.Frame{}, io.EOF
	case <-ctx.Done():
		return protocol.Frame{}, ctx.Err()
	}
}

var errLineEnded = errors.New("the client has gone")

// Send takes a reply of the engine. It waits while the client is too far
// behind; only this client's answer waits then.
func (l *line) Send(frame protocol.Frame) error {
	var head protocol.Header
	if err := json.Unmarshal(frame.JSON, &head); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	x := l.exchanges[head.ID]
	if x == nil || x.finished || head.Type == "progress" {
		if (x == nil || x.following) && len(l.aside) < maxAside {
			l.aside = append(l.aside, frame.JSON)
			l.change.Broadcast()
		}
		return nil
	}
	for l.unsent() > maxUnsent && l.ctx.Err() == nil {
		l.change.Wait()
	}
	if l.ctx.Err() != nil {
		return errLineEnded // the state stays what it was before this request
	}
	ends := protocol.Ends(head.Type)
	if ends && x.count < x.skip { // the client has seen more than there is now: it must hear the end all the same
		x.count, x.base, x.sent = x.skip, x.skip, x.skip
	}
	reply := numbered(frame, x.count+1)
	if ends && !l.finish(x, head, reply) {
		return errLineEnded
	}
	if x.count++; x.count == 1 && head.Type == "text" {
		l.server.metrics.firstToken.Observe(time.Since(x.started).Seconds())
	}
	if x.count > x.skip {
		x.frames = append(x.frames, reply)
	} else {
		x.base = x.count
	}
	l.trim()
	l.change.Broadcast()
	return nil
}

// numbered puts its seq into a message.
func numbered(frame protocol.Frame, seq int) protocol.Frame {
	text := append(make([]byte, 0, len(frame.JSON)+20), `{"seq":`...)
	text = append(strconv.AppendInt(text, int64(seq), 10), ',')
	return protocol.Frame{JSON: append(text, frame.JSON[1:]...), Data: append([]byte(nil), frame.Data...)}
}

// unsent is how many bytes of answers are ahead of the client. The lock is held.
func (l *line) unsent() (n int) {
	for _, x := range l.exchanges {
		if x.following || !x.finished {
			n += x.bytes(x.sent)
		}
	}
	return n
}

// finish settles the state before the client hears of the request's end: then it
// is on disk. The lock is held, but not meanwhile. It returns false where the
// end is another's to tell: a server's or engine's that computes the answer again.
func (l *line) finish(x *exchange, head protocol.Header, last protocol.Frame) bool {
	answer := decodeEnd(head, last)
	if failed, ok := answer.(*protocol.Error); ok && failed.Code == protocol.CodeDeviceLost {
		if g := l.server.engine.Load(); g.keeper != l.keeper || l.server.deviceLost(g, failed.Message) {
			l.end()
			return false
		}
	}
	l.server.metrics.count("websocket", l.client, x.started, answer)
	l.used = time.Now()
	l.asked -= x.held.bytes
	x.held.shrink(0)
	if l.lent != x.id {
		x.finished = true
		return true
	}
	l.lent = 0
	var seen []replies
	for _, id := range l.order {
		switch other := l.exchanges[id]; {
		case other == x:
			seen = append(seen, replies{x.id, x.base + 1, append(slices.Clone(x.frames), last)})
		case other.finished:
			seen = append(seen, replies{id, other.base + 1, other.frames})
		}
	}
	l.mu.Unlock()
	err := l.keeper.settle(l.c, x.id, seen)
	l.mu.Lock()
	x.finished, l.c.answered = true, x.id
	if err != nil {
		l.server.metrics.unsaved.Inc()
		l.server.log.Warn("a conversation's state was not kept", "session", l.c.name, "error", err)
		if errors.Is(err, errTaken) {
			l.end()
		}
	}
	return true
}

// decodeEnd reads the last reply as far as it is counted.
func decodeEnd(head protocol.Header, last protocol.Frame) (message protocol.Message) {
	switch head.Type {
	case "error":
		message = new(protocol.Error)
	case "done":
		message = new(protocol.Done)
	default:
		return nil
	}
	if json.Unmarshal(last.JSON, message) != nil {
		return nil // our own messages can be read
	}
	return message
}

// release gives back what the line's requests hold. Its engine has ended.
func (l *line) release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, x := range l.exchanges {
		if x.held != nil {
			x.held.shrink(0)
		}
	}
}

// session lends the engine the conversation's state for a request.
func (l *line) session(ctx context.Context, id uint32) (*model.Session, error) {
	l.mu.Lock()
	l.lent = id
	answered := l.c.answered
	l.mu.Unlock()
	session, err := l.keeper.lend(ctx, l.c, answered)
	if errors.Is(err, errStale) {
		l.end() // the client goes on from there when it has connected again
	}
	return session, err
}

// trim forgets finished requests and sent replies beyond what is kept. The lock is held.
func (l *line) trim() {
	finished, bytes := 0, 0
	for i := len(l.order) - 1; i >= 0; i-- {
		x := l.exchanges[l.order[i]]
		bytes += x.bytes(0)
		for !x.finished && bytes > maxReplay && x.sent > x.base {
			bytes -= len(x.frames[0].JSON) + len(x.frames[0].Data)
			x.frames = x.frames[1:]
			x.base++
		}
		if !x.finished || x.following && x.sent < x.count {
			continue
		}
		if finished++; finished > maxFinished || bytes > maxReplay {
			delete(l.exchanges, x.id)
			l.order = append(l.order[:i], l.order[i+1:]...)
		}
	}
}

// attach makes a socket the current one. What it is to hear of requests made
// before, the client asks for.
func (l *line) attach(s *socket) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.socket != nil {
		l.socket.shut(protocol.CloseElsewhere, "the session goes on over another connection")
	}
	l.detached()
	l.socket = s
	if l.away != nil {
		l.away.Stop()
	}
	l.change.Broadcast()
}

func (l *line) detached() {
	l.socket, l.aside = nil, nil
	for _, x := range l.exchanges {
		x.following = false
	}
	l.trim()
}

// detach notes that a socket is no more. An answer under way goes on for a while.
func (l *line) detach(s *socket) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.socket != s {
		return
	}
	l.detached()
	l.away = time.AfterFunc(l.server.o.Resume, l.end)
	l.change.Broadcast()
}

// busy tells whether a request is not finished.
func (l *line) busy() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, x := range l.exchanges {
		if !x.finished {
			return true
		}
	}
	return false
}

// idleSince is when the line was last used; now while it is busy.
func (l *line) idleSince() time.Time {
	if l.busy() {
		return time.Now()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.used
}

// errRestart ends a connection: what the client asks for is not kept any more,
// and is computed again from the state on disk when the client is back.
var errRestart = errors.New("the answer is computed again: connect again")

// take hands a client's message on: a new request to the engine, one that is
// known already to none, since its replies are there or will be.
func (l *line) take(frame protocol.Frame, held *lease, refused error) error {
	passed := false
	defer func() {
		if !passed {
			held.shrink(0)
		}
	}()
	id, request, err := protocol.DecodeRequest(frame)
	var head protocol.Header
	if err == nil {
		err = json.Unmarshal(frame.JSON, &head)
	}
	if err == nil && id == 0 && head.Type != "cancel" {
		err = errors.New("id is 0, want a number from 1")
	}
	l.mu.Lock()
	if err != nil {
		l.tell(id, protocol.CodeBadRequest, "The message cannot be read: "+err.Error()+".")
		l.mu.Unlock()
		return nil
	}
	if head.Type == "cancel" {
		l.mu.Unlock()
		return l.pass(frame)
	}
	if x := l.exchanges[head.ID]; x != nil {
		defer l.mu.Unlock()
		switch {
		case x.following:
			l.tell(head.ID, protocol.CodeBadRequest, "This id belongs to another request.")
		case head.Seq < x.base || head.Seq > x.count:
			l.server.metrics.resumed.WithLabelValues("restart").Inc()
			l.end()
			return errRestart
		default:
			l.server.metrics.resumed.WithLabelValues("replay").Inc()
			x.following, x.sent = true, head.Seq
			l.change.Broadcast()
		}
		return nil
	}
	usesState := protocol.UsesState(head.Type)
	switch {
	case refused != nil:
		l.tell(head.ID, protocol.CodeBusy, refused.Error())
	case l.asked > 0 && l.asked+held.bytes > maxAsked:
		l.tell(head.ID, protocol.CodeBusy, "Too much is asked at once: wait for the answers to the requests before.")
	case head.Seq < 0:
		l.tell(head.ID, protocol.CodeBadRequest, "Seq is negative, want the place of the last reply that came.")
	case usesState && head.ID <= l.c.answered:
		l.tell(head.ID, protocol.CodeNetwork, "This answer is no longer kept: ask again.")
	case head.Seq > 0 && drawn(request):
		l.tell(head.ID, protocol.CodeNetwork, "The answer was cut off, and without a seed it cannot go on: ask again.")
	default:
		if head.Seq > 0 {
			l.server.metrics.resumed.WithLabelValues("computed").Inc()
		}
		l.exchanges[head.ID] = &exchange{id: head.ID, started: time.Now(), held: held,
			base: head.Seq, skip: head.Seq, sent: head.Seq, following: true}
		l.asked += held.bytes
		passed = true
		l.order = append(l.order, head.ID)
		l.used = time.Now()
		l.mu.Unlock()
		return l.pass(frame)
	}
	l.mu.Unlock()
	return nil
}

// drawn tells whether a request's answer is another one each time.
func drawn(request protocol.Message) bool {
	g, ok := request.(*protocol.Generate)
	return ok && g.Seed == nil && (g.Temperature == nil || *g.Temperature != 0)
}

func (l *line) pass(frame protocol.Frame) error {
	select {
	case l.in <- frame:
		return nil
	case <-l.ctx.Done():
		return errLineEnded
	}
}

// tell refuses a request. The lock is held.
func (l *line) tell(id uint32, code protocol.Code, sentence string) {
	l.say(id, &protocol.Error{Code: code, Message: sentence})
}

// say sends a message that belongs to no exchange. Each ends something that the
// client waits for, so none is left out: what the client says next waits until
// it has read. The lock is held, but not meanwhile.
func (l *line) say(id uint32, m protocol.Message) {
	frame, err := protocol.Encode(id, m, nil)
	if err != nil {
		return
	}
	for len(l.aside) >= maxAside && l.socket != nil && l.ctx.Err() == nil {
		l.change.Wait()
	}
	l.aside = append(l.aside, frame.JSON)
	l.change.Broadcast()
}

// next waits for what the socket is to send; none when it is no longer the current one.
func (l *line) next(s *socket) (frame protocol.Frame, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.socket == s && l.ctx.Err() == nil {
		if len(l.aside) > 0 {
			frame.JSON, l.aside = l.aside[0], l.aside[1:]
			l.change.Broadcast()
			return frame, true
		}
		for _, id := range l.order {
			if x := l.exchanges[id]; x.following && x.sent < x.count && x.sent >= x.base && x.sent-x.base < len(x.frames) {
				frame = x.frames[x.sent-x.base]
				x.sent++
				l.trim()
				l.change.Broadcast()
				return frame, true
			}
		}
		l.change.Wait()
	}
	return frame, false
}
