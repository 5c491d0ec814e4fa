package bench

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/samba-web/samba/model/measure"
	"github.com/samba-web/samba/tools/plot"
	"github.com/samba-web/samba/wasm/protocol"
)

// LongAbout says what a long run measured and where.
type LongAbout struct {
	Commit   string `json:"commit"`
	Date     string `json:"date"`
	Backend  string `json:"backend"` // --backend
	Browser  string `json:"browser,omitempty"`
	Adapter  string `json:"adapter"`
	Seed     uint64 `json:"seed"`
	Complete bool   `json:"complete"` // false: interrupted, and these are the figures until then
}

func (a *LongAbout) machine() string {
	where := a.Backend
	if a.Browser != "" {
		where = a.Browser
	}
	return fmt.Sprintf("%s in %s", cmp.Or(a.Adapter, "an adapter without a name"), where)
}

func (a *LongAbout) caption() string {
	return strings.Join([]string{a.machine(), a.Date[:min(len(a.Date), 10)], a.Commit}, " · ")
}

// Runner is one model of a long run.
type Runner struct {
	Name       string        `json:"name"` // for people
	Model      string        `json:"model"`
	Parameters int64         `json:"parameters"`
	Bits       int           `json:"bits"`
	Window     int           `json:"window"`                   // 0: without sliding attention
	Laps       []measure.Lap `json:"laps"`                     // as far as it came
	PerSecond  []float64     `json:"tokens_per_second"`        // all sequences together, from the start to each lap
	Here       []float64     `json:"tokens_per_second_of_lap"` // and from the lap before to it
	Ended      string        `json:"ended,omitempty"`          // why it came no further
}

// About fills in what the engine says of the model.
func (r *Runner) About(ready *protocol.Ready) {
	r.Model, r.Parameters, r.Bits, r.Window = ready.Model, ready.Parameters, ready.Bits, ready.SlidingWindow
}

// Lap takes the next one, of this many sequences.
func (r *Runner) Lap(lap measure.Lap, batch int) {
	before := measure.Lap{}
	if n := len(r.Laps); n > 0 {
		before = r.Laps[n-1]
	}
	r.Here = append(r.Here, float64((lap.Tokens-before.Tokens)*batch)/(lap.Seconds-before.Seconds))
	r.Laps = append(r.Laps, lap)
	r.PerSecond = append(r.PerSecond, float64(lap.Tokens*batch)/lap.Seconds)
}

// Race is a long run of a model and of what stands beside it: its Transformer twin, or
// itself with every layer run for every token.
type Race struct {
	LongAbout
	Writing bool      `json:"writing"` // tokens are written after a short prompt, not read
	Prompt  int       `json:"prompt"`  // tokens read before writing
	Batch   int       `json:"batch"`   // sequences written together
	Runners []*Runner `json:"runners"` // the model, then what stands beside it
}

// ratios are, at one of the model's laps, its tokens a second over the other's, and
// the same of machines that do nothing but what is counted; 0 where the other
// did not come so far.
func (r *Race) ratios(lap int) (measured, counted float64) {
	if len(r.Runners) < 2 || lap >= len(r.Runners[1].Laps) {
		return 0, 0
	}
	a, b := r.Runners[0].Laps[lap], r.Runners[1].Laps[lap]
	if counted = float64(b.Counted.Ops) / float64(a.Counted.Ops); r.Writing {
		counted = float64(b.Counted.Bytes) / float64(a.Counted.Bytes)
	}
	return b.Seconds / a.Seconds, counted
}

