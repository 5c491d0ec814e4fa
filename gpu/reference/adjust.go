package reference

// Adjustment is what changes logits before the sampler sees them.
type Adjustment struct {
	Presence  float32   // taken from tokens that the answer has already
	Frequency float32   // taken once for each time that it has them
	Bias      []float32 // [vocab], added
	Counts    []uint32  // [vocab] how often the answer has each token
	Allowed   []uint32  // [vocab/32, rounded up] one bit a token; nil: all
}

// Forbidden is the logit of tokens that are not allowed: no noise lifts it to
// any other, and it stays finite under penalties.
const Forbidden = -1e30

// Adjust is the twin of adjust.wgsl.
func Adjust(a Adjustment, logits []float32) {
	for i := range logits {
		l := logits[i] + a.Bias[i]
		if n := a.Counts[i]; n > 0 {
			l -= a.Presence + a.Frequency*float32(n)
		}
		if a.Allowed != nil && a.Allowed[i/32]>>(i%32)&1 == 0 {
			l = Forbidden
		}
		logits[i] = l
	}
}
