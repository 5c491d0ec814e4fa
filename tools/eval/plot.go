package eval

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// Plots are drawn for light paper: they are looked at in a README and in print.
const (
	plotWidth  = 760
	plotHeight = 380
	plotLeft   = 64
	plotBottom = 60
	plotTop    = 40
	plotRight  = 24
)

func svg(height int, title, caption string, body *strings.Builder) string {
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12" role="img" aria-label="%s">
<rect width="%d" height="%d" fill="#fff"/>
<text x="%d" y="22" font-size="14" font-weight="bold" fill="#111827">%s</text>
<text x="%d" y="%d" text-anchor="end" fill="#6b7280">%s</text>
%s</svg>
`, plotWidth, height, html.EscapeString(title), plotWidth, height, plotLeft, html.EscapeString(title),
		plotWidth-plotRight, height-8, html.EscapeString(caption), body)
}

// SVG draws perplexity against the length of the sequences, and against the
// position within the longest.
func (p *Perplexity) SVG() string {
	var body strings.Builder
	type point struct{ x, y float64 }
	var lengths, positions []point
	for _, r := range p.Rows {
		if r.Scored > 0 {
			lengths = append(lengths, point{math.Log2(float64(r.Length)), r.Perplexity})
		}
	}
	for _, r := range p.ByPosition {
		from := max(r.From, r.To/2) // the first reaches down to 1
		positions = append(positions, point{math.Log2(math.Sqrt(float64(from) * float64(r.To))), r.Perplexity})
	}
	low, high, first, last := math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)
	for _, list := range [][]point{lengths, positions} {
		for _, at := range list {
			low, high, first, last = min(low, at.y), max(high, at.y), min(first, at.x), max(last, at.x)
		}
	}
	title := "Perplexity of " + p.Text
	if len(lengths) == 0 {
		return svg(plotHeight, title, p.caption(), &body)
	}
	step := niceStep((high - low) / 6)
	low, high = math.Floor(low/step)*step, math.Ceil(high/step)*step
	if high == low {
		high += step
	}
	first, last = math.Floor(first), math.Ceil(last)
	if last == first {
		last++
	}
	x := func(v float64) float64 {
		return plotLeft + (v-first)/(last-first)*(plotWidth-plotLeft-plotRight)
	}
	y := func(v float64) float64 {
		return plotHeight - plotBottom - (v-low)/(high-low)*(plotHeight-plotBottom-plotTop)
	}
	for v := low; v < high+step/2; v += step {
		fmt.Fprintf(&body, "<path d=\"M%d %.1fH%d\" stroke=\"#e5e7eb\"/><text x=\"%d\" y=\"%.1f\" text-anchor=\"end\" fill=\"#374151\">%.4g</text>\n",
			plotLeft, y(v), plotWidth-plotRight, plotLeft-8, y(v)+4, v)
	}
	for v := first; v <= last; v++ {
		fmt.Fprintf(&body, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\" fill=\"#374151\">%s</text>\n", x(v), plotHeight-plotBottom+18, short(1<<int(v)))
	}
	draw := func(list []point, colour, name, dash string, row int) {
		var path []string
		for _, at := range list {
			path = append(path, fmt.Sprintf("%.1f,%.1f", x(at.x), y(at.y)))
			fmt.Fprintf(&body, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\" fill=\"%s\"><title>%.3f</title></circle>\n", x(at.x), y(at.y), colour, at.y)
		}
		fmt.Fprintf(&body, "<polyline points=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"1.5\"%s/>\n", strings.Join(path, " "), colour, dash)
		fmt.Fprintf(&body, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\" fill=\"%s\">%s</text>\n", plotWidth-plotRight, plotTop+14+18*row, colour, name)
	}
	draw(lengths, "#1d4ed8", "mean over sequences of this length", "", 0)
	if len(positions) > 0 {
		draw(positions, "#b45309", "at this position, longest sequences", ` stroke-dasharray="4 3"`, 1)
	}
	fmt.Fprintf(&body, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\" fill=\"#374151\">tokens</text>\n", plotWidth/2, plotHeight-plotBottom+36)
	return svg(plotHeight, title, p.caption(), &body)
}

// niceStep is the least of 1, 2, 5 times a power of ten that is not below v.
func niceStep(v float64) float64 {
	if !(v > 0) {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, factor := range []float64{1, 2, 5} {
		if factor*power >= v {
			return factor * power
		}
	}
	return 10 * power
}

// SVG draws the grid of depths and lengths, each cell with its share.
func (p *Passkey) SVG() string {
	var body strings.Builder
	const cell = 30
	height := plotTop + cell*len(p.Depth) + plotBottom + 16
	width := (plotWidth - plotLeft - plotRight) / float64(max(1, len(p.Rows)))
	for j, d := range p.Depth {
		fmt.Fprintf(&body, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\" fill=\"#374151\">%.0f %%</text>\n", plotLeft-8, plotTop+cell*j+cell/2+4, 100*d)
	}
	for i, r := range p.Rows {
		left := plotLeft + width*float64(i)
		for j := range p.Depth {
			colour, ink, label := "#f3f4f6", "#6b7280", "–"
			if r.Asked[j] > 0 {
				share := float64(r.Right[j]) / float64(r.Asked[j])
				colour, ink, label = shade(share), "#111827", fmt.Sprintf("%.0f", 100*share)
			}
			fmt.Fprintf(&body, "<rect x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\" fill=\"%s\" stroke=\"#fff\"/><text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\" fill=\"%s\">%s</text>\n",
				left, plotTop+cell*j, width, cell, colour, left+width/2, plotTop+cell*j+cell/2+4, ink, label)
		}
		under := plotTop + cell*len(p.Depth)
		fmt.Fprintf(&body, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\" fill=\"#374151\">%s</text><text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\" font-weight=\"bold\" fill=\"#374151\">%.0f %%</text>\n",
			left+width/2, under+18, short(r.Length), left+width/2, under+36, 100*r.Retrieved)
	}
	title := fmt.Sprintf("Pass keys retrieved in percent, %d at each depth, by tokens of the prompt", p.Keys)
	return svg(height, title, p.caption(), &body)
}

// shade goes from orange, nothing, to green, all; both are light enough for dark ink.
func shade(share float64) string {
	mix := func(from, to int) int { return from + int(math.Round(share*float64(to-from))) }
	return fmt.Sprintf("#%02x%02x%02x", mix(0xfd, 0x86), mix(0xba, 0xef), mix(0x74, 0xac))
}
