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

// Pass is a pass of the graph over some tokens.
type Pass struct {
	Pos      int // tokens before them
	Tokens   int
	Finished int  // the last of them, which pass all layers; the others pass those that carry state
	Logits   bool // of the last one
}

// Step is a token's pass at a position, from its embedding to its logits.
func Step(pos int) Pass { return Pass{Pos: pos, Tokens: 1, Finished: 1, Logits: true} }

// CostOf counts a pass.
func CostOf(m *model.Model, p Pass) Cost { return cost(m.Config(), m.HalfKeys(), p, m.Stored) }

func cost(c *config.Config, halfKeys bool, p Pass, stored func(name string) (bits, group int)) Cost {
	var sum Cost
	// A window's ring is the window here: how much more a machine keeps costs nothing.
	g := graph.Sketch(c, graph.Rings{Positions: func(window int) int { return window }, Halves: halfKeys})
	matrix := func(name string, rows, width int) int64 {
		bits, group := stored(name)
		bytes := int64(rows) * int64(width) * int64(bits) / 8
		if group > 0 {
			bytes += int64(rows) * int64(width/group) * 4
		}
		return bytes
	}
	for _, spec := range c.TensorSpecs() {
		n := int64(p.Tokens)
		if g.Late(spec.Name) {
			n = int64(p.Finished)
		}
		if n == 0 {
			continue
		}
		size := int64(1)
		for _, d := range spec.Shape {
			size *= int64(d)
		}
		switch {
		case spec.Name == config.EmbedTokens: // a row for each token
			sum.Bytes += n * matrix(spec.Name, 1, spec.Shape[1])
		case spec.Name == config.LMHead: // below
		case strings.HasPrefix(spec.Name, "norm.") && !p.Logits: // which nothing passes
		case strings.HasSuffix(spec.Name, "_proj.weight"):
			sum.Bytes += matrix(spec.Name, spec.Shape[0], spec.Shape[1])
			sum.Ops += 2 * size * n
		default:
			sum.Bytes += 4 * size
		}
	}
	if p.Logits {
		head := config.LMHead
		if c.TieEmbeddings {
			head = config.EmbedTokens
		}
		sum.Bytes += matrix(head, c.VocabSize, c.HiddenSize)
		sum.Ops += 2 * int64(c.VocabSize) * int64(c.HiddenSize)
	}
	state, ops := g.Cost(p.Pos, p.Tokens, p.Finished)
	sum.State, sum.Ops = state, sum.Ops+ops
	sum.Bytes += sum.State
	return sum
}
