package site

import (
	"bytes"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
)

// What a visitor of the chat page downloads before the first weight, as it
// goes over the wire: the page, all that it names, and the model's small files.
// 1,985,771 on 2026-11-29, and 385 kB more without what build/slim.go leaves out.
// What can still go, by the code's size before it is packed, a sixth of which is what it takes on the wire: net/url and
// net/netip 54 kB, crypto besides SHA-256 90, log and slog, which the WebGPU binding imports, 60, the names of Unicode's
// scripts that patterns may use 50.
const mostBeforeWeights = 2_000_000

func TestVisitorsDownloadLittle(t *testing.T) {
	if _, err := fs.Stat(FS, "index.html"); err != nil {
		t.Skip("the site is not built: go run ./tools/site/build")
	}
	engine := false
	total := int(VisitorBytes(func(name string, size int, data []byte) {
		t.Logf("%8d bytes of %s", size, name)
		if path.Ext(name) == ".wasm" {
			engine = true
			if has := measures(data); len(has) > 0 {
				t.Errorf("%s has %v, which no visitor needs: it belongs in wasm/lab", name, has)
			}
		}
	}))
	if !engine {
		t.Error("index.html leads to no engine: the names in it are not what this test takes them for")
	}
	small, err := filepath.Glob("../../www/models/default/*.json")
	if err != nil || len(small) == 0 {
		t.Fatalf("no small files of the default model: %v", err)
	}
	for _, file := range small {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var packed bytes.Buffer
		w := brotli.NewWriterLevel(&packed, brotli.DefaultCompression)
		w.Write(data)
		w.Close()
		total += packed.Len()
		t.Logf("%8d bytes of %s", packed.Len(), filepath.Base(file))
	}
	if total > mostBeforeWeights {
		t.Errorf("%d bytes before the first weight, want at most %d", total, mostBeforeWeights)
	}
	t.Logf("%8d bytes in all", total)
}

// measures lists what an engine has of what only the lab's needs. Programs name their functions.
func measures(code []byte) (has []string) {
	for _, name := range []string{"samba/model/measure.Bench", "samba/model/measure.Long", "samba/model/randomweights.Open"} {
		if bytes.Contains(code, []byte(name+"\x00")) {
			has = append(has, name)
		}
	}
	return has
}

// The lab's page leads to an engine that measures, and the service worker leaves that where it is.
func TestOnlyTheLabMeasures(t *testing.T) {
	names, err := fs.Glob(FS, "assets/lab.*.wasm")
	if err != nil {
		t.Fatal(err)
	}
	if len(names) == 0 {
		t.Skip("the site is not built: go run ./tools/site/build")
	}
	code, err := fs.ReadFile(FS, names[0])
	if err != nil {
		t.Fatal(err)
	}
	if has := measures(code); len(names) != 1 || len(has) != 3 {
		t.Errorf("%v: the first has %v, want one engine, which measures and makes up weights", names, has)
	}
	script, err := fs.ReadFile(FS, "sw.js")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(script), path.Base(names[0])) || !regexp.MustCompile(`assets/engine\.\w+\.wasm`).Match(script) {
		t.Error("sw.js keeps the lab's engine, or not the visitors'")
	}
}

// What the widget puts on a page that embeds it, before a visitor opens it.
const mostOfWidget = 40_000

func TestWidgetIsLight(t *testing.T) {
	script, err := fs.ReadFile(FS, "samba-widget.js")
	if err != nil {
		t.Skip("the site is not built: go run ./tools/site/build")
	}
	packed, err := fs.ReadFile(FS, "samba-widget.js.br")
	if err != nil {
		t.Fatal(err)
	}
	if len(packed) > mostOfWidget {
		t.Errorf("samba-widget.js has %d bytes compressed, want at most %d", len(packed), mostOfWidget)
	}
	// It is all that comes: what it needs later it asks for then.
	if static := regexp.MustCompile(`(^|[;}\n])(import|export)\s*[^(]*from|(^|[;}\n])import\s*["']`).Find(script); static != nil {
		t.Errorf("samba-widget.js imports more at once: %s", static)
	}
	var pins map[string]string
	text, err := fs.ReadFile(FS, "integrity.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &pins); err != nil {
		t.Fatal(err)
	}
	sum := sha512.Sum384(script)
	if want := "sha384-" + base64.StdEncoding.EncodeToString(sum[:]); pins["samba-widget.js"] != want {
		t.Errorf("integrity.json has %q for samba-widget.js, want %q", pins["samba-widget.js"], want)
	}
}

// Every link of the documentation leads to a file of the site, and every anchor to an element that is there. Its pages
// have no scripts or styles of their own in them, which their policy would forbid.
func TestDocumentationResolves(t *testing.T) {
	names, err := fs.Glob(FS, "docs/*.html")
	if err != nil {
		t.Fatal(err)
	}
	if len(names) == 0 {
		t.Skip("the site is not built: go run ./tools/site/build")
	}
	pages, ids := map[string]string{}, map[string]map[string]bool{}
	id := regexp.MustCompile(`\sid="([^"]*)"`)
	read := func(name string) {
		if _, known := pages[name]; known || path.Ext(name) != ".html" {
			return
		}
		text, err := fs.ReadFile(FS, name)
		if err != nil {
			t.Fatal(err)
		}
		pages[name], ids[name] = string(text), map[string]bool{}
		for _, found := range id.FindAllStringSubmatch(string(text), -1) {
			if ids[name][found[1]] && strings.HasPrefix(name, "docs/") {
				t.Errorf("%s has two elements of the id %q", name, found[1])
			}
			ids[name][found[1]] = true
		}
	}
	links := 0
	for _, name := range names {
		read(name)
		if n := strings.Count(pages[name], "<h1"); n != 1 {
			t.Errorf("%s has %d headings of the first rank, want one", name, n)
		}
		if found := regexp.MustCompile(`<script|<style|\sstyle=|\son\w+=`).FindString(pages[name]); found != "" {
			t.Errorf("%s has %q, which its policy forbids", name, found)
		}
		for _, found := range regexp.MustCompile(`\s(?:href|src)="([^"]*)"`).FindAllStringSubmatch(pages[name], -1) {
			if strings.HasPrefix(found[1], "https://") {
				continue
			}
			links++
			file, anchor, _ := strings.Cut(found[1], "#")
			to := path.Join(path.Dir(name), file)
			switch {
			case file == "":
				to = name
			case file == "../":
				to = "index.html"
			}
			if _, err := fs.Stat(FS, to); err != nil {
				t.Errorf("%s: %s leads to no file of the site", name, found[1])
				continue
			}
			if read(to); anchor != "" && !ids[to][anchor] {
				t.Errorf("%s: %s leads to no element of %s", name, found[1], to)
			}
		}
	}
	if links < 1000 {
		t.Errorf("%d links in %d pages: this test does not see them", links, len(names))
	}
	script, err := fs.ReadFile(FS, "sw.js")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(script), "docs/index.html") {
		t.Error("sw.js fetches the documentation before anybody visits it")
	}
}
