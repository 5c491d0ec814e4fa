//go:build js

// Command wasm is the engine that visitors download.
package main

import "github.com/samba-web/samba/wasm/worker"

func main() { worker.Serve(worker.Home{}) }
