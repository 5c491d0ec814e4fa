package folder

import (
	"testing"
	"time"

	"github.com/samba-web/samba/model/progress"
)

// Rate and time left are those of the last seconds: a start from the store, a
// pause and a slower line show within rateWindow.
func TestReports(t *testing.T) {
	var got []progress.Progress
	now := time.Unix(0, 0)
	r := newReports(progress.Progress{Phase: progress.PhaseDownload, Total: 10_000, Shards: 2}, func(p progress.Progress) { got = append(got, p) })
	r.now = func() time.Time { return now }
	r.marks = []mark{{now, 0}}
	arrive := func(after time.Duration, bytes int64, note string) progress.Progress {
		t.Helper()
		now = now.Add(after)
		r.arrived(Arrived{Bytes: bytes, File: "a", Note: note})
		return got[len(got)-1]
	}
	if p := arrive(50*time.Millisecond, 4000, ""); p.Loaded != 4000 || p.Rate != 0 || p.File != "a" {
		t.Errorf("at first %+v, want no rate yet", p)
	}
	if p := arrive(10*time.Millisecond, 4001, ""); p.Loaded != 4000 {
		t.Errorf("%+v was told 10 ms later", p)
	}
	var p progress.Progress
	for i := range 50 {
		p = arrive(200*time.Millisecond, 4000+int64(i+1)*100, "")
	}
	if p.Loaded != 9000 || p.Rate < 450 || p.Rate > 550 || p.SecondsLeft < 1.8 || p.SecondsLeft > 2.3 {
		t.Errorf("%+v, want 500 a second and 2 seconds left", p)
	}
	if p := arrive(time.Millisecond, 9000, "waiting"); p.Note != "waiting" {
		t.Errorf("%+v: a note waits for nothing", p)
	}
	if p := arrive(20*time.Second, 9000, "waiting"); p.Rate != 0 || p.SecondsLeft != 0 {
		t.Errorf("%+v after 20 seconds of nothing, want no rate", p)
	}
	if r.shards(1); got[len(got)-1].Shard != 1 {
		t.Error("a shard that is done is not told")
	}
}
