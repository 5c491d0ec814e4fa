package model

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/samba-web/samba/model/config"
	"github.com/samba-web/samba/model/grammar"
	"github.com/samba-web/samba/model/machine"
	"github.com/samba-web/samba/model/schedule"
)

// machines runs a test on both kinds.
func machines(t *testing.T, f func(t *testing.T, o Options)) {
	t.Run("cpu", func(t *testing.T) { f(t, Options{Chunk: 16}) })
	t.Run("gpu", func(t *testing.T) { f(t, Options{Chunk: 16, Device: testDevice(t), HalfKeys: true}) })
}

func newPool(t *testing.T, m *Model, slots int) *Pool {
	t.Helper()
	p, err := m.NewPool(slots)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// Decoded together, sequences say what a session that has the machine to itself says.
func TestPool(t *testing.T) {
	machines(t, func(t *testing.T, o Options) {
		test := func(name string, kinds ...string) {
			t.Run(name, func(t *testing.T) {
				// Plain Go says what is right: it compiles no kernels for that.
				testPool(t, speaker(t, testRandom(t), testConfig(kinds...), o), speaker(t, testRandom(t), testConfig(kinds...), Options{}))
			})
		}
		if !testing.Short() {
			test("samba", samba().LayerTypes...)
		}
		o.Chunk = 4 // full attention has room for 16 tokens at first, and grows on the way
		test("full attention", config.FullAttention, config.Mamba)
	})
}

func testPool(t *testing.T, m, reference *Model) {
	t.Helper()
	request := func(i int) Request {
		prompt := m.tokenizer.Encode(fmt.Sprint(i, ": once upon a time there was a number"[:5*i]), false)
		return Request{Prompt: prompt, MaxTokens: 10 + 3*i, Sampling: Sampling{Temperature: 12, Seed: uint64(i)}}
	}
	alone := newSession(t, reference)
	var want [5]string
	for i := range want {
		want[i], _ = generate(t, alone, request(i))
	}
	slots := 3
	if testing.Short() {
		slots = 2 // some kernels less to compile
	}
	p := newPool(t, m, slots)
	var all sync.WaitGroup
	for i := range want {
		all.Go(func() {
			s, err := p.NewSession()
			if err != nil {
				t.Error(err)
				return
			}
			var b strings.Builder
			result, err := p.Generate(context.Background(), s, request(i), func(c Chunk) error { b.WriteString(c.Text); return nil })
			if err != nil || b.String() != want[i] || s.Position() != result.PromptTokens+result.CompletionTokens-1 {
				t.Errorf("conversation %d says %q (%+v, %v), alone %q", i, b.String(), result, err, want[i])
			}
			_ = p.Do(context.Background(), func() error { s.Close(); return nil })
		})
	}
	all.Wait()
}

// So many sequences that their products go by matrix units where the adapter has them, each of its shapes: what is said, and how
// likely it is, as plain Go has it.
func TestPoolOfMany(t *testing.T) {
	const slots = 16
	c := samba()
	c.DTRank, c.IntermediateSize = 16, 2064 // gate and up are more than 4,096 rows, the head's are fewer than 512
	device := testDevice(t)
	matrix := device.Info().Variant.Matrix
	random := testRandom(t)
	weights := random.Uint64()
	load := func(o Options) *Model { return speaker(t, rand.New(rand.NewPCG(weights, 0)), c, o) }
	m := load(Options{Chunk: 16, Device: device, HalfKeys: true})
	p := newPool(t, m, slots)
	texts, said := make([][]uint32, slots), make([][]float32, slots)
	var all sync.WaitGroup
	for i := range slots {
		texts[i] = randomIDs(random, 5+i, 256)
		all.Go(func() {
			s, err := p.NewSession()
			if err != nil {
				t.Error(err)
				return
			}
			request := Request{Prompt: texts[i], MaxTokens: 40, PastEnd: true, Logprobs: true, Sampling: Sampling{Temperature: 2, Seed: uint64(i)}}
			_, err = p.Generate(context.Background(), s, request, func(c Chunk) error {
				for _, l := range c.Logprobs {
					texts[i], said[i] = append(texts[i], l.Logprob.Token), append(said[i], l.Value)
				}
				return nil
			})
			if err != nil || len(said[i]) != request.MaxTokens {
				t.Errorf("sequence %d: %d tokens, %v", i, len(said[i]), err)
			}
			_ = p.Do(context.Background(), func() error { s.Close(); return nil })
		})
	}
	all.Wait()
	tolerance := 1e-3
	if matrix {
		tolerance = 5e-2 // of fp16 products
	}
	alone := newSession(t, load(Options{}))
	for i := range slots {
		want := scoresOf(t, alone, texts[i])
		if d := worst(said[i], want[len(want)-len(said[i]):]); !(d <= tolerance) {
			t.Errorf("sequence %d: log probabilities off by %g, want at most %g (matrix units: %v)", i, d, tolerance, matrix)
		}
		if err := alone.Reset(); err != nil {
			t.Fatal(err)
		}
	}
}

// talk is a conversation in a pool with everything that may come: it returns all
// that was said and the states, to the bit.
func (p *Pool) talk(t *testing.T, random *rand.Rand, pause func(*rand.Rand)) (said []string) {
	t.Helper()
	ctx, m := context.Background(), p.model
	check := func(err error) {
		if err != nil {
			t.Error(err)
		}
	}
	note := func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) }
	s, err := p.NewSession()
	if err != nil {
		t.Error(err)
		return nil
	}
	for range 4 {
		r := Request{Prompt: slices.Clone(s.past.Tail), MaxTokens: 1 + random.IntN(25), Sampling: Sampling{Temperature: 2 + 9*random.Float64(), Seed: random.Uint64()}}
		for range 1 + random.IntN(40) {
			r.Prompt = append(r.Prompt, random.Uint32N(endOfText))
		}
		ends := 1000
		var failure error
		switch random.IntN(9) {
		case 0:
			r.Stop = []string{"e", "a"}
		case 1:
			ends = 1 + random.IntN(12)
		case 2:
			ends, failure = 1+random.IntN(12), errors.New("the listener is gone")
		case 3:
			r.Sampling.RepetitionPenalty, r.Sampling.TopP = 1.5, 0.9
		case 4:
			r.Sampling.PresencePenalty, r.Sampling.FrequencyPenalty = 2, -2
		case 5:
			r.Sampling.LogitBias, r.Choices = map[uint32]float64{'x': 30}, 2
		case 6:
			r.Logprobs, r.TopLogprobs = true, 3
		case 7:
			r.Grammar, err = m.Grammar(grammar.Answer{Schema: []byte(`{"type":"object","properties":{"ok":{"type":"boolean"},"who":{"enum":["a","b"]}},"required":["ok","who"]}`)})
			check(err)
		case 8: // read, fork and go on in the fork
			check(p.Share(ctx, s, func() error { return s.Prefill(ctx, r.Prompt[s.Position():], nil) }))
			r.Prompt = append(r.Prompt, 'y')
			var fork *Session
			check(p.Do(ctx, func() (err error) { fork, err = s.Fork(); s.Close(); return err }))
			s = fork
		}
		cancelled, cancel := context.WithCancel(ctx)
		tokens := 0
		result, err := p.Generate(cancelled, s, r, func(c Chunk) error {
			note("%d %q %s %v", c.Choice, c.Text, c.FinishReason, c.Logprobs)
			pause(random)
			if tokens++; tokens == ends {
				cancel()
				return failure
			}
			return nil
		})
		cancel()
		if tokens < ends {
			failure = nil
		}
		if err != failure {
			t.Errorf("%v, want %v", err, failure)
		}
		note("%s %d %d at %d", result.FinishReason, result.CompletionTokens, result.PrefilledTokens, s.Position())
		check(p.Do(ctx, func() error {
			state, err := s.Save(ctx)
			if err == nil {
				note("%x", sha256.Sum256(state.Bytes(0, state.Len())))
			}
			return err
		}))
	}
	check(p.Do(ctx, func() error { s.Close(); return nil }))
	return said
}

