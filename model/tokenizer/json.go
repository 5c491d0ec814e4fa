package tokenizer

import (
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth bounds how deep JSON values nest; published files reach about 8.
const maxDepth = 64

// scanner reads JSON in one pass without building values. A vocabulary and its
// merges are megabytes of short strings; encoding/json would make a map of a
// hundred thousand pointers of them first.
type scanner struct {
	data  []byte
	pos   int
	depth int
}

func (s *scanner) fail(want string) error {
	if s.pos >= len(s.data) {
		return fmt.Errorf("the JSON ends at byte %d, want %s: the file is cut short", s.pos, want)
	}
	return fmt.Errorf("byte %d: got %q, want %s", s.pos, s.data[s.pos], want)
}

// peek skips white space and returns the next byte, 0 at the end.
func (s *scanner) peek() byte {
	for s.pos < len(s.data) {
		switch c := s.data[s.pos]; c {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return c
		}
	}
	return 0
}

func (s *scanner) open(bracket byte, want string) error {
	if s.peek() != bracket {
		return s.fail(want)
	}
	if s.depth++; s.depth > maxDepth {
		return fmt.Errorf("byte %d: values nest deeper than %d", s.pos, maxDepth)
	}
	s.pos++
	return nil
}

// more says whether another element follows, eating the comma or the closing
// bracket; index counts the elements read so far.
func (s *scanner) more(closing byte, index int, want string) (bool, error) {
	switch c := s.peek(); {
	case c == closing:
		s.pos++
		s.depth--
		return false, nil
	case index == 0:
		return true, nil
	case c == ',':
		s.pos++
		return true, nil
	}
	return false, s.fail(want)
}

// object reads an object; each must read the value of the key it is given,
// which is valid only during the call.
func (s *scanner) object(each func(key []byte) error) error {
	if err := s.open('{', "an object"); err != nil {
		return err
	}
	var key []byte
	for i := 0; ; i++ {
		more, err := s.more('}', i, "',' or '}'")
		if err != nil || !more {
			return err
		}
		if key, err = s.string(key[:0]); err != nil {
			return err
		}
		if s.peek() != ':' {
			return s.fail("':'")
		}
		s.pos++
		if err := each(key); err != nil {
			return err
		}
	}
}

// array reads an array; each must read one element.
func (s *scanner) array(each func(index int) error) error {
	if err := s.open('[', "an array"); err != nil {
		return err
	}
	for i := 0; ; i++ {
		more, err := s.more(']', i, "',' or ']'")
		if err != nil || !more {
			return err
		}
		if err := each(i); err != nil {
			return err
		}
	}
}

// string reads a string and appends its text to dst.
func (s *scanner) string(dst []byte) ([]byte, error) {
	if s.peek() != '"' {
		return dst, s.fail("a string")
	}
	s.pos++
	for {
		begin := s.pos
		for s.pos < len(s.data) && s.data[s.pos] != '"' && s.data[s.pos] != '\\' && s.data[s.pos] >= 0x20 {
			s.pos++
		}
		run := s.data[begin:s.pos]
		if !utf8.Valid(run) {
			return dst, fmt.Errorf("byte %d: a string is not valid UTF-8", begin)
		}
		dst = append(dst, run...)
		if s.pos >= len(s.data) || s.data[s.pos] < 0x20 {
			return dst, s.fail("the end of a string")
		}
		s.pos++
		if s.data[s.pos-1] == '"' {
			return dst, nil
		}
		var err error
		if dst, err = s.escape(dst); err != nil {
			return dst, err
		}
	}
}

// escape reads what follows a backslash.
func (s *scanner) escape(dst []byte) ([]byte, error) {
	if s.pos >= len(s.data) {
		return dst, s.fail("an escape")
	}
	c := s.data[s.pos]
	if c != 'u' {
		for i := range len(`"\/bfnrt`) {
			if c == `"\/bfnrt`[i] {
				s.pos++
				return append(dst, "\"\\/\b\f\n\r\t"[i]), nil
			}
		}
		return dst, s.fail("an escape")
	}
	r, err := s.hex()
	if err != nil {
		return dst, err
	}
	if utf16.IsSurrogate(r) {
		// A half without its other half becomes U+FFFD, as encoding/json has it.
		if s.pos+1 < len(s.data) && s.data[s.pos] == '\\' && s.data[s.pos+1] == 'u' {
			back := s.pos
			s.pos++
			low, err := s.hex()
			if err != nil {
				return dst, err
			}
			if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
				s.pos = back
			}
		} else {
			r = utf8.RuneError
		}
	}
	return utf8.AppendRune(dst, r), nil
}

// hex reads the uXXXX of an escape.
func (s *scanner) hex() (rune, error) {
	if s.pos+5 > len(s.data) {
		return 0, s.fail("four hexadecimal digits")
	}
	n, err := strconv.ParseUint(string(s.data[s.pos+1:s.pos+5]), 16, 16)
	if err != nil {
		return 0, s.fail("four hexadecimal digits")
	}
	s.pos += 5
	return rune(n), nil
}

// uint reads a number that must be whole and not negative.
func (s *scanner) uint() (uint64, error) {
	s.peek()
	begin := s.pos
	for s.pos < len(s.data) && s.data[s.pos] >= '0' && s.data[s.pos] <= '9' {
		s.pos++
	}
	n, err := strconv.ParseUint(string(s.data[begin:s.pos]), 10, 63)
	if err != nil || s.pos < len(s.data) && (s.data[s.pos] == '.' || s.data[s.pos]|0x20 == 'e') {
		s.pos = begin
		return 0, s.fail("a whole number of 0 or more")
	}
	return n, nil
}

// skip passes over any value and returns its bytes.
func (s *scanner) skip() ([]byte, error) {
	c := s.peek()
	begin := s.pos
	var err error
	switch c {
	case '{':
		err = s.object(func([]byte) error { _, err := s.skip(); return err })
	case '[':
		err = s.array(func(int) error { _, err := s.skip(); return err })
	case '"':
		_, err = s.string(nil)
	default:
		for s.pos < len(s.data) && (s.data[s.pos] >= 'a' && s.data[s.pos] <= 'z' || s.data[s.pos] >= '0' && s.data[s.pos] <= '9' ||
			s.data[s.pos] == '-' || s.data[s.pos] == '+' || s.data[s.pos] == '.' || s.data[s.pos] == 'E') {
			s.pos++
		}
		if s.pos == begin {
			err = s.fail("a value")
		}
	}
	return s.data[begin:s.pos], err
}
