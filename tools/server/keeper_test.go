package server

import (
	"errors"
	"testing"
	"time"

	"github.com/samba-web/samba/model"
	"github.com/samba-web/samba/wasm/protocol"
)

// fullMachine begins no session: each attempt ends with what the test says.
type fullMachine struct {
	protocol.Turns
	begin chan error
}

func (m *fullMachine) NewSession() (*model.Session, error) { return nil, <-m.begin }

// Whoever waits for a place that another failed to make tries for itself, and hears why there is none.
func TestLendAfterFailure(t *testing.T) {
	m := &fullMachine{begin: make(chan error)}
	k := &keeper{machine: m, most: 1}
	answers := make(chan error, 2)
	lend := func() { _, err := k.lend(t.Context(), &conversation{}, 0); answers <- err }
	go lend()
	wait := func(what string, there func() bool) {
		t.Helper()
		for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
			k.mu.Lock()
			ok := there()
			k.mu.Unlock()
			if ok {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("%s", what)
			}
		}
	}
	wait("the first one does not try", func() bool { return k.made == 1 })
	go lend()
	wait("the second one does not wait", func() bool { return len(k.waiting) == 1 })
	none := errors.New("no room")
	for range 2 {
		select {
		case m.begin <- none:
		case <-time.After(10 * time.Second):
			t.Fatal("the one that waited does not try")
		}
		if err := <-answers; !errors.Is(err, none) {
			t.Errorf("a place that cannot be made ended with %v", err)
		}
	}
	if k.made != 0 || len(k.waiting) != 0 {
		t.Errorf("%d sessions are counted and %d wait, want none", k.made, len(k.waiting))
	}
}
