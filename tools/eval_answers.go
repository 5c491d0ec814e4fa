package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/samba-web/samba/model"
	"github.com/samba-web/samba/model/sampling"
	"github.com/samba-web/samba/tools/eval"
	"github.com/samba-web/samba/wasm/protocol"
)

func newEvalAnswers() *cobra.Command {
	var f evalFlags
	var sampler samplingFlags
	var path, show string
	var seeds, most int
	cmd := &cobra.Command{
		Use:   "answers",
		Short: "Questions answered right, by kind",
		Long: `Asks the questions of a file, JSON lines of

  {"kind": "memory", "messages": ["I am called Ada.", "What is my name?"], "answer": "\\bAda\\b"}

where messages are the user's turns. The model answers each turn by its chat template; the
last answer is right if the regular expression matches somewhere in it, in whatever case.
It takes the likeliest token always; with --seeds N it samples with the model's own settings
instead, or those given, and asks each question N times.

Ctrl-C prints what there is so far.`,
		Example: "  samba eval answers --model www/models/default --questions tools/train/questions.jsonl --show wrong",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if seeds < 0 || seeds > 1000 {
				return fmt.Errorf("--seeds is %d, want 0 to 1000", seeds)
			}
			if most < 1 || most > 4096 {
				return fmt.Errorf("--max-tokens is %d, want 1 to 4096", most)
			}
			if shows := []string{"", eval.ShowWrong, eval.ShowAll}; !slices.Contains(shows, show) {
				return fmt.Errorf("--show is %q, want %s or %s", show, eval.ShowWrong, eval.ShowAll)
			}
			request := protocol.Generate{Settings: sampling.Settings{MaxTokens: &most}}
			settings := sampler.set(&request.Settings)
			if seeds == 0 {
				if len(settings) > 0 {
					return errors.New("settings of the sampler change nothing without --seeds: the likeliest token is taken")
				}
				cold, off := 0.0, 1.0
				request.Temperature, request.RepetitionPenalty = &cold, &off
			}
			example := request
			example.Prompt = "x"
			if err := validate(&example); err != nil {
				return err
			}
			if err := f.check(); err != nil {
				return err
			}
			questions, err := eval.OpenQuestions(path)
			if err != nil {
				return fmt.Errorf("--questions: %w", err)
			}
			report := &eval.Answers{Questions: filepath.Base(path), Settings: settings, Seeds: seeds, Show: show}
			return runAnswers(cmd, &f, questions, request, report)
		},
	}
	f.register(cmd)
	cmd.Flags().StringVar(&path, "questions", "", "file of questions, JSON lines")
	cmd.MarkFlagRequired("questions")
	cmd.Flags().IntVar(&seeds, "seeds", 0, "sample each answer with this many seeds; 0: take the likeliest token always")
	cmd.Flags().IntVar(&most, "max-tokens", 200, "tokens of an answer at most")
	cmd.Flags().StringVar(&show, "show", "", "print answers, too: wrong or all")
	sampler.register(cmd)
	return cmd
}

func runAnswers(cmd *cobra.Command, f *evalFlags, questions []eval.Question, request protocol.Generate, report *eval.Answers) error {
	ctx := cmd.Context()
	progress := newProgress(os.Stderr)
	defer progress.done()
	e, _, about, err := f.open(ctx, progress)
	if err != nil {
		return err
	}
	defer e.close()
	report.About = about
	started, rounds := time.Now(), max(1, report.Seeds)
	for i, q := range questions {
		for round := range rounds {
			given := eval.Answer{Kind: q.Kind, Turns: q.Turns, Pattern: q.Pattern}
			if report.Seeds > 0 {
				given.Seed = uint64(round + 1)
				request.Seed = &given.Seed
			}
			request.Messages = nil
			for _, turn := range q.Turns {
				request.Messages = append(request.Messages, protocol.ChatMessage{Role: "user", Content: turn})
				answer, done, err := answerTo(ctx, e, &request)
				if errors.Is(err, errInterrupted) {
					progress.done()
					return f.finish(cmd, report, err)
				}
				if err != nil {
					return fmt.Errorf("question %d: %w", i+1, err)
				}
				given.Answers = append(given.Answers, answer)
				given.Cut = done.FinishReason == model.FinishLength
				given.Loops = given.Loops || eval.Loops(answer)
				request.Messages = append(request.Messages, protocol.ChatMessage{Role: "assistant", Content: answer})
			}
			if given.Right, err = q.Right(given.Answers[len(given.Answers)-1]); err != nil {
				return fmt.Errorf("question %d: %w", i+1, err)
			}
			report.Add(given)
			report.Seconds = time.Since(started).Seconds()
			progress.update(&protocol.Progress{Phase: "answers", Loaded: int64(len(report.Given)), Total: int64(len(questions) * rounds)})
		}
	}
	progress.done()
	report.Complete = true
	return f.finish(cmd, report, nil)
}
