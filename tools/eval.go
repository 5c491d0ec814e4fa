package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/samba-web/samba/model"
	"github.com/samba-web/samba/model/folder"
	"github.com/samba-web/samba/model/sampling"
	"github.com/samba-web/samba/tools/eval"
	"github.com/samba-web/samba/wasm/protocol"
)

func newEval() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "eval",
		Short: "Measure a model: questions answered right; perplexity and recall on long texts",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newEvalAnswers(), newEvalPerplexity(), newEvalPasskey())
	return cmd
}

// evalFlags are what every evaluation is asked for.
type evalFlags struct {
	engineFlags
	reportFlags
}

func (f *evalFlags) register(cmd *cobra.Command) {
	f.engineFlags.register(cmd)
	f.reportFlags.register(cmd)
	cmd.MarkFlagRequired("model")
}

// check refuses what cannot work before anything is started.
func (f *evalFlags) check() error {
	if err := f.reportFlags.check(); err != nil {
		return err
	}
	return f.engineFlags.check()
}

// lengthFlags are what evaluations by length of context are asked for.
type lengthFlags struct {
	evalFlags
	lengths string
}

func (f *lengthFlags) register(cmd *cobra.Command, lengths string) {
	f.evalFlags.register(cmd)
	cmd.Flags().StringVar(&f.lengths, "lengths", lengths, "tokens of context, separated by commas; dots go on by the factor before them")
}

// check refuses what cannot work before anything is started.
func (f *lengthFlags) check() ([]int, error) {
	lengths, err := eval.ParseLengths("lengths", f.lengths)
	if err != nil {
		return nil, err
	}
	return lengths, f.evalFlags.check()
}

// open starts the engine and says what it is.
func (f *evalFlags) open(ctx context.Context, progress *progress) (*engine, *protocol.Ready, eval.About, error) {
	e, ready, err := f.engineFlags.open(ctx, progress)
	if err != nil {
		return nil, nil, eval.About{}, err
	}
	about := eval.About{
		Commit: version(), Date: time.Now().UTC().Format("2006-01-02"), Model: ready.Model, Bits: ready.Bits,
		Backend: f.backend, Adapter: ready.Adapter,
	}
	if e.agent != "" {
		about.Browser = browserName(e.agent)
	}
	return e, ready, about, nil
}

func newEvalPerplexity() *cobra.Command {
	var f lengthFlags
	var text, most string
	cmd := &cobra.Command{
		Use:   "ppl",
		Short: "Perplexity of a text by length of context",
		Long: `Cuts a text into sequences of each length, reads every sequence from an empty state and
prints the mean over all tokens but each sequence's first: the same text at every length, so
what changes is the context. Within the longest sequences it is told by position, too.

The text is UTF-8; special tokens written out in it, such as <|endoftext|> between
documents, are recognised. Ctrl-C prints what there is so far.`,
		Example: "  samba eval ppl --model www/models/default --text book.txt --lengths 1K,4K,...,1M --plot ppl.svg",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			lengths, err := f.check()
			if err != nil {
				return err
			}
			longest := lengths[len(lengths)-1]
			tokens := longest
			if most != "" {
				if tokens, err = eval.ParseLength("tokens", most); err != nil {
					return err
				}
			}
			if tokens < longest {
				return fmt.Errorf("--tokens is %d, want at least the longest of --lengths, %d", tokens, longest)
			}
			words, err := readText(text)
			if err != nil {
				return err
			}
			return runPerplexity(cmd, &f, text, words, lengths, tokens)
		},
	}
	f.register(cmd, "1K,4K,16K")
	cmd.Flags().StringVar(&text, "text", "", "file with the text")
	cmd.Flags().StringVar(&most, "tokens", "", "tokens of the text to measure at every length, such as 256K (default: as many as the longest length)")
	cmd.MarkFlagRequired("text")
	return cmd
}

// largestText is what an engine takes as one message, escaped.
const largestText = protocol.MaxMessageBytes / 2

