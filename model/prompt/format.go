package prompt

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// maxWidth bounds a field of a format.
const maxWidth = 10_000

// spec is how a value is written in a format.
type spec struct {
	fill       string
	align      byte // <, >, ^, =; 0: by the value
	sign       byte // +, blank; 0: of negative numbers only
	alternate  bool
	zero       bool
	width      int
	comma      byte // between thousands; 0: none
	precision  int  // -1: none
	conversion byte
}

// printf is Python's % on strings: args by place, or one mapping.
func (e *evaluator) printf(format str, args tuple, whole any) (any, error) {
	var w writer
	used := 0
	mapping, _ := whole.(*dict)
	for at := 0; at < len(format.s); {
		next := strings.IndexByte(format.s[at:], '%')
		if next < 0 {
			next = len(format.s) - at
		}
		w.add(format.cut(at, at+next))
		if at += next; at == len(format.s) {
			break
		}
		at++
		var v any
		byName := false
		if rest := format.s[at:]; strings.HasPrefix(rest, "(") {
			end := strings.IndexByte(rest, ')')
			if end < 0 || mapping == nil {
				return nil, errors.New("a format names a value, but there is no mapping of them")
			}
			var ok bool
			if v, ok = mapping.get(plain(rest[1:end])); !ok {
				return nil, fmt.Errorf("a format wants %.40q, which is not there", rest[1:end])
			}
			byName = true
			at += end + 1
		}
		s := spec{precision: -1, fill: " "}
		for ; at < len(format.s) && strings.IndexByte("-+ #0", format.s[at]) >= 0; at++ {
			switch c := format.s[at]; c {
			case '-':
				s.align = '<'
			case '+', ' ':
				if s.sign != '+' {
					s.sign = c
				}
			case '#':
				s.alternate = true
			case '0':
				s.zero = true
			}
		}
		number := func() (int, error) {
			from := at
			for at < len(format.s) && format.s[at] >= '0' && format.s[at] <= '9' {
				at++
			}
			n, err := strconv.Atoi("0" + format.s[from:at])
			if err != nil || n > maxWidth {
				return 0, fmt.Errorf("a format's width is %.20q, want at most %d", format.s[from:at], maxWidth)
			}
			return n, nil
		}
		var err error
		if s.width, err = number(); err != nil {
			return nil, err
		}
		if at < len(format.s) && format.s[at] == '.' {
			at++
			if s.precision, err = number(); err != nil {
				return nil, err
			}
		}
		if at == len(format.s) {
			return nil, errors.New("a format ends in the midst of a field")
		}
		s.conversion = format.s[at]
		at++
		if s.conversion == '%' {
			w.put("%", false)
			continue
		}
		if !byName {
			if used == len(args) {
				return nil, fmt.Errorf("a format wants more than the %d values that it is given", len(args))
			}
			v = args[used]
			used++
		}
		out, err := s.printf(v)
		if err != nil {
			return nil, err
		}
		if w.add(out); w.size() > maxOutput {
			return nil, tooMuchText()
		}
	}
	if used < len(args) && mapping == nil {
		return nil, fmt.Errorf("a format uses %d of the %d values that it is given", used, len(args))
	}
	return w.str(), nil
}

func (s spec) printf(v any) (str, error) {
	right := s
	if right.align == 0 {
		right.align = '>'
	}
	switch s.conversion {
	case 's', 'r', 'a':
		out := text(v)
		if s.conversion != 's' {
			out = repr(v)
		}
		return right.padded(right.shortened(out)), nil
	case 'c':
		if n, ok := v.(int); ok && n >= 0 && n <= unicode.MaxRune {
			return right.padded(plain(string(rune(n)))), nil
		}
		if c, ok := v.(str); ok && utf8.RuneCountInString(c.s) == 1 {
			return right.padded(c), nil
		}
		return str{}, errors.New("%c wants one character, or its number")
	case 'd', 'i', 'u':
		f, ok := number(v)
		if !ok {
			return str{}, fmt.Errorf("%%%c wants a number, got a %s", s.conversion, typeName(v))
		}
		if _, isFloat := v.(float64); isFloat {
			if math.Abs(f) >= 1<<63 {
				return str{}, errors.New("a number is too large for a format")
			}
			v = int(f)
		}
		s.conversion = 'd'
	case 'o', 'x', 'X':
		if _, whole := v.(int); !whole {
			return str{}, fmt.Errorf("%%%c wants a whole number, got a %s", s.conversion, typeName(v))
		}
	case 'e', 'E', 'f', 'F', 'g', 'G':
		f, ok := number(v)
		if !ok {
			return str{}, fmt.Errorf("%%%c wants a number, got a %s", s.conversion, typeName(v))
		}
		v = f
	default:
		return str{}, fmt.Errorf("a format has %%%c, which is not supported", s.conversion)
	}
	precision := s.precision
	if s.conversion == 'd' || s.conversion == 'o' || s.conversion == 'x' || s.conversion == 'X' {
		s.precision = -1
	}
	if s.align == '<' {
		s.zero = false
	}
	return s.number(v, precision)
}

