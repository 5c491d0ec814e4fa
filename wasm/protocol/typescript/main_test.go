package main

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The committed types must be what the Go structs say today.
func TestCurrent(t *testing.T) {
	want, err := generate("../messages.go")
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../../../www/engine/protocol.ts")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("www/engine/protocol.ts is out of date, run go generate ./wasm/protocol (-want +got):\n%s", diff)
	}
}
