package model

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/samba-web/samba/gpu/reference"
	"github.com/samba-web/samba/model/grammar"
)

// Session is one conversation: a state of fixed size, and the tokens that made it.
type Session struct {
	model  *Model
	run    run
	tokens []uint32 // absorbed, in order
	broken error    // after a failed step the state is no longer known
}

// Position is the number of tokens that the state has absorbed.
func (s *Session) Position() int { return len(s.tokens) }

// StateBytes is the size of the state: the same at the first token and at the millionth.
func (s *Session) StateBytes() int64 { return s.run.stateBytes() }

// Close gives back the state's memory.
func (s *Session) Close() { s.run.close() }

// Reset forgets the conversation.
func (s *Session) Reset() error {
	s.tokens = s.tokens[:0]
	s.broken = s.run.reset()
	return s.broken
}

// check refuses ids that the embedding has no row for.
func (s *Session) check(ids []uint32) error {
	c := s.model.config
	for i, id := range ids {
		if int64(id) >= int64(c.VocabSize) {
			return fmt.Errorf("token %d of the prompt is %d, the vocabulary has %d", i, id, c.VocabSize)
		}
	}
	return s.broken
}

// Prefill absorbs tokens chunk by chunk. A cancelled context stops between two
// chunks and keeps what was absorbed.
func (s *Session) Prefill(ctx context.Context, ids []uint32, onProgress func(done, total int)) error {
	if err := s.check(ids); err != nil {
		return err
	}
	for done := 0; done < len(ids); {
		n := min(s.model.chunk, len(ids)-done)
		if err := s.run.absorb(ctx, ids[done:done+n]); err != nil {
			return s.keep(err)
		}
		s.tokens = append(s.tokens, ids[done:done+n]...)
		done += n
		if onProgress != nil {
			onProgress(done, len(ids))
		}
	}
	return nil
}

// keep remembers a failure that leaves the state unknown: any but a cancel,
// which is seen between steps only, and a lack of room, which is seen before one.
func (s *Session) keep(err error) error {
	if err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, ErrNoRoom) {
		s.broken = err
	}
	return err
}

// Logits absorbs ids, chunk tokens at once (0: as many as the model was loaded
// for), and hands their logits to emit, rows of vocab_size values in order.
func (s *Session) Logits(ctx context.Context, ids []uint32, chunk int, emit func(rows []float32) error) error {
	if err := s.check(ids); err != nil {
		return err
	}
	if chunk <= 0 || chunk > s.model.chunk {
		chunk = s.model.chunk
	}
	for len(ids) > 0 {
		n := min(chunk, len(ids))
		rows, err := s.run.absorbLogits(ctx, ids[:n])
		if err != nil {
			return s.keep(err)
		}
		s.tokens = append(s.tokens, ids[:n]...)
		ids = ids[n:]
		if err := emit(rows); err != nil {
			return err
		}
	}
	return nil
}

// scoresAhead is how many chunks' scores may be under way: a browser may take
// 100 ms to hand over what is long computed.
const scoresAhead = 4

// Score absorbs ids but the last and hands to emit, chunk by chunk, the natural
// logarithm of each token's probability after those before it: len(ids) - 1
// values, of ids[1] first.
func (s *Session) Score(ctx context.Context, ids []uint32, emit func(logprobs []float32) error) error {
	if err := s.check(ids); err != nil {
		return err
	}
	var ahead []scores
	defer func() {
		for _, late := range ahead {
			late.drop()
		}
	}()
	for len(ids) > 1 || len(ahead) > 0 {
		if len(ids) > 1 && len(ahead) < scoresAhead {
			n := min(s.model.chunk, len(ids)-1)
			some, err := s.run.absorbScores(ctx, ids[:n], ids[1:n+1])
			if err != nil {
				return s.keep(err)
			}
			ahead = append(ahead, some)
			s.tokens = append(s.tokens, ids[:n]...)
			ids = ids[n:]
			continue
		}
		first := ahead[0]
		ahead = ahead[1:]
		logprobs, err := first.wait(ctx)
		if err != nil {
			return s.keep(err)
		}
		if err := emit(logprobs); err != nil {
			return err
		}
	}
	return nil
}

// Request asks for a continuation.
type Request struct {
	Prompt    []uint32 // the whole conversation; what the state already holds is not absorbed again
	MaxTokens int      // 0: until the model ends its text
	Sampling  Sampling
	Stop      []string         // texts that end the answer and are not part of it
	Grammar   *grammar.Grammar // what the answer must be; nil: any text. See Model.Grammar

	Choices     int  // answers to give, one after another, each from a seed one higher; 0: one
	Logprobs    bool // report each token's log probability
	TopLogprobs int  // and of how many of the likeliest in its place, at most MaxTopLogprobs

	OnPrefill func(done, total int) // tokens; may be nil
	PastEnd   bool                  // go on after tokens that end the text, for measurements
}

