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
	worker, err := bundle("www/engine/worker.ts", map[string]string{"SAMBA_WASM": engine})
	if err != nil {
		return err
	}
	for _, page := range []struct{ html, script, style, name string }{
		{"www/chat/index.html", "www/chat/chat.ts", "www/chat/chat.css", "index.html"},
		{"www/relay.html", "www/relay.ts", "", "relay.html"},
	} {
		script, err := bundle(page.script, map[string]string{"SAMBA_WORKER": worker})
		if err != nil {
			return err
		}
		replace := []string{"{{script}}", "assets/" + script}
		if page.style != "" {
			style, err := bundle(page.style, nil)
			if err != nil {
				return err
			}
			replace = append(replace, "{{style}}", "assets/"+style)
		}
		html, err := os.ReadFile(page.html)
		if err != nil {
			return err
		}
		if err := write(page.name, []byte(strings.NewReplacer(replace...).Replace(string(html)))); err != nil {
			return err
		}
	}
	icon, err := os.ReadFile("www/chat/icon.svg")
	if err != nil {
		return err
	}
	if err := write("icon.svg", icon); err != nil {
		return err
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

// bundle writes a script or style with all that it imports and returns its name
// in assets. The constants become strings in the code.
func bundle(entry string, constants map[string]string) (string, error) {
	goroot, err := goTool("env", "GOROOT")
	if err != nil {
		return "", err
	}
	define := map[string]string{}
	for name, value := range constants {
		define[name] = fmt.Sprintf("%q", value)
	}
	result := api.Build(api.BuildOptions{
		EntryPoints:       []string{entry},
		EntryNames:        "[name]-[hash]",
		Outdir:            dist + "/assets",
		Bundle:            true,
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
		return "", fmt.Errorf("bundling %s: %s", entry, result.Errors[0].Text)
	}
	name := ""
	for _, file := range result.OutputFiles {
		name = filepath.Base(file.Path)
		if err := write("assets/"+name, file.Contents); err != nil {
			return "", err
		}
	}
	return name, nil
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
