package server

import (
	"bytes"
	"cmp"
	"container/list"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/model"
	"github.com/samba-web/samba/wasm/protocol"
)

// conversation is what outlives a client's connections. Between two requests
// its state is on disk; it stays in memory, too, while there is room.
type conversation struct {
	name     string            // of its files; empty: it is not kept
	secret   [sha256.Size]byte // the hash of what the client proves itself by
	answered uint32            // the last request whose effect the state has; its line's to guard

	session *model.Session // nil: the state is on disk, or empty
	place   *list.Element  // among those that may be evicted; nil: in use, or not in memory
	stored  bool           // there is a file; the keeper's to guard
}

// keeper keeps conversations' states: a bounded number in memory, the least
// recently used of them giving way, and all of them in a folder, which several
// servers may share. Whoever takes a conversation up writes its name beside the
// state; a server that finds another's there has lost it to that one.
type keeper struct {
	machine  Machine
	folder   string
	identity string // of this server, among those that share the folder
	most     int    // sessions in memory

	mu      sync.Mutex
	made    int                   // sessions in memory, in use or not
	spare   []*model.Session      // of those, nobody's
	idle    list.List             // of *conversation in memory and not in use, the most recently used first
	waiting []chan *model.Session // who waits for one, in order
}

func newKeeper(machine Machine, folder string, most int) *keeper {
	return &keeper{machine: machine, folder: folder, identity: rand.Text(), most: most}
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

// place finds a session that is nobody's. It is called with the lock held and
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
		return session, nil
	case <-ctx.Done():
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if i := slices.Index(k.waiting, turn); i >= 0 {
		k.waiting = slices.Delete(k.waiting, i, i+1)
	} else {
		k.free(<-turn) // it came just now
	}
	return nil, ctx.Err()
}