// Chunk is a piece of an answer.
type Chunk struct {
	Text   string // whole characters
	Tokens int    // tokens sampled since the chunk before

	Choice       int            // which of the answers
	FinishReason string         // why it ended, in its last chunk
	Logprobs     []TokenLogprob // of the tokens, where they were asked for
}

// TokenLogprob is a sampled token's log probability, before all that the
// sampler does to logits, and the likeliest tokens in its place.
type TokenLogprob struct {
	reference.Logprob
	Top []reference.Logprob
}

// Why an answer ended.
const (
	FinishStop      = "stop"      // the model ended its text, or a stop string came
	FinishLength    = "length"    // MaxTokens were sampled
	FinishCancelled = "cancelled" // the context was cancelled
)

// Result is what an answer cost and why it, or the last of several, ended.
type Result struct {
	FinishReason      string  `json:"finish_reason"`
	PromptTokens      int     `json:"prompt_tokens"`
	PrefilledTokens   int     `json:"prefilled_tokens"` // of them absorbed now, not before
	CompletionTokens  int     `json:"completion_tokens"`
	PrefillSeconds    float64 `json:"prefill_seconds"`
	DecodeSeconds     float64 `json:"decode_seconds"`
	FirstTokenSeconds float64 `json:"first_token_seconds"` // from the call to the first token's arrival
}

// Generate answers a prompt, handing text to emit as it comes. A cancelled
// context ends the answer early without an error; an error of emit ends it
// with that error. Either way the state then stands after the last token that
// was handed out.
func (s *Session) Generate(ctx context.Context, r Request, emit func(Chunk) error) (result Result, err error) {
	started := time.Now()
	if s.model.tokenizer == nil {
		return result, errors.New("the model folder has no tokenizer.json, so there is no text to make")
	}
	if len(r.Prompt) == 0 {
		return result, errors.New("the prompt is empty: want at least one token")
	}
	if r.MaxTokens < 0 {
		return result, fmt.Errorf("max tokens is %d, want 0 or more", r.MaxTokens)
	}
	if err := r.Sampling.Validate(); err != nil {
		return result, err
	}
	if r.TopLogprobs < 0 || r.TopLogprobs > MaxTopLogprobs {
		return result, fmt.Errorf("top logprobs is %d, want 0 to %d", r.TopLogprobs, MaxTopLogprobs)
	}
	rest, err := s.resume(r.Prompt)
	if err != nil {
		return result, err
	}
	result.PromptTokens, result.PrefilledTokens = len(r.Prompt), len(rest)
	// Several answers start from a copy of the state just before the prompt's last token.
	several := r.Choices > 1
	last := len(rest)
	if several {
		last--
	}
	err = s.Prefill(ctx, rest[:last], r.OnPrefill)
	var start bookmark
	if err == nil && several {
		if start, err = s.run.mark(); err == nil {
			defer start.free()
			err = s.Prefill(ctx, rest[last:], nil)
		}
	}
	result.PrefillSeconds = time.Since(started).Seconds()
	if errors.Is(err, context.Canceled) {
		result.FinishReason, result.PrefilledTokens = FinishCancelled, len(rest)-(len(r.Prompt)-len(s.tokens))
		return result, nil
	}
	if err != nil {
		return result, err
	}
	decoding := time.Now()
	defer func() { result.DecodeSeconds = time.Since(decoding).Seconds() }()
	for choice := range max(r.Choices, 1) {
		if choice > 0 {
			s.tokens = s.tokens[:len(r.Prompt)-1]
			if err = s.keep(start.recall()); err == nil {
				err = s.Prefill(context.WithoutCancel(ctx), rest[last:], nil)
			}
			if err != nil {
				return result, err
			}
		}
		err = s.decode(ctx, r, choice, started, &result, emit)
		if result.FinishReason == "" {
			// The loop broke off in mid-flight. With a reason it ended in order, and err is emit's.
			err = s.keep(err)
		}
		if err != nil || result.FinishReason == FinishCancelled {
			break
		}
	}
	return result, err
}

// resume brings the state to a prefix of the prompt and returns the rest, at
// least one token: the first logits come from absorbing it.
func (s *Session) resume(prompt []uint32) ([]uint32, error) {
	n := len(s.tokens)
	fits := s.broken == nil && n < len(prompt)
	for i := 0; fits && i < n; i++ {
		fits = s.tokens[i] == prompt[i]
	}
	if !fits {
		if err := s.Reset(); err != nil {
			return nil, err
		}
		n = 0
	}
	return prompt[n:], nil
}
