package kernel_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/kernel"
	"github.com/samba-web/samba/gpu/reference"
)

// mamba2 is a mixer under test: shapes, weights and states on the device and off it.
type mamba2 struct {
	*bench
	reference.SSDShape
	dConv                                 int
	params, conv, state, convState        []float32
	gpuParams, gpuConv, gpuState, gpuTail *gpu.Buffer
}

func newMamba2(b *bench, s reference.SSDShape, dConv, places int) *mamba2 {
	m := &mamba2{bench: b, SSDShape: s, dConv: dConv}
	m.params, m.conv = b.floats(3*s.Heads, 0.5), b.floats(s.Channels()*(dConv+1), 0.5)
	m.params[2*s.Heads] = 30 // a dt_bias beyond softplus's guard
	m.state, m.convState = b.floats(places*s.Inner()*s.DState, 1), b.floats(places*s.Channels()*(dConv-1), 1)
	m.gpuParams, m.gpuConv = b.buffer("params", m.params), b.buffer("conv", m.conv)
	m.gpuState, m.gpuTail = b.buffer("ssm_state", m.state), b.buffer("conv_state", m.convState)
	return m
}

// shapes of Mamba-2: published ones made narrow, and odd ones.
var ssdShapes = []struct {
	reference.SSDShape
	dConv int
}{
	{reference.SSDShape{Heads: 3, HeadDim: 32, DState: 128, Groups: 1}, 4},
	{reference.SSDShape{Heads: 4, HeadDim: 20, DState: 64, Groups: 2, DTFactor: 0.5, ZFactor: 0.35, DTMin: 0.01, DTMax: 0.4}, 4},
	{reference.SSDShape{Heads: 6, HeadDim: 5, DState: 3, Groups: 3, Ungated: true}, 2},
	{reference.SSDShape{Heads: 2, HeadDim: 9, DState: 256, Groups: 2}, 3},
	{reference.SSDShape{Heads: 2, HeadDim: 1, DState: 10, Groups: 1}, 4},
}

// The convolution and the scan over chunks of every length around a tile and the convolution's width, and token by token
// through in_proj.
func TestMamba2(t *testing.T) {
	for i, s := range ssdShapes {
		if testing.Short() && i > 2 {
			break
		}
		eachVariant(t, 40, func(b *bench) {
			if b.Restrict.Subgroup > 0 {
				b.Skip("subgroups change only the projection, which TestMambaStep tests")
			}
			m := newMamba2(b, s.SSDShape, s.dConv, 1)
			conv := kernel.ConvOf(s.Conv(s.dConv), m.gpuConv, m.gpuTail)
			inProj, gpuInProj := b.weight(reference.F32, s.Row(), 8, 0, partRows, false)
			for _, count := range []int{1, 2, 3, 1, 7, 15, 16, 17, 33, 1} {
				b.Tokens = count
				b.cursor(0, count)
				x, rows := b.floats(count*8, 0.3), make([]float32, count*s.Row())
				reference.Linear(inProj, x, 8, rows, count, false)
				gpuRows, y := b.buffer("rows", b.floats(len(rows), 1)), b.buffer("y", b.floats(count*s.Inner(), 1))
				var xbc *gpu.Buffer
				if count == 1 {
					b.Linear(gpuInProj, b.buffer("x", x), gpuRows, kernel.LinearOptions{Conv: &conv})
				} else {
					gpuRows = b.buffer("rows", rows)
					xbc = b.buffer("xbc", b.floats(count*s.Channels(), 1))
					b.CausalConv1D(conv, gpuRows, xbc)
				}
				b.SSDScan(s.SSDShape, gpuRows, xbc, m.gpuParams, m.gpuState, y)
				b.run()
				convolved, want := make([]float32, count*s.Channels()), make([]float32, count*s.Inner())
				reference.Convolution(s.Conv(s.dConv), rows, m.conv, m.convState, convolved, count)
				reference.SSDScan(s.SSDShape, rows, convolved, m.params, m.state, want, count)
				what := fmt.Sprintf("%+v, %d tokens: ", s, count)
				if xbc != nil {
					b.near(what+"convolution", b.readFloats(xbc), convolved, 2e-6)
				}
				b.near(what+"y", b.readFloats(y), want, 5e-5)
				b.near(what+"ssm_state", b.readFloats(m.gpuState), m.state, 2e-5)
				b.near(what+"conv_state", b.readFloats(m.gpuTail), m.convState, 2e-6)
			}
		})
	}
}

