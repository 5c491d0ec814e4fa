package browser

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
)

// Resident is the memory of all the browser's processes, in bytes, pages that
// they share counted in each; 0 where the system does not tell as Linux does.
func (b *Browser) Resident() (sum int64) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range stats {
		text, err := os.ReadFile(file) // a process may have ended since
		if err != nil {
			continue
		}
		// What follows the program's name, which may hold anything: state, parent, group.
		var state string
		var parent, group int
		if _, err := fmt.Sscan(string(text[bytes.LastIndexByte(text, ')')+1:]), &state, &parent, &group); err != nil || group != b.command.Process.Pid {
			continue
		}
		var size, resident int64
		if text, err = os.ReadFile(filepath.Join(filepath.Dir(file), "statm")); err == nil {
			fmt.Sscan(string(text), &size, &resident)
		}
		sum += resident * int64(os.Getpagesize())
	}
	return sum
}
