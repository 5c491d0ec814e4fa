//go:build !js

package measure

import (
	"fmt"
	"os"
	"runtime"
)

// memory tells how much of it the host's side has.
func memory() (m Memory) {
	runtime.GC() // what is not needed any more is not counted
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	m.Heap = int64(stats.HeapInuse)
	if text, err := os.ReadFile("/proc/self/statm"); err == nil {
		var size, resident int64
		if _, err := fmt.Sscan(string(text), &size, &resident); err == nil {
			m.Resident = resident * int64(os.Getpagesize())
		}
	}
	return m
}
