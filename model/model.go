package model

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/reference"
	"github.com/samba-web/samba/model/config"
	"github.com/samba-web/samba/model/dialect"
	"github.com/samba-web/samba/model/families"
	"github.com/samba-web/samba/model/folder"
	"github.com/samba-web/samba/model/grammar"
	"github.com/samba-web/samba/model/graph"
	"github.com/samba-web/samba/model/guess"
	"github.com/samba-web/samba/model/machine"
	cpumachine "github.com/samba-web/samba/model/machine/cpu"
	gpumachine "github.com/samba-web/samba/model/machine/gpu"
	"github.com/samba-web/samba/model/packing"
	"github.com/samba-web/samba/model/progress"
	"github.com/samba-web/samba/model/prompt"
	"github.com/samba-web/samba/model/safetensors"
	"github.com/samba-web/samba/model/schedule"
	"github.com/samba-web/samba/model/tokenizer"
)

// DefaultChunk is the number of tokens that prefill takes at once where a chunk
// takes long; GPUs take more, so that every product fills them.
const DefaultChunk = 256

func defaultChunk(d *gpu.Device) int {
	switch {
	case d == nil: // enough to make each weight fp32 once for many; a page hears of a cancel between two chunks
		return DefaultChunk / 4
	case d.Info().Variant.CPU:
		return DefaultChunk
	case d.Info().Limits.MaxBindingSize < 1<<30: // small GPUs
		return 2 * DefaultChunk
	}
	return 4 * DefaultChunk
}

// Progress is how far a long piece of work has come.
type Progress = progress.Progress

// The phases of Progress.
const (
	PhaseDownload = progress.PhaseDownload
	PhasePack     = progress.PhasePack
	PhaseCompile  = progress.PhaseCompile
	PhasePrefill  = progress.PhasePrefill
	PhaseRebuild  = progress.PhaseRebuild
	PhaseBench    = progress.PhaseBench
)

// Options say how to load a model. The zero value runs it on the processor.
type Options struct {
	Device     *gpu.Device    // nil: on the processor
	Chunk      int            // tokens that prefill takes at once; 0: as many as suit the device
	OnProgress func(Progress) // may be nil

	// Bits, 4 or 8, packs unpacked weights as they come, as samba convert would have;
	// see packing.Open. 0: they stay as they are.
	Bits int

	// HalfKeys lets a device keep keys and values in fp16, where the weights are quantized.
	HalfKeys bool

	// Memory bounds the bytes that weights and a conversation may take; 0: what the machine has.
	Memory int64

	// Try runs the kernels on numbers whose outcome is known, while the weights
	// arrive: Load reports gpu.ErrWrong where they compute something else.
	Try bool

	// Threads bounds those that compute on the processor in a browser, where pages that are alone with
	// their origin may have several; 0: as many as suit. Natively there are as many as processors.
	Threads int

	// AtOnce is how many sessions answer at once at most, each in a goroutine of its own; 0
	// or 1: sessions belong to one goroutine at a time, all of them together. See Model.AtOnce.
	AtOnce int

	// Reopen opens a device in the place of Device, which was lost; the model
	// then loads itself again and conversations go on. Nil: a loss ends them.
	Reopen func(ctx context.Context) (*gpu.Device, error)

	// Left hears that the processor goes on from now, because devices fail: Device, or
	// what Reopen opened last, is of no use any more. Nil: it may not.
	Left func()
}

// halves tells whether the machine that a model is loaded on keeps its keys and values in fp16.
func (o Options) halves(c *config.Config) bool {
	return o.HalfKeys && o.Device != nil && c.HalfKeys()
}

// Model is a loaded model. Its sessions belong to one goroutine at a time, all
// of them together, for they share the machine; with Options.AtOnce each by itself.
type Model struct {
	config    *config.Config
	published *families.Model      // where the folder's tensors go
	tokenizer *tokenizer.Tokenizer // nil: ids only
	template  *prompt.Template     // nil: no chat
	dialect   dialect.Dialect      // of the template
	defaults  Sampling
	stops     map[uint32]bool // tokens that end a text
	tried     bool            // see Tried
	text      []byte          // config.json
	hash      [sha256.Size]byte
	recovery  *schedule.Recovery // has the engine
	chunk     int
	weights   int64 // bytes, where the index tells
	pay       guess.Pay

	company schedule.Company // of the answers that are being written
	halves  atomic.Bool      // the machine keeps keys and values in fp16
	atOnce  func() int       // made once; see AtOnce

	vocabulary func() *grammar.Vocabulary // made once, for the first grammar
}

