package kernel

import (
	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/reference"
)

const scanSize = 32

// SelectiveScan records Mamba's recurrence over a chunk; buffers and shapes
// are those of reference.SelectiveScan.
func (r *Recorder) SelectiveScan(s reference.ScanShape, dtY, x, xz, dbc, params, ssmState, convState *gpu.Buffer) {
	r.want("selective_scan", "dt", dtY, r.Tokens, s.DInner)
	r.want("selective_scan", "x", x, r.Tokens, s.DInner)
	r.want("selective_scan", "xz", xz, r.Tokens, 2*s.DInner)
	r.want("selective_scan", "dt, B, C", dbc, r.Tokens, s.DTRank+2*s.DState)
	r.want("selective_scan", "A_log, D, dt_bias", params, s.DInner, s.DState+2)
	r.want("selective_scan", "ssm_state", ssmState, r.states(), s.DInner, s.DState)
	r.want("selective_scan", "conv_state", convState, r.states(), s.DInner, s.DConv-1)
	r.recordHalved(r.planner().selectiveScan(s), dtY, s.DInner, dtY, x, xz, dbc, params, ssmState, convState, r.Cursor)
}

type selectiveScan struct {
	cursorConstants
	halvedConstants
	D_INNER, D_STATE, D_CONV, DT_RANK, FOURS, SIZE, TILE int
	UNGATED, VECTORS                                     bool
}

func (selectiveScan) stem() string { return "selective_scan" }

func (p planner) selectiveScan(s reference.ScanShape) plan {
	tile, rows := 8, 1
	if p.slots > 0 {
		tile, rows = 1, p.tokens
	}
	return plan{selectiveScan{
		cursorConstants: p.cursor(), halvedConstants: p.halved(p.halves(s.DInner) && p.bindings > 8),
		D_INNER: s.DInner, D_STATE: s.DState, D_CONV: s.DConv, DT_RANK: s.DTRank, FOURS: (s.DState + 3) / 4, SIZE: scanSize, TILE: tile, UNGATED: s.Ungated, VECTORS: s.DState%4 == 0 && s.DInner%2 == 0,
	}, [3]uint32{blocks(s.DInner, scanSize), uint32(rows), 1}}
}

// SelectiveStateUpdate records dt_proj and the recurrence for one token, or for
// those that go apart: xz holds x after the convolution, then z; y takes [d_inner].
// norm, nil for none, is what dbc passes through first.
func (r *Recorder) SelectiveStateUpdate(s reference.ScanShape, dtProj *Weight, norm *DBCNorm, dbc, xz, params, ssmState, y *gpu.Buffer) {
	rows := r.planner().rows()
	r.want("selective_state_update", "dt, B, C", dbc, rows, s.DTRank+2*s.DState)
	r.want("selective_state_update", "xz", xz, rows, 2*s.DInner)
	r.want("selective_state_update", "A_log, D, dt_bias", params, s.DInner, s.DState+2)
	r.want("selective_state_update", "ssm_state", ssmState, r.states(), s.DInner, s.DState)
	r.want("selective_state_update", "y", y, rows, s.DInner)
	if norm != nil {
		norm.want(r, "selective_state_update", s, params)
	}
	p := r.planner()
	for _, part := range dtProj.Parts {
		buffers := append(dtProj.buffers(part), dbc, xz, params, ssmState, y)
		if r.Apart {
			buffers = append(buffers, r.Cursor)
		}
		r.record(p.selectiveStateUpdate(s, dtProj, norm, part), buffers...)
	}
}

type selectiveStateUpdate struct {
	cursorConstants
	weightConstants
	subgroupConstants
	IN, OUT, ROW0, D_INNER, D_STATE, LANES, TURNS, PER int
	EPS                                                float64
	UNGATED, ROWS, WORDS, NORM, GAINED                 bool
}

func (selectiveStateUpdate) stem() string { return "selective_state_update" }

func (p planner) selectiveStateUpdate(s reference.ScanShape, dtProj *Weight, norm *DBCNorm, part Part) plan {
	lanes := 16
	switch {
	case p.CPU:
		lanes = 1
	case p.Subgroup > 0:
		lanes = min(lanes, p.Subgroup)
	}
	per := 32 / dtProj.DType.Bits()
	k := selectiveStateUpdate{
		weightConstants: dtProj.constants(), subgroupConstants: p.subgroups(lanes),
		IN: dtProj.In, OUT: part.Rows, ROW0: part.Row0, D_INNER: s.DInner, D_STATE: s.DState, LANES: lanes, TURNS: int(blocks(s.DState, lanes)), UNGATED: s.Ungated, ROWS: p.apart,
		PER: per, WORDS: dtProj.In%per == 0,
	}
	if norm != nil {
		k.NORM, k.GAINED, k.EPS = true, norm.Gained, norm.Eps
	}
	return plan{k, [3]uint32{blocks(part.Rows, 64/lanes), 1, 1}}
}