// No matter who else is there, and however often a place is given up, every token, log
// probability and state is the same to the bit.
func TestPoolNeighbours(t *testing.T) {
	if testing.Short() {
		t.Skip("left out by -short; what browsers add to it, TestBatchLinear sees")
	}
	machines(t, func(t *testing.T, o Options) {
		m := talker(t, testRandom(t), o)
		const talks = 5
		var want [talks][]string
		sources := func(i int) *rand.Rand { return rand.New(rand.NewPCG(*seed, uint64(100+i))) }
		quiet := newPool(t, m, 3)
		for i := range want {
			want[i] = quiet.talk(t, sources(i), func(*rand.Rand) {})
		}
		quiet.Close()
		crowd := newPool(t, m, 3)
		crowd.runs.Patience = 3
		var all sync.WaitGroup
		for i := range want {
			all.Go(func() {
				pace := rand.New(rand.NewPCG(*seed, uint64(i)))
				got := crowd.talk(t, sources(i), func(*rand.Rand) {
					if pace.IntN(10) == 0 {
						time.Sleep(time.Duration(pace.IntN(20)) * time.Millisecond)
					}
				})
				for j, line := range want[i] {
					if j >= len(got) || got[j] != line {
						t.Errorf("conversation %d among others, line %d of %d: %q, alone %q", i, j, len(want[i]), got[min(j, len(got)-1)], line)
						break
					}
				}
			})
		}
		all.Wait()
	})
}