// Load reads a model folder. Whatever is wrong with it is one error that names
// the file.
func Load(ctx context.Context, src folder.Source, o Options) (*Model, error) {
	if o.Chunk == 0 {
		o.Chunk = defaultChunk(o.Device)
	}
	if o.Chunk < 1 || o.Chunk > 4096 {
		return nil, fmt.Errorf("chunk is %d, want 1 to 4096", o.Chunk)
	}
	m, err := load(ctx, src, o)
	if err != nil {
		return nil, fmt.Errorf("model %s: %w", src, err)
	}
	return m, nil
}

func load(ctx context.Context, src folder.Source, o Options) (_ *Model, err error) {
	if o.Bits != 0 {
		if src, err = packing.Open(ctx, src, o.Bits); err != nil {
			return nil, err
		}
	}
	m := &Model{chunk: o.Chunk}
	m.vocabulary = sync.OnceValue(func() *grammar.Vocabulary {
		marks := []grammar.Mark{}
		for id, text := range m.shown(true) {
			marks = append(marks, grammar.Mark{Text: text, ID: id})
		}
		return grammar.NewVocabulary(m.config.VocabSize, m.tokenizer.Bytes, slices.Sorted(maps.Keys(m.stops)), marks...)
	})
	data, err := src.ReadFile(ctx, "config.json")
	if err != nil {
		return nil, err
	}
	published, err := families.Parse(data)
	if err != nil {
		return nil, err
	}
	m.published, m.config = published, published.Config
	if err := graph.Supports(m.config); err != nil {
		return nil, fmt.Errorf("config.json: %w", err)
	}
	if err := m.readText(ctx, src, data); err != nil {
		return nil, err
	}
	index, err := folder.ReadIndex(ctx, src)
	if err != nil {
		return nil, err
	}
	m.text = data
	m.atOnce = sync.OnceValue(func() int { return m.roomFor(o) })
	open := func(ctx context.Context) (machine.Engine, error) {
		e, err := m.open(ctx, src, index, o)
		if err != nil || o.AtOnce < 2 {
			return e, err
		}
		return schedule.NewTogether(e, &m.company, m.config.VocabSize, m.atOnce), nil
	}
	m.halves.Store(o.halves(m.config))
	m.recovery = &schedule.Recovery{Vocab: m.config.VocabSize, StateBytes: m.copiedBytes(), OnProgress: o.OnProgress, Limits: schedule.DefaultLimits}
	if m.recovery.Engine, err = open(ctx); err != nil {
		return nil, err
	}
	if o.Device != nil && o.Reopen != nil {
		m.recovery.Renew = func(ctx context.Context) (_ machine.Engine, err error) {
			if o.Device, err = o.Reopen(ctx); err != nil {
				return nil, err
			}
			return open(ctx)
		}
		if o.Left != nil {
			m.recovery.Leave = func(ctx context.Context) (machine.Engine, error) {
				o.Device = nil
				o.Left()
				return open(ctx)
			}
		}
	}
	if err := m.probe(ctx); err != nil {
		m.Close()
		return nil, err
	}
	return m, nil
}

// probe draws a token: a model whose weights hold no numbers is not ready.
func (m *Model) probe(ctx context.Context) error {
	r, err := m.recovery.Engine.NewRun()
	if err != nil {
		return err
	}
	defer r.Close()
	if err := r.Absorb(ctx, []uint32{0}); err != nil {
		return err
	}
	if err := r.Begin(machine.Drawing{Sampling: reference.Sampling{TopP: 1, Repetition: 1}}); err != nil {
		return err
	}
	f, err := r.Launch(ctx, true, nil)
	if err != nil {
		return err
	}
	draws, err := f.Wait(ctx)
	if err == nil {
		err = machine.Sound(draws)
	}
	if errors.Is(err, machine.ErrNoNumbers) {
		return fmt.Errorf("the weights are damaged, or were converted wrongly: from the first token on %w", err)
	}
	return err
}

// open loads the weights onto the machine.
func (m *Model) open(ctx context.Context, src folder.Source, index *safetensors.Index, o Options) (machine.Engine, error) {
	m.halves.Store(o.halves(m.config))
	if err := m.fits(ctx, index, o); err != nil {
		return nil, err
	}
	// A processor that plays a GPU takes seconds to compile kernels, and as long for each row of a step.
	m.pay.Never = o.Device != nil && o.Device.Info().Variant.CPU
	if o.Device == nil {
		s := cpumachine.NewStore(o.Threads)
		e, err := m.openCPU(ctx, src, index, o, s)
		if err != nil {
			s.Free()
			return nil, err
		}
		return e, nil
	}
	s := gpumachine.NewStore(o.Device)
	e, err := m.openGPU(ctx, src, index, o, s)
	if err != nil {
		s.Free()
		return nil, err
	}
	return e, nil
}