func readText(path string) (string, error) {
	data, err := folder.ReadFile(path, largestText)
	if err != nil {
		return "", fmt.Errorf("--text: %w", err)
	}
	for at := 0; at < len(data); {
		r, size := utf8.DecodeRune(data[at:])
		if r == utf8.RuneError && size == 1 {
			return "", fmt.Errorf("--text %s: byte %d is not UTF-8", path, at)
		}
		at += size
	}
	if strings.TrimSpace(string(data)) == "" {
		return "", fmt.Errorf("--text %s is empty", path)
	}
	return string(data), nil
}

// tokenIDs asks the engine how it reads a text.
func tokenIDs(ctx context.Context, e *engine, text string) ([]uint32, error) {
	answer, err := askTokens(ctx, e, &protocol.Tokenize{Text: text})
	return answer.IDs, err
}

// textOf asks the engine what ids say.
func textOf(ctx context.Context, e *engine, ids []uint32) (string, error) {
	answer, err := askTokens(ctx, e, &protocol.Detokenize{IDs: ids})
	return answer.Text, err
}

func askTokens(ctx context.Context, e *engine, request protocol.Message) (protocol.Tokens, error) {
	answer, err := e.ask(ctx, request, func(protocol.Message, []byte) error { return nil })
	if err != nil {
		return protocol.Tokens{}, err
	}
	tokens, ok := answer.(*protocol.Tokens)
	if !ok {
		return protocol.Tokens{}, fmt.Errorf("the engine answered %s to %s, want tokens", answer.Type(), request.Type())
	}
	return *tokens, nil
}

func runPerplexity(cmd *cobra.Command, f *lengthFlags, path, text string, lengths []int, tokens int) error {
	ctx := cmd.Context()
	progress := newProgress(os.Stderr)
	defer progress.done()
	e, _, about, err := f.open(ctx, progress)
	if err != nil {
		return err
	}
	defer e.close()
	ids, err := tokenIDs(ctx, e, text)
	if err != nil {
		return err
	}
	if len(ids) < tokens {
		return fmt.Errorf("--text %s has %d tokens for this model, want at least %d: give a longer text or shorter --lengths", path, len(ids), tokens)
	}
	ids = ids[:tokens]
	report := &eval.Perplexity{About: about, Text: filepath.Base(path), Tokens: tokens}
	total, done := int64(0), int64(0)
	for _, length := range lengths {
		total += int64(tokens / length * length)
	}
	for i, length := range lengths {
		started, tally := time.Now(), eval.NewTally(length)
		for some := range slices.Chunk(ids[:tokens/length*length], length) {
			err := score(ctx, e, some, func(at int, logprobs []float32) error {
				done += int64(len(logprobs))
				progress.update(&protocol.Progress{Phase: "score", Loaded: done, Total: total})
				return tally.Add(at, logprobs)
			})
			if errors.Is(err, errInterrupted) {
				progress.done()
				return f.finish(cmd, report, err)
			}
			if err != nil {
				return err
			}
			tally.EndSequence()
			done++
		}
		report.Rows = append(report.Rows, tally.Row(time.Since(started).Seconds()))
		if i == len(lengths)-1 {
			report.ByPosition = tally.ByPosition()
		}
	}
	progress.done()
	report.Complete = true
	return f.finish(cmd, report, nil)
}

// score asks for the log probabilities of ids[1:] and hands them on as they come, in order.
func score(ctx context.Context, e *engine, ids []uint32, on func(at int, logprobs []float32) error) error {
	at := 1
	_, err := e.ask(ctx, &protocol.Score{IDs: ids}, func(m protocol.Message, data []byte) error {
		scores, ok := m.(*protocol.Scores)
		if !ok {
			return nil
		}
		if scores.First != at || scores.Count < 1 || scores.Count > len(ids)-at || len(data) != 4*scores.Count {
			return fmt.Errorf("the engine sent %d bytes as scores %d to %d, want the score of token %d next, of %d", len(data), scores.First, scores.First+scores.Count, at, len(ids))
		}
		at += scores.Count
		return on(scores.First, floats(data))
	})
	if err == nil && at != len(ids) {
		err = fmt.Errorf("the engine sent the scores of %d tokens, want %d", at-1, len(ids)-1)
	}
	return err
}

