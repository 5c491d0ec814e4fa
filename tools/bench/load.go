package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/samba-web/samba/model/sampling"
	"github.com/samba-web/samba/tools/server"
	"github.com/samba-web/samba/wasm/protocol"
)

// LoadOptions say how a server is loaded.
type LoadOptions struct {
	URL     string // of its /engine
	Clients int
	Length  time.Duration
	Scripts int // conversations that differ; each client has one after another
	Tokens  int // of an answer
	Faults  bool
	Hostile bool     // others ask for what they must not get
	Hung    []string // sessions whose files cannot be opened, for them
	Seed    uint64
	Sample  func() (bytes int64) // the server's memory now; nil: not measured
	Midway  func() error         // what is done to the server at half time; may be nil
}

// LoadReport is what a load test measured.
type LoadReport struct {
	Commit  string  `json:"commit"`
	Date    string  `json:"date"`
	Model   string  `json:"model"`
	Adapter string  `json:"adapter"`
	Clients int     `json:"clients"`
	Seconds float64 `json:"seconds"`
	Tokens  int     `json:"tokens_of_an_answer"`
	Seed    uint64  `json:"seed"`
	Batch   int     `json:"batch"`
	States  int     `json:"states_in_memory"`

	Answers         int     `json:"answers"`
	TokensPerSecond float64 `json:"tokens_per_second"`
	Alone           float64 `json:"tokens_per_second_of_one_client"`
	FirstToken50    float64 `json:"first_token_p50"` // seconds, of requests that nothing disturbed; those without one at the end count with what they waited
	FirstToken99    float64 `json:"first_token_p99"`
	MemoryBytes     int64   `json:"memory_bytes"` // the most that the server's process held

	Cuts       int `json:"cuts"`       // of connections in mid-answer
	Stalls     int `json:"stalls"`     // clients that did not read for a while
	Abandoned  int `json:"abandoned"`  // clients that went for good in mid-answer
	Reconnects int `json:"reconnects"` // by all clients
	Kills      int `json:"kills"`      // of the server

	Attacks int64 `json:"attacks"` // of hostile clients
	Refused int64 `json:"refused"` // of those

	Unfinished int      `json:"unfinished"` // answers under way at the end, right as far as they came
	Wrong      int      `json:"wrong"`      // lost, duplicated, mixed or different ones
	Faults     []string `json:"faults,omitempty"`
}

// script is a conversation of two turns, and the pieces of its answers when nothing disturbs it.
type script struct {
	requests []*protocol.Generate
	answers  [][]string
}

// topics make the conversations differ.
var topics = strings.Fields("fox river lighthouse winter bread violin harbour comet garden clock mountain letter train island mirror bridge forest lamp")

// RunLoad asks a server as many clients do, and compares each answer with what a single quiet client was told before.
func RunLoad(ctx context.Context, o LoadOptions, onProgress func(phase string, done, total int)) (*LoadReport, error) {
	report := &LoadReport{Clients: o.Clients, Tokens: o.Tokens, Seed: o.Seed}
	scripts := make([]script, o.Scripts)
	began, tokens := time.Now(), 0
	for i := range scripts {
		c := &server.Client{URL: o.URL}
		turns := []protocol.ChatMessage{}
		for turn := range 2 {
			turns = append(turns, protocol.ChatMessage{Role: "user", Content: []string{"Tell me about the " + topics[i%len(topics)] + fmt.Sprint(" number ", i, "."), "And then?"}[turn]})
			seed, temperature := o.Seed+uint64(2*i+turn), 0.8
			g := &protocol.Generate{Messages: slices.Clone(turns), Settings: sampling.Settings{MaxTokens: &o.Tokens, Seed: &seed, Temperature: &temperature}}
			pieces, err := listen(ctx, c, g, nil)
			if err != nil {
				return nil, err
			}
			scripts[i].requests = append(scripts[i].requests, g)
			scripts[i].answers = append(scripts[i].answers, pieces)
			turns = append(turns, protocol.ChatMessage{Role: "assistant", Content: strings.Join(pieces, "")})
			tokens += len(pieces)
		}
		c.Cut()
		onProgress("undisturbed", i+1, o.Scripts)
	}
	report.Alone = float64(tokens) / time.Since(began).Seconds()

	began = time.Now()
	ctx, stop := context.WithTimeout(ctx, o.Length)
	defer stop()
	var mu sync.Mutex
	var firsts []time.Duration
	var all sync.WaitGroup
	for i := range o.Clients {
		random := rand.New(rand.NewPCG(o.Seed, uint64(i)))
		all.Go(func() {
			for ctx.Err() == nil {
				c := &server.Client{URL: o.URL}
				script := &scripts[random.IntN(len(scripts))]
				for turn, g := range script.requests {
					v := visit{faults: o.Faults, random: random, client: c, want: script.answers[turn], began: time.Now()}
					reconnects := c.Reconnects
					pieces, err := listen(ctx, c, g, v.piece)
					mu.Lock()
					tokens := len(pieces)
					report.TokensPerSecond += float64(tokens)
					report.Cuts, report.Stalls = report.Cuts+v.cuts, report.Stalls+v.stalls
					if v.first == 0 && err != nil { // it waits still
						v.first = time.Since(v.began)
					}
					if v.cuts+v.stalls == 0 && c.Reconnects == reconnects {
						firsts = append(firsts, v.first)
					}
					over := false
					switch {
					case errors.Is(err, errAbandoned):
						report.Abandoned++
						over = true
					case v.wrong != "":
						err = errors.New(v.wrong)
						fallthrough
					case err != nil && ctx.Err() == nil:
						report.Wrong++
						report.Faults = append(report.Faults, fmt.Sprintf("client %d: %v", i, err))
						over = true
					case err != nil:
						report.Unfinished++
						over = true
					case tokens != len(script.answers[turn]):
						report.Wrong++
						report.Faults = append(report.Faults, fmt.Sprintf("client %d: %d tokens of %d", i, tokens, len(script.answers[turn])))
						over = true
					default:
						report.Answers++
					}
					mu.Unlock()
					if over {
						break
					}
				}
				mu.Lock()
				report.Reconnects += c.Reconnects
				mu.Unlock()
				c.Cut()
			}
		})
	}
	if o.Hostile {
		h, err := newHostile(o.URL, o.Hung)
		if err != nil {
			return nil, err
		}
		defer func() { report.Attacks, report.Refused = h.attacks.Load(), h.refused.Load() }()
		all.Go(func() { h.run(ctx, o.Clients) })
	}
	watched := make(chan error, 1)
	go func() { watched <- o.watch(ctx, report, began, onProgress) }()
	all.Wait()
	report.Seconds = time.Since(began).Seconds()
	stop()
	if err := <-watched; err != nil {
		return nil, err
	}
	report.TokensPerSecond /= report.Seconds
	slices.Sort(firsts)
	report.FirstToken50, report.FirstToken99 = quantile(firsts, 50), quantile(firsts, 99)
	return report, nil
}

