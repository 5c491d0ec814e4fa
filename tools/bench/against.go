package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/samba-web/samba/model/measure"
	"github.com/samba-web/samba/model/randomweights"
)

// mostStored bounds the file of a stored run: one with the times of all kernels has some 20 KB.
const mostStored = 4 << 20

// ReadReport reads a run that samba bench --json wrote.
func ReadReport(file string) (*Report, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, mostStored+1))
	if err != nil {
		return nil, err
	}
	if len(text) > mostStored {
		return nil, fmt.Errorf("%s has more than %d bytes, which no run of samba bench has", file, mostStored)
	}
	r := &Report{}
	if err := json.Unmarshal(text, r); err != nil { // which refuses what comes behind the run
		return nil, fmt.Errorf("%s is no run of samba bench --json: %w", file, err)
	}
	if r.Model == "" || len(r.Measured.Runs) == 0 || r.Figures.Decode == (Spread{}) {
		return nil, fmt.Errorf("%s is no run of samba bench --json: it has no model or no measured run", file)
	}
	if slices.Contains(r.Peers, nil) {
		return nil, fmt.Errorf("%s is no run of samba bench --json: one of its peers is null", file)
	}
	return r, nil
}

// Comparison is a run beside a stored one.
type Comparison struct {
	File    string   `json:"file"`
	Commit  string   `json:"commit"` // of the stored run
	Date    string   `json:"date"`
	Differs []string `json:"differs"` // what may explain a change besides our code, a sentence each
	Changes []Change `json:"changes"`
	Kernels []Change `json:"kernels,omitempty"` // GPU time of those that take longer, where both runs timed them; in ms
	Slower  []string `json:"slower"`            // names of the figures that got worse
}

// Change is one figure in both runs.
type Change struct {
	Figure  string  `json:"figure"`
	Before  Spread  `json:"before"`
	Now     Spread  `json:"now"`
	Ratio   float64 `json:"ratio"` // now by before, of the medians
	Outcome Outcome `json:"outcome,omitempty"`
}

// Outcome says what a change amounts to.
type Outcome string

// The outcomes.
const (
	Worse  Outcome = "slower" // or more, where less is better
	Better Outcome = "faster" // or less
	Alike  Outcome = "alike"  // within what two runs of the same code differ by
	Open   Outcome = "one run"
)

// What the median of a figure may be off by before it counts as a change, the runs' ranges
// being apart. Runs of one program on one H200 (2026-11-28: 421M three times, each with two
// runs) were up to 8 % apart in decode, 2 in prefill and in the first token; what a load takes
// depends on what else the host reads.
const (
	allowDecode = 0.10
	allowPass   = 0.05 // prefill, first token
	allowLoad   = 0.25
	allowHeap   = 0.05
)

// Comparable says in one sentence why the stored run cannot be set beside this one. What this
// one does not know yet (its model before it is loaded) is not compared.
func (r *Report) Comparable(stored *Report) error {
	differ := func(what string, before, now any) error {
		return fmt.Errorf("the stored run cannot be compared: its %s is %v, this run's is %v", what, before, now)
	}
	switch {
	case stored.Backend != r.Backend:
		return differ("backend", stored.Backend, r.Backend)
	case stored.Prompt != r.Prompt:
		return differ("prompt in tokens", stored.Prompt, r.Prompt)
	case stored.Generate != r.Generate:
		return differ("number of tokens to generate", stored.Generate, r.Generate)
	case stored.EveryLayer != r.EveryLayer:
		return differ("--every-layer", stored.EveryLayer, r.EveryLayer)
	}
	if r.Model != "" && stored.Model != r.Model && (randomweights.Is(r.Model) || randomweights.Is(stored.Model)) {
		return differ("model", stored.Model, r.Model) // a folder's name is what somebody called it
	}
	if r.Parameters == 0 {
		return nil
	}
	switch {
	case stored.Parameters != r.Parameters:
		return differ("number of parameters", stored.Parameters, r.Parameters)
	case stored.Bits != r.Bits:
		return differ("number of bits of a weight", stored.Bits, r.Bits)
	}
	if len(r.Measured.Runs) > 0 && (stored.Measured.Launches.Decode > 0) != (r.Measured.Launches.Decode > 0) {
		where := map[bool]string{true: "a GPU", false: "the processor"}
		return differ("place to compute", where[stored.Measured.Launches.Decode > 0], where[r.Measured.Launches.Decode > 0])
	}
	return nil
}

