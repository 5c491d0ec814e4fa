package model

import (
	"context"
	"errors"
	"fmt"
	"github.com/samba-web/samba/model/guess"
	"runtime"
	"slices"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/model/conversation"
	"github.com/samba-web/samba/model/graph"
	"github.com/samba-web/samba/model/machine"
)

// StateSize is the size in bytes of a saved state after this many tokens; see conversation.Size.
func (m *Model) StateSize(position int) int64 {
	return conversation.Size(m.config, position, m.halves.Load())
}

// HalfKeys tells whether keys and values are kept in fp16, here and in saved states.
func (m *Model) HalfKeys() bool { return m.halves.Load() }

// StateBytesPerToken is what each token adds to a conversation's state, in memory and
// saved: 0 without full attention.
func (m *Model) StateBytesPerToken() int64 {
	_, perToken := m.config.StateBytes(m.halves.Load())
	return perToken
}

// copiedBytes is the size of the copies that recovery makes of a state; 0: it makes none.
func (m *Model) copiedBytes() int64 {
	fixed, perToken := m.config.StateBytes(m.halves.Load())
	if perToken > 0 {
		return 0
	}
	return fixed
}

// maxSaved is the largest state that Save makes: a browser's arrays end there.
func maxSaved() int64 {
	if runtime.GOOS == "js" {
		return 1<<31 - 1
	}
	return conversation.MaxSize
}

// Save copies the state into a blob, from which Restore goes on with the same
// tokens, on this machine or another.
func (s *Session) Save(ctx context.Context) (gpu.Blob, error) {
	if s.broken != nil {
		return gpu.Blob{}, s.broken
	}
	halves := s.model.halves.Load()
	size := conversation.Size(s.model.config, s.Position(), halves)
	if most := maxSaved(); size > most {
		return gpu.Blob{}, fmt.Errorf("the state cannot be saved: at %d tokens it is larger than the %s that a saved state may have, since it grows by %d bytes a token: save a shorter conversation",
			s.Position(), machine.Gigabytes(most), s.model.StateBytesPerToken())
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
	blob.Put(0, conversation.Header(s.model.hash, &s.past, size-conversation.HeaderBytes, sum, halves))
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
		return conversation.Refused("belongs to another model (%.8s, this one is %.8s): load that one, or start again", f.Model, s.model.Hash())
	}
	if want := conversation.Size(s.model.config, f.Past.Position, f.Halves); want > conversation.MaxSize {
		return conversation.Refused("says that it is of %d tokens: this model's states would have more than %s there", f.Past.Position, machine.Gigabytes(conversation.MaxSize))
	} else if f.Bytes != want {
		return conversation.Refused("has %d bytes, this model's have %d%s", f.Bytes, want, s.model.grown(f.Past.Position))
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
	if !graph.Sketch(s.model.config, s.model.rings()).Finite(payload, f.Past.Position, f.Halves) {
		return conversation.Refused("holds values that are no numbers: it was saved when the model computed none any more")
	}
	if err := s.run.Restore(context.WithoutCancel(ctx), payload, f.Past.Position, f.Past.Tail); err != nil {
		if !errors.Is(err, machine.ErrNoRoom) {
			s.broken = err // half of it may be there
		}
		return err
	}
	s.past, s.broken = f.Past, nil
	return nil
}

// grown says at which position a state's size is meant, where that matters.
func (m *Model) grown(position int) string {
	if m.StateBytesPerToken() == 0 {
		return ""
	}
	return fmt.Sprintf(" at %d tokens", position)
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
		other.guess = guess.NewText()
	}
	if err != nil {
		return nil, s.keep(err)
	}
	return other, nil
}
