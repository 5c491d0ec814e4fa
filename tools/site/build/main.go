// Command build makes the site: wasm/ compiled for the browser, www/ bundled,
// both under names that change with their content and precompressed, and the
// documentation, in tools/site/dist for package site to embed.
//
//	go run ./tools/site/build
package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/andybalholm/brotli"
	"github.com/evanw/esbuild/pkg/api"

	"github.com/samba-web/samba/model/families"
	"github.com/samba-web/samba/tools/server/static"
)

const dist = "tools/site/dist"

// hashed is how files are named that are kept forever: what they hold is part of their names.
const hashed = "assets/[name]-[hash]"

// page is an HTML file in which {{script}} and {{style}} stand for the built files' addresses, and {{published}} for
// options of the published models whose shapes there are, and where it goes.
type page struct {
	html, script, style, name string
	engine                    engine
}

// engine is a program that browsers run, and what its files' names begin with.
type engine struct{ program, name, worker string }

// Visitors download the one, and pages that measure the other, which can do more.
var (
	visitors = engine{"./wasm", "engine", hashed}
	lab      = engine{"./wasm/lab", "lab", "assets/lab-[name]-[hash]"}
)

// The service worker keeps these, and all that is built for them, for days without a network.
var keptPages = []page{
	{"www/chat/index.html", "www/chat/chat.ts", "www/chat/chat.css", "index.html", visitors},
	{"www/lab/index.html", "www/lab/lab.ts", "www/lab/lab.css", "lab.html", lab},
}

var otherPages = []page{
	{"www/relay.html", "www/relay.ts", "", "relay.html", lab},
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
	if _, err := os.Stat("www/node_modules/markdown-it"); err != nil {
		return errors.New("www/node_modules is missing: run npm ci in www first, or ./build.sh, which does")
	}
	if err := empty(); err != nil {
		return err
	}
	names := map[engine]map[string]any{} // constants of the pages that start it
	for _, e := range []engine{visitors, lab} {
		if names[e], err = e.build(); err != nil {
			return err
		}
	}
	const asker = "www/chat/asker.ts"
	built, err := bundle(hashed, nil, asker)
	if err != nil {
		return err
	}
	names[visitors]["SAMBA_ASKER"] = filepath.Base(built[asker])
	for _, page := range keptPages {
		if err := page.build(names[page.engine]); err != nil {
			return err
		}
	}
	if err := copyFiles("www", "icons/icon.svg", "manifest.webmanifest", "lab/opticks.txt"); err != nil {
		return err
	}
	if err := buildServiceWorker(); err != nil {
		return err
	}
	if err := buildWidget(names[visitors]); err != nil {
		return err
	}
	for _, page := range otherPages {
		if err := page.build(names[page.engine]); err != nil {
			return err
		}
	}
	examples, err := filepath.Glob("www/examples/*.*") // folders are projects of their own
	if err != nil {
		return err
	}
	for i := range examples {
		examples[i] = strings.TrimPrefix(filepath.ToSlash(examples[i]), "www/")
	}
	if err := copyFiles("www", examples...); err != nil {
		return err
	}
	if err := copyFiles("www", "icons/icon-192.png", "icons/icon-512.png", "icons/maskable-512.png", "icons/touch-180.png",
		"icons/wide.png", "icons/narrow.png"); err != nil {
		return err
	}
	if err := buildDocs(); err != nil {
		return err
	}
	return report()
}

func (p page) build(constants map[string]any) error {
	entries := []string{p.script}
	if p.style != "" {
		entries = append(entries, p.style)
	}
	built, err := bundle(hashed, constants, entries...)
	if err != nil {
		return err
	}
	html, err := os.ReadFile(p.html)
	if err != nil {
		return err
	}
	dressed := strings.NewReplacer("{{script}}", built[p.script], "{{style}}", built[p.style], "{{published}}", published())
	return write(p.name, []byte(dressed.Replace(string(html))))
}

// published is an option for each published model: names and numbers, which need no escaping.
func published() string {
	var options strings.Builder
	for _, p := range families.Known {
		millions := math.Round(float64(p.Config().Parameters()) / 1e6)
		fmt.Fprintf(&options, `<option value="%s">%s, %.0f million</option>`, p.Name(), p.Name(), millions)
	}
	return options.String()
}

