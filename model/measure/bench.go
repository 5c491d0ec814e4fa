// Package measure is for figures: short runs (bench.go), long ones (long.go), and the
// least that a pass has to do (cost.go). Sessions and models do not need it.
package measure

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/samba-web/samba/gpu/kernel"
	"github.com/samba-web/samba/model"
	"github.com/samba-web/samba/model/config"
	"github.com/samba-web/samba/model/machine"
	gpumachine "github.com/samba-web/samba/model/machine/gpu"
	"github.com/samba-web/samba/model/progress"
)

// BenchOptions say what Bench measures.
type BenchOptions struct {
	Prompt, Generate int    // tokens
	Runs             int    // measured, after one that is not
	Seed             uint64 // of the prompt
	Roofline         bool   // measure what the adapter reaches at best, too
	Kernels          bool   // time each kernel, too, where the adapter has timestamps
	Batch            int    // and those of a step of this many sequences together; 0: none
	EveryLayer       bool   // run all layers for all of the prompt's tokens, those that carry no state, too
	Guesses          bool   // measure what guesses bring, and nothing else
	OnProgress       func(progress.Progress)
}

// BenchReport is what Bench measured. Times are in seconds.
type BenchReport struct {
	Warmup   float64    `json:"warmup"` // of the same work as a run, before the runs: pipelines compile now at the latest
	Runs     []BenchRun `json:"runs"`
	Prefill  Cost       `json:"prefill"`  // of the whole prompt, its chunks one after another
	Decode   Cost       `json:"decode"`   // of one token, half of the tokens to be generated in
	Launches Launches   `json:"launches"` // kernels dispatched
	Variant  string     `json:"variant"`  // what the kernels use beyond WebGPU's baseline; empty on the CPU
	// Zero where not asked for or not to be had.
	Roofline       kernel.Roofline `json:"roofline"`
	PrefillChunk   int             `json:"prefill_chunk"`             // tokens of a chunk
	Memory         Memory          `json:"memory"`                    // after the runs
	PrefillKernels []KernelTime    `json:"prefill_kernels,omitempty"` // of the prompt's last whole chunk
	DecodeKernels  []KernelTime    `json:"decode_kernels,omitempty"`  // of one token after the prompt
	BatchKernels   []KernelTime    `json:"batch_kernels,omitempty"`   // of one token each of several sequences after it
	// The GPU's seconds of the three as they run otherwise, dispatch after dispatch.
	PrefillSpan float64     `json:"prefill_span,omitempty"`
	DecodeSpan  float64     `json:"decode_span,omitempty"`
	BatchSpan   float64     `json:"batch_span,omitempty"`
	Guesses     []GuessTask `json:"guesses,omitempty"`
}

// BenchRun is one run.
type BenchRun struct {
	Prefill    float64 `json:"prefill"`     // all of the prompt absorbed
	FirstToken float64 `json:"first_token"` // the same and a token sampled and read back
	Tokens     int     `json:"tokens"`      // that Decode counts: those of the first flight of decode are not in it
	Decode     float64 `json:"decode"`
	// The state after them saved, and put back; 0 for more than mostSaved of it.
	Save    float64 `json:"save"`
	Restore float64 `json:"restore"`
}

// mostSaved is the largest saved state that Bench takes out of the GPU: a big
// model's has hundreds of megabytes, which a page has better use for.
const mostSaved = 64 << 20

// Launches are dispatches of kernels.
type Launches struct {
	Decode  int `json:"decode"`  // for one token
	Prefill int `json:"prefill"` // for a chunk
}

// KernelTime is the GPU's time in one kernel at one place of the graph, all
// layers together.
type KernelTime struct {
	Kernel   string  `json:"kernel"`
	Role     string  `json:"role"`     // the tensor that it reads, without its layer's number
	Launches int     `json:"launches"` // dispatches
	Seconds  float64 `json:"seconds"`
}

// Bench measures reading a random prompt and generating from it, from an empty
// state each time, as Generate does it for all. The session is reset.
func Bench(ctx context.Context, s *model.Session, o BenchOptions) (*BenchReport, error) {
	report := func(done int) {
		if o.OnProgress != nil {
			o.OnProgress(progress.Progress{Phase: progress.PhaseBench, Loaded: int64(done), Total: int64(o.Runs + 1)})
		}
	}
	report(0)
	if o.Guesses {
		tasks, err := benchGuesses(ctx, s, o, report)
		return &BenchReport{Guesses: tasks}, err
	}
	m := s.Model()
	random := rand.New(rand.NewPCG(o.Seed, 0))
	ids := make([]uint32, o.Prompt)
	for i := range ids {
		ids[i] = random.Uint32N(uint32(m.Config().VocabSize))
	}
	b := &BenchReport{PrefillChunk: min(m.Chunk(), o.Prompt), Decode: CostOf(m, Step(o.Prompt+o.Generate/2))}
	b.Prefill = readingCost(m, 0, o.Prompt, o.EveryLayer)
	s.EveryLayer(o.EveryLayer)
	defer s.EveryLayer(false)
	started := time.Now()
	for i := range o.Runs + 1 {
		run, err := benchRun(ctx, s, ids, o.Generate)
		if err != nil {
			return nil, err
		}
		report(i + 1)
		if i == 0 {
			b.Warmup = time.Since(started).Seconds()
			continue
		}
		b.Runs = append(b.Runs, run)
	}
	b.Memory = memory()
	b.Memory.State, b.Memory.GPU = s.StateBytes(), m.Allocated()
	p := s.Profiler()
	if p == nil {
		return b, s.Reset()
	}
	b.Variant = p.Variant()
	var err error
	if o.Roofline {
		if b.Roofline, err = p.Roofline(ctx); err != nil {
			return nil, fmt.Errorf("roofline: %w", err)
		}
	}
	b.Launches.Decode, b.Launches.Prefill = p.Launches(b.PrefillChunk)
	if o.Kernels && p.CanTime() {
		if err := timeKernels(ctx, s, p, ids, b); err != nil {
			return nil, err
		}
		if o.Batch > 1 {
			times, err := p.TimeBatch(ctx, o.Batch, o.Prompt, timedSteps)
			if err != nil {
				return nil, err
			}
			b.BatchKernels, b.BatchSpan = byRole(times), times.Span
		}
	}
	return b, s.Reset()
}

