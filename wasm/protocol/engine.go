package protocol

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math"
	"math/rand/v2"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/cpu"
	"github.com/samba-web/samba/gpu/reference"
	"github.com/samba-web/samba/model"
	"github.com/samba-web/samba/model/config"
	"github.com/samba-web/samba/model/conversation"
	"github.com/samba-web/samba/model/dialect"
	"github.com/samba-web/samba/model/folder"
	"github.com/samba-web/samba/model/grammar"
	"github.com/samba-web/samba/model/sampling"
	"github.com/samba-web/samba/model/tokenizer"
)

// Where a model may compute.
const (
	BackendAuto   = "auto"   // WebGPU where that is right and quicker, else the processor
	BackendWebGPU = "webgpu" // the fastest GPU that the home has
	BackendCPU    = "cpu"    // the processor
	BackendRemote = "remote" // at a server, which has loaded its model
)

// maxWaiting is how many requests a client may have that are not finished, beside one.
const maxWaiting = 64

// Home is the place that an engine runs in: a worker in a page, or a process.
type Home interface {
	// Source opens the model folder at an address.
	Source(url string) (folder.Source, error)
	// Device opens a GPU.
	Device(ctx context.Context) (*gpu.Device, error)
}

// Measurer is a home whose engine measures. Those of visitors do not: they would download what they never use.
type Measurer interface {
	// Bench measures short runs of a session, which is reset.
	Bench(ctx context.Context, s *model.Session, m *Bench, onProgress func(model.Progress)) (*Benched, error)
	// LongRun measures a long one in sessions of its own, and hands on where it stands.
	LongRun(ctx context.Context, m *model.Model, r *LongRun, onProgress func(model.Progress), onLap func(*Lapped) error) error
}

// Engine serves one client: it keeps the model and the conversation's state.
// Its zero value with a Home, or with what it shares, is ready.
type Engine struct {
	Home   Home
	Shared *Shared // nil: the client loads a model for itself

	conn    Conn
	model   *model.Model
	session *model.Session // of a client that is lent one
	device  *gpu.Device    // nil on the CPU
	variant *gpu.Variant   // what the device is treated as; nil: what it says it is
	reason  string         // why the model is where it is, where there was a choice

	mu      sync.Mutex
	pending map[uint32]context.CancelFunc // requests that run or wait, by id
	working map[uint32]bool               // those that run, which hear what the machine does
	came    uint64                        // requests so far
	line    line
	seats   seats
	held    map[uint32]*held // sessions, by number; 0 is the first
	asked   string           // what the grammar is of that was asked for last
	grammar *grammar.Grammar // nil: none, or an answer has it
}

// job is a request on its way.
type job struct {
	ctx     context.Context
	id      uint32
	request Message
	frame   Frame         // that it came in
	state   gpu.Blob      // goes with the answer
	number  uint64        // in the order in which they came
	after   []*job        // those that end before it begins
	seats   bool          // it needs a seat
	seated  chan struct{} // closed when it gets the seat that it waits for
	done    chan struct{} // closed when it has ended
}

