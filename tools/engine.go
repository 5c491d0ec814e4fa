package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/samba-web/samba/model/randomweights"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/samba-web/samba/tools/browser"
	"github.com/samba-web/samba/wasm/protocol"
)

// Where a command may compute.
const (
	backendCPU    = "cpu"    // plain Go
	backendNative = "native" // wgpu-native
)

func backends() []string { return append([]string{backendCPU, backendNative}, browser.Names()...) }

// engine is a client's end of a conversation with an engine: in this process or in a browser's worker, the messages
// are the same.
type engine struct {
	send   func(protocol.Frame) error
	frames <-chan protocol.Frame // closed when the engine has gone
	gone   func() error          // why it has
	close  func()
	agent  string // what the browser calls itself; empty without one

	resident func() int64 // bytes of the browser's processes; nil without one
	lastID   uint32
}

// cancelPatience is how long an engine may take to notice that it was cancelled: a chunk of a long prompt on a slow
// machine.
const cancelPatience = 5 * time.Second

// ask sends a request and waits for the message that ends it; the others go to on, and so does the last one if something
// is attached to it. When ctx ends, the request is
// cancelled: generate then still ends in a Done, all else in errInterrupted.
func (e *engine) ask(ctx context.Context, request protocol.Message, on func(m protocol.Message, data []byte) error) (protocol.Message, error) {
	return e.askWith(ctx, request, nil, on)
}

// askWith is ask for a request with an attachment.
func (e *engine) askWith(ctx context.Context, request protocol.Message, data []byte, on func(m protocol.Message, data []byte) error) (protocol.Message, error) {
	e.lastID++
	id := e.lastID
	if err := e.tell(id, request, data); err != nil {
		return nil, err
	}
	interrupted := ctx.Done()
	var enough <-chan time.Time
	for {
		select {
		case <-interrupted:
			interrupted, enough = nil, time.After(cancelPatience)
			e.lastID++
			if err := e.tell(e.lastID, &protocol.Cancel{Target: id}, nil); err != nil {
				return nil, errInterrupted
			}
		case <-enough:
			return nil, errInterrupted
		case frame, ok := <-e.frames:
			if !ok {
				return nil, e.gone()
			}
			answered, message, err := protocol.DecodeReply(frame)
			if err != nil {
				return nil, fmt.Errorf("the engine sent what cannot be read: %w", err)
			}
			failed, isError := message.(*protocol.Error)
			switch {
			case isError && failed.Code == protocol.CodeCancelled:
				return nil, errInterrupted
			case isError && (answered == id || answered == 0): // 0: before it read any request
				return nil, errors.New(lowered(failed.Message))
			case answered != id:
				continue
			}
			last := protocol.Ends(message.Type())
			if !last || len(frame.Data) > 0 {
				if err := on(message, frame.Data); err != nil {
					return nil, err
				}
			}
			if last {
				return message, nil
			}
		}
	}
}

// lowered makes a sentence that pages show as it stands fit behind "samba: ", as Go's errors do.
func lowered(sentence string) string {
	sentence = strings.TrimSuffix(sentence, ".")
	first, size := utf8.DecodeRuneInString(sentence)
	if second, _ := utf8.DecodeRuneInString(sentence[size:]); !unicode.IsLower(second) {
		return sentence // an abbreviation, such as GPU, or a path
	}
	return string(unicode.ToLower(first)) + sentence[size:]
}

func (e *engine) tell(id uint32, m protocol.Message, data []byte) error {
	frame, err := protocol.Encode(id, m, data)
	if err != nil {
		return err
	}
	return e.send(frame)
}

// engineFlags are the flags of commands that run a model.
type engineFlags struct {
	model        string
	bits         int // packs the weights while they load; 0: as they are
	backend      string
	browserPath  string
	browserFlags string
	within       string // where a browser computes
	threads      int    // on its processor; 0: as many as suit
	chooses      bool   // the processor is taken where the GPU is none and slower
}

func (f *engineFlags) register(cmd *cobra.Command) {
	registerBits(cmd.Flags(), &f.bits, "")
	f.registerModel(cmd)
}

// registerModel registers those that say which and where.
func (f *engineFlags) registerModel(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.model, "model", "", "the model's folder")
	f.registerHome(cmd)
}

// registerBits registers the flag that packs a model while it loads.
func registerBits(flags *pflag.FlagSet, bits *int, when string) {
	flags.IntVar(bits, "bits", 0, when+"pack unpacked weights in 4 or 8 bits while they load, as samba convert does (default: as they are)")
}

func checkBits(bits int) error {
	if bits != 0 && bits != 4 && bits != 8 {
		return fmt.Errorf("--bits is %d, want 4 or 8, or none to take the weights as they are", bits)
	}
	return nil
}

