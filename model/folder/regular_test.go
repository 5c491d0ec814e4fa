//go:build linux

package folder

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// What stands under a file's name may be anything: nothing but files is read, and no more than their names allow.
func TestRegularFiles(t *testing.T) {
	at := t.TempDir()
	for name, make := range map[string]func(path string) error{
		"a device":    func(path string) error { return os.Symlink("/dev/zero", path) },
		"a pipe":      func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"a folder":    func(path string) error { return os.Mkdir(path, 0o700) },
		"at most":     func(path string) error { return os.WriteFile(path, nil, 0o600) },
		"no such":     func(string) error { return nil },
		"a real file": func(path string) error { return os.WriteFile(path, []byte("{}"), 0o600) },
	} {
		dir := filepath.Join(at, name)
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		for _, file := range []string{"config.json", "tokenizer_config.json", "tokenizer.json", "model.safetensors.index.json", "chat_template.jinja"} {
			path := filepath.Join(dir, file)
			err := make(path)
			if name == "at most" && err == nil {
				err = os.Truncate(path, Limit(file)+1)
			}
			if err != nil {
				t.Fatal(err)
			}
			data, err := Dir(dir).ReadFile(context.Background(), file)
			if name == "a real file" {
				if err != nil || string(data) != "{}" {
					t.Errorf("%s: %q, %v", file, data, err)
				}
			} else if err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), file) {
				t.Errorf("%s: %v, want it refused as %s", file, err, name)
			}
		}
		err := make(filepath.Join(dir, "model.safetensors"))
		if err == nil {
			err = Dir(dir).Weights(context.Background(), []File{{Name: "model.safetensors"}}, func(Arrived) {}, func(Block) error { return nil })
		}
		if name != "a real file" && name != "at most" && (err == nil || !strings.Contains(err.Error(), name)) {
			t.Errorf("weights: %v, want them refused as %s", err, name)
		}
	}
}
