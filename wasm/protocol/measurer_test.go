//go:build !js

package protocol

import (
	"strings"
	"testing"
)

// An engine without what measures says so in one sentence, and goes on.
func TestVisitorsEngineDoesNotMeasure(t *testing.T) {
	c := connect(t)
	c.load(1, "samba-mha")
	for i, m := range []Message{&Bench{Prompt: 1, Generate: 2, Runs: 1}, &LongRun{Prompt: 1, Generate: 2, Laps: []int{2}}} {
		id := uint32(2 + i)
		c.send(id, m)
		if e := last[*Error](c, id); e.Code != CodeBadRequest || !strings.Contains(e.Message, "this engine does not measure") || !strings.Contains(e.Message, "lab.html") {
			t.Errorf("%s: %+v", m.Type(), e)
		}
	}
}
