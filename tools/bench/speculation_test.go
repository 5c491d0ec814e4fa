package bench

import (
	"strings"
	"testing"

	"github.com/samba-web/samba/wasm/protocol"
)

// Each task is asked without guesses and with them, and an answer that differs is a fault.
func TestSpeculate(t *testing.T) {
	asked := map[int]int{}
	answer := func(g *protocol.Generate) (string, *protocol.Done, error) {
		done := &protocol.Done{Usage: protocol.Usage{CompletionTokens: 10}, Timings: protocol.Timings{Decode: 2}}
		if g.Guesses != nil {
			asked[*g.Guesses]++
			if *g.Guesses > 0 {
				done.Timings = protocol.Timings{Decode: 1, GuessedSteps: 2, GuessedRows: 16, GuessedTokens: 9}
			}
		}
		return "the same", done, nil
	}
	report := &Speculation{Model: "m", Adapter: "a", Runs: 2, Seed: 3}
	if err := Speculate(report, 10, answer, func(int, int) {}); err != nil {
		t.Fatal(err)
	}
	tasks := len(speculatedTasks())
	if len(report.Tasks) != tasks || asked[0] != 3*tasks || asked[7] != 3*tasks {
		t.Errorf("%d tasks of %d, asked %v", len(report.Tasks), tasks, asked)
	}
	var out strings.Builder
	if err := report.Write(&out); err != nil {
		t.Fatal(err)
	}
	if want := "5.0 (5.0 to 5.0)  10.0 (10.0 to 10.0)  2.00   2                   4.50 of 8.0"; strings.Count(out.String(), want) != tasks {
		t.Errorf("want %q %d times in\n%s", want, tasks, out.String())
	}
	err := Speculate(report, 10, func(g *protocol.Generate) (string, *protocol.Done, error) {
		text := "one"
		if g.Guesses != nil && *g.Guesses > 0 {
			text = "another"
		}
		return text, &protocol.Done{}, nil
	}, func(int, int) {})
	if err == nil || !strings.Contains(err.Error(), `the answer is "another", without "one"`) {
		t.Errorf("answers that differ: %v", err)
	}
}
