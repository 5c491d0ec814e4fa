package kernel

import (
	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/reference"
	"github.com/samba-web/samba/shaders"
)

// SelectiveScan records Mamba's recurrence; buffers and shapes are those of
// reference.SelectiveScan.
func (r *Recorder) SelectiveScan(s reference.ScanShape, dtY, x, xz, dbc, params, ssmState, convState *gpu.Buffer) {
	r.want("selective_scan", "dt", dtY, r.Tokens, s.DInner)
	r.want("selective_scan", "x", x, r.Tokens, s.DInner)
	r.want("selective_scan", "xz", xz, r.Tokens, 2*s.DInner)
	r.want("selective_scan", "dt, B, C", dbc, r.Tokens, s.DTRank+2*s.DState)
	r.want("selective_scan", "A_log, D, dt_bias", params, s.DInner, s.DState+2)
	r.want("selective_scan", "ssm_state", ssmState, s.DInner, s.DState)
	r.want("selective_scan", "conv_state", convState, s.DInner, s.DConv-1)
	r.dispatch("selective_scan", shaders.Constants{"D_INNER": s.DInner, "D_STATE": s.DState, "D_CONV": s.DConv, "DT_RANK": s.DTRank},
		[3]uint32{blocks(s.DInner, 64), 1, 1}, dtY, x, xz, dbc, params, ssmState, convState, r.Cursor)
}