// free makes a session nobody's, or whoever's who waits longest. The lock is held.
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
// cannot be written is kept in memory only if the client needs no more than that.
func (k *keeper) settle(c *conversation, answered uint32, replies []replies) error {
	if c.session == nil {
		return nil
	}
	err := k.save(c, answered, replies)
	k.mu.Lock()
	defer k.mu.Unlock()
	if err != nil {
		k.free(c.session)
		c.session = nil
		// What is on disk is not the conversation's state any more, unless it is another server's to write.
		// Requests carry the whole conversation: without its state the next one is read again, no more.
		if c.stored && !errors.Is(err, errTaken) {
			os.Remove(k.path(c.name, ".session"))
		}
		c.stored = false
		return err
	}
	c.stored = true
	if len(k.waiting) > 0 {
		k.free(c.session)
		c.session = nil
		return nil
	}
	c.place = k.idle.PushFront(c)
	return nil
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

// kept is the head of a conversation's file: a line of JSON, behind which the state stands.
type kept struct {
	Version  int       `json:"version"`
	Secret   []byte    `json:"secret"` // hashed
	Answered uint32    `json:"answered"`
	Replies  []replies `json:"replies"` // that the client may not have seen
	State    int       `json:"state"`   // its length
}

// replies are the last messages that answer one request.
type replies struct {
	ID     uint32           `json:"id"`
	First  int              `json:"first"` // the seq of the first of them
	Frames []protocol.Frame `json:"frames"`
}

const keptVersion = 1

func (k *keeper) path(name, kind string) string { return filepath.Join(k.folder, name+kind) }

// named tells whether a text can be a conversation's name: what rand.Text makes, which leads nowhere as a file's.
func named(name string) bool {
	return len(name) == 26 && strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == ""
}

var errStale = errors.New("the conversation's state on disk is newer")

var errTaken = errors.New("another server has taken the conversation up")

func (k *keeper) save(c *conversation, answered uint32, replies []replies) error {
	if c.name == "" {
		return errors.New("a conversation without a name")
	}
	if !k.owns(c) {
		return errTaken
	}
	ctx := context.Background()
	var blob gpu.Blob
	err := k.machine.Do(ctx, func() (err error) { blob, err = c.session.Save(ctx); return err })
	if err != nil {
		return err
	}
	if !c.stored {
		if err := k.claim(c.name); err != nil {
			return err
		}
	}
	state := blob.Bytes(0, blob.Len())
	head, err := json.Marshal(kept{keptVersion, c.secret[:], answered, replies, len(state)})
	if err != nil {
		return err
	}
	return k.write(c.name, ".session", func() error {
		if !k.owns(c) {
			return errTaken
		}
		return nil
	}, append(head, '\n'), state)
}

// write replaces a file as a whole, if it may when all of it is there.
func (k *keeper) write(name, kind string, may func() error, parts ...[]byte) error {
	file, err := os.CreateTemp(k.folder, "."+name+"-*")
	if err != nil {
		return err
	}
	for _, part := range parts {
		if err == nil {
			_, err = file.Write(part)
		}
	}
	if err = cmp.Or(err, file.Close()); err == nil && may != nil {
		err = may()
	}
	if err == nil {
		err = os.Rename(file.Name(), k.path(name, kind))
	}
	if err != nil {
		os.Remove(file.Name())
	}
	return err
}

// owns tells whether no other server has taken a conversation up. Nobody can
// before its first state is on disk.
func (k *keeper) owns(c *conversation) bool {
	owner, err := os.ReadFile(k.path(c.name, ".owner"))
	k.mu.Lock()
	defer k.mu.Unlock()
	if errors.Is(err, fs.ErrNotExist) && !c.stored {
		return true
	}
	return err == nil && string(owner) == k.identity
}

func (k *keeper) claim(name string) error { return k.write(name, ".owner", nil, []byte(k.identity)) }

// create begins a conversation and says what its client proves itself by.
func (k *keeper) create() (c *conversation, secret string) {
	secret = rand.Text()
	return &conversation{name: rand.Text(), secret: sha256.Sum256([]byte(secret))}, secret
}

// proves compares a secret in constant time.
func (c *conversation) proves(secret string) bool {
	hash := sha256.Sum256([]byte(secret))
	return subtle.ConstantTimeCompare(hash[:], c.secret[:]) == 1
}

// open takes up a conversation from its file: fs.ErrNotExist if there is none.
// The state is read when it is lent.
func (k *keeper) open(name, secret string) (*conversation, []replies, error) {
	head, _, err := k.read(name, false)
	if err != nil {
		return nil, nil, err
	}
	c := &conversation{name: name, stored: true}
	copy(c.secret[:], head.Secret)
	if !c.proves(secret) {
		return nil, nil, errWrongSecret
	}
	// Whoever had it writes no more once it is claimed; what was written until then counts.
	if err := k.claim(name); err != nil {
		return nil, nil, err
	}
	if head, _, err = k.read(name, false); err != nil {
		return nil, nil, err
	}
	c.answered = head.Answered
	now := time.Now() // its time to be kept starts anew
	os.Chtimes(k.path(name, ".session"), now, now)
	return c, head.Replies, nil
}

var errWrongSecret = errors.New("the session's secret is wrong")

func (k *keeper) read(name string, whole bool) (head kept, state []byte, err error) {
	file, err := os.Open(k.path(name, ".session"))
	if err != nil {
		return head, nil, err
	}
	defer file.Close()
	// The head is a line of at most the replay buffer's size and some: read by a decoder, which may read on.
	d := json.NewDecoder(file)
	if err := d.Decode(&head); err != nil {
		return head, nil, fmt.Errorf("%s: %w", file.Name(), err)
	}
	if head.Version != keptVersion {
		return head, nil, fmt.Errorf("%s is of version %d, want %d", file.Name(), head.Version, keptVersion)
	}
	if !whole {
		return head, nil, nil
	}
	if _, err := file.Seek(d.InputOffset()+1, io.SeekStart); err != nil {
		return head, nil, err
	}
	about, err := file.Stat()
	if err == nil && about.Size() != d.InputOffset()+1+int64(head.State) {
		err = fmt.Errorf("%s has %d bytes, want %d", file.Name(), about.Size(), d.InputOffset()+1+int64(head.State))
	}
	if err != nil {
		return head, nil, err
	}
	var b bytes.Buffer
	b.Grow(head.State + bytes.MinRead)
	_, err = b.ReadFrom(file)
	return head, b.Bytes(), err
}

// restore brings a conversation's state from its file. If it cannot be had the
// request fails, since an answer's rest might not fit its beginning; the next
// one begins from an empty state, as each carries the whole conversation.
func (k *keeper) restore(ctx context.Context, c *conversation, answered uint32, session *model.Session) error {
	head, state, err := k.read(c.name, true)
	if err == nil && head.Answered > answered {
		return errStale // the server that had the client before has just finished
	}
	if err == nil {
		err = k.machine.Do(ctx, func() error { return session.Restore(ctx, gpu.BlobOf(state)) })
	}
	if err != nil && ctx.Err() == nil {
		k.mu.Lock()
		c.stored = false
		k.mu.Unlock()
		err = fmt.Errorf("the conversation's state could not be read, ask again: %w", err)
	}
	return err
}

// sweep removes the files of conversations that nobody has gone on with since.
func (k *keeper) sweep(before time.Time, live func(name string) bool) (removed int, err error) {
	entries, err := os.ReadDir(k.folder)
	if err != nil {
		return 0, err
	}
	for _, entry := range entries {
		name, kind, _ := strings.Cut(strings.TrimPrefix(entry.Name(), "."), ".")
		name, _, _ = strings.Cut(name, "-")
		if about, err := entry.Info(); !named(name) || live(name) || err != nil || about.ModTime().After(before) {
			continue
		}
		// An owner is written once, and counts as long as there is what it owns.
		if about, err := os.Stat(k.path(name, ".session")); kind == "owner" && err == nil && about.ModTime().After(before) {
			continue
		}
		if os.Remove(filepath.Join(k.folder, entry.Name())) == nil && kind == "session" {
			removed++
		}
	}
	return removed, nil
}

// close gives all sessions back. Nobody uses one any more.
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
