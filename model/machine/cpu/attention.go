package cpu

import (
	"github.com/samba-web/samba/gpu/reference"
	"github.com/samba-web/samba/model/graph"
)

func (m *steps) Attention(i int, w *graph.Attention[array, weight], gain array, a *graph.Activations[array]) {
	m.normLinear(a.X, gain, w.QKV, a.QKV)
	shape, keys, values := ring(m.state[i][graph.AttentionKV], w.Shape)
	m.RoPE(shape, a.QKV, keys, values, m.pos, len(m.ids))
	m.WindowAttention(shape, a.QKV, keys, values, a.Mixed, m.pos, len(m.ids))
}

func (m *batchSteps) Attention(i int, w *graph.Attention[array, weight], gain array, a *graph.Activations[array]) {
	m.normLinear(a.X, gain, w.QKV, a.QKV)
	for t, row := range m.rows {
		shape, keys, values := ring(row.run.state[i][graph.AttentionKV], w.Shape)
		qkv, out := a.QKV[t*w.QKV.Out:], a.Mixed[t*w.OProj.In:]
		m.RoPE(shape, qkv, keys, values, row.pos, 1)
		m.WindowAttention(shape, qkv, keys, values, out, row.pos, 1)
	}
}

// ring takes keys and values apart, and says how many there are room for.
func ring(kv array, s reference.AttentionShape) (shape reference.AttentionShape, keys, values array) {
	keys, values = kv[:len(kv)/2], kv[len(kv)/2:]
	s.Ring = len(keys) / (s.KVHeads * s.HeadDim)
	return s, keys, values
}
