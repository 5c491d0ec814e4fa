// Package plot draws measurements as SVG, for light paper: they are looked at in
// a README and in print.
package plot

import (
	"fmt"
	"html"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Sizes of a drawing, in pixels.
const (
	Width  = 760
	Left   = 64
	Top    = 40
	Bottom = 60
	Right  = 24

	panelHeight = 280 // of a panel's field
	nameHeight  = 14  // of the line with a panel's name, if it has one
)

// Colours of lines, in order.
var colours = []string{"#1d4ed8", "#b45309", "#047857", "#be185d"}

// Point is one measurement.
type Point struct{ X, Y float64 }

// Line is measurements that belong together.
type Line struct {
	Name   string
	Points []Point
	Dashed bool
	Bare   bool // without a mark at each point
}

// Panel is a field with one pair of axes.
type Panel struct {
	Name  string // of what goes upwards; where there are several panels
	Lines []Line
	Zero  bool // upwards from 0
}

// Chart is panels, one under another, over one axis of tokens.
type Chart struct {
	Title, Caption string
	Axis           string // of what goes to the right
	Log            bool   // to the right by powers of 2
	Panels         []Panel
}

// Frame is a drawing of that height around a body.
func Frame(height int, title, caption string, body *strings.Builder) string {
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12" role="img" aria-label="%s">
<rect width="%d" height="%d" fill="#fff"/>
<text x="%d" y="22" font-size="14" font-weight="bold" fill="#111827">%s</text>
<text x="%d" y="%d" text-anchor="end" fill="#6b7280">%s</text>
%s</svg>
`, Width, height, html.EscapeString(title), Width, height, Left, html.EscapeString(title),
		Width-Right, height-8, html.EscapeString(caption), body)
}

// SVG draws the chart.
func (c *Chart) SVG() string {
	var body strings.Builder
	first, last := math.Inf(1), math.Inf(-1)
	across := func(v float64) float64 {
		if c.Log {
			return math.Log2(v)
		}
		return v
	}
	for _, p := range c.Panels {
		for _, l := range p.Lines {
			for _, at := range l.Points {
				first, last = min(first, across(at.X)), max(last, across(at.X))
			}
		}
	}
	const between = 44
	above := Top
	if len(c.Panels) > 0 && c.Panels[0].Name != "" {
		above += nameHeight
	}
	height := above + Bottom + len(c.Panels)*panelHeight + max(0, len(c.Panels)-1)*between
	if last < first {
		return Frame(height, c.Title, c.Caption, &body)
	}
	step := 1.0
	if !c.Log {
		step = NiceStep((last - min(first, 0)) / 8)
		first = min(first, 0)
	}
	first, last = math.Floor(first/step)*step, math.Ceil(last/step)*step
	if last == first {
		last += step
	}
	x := func(v float64) float64 { return Left + (v-first)/(last-first)*(Width-Left-Right) }
	for i, p := range c.Panels {
		top := above + i*(panelHeight+between)
		p.draw(&body, top, func(v float64) float64 { return x(across(v)) })
		for v := first; v < last+step/2; v += step {
			tokens := Grouped(int64(math.Round(v)))
			if c.Log {
				tokens = Short(int(math.Round(math.Exp2(v))))
			}
			fmt.Fprintf(&body, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\" fill=\"#374151\">%s</text>\n", min(x(v), Width-textWidth(tokens)/2), top+panelHeight+18, tokens)
		}
	}
	fmt.Fprintf(&body, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\" fill=\"#374151\">%s</text>\n", Width/2, height-Bottom+36, html.EscapeString(c.Axis))
	return Frame(height, c.Title, c.Caption, &body)
}

func (p *Panel) draw(body *strings.Builder, top int, x func(float64) float64) {
	low, high := math.Inf(1), math.Inf(-1)
	for _, l := range p.Lines {
		for _, at := range l.Points {
			low, high = min(low, at.Y), max(high, at.Y)
		}
	}
	if high < low {
		return
	}
	if p.Zero {
		low = min(low, 0)
	}
	step := NiceStep((high - low) / 6)
	low, high = math.Floor(low/step)*step, math.Ceil(high/step)*step
	if high == low {
		high += step
	}
	y := func(v float64) float64 { return float64(top) + (high-v)/(high-low)*panelHeight }
	for v := low; v < high+step/2; v += step {
		label := fmt.Sprintf("%.4g", v)
		if v >= 1000 {
			label = Grouped(int64(math.Round(v)))
		}
		fmt.Fprintf(body, "<path d=\"M%d %.1fH%d\" stroke=\"#e5e7eb\"/><text x=\"%d\" y=\"%.1f\" text-anchor=\"end\" fill=\"#374151\">%s</text>\n",
			Left, y(v), Width-Right, Left-8, y(v)+4, label)
	}
	if p.Name != "" {
		fmt.Fprintf(body, "<text x=\"%d\" y=\"%d\" fill=\"#374151\">%s</text>\n", Left, top-8, html.EscapeString(p.Name))
	}
	for i, l := range p.Lines {
		colour, dash := colours[i%len(colours)], ""
		if l.Dashed {
			dash = ` stroke-dasharray="4 3"`
		}
		var path []string
		for _, at := range l.Points {
			path = append(path, fmt.Sprintf("%.1f,%.1f", x(at.X), y(at.Y)))
			if !l.Bare {
				fmt.Fprintf(body, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\" fill=\"%s\"><title>%.4g</title></circle>\n", x(at.X), y(at.Y), colour, at.Y)
			}
		}
		fmt.Fprintf(body, "<polyline points=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"1.5\"%s/>\n", strings.Join(path, " "), colour, dash)
	}
	p.legend(body, top)
}

// legend names the lines: beside the panel's name where they have room there,
// else one below the other within the panel.
func (p *Panel) legend(body *strings.Builder, top int) {
	wide := textWidth(p.Name)
	for _, l := range p.Lines {
		wide += textWidth(l.Name) + legendGap
	}
	y, next := top+14, fmt.Sprintf(`x="%d" dy="18"`, Width-Right)
	if p.Name != "" && wide <= Width-Left-Right {
		y, next = top-8, fmt.Sprintf(`dx="%d"`, legendGap)
	}
	fmt.Fprintf(body, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">", Width-Right, y)
	for i, l := range p.Lines {
		place := next
		if i == 0 {
			place = ""
		}
		fmt.Fprintf(body, "<tspan fill=\"%s\" %s>%s</tspan>", colours[i%len(colours)], place, html.EscapeString(l.Name))
	}
	body.WriteString("</text>\n")
}

// textWidth is about how wide a text is: fonts differ.
func textWidth(text string) float64 { return 7 * float64(utf8.RuneCountInString(text)) }

const legendGap = 16

// NiceStep is the least of 1, 2, 5 times a power of ten that is not below v.
func NiceStep(v float64) float64 {
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

// Short spells a number of tokens: 4096 as 4K.
func Short(n int) string {
	switch {
	case n > 0 && n%(1<<20) == 0:
		return strconv.Itoa(n>>20) + "M"
	case n > 0 && n%(1<<10) == 0:
		return strconv.Itoa(n>>10) + "K"
	}
	return strconv.Itoa(n)
}

// Grouped spells a number with a comma before each three digits.
func Grouped(n int64) string {
	text := strconv.FormatInt(n, 10)
	for at := len(text) - 3; at > 0 && text[at-1] != '-'; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}
