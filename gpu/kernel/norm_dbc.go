package kernel

import (
	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/reference"
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
	r.record(r.planner().normDBC(s, gain == nil, eps), buffers...)
}

type normDBC struct {
	DT_RANK, D_STATE, SIZE int
	EPS                    float64
	PLAIN                  bool
}

func (normDBC) stem() string { return "norm_dbc" }

func (p planner) normDBC(s reference.ScanShape, plain bool, eps float64) plan {
	return plan{normDBC{DT_RANK: s.DTRank, D_STATE: s.DState, EPS: eps, SIZE: p.meeting(64), PLAIN: plain}, [3]uint32{uint32(p.tokens), 3, 1}}
}
