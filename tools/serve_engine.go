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
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/samba-web/samba/model/folder"
	"github.com/samba-web/samba/model/randomweights"

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
	bits    int
	slots   int
	tokens  string
	grace   time.Duration
	gigs    float64 // of states on disk
	megs    float64 // of requests that wait
	flags   *pflag.FlagSet
	server.Options
}

func (f *serveEngine) register(cmd *cobra.Command) {
	flags := pflag.NewFlagSet("engine", pflag.ContinueOnError)
	flags.StringVar(&f.folder, "engine", "", "a model's folder: answer with it at /engine (WebSocket) and /v1 (OpenAI's HTTP API)")
	flags.StringVar(&f.backend, "backend", backendNative, "with --engine: where to compute, native (the GPU; the CPU if there is none) or cpu")
	registerBits(flags, &f.bits, "with --engine: ")
	flags.IntVar(&f.slots, "batch", 16, "answers that are decoded together at most; fewer by default where the GPU binds too little memory for that many")
	flags.StringVar(&f.States, "states", "", "folder of the conversations' states; servers that share it stand in for each other (default: one that is\nremoved at the end)")
	flags.Float64Var(&f.gigs, "states-gb", 32, "gigabytes that the states may take there; the least recently used make room")
	flags.DurationVar(&f.Keep, "keep", 24*time.Hour, "how long the state of a conversation that no client goes on with is kept")
	flags.DurationVar(&f.DiskPatience, "disk-patience", 10*time.Second, "how long that folder may take to answer before answers go on without it")
	flags.IntVar(&f.Sessions, "sessions", 64, "conversations' states in memory at most; the least recently used wait on disk")
	flags.IntVar(&f.Clients, "clients", 1000, "clients over WebSockets at most")
	flags.IntVar(&f.Requests, "requests", 256, "requests over HTTP under way at most")
	flags.Float64Var(&f.megs, "waiting-mb", 64, "megabytes of requests that wait for their answers at most")
	flags.Float64Var(&f.Share, "share", 0.25, "the part of all this, places, bytes and states on disk, that one address may have; 1 where all clients\nshare one")
	flags.DurationVar(&f.Resume, "resume", time.Minute, "how long an answer goes on without its client")
	flags.DurationVar(&f.Idle, "idle", 15*time.Minute, "how long a connection may stay without a request")
	flags.DurationVar(&f.Silence, "silence", time.Minute, "how long a connection may stay without a message; clients send pings")
	flags.DurationVar(&f.Patience, "patience", 20*time.Second, "how long a client may take to accept a message")
	flags.DurationVar(&f.grace, "grace", 25*time.Second, "how long answers may take to finish once the server is told to stop")
	flags.IntVar(&f.MaxMessage, "max-message", 1<<20, "bytes of a message at most")
	flags.IntVar(&f.MaxPrompt, "max-prompt", 32768, "tokens of a prompt at most")
	flags.IntVar(&f.MaxTokens, "max-tokens", 4096, "tokens of an answer at most")
	flags.IntVar(&f.PerMinute, "requests-per-minute", 0, "requests of one client at most; 0: any number")
	flags.StringSliceVar(&f.Origins, "origins", nil, "origins of the pages that may use the engine beside those at localhost, this machine's name and its addresses,\nsuch as https://example.org; *: any")
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
	if err := (&engineFlags{model: f.folder, backend: f.backend, bits: f.bits}).check(); err != nil {
		return errors.New(strings.Replace(err.Error(), "--model", "--engine", 1))
	}
	for _, n := range []struct {
		name           string
		got, low, most int
	}{
		{"batch", f.slots, 1, model.MaxSlots}, {"sessions", f.Sessions, 1, 1 << 20}, {"clients", f.Clients, 1, 1 << 20},
		{"requests", f.Requests, 1, 1 << 20},
		{"max-message", f.MaxMessage, 1 << 10, protocol.MaxMessageBytes}, {"max-prompt", f.MaxPrompt, 1, 1 << 30},
		{"max-tokens", f.MaxTokens, 1, 1 << 30}, {"requests-per-minute", f.PerMinute, 0, 1 << 20},
	} {
		if n.got < n.low || n.got > n.most {
			return fmt.Errorf("--%s is %d, want %d to %d", n.name, n.got, n.low, n.most)
		}
	}
	for _, n := range []struct {
		name           string
		got, low, most float64
	}{{"states-gb", f.gigs, 0.001, 1e6}, {"waiting-mb", f.megs, 0.01, 1e6}, {"share", f.Share, 0.0001, 1}} {
		if !(n.got >= n.low && n.got <= n.most) {
			return fmt.Errorf("--%s is %v, want %v to %v", n.name, n.got, n.low, n.most)
		}
	}
	f.StatesBytes, f.Waiting = int64(f.gigs*1e9), int64(f.megs*1e6)
	for _, d := range []struct {
		name string
		got  time.Duration
	}{{"keep", f.Keep}, {"disk-patience", f.DiskPatience}, {"resume", f.Resume}, {"idle", f.Idle}, {"silence", f.Silence}, {"patience", f.Patience}, {"grace", f.grace}} {
		if d.got <= 0 {
			return fmt.Errorf("--%s is %v, want a time such as 30s or 24h", d.name, d.got)
		}
	}
	for _, origin := range f.Origins {
		if u, err := url.Parse(origin); origin != "*" && (err != nil || u.Scheme == "" || u.Host == "" || origin != u.Scheme+"://"+u.Host) {
			return fmt.Errorf("--origins has %q, want a scheme and a host, such as https://example.org", origin)
		}
	}
	var err error
	f.Tokens, err = readTokens(f.tokens)
	return err
}

