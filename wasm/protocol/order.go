package protocol

import (
	"context"
	"slices"

	"github.com/samba-web/samba/model"
)

// maxAtOnce is how many answers of a client are written together at most, where the
// machine has room for them; others wait in the order in which they came.
const maxAtOnce = 8

// held is a session of a client's, under its number.
type held struct {
	session *model.Session
	busy    bool          // it answers
	asked   uint64        // the request whose state it has, counted
	at      int           // its position when it last ended something
	changed chan struct{} // closed when it is free again
}

// kind is what a request needs to itself.
type kind int

const (
	needsNothing kind = iota
	answers           // its sessions, or states of its own in their place
	takesSession      // its sessions
	takesAll          // the engine
)

// needs says what a request needs, and of which sessions.
func (e *Engine) needs(request Message) (kind, []uint32) {
	if e.Shared != nil { // whose client has one session
		return takesAll, nil
	}
	switch r := request.(type) {
	case *Tokenize, *Detokenize:
		return needsNothing, nil
	case *Generate:
		if r.Append {
			return takesSession, []uint32{r.Session}
		}
		return answers, []uint32{r.Session}
	case *Absorb:
		return takesSession, []uint32{r.Session}
	case *Save:
		return takesSession, []uint32{r.Session}
	case *Restore:
		return takesSession, []uint32{r.Session}
	case *Reset:
		return takesSession, []uint32{r.Session}
	case *Drop:
		return takesSession, []uint32{r.Session}
	case *Fork:
		return takesSession, []uint32{r.Session, r.Into}
	}
	return takesAll, nil
}

// line is a client's requests that are not finished, in the order in which they came.
type line struct {
	jobs     []*job
	all      *job // the last one that had the engine to itself
	sessions map[uint32]*queue
}

// queue is the requests for a session.
type queue struct {
	alone   *job   // the last one that had it to itself
	answers []*job // since
}

// join says which requests end before one begins.
func (l *line) join(j *job, k kind, sessions []uint32) {
	if k == takesAll {
		j.after = slices.Clone(l.jobs)
		l.all, l.sessions = j, nil
	} else if l.all != nil {
		j.after = append(j.after, l.all)
	}
	for _, number := range sessions {
		t := l.sessions[number]
		if t == nil {
			t = &queue{}
			if l.sessions == nil {
				l.sessions = map[uint32]*queue{}
			}
			l.sessions[number] = t
		}
		if t.alone != nil {
			j.after = append(j.after, t.alone)
		}
		if k == answers {
			t.answers = append(t.answers, j)
			continue
		}
		j.after = append(j.after, t.answers...)
		t.alone, t.answers = j, nil
	}
	l.jobs = append(l.jobs, j)
}

// leave forgets a request that is finished.
func (l *line) leave(j *job) {
	is := func(other *job) bool { return other == j }
	l.jobs = slices.DeleteFunc(l.jobs, is)
	if l.all == j {
		l.all = nil
	}
	for number, t := range l.sessions {
		t.answers = slices.DeleteFunc(t.answers, is)
		if t.alone == j {
			t.alone = nil
		}
		if t.alone == nil && len(t.answers) == 0 {
			delete(l.sessions, number)
		}
	}
}

// seats are what answers and readings share.
type seats struct {
	taken   int
	waiting []*job // in order
}

// sit waits until the machine has room for one more answer or reading.
func (e *Engine) sit(j *job) error {
	e.mu.Lock()
	if e.seats.taken == 0 { // alone: how many there is room for need not be known
		e.seats.taken++
		e.mu.Unlock()
		return nil
	}
	e.mu.Unlock()
	most := e.model.AtOnce()
	e.mu.Lock()
	if e.seats.taken < most && len(e.seats.waiting) == 0 {
		e.seats.taken++
		e.mu.Unlock()
		return nil
	}
	j.seated = make(chan struct{})
	at, _ := slices.BinarySearchFunc(e.seats.waiting, j, func(a, b *job) int { return int(a.number) - int(b.number) })
	e.seats.waiting = slices.Insert(e.seats.waiting, at, j)
	e.mu.Unlock()
	select {
	case <-j.seated:
		return nil
	case <-j.ctx.Done():
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if at := slices.Index(e.seats.waiting, j); at >= 0 {
		e.seats.waiting = slices.Delete(e.seats.waiting, at, at+1)
		return j.ctx.Err()
	}
	return nil // it has just got one
}

// stand gives the seat to who waits for it longest.
func (e *Engine) stand() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.seats.waiting) == 0 {
		e.seats.taken--
		return
	}
	close(e.seats.waiting[0].seated)
	e.seats.waiting = e.seats.waiting[1:]
}

// wait lets those go first that came first, and that need the same.
func (j *job) wait() error {
	for _, other := range j.after {
		select {
		case <-other.done:
		case <-j.ctx.Done():
			return j.ctx.Err()
		}
	}
	return nil
}

// end lets those go on that come after. One that was cancelled while it waited may
// end before those that it waited for.
func (e *Engine) end(j *job) {
	for _, other := range j.after {
		<-other.done
	}
	e.mu.Lock()
	e.line.leave(j)
	e.mu.Unlock()
	close(j.done)
}

// notBegun answers a request that was cancelled before its turn.
func (e *Engine) notBegun(request Message) (Message, error) {
	number := uint32(0)
	switch r := request.(type) {
	case *Generate:
		number = r.Session
	case *Absorb:
		number = r.Session
	default:
		return nil, context.Canceled
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	answer := &Done{FinishReason: model.FinishCancelled}
	if h := e.held[number]; h != nil {
		answer.Position = h.at
	}
	return answer, nil
}

// note keeps in mind where sessions stand.
func (e *Engine) note(sessions []uint32) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, number := range sessions {
		if h := e.held[number]; h != nil && !h.busy {
			h.at = h.session.Position()
		}
	}
}

// take gives an answer the session of a number, or a state of its own while that answers
// already. Of several at once the one that was asked last leaves its state under the
// number, as if they had been answered one after another.
func (e *Engine) take(j *job, number uint32) (s *model.Session, give func(err error), err error) {
	if e.Shared != nil {
		s, err := e.sessionOf(number)
		return s, func(error) {}, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	h := e.held[number]
	if h == nil {
		return nil, nil, noSession(number)
	}
	for h.busy {
		e.mu.Unlock()
		s, err := e.model.NewSession()
		e.mu.Lock()
		if err == nil {
			return s, func(err error) { e.give(h, s, j, err) }, nil
		}
		if !h.busy {
			break
		}
		// There is no room for another state: one after the other, then.
		free := h.changed
		e.mu.Unlock()
		select {
		case <-free:
		case <-j.ctx.Done():
		}
		e.mu.Lock()
		if err := j.ctx.Err(); err != nil { // not that there was no room
			return nil, nil, err
		}
	}
	h.busy, h.changed = true, make(chan struct{})
	s = h.session
	return s, func(err error) { e.give(h, s, j, err) }, nil
}

func (e *Engine) give(h *held, s *model.Session, j *job, err error) {
	e.mu.Lock()
	var over *model.Session
	switch {
	case s == h.session:
		h.busy, h.asked, h.at = false, max(h.asked, j.number), s.Position()
		close(h.changed)
	case err == nil && j.number > h.asked:
		if !h.busy {
			over = h.session
		} else {
			close(h.changed)
		}
		h.session, h.busy, h.asked, h.at = s, false, j.number, s.Position()
	default:
		over = s
	}
	e.mu.Unlock()
	if over != nil {
		over.Close()
	}
}
