package main

import (
	"context"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/samba-web/samba/tools/hub"
	"github.com/samba-web/samba/tools/server/static"
	"github.com/samba-web/samba/tools/site"
)

func newServe() *cobra.Command {
	var address, models string
	var hubHosts []string
	var engine serveEngine
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve the chat page and a folder of models",
		Long: `Serves the chat page that is built into this program, and at /models/ the folders in
--models: by ranges, to pages of any origin. Names that start with a dot, and links that
lead out of the folder, are not served.

With --hub the page lists published models and loads them from the hub, which then sees
the visitor's address and what is downloaded, and nothing that is written.

With --engine it answers, too, for pages on machines that are too weak for the model: a
WebSocket at /engine speaks the worker's protocol, /v1 is OpenAI's HTTP API, /metrics is for
Prometheus, /healthz and /readyz for the people who look after it. What clients write then reaches
this machine; no log has it. SIGTERM lets answers under way finish.`,
		Example: "  samba serve\n  samba serve --addr :8080 --models /srv/models\n  samba serve --hub\n  samba serve --engine www/models/default --states /srv/states --tokens tokens.txt",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := engine.check(); err != nil {
				return err
			}
			if err := checkSite(site.FS); err != nil {
				return err
			}
			folder, err := modelsFolder(models)
			if err != nil {
				return err
			}
			var modelFiles fs.FS
			if folder != "" {
				root, err := os.OpenRoot(folder)
				if err != nil {
					return fmt.Errorf("the folder of models cannot be opened: %w", err)
				}
				defer root.Close()
				modelFiles = root.FS()
			}
			if cmd.Flags().Changed("hub") {
				if hubHosts, err = hub.ParseHosts(hubHosts); err != nil {
					return fmt.Errorf("--hub: %w", err)
				}
			}
			listener, err := static.Listen(address)
			if err != nil {
				return err
			}
			handler, ctx := static.Handler(site.FS, modelFiles, hubHosts...), cmd.Context()
			if len(hubHosts) > 0 {
				handler = withCatalog(handler, hub.Catalog(hubHosts[0]))
			}
			if engine.folder != "" {
				if host, _, err := net.SplitHostPort(address); err == nil && host != "" {
					engine.Names = append(engine.Names, host)
				}
				server, stop, err := engine.start(ctx, cmd.ErrOrStderr())
				if err != nil {
					listener.Close()
					return err
				}
				defer stop()
				handler = beside(handler, server.Handler())
				// The listener stays until the engine has finished: a balancer learns by /readyz that nothing more may come.
				drained, done := context.WithCancel(context.Background())
				defer done()
				context.AfterFunc(ctx, func() {
					grace, enough := context.WithTimeout(context.Background(), engine.grace)
					defer enough()
					server.Drain(grace)
					done()
				})
				ctx = drained
			}
			from := "no models: name their folder by --models"
			if folder != "" {
				from = "models from " + folder
			}
			fmt.Fprintf(cmd.OutOrStdout(), "Samba is at %s (%s). Ctrl-C stops it.\n", static.URL(listener), from)
			return static.Run(ctx, listener, handler)
		},
	}
	engine.register(cmd)
	cmd.Flags().StringVar(&address, "addr", "localhost:8080", "host and port to listen on; no host: every network")
	cmd.Flags().StringVar(&models, "models", "", "folder of model folders (default: www/models where there is one, else models)")
	cmd.Flags().StringSliceVar(&hubHosts, "hub", nil, "let the page load published models from a hub: its address, and hosts that it redirects to\n(alone: "+strings.Join(hub.Hosts, ",")+")")
	cmd.Flags().Lookup("hub").NoOptDefVal = strings.Join(hub.Hosts, ",")
	return cmd
}

// withCatalog serves the list of published models beside the pages.
func withCatalog(pages http.Handler, catalog []byte) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", pages)
	mux.HandleFunc("GET /hub.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-cache")
		w.Write(catalog) // a page that went away needs no answer
	})
	return mux
}

// modelsFolder is the folder that was named, which must be there, or the first of the usual ones, or none.
func modelsFolder(named string) (string, error) {
	isFolder := func(path string) bool {
		about, err := os.Stat(path)
		return err == nil && about.IsDir()
	}
	if named != "" {
		if !isFolder(named) {
			return "", fmt.Errorf("--models %s: there is no such folder", named)
		}
		return named, nil
	}
	for _, usual := range []string{"www/models", "models"} {
		if isFolder(usual) {
			return usual, nil
		}
	}
	return "", nil
}

// checkSite tells whether the program was built with its pages.
func checkSite(files fs.FS) error {
	if _, err := fs.Stat(files, "index.html"); err != nil {
		return fmt.Errorf("this samba was built without its pages: build it by ./build.sh, which makes both")
	}
	return nil
}