// Write prints the race for people.
func (r *Race) Write(out io.Writer) error {
	fmt.Fprintf(out, "%s; %s, %s, seed %d\n", r.machine(), r.Date, r.Commit, r.Seed)
	for _, runner := range r.Runners {
		fmt.Fprintf(out, "%s: %s, %s parameters, %s\n", runner.Name, runner.Model, plot.Grouped(runner.Parameters), bits(runner.Bits))
	}
	switch {
	case r.Writing && r.Batch > 1:
		fmt.Fprintf(out, "%d sequences written together, each after a prompt of %d tokens; tokens a second of all\n", r.Batch, r.Prompt)
	case r.Writing:
		fmt.Fprintf(out, "One sequence, written after a prompt of %d tokens.\n", r.Prompt)
	default:
		fmt.Fprintln(out, "One prompt read from an empty state; each row is all of it up to there.")
	}
	if !r.Complete {
		fmt.Fprintln(out, "Interrupted: these are the figures until then.")
	}
	fmt.Fprintln(out)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "tokens\t")
	for _, runner := range r.Runners {
		fmt.Fprintf(w, "%s, tokens/s\t", runner.Name)
	}
	for _, runner := range r.Runners {
		fmt.Fprintf(w, "%s, here\t", runner.Name)
	}
	fmt.Fprint(w, "ratio\tcounted\t")
	for _, runner := range r.Runners {
		fmt.Fprintf(w, "%s, state\t", runner.Name)
	}
	fmt.Fprintln(w)
	rows := 0
	for _, runner := range r.Runners {
		rows = max(rows, len(runner.Laps))
	}
	for i := range rows {
		tokens := 0
		var speeds, heres, states string
		for _, runner := range r.Runners {
			speed, here, state := "-", "-", "-"
			if i < len(runner.Laps) {
				tokens = runner.Laps[i].Tokens
				speed, here, state = fmt.Sprintf("%.1f", runner.PerSecond[i]), fmt.Sprintf("%.1f", runner.Here[i]), si(float64(runner.Laps[i].Memory.State), "B")
			}
			speeds, heres, states = speeds+speed+"\t", heres+here+"\t", states+state+"\t"
		}
		ratio, least := "-", "-"
		if measured, counted := r.ratios(i); measured > 0 {
			ratio, least = fmt.Sprintf("%.2f", measured), fmt.Sprintf("%.2f", counted)
		}
		fmt.Fprintf(w, "%d\t%s%s%s\t%s\t%s\n", tokens, speeds, heres, ratio, least, states)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	what := "operations"
	if r.Writing {
		what = "bytes moved"
	}
	fmt.Fprint(out, "\ntokens/s: from the start. here: since the row above.")
	if len(r.Runners) > 1 {
		a, b := r.Runners[0].Name, r.Runners[1].Name
		fmt.Fprintf(out, " ratio: %s's tokens a second from the start over %s's.\n"+
			"counted: %s's %s over %s's, at least, which is what the ratio would be if nothing else took time.", a, b, b, what, a)
	}
	fmt.Fprint(out, "\nstate: allocated for the conversation, keys and values in fp32, or fp16 on a GPU in a browser where weights are quantized, of several together twice: each one's own, and a\n"+
		"place in the batch; full attention's has room to grow.\n")
	for _, runner := range r.Runners {
		if runner.Ended != "" {
			fmt.Fprintf(out, "%s ended early: %s\n", runner.Name, runner.Ended)
		}
	}
	return nil
}

// SVG draws tokens a second and the state's size against tokens.
func (r *Race) SVG() string {
	speed, state := plot.Panel{Name: "tokens a second, from the start", Zero: true}, plot.Panel{Name: "state, MB", Zero: true}
	names, what := []string{}, "read"
	if r.Writing {
		what = "written"
	}
	for _, runner := range r.Runners {
		names = append(names, runner.Name)
		a, b := plot.Line{Name: runner.Name}, plot.Line{Name: runner.Name}
		for i, lap := range runner.Laps {
			a.Points = append(a.Points, plot.Point{X: float64(lap.Tokens), Y: runner.PerSecond[i]})
			b.Points = append(b.Points, plot.Point{X: float64(lap.Tokens), Y: float64(lap.Memory.State) / 1e6})
		}
		speed.Lines, state.Lines = append(speed.Lines, a), append(state.Lines, b)
	}
	chart := plot.Chart{Title: "Long texts: " + strings.Join(names, " and "), Caption: r.caption(), Axis: "tokens " + what, Log: true, Panels: []plot.Panel{speed, state}}
	return chart.SVG()
}

func bits(n int) string {
	if n == 0 {
		return "16 or 32 bits"
	}
	return fmt.Sprintf("%d bits", n)
}

// Soak is a run so long that whatever grows shows.
type Soak struct {
	LongAbout
	Runner  `json:"runner"`
	Prompt  int     `json:"prompt"` // tokens read before
	Every   int     `json:"every"`  // tokens of a lap
	Verdict Verdict `json:"verdict"`
	Drift   *Drift  `json:"drift,omitempty"`
}

// flatTime is how much longer a token may take at the end, and flatMemory how
// much larger a heap may be, for what is called flat; this many bytes are nothing.
const flatTime, flatMemory, flatBytes = 0.05, 0.05, 256 << 10

// copied is after how many steps the engine keeps a copy of the state, for the
// case that the device is lost; it stays one.
const copied = 4096

