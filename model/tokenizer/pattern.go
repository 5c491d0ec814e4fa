package tokenizer

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// pattern is a regular expression of the kind that tokenizer.json files split
// text with. Go's regexp package lacks what all of them need: the lookahead in
// \s+(?!\S), and Oniguruma's rule that the first alternative that matches wins.
// So here is a small backtracking matcher. It knows classes (with nesting and
// &&), \p{..}, greedy, lazy and possessive repeats, (?i:..), lookahead, atomic
// groups and ^ $ \b; anything else is refused by name.
type pattern struct {
	code []instruction
	sets []*runeSet
}

type opcode uint8

const (
	opSet    opcode = iota // one character of set x
	opLoop                 // min to max characters of set x, as many as possible
	opSplit                // continue at x; when that fails, at y
	opJump                 // continue at x
	opLook                 // lookahead: the code up to its opMatch, continue at x; negative if neg
	opAtomic               // as opLook, but consumes what it matched
	opAssert               // assertion x holds
	opMatch                // the end
)

type instruction struct {
	op       opcode
	neg      bool // opLook: must not match; opLoop: gives nothing back (possessive)
	x, y     int32
	min, max int32 // max < 0: without bound
}

const (
	maxSource  = 1 << 12 // bytes of one pattern; published ones have at most some hundred
	maxCode    = 1 << 13 // instructions of one pattern
	maxNesting = 32      // groups within groups
	maxRepeat  = 1000    // {n,m}
	maxFold    = 1024    // characters of a class within (?i:..)
)

// machine is the scratch space of matching. steps is what is left of the
// allowance for one text: published patterns take a few steps a byte, and a
// hostile one such as (a*)*b must not hang the page. When it is used up nothing
// matches any more, and the rest of the text stays one piece.
type machine struct {
	stack []retry
	steps int
	more  bool // this text goes on where other text ended: nothing is put before it
	limit int  // bytes that a sequence of normalizers may make of this text; 0: none is at work
}

// retry is a choice to return to: continue at pc from pos, and, for a greedy
// loop, from every earlier character boundary down to low as well.
type retry struct {
	pc, pos, low int
}

// allow grants the steps for matching against a text of n bytes.
func (m *machine) allow(n int) { m.steps = 1<<16 + 256*n }

// find returns the leftmost match that starts at from or later; start is -1 if there is none.
func (p *pattern) find(m *machine, text []byte, from int) (start, end int) {
	for start = from; start <= len(text); start++ {
		if start < len(text) && !utf8.RuneStart(text[start]) {
			continue
		}
		if end = p.run(m, text, 0, start); end >= 0 {
			return start, end
		}
		if m.steps < 0 {
			break
		}
	}
	return -1, -1
}

// run matches the code at pc against the text at pos and returns where the match ends, or -1.
func (p *pattern) run(m *machine, text []byte, pc, pos int) int {
	base := len(m.stack)
	defer func() { m.stack = m.stack[:base] }()
	for {
		if m.steps--; m.steps < 0 {
			return -1
		}
		in := &p.code[pc]
		pc++
		ok := true
		switch in.op {
		case opMatch:
			return pos
		case opSet:
			r, size := decode(text, pos)
			if ok = size > 0 && p.sets[in.x].has(r); ok {
				pos += size
			}
		case opLoop:
			set, low := p.sets[in.x], pos
			n := int32(0)
			for ; n != in.max; n++ {
				r, size := decode(text, pos)
				if size == 0 || !set.has(r) {
					break
				}
				if pos += size; n < in.min {
					low = pos
				}
			}
			m.steps -= int(n)
			if ok = n >= in.min; ok && pos > low && !in.neg {
				m.stack = append(m.stack, retry{pc, before(text, pos), low})
			}
		case opSplit:
			m.stack = append(m.stack, retry{int(in.y), pos, pos})
			pc = int(in.x)
		case opJump:
			pc = int(in.x)
		case opLook:
			ok = p.run(m, text, pc, pos) >= 0 != in.neg
			pc = int(in.x)
		case opAtomic:
			if end := p.run(m, text, pc, pos); end >= 0 {
				pos = end
			} else {
				ok = false
			}
			pc = int(in.x)
		case opAssert:
			ok = holds(byte(in.x), text, pos)
		}
		if ok {
			continue
		}
		if len(m.stack) == base {
			return -1
		}
		top := &m.stack[len(m.stack)-1]
		pc, pos = top.pc, top.pos
		if top.pos > top.low {
			top.pos = before(text, top.pos)
		} else {
			m.stack = m.stack[:len(m.stack)-1]
		}
	}
}

