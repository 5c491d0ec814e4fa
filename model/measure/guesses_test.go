package measure

import (
	"context"
	"strings"
	"testing"

	"github.com/samba-web/samba/model"
	"github.com/samba-web/samba/model/randomweights"
)

// The answer that the sampler's noise makes is the prompt's copy, but for few tokens: else nothing would be guessed rightly.
func TestBenchGuesses(t *testing.T) {
	src, err := randomweights.Open("random:tiny?bits=4&seed=1")
	if err != nil {
		t.Fatal(err)
	}
	m, err := model.Load(context.Background(), src, model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	s := newSession(t, m)
	report, err := Bench(context.Background(), s, BenchOptions{Prompt: 30, Generate: 16, Runs: 1, Seed: 4, Guesses: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Guesses) != len(copies) {
		t.Fatalf("%d tasks, want %d", len(report.Guesses), len(copies))
	}
	for i, task := range report.Guesses {
		if len(task.Plain) != 1 || len(task.Guess) != 1 || task.Tokens != 16 {
			t.Errorf("%+v", task)
		}
		if d := task.Done; i == 0 && d.Steps > 3 && d.Tokens < d.Steps*3/2 {
			t.Errorf("of a copy %d steps brought %d tokens", d.Steps, d.Tokens)
		}
	}
	if _, err := Bench(context.Background(), s, BenchOptions{Prompt: 20, Generate: 16, Runs: 1, Guesses: true}); err == nil || !strings.Contains(err.Error(), "want 24 at least") {
		t.Errorf("a prompt that is too short: %v", err)
	}
}
