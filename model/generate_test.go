package model

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/samba-web/samba/model/config"
	"github.com/samba-web/samba/model/grammar"
	"github.com/samba-web/samba/model/machine"
)

// withTokenizer gives a folder a tokenizer of single bytes, the id of a byte
// its place in GPT-2's alphabet, and an end-of-text token after them.
func (f memory) withTokenizer(t *testing.T) {
	t.Helper()
	vocab := map[string]int{}
	next := rune(256)
	for b := range 256 {
		r := rune(b)
		if !(b >= '!' && b <= '~' || b >= 0xa1 && b <= 0xac || b >= 0xae) {
			r = next
			next++
		}
		vocab[string(r)] = b
	}
	f.setJSON(t, "tokenizer.json", map[string]any{
		"version": "1.0",
		"added_tokens": []any{map[string]any{"id": endOfText, "content": "<|endoftext|>", "single_word": false,
			"lstrip": false, "rstrip": false, "normalized": false, "special": true}},
		"normalizer": nil, "post_processor": nil,
		"pre_tokenizer": map[string]any{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true},
		"decoder":       map[string]any{"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true},
		"model":         map[string]any{"type": "BPE", "vocab": vocab, "merges": []any{}},
	})
	f.setJSON(t, "generation_config.json", map[string]any{"eos_token_id": []int{endOfText}})
}

const endOfText = 256

// talker is a random model that speaks bytes, on the given machine.
func talker(t *testing.T, random *rand.Rand, o Options) *Model {
	t.Helper()
	return speaker(t, random, samba(), o)
}

// speaker is a talker of any shape.
func speaker(t *testing.T, random *rand.Rand, c *config.Config, o Options) *Model {
	t.Helper()
	c.VocabSize = 260
	f := randomModel(t, random, c, 8)
	f.withTokenizer(t)
	return loadTest(t, f, o)
}

func generate(t *testing.T, s *Session, r Request) (string, Result) {
	t.Helper()
	var b strings.Builder
	result, err := s.Generate(context.Background(), r, func(c Chunk) error {
		b.WriteString(c.Text)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String(), result
}

var hot = Sampling{Temperature: 12, Seed: 7}

// Both machines say the same, and end where they should: at a length that falls
// on each place within a flight, and with the state as if nothing had run ahead.
func TestGenerate(t *testing.T) {
	device := testDevice(t)
	for _, n := range []int{1, machine.MaxSteps, machine.MaxSteps + 1, 30} {
		cpu := newSession(t, talker(t, rand.New(rand.NewPCG(*seed, 2)), Options{}))
		onGPU := newSession(t, talker(t, rand.New(rand.NewPCG(*seed, 2)), Options{Device: device}))
		prompt := cpu.model.tokenizer.Encode("Once upon a time", false)
		r := Request{Prompt: prompt, MaxTokens: n, Sampling: hot}
		want, wantResult := generate(t, cpu, r)
		got, result := generate(t, onGPU, r)
		if got != want || result.FinishReason != wantResult.FinishReason || result.CompletionTokens != wantResult.CompletionTokens {
			t.Errorf("%d tokens: the GPU says %q (%+v), plain Go %q (%+v)", n, got, result, want, wantResult)
		}
		if !slices.Equal(onGPU.past.Tail, cpu.past.Tail) || cpu.Position() != len(prompt)+result.CompletionTokens-1 {
			t.Errorf("%d tokens: states stand at %d and %d, want %d", n, onGPU.Position(), cpu.Position(), len(prompt)+result.CompletionTokens-1)
		}
		// What follows goes on from the state.
		next := append(slices.Clone(cpu.past.Tail), cpu.model.tokenizer.Encode(" and then", false)...)
		r = Request{Prompt: next, MaxTokens: 12, Sampling: hot}
		want, _ = generate(t, cpu, r)
		got, result = generate(t, onGPU, r)
		if got != want {
			t.Errorf("after %d tokens: the GPU goes on %q, plain Go %q", n, got, want)
		}
		if result.PrefilledTokens != len(" and then") {
			t.Errorf("after %d tokens: %d of the prompt's %d tokens were absorbed again, want the new %d", n, result.PrefilledTokens, result.PromptTokens, len(" and then"))
		}
	}
}

// An answer ends with the end-of-text token, at a stop string, when it is
// cancelled, and when its listener fails; the session can be used after each.
func TestEnds(t *testing.T) {
	device := testDevice(t)
	s := newSession(t, talker(t, testRandom(t), Options{Device: device}))
	clear(s.model.stops) // no answer ends by chance
	prompt := s.model.tokenizer.Encode("Tell me", false)
	whole, result := generate(t, s, Request{Prompt: prompt, MaxTokens: 40, Sampling: hot})
	if result.FinishReason != FinishLength || result.CompletionTokens != 40 {
		t.Fatalf("finish reason %q after %d tokens", result.FinishReason, result.CompletionTokens)
	}
	again, _ := generate(t, s, Request{Prompt: prompt, MaxTokens: 40, Sampling: hot})
	if again != whole {
		t.Fatalf("the same seed says %q, then %q", whole, again)
	}

	s.model.stops[s.past.Tail[len(prompt)+4]] = true
	if text, result := generate(t, s, Request{Prompt: prompt, MaxTokens: 40, Sampling: hot}); result.FinishReason != FinishStop || result.CompletionTokens > 5 || !strings.HasPrefix(whole, strings.TrimRight(text, "\uFFFD")) { // a character that was cut short ends as that
		t.Errorf("an end-of-text token as fifth: %q, %+v", text, result)
	}
	clear(s.model.stops)

	runes := []rune(whole)
	stop := string(runes[len(runes)/2 : len(runes)/2+2])
	text, result := generate(t, s, Request{Prompt: prompt, MaxTokens: 40, Sampling: hot, Stop: []string{stop}})
	if want, _, _ := strings.Cut(whole, stop); text != want || result.FinishReason != FinishStop {
		t.Errorf("stop %q: got %q (%s), want %q", stop, text, result.FinishReason, want)
	}

	ctx, cancel := context.WithCancel(context.Background())
	n := 0
	result, err := s.Generate(ctx, Request{Prompt: prompt, Sampling: hot}, func(Chunk) error {
		if n++; n == 11 {
			cancel()
		}
		return nil
	})
	if err != nil || result.FinishReason != FinishCancelled && result.FinishReason != FinishStop || result.CompletionTokens > 12 {
		t.Errorf("cancelled at the 11th token: %+v, %v", result, err)
	}
	if s.Position() != len(prompt)+result.CompletionTokens-1 {
		t.Errorf("cancelled after %d tokens: the state stands at %d", result.CompletionTokens, s.Position())
	}

	failure := errors.New("the listener is gone")
	if _, err := s.Generate(context.Background(), Request{Prompt: prompt, Sampling: hot}, func(Chunk) error { return failure }); err != failure {
		t.Errorf("error %v, want the listener's", err)
	}
	if again, _ := generate(t, s, Request{Prompt: prompt, MaxTokens: 40, Sampling: hot}); again != whole {
		t.Errorf("after all that the same seed says %q, want %q", again, whole)
	}
}

// answers collects what a request for several choices says, and the log probabilities.
func answers(t *testing.T, s *Session, r Request) (texts []string, reasons []string, logprobs []TokenLogprob, result Result) {
	t.Helper()
	texts, reasons = make([]string, max(r.Choices, 1)), make([]string, max(r.Choices, 1))
	result, err := s.Generate(context.Background(), r, func(c Chunk) error {
		texts[c.Choice] += c.Text
		if reasons[c.Choice] != "" {
			t.Errorf("choice %d goes on after it ended by %s", c.Choice, reasons[c.Choice])
		}
		reasons[c.Choice] = c.FinishReason
		logprobs = append(logprobs, c.Logprobs...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return texts, reasons, logprobs, result
}

// Penalties, biases and log probabilities are the same on both machines, alone
// and together, and answers without them are as before. Negative penalties
// change every answer: what was said is said again.
func TestDrawing(t *testing.T) {
	device := testDevice(t)
	cpu := newSession(t, talker(t, rand.New(rand.NewPCG(*seed, 4)), Options{}))
	onGPU := newSession(t, talker(t, rand.New(rand.NewPCG(*seed, 4)), Options{Device: device}))
	prompt := cpu.model.tokenizer.Encode("Once upon a time", false)
	plain, _ := generate(t, onGPU, Request{Prompt: prompt, MaxTokens: 20, Sampling: hot})
	bias := map[uint32]float64{}
	for id := range uint32(260) {
		if id < 'a' || id > 'h' {
			bias[id] = -100
		}
	}
	// swayed is the settings with a seed by which they say something else than hot does with that seed: a penalty
	// may be no larger than 2, which among random weights' logits changes an answer in a few.
	swayed := func(settings Sampling) Sampling {
		settings.Temperature = hot.Temperature
		for settings.Seed = range uint64(100) {
			with, _ := generate(t, cpu, Request{Prompt: prompt, MaxTokens: 20, Sampling: settings})
			without, _ := generate(t, cpu, Request{Prompt: prompt, MaxTokens: 20, Sampling: Sampling{Temperature: hot.Temperature, Seed: settings.Seed}})
			if with != without {
				return settings
			}
		}
		t.Errorf("%+v change no answer", settings)
		return settings
	}
	for name, r := range map[string]Request{
		"presence":      {Sampling: swayed(Sampling{PresencePenalty: -2})},
		"frequency":     {Sampling: swayed(Sampling{FrequencyPenalty: -2})},
		"bias":          {Sampling: Sampling{Temperature: 12, Seed: 7, LogitBias: bias}},
		"logprobs":      {Sampling: hot, Logprobs: true, TopLogprobs: 4},
		"all, greedily": {Sampling: Sampling{PresencePenalty: 2, FrequencyPenalty: 2, LogitBias: bias, RepetitionPenalty: 1.1}, Logprobs: true},
	} {
		t.Run(name, func(t *testing.T) {
			r.Prompt, r.MaxTokens = prompt, 20
			want, _, wantLogprobs, _ := answers(t, cpu, r)
			got, _, logprobs, result := answers(t, onGPU, r)
			if got[0] != want[0] {
				t.Errorf("the GPU says %q, plain Go %q", got[0], want[0])
			}
			if (name == "logprobs") != (got[0] == plain) {
				t.Errorf("says %q, without the setting %q", got[0], plain)
			}
			if r.Sampling.LogitBias != nil && strings.Trim(got[0], "abcdefgh") != "" {
				t.Errorf("says %q, where all but a to h are biased away", got[0])
			}
			if !r.Logprobs {
				return
			}
			if len(logprobs) != result.CompletionTokens || len(wantLogprobs) != len(logprobs) {
				t.Fatalf("%d log probabilities for %d tokens", len(logprobs), result.CompletionTokens)
			}
			for i, l := range logprobs {
				w := wantLogprobs[i]
				if l.Token != w.Token || math.Abs(float64(l.Value-w.Value)) > 1e-2 || len(l.Top) != r.TopLogprobs {
					t.Errorf("token %d: %+v, want %+v", i, l, w)
				}
				for j, top := range l.Top {
					if math.Abs(float64(top.Value-w.Top[j].Value)) > 1e-2 {
						t.Errorf("token %d, alternative %d: %+v, want %+v", i, j, top, w.Top[j])
					}
				}
			}
		})
	}
	if again, _ := generate(t, onGPU, Request{Prompt: prompt, MaxTokens: 20, Sampling: hot}); again != plain {
		t.Errorf("after all that the GPU says %q, before %q", again, plain)
	}
}

// Under a schema both machines give the same JSON, cut where the tokens end.
func TestGrammar(t *testing.T) {
	device := testDevice(t)
	cpu := newSession(t, talker(t, rand.New(rand.NewPCG(*seed, 6)), Options{}))
	onGPU := newSession(t, talker(t, rand.New(rand.NewPCG(*seed, 6)), Options{Device: device}))
	prompt := cpu.model.tokenizer.Encode("Once upon a time", false)
	const schema = `{"type":"object","properties":{"who":{"enum":["keeper","whale"]},"where":{"type":"array","items":{"type":"string","maxLength":5},"maxItems":2},"ok":{"type":"boolean"}},"required":["who","where","ok"]}`
	for n, most := range []int{200, 200, 7} {
		r := Request{Prompt: prompt, MaxTokens: most, Sampling: Sampling{Temperature: 12, Seed: uint64(n), PresencePenalty: 1}, Choices: 2}
		var said [2][]string
		var ended [2][]string
		for i, s := range []*Session{cpu, onGPU} {
			var err error
			if r.Grammar, err = s.model.Grammar(grammar.Answer{Schema: []byte(schema)}); err != nil {
				t.Fatal(err)
			}
			said[i], ended[i], _, _ = answers(t, s, r)
		}
		if !slices.Equal(said[0], said[1]) {
			t.Errorf("the GPU says %q, plain Go %q", said[1], said[0])
		}
		for i, text := range said[1] {
			var got struct {
				Who   string
				Where []string
				OK    *bool
			}
			err := json.Unmarshal([]byte(text), &got)
			if whole := ended[1][i] == FinishStop; whole != (most == 200) || whole != (err == nil) || whole && (got.OK == nil || len(got.Where) > 2) {
				t.Errorf("%q ended by %s: %v", text, ended[1][i], err)
			}
		}
	}
	// Without one it talks as before, ahead of the host.
	want, _ := generate(t, cpu, Request{Prompt: prompt, MaxTokens: 20, Sampling: hot})
	if got, _ := generate(t, onGPU, Request{Prompt: prompt, MaxTokens: 20, Sampling: hot}); got != want {
		t.Errorf("afterwards the GPU says %q, plain Go %q", got, want)
	}
}

// Each of several answers is what its seed gives alone, from one prefill, and
// the conversation can go on.
func TestChoices(t *testing.T) {
	for name, o := range map[string]Options{"plain Go": {Chunk: 8}, "GPU": {Chunk: 8, Device: testDevice(t)}} {
		t.Run(name, func(t *testing.T) {
			s := newSession(t, talker(t, rand.New(rand.NewPCG(*seed, 5)), o))
			prompt := s.model.tokenizer.Encode("Once upon a time", false)
			// Longer than the window and its slack: the rings are overwritten.
			r := Request{Prompt: prompt, MaxTokens: 40, Sampling: hot, Choices: 2}
			texts, reasons, _, result := answers(t, s, r)
			if result.PrefilledTokens != len(prompt) || result.CompletionTokens < 2 || result.DecodeSeconds <= 0 {
				t.Errorf("%+v", result)
			}
			for i, text := range texts {
				alone := r
				alone.Choices, alone.Sampling.Seed = 0, hot.Seed+uint64(i)
				if want, result := generate(t, s, alone); text != want || reasons[i] != result.FinishReason {
					t.Errorf("choice %d: %q (%s), alone %q (%s)", i, text, reasons[i], want, result.FinishReason)
				}
			}
			// One token of the prompt is new, all else stands in the state.
			texts, _, _, result = answers(t, s, Request{Prompt: append(slices.Clone(s.past.Tail), 'x'), MaxTokens: 5, Sampling: hot, Choices: 2})
			if result.PrefilledTokens != 1 || len(texts) != 2 {
				t.Errorf("going on: %+v, %q", result, texts)
			}
			ctx, cancel := context.WithCancel(context.Background())
			n := 0
			result, err := s.Generate(ctx, r, func(c Chunk) error {
				if n++; c.Choice == 1 {
					cancel()
				}
				return nil
			})
			if err != nil || result.FinishReason != FinishCancelled && result.FinishReason != FinishStop || n > 2*40 {
				t.Errorf("cancelled in the second: %d tokens, %+v, %v", n, result, err)
			}
		})
	}
}

func TestBadRequests(t *testing.T) {
	s := newSession(t, talker(t, testRandom(t), Options{}))
	for want, r := range map[string]Request{
		"prompt is empty":    {},
		"max tokens is -1":   {Prompt: []uint32{1}, MaxTokens: -1},
		"temperature is -2":  {Prompt: []uint32{1}, Sampling: Sampling{Temperature: -2}},
		"top logprobs is 21": {Prompt: []uint32{1}, TopLogprobs: 21},
		"logit_bias has token 260, the vocabulary has 260":     {Prompt: []uint32{1}, Sampling: Sampling{LogitBias: map[uint32]float64{260: 1}}},
		"token 1 of the prompt is 260, the vocabulary has 260": {Prompt: []uint32{1, 260}},
	} {
		if _, err := s.Generate(context.Background(), r, func(Chunk) error { return nil }); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}
