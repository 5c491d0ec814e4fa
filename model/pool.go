package model

import (
	"context"
	"errors"
	"fmt"
)

// MaxSlots is the most sequences that a Pool decodes together.
const MaxSlots = 64

// Pool serves many sessions of one model, and is safe for concurrent use: each
// session still belongs to one caller at a time, but not all of them together.
type Pool struct {
	model  *Model
	turn   chan struct{} // holds a value while somebody has the machine; senders wait in order
	closed chan struct{}
}

var errPoolClosed = errors.New("the pool of sessions has been closed")

// NewPool takes the model over: until the pool is closed its sessions alone
// use the machine. slots is how many sequences are decoded together at most.
func (m *Model) NewPool(slots int) (*Pool, error) {
	if slots < 1 || slots > MaxSlots {
		return nil, fmt.Errorf("%d sequences at once, want 1 to %d", slots, MaxSlots)
	}
	return &Pool{model: m, turn: make(chan struct{}, 1), closed: make(chan struct{})}, nil
}

// NewSession starts an empty conversation. Its methods that need the machine
// are called within Do.
func (p *Pool) NewSession() (s *Session, err error) {
	err = p.Do(context.Background(), func() (err error) { s, err = p.model.NewSession(); return err })
	return s, err
}

// Generate is Session.Generate, which waits for its turn: first come, first
// served. A context that is cancelled before then ends the answer without a
// token. emit is called by the caller's own goroutine.
func (p *Pool) Generate(ctx context.Context, s *Session, r Request, emit func(Chunk) error) (result Result, err error) {
	err = p.Do(ctx, func() (err error) { result, err = s.Generate(ctx, r, emit); return err })
	if err != nil && errors.Is(err, ctx.Err()) {
		result.FinishReason, result.PromptTokens = FinishCancelled, len(r.Prompt)
		return result, nil
	}
	return result, err
}

// Do calls f while nobody else uses the machine: for what a session does beside
// answering, and for closing it.
func (p *Pool) Do(ctx context.Context, f func() error) error {
	select {
	case <-p.closed:
		return errPoolClosed
	default:
	}
	select {
	case p.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	case <-p.closed:
		return errPoolClosed
	}
	defer func() { <-p.turn }()
	return f()
}

// Close waits for whoever has the machine and refuses those who wait. The
// sessions are the caller's to close, before the pool or after.
func (p *Pool) Close() {
	p.turn <- struct{}{}
	close(p.closed)
}
