package kernel

import (
	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/reference"
)

// ssdShape is how ssd_scan deals channels and states to threads: see there.
type ssdShape struct{ lanes, channels, tile int }

// words of workgroup memory that it takes
func (d ssdShape) words(dState int) int {
	return d.tile * (8*d.lanes*d.fours(dState) + d.channels*(d.lanes+2) + 2)
}

// fours is the number of vectors of a thread's states.
func (d ssdShape) fours(dState int) int { return int(blocks(dState, 4*d.lanes)) }

// shapeSSD chooses it. A processor's threads meet dearly, so that few share a
// channel: as many as keep what is unrolled for its states short. A GPU hides a tile's loads behind more tokens of the last.
// Not measured on a GPU yet (BenchmarkSSDScan).
func (p planner) shapeSSD(s reference.SSDShape) ssdShape {
	d := ssdShape{lanes: 16, channels: 8, tile: 16}
	if p.CPU {
		d = ssdShape{lanes: 1, channels: 8, tile: 4}
		for d.fours(s.DState) > 8 {
			d.lanes *= 2
		}
	}
	if p.tuned.ssd != nil {
		d = *p.tuned.ssd
	}
	for d.lanes > 1 && d.lanes*2 > s.DState { // a lane has four states at least
		d.lanes, d.channels = d.lanes/2, d.channels*2
	}
	for d.channels > 1 && d.channels/2 >= s.HeadDim {
		d.channels /= 2
	}
	if p.tokens == 1 || p.slots > 0 || p.apart {
		d.tile = 1
	}
	// A thread has a token's decay at most.
	for d.tile > 1 && (d.tile > d.lanes*d.channels || d.words(s.DState) > p.storage) {
		d.tile /= 2
	}
	return d
}

// SSDScan records Mamba-2's recurrence for a chunk, one token, tokens that go apart or a batch;
// buffers and shapes are those of reference.SSDScan. xbc nil: the convolution has
// left x, B and C where in_proj put them, in rows.
func (r *Recorder) SSDScan(s reference.SSDShape, rows, xbc, params, ssmState, y *gpu.Buffer) {
	stride, offset := s.Channels(), 0
	if xbc == nil {
		xbc, stride, offset = rows, s.Row(), s.Inner()
	}
	r.want("ssd_scan", "in_proj's rows", rows, r.Tokens, s.Row())
	r.want("ssd_scan", "x, B, C", xbc, r.Tokens, stride)
	r.want("ssd_scan", "A_log, D, dt_bias", params, 3, s.Heads)
	r.want("ssd_scan", "ssm_state", ssmState, r.states(), s.Inner(), s.DState)
	r.want("ssd_scan", "y", y, r.Tokens, s.Inner())
	r.record(r.planner().ssdScan(s, stride, offset), rows, xbc, params, ssmState, y, r.Cursor)
}

type ssdScan struct {
	cursorConstants
	HEADS, HEAD_DIM, D_STATE, GROUPS, XBC_STRIDE, XBC_OFFSET int
	LANES, CHANNELS, TILE, FOURS, LOADS, OUTS                int
	UNGATED, CLAMPED, VECTORS, ROWS                          bool
	DT_MIN, DT_MAX, DT_FACTOR, Z_FACTOR                      float64
}

func (ssdScan) stem() string { return "ssd_scan" }

// ssdScan plans it; x, B and C lie from offset on in rows of stride values.
func (p planner) ssdScan(s reference.SSDShape, stride, offset int) plan {
	d := p.shapeSSD(s)
	fours, size := d.fours(s.DState), d.lanes*d.channels
	k := ssdScan{
		cursorConstants: p.cursor(),
		HEADS:           s.Heads, HEAD_DIM: s.HeadDim, D_STATE: s.DState, GROUPS: s.Groups, XBC_STRIDE: stride, XBC_OFFSET: offset,
		LANES: d.lanes, CHANNELS: d.channels, TILE: d.tile, FOURS: fours,
		LOADS: int(blocks(2*d.tile*fours*d.lanes, size)), OUTS: int(blocks(d.tile, d.lanes)),
		UNGATED: s.Ungated, ROWS: p.apart, VECTORS: s.DState%4 == 0 && s.Inner()%4 == 0 && stride%4 == 0 && offset%4 == 0,
		DT_FACTOR: factor(s.DTFactor), Z_FACTOR: factor(s.ZFactor),
	}
	if s.DTMax > 0 {
		k.CLAMPED, k.DT_MIN, k.DT_MAX = true, s.DTMin, min(s.DTMax, 3e38)
	}
	groups, sequences := s.Heads*int(blocks(s.HeadDim, d.channels)), 1
	if p.slots > 0 {
		sequences = p.tokens
	}
	return plan{k, [3]uint32{uint32(groups), uint32(sequences), 1}}
}
