package kernel

import (
	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/reference"
	"github.com/samba-web/samba/shaders"
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
func (r *Recorder) shapeSSD(s reference.SSDShape) ssdShape {
	d := ssdShape{lanes: 16, channels: 8, tile: 16}
	if r.variant().CPU {
		d = ssdShape{lanes: 1, channels: 8, tile: 4}
		for d.fours(s.DState) > 8 {
			d.lanes *= 2
		}
	}
	if r.tunedSSD != nil {
		d = *r.tunedSSD
	}
	for d.lanes > 1 && d.lanes*2 > s.DState { // a lane has four states at least
		d.lanes, d.channels = d.lanes/2, d.channels*2
	}
	for d.channels > 1 && d.channels/2 >= s.HeadDim {
		d.channels /= 2
	}
	if r.Tokens == 1 || r.Slots > 0 {
		d.tile = 1
	}
	// A thread has a token's decay at most.
	for d.tile > 1 && (d.tile > d.lanes*d.channels || d.words(s.DState) > r.storage()) {
		d.tile /= 2
	}
	return d
}

// SSDScan records Mamba-2's recurrence for a chunk, one token or a batch;
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
	d := r.shapeSSD(s)
	fours, size := d.fours(s.DState), d.lanes*d.channels
	c := shaders.Constants{
		"HEADS": s.Heads, "HEAD_DIM": s.HeadDim, "D_STATE": s.DState, "GROUPS": s.Groups, "XBC_STRIDE": stride, "XBC_OFFSET": offset,
		"LANES": d.lanes, "CHANNELS": d.channels, "TILE": d.tile, "FOURS": fours,
		"LOADS": int(blocks(2*d.tile*fours*d.lanes, size)), "OUTS": int(blocks(d.tile, d.lanes)),
		"UNGATED": s.Ungated, "CLAMPED": s.DTMax > 0, "VECTORS": s.DState%4 == 0 && s.Inner()%4 == 0 && stride%4 == 0 && offset%4 == 0,
	}
	if s.DTMax > 0 {
		c["DT_MIN"], c["DT_MAX"] = s.DTMin, min(s.DTMax, 3e38)
	}
	factor(c, "DT_FACTOR", s.DTFactor)
	factor(c, "Z_FACTOR", s.ZFactor)
	groups := s.Heads * int(blocks(s.HeadDim, d.channels))
	sequences := 1
	if r.Slots > 0 {
		sequences = r.Tokens
	}
	r.dispatch("ssd_scan", c, [3]uint32{uint32(groups), uint32(sequences), 1}, rows, xbc, params, ssmState, y, r.Cursor)
}

// factor sets a constant unless it is 0, which stands for 1.
func factor(c shaders.Constants, name string, v float64) {
	if v != 0 {
		c[name] = v
	}
}
