// Command build makes the site: wasm/ compiled for the browser, www/ bundled,
// both under names that change with their content and precompressed, in
// tools/site/dist for package site to embed.
//
//	go run ./tools/site/build
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/andybalholm/brotli"
	"github.com/evanw/esbuild/pkg/api"
)

const dist = "tools/site/dist"

// pages are HTML files in which {{script}} and {{style}} stand for the built files' addresses, and where they go.
var pages = []struct{ html, script, style, name string }{
	{"www/chat/index.html", "www/chat/chat.ts", "www/chat/chat.css", "index.html"},
	{"www/lab/index.html", "www/lab/lab.ts", "www/lab/lab.css", "lab.html"},
	{"www/relay.html", "www/relay.ts", "", "relay.html"},
}

func main() {
	if err := build(); err != nil {
		fmt.Fprintln(os.Stderr, "site:", err)
		os.Exit(1)
	}
}

func build() error {
	root, err := goTool("list", "-m", "-f", "{{.Dir}}")
	if err != nil {
		return err
	}
	if err := os.Chdir(root); err != nil {
		return err
	}
	if _, err := os.Stat("www/node_modules/marked"); err != nil {
		return errors.New("www/node_modules is missing: run npm ci in www first, or ./build.sh, which does")
	}
	if err := clear(); err != nil {
		return err
	}
	engine, err := compile()
	if err != nil {
		return err
	}
	worker, err := bundle(map[string]any{"SAMBA_WASM": engine}, "www/engine/worker.ts")
	if err != nil {
		return err
	}
	names := map[string]any{"SAMBA_WORKER": worker["www/engine/worker.ts"]}
	for _, page := range pages {
		entries := []string{page.script}
		if page.style != "" {
			entries = append(entries, page.style)
		}
		built, err := bundle(names, entries...)
		if err != nil {
			return err
		}
		html, err := os.ReadFile(page.html)
		if err != nil {
			return err
		}
		root := strings.Repeat("../", strings.Count(page.name, "/"))
		dressed := strings.NewReplacer("{{script}}", root+"assets/"+built[page.script], "{{style}}", root+"assets/"+built[page.style])
		if err := write(page.name, []byte(dressed.Replace(string(html)))); err != nil {
			return err
		}
	}
	for _, plain := range []string{"icons/icon.svg"} {
		data, err := os.ReadFile("www/" + plain)
		if err != nil {
			return err
		}
		if err := write(filepath.Base(plain), data); err != nil {
			return err
		}
	}
	return report()
}

// clear empties dist but for the file that keeps the folder in git.
func clear() error {
	entries, err := os.ReadDir(dist)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	for _, e := range entries {
		if e.Name() == ".keep" {
			continue
		}
		if err := os.RemoveAll(filepath.Join(dist, e.Name())); err != nil {
			return err
		}
	}
	return os.MkdirAll(filepath.Join(dist, "assets"), 0o755)
}

// compile builds the engine for the browser and returns its name in assets.
func compile() (string, error) {
	folder, err := os.MkdirTemp("", "samba-site-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(folder)
	out := filepath.Join(folder, "engine.wasm")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", out, "./wasm")
	cmd.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm")
	if text, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("compiling ./wasm: %w\n%s", err, text)
	}
	code, err := os.ReadFile(out)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(code)
	name := "engine." + hex.EncodeToString(sum[:8]) + ".wasm"
	return name, write("assets/"+name, code)
}

// bundle writes scripts and styles into assets with all that they import: what several of them need, and what is only
// imported when it is needed, becomes a file of its own. It returns the entries' names. The constants are known to the
// code by their names.
func bundle(constants map[string]any, entries ...string) (map[string]string, error) {
	goroot, err := goTool("env", "GOROOT")
	if err != nil {
		return nil, err
	}
	define := map[string]string{}
	for name, value := range constants {
		text, err := json.Marshal(value)
		if err != nil {
			return nil, err
		}
		define[name] = string(text)
	}
	result := api.Build(api.BuildOptions{
		EntryPoints:       entries,
		EntryNames:        "[name]-[hash]",
		ChunkNames:        "[name]-[hash]",
		Outdir:            dist + "/assets",
		Bundle:            true,
		Splitting:         true,
		Metafile:          true,
		Format:            api.FormatESModule,
		Platform:          api.PlatformBrowser,
		Target:            api.ES2022,
		MinifyWhitespace:  true,
		MinifySyntax:      true,
		MinifyIdentifiers: true,
		Charset:           api.CharsetUTF8,
		LegalComments:     api.LegalCommentsEndOfFile,
		Define:            define,
		Alias: map[string]string{
			// Go's own loader must be of the same release as the compiler.
			"go/wasm_exec": filepath.Join(goroot, "lib/wasm/wasm_exec.js"),
			"gpu/replay":   mustAbs("gpu/replay.js"),
		},
		Write:    false,
		LogLevel: api.LogLevelWarning,
	})
	if len(result.Errors) > 0 {
		return nil, fmt.Errorf("bundling %s: %s", entries[0], result.Errors[0].Text)
	}
	for _, file := range result.OutputFiles {
		if err := write("assets/"+filepath.Base(file.Path), file.Contents); err != nil {
			return nil, err
		}
	}
	var about struct {
		Outputs map[string]struct{ EntryPoint string }
	}
	if err := json.Unmarshal([]byte(result.Metafile), &about); err != nil {
		return nil, err
	}
	names := map[string]string{}
	for file, output := range about.Outputs {
		if slices.Contains(entries, output.EntryPoint) {
			names[output.EntryPoint] = filepath.Base(file)
		}
	}
	return names, nil
}

// write puts a file into dist, and beside it what a browser that takes brotli gets.
func write(name string, data []byte) error {
	if err := os.WriteFile(filepath.Join(dist, name), data, 0o644); err != nil {
		return err
	}
	var packed bytes.Buffer
	w := brotli.NewWriterLevel(&packed, brotli.BestCompression)
	if _, err := w.Write(data); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	if packed.Len() >= len(data) {
		return nil
	}
	return os.WriteFile(filepath.Join(dist, name+".br"), packed.Bytes(), 0o644)
}

// report prints what a visitor downloads.
func report() error {
	files, err := filepath.Glob(dist + "/assets/*.br")
	if err != nil {
		return err
	}
	slices.Sort(files)
	total := int64(0)
	for _, file := range files {
		about, err := os.Stat(file)
		if err != nil {
			return err
		}
		total += about.Size()
		fmt.Printf("%8.1f KB  %s\n", float64(about.Size())/1000, strings.TrimSuffix(filepath.Base(file), ".br"))
	}
	fmt.Printf("%8.1f KB  in all, brotli\n", float64(total)/1000)
	return nil
}

func goTool(arguments ...string) (string, error) {
	cmd := exec.Command("go", arguments...)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("go %s: %w: %s", strings.Join(arguments, " "), err, complaint.String())
	}
	return strings.TrimSpace(string(out)), nil
}

func mustAbs(path string) string {
	absolute, err := filepath.Abs(path)
	if err != nil {
		panic(err)
	}
	return absolute
}
