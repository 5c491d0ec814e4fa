package kernel

import "github.com/samba-web/samba/gpu"

// Embedding records x[t, :] = Factor E[ids[t], :]; each id joins history [historySize]
// at its absolute position. Of a batch, each sequence has its id and its history.
func (r *Recorder) Embedding(e *Weight, ids, x, history *gpu.Buffer) {
	r.want("embedding", "ids", ids, r.Tokens)
	r.want("embedding", "x", x, r.Tokens, e.In)
	p := r.planner()
	for _, part := range e.Parts {
		r.record(p.embedding(e, part, int(history.Size()/4)/p.places()), append(e.buffers(part), ids, x, history, r.Cursor)...)
	}
}

type embedding struct {
	cursorConstants
	weightConstants
	IN, OUT, ROW0, HISTORY int
	FACTOR                 float64
}

func (embedding) stem() string { return "embedding" }

func (p planner) embedding(e *Weight, part Part, history int) plan {
	return plan{embedding{
		cursorConstants: p.cursor(), weightConstants: e.constants(),
		IN: e.In, OUT: part.Rows, ROW0: part.Row0, HISTORY: history, FACTOR: factor(e.Factor),
	}, [3]uint32{blocks(e.In, 64), uint32(p.tokens), 1}}
}
