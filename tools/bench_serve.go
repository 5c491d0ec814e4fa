package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/samba-web/samba/model"
	"github.com/samba-web/samba/tools/bench"
	"github.com/samba-web/samba/wasm/protocol"
)

// benchServe are what samba bench serve is asked for.
type benchServe struct {
	bench.LoadOptions
	model   string
	backend string
	seconds float64
	batch   int
	states  int
	kill    bool
	most    float64 // MB of the server's process
	json    string
}

func newBenchServe() *cobra.Command {
	var f benchServe
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Load a server with clients that come, go and are cut off",
		Long: `Starts samba serve --engine in a process of its own, has one quiet client hold some conversations
with it, then many at once the same ones, while connections are cut, clients stall or go for good,
and the server itself is killed once and started again. Hostile clients beside them flood it with
handshakes, half requests, megabytes, sessions, and files that cannot be opened. Every token is
compared with what the quiet client was told: an answer that is lost, duplicated, mixed up or
different is an error, and so is a server that takes more memory than --memory-mb.`,
		Example: "  samba bench serve --clients 200 --seconds 60\n  samba bench serve --model DIR --backend cpu --json load.json",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.model, "model", "www/models/default", "the model's folder, or random:NAME")
	flags.StringVar(&f.backend, "backend", backendNative, "where the server computes: native or cpu")
	flags.IntVar(&f.Clients, "clients", 200, "clients at once")
	flags.Float64Var(&f.seconds, "seconds", 60, "how long")
	flags.IntVar(&f.Scripts, "conversations", 16, "conversations that differ")
	flags.IntVar(&f.Tokens, "tokens", 32, "tokens of an answer")
	flags.IntVar(&f.batch, "batch", 16, "answers that the server decodes together at most")
	flags.IntVar(&f.states, "sessions", 64, "states that it keeps in memory at most")
	flags.BoolVar(&f.Faults, "faults", true, "cut connections, stall, and leave in mid-answer")
	flags.BoolVar(&f.kill, "kill", true, "kill the server at half time, and start it again")
	flags.BoolVar(&f.Hostile, "hostile", true, "let hostile clients ask for what they must not get, too")
	flags.Float64Var(&f.most, "memory-mb", 2048, "megabytes that the server's process may take at most")
	flags.Uint64Var(&f.Seed, "seed", 1, "of answers and faults")
	flags.StringVar(&f.json, "json", "", "write the figures to this file as JSON, too; - prints JSON alone")
	return cmd
}

func (f *benchServe) check() error {
	for _, n := range []struct {
		name      string
		got, most int
	}{{"clients", f.Clients, 10000}, {"conversations", f.Scripts, 10000}, {"tokens", f.Tokens, 4096}, {"batch", f.batch, model.MaxSlots}, {"sessions", f.states, 1 << 20}} {
		if n.got < 1 || n.got > n.most {
			return fmt.Errorf("--%s is %d, want 1 to %d", n.name, n.got, n.most)
		}
	}
	if err := checkFolder("json", f.json); err != nil {
		return err
	}
	if !(f.most > 0) {
		return fmt.Errorf("--memory-mb is %v, want more than 0", f.most)
	}
	if f.seconds <= 0 || f.seconds > 1e6 {
		return fmt.Errorf("--seconds is %v, want more than 0", f.seconds)
	}
	if f.backend != backendNative && f.backend != backendCPU {
		return fmt.Errorf("--backend is %q, want %s or %s", f.backend, backendNative, backendCPU)
	}
	return (&engineFlags{model: f.model, backend: f.backend}).check()
}