// Compare sets this run beside a stored one.
func (r *Report) Compare(stored *Report, file string) (*Comparison, error) {
	if err := r.Comparable(stored); err != nil {
		return nil, err
	}
	c := &Comparison{File: file, Commit: stored.Commit, Date: stored.Date, Differs: []string{}, Slower: []string{}}
	c.differ("adapter", stored.Adapter, r.Adapter)
	c.differ("browser", stored.Browser, r.Browser)
	c.differ("kernels are for", stored.Measured.Variant, r.Measured.Variant)
	if stored.Flags == nil && r.Flags != nil {
		c.Differs = append(c.Differs, "the stored run does not say which flags its browser had")
	} else {
		c.differ("browser's flags", strings.Join(stored.Flags, " "), strings.Join(r.Flags, " "))
	}
	c.differ("seed", fmt.Sprint(stored.Seed), fmt.Sprint(r.Seed))
	c.differ("tokens of a chunk", fmt.Sprint(stored.Measured.PrefillChunk), fmt.Sprint(r.Measured.PrefillChunk))
	if gone := slices.DeleteFunc(slices.Clone(stored.Features), func(f string) bool { return slices.Contains(r.Features, f) }); len(gone) > 0 {
		c.Differs = append(c.Differs, "the adapter lacks what it had: "+strings.Join(gone, " "))
	}

	b, n, runs := &stored.Figures, &r.Figures, min(len(stored.Measured.Runs), len(r.Measured.Runs))
	loads := min(len(stored.Load), len(r.Load))
	c.add("decode, tokens/s", b.Decode, n.Decode, true, allowDecode, runs)
	c.add("prefill, tokens/s", b.Prefill, n.Prefill, true, allowPass, runs)
	c.add("first token, ms", b.FirstToken.times(1e3), n.FirstToken.times(1e3), false, allowPass, runs)
	c.add("load, s", b.Load, n.Load, false, allowLoad, loads)
	c.add("of it preparing kernels, s", b.Compile, n.Compile, false, allowLoad, loads)
	c.add("state saved, ms", b.Save.times(1e3), n.Save.times(1e3), false, allowLoad, runs)
	c.add("state restored, ms", b.Restore.times(1e3), n.Restore.times(1e3), false, allowLoad, runs)
	// Counts are what they are in every run.
	count := func(figure string, before, now int64, allowed float64) {
		one := func(v int64) Spread { return Spread{float64(v), float64(v), float64(v)} }
		c.add(figure, one(before), one(now), false, allowed, 2)
	}
	count("dispatches a token", int64(stored.Measured.Launches.Decode), int64(r.Measured.Launches.Decode), 0)
	count("dispatches a chunk", int64(stored.Measured.Launches.Prefill), int64(r.Measured.Launches.Prefill), 0)
	count("heap, bytes", stored.Measured.Memory.Heap, r.Measured.Memory.Heap, allowHeap)
	count("GPU buffers, bytes", stored.Measured.Memory.GPU, r.Measured.Memory.GPU, 0)
	count("state, bytes", stored.StateBytes, r.StateBytes, 0)
	count("download of weights, bytes", stored.WeightBytes, r.WeightBytes, 0)
	count("download of the page, bytes", stored.PageBytes, r.PageBytes, 0)
	for _, peer := range r.Peers {
		if i := slices.IndexFunc(stored.Peers, func(p *Peer) bool { return p.Name == peer.Name }); i >= 0 {
			was := stored.Peers[i]
			c.differ(peer.Name+"'s version", was.Version, peer.Version)
			c.peer(peer.Name+" decode, tokens/s", was.Decode, peer.Decode)
			c.peer(peer.Name+" prefill, tokens/s", was.Prefill, peer.Prefill)
		}
	}
	c.kernels("decode", stored.Measured.DecodeKernels, r.Measured.DecodeKernels)
	c.kernels("prefill", stored.Measured.PrefillKernels, r.Measured.PrefillKernels)
	if stored.Batch == r.Batch {
		c.kernels("batch", stored.Measured.BatchKernels, r.Measured.BatchKernels)
	}
	return c, nil
}

