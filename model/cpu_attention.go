package model

import "github.com/samba-web/samba/gpu/reference"

func (m *cpuMachine) attention(i int, w *attention[cpuArray, cpuWeight], gain cpuArray, a *activations[cpuArray]) {
	m.normLinear(a.x, gain, w.qkv, a.qkv)
	shape, keys, values := ring(m.state[i][attentionKV], w.shape)
	m.RoPE(shape, a.qkv, keys, values, m.pos, len(m.ids))
	m.WindowAttention(shape, a.qkv, keys, values, a.mixed, m.pos, len(m.ids))
}

func (m *cpuBatchMachine) attention(i int, w *attention[cpuArray, cpuWeight], gain cpuArray, a *activations[cpuArray]) {
	m.normLinear(a.x, gain, w.qkv, a.qkv)
	for t, row := range m.rows {
		shape, keys, values := ring(row.run.state[i][attentionKV], w.shape)
		qkv, out := a.qkv[t*w.qkv.Out:], a.mixed[t*w.oProj.In:]
		m.RoPE(shape, qkv, keys, values, row.pos, 1)
		m.WindowAttention(shape, qkv, keys, values, out, row.pos, 1)
	}
}

// ring takes keys and values apart, and says how many there are room for.
func ring(kv cpuArray, s reference.AttentionShape) (shape reference.AttentionShape, keys, values cpuArray) {
	keys, values = kv[:len(kv)/2], kv[len(kv)/2:]
	s.Ring = len(keys) / (s.KVHeads * s.HeadDim)
	return s, keys, values
}