func decode(text []byte, pos int) (rune, int) {
	if pos < len(text) && text[pos] < utf8.RuneSelf {
		return rune(text[pos]), 1
	}
	return utf8.DecodeRune(text[pos:])
}

// before returns the boundary one character before pos.
func before(text []byte, pos int) int {
	_, size := utf8.DecodeLastRune(text[:pos])
	return pos - size
}

// holds says whether the assertion written as kind holds at pos. ^ and $ stand
// at every line's ends, as in Oniguruma's Ruby syntax.
func holds(kind byte, text []byte, pos int) bool {
	switch kind {
	case '^':
		return pos == 0 || text[pos-1] == '\n'
	case '$':
		return pos == len(text) || text[pos] == '\n'
	case 'A':
		return pos == 0
	case 'z':
		return pos == len(text)
	}
	previous, _ := utf8.DecodeLastRune(text[:pos])
	next, size := decode(text, pos)
	boundary := (pos > 0 && wordSet().has(previous)) != (size > 0 && wordSet().has(next))
	return boundary == (kind == 'b')
}

// compile parses a pattern; its errors quote the construct that is not supported.
func compile(source string) (*pattern, error) {
	if len(source) > maxSource {
		return nil, fmt.Errorf("pattern %s has %d bytes, want at most %d", quote(source), len(source), maxSource)
	}
	c := &compiler{rest: source, p: &pattern{}}
	if err := c.alternatives(); err != nil {
		return nil, fmt.Errorf("pattern %s: %w", quote(source), err)
	}
	if c.rest != "" {
		return nil, fmt.Errorf("pattern %s: ')' without its '('", quote(source))
	}
	c.emit(instruction{op: opMatch})
	if len(c.p.code) > maxCode {
		return nil, fmt.Errorf("pattern %s compiles to %d instructions, want at most %d", quote(source), len(c.p.code), maxCode)
	}
	return c.p, nil
}

// mustCompile is for the patterns that this package itself brings.
func mustCompile(source string) *pattern {
	p, err := compile(source)
	if err != nil {
		panic(err)
	}
	return p
}

type compiler struct {
	rest  string
	p     *pattern
	fold  bool // within (?i:..)
	depth int
	empty bool // what was compiled last may match nothing
}

func (c *compiler) emit(in instruction) int {
	c.p.code = append(c.p.code, in)
	return len(c.p.code) - 1
}

func (c *compiler) here() int32 { return int32(len(c.p.code)) }

// insert puts an instruction before those already emitted from at on.
// Jumps within them move along.
func (c *compiler) insert(at int, in instruction) {
	c.p.code = slices.Insert(c.p.code, at, in)
	shift(c.p.code[at+1:], at, 1)
}

// shift moves the targets of code that was moved by n; targets before at stay.
func shift(code []instruction, at, n int) {
	for i := range code {
		in := &code[i]
		switch in.op {
		case opSplit:
			if int(in.y) >= at {
				in.y += int32(n)
			}
			fallthrough
		case opJump, opLook, opAtomic:
			if int(in.x) >= at {
				in.x += int32(n)
			}
		}
	}
}

// alternatives compiles a|b|c up to the closing bracket or the end.
func (c *compiler) alternatives() error {
	if c.depth++; c.depth > maxNesting {
		return fmt.Errorf("groups nest deeper than %d", maxNesting)
	}
	fold := c.fold
	defer func() { c.depth--; c.fold = fold }()
	var jumps []int
	empty := false
	for {
		begin := len(c.p.code)
		if err := c.sequence(); err != nil {
			return err
		}
		empty = empty || c.empty
		if !strings.HasPrefix(c.rest, "|") {
			break
		}
		c.rest = c.rest[1:]
		c.insert(begin, instruction{op: opSplit, x: int32(begin) + 1})
		jumps = append(jumps, c.emit(instruction{op: opJump}))
		c.p.code[begin].y = c.here()
	}
	for _, j := range jumps {
		c.p.code[j].x = c.here()
	}
	c.empty = empty
	return nil
}

