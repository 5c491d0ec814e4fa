package kernel

import (
	"context"
	"slices"
	"time"

	"github.com/samba-web/samba/gpu"
)

// Roofline is what kernels that do nothing but read, or nothing but multiply
// and add, reach on a device: no real kernel can do better.
type Roofline struct {
	ReadBytesPerSecond float64 `json:"read_bytes_per_second"`
	OpsPerSecond       float64 `json:"ops_per_second"` // fp32, a multiply-add counts as two
}

const (
	rooflineGroups = 2112 // enough for the largest GPUs there are
	rooflineSize   = 256
	rooflineSteps  = 64 // turns of 4 multiply-adds of 8 vec4
	// Caches of tens of MiB must not hold what is read; a software GPU needs no more than its own caches' size.
	rooflineBytes, rooflineSmall = 1 << 29, 1 << 26
	// A measurement must outlast the 100 ms in which Firefox answers a map.
	rooflineTime = 500 * time.Millisecond
)

// MeasureRoofline takes about two seconds and 512 MiB on a fast device, 64 MiB on a slow one.
func MeasureRoofline(ctx context.Context, d *gpu.Device) (Roofline, error) {
	var r Roofline
	sink, err := d.NewBuffer("roofline sink", 16*rooflineGroups*rooflineSize)
	if err != nil {
		return r, err
	}
	defer sink.Free()
	read := func(bytes uint64) (float64, error) {
		limits := d.Info().Limits
		source, err := d.NewBuffer("roofline source", min(bytes, limits.MaxBufferSize, limits.MaxBindingSize)&^15)
		if err != nil {
			return 0, err
		}
		defer source.Free()
		return rate(ctx, d, sink, float64(source.Size()), rooflineRead{}, source, sink)
	}
	if r.ReadBytesPerSecond, err = read(rooflineSmall); err != nil {
		return r, err
	}
	if r.ReadBytesPerSecond > 100e9 {
		if r.ReadBytesPerSecond, err = read(rooflineBytes); err != nil {
			return r, err
		}
	}
	r.OpsPerSecond, err = rate(ctx, d, sink, rooflineGroups*rooflineSize*rooflineSteps*4*8*4*2, rooflineFMA{STEPS: rooflineSteps}, sink)
	return r, err
}

type rooflineRead struct{}

func (rooflineRead) stem() string { return "roofline_read" }

type rooflineFMA struct{ STEPS int }

func (rooflineFMA) stem() string { return "roofline_fma" }

// rate is how much of its work the kernel does in a second: launches of it are
// doubled until they take long enough to be timed from the host.
func rate(ctx context.Context, d *gpu.Device, sink *gpu.Buffer, work float64, k kernel, buffers ...*gpu.Buffer) (float64, error) {
	p := d.NewProgram()
	defer p.Free()
	r := Recorder{Device: d, Program: p}
	r.record(plan{k, [3]uint32{rooflineGroups, 1, 1}}, buffers...)
	if err := p.Err(); err != nil {
		return 0, err
	}
	for launches := 1; ; launches *= 2 {
		took, err := timed(ctx, d, p, launches, sink)
		if err != nil {
			return 0, err
		}
		if took > rooflineTime && launches > 1 {
			return work * float64(launches) / took.Seconds(), nil
		}
	}
}

// timed launches a program this many times and waits until it has written its
// result. Submits are of a few launches: weak drivers end what takes them
// seconds in one go.
func timed(ctx context.Context, d *gpu.Device, p *gpu.Program, launches int, result *gpu.Buffer) (time.Duration, error) {
	started := time.Now()
	for left := launches; left > 0; left -= 16 {
		if err := d.Run(slices.Repeat([]*gpu.Program{p}, min(left, 16))...); err != nil {
			return 0, err
		}
	}
	done, err := d.Read(result, 0, 4)
	if err != nil {
		return 0, err
	}
	_, err = done.Wait(ctx)
	return time.Since(started), err
}
