package model

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/samba-web/samba/gpu/reference"
	"github.com/samba-web/samba/model/conversation"
	"github.com/samba-web/samba/model/grammar"
	"github.com/samba-web/samba/model/guess"
	"github.com/samba-web/samba/model/machine"
	"github.com/samba-web/samba/model/schedule"
	"github.com/samba-web/samba/model/tokenizer"
)

// Session is one conversation: a state of fixed size, and what is known of the
// tokens that made it, which does not grow either.
type Session struct {
	model  *Model
	run    machine.Run
	pooled *schedule.PooledRun // run, where it is a pool's
	past   conversation.Past
	guess  *guess.Text // nil: nothing is guessed
	broken error       // after a failed step the state is no longer known
}

// Position is the number of tokens that the state has absorbed.
func (s *Session) Position() int { return s.past.Position }

// StateBytes is the size of the state: the same at the first token and at the millionth.
func (s *Session) StateBytes() int64 { return s.run.StateBytes() }

// Settle waits until the machine has done all that it was given: for measurements.
func (s *Session) Settle(ctx context.Context) error { return s.run.Settle(ctx) }

// Profiler times the session's kernels; nil where there are none. Reset is next.
func (s *Session) Profiler() machine.Profiler { return s.run.Profiler() }

// EveryLayer lets prompts pass every layer with every token, or no longer: for measurements
// of what is saved otherwise.
func (s *Session) EveryLayer(on bool) { s.run.EveryLayer(on) }

// Model is the one that the session is of.
func (s *Session) Model() *Model { return s.model }

// Close gives back the state's memory.
func (s *Session) Close() { s.run.Close() }

// Reset forgets the conversation.
func (s *Session) Reset() error {
	s.past = conversation.Past{}
	if s.guess != nil {
		s.guess = guess.NewText()
	}
	s.broken = s.run.Reset()
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
	if n := s.past.Position + len(ids); n > machine.MaxPosition {
		return fmt.Errorf("%d tokens, but positions end at %d: start a new conversation", n, machine.MaxPosition)
	}
	return s.broken
}

