package server

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
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
	"sync/atomic"
	"time"

	"github.com/samba-web/samba/wasm/protocol"
)

// folder is where the conversations' states lie. Servers may share it: the one
// that takes a conversation up writes its identity beside the state, and a
// server that finds another's there has lost the conversation to that one.
//
// Its file system may be full, or hang as a network's does: an operation that
// takes too long fails and is left behind, with no effect once it comes back.
// Only this many are left behind; then all fail at once until some have returned.
type folder struct {
	path     string
	identity string // of this server, among those that share the folder
	patience time.Duration
	most     int64 // bytes of states
	each     int64 // and of those that clients of one address make

	closed chan struct{} // nothing waits any more
	under  chan struct{} // holds a value for each operation under way
	stuck  atomic.Int32  // of them, those that nothing waits for any more

	mu      sync.Mutex
	failure error             // of the last operation that wrote
	states  map[string]*state // by name: those seen at the last look, or written since
}

// state is what is known of a conversation's file.
type state struct {
	size    int64
	written time.Time
	address string // whose client it is of; empty: not known since this server started
}

// underAtOnce is how many operations may be under way.
const underAtOnce = 16

func newFolder(path string, patience time.Duration, most int64, share float64) *folder {
	return &folder{
		path: path, identity: rand.Text(), patience: patience, most: most, each: int64(float64(most) * share),
		closed: make(chan struct{}), under: make(chan struct{}, underAtOnce), states: map[string]*state{},
	}
}

var (
	errHung  = errors.New("the folder of states does not answer")
	errTaken = errors.New("another server has taken the conversation up")
	errSpace = errors.New("the folder of states has as much as it may: --states-gb")
)

// operation is what is done with the folder while something waits for it.
type operation struct{ end atomic.Int32 }

// How an operation ended.
const (
	finished = 1
	late     = 2 // nothing waits for it any more
)

func (o *operation) late() bool { return o.end.Load() == late }

// within does something with the folder and waits for it as long as patience lasts.
func within[T any](f *folder, do func(o *operation) (T, error)) (result T, err error) {
	patience := time.NewTimer(f.patience)
	defer patience.Stop()
	if int(f.stuck.Load()) >= cap(f.under) {
		return result, errHung
	}
	select {
	case f.under <- struct{}{}:
	case <-patience.C:
		return result, errHung
	case <-f.closed:
		return result, errHung
	}
	o, done := new(operation), make(chan struct{})
	var got T
	var failed error
	go func() {
		defer func() { <-f.under }()
		got, failed = do(o)
		if o.end.CompareAndSwap(0, finished) {
			close(done)
		} else {
			f.stuck.Add(-1)
		}
	}()
	select {
	case <-done:
		return got, failed
	case <-patience.C:
	case <-f.closed:
	}
	f.stuck.Add(1)
	if o.end.CompareAndSwap(0, late) {
		return result, errHung
	}
	f.stuck.Add(-1) // it finished just now
	<-done
	return got, failed
}

// carryOut is within for what returns nothing. A failure turns readiness.
func (f *folder) carryOut(do func(o *operation) error) error {
	_, err := within(f, func(o *operation) (struct{}, error) { return struct{}{}, do(o) })
	if !errors.Is(err, errTaken) && !errors.Is(err, errSpace) {
		f.mu.Lock()
		f.failure = err
		f.mu.Unlock()
	}
	return err
}

// failing is why nothing can be written; nil: as far as is known it can.
func (f *folder) failing() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.failure
}

// bytes is what the states take, as far as is known.
func (f *folder) bytes() (sum int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range f.states {
		sum += s.size
	}
	return sum
}

// probe writes something, as every answer does.
func (f *folder) probe() error {
	return f.carryOut(func(o *operation) error {
		if err := os.MkdirAll(f.path, 0o700); err != nil {
			return err
		}
		if err := f.replace(o, "probe", "", []byte{0}); err != nil {
			return err
		}
		return os.Remove(f.file("probe", ""))
	})
}

// kept is the head of a conversation's file. A line says what the file is and
// the SHA-256 of the next one, which is this as JSON; behind it the state stands.
type kept struct {
	Secret   []byte    `json:"secret"` // hashed
	Answered uint32    `json:"answered"`
	Replies  []replies `json:"replies"` // that the client may not have seen
	State    int64     `json:"state"`   // its length
}

// replies are the last messages that answer one request.
type replies struct {
	ID     uint32           `json:"id"`
	First  int              `json:"first"` // the seq of the first of them
	Frames []protocol.Frame `json:"frames"`
}

const (
	keptTitle = "samba-session 2 "
	maxHead   = 32 << 20 // bytes: far more than the replies that a line keeps
)

