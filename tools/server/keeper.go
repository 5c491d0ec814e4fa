package server

import (
	"container/list"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"log/slog"
	"slices"
	"sync"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/model"
	"github.com/samba-web/samba/wasm/protocol"
)

// conversation is what outlives a client's connections. Between two requests
// its state is on disk; it stays in memory, too, while there is room.
type conversation struct {
	name     string            // of its files; empty: it is not kept
	address  string            // whose client it is of
	secret   [sha256.Size]byte // the hash of what the client proves itself by
	answered uint32            // the last request whose effect the state has; its line's to guard

	session *model.Session // nil: the state is on disk, or empty
	place   *list.Element  // among those that may be evicted; nil: in use, or not in memory
	stored  bool           // there is a file; the keeper's to guard
}

// keeper keeps conversations' states: a bounded number in memory, the least
// recently used of them giving way, and all of them in a folder.
type keeper struct {
	machine Machine
	folder  *folder
	most    int                    // sessions in memory
	live    func(name string) bool // whether a client has the conversation now
	log     *slog.Logger

	mu      sync.Mutex
	made    int                   // sessions in memory, in use or not
	spare   []*model.Session      // of those, no conversation's
	idle    list.List             // of *conversation in memory and not in use, the most recently used first
	waiting []chan *model.Session // who waits for one, in order
}

// lend brings a conversation's state into memory, waiting for a place if need
// be, and keeps it there until settle or drop. It must be the state after the
// request answered; errStale where the one on disk is newer.
func (k *keeper) lend(ctx context.Context, c *conversation, answered uint32) (*model.Session, error) {
	k.mu.Lock()
	if c.session != nil {
		if c.place != nil {
			k.idle.Remove(c.place)
			c.place = nil
		}
		k.mu.Unlock()
		return c.session, nil
	}
	session, err := k.place(ctx)
	if err != nil {
		return nil, err
	}
	if c.stored {
		err = k.restore(ctx, c, answered, session)
	} else {
		err = k.machine.Do(ctx, session.Reset)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if err != nil {
		k.free(session)
		return nil, err
	}
	c.session = session
	return session, nil
}

// place finds a session that is no conversation's. It is called with the lock held and
// returns without it.
func (k *keeper) place(ctx context.Context) (*model.Session, error) {
	if n := len(k.spare); n > 0 {
		session := k.spare[n-1]
		k.spare = k.spare[:n-1]
		k.mu.Unlock()
		return session, nil
	}
	if k.made < k.most {
		k.made++
		k.mu.Unlock()
		session, err := k.machine.NewSession()
		if err != nil {
			k.mu.Lock()
			k.made--
			k.retry()
			k.mu.Unlock()
		}
		return session, err
	}
	if last := k.idle.Back(); last != nil {
		c := last.Value.(*conversation)
		session := c.session
		k.idle.Remove(last)
		c.place, c.session = nil, nil
		k.mu.Unlock()
		return session, nil
	}
	turn := make(chan *model.Session, 1)
	k.waiting = append(k.waiting, turn)
	k.mu.Unlock()
	select {
	case session := <-turn:
		if session == nil {
			k.mu.Lock()
			return k.place(ctx)
		}
		return session, nil
	case <-ctx.Done():
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if i := slices.Index(k.waiting, turn); i >= 0 {
		k.waiting = slices.Delete(k.waiting, i, i+1)
	} else if session := <-turn; session != nil { // it came just now
		k.free(session)
	} else {
		k.retry()
	}
	return nil, ctx.Err()
}

// retry lets the one that waits longest try for itself: another's attempt came to nothing. The lock is held.
func (k *keeper) retry() {
	if len(k.waiting) > 0 {
		k.waiting[0] <- nil
		k.waiting = k.waiting[1:]
	}
}

// free makes a session no conversation's, or gives it to the one that waits longest. The lock is held.
func (k *keeper) free(session *model.Session) {
	if len(k.waiting) > 0 {
		k.waiting[0] <- session
		k.waiting = k.waiting[1:]
		return
	}
	k.spare = append(k.spare, session)
}

// settle takes a conversation's state back after a request: it is written to
// disk with what was answered, and may then give way to others. A state that
// cannot be written stays in memory as long as there is room: requests carry the
// whole conversation, so without its state the next one is read again, no more.
func (k *keeper) settle(c *conversation, answered uint32, replies []replies) error {
	if c.session == nil {
		return nil
	}
	stored := k.isStored(c)
	data, err := k.copy(c, stored)
	usable := err == nil || errors.Is(err, errSpace)
	if err == nil {
		head := kept{c.secret[:], answered, replies, int64(len(data))}
		err = k.folder.store(c, stored, head, data, k.live)
		usable = !errors.Is(err, errTaken)
	}
	if usable && err != nil && stored { // what is there is not the conversation's state any more
		k.folder.carryOut(func(*operation) error { k.folder.remove(c.name); return err })
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	c.stored = err == nil
	if !usable || len(k.waiting) > 0 {
		k.free(c.session)
		c.session = nil
		return err
	}
	c.place = k.idle.PushFront(c)
	return err
}

// copy is a conversation's state as bytes, if it is this server's to write.
func (k *keeper) copy(c *conversation, stored bool) ([]byte, error) {
	if c.name == "" {
		return nil, errors.New("a conversation without a name")
	}
	if err := k.folder.owns(c.name, stored); errors.Is(err, errTaken) {
		return nil, err
	}
	if !k.folder.couldHold(c.session.Model().StateSize(c.session.Position())) {
		return nil, errSpace // before it is in memory twice
	}
	ctx := context.Background()
	var blob gpu.Blob
	err := k.machine.Do(ctx, func() (err error) { blob, err = c.session.Save(ctx); return err })
	if err != nil {
		return nil, err
	}
	return blob.Bytes(0, blob.Len()), nil
}

// drop gives a conversation's place in memory up; its file stays.
func (k *keeper) drop(c *conversation) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if c.session == nil {
		return
	}
	if c.place != nil {
		k.idle.Remove(c.place)
	}
	k.free(c.session)
	c.session, c.place = nil, nil
}

// inMemory counts the sessions that hold a conversation's state.
func (k *keeper) inMemory() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.made - len(k.spare)
}

// newConversation also says what its client proves itself by.
func newConversation(address string) (c *conversation, secret string) {
	secret = rand.Text()
	return &conversation{name: rand.Text(), address: address, secret: sha256.Sum256([]byte(secret))}, secret
}

// proves compares a secret in constant time.
func (c *conversation) proves(secret string) bool {
	hash := sha256.Sum256([]byte(secret))
	return subtle.ConstantTimeCompare(hash[:], c.secret[:]) == 1
}

// lost tells whether another server has a conversation. A folder that does not
// answer does not say so: then no other server can have taken it up either.
func (k *keeper) lost(c *conversation) bool {
	return errors.Is(k.folder.owns(c.name, k.isStored(c)), errTaken)
}

func (k *keeper) isStored(c *conversation) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return c.stored
}

