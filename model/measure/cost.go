package measure

import (
	"strings"

	"github.com/samba-web/samba/model"
	"github.com/samba-web/samba/model/config"
	"github.com/samba-web/samba/model/graph"
)

// Cost is the least that a pass of the graph has to do, however well it is
// written: what it must move to and from memory once, and what it must compute.
type Cost struct {
	Bytes int64 `json:"bytes"` // weights and state; what lies between the steps of a pass can stay on chip
	State int64 `json:"state"` // of them, the state's
	Ops   int64 `json:"ops"`   // of arithmetic, a multiply-add counting as two; dequantization, norms and gates are left out
}

// CostOf counts a pass over tokens tokens that follow pos others, with the
// logits of the last one.
func CostOf(m *model.Model, pos, tokens int) Cost { return cost(m.Config(), pos, tokens, m.Stored) }

func cost(c *config.Config, pos, tokens int, stored func(name string) (bits, group int)) Cost {
	var sum Cost
	n := int64(tokens)
	matrix := func(name string, rows, width int) int64 {
		bits, group := stored(name)
		bytes := int64(rows) * int64(width) * int64(bits) / 8
		if group > 0 {
			bytes += int64(rows) * int64(width/group) * 4
		}
		return bytes
	}
	for _, spec := range c.TensorSpecs() {
		size := int64(1)
		for _, d := range spec.Shape {
			size *= int64(d)
		}
		switch {
		case spec.Name == config.EmbedTokens: // a row for each token
			sum.Bytes += n * matrix(spec.Name, 1, spec.Shape[1])
		case spec.Name == config.LMHead: // below
		case strings.HasSuffix(spec.Name, "_proj.weight"):
			sum.Bytes += matrix(spec.Name, spec.Shape[0], spec.Shape[1])
			sum.Ops += 2 * size * n
		default:
			sum.Bytes += 4 * size
		}
	}
	head := config.LMHead
	if c.TieEmbeddings {
		head = config.EmbedTokens
	}
	sum.Bytes += matrix(head, c.VocabSize, c.HiddenSize)
	sum.Ops += 2 * int64(c.VocabSize) * int64(c.HiddenSize)

	// A window's ring is the window here: how much more a machine keeps costs nothing.
	for _, l := range graph.Sketch(c, func(window int) int { return window }).Layers {
		state, ops := l.Mixer.Cost(pos, tokens)
		sum.State += state
		sum.Ops += ops
	}
	sum.Bytes += sum.State
	return sum
}