// registerHome registers those that say where.
func (f *engineFlags) registerHome(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.backend, "backend", backendNative, "where to compute: cpu (plain Go), native (the GPU, by wgpu-native), chromium or firefox\n(WebAssembly and WebGPU in the installed browser, headless)")
	cmd.Flags().StringVar(&f.within, "browser-backend", protocol.BackendWebGPU, "where a browser computes: webgpu, cpu (WebAssembly), or auto: as its pages choose")
	cmd.Flags().IntVar(&f.threads, "threads", 0, "with --browser-backend cpu: threads that compute at most (default: as many as the machine has cores, at most 4); one where the browser has a GPU")
	cmd.Flags().StringVar(&f.browserPath, "browser-path", "", "the browser's program (default: the environment's CHROME or FIREFOX, then PATH)")
	cmd.Flags().StringVar(&f.browserFlags, "browser-flags", "", "more flags for the browser, separated by spaces; the environment's CHROME_GPU_FLAGS\nreplaces Chromium's flags for WebGPU")
}

// check refuses what cannot work before anything is started.
func (f *engineFlags) check() error {
	known := false
	for _, name := range backends() {
		known = known || name == f.backend
	}
	if !known {
		return fmt.Errorf("--backend is %q, want one of %s", f.backend, strings.Join(backends(), ", "))
	}
	if within := []string{protocol.BackendWebGPU, protocol.BackendCPU, protocol.BackendAuto}; f.within != "" && !slices.Contains(within, f.within) {
		return fmt.Errorf("--browser-backend is %q, want one of %s", f.within, strings.Join(within, ", "))
	}
	if f.threads < 0 || f.threads > protocol.MaxThreads {
		return fmt.Errorf("--threads is %d, want 1 to %d, or none for as many as suit", f.threads, protocol.MaxThreads)
	}
	if err := checkBits(f.bits); err != nil {
		return err
	}
	if randomweights.Is(f.model) {
		return nil
	}
	about, err := os.Stat(f.model)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("--model %s: there is no such folder", f.model)
	case err != nil:
		return fmt.Errorf("--model: %w", err)
	case !about.IsDir():
		return fmt.Errorf("--model %s: this is a file, want a model's folder", f.model)
	}
	if _, err := os.Stat(filepath.Join(f.model, "config.json")); err != nil {
		return fmt.Errorf("--model %s: the folder has no config.json, so it is no model's; `samba convert` makes one from a checkpoint", f.model)
	}
	return nil
}

// open starts the engine that the flags name and loads the model. The engine must be closed in any case but an error.
func (f *engineFlags) open(ctx context.Context, progress *progress) (*engine, *protocol.Ready, error) {
	if err := f.check(); err != nil {
		return nil, nil, err
	}
	e, load, err := f.start(ctx)
	if err != nil {
		return nil, nil, err
	}
	ready, err := f.load(ctx, e, load, progress.report)
	progress.done()
	if err != nil {
		e.close()
		return nil, nil, err
	}
	return e, ready, nil
}

// start starts the engine that the flags, checked before, name, and says how to load the model there.
func (f *engineFlags) start(ctx context.Context) (*engine, *protocol.Load, error) {
	address := f.model
	if !randomweights.Is(address) {
		var err error
		if address, err = filepath.Abs(address); err != nil { // "." has no name
			return nil, nil, err
		}
	}
	load := &protocol.Load{URL: address, Backend: protocol.BackendWebGPU, Bits: f.bits, Threads: f.threads}
	switch f.backend {
	case backendCPU:
		load.Backend = protocol.BackendCPU
		return engineInProcess(), load, nil
	case backendNative:
		if f.chooses {
			load.Backend = protocol.BackendAuto
		}
		return engineInProcess(), load, nil
	}
	load.Backend = cmp.Or(f.within, protocol.BackendWebGPU)
	e, served, err := engineInBrowser(ctx, address, browser.Options{
		Name: f.backend, Path: f.browserPath, Flags: strings.Fields(f.browserFlags),
	})
	if !randomweights.Is(address) {
		load.URL = served
	}
	return e, load, err
}

// load loads the model that the flags name.
func (f *engineFlags) load(ctx context.Context, e *engine, load *protocol.Load, on func(m protocol.Message, data []byte) error) (*protocol.Ready, error) {
	answer, err := e.ask(ctx, load, on)
	if errors.Is(err, errInterrupted) {
		return nil, err
	}
	if err != nil {
		// A browser knows the folder by an address that tells nobody anything.
		return nil, errors.New(strings.ReplaceAll(err.Error(), load.URL, f.model))
	}
	ready, ok := answer.(*protocol.Ready)
	if !ok {
		return nil, fmt.Errorf("the engine answered %s to load, want ready", answer.Type())
	}
	if !randomweights.Is(f.model) {
		if folder, err := filepath.Abs(f.model); err == nil {
			ready.Model = filepath.Base(folder)
		}
	}
	return ready, nil
}