// Prefill absorbs tokens chunk by chunk. A cancelled context stops between two
// chunks and keeps what was absorbed.
func (s *Session) Prefill(ctx context.Context, ids []uint32, onProgress func(done, total int)) error {
	if err := s.check(ids); err != nil {
		return err
	}
	s.past.Text = conversation.Text{}
	for done := 0; done < len(ids); {
		n := min(s.model.chunk, len(ids)-done)
		if err := s.run.Absorb(ctx, ids[done:done+n]); err != nil {
			return s.keep(err)
		}
		s.past.Note(ids[done : done+n]...)
		if s.guess != nil {
			s.guess.Read(ids[done : done+n]...)
		}
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
	if err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, machine.ErrNoRoom) {
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
	s.past.Text = conversation.Text{}
	if chunk <= 0 || chunk > s.model.chunk {
		chunk = s.model.chunk
	}
	for len(ids) > 0 {
		n := min(chunk, len(ids))
		rows, err := s.run.AbsorbLogits(ctx, ids[:n])
		if err == nil {
			err = numbers(rows)
		}
		if err != nil {
			return s.keep(err)
		}
		s.past.Note(ids[:n]...)
		ids = ids[n:]
		if err := emit(rows); err != nil {
			return err
		}
	}
	return nil
}

// numbers is machine.ErrNoNumbers where a value is NaN or infinite.
func numbers(values []float32) error {
	if slices.ContainsFunc(values, func(v float32) bool { return v-v != 0 }) {
		return machine.ErrNoNumbers
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
	s.past.Text = conversation.Text{}
	var ahead []machine.Scores
	defer func() {
		for _, late := range ahead {
			late.Drop()
		}
	}()
	for len(ids) > 1 || len(ahead) > 0 {
		if len(ids) > 1 && len(ahead) < scoresAhead {
			n := min(s.model.chunk, len(ids)-1)
			some, err := s.run.AbsorbScores(ctx, ids[:n], ids[1:n+1])
			if err != nil {
				return s.keep(err)
			}
			ahead = append(ahead, some)
			s.past.Note(ids[:n]...)
			ids = ids[n:]
			continue
		}
		first := ahead[0]
		ahead = ahead[1:]
		logprobs, err := first.Wait(ctx)
		if err == nil {
			err = numbers(logprobs)
		}
		if err != nil {
			return s.keep(err)
		}
		if err := emit(logprobs); err != nil {
			return err
		}
	}
	return nil
}

// ErrNoTokens is what a prompt without any is refused with.
var ErrNoTokens = errors.New("the prompt is empty: want at least one token")

// Request asks for a continuation.
type Request struct {
	Text      tokenizer.Prompt // the whole conversation, rendered; what the state already holds is not absorbed again
	Begin     bool             // the tokenizer's own first tokens stand before Text, which no template wrote
	Append    bool             // Text is not all of it, but comes after what the state holds
	Prompt    []uint32         // or its tokens, in the place of Text
	MaxTokens int              // 0: until the model ends its text
	Sampling  Sampling
	Stop      []string         // texts that end the answer and are not part of it
	Grammar   *grammar.Grammar // what the answer must be; nil: any text. See Model.Grammar
	Marks     bool             // show the marks of the model's Dialect, which may be control tokens

	Choices     int  // answers to give, one after another, each from a seed one higher; 0: one
	Logprobs    bool // report each token's log probability
	TopLogprobs int  // and of how many of the likeliest in its place, at most MaxTopLogprobs

	OnPrefill func(done, total int) // tokens; may be nil
	PastEnd   bool                  // go on after tokens that end the text, for measurements
}

// Chunk is a piece of an answer.
type Chunk struct {
	Text   string // whole characters
	Tokens int    // tokens sampled since the chunk before: one, or none where only text is left
	Token  uint32 // that token

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

// Guessed is what steps with guesses have done.
type Guessed struct {
	Steps  int `json:"steps"`
	Rows   int `json:"rows"`   // tokens that they absorbed, right or wrong
	Tokens int `json:"tokens"` // that they brought: one a step, and one for each right guess
}

// Result is what an answer cost and why it, or the last of several, ended.
type Result struct {
	FinishReason      string  `json:"finish_reason"`
	PromptTokens      int     `json:"prompt_tokens"`
	PrefilledTokens   int     `json:"prefilled_tokens"` // of them absorbed now, not before
	TextBytes         int     `json:"text_bytes"`       // of Read's text that the state holds
	CompletionTokens  int     `json:"completion_tokens"`
	PrefillSeconds    float64 `json:"prefill_seconds"`
	DecodeSeconds     float64 `json:"decode_seconds"`
	FirstTokenSeconds float64 `json:"first_token_seconds"` // from the call to the first token's arrival
	Guessed           Guessed `json:"guessed"`
}

// Generate answers a prompt, handing text to emit as it comes. A cancelled
// context ends the answer early without an error; an error of emit ends it
// with that error. Either way the state then stands after the last token that
// was handed out.
func (s *Session) Generate(ctx context.Context, r Request, emit func(Chunk) error) (result Result, err error) {
	started := time.Now()
	if err := s.validate(&r); err != nil {
		return result, err
	}
	rest, err := s.unread(&r)
	if err != nil {
		return result, err
	}
	result.PromptTokens = s.past.Position + len(rest.ids) - rest.skip
	start, err := s.prefill(ctx, &r, &rest, &result)
	if start != nil {
		defer start.bookmark.Free()
	}
	result.PrefillSeconds = time.Since(started).Seconds()
	if err != nil || result.FinishReason != "" {
		return result, err
	}
	defer s.model.company.Enter()()
	decoding := time.Now()
	defer func() { result.DecodeSeconds = time.Since(decoding).Seconds() }()
	for choice := range max(r.Choices, 1) {
		if choice > 0 {
			if err = s.again(ctx, start, &rest); err != nil {
				return result, err
			}
		}
		err = s.decode(ctx, &r, choice, started, &result, emit)
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

// validate refuses what makes no sense.
func (s *Session) validate(r *Request) error {
	if s.model.tokenizer == nil {
		return errNoTokenizer
	}
	if r.MaxTokens < 0 {
		return fmt.Errorf("max tokens is %d, want 0 or more", r.MaxTokens)
	}
	if err := r.Sampling.Validate(); err != nil {
		return err
	}
	if r.TopLogprobs < 0 || r.TopLogprobs > MaxTopLogprobs {
		return fmt.Errorf("top logprobs is %d, want 0 to %d", r.TopLogprobs, MaxTopLogprobs)
	}
	return nil
}

// unread is what of a prompt the state does not hold: one token at least, of
// which the first logits come.
func (s *Session) unread(r *Request) (rest reading, err error) {
	if r.Append {
		rest = s.append(r.Text)
	} else if rest, err = s.resume(r.Text, r.Begin, r.Prompt); err != nil {
		return rest, err
	}
	if len(rest.ids) == rest.skip && !r.Append {
		if err := s.Reset(); err != nil {
			return rest, err
		}
		rest.at, rest.ids, rest.skip = 0, s.model.tokenizer.EncodePrompt(r.Text, r.Begin), 0
	}
	if len(rest.ids) == 0 {
		return rest, ErrNoTokens
	}
	return rest, nil
}

// fork is where several answers start: a copy of the state just before the
// prompt's last token.
type fork struct {
	bookmark machine.Bookmark
	past     conversation.Past
}

// prefill reads the prompt. Where there will be several answers, start is not nil.
func (s *Session) prefill(ctx context.Context, r *Request, rest *reading, result *Result) (start *fork, err error) {
	if r.Choices <= 1 {
		return nil, s.read(ctx, rest, len(rest.ids), r.OnPrefill, result)
	}
	if err := s.read(ctx, rest, len(rest.ids)-1, r.OnPrefill, result); err != nil || result.FinishReason != "" {
		return nil, err
	}
	mark, err := s.run.Mark()
	if err != nil {
		return nil, err
	}
	return &fork{mark, s.past.Clone()}, s.read(ctx, rest, len(rest.ids), nil, result)
}

// again goes back to where another answer starts.
func (s *Session) again(ctx context.Context, start *fork, rest *reading) error {
	s.past = start.past.Clone()
	if err := s.keep(start.bookmark.Recall()); err != nil {
		return err
	}
	rest.skip = len(rest.ids) - 1
	return s.read(context.WithoutCancel(ctx), rest, len(rest.ids), nil, new(Result))
}

// Read absorbs a text without answering it, all but its last token: the first
// logits come from that. A cancelled context ends it early without an error;
// what was read is kept, and the result's TextBytes says how much that is.
func (s *Session) Read(ctx context.Context, text tokenizer.Prompt, begin bool, onProgress func(done, total int)) (result Result, err error) {
	started := time.Now()
	if s.model.tokenizer == nil {
		return result, errNoTokenizer
	}
	rest, err := s.resume(text, begin, nil)
	if err != nil {
		return result, err
	}
	result.PromptTokens = s.past.Position + len(rest.ids) - rest.skip
	result.TextBytes = len(text)
	if len(rest.ids) > rest.skip {
		err = s.read(ctx, &rest, len(rest.ids)-1, onProgress, &result)
		token := rest.ids[len(rest.ids)-1]
		if last := s.model.tokenizer.Spell(token); err == nil && result.FinishReason == "" && last != "" && strings.HasSuffix(string(text), string(last)) {
			s.past.Text = conversation.Held(text, begin, token, last)
		}
	}
	result.PrefillSeconds = time.Since(started).Seconds()
	return result, err
}

// reading is a prompt on its way into the state.
type reading struct {
	text  tokenizer.Prompt
	begin bool
	at    int      // the byte of text from which on ids stand for it
	ids   []uint32 // the first skip of them are absorbed
	skip  int
	more  *conversation.Text // what the state's text is afterwards, where text is not all of it
}

// append reads a text after what the state holds.
func (s *Session) append(text tokenizer.Prompt) reading {
	more := s.past.Text.Clone()
	ids := s.model.tokenizer.EncodeMore(text)
	if more.Last != "" {
		ids = append([]uint32{more.Pending}, ids...)
	}
	if more.Known {
		more.Settle()
		more.Last = text
		more.Settle()
	}
	return reading{ids: ids, more: &more}
}

// resume brings the state to a prefix of the prompt, a text or ids, and returns
// the rest.
func (s *Session) resume(text tokenizer.Prompt, begin bool, ids []uint32) (reading, error) {
	t := s.model.tokenizer
	if text != "" && s.broken == nil {
		if pending, more, ok := s.past.Text.After(text, begin); ok {
			at := len(text) - len(more)
			if pending != nil {
				at -= len(s.past.Text.Last)
			}
			return reading{text: text, begin: begin, at: at, ids: append(pending, t.EncodeMore(more)...)}, nil
		}
	}
	if text != "" {
		ids = t.EncodePrompt(text, begin)
	}
	if len(ids) == 0 {
		return reading{}, ErrNoTokens
	}
	r := reading{text: text, begin: begin, ids: ids, skip: s.past.Position}
	if s.broken != nil || r.skip == len(ids) || !s.past.Begins(ids) {
		r.skip = 0
		return r, s.Reset()
	}
	return r, nil
}

// read absorbs a prompt up to its token `to`. A cancel is told by the result.
func (s *Session) read(ctx context.Context, r *reading, to int, onProgress func(done, total int), result *Result) error {
	from, known := s.past.Position, s.past.Text
	err := s.Prefill(ctx, r.ids[r.skip:to], onProgress)
	r.skip += s.past.Position - from
	result.PrefilledTokens += s.past.Position - from
	switch {
	case err == nil && to == len(r.ids) && r.more != nil:
		s.past.Text = r.more.Clone()
	case err == nil && to == len(r.ids) && r.text != "":
		s.past.Text = conversation.Prompted(r.text, r.begin)
	case errors.Is(err, context.Canceled):
		result.FinishReason = FinishCancelled
		if s.past.Position == from {
			s.past.Text = known
		}
		return s.stopAt(r, result)
	}
	return err
}

// stopAt finds out how far in the text a cancelled reading has come. A
// character is absorbed whole.
func (s *Session) stopAt(r *reading, result *Result) error {
	result.TextBytes = 0
	if r.text == "" || r.skip == 0 {
		result.TextBytes = r.at
		return nil
	}
	at, ok := conversation.Reach(s.model.tokenizer, r.text, r.at, r.ids[:r.skip])
	for ; ok && conversation.Mid(r.text, at); at, ok = conversation.Reach(s.model.tokenizer, r.text, at, r.ids[r.skip-1:r.skip]) {
		if err := s.Prefill(context.Background(), r.ids[r.skip:r.skip+1], nil); err != nil {
			return err
		}
		r.skip++
		result.PrefilledTokens++
	}
	result.TextBytes = at
	if ok {
		s.past.Text = conversation.Prompted(r.text[:at], r.begin)
	}
	return nil
}