func (s spec) shortened(t str) str {
	if s.precision >= 0 {
		return t.cut(0, byteAt(t.s, s.precision))
	}
	return t
}

// padded brings a text to the spec's width.
func (s spec) padded(t str) str {
	n := s.width - utf8.RuneCountInString(t.s)
	if n <= 0 {
		return t
	}
	left := 0
	switch s.align {
	case '>', '=':
		left = n
	case '^':
		left = n / 2
	}
	var w writer
	w.put(strings.Repeat(s.fill, left), false)
	w.add(t)
	w.put(strings.Repeat(s.fill, n-left), false)
	return w.str()
}

// number writes a whole or a floating number; digits is the least number of them.
func (s spec) number(v any, digits int) (str, error) {
	var body string
	negative := false
	switch n := v.(type) {
	case bool:
		whole, _ := integer(n)
		return s.number(whole, digits)
	case int:
		negative = n < 0
		magnitude := uint64(n)
		if negative {
			magnitude = -magnitude
		}
		base := map[byte]int{'b': 2, 'o': 8, 'x': 16, 'X': 16}[s.conversion]
		if base == 0 {
			base = 10
		}
		if body = strconv.FormatUint(magnitude, base); s.conversion == 'X' {
			body = strings.ToUpper(body)
		}
		if digits > len(body) && s.precision < 0 {
			body = strings.Repeat("0", digits-len(body)) + body
		}
		if s.alternate && base != 10 {
			body = "0" + string(s.conversion) + body
		}
	case float64:
		negative = math.Signbit(n) && !math.IsNaN(n)
		body = s.float(math.Abs(n))
	}
	if s.comma != 0 {
		whole, rest := body, ""
		if at := strings.IndexAny(body, ".eE"); at >= 0 {
			whole, rest = body[:at], body[at:]
		}
		group := 3
		if s.conversion != 0 && strings.IndexByte("bxXo", s.conversion) >= 0 {
			group = 4
		}
		for at := len(whole) - group; at > 0; at -= group {
			whole = whole[:at] + string(s.comma) + whole[at:]
		}
		body = whole + rest
	}
	sign := ""
	if negative {
		sign = "-"
	} else if s.sign != 0 {
		sign = string(s.sign)
	}
	if s.zero && s.align == 0 || s.align == '=' {
		fill := s.fill
		if s.zero {
			fill = "0"
		}
		body = strings.Repeat(fill, max(0, s.width-utf8.RuneCountInString(sign+body))) + body
	}
	if s.align == 0 {
		s.align = '>'
	}
	return s.padded(plain(sign + body)), nil
}

// float writes a number that is not negative.
func (s spec) float(f float64) string {
	precision := s.precision
	if precision < 0 {
		precision = 6
	}
	conversion := s.conversion
	switch {
	case math.IsInf(f, 0) || math.IsNaN(f):
		text := floatText(f)
		if conversion == 'F' || conversion == 'E' || conversion == 'G' {
			text = strings.ToUpper(text)
		}
		return text
	case conversion == 0 && s.precision < 0:
		return floatText(f)
	case conversion == 0:
		conversion = 'g'
	case conversion == '%':
		return strconv.FormatFloat(100*f, 'f', precision, 64) + "%"
	case conversion == 'F':
		conversion = 'f'
	}
	if conversion == 'g' || conversion == 'G' {
		precision = max(precision, 1)
		rounded := strconv.FormatFloat(f, 'e', precision-1, 64)
		exponent, _ := strconv.Atoi(rounded[strings.IndexByte(rounded, 'e')+1:])
		var out string
		if exponent < -4 || exponent >= precision {
			out = rounded
		} else {
			out = strconv.FormatFloat(f, 'f', precision-1-exponent, 64)
		}
		if !s.alternate {
			mantissa, tail, isExp := strings.Cut(out, "e")
			if strings.Contains(mantissa, ".") {
				mantissa = strings.TrimRight(strings.TrimRight(mantissa, "0"), ".")
			}
			if out = mantissa; isExp {
				out += "e" + tail
			}
		}
		if s.conversion == 0 && !strings.ContainsAny(out, ".e") {
			out += ".0"
		}
		if conversion == 'G' {
			out = strings.ToUpper(out)
		}
		return out
	}
	return strconv.FormatFloat(f, conversion, precision, 64)
}