// Verdict is what a soak comes to. Its laps count from where every window is
// full and the state has been copied, which is when nothing should change any
// more; a shorter soak's from where the windows are full.
type Verdict struct {
	From     int     `json:"from"`            // tokens, where the laps that count begin
	Early    float64 `json:"seconds_early"`   // a token, median of the first third of those laps
	Late     float64 `json:"seconds_late"`    // and of the last third
	FlatTime bool    `json:"time_is_flat"`    // Late is within 5 % of Early
	GPU      int64   `json:"gpu_growth"`      // bytes, from the first of those laps to the last
	Heap     int64   `json:"heap_growth"`     //
	JS       int64   `json:"js_growth"`       // between the smallest of the first third and of the last: it is collected now and then
	Resident int64   `json:"resident_growth"` //
	Flat     bool    `json:"memory_is_flat"`  // the GPU's did not grow at all, the others by less than 5 %
	Known    bool    `json:"known"`           // there were laps enough to tell
}

// Drift is the difference that a long way makes.
type Drift struct {
	Tokens     int     `json:"tokens"`     // that the logits follow
	Chunk      int     `json:"chunk"`      // in which they were read again
	Difference float64 `json:"difference"` // the largest of all logits' differences
	Spread     float64 `json:"spread"`     // from the lowest logit to the highest
	Tolerance  float64 `json:"tolerance"`
	Within     bool    `json:"within"`
}

// driftTolerance is how far apart logits may be, as a share of their spread:
// fp32 sums in another order.
const driftTolerance = 1e-3

// NewDrift compares the logits that follow tokens read in such chunks, b, with
// those of the run that wrote them. There are as many of both, one at least.
func NewDrift(tokens, chunk int, a, b []float32) *Drift {
	d := &Drift{Tokens: tokens, Chunk: chunk}
	low, high := float64(a[0]), float64(a[0])
	for i := range a {
		low, high = min(low, float64(a[i])), max(high, float64(a[i]))
		d.Difference = max(d.Difference, math.Abs(float64(a[i])-float64(b[i])))
	}
	d.Spread = high - low
	d.Tolerance = driftTolerance * d.Spread
	d.Within = d.Difference <= d.Tolerance // false where one is no number
	return d
}

// perToken is the seconds of a token in each lap.
func (s *Soak) perToken() []float64 {
	var all []float64
	before := measure.Lap{}
	for _, lap := range s.Laps {
		all = append(all, (lap.Seconds-before.Seconds)/float64(lap.Tokens-before.Tokens))
		before = lap
	}
	return all
}

// Conclude works out the verdict.
func (s *Soak) Conclude() {
	v := Verdict{}
	defer func() { s.Verdict = v }()
	from := func(tokens int) (first int) {
		for first < len(s.Laps) && (s.Laps[first].Tokens < tokens || first == 0) {
			first++ // a lap's time is from the one before to it
		}
		return first
	}
	first := from(max(s.Window-s.Prompt, copied+s.Every))
	if len(s.Laps)-first < 3 {
		first = from(s.Window - s.Prompt)
	}
	laps := s.Laps[first:]
	third := len(laps) / 3
	if third == 0 {
		return
	}
	v.Known, v.From = true, s.Laps[first-1].Tokens
	times := s.perToken()[first:]
	v.Early, v.Late = spread(times[:third]).Median, spread(times[len(times)-third:]).Median
	v.FlatTime = v.Late <= (1+flatTime)*v.Early
	start, end := laps[0].Memory, laps[len(laps)-1].Memory
	least := func(laps []measure.Lap, of func(m measure.Memory) int64) int64 {
		return of(slices.MinFunc(laps, func(a, b measure.Lap) int { return cmp.Compare(of(a.Memory), of(b.Memory)) }).Memory)
	}
	grown := func(of func(m measure.Memory) int64) int64 {
		return least(laps[len(laps)-third:], of) - least(laps[:third], of)
	}
	v.GPU = end.GPU - start.GPU
	v.Heap = grown(func(m measure.Memory) int64 { return m.Heap })
	v.JS = grown(func(m measure.Memory) int64 { return m.JS })
	v.Resident = grown(func(m measure.Memory) int64 { return m.Resident })
	within := func(growth, of int64) bool { return float64(growth) <= max(flatMemory*float64(of), flatBytes) }
	v.Flat = v.GPU == 0 && end.State == start.State && within(v.Heap, start.Heap) && within(v.JS, start.JS) && within(v.Resident, start.Resident)
}