func (f *folder) file(name, kind string) string { return filepath.Join(f.path, name+kind) }

// named tells whether a text can be a conversation's name: what rand.Text makes, which leads nowhere as a file's.
func named(name string) bool {
	return len(name) == 26 && strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == ""
}

// replace writes a file as a whole. It is on the disk when that returns, and
// nothing has changed if it fails.
func (f *folder) replace(o *operation, name, kind string, parts ...[]byte) error {
	file, err := os.CreateTemp(f.path, "."+name+"-*")
	if err != nil {
		return err
	}
	for _, part := range parts {
		if err == nil {
			_, err = file.Write(part)
		}
	}
	if err == nil {
		err = file.Sync()
	}
	if err = cmp.Or(err, file.Close()); err == nil && o.late() {
		err = errHung
	}
	if err == nil {
		err = os.Rename(file.Name(), f.file(name, kind))
	}
	if err != nil {
		os.Remove(file.Name())
		return err
	}
	return syncFolder(f.path)
}

// syncFolder makes the names in a folder last, where the system can.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	defer folder.Close()
	if err := folder.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, fs.ErrInvalid) {
		return err
	}
	return nil
}

// store writes a conversation's state. stored says whether there was one before.
func (f *folder) store(c *conversation, stored bool, head kept, data []byte, live func(name string) bool) error {
	text, err := json.Marshal(head)
	if err != nil {
		return err
	}
	title := fmt.Appendf(nil, "%s%x\n", keptTitle, sha256.Sum256(text))
	size := int64(len(title) + len(text) + 1 + len(data))
	err = f.carryOut(func(o *operation) error {
		if err := f.mayWrite(c.name, stored); err != nil {
			return err
		}
		if err := f.makeRoom(c, size, live); err != nil {
			return err
		}
		if !stored {
			if err := f.replace(o, c.name, ".owner", []byte(f.identity)); err != nil {
				return err
			}
		}
		return f.replace(o, c.name, ".session", title, text, []byte{'\n'}, data)
	})
	if err == nil {
		f.mu.Lock()
		f.states[c.name] = &state{size, time.Now(), c.address}
		f.mu.Unlock()
	}
	return err
}

// couldHold tells whether a state of a size has room once all others are gone.
func (f *folder) couldHold(size int64) bool { return size <= min(f.most, f.each) }

// makeRoom removes what was used least recently, of the address's own first,
// until there is room for a state of a size.
func (f *folder) makeRoom(c *conversation, size int64, live func(name string) bool) error {
	f.mu.Lock()
	var names []string
	sum, own := size, size
	for name, s := range f.states {
		if name == c.name {
			continue
		}
		if sum += s.size; s.address == c.address {
			own += s.size
		}
		names = append(names, name)
	}
	if sum <= f.most && own <= f.each {
		f.mu.Unlock()
		return nil
	}
	slices.SortFunc(names, func(a, b string) int { return f.states[a].written.Compare(f.states[b].written) })
	var going []string
	evict := func(enough func() bool, may func(*state) bool) {
		for _, name := range names {
			s := f.states[name]
			if enough() {
				return
			}
			if s == nil || !may(s) || live(name) {
				continue
			}
			if sum -= s.size; s.address == c.address {
				own -= s.size
			}
			delete(f.states, name)
			going = append(going, name)
		}
	}
	evict(func() bool { return own <= f.each }, func(s *state) bool { return s.address == c.address })
	evict(func() bool { return sum <= f.most }, func(*state) bool { return true })
	f.mu.Unlock()
	for _, name := range going {
		f.remove(name)
	}
	if sum > f.most || own > f.each {
		return errSpace
	}
	return nil
}

// remove removes a conversation's files, as far as that is possible: what is left is found by sweep.
func (f *folder) remove(name string) {
	os.Remove(f.file(name, ".session"))
	os.Remove(f.file(name, ".owner"))
}

// mayWrite tells whether no other server has taken a conversation up. None can
// before its first state is on disk.
func (f *folder) mayWrite(name string, stored bool) error {
	owner, err := os.ReadFile(f.file(name, ".owner"))
	switch {
	case errors.Is(err, fs.ErrNotExist) && !stored:
		return nil
	case err == nil && string(owner) != f.identity, errors.Is(err, fs.ErrNotExist):
		return errTaken
	}
	return err
}

// owns is mayWrite for what is not writing yet.
func (f *folder) owns(name string, stored bool) error {
	_, err := within(f, func(*operation) (struct{}, error) { return struct{}{}, f.mayWrite(name, stored) })
	return err
}