// format is Python's str.format.
func (e *evaluator) format(format str, a *arguments) (any, error) {
	var w writer
	next := 0
	for at := 0; at < len(format.s); {
		stop := strings.IndexAny(format.s[at:], "{}")
		if stop < 0 {
			stop = len(format.s) - at
		}
		w.add(format.cut(at, at+stop))
		if at += stop; at == len(format.s) {
			break
		}
		if strings.HasPrefix(format.s[at:], "{{") || strings.HasPrefix(format.s[at:], "}}") {
			w.add(format.cut(at, at+1))
			at += 2
			continue
		}
		end := strings.IndexByte(format.s[at:], '}')
		if format.s[at] == '}' || end < 0 {
			return nil, errors.New("a format has a brace by itself: want two of them")
		}
		field := format.s[at+1 : at+end]
		at += end + 1
		if strings.Contains(field, "{") {
			return nil, errors.New("a format has a field within a field, which is not supported")
		}
		field, how, _ := strings.Cut(field, ":")
		field, conversion, converts := strings.Cut(field, "!")
		v, err := e.formatField(field, a, &next)
		if err != nil {
			return nil, err
		}
		if converts {
			switch conversion {
			case "s":
				v = text(v)
			case "r":
				v = repr(v)
			default:
				return nil, fmt.Errorf("a format has the conversion %.10q, want r or s", conversion)
			}
		}
		out, err := formatted(v, how)
		if err != nil {
			return nil, err
		}
		if w.add(out); w.size() > maxOutput {
			return nil, tooMuchText()
		}
	}
	return w.str(), nil
}

// formatField is the value that a field names: {}, {0}, {name}, {name.attribute}, {0[key]}.
func (e *evaluator) formatField(field string, a *arguments, next *int) (v any, err error) {
	first := field
	if at := strings.IndexAny(field, ".["); at >= 0 {
		first = field[:at]
	}
	rest := field[len(first):]
	place, err := strconv.Atoi(first)
	switch {
	case first == "":
		place = *next
		*next++
	case err != nil:
		place = -1
		var ok bool
		if v, ok = a.byName(first); !ok {
			return nil, fmt.Errorf("a format wants %.40q, which is not there", first)
		}
	}
	if place >= len(a.all) {
		return nil, fmt.Errorf("a format wants more than the %d values that it is given", len(a.all))
	}
	if place >= 0 {
		v = a.all[place]
	}
	for rest != "" {
		if err := e.take(1); err != nil {
			return nil, err
		}
		if rest[0] == '[' {
			end := strings.IndexByte(rest, ']')
			if end < 0 {
				return nil, errors.New("a format has a bracket that never ends")
			}
			key := any(plain(rest[1:end]))
			if n, err := strconv.Atoi(rest[1:end]); err == nil {
				key = n
			}
			v, err = e.item(v, key)
			rest = rest[end+1:]
		} else {
			name := rest[1:]
			if end := strings.IndexAny(name, ".["); end >= 0 {
				name = name[:end]
			}
			v, err = e.attribute(v, name)
			rest = rest[1+len(name):]
		}
		if err != nil {
			return nil, err
		}
	}
	return v, nil
}

