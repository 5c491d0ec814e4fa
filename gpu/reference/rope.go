package reference

import "math"

// AttentionShape are the sizes of an attention layer. Ring is the number of
// positions that the KV ring holds; Window is the number of keys that a query
// sees, its own included, 0 for all (full attention), of which none may wrap
// around the ring; Theta 0 means no RoPE. Scale multiplies the products of
// queries and keys, 0 for 1/sqrt(HeadDim). Cross: a token's row has queries
// alone, and keys and values are another layer's. Differential: see
// DifferentialAttention. Halves: keys and values are fp16 where they are kept.
type AttentionShape struct {
	Heads, KVHeads, HeadDim int
	Ring, Window            int
	Theta                   float64
	Scale                   float64
	Cross, Differential     bool
	Halves                  bool
}

// RowHeads is the number of heads in a token's row of qkv.
func (s AttentionShape) RowHeads() int {
	if s.Cross {
		return s.Heads
	}
	return s.Heads + 2*s.KVHeads
}

// Factor is Scale, or its default.
func (s AttentionShape) Factor() float64 {
	if s.Scale != 0 {
		return s.Scale
	}
	return 1 / math.Sqrt(float64(s.HeadDim))
}

// HeadNorm passes each head of q and of k in qkv through an RMSNorm, in place,
// before they turn: norm [2, HeadDim] is the gains of q, then of k.
func HeadNorm(s AttentionShape, qkv, norm []float32, eps float64, count int) {
	for t := range count {
		for head := range s.Heads + s.KVHeads {
			v := qkv[(t*(s.Heads+2*s.KVHeads)+head)*s.HeadDim:][:s.HeadDim]
			gain := norm[:s.HeadDim]
			if head >= s.Heads {
				gain = norm[s.HeadDim:]
			}
			normalize(v, gain, eps, v)
		}
	}
}

// RoPE turns the queries of qkv [count, (Heads + 2 KVHeads) HeadDim] in place
// by their positions pos, pos+1, ... and stores turned keys and plain values in
// the rings keys and values [Ring, KVHeads, HeadDim] (RoFormer, section 3.4.2,
// halves as in GPT-NeoX).
func RoPE(s AttentionShape, qkv, keys, values []float32, pos, count int) {
	half := s.HeadDim / 2
	for t := range count {
		slot := (pos + t) % s.Ring * s.KVHeads
		for head := range s.Heads + 2*s.KVHeads {
			v := qkv[(t*(s.Heads+2*s.KVHeads)+head)*s.HeadDim:][:s.HeadDim]
			target := v
			switch {
			case head >= s.Heads+s.KVHeads:
				target = values[(slot+head-s.Heads-s.KVHeads)*s.HeadDim:][:s.HeadDim]
				copy(target, v)
				s.round(target)
				continue
			case head >= s.Heads:
				target = keys[(slot+head-s.Heads)*s.HeadDim:][:s.HeadDim]
			}
			for i := range half {
				sin, cos := 0.0, 1.0
				if s.Theta > 0 {
					sin, cos = math.Sincos(float64(pos+t) * math.Pow(s.Theta, -2*float64(i)/float64(s.HeadDim)))
				}
				a, b := float64(v[i]), float64(v[i+half])
				target[i], target[i+half] = float32(a*cos-b*sin), float32(a*sin+b*cos)
			}
			if head >= s.Heads {
				s.round(target)
			}
		}
	}
}

// round makes of a key or a value what is kept of it.
func (s AttentionShape) round(head []float32) {
	if s.Halves {
		copy(head, UnpackHeads(s.HeadDim, PackHeads(s.HeadDim, head)))
	}
}

// AngleTables are the turns that rope.wgsl composes: [4, 256, HeadDim/2] pairs
// of cos and sin, level l, entry j the turn by j*256^l positions.
func AngleTables(headDim int, theta float64) []float32 {
	half := headDim / 2
	out := make([]float32, 0, 4*256*half*2)
	for level := range 4 {
		for j := range 256 {
			for i := range half {
				sin, cos := math.Sincos(float64(j<<(8*level)) * math.Pow(theta, -2*float64(i)/float64(headDim)))
				out = append(out, float32(cos), float32(sin))
			}
		}
	}
	return out
}
