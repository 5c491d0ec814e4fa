package reference

// Embedding is x[t, :] = E[ids[t], :], with E's rows as w's.
func Embedding(w *Weight, ids []uint32, x []float32) {
	for t, id := range ids {
		w.Row(int(id), x[t*w.In:(t+1)*w.In])
	}
}
