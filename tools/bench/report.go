// Package bench tells what a measurement of the engine amounts to: a table for
// people, JSON for programs.
package bench

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/samba-web/samba/model/randomweights"

	"github.com/samba-web/samba/model/measure"
	"github.com/samba-web/samba/wasm/protocol"
)

// Report is one run of samba bench.
type Report struct {
	Commit  string `json:"commit"`
	Date    string `json:"date"`
	Model   string `json:"model"`
	Note    string `json:"note,omitempty"` // where the model departs from its name
	Backend string `json:"backend"`        // --backend
	Browser string `json:"browser,omitempty"`
	Adapter string `json:"adapter"`

	Flags      []string `json:"browser_flags"`         // those that choose what WebGPU offers, and --browser-flags
	EveryLayer bool     `json:"every_layer,omitempty"` // all of the prompt's tokens passed all layers
	Features   []string `json:"features"`
	Parameters int64    `json:"parameters"`
	Bits       int      `json:"bits"`
	StateBytes int64    `json:"state_bytes"`
	Seed       uint64   `json:"seed"`
	Prompt     int      `json:"prompt"`
	Generate   int      `json:"generate"`
	Batch      int      `json:"batch,omitempty"` // sequences of the step whose kernels are timed, too

	Start     float64             `json:"start"`   // seconds from the browser's start to a page that listens
	Load      []float64           `json:"load"`    // seconds, all of a load
	Compile   []float64           `json:"compile"` // of it, seconds from the last weight to ready
	Measured  measure.BenchReport `json:"measured"`
	WarmupTax float64             `json:"warmup_extra"`         // seconds that the first pass took longer than the median of the others
	NoKernels string              `json:"no_kernels,omitempty"` // why they were asked for and are not there
	Figures   Figures             `json:"figures"`

	WeightBytes int64   `json:"weight_bytes"`
	PageBytes   int64   `json:"page_bytes,omitempty"` // what a visitor of the chat page downloads but for the model's folder
	Peers       []*Peer `json:"peers,omitempty"`

	Against *Comparison `json:"against,omitempty"` // a stored run
}

// Figures are what the measurements come to.
type Figures struct {
	Load       Spread `json:"load_seconds"`
	Compile    Spread `json:"compile_seconds"`
	FirstToken Spread `json:"first_token_seconds"`
	Prefill    Spread `json:"prefill_tokens_per_second"`
	Decode     Spread `json:"decode_tokens_per_second"`
	Save       Spread `json:"save_seconds"`
	Restore    Spread `json:"restore_seconds"`

	DecodeBytesPerSecond float64 `json:"decode_bytes_per_second"` // counted bytes times the median
	DecodeShare          float64 `json:"decode_share_of_read_bandwidth"`
	PrefillOpsPerSecond  float64 `json:"prefill_ops_per_second"`
	PrefillShare         float64 `json:"prefill_share_of_fma_rate"`
}

// Spread is a sample's median, minimum and maximum.
type Spread struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

func spread(values []float64) Spread {
	if len(values) == 0 {
		return Spread{}
	}
	s := slices.Sorted(slices.Values(values))
	n := len(s)
	return Spread{Median: (s[(n-1)/2] + s[n/2]) / 2, Min: s[0], Max: s[n-1]}
}

// About fills in what the engine says of itself and the model.
func (r *Report) About(ready *protocol.Ready) {
	r.Model, r.Adapter, r.Features = ready.Model, ready.Adapter, ready.Features
	r.Parameters, r.Bits, r.StateBytes = ready.Parameters, ready.Bits, ready.StateBytes
}

// Conclude works out the figures.
func (r *Report) Conclude() {
	m := &r.Measured
	var first, prefill, decode, passes, save, restore []float64
	for _, run := range m.Runs {
		first = append(first, run.FirstToken)
		prefill = append(prefill, float64(r.Prompt)/run.Prefill)
		if run.Tokens > 0 {
			decode = append(decode, float64(run.Tokens)/run.Decode)
		}
		if run.Save > 0 {
			save, restore = append(save, run.Save), append(restore, run.Restore)
		}
		passes = append(passes, run.Prefill+run.FirstToken+run.Decode+run.Save+run.Restore)
	}
	r.WarmupTax = max(0, m.Warmup-spread(passes).Median)
	f := &r.Figures
	f.Load, f.Compile = spread(r.Load), spread(r.Compile)
	f.FirstToken, f.Prefill, f.Decode = spread(first), spread(prefill), spread(decode)
	f.Save, f.Restore = spread(save), spread(restore)
	f.DecodeBytesPerSecond = float64(m.Decode.Bytes) * f.Decode.Median
	f.PrefillOpsPerSecond = float64(m.Prefill.Ops) / float64(r.Prompt) * f.Prefill.Median
	if roof := m.Roofline; roof.ReadBytesPerSecond > 0 {
		f.DecodeShare = f.DecodeBytesPerSecond / roof.ReadBytesPerSecond
		f.PrefillShare = f.PrefillOpsPerSecond / roof.OpsPerSecond
	}
}