// Serve answers the client's messages until it goes away or ctx ends, then
// gives back all that the engine held. It returns nil when the client left.
func (e *Engine) Serve(ctx context.Context, conn Conn) error {
	ctx, stop := context.WithCancel(ctx)
	e.conn, e.pending, e.working = conn, map[uint32]context.CancelFunc{}, map[uint32]bool{}
	if e.Shared != nil {
		e.model = e.Shared.Model
	}
	var all sync.WaitGroup
	err := e.receive(ctx, &all)
	stop()
	all.Wait()
	e.unload()
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// receive begins requests and carries out cancels until the connection ends.
func (e *Engine) receive(ctx context.Context, all *sync.WaitGroup) error {
	for {
		frame, err := e.conn.Receive(ctx)
		if err != nil {
			return err
		}
		id, request, err := DecodeRequest(frame)
		if err != nil {
			if err := e.fail(id, fault{CodeBadRequest, err}); err != nil {
				return err
			}
			continue
		}
		switch r := request.(type) {
		case *Cancel:
			e.cancel(r.Target)
			continue
		case *Ping:
			if err := e.send(id, &Pong{}, nil); err != nil {
				return err
			}
			continue
		}
		j, err := e.enqueue(ctx, id, request, frame)
		if err == nil {
			all.Go(func() { e.run(j) })
		} else {
			if err := e.fail(id, fault{CodeBadRequest, err}); err != nil {
				return err
			}
		}
	}
}

func (e *Engine) enqueue(ctx context.Context, id uint32, request Message, frame Frame) (*job, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, taken := e.pending[id]; taken {
		return nil, fmt.Errorf("message %s: id %d belongs to a request that is not finished yet", request.Type(), id)
	}
	if len(e.pending) > maxWaiting {
		return nil, fmt.Errorf("message %s: %d requests are waiting already", request.Type(), maxWaiting)
	}
	j := &job{id: id, request: request, frame: frame, number: e.came, done: make(chan struct{})}
	e.came++
	j.ctx, e.pending[id] = context.WithCancel(ctx)
	needs, sessions := e.needs(request)
	e.line.join(j, needs, sessions)
	switch request.(type) {
	case *Generate, *Absorb:
		j.seats = e.Shared == nil
	}
	return j, nil
}

func (e *Engine) cancel(id uint32) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if cancel := e.pending[id]; cancel != nil {
		cancel()
	}
}

// run serves one request, when it is its turn, and sends the one message that ends it.
func (e *Engine) run(j *job) {
	defer e.end(j)
	answer, err := e.inTurn(j)
	// The id is free again before its last message is out: a client may use it at once.
	e.mu.Lock()
	e.pending[j.id]()
	delete(e.pending, j.id)
	delete(e.working, j.id)
	e.mu.Unlock()
	if err != nil {
		e.fail(j.id, err)
		return
	}
	frame, err := encodeBlob(j.id, answer, j.state)
	if err == nil {
		e.conn.Send(frame)
	}
}

func (e *Engine) inTurn(j *job) (Message, error) {
	if err := j.wait(); err != nil {
		return e.notBegun(j.request)
	}
	if j.seats && e.model != nil {
		if err := e.sit(j); err != nil {
			return e.notBegun(j.request)
		}
		defer e.stand()
	}
	e.mu.Lock()
	e.working[j.id] = true
	e.mu.Unlock()
	answer, err := e.serve(j)
	if needs, sessions := e.needs(j.request); needs == takesSession {
		e.note(sessions)
	}
	return answer, err
}

func (e *Engine) serve(j *job) (answer Message, err error) {
	// A fault in the engine ends one request with an error, not everybody's page.
	defer func() {
		if r := recover(); r != nil {
			err = fault{CodeInternal, fmt.Errorf("the engine failed at %s: %v", j.request.Type(), r)}
		}
	}()
	if e.Shared != nil {
		if answer, err = e.borrow(*j); answer != nil || err != nil {
			return answer, err
		}
	}
	if load, ok := j.request.(*Load); ok {
		return e.load(j.ctx, j.id, load)
	}
	if e.model == nil {
		return nil, fault{CodeNotLoaded, fmt.Errorf("%s: no model is loaded, send load first", j.request.Type())}
	}
	switch request := j.request.(type) {
	case *Generate:
		return e.generate(j, request)
	case *Logits:
		return e.logits(j.ctx, j.id, request)
	case *Score:
		return e.score(j.ctx, j.id, request)
	case *Tokenize:
		return e.tokenize(j.ctx, request)
	case *Detokenize:
		return e.detokenize(request)
	case *Bench:
		return e.bench(j.ctx, j.id, request)
	case *LongRun:
		return e.longRun(j.ctx, j.id, request)
	case *Absorb:
		return e.absorb(j.ctx, j.id, request)
	case *Save:
		return e.save(j, request)
	case *Restore:
		return e.restore(j.ctx, request, j.frame.attachment())
	case *Reset:
		return e.reset(j.ctx, request)
	case *Fork:
		return e.fork(request)
	case *Drop:
		return e.drop(request)
	}
	return nil, fmt.Errorf("no handler for %s", j.request.Type())
}

