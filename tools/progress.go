package main

import (
	"fmt"
	"math"
	"os"
	"sync/atomic"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/samba-web/samba/model"
	"github.com/samba-web/samba/wasm/protocol"
)

// progress shows how far a long step is, on a terminal. Nil shows nothing.
type progress struct {
	to        *os.File
	container *mpb.Progress // nil while nothing is shown
	bar       *mpb.Bar
	phase     string
	pace      atomic.Pointer[string] // rate and time left, or what is waited for
}

// newProgress draws on the file, if that is a terminal.
func newProgress(to *os.File) *progress {
	about, err := to.Stat()
	if err != nil || about.Mode()&os.ModeCharDevice == 0 || os.Getenv("TERM") == "dumb" {
		return nil
	}
	return &progress{to: to}
}

// report shows a Progress message and lets all others pass.
func (p *progress) report(m protocol.Message, _ []byte) error {
	if update, ok := m.(*protocol.Progress); ok {
		p.update(update)
	}
	return nil
}

func (p *progress) update(m *protocol.Progress) {
	if p == nil {
		return
	}
	if p.container == nil {
		p.container = mpb.New(mpb.WithOutput(p.to), mpb.WithWidth(40))
	}
	pace := pace(m)
	p.pace.Store(&pace)
	if p.phase != m.Phase {
		p.finish()
		counters := decor.CountersNoUnit("%d of %d")
		if m.Phase == model.PhaseDownload || m.Phase == model.PhasePack {
			counters = decor.CountersKibiByte("% .1f of % .1f")
		}
		p.phase = m.Phase
		p.bar = p.container.AddBar(0,
			mpb.PrependDecorators(decor.Name(phaseNames[m.Phase], decor.WCSyncSpaceR)),
			mpb.AppendDecorators(counters, decor.Any(func(decor.Statistics) string { return *p.pace.Load() })))
	}
	p.bar.SetTotal(max(m.Total, m.Loaded, 1), false)
	p.bar.SetCurrent(m.Loaded)
}

var phaseNames = map[string]string{
	model.PhaseDownload: "loading weights",
	model.PhasePack:     "packing weights",
	model.PhaseCompile:  "preparing kernels",
	model.PhaseBench:    "measuring",
	model.PhasePrefill:  "reading the prompt",
	model.PhaseRebuild:  "after a lost device",
	"score":             "scoring tokens",
	"passkey":           "asking for keys",
	"answers":           "asking questions",
}

// pace says how fast it goes and how long it will take, or why it does not go on.
func pace(m *protocol.Progress) string {
	switch {
	case m.Note != "":
		return "  " + m.Note
	case (m.Phase == model.PhaseDownload || m.Phase == model.PhasePack) && m.Rate > 0:
		return fmt.Sprintf("  % .1f/s, %.0f s left", decor.SizeB1024(m.Rate), math.Ceil(m.SecondsLeft))
	case m.SecondsLeft > 0:
		return fmt.Sprintf("  %.1f/s, %.0f s left", m.Rate, math.Ceil(m.SecondsLeft))
	}
	return ""
}

func (p *progress) finish() {
	if p.bar != nil {
		p.bar.SetTotal(-1, true) // wherever it stands, it stays there
		p.bar = nil
	}
}

// done leaves the terminal to what comes next.
func (p *progress) done() {
	if p == nil || p.container == nil {
		return
	}
	p.finish()
	p.container.Wait()
	p.container, p.phase = nil, ""
}