func benchRun(ctx context.Context, s *model.Session, ids []uint32, generate int) (run BenchRun, err error) {
	if err := s.Reset(); err != nil {
		return run, err
	}
	if err := s.Settle(ctx); err != nil {
		return run, err
	}
	started := time.Now()
	if err := s.Prefill(ctx, ids, nil); err != nil {
		return run, err
	}
	if err := s.Settle(ctx); err != nil {
		return run, err
	}
	run.Prefill = time.Since(started).Seconds()
	if err := s.Reset(); err != nil {
		return run, err
	}
	started = time.Now()
	var arrivals []time.Duration
	request := model.Request{Prompt: ids, MaxTokens: generate, PastEnd: true, Sampling: s.Model().Defaults()}
	result, err := s.Generate(ctx, request, func(model.Chunk) error {
		arrivals = append(arrivals, time.Since(started))
		return nil
	})
	if err == nil && result.FinishReason == model.FinishCancelled {
		err = context.Canceled
	}
	if err != nil {
		return run, err
	}
	run.FirstToken = arrivals[0].Seconds()
	run.Tokens, run.Decode = steady(arrivals)
	if s.Model().StateSize(s.Position()) <= mostSaved {
		err = benchState(ctx, s, &run)
	}
	return run, err
}

// benchState times saving the state as it is, and restoring it.
func benchState(ctx context.Context, s *model.Session, run *BenchRun) error {
	if err := s.Settle(ctx); err != nil {
		return err
	}
	started := time.Now()
	state, err := s.Save(ctx)
	if err != nil {
		return err
	}
	run.Save = time.Since(started).Seconds()
	started = time.Now()
	if err := s.Restore(ctx, state); err != nil {
		return err
	}
	if err := s.Settle(ctx); err != nil {
		return err
	}
	run.Restore = time.Since(started).Seconds()
	return nil
}

// steady counts the tokens after those that arrived together with the first,
// and the seconds that they took. Tokens arrive in flights: within one they
// follow each other at once, so a pause of an eighth of the mean is a border.
func steady(arrivals []time.Duration) (tokens int, seconds float64) {
	last := len(arrivals) - 1
	mean := (arrivals[last] - arrivals[0]) / time.Duration(len(arrivals))
	for i := 1; i <= last; i++ {
		if arrivals[i]-arrivals[i-1] > mean/8 {
			return last - i + 1, (arrivals[last] - arrivals[i-1]).Seconds()
		}
	}
	return 0, 0
}

// Timestamps are rounded: averages of some passes are closer.
const timedSteps, timedChunks = 16, 4

func timeKernels(ctx context.Context, s *model.Session, p machine.Profiler, ids []uint32, b *BenchReport) error {
	if err := s.Reset(); err != nil {
		return err
	}
	whole := max(len(ids)-len(ids)%b.PrefillChunk, b.PrefillChunk)
	if err := s.Prefill(ctx, ids[:whole], nil); err != nil {
		return err
	}
	chunk, err := p.TimeChunk(ctx, ids[whole-b.PrefillChunk:whole], whole-b.PrefillChunk, timedChunks)
	if err != nil {
		return err
	}
	step, err := p.TimeStep(ctx, ids[0], whole, timedSteps)
	if err != nil {
		return err
	}
	b.PrefillKernels, b.PrefillSpan = byRole(chunk), chunk.Span
	b.DecodeKernels, b.DecodeSpan = byRole(step), step.Span
	return nil
}

// withoutLayer cuts the layer's number off a tensor's name or a state's.
func withoutLayer(label string) string {
	rest, ok := strings.CutPrefix(label, "layers.")
	if !ok {
		return label
	}
	digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
	if digits == 0 || digits == len(rest) || rest[digits] != '.' && rest[digits] != ' ' {
		return label
	}
	return rest[digits+1:]
}

// byRole adds up dispatches of the same kernel on the same tensor of different
// layers, in the order in which they came first, for one of the passes.
func byRole(times machine.Times) []KernelTime {
	type key struct{ kernel, role string }
	at := map[key]int{}
	var sum []KernelTime
	converted := "" // the role of what lies in HalvesOfW
	for _, t := range times.Dispatches {
		role := ""
		for _, label := range t.Buffers {
			// Weights are bound first; a layer's state names kernels that have none.
			if short := withoutLayer(label); short != label || label == config.EmbedTokens || label == config.LMHead {
				role = short
				break
			}
		}
		switch at := slices.Index(t.Buffers, gpumachine.HalvesOfW); {
		case at == 0:
			role = converted
		case at > 0:
			converted = role
		}
		k := key{t.Kernel, role}
		i, known := at[k]
		if !known {
			i = len(sum)
			at[k] = i
			sum = append(sum, KernelTime{Kernel: k.kernel, Role: k.role})
		}
		sum[i].Launches++
		sum[i].Seconds += t.Seconds
	}
	for i := range sum {
		sum[i].Launches /= times.Passes
		sum[i].Seconds /= float64(times.Passes)
	}
	return sum
}
