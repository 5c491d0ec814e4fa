package model

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/samba-web/samba/model/config"
	"github.com/samba-web/samba/model/grammar"
	"github.com/samba-web/samba/model/machine"
)

// With guesses an answer is what it is without, to the bit: tokens, log probabilities and the state behind them.
// A second answer from the same seed guesses what the first has said, and a third what another seed said.
func TestGuesses(t *testing.T) {
	machines(t, func(t *testing.T, o Options) {
		test := func(name string, c *config.Config) {
			t.Run(name, func(t *testing.T) { testGuesses(t, speaker(t, testRandom(t), c, o)) })
		}
		test("samba", samba())
		if testing.Short() {
			return
		}
		test("full attention", testConfig(config.FullAttention, config.Mamba))
	})
}

func testGuesses(t *testing.T, m *Model) {
	random := testRandom(t)
	schema, err := m.Grammar(grammar.Answer{Schema: []byte(`{"type":"array","items":{"enum":["abcabc","abcabd",7]},"minItems":3,"maxItems":6}`)})
	if err != nil {
		t.Fatal(err)
	}
	prompt := m.tokenizer.Encode("once upon a time there was once upon a time", false)
	lively := Sampling{Temperature: 3}
	requests := map[string]Request{
		"greedy":    {},
		"lively":    {Sampling: lively},
		"top p":     {Sampling: Sampling{Temperature: 3, TopP: 0.8, TopK: 200, MinP: 0.001}},
		"penalties": {Sampling: Sampling{Temperature: 2, RepetitionPenalty: 1.3, PresencePenalty: 0.5, FrequencyPenalty: 0.7, LogitBias: map[uint32]float64{5: 2}}},
		"logprobs":  {Sampling: lively, Logprobs: true, TopLogprobs: 3},
		"grammar":   {Sampling: lively, Grammar: schema, Logprobs: true},
		"stop":      {Sampling: lively, Stop: []string{"e", "a"}},
	}
	s := newSession(t, m)
	var guessed Guessed
	say := func(r Request) string {
		known := s.guess
		if err := s.Reset(); err != nil {
			t.Fatal(err)
		}
		s.guess = known
		texts, reasons, logprobs, result := answers(t, s, r)
		if r.Grammar == nil && result.FinishReason == FinishLength && result.CompletionTokens != r.MaxTokens {
			t.Errorf("%d tokens, want %d", result.CompletionTokens, r.MaxTokens)
		}
		guessed.Steps, guessed.Tokens = guessed.Steps+result.Guessed.Steps, guessed.Tokens+result.Guessed.Tokens
		state := save(t, s)
		return fmt.Sprintf("%q %q %v %v %x", texts, reasons, logprobs, s.past.Tail, state.Bytes(0, state.Len()))
	}
	for name, r := range requests {
		if testing.Short() && name != "grammar" && name != "penalties" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			r.Prompt, r.MaxTokens = prompt, 40+random.IntN(8)
			r.Sampling.Seed = random.Uint64() >> 12
			m.pay.Always = false
			r.Sampling.Guesses = 0
			want := say(r)
			guessed = Guessed{}
			m.pay.Always = true
			for _, most := range []int{7, 1 + random.IntN(6)} {
				r.Sampling.Guesses = most
				if got := say(r); got != want {
					t.Errorf("with %d guesses\n%.300s\nwithout\n%.300s", most, got, want)
				}
			}
			if steps, tokens := guessed.Steps, guessed.Tokens; name != "stop" && (steps == 0 || tokens <= steps) {
				t.Errorf("%d steps with guesses brought %d tokens, want some to be right", steps, tokens)
			}
			r.Sampling.Seed++
			again := say(r)
			r.Sampling.Guesses = 0
			if want := say(r); again != want {
				t.Errorf("another seed with guesses\n%.300s\nwithout\n%.300s", again, want)
			}
		})
	}
}

// The same of each family's graph, by the machine alone: whatever is right of the guesses, no draw is another, and
// the state behind them is that of single steps.
func TestGuessesOfFamilies(t *testing.T) {
	machines(t, func(t *testing.T, o Options) {
		o.Chunk = 32
		first := testRandom(t).IntN(4)
		for i, family := range []string{"mamba", "falcon_mamba", "jamba", "phi4flash", "granite", "nemotron_h", "falcon_h1", "lfm2"} {
			if testing.Short() && i%4 != first {
				continue // others with other seeds
			}
			t.Run(family, func(t *testing.T) {
				folder := filepath.Join(publishedFolders, family+"_a")
				ids, _ := publishedFixture(t, folder)
				m := loadTest(t, disk(folder), o)
				random := testRandom(t)
				sampling := Sampling{Temperature: 1.5, RepetitionPenalty: 1.1, Seed: random.Uint64() >> 12}
				s := newSession(t, m)
				want := sampleTokens(t, s, ids[:20], sampling, 40)
				if s.run.MostGuesses() != machine.MostGuesses {
					t.Fatalf("takes %d guesses", s.run.MostGuesses())
				}
				if err := s.Reset(); err != nil {
					t.Fatal(err)
				}
				prefill(t, s, ids[:20])
				begin(t, s, sampling)
				ctx := context.Background()
				var got []uint32
				var since []uint32 // the pending token before the last flight, and what that drew
				var last machine.Flight
				for len(got) < 32 {
					var err error
					if len(got) == 0 || random.IntN(4) == 0 {
						last, err = s.run.Launch(ctx, len(got) == 0, nil)
					} else {
						g := machine.Guesses{At: 20 + len(got), Tokens: slices.Clone(want[len(got):]), Rows: 2 << random.IntN(3), Steps: 1}
						g.Tokens = append(g.Tokens, make([]uint32, 8)...)
						if wrong := random.IntN(10); wrong < 7 {
							g.Tokens[wrong] = 3
						}
						last, err = s.run.LaunchGuessed(ctx, g)
					}
					if err != nil {
						t.Fatal(err)
					}
					draws, err := last.Wait(ctx)
					if err != nil {
						t.Fatal(err)
					}
					since = since[:0]
					if len(got) > 0 {
						since = append(since, got[len(got)-1])
					}
					for _, d := range draws {
						got, since = append(got, d.Token), append(since, d.Token)
					}
				}
				if !slices.Equal(got[:32], want[:32]) {
					t.Fatalf("with guesses %v, without %v", got, want)
				}
				// What stands behind the last flight's first token is what single steps leave there.
				if err := last.Rewind(ctx, since[:1]); err != nil {
					t.Fatal(err)
				}
				known := append(slices.Clone(ids[:20]), got[:len(got)-len(since)+1]...)
				s.past.Position = len(known)
				mine := save(t, s)
				other := newSession(t, m)
				prefill(t, other, ids[:20])
				for _, id := range known[20:] {
					if err := other.run.Absorb(ctx, []uint32{id}); err != nil {
						t.Fatal(err)
					}
				}
				other.past = s.past.Clone()
				if theirs := save(t, other); !bytes.Equal(mine.Bytes(0, mine.Len()), theirs.Bytes(0, theirs.Len())) {
					t.Error("the state after guesses is another than after single steps")
				}
			})
		}
	})
}
