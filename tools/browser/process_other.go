//go:build !linux

package browser

import "os/exec"

// ownGroup does nothing here: the browsers' helpers end when their parent's pipes close.
func ownGroup(*exec.Cmd) {}

func killGroup(command *exec.Cmd) { command.Process.Kill() }
