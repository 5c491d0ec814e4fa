package eval

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/dlclark/regexp2"

	"github.com/samba-web/samba/model/folder"
)

// Question is a short conversation whose last answer is judged by a pattern.
type Question struct {
	Kind    string
	Turns   []string // what the user says, turn by turn; the model answers each
	Pattern string   // the last answer is right if it holds a match, whatever the case of letters

	pattern *regexp2.Regexp
}

// Limits on a file of questions: far above what anyone judges a small model by.
const (
	maxQuestions     = 100_000
	maxQuestionBytes = 1 << 20
)

// ReadQuestions reads JSON lines {"kind", "messages", "answer"}: messages are
// the user's turns, texts or objects with "content"; answer is a regular
// expression. Blank lines are skipped. Errors name the line.
func ReadQuestions(in io.Reader) ([]Question, error) {
	var questions []Question
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxQuestionBytes)
	for number := 1; lines.Scan(); number++ {
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		if len(questions) == maxQuestions {
			return nil, fmt.Errorf("line %d: want at most %d questions", number, maxQuestions)
		}
		q, err := parseQuestion(lines.Bytes())
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		questions = append(questions, q)
	}
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		return nil, fmt.Errorf("a line is longer than %d bytes", maxQuestionBytes)
	} else if err != nil {
		return nil, err
	}
	if len(questions) == 0 {
		return nil, errors.New("no questions: want JSON lines such as " + exampleQuestion)
	}
	return questions, nil
}

const exampleQuestion = `{"kind": "facts", "messages": ["What is the capital of Italy?"], "answer": "\\bRome\\b"}`

func parseQuestion(line []byte) (q Question, err error) {
	var read struct {
		Kind     string            `json:"kind"`
		Messages []json.RawMessage `json:"messages"`
		Answer   string            `json:"answer"`
	}
	if err := json.Unmarshal(line, &read); err != nil {
		return q, fmt.Errorf("%w: want %s", err, exampleQuestion)
	}
	q.Kind, q.Pattern = read.Kind, read.Answer
	for i, message := range read.Messages {
		var turn struct {
			Role    string `json:"role"`
			Content string `json:"content"`
		}
		if json.Unmarshal(message, &turn.Content) != nil && json.Unmarshal(message, &turn) != nil {
			return q, fmt.Errorf("messages[%d] is %.40s, want what the user says, as a text", i, message)
		}
		if turn.Role != "" && turn.Role != "user" {
			return q, fmt.Errorf("messages[%d] is by %q, want the user's turns alone: the model answers them", i, turn.Role)
		}
		if strings.TrimSpace(turn.Content) == "" {
			return q, fmt.Errorf("messages[%d] is empty", i)
		}
		q.Turns = append(q.Turns, turn.Content)
	}
	switch {
	case q.Kind == "":
		return q, errors.New("kind is missing")
	case len(q.Turns) == 0:
		return q, errors.New("messages is empty: want what the user says, turn by turn")
	case q.Pattern == "":
		return q, errors.New("answer is missing: want a regular expression")
	}
	if q.pattern, err = regexp2.Compile(q.Pattern, regexp2.IgnoreCase|regexp2.Singleline); err != nil {
		return q, fmt.Errorf("answer is no regular expression: %w", err)
	}
	q.pattern.MatchTimeout = time.Second // some patterns take exponential time
	return q, nil
}

// Right tells whether an answer holds a match of the question's pattern.
func (q *Question) Right(answer string) (bool, error) {
	right, err := q.pattern.MatchString(answer)
	if err != nil {
		return false, fmt.Errorf("the pattern %.60q takes too long on an answer of %d bytes: simplify it", q.Pattern, len(answer))
	}
	return right, nil
}

// loopWords is how many words that come twice in an answer make it a loop.
const loopWords = 8

// Loops tells whether the same eight words stand in an answer twice.
func Loops(answer string) bool {
	words := strings.Fields(answer)
	seen := map[string]bool{}
	for i := 0; i+loopWords <= len(words); i++ {
		run := strings.Join(words[i:i+loopWords], " ")
		if seen[run] {
			return true
		}
		seen[run] = true
	}
	return false
}