func (c *compiler) sequence() error {
	empty := true
	defer func() { c.empty = empty }()
	for c.rest != "" && c.rest[0] != '|' && c.rest[0] != ')' {
		begin := len(c.p.code)
		c.empty = false
		if err := c.atom(); err != nil {
			return err
		}
		for {
			repeated, err := c.repeat(begin)
			if err != nil {
				return err
			}
			if !repeated {
				break
			}
		}
		empty = empty && c.empty
		if len(c.p.code) > maxCode {
			return fmt.Errorf("it compiles to more than %d instructions", maxCode)
		}
	}
	return nil
}

// atom compiles one character, class, group or assertion.
func (c *compiler) atom() error {
	switch c.rest[0] {
	case '(':
		return c.group()
	case '[':
		ranges, err := c.class()
		if err != nil {
			return err
		}
		c.set(ranges)
		return nil
	case '.':
		c.rest = c.rest[1:]
		c.set(negate([]rune{'\n', '\n'}))
		return nil
	case '^', '$':
		c.emit(instruction{op: opAssert, x: int32(c.rest[0])})
		c.rest, c.empty = c.rest[1:], true
		return nil
	case '*', '+', '?':
		return fmt.Errorf("nothing to repeat before %s", quote(c.rest))
	case '\\':
		if len(c.rest) > 1 && strings.IndexByte("bBAz", c.rest[1]) >= 0 {
			c.emit(instruction{op: opAssert, x: int32(c.rest[1])})
			c.rest, c.empty = c.rest[2:], true
			return nil
		}
		ranges, _, err := c.escape()
		if err != nil {
			return err
		}
		return c.folded(ranges)
	}
	r, size := utf8.DecodeRuneInString(c.rest)
	c.rest = c.rest[size:]
	return c.folded([]rune{r, r})
}

// folded emits a set, with the other cases of its characters within (?i:..).
func (c *compiler) folded(ranges []rune) error {
	ranges, err := c.cases(ranges)
	if err == nil {
		c.set(ranges)
	}
	return err
}

func (c *compiler) cases(ranges []rune) ([]rune, error) {
	if !c.fold {
		return ranges, nil
	}
	ranges = union(ranges)
	out, n := slices.Clone(ranges), 0
	for i := 0; i < len(ranges); i += 2 {
		if n += int(ranges[i+1]-ranges[i]) + 1; n > maxFold {
			return nil, fmt.Errorf("a class of more than %d characters within (?i:..) is not supported", maxFold)
		}
		for r := ranges[i]; r <= ranges[i+1]; r++ {
			for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
				out = append(out, other, other)
			}
		}
	}
	return out, nil
}

func (c *compiler) set(ranges []rune) {
	c.p.sets = append(c.p.sets, newRuneSet(ranges))
	c.emit(instruction{op: opSet, x: int32(len(c.p.sets) - 1)})
}

func (c *compiler) group() error {
	begin, outer := -1, c.fold
	switch {
	case !strings.HasPrefix(c.rest, "(?"):
		c.rest = c.rest[1:] // captures are not told apart: nothing refers to them
	case strings.HasPrefix(c.rest, "(?:"):
		c.rest = c.rest[3:]
	case strings.HasPrefix(c.rest, "(?i:"):
		c.rest, c.fold = c.rest[4:], true
	case strings.HasPrefix(c.rest, "(?i)"):
		c.rest, c.fold = c.rest[4:], true // until the enclosing group ends
		c.empty = true
		return nil
	case strings.HasPrefix(c.rest, "(?="), strings.HasPrefix(c.rest, "(?!"):
		begin = c.emit(instruction{op: opLook, neg: c.rest[2] == '!'})
		c.rest = c.rest[3:]
	case strings.HasPrefix(c.rest, "(?>"):
		begin = c.emit(instruction{op: opAtomic})
		c.rest = c.rest[3:]
	default:
		return fmt.Errorf("the group %.4q is not supported", c.rest)
	}
	err := c.alternatives()
	c.fold = outer
	if err != nil {
		return err
	}
	if c.rest == "" {
		return fmt.Errorf("'(' without its ')'")
	}
	c.rest = c.rest[1:]
	if begin >= 0 {
		c.emit(instruction{op: opMatch})
		c.p.code[begin].x = c.here()
		c.empty = c.empty || c.p.code[begin].op == opLook
	}
	return nil
}

