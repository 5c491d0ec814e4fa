//go:build !js

package cpu

// Help is nothing: natively Go has its own threads.
type Help struct{}

// Hire starts nothing.
func Hire(int) *Help { return nil }

// Wait returns.
func (*Help) Wait() {}

// Dismiss does nothing.
func (*Help) Dismiss() {}

func runners() int { return 1 }
