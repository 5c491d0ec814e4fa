//go:build js

// Command lab is the engine of the lab's page, and of samba bench in a browser: a visitor's that also measures, and
// makes up random weights.
package main

import (
	"github.com/samba-web/samba/model/folder"
	"github.com/samba-web/samba/model/randomweights"
	"github.com/samba-web/samba/wasm/measuring"
	"github.com/samba-web/samba/wasm/worker"
)

func main() { worker.Serve(lab{}) }

type lab struct {
	worker.Home
	measuring.Lab
}

func (l lab) Source(url string) (folder.Source, error) {
	if randomweights.Is(url) {
		return randomweights.Open(url)
	}
	return l.Home.Source(url)
}
