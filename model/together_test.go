package model

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/model/config"
	"github.com/samba-web/samba/model/machine"
	"github.com/samba-web/samba/model/schedule"
)

// asked is a request with anything that changes how it is decoded, drawn from a seed.
func asked(random *rand.Rand) Request {
	r := Request{MaxTokens: 1 + random.IntN(40), PastEnd: true, Sampling: Sampling{Temperature: 2 + 9*random.Float64(), Seed: random.Uint64()}}
	for range 1 + random.IntN(40) {
		r.Prompt = append(r.Prompt, random.Uint32N(endOfText))
	}
	switch random.IntN(6) {
	case 0:
		r.Stop = []string{"e", "a"}
	case 1:
		r.Sampling.RepetitionPenalty, r.Sampling.TopP = 1.5, 0.9
	case 2:
		r.Sampling.PresencePenalty, r.Sampling.FrequencyPenalty = 2, -2
	case 3:
		r.Sampling.LogitBias, r.Choices = map[uint32]float64{'x': 30}, 2
	case 4:
		r.Logprobs, r.TopLogprobs = true, 3
	}
	if random.IntN(3) > 0 { // it repeats itself, which is guessed
		r.Sampling.Temperature, r.Sampling.Guesses = 0, 1+random.IntN(7)
	}
	return r
}

// converse answers some requests one after another and tells all that came.
func converse(t *testing.T, s *Session, random *rand.Rand, turns int) (said []string, guessed int) {
	t.Helper()
	for range turns {
		r := asked(random)
		ends := 1 + random.IntN(60) // tokens after which it is cancelled, if it has them
		ctx, cancel := context.WithCancel(context.Background())
		var b strings.Builder
		result, err := s.Generate(ctx, r, func(c Chunk) error {
			fmt.Fprintf(&b, "%d %q %s;", c.Choice, c.Text, c.FinishReason)
			runtime.Gosched() // in a browser nothing else runs until one waits
			if ends--; ends == 0 {
				cancel()
			}
			return nil
		})
		cancel()
		if err != nil {
			t.Error(err)
		}
		said = append(said, fmt.Sprintf("%s %s at %d", b.String(), result.FinishReason, s.Position()))
		guessed += result.Guessed.Steps
		// Its state is the one that goes on alone.
		more, _ := generate(t, s, Request{Prompt: append(append([]uint32{}, s.past.Tail...), 'x', 'y'), MaxTokens: 3, PastEnd: true, Sampling: r.Sampling})
		said = append(said, more)
	}
	return said, guessed
}

// Sessions that answer at once say what each says alone; the batch is joined and left on the way.
func TestTogether(t *testing.T) {
	test := func(t *testing.T, o Options, talks, turns int, kinds ...string) {
		o.Chunk, o.AtOnce = 16, 3
		m := speaker(t, testRandom(t), testConfig(kinds...), o)
		source := func(i int) *rand.Rand { return rand.New(rand.NewPCG(*seed, uint64(i))) }
		m.pay.Always = true
		want, guessed := make([][]string, talks), 0
		for i := range want {
			var n int
			want[i], n = converse(t, newSession(t, m), source(i), turns)
			guessed += n
		}
		if guessed == 0 && talks*turns > 3 { // of few there may be none that repeats itself
			t.Error("answers alone took no guesses")
		}
		if batches := counted(m); batches != 0 {
			t.Errorf("answers alone were decoded in %d batches", batches)
		}
		var all sync.WaitGroup
		for i := range want {
			s := newSession(t, m)
			all.Go(func() {
				said, _ := converse(t, s, source(i), turns)
				for j, line := range said {
					if line != want[i][j] {
						t.Errorf("conversation %d among others, part %d: %q, alone %q", i, j, line, want[i][j])
						break
					}
				}
			})
		}
		all.Wait()
		if o.Device == nil && (m.AtOnce() != 3 || counted(m) != 1) {
			t.Errorf("%d at once in %d batches, want 3 in one", m.AtOnce(), counted(m))
		}
	}
	t.Run("samba", func(t *testing.T) { test(t, Options{}, 4, 3, samba().LayerTypes...) })
	t.Run("full attention", func(t *testing.T) { test(t, Options{}, 4, 3, config.FullAttention, config.Mamba) })
	// What runs share on a device is set aside while another one has it.
	t.Run("gpu", func(t *testing.T) {
		test(t, Options{Device: testDevice(t)}, 3, 1, config.Mamba, config.SlidingAttention)
	})
}

// Of layers that carry no state a prompt's last token finds what those below have left it, even where another run had the device meanwhile.
func TestTogetherAfterTail(t *testing.T) {
	folder := filepath.Join(publishedFolders, "phi4flash_a")
	ids, _ := publishedFixture(t, folder)
	m := loadTest(t, disk(folder), Options{Device: testDevice(t), Chunk: 16, AtOnce: 3})
	sample := func(s *Session, i int) []uint32 {
		return sampleTokens(t, s, ids[:18+i], Sampling{Temperature: 1.5, Seed: *seed + uint64(i)}, 8)
	}
	want := make([][]uint32, 3)
	for i := range want {
		want[i] = sample(newSession(t, m), i)
	}
	ctx := context.Background()
	var sessions []*Session
	for i := range want { // all prompts, then all answers
		s := newSession(t, m)
		prefill(t, s, ids[:18+i])
		begin(t, s, Sampling{Temperature: 1.5, Seed: *seed + uint64(i)})
		sessions = append(sessions, s)
	}
	for i, s := range sessions {
		f, err := s.run.Launch(ctx, true, nil)
		if err != nil {
			t.Fatal(err)
		}
		draws, err := f.Wait(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if draws[0].Token != want[i][0] {
			t.Errorf("after prompt %d, with others between, token %d, alone %d", i, draws[0].Token, want[i][0])
		}
	}
}

// counted is how many pools a model has.
func counted(m *Model) int {
	if m.recovery.Now().(*schedule.Together).Pooled() {
		return 1
	}
	return 0
}

// frail is an engine whose device is lost at the n-th of its calls, steps of batches among
// them, or whose batches have room for a number of positions only.
type frail struct {
	machine.Engine
	mu            sync.Mutex
	calls, loseAt int
	most          int // 0: any
}

func (f *frail) call() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.calls++; f.loseAt > 0 && f.calls >= f.loseAt {
		return fmt.Errorf("%w: by the test", gpu.ErrLost)
	}
	return nil
}

