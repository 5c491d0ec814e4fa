package kernel

import (
	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/reference"
	"github.com/samba-web/samba/shaders"
)

// NormDBC records the RMSNorms of x_proj's results, in place: dbc [tokens,
// dt_rank + 2 d_state]; gain [dt_rank + 2 d_state] is the gains of dt, B and C
// one after another, nil for none.
func (r *Recorder) NormDBC(s reference.ScanShape, dbc, gain *gpu.Buffer, eps float64) {
	width := s.DTRank + 2*s.DState
	r.want("norm_dbc", "dt, B, C", dbc, r.Tokens, width)
	buffers := []*gpu.Buffer{dbc}
	if gain != nil {
		r.want("norm_dbc", "gains", gain, width)
		buffers = append(buffers, gain)
	}
	size := 64
	if r.variant().CPU {
		size = 8 // threads take turns at every barrier there
	}
	r.dispatch("norm_dbc", shaders.Constants{"DT_RANK": s.DTRank, "D_STATE": s.DState, "EPS": eps, "SIZE": size, "PLAIN": gain == nil},
		[3]uint32{uint32(r.Tokens), 3, 1}, buffers...)
}
