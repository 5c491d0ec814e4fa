package cpu

import (
	"github.com/samba-web/samba/gpu/reference"
	"github.com/samba-web/samba/model/graph"
)

func (m *steps) Attention(_ int, w *graph.Attention[array, weight], n graph.Norm[array], a *graph.Activations[array], out array) {
	m.normLinear(a.X, n, w.QKV, a.QKV)
	m.attend(w, m.state, a.QKV, out, m.pos, len(m.ids))
}

func (m *batchSteps) Attention(_ int, w *graph.Attention[array, weight], n graph.Norm[array], a *graph.Activations[array], out array) {
	m.normLinear(a.X, n, w.QKV, a.QKV)
	for t, row := range m.rows {
		m.attend(w, row.run.state, a.QKV[t*w.QKV.Out:], out[t*w.OProj.In:], row.pos, 1)
	}
}

// attend stores the keys and values of count tokens, from pos on, and lets their queries look back.
func (m *steps) attend(w *graph.Attention[array, weight], state graph.State[array], qkv, out array, pos, count int) {
	shape, keys, values := ring(state[w.Layer][w.KV], w.Shape)
	if w.HeadNorm != nil {
		reference.HeadNorm(shape, qkv, *w.HeadNorm, m.config.RMSNormEps, count)
	}
	if !shape.Cross {
		m.RoPE(shape, qkv, keys, values, pos, count)
	}
	if w.Pairs != nil {
		m.DifferentialAttention(shape, qkv, keys, values, *w.Pairs, out, pos, count)
		return
	}
	m.WindowAttention(shape, qkv, keys, values, out, pos, count)
}

// ring takes keys and values apart, and says how many there are room for.
func ring(kv array, s reference.AttentionShape) (shape reference.AttentionShape, keys, values array) {
	keys, values = kv[:len(kv)/2], kv[len(kv)/2:]
	s.Ring = len(keys) / (s.KVHeads * s.HeadDim)
	return s, keys, values
}
