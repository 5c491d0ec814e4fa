package kernel

import (
	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/reference"
	"github.com/samba-web/samba/shaders"
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
	tile, rows := 8, 1
	if r.Slots > 0 {
		tile, rows = 1, r.Tokens
	}
	r.dispatch("selective_scan", shaders.Constants{"D_INNER": s.DInner, "D_STATE": s.DState, "D_CONV": s.DConv, "DT_RANK": s.DTRank, "FOURS": (s.DState + 3) / 4, "SIZE": scanSize, "TILE": tile, "UNGATED": s.Ungated},
		[3]uint32{blocks(s.DInner, scanSize), uint32(rows), 1}, dtY, x, xz, dbc, params, ssmState, convState, r.Cursor)
}

// SelectiveStateUpdate records dt_proj and the recurrence for one token: xz
// holds x after the convolution, then z; y takes [d_inner].
func (r *Recorder) SelectiveStateUpdate(s reference.ScanShape, dtProj *Weight, dbc, xz, params, ssmState, y *gpu.Buffer) {
	r.want("selective_state_update", "dt, B, C", dbc, s.DTRank+2*s.DState)
	r.want("selective_state_update", "xz", xz, 2*s.DInner)
	r.want("selective_state_update", "A_log, D, dt_bias", params, s.DInner, s.DState+2)
	r.want("selective_state_update", "ssm_state", ssmState, s.DInner, s.DState)
	r.want("selective_state_update", "y", y, s.DInner)
	v := r.variant()
	lanes := 16
	switch {
	case v.CPU:
		lanes = 1
	case v.Subgroup > 0:
		lanes = min(lanes, v.Subgroup)
	}
	for _, p := range dtProj.Parts {
		c := dtProj.constants()
		c["IN"], c["OUT"], c["ROW0"] = dtProj.In, p.Rows, p.Row0
		c["D_INNER"], c["D_STATE"], c["LANES"], c["TURNS"] = s.DInner, s.DState, lanes, int(blocks(s.DState, lanes))
		c["UNGATED"] = s.Ungated
		c["SUBGROUPS"] = v.Subgroup > 0 && lanes > 1
		c["SHARED"] = v.Subgroup == 0 && lanes > 1
		r.dispatch("selective_state_update", c, [3]uint32{blocks(p.Rows, 64/lanes), 1, 1},
			append(dtProj.buffers(p), dbc, xz, params, ssmState, y)...)
	}
}