var errStale = errors.New("the conversation's state on disk is newer")

// errUnread is what a client is told whose state cannot be had.
var errUnread = protocol.Fault(protocol.CodeBadState, errors.New("the conversation's state could not be read: ask again"))

// restore brings a conversation's state from its file. If it cannot be had the
// request fails, since an answer's rest might not fit its beginning; the next
// one begins from an empty state, as each carries the whole conversation.
func (k *keeper) restore(ctx context.Context, c *conversation, answered uint32, session *model.Session) error {
	head, data, err := k.folder.load(c.name)
	if err == nil && head.Answered > answered {
		return errStale // the server that had the client before has just finished
	}
	if err == nil {
		err = k.machine.Do(ctx, func() error { return session.Restore(ctx, gpu.BlobOf(data)) })
	}
	if err == nil || ctx.Err() != nil || errors.Is(err, gpu.ErrLost) {
		return err
	}
	k.mu.Lock()
	c.stored = false
	k.mu.Unlock()
	k.log.Warn("a conversation's state could not be read", "session", c.name, "error", err)
	return errUnread
}

// close gives all sessions back. None is in use any more.
func (k *keeper) close() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for e := k.idle.Front(); e != nil; e = e.Next() {
		k.spare = append(k.spare, e.Value.(*conversation).session)
	}
	k.idle.Init()
	for _, session := range k.spare {
		k.machine.Do(context.Background(), func() error { session.Close(); return nil })
	}
	k.spare = nil
}