// formatted is Python's format(value, spec).
func formatted(v any, how string) (str, error) {
	if how == "" {
		return text(v), nil
	}
	s := spec{fill: " ", precision: -1}
	bad := fmt.Errorf("a format has the specification %.40q, which is not supported", how)
	rest := how
	if _, size := utf8.DecodeRuneInString(rest); len(rest) > size && strings.IndexByte("<>^=", rest[size]) >= 0 {
		s.fill, s.align, rest = rest[:size], rest[size], rest[size+1:]
	} else if strings.IndexByte("<>^=", rest[0]) >= 0 {
		s.align, rest = rest[0], rest[1:]
	}
	take := func(chars string) byte {
		if rest != "" && strings.IndexByte(chars, rest[0]) >= 0 {
			c := rest[0]
			rest = rest[1:]
			return c
		}
		return 0
	}
	digits := func() (int, bool) {
		all := rest[:len(rest)-len(strings.TrimLeft(rest, "0123456789"))]
		rest = rest[len(all):]
		n, err := strconv.Atoi("0" + all)
		return n, err == nil && n <= maxWidth
	}
	if s.sign = take("+- "); s.sign == '-' {
		s.sign = 0
	}
	s.alternate = take("#") != 0
	s.zero = take("0") != 0
	var ok bool
	if s.width, ok = digits(); !ok {
		return str{}, bad
	}
	s.comma = take(",_")
	if take(".") != 0 {
		if s.precision, ok = digits(); !ok {
			return str{}, bad
		}
	}
	s.conversion = take("bcdeEfFgGosxX%")
	if rest != "" {
		return str{}, bad
	}
	switch n := v.(type) {
	case str:
		if s.conversion != 0 && s.conversion != 's' || s.sign != 0 || s.comma != 0 || s.align == '=' {
			return str{}, bad
		}
		if s.zero {
			s.fill = "0"
		}
		return s.padded(s.shortened(n)), nil
	case bool, int, float64:
	default:
		return str{}, fmt.Errorf("a %s takes no format %.40q", typeName(v), how)
	}
	_, isFloat := v.(float64)
	switch {
	case s.conversion == 's' || s.conversion == 'c':
		return str{}, bad
	case strings.IndexByte("eEfFgG%", s.conversion) >= 0 && s.conversion != 0:
		f, _ := number(v)
		v = f
	case isFloat && s.conversion != 0, !isFloat && s.precision >= 0:
		return str{}, bad
	}
	return s.number(v, -1)
}

// strftime is C's, of a time that knows no zone, as Python's datetime.now().
func strftime(t time.Time, format str) str {
	layouts := map[byte]string{
		'Y': "2006", 'y': "06", 'm': "01", 'd': "02", 'e': "_2", 'B': "January", 'b': "Jan", 'h': "Jan", 'A': "Monday", 'a': "Mon",
		'H': "15", 'I': "03", 'M': "04", 'S': "05", 'p': "PM", 'j': "002", 'Z': "", 'z': "", 'f': "000000",
		'c': "Mon Jan _2 15:04:05 2006", 'x': "01/02/06", 'X': "15:04:05", 'D': "01/02/06", 'F': "2006-01-02", 'T': "15:04:05",
		'R': "15:04", 'r': "03:04:05 PM", 'n': "\n", 't': "\t",
	}
	_, week := t.ISOWeek()
	isoYear, _ := t.ISOWeek()
	counted := map[byte]string{
		'u': strconv.Itoa((int(t.Weekday())+6)%7 + 1), 'w': strconv.Itoa(int(t.Weekday())), 'k': fmt.Sprintf("%2d", t.Hour()),
		'l': fmt.Sprintf("%2d", (t.Hour()+11)%12+1), 'C': fmt.Sprintf("%02d", t.Year()/100), 'G': strconv.Itoa(isoYear),
		'g': fmt.Sprintf("%02d", isoYear%100), 'V': fmt.Sprintf("%02d", week), '%': "%",
		'U': fmt.Sprintf("%02d", (t.YearDay()+6-int(t.Weekday()))/7), 'W': fmt.Sprintf("%02d", (t.YearDay()+6-(int(t.Weekday())+6)%7)/7),
		's': strconv.FormatInt(t.Unix(), 10), 'P': strings.ToLower(t.Format("PM")), 'f': fmt.Sprintf("%06d", t.Nanosecond()/1000),
	}
	var w writer
	for i := 0; i < len(format.s); i++ {
		if format.s[i] != '%' || i+1 == len(format.s) {
			w.add(format.cut(i, i+1))
			continue
		}
		from, padding := i, byte(0)
		i++
		for i+1 < len(format.s) && strings.IndexByte("-_0^#", format.s[i]) >= 0 {
			padding = format.s[i]
			i++
		}
		out, ok := counted[format.s[i]]
		if layout, known := layouts[format.s[i]]; known && !ok {
			out, ok = t.Format(layout), true
		}
		if !ok {
			w.add(format.cut(from, i+1))
			continue
		}
		switch padding {
		case '-':
			if trimmed := strings.TrimLeft(out, "0 "); trimmed != "" || strings.Trim(out, "0") != "" {
				out = trimmed
			} else {
				out = out[max(len(out)-1, 0):]
			}
		case '_':
			digits := strings.TrimLeft(out[:max(len(out)-1, 0)], "0")
			out = strings.Repeat(" ", max(len(out)-1, 0)-len(digits)) + digits + out[max(len(out)-1, 0):]
		case '0':
			out = strings.ReplaceAll(out, " ", "0")
		case '^':
			out = strings.ToUpper(out)
		}
		w.put(out, false)
	}
	return w.str()
}
