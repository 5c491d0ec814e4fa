package model

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/kernel"
	"github.com/samba-web/samba/gpu/reference"
	"github.com/samba-web/samba/model/config"
	"github.com/samba-web/samba/model/grammar"
	"github.com/samba-web/samba/model/prompt"
	"github.com/samba-web/samba/model/safetensors"
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

// Options say how to load a model. The zero value runs it on the processor.
type Options struct {
	Device     *gpu.Device    // nil: on the processor
	Chunk      int            // tokens that prefill takes at once; 0: as many as suit the device
	OnProgress func(Progress) // may be nil

	// Memory bounds the bytes that weights and a conversation may take; 0: what the machine has.
	Memory int64

	// Try runs the kernels on numbers whose outcome is known, once the model is
	// loaded: Load reports ErrWrong where they compute something else.
	Try bool

	// Reopen opens a device in the place of Device, which was lost; the model
	// then loads itself anew and conversations go on. Nil: a loss ends them.
	Reopen func(ctx context.Context) (*gpu.Device, error)
}

// Model is a loaded model. Its sessions belong to one goroutine at a time, all
// of them together: they share the machine.
type Model struct {
	config    *config.Config
	tokenizer *tokenizer.Tokenizer // nil: ids only
	template  *prompt.Template     // nil: no chat
	defaults  Sampling
	stops     map[uint32]bool // tokens that end a text
	text      []byte          // config.json
	hash      [sha256.Size]byte
	engine    engine
	chunk     int
	weights   int64 // bytes, where the index tells

	vocabulary func() *grammar.Vocabulary // made once, for the first grammar

	onProgress func(Progress)                  // may be nil
	renew      func(ctx context.Context) error // puts an engine on a new device in the lost one's place; nil: that cannot be done
	generation int                             // of the engine: how often it was renewed
	losses     []time.Time                     // within lossWindow
}