// Write prints the soak for people: some of its laps, and the verdict.
func (s *Soak) Write(out io.Writer) error {
	fmt.Fprintf(out, "%s; %s, %s, seed %d\n", s.machine(), s.Date, s.Commit, s.Seed)
	fmt.Fprintf(out, "%s, %s parameters, %s; %d tokens read, then written:\n", s.Model, plot.Grouped(s.Parameters), bits(s.Bits), s.Prompt)
	if !s.Complete {
		fmt.Fprintln(out, "Interrupted: these are the figures until then.")
	}
	fmt.Fprintln(out)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	has := measure.Memory{}
	for _, lap := range s.Laps {
		has.GPU, has.JS, has.Resident = max(has.GPU, lap.Memory.GPU), max(has.JS, lap.Memory.JS), max(has.Resident, lap.Memory.Resident)
	}
	row := func(cells ...string) { fmt.Fprintln(w, strings.Join(cells, "\t")+"\t") }
	cells := func(first, second string, memory measure.Memory, spell func(name string, n int64) string) []string {
		all := []string{first, second, spell("state", memory.State)}
		for _, m := range []struct {
			name     string
			has, now int64
		}{{"GPU buffers", has.GPU, memory.GPU}, {"heap", 1, memory.Heap}, {"JS heap", has.JS, memory.JS}, {"processes", has.Resident, memory.Resident}} {
			if m.has > 0 {
				all = append(all, spell(m.name, m.now))
			}
		}
		return all
	}
	row(cells("tokens", "ms a token", measure.Memory{}, func(name string, _ int64) string { return name })...)
	times, shown := s.perToken(), max(1, len(s.Laps)/10)
	for i, lap := range s.Laps {
		if i%shown == shown-1 || i == len(s.Laps)-1 {
			row(cells(plot.Grouped(int64(lap.Tokens)), fmt.Sprintf("%.3f", times[i]*1e3), lap.Memory, func(_ string, n int64) string { return si(float64(n), "B") })...)
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(out)
	v := &s.Verdict
	not := map[bool]string{true: "flat", false: "NOT flat"}
	if !v.Known {
		fmt.Fprintf(out, "Too few laps of %d tokens after the window of %d is full to tell whether anything is flat.\n", s.Every, s.Window)
	} else {
		fmt.Fprintf(out, "time a token: %s: %.3f ms in the first third after %s tokens, %.3f ms in the last, %+.1f %% (5 allowed)\n",
			not[v.FlatTime], v.Early*1e3, plot.Grouped(int64(v.From)), v.Late*1e3, 100*(v.Late/v.Early-1))
		fmt.Fprintf(out, "memory: %s: GPU buffers %+d bytes, heap %+d", not[v.Flat], v.GPU, v.Heap)
		if has.JS > 0 {
			fmt.Fprintf(out, ", JS heap %+d", v.JS)
		}
		if has.Resident > 0 {
			fmt.Fprintf(out, ", processes %+d", v.Resident)
		}
		fmt.Fprintln(out)
	}
	if d := s.Drift; d != nil {
		within := "equal within tolerance"
		if !d.Within {
			within = "NOT equal"
		}
		fmt.Fprintf(out, "logits after %s tokens, stepwise and read in chunks of %d: %s: at most %.2g apart, of a spread of %.1f (%.2g allowed)\n",
			plot.Grouped(int64(d.Tokens)), d.Chunk, within, d.Difference, d.Spread, d.Tolerance)
	}
	if s.Ended != "" {
		fmt.Fprintln(out, "ended early:", s.Ended)
	}
	return nil
}

// SVG draws time and memory against tokens.
func (s *Soak) SVG() string {
	time, memory := plot.Panel{Name: "milliseconds a token", Zero: true}, plot.Panel{Name: "MB", Zero: true}
	line := func(name string, of func(m measure.Memory) int64) {
		l, some := plot.Line{Name: name, Bare: true}, int64(0)
		for _, lap := range s.Laps {
			some = max(some, of(lap.Memory))
			l.Points = append(l.Points, plot.Point{X: float64(lap.Tokens), Y: float64(of(lap.Memory)) / 1e6})
		}
		if some > 0 {
			memory.Lines = append(memory.Lines, l)
		}
	}
	line("GPU buffers", func(m measure.Memory) int64 { return m.GPU })
	line("heap", func(m measure.Memory) int64 { return m.Heap })
	line("JS heap", func(m measure.Memory) int64 { return m.JS })
	line("processes", func(m measure.Memory) int64 { return m.Resident })
	times := plot.Line{Bare: true}
	for i, each := range s.perToken() {
		times.Points = append(times.Points, plot.Point{X: float64(s.Laps[i].Tokens), Y: each * 1e3})
	}
	time.Lines = []plot.Line{times}
	chart := plot.Chart{Title: s.Model + " writes without an end", Caption: s.caption(), Axis: "tokens written", Panels: []plot.Panel{time, memory}}
	return chart.SVG()
}