// repeat compiles a quantifier of what was emitted from begin on.
func (c *compiler) repeat(begin int) (bool, error) {
	low, high := 0, -1
	braces := false
	switch {
	case c.rest == "":
		return false, nil
	case c.rest[0] == '*':
		c.rest = c.rest[1:]
	case c.rest[0] == '+':
		low, c.rest = 1, c.rest[1:]
	case c.rest[0] == '?':
		high, c.rest = 1, c.rest[1:]
	default:
		var ok bool
		if low, high, ok = c.counts(); !ok {
			return false, nil
		}
		braces = true
	}
	if low > maxRepeat || high > maxRepeat || high >= 0 && low > high {
		return false, fmt.Errorf("the repeat {%d,%d} is out of order or above %d", low, high, maxRepeat)
	}
	lazy, possessive := false, false
	if strings.HasPrefix(c.rest, "?") {
		lazy, c.rest = true, c.rest[1:]
	} else if strings.HasPrefix(c.rest, "+") && !braces { // after braces it repeats once more, in Oniguruma
		possessive, c.rest = true, c.rest[1:]
	}
	body := slices.Clone(c.p.code[begin:])
	if len(body) == 0 {
		return false, fmt.Errorf("nothing to repeat before %s", quote(c.rest))
	}
	if high < 0 && c.empty {
		return false, fmt.Errorf("the repeat of a group that may match nothing is not supported")
	}
	c.empty = c.empty || low == 0
	if len(body) == 1 && body[0].op == opSet && !lazy {
		c.p.code[begin] = instruction{op: opLoop, neg: possessive, x: body[0].x, min: int32(low), max: int32(high)}
		return true, nil
	}
	if (max(low, high)+1)*(len(body)+1) > maxCode {
		return false, fmt.Errorf("it compiles to more than %d instructions", maxCode)
	}
	c.p.code = c.p.code[:begin]
	if possessive {
		c.emit(instruction{op: opAtomic})
	}
	// again emits the body once more; the copy's jumps move with it.
	again := func() {
		at := len(c.p.code)
		c.p.code = append(c.p.code, body...)
		shift(c.p.code[at:], 0, at-begin)
	}
	choice := func() int {
		at := c.emit(instruction{op: opSplit})
		c.p.code[at].x = c.here()
		return at
	}
	exit := func(at int) {
		in := &c.p.code[at]
		if in.y = c.here(); lazy {
			in.x, in.y = in.y, in.x
		}
	}
	for range low {
		again()
	}
	if high < 0 {
		at := choice()
		again()
		c.emit(instruction{op: opJump, x: int32(at)})
		exit(at)
	}
	var exits []int
	for range high - low {
		exits = append(exits, choice())
		again()
	}
	for _, at := range exits {
		exit(at)
	}
	if possessive {
		c.emit(instruction{op: opMatch})
		c.p.code[begin].x = c.here()
	}
	return true, nil
}

// counts reads {n}, {n,}, {,m} or {n,m}; anything else is literal text.
func (c *compiler) counts() (low, high int, ok bool) {
	end := strings.IndexByte(c.rest, '}')
	if c.rest[0] != '{' || end < 0 {
		return 0, 0, false
	}
	first, second, comma := strings.Cut(c.rest[1:end], ",")
	number := func(s string, missing int) int {
		if s == "" {
			return missing
		}
		n, err := strconv.ParseUint(s, 10, 31)
		if err != nil {
			ok = false
		}
		return int(n)
	}
	ok = first != "" || second != ""
	low = number(first, 0)
	if high = low; comma {
		high = number(second, -1)
	}
	if ok {
		c.rest = c.rest[end+1:]
	}
	return low, high, ok
}

