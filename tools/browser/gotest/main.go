// Command gotest runs Go test binaries built for js/wasm in a real browser, in a dedicated worker, where the engine
// runs too and where navigator.gpu is. It is meant for go test's -exec:
//
//	go build -o bin/gotest ./tools/browser/gotest
//	GOOS=js GOARCH=wasm go test -exec "$PWD/bin/gotest chromium" ./gpu/...
//
// or, without building it first (env undoes GOOS and GOARCH for the runner itself):
//
//	GOOS=js GOARCH=wasm go test -exec "env GOOS= GOARCH= go run github.com/samba-web/samba/tools/browser/gotest firefox" ./gpu/...
//
// Output appears as it is written and the exit status is the test's. The tests see the module's files, read-only, and
// of the environment SAMBA_*, GODEBUG and GOTRACEBACK; SAMBA_BROWSER is set to the browser's name.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/samba-web/samba/tools/browser"
)

// Exit statuses of our own failures, out of the way of the test binary's 0, 1 and 2.
const (
	statusUsage  = 64
	statusFailed = 70
)

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGQUIT, syscall.SIGHUP)
	status := run(ctx, os.Args[1:])
	cancel()
	os.Exit(status)
}

func run(ctx context.Context, arguments []string) int {
	flags := flag.NewFlagSet("gotest", flag.ContinueOnError)
	path := flags.String("browser-path", "", "the browser's program (default: $CHROME or $FIREFOX, then PATH)")
	extra := flags.String("browser-flags", "", "more flags for the browser, separated by spaces")
	limit := flags.Duration("timeout", 0, "give up after this long (default: the test's own -test.timeout and half a minute, else 10m)")
	flags.Usage = func() {
		fmt.Fprintf(flags.Output(), "usage: gotest [flags] %s BINARY.wasm [arguments]\n", strings.Join(browser.Names(), "|"))
		flags.PrintDefaults()
	}
	if err := flags.Parse(arguments); err != nil {
		return statusUsage
	}
	if flags.NArg() < 2 {
		flags.Usage()
		return statusUsage
	}
	name, argv := flags.Arg(0), flags.Args()[1:]
	if *limit == 0 {
		*limit = defaultLimit(argv)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, *limit, fmt.Errorf("no result within %v", *limit))
	defer cancel()

	status, err := runInBrowser(ctx, argv, browser.Options{Name: name, Path: *path, Flags: strings.Fields(*extra)})
	if err != nil {
		fmt.Fprintf(os.Stderr, "gotest: %s in %s: %v\n", filepath.Base(argv[0]), name, err)
		return statusFailed
	}
	return status
}

// defaultLimit leaves the test binary's own alarm the time to go off first: it prints every goroutine's stack.
func defaultLimit(argv []string) time.Duration {
	limit := 10 * time.Minute
	for _, argument := range argv {
		value, ok := strings.CutPrefix(argument, "-test.timeout=")
		if !ok {
			continue
		}
		switch own, err := time.ParseDuration(value); {
		case err != nil:
		case own == 0: // go test -timeout 0: no limit
			limit = 24 * time.Hour
		default:
			limit = own + 30*time.Second
		}
	}
	return limit
}

func runInBrowser(ctx context.Context, argv []string, options browser.Options) (int, error) {
	if _, err := browser.Find(options.Name, options.Path); err != nil {
		return 0, err
	}
	server, err := newServer(ctx, argv, options.Name)
	if err != nil {
		return 0, err
	}
	defer server.close()

	options.URL = server.url
	running, err := browser.Start(ctx, options)
	if err != nil {
		return 0, err
	}
	defer running.Close()

	select {
	case end := <-server.ended:
		return end.status, end.err
	case <-running.Done():
		if ctx.Err() == nil {
			return 0, running.Err()
		}
	case <-ctx.Done():
	}
	return 0, context.Cause(ctx)
}
