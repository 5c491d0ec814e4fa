package model

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/reference"
	"github.com/samba-web/samba/model/conversation"
	"github.com/samba-web/samba/model/machine"
)

// harm makes NaN of what a run knows of its past.
func (s *Session) harm(t *testing.T) {
	t.Helper()
	fixed, perToken := s.model.config.StateBytes(false)
	values := make([]float32, (fixed+perToken*int64(s.past.Position))/4)
	for i := range values {
		values[i] = float32(math.NaN())
	}
	if err := s.run.Restore(context.Background(), gpu.BlobOf(machine.FloatBytes(values)), s.past.Position, s.past.Tail); err != nil {
		t.Fatal(err)
	}
}

// A state that holds no numbers ends its answer with a sentence, and not with tokens; the others' answers go on.
func TestNoNumbers(t *testing.T) {
	machines(t, func(t *testing.T, o Options) {
		m := talker(t, testRandom(t), o)
		request := Request{Prompt: []uint32{1, 2, 3}, MaxTokens: 20, PastEnd: true, Sampling: Sampling{Temperature: 1}}
		tokens := 0
		count := func(Chunk) error { tokens++; return nil }
		s := newSession(t, m)
		generate(t, s, request)
		s.harm(t)
		request.Prompt = append(append([]uint32{}, s.past.Tail...), 5, 6)
		if _, err := s.Generate(context.Background(), request, count); !errors.Is(err, machine.ErrNoNumbers) || tokens > 0 {
			t.Errorf("alone: %d tokens, %v", tokens, err)
		}
		if _, err := s.Generate(context.Background(), Request{Prompt: []uint32{9}, MaxTokens: 3, PastEnd: true}, count); err != nil || tokens != 3 {
			t.Errorf("begun again: %d tokens, %v", tokens, err)
		}
		s.harm(t)
		rows := 0
		if err := s.Logits(context.Background(), []uint32{5, 6}, 0, func([]float32) error { rows++; return nil }); !errors.Is(err, machine.ErrNoNumbers) || rows > 0 {
			t.Errorf("logits: %d rows, %v", rows, err)
		}
		p := newPool(t, m, 2)
		var sessions [2]*Session
		errs := make(chan error, 2)
		for i := range sessions {
			var err error
			if sessions[i], err = p.NewSession(); err != nil {
				t.Fatal(err)
			}
			defer sessions[i].Close()
		}
		if err := p.Do(context.Background(), func() error { sessions[0].harm(t); return nil }); err != nil {
			t.Fatal(err)
		}
		for _, s := range sessions {
			go func() {
				// Appended: what begins with no text of the state would clear it.
				_, err := p.Generate(context.Background(), s, Request{Text: "ab", Append: true, MaxTokens: 20, PastEnd: true}, func(Chunk) error { return nil })
				errs <- err
			}()
		}
		failed := 0
		for range sessions {
			if err := <-errs; errors.Is(err, machine.ErrNoNumbers) {
				failed++
			} else if err != nil {
				t.Error(err)
			}
		}
		if failed != 1 {
			t.Errorf("%d of 2 answers ended for want of numbers, want the harmed one", failed)
		}
	})
}

// damage makes a NaN of the first value of the tensors with that ending, which are of fp32.
func (f memory) damage(t *testing.T, ending string) {
	t.Helper()
	found := false
	for name, data := range f {
		if !strings.HasSuffix(name, ".safetensors") {
			continue
		}
		end := 8 + binary.LittleEndian.Uint64(data)
		var tensors map[string]struct {
			Offsets [2]int `json:"data_offsets"`
		}
		if err := json.Unmarshal(data[8:end], &tensors); err != nil {
			t.Fatal(err)
		}
		for tensor, about := range tensors {
			if strings.HasSuffix(tensor, ending) {
				binary.LittleEndian.PutUint32(data[int(end)+about.Offsets[0]:], math.Float32bits(float32(math.NaN())))
				found = true
			}
		}
	}
	if !found {
		t.Fatalf("no tensor ends with %s", ending)
	}
}

// A model whose weights hold no numbers is not ready.
func TestDamagedWeights(t *testing.T) {
	machines(t, func(t *testing.T, o Options) {
		for ending, want := range map[string]string{
			"layers.0.mixer.A_log":          "layers.0.mixer.A_log holds values that are no numbers",
			"layers.0.mixer.in_proj.weight": "the weights are damaged, or were converted wrongly",
		} {
			f := randomModel(t, testRandom(t), samba(), 32)
			f.damage(t, ending)
			if _, err := Load(context.Background(), f, o); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %q", ending, err, want)
			}
		}
	})
}

