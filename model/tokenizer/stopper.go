package tokenizer

import "strings"

// Stopper looks for stop strings in streamed text, wherever token borders fall.
type Stopper struct {
	stops   []string
	held    string // the end of the text, while it may become a stop string
	stopped bool
}

// NewStopper watches for any of stops; empty ones are ignored.
func NewStopper(stops []string) *Stopper {
	s := &Stopper{}
	for _, stop := range stops {
		if stop != "" {
			s.stops = append(s.stops, stop)
		}
	}
	return s
}

// Push takes the next text and returns what may be shown: everything up to the
// first stop string, less an end that may yet become one. Once stopped, it
// stays so and returns nothing more.
func (s *Stopper) Push(text string) (out string, stopped bool) {
	if s.stopped {
		return "", true
	}
	text = s.held + text
	cut := -1
	for _, stop := range s.stops {
		if i := strings.Index(text, stop); i >= 0 && (cut < 0 || i < cut) {
			cut = i
		}
	}
	if cut >= 0 {
		s.held, s.stopped = "", true
		return text[:cut], true
	}
	hold := 0
	for _, stop := range s.stops {
		for n := min(len(stop)-1, len(text)); n > hold; n-- {
			if strings.HasSuffix(text, stop[:n]) {
				hold = n
			}
		}
	}
	s.held = text[len(text)-hold:]
	return text[:len(text)-hold], false
}

// Flush returns the text held back, at the end of a stream that no stop string ended.
func (s *Stopper) Flush() string {
	held := s.held
	s.held = ""
	return held
}
