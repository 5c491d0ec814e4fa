// Package guess says what may come next in a text, for steps that absorb several tokens:
// what came the last time that it went like this (text.go), and whether to try pays (pay.go).
package guess

// Text is the end of a text of tokens, and where in it three tokens stood together last. Its
// size is that of its first token at any length.
type Text struct {
	ids   []uint32 // token i at i % window
	last  []uint32 // by hash: one more than the place behind three tokens, mod 2^32; 0: none
	total int      // tokens so far

	from   int // the token that came next the last time; total: none is known
	length int // how many before it are the same
	missed bool

	right [2]float64 // the share of guesses that came true of late: of places that are not steady, of those that are
}

// hoped is what shares start with.
var hoped = [2]float64{0.6, 0.9}

const (
	window = 1 << 15
	gram   = 3
	// A place that has told this many tokens rightly stays for one that it tells wrongly: a
	// name in a text that is written again may be another.
	steady = 8
	blend  = 0.05 // of what has just come into the shares
)

// NewText is an empty one.
func NewText() *Text {
	return &Text{ids: make([]uint32, window), last: make([]uint32, window), right: hoped}
}

// Read takes the next tokens of a prompt.
func (t *Text) Read(ids ...uint32) {
	for _, id := range ids {
		t.add(id)
	}
}

// Said takes the next token of an answer.
func (t *Text) Said(id uint32) {
	if share := &t.right[t.kind()]; t.known() {
		if *share -= blend * *share; t.ids[t.from%window] == id {
			*share += blend
		}
	}
	t.add(id)
}

// known tells whether there is a guess.
func (t *Text) known() bool { return t.from < t.total && t.total-t.from < window }

func (t *Text) kind() int {
	if t.length >= steady {
		return 1
	}
	return 0
}

// Right is the share of guesses like the next ones that came true.
func (t *Text) Right() float64 { return t.right[t.kind()] }

func (t *Text) add(id uint32) {
	known := t.known()
	right := known && t.ids[t.from%window] == id
	t.ids[t.total%window] = id
	t.total++
	at := t.found()
	switch {
	case right:
		t.from, t.length, t.missed = t.from+1, t.length+1, false
	case at >= 0:
		t.from, t.length, t.missed = at, gram, false
	case known && t.length >= steady && !t.missed:
		t.from, t.length, t.missed = t.from+1, gram, true
	default:
		t.from, t.length, t.missed = t.total, 0, false
	}
}

// found notes where the last tokens stand, and returns the place behind those that were the same before; -1: there are none.
func (t *Text) found() int {
	if t.total < gram {
		return -1
	}
	hash := uint32(0)
	for i := range gram {
		hash = (hash ^ t.ids[(t.total-1-i)%window]) * 0x9e3779b1
	}
	slot := &t.last[hash>>(32-15)]
	at := int(*slot) - 1
	*slot = uint32(t.total) + 1
	if at < gram || t.total-at+gram >= window {
		return -1
	}
	for i := 1; i <= gram; i++ {
		if t.ids[(at-i)%window] != t.ids[(t.total-i)%window] {
			return -1
		}
	}
	return at
}

// Next is up to n tokens that may come, none where the text goes as it never did.
func (t *Text) Next(n int) []uint32 {
	if !t.known() {
		return nil
	}
	out := make([]uint32, n)
	for i := range out {
		if at := t.from + i; at < t.total {
			out[i] = t.ids[at%window]
		} else { // the text repeats what it says just now
			out[i] = out[i-(t.total-t.from)]
		}
	}
	return out
}
