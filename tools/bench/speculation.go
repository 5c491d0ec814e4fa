package bench

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/samba-web/samba/model"
	"github.com/samba-web/samba/model/measure"
	"github.com/samba-web/samba/model/sampling"
	"github.com/samba-web/samba/wasm/protocol"
)

// Speculation is one run of samba bench speculate.
type Speculation struct {
	Commit   string              `json:"commit"`
	Date     string              `json:"date"`
	Model    string              `json:"model"`
	Backend  string              `json:"backend"`
	Browser  string              `json:"browser,omitempty"`
	Adapter  string              `json:"adapter"`
	Features []string            `json:"features"`
	Seed     uint64              `json:"seed"`
	Runs     int                 `json:"runs"`
	Tasks    []measure.GuessTask `json:"tasks"`
}

// Write prints the report for people.
func (r *Speculation) Write(out io.Writer) error {
	fmt.Fprintf(out, "%s, %s, %s %s, %s, commit %s\n\n", r.Model, r.Adapter, r.Backend, r.Browser, r.Date, r.Commit)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "task\ttokens\twithout, tok/s\twith, tok/s\ttimes\tsteps with guesses\ttokens of such a step")
	for _, t := range r.Tasks {
		plain, guess := spread(t.Plain), spread(t.Guess)
		brought := "-"
		if t.Done.Steps > 0 {
			brought = fmt.Sprintf("%.2f of %.1f", float64(t.Done.Tokens)/float64(t.Done.Steps), float64(t.Done.Rows)/float64(t.Done.Steps))
		}
		fmt.Fprintf(w, "%s\t%d\t%.1f (%.1f to %.1f)\t%.1f (%.1f to %.1f)\t%.2f\t%d\t%s\n", t.Task, t.Tokens,
			plain.Median, plain.Min, plain.Max, guess.Median, guess.Min, guess.Max, guess.Median/plain.Median, t.Done.Steps, brought)
	}
	return w.Flush()
}

// speculated is a task for a model of text: what it is asked, as a conversation or as a text to be continued.
type speculated struct {
	name, ask, text string
	lively          bool // with the model's own settings, not the likeliest token always
}

// Speculate asks each task without guesses and with them, in turns, and adds what came of it to the report.
func Speculate(r *Speculation, most int, answer func(*protocol.Generate) (string, *protocol.Done, error), onProgress func(done, total int)) error {
	tasks := speculatedTasks()
	for i, task := range tasks {
		t := measure.GuessTask{Task: task.name}
		for run := range r.Runs + 1 {
			plain, single, err := ask(task, r.Seed, most, 0, answer)
			if err != nil {
				return err
			}
			guessed, several, err := ask(task, r.Seed, most, sampling.MostGuesses, answer)
			if err != nil {
				return err
			}
			if plain != guessed {
				return fmt.Errorf("%s: with guesses the answer is %q, without %q: that is a fault of this engine, please report it", task.name, guessed, plain)
			}
			if run == 0 {
				continue
			}
			t.Tokens = single.Usage.CompletionTokens
			t.Plain = append(t.Plain, float64(t.Tokens)/single.Timings.Decode)
			t.Guess = append(t.Guess, float64(t.Tokens)/several.Timings.Decode)
			t.Done = model.Guessed{Steps: several.Timings.GuessedSteps, Rows: several.Timings.GuessedRows, Tokens: several.Timings.GuessedTokens}
		}
		r.Tasks = append(r.Tasks, t)
		onProgress(i+1, len(tasks))
	}
	return nil
}

// ask has a task answered from an empty state: a word asked before has the one before forgotten.
func ask(task speculated, seed uint64, most, guesses int, answer func(*protocol.Generate) (string, *protocol.Done, error)) (string, *protocol.Done, error) {
	one := 1
	if _, _, err := answer(&protocol.Generate{Prompt: "Now something else.", Settings: sampling.Settings{MaxTokens: &one}}); err != nil {
		return "", nil, err
	}
	g := &protocol.Generate{Prompt: task.text, Settings: sampling.Settings{MaxTokens: &most, Seed: &seed, Guesses: &guesses}}
	if task.ask != "" {
		g.Messages = []protocol.ChatMessage{{Role: "user", Content: task.ask}}
	}
	if !task.lively {
		cold, off := 0.0, 1.0
		g.Temperature, g.RepetitionPenalty = &cold, &off
	}
	return answer(g)
}

const letter = `Dear Mrs Hall, thank you for your letter of the third of May. The garden behind the old mill will be open again from the first of June. Visitors may come on every day but Monday, from nine in the morning until six in the evening. There is a small shop beside the gate, where seeds, plants and honey are sold. Dogs are welcome as long as they stay on the path. The mill itself is closed this summer, since its roof is being mended. We hope to see you and your class before the holidays begin.`

// speculatedTasks are of kinds that repeat their prompt, and of others. A small model follows a text that has begun better than an
// order, so that a few are texts to be continued.
func speculatedTasks() []speculated {
	people := []string{"Ada Long, 41, baker, Leeds", "Ben Hart, 29, nurse, York", "Cora Mills, 35, pilot, Hull", "Dan Price, 52, farmer, Bath", "Eva Stone, 47, judge, Dover", "Finn Ward, 33, cook, Derby"}
	var rows, code strings.Builder
	for _, p := range people {
		f := strings.Split(p, ", ")
		fmt.Fprintf(&rows, "name: %s; age: %s; work: %s; town: %s\n", f[0], f[1], f[2], f[3])
	}
	for _, name := range []string{"width", "height", "depth", "weight"} {
		fmt.Fprintf(&code, "  if (options.%[1]s !== undefined) {\n    this.%[1]s = check(options.%[1]s, \"%[1]s\");\n  }\n", name)
	}
	return []speculated{
		{name: "rewriting: a letter once more", text: "The letter:\n\n" + letter + "\n\nThe same letter, copied word by word:\n\nDear Mrs Hall, thank you for your"},
		{name: "rewriting: one name changed", text: "The letter:\n\n" + letter + "\n\nThe same letter to Mr Reed:\n\nDear Mr Reed, thank you for your"},
		{name: "extracting: fields of a list", text: "The list:\n\n" + strings.Join(people, "\n") + "\n\nThe list by fields:\n\n" + rows.String() + "\nOnce more the list by fields:\n\nname: Ada Long; age"},
		{name: "code: blocks alike", text: "function Box(options) {\n" + code.String() + "  if (options.length !== undefined) {\n    this."},
		{name: "an everyday question", ask: "How do I make tea?"},
		{name: "a story", ask: "Tell me a short story about a fox and a well."},
		{name: "a story, sampled", ask: "Tell me a short story about a lighthouse.", lively: true},
		{name: "advice, sampled", ask: "What should I pack for a week by the sea?", lively: true},
	}
}
