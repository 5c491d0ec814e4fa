package cpu

import (
	"github.com/samba-web/samba/gpu/reference"
	"github.com/samba-web/samba/model/graph"
)

func (m *steps) QKV(w *graph.Attention[array, weight], n graph.Norm[array], a *graph.Activations[array]) {
	m.normLinear(a.X, n, w.QKV, a.QKV)
	m.keep(w, m.state, a.QKV, m.pos, len(m.ids))
}

func (m *steps) Attend(w *graph.Attention[array, weight], a *graph.Activations[array], out array) {
	m.attend(w, m.state, a.QKV, out, m.pos, len(m.ids))
}

func (m *batchSteps) QKV(w *graph.Attention[array, weight], n graph.Norm[array], a *graph.Activations[array]) {
	m.normLinear(a.X, n, w.QKV, a.QKV)
	for t, row := range m.rows {
		m.keep(w, row.run.state, a.QKV[t*w.QKV.Out:], row.pos, 1)
	}
}

func (m *batchSteps) Attend(w *graph.Attention[array, weight], a *graph.Activations[array], out array) {
	for t, row := range m.rows {
		m.attend(w, row.run.state, a.QKV[t*w.QKV.Out:], out[t*w.OProj.In:], row.pos, 1)
	}
}

// keep stores the keys and values of count tokens, from pos on.
func (m *steps) keep(w *graph.Attention[array, weight], state graph.State[array], qkv array, pos, count int) {
	shape, keys, values := ring(state[w.Layer][w.KV], w.Shape)
	if w.HeadNorm != nil {
		reference.HeadNorm(shape, qkv, *w.HeadNorm, m.config.RMSNormEps, count)
	}
	if !shape.Cross {
		m.RoPE(shape, qkv, keys, values, pos, count)
	}
}

// attend lets the queries of count tokens, from pos on, look back.
func (m *steps) attend(w *graph.Attention[array, weight], state graph.State[array], qkv, out array, pos, count int) {
	shape, keys, values := ring(state[w.Layer][w.KV], w.Shape)
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