// A closed pool and a cancelled wait answer at once; a number of slots that makes no sense is refused.
func TestPoolEnds(t *testing.T) {
	m := talker(t, testRandom(t), Options{})
	for _, slots := range []int{-1, 0, schedule.MaxSlots + 1} {
		if _, err := m.NewPool(slots); err == nil {
			t.Errorf("a pool of %d slots", slots)
		}
	}
	p, err := m.NewPool(2)
	if err != nil {
		t.Fatal(err)
	}
	s, err := p.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	request := Request{Prompt: []uint32{'a'}, MaxTokens: 3, Sampling: hot}
	emit := func(Chunk) error { return nil }
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	if result, err := p.Generate(cancelled, s, request, emit); err != nil || result.FinishReason != FinishCancelled {
		t.Errorf("cancelled before its turn: %+v, %v", result, err)
	}
	// While others have the machine, and while they have all places.
	ctx, cancel := context.WithCancel(context.Background())
	err = p.Do(context.Background(), func() error {
		done := make(chan error)
		go func() { done <- p.Do(ctx, func() error { return nil }) }()
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled while it waited: %v", err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	var holders sync.WaitGroup
	seated, free := make(chan struct{}, 2), make(chan struct{})
	for range 2 {
		holder, err := p.NewSession()
		if err != nil {
			t.Fatal(err)
		}
		holders.Go(func() {
			first := true
			_, err := p.Generate(context.Background(), holder, Request{Prompt: []uint32{'b'}, MaxTokens: 3, PastEnd: true}, func(Chunk) error {
				if first {
					first = false
					seated <- struct{}{}
					<-free // a slow listener keeps its place
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	<-seated
	<-seated
	ctx, cancel = context.WithTimeout(context.Background(), 30*time.Millisecond)
	result, err := p.Generate(ctx, s, request, emit)
	if cancel(); err != nil || result.FinishReason != FinishCancelled || result.CompletionTokens > 0 {
		t.Errorf("cancelled while it waited for a place: %+v, %v", result, err)
	}
	close(free)
	holders.Wait()
	if result, err := p.Generate(context.Background(), s, request, emit); err != nil || result.CompletionTokens == 0 {
		t.Errorf("after that: %+v, %v", result, err)
	}
	p.Close()
	if _, err := p.Generate(context.Background(), s, request, emit); !errors.Is(err, schedule.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	if _, err := p.NewSession(); !errors.Is(err, schedule.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	s.Close()
}

// A long prompt is read while an answer goes on, and the answer goes on while the prompt is read: each waits for
// the other here, so that the test hangs if either has to end first. A listener that hears nothing holds up neither.
func TestPoolTurns(t *testing.T) {
	if testing.Short() {
		t.Skip("left out by -short")
	}
	machines(t, func(t *testing.T, o Options) {
		m := talker(t, testRandom(t), o)
		p := newPool(t, m, 3)
		session := func() *Session {
			s, err := p.NewSession()
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		var all sync.WaitGroup
		generate := func(r Request, emit func()) {
			s := session()
			all.Go(func() {
				r.PastEnd = true
				if _, err := p.Generate(context.Background(), s, r, func(Chunk) error { emit(); return nil }); err != nil {
					t.Error(err)
				}
			})
		}
		deaf, tokens, chunks := make(chan struct{}), make(chan struct{}), make(chan struct{})
		generate(Request{Prompt: []uint32{'d'}, MaxTokens: 4}, func() { <-deaf })
		const read = 6
		n := 0
		generate(Request{Prompt: []uint32{'a'}, MaxTokens: 2 * read}, func() {
			if n++; n <= read {
				tokens <- struct{}{}
				<-chunks
			}
		})
		long := Request{Prompt: slices.Repeat([]uint32{'b'}, read*o.Chunk), MaxTokens: 3}
		long.OnPrefill = func(int, int) {
			<-tokens
			chunks <- struct{}{}
		}
		generate(long, func() {})
		// The deaf one hears again when another answer has come and gone.
		s := session()
		if _, err := p.Generate(context.Background(), s, Request{Prompt: []uint32{'c'}, MaxTokens: 3, PastEnd: true}, func(Chunk) error { return nil }); err != nil {
			t.Error(err)
		}
		close(deaf)
		all.Wait()
	})
}

// stumbling is an engine whose batch fails at a step.
type stumbling struct {
	machine.Engine
	left int
}

type stumblingBatch struct {
	machine.Batch
	of *stumbling
}

var errStumbled = errors.New("stumbled")

func (e *stumbling) NewBatch(places int) (machine.Batch, error) {
	b, err := e.Engine.NewBatch(places)
	return stumblingBatch{b, e}, err
}

func (b stumblingBatch) Step(places []int, allowed [][]uint32) (machine.BatchStep, error) {
	if b.of.left--; b.of.left == 0 {
		return nil, errStumbled
	}
	return b.Batch.Step(places, allowed)
}

// A step that fails ends all answers that are under way or wait with its error; their sessions start again.
func TestPoolFails(t *testing.T) {
	if testing.Short() {
		t.Skip("left out by -short")
	}
	machines(t, func(t *testing.T, o Options) {
		m := talker(t, testRandom(t), o)
		engine := &stumbling{Engine: m.recovery.Engine}
		m.recovery.Engine = engine
		p := newPool(t, m, 2)
		request := Request{Prompt: []uint32{'a', 'b', 'c'}, MaxTokens: 12, PastEnd: true, Sampling: hot}
		answer := func(s *Session) (string, error) {
			var b strings.Builder
			_, err := p.Generate(context.Background(), s, request, func(c Chunk) error { b.WriteString(c.Text); return nil })
			return b.String(), err
		}
		var sessions []*Session
		for range 3 {
			s, err := p.NewSession()
			if err != nil {
				t.Fatal(err)
			}
			sessions = append(sessions, s)
		}
		want, err := answer(sessions[0])
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Do(context.Background(), func() error { engine.left = 7; return nil }); err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		var failures atomic.Int32
		for _, s := range sessions {
			all.Go(func() {
				if _, err := answer(s); errors.Is(err, errStumbled) {
					failures.Add(1)
				} else if err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if failures.Load() == 0 {
			t.Error("nobody was told that a step failed")
		}
		for i, s := range sessions {
			if got, err := answer(s); err != nil || got != want {
				t.Errorf("session %d then says %q (%v), want %q", i, got, err, want)
			}
		}
	})
}

// A fault in one caller's turn, or in what it does with its tokens, is its own: the others go on, and its place is free.
func TestPoolOutlivesPanics(t *testing.T) {
	m := talker(t, testRandom(t), Options{Chunk: 16})
	p := newPool(t, m, 2)
	request := Request{Prompt: []uint32{'a', 'b', 'c'}, MaxTokens: 12, PastEnd: true, Sampling: hot}
	answer := func(s *Session, emit func(Chunk)) (string, error) {
		var b strings.Builder
		_, err := p.Generate(context.Background(), s, request, func(c Chunk) error {
			b.WriteString(c.Text)
			emit(c)
			return nil
		})
		return b.String(), err
	}
	quiet := func(Chunk) {}
	var sessions []*Session
	for range 5 {
		s, err := p.NewSession()
		if err != nil {
			t.Fatal(err)
		}
		sessions = append(sessions, s)
	}
	want, err := answer(sessions[0], quiet)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Do(context.Background(), func() error { panic("in a turn") }); err == nil || !strings.Contains(err.Error(), "in a turn") {
		t.Errorf("a panic in a turn: %v", err)
	}
	for _, s := range sessions[1:4] { // more than there are places
		if _, err := answer(s, func(Chunk) { panic("in an answer") }); err == nil || !strings.Contains(err.Error(), "in an answer") {
			t.Errorf("a panic in an answer: %v", err)
		}
	}
	for i, s := range sessions {
		if got, err := answer(s, quiet); err != nil || got != want {
			t.Errorf("session %d then says %q (%v), want %q", i, got, err, want)
		}
	}
}

// An answer whose pool is closed when its prompt has been read ends with an error.
func TestPoolClosesBetweenPromptAndAnswer(t *testing.T) {
	m := talker(t, testRandom(t), Options{Chunk: 16})
	p := newPool(t, m, 2)
	s, err := p.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	request := Request{Prompt: []uint32{'a', 'b', 'c'}, MaxTokens: 12, PastEnd: true, Sampling: hot, OnPrefill: func(done, total int) { p.Close() }}
	if _, err := p.Generate(context.Background(), s, request, func(Chunk) error { return nil }); !errors.Is(err, schedule.ErrClosed) {
		t.Errorf("%v, want %v", err, schedule.ErrClosed)
	}
}
