package browser

import (
	"os/exec"
	"syscall"
)

// ownGroup gives the command a process group of its own, so that all it starts can be killed with it, and has the
// kernel kill it when we are killed without a chance to clean up.
func ownGroup(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// killGroup kills the command's process group; it is harmless when that is gone.
func killGroup(command *exec.Cmd) { syscall.Kill(-command.Process.Pid, syscall.SIGKILL) }