// Answers is one run of samba eval answers.
type Answers struct {
	About
	Questions string         `json:"questions"` // the file
	Settings  map[string]any `json:"settings"`  // of the sampler, where they are not the model's own
	Seeds     int            `json:"seeds"`     // 0: greedy, one answer to a question
	Right     float64        `json:"right"`     // share of all
	Looping   float64        `json:"looping"`   // share of answers with a run of eight words twice
	Cut       float64        `json:"cut"`       // share of answers that did not end within the tokens allowed
	Seconds   float64        `json:"seconds"`   //
	Kinds     []KindRow      `json:"kinds"`     // in the order in which the file has them
	Given     []Answer       `json:"answers"`   // every one
	Show      string         `json:"-"`         // which of them Write prints: "", ShowWrong or ShowAll

	right, loops, cut int
}

// KindRow is what came of the questions of one kind.
type KindRow struct {
	Kind  string  `json:"kind"`
	Right int     `json:"right"`
	Asked int     `json:"asked"`
	Share float64 `json:"share"`
}

// Answer is a conversation as it went.
type Answer struct {
	Kind    string   `json:"kind"`
	Turns   []string `json:"turns"`
	Answers []string `json:"answers"` // one a turn
	Pattern string   `json:"pattern"`
	Seed    uint64   `json:"seed"` // 0: greedy
	Right   bool     `json:"right"`
	Loops   bool     `json:"loops"`
	Cut     bool     `json:"cut"` // the last answer did not end within the tokens allowed
}

// Which answers Write prints.
const (
	ShowWrong = "wrong"
	ShowAll   = "all"
)

// Add counts a conversation.
func (a *Answers) Add(given Answer) {
	a.Given = append(a.Given, given)
	row := -1
	for i := range a.Kinds {
		if a.Kinds[i].Kind == given.Kind {
			row = i
		}
	}
	if row < 0 {
		row = len(a.Kinds)
		a.Kinds = append(a.Kinds, KindRow{Kind: given.Kind})
	}
	k := &a.Kinds[row]
	k.Asked++
	for _, tally := range []struct {
		yes bool
		in  *int
	}{{given.Right, &k.Right}, {given.Right, &a.right}, {given.Loops, &a.loops}, {given.Cut, &a.cut}} {
		if tally.yes {
			*tally.in++
		}
	}
	all := float64(len(a.Given))
	k.Share = float64(k.Right) / float64(k.Asked)
	a.Right, a.Looping, a.Cut = float64(a.right)/all, float64(a.loops)/all, float64(a.cut)/all
}

// Write prints a table for people, and the answers that Show names.
func (a *Answers) Write(out io.Writer) error {
	a.About.write(out)
	how := "greedy"
	if a.Seeds > 0 {
		how = fmt.Sprintf("sampled with %d seeds", a.Seeds)
	}
	fmt.Fprintf(out, "%s, %d answers, %s\n\n", a.Questions, len(a.Given), how)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "kind\tright\tasked\tshare\t")
	for _, k := range a.Kinds {
		fmt.Fprintf(table, "%s\t%d\t%d\t%.1f %%\t\n", k.Kind, k.Right, k.Asked, 100*k.Share)
	}
	fmt.Fprintf(table, "all\t%d\t%d\t%.1f %%\t\n", a.right, len(a.Given), 100*a.Right)
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(out, "\nwith the same %d words twice: %.1f %%; cut off: %.1f %%; %.1f s\n", loopWords, 100*a.Looping, 100*a.Cut, a.Seconds)
	for _, g := range a.Given {
		if a.Show == ShowAll || a.Show == ShowWrong && !g.Right {
			g.write(out)
		}
	}
	return nil
}

func (g *Answer) write(out io.Writer) {
	verdict := "right"
	if !g.Right {
		verdict = "wrong: want " + g.Pattern
	}
	fmt.Fprintf(out, "\n[%s] %s\n", g.Kind, verdict)
	for i, turn := range g.Turns {
		fmt.Fprintf(out, "> %s\n%s\n", strings.ReplaceAll(turn, "\n", "\n> "), g.Answers[i])
	}
}

// OpenQuestions reads a file of questions.
func OpenQuestions(path string) ([]Question, error) {
	file, _, err := folder.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	questions, err := ReadQuestions(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return questions, nil
}
