package folder

import (
	"sync"
	"time"

	"github.com/samba-web/samba/model/progress"
)

// A rate is taken over the last rateWindow; reports of bytes come at most once
// every reportEvery, which is enough for eyes and spares the page.
const (
	rateWindow  = 4 * time.Second
	reportEvery = 100 * time.Millisecond
)

// reports turns what a source tells into Progress.
type reports struct {
	mu       sync.Mutex
	sum      progress.Progress
	now      func() time.Time
	last     time.Time // of a report
	marks    []mark    // not older than rateWindow but for the first
	onReport func(progress.Progress)
}

// mark is how much there was at a time.
type mark struct {
	at     time.Time
	loaded int64
}

func newReports(start progress.Progress, report func(progress.Progress)) *reports {
	r := &reports{sum: start, now: time.Now, onReport: report}
	r.marks = []mark{{r.now(), 0}}
	return r
}

// arrived takes what a source tells.
func (r *reports) arrived(a Arrived) {
	r.set(func(p *progress.Progress) bool {
		told := a.Note != p.Note || a.File != p.File
		if p.Phase = progress.PhaseDownload; a.Packs {
			p.Phase = progress.PhasePack
		}
		p.Loaded, p.File, p.Note = a.Bytes, a.File, a.Note
		if a.Total > 0 {
			p.Total = a.Total
		}
		return told
	})
}

// shards counts the files that are done.
func (r *reports) shards(n int) {
	r.set(func(p *progress.Progress) bool { p.Shard = n; return true })
}

// set changes the sum and reports it: at once when change says so or nothing
// was told for a while.
func (r *reports) set(change func(*progress.Progress) bool) {
	if r.onReport == nil {
		return
	}
	r.mu.Lock()
	at := r.now()
	tell := change(&r.sum) || at.Sub(r.last) >= reportEvery
	if tell {
		r.last = at
		r.rate(at)
	}
	sum := r.sum
	r.mu.Unlock()
	if tell {
		r.onReport(sum)
	}
}

// rate compares with what there was rateWindow ago.
func (r *reports) rate(at time.Time) {
	r.marks = append(r.marks, mark{at, r.sum.Loaded})
	for len(r.marks) > 2 && at.Sub(r.marks[1].at) >= rateWindow {
		r.marks = r.marks[1:]
	}
	first := r.marks[0]
	r.sum.Rate, r.sum.SecondsLeft = 0, 0
	// The first tenths of a second say nothing yet.
	if seconds := at.Sub(first.at).Seconds(); seconds >= 0.3 && r.sum.Loaded > first.loaded {
		r.sum.Rate = float64(r.sum.Loaded-first.loaded) / seconds
		r.sum.SecondsLeft = max(0, float64(r.sum.Total-r.sum.Loaded)/r.sum.Rate)
	}
}