// shellFile is what the service worker knows of a file: see www/sw/sw.ts.
type shellFile struct {
	SHA256 string   `json:"sha256"`
	Names  []string `json:"names,omitempty"`
}

// asset is a built file's name in a page.
var asset = regexp.MustCompile(`assets/[\w.-]+`)

// buildServiceWorker tells the service worker what there is so far.
func buildServiceWorker() error {
	shell, version, err := readShell(dist, static.Handler(os.DirFS(dist), nil))
	if err != nil {
		return err
	}
	_, err = bundle("[name]", map[string]any{"SAMBA_SHELL": shell, "SAMBA_VERSION": version}, "www/sw/sw.ts")
	return err
}

// readShell reads a folder for the service worker: the files of the kept pages, and a version that changes with any of them
// and with what the server says of it, for a browser keeps that with the file.
func readShell(folder string, server http.Handler) (shell map[string]shellFile, version string, err error) {
	shell, sum := map[string]shellFile{}, sha256.New()
	err = filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		name := entry.Name()
		if err != nil || entry.IsDir() || strings.HasPrefix(name, ".") || strings.HasSuffix(name, ".br") || strings.HasSuffix(name, ".gz") {
			return err
		}
		if strings.HasPrefix(name, lab.name+".") && strings.HasSuffix(name, ".wasm") {
			return nil // few visitors measure: those who do get it when they do
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		address, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		if address = filepath.ToSlash(address); address == "index.html" {
			address = "./"
		}
		about := shellFile{SHA256: fmt.Sprintf("%x", sha256.Sum256(data))}
		if filepath.Ext(name) == ".html" {
			about.Names = asset.FindAllString(string(data), -1)
		}
		shell[address] = about
		said := httptest.NewRecorder()
		server.ServeHTTP(said, httptest.NewRequest(http.MethodHead, "/"+strings.TrimPrefix(address, "./"), nil))
		if said.Code != http.StatusOK {
			return fmt.Errorf("the server answers %d to %s", said.Code, address)
		}
		fmt.Fprintf(sum, "%s %s\n", address, about.SHA256)
		return said.Header().Write(sum) // sorted
	})
	return shell, hex.EncodeToString(sum.Sum(nil)[:8]), err
}

// buildWidget builds the script that other sites embed, under a name that stays, and says by which hash they may pin it.
// It knows the hash of what it loads, so that the pin holds for all of it.
func buildWidget(constants map[string]any) error {
	const light, heavy = "www/widget/widget.ts", "www/widget/engine.ts"
	built, err := bundle(hashed, constants, heavy)
	if err != nil {
		return err
	}
	pin, err := integrity(built[heavy])
	if err != nil {
		return err
	}
	about := map[string]string{"path": built[heavy], "integrity": pin}
	if built, err = bundle("samba-[name]", map[string]any{"SAMBA_WIDGET_ENGINE": about}, light); err != nil {
		return err
	}
	if pin, err = integrity(built[light]); err != nil {
		return err
	}
	fmt.Printf("%s integrity=%q\n", built[light], pin)
	text, err := json.MarshalIndent(map[string]string{built[light]: pin}, "", "  ")
	if err != nil {
		return err
	}
	return write("integrity.json", append(text, '\n'))
}

// buildDocs makes the documentation's pages: see www/docs/build.mjs. The service worker has not seen them: it keeps those
// that are visited.
func buildDocs() error {
	if _, err := bundle("docs/[name]", nil, "www/docs/docs.css"); err != nil {
		return err
	}
	cmd := exec.Command("node", "www/docs/build.mjs", filepath.Join(dist, "docs"))
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("the documentation: %w\n%s", err, text)
	}
	pages, err := filepath.Glob(filepath.Join(dist, "docs", "*.html"))
	if err != nil {
		return err
	}
	for _, page := range pages {
		data, err := os.ReadFile(page)
		if err != nil {
			return err
		}
		if err := write("docs/"+filepath.Base(page), data); err != nil {
			return err
		}
	}
	return nil
}

// integrity is the hash of a built file as pages write it.
func integrity(name string) (string, error) {
	data, err := os.ReadFile(filepath.Join(dist, name))
	if err != nil {
		return "", err
	}
	sum := sha512.Sum384(data)
	return "sha384-" + base64.StdEncoding.EncodeToString(sum[:]), nil
}