func (e *Engine) unload() {
	if e.Shared != nil { // whose all of it is
		return
	}
	for _, h := range e.held {
		h.session.Close()
	}
	if e.model != nil {
		e.model.Close()
	}
	if e.device != nil {
		e.device.Close()
	}
	e.held, e.model, e.device, e.grammar = nil, nil, nil, nil
}

// first is the session that there is always.
func (e *Engine) first() *model.Session {
	if e.Shared != nil {
		return e.session
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.held[0].session
}

func (e *Engine) load(ctx context.Context, id uint32, m *Load) (_ Message, err error) {
	e.unload()
	defer func() {
		if err != nil {
			e.unload()
		}
	}()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if m.Bits != 0 && m.Bits != 4 && m.Bits != 8 {
		return nil, fault{CodeBadRequest, fmt.Errorf("load: bits is %d, want 4 or 8, or none to take the weights as they are", m.Bits)}
	}
	source, err := e.Home.Source(m.URL)
	if err != nil {
		return nil, err
	}
	// The device comes next: without one nothing need be downloaded.
	e.variant, e.reason = nil, ""
	switch m.Backend {
	case BackendCPU:
	case BackendAuto:
		help := cpu.Hire(m.Threads) // those that the model would have: it has them, if it is the processor's
		defer help.Dismiss()
		e.device, e.reason, err = e.choose(ctx, help)
	default:
		e.device, err = e.Home.Device(ctx)
	}
	if err != nil {
		return nil, err
	}
	chosen := m.Backend == BackendAuto && e.device != nil
	err = e.loadModel(ctx, source, m, chosen)
	if chosen && fallsBack(ctx, err) {
		e.unload()
		e.reason = notUsed(err.Error())
		err = e.loadModel(ctx, source, m, false)
	}
	if err != nil {
		return nil, ofModel(withReason(err, e.reason))
	}
	session, err := e.model.NewSession()
	if err != nil {
		return nil, ofModel(err)
	}
	e.keep(0, session)
	if chosen && e.device != nil {
		outcome := "kernels passed their self-test"
		if !e.model.Tried() {
			outcome = "kernels were not tested, for the GPU has no room for that beside the model"
		}
		if e.reason == "" {
			e.reason = "WebGPU's " + outcome
		} else {
			e.reason += "; its " + outcome
		}
	}
	return e.ready(m.URL), nil
}

// loadModel loads a model onto the device, or for the processor where there is none.
func (e *Engine) loadModel(ctx context.Context, source folder.Source, m *Load, try bool) (err error) {
	options := model.Options{Device: e.device, Bits: m.Bits, Threads: m.Threads, Try: try, AtOnce: maxAtOnce, Reopen: e.reopen, OnProgress: e.tell}
	options.HalfKeys = runtime.GOOS == "js" // natively, logits are held to 1e-4 of their spread
	if try {                                // the machine was left to choose
		options.Left = func() {
			if e.device != nil {
				e.device.Close()
			}
			e.device, e.reason = nil, notUsed("it failed")
		}
	}
	if try {
		// What a driver's fault makes of the engine is no reason to end here.
		defer func() {
			if r := recover(); r != nil {
				err = fmt.Errorf("the engine failed at it: %v", r)
			}
		}()
	}
	for losses := 1; ; losses++ {
		e.model, err = model.Load(ctx, source, options)
		if !errors.Is(err, gpu.ErrLost) || losses == maxLoadLosses {
			return err
		}
		if options.Device, err = e.reopen(ctx); err != nil {
			return err
		}
	}
}

// tell lets all who wait for the machine know what it does.
func (e *Engine) tell(p model.Progress) {
	e.mu.Lock()
	all := slices.Sorted(maps.Keys(e.working))
	e.mu.Unlock()
	for _, id := range all {
		e.send(id, progressOf(p), nil)
	}
}

func progressOf(p model.Progress) *Progress {
	return &Progress{
		Phase: p.Phase, Loaded: p.Loaded, Total: p.Total, Rate: p.Rate, SecondsLeft: p.SecondsLeft,
		Shard: p.Shard, Shards: p.Shards, File: p.File, Note: p.Note,
	}
}

// maxLoadLosses is how often a device may be lost while one model loads.
const maxLoadLosses = 3

// reopen opens a device in the place of one that was lost.
func (e *Engine) reopen(ctx context.Context) (*gpu.Device, error) {
	if e.device != nil {
		e.device.Close()
		e.device = nil
	}
	// A browser whose GPU process has just died finds no adapter for a moment.
	for pause := 100 * time.Millisecond; ; pause *= 2 {
		device, err := e.Home.Device(ctx)
		if err == nil || !errors.Is(err, gpu.ErrNoAdapter) || pause > 3*time.Second {
			if e.device = device; e.variant != nil && device != nil {
				device.Treat(*e.variant)
			}
			return device, err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// ofModel blames the model's files for an error of loading that says nothing else of its kind.
func ofModel(err error) error {
	if CodeOf(err) == CodeInternal {
		return fault{CodeBadModel, err}
	}
	return err
}

func (e *Engine) ready(url string) *Ready {
	c := e.model.Config()
	r := &Ready{
		Model: folderName(url), Layers: c.NumHiddenLayers, HiddenSize: c.HiddenSize, VocabSize: c.VocabSize,
		Chat: e.model.Template() != nil, Tools: e.model.Dialect().Calls(), Thinks: e.model.Dialect().Thinks, Backend: BackendCPU, Adapter: cpu.About(), Reason: e.reasonSentence(),
		StateBytes: e.first().StateBytes(), SavedBytes: e.model.StateSize(0), StateBytesPerToken: e.model.StateBytesPerToken(), Hash: e.model.Hash(), Parameters: c.Parameters(),
	}
	d := e.model.Defaults()
	r.Sampling = Defaults{
		MaxTokens: sampling.DefaultTokens, Temperature: d.Temperature, TopP: sampling.OrOff("top_p", d.TopP), TopK: d.TopK, MinP: d.MinP,
		RepetitionPenalty: sampling.OrOff("repetition_penalty", d.RepetitionPenalty),
	}
	if c.Has(config.SlidingAttention) {
		r.SlidingWindow = c.SlidingWindow
	}
	if c.Has(config.SlidingAttention) || c.Has(config.FullAttention) || c.Has(config.Mamba2Attention) {
		r.KVHeads, r.HeadDim = c.NumKVHeads, c.HeadDim
	}
	if c.Quantization != nil {
		r.Bits = c.Quantization.Bits
	}
	if e.device != nil {
		about := e.device.Info()
		r.Backend, r.Features = about.Backend, about.Features
		r.Adapter = about.Name
		if !strings.Contains(strings.ToLower(about.Name), strings.ToLower(about.Vendor)) {
			r.Adapter = strings.TrimSpace(about.Vendor + " " + about.Name)
		}
	}
	return r
}

// ofSchema blames the request for what is wrong with its schema.
func ofSchema(err error) error {
	var s *grammar.SchemaError
	if errors.As(err, &s) {
		return fault{CodeBadRequest, fieldError{s.Path, " " + s.Text}}
	}
	return err
}

// folderName is the last part of a model folder's address, its name.
func folderName(url string) string {
	url, _, _ = strings.Cut(url, "?")
	return path.Base(strings.TrimRight(url, "/"))
}

func (e *Engine) generate(j *job, m *Generate) (_ Message, err error) {
	ctx, id := j.ctx, j.id
	plan, err := e.plan(m)
	if err != nil {
		return nil, err
	}
	text, err := e.prompt(ctx, "generate", plan, m.Messages, m.Prompt, m.ControlTokens, true)
	if err == nil && m.Open {
		text, err = e.unfinished(ctx, plan, m.Messages)
	}
	if err == nil && m.Suffix != "" {
		text, err = e.fillIn(text, m)
	}
	if err != nil {
		return nil, err
	}
	vocab := e.model.Config().VocabSize
	for token := range m.LogitBias {
		if int64(token) >= int64(vocab) {
			return nil, fault{CodeBadRequest, wrong(fmt.Sprintf("logit_bias[%d]", token), " is no token: the vocabulary has %d", vocab)}
		}
	}
	settings := e.model.Defaults().With(m.Settings)
	if m.Seed == nil {
		settings.Seed = rand.Uint64() & maxSeed
	}
	request := model.Request{
		Text: text, Begin: len(m.Messages) == 0, MaxTokens: sampling.DefaultTokens, Sampling: settings, Stop: m.Stop,
		OnPrefill: e.reading(id),
	}
	set(&request.MaxTokens, m.MaxTokens)
	set(&request.Choices, m.N)
	set(&request.TopLogprobs, m.TopLogprobs)
	request.Logprobs = m.TopLogprobs != nil
	request.Marks = len(m.Messages) > 0
	g, done, err := e.grammarOf(plan, m, text)
	if err != nil {
		return nil, ofSchema(err)
	}
	defer done()
	request.Grammar = g
	if e.Shared != nil { // all that is wrong with a request is said before it waits for a place
		if err := e.Shared.limit(&request, m.MaxTokens); err != nil {
			return nil, err
		}
		if err := e.admit(ctx, id, text, m.Messages); err != nil {
			return nil, err
		}
	}
	session, give, err := e.take(j, m.Session)
	if err != nil {
		return nil, err
	}
	defer func() {
		if r := recover(); r != nil { // serve answers for it; the state is not one to go on from
			give(fmt.Errorf("%v", r))
			panic(r)
		}
		give(err)
	}()
	if request.Append = m.Append; m.Append {
		if session.Position() == 0 {
			return nil, fault{CodeBadState, errors.New("append: there is nothing to go on from, the state is empty: send the whole conversation")}
		}
		if len(m.Messages) > 0 {
			if request.Text, err = e.nextTurns(ctx, plan, m.Messages); err != nil {
				return nil, err
			}
		}
	}
	said := newSpeech(plan, m, request.Text, session.Position())
	generate := session.Generate
	if e.Shared != nil {
		generate = func(ctx context.Context, r model.Request, emit func(model.Chunk) error) (model.Result, error) {
			return e.Shared.Turns.Generate(ctx, session, r, emit)
		}
	}
	result, err := generate(ctx, request, func(c model.Chunk) error {
		piece := &Text{Text: c.Text, Tokens: c.Tokens, Choice: c.Choice, FinishReason: c.FinishReason}
		said.part(piece)
		for _, l := range c.Logprobs {
			token := TokenLogprob{Logprob: e.logprob(l.Logprob), Top: []Logprob{}}
			for _, other := range l.Top {
				token.Top = append(token.Top, e.logprob(other))
			}
			piece.Logprobs = append(piece.Logprobs, token)
		}
		return e.send(id, piece, nil)
	})
	if err != nil {
		return nil, ofPrompt(ofSchema(err))
	}
	answer := ended(session, &result)
	said.finish(answer)
	return answer, nil
}

// reading tells a client how much of a prompt has been read.
func (e *Engine) reading(id uint32) func(done, total int) {
	return func(done, total int) {
		e.send(id, &Progress{Phase: model.PhasePrefill, Loaded: int64(done), Total: int64(total)}, nil)
	}
}

func ended(s *model.Session, r *model.Result) *Done {
	return &Done{
		FinishReason: r.FinishReason,
		Usage: Usage{
			PromptTokens: r.PromptTokens, PrefilledTokens: r.PrefilledTokens,
			CompletionTokens: r.CompletionTokens, TotalTokens: r.PromptTokens + r.CompletionTokens,
		},
		Timings:  Timings{Prefill: r.PrefillSeconds, FirstToken: r.FirstTokenSeconds, Decode: r.DecodeSeconds, GuessedSteps: r.Guessed.Steps, GuessedRows: r.Guessed.Rows, GuessedTokens: r.Guessed.Tokens},
		Position: s.Position(), StateBytes: s.StateBytes(),
	}
}

func (e *Engine) logprob(l reference.Logprob) Logprob {
	bytes := []int{}
	for _, b := range e.model.Tokenizer().Bytes(l.Token) {
		bytes = append(bytes, int(b))
	}
	// JSON has no infinity: -9999, as OpenAI's API has it.
	return Logprob{ID: l.Token, Bytes: bytes, Logprob: max(float64(l.Value), -9999)}
}

// prompt is the text that the model is to read: a conversation rendered, up to
// where the answer begins if it is to answer.
func (e *Engine) prompt(ctx context.Context, asked string, plan *dialect.Plan, messages []ChatMessage, text string, controlTokens, answer bool) (tokenizer.Prompt, error) {
	t, err := e.tokenizer(asked)
	switch {
	case err != nil:
		return "", err
	case len(messages) > 0:
		return e.render(ctx, plan, messages, answer)
	case controlTokens:
		return t.Markup(text), nil
	}
	return tokenizer.Text(text), nil
}

// fillIn asks for what is between a prompt and a suffix.
func (e *Engine) fillIn(before tokenizer.Prompt, m *Generate) (tokenizer.Prompt, error) {
	t := e.model.Tokenizer()
	after := tokenizer.Text(m.Suffix)
	if m.ControlTokens {
		after = t.Markup(m.Suffix)
	}
	text, ok := t.FillIn(before, after)
	if !ok {
		return "", fault{CodeBadRequest, wrong("suffix", " is not possible with this model: it was not made to fill a gap, its tokenizer has no tokens such as <|fim_middle|>; leave it out, and the prompt is continued")}
	}
	return text, nil
}

// ofPrompt blames the request for a prompt without tokens.
func ofPrompt(err error) error {
	if errors.Is(err, model.ErrNoTokens) {
		return fault{CodeBadRequest, err}
	}
	return err
}

func (e *Engine) tokenizer(asked string) (*tokenizer.Tokenizer, error) {
	if t := e.model.Tokenizer(); t != nil {
		return t, nil
	}
	return nil, fault{CodeBadModel, fmt.Errorf("%s: the model folder has no tokenizer.json, so it takes no text: copy the original's tokenizer.json and tokenizer_config.json into it", asked)}
}

// render writes messages as the model's chat template has them. Its control
// tokens are the template's own: those that a message spells are text.
func (e *Engine) render(ctx context.Context, plan *dialect.Plan, messages []ChatMessage, answer bool) (tokenizer.Prompt, error) {
	template := e.model.Template()
	if template == nil {
		return "", fault{CodeBadRequest, wrong("messages", " cannot be rendered: the model has no chat template, send a text to continue instead")}
	}
	conversation, err := plan.Conversation(turnsOf(messages), answer)
	if err != nil {
		return "", ofDialect(err)
	}
	text, err := template.Render(ctx, conversation)
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if err != nil {
		return "", fault{CodeBadRequest, wrong("messages", " do not fit the model's %v", err)}
	}
	return e.model.Tokenizer().Prompt(text.Pieces()), nil
}

func (e *Engine) tokenize(ctx context.Context, m *Tokenize) (Message, error) {
	plan, err := e.planOf(m.TemplateOptions)
	if err != nil {
		return nil, err
	}
	text, err := e.prompt(ctx, "tokenize", plan, m.Messages, m.Text, m.ControlTokens, true)
	if err != nil {
		return nil, err
	}
	if e.Shared != nil {
		leave, err := cutting(ctx)
		if err != nil {
			return nil, err
		}
		defer leave()
	}
	ids := e.model.Tokenizer().EncodePrompt(text, false) // the template writes the special tokens itself
	if len(m.Messages) == 0 {
		return &Tokens{IDs: ids, Text: m.Text}, nil
	}
	return &Tokens{IDs: ids, Text: e.model.Tokenizer().Decode(ids, false)}, nil
}

func (e *Engine) detokenize(m *Detokenize) (Message, error) {
	tokenizer, err := e.tokenizer("detokenize")
	if err != nil {
		return nil, err
	}
	for i, id := range m.IDs {
		if _, ok := tokenizer.Token(id); !ok {
			return nil, fault{CodeBadRequest, wrong(fmt.Sprintf("ids[%d]", i), " is %d, which is no token of this model", id)}
		}
	}
	return &Tokens{IDs: append([]uint32{}, m.IDs...), Text: tokenizer.Decode(m.IDs, false)}, nil
}

func set[T any](field *T, value *T) {
	if value != nil {
		*field = *value
	}
}

func (e *Engine) logits(ctx context.Context, id uint32, m *Logits) (Message, error) {
	row, vocab, session := 0, e.model.Config().VocabSize, e.first()
	return e.measure(m.Type(), m.IDs, func() error {
		ids := m.IDs
		if m.Last {
			row = len(ids) - 1
			chunk, read := m.Chunk, e.reading(id)
			if chunk == 0 {
				chunk = row
			}
			for at := 0; at < row; at += chunk {
				if err := session.Prefill(ctx, ids[at:min(at+chunk, row)], func(done, _ int) { read(at+done, row) }); err != nil {
					return err
				}
			}
			ids = ids[row:]
		}
		return session.Logits(ctx, ids, m.Chunk, func(rows []float32) error {
			reply := &LogitsRows{Row: row, Rows: len(rows) / vocab}
			row += reply.Rows
			return e.send(id, reply, littleEndian(rows))
		})
	})
}

func (e *Engine) score(ctx context.Context, id uint32, m *Score) (Message, error) {
	first := 1
	return e.measure(m.Type(), m.IDs, func() error {
		return e.first().Score(ctx, m.IDs, func(logprobs []float32) error {
			reply := &Scores{First: first, Count: len(logprobs)}
			first += reply.Count
			return e.send(id, reply, littleEndian(logprobs))
		})
	})
}

// measure runs ids through the model from an empty state.
func (e *Engine) measure(asked string, ids []uint32, run func() error) (Message, error) {
	vocab := e.model.Config().VocabSize
	for i, token := range ids {
		if int64(token) >= int64(vocab) {
			return nil, fault{CodeBadRequest, fmt.Errorf("%s: ids[%d] is %d, want less than vocab_size = %d", asked, i, token, vocab)}
		}
	}
	session := e.first()
	if err := session.Reset(); err != nil {
		return nil, err
	}
	if err := run(); err != nil {
		return nil, err
	}
	return &Done{
		Usage:    Usage{PromptTokens: len(ids), PrefilledTokens: session.Position(), TotalTokens: len(ids)},
		Position: session.Position(), StateBytes: session.StateBytes(),
	}, nil
}

func littleEndian(values []float32) []byte {
	data := make([]byte, 0, 4*len(values))
	for _, v := range values {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
	}
	return data
}

func (e *Engine) bench(ctx context.Context, id uint32, m *Bench) (Message, error) {
	lab, err := e.measurer(m)
	if err != nil {
		return nil, err
	}
	benched, err := lab.Bench(ctx, e.first(), m, e.measured(id))
	if err == nil {
		err = e.send(id, benched, nil)
	}
	if err != nil {
		return nil, err
	}
	return &Done{StateBytes: e.first().StateBytes()}, nil
}

func (e *Engine) longRun(ctx context.Context, id uint32, m *LongRun) (Message, error) {
	lab, err := e.measurer(m)
	if err != nil {
		return nil, err
	}
	if err := lab.LongRun(ctx, e.model, m, e.measured(id), func(lap *Lapped) error { return e.send(id, lap, nil) }); err != nil {
		return nil, err
	}
	return &Done{StateBytes: e.first().StateBytes()}, nil
}

// measurer is the engine's home where that measures.
func (e *Engine) measurer(asked Message) (Measurer, error) {
	if lab, ok := e.Home.(Measurer); ok {
		return lab, nil
	}
	return nil, fault{CodeBadRequest, fmt.Errorf("%s: this engine does not measure, for visitors need not download what measures: open lab.html or run samba bench, whose engine does", asked.Type())}
}

// measured tells a client how far a measurement is.
func (e *Engine) measured(id uint32) func(model.Progress) {
	return func(p model.Progress) { e.send(id, progressOf(p), nil) }
}

func (e *Engine) send(id uint32, m Message, data []byte) error {
	frame, err := Encode(id, m, data)
	if err != nil {
		return err
	}
	return e.conn.Send(frame)
}

func (e *Engine) fail(id uint32, err error) error { return e.send(id, e.explain(err), nil) }

// explain is what a client is told of an error. A server's own faults, which
// may name its files, are its owner's to read.
func (e *Engine) explain(err error) *Error {
	answer := &Error{Code: CodeOf(err), Message: sentence(err), Param: FieldOf(err), Bits: model.FittingBits(err)}
	if strings.HasPrefix(err.Error(), answer.Param) { // which is no word to write large
		answer.Message = answer.Param + answer.Message[len(answer.Param):]
	}
	if e.Shared != nil && e.Shared.Report != nil {
		switch answer.Code {
		case CodeInternal, CodeMissing, CodeNoAdapter, CodeBadModel, CodeTooLarge:
			e.Shared.Report(err)
			return &Error{Code: CodeInternal, Message: "The request failed: a fault of the server's."}
		}
	}
	return answer
}

// fault is an error with its code.
type fault struct {
	code Code
	err  error
}

func (f fault) Error() string { return f.err.Error() }
func (f fault) Unwrap() error { return f.err }

// Fault gives an error a code for the client. Homes use it.
func Fault(code Code, err error) error { return fault{code, err} }

// CodeOf finds what kind of fault an error is: what it says itself, else what
// package gpu's and context's errors mean, else a model that does not load.
func CodeOf(err error) Code {
	var f fault
	switch {
	case errors.Is(err, gpu.ErrLost):
		return CodeDeviceLost
	case errors.As(err, &f):
		return f.code
	case errors.Is(err, context.Canceled):
		return CodeCancelled
	case errors.Is(err, conversation.ErrState):
		return CodeBadState
	case errors.Is(err, gpu.ErrNoAdapter):
		return CodeNoAdapter
	case errors.Is(err, model.ErrTooLarge):
		return CodeTooLarge
	case errors.Is(err, fs.ErrNotExist):
		return CodeMissing
	}
	return CodeInternal
}

// sentence makes an error readable for people: one line, a capital, a full stop.
func sentence(err error) string {
	if errors.Is(err, context.Canceled) {
		return "The request was cancelled."
	}
	text := strings.TrimSpace(strings.ReplaceAll(err.Error(), "\n", "; "))
	if text == "" {
		return "Something failed without saying what."
	}
	if !strings.ContainsAny(text[len(text)-1:], ".!?") {
		text += "."
	}
	return strings.ToUpper(text[:1]) + text[1:]
}