// class reads [..], which may hold further classes and && between parts.
func (c *compiler) class() ([]rune, error) {
	if c.depth++; c.depth > maxNesting {
		return nil, fmt.Errorf("classes nest deeper than %d", maxNesting)
	}
	defer func() { c.depth-- }()
	whole := c.rest
	c.rest = c.rest[1:]
	negative := strings.HasPrefix(c.rest, "^")
	if negative {
		c.rest = c.rest[1:]
	}
	var ranges, meet []rune
	meeting := false
	for begin := c.rest; ; {
		switch {
		case c.rest == "":
			return nil, fmt.Errorf("'[' without its ']' in %s", quote(whole))
		case strings.HasPrefix(c.rest, "[:"):
			return nil, fmt.Errorf("the class %.8q is not supported", c.rest)
		case c.rest[0] == ']':
			if c.rest == begin {
				return nil, fmt.Errorf("the empty class %.8q is not supported", whole)
			}
			c.rest = c.rest[1:]
			ranges, err := c.cases(ranges)
			if err != nil {
				return nil, err
			}
			if meeting {
				ranges = intersect(meet, ranges)
			}
			if negative {
				ranges = negate(ranges)
			}
			return ranges, nil
		case strings.HasPrefix(c.rest, "&&"):
			c.rest = c.rest[2:]
			if meeting {
				ranges = intersect(meet, ranges)
			}
			meet, ranges, meeting = ranges, nil, true
		case c.rest[0] == '[':
			inner, err := c.class()
			if err != nil {
				return nil, err
			}
			ranges = append(ranges, inner...)
		default:
			member, single, err := c.member()
			if err != nil {
				return nil, err
			}
			if single && len(c.rest) > 1 && c.rest[0] == '-' && c.rest[1] != ']' {
				c.rest = c.rest[1:]
				last, single, err := c.member()
				if err != nil {
					return nil, err
				}
				if !single || last[0] < member[0] {
					return nil, fmt.Errorf("a range is out of order in %s", quote(whole))
				}
				member = []rune{member[0], last[0]}
			}
			ranges = append(ranges, member...)
		}
	}
}

// member reads one character or escape of a class.
func (c *compiler) member() (ranges []rune, single bool, err error) {
	if c.rest[0] == '\\' {
		return c.escape()
	}
	r, size := utf8.DecodeRuneInString(c.rest)
	c.rest = c.rest[size:]
	return []rune{r, r}, true, nil
}

// escape reads a backslash and what belongs to it.
func (c *compiler) escape() (ranges []rune, single bool, err error) {
	if len(c.rest) < 2 {
		return nil, false, fmt.Errorf("a '\\' ends it")
	}
	whole := c.rest
	letter, size := utf8.DecodeRuneInString(c.rest[1:])
	c.rest = c.rest[1+size:]
	one := func(r rune) ([]rune, bool, error) { return []rune{r, r}, true, nil }
	switch letter {
	case 's':
		return spaceRanges(), false, nil
	case 'S':
		return negate(spaceRanges()), false, nil
	case 'd':
		return digitRanges(), false, nil
	case 'D':
		return negate(digitRanges()), false, nil
	case 'w':
		return wordRanges(), false, nil
	case 'W':
		return negate(wordRanges()), false, nil
	case 'n':
		return one('\n')
	case 'r':
		return one('\r')
	case 't':
		return one('\t')
	case 'f':
		return one('\f')
	case 'v':
		return one('\v')
	case 'x', 'u':
		digits := c.rest
		if strings.HasPrefix(digits, "{") {
			digits, _, _ = strings.Cut(digits[1:], "}")
			c.rest = c.rest[min(len(c.rest), len(digits)+2):]
		} else {
			digits = digits[:min(len(digits), map[rune]int{'x': 2, 'u': 4}[letter])]
			c.rest = c.rest[len(digits):]
		}
		n, err := strconv.ParseUint(digits, 16, 21)
		if err != nil || n > unicode.MaxRune {
			return nil, false, fmt.Errorf("the escape %.8q is not a character", whole)
		}
		return one(rune(n))
	case 'p', 'P':
		name := c.rest
		if strings.HasPrefix(name, "{") {
			name, _, _ = strings.Cut(name[1:], "}")
			c.rest = c.rest[min(len(c.rest), len(name)+2):]
		} else {
			name = name[:min(len(name), 1)]
			c.rest = c.rest[len(name):]
		}
		bare := strings.TrimPrefix(name, "^")
		if ranges = property(bare); ranges == nil {
			return nil, false, fmt.Errorf("the property %s is not supported", quote(`\p{`+name+`}`))
		}
		if (letter == 'P') != (bare != name) {
			ranges = negate(ranges)
		}
		return ranges, false, nil
	}
	if letter < 0x80 && (unicode.IsLetter(letter) || unicode.IsDigit(letter)) {
		return nil, false, fmt.Errorf("the escape %.2q is not supported", whole)
	}
	return one(letter)
}