// Load reads a model folder. Whatever is wrong with it is one error that names
// the file.
func Load(ctx context.Context, src Source, o Options) (*Model, error) {
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

func load(ctx context.Context, src Source, o Options) (*Model, error) {
	m := &Model{chunk: o.Chunk, onProgress: o.OnProgress}
	m.vocabulary = sync.OnceValue(func() *grammar.Vocabulary {
		return grammar.NewVocabulary(m.config.VocabSize, m.tokenizer.Bytes, slices.Sorted(maps.Keys(m.stops)))
	})
	data, err := src.ReadFile(ctx, "config.json")
	if err != nil {
		return nil, err
	}
	if m.config, err = config.Parse(data); err != nil {
		return nil, err
	}
	if err := m.readText(ctx, src); err != nil {
		return nil, err
	}
	index, err := readIndex(ctx, src)
	if err != nil {
		return nil, err
	}
	m.text = data
	if o.Device == nil {
		if err := m.fits(ctx, index, o); err != nil {
			return nil, err
		}
		s := &cpuStore{weights: map[string]*reference.Weight{}}
		vectors, err := loadWeights(ctx, m.config, src, index, s, o.OnProgress)
		if err != nil {
			return nil, err
		}
		m.identify(src, index, vectors)
		g, err := assemble(m.config, s, vectors, m.ring)
		if err != nil {
			return nil, err
		}
		m.engine = &cpuEngine{config: m.config, store: s, graph: g, chunk: o.Chunk, spare: m.spare(o)}
		return m, nil
	}
	if o.Reopen != nil {
		m.renew = func(ctx context.Context) (err error) {
			if o.Device, err = o.Reopen(ctx); err != nil {
				return err
			}
			return m.onDevice(ctx, src, index, o)
		}
	}
	return m, m.onDevice(ctx, src, index, o)
}

// onDevice loads the weights onto a device.
func (m *Model) onDevice(ctx context.Context, src Source, index *safetensors.Index, o Options) error {
	if err := m.fits(ctx, index, o); err != nil {
		return err
	}
	s := &gpuStore{device: o.Device, weights: map[string]*kernel.Weight{}}
	e, err := m.loadGPU(ctx, src, index, o, s)
	if err != nil {
		s.free()
		return err
	}
	m.engine = e
	return nil
}

// ring is the number of positions that a KV ring needs for a window: room for a
// chunk beside it, and for decode steps that run ahead and may be rewound.
// For full attention it is the number at first.
func (m *Model) ring(window int) int {
	if window == 0 {
		return firstRoom * m.chunk
	}
	return window + max(m.chunk, flightsAhead*maxSteps) + 1
}

func (m *Model) loadGPU(ctx context.Context, src Source, index *safetensors.Index, o Options, s *gpuStore) (engine, error) {
	m.prepare(o.Device)
	vectors, err := loadWeights(ctx, m.config, src, index, s, o.OnProgress)
	if err != nil {
		return nil, err
	}
	m.identify(src, index, vectors)
	if o.OnProgress != nil {
		o.OnProgress(Progress{Phase: PhaseCompile})
	}
	g, err := assemble(m.config, s, vectors, m.ring)
	if err != nil {
		return nil, err
	}
	e, err := newGPUEngine(m.config, o.Device, s, g, o.Chunk)
	if err != nil {
		return nil, err
	}
	e.store, e.spare = s, m.spare(o)
	if err := o.Device.Ready(ctx); err != nil || !o.Try {
		return e, err
	}
	return e, m.trial(ctx, e)
}

// readText reads what turns text into ids and back. Only config.json and the
// weights are required: a model without the rest takes and gives ids.
func (m *Model) readText(ctx context.Context, src Source) error {
	optional := func(name string, parse func([]byte) error) error {
		data, err := src.ReadFile(ctx, name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		return parse(data)
	}
	m.defaults, m.stops = Sampling{Temperature: 0.8, TopP: 0.95, RepetitionPenalty: 1.1}, map[uint32]bool{}
	return errors.Join(
		optional("tokenizer.json", func(data []byte) (err error) {
			m.tokenizer, err = tokenizer.Parse(data)
			if err == nil && m.tokenizer.VocabSize() > m.config.VocabSize {
				return fmt.Errorf("tokenizer.json: %d tokens, but config.json's vocab_size is %d", m.tokenizer.VocabSize(), m.config.VocabSize)
			}
			return err
		}),
		optional("tokenizer_config.json", func(data []byte) (err error) {
			if m.template, err = prompt.ParseConfig(data, nil); err != nil {
				return fmt.Errorf("tokenizer_config.json: %w", err)
			}
			return nil
		}),
		optional("generation_config.json", func(data []byte) error {
			if err := m.parseGeneration(data); err != nil {
				return fmt.Errorf("generation_config.json: %w", err)
			}
			return nil
		}),
	)
}

func (m *Model) parseGeneration(data []byte) error {
	var g struct {
		Temperature       *float64        `json:"temperature"`
		TopP              *float64        `json:"top_p"`
		TopK              *int            `json:"top_k"`
		MinP              *float64        `json:"min_p"`
		RepetitionPenalty *float64        `json:"repetition_penalty"`
		EOS               json.RawMessage `json:"eos_token_id"`
	}
	if err := json.Unmarshal(data, &g); err != nil {
		return err
	}
	for _, field := range []struct {
		to   *float64
		from *float64
	}{{&m.defaults.Temperature, g.Temperature}, {&m.defaults.TopP, g.TopP}, {&m.defaults.MinP, g.MinP}, {&m.defaults.RepetitionPenalty, g.RepetitionPenalty}} {
		if field.from != nil {
			*field.to = *field.from
		}
	}
	if g.TopK != nil {
		m.defaults.TopK = *g.TopK
	}
	if err := m.defaults.Validate(); err != nil {
		return err
	}
	var one uint32
	var many []uint32
	switch {
	case len(g.EOS) == 0 || string(g.EOS) == "null":
	case json.Unmarshal(g.EOS, &one) == nil:
		m.stops[one] = true
	case json.Unmarshal(g.EOS, &many) == nil:
		for _, id := range many {
			m.stops[id] = true
		}
	default:
		return fmt.Errorf("eos_token_id is %.40q, want a token id or a list of them", g.EOS)
	}
	return nil
}

// Config is the model's shape.
func (m *Model) Config() *config.Config { return m.config }

// Tokenizer is nil where the folder has no tokenizer.json.
func (m *Model) Tokenizer() *tokenizer.Tokenizer { return m.tokenizer }

// Template is the chat template, nil where the folder has none.
func (m *Model) Template() *prompt.Template { return m.template }

// Defaults are the sampler settings that the folder recommends.
func (m *Model) Defaults() Sampling { return m.defaults }

// Grammar makes a JSON Schema ready for answers of this model, one at a time.
// Several goroutines may call it. What is wrong with the schema is a
// *grammar.SchemaError.
func (m *Model) Grammar(schema []byte) (*grammar.Grammar, error) {
	if m.tokenizer == nil {
		return nil, errors.New("the model folder has no tokenizer.json, so there is no text to make")
	}
	return grammar.Compile(schema, m.vocabulary())
}

// Close gives back what the model holds on its device. Sessions are closed first.
func (m *Model) Close() { m.engine.close() }

// NewSession starts an empty conversation.
func (m *Model) NewSession() (*Session, error) {
	r, err := m.engine.newRun()
	if err != nil {
		return nil, err
	}
	return &Session{model: m, run: m.lasting(r)}, nil
}
