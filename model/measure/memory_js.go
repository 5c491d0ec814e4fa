package measure

import (
	"runtime"
	"syscall/js"
)

// memory tells how much of it the host's side has.
func memory() (m Memory) {
	// The worker leaves a function that tells the module's memory.
	if tell := js.Global().Get("engineMemory"); tell.Type() == js.TypeFunction {
		m.Heap = int64(tell.Invoke().Float())
	} else {
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		m.Heap = int64(stats.Sys)
	}
	return m
}