// open takes a conversation up from its file: fs.ErrNotExist if there is none.
// The state is read when it is lent.
func (f *folder) open(name, secret, address string) (*conversation, []replies, error) {
	type opened struct {
		c    *conversation
		head kept
	}
	got, err := within(f, func(o *operation) (got opened, err error) {
		head, _, err := f.read(name, false)
		if err != nil {
			return got, err
		}
		c := &conversation{name: name, address: address, stored: true}
		copy(c.secret[:], head.Secret)
		if !c.proves(secret) {
			return got, errWrongSecret
		}
		// The server that had it writes no more once it is claimed; what was written until then counts.
		if err := f.replace(o, name, ".owner", []byte(f.identity)); err != nil {
			return got, err
		}
		if head, _, err = f.read(name, false); err != nil {
			return got, err
		}
		c.answered = head.Answered
		now := time.Now() // from which on it is kept
		os.Chtimes(f.file(name, ".session"), now, now)
		return opened{c, head}, nil
	})
	return got.c, got.head.Replies, err
}

var errWrongSecret = errors.New("the session's secret is wrong")

// load reads a conversation's file.
func (f *folder) load(name string) (head kept, data []byte, err error) {
	type loaded struct {
		head kept
		data []byte
	}
	got, err := within(f, func(*operation) (got loaded, err error) {
		got.head, got.data, err = f.read(name, true)
		return got, err
	})
	return got.head, got.data, err
}

func (f *folder) read(name string, whole bool) (head kept, data []byte, err error) {
	file, err := os.Open(f.file(name, ".session"))
	if err != nil {
		return head, nil, err
	}
	defer file.Close()
	about, err := file.Stat()
	if err != nil {
		return head, nil, err
	}
	head, length, err := readHead(file)
	if err == nil && about.Size() != length+head.State {
		err = fmt.Errorf("it has %d bytes, want %d", about.Size(), length+head.State)
	}
	if err == nil && whole {
		data = make([]byte, head.State)
		_, err = file.ReadAt(data, length)
	}
	if err != nil {
		return kept{}, nil, fmt.Errorf("%s: %w", file.Name(), err)
	}
	return head, data, nil
}

// readHead reads a file up to its state and says how far that is.
func readHead(file io.Reader) (head kept, length int64, err error) {
	lines := bufio.NewReader(io.LimitReader(file, maxHead))
	title, err := lines.ReadString('\n')
	length = int64(len(title))
	title, ours := strings.CutPrefix(title, keptTitle)
	if !ours {
		return head, 0, errors.New("it is no session's file of this version")
	}
	want, err := hex.DecodeString(strings.TrimSuffix(title, "\n"))
	if err != nil {
		return head, 0, errors.New("its first line is damaged")
	}
	text, err := lines.ReadBytes('\n')
	length += int64(len(text))
	sum := sha256.Sum256(bytes.TrimSuffix(text, []byte{'\n'}))
	if err != nil || !bytes.Equal(sum[:], want) {
		return head, 0, errors.New("its head is damaged: the checksum differs")
	}
	if err := json.Unmarshal(text, &head); err != nil {
		return head, 0, err
	}
	if head.State < 0 {
		return head, 0, fmt.Errorf("its state has %d bytes", head.State)
	}
	return head, length, nil
}

// sweep looks at what is there and removes the files of conversations that no
// client has gone on with since.
func (f *folder) sweep(before time.Time, live func(name string) bool) (removed int, err error) {
	return within(f, func(*operation) (removed int, err error) {
		entries, err := os.ReadDir(f.path)
		if err != nil {
			return 0, err
		}
		began, seen := time.Now(), map[string]*state{}
		for _, entry := range entries {
			name, kind, _ := strings.Cut(strings.TrimPrefix(entry.Name(), "."), ".")
			name, _, _ = strings.Cut(name, "-")
			about, err := entry.Info()
			if !named(name) || err != nil {
				continue
			}
			if live(name) || about.ModTime().After(before) {
				if kind == "session" {
					seen[name] = &state{size: about.Size(), written: about.ModTime()}
				}
				continue
			}
			// An owner is written once, and counts as long as there is what it owns.
			if about, err := os.Stat(f.file(name, ".session")); kind == "owner" && err == nil && about.ModTime().After(before) {
				continue
			}
			if os.Remove(filepath.Join(f.path, entry.Name())) == nil && kind == "session" {
				removed++
			}
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		for name, s := range f.states {
			if now := seen[name]; now != nil {
				now.address = s.address
			} else if s.written.After(began) { // since the look began
				seen[name] = s
			}
		}
		f.states = seen
		return removed, nil
	})
}
