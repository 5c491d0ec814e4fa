// Command build bundles the other engines that samba bench measures beside
// ours into a folder that can be carried to a host without Node or npm.
//
//	cd tools/bench/peers && npm ci && npm run bundle
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/evanw/esbuild/pkg/api"
)

func main() {
	out := flag.String("o", "", "the folder to write")
	flag.Parse()
	if err := build(*out); err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

// build runs in tools/bench/peers, where npm runs it.
func build(out string) error {
	const wllama = "node_modules/@wllama/wllama"
	about, err := os.ReadFile(filepath.Join(wllama, "package.json"))
	if errors.Is(err, os.ErrNotExist) {
		return errors.New("node_modules is missing: run npm ci first")
	}
	if err != nil {
		return err
	}
	var installed struct {
		Version string `json:"version"`
	}
	if err := json.Unmarshal(about, &installed); err != nil {
		return fmt.Errorf("%s/package.json: %w", wllama, err)
	}
	if out == "" {
		return errors.New("-o is missing: want the folder to write")
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	result := api.Build(api.BuildOptions{
		EntryPoints: []string{"page.mjs"}, Bundle: true, Write: true, Outfile: filepath.Join(out, "page.js"),
		Format: api.FormatESModule, Platform: api.PlatformBrowser, Target: api.ES2022,
		MinifyWhitespace: true, MinifySyntax: true, MinifyIdentifiers: true, LegalComments: api.LegalCommentsEndOfFile,
		Define:   map[string]string{"WLLAMA_VERSION": fmt.Sprintf("%q", installed.Version)},
		LogLevel: api.LogLevelWarning,
	})
	if len(result.Errors) > 0 {
		return fmt.Errorf("bundling page.mjs: %s", result.Errors[0].Text)
	}
	for from, to := range map[string]string{
		"index.html":                     "index.html",
		wllama + "/esm/wasm/wllama.wasm": "wllama.wasm",
		wllama + "/LICENCE":              "wllama.LICENCE",
	} {
		data, err := os.ReadFile(from)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(out, to), data, 0o644); err != nil {
			return err
		}
	}
	fmt.Printf("wllama %s in %s\n", installed.Version, out)
	return nil
}
