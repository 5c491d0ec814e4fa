package reference

// GroupNorm passes y [count, len(gain)] through RMSNorms of its groups, one
// after another in a row, in place, and multiplies it by SiLU(z) unless z is nil.
func GroupNorm(y, gain []float32, eps float64, groups int, z []float32, g Gate, count int) {
	width := len(gain) / groups
	for i := range count * groups {
		t, at := i/groups, i%groups*width
		row := y[i*width : (i+1)*width]
		normalize(row, gain[at:at+width], eps, row)
		if z != nil {
			for j := range row {
				row[j] = float32(float64(row[j]) * g.of(z, t, at+j))
			}
		}
	}
}
