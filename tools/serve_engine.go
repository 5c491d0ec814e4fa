package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/samba-web/samba/model"
	"github.com/samba-web/samba/tools/server"
	"github.com/samba-web/samba/wasm/protocol"
)

// serveEngine are the flags of samba serve --engine.
type serveEngine struct {
	folder  string
	backend string
	slots   int
	tokens  string
	grace   time.Duration
	flags   *pflag.FlagSet
	server.Options
}

func (f *serveEngine) register(cmd *cobra.Command) {
	flags := pflag.NewFlagSet("engine", pflag.ContinueOnError)
	flags.StringVar(&f.folder, "engine", "", "a model's folder: answer with it at /engine (WebSocket) and /v1 (OpenAI's HTTP API)")
	flags.StringVar(&f.backend, "backend", backendNative, "with --engine: where to compute, native (the GPU; the CPU if there is none) or cpu")
	flags.IntVar(&f.slots, "batch", 16, "answers that are decoded together at most; fewer by default where the GPU binds too little memory for so many")
	flags.StringVar(&f.States, "states", "", "folder of the conversations' states; servers that share it stand in for each other (default: one that is\nremoved at the end)")
	flags.DurationVar(&f.Keep, "keep", 24*time.Hour, "how long the state of a conversation that nobody goes on with is kept")
	flags.IntVar(&f.Sessions, "sessions", 64, "conversations' states in memory at most; the least recently used wait on disk")
	flags.IntVar(&f.Clients, "clients", 1000, "clients at most")
	flags.DurationVar(&f.Resume, "resume", time.Minute, "how long an answer goes on without its client")
	flags.DurationVar(&f.Idle, "idle", 15*time.Minute, "how long a connection may stay without a request")
	flags.DurationVar(&f.Silence, "silence", time.Minute, "how long a connection may stay without a message; clients send pings")
	flags.DurationVar(&f.Patience, "patience", 20*time.Second, "how long a client may take to accept a message")
	flags.DurationVar(&f.grace, "grace", 25*time.Second, "how long answers may take to finish once the server is told to stop")
	flags.IntVar(&f.MaxMessage, "max-message", 1<<20, "bytes of a message at most")
	flags.IntVar(&f.MaxPrompt, "max-prompt", 32768, "tokens of a prompt at most")
	flags.IntVar(&f.MaxTokens, "max-tokens", 4096, "tokens of an answer at most")
	flags.IntVar(&f.PerMinute, "requests-per-minute", 0, "requests of one client at most; 0: any number")
	flags.StringSliceVar(&f.Origins, "origins", nil, "origins of other sites' pages that may use the engine, such as https://example.org; *: any")
	flags.StringVar(&f.tokens, "tokens", "", "file of bearer tokens, a line each, of which a client must have one")
	flags.BoolVar(&f.Proxied, "behind-proxy", false, "tell clients apart by the last address in X-Forwarded-For")
	f.flags = flags
	cmd.Flags().AddFlagSet(flags)
}

