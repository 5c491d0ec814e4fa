package eval

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// The passkey prompt after Mohtashami and Jaggi (Landmark Attention, 2023), as
// the paper of Samba takes it over.
const (
	intro    = "There is an important info hidden inside a lot of irrelevant text. Find it and memorize them. I will quiz you about the important information there."
	garbage  = "The grass is green. The sky is blue. The sun is yellow. Here we go. There and back again."
	fact     = "The pass key is %[1]s. Remember it. %[1]s is the pass key."
	question = "What is the pass key? The pass key is"
)

// PasskeyPrompt hides the key between two pieces of irrelevant text, and asks
// for it.
func PasskeyPrompt(key, before, after string) string {
	return strings.Join([]string{intro, before, fmt.Sprintf(fact, key), after, question}, "\n")
}

// GarbageLines are this many lines of the text that the paper's prompt repeats.
func GarbageLines(n int) string { return strings.TrimSuffix(strings.Repeat(garbage+" ", n), " ") }

// Garbage says how many lines of garbage fill a prompt up to, and not beyond, a
// length in tokens.
type Garbage struct{ base, line int } // tokens of a prompt without any, and of each

// calibration are prompts whose numbers of tokens tell what a line costs.
var calibration = [2]int{8, 24}

// CalibrationPrompts are to be counted in tokens for NewGarbage.
func CalibrationPrompts() [2]string {
	prompt := func(before, after int) string {
		return PasskeyPrompt("12345", GarbageLines(before), GarbageLines(after))
	}
	return [2]string{prompt(4, calibration[0]-4), prompt(12, calibration[1]-12)}
}

// NewGarbage learns from the token counts of the CalibrationPrompts.
func NewGarbage(counts [2]int) (Garbage, error) {
	lines := calibration[1] - calibration[0]
	line := (counts[1] - counts[0] + lines - 1) / lines
	if line < 1 {
		return Garbage{}, fmt.Errorf("the model's tokenizer makes %d tokens of %d lines and %d of %d, which cannot be", counts[0], calibration[0], counts[1], calibration[1])
	}
	return Garbage{counts[0] - calibration[0]*line, line}, nil
}

// Lines for a prompt of at most length tokens.
func (g Garbage) Lines(length int) (int, error) {
	n := (length - g.base) / g.line
	if length < g.base+g.line {
		return 0, fmt.Errorf("a passkey prompt of %d tokens has no room for any garbage: this model's tokenizer needs at least %d", length, g.base+g.line)
	}
	return n, nil
}

// Key is the pass key of a cell: five digits, the same for the same seed.
func Key(seed uint64, length, depth, number int) string {
	random := rand.New(rand.NewPCG(seed, uint64(length)<<20|uint64(depth)<<10|uint64(number)))
	return fmt.Sprint(10000 + random.IntN(90000))
}

// Retrieved tells whether an answer begins with the key, and with nothing longer.
func Retrieved(answer, key string) bool {
	rest, ok := strings.CutPrefix(strings.TrimSpace(answer), key)
	return ok && (rest == "" || rest[0] < '0' || rest[0] > '9')
}

// Passkey is one run of samba eval passkey.
type Passkey struct {
	About
	Text  string       `json:"text,omitempty"` // the file whose words hide the key; "": garbage does
	Keys  int          `json:"keys"`           // of each cell
	Seed  uint64       `json:"seed"`           // of the keys
	Depth []float64    `json:"depths"`         // where the fact stands: 0 is before all irrelevant text, 1 after it
	Rows  []PasskeyRow `json:"lengths"`
}

// PasskeyRow is what came of one length.
type PasskeyRow struct {
	Length    int     `json:"length"`        // asked for
	Tokens    int     `json:"prompt_tokens"` // of the longest prompt
	Right     []int   `json:"right"`         // by depth, of the keys asked there
	Asked     []int   `json:"asked"`
	Retrieved float64 `json:"retrieved"` // share of all
	Seconds   float64 `json:"seconds"`
	// A wrong answer as it came, for the curious.
	Wrong string `json:"wrong,omitempty"`
}

// Depths spreads n depths evenly from 0 to 1.
func Depths(n int) []float64 {
	depths := make([]float64, n)
	for i := range depths {
		depths[i] = float64(i) / float64(max(1, n-1))
	}
	return depths
}

// Add counts an answer.
func (r *PasskeyRow) Add(depth int, answer, key string) {
	r.Asked[depth]++
	if Retrieved(answer, key) {
		r.Right[depth]++
	} else if r.Wrong == "" {
		r.Wrong = fmt.Sprintf("%s: %.60q", key, answer)
	}
	right, asked := 0, 0
	for i := range r.Asked {
		right, asked = right+r.Right[i], asked+r.Asked[i]
	}
	r.Retrieved = float64(right) / float64(asked)
}

// NewRow is a row for a length, still empty.
func (p *Passkey) NewRow(length int) PasskeyRow {
	return PasskeyRow{Length: length, Right: make([]int, len(p.Depth)), Asked: make([]int, len(p.Depth))}
}