func (f *frail) Close() {} // the weights are used again

func (f *frail) NewRun() (machine.Run, error) {
	r, err := f.Engine.NewRun()
	return &frailRun{r, f}, err
}

func (f *frail) NewBatch(places int) (machine.Batch, error) {
	b, err := f.Engine.NewBatch(places)
	return &frailBatch{b, f, make([]int, places)}, err
}

type frailRun struct {
	machine.Run
	on *frail
}

func (r *frailRun) Absorb(ctx context.Context, ids []uint32) error {
	if err := r.on.call(); err != nil {
		return err
	}
	return r.Run.Absorb(ctx, ids)
}

func (r *frailRun) Launch(ctx context.Context, first bool, allowed []uint32) (machine.Flight, error) {
	if err := r.on.call(); err != nil {
		return nil, err
	}
	return r.Run.Launch(ctx, first, allowed)
}

type frailBatch struct {
	machine.Batch
	on        *frail
	positions []int
}

func (b *frailBatch) Join(place int, r machine.Run, d machine.Drawing, pending uint32, drawn int) (int, error) {
	position, err := b.Batch.Join(place, r.(*frailRun).Run, d, pending, drawn)
	b.positions[place] = position
	return position, err
}

func (b *frailBatch) Step(places []int, allowed [][]uint32) (machine.BatchStep, error) {
	if err := b.on.call(); err != nil {
		return nil, err
	}
	for _, place := range places {
		if b.on.most > 0 && b.positions[place] >= b.on.most {
			return nil, &machine.PlaceError{Place: place, Err: machine.ErrNoRoom}
		}
	}
	for _, place := range places {
		b.positions[place]++
	}
	return b.Batch.Step(places, allowed)
}

// A device that is lost under several answers, or a batch that is full for one of them, changes no answer.
func TestTogetherInTrouble(t *testing.T) {
	random := testRandom(t)
	m := talker(t, random, Options{Chunk: 16, AtOnce: 3})
	m.pay.Always = true
	const talks = 3
	source := func(i int) *rand.Rand { return rand.New(rand.NewPCG(*seed, uint64(50+i))) }
	var want [talks][]string
	for i := range want {
		want[i], _ = converse(t, newSession(t, m), source(i), 2)
	}
	plain := schedule.Alone(m.recovery.Now())
	kept := m.recovery
	defer func() { m.recovery = kept }()
	for round := range 6 {
		renewed := 0
		engine := func(loseAt, most int) machine.Engine {
			return schedule.NewTogether(&frail{Engine: plain, loseAt: loseAt, most: most}, &m.company, m.config.VocabSize, func() int { return 3 })
		}
		m.recovery = fresh(kept)
		m.recovery.Renew = func(context.Context) (machine.Engine, error) { renewed++; return engine(0, 0), nil }
		loseAt, most := 1+random.IntN(50), 0
		if round%4 == 0 {
			loseAt, most = 0, 20+random.IntN(60)
		}
		m.recovery.Engine = engine(loseAt, most)
		var all sync.WaitGroup
		for i := range want {
			s := newSession(t, m)
			all.Go(func() {
				said, _ := converse(t, s, source(i), 2)
				for j, line := range said {
					if line != want[i][j] {
						t.Errorf("lost at call %d, room for %d: conversation %d, part %d: %q, alone %q", loseAt, most, i, j, line, want[i][j])
						break
					}
				}
			})
		}
		all.Wait()
		if loseAt > 0 && renewed != 1 {
			t.Errorf("lost at call %d: %d new devices, want 1", loseAt, renewed)
		}
	}
}

// One request that is refused, or whose listener goes, ends alone.
func TestTogetherFailsAlone(t *testing.T) {
	m := talker(t, testRandom(t), Options{Chunk: 16, AtOnce: 2})
	r := Request{Prompt: []uint32{1, 2, 3}, MaxTokens: 30, PastEnd: true, Sampling: Sampling{Temperature: 2, Seed: 7}}
	want, _ := generate(t, newSession(t, m), r)
	gone := errors.New("the listener is gone")
	other := newSession(t, m)
	var b strings.Builder
	_, err := newSession(t, m).Generate(context.Background(), r, func(c Chunk) error {
		if b.Len() == 0 {
			if _, err := other.Generate(context.Background(), r, func(Chunk) error { return gone }); !errors.Is(err, gone) {
				t.Errorf("the other ends with %v", err)
			}
		}
		b.WriteString(c.Text)
		return nil
	})
	if err != nil || b.String() != want {
		t.Errorf("%q (%v), alone %q", b.String(), err, want)
	}
}
