package eval

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// About says what was measured and where.
type About struct {
	Commit   string `json:"commit"`
	Date     string `json:"date"`
	Model    string `json:"model"`
	Bits     int    `json:"bits"`    // of quantized weights; 0: floats
	Backend  string `json:"backend"` // --backend
	Browser  string `json:"browser,omitempty"`
	Adapter  string `json:"adapter"`
	Complete bool   `json:"complete"` // false: interrupted, and these are the figures until then
}

func (a About) write(out io.Writer) {
	where := a.Backend
	for _, part := range []string{a.Browser, a.Adapter} {
		if part != "" && part != where {
			where += ", " + part
		}
	}
	fmt.Fprintf(out, "%s on %s; %s\n", a.Model, where, a.Commit)
	if !a.Complete {
		fmt.Fprintln(out, "Interrupted: these are the figures until then.")
	}
}

// Write prints a table for people.
func (p *Perplexity) Write(out io.Writer) error {
	p.About.write(out)
	fmt.Fprintf(out, "%s, %d tokens, the same for every length\n\n", p.Text, p.Tokens)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "length\tsequences\tnats a token\t±\tperplexity\ttokens/s\t")
	for _, r := range p.Rows {
		fmt.Fprintf(table, "%d\t%d\t%.4f\t%.4f\t%.3f\t%.0f\t\n", r.Length, r.Sequences, r.Nats, r.Error, r.Perplexity, r.PerSecond)
	}
	if err := table.Flush(); err != nil || len(p.ByPosition) == 0 {
		return err
	}
	fmt.Fprintf(out, "\nwithin the sequences of %d, by position\n\n", p.Rows[len(p.Rows)-1].Length)
	fmt.Fprintln(table, "from\tto\tnats a token\tperplexity\t")
	for _, r := range p.ByPosition {
		fmt.Fprintf(table, "%d\t%d\t%.4f\t%.3f\t\n", r.From, r.To-1, r.Nats, r.Perplexity)
	}
	return table.Flush()
}

// Write prints a table for people.
func (p *Passkey) Write(out io.Writer) error {
	p.About.write(out)
	fmt.Fprintf(out, "pass keys retrieved of %d at each depth, hidden in %s, seed %d\n\n", p.Keys, cmp.Or(p.Text, "one repeated line"), p.Seed)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(table, "length\tretrieved\t")
	for _, d := range p.Depth {
		fmt.Fprintf(table, "%.0f %%\t", 100*d)
	}
	fmt.Fprint(table, "seconds\t\n")
	for _, r := range p.Rows {
		fmt.Fprintf(table, "%d\t%.1f %%\t", r.Length, 100*r.Retrieved)
		for i, right := range r.Right {
			cell := "-"
			if r.Asked[i] > 0 {
				cell = fmt.Sprint(right)
			}
			fmt.Fprintf(table, "%s\t", cell)
		}
		fmt.Fprintf(table, "%.1f\t\n", r.Seconds)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, r := range p.Rows {
		if r.Wrong != "" {
			fmt.Fprintf(out, "\n%d tokens, a wrong answer (key: what came): %s", r.Length, r.Wrong)
		}
	}
	if len(p.Rows) > 0 {
		fmt.Fprintln(out)
	}
	return nil
}

// caption is the plot's line on what was measured.
func (a About) caption() string {
	return strings.Join([]string{a.Model, a.Backend, a.Date}, " · ")
}
