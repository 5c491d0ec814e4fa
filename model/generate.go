package model

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/samba-web/samba/gpu/reference"
	"github.com/samba-web/samba/model/grammar"
	"github.com/samba-web/samba/model/tokenizer"
)

// decode is the token loop: flights of steps go to the machine ahead of the
// tokens that come back, each token becomes text, and what ran ahead of the
// end is undone.
func (s *Session) decode(ctx context.Context, r Request, choice int, started time.Time, result *Result, emit func(Chunk) error) error {
	d, err := r.drawing(s.model.config.VocabSize)
	if err != nil {
		return err
	}
	d.sampling.Seed += uint64(choice)
	if err := s.run.begin(d); err != nil {
		return err
	}
	result.FinishReason = ""
	var matcher *grammar.Matcher
	if r.Grammar != nil {
		matcher = r.Grammar.Match()
	}
	text := texts{tokenizer: s.model.tokenizer, stream: s.model.tokenizer.Stream(true), stopper: tokenizer.NewStopper(r.Stop)}
	// A cancel is looked at between tokens; the machine itself always lands its flights.
	flying := context.WithoutCancel(ctx)
	var ahead []flight
	sampled := 0
	var since []uint32 // the pending token that a flight began with, and what it sampled
	var full error     // no room for another flight: the answer ends with those under way
	for {
		for full == nil && len(ahead) < s.run.depth() {
			var allowed []uint32
			if matcher != nil {
				if allowed, err = matcher.Allowed(); err != nil {
					return err
				}
			}
			f, err := s.run.launch(flying, len(ahead) == 0 && sampled == 0, allowed)
			if errors.Is(err, ErrNoRoom) {
				full = err
				break
			}
			if err != nil {
				return err
			}
			ahead = append(ahead, f)
		}
		if len(ahead) == 0 { // the state is where the last flight left it
			if sampled > 0 {
				if err := emit(Chunk{Text: text.rest(since[len(since)-1], &s.past.text), Choice: choice}); err != nil {
					return err
				}
			}
			return full
		}
		f := ahead[0]
		ahead = ahead[1:]
		draws, err := f.wait(flying)
		if err == nil {
			err = sound(draws)
		}
		if err != nil {
			return err
		}
		// The flight began by absorbing the token that was sampled last, if there was one.
		since = slices.Delete(since, 0, max(0, len(since)-1))
		for _, drawn := range draws {
			token := drawn.token
			if result.CompletionTokens == 0 {
				result.FirstTokenSeconds = time.Since(started).Seconds()
			}
			if sampled > 0 {
				s.past.note(since[len(since)-1])
			}
			since = append(since, token)
			sampled++
			result.CompletionTokens++
			piece, ended := "", false
			if ended = s.model.stops[token] && !r.PastEnd; !ended {
				piece, ended = text.add(token, &s.past.text)
			} else {
				text.silent = true
				s.past.text.settle()
			}
			if matcher != nil && !ended {
				if err := matcher.Advance(s.model.tokenizer.Bytes(token)); err != nil {
					return err
				}
				ended = matcher.Finished()
			}
			switch {
			case ended:
				result.FinishReason = FinishStop
			case ctx.Err() != nil:
				result.FinishReason = FinishCancelled
			case sampled == r.MaxTokens:
				result.FinishReason = FinishLength
			}
			if result.FinishReason != "" {
				piece += text.rest(token, &s.past.text)
			}
			chunk := Chunk{Text: piece, Tokens: 1, Token: token, Choice: choice, FinishReason: result.FinishReason}
			if r.Logprobs {
				chunk.Logprobs = []TokenLogprob{{Logprob: reference.Logprob{Token: token, Value: drawn.logprob}, Top: drawn.top}}
			}
			failure := emit(chunk)
			if failure != nil && result.FinishReason == "" {
				result.FinishReason = FinishCancelled
			}
			if result.FinishReason == "" {
				continue
			}
			for _, other := range ahead {
				if err := other.drop(flying); err != nil {
					return err
				}
			}
			// The last token is not absorbed: the next prompt brings it along.
			if err := s.run.rewind(flying, f, since[:len(since)-1]); err != nil {
				return err
			}
			return failure
		}
	}
}

// texts turns tokens into text that is safe to show: whole characters, and
// nothing that may still become a stop string. The state's text is all of it.
type texts struct {
	tokenizer *tokenizer.Tokenizer
	stream    *tokenizer.Stream
	stopper   *tokenizer.Stopper
	stopped   bool
	begun     bool // a token was spelt out
	silent    bool // the last one was not
}

func (t *texts) add(token uint32, past *pastText) (piece string, stopped bool) {
	text, spelt := t.stream.Push(token), t.tokenizer.Bytes(token)
	past.add(token, text, spelt, !t.begun)
	t.silent = t.tokenizer.IsSpecial(token)
	t.begun = t.begun || !t.silent
	piece, t.stopped = t.stopper.Push(text)
	return piece, t.stopped
}

// rest is what was held back when the end comes, at this token.
func (t *texts) rest(token uint32, past *pastText) string {
	text := t.stream.Flush()
	past.end(text, t.tokenizer.Bytes(token), t.silent)
	if t.stopped {
		return ""
	}
	piece, stopped := t.stopper.Push(text)
	if stopped {
		return piece
	}
	return piece + t.stopper.Flush()
}
