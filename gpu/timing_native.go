//go:build !js

package gpu

import "context"

// CanTime tells whether Time works here: the native binding does not tell how long a tick of its timestamps is.
func (d *Device) CanTime() bool { return false }

func (d *Device) timed(context.Context, string, []*Program) ([]float64, error) {
	return nil, ErrNoTiming
}
