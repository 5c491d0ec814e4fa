package measure

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/samba-web/samba/model"
	"github.com/samba-web/samba/model/sampling"
)

// GuessTask is what guesses bring where a prompt has so much of the answer in it. Rates are tokens a second of
// whole answers, run by run, without guesses and with them.
type GuessTask struct {
	Task   string        `json:"task"`
	Plain  []float64     `json:"plain"`
	Guess  []float64     `json:"guess"`
	Tokens int           `json:"tokens"` // of an answer
	Done   model.Guessed `json:"done"`   // in the last run
}

// Random weights say nothing that a prompt could hold. But at the highest temperature what is drawn is the sampler's
// noise, a function of seed and position, whatever the weights: so the answer is known beforehand, nearly. A prompt of
// the same length that has it inside, with every n-th token another one, is a text to be copied or edited; the guesses of
// one that has nothing of it are right never.
var copies = []struct {
	task  string
	every int // token of the copy that is another; 0: none; 1: all
}{{"copied", 0}, {"every 32nd token edited", 32}, {"every 8th edited", 8}, {"every 4th edited", 4}, {"nothing of it in the prompt", 1}}

// benchGuesses measures each task, in turns without guesses and with them. The session is reset.
func benchGuesses(ctx context.Context, s *model.Session, o BenchOptions, report func(done int)) (tasks []GuessTask, err error) {
	if o.Prompt < o.Generate+8 {
		return nil, fmt.Errorf("a prompt of %d tokens has no room for an answer of %d: want %d at least", o.Prompt, o.Generate, o.Generate+8)
	}
	vocab := uint32(s.Model().Config().VocabSize)
	hot := model.Sampling{Temperature: sampling.Named("temperature").High, Seed: o.Seed}
	say := func(ids []uint32, guesses int) (answer []uint32, result model.Result, err error) {
		if err := s.Reset(); err != nil {
			return nil, result, err
		}
		r := model.Request{Prompt: ids, MaxTokens: o.Generate, PastEnd: true, Sampling: hot}
		r.Sampling.Guesses = guesses
		result, err = s.Generate(ctx, r, func(c model.Chunk) error { answer = append(answer, c.Token); return nil })
		if err == nil && result.FinishReason == model.FinishCancelled {
			err = context.Canceled
		}
		return answer, result, err
	}
	for i, c := range copies {
		// Other seeds, lest a task's answer is known from the one before.
		hot.Seed = o.Seed + uint64(i)
		random := rand.New(rand.NewPCG(hot.Seed, 0))
		ids := make([]uint32, o.Prompt)
		for i := range ids {
			ids[i] = random.Uint32N(vocab)
		}
		task := GuessTask{Task: c.task, Tokens: o.Generate}
		// The text in the prompt changes the answer a little: the second one stands in the prompt that is measured.
		for range 2 {
			answer, _, err := say(ids, 0)
			if err != nil {
				return tasks, err
			}
			if c.every == 1 {
				break
			}
			at := len(ids) - len(answer) - 4 // some tokens before the end
			copy(ids[at:], answer)
			for i := c.every; c.every > 0 && i <= len(answer); i += c.every {
				ids[at+i-1] = random.Uint32N(vocab)
			}
			// An answer is told by what stands before it: the prompt's end is what stands before the copy.
			copy(ids[len(ids)-4:], ids[at-4:at])
		}
		for run := range o.Runs + 1 {
			plain, single, err := say(ids, 0)
			if err != nil {
				return tasks, err
			}
			guessed, several, err := say(ids, sampling.MostGuesses)
			if err != nil {
				return tasks, err
			}
			if !slices.Equal(plain, guessed) {
				return tasks, fmt.Errorf("%s: with guesses the answer is another than without: that is a fault of this engine, please report it", c.task)
			}
			if run > 0 {
				task.Plain = append(task.Plain, float64(len(plain))/single.DecodeSeconds)
				task.Guess = append(task.Guess, float64(len(guessed))/several.DecodeSeconds)
				task.Done = several.Guessed
			}
		}
		tasks = append(tasks, task)
		report(i + 1)
	}
	return tasks, s.Reset()
}
