package model

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/samba-web/samba/gpu/reference"
	"github.com/samba-web/samba/model/conversation"
	"github.com/samba-web/samba/model/grammar"
	"github.com/samba-web/samba/model/machine"
)

// answer is one answer under way: what of it is on its way through the machine,
// and what has come.
type answer struct {
	*Request
	session *Session
	choice  int
	started time.Time
	result  *Result
	emit    func(Chunk) error

	matcher *grammar.Matcher // nil: any text
	text    *conversation.Answer
	ahead   []underWay // in order
	sampled int
	since   []uint32 // the pending token that the last flight to land began with, and what it sampled
	full    error    // no room for another flight: the answer ends with those under way
	pace    pace
}

// underWay is a flight of steps of this many rows.
type underWay struct {
	machine.Flight
	rows, steps int
	launched    time.Time
}

// decode is the token loop: flights of steps go to the machine ahead of the
// tokens that come back, each token becomes text, and what ran ahead of the
// end is undone.
func (s *Session) decode(ctx context.Context, r *Request, choice int, started time.Time, result *Result, emit func(Chunk) error) error {
	a := &answer{Request: r, session: s, choice: choice, started: started, result: result, emit: emit}
	if err := a.begin(); err != nil {
		return err
	}
	// A cancel is looked at between tokens; the machine itself always lands its flights.
	flying := context.WithoutCancel(ctx)
	for {
		if err := a.launch(flying); err != nil {
			return err
		}
		if len(a.ahead) == 0 {
			return a.endFull()
		}
		flight, draws, err := a.land(flying)
		if err != nil {
			return err
		}
		for _, drawn := range draws {
			a.note(drawn.Token)
			piece, ended, err := a.spell(drawn.Token)
			if err != nil {
				return err
			}
			a.result.FinishReason = a.finish(ctx, ended)
			if failure := a.say(piece, drawn); a.result.FinishReason != "" {
				if err := a.stop(flying, flight); err != nil {
					return err
				}
				return failure
			}
		}
	}
}

// begin tells the machine how tokens are drawn.
func (a *answer) begin() error {
	d, err := a.drawing(a.session.model.config.VocabSize)
	if err != nil {
		return err
	}
	d.Sampling.Seed += uint64(a.choice)
	a.result.FinishReason = ""
	if a.Grammar != nil {
		a.matcher = a.Grammar.Match()
	}
	a.text = conversation.NewAnswer(a.session.model.tokenizer, a.Stop, a.session.model.shown(a.Marks))
	return a.session.run.Begin(d)
}

// launch keeps as many flights under way as the machine likes.
func (a *answer) launch(ctx context.Context) error {
	for a.full == nil && len(a.ahead) < a.session.run.Depth() && !a.doubtful() {
		f, err := a.launchOne(ctx)
		if errors.Is(err, machine.ErrNoRoom) {
			a.full = err
			return nil
		}
		if err != nil {
			return err
		}
		a.ahead = append(a.ahead, f)
	}
	return nil
}

func (a *answer) launchOne(ctx context.Context) (f underWay, err error) {
	f = underWay{rows: 1, launched: time.Now()}
	if g, ok := a.guesses(); ok {
		f.rows, f.steps = g.Rows, g.Steps
		if f.Flight, err = a.session.run.LaunchGuessed(ctx, g); !errors.Is(err, machine.ErrNoRoom) {
			return f, err
		}
		f.rows = 1
	}
	var allowed []uint32
	if a.matcher != nil {
		if allowed, err = a.matcher.Allowed(); err != nil {
			return f, err
		}
	}
	f.Flight, err = a.session.run.Launch(ctx, len(a.ahead) == 0 && a.sampled == 0, allowed)
	return f, err
}

// endFull ends an answer that found no room: the state is where the last flight left it.
func (a *answer) endFull() error {
	if a.sampled > 0 {
		if err := a.emit(Chunk{Text: a.text.Rest(a.since[len(a.since)-1], &a.session.past.Text), Choice: a.choice}); err != nil {
			return err
		}
	}
	return a.full
}

// land waits for the first flight.
func (a *answer) land(ctx context.Context) (machine.Flight, []machine.Draw, error) {
	f := a.ahead[0]
	a.ahead = a.ahead[1:]
	draws, err := f.Wait(ctx)
	if err == nil {
		err = machine.Sound(draws)
	}
	a.landed(f, len(draws))
	// It began by absorbing the token that was sampled last, if there was one.
	a.since = slices.Delete(a.since, 0, max(0, len(a.since)-1))
	return f, draws, err
}

// note counts a token, whose step has absorbed the one before it.
func (a *answer) note(token uint32) {
	if a.result.CompletionTokens == 0 {
		a.result.FirstTokenSeconds = time.Since(a.started).Seconds()
	}
	if a.sampled > 0 {
		a.session.past.Note(a.since[len(a.since)-1])
	}
	a.since = append(a.since, token)
	a.sampled++
	a.result.CompletionTokens++
	if a.session.guess != nil {
		a.session.guess.Said(token)
	}
}

// spell returns what a token lets be shown, and whether the text ends with it.
func (a *answer) spell(token uint32) (piece string, ended bool, err error) {
	s := a.session
	if s.model.stops[token] && !a.PastEnd {
		a.text.End(&s.past.Text)
		return "", true, nil
	}
	piece, ended = a.text.Add(token, &s.past.Text)
	if a.matcher != nil && !ended {
		if err := a.matcher.Take(token); err != nil {
			return "", false, err
		}
		ended = a.matcher.Finished()
	}
	return piece, ended, nil
}

// finish says why the answer ends now; "": it goes on.
func (a *answer) finish(ctx context.Context, ended bool) string {
	switch {
	case ended:
		return FinishStop
	case ctx.Err() != nil:
		return FinishCancelled
	case a.sampled == a.MaxTokens:
		return FinishLength
	}
	return ""
}

// say hands a token's text out. Where it is not taken, the answer ends.
func (a *answer) say(piece string, drawn machine.Draw) error {
	if a.result.FinishReason != "" {
		piece += a.text.Rest(drawn.Token, &a.session.past.Text)
	}
	chunk := Chunk{Text: piece, Tokens: 1, Token: drawn.Token, Choice: a.choice, FinishReason: a.result.FinishReason}
	if a.Logprobs {
		chunk.Logprobs = []TokenLogprob{{Logprob: reference.Logprob{Token: drawn.Token, Value: drawn.Logprob}, Top: drawn.Top}}
	}
	failure := a.emit(chunk)
	if failure != nil && a.result.FinishReason == "" {
		a.result.FinishReason = FinishCancelled
	}
	return failure
}

// stop undoes what ran ahead of the end. The last token is not absorbed: the next
// prompt brings it along.
func (a *answer) stop(ctx context.Context, last machine.Flight) error {
	for _, other := range a.ahead {
		if err := other.Drop(ctx); err != nil {
			return err
		}
	}
	return last.Rewind(ctx, a.since[:len(a.since)-1])
}