func (f *benchServe) run(cmd *cobra.Command) error {
	if err := f.check(); err != nil {
		return err
	}
	states, err := os.MkdirTemp("", "samba-load-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(states)
	if f.Hostile {
		f.Hung = hungSessions(states, 4)
	}
	progress := newProgress(os.Stderr)
	defer progress.done()
	loaded, err := startLoaded(cmd.Context(), "127.0.0.1:0", f, states)
	if err != nil {
		return err
	}
	defer func() { loaded.kill() }()
	address := loaded.address
	var mu sync.Mutex // guards loaded
	f.URL, f.Length = "ws://"+address+"/engine", time.Duration(f.seconds*float64(time.Second))
	f.Sample = func() int64 {
		mu.Lock()
		defer mu.Unlock()
		return loaded.memory()
	}
	if f.kill {
		f.Midway = func() error {
			mu.Lock()
			defer mu.Unlock()
			loaded.kill()
			next, err := startLoaded(cmd.Context(), address, f, states)
			if err == nil {
				loaded = next
			}
			return err
		}
	}
	about := loaded.about
	report, err := bench.RunLoad(cmd.Context(), f.LoadOptions, func(phase string, done, total int) {
		progress.report(&protocol.Progress{Phase: phase, Loaded: int64(done), Total: int64(total)}, nil)
	})
	progress.done()
	if err != nil {
		return err
	}
	report.Commit, report.Date = version(), now()
	report.Model, report.Adapter, report.Batch, report.States = about.Model, about.Adapter, f.batch, f.states
	if err := writeFigures(cmd, f.json, report); err != nil {
		return err
	}
	if report.Wrong > 0 {
		return fmt.Errorf("%d answers are not what the quiet client was told: %s", report.Wrong, report.Faults[0])
	}
	if took := float64(report.MemoryBytes) / 1e6; took > f.most {
		return fmt.Errorf("the server's process took %.0f MB, which is more than --memory-mb %.0f", took, f.most)
	}
	return nil
}

// hungSessions makes files of sessions that nothing can open, as on a file system that hangs.
func hungSessions(states string, n int) (names []string) {
	for range n {
		name := rand.Text()
		if syscall.Mkfifo(filepath.Join(states, name+".session"), 0o600) != nil {
			return nil // where there are no named pipes
		}
		names = append(names, name)
	}
	return names
}

// loadedServer is samba serve in a process of its own.
type loadedServer struct {
	cmd     *exec.Cmd
	address string
	about   struct{ Model, Adapter string }
	log     lockedLog
}

// lockedLog keeps what a process says.
type lockedLog struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

var saidAddress = regexp.MustCompile(`http://[^/\s]+:(\d+)`)

func startLoaded(ctx context.Context, address string, f *benchServe, states string) (*loadedServer, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	s := &loadedServer{}
	s.cmd = exec.CommandContext(ctx, program, "serve", "--addr", address, "--engine", f.model, "--backend", f.backend, "--states", states,
		"--batch", strconv.Itoa(f.batch), "--sessions", strconv.Itoa(f.states), "--clients", strconv.Itoa(4*f.Clients+16), "--share", "0.5")
	s.cmd.Stderr = &s.log
	out, err := s.cmd.StdoutPipe()
	if err == nil {
		err = s.cmd.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("the server cannot be started: %w", err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		said := saidAddress.FindStringSubmatch(lines.Text())
		if said == nil {
			continue
		}
		go io.Copy(io.Discard, out)
		s.address = net.JoinHostPort("127.0.0.1", said[1])
		answer, err := http.Get("http://" + s.address + "/engine")
		if err == nil {
			defer answer.Body.Close()
			err = json.NewDecoder(answer.Body).Decode(&s.about)
		}
		if err != nil {
			s.kill()
			return nil, fmt.Errorf("the server does not say what it has: %w", err)
		}
		return s, nil
	}
	s.cmd.Wait()
	return nil, errors.New("the server did not start: " + strings.TrimSpace(s.log.String()))
}

func (s *loadedServer) kill() {
	s.cmd.Process.Kill()
	s.cmd.Wait()
}

// memory is what the process holds, by its own account; 0 where that cannot be had.
func (s *loadedServer) memory() int64 {
	client := http.Client{Timeout: 2 * time.Second}
	answer, err := client.Get("http://" + s.address + "/metrics")
	if err != nil {
		return 0
	}
	defer answer.Body.Close()
	lines := bufio.NewScanner(answer.Body)
	for lines.Scan() {
		if value, ok := strings.CutPrefix(lines.Text(), "process_resident_memory_bytes "); ok {
			bytes, _ := strconv.ParseFloat(value, 64)
			return int64(bytes)
		}
	}
	return 0
}
