// Package site embeds the built pages in the samba program.
package site

import (
	"embed"
	"io/fs"
	"path"
	"strings"
)

//go:generate go run ./build

//go:embed all:dist
var dist embed.FS

// FS is what `go run ./tools/site/build` made of www/ and wasm/: index.html,
// relay.html, docs/ and assets/ with hashed names, each with a .br beside it. It has
// no index.html when the program was built before the site.
var FS = sub(dist, "dist")

func sub(files embed.FS, folder string) fs.FS {
	inner, err := fs.Sub(files, folder)
	if err != nil {
		panic(err) // the folder's name is a constant
	}
	return inner
}

// VisitorBytes is what a visitor of the chat page downloads besides the model's folder, as it goes over the
// wire: the page and all that it names. 0 where the site is not built. each, which may be nil, hears of every file:
// its bytes on the wire, and what is in it.
func VisitorBytes(each func(name string, size int, data []byte)) (total int64) {
	assets, err := fs.ReadDir(FS, "assets")
	if err != nil {
		return 0
	}
	seen := map[string]bool{}
	var visit func(name string)
	visit = func(name string) {
		if seen[name] {
			return
		}
		seen[name] = true
		data, err := fs.ReadFile(FS, name)
		if err != nil {
			return
		}
		size := len(data)
		if packed, err := fs.ReadFile(FS, name+".br"); err == nil {
			size = len(packed)
		}
		total += int64(size)
		if each != nil {
			each(name, size, data)
		}
		if path.Ext(name) == ".wasm" {
			return
		}
		// Names carry a hash of what they name, so a name in a text is a reference.
		for _, a := range assets {
			if strings.Contains(string(data), a.Name()) {
				visit("assets/" + a.Name())
			}
		}
	}
	visit("index.html")
	visit("icons/icon.svg")
	return total
}
