package kernel

import "github.com/samba-web/samba/gpu"

// Embedding records x[t, :] = Factor E[ids[t], :]; each id joins history [historySize]
// at its absolute position. Of a batch, each sequence has its id and its history.
func (r *Recorder) Embedding(e *Weight, ids, x, history *gpu.Buffer) {
	r.want("embedding", "ids", ids, r.Tokens)
	r.want("embedding", "x", x, r.Tokens, e.In)
	for _, p := range e.Parts {
		c := e.constants()
		c["IN"], c["OUT"] = e.In, p.Rows
		c["ROW0"], c["HISTORY"] = p.Row0, int(history.Size()/4)/r.places()
		if e.Factor != 0 {
			c["FACTOR"] = e.Factor
		}
		r.dispatch("embedding", c, [3]uint32{blocks(e.In, 64), uint32(r.Tokens), 1},
			append(e.buffers(p), ids, x, history, r.Cursor)...)
	}
}
