package eval

import (
	"fmt"
	"html"
	"math"
	"slices"
	"strings"

	"github.com/samba-web/samba/tools/plot"
)

// SVG draws perplexity against the length of the sequences, and against the
// position within the longest.
func (p *Perplexity) SVG() string {
	chart := plot.Chart{Title: "Perplexity of " + p.Text, Caption: p.caption(), Axis: "tokens", Log: true}
	var lengths, positions []plot.Point
	for _, r := range p.Rows {
		if r.Scored > 0 {
			lengths = append(lengths, plot.Point{X: float64(r.Length), Y: r.Perplexity})
		}
	}
	for _, r := range p.ByPosition {
		from := max(r.From, r.To/2) // the first reaches down to 1
		positions = append(positions, plot.Point{X: math.Sqrt(float64(from) * float64(r.To)), Y: r.Perplexity})
	}
	lines := []plot.Line{{Name: "mean over sequences of this length", Points: lengths}}
	if len(positions) > 0 {
		lines = append(lines, plot.Line{Name: "at this position, longest sequences", Points: positions, Dashed: true})
	}
	chart.Panels = []plot.Panel{{Lines: lines}}
	return chart.SVG()
}

// SVG draws the grid of depths and lengths, each cell with its share.
func (p *Passkey) SVG() string {
	var body strings.Builder
	const cell = 30
	height := plot.Top + cell*len(p.Depth) + plot.Bottom + 16
	width := (plot.Width - plot.Left - plot.Right) / float64(max(1, len(p.Rows)))
	for j, d := range p.Depth {
		fmt.Fprintf(&body, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\" fill=\"#374151\">%.0f %%</text>\n", plot.Left-8, plot.Top+cell*j+cell/2+4, 100*d)
	}
	for i, r := range p.Rows {
		left := plot.Left + width*float64(i)
		for j := range p.Depth {
			colour, ink, label := "#f3f4f6", "#6b7280", "–"
			if r.Asked[j] > 0 {
				share := float64(r.Right[j]) / float64(r.Asked[j])
				colour, ink, label = shade(share), "#111827", fmt.Sprintf("%.0f", 100*share)
			}
			fmt.Fprintf(&body, "<rect x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\" fill=\"%s\" stroke=\"#fff\"/><text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\" fill=\"%s\">%s</text>\n",
				left, plot.Top+cell*j, width, cell, colour, left+width/2, plot.Top+cell*j+cell/2+4, ink, label)
		}
		under := plot.Top + cell*len(p.Depth)
		fmt.Fprintf(&body, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\" fill=\"#374151\">%s</text><text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\" font-weight=\"bold\" fill=\"#374151\">%.0f %%</text>\n",
			left+width/2, under+18, plot.Short(r.Length), left+width/2, under+36, 100*r.Retrieved)
	}
	from := ""
	if p.Text != "" {
		from = " from " + p.Text
	}
	title := fmt.Sprintf("Pass keys retrieved%s in percent, %d at each depth, by tokens of the prompt", from, p.Keys)
	return plot.Frame(height, title, p.caption(), &body)
}

// SVG draws the share of right answers by kind.
func (a *Answers) SVG() string {
	var body strings.Builder
	const bar, name = 26, 120
	rows := append(slices.Clone(a.Kinds), KindRow{Kind: "all", Right: a.right, Asked: len(a.Given), Share: a.Right})
	for i, k := range rows {
		top, wide := plot.Top+bar*i, float64(plot.Width-plot.Right-name-40)
		fmt.Fprintf(&body, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\" fill=\"#374151\">%s</text><rect x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\" fill=\"%s\"/><text x=\"%.1f\" y=\"%d\" fill=\"#111827\">%d of %d</text>\n",
			name-8, top+bar/2+4, html.EscapeString(k.Kind), name, top+3, wide*k.Share, bar-6, shade(k.Share), name+wide*k.Share+6, top+bar/2+4, k.Right, k.Asked)
	}
	return plot.Frame(plot.Top+bar*len(rows)+plot.Bottom/2, "Answered right, of "+a.Questions, a.caption(), &body)
}

// shade goes from orange, nothing, to green, all; both are light enough for dark ink.
func shade(share float64) string {
	mix := func(from, to int) int { return from + int(math.Round(share*float64(to-from))) }
	return fmt.Sprintf("#%02x%02x%02x", mix(0xfd, 0x86), mix(0xba, 0xef), mix(0x74, 0xac))
}
