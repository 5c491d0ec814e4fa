package reference

// SwiGLU is h[t, i] = SiLU(g[t, i]) * u[t, i]; gateUp [count, 2 width] holds a
// token's g, then its u.
func SwiGLU(gateUp, h []float32, width, count int) {
	for t := range count {
		g := gateUp[t*2*width:]
		for i := range width {
			h[t*width+i] = float32(SiLU(float64(g[i])) * float64(g[width+i]))
		}
	}
}