func (m *Model) openCPU(ctx context.Context, src folder.Source, index *safetensors.Index, o Options, s *cpumachine.Store) (machine.Engine, error) {
	vectors, err := folder.Load(ctx, m.published, src, index, s, o.OnProgress)
	if err != nil {
		return nil, err
	}
	m.identify(src, index, vectors)
	return cpumachine.NewEngine(m.config, s, vectors, o.Chunk, m.spare(o))
}

func (m *Model) openGPU(ctx context.Context, src folder.Source, index *safetensors.Index, o Options, s *gpumachine.Store) (machine.Engine, error) {
	halves := m.halves.Load()
	gpumachine.Prepare(o.Device, m.config, m.chunk, halves)
	var vectors map[string][]float32
	load := func(ctx context.Context, to gpumachine.Loading) (err error) {
		if vectors, err = folder.Load(ctx, m.published, src, index, to, o.OnProgress); err == nil && o.OnProgress != nil {
			o.OnProgress(Progress{Phase: PhaseCompile})
		}
		return err
	}
	var err error
	if m.tried = false; o.Try {
		m.tried, err = gpumachine.TryBeside(ctx, m.config, s, o.Chunk, halves, m.weightBytes()+m.stateSize(o.Device), load)
	} else {
		err = load(ctx, s)
	}
	if err != nil {
		return nil, err
	}
	m.identify(src, index, vectors)
	e, err := gpumachine.NewEngine(m.config, s, vectors, o.Chunk, halves, m.spare(o))
	if err != nil {
		return nil, err
	}
	if err := o.Device.Ready(ctx); err != nil || !o.Try || m.tried {
		return e, err
	}
	err = e.Try(ctx)
	if m.tried = err == nil; errors.Is(err, gpumachine.ErrUntried) {
		err = nil
	}
	return e, err
}

// Tried says whether the device's kernels have passed their self-test: it is
// asked for by Options, and left out where the device is too full for it.
func (m *Model) Tried() bool { return m.tried }

// Config is the model's shape.
func (m *Model) Config() *config.Config { return m.config }

// Tokenizer is nil where the folder has no tokenizer.json.
func (m *Model) Tokenizer() *tokenizer.Tokenizer { return m.tokenizer }

// Template is the chat template, nil where the folder has none.
func (m *Model) Template() *prompt.Template { return m.template }

// Defaults are the sampler settings that the folder recommends.
func (m *Model) Defaults() Sampling { return m.defaults }

// Dialect is how the model writes thoughts and calls of tools.
func (m *Model) Dialect() dialect.Dialect { return m.dialect }

// Grammar makes what an answer may be ready for this model, for one answer at a
// time. Several goroutines may call it. What is wrong with a schema is a
// *grammar.SchemaError.
func (m *Model) Grammar(answer grammar.Answer) (*grammar.Grammar, error) {
	if m.tokenizer == nil {
		return nil, errNoTokenizer
	}
	return grammar.Compile(answer, m.vocabulary())
}

// shown are the control tokens that are marks of the model's dialect.
func (m *Model) shown(marks bool) map[uint32]string {
	out := map[uint32]string{}
	if marks && m.tokenizer != nil {
		for _, text := range m.dialect.Marks() {
			if id, ok := m.tokenizer.ID(text); ok && m.tokenizer.IsSpecial(id) && !m.stops[id] {
				out[id] = text
			}
		}
	}
	return out
}

// Chunk is the number of tokens that prefill takes at once.
func (m *Model) Chunk() int { return m.chunk }

// Stored tells how a linear weight is kept: bits of a weight, and how many share a
// scale and a bias of 16 bits each, 0 without such groups.
func (m *Model) Stored(name string) (bits, group int) { return m.recovery.Now().Stored(name) }

// Allocated is how many bytes the model and its sessions have on the device; 0 in plain Go.
func (m *Model) Allocated() int64 { return m.recovery.Now().Allocated() }

// Close gives back what the model holds on its device. Sessions are closed first.
func (m *Model) Close() { m.recovery.Now().Close() }

// AtOnce is how many sessions may answer at once: as many as Options say, or as the
// machine has room for. It is found out when it is first asked.
func (m *Model) AtOnce() int { return m.atOnce() }

// NewSession starts an empty conversation.
func (m *Model) NewSession() (*Session, error) {
	r, err := m.recovery.NewRun()
	if err != nil {
		return nil, err
	}
	return &Session{model: m, run: r, guess: guess.NewText()}, nil
}