// copyFiles takes files into dist as they are.
func copyFiles(from string, names ...string) error {
	for _, name := range names {
		data, err := os.ReadFile(filepath.Join(from, name))
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dist, name)), 0o755); err != nil {
			return err
		}
		if err := write(name, data); err != nil {
			return err
		}
	}
	return nil
}

// empty empties dist but for the file that keeps the folder in git.
func empty() error {
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

// build builds the engine with its worker, and returns what pages must know to start it.
func (e engine) build() (map[string]any, error) {
	file, size, err := e.compile()
	if err != nil {
		return nil, err
	}
	const script = "www/engine/worker.ts"
	worker, err := bundle(e.worker, map[string]any{"SAMBA_WASM": file, "SAMBA_WASM_SIZE": size}, script)
	if err != nil {
		return nil, err
	}
	return map[string]any{"SAMBA_WORKER": filepath.Base(worker[script])}, nil
}

// compile builds the engine for the browser and returns its name in assets, and its size. Beside it lies what the worker
// takes where a host sends it unpacked.
func (e engine) compile() (string, int, error) {
	folder, err := os.MkdirTemp("", "samba-site-")
	if err != nil {
		return "", 0, err
	}
	defer os.RemoveAll(folder)
	out := filepath.Join(folder, "engine.wasm")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", out, e.program)
	cmd.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm")
	if text, err := cmd.CombinedOutput(); err != nil {
		return "", 0, fmt.Errorf("compiling %s: %w\n%s", e.program, err, text)
	}
	whole, err := os.ReadFile(out)
	if err != nil {
		return "", 0, err
	}
	code, err := slim(whole)
	if err != nil {
		return "", 0, fmt.Errorf("%s: %w", e.program, err)
	}
	sum := sha256.Sum256(code)
	name := e.name + "." + hex.EncodeToString(sum[:8]) + ".wasm"
	effort := brotli.BestCompression
	if e == lab { // the best takes half a minute: that is for what many download
		effort = brotli.DefaultCompression
	}
	if err := writePacked("assets/"+name, code, effort); err != nil {
		return "", 0, err
	}
	return name, len(code), pack("assets/"+name+".gz", code)
}

// pack writes a file as browsers can unpack it themselves.
func pack(name string, data []byte) error {
	var packed bytes.Buffer
	w, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return err
	}
	if _, err := w.Write(data); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dist, name), packed.Bytes(), 0o644)
}

// bundle writes scripts and styles with all that they import. A lone entry is one file; of several, what is only imported
// when it is needed becomes a file of its own. Entries are named after the pattern, and bundle returns their names. The
// constants are known to the code by their names.
func bundle(pattern string, constants map[string]any, entries ...string) (map[string]string, error) {
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
		EntryNames:        pattern,
		ChunkNames:        hashed,
		Outdir:            dist,
		Bundle:            true,
		Splitting:         len(entries) > 1,
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
			"gpu/cpu/simd": mustAbs("gpu/cpu/simd.js"),
		},
		Write:    false,
		LogLevel: api.LogLevelWarning,
	})
	if len(result.Errors) > 0 {
		return nil, fmt.Errorf("bundling %s: %s", entries[0], result.Errors[0].Text)
	}
	for _, file := range result.OutputFiles {
		name, err := filepath.Rel(mustAbs(dist), file.Path)
		if err != nil {
			return nil, err
		}
		if err := os.MkdirAll(filepath.Dir(file.Path), 0o755); err != nil {
			return nil, err
		}
		if err := write(name, file.Contents); err != nil {
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
			names[output.EntryPoint], _ = filepath.Rel(dist, file)
		}
	}
	return names, nil
}

// write puts a file into dist, and beside it what a browser that takes brotli gets.
func write(name string, data []byte) error { return writePacked(name, data, brotli.BestCompression) }

func writePacked(name string, data []byte, effort int) error {
	if err := os.WriteFile(filepath.Join(dist, name), data, 0o644); err != nil {
		return err
	}
	var packed bytes.Buffer
	// A window of 16 MB, which every browser reads, holds the whole engine: 1 % less than one of 4.
	w := brotli.NewWriterOptions(&packed, brotli.WriterOptions{Quality: effort, LGWin: 24})
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
