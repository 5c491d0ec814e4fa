package reference

// SquaredReLU is h = max(h, 0)^2, in place (Primer, section 3).
func SquaredReLU(h []float32) {
	for i, v := range h {
		v = max(v, 0)
		h[i] = v * v
	}
}
