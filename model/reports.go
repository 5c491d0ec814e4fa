package model

import "sync"

// reports adds up the progress of shards that arrive side by side.
type reports struct {
	mu     sync.Mutex
	sum    Progress
	bytes  map[string]int64
	report func(Progress)
}

func newReports(start Progress, report func(Progress)) *reports {
	return &reports{sum: start, bytes: map[string]int64{}, report: report}
}

// of returns the function that is told how many bytes of a file have arrived.
func (r *reports) of(file string) func(n int64) {
	return func(n int64) { r.set(file, n, 0) }
}

func (r *reports) arrived(file string, size int64) { r.set(file, size, 1) }

func (r *reports) set(file string, n int64, shards int) {
	if r.report == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sum.Loaded += n - r.bytes[file]
	r.bytes[file] = n
	r.sum.Shard += shards
	r.sum.File = file
	r.report(r.sum)
}
