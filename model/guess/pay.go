package guess

import (
	"sync"
	"time"
)

// Pay keeps account of what steps take and bring, and says whether to guess pays. What is lost by
// guessing in vain stays below a share of all the time that was spent. Answers at once share it.
type Pay struct {
	mu      sync.Mutex
	single  float64           // seconds of a step of one token; 0: not known yet
	steps   [most + 1]float64 // by rows: seconds of such a step; 0: not known yet
	seen    [most + 1]bool    // by rows: its first flight, which may wait for kernels to compile, is not counted
	balance float64           // seconds gained, less those lost

	Always bool // guess whatever it costs: for tests and measurements
	Never  bool // there is no use in finding out what it costs
}

const (
	most    = 8 // rows
	maxRuns = 4 // steps of a flight

	allowance = 0.01 // of the time spent may be lost
	start     = 4    // single steps' time that may be lost, before any was gained
	kept      = 0.5  // seconds of gain that later losses may eat at most
	slow      = 0.02 // seconds of steps from which on a flight has no more of them
	weight    = 0.04 // of a new figure, for each token that it is of
	least     = 1.03 // times single steps' rate: what guesses have to promise
)

// mix blends a measurement over a number of tokens into a figure: the more there are the more it says, since flights that begin to
// run ahead, of one or two steps, wait for the host. What is far above it is no measurement: the machine was busy elsewhere.
func mix(figure *float64, v float64, tokens int) {
	if *figure == 0 {
		*figure = v
		return
	}
	*figure += min(weight*float64(tokens), 0.5) * (min(v, 4**figure) - *figure)
}

// Single takes the time of a flight of single steps.
func (p *Pay) Single(took time.Duration, steps int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.single == 0 {
		p.balance = start * took.Seconds() / float64(steps)
	}
	mix(&p.single, took.Seconds()/float64(steps), steps)
	p.earn(allowance * p.single * float64(steps))
}

func (p *Pay) earn(seconds float64) { p.balance = min(p.balance+seconds, kept) }

// Guessed takes the time of a flight of steps of this many rows, and the tokens that it brought.
func (p *Pay) Guessed(took time.Duration, rows, steps, tokens int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.seen[rows] {
		p.seen[rows] = true
		return
	}
	mix(&p.steps[rows], took.Seconds()/float64(steps), 4*steps) // they are few: each says as much as four single ones
	p.earn(float64(tokens)*p.single - (1-allowance)*took.Seconds())
}

// Choose says how many rows a step should have, 1 for no guesses, and how many steps a flight. Of guesses this share is
// right; a step has limit of them at most. runs is how many steps of the last flights brought all that they could.
func (p *Pay) Choose(right float64, limit, runs int) (rows, steps int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.Always {
		for rows = 1; 2*rows <= min(most, limit+1); {
			rows *= 2
		}
		return rows, min(runs, maxRuns)
	}
	if p.single == 0 || p.Never {
		return 1, 1
	}
	best, rows := least/p.single, 1
	for n := 2; n <= min(most, limit+1); n *= 2 {
		takes := p.takes(n)
		if rate := brings(right, n) / takes; rate > best && p.balance >= takes-p.single {
			best, rows = rate, n
		}
	}
	steps = 1
	for rows > 1 && 2*steps <= min(runs, maxRuns) && 2*float64(steps)*p.takes(rows) < slow {
		steps *= 2
	}
	return rows, steps
}

// brings is how many tokens a step of this many rows is expected to bring.
func brings(right float64, rows int) float64 {
	sum, chance := 0.0, 1.0
	for range rows {
		sum += chance
		chance *= right
	}
	return sum
}

// takes is how long a step of this many rows takes, or may take: as fewer rows let expect, else a little more than a single one.
func (p *Pay) takes(rows int) float64 {
	if p.steps[rows] > 0 {
		return p.steps[rows]
	}
	for n := rows / 2; n > 1; n /= 2 {
		if p.steps[n] > 0 {
			return p.single + max(p.steps[n]-p.single, 0)/float64(n-1)*float64(rows-1)
		}
	}
	return p.single * (1 + 0.1*float64(rows-1))
}
