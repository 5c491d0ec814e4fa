package model

import (
	"context"
	"errors"

	"github.com/samba-web/samba/model/schedule"
)

// MaxSlots is the most sequences that a Pool decodes together.
const MaxSlots = schedule.MaxSlots

// Pool serves many sessions of one model, and is safe for concurrent use: each
// session still belongs to one caller at a time, but not all of them together. See
// schedule.Pool for how they share the machine.
type Pool struct {
	model *Model
	runs  *schedule.Pool
}

// NewPool takes the model over: until the pool is closed its sessions alone
// use the machine. slots is how many sequences are decoded together at most.
func (m *Model) NewPool(slots int) (*Pool, error) {
	runs, err := schedule.NewPool(schedule.Alone(m.recovery.Now()), m.config.VocabSize, slots)
	if err != nil {
		return nil, err
	}
	return &Pool{m, runs}, nil
}

// NewSession starts an empty conversation. Its methods are called within Do or
// Share. It does not outlive the machine, as a session of Model.NewSession may,
// which is none of the pool's.
func (p *Pool) NewSession() (*Session, error) {
	r, err := p.runs.NewRun()
	if err != nil {
		return nil, err
	}
	return &Session{model: p.model, run: r, pooled: r}, nil
}

// Generate is Session.Generate beside those of other sessions: prompts are read
// chunk by chunk in turns, answers come a token at a time for all that have a
// place. The same seed gives the same text, others there or not. A context that
// is cancelled before there is a place ends the answer without a token. emit is
// called by the caller's own goroutine.
func (p *Pool) Generate(ctx context.Context, s *Session, r Request, emit func(Chunk) error) (result Result, err error) {
	err = p.Share(ctx, s, func() (err error) { result, err = s.Generate(ctx, r, emit); return err })
	if err != nil && errors.Is(err, ctx.Err()) {
		result.FinishReason = FinishCancelled
		return result, nil
	}
	return result, err
}

// Share calls f, in which the session's methods take turns with other users of
// the machine: for long work beside answering, such as reading a text.
func (p *Pool) Share(ctx context.Context, s *Session, f func() error) error {
	if s.pooled == nil {
		return errors.New("the session is none of the pool's: make it with Pool.NewSession")
	}
	err, lost := s.pooled.Share(ctx, f)
	if lost != nil {
		s.broken = lost
		return lost
	}
	return err
}

// Do calls f while no other uses the machine: for what is done with a session
// in one go, and for closing it. f must not use the pool.
func (p *Pool) Do(ctx context.Context, f func() error) error { return p.runs.Do(ctx, f) }

// StateBytes is what is allocated for sequences' states beside the sessions' own.
func (p *Pool) StateBytes() int64 { return p.runs.StateBytes() }

// Close breaks off what is under way, with an error to those who wait for it. The
// sessions are the caller's to close, before the pool or after.
func (p *Pool) Close() { p.runs.Close() }
