// Command build bundles the other engines that samba bench measures beside
// ours into a folder that can be carried to a host without Node or npm.
//
//	cd tools/bench/peers && npm ci && npm run bundle
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/andybalholm/brotli"
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
	entries := []string{"page.mjs"}
	code := map[string]string{wllama + "/esm/wasm/wllama.wasm": "wllama.wasm"}
	// An optional dependency: it is 33 MB to download, and one question that it answers.
	const ort = "node_modules/onnxruntime-web"
	if _, err := os.Stat(ort); err == nil {
		entries = append(entries, "ort.mjs")
		code[ort+"/dist/ort-wasm-simd-threaded.jspi.wasm"] = "ort.wasm"
	}
	result := api.Build(api.BuildOptions{
		EntryPoints: entries, Bundle: true, Write: true, Outdir: out, External: []string{"./ort.js"},
		Format: api.FormatESModule, Platform: api.PlatformBrowser, Target: api.ES2022,
		MinifyWhitespace: true, MinifySyntax: true, MinifyIdentifiers: true, LegalComments: api.LegalCommentsEndOfFile,
		Define:   map[string]string{"WLLAMA_VERSION": fmt.Sprintf("%q", installed.Version)},
		LogLevel: api.LogLevelWarning,
	})
	if len(result.Errors) > 0 {
		return fmt.Errorf("bundling page.mjs: %s", result.Errors[0].Text)
	}
	for from, to := range map[string]string{"index.html": "index.html", wllama + "/LICENCE": "wllama.LICENCE"} {
		data, err := os.ReadFile(from)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(out, to), data, 0o644); err != nil {
			return err
		}
	}
	for from, to := range code {
		if err := pack(from, filepath.Join(out, to+".br")); err != nil {
			return err
		}
	}
	fmt.Printf("wllama %s in %s\n", installed.Version, out)
	return nil
}

// pack compresses a file: what is to be carried must be small.
func pack(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	var packed bytes.Buffer
	w := brotli.NewWriterLevel(&packed, 9)
	if _, err := w.Write(data); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return os.WriteFile(to, packed.Bytes(), 0o644)
}
