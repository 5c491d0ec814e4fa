package model

import (
	"context"
	"errors"
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
	text := texts{stream: s.model.tokenizer.Stream(true), stopper: tokenizer.NewStopper(r.Stop)}
	// A cancel is looked at between tokens; the machine itself always lands its flights.
	flying := context.WithoutCancel(ctx)
	var ahead []flight
	var sampled []uint32
	var full error // no room for another flight: the answer ends with those under way
	for {
		for full == nil && len(ahead) < s.run.depth() {
			var allowed []uint32
			if matcher != nil {
				if allowed, err = matcher.Allowed(); err != nil {
					return err
				}
			}
			f, err := s.run.launch(flying, len(ahead) == 0 && len(sampled) == 0, allowed)
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
			if len(sampled) > 0 {
				s.tokens = append(s.tokens, sampled[:len(sampled)-1]...)
				if err := emit(Chunk{Text: text.rest(), Choice: choice}); err != nil {
					return err
				}
			}
			return full
		}
		f := ahead[0]
		ahead = ahead[1:]
		draws, err := f.wait(flying)
		if err != nil {
			return err
		}
		// The flight began by absorbing the token that was sampled last, if there was one.
		start := max(0, len(sampled)-1)
		for _, drawn := range draws {
			token := drawn.token
			if result.CompletionTokens == 0 {
				result.FirstTokenSeconds = time.Since(started).Seconds()
			}
			sampled = append(sampled, token)
			result.CompletionTokens++
			piece, ended := "", false
			if ended = s.model.stops[token] && !r.PastEnd; !ended {
				piece, ended = text.add(token)
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
			case len(sampled) == r.MaxTokens:
				result.FinishReason = FinishLength
			}
			if result.FinishReason != "" && !text.stopped {
				piece += text.rest()
			}
			chunk := Chunk{Text: piece, Tokens: 1, Choice: choice, FinishReason: result.FinishReason}
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
				if _, err := other.wait(flying); err != nil {
					return err
				}
			}
			// The last token is not absorbed: the next prompt brings it along.
			if err := s.run.rewind(flying, f, sampled[start:len(sampled)-1]); err != nil {
				return err
			}
			s.tokens = append(s.tokens, sampled[:len(sampled)-1]...)
			return failure
		}
	}
}

// texts turns tokens into text that is safe to show: whole characters, and
// nothing that may still become a stop string.
type texts struct {
	stream  *tokenizer.Stream
	stopper *tokenizer.Stopper
	stopped bool
}

func (t *texts) add(token uint32) (piece string, stopped bool) {
	piece, t.stopped = t.stopper.Push(t.stream.Push(token))
	return piece, t.stopped
}

// rest is what was held back when the end comes.
func (t *texts) rest() string {
	piece, stopped := t.stopper.Push(t.stream.Flush())
	if stopped {
		return piece
	}
	return piece + t.stopper.Flush()
}
