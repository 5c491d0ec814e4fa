package kernel

import "github.com/samba-web/samba/gpu"

// Score records scores[t] = log softmax(logits[t, :])[next[t]], with logits
// [Tokens, vocab].
func (r *Recorder) Score(logits, next, scores *gpu.Buffer, vocab int) {
	r.want("score", "logits", logits, r.Tokens, vocab)
	r.want("score", "next", next, r.Tokens)
	r.want("score", "scores", scores, r.Tokens)
	r.record(r.planner().score(vocab), logits, next, scores)
}

type score struct {
	reduceConstants
	VOCAB int
}

func (score) stem() string { return "score" }

func (p planner) score(vocab int) plan {
	return plan{score{reduceConstants: reduceAlone, VOCAB: vocab}, [3]uint32{uint32(p.tokens), 1, 1}}
}
