package kernel

import (
	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/gpu/reference"
)

// DBCNorm is RMSNorms of dt, B and C. Gained: their gains [dt_rank + 2 d_state], one
// after another, follow dt_bias in the scan's params; else they have none.
type DBCNorm struct {
	Eps    float64
	Gained bool
}

// want fails the recording if the gains are missing.
func (n DBCNorm) want(r *Recorder, stem string, s reference.ScanShape, params *gpu.Buffer) {
	if n.Gained {
		r.want(stem, "A_log, D, dt_bias and gains", params, s.DInner*(s.DState+2)+s.DTRank+2*s.DState)
	}
}

// NormDBC records the norms of x_proj's results, in place: dbc [tokens, dt_rank +
// 2 d_state]; params are SelectiveScan's.
func (r *Recorder) NormDBC(s reference.ScanShape, n DBCNorm, dbc, params *gpu.Buffer) {
	r.want("norm_dbc", "dt, B, C", dbc, r.Tokens, s.DTRank+2*s.DState)
	buffers := []*gpu.Buffer{dbc}
	if n.Gained {
		n.want(r, "norm_dbc", s, params)
		buffers = append(buffers, params)
	}
	r.record(r.planner().normDBC(s, n), buffers...)
}

type normDBC struct {
	DT_RANK, D_STATE, SIZE, GAIN0 int
	EPS                           float64
	PLAIN                         bool
}

func (normDBC) stem() string { return "norm_dbc" }

func (p planner) normDBC(s reference.ScanShape, n DBCNorm) plan {
	k := normDBC{DT_RANK: s.DTRank, D_STATE: s.DState, EPS: n.Eps, SIZE: p.meeting(64), PLAIN: !n.Gained}
	if n.Gained {
		k.GAIN0 = s.DInner * (s.DState + 2)
	}
	return plan{k, [3]uint32{uint32(p.tokens), 3, 1}}
}
