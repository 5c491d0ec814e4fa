//go:build !js

package protocol

import (
	"slices"
	"strings"
	"testing"

	"github.com/samba-web/samba/model/sampling"
)

// A conversation's state goes out and comes back, is copied, read into, emptied
// and dropped; each session answers for itself.
func TestState(t *testing.T) {
	c := connect(t)
	ready := c.load(1, "talking/samba-mha")
	id := uint32(1)
	do := func(m Message, data []byte) answer {
		t.Helper()
		id++
		c.sendData(id, m, data)
		all := c.finish(id)
		return all[len(all)-1]
	}
	write := func(g *Generate) (text string, done *Done) {
		t.Helper()
		id++
		c.send(id, g)
		for _, a := range c.finish(id) {
			switch m := a.m.(type) {
			case *Text:
				text += m.Text
			case *Done:
				done = m
			case *Error:
				t.Fatalf("%+v", m)
			}
		}
		return text, done
	}
	say := func(session uint32, turns ...string) (text string, done *Done) {
		t.Helper()
		g := &Generate{Settings: sampling.Settings{MaxTokens: ptr(6), Seed: ptr(uint64(9))}, Session: session}
		for i, turn := range turns {
			g.Messages = append(g.Messages, ChatMessage{Role: []string{"user", "bot"}[i%2], Content: turn})
		}
		return write(g)
	}
	refused := func(m Message, data []byte, code Code, words string) {
		t.Helper()
		if e, ok := do(m, data).m.(*Error); !ok || e.Code != code || !strings.Contains(e.Message, words) {
			t.Errorf("%s: %+v, want %s with %q", m.Type(), e, code, words)
		}
	}

	book := strings.Repeat("Grüße. ", 20)
	if done, ok := do(&Absorb{Messages: []ChatMessage{{Role: "user", Content: book}}, Open: true}, nil).m.(*Done); !ok || done.Read != 140 || done.Position < 100 {
		t.Fatalf("absorbed: %+v", done)
	}
	if _, done := say(0, book+"What is this?"); done.Usage.PrefilledTokens > 30 {
		t.Errorf("after absorbing: %+v", done)
	}
	if done, ok := do(&Reset{}, nil).m.(*Done); !ok || done.Position != 0 {
		t.Errorf("reset: %+v", done)
	}
	// An answer that was cut goes on as it would have.
	begun, _ := write(&Generate{Messages: []ChatMessage{{Role: "user", Content: "hello"}}, Settings: sampling.Settings{MaxTokens: ptr(2), Seed: ptr(uint64(9))}})
	rest, _ := write(&Generate{
		Messages: []ChatMessage{{Role: "user", Content: "hello"}, {Role: "bot", Content: begun}}, Open: true, Settings: sampling.Settings{MaxTokens: ptr(4), Seed: ptr(uint64(9))},
	})
	do(&Reset{}, nil)
	said, _ := say(0, "hello")
	if begun+rest != said {
		t.Errorf("cut and gone on with it says %q and %q, want %q", begun, rest, said)
	}
	saved := do(&Save{}, nil)
	head, ok := saved.m.(*Saved)
	if !ok || int64(len(saved.data)) != ready.SavedBytes || head.Hash != ready.Hash || len(ready.Hash) != 64 {
		t.Fatalf("saved %+v, %d bytes, of %+v", saved.m, len(saved.data), ready)
	}
	want, usage := say(0, "hello", said, "and?")
	if got := usage.Usage.PrefilledTokens; got > len("\nuser: and?\nbot: ")+1 {
		t.Errorf("going on read %d tokens", got)
	}
	for name, number := range map[string]uint32{"in its place": 0, "beside it": 7} {
		if done, ok := do(&Restore{Session: number}, saved.data).m.(*Done); !ok || done.Position != head.Position {
			t.Fatalf("%s: %+v", name, done)
		}
		if got, done := say(number, "hello", said, "and?"); got != want || done.Usage != usage.Usage {
			t.Errorf("%s: says %q (%+v), want %q (%+v)", name, got, done, want, usage)
		}
	}
	do(&Restore{}, saved.data)
	if done, ok := do(&Fork{Into: 2}, nil).m.(*Done); !ok || done.Position != head.Position {
		t.Errorf("fork: %+v", done)
	}
	if got, _ := say(2, "hello", said, "and?"); got != want {
		t.Errorf("the fork says %q, want %q", got, want)
	}
	if got, done := say(0, "hello", said, "and?"); got != want || done.Usage != usage.Usage {
		t.Errorf("forked, says %q, want %q", got, want)
	}
	do(&Drop{Session: 2}, nil)
	refused(&Save{Session: 2}, nil, CodeBadRequest, "there is none of that number")
	refused(&Drop{}, nil, CodeBadRequest, "the first session stays")
	refused(&Fork{Into: 0}, nil, CodeBadRequest, "into is 0")

	before := do(&Save{}, nil).data
	damaged := slices.Clone(saved.data)
	damaged[len(damaged)-3]++
	refused(&Restore{}, damaged, CodeBadState, "The saved state is damaged")
	refused(&Restore{}, saved.data[:5000], CodeBadState, "The saved state is cut short")
	refused(&Restore{Session: 33}, nil, CodeBadState, "is no file that Samba saved")
	refused(&Save{Session: 33}, nil, CodeBadRequest, "there is none of that number")
	if !slices.Equal(do(&Save{}, nil).data, before) {
		t.Error("a refused state changed the session's")
	}
	for n := range uint32(maxForks - 1) { // beside number 7
		do(&Fork{Into: 100 + n}, nil)
	}
	refused(&Fork{Into: 99}, nil, CodeBadRequest, "drop one first")
}