// readTokens reads a file of bearer tokens; none if it has no name.
func readTokens(path string) (tokens []string, err error) {
	if path == "" {
		return nil, nil
	}
	text, err := folder.ReadFile(path, 16<<20)
	if err != nil {
		return nil, fmt.Errorf("--tokens: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			tokens = append(tokens, line)
		}
	}
	if len(tokens) == 0 {
		return nil, fmt.Errorf("--tokens %s has no token: want one a line", path)
	}
	return tokens, nil
}

// heartbeat is how often a stream without news says that it is there.
const heartbeat = 10 * time.Second

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
	began := time.Now()
	engine, err := f.load(ctx)
	if err != nil {
		stop()
		return nil, nil, err
	}
	f.Engine, f.Reload, f.Heartbeat = engine, f.load, heartbeat
	if name, err := os.Hostname(); err == nil {
		f.Names = append(f.Names, name, name+".local")
	}
	running, err := server.New(f.Options)
	if err != nil {
		engine.Close()
		stop()
		return nil, nil, err
	}
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	go f.reloadTokens(running, hangups)
	closers = append(closers, running.Close, func() { signal.Stop(hangups); close(hangups) })
	f.Log.Info("the engine is ready", "model", engine.Ready.Model, "adapter", engine.Ready.Adapter, "seconds", time.Since(began).Seconds(),
		"state_bytes", engine.Ready.StateBytes, "states", f.States, "origins", f.Origins, "tokens", len(f.Tokens))
	return running, stop, nil
}

// reloadTokens reads the tokens again whenever a terminal or an operator hangs up.
func (f *serveEngine) reloadTokens(running *server.Server, hangups <-chan os.Signal) {
	for range hangups {
		tokens, err := readTokens(f.tokens)
		if err != nil {
			f.Log.Error("the tokens stay what they were", "error", err)
			continue
		}
		running.SetTokens(tokens)
		f.Log.Info("the tokens were read again", "tokens", len(tokens))
	}
}

// load loads the model and makes a pool of its sessions.
func (f *serveEngine) load(ctx context.Context) (_ *server.Engine, err error) {
	folder := f.folder
	if !randomweights.Is(folder) {
		if folder, err = filepath.Abs(folder); err != nil {
			return nil, err
		}
	}
	load := &protocol.Load{URL: folder, Backend: protocol.BackendWebGPU, Bits: f.bits}
	if f.backend == backendCPU {
		load.Backend = protocol.BackendCPU
	}
	shared, unload, err := protocol.LoadShared(ctx, process{}, load, nil)
	if protocol.CodeOf(err) == protocol.CodeNoAdapter {
		f.Log.Warn("there is no graphics adapter: the engine computes on the CPU", "reason", err.Error())
		load.Backend = protocol.BackendCPU
		shared, unload, err = protocol.LoadShared(ctx, process{}, load, nil)
	}
	if err != nil {
		return nil, err
	}
	pool, err := shared.Model.NewPool(f.slots)
	// A number that was asked for is kept to; the default gives way to what the device has room for.
	for slots := f.slots / 2; err != nil && !f.flags.Changed("batch") && slots > 0; slots /= 2 {
		f.Log.Warn("fewer answers are decoded together", "batch", slots, "reason", err.Error())
		pool, err = shared.Model.NewPool(slots)
	}
	if err != nil {
		unload()
		return nil, err
	}
	return &server.Engine{Model: shared.Model, Ready: shared.Ready, Machine: pool, Close: func() { pool.Close(); unload() }}, nil
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