// check refuses what cannot work before a model is loaded.
func (f *serveEngine) check() error {
	if f.folder == "" {
		var err error
		f.flags.VisitAll(func(flag *pflag.Flag) {
			if flag.Changed && flag.Name != "engine" {
				err = fmt.Errorf("--%s is for --engine", flag.Name)
			}
		})
		return err
	}
	if f.backend != backendNative && f.backend != backendCPU {
		return fmt.Errorf("--backend is %q, want %s or %s", f.backend, backendNative, backendCPU)
	}
	if err := (&engineFlags{model: f.folder, backend: f.backend}).check(); err != nil {
		return errors.New(strings.Replace(err.Error(), "--model", "--engine", 1))
	}
	for _, n := range []struct {
		name           string
		got, low, most int
	}{
		{"batch", f.slots, 1, model.MaxSlots}, {"sessions", f.Sessions, 1, 1 << 20}, {"clients", f.Clients, 1, 1 << 20},
		{"max-message", f.MaxMessage, 1 << 10, protocol.MaxMessageBytes}, {"max-prompt", f.MaxPrompt, 1, 1 << 30},
		{"max-tokens", f.MaxTokens, 1, 1 << 30}, {"requests-per-minute", f.PerMinute, 0, 1 << 20},
	} {
		if n.got < n.low || n.got > n.most {
			return fmt.Errorf("--%s is %d, want %d to %d", n.name, n.got, n.low, n.most)
		}
	}
	for _, d := range []struct {
		name string
		got  time.Duration
	}{{"keep", f.Keep}, {"resume", f.Resume}, {"idle", f.Idle}, {"silence", f.Silence}, {"patience", f.Patience}, {"grace", f.grace}} {
		if d.got <= 0 {
			return fmt.Errorf("--%s is %v, want a time such as 30s or 24h", d.name, d.got)
		}
	}
	for _, origin := range f.Origins {
		if u, err := url.Parse(origin); origin != "*" && (err != nil || u.Scheme == "" || u.Host == "" || origin != u.Scheme+"://"+u.Host) {
			return fmt.Errorf("--origins has %q, want a scheme and a host, such as https://example.org", origin)
		}
	}
	if f.tokens == "" {
		return nil
	}
	text, err := os.ReadFile(f.tokens)
	if err != nil {
		return fmt.Errorf("--tokens: %w", err)
	}
	for _, line := range strings.Split(string(text), "\n") {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			f.Tokens = append(f.Tokens, line)
		}
	}
	if len(f.Tokens) == 0 {
		return fmt.Errorf("--tokens %s has no token: want one a line", f.tokens)
	}
	return nil
}

// start loads the model and returns the server, and what ends it.
func (f *serveEngine) start(ctx context.Context, log io.Writer) (*server.Server, func(), error) {
	f.Log = slog.New(slog.NewJSONHandler(log, nil))
	var closers []func()
	stop := func() {
		for i := len(closers) - 1; i >= 0; i-- {
			closers[i]()
		}
	}
	if f.States == "" {
		folder, err := os.MkdirTemp("", "samba-states-")
		if err != nil {
			return nil, nil, err
		}
		f.States = folder
		closers = append(closers, func() { os.RemoveAll(folder) })
	}
	fail := func(err error) (*server.Server, func(), error) {
		stop()
		return nil, nil, err
	}
	folder := f.folder
	if !model.IsRandom(folder) {
		var err error
		if folder, err = filepath.Abs(folder); err != nil {
			return fail(err)
		}
	}
	load := &protocol.Load{URL: folder, Backend: protocol.BackendWebGPU}
	if f.backend == backendCPU {
		load.Backend = protocol.BackendCPU
	}
	began := time.Now()
	shared, unload, err := protocol.LoadShared(ctx, process{}, load, nil)
	if protocol.CodeOf(err) == protocol.CodeNoAdapter {
		f.Log.Warn("there is no graphics adapter: the engine computes on the CPU", "reason", err.Error())
		load.Backend = protocol.BackendCPU
		shared, unload, err = protocol.LoadShared(ctx, process{}, load, nil)
	}
	if err != nil {
		return fail(err)
	}
	closers = append(closers, unload)
	pool, err := shared.Model.NewPool(f.slots)
	// A number that was asked for is kept to; the default gives way to what the device has room for.
	for slots := f.slots / 2; err != nil && !f.flags.Changed("batch") && slots > 0; slots /= 2 {
		f.Log.Warn("fewer answers are decoded together", "batch", slots, "reason", err.Error())
		pool, err = shared.Model.NewPool(slots)
	}
	if err != nil {
		return fail(err)
	}
	f.Options.Model, f.Ready, f.Machine = shared.Model, shared.Ready, pool
	running, err := server.New(f.Options)
	if err != nil {
		return fail(err)
	}
	closers = append(closers, pool.Close, running.Close)
	f.Log.Info("the engine is ready", "model", f.Ready.Model, "adapter", f.Ready.Adapter, "seconds", time.Since(began).Seconds(),
		"state_bytes", f.Ready.StateBytes, "states", f.States, "origins", f.Origins, "tokens", len(f.Tokens))
	return running, stop, nil
}

// beside adds the engine's paths to those of the pages.
func beside(pages, engine http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", pages)
	for _, path := range []string{"/engine", "/v1/", "/metrics", "/healthz", "/readyz"} {
		mux.Handle(path, engine)
	}
	return mux
}
