package reference

// Gate is a token's z, and where its values lie: from Offset on in rows of
// Stride. Factor multiplies them, 0 for 1.
type Gate struct {
	Stride, Offset int
	Factor         float64
}

// of is SiLU of z's value i of token t.
func (g Gate) of(z []float32, t, i int) float64 {
	return SiLU(orOne(g.Factor) * float64(z[t*g.Stride+g.Offset+i]))
}

// Gated is out[t, i] = SiLU(z[t, i]) * m[t, i], m and out [count, width].
func Gated(z []float32, g Gate, m, out []float32, width, count int) {
	for t := range count {
		for i := range width {
			out[t*width+i] = float32(g.of(z, t, i) * float64(m[t*width+i]))
		}
	}
}
