package reference

// Embedding is x[t, :] = Factor E[ids[t], :], with E's rows as w's.
func Embedding(w *Weight, ids []uint32, x []float32) {
	for t, id := range ids {
		row := x[t*w.In : (t+1)*w.In]
		w.Row(int(id), row)
		if w.Factor != 0 {
			for i := range row {
				row[i] *= w.Factor
			}
		}
	}
}