// Mamba-2 with one group is Mamba with A, D and dt repeated over a head's channels.
func TestSSDScanIsSelectiveScan(t *testing.T) {
	const count = 9
	s := reference.SSDShape{Heads: 3, HeadDim: 4, DState: 16, Groups: 1}
	b := newBench(t, count)
	inner := s.Inner()
	rows, xbc := b.floats(count*s.Row(), 1), b.floats(count*s.Channels(), 1)
	params, state := b.floats(3*s.Heads, 0.5), b.floats(inner*s.DState, 1)
	old := reference.ScanShape{DInner: inner, DState: s.DState, DConv: 1}
	oldParams, oldState, dt := make([]float32, inner*(s.DState+2)), slices.Clone(state), make([]float32, count*inner)
	x, xz, dbc := make([]float32, count*inner), make([]float32, count*2*inner), make([]float32, count*2*s.DState)
	for c := range inner {
		for n := range s.DState {
			oldParams[c*s.DState+n] = params[c/s.HeadDim]
		}
		oldParams[inner*s.DState+c], oldParams[inner*(s.DState+1)+c] = params[s.Heads+c/s.HeadDim], params[2*s.Heads+c/s.HeadDim]
		for t := range count {
			dt[t*inner+c] = rows[t*s.Row()+inner+s.Channels()+c/s.HeadDim]
			x[t*inner+c], xz[(2*t+1)*inner+c] = xbc[t*s.Channels()+c], rows[t*s.Row()+c]
			copy(dbc[t*2*s.DState:], xbc[t*s.Channels()+inner:][:2*s.DState])
		}
	}
	b.cursor(0, count)
	y, gpuState := b.buffer("y", b.floats(count*inner, 1)), b.buffer("ssm_state", state)
	b.SSDScan(s, b.buffer("rows", rows), b.buffer("xbc", xbc), b.buffer("params", params), gpuState, y)
	b.run()
	want := make([]float32, count*inner)
	reference.SSDScan(s, rows, xbc, params, state, want, count)
	reference.SelectiveScan(old, dt, x, xz, dbc, oldParams, oldState, nil, count)
	b.near("the twins", want, dt, 1e-6)
	b.near("their states", state, oldState, 1e-6)
	b.near("the kernel", b.readFloats(y), dt, 2e-5)
	b.near("its state", b.readFloats(gpuState), oldState, 2e-5)
}

// A batch carries the states of those that take part and of no other.
func TestBatchMamba2(t *testing.T) {
	for _, s := range ssdShapes[:3] {
		b := newBatch(newBench(t, 1), 5)
		m := newMamba2(b.bench, s.SSDShape, s.dConv, b.Slots*kernel.BatchDepth)
		conv := kernel.ConvOf(s.Conv(s.dConv), m.gpuConv, m.gpuTail)
		wideState, wideTail := s.Inner()*s.DState, s.Channels()*(s.dConv-1)
		for range 4 {
			b.Tokens = b.Slots
			b.deal()
			rows := b.floats(b.Slots*s.Row(), 1)
			gpuRows, xbc, y := b.buffer("rows", rows), b.buffer("xbc", b.floats(b.Slots*s.Channels(), 1)), b.buffer("y", b.floats(b.Slots*s.Inner(), 1))
			b.CausalConv1D(conv, gpuRows, xbc)
			b.SSDScan(s.SSDShape, gpuRows, xbc, m.gpuParams, m.gpuState, y)
			b.run()
			convolved, want := make([]float32, len(b.rows)*s.Channels()), make([]float32, len(b.rows)*s.Inner())
			for t, slot := range b.rows {
				before, after := slot*kernel.BatchDepth+b.positions[slot]%kernel.BatchDepth, slot*kernel.BatchDepth+(b.positions[slot]+1)%kernel.BatchDepth
				state, tail := m.state[after*wideState:][:wideState], m.convState[after*wideTail:][:wideTail]
				copy(state, m.state[before*wideState:])
				copy(tail, m.convState[before*wideTail:])
				own := convolved[t*s.Channels():][:s.Channels()]
				reference.Convolution(s.Conv(s.dConv), rows[t*s.Row():], m.conv, tail, own, 1)
				reference.SSDScan(s.SSDShape, rows[t*s.Row():], own, m.params, state, want[t*s.Inner():], 1)
				b.positions[slot]++
			}
			b.near("convolution", b.readFloats(xbc), convolved, 2e-6)
			b.near("y", b.readFloats(y), want, 5e-5)
			b.near("ssm_state", b.readFloats(m.gpuState), m.state, 2e-5)
			b.near("conv_state", b.readFloats(m.gpuTail), m.convState, 0)
		}
	}
}