// A saved state that holds no numbers is refused, and nothing has changed.
func TestDamagedState(t *testing.T) {
	m := talker(t, testRandom(t), Options{})
	s := newSession(t, m)
	prefill(t, s, []uint32{1, 2, 3})
	good := save(t, s)
	s.harm(t)
	bad := save(t, s)
	restore(t, s, good)
	if err := s.Restore(context.Background(), bad); !errors.Is(err, conversation.ErrState) || !strings.Contains(err.Error(), "no numbers") {
		t.Errorf("%v, want that it holds no numbers", err)
	}
	if again := save(t, s); !bytes.Equal(again.Bytes(0, again.Len()), good.Bytes(0, good.Len())) {
		t.Error("the session has changed")
	}
}

// numb is an engine whose flights bring no numbers from the n-th on, as with zeros from a driver that died.
type numb struct {
	machine.Engine
	flights, from int
}

func (n *numb) NewRun() (machine.Run, error) {
	r, err := n.Engine.NewRun()
	return &numbRun{r, n}, err
}

func (n *numb) Close() {}

type numbRun struct {
	machine.Run
	on *numb
}

func (r *numbRun) Launch(ctx context.Context, first bool, allowed []uint32) (machine.Flight, error) {
	f, err := r.Run.Launch(ctx, first, allowed)
	return &numbFlight{f, r.on}, err
}

type numbFlight struct {
	machine.Flight
	on *numb
}

func (f *numbFlight) Wait(ctx context.Context) ([]machine.Draw, error) {
	draws, err := f.Flight.Wait(ctx)
	if f.on.flights++; f.on.from > 0 && f.on.flights >= f.on.from {
		for i := range draws {
			draws[i].Token = reference.NoToken
		}
	}
	return draws, err
}

// Without numbers a model is loaded again, then goes to the processor, then says so; a conversation begun again is tried again.
func TestNumbAnswers(t *testing.T) {
	m := talker(t, testRandom(t), Options{Chunk: 16})
	kept := m.recovery
	defer func() { m.recovery = kept }()
	r := Request{Prompt: []uint32{1, 2, 3}, MaxTokens: 20, PastEnd: true, Sampling: Sampling{Temperature: 1, Seed: 3}}
	want, _ := generate(t, newSession(t, m), r)
	for _, c := range []struct {
		what           string
		renewed, left  int // from which flight on their engines bring no numbers; -1: there is none
		renews, leaves int
		fails          bool
	}{
		{"a driver that failed once", 0, 0, 1, 0, false},
		{"a device that stays so, and a processor", 1, 0, 1, 1, false},
		{"a device that stays so, and no processor", 1, -1, 1, 0, true},
		{"weights that hold none", 1, 1, 1, 1, true},
	} {
		renews, leaves := 0, 0
		engine := func(from int) *numb { return &numb{Engine: kept.Engine, from: from} }
		m.recovery = fresh(kept)
		m.recovery.Engine = engine(9)
		m.recovery.Renew = func(context.Context) (machine.Engine, error) { renews++; return engine(c.renewed), nil }
		if c.left >= 0 {
			m.recovery.Leave = func(context.Context) (machine.Engine, error) { leaves++; return engine(c.left), nil }
		}
		s := newSession(t, m)
		var said strings.Builder
		_, err := s.Generate(context.Background(), r, func(chunk Chunk) error { said.WriteString(chunk.Text); return nil })
		if renews != c.renews || leaves != c.leaves {
			t.Errorf("%s: %d engines on devices and %d on processors, want %d and %d", c.what, renews, leaves, c.renews, c.leaves)
		}
		if c.fails {
			if !errors.Is(err, machine.ErrNoNumbers) || !strings.Contains(err.Error(), "begin a new conversation") {
				t.Errorf("%s: %v, want a sentence", c.what, err)
			}
			if err := s.Reset(); err != nil {
				t.Errorf("%s: cannot begin again: %v", c.what, err)
			}
		} else if err != nil || said.String() != want {
			t.Errorf("%s: %q, %v, undisturbed %q", c.what, said.String(), err, want)
		}
	}
}

// A device that is lost for the third time gives way to the processor where that may go on.
func TestLostToProcessor(t *testing.T) {
	m := talker(t, testRandom(t), Options{})
	var f *flaky
	var renewed int
	defer lose(m, &f, &renewed, 9, 12, 30)()
	left := 0
	inner := f.Engine
	m.recovery.Leave = func(context.Context) (machine.Engine, error) { left++; return &numb{Engine: inner}, nil }
	_, result := generate(t, newSession(t, m), Request{Prompt: []uint32{1, 2, 3}, MaxTokens: 100, PastEnd: true})
	if result.CompletionTokens != 100 || renewed != 2 || left != 1 {
		t.Errorf("%d tokens after %d devices and %d processors, want 100 after 2 and 1", result.CompletionTokens, renewed, left)
	}
}
