package model

import (
	"math"
	"time"

	"github.com/samba-web/samba/model/machine"
)

// guessAhead is how many tokens are guessed at once: flights that are under way take the first of them.
const guessAhead = 64

// pace is how an answer's flights have fared.
type pace struct {
	last   time.Time // a flight landed
	runs   int       // steps that the next flight of guesses may have
	chance float64   // that the last such flight brings all that it can
}

// guesses are those for the next flight, if it is to have any.
func (a *answer) guesses() (g machine.Guesses, ok bool) {
	s, pay := a.session, &a.session.model.pay
	if a.sampled == 0 || s.guess == nil || a.Sampling.Guesses == 0 {
		return g, false
	}
	g.Tokens = s.guess.Next(guessAhead)
	if g.Tokens == nil {
		return g, false
	}
	g.At = s.past.Position + 1
	limit, runs, right := a.Sampling.Guesses, max(a.pace.runs, 1), s.guess.Right()
	if g.Rows, g.Steps = pay.Choose(right, limit, runs); g.Rows == 1 {
		return g, false
	}
	for g.Steps > 1 && g.Rows*g.Steps*machine.FlightsAhead > machine.RunAhead(s.model.chunk) {
		g.Steps /= 2
	}
	if limit = min(limit, s.run.MostGuesses()); limit == 0 {
		return g, false
	}
	if a.matcher != nil {
		g.Steps = 1
		g.Allowed = a.allowedAfter(g.Tokens[:limit])
		limit = len(g.Allowed) - 1
	}
	for g.Rows > limit+1 {
		g.Rows /= 2
	}
	a.pace.chance = math.Pow(right, float64((g.Rows-1)*g.Steps))
	return g, g.Rows > 1
}

// allowedAfter has the tokens that a grammar allows now, and after each of the guesses before the first that it forbids.
func (a *answer) allowedAfter(guesses []uint32) (allowed [][]uint32) {
	m := *a.matcher
	for i := 0; ; i++ {
		set, err := m.Allowed()
		if err != nil {
			return allowed
		}
		allowed = append(allowed, set)
		if i == len(guesses) {
			return allowed
		}
		id := guesses[i]
		if set[id/32]>>(id%32)&1 == 0 || a.session.model.stops[id] || m.Take(id) != nil || m.Finished() {
			return allowed
		}
	}
}

// doubtful tells whether what flies would have to fare better than is likely for another flight to be of use.
func (a *answer) doubtful() bool {
	n := len(a.ahead)
	return n > 0 && a.ahead[n-1].rows > 1 && a.pace.chance < 0.5
}

// landed keeps account of a flight that brought this many tokens.
func (a *answer) landed(f underWay, tokens int) {
	now, from := time.Now(), f.launched
	if a.pace.last.After(from) {
		from = a.pace.last
	}
	took, pay := now.Sub(from), &a.session.model.pay
	a.pace.last = now
	switch {
	case tokens == 0 || a.sampled == 0: // the first flight waits for the prompt
	case a.session.guess == nil || a.session.model.company.Several(): // or for other answers
	case f.rows == 1:
		pay.Single(took, tokens)
		a.pace.runs = 1
	default:
		pay.Guessed(took, f.rows, f.steps, tokens)
		done := &a.result.Guessed
		done.Steps, done.Rows, done.Tokens = done.Steps+f.steps, done.Rows+f.steps*f.rows, done.Tokens+tokens
		if a.pace.runs = 2 * f.steps; tokens < f.steps*f.rows {
			a.pace.runs = 1
		}
	}
}
