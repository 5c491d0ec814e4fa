package convert

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A full disk ends with one sentence and an empty disk.
func TestDiskFull(t *testing.T) {
	path, config := large(t)
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=48m"); err != nil {
		t.Skipf("mounting a small disk needs root: %v", err)
	}
	defer func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	}()
	_, err := Convert(t.Context(), Options{From: path, To: filepath.Join(dir, "model"), Config: config, Bits: 32, Group: 64})
	if err == nil || !strings.Contains(err.Error(), "no space left on device") || strings.Contains(err.Error(), "\n") {
		t.Errorf("got error %v, want one line about the disk", err)
	}
	if left := must(os.ReadDir(dir)); len(left) != 0 {
		t.Errorf("%v was left behind", left)
	}
}