// floats are the values of an attachment, fp32 little-endian.
func floats(data []byte) []float32 {
	values := make([]float32, len(data)/4)
	for i := range values {
		values[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
	}
	return values
}

func newEvalPasskey() *cobra.Command {
	var f lengthFlags
	var depths, keys int
	var seed uint64
	var text string
	cmd := &cobra.Command{
		Use:   "passkey",
		Short: "Recall of a pass key hidden in a long irrelevant text",
		Long: `Hides a five-digit key in a text of one repeated line, asks for it at the end, and counts
the answers that are the key, digit for digit, at temperature 0 and without penalties. Each
length is asked at several depths: 0 % is before all irrelevant text, 100 % after it.

With --text the key is hidden in the words of that file instead, each key in another passage:
harder, since they differ from token to token and may hold numbers of their own.

Ctrl-C prints what there is so far.`,
		Example: "  samba eval passkey --model www/models/default --lengths 4K,8K,...,256K --depths 11 --keys 5 --plot passkey.svg",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, n := range []struct {
				flag      string
				got, most int
			}{{"depths", depths, 101}, {"keys", keys, 1000}} {
				if n.got < 1 || n.got > n.most {
					return fmt.Errorf("--%s is %d, want 1 to %d", n.flag, n.got, n.most)
				}
			}
			lengths, err := f.check()
			if err != nil {
				return err
			}
			report := &eval.Passkey{Keys: keys, Seed: seed, Depth: eval.Depths(depths)}
			words := ""
			if text != "" {
				if words, err = readText(text); err != nil {
					return err
				}
				report.Text = filepath.Base(text)
			}
			return runPasskey(cmd, &f, lengths, words, report)
		},
	}
	f.register(cmd, "4K,8K,16K")
	cmd.Flags().StringVar(&text, "text", "", "file whose words hide the key (default: one repeated line, as in the paper)")
	cmd.Flags().IntVar(&depths, "depths", 11, "places of the key, spread evenly from the text's start to its end")
	cmd.Flags().IntVar(&keys, "keys", 5, "keys to ask for at each depth")
	cmd.Flags().Uint64Var(&seed, "seed", 0, "of the keys")
	return cmd
}

// answerTokens is room for five digits and a space, however they are cut, and for what tells that more follow.
const answerTokens = 8

// haystack makes the irrelevant text around a key: a prompt of at most length
// tokens, but for a few that begin or end differently where the pieces meet.
type haystack func(length int, depth float64, number int) (before, after string, err error)

// inGarbage fills prompts with one repeated line.
func inGarbage(ctx context.Context, e *engine) (haystack, error) {
	var counts [2]int
	for i, prompt := range eval.CalibrationPrompts() {
		ids, err := tokenIDs(ctx, e, prompt)
		if err != nil {
			return nil, err
		}
		counts[i] = len(ids)
	}
	garbage, err := eval.NewGarbage(counts)
	if err != nil {
		return nil, err
	}
	return func(length int, depth float64, _ int) (string, string, error) {
		lines, err := garbage.Lines(length)
		before := int(math.Round(float64(lines) * depth))
		return eval.GarbageLines(before), eval.GarbageLines(lines - before), err
	}, nil
}

