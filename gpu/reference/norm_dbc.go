package reference

// NormDBC passes each token's dt, B and C through an RMSNorm of its own, in
// place: dbc [count, DTRank + 2 DState]; gain [DTRank + 2 DState] is their gains
// one after another, nil for none.
func NormDBC(s ScanShape, dbc, gain []float32, eps float64, count int) {
	width := s.DTRank + 2*s.DState
	for t := range count {
		from := t * width
		for i, n := range []int{s.DTRank, s.DState, s.DState} {
			at := []int{0, s.DTRank, s.DTRank + s.DState}[i]
			var own []float32
			if gain != nil {
				own = gain[at : at+n]
			}
			normalize(dbc[from+at:from+at+n], own, eps, dbc[from+at:])
		}
	}
}