func TestGroupNorm(t *testing.T) {
	for _, tokens := range []int{1, 5} {
		eachVariant(t, tokens, func(b *bench) {
			for _, shape := range [][2]int{{1, 300}, {8, 20}, {3, 1}} {
				groups, width := shape[0], shape[1]
				all := groups * width
				g := reference.Gate{Stride: 2*all + 3, Offset: b.IntN(all), Factor: 0.35}
				want, gain, z := b.floats(tokens*all, 2), b.floats(all, 1), b.floats(tokens*g.Stride, 2)
				y := b.buffer("y", want)
				gpuZ := b.buffer("z", z)
				if width == 1 {
					z, gpuZ = nil, nil
				}
				reference.GroupNorm(want, gain, 1e-5, groups, z, g, tokens)
				b.GroupNorm(y, b.buffer("gain", gain), 1e-5, groups, gpuZ, g)
				b.run()
				b.near(fmt.Sprint(shape), b.readFloats(y), want, 2e-6)
			}
		})
	}
}

func TestGateAndSquaredReLU(t *testing.T) {
	const tokens = 5
	b := newBench(t, tokens)
	for _, width := range []int{1, 64, 130} {
		g := reference.Gate{Stride: 2 * width, Offset: width}
		z, m, want := b.floats(tokens*2*width, 4), b.floats(tokens*width, 1), make([]float32, tokens*width)
		z[width], z[3*width] = -200, 200 // exp overflows at both ends
		b.cursor(0, tokens)
		out, h := b.buffer("out", b.floats(tokens*width, 1)), b.buffer("h", z)
		b.Gate(b.buffer("z", z), g, b.buffer("m", m), out, width)
		b.SquaredReLU(h, 2*width)
		b.run()
		reference.Gated(z, g, m, want, width, tokens)
		b.near(fmt.Sprint("gate of ", width), b.readFloats(out), want, 1e-6)
		reference.SquaredReLU(z)
		b.near(fmt.Sprint("squared ReLU of ", width), b.readFloats(h), z, 1e-6)
	}
}

// LFM2's short convolution, over chunks and in a batch.
func TestShortConvolution(t *testing.T) {
	s := reference.ConvShape{Channels: 130, DConv: 3, Stride: 3 * 130, Gated: true}
	b := newBench(t, 40)
	params, state := b.floats(s.Channels*(s.DConv+1), 0.5), b.floats(s.Channels*(s.DConv-1), 1)
	conv := kernel.ConvOf(s, b.buffer("conv", params), b.buffer("conv_state", state))
	for _, count := range []int{1, 2, 1, 3, 8, 9, 40, 1} {
		b.Tokens = count
		b.cursor(0, count)
		rows, want := b.floats(count*s.Stride, 1), make([]float32, count*s.Channels)
		out := b.buffer("out", b.floats(count*s.Channels, 1))
		b.CausalConv1D(conv, b.buffer("rows", rows), out)
		b.run()
		reference.Convolution(s, rows, params, state, want, count)
		b.near(fmt.Sprintf("%d tokens", count), b.readFloats(out), want, 2e-6)
		b.near("conv_state", b.readFloats(conv.State), state, 1e-6)
	}
	batch := newBatch(b, 3)
	states := b.floats(3*kernel.BatchDepth*len(state), 1)
	conv.State = b.buffer("conv_states", states)
	for range 3 {
		b.Tokens = b.Slots
		batch.deal()
		rows, want := b.floats(b.Slots*s.Stride, 1), make([]float32, len(batch.rows)*s.Channels)
		out := b.buffer("out", b.floats(b.Slots*s.Channels, 1))
		b.CausalConv1D(conv, b.buffer("rows", rows), out)
		b.run()
		for t, slot := range batch.rows {
			before, after := slot*kernel.BatchDepth+batch.positions[slot]%kernel.BatchDepth, slot*kernel.BatchDepth+(batch.positions[slot]+1)%kernel.BatchDepth
			own := states[after*len(state):][:len(state)]
			copy(own, states[before*len(state):])
			reference.Convolution(s, rows[t*s.Stride:], params, own, want[t*s.Channels:], 1)
			batch.positions[slot]++
		}
		b.near("a batch", b.readFloats(out), want, 2e-6)
		b.near("its states", b.readFloats(conv.State), states, 1e-6)
	}
}
