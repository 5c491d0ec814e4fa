//go:build !js

package protocol

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/samba-web/samba/model"
	"github.com/samba-web/samba/model/sampling"
)

// outcome is what a request ended with, and what came before.
type outcome struct {
	text string
	last Message
	data []byte
	at   int // in the order of the endings
}

// gather collects all answers until these requests have ended.
func (c *client) gather(on func(id uint32, m Message), ids ...uint32) map[uint32]*outcome {
	c.t.Helper()
	all := map[uint32]*outcome{}
	for _, id := range ids {
		all[id] = &outcome{}
	}
	for left := len(ids); left > 0; {
		a := c.next()
		o := all[a.id]
		if o == nil {
			c.t.Fatalf("answer to %d: %#v", a.id, a.m)
		}
		switch m := a.m.(type) {
		case *Text:
			o.text += m.Text
		case *Done, *Error, *Tokens, *Saved, *Ready:
			left--
			o.last, o.data, o.at = m, a.data, len(ids)-left
		}
		if on != nil {
			on(a.id, a.m)
		}
	}
	return all
}

func question(i, tokens int) *Generate {
	return &Generate{Messages: []ChatMessage{{Role: "user", Content: fmt.Sprintf("question %d", i)}}, Settings: sampling.Settings{MaxTokens: ptr(tokens), Seed: ptr(uint64(i))}}
}

// Requests of one client are answered together, each as it would be alone; the one that was asked last leaves its state.
func TestAtOnce(t *testing.T) {
	c := connect(t)
	c.load(1, "talking/samba-mha")
	const n = maxAtOnce + 4 // some wait
	var want [n]string
	var ids []uint32
	for i := range want {
		id := uint32(10 + i)
		c.send(id, question(i, 6+i))
		want[i] = c.gather(nil, id)[id].text
		ids = append(ids, id+100)
	}
	c.send(30, &Tokenize{Messages: question(n-1, 1).Messages})
	c.send(31, &Save{})
	alone := c.gather(nil, 30, 31)
	for i := range want {
		c.send(ids[i], question(i, 6+i))
	}
	c.send(32, &Save{})
	got := c.gather(nil, append(ids, 32)...)
	for i, text := range want {
		if o := got[ids[i]]; o.text != text {
			t.Errorf("question %d of several: %q (%#v), alone %q", i, o.text, o.last, text)
		}
	}
	if a, b := alone[31], got[32]; len(a.data) == 0 || !bytes.Equal(a.data, b.data) || b.at != n+1 {
		t.Errorf("then the state is not the one that the last one leaves alone: %#v, want %#v", b.last, a.last)
	}
}

// One that is cancelled, or refused, or that waits, ends alone; what needs no machine does not wait.
func TestAtOnceEndsAlone(t *testing.T) {
	c := connect(t)
	c.load(1, "talking/samba-mha")
	c.send(2, question(1, 60))
	want := c.gather(nil, 2)[2].text
	long := question(2, 100_000)
	long.Seed = ptr(uint64(5))
	c.send(3, long)
	c.send(4, question(1, 60))
	bad := question(1, 60)
	bad.Session = 7
	c.send(5, bad)
	c.send(6, &Tokenize{Text: "x"})
	wrong := question(1, 60)
	wrong.Append = true // waits for the others
	c.send(7, wrong)
	c.send(8, &Save{})
	c.send(9, &Cancel{Target: 7})
	begun, cancelled := false, false
	got := c.gather(func(id uint32, m Message) {
		if _, ok := m.(*Text); ok && id == 3 {
			begun = true
		}
		if _, ok := m.(*Done); ok && id == 4 && begun && !cancelled {
			cancelled = true
			c.send(10, &Cancel{Target: 3})
		}
	}, 3, 4, 5, 6, 7, 8)
	if got[4].text != want || got[4].last.(*Done).FinishReason != model.FinishLength {
		t.Errorf("beside others %q (%#v), alone %q", got[4].text, got[4].last, want)
	}
	if e, ok := got[5].last.(*Error); !ok || e.Param != "session" {
		t.Errorf("a session that is none: %#v", got[5].last)
	}
	if _, ok := got[6].last.(*Tokens); !ok || got[6].at > got[4].at {
		t.Errorf("tokenizing waited: %+v", got[6])
	}
	if d, ok := got[7].last.(*Done); !ok || d.FinishReason != model.FinishCancelled || got[7].text != "" || got[7].at > got[3].at {
		t.Errorf("cancelled while it waited: %#v", got[7])
	}
	if d := got[3].last.(*Done); d.FinishReason != model.FinishCancelled || d.Usage.CompletionTokens == 0 {
		t.Errorf("cancelled: %+v", d)
	}
	if s, ok := got[8].last.(*Saved); !ok || s.Position != got[4].last.(*Done).Position || got[8].at != 6 {
		t.Errorf("saved %#v, want the state of the one that was asked last", got[8].last)
	}
	// A session that is new and empty needs no fork.
	c.send(11, &Reset{Session: 7})
	bad.Session = 7
	c.send(12, bad)
	c.send(13, &Drop{Session: 7})
	c.send(14, bad)
	got = c.gather(nil, 11, 12, 13, 14)
	if _, ok := got[14].last.(*Error); got[12].text != want || !ok {
		t.Errorf("a new session says %q, want %q; dropped: %#v", got[12].text, want, got[14].last)
	}
}
