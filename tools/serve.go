package main

import (
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/samba-web/samba/tools/serve"
	"github.com/samba-web/samba/tools/site"
)

func newServe() *cobra.Command {
	var address, models string
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve the chat page and a folder of models",
		Long: `Serves the chat page that is built into this program, and at /models/ the folders in
--models: by ranges, to pages of any origin. Names that start with a dot, and links that
lead out of the folder, are not served.`,
		Example: "  samba serve\n  samba serve --addr :8080 --models /srv/models",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
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
			listener, err := serve.Listen(address)
			if err != nil {
				return err
			}
			from := "no models: name their folder by --models"
			if folder != "" {
				from = "models from " + folder
			}
			fmt.Fprintf(cmd.OutOrStdout(), "Samba is at %s (%s). Ctrl-C stops it.\n", serve.URL(listener), from)
			return serve.Run(cmd.Context(), listener, serve.Handler(site.FS, modelFiles))
		},
	}
	cmd.Flags().StringVar(&address, "addr", "localhost:8080", "host and port to listen on; no host: every network")
	cmd.Flags().StringVar(&models, "models", "", "folder of model folders (default: www/models where there is one, else models)")
	return cmd
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
