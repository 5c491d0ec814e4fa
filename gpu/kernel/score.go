package kernel

import (
	"github.com/samba-web/samba/gpu"
	"github.com/samba-web/samba/shaders"
)

// Score records scores[t] = log softmax(logits[t, :])[next[t]], with logits
// [Tokens, vocab].
func (r *Recorder) Score(logits, next, scores *gpu.Buffer, vocab int) {
	r.want("score", "logits", logits, r.Tokens, vocab)
	r.want("score", "next", next, r.Tokens)
	r.want("score", "scores", scores, r.Tokens)
	r.dispatch("score", shaders.Constants{"VOCAB": vocab}, [3]uint32{uint32(r.Tokens), 1, 1}, logits, next, scores)
}
