package model

import (
	"context"
	"errors"
	"slices"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/model/conversation"
	"github.com/samba-web/samba/model/machine"
)

// StateSize is the size of a saved state in bytes; see conversation.Size.
func (m *Model) StateSize() int64 { return conversation.Size(m.config) }

// Save copies the state into a blob, from which Restore goes on with the same
// tokens, on this machine or another.
func (s *Session) Save(ctx context.Context) (gpu.Blob, error) {
	if s.broken != nil {
		return gpu.Blob{}, s.broken
	}
	size := s.model.StateSize()
	if size == 0 {
		return gpu.Blob{}, errors.New("a model with full attention has no state of fixed size that could be saved: its keys and values grow with the text")
	}
	blob := gpu.NewBlob(size)
	payload := blob.Slice(conversation.HeaderBytes, size-conversation.HeaderBytes)
	if err := s.run.Save(ctx, payload); err != nil {
		return gpu.Blob{}, s.keep(err)
	}
	sum, err := payload.SHA256(ctx)
	if err != nil {
		return gpu.Blob{}, err
	}
	blob.Put(0, conversation.Header(s.model.hash, &s.past, size-conversation.HeaderBytes, sum))
	return blob, nil
}

// Restore puts a saved state in the place of the session's own. What is no
// whole state of this model is refused, and then nothing has changed. The blob
// must not be changed afterwards.
func (s *Session) Restore(ctx context.Context, state gpu.Blob) error {
	f, err := conversation.Parse(state.Bytes(0, min(state.Len(), conversation.HeaderBytes)), state.Len())
	if err != nil {
		return err
	}
	if f.Hash != s.model.hash {
		return conversation.Refused("belongs to another model (%.8s, this one is %.8s): load that one, or start anew", f.Model, s.model.Hash())
	}
	if want := s.model.StateSize(); f.Bytes != want {
		return conversation.Refused("has %d bytes, this model's have %d", f.Bytes, want)
	}
	vocab := uint32(s.model.config.VocabSize)
	if slices.ContainsFunc(append(f.Past.Tail, f.Past.Text.Pending), func(id uint32) bool { return id >= vocab }) {
		return conversation.Refused("is damaged: it holds a token that this model does not have")
	}
	payload := state.Slice(conversation.HeaderBytes, f.Payload)
	switch sum, err := payload.SHA256(ctx); {
	case err != nil:
		return err
	case sum != f.Sum:
		return conversation.Refused("is damaged: its content has another checksum than it says")
	}
	// In steps: a browser's blob is outside Go's heap.
	const step = 1 << 20
	for at := int64(0); at < f.Payload; at += step {
		if !machine.Finite(payload.Bytes(at, min(step, f.Payload-at))) {
			return conversation.Refused("holds values that are no numbers: it was saved when the model computed none any more")
		}
	}
	if err := s.run.Restore(context.WithoutCancel(ctx), payload, f.Past.Position, f.Past.Tail); err != nil {
		s.broken = err // half of it may be there
		return err
	}
	s.past, s.broken = f.Past, nil
	return nil
}

// Fork makes a second session that goes on from where this one stands; the
// machine copies the state. From then on neither knows of the other.
func (s *Session) Fork() (*Session, error) {
	if s.broken != nil {
		return nil, s.broken
	}
	other := &Session{model: s.model, past: s.past.Clone()}
	var err error
	if s.pooled != nil {
		other.pooled, err = s.pooled.ForkPooled()
		other.run = other.pooled
	} else {
		other.run, err = s.run.Fork()
	}
	if err != nil {
		return nil, s.keep(err)
	}
	return other, nil
}
