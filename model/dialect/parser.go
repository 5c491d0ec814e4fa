package dialect

import (
	"strings"

	"github.com/samba-web/samba/model/grammar"
)

// Call is a call of a tool. Arguments is a JSON object.
type Call struct{ Name, Arguments string }

// Piece is what became certain of an answer: parts of its thought and its text,
// and whole calls, in that order.
type Piece struct {
	Reasoning, Content string
	Calls              []Call
}

const (
	maxCall  = 1 << 20 // bytes that one pair of marks may hold; what is longer is content
	maxSpace = 1 << 10 // bytes of white space that are held back
)

// Parser takes an answer apart as it comes.
type Parser struct {
	open, close string // marks around calls; open is empty where none are looked for
	form        grammar.Form
	known       func(tool string) bool

	state state
	held  string // what may still become a mark, or is white space that one may follow

	gap  string          // white space before the calls that are open
	body strings.Builder // of those
	scan scanner
}

type state int

const (
	atStart state = iota // a thought may begin
	inThought
	afterThought // white space is left out
	inContent
	inCalls
)

// Parser takes answers apart that begin within a thought or not. Calls are looked
// for where known is not nil: it says which tools there are.
func (d Dialect) Parser(within bool, known func(tool string) bool) *Parser {
	p := &Parser{form: d.Form, known: known}
	if known != nil {
		p.open, p.close = d.Open, d.Close
	}
	if within {
		p.state = inThought
	}
	return p
}

// Push takes the next text, any bytes.
func (p *Parser) Push(text string) (out Piece) {
	p.held += text
	for p.step(&out) {
	}
	return out
}

// Flush returns what was held back when the answer ends. Calls without an end are content.
func (p *Parser) Flush() (out Piece) {
	switch p.state {
	case inThought:
		out.Reasoning = p.held
	case inCalls:
		p.endCalls(&out, p.scan.whole && p.held == "", p.held)
	case afterThought: // white space
	default:
		out.Content = p.held
	}
	p.held, p.state = "", inContent
	return out
}

const space = " \n\r\t"

// step moves on by one state; it returns false where more text is needed.
func (p *Parser) step(out *Piece) bool {
	switch p.state {
	case atStart:
		text := strings.TrimLeft(p.held, space)
		switch {
		case strings.HasPrefix(text, ThinkOpen):
			p.held, p.state = text[len(ThinkOpen):], inThought
			return true
		case strings.HasPrefix(ThinkOpen, text) && len(p.held) < maxSpace:
			return false
		}
		p.state = inContent
		return true
	case inThought:
		if at := strings.Index(p.held, ThinkClose); at >= 0 {
			out.Reasoning += p.held[:at]
			p.held, p.state = p.held[at+len(ThinkClose):], afterThought
			return true
		}
		keep := suffixOf(p.held, ThinkClose)
		out.Reasoning += p.held[:len(p.held)-keep]
		p.held = p.held[len(p.held)-keep:]
		return false
	case afterThought:
		if p.held = strings.TrimLeft(p.held, space); p.held == "" {
			return false
		}
		p.state = inContent
		return true
	case inContent:
		return p.content(out)
	}
	return p.calls(out)
}

// content hands text out up to the mark that opens calls.
func (p *Parser) content(out *Piece) bool {
	if p.open == "" {
		out.Content += p.held
		p.held = ""
		return false
	}
	at := strings.Index(p.held, p.open)
	if at >= 0 {
		text := strings.TrimRight(p.held[:at], space)
		out.Content += text
		p.gap = p.held[len(text):at]
		p.held = p.held[at+len(p.open):]
		p.state, p.scan = inCalls, scanner{form: p.form}
		p.body.Reset()
		return true
	}
	keep := suffixOf(p.held, p.open)
	sure := strings.TrimRight(p.held[:len(p.held)-keep], space)
	out.Content += sure
	p.held = p.held[len(sure):]
	if len(p.held) > maxSpace {
		out.Content += p.held
		p.held = ""
	}
	return false
}

// calls gathers what stands between the marks.
func (p *Parser) calls(out *Piece) bool {
	for i := 0; i < len(p.held); i++ {
		rest := p.held[i:]
		if !p.scan.quoted() && p.close != "" {
			if strings.HasPrefix(rest, p.close) {
				p.body.WriteString(p.held[:i])
				p.held = rest[len(p.close):]
				p.endCalls(out, true, p.close)
				return true
			}
			if strings.HasPrefix(p.close, rest) {
				p.body.WriteString(p.held[:i])
				p.held = rest
				return false
			}
		}
		p.scan.next(p.held[i])
		if p.scan.whole && p.close == "" || p.body.Len()+i > maxCall {
			p.body.WriteString(p.held[:i+1])
			p.held = p.held[i+1:]
			p.endCalls(out, p.scan.whole, "")
			return true
		}
	}
	p.body.WriteString(p.held)
	p.held = ""
	return false
}

// endCalls hands out what stood between the marks: as calls, or as the content that it is instead.
func (p *Parser) endCalls(out *Piece, whole bool, end string) {
	body := p.body.String()
	p.state = inContent
	p.body.Reset()
	if whole {
		if calls, ok := readCalls(body, p.form, p.known); ok {
			out.Calls = append(out.Calls, calls...)
			p.state = afterThought // the white space between calls
			return
		}
	}
	out.Content += p.gap + p.open + body + end
}

// suffixOf is how many bytes of the end of text are a beginning of mark.
func suffixOf(text, mark string) int {
	for n := min(len(text), len(mark)-1); n > 0; n-- {
		if strings.HasSuffix(text, mark[:n]) {
			return n
		}
	}
	return 0
}

// scanner follows brackets and quotes, so that a mark within a string is none.
type scanner struct {
	form    grammar.Form
	quote   byte // that the string began with; 0: outside
	escaped bool
	depth   int
	whole   bool // the first bracket has been closed
}

func (s *scanner) quoted() bool { return s.quote != 0 }

func (s *scanner) next(c byte) {
	switch {
	case s.escaped:
		s.escaped = false
	case s.quote != 0:
		if c == '\\' {
			s.escaped = true
		} else if c == s.quote {
			s.quote = 0
		}
	case c == '"' || c == '\'' && s.form == grammar.PythonForm:
		s.quote = c
	case c == '[' || c == '{' || c == '(':
		s.depth++
	case c == ']' || c == '}' || c == ')':
		s.depth--
		s.whole = s.whole || s.depth <= 0
	}
}

// Thinking says whether what comes next is a part of a thought.
func (p *Parser) Thinking() bool { return p.state == inThought }