func (s Spread) times(factor float64) Spread {
	return Spread{s.Median * factor, s.Min * factor, s.Max * factor}
}

func (c *Comparison) differ(what, before, now string) {
	if before != now {
		c.Differs = append(c.Differs, fmt.Sprintf("%s: %q then, %q now", what, before, now))
	}
}

// add compares a figure that both runs have. more: more of it is better. runs is how many values
// the one with fewer of them is made of.
func (c *Comparison) add(figure string, before, now Spread, more bool, allowed float64, runs int) {
	if before.Median == 0 || now.Median == 0 {
		return
	}
	change := Change{Figure: figure, Before: before, Now: now, Ratio: now.Median / before.Median, Outcome: Alike}
	worse := before.Median / now.Median // how many times as good it was
	apart := now.Max < before.Min
	if !more {
		worse, apart = now.Median/before.Median, now.Min > before.Max
	}
	better := now.Min > before.Max
	if !more {
		better = now.Max < before.Min
	}
	switch {
	case runs < 2:
		change.Outcome = Open
	case apart && worse > 1+allowed:
		change.Outcome = Worse
		c.Slower = append(c.Slower, figure)
	case better && 1/worse > 1+allowed:
		change.Outcome = Better
	}
	c.Changes = append(c.Changes, change)
}

// peer tells of another engine, whose change says that the machine is another or busy; it is no verdict on ours.
func (c *Comparison) peer(figure string, before, now Spread) {
	if before.Median > 0 && now.Median > 0 {
		c.Changes = append(c.Changes, Change{Figure: figure, Before: before, Now: now, Ratio: now.Median / before.Median})
	}
}

// kernels lists those that take at least a tenth longer and a hundredth of the step's time more.
func (c *Comparison) kernels(step string, before, now []measure.KernelTime) {
	if len(before) == 0 || len(now) == 0 {
		return
	}
	type place struct{ kernel, role string }
	was, total := map[place]float64{}, 0.0
	for _, k := range before {
		was[place{k.Kernel, k.Role}] += k.Seconds
		total += k.Seconds
	}
	for _, k := range now {
		b := was[place{k.Kernel, k.Role}]
		if b > 0 && k.Seconds > 1.1*b && k.Seconds-b > total/100 {
			one := func(v float64) Spread { return Spread{v * 1e3, v * 1e3, v * 1e3} }
			c.Kernels = append(c.Kernels, Change{Figure: step + ": " + k.Kernel + " on " + k.Role, Before: one(b), Now: one(k.Seconds), Ratio: k.Seconds / b})
		}
	}
}

// Write prints the comparison for people.
func (c *Comparison) Write(out io.Writer) error {
	fmt.Fprintf(out, "\nbeside %s (%s, %s)\n", c.File, c.Date, c.Commit)
	for _, d := range c.Differs {
		fmt.Fprintln(out, "  not the same:", d)
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\tthen (min to max)\tnow (min to max)\tnow/then\t")
	cell := func(s Spread) string {
		text := plain(s.Median)
		if s.Min != s.Max {
			text += fmt.Sprintf(" (%s to %s)", plain(s.Min), plain(s.Max))
		}
		return text
	}
	for _, change := range slices.Concat(c.Changes, c.Kernels) {
		fmt.Fprintf(w, "%s\t%s\t%s\t%.3f\t%s\n", change.Figure, cell(change.Before), cell(change.Now), change.Ratio, change.Outcome)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if len(c.Slower) == 0 {
		fmt.Fprintln(out, "nothing got slower")
	} else {
		fmt.Fprintln(out, "slower:", strings.Join(c.Slower, "; "))
	}
	return nil
}

// plain spells a number with four digits at least, and without an exponent.
func plain(v float64) string {
	switch {
	case v >= 1000 || v == float64(int64(v)):
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.4f", v)
}