// inText fills prompts with passages of a text.
func inText(ctx context.Context, e *engine, text string) (haystack, error) {
	frame, err := tokenIDs(ctx, e, eval.PasskeyPrompt("12345", "", ""))
	if err != nil {
		return nil, err
	}
	ids, err := tokenIDs(ctx, e, text)
	if err != nil {
		return nil, err
	}
	return func(length int, depth float64, number int) (before, after string, err error) {
		room := length - len(frame)
		if room < 1 {
			return "", "", fmt.Errorf("a passkey prompt of %d tokens has no room for any text: this model's tokenizer needs more than %d", length, len(frame))
		}
		if room > len(ids) {
			return "", "", fmt.Errorf("--text has %d tokens for this model, want at least %d for a prompt of %d: give a longer text or shorter --lengths", len(ids), room, length)
		}
		passage := ids[number*room%(len(ids)-room+1):][:room]
		middle := int(math.Round(float64(room) * depth))
		if before, err = textOf(ctx, e, passage[:middle]); err == nil {
			after, err = textOf(ctx, e, passage[middle:])
		}
		return before, after, err
	}, nil
}

func runPasskey(cmd *cobra.Command, f *lengthFlags, lengths []int, text string, report *eval.Passkey) error {
	ctx := cmd.Context()
	progress := newProgress(os.Stderr)
	defer progress.done()
	e, _, about, err := f.open(ctx, progress)
	if err != nil {
		return err
	}
	defer e.close()
	report.About = about
	var hay haystack
	if text == "" {
		hay, err = inGarbage(ctx, e)
	} else {
		hay, err = inText(ctx, e, text)
	}
	if err != nil {
		return err
	}
	for _, length := range []int{lengths[0], lengths[len(lengths)-1]} {
		if _, _, err := hay(length, 0, 0); err != nil {
			return fmt.Errorf("--lengths %s: %w", f.lengths, err)
		}
	}
	asked, total := int64(0), int64(len(lengths)*len(report.Depth)*report.Keys)
	for _, length := range lengths {
		report.Rows = append(report.Rows, report.NewRow(length))
		row := &report.Rows[len(report.Rows)-1]
		for d, depth := range report.Depth {
			for k := range report.Keys {
				key := eval.Key(report.Seed, length, d, k)
				before, after, err := hay(length, depth, k)
				if err != nil {
					return err
				}
				started := time.Now()
				answer, tokens, err := recall(ctx, e, eval.PasskeyPrompt(key, before, after))
				if errors.Is(err, errInterrupted) {
					progress.done()
					return f.finish(cmd, report, err)
				}
				if err != nil {
					return err
				}
				row.Add(d, answer, key)
				row.Tokens = max(row.Tokens, tokens)
				row.Seconds += time.Since(started).Seconds()
				asked++
				progress.update(&protocol.Progress{Phase: "passkey", Loaded: asked, Total: total})
			}
		}
	}
	progress.done()
	report.Complete = true
	return f.finish(cmd, report, nil)
}

// recall returns the likeliest answer to a prompt, and the prompt's tokens.
func recall(ctx context.Context, e *engine, prompt string) (answer string, tokens int, err error) {
	most, cold, off := answerTokens, 0.0, 1.0
	answer, done, err := answerTo(ctx, e, &protocol.Generate{Prompt: prompt, Settings: sampling.Settings{MaxTokens: &most, Temperature: &cold, RepetitionPenalty: &off}})
	if err != nil {
		return "", 0, err
	}
	return answer, done.Usage.PromptTokens, nil
}

// answerTo waits for the whole text of an answer.
func answerTo(ctx context.Context, e *engine, request *protocol.Generate) (string, *protocol.Done, error) {
	var text strings.Builder
	ended, err := e.ask(ctx, request, func(m protocol.Message, _ []byte) error {
		if piece, ok := m.(*protocol.Text); ok {
			text.WriteString(piece.Text)
		}
		return nil
	})
	if err != nil {
		return "", nil, err
	}
	done, ok := ended.(*protocol.Done)
	if !ok {
		return "", nil, fmt.Errorf("the engine answered %s to generate, want done", ended.Type())
	}
	if done.FinishReason == model.FinishCancelled {
		return "", nil, errInterrupted
	}
	return text.String(), done, nil
}
