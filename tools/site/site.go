// Package site embeds the built pages in the samba program.
package site

import (
	"embed"
	"io/fs"
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