// watch samples the server's memory, and does to it what is done at half time.
func (o *LoadOptions) watch(ctx context.Context, report *LoadReport, began time.Time, onProgress func(string, int, int)) error {
	every := time.NewTicker(200 * time.Millisecond)
	defer every.Stop()
	for midway := o.Midway; ; {
		select {
		case <-ctx.Done():
			return nil
		case <-every.C:
		}
		passed := time.Since(began)
		onProgress("load", int(passed.Milliseconds()), int(o.Length.Milliseconds()))
		if midway != nil && passed > o.Length/2 {
			if err := midway(); err != nil {
				return err
			}
			midway = nil
			report.Kills++
		}
		if o.Sample != nil {
			report.MemoryBytes = max(report.MemoryBytes, o.Sample())
		}
	}
}

func quantile(sorted []time.Duration, percent int) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)*percent/100, len(sorted)-1)].Seconds()
}

// visit is one request of one client, with what happens to it on the way.
type visit struct {
	faults bool
	random *rand.Rand
	client *server.Client
	want   []string
	began  time.Time

	first        time.Duration // until the first token
	heard        int
	cuts, stalls int
	wrong        string
}

var errAbandoned = errors.New("the client has gone")

func (v *visit) piece(text string) error {
	if v.heard == 0 {
		v.first = time.Since(v.began)
	}
	if v.heard >= len(v.want) || text != v.want[v.heard] {
		v.wrong = fmt.Sprintf("token %d is %q, want %q", v.heard, text, append(v.want, "none")[min(v.heard, len(v.want))])
		return errors.New(v.wrong)
	}
	v.heard++
	if !v.faults {
		return nil
	}
	switch chance := v.random.Float64(); {
	case chance < 0.01:
		v.cuts++
		v.client.Cut()
	case chance < 0.02:
		v.stalls++
		time.Sleep(time.Duration(v.random.IntN(1000)) * time.Millisecond)
	case chance < 0.022:
		return errAbandoned
	}
	return nil
}

// listen asks and returns the pieces of the answer.
func listen(ctx context.Context, c *server.Client, g *protocol.Generate, each func(text string) error) (pieces []string, err error) {
	last, err := c.Ask(ctx, g, func(m protocol.Message) error {
		piece, ok := m.(*protocol.Text)
		if !ok {
			return nil
		}
		pieces = append(pieces, piece.Text)
		if each != nil {
			return each(piece.Text)
		}
		return nil
	})
	if failed, ok := last.(*protocol.Error); err == nil && ok {
		err = errors.New(failed.Message)
	}
	return pieces, err
}

// Write prints the report as a table.
func (r *LoadReport) Write(w io.Writer) error {
	fmt.Fprintf(w, "%s on %s, %d clients for %.0f s, answers of %d tokens, %d decoded together, %d states in memory\n%s, %s, seed %d\n\n",
		r.Model, r.Adapter, r.Clients, r.Seconds, r.Tokens, r.Batch, r.States, r.Date, r.Commit, r.Seed)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "tokens a second, all clients\t%.1f\n", r.TokensPerSecond)
	fmt.Fprintf(t, "one quiet client before\t%.1f\n", r.Alone)
	fmt.Fprintf(t, "first token, p50 and p99\t%.2f s, %.2f s\n", r.FirstToken50, r.FirstToken99)
	if r.MemoryBytes > 0 {
		fmt.Fprintf(t, "memory of the server, at most\t%.0f MB\n", float64(r.MemoryBytes)/1e6)
	}
	fmt.Fprintf(t, "answers finished, under way at the end\t%d, %d\n", r.Answers, r.Unfinished)
	fmt.Fprintf(t, "cuts, stalls, clients gone, server killed\t%d, %d, %d, %d\n", r.Cuts, r.Stalls, r.Abandoned, r.Kills)
	fmt.Fprintf(t, "reconnects\t%d\n", r.Reconnects)
	if r.Attacks > 0 {
		fmt.Fprintf(t, "attacks by hostile clients, of them refused\t%d, %d\n", r.Attacks, r.Refused)
	}
	fmt.Fprintf(t, "answers lost, duplicated, mixed or different\t%d\n", r.Wrong)
	if err := t.Flush(); err != nil {
		return err
	}
	for _, fault := range r.Faults[:min(len(r.Faults), 5)] {
		fmt.Fprintln(w, "  "+fault)
	}
	return nil
}