// Write prints the report for people.
func (r *Report) Write(out io.Writer) error {
	m, f := &r.Measured, &r.Figures
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	line := func(cells ...string) { fmt.Fprintln(w, strings.Join(cells, "\t")) }
	bits := "16 or 32 bits"
	if r.Bits > 0 {
		bits = fmt.Sprintf("%d bits", r.Bits)
	}
	line("model", fmt.Sprintf("%s, %.4g M parameters, %s%s", r.Model, float64(r.Parameters)/1e6, bits, note(r.Note)))
	where := r.Backend
	if r.Browser != "" {
		where = r.Browser
	}
	line("machine", fmt.Sprintf("%s in %s", cmp.Or(r.Adapter, "an adapter without a name"), where))
	if m.Variant != "" {
		line("kernels for", m.Variant)
	}
	if len(r.Features) > 0 {
		line("adapter has", strings.Join(r.Features, " "))
	}
	if len(r.Flags) > 0 {
		line("browser's flags", strings.Join(r.Flags, " "))
	}
	line("measured", fmt.Sprintf("%s, %s, seed %d; %d prompt tokens, %d generated, %d runs", r.Date, r.Commit, r.Seed, r.Prompt, r.Generate, len(m.Runs)))
	line()
	line("", "median", "min", "max")
	row := func(name, format string, s Spread, factor float64) {
		if s == (Spread{}) {
			line(name, "-", "-", "-")
			return
		}
		line(name, fmt.Sprintf(format, s.Median*factor), fmt.Sprintf(format, s.Min*factor), fmt.Sprintf(format, s.Max*factor))
	}
	load := "load, s"
	if randomweights.Is(r.Model) {
		load = "load, weights made in place, s"
	}
	row(load, "%.3f", f.Load, 1)
	row("  of it preparing kernels, s", "%.3f", f.Compile, 1)
	row("first token, ms", "%.2f", f.FirstToken, 1e3)
	row("prefill, tokens/s", "%.1f", f.Prefill, 1)
	row("decode, tokens/s", "%.1f", f.Decode, 1)
	if len(m.Runs) > 0 && m.Runs[0].Save > 0 {
		row("state saved, ms", "%.2f", f.Save, 1e3)
		row("state restored, ms", "%.2f", f.Restore, 1e3)
	}
	line()
	if r.Start > 0 {
		line("browser started", fmt.Sprintf("%.2f s", r.Start))
	}
	line("first pass took longer by", fmt.Sprintf("%.3f s (pipelines that compile when first used, and caches)", r.WarmupTax))
	line("counted for a token", fmt.Sprintf("decode at %d: %s moved, %s operations; prefill: %s operations", r.Prompt+r.Generate/2,
		si(float64(m.Decode.Bytes), "B"), si(float64(m.Decode.Ops), ""), si(float64(m.Prefill.Ops)/float64(r.Prompt), "")))
	line("decode moves", rate(f.DecodeBytesPerSecond, "B/s", m.Roofline.ReadBytesPerSecond, "a kernel that only reads"))
	line("prefill computes", rate(f.PrefillOpsPerSecond, "op/s", m.Roofline.OpsPerSecond, "a kernel of fp32 multiply-adds"))
	if r.NoKernels != "" {
		line("kernels", "not timed: "+r.NoKernels)
	}
	if m.Launches.Decode > 0 {
		line("dispatches", fmt.Sprintf("%d a token, %d a chunk of %d tokens", m.Launches.Decode, m.Launches.Prefill, m.PrefillChunk))
	}
	line("state", si(float64(r.StateBytes), "B"))
	if err := w.Flush(); err != nil {
		return err
	}
	if err := r.writePeers(out, line, w.Flush); err != nil {
		return err
	}
	if err := writeKernels(out, "decode, one token", m.DecodeKernels, m.DecodeSpan); err != nil {
		return err
	}
	if err := writeKernels(out, fmt.Sprintf("a step of %d sequences", r.Batch), m.BatchKernels, m.BatchSpan); err != nil {
		return err
	}
	if err := writeKernels(out, fmt.Sprintf("prefill, a chunk of %d tokens", m.PrefillChunk), m.PrefillKernels, m.PrefillSpan); err != nil || r.Against == nil {
		return err
	}
	return r.Against.Write(out)
}

func note(text string) string {
	if text == "" {
		return ""
	}
	return " (" + text + ")"
}

// rate spells what was achieved beside what the adapter reaches at best.
func rate(got float64, unit string, roof float64, whose string) string {
	text := si(got, unit)
	if roof > 0 {
		text += fmt.Sprintf(", %.1f %% of the %s that %s reaches here", 100*got/roof, si(roof, unit), whose)
	}
	return text
}

func si(v float64, unit string) string {
	prefix := ""
	for _, p := range []string{"k", "M", "G", "T"} {
		if v < 1000 {
			break
		}
		v, prefix = v/1000, p
	}
	return strings.TrimSpace(fmt.Sprintf("%.4g %s%s", v, prefix, unit))
}

func writeKernels(out io.Writer, title string, kernels []measure.KernelTime, span float64) error {
	if len(kernels) == 0 {
		return nil
	}
	total := 0.0
	for _, k := range kernels {
		total += k.Seconds
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(out, "\nGPU time of %s, each dispatch in a pass of its own: %.3f ms; all in one, as they run otherwise: %.3f ms\n", title, total*1e3, span*1e3)
	fmt.Fprintln(w, "ms\tshare\tdispatches\tµs each\t  kernel\t  on\t")
	for _, k := range slices.SortedFunc(slices.Values(kernels), func(a, b measure.KernelTime) int { return cmp.Compare(b.Seconds, a.Seconds) }) {
		fmt.Fprintf(w, "%.4f\t%.1f %%\t%d\t%.2f\t  %s\t  %s\t\n", k.Seconds*1e3, 100*k.Seconds/max(total, 1e-12), k.Launches,
			k.Seconds*1e6/float64(max(k.Launches, 1)), k.Kernel, k.Role)
	}
	return w.Flush()
}
